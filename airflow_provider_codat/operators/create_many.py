"""Creating many records in a company's books, of whatever data type, in one task."""

import time
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_codat.api.bulk.batch import Batch
from airflow_provider_codat.api.bulk.plan import Away, Order
from airflow_provider_codat.api.bulk.report import Tally
from airflow_provider_codat.api.create.intent import IfExists, Write
from airflow_provider_codat.api.errors import (
    CodatError,
    OutcomeUnknown,
    RateLimited,
    SettingsInvalid,
)
from airflow_provider_codat.api.http.quota import Quota
from airflow_provider_codat.operators.write import WriteOperator
from airflow_provider_codat.tasks.before_create import looked_first
from airflow_provider_codat.tasks.create import blank_write
from airflow_provider_codat.tasks.create_many import (
    OnInvalid,
    OnQuota,
    given,
    place_of,
    writes_of,
)
from airflow_provider_codat.tasks.many_try import (
    BatchTry,
    fitting,
    invalid_rows,
    quota_short,
    short_of,
)
from airflow_provider_codat.tasks.progress_log import ProgressLog
from airflow_provider_codat.tasks.results import emit_asset_events
from airflow_provider_codat.tasks.surveying import surveyed
from airflow_provider_codat.tasks.task_journal import (
    announced,
    clear_count_of,
    mapped,
    opened_batch,
)
from airflow_provider_codat.tasks.waiting import (
    Wait,
    check_no_secrets,
    check_not_late,
    pause,
)
from airflow_provider_codat.triggers.event import PushOperationsEvent

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

_MOST_NAMED = 5


class CreateRecordsOperator(WriteOperator[dict[str, Any]]):
    """Creates many records; an operator of each data type says what it is given.

    The arguments are those of
    :class:`airflow_provider_codat.operators.codat.CreateAccountingCustomersOperator`.
    """

    sources: ClassVar[tuple[str, str]]
    """The names of the arguments that hold the rows, and the path of their file."""

    on_invalid: OnInvalid
    max_failed: float | str
    results_path: Any
    max_concurrency: int | None
    requests_per_minute: int | None
    on_quota: OnQuota
    unknown_resolution: Mapping[str, str] | str | None
    preflight: bool
    if_exists: IfExists | None
    match_on: Collection[str]

    def records(self) -> object:
        """Return the rows, as they were rendered; None where they are in a file."""
        return getattr(self, self.sources[0])

    def records_path(self) -> object:
        """Return the path of the file of rows; None where they are a list."""
        return getattr(self, self.sources[1])

    def _hook_params(self) -> Mapping[str, Any] | None:
        own = {
            "max_concurrency": self.max_concurrency,
            "requests_per_minute": self.requests_per_minute,
        }
        return {
            **(self.hook_params or {}),
            **{name: value for name, value in own.items() if value is not None},
        }

    def execute_complete(
        self, context: "Context", event: object = None
    ) -> dict[str, Any]:
        """Go on once push operations have ended that were waited for elsewhere."""
        return self._guarded(self._complete, context, event)

    def _complete(self, context: "Context", event: object) -> dict[str, Any]:
        told = PushOperationsEvent.from_json(event)
        check_not_late(self, context, ", ".join([*told.push_operations][:_MOST_NAMED]))
        wrong = told.failure if told.status == "error" else None
        if isinstance(wrong, OutcomeUnknown):
            # It is that of one row, and is seen again when all are looked at.
            wrong = None
        return self._create(context, wrong)

    def _create(
        self, context: "Context", wrong: CodatError | None = None
    ) -> dict[str, Any]:
        """Create them, from wherever earlier tries left it.

        :param wrong: why it ends here, with the results as far as they are known.
        """
        announced(context, durable=self.durable)
        args = given(self, context)
        self.limits()
        if self.deferrable:
            check_no_secrets(self.hook_params)
        survey = surveyed(self, args)
        notebook = opened_batch(
            context,
            place_of(self, args.destination),
            args.source(survey.items),
            keyed=args.item_key is not None,
            durable=self.durable,
        )
        if args.on_quota == "wait" and not notebook.durable:
            raise SettingsInvalid(
                'on_quota="wait" needs a journal: Airflow 3.3 or later, durable=True'
            )
        task = BatchTry(args, survey, notebook)
        if args.item_key is None or mapped(context):
            wrong = wrong or task.source_changed()
        if survey.invalid and args.on_invalid == "fail":
            wrong = wrong or invalid_rows(survey)
        if wrong is not None:
            return self._ended(task, context, wrong)
        return self._send(task, context)

    def _send(self, task: BatchTry, context: "Context") -> dict[str, Any]:
        """Send what is to be sent, and wait for what comes of it."""
        args = task.given
        try:
            quota = self.hook.read_quota(args.destination.company_id)
        except CodatError as error:
            task.stopped = error
            self._wait_for_quota(task, None, context)
            return self._ended(task, context, error)
        rows = task.open_rows(clear_count_of(context), anew=self.on_clear == "create")
        if (short := short_of(quota, rows)) and args.on_quota == "fail":
            return self._ended(task, context, quota_short(short, rows))
        before, failed = self._requests(task), None
        blank = blank_write(
            self, args.destination, context, durable=task.notebook.durable
        )
        if task.new_rows(clear_count_of(context)):
            try:
                blank = self._looked_first(task, blank, context)
            except CodatError as error:
                failed = error
        short = short_of(quota, rows, self._requests(task) - before)
        if short and args.on_quota == "fail":
            # The look itself has spent what would have sufficed.
            failed = failed or quota_short(short, rows)
        # What was begun is brought to an end, whatever the look has shown.
        most = 0 if failed else fitting(short) if short else None
        self._run(self._batch(task, blank, most, context), task, context)
        if failed is None or isinstance(failed, RateLimited):
            task.stopped = task.stopped or failed
            self._wait_for_quota(task, quota, context)
        return self._ended(task, context, failed)

    def _requests(self, task: BatchTry) -> int:
        """Return how many requests this try has sent."""
        return task.requests + self.hook.requests

    def _looked_first(self, task: BatchTry, blank: Write, context: "Context") -> Write:
        """Look at the connection and the books, before rows are sent that are new.

        What earlier tries have sent is settled before the books are read: its records
        are not to be taken for a stranger's.
        """
        if self.if_exists is not None and len(task.journal):
            self._run(self._batch(task, blank, 0, context), task, context)
        unseen = task.notebook.unseen_since is not None
        return looked_first(self, blank, unseen=unseen, own=task.own_records())

    def _run(self, batch: Batch, task: BatchTry, context: "Context") -> None:
        """Carry out a batch, as far as a worker is needed for it.

        :raises TaskDeferred: when there is only to be waited.
        """
        self._under_way = "rows were being sent"
        away = batch.run()
        self._under_way = ""
        task.take(batch)
        if away is not None:
            self._leave(away, context)

    def _batch(
        self, task: BatchTry, blank: Write, most: int | None, context: "Context"
    ) -> Batch:
        """Return what is to be done.

        :param blank: what all writes have in common.
        :param most: how many rows may be sent; None for all.
        """
        args, notebook = task.given, task.notebook
        patience, interval = self.limits()
        destination, started = args.destination, context["ti"].start_date
        order = Order(
            company_id=destination.company_id,
            rows=args.rows.read,
            write_of=writes_of(self, blank, args.item_key, context),
            clear_count=clear_count_of(context),
            begun_at=started.timestamp() if started else time.time(),
            unseen_since=notebook.unseen_since,
            most=most,
            wait=self.wait_for_completion,
            may_leave=self.deferrable and notebook.durable,
            poll_interval_seconds=interval,
            completion_timeout_seconds=patience,
            grace_seconds=self.reconcile_grace_seconds,
        )
        self._push_link(destination.company_id, destination.connection_id, "", context)
        return Batch(
            order,
            task.journal,
            self.hook.crowd(),
            self.hook.patience_of_many(),
            ProgressLog(self.log.info, task.survey.total - task.survey.invalid),
        )

    def _wait_for_quota(
        self, task: BatchTry, quota: Quota | None, context: "Context"
    ) -> None:
        """Leave the worker until the quota is renewed, where that is wanted."""
        if task.given.on_quota != "wait":
            return
        until = quota.until if quota and task.held_back else 0.0
        if isinstance(task.stopped, RateLimited):
            until = max(until, task.stopped.until)
        if until:
            self.log.info("The quota is used up; the rest is sent when it is renewed")
            task.write_results(Tally())
            pause(self, context, until)

    def _leave(self, away: Away, context: "Context") -> None:
        """Leave the worker, where there is only to be waited."""
        if away.operation_keys:
            _, interval = self.limits()
            wait = Wait(self.codat_conn_id, self._hook_params(), away.until, interval)
            wait.begin_all(
                self, context, self.company_id, away.operation_keys, away.since
            )
        pause(self, context, away.until)

    def _ended(
        self, task: BatchTry, context: "Context", error: CodatError | None
    ) -> dict[str, Any]:
        """Write the results; return them, or raise what is wrong with them."""
        tally, requests = Tally(), self._requests(task)
        lines = task.write_results(tally)
        result = {
            "company_id": task.given.destination.company_id,
            "connection_id": task.given.destination.connection_id,
            "rows": tally.rows,
            "counts": tally.counts,
            "adopted": tally.adopted,
            "requests": requests,
            "results_path": task.given.results_path or None,
            "results": lines,
        }
        self.log.info("%s; %d requests", task.summed_up(tally), requests)
        if error is None:
            error = task.error(
                tally,
                waits=self.wait_for_completion,
                fail_on_warning=self.fail_on_warning,
            )
        if error is None:
            emit_asset_events(self, result, context)
            return result
        context["ti"].xcom_push(key="return_value", value=result)
        raise error
