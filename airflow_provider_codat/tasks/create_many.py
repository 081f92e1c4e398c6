"""What a task creates many of: its rows, what one try makes of them, how it ends."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from airflow_provider_codat.api.bulk.batch import Batch
from airflow_provider_codat.api.bulk.digests import Digests
from airflow_provider_codat.api.bulk.journal import BatchJournal, outcomes
from airflow_provider_codat.api.bulk.journal_windows import RowJournal
from airflow_provider_codat.api.bulk.report import Outcome, Tally, line_of
from airflow_provider_codat.api.bulk.rows import (
    MOST_IN_A_LIST,
    Row,
    Rows,
    Rules,
    Survey,
    rows_of_list,
)
from airflow_provider_codat.api.create.idempotency import derived_key
from airflow_provider_codat.api.create.intent import Write
from airflow_provider_codat.api.create.journal import Entry
from airflow_provider_codat.api.errors import (
    BatchFailed,
    BatchUnfinished,
    CodatError,
    QuotaShort,
    RateLimited,
    SettingsInvalid,
    SourceChanged,
)
from airflow_provider_codat.api.http.quota import Quota, overhead, requests_for
from airflow_provider_codat.api.input.columns import read_columns
from airflow_provider_codat.api.input.file_rows import FileFormat
from airflow_provider_codat.api.models import Destination
from airflow_provider_codat.api.payload.check import Check
from airflow_provider_codat.api.payload.redaction import redactor
from airflow_provider_codat.api.words import first_ones
from airflow_provider_codat.failures import may_pass
from airflow_provider_codat.report.figures import Figures
from airflow_provider_codat.report.page import About, check_installed, page_of
from airflow_provider_codat.tasks.arguments import rendered_text, resolution
from airflow_provider_codat.tasks.create import intent_of
from airflow_provider_codat.tasks.destination import destination_of
from airflow_provider_codat.tasks.files import check_writable, rows_of, written
from airflow_provider_codat.tasks.options import CreateManyOptions
from airflow_provider_codat.tasks.payload_check import check_of
from airflow_provider_codat.tasks.task_journal import BatchTaskJournal

if TYPE_CHECKING:
    from airflow_provider_codat.tasks.identity import TaskRun


@dataclass(frozen=True, slots=True)
class CreateManyArguments:
    """What a task creates many of, and how.

    :param path: of the file that the rows are in; empty for a list.
    """

    options: CreateManyOptions
    destination: Destination
    path: str
    rows: Rows

    def allowed(self, total: int) -> int:
        """Return how many rows may be missing from the books."""
        # 29% of 100 rows are 29, which the product of floats falls short of.
        allowed = Decimal(str(self.options.max_failed))
        return int(allowed * total if allowed < 1 else allowed)

    def source(self, items: Digests) -> str:
        """Return what tells this source of rows from another.

        :param items: of its rows.
        """
        return items.fingerprint()


def read_arguments(
    run: "TaskRun",
    options: CreateManyOptions,
    listed: tuple[str, object],
    in_file: tuple[str, object],
    read: Callable[[str, FileFormat, str], Iterator[object]] = rows_of,
) -> CreateManyArguments:
    """Read what a task is to create.

    :param listed: the argument for a list of rows: its name, and what was given.
    :param in_file: the same for the path of a file of rows.
    :param read: reads that file.
    :raises SettingsInvalid: naming the one that is wrong.
    """
    (list_name, rows), (path_name, given_path) = listed, in_file
    path = rendered_text(given_path)
    if (rows is None) == (not path):
        raise SettingsInvalid(
            f"give {list_name} or {path_name}: one of them, and not both"
        )
    if path and path == options.results_path:
        raise SettingsInvalid(f"results_path would replace the file of {path_name}")
    destination = destination_of(run, options)
    check = check_of(run, options, destination)
    form = FileFormat(options.input_format, options.encoding, options.delimiter)
    opening = (
        partial(read, path, form, path_name)
        if path
        else partial(iter, rows_of_list(rows, name=list_name))
    )
    return CreateManyArguments(
        options, destination, path, Rows(opening, _rules(options, check))
    )


def _rules(options: CreateManyOptions, check: Check) -> Rules:
    """Return how rows are read.

    :raises SettingsInvalid: naming the argument that is wrong.
    """
    key = options.item_key or None
    columns = read_columns(
        check, options.columns, options.constants, options.null_values, key
    )
    tabular = bool(options.columns or options.constants or options.null_values)
    return Rules(check, key, options.read_only_fields, columns, tabular)


def writes_of(
    run: "TaskRun", args: CreateManyArguments, blank: Write, unknown_resolution: object
) -> Callable[[Row], Write]:
    """Return what makes the write of a row.

    :param blank: what all of them have in common.
    :param unknown_resolution: what a person says of rows, by their keys.
    """
    intent = intent_of(run, blank.data_type, blank.destination, "")
    said = _resolutions(unknown_resolution)
    # Without names, equal rows of two mapped tasks are two records.
    unnamed = f"row of {run.context['ti'].map_index}: "
    place = "" if args.options.item_key else unnamed

    def write_of(row: Row) -> Write:
        named = replace(intent, item=f"{place}{row.label}")
        return replace(
            blank,
            payload=row.payload,
            key_of=cache(partial(derived_key, named)),
            redact=redactor(row.payload),
            resolution=said.get(row.label, ""),
            quiet=True,
        )

    return write_of


def _resolutions(value: object) -> Mapping[str, str]:
    """Read what a person says of rows, by their keys."""
    if isinstance(value, str):
        try:
            value = json.loads(value) if rendered_text(value) else {}
        except ValueError:
            value = "no JSON"
    if value is None:
        value = {}
    if not isinstance(value, Mapping):
        raise SettingsInvalid(
            "unknown_resolution must be an object: of the item_key of each row in "
            'question, "not_created" or a record id'
        )
    return {str(key): resolution(word) for key, word in value.items()}


def books_digest(run: "TaskRun", args: CreateManyArguments) -> str:
    """Return what tells the books of this task from others."""
    names: list[Any] = [
        run.hook.settings.base_url,
        args.destination.company_id,
        args.destination.connection_id,
        args.options.data_type.name,
    ]
    return hashlib.sha256(json.dumps(names).encode()).hexdigest()[:16]


def survey_rows(run: "TaskRun", args: CreateManyArguments) -> Survey:
    """Check every row, and whether the results have a place.

    :raises SettingsInvalid: when they have none.
    """
    results_path = args.options.results_path
    if results_path:
        check_writable(results_path)
    if args.options.report_path:
        check_installed()
        check_writable(args.options.report_path, "report_path")
    survey = args.rows.survey()
    _log_survey(run, survey)
    if survey.total > MOST_IN_A_LIST and not results_path:
        raise SettingsInvalid(
            f"{survey.total:,} rows need results_path, a file for their results: "
            f"the return value holds up to {MOST_IN_A_LIST:,}. Nothing was sent"
        )
    return survey


def _log_survey(run: "TaskRun", survey: Survey) -> None:
    """Say what was found, apart from errors."""
    run.log.info("%d rows, %d of them not valid", survey.total, survey.invalid)
    if survey.left_out:
        run.log.info(
            "Left out of the payloads, as Codat takes it in no write: %s "
            "(read_only_fields)",
            ", ".join(survey.left_out),
        )
    for warned in survey.warnings:
        run.log.warning(
            "%d rows, row %d the first: %s: %s",
            warned.rows,
            warned.first,
            warned.path,
            warned.message,
        )


class BatchTry:
    """One try: what it was given, and what has come of it."""

    def __init__(
        self, args: CreateManyArguments, survey: Survey, journal: BatchTaskJournal
    ) -> None:
        self.args = args
        self.survey = survey
        self.task_journal = journal
        self.journal = BatchJournal(journal.windows, journal.keep)
        self.requests = 0
        self.rate_limited = 0
        self.warned = 0
        self.held_back = 0
        self.passing = 0
        self.stopped: CodatError | None = None

    def source_changed(self) -> SourceChanged | None:
        """Return why rows that were changed are refused: they look like new ones.

        :return: None when all that were sent are still there.
        """
        missing = self.journal.missing(self.survey.items)
        if not missing:
            return None
        return SourceChanged(
            f"{len(missing):,} rows that an earlier try of this task has sent are "
            "not in the list any more. Changed rows would be created anew, so "
            "nothing was sent: put the rows back as they were, or hand over "
            "others in a new DAG run. With item_key, rows may be changed"
        )

    def open_rows(self, clear_count: int) -> int:
        """Return how many rows may still be sent.

        :param clear_count: counts how often the task was cleared after it had ended.
        """
        anew = self.args.options.on_clear == "create"
        settled = sum(
            row.item in self.survey.items and _is_settled(row, clear_count, anew)
            for row in self.journal.earlier()
        )
        return max(0, self.survey.total - self.survey.invalid - settled)

    def new_rows(self, clear_count: int) -> int:
        """Return how many rows no try has begun.

        :param clear_count: counts how often the task was cleared after it had ended.
        """
        begun = sum(
            row.item in self.survey.items and _is_begun(row, clear_count)
            for row in self.journal.earlier()
        )
        return self.survey.total - self.survey.invalid - begun

    def own_records(self) -> frozenset[str]:
        """Return the records that earlier tries have created."""
        ends = (row.ended for row in self.journal.earlier())
        return frozenset(
            str(end.result.get("record_id"))
            for end in ends
            if end and end.kind == "end"
        )

    def take(self, batch: Batch) -> None:
        """Take in how a batch has ended."""
        self.requests += batch.scheduler.requests
        self.rate_limited += batch.scheduler.rate_limited
        self.held_back = batch.counts.held_back
        self.passing = batch.counts.passing
        self.stopped = batch.stopped

    def write_results(
        self, tally: Tally, about: About | None = None
    ) -> list[Outcome] | None:
        """Write a line for each row, or return them where there is no file.

        :param tally: takes them in.
        :param about: of the report; None where none is to be written.
        """
        options, figures, lines = self.args.options, Figures(), None

        def told() -> Iterator[Outcome]:
            for outcome in outcomes(self.args.rows.read(), self.journal):
                tally.add(outcome)
                if about is not None:
                    figures.add(outcome)
                self.warned += bool(outcome["warnings"])
                yield outcome

        if options.results_path:
            written(options.results_path, map(line_of, told()))
        else:
            lines = list(told())
        if about is not None:
            written(options.report_path, page_of(figures, about), "report_path")
        return lines

    def error(self, tally: Tally) -> CodatError | None:
        """Return the error of a try that leaves too many rows out of the books.

        :param tally: of what became of the rows.
        """
        missing, allowed = self._missing(tally), self.args.allowed(tally.rows)
        left_out = self.held_back or self.stopped
        if not missing or (missing <= allowed and not left_out):
            return None
        words = (
            f"{missing:,} of {tally.rows:,} rows are not in the books as they should "
            f"be (max_failed: {allowed:,}); {self.summed_up(tally)}"
        )
        words = "\n".join([words, *self._remarks(tally)])
        if isinstance(self.stopped, RateLimited):
            return RateLimited(words, until=self.stopped.until)
        return BatchUnfinished(words) if self._may_pass(tally) else BatchFailed(words)

    def _missing(self, tally: Tally) -> int:
        """Return how many rows are not in the books as they should be."""
        options, missing = self.args.options, tally.missing
        if not options.wait_for_completion:
            missing -= tally.counts.get("Pending", 0)
        return missing + (self.warned if options.fail_on_warning else 0)

    def _may_pass(self, tally: Tally) -> bool:
        """Whether another try may bring rows there that are missing."""
        waits = self.args.options.wait_for_completion
        pending = waits and "Pending" in tally.counts
        stopped = self.stopped is not None and may_pass(self.stopped)
        return bool(self.passing or pending or stopped)

    def _remarks(self, tally: Tally) -> Iterator[str]:
        """Yield why rows are not in the books, line by line."""
        if self.args.options.fail_on_warning and self.warned:
            yield f"{self.warned:,} rows have warnings (fail_on_warning)"
        if self.held_back:
            yield f"{self.held_back:,} rows did not fit into the day's quota"
        if self.stopped is not None:
            yield f"Nothing more was sent: {self.stopped}"
        if listed := tally.listing():
            yield listed

    def summed_up(self, tally: Tally) -> str:
        """Say in one line what became of the rows."""
        counts = ", ".join(f"{n:,} {status}" for status, n in tally.counts.items())
        adopted = f" ({tally.adopted:,} adopted)" if tally.adopted else ""
        return f"{tally.rows:,} rows: {counts}{adopted}"


def _is_settled(row: RowJournal, clear_count: int, anew: bool) -> bool:
    """Whether nothing more is sent for a row that an earlier try has begun."""
    match row.entries[-1:]:
        case [Entry(kind="no" | "existed", clear_count=ended)]:
            return ended == clear_count
        case [Entry(kind="end", clear_count=ended)]:
            return ended == clear_count or not anew
    return bool(row.operation_key)


def _is_begun(row: RowJournal, clear_count: int) -> bool:
    """Whether a row was sent, or was seen to be there since the task was cleared."""
    last = row.entries[-1:]
    if last and last[0].kind == "existed":
        return last[0].clear_count == clear_count
    return bool(last)


def invalid_rows(survey: Survey) -> BatchFailed:
    """Return the error for rows that are not valid."""
    lines = [
        f"  row {row.number}{f' ({row.label})' if row.label else ''}: "
        + "; ".join(first_ones(row.problems))
        for row in survey.rejected
    ]
    if survey.invalid > len(lines):
        lines.append(f"  and {survey.invalid - len(lines):,} more rows")
    return BatchFailed(
        f"{survey.invalid:,} of {survey.total:,} rows are not valid, and nothing was "
        'sent (on_invalid="skip" leaves them out):\n' + "\n".join(lines)
    )


def quota_short(quota: Quota, rows: int) -> QuotaShort:
    """Return the error for rows that do not fit into the day's quota."""
    return QuotaShort(
        f"needs {requests_for(rows):,} requests for {rows:,} rows, has {quota}. "
        'Nothing was sent. on_quota="partial" sends what fits; "wait" sends the rest '
        "then",
        until=quota.until,
    )


def short_of(quota: Quota | None, rows: int, spent: int = 0) -> Quota | None:
    """Return what is left of the day, if it does not suffice; else None.

    :param spent: requests since it was read.
    """
    if quota is None or not rows:
        return None
    left = replace(quota, left=max(0, quota.left - spent))
    return left if left.left < requests_for(rows) else None


def fitting(quota: Quota | None, rows: int, spent: int) -> int | None:
    """Return how many rows can be sent and settled within a quota; None for all.

    :param spent: requests since it was read.
    """
    short = short_of(quota, rows, spent)
    return None if short is None else max(0, short.left - overhead(short.left))
