"""What the operators that write one record have in common: waiting, and the result."""

import time
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_codat.api.create.intent import Written
from airflow_provider_codat.api.create.settle import judged, recalled, summary
from airflow_provider_codat.api.errors import PayloadInvalid
from airflow_provider_codat.api.http.exchange import DeferrablePause
from airflow_provider_codat.api.models import (
    Destination,
    PushOperation,
    Summary,
    checked_uuid,
)
from airflow_provider_codat.api.payload.canonical import read_payload
from airflow_provider_codat.api.payload.redaction import redactor
from airflow_provider_codat.operators.write import WriteOperator
from airflow_provider_codat.tasks.arguments import argument
from airflow_provider_codat.tasks.destination import known_connection
from airflow_provider_codat.tasks.results import emit_asset_event
from airflow_provider_codat.tasks.waiting import (
    SHORT_SECONDS,
    Wait,
    came_of,
    check_not_late,
    pause,
)
from airflow_provider_codat.triggers.event import PushOperationsEvent

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class WriteRecordOperator(WriteOperator[Summary]):
    """Writes one record; what it writes, and how, its heirs know."""

    @abstractmethod
    def payload(self) -> object:
        """Return what is to be written, as it was rendered."""

    @abstractmethod
    def _complete(self, context: "Context", event: object) -> Summary:
        """Take in what the trigger tells."""

    @abstractmethod
    def _tell(self, result: Summary) -> None:
        """Say in the log what came of it."""

    def execute_complete(self, context: "Context", event: object = None) -> Summary:
        """Take in what came of the push operation while nobody held a worker."""
        return self._guarded(self._complete, context, event)

    def _seen(
        self, context: "Context", event: object
    ) -> tuple[Destination, PushOperation]:
        """Return the push operation that a trigger tells of, and where it writes."""
        told = PushOperationsEvent.from_json(event)
        if told.status == "deadline":
            check_not_late(self, context, ", ".join(told.push_operations))
        company_id = argument(checked_uuid, self.company_id, "company_id")
        connection_id = known_connection(self, company_id, context)
        if not connection_id:  # Codat knows it
            told = _to_be_asked(told)
        operation = came_of(told, self.hook, company_id, connection_id)
        self._push(summary(operation, self._redactor()), context)
        return Destination(company_id, operation.connection_id), operation

    def _redactor(self) -> Callable[[str], str]:
        """Return what takes the payload's values out of Codat's words.

        The payload is not checked again: it was sent.
        """
        try:
            return redactor(read_payload(self.payload()))
        except PayloadInvalid:
            return lambda _: "(not shown: the payload cannot be read any more)"

    def _awaited(
        self, written: Written, redact: Callable[[str], str], context: "Context"
    ) -> Written:
        """Wait for the push operation, in the worker or elsewhere."""
        operation = written.operation
        self.log.info("Push operation %s is %s", operation.key, operation.status)
        self._push(summary(operation, redact), context)
        if operation.ended:
            return written
        if not self.wait_for_completion:
            self.log.info("Not waiting for push operation %s", operation.key)
            return written
        patience, interval = self.limits()
        deadline = time.time() + patience
        self._under_way = f"push operation {operation.key} was {operation.status}"
        if self.deferrable:
            wait = Wait(self.codat_conn_id, self.hook_params, deadline, interval)
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
        self._tell(result)
        if self.fail_on_warning and operation.warnings and operation.ended:
            context["ti"].xcom_push(key="return_value", value=result)
            judged(operation, fail_on_warning=True)
        emit_asset_event(self, result, context)
        return result


def _to_be_asked(told: PushOperationsEvent) -> PushOperationsEvent:
    """Return an event that says of no push operation that all of it is told."""
    states = told.push_operations.items()
    unsure = {key: replace(state, has_remarks=True) for key, state in states}
    return replace(told, push_operations=unsure)
