"""Creating many records in a company's books, of whatever data type, in one task."""

import time
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

from airflow.providers.common.compat.sdk import AirflowSkipException, BaseOperatorLink

from airflow_provider_codat.api.bulk.batch import Batch
from airflow_provider_codat.api.bulk.plan import BatchPlan, Deferral
from airflow_provider_codat.api.bulk.report import Tally
from airflow_provider_codat.api.create.intent import Write
from airflow_provider_codat.api.data_types import data_type_of
from airflow_provider_codat.api.errors import (
    BatchFailed,
    CodatError,
    OutcomeUnknown,
    QuotaShort,
    RateLimited,
    SettingsInvalid,
)
from airflow_provider_codat.api.http.quota import Quota
from airflow_provider_codat.api.input.columns import mapping_of
from airflow_provider_codat.api.input.file_rows import InputFormat
from airflow_provider_codat.lineage import (
    Lineage,
    file_datasets,
    records_dataset,
)
from airflow_provider_codat.links.codat import CodatReportLink
from airflow_provider_codat.operators.codat_operator import documented
from airflow_provider_codat.operators.create import CreateOperator
from airflow_provider_codat.operators.write import LINK
from airflow_provider_codat.report.page import About
from airflow_provider_codat.tasks.arguments import rendered_text
from airflow_provider_codat.tasks.before_create import check_before_create
from airflow_provider_codat.tasks.create import blank_write
from airflow_provider_codat.tasks.create_many import (
    BatchTry,
    CreateManyArguments,
    books_digest,
    fitting,
    invalid_rows,
    quota_short,
    read_arguments,
    short_of,
    survey_rows,
    writes_of,
)
from airflow_provider_codat.tasks.files import shown
from airflow_provider_codat.tasks.identity import TaskRun, is_mapped
from airflow_provider_codat.tasks.options import (
    CreateKwargs,
    CreateManyOptions,
    CreateRecordsKwargs,
    OnEmpty,
    OnInvalid,
    OnQuota,
    read_options,
)
from airflow_provider_codat.tasks.results import ProgressLog, emit_asset_events
from airflow_provider_codat.tasks.task_journal import announce_try, open_batch_journal
from airflow_provider_codat.tasks.waiting import (
    Wait,
    check_no_secrets,
    check_not_late,
    pause,
)
from airflow_provider_codat.triggers.event import PushOperationsEvent

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context, ObjectStoragePath

_MOST_NAMED = 5
REPORT_LINK = CodatReportLink()


class CreateRecordsOperator(CreateOperator[dict[str, Any]]):
    """Creates many records; an operator of each data type says what it is given.

    All rows are checked before the first one is sent. A try that is killed, or fails,
    is gone on with by the next one: no row twice, no row lost.

    :param item_key: the name of the property that identifies a row, such as
        ``reference``; one that Codat does not know is not sent. Without it a row is
        identified by its content. (templated)
    :param columns: which column becomes which property, such as ``{"company":
        "customerName", "street": "addresses[0].line1"}``; a column that is named like a
        property needs none. A mapping, or the text of a JSON object. (templated)
    :param constants: the same for what all rows have, by the path of the property:
        ``{"status": "Active"}``. (templated)
    :param null_values: texts that stand for an empty cell, such as ``["NULL"]``.
    :param input_format: ``jsonl``, ``json`` (a list), ``csv`` or ``parquet``; by
        default the file's name tells it. What is packed by gzip is unpacked.
    :param encoding: of a file without a byte order mark; by default UTF-8.
    :param delimiter: between the cells of a CSV; by default the header tells it.
    :param on_empty: what a list or file without rows does to the task: ``skip`` it, let
        it ``succeed`` or ``fail``.
    :param on_invalid: ``fail`` sends nothing if a row is not valid; ``skip`` sends the
        others.
    :param max_failed: how many rows may be missing from the books when the task
        succeeds: a number, or a share below 1. (templated)
    :param results_path: where to write the results, a line of JSON for each row; see
        :class:`airflow_provider_codat.api.bulk.report.Outcome`. Needed for more than
        1,000 rows. (templated)
    :param report_path: where to write a page of them, to look at: one file of HTML;
        needs the extra ``report``. (templated)
    :param report_url: where a browser finds that page, for the task's link *Report*; by
        default ``report_path``, where that is one of the web. (templated)
    :param max_concurrency: how many requests there may be at a time; by default the
        connection's extra, or 10.
    :param requests_per_minute: how many requests any 60 seconds may hold, polls
        included; by default the connection's extra, or 900.
    :param on_quota: what to do when the requests that are left of the day do not
        suffice: ``fail`` sends nothing; ``partial`` sends what fits, and fails;
        ``wait`` sends what fits, and the rest when the quota is renewed.
    :param unknown_resolution: what a person found out about rows that ended in
        ``Unknown``: a mapping, or the text of a JSON object, from ``item_key`` in the
        results to ``not_created`` or a record's id. (templated)
    :return: a dict of ``company_id``, ``connection_id``, ``rows``, ``counts`` (rows by
        status), ``adopted``, ``requests`` (of this try), ``results_path`` and
        ``results`` (a list; None where they are in a file). When the task fails, it is
        pushed to XCom all the same.
    :raises BatchFailed: with a list of the rows that are not in the books, and why.
    :raises BatchUnfinished: the same, where another try may bring them there.
    :raises QuotaShort: nothing was sent.
    :raises SourceChanged: the rows are not those that were read, or sent, before.
    """

    operator_extra_links: tuple[BaseOperatorLink, ...] = (LINK, REPORT_LINK)
    template_fields: Sequence[str] = (
        "company_id",
        "connection_id",
        "codat_conn_id",
        "records",
        "records_path",
        "item_key",
        "columns",
        "constants",
        "max_failed",
        "results_path",
        "report_path",
        "report_url",
        "timeout_in_minutes",
        "completion_timeout_seconds",
        "unknown_resolution",
        "model",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        "records": "json",
        "columns": "json",
        "constants": "json",
        "model": "json",
    }

    def __init__(  # noqa: PLR0913 - Airflow's convention: a parameter for each switch
        self,
        *,
        columns: Mapping[str, str] | str | None = None,
        constants: Mapping[str, Any] | str | None = None,
        null_values: Collection[str] = (),
        input_format: InputFormat | None = None,
        encoding: str | None = None,
        delimiter: str | None = None,
        on_empty: OnEmpty = "skip",
        on_invalid: OnInvalid = "fail",
        max_failed: float | str = 0,
        results_path: "str | ObjectStoragePath | None" = None,
        report_path: "str | ObjectStoragePath | None" = None,
        report_url: str | None = None,
        max_concurrency: int | None = None,
        requests_per_minute: int | None = None,
        on_quota: OnQuota = "fail",
        unknown_resolution: Mapping[str, str] | str | None = None,
        **kwargs: Unpack[CreateKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.columns = columns
        self.constants = constants
        self.null_values = null_values
        self.input_format = input_format
        self.encoding = encoding
        self.delimiter = delimiter
        self.on_empty = on_empty
        self.on_invalid = on_invalid
        self.max_failed = max_failed
        self.results_path = results_path
        self.report_path = report_path
        self.report_url = report_url
        if report_path is None:
            links = self.operator_extra_links  # an heir may have more
            self.operator_extra_links = tuple(x for x in links if x is not REPORT_LINK)
        self.max_concurrency = max_concurrency
        self.requests_per_minute = requests_per_minute
        self.on_quota = on_quota
        self.unknown_resolution = unknown_resolution

    @property
    def _sources(self) -> tuple[tuple[str, object], tuple[str, object]]:
        """The arguments that hold the rows, and the path of their file."""
        name = self.argument_of("records")
        path = f"{name}_path"
        return (name, getattr(self, name)), (path, getattr(self, path))

    def _hook_params(self) -> Mapping[str, Any] | None:
        own = {
            "max_concurrency": self.max_concurrency,
            "requests_per_minute": self.requests_per_minute,
        }
        return {
            **(super()._hook_params() or {}),
            **{name: value for name, value in own.items() if value is not None},
        }

    def execute_complete(
        self,
        context: "Context",
        event: object = None,
        must_end_at: float | None = None,
    ) -> dict[str, Any]:
        """Go on once push operations have ended that were waited for elsewhere."""
        return self._resumed(self._complete, context, event, must_end_at)

    def _complete(self, context: "Context", event: object) -> dict[str, Any]:
        ended = PushOperationsEvent.from_json(event)
        check_not_late(self, context, ", ".join([*ended.push_operations][:_MOST_NAMED]))
        failure = ended.failure if ended.status == "error" else None
        if isinstance(failure, OutcomeUnknown):
            # It is that of one row, and is seen again when all are looked at.
            failure = None
        return self._write(context, failure)

    def _write(
        self, context: "Context", failure: CodatError | None = None
    ) -> dict[str, Any]:
        """Create them, from wherever earlier tries left it.

        :param failure: why it ends here, with the results as far as they are known.
        """
        run = self._run_of(context)
        announce_try(run)
        task = self._opened(context)
        if not task.survey.total and not len(task.journal):
            return self._empty(task, context)
        if failure is None:
            failure = self._refusal(task, context)
        if failure is not None:
            return self._ended(task, context, failure)
        return self._send(task, run)

    def _arguments(
        self, run: TaskRun, options: CreateManyOptions
    ) -> CreateManyArguments:
        """Return what is to be created, its rows within reach."""
        return read_arguments(run, options, *self._sources)

    def _opened(self, context: "Context") -> BatchTry:
        """Read the arguments and all rows, and open the journal."""
        run, options = self._run_of(context), read_options(CreateManyOptions, self)
        args = self._arguments(run, options)
        if options.deferrable:
            check_no_secrets(self.hook_params)
        survey = survey_rows(run, args)
        journal = open_batch_journal(
            run,
            books_digest(run, args),
            args.source(survey.items),
            keyed=bool(options.item_key),
        )
        if options.on_quota == "wait" and not journal.durable:
            raise SettingsInvalid(
                'on_quota="wait" needs a journal: durable=True, and Airflow 3.3 or '
                "later, or a journal_conn_id"
            )
        return BatchTry(args, survey, journal)

    def _empty(self, task: BatchTry, context: "Context") -> dict[str, Any]:
        """End a task that was given no rows, as the author wants it."""
        words = "There are no rows: nothing is to be created"
        match task.args.options.on_empty:
            case "skip":
                raise AirflowSkipException(f'{words} (on_empty="skip")')
            case "fail":
                raise BatchFailed(f'{words} (on_empty="fail")')
        self.log.info('%s (on_empty="succeed")', words)
        return self._ended(task, context, None)

    def _refusal(self, task: BatchTry, context: "Context") -> CodatError | None:
        """Return why rows that were changed, or are not valid, end the task here."""
        options, changed = task.args.options, None
        if not options.item_key or is_mapped(context):
            changed = task.source_changed()
        invalid = task.survey.invalid and options.on_invalid == "fail"
        return changed or (invalid_rows(task.survey) if invalid else None)

    def _send(self, task: BatchTry, run: TaskRun) -> dict[str, Any]:
        """Send what is to be sent, and wait for what comes of it."""
        try:
            quota = self.hook.read_quota(task.args.destination.company_id)
        except CodatError as error:
            task.stopped = error
            self._wait_for_quota(task, None, run.context)
            return self._ended(task, run.context, error)
        rows = task.open_rows(run.clear_count)
        if (refusal := self._too_few(task, quota, rows)) is not None:
            return self._ended(task, run.context, refusal)
        before = self._requests(task)
        blank, failure = self._checked_before(task, run)
        spent = self._requests(task) - before
        # The look itself may have spent what would have sufficed.
        failure = failure or self._too_few(task, quota, rows, spent)
        # What was begun is brought to an end, whatever the look has shown.
        most = 0 if failure else fitting(quota, rows, spent)
        self._run(self._batch(task, blank, most, run), task, run.context)
        if failure is None or isinstance(failure, RateLimited):
            task.stopped = task.stopped or failure
            self._wait_for_quota(task, quota, run.context)
        return self._ended(task, run.context, failure)

    def _too_few(
        self, task: BatchTry, quota: Quota | None, rows: int, spent: int = 0
    ) -> QuotaShort | None:
        """Return why nothing is sent, where the requests of the day do not suffice."""
        short = short_of(quota, rows, spent)
        fails = short and task.args.options.on_quota == "fail"
        return quota_short(short, rows) if short and fails else None

    def _requests(self, task: BatchTry) -> int:
        """Return how many requests this try has sent."""
        return task.requests + self.hook.requests

    def _checked_before(
        self, task: BatchTry, run: TaskRun
    ) -> tuple[Write, CodatError | None]:
        """Look at the connection and the books, before rows are sent that are new.

        What earlier tries have sent is settled before the books are read: its records
        are not to be taken for a stranger's.

        :return: what all writes have in common, and why none is to be sent.
        """
        options, durable = task.args.options, task.task_journal.durable
        blank = blank_write(run, options, task.args.destination, durable=durable)
        if not task.new_rows(run.clear_count):
            return blank, None
        try:
            if options.if_exists is not None and len(task.journal):
                self._run(self._batch(task, blank, 0, run), task, run.context)
            unseen = task.task_journal.unseen_since is not None
            own = task.own_records()
            checked = check_before_create(run, options, blank, unseen=unseen, own=own)
        except CodatError as error:
            return blank, error
        return checked, None

    def _run(self, batch: Batch, task: BatchTry, context: "Context") -> None:
        """Carry out a batch, as far as a worker is needed for it.

        :raises TaskDeferred: when there is only to be waited.
        """
        self._under_way = "rows were being sent"
        deferral = batch.run()
        self._under_way = ""
        task.take(batch)
        if deferral is not None:
            self._defer_until(deferral, task, context)

    def _batch(
        self, task: BatchTry, blank: Write, most: int | None, run: TaskRun
    ) -> Batch:
        """Return what is to be done.

        :param blank: what all writes have in common.
        :param most: how many rows may be sent; None for all.
        """
        args, journal, options = task.args, task.task_journal, task.args.options
        destination, started = args.destination, run.context["ti"].start_date
        plan = BatchPlan(
            company_id=destination.company_id,
            rows=args.rows.read,
            write_of=writes_of(run, args, blank, self.unknown_resolution),
            clear_count=run.clear_count,
            begun_at=started.timestamp() if started else time.time(),
            unseen_since=journal.unseen_since,
            most=most,
            wait=options.wait_for_completion,
            may_defer=options.deferrable and journal.durable,
            poll_interval_seconds=options.poll_interval_seconds,
            completion_timeout_seconds=options.completion_timeout_seconds,
            grace_seconds=options.reconcile_grace_seconds,
        )
        company_id, connection_id = destination.company_id, destination.connection_id
        self._push_link(company_id, connection_id, "", run.context)
        return Batch(
            plan,
            task.journal,
            self.hook.scheduler(company_id),
            self.hook.patience,
            ProgressLog(self.log.info, task.survey.total - task.survey.invalid),
        )

    def _lineage(self, result: dict[str, Any]) -> Lineage:
        _, (_, path) = self._sources
        records = records_dataset(result["company_id"], self.data_type.name)
        return Lineage(
            inputs=file_datasets(rendered_text(path)),
            outputs=[records, *file_datasets(result["results_path"])],
            rows=result["counts"].get("Success", 0),
            columns=mapping_of(self.columns, "columns"),
        )

    def _wait_for_quota(
        self, task: BatchTry, quota: Quota | None, context: "Context"
    ) -> None:
        """Leave the worker until the quota is renewed, where that is wanted."""
        if task.args.options.on_quota != "wait":
            return
        until = quota.until if quota and task.held_back else 0.0
        if isinstance(task.stopped, RateLimited):
            until = max(until, task.stopped.until)
        if until:
            self.log.info("The quota is used up; the rest is sent when it is renewed")
            task.write_results(Tally())
            pause(self, context, until)

    def _defer_until(
        self, deferral: Deferral, task: BatchTry, context: "Context"
    ) -> None:
        """Leave the worker, where there is only to be waited."""
        if deferral.operation_keys:
            interval = task.args.options.poll_interval_seconds
            wait = Wait(
                self.codat_conn_id, self._hook_params(), deferral.until, interval
            )
            wait.begin_all(
                self, context, self.company_id, deferral.operation_keys, deferral.since
            )
        pause(self, context, deferral.until)

    def _about(self, task: BatchTry, context: "Context") -> About | None:
        """Return what the report says of the task, and push where it is to be found."""
        options, ti = task.args.options, context["ti"]
        if not options.report_path:
            return None
        url = options.report_url or options.report_path
        served = url.startswith(("https://", "http://"))
        self._push_url(REPORT_LINK, url if served else "", context)
        destination, settings = task.args.destination, self.hook.settings
        return About(
            f"What became of the {options.data_type.records}",
            [
                f"company {destination.company_id}",
                f"connection {destination.connection_id}",
                f"{ti.dag_id}, {ti.task_id}, {ti.run_id}, try {ti.try_number}",
                f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
            ],
            numbers=[
                ("requests of this try", self._requests(task)),
                ("answers of 429", task.rate_limited),
            ],
            requests_per_minute=settings.requests_per_minute,
            link=settings.portal_url(
                company_id=destination.company_id,
                connection_id=destination.connection_id or "",
                push_operation_key="{push_operation_key}",
            ),
        )

    def _ended(
        self, task: BatchTry, context: "Context", error: CodatError | None
    ) -> dict[str, Any]:
        """Write the results; return them, or raise what is wrong with them."""
        tally, requests = Tally(), self._requests(task)
        lines = task.write_results(tally, self._about(task, context))
        result = {
            "company_id": task.args.destination.company_id,
            "connection_id": task.args.destination.connection_id,
            "rows": tally.rows,
            "counts": tally.counts,
            "adopted": tally.adopted,
            "requests": requests,
            "results_path": task.args.options.results_path or None,
            "results": lines,
        }
        self.log.info("%s; %d requests", task.summed_up(tally), requests)
        if task.args.options.report_path:
            self.log.info("The report is in %s", shown(task.args.options.report_path))
        if error is None:
            error = task.error(tally)
        if error is None:
            emit_asset_events(self, self.data_type, result, context)
            return result
        context["ti"].xcom_push(key="return_value", value=result)
        self._returned = result
        raise error


@documented
class CreateAccountingRecordsOperator(CreateRecordsOperator):
    """Create many records of any data type in a company's books, each exactly once.

    For whoever loops over data types, or meets one that Codat has added since: of such
    a one no contract is known, and the payloads are sent unchecked.

    :param data_type: Codat's key, such as ``invoices``.
    :param records: up to 1,000 rows: a list, an XComArg, or a text that renders to a
        JSON list. (templated)
    :param records_path: in their place, a file of JSON lines, JSON, CSV
        or Parquet, plain or gzip, wherever ``ObjectStoragePath`` reads. (templated)
    """

    def __init__(
        self,
        *,
        data_type: str,
        records: Sequence[Mapping[str, Any]] | str | None = None,
        records_path: "str | ObjectStoragePath | None" = None,
        **kwargs: Unpack[CreateRecordsKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.data_type = data_type_of(data_type)
        self.records = records
        self.records_path = records_path
