"""The operator that has Codat read a company's books anew."""

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn, Unpack

from airflow.providers.common.compat.sdk import AirflowTaskTimeout, conf

from airflow_provider_codat.api.books.pull_operations import pull_operation, succeeded
from airflow_provider_codat.api.books.records import Refresh
from airflow_provider_codat.api.data_types import CUSTOMERS
from airflow_provider_codat.api.models import PullOperation, checked_uuid
from airflow_provider_codat.lineage import Lineage, records_dataset
from airflow_provider_codat.operators.codat_operator import CodatOperator, documented
from airflow_provider_codat.tasks.arguments import argument, seconds
from airflow_provider_codat.tasks.options import CodatKwargs
from airflow_provider_codat.tasks.waiting import (
    SHORT_SECONDS,
    check_no_secrets,
    kept_limit,
    must_end_at,
)
from airflow_provider_codat.triggers.event import PullOperationEvent
from airflow_provider_codat.triggers.pull import CodatPullOperationTrigger

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

_MARGIN_SECONDS = 300.0
"""How much later than the trigger's own deadline Airflow ends a wait."""


@documented
class CodatDataRefreshOperator(CodatOperator):
    """Have Codat read a company's books anew, and wait until it has.

    When it succeeds, Codat's copy shows the books as they were when the task started,
    or later. A refresh that runs already began too early for that: it is waited for,
    and followed by another.

    :param company_id: Codat's company, a UUID. (templated)
    :param connection_id: to read one connection alone, a UUID; by default, all of the
        company's. (templated)
    :param data_type: Codat's key, such as ``customers`` or ``invoices``. (templated)
    :param wait_for_completion: whether to wait until it has ended. If not, the task
        succeeds once a refresh runs, whoever started it.
    :param poll_interval_seconds: the longest wait between two looks at it.
    :param completion_timeout_seconds: how long to wait for it to end, and for the one
        before it. (templated)
    :param deferrable: whether to wait without holding a worker. Default: Airflow's own
        ``[operators] default_deferrable``.
    :param hook_params: extras of the connection, overridden for this task; without
        ``headers`` where the task is deferrable.
    :return: a dict of ``dataset_id``, ``company_id``, ``connection_id`` (None for all),
        ``data_type``, ``status``, ``requested_at``, ``completed_at`` (times as Codat
        writes them).
    :raises RefreshFailed: when it ended in another way than with a fresh copy; what may
        end better the next time uses the task's retries.
    :raises StillInProgress: when it has not ended in time; it goes on at Codat.
    """

    template_fields: Sequence[str] = (
        "company_id",
        "connection_id",
        "data_type",
        "codat_conn_id",
        "completion_timeout_seconds",
    )

    def __init__(
        self,
        *,
        company_id: str,
        connection_id: str | None = None,
        data_type: str = CUSTOMERS.name,
        wait_for_completion: bool = True,
        poll_interval_seconds: float = 15.0,
        completion_timeout_seconds: float | str = 3600.0,
        deferrable: bool = conf.getboolean(
            "operators", "default_deferrable", fallback=False
        ),
        **options: Unpack[CodatKwargs],
    ) -> None:
        super().__init__(**options)
        self.company_id = company_id
        self.connection_id = connection_id
        self.data_type = data_type
        self.wait_for_completion = wait_for_completion
        self.poll_interval_seconds = poll_interval_seconds
        self.completion_timeout_seconds = completion_timeout_seconds
        self.deferrable = deferrable

    def execute(self, context: "Context") -> dict[str, Any]:
        """Start a refresh, wait for it, and return what came of it."""
        return self._guarded(self._refresh, context)

    def execute_complete(
        self,
        context: "Context",
        event: object = None,
        must_end_at: float | None = None,
    ) -> dict[str, Any]:
        """Go on where the trigger has ended."""
        return self._resumed(self._complete, context, event, must_end_at)

    def _refresh(self, context: "Context") -> dict[str, Any]:
        patience = seconds(
            self.completion_timeout_seconds, "completion_timeout_seconds"
        )
        self._interval()
        if self.deferrable:
            check_no_secrets(self.hook_params)
        if not self.wait_for_completion:
            return self._begun()
        deadline = time.time() + patience
        return self._followed(self._requested(deadline), deadline, context)

    def _complete(self, context: "Context", event: object) -> dict[str, Any]:
        ended = PullOperationEvent.from_json(event)
        if ended.status == "deadline" and time.time() >= must_end_at(self, context):
            raise AirflowTaskTimeout(
                f"execution_timeout has passed; pull operation {ended.dataset_id} goes "
                "on at Codat"
            )
        asked = argument(
            self.hook.get_pull_operation, self.company_id, ended.dataset_id
        )
        operation = pull_operation(asked)
        if ended.status == "error" and not operation.ended:
            raise ended.failure
        refresh = Refresh(operation, ended.fresh, ended.newest)
        return self._followed(refresh, ended.deadline, context)

    def _followed(
        self, refresh: Refresh, deadline: float, context: "Context"
    ) -> dict[str, Any]:
        """Wait for a refresh, and for the one after it where that is needed."""
        while True:
            operation = refresh.operation
            self._under_way = f"pull operation {operation.id} was {operation.status}"
            if self.deferrable and not operation.ended and time.time() < deadline:
                self._leave(refresh, deadline, context)
            operation = self.hook.settle_refresh(
                operation,
                poll_interval_seconds=self._interval(),
                deadline=deadline,
            )
            self._under_way = ""
            if refresh.fresh:
                return self._succeeded(operation)
            refresh = self._requested(deadline, refresh.newest)

    def _requested(self, deadline: float, newest: str = "") -> Refresh:
        """Start a refresh, or find the one that has to end first."""
        self._under_way = f"a refresh of {self.data_type} was being started"
        refresh: Refresh = argument(
            self.hook.request_refresh,
            self.company_id,
            self.data_type,
            connection_id=self._connection(),
            poll_interval_seconds=self._interval(),
            deadline=deadline,
            newest=newest,
        )
        operation = refresh.operation
        self.log.info(
            "Pull operation %s of %s is %s",
            operation.id,
            operation.data_type,
            operation.status,
        )
        if not refresh.fresh:
            self.log.info("It began before this task: another one has to follow it")
        return refresh

    def _begun(self) -> dict[str, Any]:
        """Start a refresh, or return the one that runs already."""
        begun = argument(
            self.hook.refresh,
            self.company_id,
            self.data_type,
            connection_id=self._connection(),
        )
        operation = pull_operation(begun)
        self.log.info("Not waiting for pull operation %s", operation.id)
        return self._summary(operation)

    def _leave(self, refresh: Refresh, deadline: float, context: "Context") -> NoReturn:
        """Leave the worker until the refresh has ended, or until the deadline."""
        operation, interval = refresh.operation, self._interval()
        deadline = min(deadline, must_end_at(self, context))
        left = max(0.0, deadline - time.time())
        self.log.info("Waiting for pull operation %s without a worker", operation.id)
        self.defer(
            trigger=CodatPullOperationTrigger(
                codat_conn_id=self.codat_conn_id,
                company_id=operation.company_id,
                dataset_id=operation.id,
                fresh=refresh.fresh,
                newest=refresh.newest,
                deadline=deadline,
                poll_interval_seconds=interval,
                hook_params=self._hook_params(),
                begin_at=time.time() + min(SHORT_SECONDS, interval),
            ),
            method_name="execute_complete",
            kwargs=kept_limit(self, context),
            timeout=timedelta(seconds=left + _MARGIN_SECONDS + 2 * interval),
        )

    def _succeeded(self, operation: PullOperation) -> dict[str, Any]:
        """Return what came of it, or raise why Codat's copy is not fresh."""
        succeeded(operation)
        self.log.info("Pull operation %s is %s", operation.id, operation.status)
        return self._summary(operation)

    def _summary(self, operation: PullOperation) -> dict[str, Any]:
        completed_at = operation.raw.get("completed")
        return {
            "dataset_id": operation.id,
            "company_id": operation.company_id,
            "connection_id": self._connection(),
            "data_type": operation.data_type,
            "status": operation.status,
            "requested_at": operation.requested_at,
            "completed_at": completed_at if isinstance(completed_at, str) else None,
        }

    def _lineage(self, result: dict[str, Any]) -> Lineage:
        copy = records_dataset(result["company_id"], result["data_type"])
        return Lineage(outputs=[copy])

    def _interval(self) -> float:
        return seconds(self.poll_interval_seconds, "poll_interval_seconds")

    def _connection(self) -> str | None:
        """Return the one connection that is to be read; None for all."""
        text = str(self.connection_id or "").strip()
        if text in {"", "None"}:
            return None
        found: str = argument(checked_uuid, text, "connection_id")
        return found
