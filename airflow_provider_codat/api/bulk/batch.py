"""Many rows: sent, settled and written down together, each of them exactly once.

Every row has a conversation of its own, the same that a single write has. Here is
decided when a row is taken up, when the list is asked, and when the whole is over.
"""

import math
from collections.abc import Callable

from airflow_provider_codat.api.books.push_status import PushStatus
from airflow_provider_codat.api.bulk.journal import BatchJournal
from airflow_provider_codat.api.bulk.plan import BatchPlan, Counts, Deferral, unchanged
from airflow_provider_codat.api.bulk.polling import AwaitedRows, StatusPolling
from airflow_provider_codat.api.bulk.reconcile import BatchBooks, BatchClaims
from airflow_provider_codat.api.bulk.report import Status
from airflow_provider_codat.api.bulk.row_progress import (
    LATE,
    RowProgress,
    is_of_all,
    status_of,
    warnings_of,
    words_of,
)
from airflow_provider_codat.api.bulk.rows import Row
from airflow_provider_codat.api.bulk.scheduler import RunningConversation, Scheduler
from airflow_provider_codat.api.create.intent import Done, Written
from airflow_provider_codat.api.create.journal import Entry, Past
from airflow_provider_codat.api.create.next_step import Move
from airflow_provider_codat.api.create.submit import submit
from airflow_provider_codat.api.errors import Busy, CodatError, CodatFaulted
from airflow_provider_codat.api.http.exchange import Patience
from airflow_provider_codat.api.http.response import CLOCK_SKEW_SECONDS, epoch_of
from airflow_provider_codat.api.models import PushOperation

_FEW = 10
_SHORT_SECONDS = 10.0
"""What is not worth leaving a worker for."""


def deferral(
    scheduler: Scheduler,
    awaited: AwaitedRows,
    patience: Patience,
    latest_at: float,
) -> Deferral | None:
    """Return when to come back to a batch of which all was sent.

    :param latest_at: epoch seconds: when the latest push operation was accepted, or the
        try began.
    """
    if scheduler.under_way or scheduler.reconcile_requests:
        return None
    now = patience.clock()
    wakes_at = scheduler.wakes_at or math.inf
    keys, since = awaited.newest()
    if not keys:
        return Deferral(wakes_at) if wakes_at - now > _SHORT_SECONDS else None
    if now - latest_at < _SHORT_SECONDS:
        # Most push operations take no longer.
        return None
    return Deferral(min(wakes_at, awaited.deadline()), keys, since)


class Batch:
    """One try of a batch.

    :param patience: without a pace of its own: the scheduler has it.
    :param progress: is called again and again, to tell how far it is.
    """

    def __init__(
        self,
        plan: BatchPlan,
        journal: BatchJournal,
        scheduler: Scheduler,
        patience: Patience,
        progress: Callable[["Batch"], None] = lambda _: None,
    ) -> None:
        self._plan = plan
        self._journal = journal
        self.scheduler = scheduler
        self._patience = patience
        self._progress = progress
        self._books = BatchBooks(BatchClaims(journal))
        self.awaited = AwaitedRows(plan, patience)
        self._polling = StatusPolling(
            scheduler,
            self.awaited,
            self._books.claims,
            patience,
            self._conclude,
            self._not_told,
        )
        self._rows = unchanged(plan.rows(), self._stop)
        self.counts = Counts()
        self.exhausted = False
        self.stopped: CodatError | None = None
        self._open: set[RowProgress] = set()
        self._written_at = 0.0
        self._sent_at = patience.clock()

    def run(self) -> Deferral | None:
        """Go on until every row has come to something, or nothing can be done now.

        :return: when to come back, if there is a point in it.
        :raises JournalFailed: when the journal could not be written.
        """
        try:
            while not self._over():
                self._take_up()
                self._perhaps_write_down()
                self._poll()
                self._give_up_waiting()
                if (deferred := self._deferral()) is not None:
                    self._journal.write_down()
                    return deferred
                idle = 0.0 if self._wanted() else self._polling.idle_seconds()
                self.scheduler.run_once(idle)
                self._progress(self)
            self._close()
        finally:
            self.scheduler.stop()
        return None

    @property
    def open(self) -> int:
        """How many rows are under way."""
        return len(self._open)

    def _over(self) -> bool:
        if self.scheduler.halted:
            self._stop(Busy("the task was told to stop"))
        if self.stopped is not None:
            # What is under way is awaited; what Codat accepted is in the journal.
            return not self.scheduler.under_way
        if self._polling.asking:
            return False
        # While others are in doubt, the books are not asked: a later try can.
        asks = len(self.scheduler.reconcile_requests)
        if asks and self.counts.passing and len(self._open) == asks:
            return True
        return self.exhausted and not self._open

    def _take_up(self) -> None:
        """Take up more rows, so many that the senders do not run dry."""
        if self.scheduler.in_trouble and not self._open and not self.exhausted:
            self._stop(CodatFaulted("Codat has given nothing but faults", status=500))
        for _ in range(self._wanted()):
            source_row = next(self._rows, None)
            if source_row is None:
                self.exhausted = True
                return
            if isinstance(source_row, Row):
                self._begin(source_row)

    def _wanted(self) -> int:
        """Return how many rows are to be taken up now.

        While there is enough to send, a few at a time: answers do not wait for long.
        """
        if self.exhausted or self.stopped or self._is_full():
            return 0
        ready = self.scheduler.due + len(self.scheduler.unwritten)
        if ready <= self._plan.low:
            return self._plan.chunk
        return max(0, min(_FEW, self._plan.low + self._plan.chunk - ready))

    def _is_full(self) -> bool:
        """Whether no more rows are taken up before others have come to something."""
        return len(self._open) >= self._plan.most_open or self.scheduler.in_trouble

    def _begin(self, source_row: Row) -> None:
        """Take up one row, from where earlier tries left it."""
        write = self._plan.write_of(source_row)
        found = self._journal.found(source_row.item)
        most = self._plan.most
        new = found is None or all(e.kind == "existed" for e in found.entries)
        if new and most is not None and self.counts.sent >= most:
            self.counts.held_back += 1
            return
        digest = bytes.fromhex(write.digest()[:16])
        row = RowProgress(
            source_row.number, write, self._journal.opened(source_row.item, digest)
        )
        row.before = row.journal.entries
        self._open.add(row)
        if not row.journal.entries:
            self._submit(row, Past((), self._plan.unseen_since), self.scheduler.begin)
        elif settled := row.settled_since_clear:
            self._end(row, settled, row.journal.remarks)
        else:
            self._resume(row)

    def _resume(self, row: RowProgress) -> None:
        """Go on with a row that an earlier try has begun."""
        step = row.first_step(self._patience.clock())
        entries = row.entries()
        if step.move is Move.RETURN:
            self._end(row, "Success", row.journal.remarks)
        elif row.awaits(step):
            held = row.take_up()
            # What repeats a key is given the push operation of its first send.
            requested_at = entries[0].at - CLOCK_SKEW_SECONDS
            accepted_at = max(held.at, self._plan.begun_at)
            self._expect(row, held.operation_key, accepted_at, requested_at)
        else:
            self._submit(row, Past(entries), self.scheduler.queue)

    def _submit(
        self, row: RowProgress, past: Past, begin: Callable[[RunningConversation], None]
    ) -> None:
        self.counts.sent += 1
        row.running = RunningConversation(
            submit(row.write, past, self._patience, self._books),
            note=lambda entry: self._note(row, entry),
            done=lambda end: self._submitted(row, end),
            failed=lambda error: self._failed(row, error),
            item=row.journal.item,
        )
        begin(row.running)

    def _note(self, row: RowProgress, entry: Entry) -> bool:
        row.keep(entry)
        self._journal.changed(row.journal)
        # To lose these costs a question, and never a record: what is sent after them is
        # written down together with them.
        return entry.kind in {"op", "end", "no"}

    def _submitted(self, row: RowProgress, end: Written | Done) -> None:
        self.counts.setbacks = 0
        if isinstance(end, Done):
            existed = end.result["status"] == "Exists"
            self.counts.sent -= existed
            status: Status = "Exists" if existed else "Success"
            self._end(row, status, warnings_of(end.result))
            return
        self._sent_at = self._patience.clock()
        row.generation, row.adopted = end.generation, end.adopted
        if end.operation.ended and end.operation.status != "TimedOut":
            self._conclude(row, end.operation)
        else:
            requested = epoch_of(end.operation.requested_at)
            self._expect(row, end.operation.key, self._sent_at, requested)

    def _expect(
        self, row: RowProgress, key: str, accepted_at: float, requested_at: float | None
    ) -> None:
        if key in self.awaited.rows:
            self._end(row, "Unknown", (f"another row was given {key}, too",))
        elif self._plan.wait:
            row.lighten()
            self.awaited.expect(key, row, accepted_at, requested_at)
        else:
            self._end(row, "Pending", ())

    def _conclude(self, row: RowProgress, push_status: PushStatus) -> None:
        """Take in what became of a push operation."""
        if not isinstance(push_status, PushOperation):
            self._failed(row, push_status)
            return
        self._journal.changed(row.journal)
        try:
            result = row.conclude(push_status, self._patience)
        except CodatError as error:
            self._failed(row, error)
        else:
            self._end(row, "Success", warnings_of(result))

    def _failed(self, row: RowProgress, error: CodatError) -> None:
        """Take in why a row is not in the books."""
        status = status_of(error)
        if is_of_all(error):
            self._stop(error)
        elif status is None:
            self.counts.passing += 1
            self.counts.setbacks += 1
            if self.counts.setbacks >= self.scheduler.most:
                self._stop(error)
        self._end(row, status or row.journal.open_status, words_of(error))

    def _stop(self, error: CodatError) -> None:
        """Send nothing more: it would come to the same, or come too early."""
        self.stopped = self.stopped or error
        self.scheduler.finish()

    def _end(self, row: RowProgress, status: Status, remarks: tuple[str, ...]) -> None:
        """Nothing more comes of a row in this try."""
        self._open.discard(row)
        if (row.journal.status, row.journal.remarks) != (status, remarks):
            row.journal.status, row.journal.remarks = status, remarks
            self._journal.changed(row.journal)
        self._journal.settled(row.journal)
        self.counts.ended[status] = self.counts.ended.get(status, 0) + 1

    def _perhaps_write_down(self) -> None:
        """Write down what is known, once a second, or when senders wait for it."""
        waited_for = self.scheduler.unwritten and self.scheduler.due <= self._plan.low
        late = self._patience.clock() - self._written_at >= self._plan.write_seconds
        if waited_for or late:
            self._write_down()

    def _write_down(self) -> None:
        """Write down what is known, and let those go on who have waited for it."""
        self._journal.write_down()
        self._written_at = self._patience.clock()
        self.scheduler.written()

    def _poll(self) -> None:
        """Ask what became of rows, of the list and of the books, when it is time."""
        all_sent = self._all_sent()
        self._polling.poll(all_sent=all_sent)
        # A record that two rows may have made has to be known as that, so all that is
        # in doubt is asked for together.
        if all_sent and not self.scheduler.asleep and not self.counts.passing:
            self._polling.reconcile()

    def _all_sent(self) -> bool:
        """Whether nothing is to be sent any more, as far as that is known."""
        scheduler = self.scheduler
        waiting = (
            len(self.awaited.rows)
            + scheduler.asleep
            + len(scheduler.reconcile_requests)
        )
        return (self.exhausted or self._is_full()) and len(self._open) <= waiting

    def _not_told(self, error: CodatError) -> None:
        """Take in why the list could not be read."""
        if status_of(error) is not None or is_of_all(error):
            self._stop(error)

    def _give_up_waiting(self) -> None:
        """Wait no more for push operations that have not ended in time."""
        if not self._all_sent() or self._polling.asking:
            return
        # Not before it was seen how they stand: it may be long since they were sent.
        if self.awaited.schedule.polled_at > self.awaited.deadline():
            for row in self.awaited.given_up():
                if row.timed_out:
                    self._conclude(row, row.timed_out)
                else:
                    self._end(row, "Pending", (LATE,))

    def _deferral(self) -> Deferral | None:
        """Return when to come back, where there is only to be waited, and for long."""
        waits = self._open and self._all_sent() and not self._polling.asking
        if not waits or not self._plan.may_defer:
            return None
        return deferral(self.scheduler, self.awaited, self._patience, self._sent_at)

    def _close(self) -> None:
        """Say of the rows that nothing has come of how they stand."""
        # An answer that is written down may say why, though nothing more is sent.
        self._write_down()
        for row in list(self._open):
            if row.running is not None and not row.running.sent:
                # Its intent was written down, and it was never sent.
                row.journal.entries = row.before
                self._journal.changed(row.journal)
            self._end(row, row.journal.open_status, row.journal.remarks)
        self._journal.write_down()
