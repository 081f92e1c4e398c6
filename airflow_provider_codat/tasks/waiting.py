"""Waiting outside a worker: what a task hands over, and what it makes of the answer."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowTaskTimeout, BaseOperator

from airflow_provider_codat.api.create.settle import still_pending
from airflow_provider_codat.api.errors import (
    Malformed,
    OutcomeUnknown,
    Refused,
    SettingsInvalid,
)
from airflow_provider_codat.api.http.response import epoch_of, push_operation
from airflow_provider_codat.api.models import PushOperation
from airflow_provider_codat.triggers.codat import (
    CodatPauseTrigger,
    CodatPushOperationTrigger,
)
from airflow_provider_codat.triggers.event import (
    PushOperationsEvent,
    PushOperationState,
)

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_codat.hooks.codat import CodatHook

SHORT_SECONDS = 10.0
"""What is not worth the way to the triggerer and back."""

_MARGIN_SECONDS = 300.0
"""How much later than the trigger's own deadline Airflow ends a wait.

Airflow's end is for a triggerer that is gone: it tells nothing of the push operation.
"""


def must_end_at(task: BaseOperator, context: "Context") -> float:
    """Return when ``execution_timeout`` has passed, epoch seconds.

    Airflow does not watch over it while a task is deferred; and from 3.0 to 3.1 it says
    in a resumed task that it has started just now. So it is handed over.
    """
    if (known := getattr(task, "must_end_at", None)) is not None:
        return float(known)
    started = context["ti"].start_date
    if task.execution_timeout is None or started is None:
        return math.inf
    return float(started.timestamp() + task.execution_timeout.total_seconds())


def kept_limit(task: BaseOperator, context: "Context") -> dict[str, float]:
    """Return what the method that goes on is given, so that the limit stays."""
    limit = must_end_at(task, context)
    return {} if limit == math.inf else {"must_end_at": limit}


def check_not_late(task: BaseOperator, context: "Context", keys: str = "") -> None:
    """Fail as Airflow does in a worker when ``execution_timeout`` has passed.

    :param keys: of the push operations that were waited for.
    """
    if time.time() >= must_end_at(task, context):
        goes_on = f"; push operation {keys} goes on at Codat" if keys else ""
        raise AirflowTaskTimeout(
            f"execution_timeout has passed{goes_on}. A later try goes on from here"
        )


@dataclass(frozen=True, slots=True)
class Wait:
    """What a task that waits for push operations tells the triggerer.

    :param hook_params: extras of the connection, overridden for the task.
    :param deadline: epoch seconds.
    """

    codat_conn_id: str
    hook_params: Mapping[str, Any] | None
    deadline: float
    poll_interval_seconds: float

    def begin(
        self, task: BaseOperator, context: "Context", operation: PushOperation
    ) -> None:
        """Leave the worker until the push operation has ended.

        :raises TaskDeferred: always; that is how a task leaves.
        """
        requested = epoch_of(operation.requested_at) or time.time()
        self.begin_all(task, context, operation.company_id, [operation.key], requested)

    def begin_all(
        self,
        task: BaseOperator,
        context: "Context",
        company_id: str,
        keys: Sequence[str],
        requested_since: float,
    ) -> None:
        """Leave the worker until push operations have ended, or until the deadline.

        :param requested_since: epoch seconds before which none was requested.
        :raises TaskDeferred: always; that is how a task leaves.
        """
        deadline = min(self.deadline, must_end_at(task, context))
        left = max(0.0, deadline - time.time())
        margin = _MARGIN_SECONDS + 2 * self.poll_interval_seconds
        named = ", ".join(keys[:1]) + (f" and {len(keys) - 1} more" if keys[1:] else "")
        task.log.info("Waiting for push operation %s without a worker", named)
        task.defer(
            trigger=CodatPushOperationTrigger(
                codat_conn_id=self.codat_conn_id,
                company_id=company_id,
                push_operation_keys=keys,
                requested_since=requested_since,
                deadline=deadline,
                poll_interval_seconds=self.poll_interval_seconds,
                hook_params=self.hook_params,
                begin_at=time.time() + min(SHORT_SECONDS, self.poll_interval_seconds),
            ),
            method_name="execute_complete",
            kwargs=kept_limit(task, context),
            timeout=timedelta(seconds=left + margin),
        )


def pause(task: BaseOperator, context: "Context", until: float) -> None:
    """Leave the worker until a moment, and execute anew then.

    :raises TaskDeferred: always; that is how a task leaves.
    """
    until = min(until, must_end_at(task, context))
    left = max(0.0, until - time.time())
    task.log.info("Waiting for %.0f s without a worker", left)
    task.defer(
        trigger=CodatPauseTrigger(until=until),
        method_name="execute_again",
        kwargs=kept_limit(task, context),
        timeout=timedelta(seconds=left + _MARGIN_SECONDS),
    )


def task_params(
    hook_params: Mapping[str, Any] | None, pool_slots: int
) -> Mapping[str, Any] | None:
    """Return the extras of a task's hook, and of the trigger that waits for it.

    :param pool_slots: of its pool, that it takes.
    """
    if pool_slots == 1:
        return hook_params
    return {"task_slots": pool_slots, **(hook_params or {})}


def check_no_secrets(hook_params: Mapping[str, Any] | None) -> None:
    """Refuse what Airflow would keep in its database with a trigger."""
    if hook_params and "headers" in hook_params:
        raise SettingsInvalid(
            "headers in hook_params may hold secrets, and a deferred task's arguments "
            "are stored: put them into the connection's extras, or set deferrable=False"
        )


def came_of(
    event: PushOperationsEvent, hook: "CodatHook", company_id: str, connection_id: str
) -> PushOperation:
    """Return the push operation that an event tells of.

    What the event cannot tell is asked of Codat: its words do not travel.

    :raises CodatError: when it has not ended, with the reason why nobody waits.
    """
    for key, state in event.push_operations.items():
        if state.status == "Success" and not state.has_remarks:
            return _told(key, state, company_id, connection_id)
        operation = _asked(hook, company_id, key)
        if operation.ended:
            return operation
        if event.status != "error":
            raise still_pending(operation)
    raise event.failure


def _asked(hook: "CodatHook", company_id: str, key: str) -> PushOperation:
    try:
        found = push_operation(hook.get_push_operation(company_id, key))
    except Refused as error:
        raise OutcomeUnknown(
            f"push operation {key} was accepted, but cannot be asked for any more, so "
            f"a record may exist: {error}",
            candidates=[key],
        ) from error
    if (found.key, found.company_id) != (key, company_id):
        raise Malformed("the answer describes another push operation than ours")
    return found


def _told(
    key: str, state: PushOperationState, company_id: str, connection_id: str
) -> PushOperation:
    return PushOperation(
        key=key,
        company_id=company_id,
        connection_id=connection_id,
        data_type="",
        status=state.status,
        requested_at=state.requested_at,
        completed_at=state.completed_at,
        record_id=state.record_id,
        error_message="",
        errors=(),
        warnings=(),
        raw={},
    )
