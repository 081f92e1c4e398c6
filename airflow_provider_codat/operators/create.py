"""Creating one record in a company's books, of whatever data type."""

from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, Unpack

from airflow_provider_codat.api.create.intent import (
    Done,
    IfExists,
    OnUnknownOutcome,
    Write,
    Written,
)
from airflow_provider_codat.api.create.next_step import OnClear, generations
from airflow_provider_codat.api.data_types import data_type_of
from airflow_provider_codat.api.models import Summary
from airflow_provider_codat.operators.codat_operator import documented
from airflow_provider_codat.operators.write import PayloadOperator, WriteRecordOperator
from airflow_provider_codat.tasks.arguments import argument
from airflow_provider_codat.tasks.before_create import check_before_create
from airflow_provider_codat.tasks.create import write_of
from airflow_provider_codat.tasks.destination import destination_of
from airflow_provider_codat.tasks.identity import clear_count_of, item_of
from airflow_provider_codat.tasks.options import (
    CreateKwargs,
    CreateOptions,
    CreateRecordKwargs,
    PayloadKwargs,
    WriteOptions,
    read_options,
)
from airflow_provider_codat.tasks.payload_check import checked_payload
from airflow_provider_codat.tasks.task_journal import (
    TaskJournal,
    open_journal,
    reopen_journal,
)
from airflow_provider_codat.tasks.waiting import check_no_secrets

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

T = TypeVar("T")


class CreateOperator(PayloadOperator[T], Generic[T]):
    """Creates records, one or many; an operator of each data type says which.

    :param preflight: whether to ask Codat first if the connection is linked and its
        software can create such records. See ``docs/preflight.md``.
    :param if_exists: what to do if such a record is in the books already: ``skip``
        returns it, ``fail`` fails the task; nothing is sent. By default nobody looks.
        It is the one protection against what *other* DAG runs have created.
    :param match_on: by which properties such a record is known: one that both have, and
        that is the same, suffices. By default, by those that identify it.
    :param on_unknown_outcome: what to do when nobody knows whether a record was
        created: ``reconcile`` looks into the books, ``fail`` sends nothing more,
        ``resend`` may create it twice.
    :param on_clear: what a task does that had succeeded and was cleared: ``reuse``
        returns the same record, ``create`` creates another.
    """

    def __init__(
        self,
        *,
        item_key: str | None = None,
        preflight: bool = False,
        if_exists: IfExists | None = None,
        match_on: Collection[str] | None = None,
        on_unknown_outcome: OnUnknownOutcome = "reconcile",
        on_clear: OnClear = "reuse",
        **kwargs: Unpack[PayloadKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.item_key = item_key
        self.preflight = preflight
        self.if_exists = if_exists
        self.match_on = match_on
        self.on_unknown_outcome = on_unknown_outcome
        self.on_clear = on_clear


class SubmitRecordOperator(WriteRecordOperator):
    """Submits one write under an idempotency key; what it writes, its heirs know."""

    item_key: str | None

    @abstractmethod
    def _checked(
        self, journal: TaskJournal, context: "Context"
    ) -> tuple[Write, WriteOptions]:
        """Return what is to be written, once all that can be checked before was."""

    def _write(self, context: "Context") -> Summary:
        journal = open_journal(self._run_of(context), self.item_key)
        write, options = self._checked(journal, context)
        self._under_way = f"a create (idempotency key {write.key_of(0)}) was under way"
        written = self.hook.submit(
            write,
            journal.past,
            note=journal.note,
            on_pause=self._on_deferrable_pause(context, may_defer=write.may_defer),
        )
        self._under_way = ""
        if isinstance(written, Done):
            self._push(written.result, context)
            return self._judged(written.result, context)
        written = self._awaited(written, options, write.redact, context)
        return self._conclude(written, journal, write.redact, context)

    def _complete(self, context: "Context", event: object) -> Summary:
        _, operation = self._seen(context, event)
        journal = reopen_journal(self._run_of(context), self.item_key, operation.key)
        written = journal.written(operation)
        return self._conclude(written, journal, self._redactor(), context)

    def _conclude(
        self,
        written: Written,
        journal: TaskJournal,
        redact: Callable[[str], str],
        context: "Context",
    ) -> Summary:
        """Return the result of a push operation, or raise what its end means."""
        result = self.hook.conclude(
            written,
            note=journal.note,
            redact=redact,
            clear_count=clear_count_of(context),
        )
        for warning in result["warnings"]:
            self.log.warning("Push operation %s: %s", written.operation.key, warning)
        return self._judged(result, context)

    def _log_result(self, result: Summary) -> None:
        key, record_id = result["push_operation_key"], result["record_id"]
        if result["status"] != "Success":
            return
        if record_id is None:
            self.log.warning(
                "Push operation %s succeeded, but Codat does not say which record it "
                "became",
                key,
            )
        elif key:
            self.log.info("Push operation %s succeeded: record %s", key, record_id)


class CreateRecordOperator(CreateOperator[Summary], SubmitRecordOperator):
    """Creates one record; an operator of each data type says what it is given.

    The payload is checked, and what is about to be done is written down, before
    anything is sent; then the push operation is waited for. Whatever happens meanwhile,
    the next try goes on from what was written down.

    :param item_key: what names this record among those of a mapped task, such as its
        number in your own system. Without it a mapped task relies on the order of the
        list staying as it is. (templated)
    :param idempotency_key: a UUID of your own in place of the derived one. (templated)
    :param unknown_resolution: what a person found out about a record of which this
        task said ``OutcomeUnknown``: ``not_created``, or the record's id. It is obeyed
        once, after the task was cleared. (templated)
    :return: a dict of ``push_operation_key``, ``status`` (Codat's, or ``Exists``),
        ``record_id`` (None unless it is in the books), ``company_id``,
        ``connection_id``, ``warnings`` (texts), ``requested_at``, ``completed_at``
        (times as Codat writes them), ``adopted`` (whether it was found in the books
        after the answer was lost).
    :raises PayloadInvalid: with every problem; nothing was sent.
    :raises ConnectionUnusable: nothing was sent.
    :raises AlreadyExists: with ``if_exists``; nothing was sent.
    :raises PushFailed: with every reason that Codat gave.
    :raises PushTimedOut: Codat gave up waiting; the record may still appear.
    :raises OutcomeUnknown: a record may exist; it is not sent again.
    """

    template_fields: Sequence[str] = (
        "company_id",
        "connection_id",
        "codat_conn_id",
        "record",
        "item_key",
        "timeout_in_minutes",
        "idempotency_key",
        "completion_timeout_seconds",
        "unknown_resolution",
        "model",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        "record": "json",
        "model": "json",
    }

    def __init__(
        self,
        *,
        idempotency_key: str | None = None,
        unknown_resolution: str | None = None,
        **kwargs: Unpack[CreateKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.idempotency_key = idempotency_key
        self.unknown_resolution = unknown_resolution

    def _checked(
        self, journal: TaskJournal, context: "Context"
    ) -> tuple[Write, WriteOptions]:
        run, options = self._run_of(context), read_options(CreateOptions, self)
        if options.deferrable:
            check_no_secrets(self.hook_params)
        destination = destination_of(run, options)
        item = argument(item_of, context["ti"], self.item_key)
        write = write_of(
            run,
            options,
            destination,
            checked_payload(run, options, destination, self.payload()),
            item=item,
            idempotency_key=self.idempotency_key,
            unknown_resolution=self.unknown_resolution,
            durable=journal.durable,
        )
        if not generations(journal.past.entries):
            unseen = journal.past.unseen_since is not None
            write = check_before_create(run, options, write, unseen=unseen)
        return write, options


@documented
class CreateAccountingRecordOperator(CreateRecordOperator):
    """Create one record of any data type in a company's books, exactly once.

    For whoever loops over data types, or meets one that Codat has added since: of such
    a one no contract is known, and the payload is sent unchecked.

    :param data_type: Codat's key, such as ``invoices``.
    :param record: the payload: a dict whose leaves may be Jinja, an XComArg, or a text
        that renders to JSON or to a Python literal. (templated)
    """

    def __init__(
        self,
        *,
        data_type: str,
        record: Mapping[str, Any] | str,
        **kwargs: Unpack[CreateRecordKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.data_type = data_type_of(data_type)
        self.record = record
