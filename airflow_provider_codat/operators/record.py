"""Creating one record in a company's books, of whatever data type."""

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_codat.api.client import Rest
from airflow_provider_codat.api.errors import (
    CodatError,
    PayloadInvalid,
)
from airflow_provider_codat.api.models import DataType, Destination
from airflow_provider_codat.api.order import Done, OnUnknownOutcome, Written
from airflow_provider_codat.api.payload import read_payload
from airflow_provider_codat.api.redaction import hiding
from airflow_provider_codat.api.resume import OnClear
from airflow_provider_codat.api.schema import UnknownProperties
from airflow_provider_codat.api.settle import Summary, judged, recalled, summary
from airflow_provider_codat.failures import (
    failing_at_once,
)
from airflow_provider_codat.hooks.codat import CodatHook
from airflow_provider_codat.links.codat import CodatPushOperationLink
from airflow_provider_codat.operators.arguments import (
    argument,
    seconds,
)
from airflow_provider_codat.operators.notebook import (
    Notebook,
    life_of,
    opened,
    reopened,
)
from airflow_provider_codat.operators.tries import from_xcom, item_of
from airflow_provider_codat.operators.waiting import (
    SHORT_SECONDS,
    Wait,
    came_of,
    check_no_secrets,
    check_not_late,
    pause,
)
from airflow_provider_codat.operators.wanted import checked_payload, write_of
from airflow_provider_codat.triggers.codat import PAUSE_IS_OVER
from airflow_provider_codat.triggers.event import PushOperationsEvent

if TYPE_CHECKING:
    import jinja2
    from airflow.providers.common.compat.sdk import Context

_LINK = CodatPushOperationLink()


class CreateRecordOperator(BaseOperator):
    """Creates one record; an operator of each data type says what it is given.

    The arguments are those of :class:`CreateAccountingCustomerOperator`.
    """

    data_type: ClassVar[DataType]

    operator_extra_links = (_LINK,)
    # Empty: any text in a payload that ends in ".json" would be taken for a file.
    template_ext: Sequence[str] = ()
    ui_color = "#e6f2ef"

    company_id: str
    connection_id: str
    codat_conn_id: str
    item_key: str | None
    timeout_in_minutes: int | str | None
    idempotency_key: str | None
    validate: Literal["schema", "off"]
    unknown_properties: UnknownProperties
    read_only_fields: Collection[str]
    wait_for_completion: bool
    poll_interval_seconds: float
    completion_timeout_seconds: float | str
    fail_on_warning: bool
    deferrable: bool
    durable: bool
    on_unknown_outcome: OnUnknownOutcome
    reconcile_grace_seconds: float
    on_clear: OnClear
    unknown_resolution: str | None
    hook_params: Mapping[str, Any] | None

    _under_way = ""
    _told_to_stop = False

    def payload(self) -> object:
        """Return what is to be created, as it was rendered."""
        raise NotImplementedError

    @cached_property
    def hook(self) -> CodatHook:
        """The hook that talks to Codat."""
        hook = CodatHook(self.codat_conn_id, hook_params=self.hook_params)
        if self._told_to_stop:
            hook.stop()
        return hook

    def _do_render_template_fields(
        self,
        parent: Any,  # noqa: ANN401 - Airflow's signature
        template_fields: Iterable[str],
        context: "Context",
        jinja_env: "jinja2.Environment",
        seen_oids: set[int],
    ) -> None:
        """Render what the author wrote, and nothing that came from an XCom.

        Airflow renders what ``expand_kwargs`` gets from an XCom a second time: a
        customer called ``{{ ... }}`` would be run as a template on the worker.
        """
        fields = list(template_fields)
        seen_oids.update(id(value) for value in from_xcom(self, fields, context))
        super()._do_render_template_fields(
            parent, fields, context, jinja_env, seen_oids
        )

    def execute(self, context: "Context") -> Summary:
        """Check, write down, send, wait, and return which record it became."""
        return self._guarded(self._create, context)

    def execute_again(self, context: "Context", event: object = None) -> Summary:
        """Go on after a pause, from what was written down."""
        return self._guarded(self._again, context, event)

    def execute_complete(self, context: "Context", event: object = None) -> Summary:
        """Take in what came of the push operation while nobody held a worker."""
        return self._guarded(self._complete, context, event)

    def on_kill(self) -> None:
        """Send nothing more, and say what goes on at Codat: nothing can cancel it.

        Airflow calls it in a signal handler: no request, no call of Airflow's.
        """
        self._told_to_stop = True
        if "hook" in self.__dict__:
            self.hook.stop()
        if self._under_way:
            self.log.warning("Killed while %s; it may go on at Codat", self._under_way)

    def _guarded(self, work: Callable[..., Summary], *given: object) -> Summary:
        with failing_at_once():
            try:
                return work(*given)
            finally:
                self.hook.close()

    def _create(self, context: "Context") -> Summary:
        notebook = opened(context, self.item_key, durable=self.durable)
        if self.deferrable:
            check_no_secrets(self.hook_params)
        self._limits()
        item = argument(item_of, context["ti"], self.item_key)
        payload = checked_payload(self)
        write = write_of(self, payload, item, context, durable=notebook.durable)
        self._under_way = f"a create (idempotency key {write.key_of(0)}) was under way"
        written = self.hook.submit(
            write,
            notebook.past,
            note=notebook.note,
            rest=(lambda step: self._rest(step, context)) if write.may_rest else None,
        )
        self._under_way = ""
        if isinstance(written, Done):
            self._push(written.result, context)
            return self._judged(written.result, context)
        return self._settle(written, notebook, write.hide, context)

    def _again(self, context: "Context", event: object) -> Summary:
        if event != PAUSE_IS_OVER:
            raise CodatError("the trigger's event could not be read")
        check_not_late(self, context)
        return self._create(context)

    def _settle(
        self,
        written: Written,
        notebook: Notebook,
        hide: Callable[[str], str],
        context: "Context",
    ) -> Summary:
        """Wait for the push operation, in the worker or elsewhere."""
        operation = written.operation
        self.log.info("Push operation %s is %s", operation.key, operation.status)
        self._push(summary(operation, hide), context)
        if self.wait_for_completion and not operation.ended:
            patience, interval = self._limits()
            deadline = time.time() + patience
            self._under_way = f"push operation {operation.key} was {operation.status}"
            if self.deferrable:
                wait = Wait(self.codat_conn_id, self.hook_params, deadline, interval)
                wait.begin(self, context, operation)
            operation = self.hook.settle(
                operation, poll_interval_seconds=interval, deadline=deadline
            )
            self._under_way = ""
        written = replace(written, operation=operation)
        return self._conclude(written, notebook, hide, context)

    def _complete(self, context: "Context", event: object) -> Summary:
        told = PushOperationsEvent.from_json(event)
        if told.status == "deadline":
            check_not_late(self, context, ", ".join(told.push_operations))
        destination = argument(Destination, self.company_id, self.connection_id)
        operation = came_of(
            told, self.hook, destination.company_id, destination.connection_id
        )
        notebook = reopened(context, self.item_key, operation.key, durable=self.durable)
        written = notebook.written(operation)
        hide = self._hide()
        self._push(summary(operation, hide), context)
        return self._conclude(written, notebook, hide, context)

    def _limits(self) -> tuple[float, float]:
        """Return how long to wait for the push operation, and between two looks."""
        patience = seconds(
            self.completion_timeout_seconds, "completion_timeout_seconds"
        )
        interval = seconds(self.poll_interval_seconds, "poll_interval_seconds")
        return patience, interval

    def _hide(self) -> Callable[[str], str]:
        """Return what takes the payload's values out of Codat's words.

        The payload is not checked again: it was sent.
        """
        try:
            return hiding(read_payload(self.payload()))
        except PayloadInvalid:
            return lambda _: "(not shown: the payload cannot be read any more)"

    def _rest(self, step: Rest, context: "Context") -> None:
        """Wait: for long, without holding a worker."""
        self.log.info("%s; going on in %.1f s", step.reason, step.seconds)
        if step.seconds > SHORT_SECONDS:
            pause(self, context, time.time() + step.seconds)
        time.sleep(step.seconds)

    def _push(self, result: Summary, context: "Context") -> None:
        """Make key and link known while the task waits.

        XComs are wiped before each try, so a later one pushes them again.
        """
        key = result["push_operation_key"]
        url = self.hook.settings.portal_url(
            company_id=result["company_id"],
            connection_id=result["connection_id"],
            push_operation_key=key,
        )
        context["ti"].xcom_push(key=_LINK.xcom_key, value=url)
        context["ti"].xcom_push(key="push_operation_key", value=key)

    def _conclude(
        self,
        written: Written,
        notebook: Notebook,
        hide: Callable[[str], str],
        context: "Context",
    ) -> Summary:
        """Return the result of a push operation, or raise what its end means."""
        operation = written.operation
        if not operation.ended:
            self.log.info("Not waiting for push operation %s", operation.key)
        result = self.hook.conclude(
            written, note=notebook.note, hide=hide, life=life_of(context)
        )
        for warning in result["warnings"]:
            self.log.warning("Push operation %s: %s", operation.key, warning)
        return self._judged(result, context)

    def _judged(self, result: Summary, context: "Context") -> Summary:
        """Return a result, unless its warnings are to fail the task."""
        operation = recalled(result)
        if result["status"] == "Success" and result["record_id"] is None:
            self.log.warning(
                "Push operation %s succeeded, but Codat does not say which record it "
                "became",
                operation.key,
            )
        elif result["status"] == "Success" and operation.key:
            self.log.info(
                "Push operation %s succeeded: record %s",
                operation.key,
                operation.record_id,
            )
        if self.fail_on_warning and operation.warnings and operation.ended:
            context["ti"].xcom_push(key="return_value", value=result)
            judged(operation, fail_on_warning=True)
        return result
