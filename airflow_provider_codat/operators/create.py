"""Creating one record in a company's books, of whatever data type."""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Generic, TypeVar, Unpack

from airflow_provider_codat.api.create.intent import (
    Done,
    IfExists,
    OnUnknownOutcome,
    Write,
    Written,
)
from airflow_provider_codat.api.create.next_step import OnClear, generations
from airflow_provider_codat.api.models import Summary
from airflow_provider_codat.operators.write import WriteOperator, WriteRecordOperator
from airflow_provider_codat.tasks.arguments import argument
from airflow_provider_codat.tasks.before_create import check_before_create
from airflow_provider_codat.tasks.create import write_of
from airflow_provider_codat.tasks.destination import destination_of
from airflow_provider_codat.tasks.identity import clear_count_of, item_of
from airflow_provider_codat.tasks.options import (
    CreateKwargs,
    CreateOptions,
    WriteKwargs,
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


class CreateOperator(WriteOperator[T], Generic[T]):
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
        **kwargs: Unpack[WriteKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.item_key = item_key
        self.preflight = preflight
        self.if_exists = if_exists
        self.match_on = self.data_type.identifying if match_on is None else match_on
        self.on_unknown_outcome = on_unknown_outcome
        self.on_clear = on_clear


class CreateRecordOperator(CreateOperator[Summary], WriteRecordOperator):
    """Creates one record; an operator of each data type says what it is given.

    :param item_key: what names this record among those of a mapped task, such as its
        number in your own system. Without it a mapped task relies on the order of the
        list staying as it is. (templated)
    :param idempotency_key: a UUID of your own in place of the derived one. (templated)
    :param unknown_resolution: what a person found out about a record of which this
        task said ``OutcomeUnknown``: ``not_created``, or the record's id. It is obeyed
        once, after the task was cleared. (templated)
    """

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

    def _write(self, context: "Context") -> Summary:
        journal = open_journal(context, self.item_key, durable=self.durable)
        options = read_options(CreateOptions, self)
        write = self._checked(options, journal, context)
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

    def _checked(
        self, options: CreateOptions, journal: TaskJournal, context: "Context"
    ) -> Write:
        """Return what is to be written, once all that can be checked before was."""
        run = self._run_of(context)
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
        return write

    def _complete(self, context: "Context", event: object) -> Summary:
        _, operation = self._seen(context, event)
        journal = reopen_journal(
            context, self.item_key, operation.key, durable=self.durable
        )
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
