"""Creating one record in a company's books, of whatever data type."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_codat.api.client import Rest
from airflow_provider_codat.api.errors import (
    PayloadInvalid,
)
from airflow_provider_codat.api.models import Destination
from airflow_provider_codat.api.order import Done, Written
from airflow_provider_codat.api.payload import read_payload
from airflow_provider_codat.api.redaction import hiding
from airflow_provider_codat.api.settle import Summary, judged, recalled, summary
from airflow_provider_codat.operators.arguments import (
    argument,
)
from airflow_provider_codat.operators.notebook import (
    Notebook,
    life_of,
    opened,
    reopened,
)
from airflow_provider_codat.operators.tries import item_of
from airflow_provider_codat.operators.waiting import (
    SHORT_SECONDS,
    Wait,
    came_of,
    check_no_secrets,
    check_not_late,
    pause,
)
from airflow_provider_codat.operators.wanted import checked_payload, write_of
from airflow_provider_codat.operators.writing import WriteOperator
from airflow_provider_codat.triggers.event import PushOperationsEvent

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class CreateRecordOperator(WriteOperator[Summary]):
    """Creates one record; an operator of each data type says what it is given.

    The arguments are those of :class:`CreateAccountingCustomerOperator`.
    """

    idempotency_key: str | None
    unknown_resolution: str | None

    def payload(self) -> object:
        """Return what is to be created, as it was rendered."""
        raise NotImplementedError

    def execute_complete(self, context: "Context", event: object = None) -> Summary:
        """Take in what came of the push operation while nobody held a worker."""
        return self._guarded(self._complete, context, event)

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
        self._push_link(result["company_id"], result["connection_id"], key, context)
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
