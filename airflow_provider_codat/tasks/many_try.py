"""One try of a task that creates many records: what it was given, what came of it."""

from collections.abc import Iterator
from dataclasses import replace

from airflow_provider_codat.api.bulk.batch import Batch
from airflow_provider_codat.api.bulk.journal import BatchJournal
from airflow_provider_codat.api.bulk.journal_windows import RowJournal
from airflow_provider_codat.api.bulk.report import Outcome, Tally, line_of
from airflow_provider_codat.api.bulk.results import outcomes
from airflow_provider_codat.api.bulk.rows import Survey
from airflow_provider_codat.api.create.journal import Entry
from airflow_provider_codat.api.errors import (
    BatchFailed,
    BatchUnfinished,
    CodatError,
    QuotaShort,
    RateLimited,
    SourceChanged,
)
from airflow_provider_codat.api.http.quota import Quota, overhead, requests_for
from airflow_provider_codat.failures import may_pass
from airflow_provider_codat.tasks.create_many import (
    Given,
)
from airflow_provider_codat.tasks.files import written
from airflow_provider_codat.tasks.task_journal import (
    BatchNotebook,
)


class BatchTry:
    """One try: what it was given, and what has come of it."""

    def __init__(self, args: Given, survey: Survey, notebook: BatchNotebook) -> None:
        self.given = args
        self.survey = survey
        self.notebook = notebook
        self.journal = BatchJournal(notebook.windows, notebook.keep)
        self.requests = 0
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

    def open_rows(self, clear_count: int, *, anew: bool) -> int:
        """Return how many rows may still be sent.

        :param clear_count: counts how often the task was cleared after it had ended.
        :param anew: whether rows that were in the books before are created again.
        """
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
        self.requests += batch.crowd.requests
        self.held_back = batch.counts.held_back
        self.passing = batch.counts.passing
        self.stopped = batch.stopped

    def write_results(self, tally: Tally) -> list[Outcome] | None:
        """Write a line for each row, or return them where there is no file.

        :param tally: takes them in.
        """

        def told() -> Iterator[Outcome]:
            for outcome in outcomes(self.given.rows.read(), self.journal):
                tally.add(outcome)
                self.warned += bool(outcome["warnings"])
                yield outcome

        if not self.given.results_path:
            return list(told())
        written(self.given.results_path, map(line_of, told()))
        return None

    def error(
        self, tally: Tally, *, waits: bool, fail_on_warning: bool
    ) -> CodatError | None:
        """Return the error of a try that leaves too many rows out of the books.

        :param tally: of what became of the rows.
        :param waits: whether rows that are pending count as missing.
        :param fail_on_warning: whether rows with warnings do.
        """
        missing = tally.missing
        if not waits:
            missing -= tally.counts.get("Pending", 0)
        if fail_on_warning:
            missing += self.warned
        allowed = self.given.allowed(tally.rows)
        left_out = self.held_back or self.stopped
        if not missing or (missing <= allowed and not left_out):
            return None
        words = (
            f"{missing:,} of {tally.rows:,} rows are not in the books as they should "
            f"be (max_failed: {allowed:,}); {self.summed_up(tally)}"
        )
        words = "\n".join([words, *self._remarks(tally, fail_on_warning)])
        if isinstance(self.stopped, RateLimited):
            return RateLimited(words, until=self.stopped.until)
        pending = waits and "Pending" in tally.counts
        passing = self.passing or pending or (self.stopped and may_pass(self.stopped))
        return BatchUnfinished(words) if passing else BatchFailed(words)

    def _remarks(self, tally: Tally, fail_on_warning: bool) -> Iterator[str]:
        """Yield why rows are not in the books, line by line."""
        if fail_on_warning and self.warned:
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
        + "; ".join(str(problem) for problem in row.problems)
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


def fitting(quota: Quota) -> int:
    """Return how many rows can be sent and settled within a quota."""
    return max(0, quota.left - overhead(quota.left))
