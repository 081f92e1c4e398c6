"""What the operators that write into a company's books have in common."""

import time
from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar, Unpack

from airflow.providers.common.compat.sdk import BaseOperatorLink, conf

from airflow_provider_codat.api.create.intent import Written
from airflow_provider_codat.api.create.settle import judged, recalled, summary
from airflow_provider_codat.api.data_types import DataType
from airflow_provider_codat.api.errors import CodatError, PayloadInvalid
from airflow_provider_codat.api.http.exchange import DeferrablePause
from airflow_provider_codat.api.models import (
    Destination,
    PushOperation,
    Summary,
    checked_uuid,
)
from airflow_provider_codat.api.payload.canonical import READ_ONLY, read_payload
from airflow_provider_codat.api.payload.check import Validate
from airflow_provider_codat.api.payload.contract import UnknownProperties
from airflow_provider_codat.api.payload.redaction import redactor
from airflow_provider_codat.lineage import Lineage, records_dataset
from airflow_provider_codat.links.codat import CodatPushOperationLink
from airflow_provider_codat.operators.codat_operator import CodatOperator
from airflow_provider_codat.tasks.arguments import argument
from airflow_provider_codat.tasks.destination import kept_connection
from airflow_provider_codat.tasks.options import CodatKwargs, WriteKwargs, WriteOptions
from airflow_provider_codat.tasks.results import emit_asset_event
from airflow_provider_codat.tasks.task_journal import store_of
from airflow_provider_codat.tasks.waiting import (
    SHORT_SECONDS,
    Wait,
    came_of,
    check_not_late,
    pause,
)
from airflow_provider_codat.triggers.codat import PAUSE_IS_OVER
from airflow_provider_codat.triggers.event import PushOperationsEvent

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_codat.journal.cells import Store

T = TypeVar("T")

LINK = CodatPushOperationLink()


class WriteOperator(CodatOperator, Generic[T]):
    """Writes into a company's books; what it writes, its heirs know.

    :param company_id: Codat's company, a UUID. (templated)
    :param connection_id: that company's connection to its accounting software, a UUID:
        Codat's, not Airflow's. Without it, the company's one linked accounting
        connection is taken. (templated)
    :param wait_for_completion: whether to wait until the books have it. If not, the
        task succeeds once Codat has accepted it.
    :param poll_interval_seconds: the longest wait between two looks at the push
        operation; the first comes after 2 seconds.
    :param completion_timeout_seconds: how long to wait for the push operation to end.
        (templated)
    :param fail_on_warning: whether a success with warnings fails the task. The result
        is pushed to XCom all the same.
    :param deferrable: whether to wait without holding a worker: for the push operation,
        and for whatever else takes longer than 10 seconds. Default: Airflow's own
        ``[operators] default_deferrable``.
    :param durable: whether to keep a journal, from which a later try goes on. See
        ``docs/exactly-once.md``.
    :param journal_conn_id: the Airflow connection of the database that the journal is
        kept in: Postgres, MySQL, MariaDB or SQLite. By default Airflow's ``[codat]
        journal_conn_id``; without that, Airflow's own task state store (3.3 and later).
    :param reconcile_grace_seconds: after which Codat lists whatever it has accepted.
    """

    data_type: DataType

    operator_extra_links: tuple[BaseOperatorLink, ...] = (LINK,)
    pushed_links: dict[str, str] | None = None
    """Where this task's links lead; None where another process may have pushed them."""

    def __init_subclass__(cls, **kwargs: Any) -> None:  # noqa: ANN401 - Python's own
        """Name the arguments of an operator of one data type by what it writes."""
        super().__init_subclass__(**kwargs)
        if "data_type" in cls.__dict__:
            cls.template_fields = (*map(cls.argument_of, cls.template_fields),)
            cls.template_fields_renderers = {
                cls.argument_of(field): renderer
                for field, renderer in cls.template_fields_renderers.items()
            }

    @classmethod
    def argument_of(cls, name: str) -> str:
        """Return what an argument for a record is called where the data type is known.

        :param name: as it is called where it is not, such as ``record_id``.
        """
        row: DataType | None = getattr(cls, "data_type", None)
        if row is None:
            return name
        return {
            "record": row.argument,
            "record_id": f"{row.record.replace(' ', '_')}_id",
            "records": row.arguments,
            "records_path": f"{row.arguments}_path",
        }.get(name, name)

    def __init__(  # noqa: PLR0913 - Airflow's convention: a parameter for each switch
        self,
        *,
        company_id: str,
        connection_id: str | None = None,
        wait_for_completion: bool = True,
        poll_interval_seconds: float = 30.0,
        completion_timeout_seconds: float | str = 3600.0,
        fail_on_warning: bool = False,
        deferrable: bool = conf.getboolean(
            "operators", "default_deferrable", fallback=False
        ),
        durable: bool = True,
        journal_conn_id: str | None = None,
        reconcile_grace_seconds: float = 60.0,
        **kwargs: Unpack[CodatKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.company_id = company_id
        self.connection_id = connection_id
        self.wait_for_completion = wait_for_completion
        self.poll_interval_seconds = poll_interval_seconds
        self.completion_timeout_seconds = completion_timeout_seconds
        self.fail_on_warning = fail_on_warning
        self.deferrable = deferrable
        self.durable = durable
        self.journal_conn_id = journal_conn_id
        self.reconcile_grace_seconds = reconcile_grace_seconds

    def _store(self, context: "Context") -> "Store | None":
        return store_of(context, self.journal_conn_id) if self.durable else None

    @abstractmethod
    def _write(self, context: "Context") -> T:
        """Do what the task is for, from wherever earlier tries left it."""

    def execute(self, context: "Context") -> T:
        """Check, write down, send, wait, and return what came of it."""
        self.pushed_links = {}
        return self._guarded(self._write, context)

    def execute_again(
        self,
        context: "Context",
        event: object = None,
        must_end_at: float | None = None,
    ) -> T:
        """Go on after a pause, from what was written down."""
        return self._resumed(self._again, context, event, must_end_at)

    def _again(self, context: "Context", event: object) -> T:
        if event != PAUSE_IS_OVER:
            raise CodatError("the trigger's event could not be read")
        check_not_late(self, context)
        return self._write(context)

    def _push_link(
        self, company_id: str, connection_id: str, key: str, context: "Context"
    ) -> None:
        """Make the link to the Portal work.

        :param key: of the push operation.
        """
        url = self.hook.settings.portal_url(
            company_id=company_id, connection_id=connection_id, push_operation_key=key
        )
        self._push_url(LINK, url, context)

    def _push_url(self, link: BaseOperatorLink, url: str, context: "Context") -> None:
        """Push where a link of the task leads to."""
        context["ti"].xcom_push(key=link.xcom_key, value=url)
        if self.pushed_links is not None:
            self.pushed_links[link.xcom_key] = url


class PayloadOperator(WriteOperator[T], Generic[T]):
    """Writes payloads, which are checked before anything is sent.

    :param timeout_in_minutes: after which Codat calls the push operation TimedOut;
        none by default. For offline software. (templated)
    :param allow_sync_on_push_complete: whether Codat is to renew its copy of the books
        by itself once the record is written; by default Codat decides.
    :param validate: what the payload is checked against: ``schema`` is Codat's
        contract, ``model`` what the connection's own software wants, ``both`` both of
        them; ``off`` only makes it JSON. See ``docs/integrations.md``.
    :param strict: whether limits that the model states in prose are errors, and not
        warnings.
    :param model: a stored model, as :class:`GetRecordModelOperator` returns it, in
        place of the connection's own. (templated)
    :param unknown_properties: whether a property that the contract does not know is a
        ``warn``-ing in the log, ``fail``s the task, or is ``ignore``d.
    :param hints: whether the log warns of what Codat takes and books are likely to
        refuse, such as an e-mail address without an @.
    :param read_only_fields: properties that are left out of the payload, and of its
        contacts, because Codat does not take them in writes; empty to send them.
    """

    def __init__(
        self,
        *,
        timeout_in_minutes: int | str | None = None,
        allow_sync_on_push_complete: bool | None = None,
        validate: Validate = "schema",
        strict: bool = False,
        model: Mapping[str, Any] | str | None = None,
        unknown_properties: UnknownProperties = "warn",
        hints: bool = True,
        read_only_fields: Collection[str] = READ_ONLY,
        **kwargs: Unpack[WriteKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.timeout_in_minutes = timeout_in_minutes
        self.allow_sync_on_push_complete = allow_sync_on_push_complete
        self.validate = validate
        self.strict = strict
        self.model = model
        self.unknown_properties = unknown_properties
        self.hints = hints
        self.read_only_fields = read_only_fields


class WriteRecordOperator(WriteOperator[Summary]):
    """Writes one record; what it writes, and how, its heirs know."""

    def payload(self) -> object:
        """Return what is to be written, as it was rendered."""
        return getattr(self, self.argument_of("record"))

    @abstractmethod
    def _complete(self, context: "Context", event: object) -> Summary:
        """Take in what the trigger tells."""

    def _lineage(self, result: Summary) -> Lineage:
        records = records_dataset(result["company_id"], self.data_type.name)
        return Lineage(outputs=[records], rows=int(result["status"] == "Success"))

    @abstractmethod
    def _log_result(self, result: Summary) -> None:
        """Say in the log what came of it."""

    def execute_complete(
        self,
        context: "Context",
        event: object = None,
        must_end_at: float | None = None,
    ) -> Summary:
        """Take in what came of the push operation while nobody held a worker."""
        return self._resumed(self._complete, context, event, must_end_at)

    def _seen(
        self, context: "Context", event: object
    ) -> tuple[Destination, PushOperation]:
        """Return the push operation that a trigger tells of, and where it writes."""
        ended = PushOperationsEvent.from_json(event)
        if ended.status == "deadline":
            check_not_late(self, context, ", ".join(ended.push_operations))
        company_id = argument(checked_uuid, self.company_id, "company_id")
        connection_id = self._known_connection(company_id, context)
        if not connection_id:  # Codat knows it
            ended = _without_details(ended)
        operation = came_of(ended, self.hook, company_id, connection_id)
        self._push(summary(operation, self._redactor()), context)
        return Destination(company_id, operation.connection_id), operation

    def _known_connection(self, company_id: str, context: "Context") -> str:
        """Return the connection that was written over; empty if nobody knows it."""
        if self.connection_id is None:
            return kept_connection(company_id, self._run_of(context).store)
        return argument(Destination, company_id, self.connection_id).connection_id

    def _redactor(self) -> Callable[[str], str]:
        """Return what takes the payload's values out of Codat's words.

        The payload is not checked again: it was sent.
        """
        try:
            return redactor(read_payload(self.payload()))
        except PayloadInvalid:
            return lambda _: "(not shown: the payload cannot be read any more)"

    def _awaited(
        self,
        written: Written,
        options: WriteOptions,
        redact: Callable[[str], str],
        context: "Context",
    ) -> Written:
        """Wait for the push operation, in the worker or elsewhere."""
        operation = written.operation
        self.log.info("Push operation %s is %s", operation.key, operation.status)
        self._push(summary(operation, redact), context)
        if operation.ended:
            return written
        if not options.wait_for_completion:
            self.log.info("Not waiting for push operation %s", operation.key)
            return written
        interval = options.poll_interval_seconds
        deadline = time.time() + options.completion_timeout_seconds
        self._under_way = f"push operation {operation.key} was {operation.status}"
        if options.deferrable:
            wait = Wait(self.codat_conn_id, self._hook_params(), deadline, interval)
            wait.begin(self, context, operation)
        operation = self.hook.settle(
            operation, poll_interval_seconds=interval, deadline=deadline
        )
        self._under_way = ""
        return replace(written, operation=operation)

    def _on_deferrable_pause(
        self, context: "Context", *, may_defer: bool
    ) -> Callable[[DeferrablePause], None]:
        """Return what waits: for long, without holding a worker where that may be."""

        def on_pause(step: DeferrablePause) -> None:
            self.log.info("%s; going on in %.1f s", step.reason, step.seconds)
            if may_defer and step.seconds > SHORT_SECONDS:
                pause(self, context, time.time() + step.seconds)
            time.sleep(step.seconds)

        return on_pause

    def _push(self, result: Summary, context: "Context") -> None:
        """Make key and link known while the task waits.

        XComs are wiped before each try, so a later one pushes them again.
        """
        key = result["push_operation_key"]
        self._push_link(result["company_id"], result["connection_id"], key, context)
        context["ti"].xcom_push(key="push_operation_key", value=key)

    def _judged(self, result: Summary, context: "Context") -> Summary:
        """Return a result, unless its warnings are to fail the task."""
        operation = recalled(result)
        self._log_result(result)
        if self.fail_on_warning and operation.warnings and operation.ended:
            context["ti"].xcom_push(key="return_value", value=result)
            judged(operation, fail_on_warning=True)
        emit_asset_event(self, self.data_type, result, context)
        return result


def _without_details(event: PushOperationsEvent) -> PushOperationsEvent:
    """Return an event after which Codat is asked for each push operation."""
    states = event.push_operations.items()
    unsure = {key: replace(state, has_remarks=True) for key, state in states}
    return replace(event, push_operations=unsure)
