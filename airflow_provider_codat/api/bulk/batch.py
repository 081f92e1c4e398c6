"""Many rows: sent, settled and written down together, each of them exactly once.

Every row has a conversation of its own, the same that a single write has. Here is
decided when a row is taken up, when the list is asked, and when the whole is over.
"""

from collections.abc import Callable

from airflow_provider_codat.api.books.push_status import Sight
from airflow_provider_codat.api.bulk.inquiry import Inquiry
from airflow_provider_codat.api.bulk.journal import BatchJournal
from airflow_provider_codat.api.bulk.leaving import away
from airflow_provider_codat.api.bulk.plan import Away, Counts, Order, unchanged
from airflow_provider_codat.api.bulk.polling import Settling
from airflow_provider_codat.api.bulk.reconcile import BatchBooks, BatchClaims
from airflow_provider_codat.api.bulk.report import Status
from airflow_provider_codat.api.bulk.row import Row
from airflow_provider_codat.api.bulk.row_progress import (
    LATE,
    Case,
    is_of_all,
    status_of,
    warnings_of,
    words_of,
)
from airflow_provider_codat.api.bulk.scheduler import Crowd, Talk
from airflow_provider_codat.api.create.intent import Done, Written
from airflow_provider_codat.api.create.journal import Entry, Past
from airflow_provider_codat.api.create.next_step import Move
from airflow_provider_codat.api.create.submit import submit
from airflow_provider_codat.api.errors import Busy, CodatError, CodatFaulted
from airflow_provider_codat.api.http.exchange import Patience
from airflow_provider_codat.api.http.response import CLOCK_SKEW_SECONDS, epoch_of
from airflow_provider_codat.api.models import PushOperation


class Batch:
    """One try of a batch.

    :param patience: without a pace of its own: the crowd has it.
    :param progress: is called again and again, to tell how far it is.
    """

    def __init__(
        self,
        order: Order,
        journal: BatchJournal,
        crowd: Crowd,
        patience: Patience,
        progress: Callable[["Batch"], None] = lambda _: None,
    ) -> None:
        self._order = order
        self._journal = journal
        self.crowd = crowd
        self._patience = patience
        self._progress = progress
        self._books = BatchBooks(BatchClaims(journal))
        self.settling = Settling(order, patience)
        self._inquiry = Inquiry(
            crowd,
            self.settling,
            self._books.claims,
            patience,
            self._conclude,
            self._not_told,
        )
        self._rows = unchanged(order.rows(), self._stop)
        self.counts = Counts()
        self.exhausted = False
        self.stopped: CodatError | None = None
        self._open: set[Case] = set()
        self._written_at = 0.0
        self._sent_at = patience.clock()

    def run(self) -> Away | None:
        """Go on until every row has come to something, or nothing can be done now.

        :return: when to come back, if there is a point in it.
        :raises JournalFailed: when the journal could not be written.
        """
        try:
            while not self._over():
                self._take_up()
                self._perhaps_write_down()
                self._look()
                self._give_up_waiting()
                if (leave := self._may_leave()) is not None:
                    self._journal.write_down()
                    return leave
                more = self._needs_more()
                self.crowd.turn(0.0 if more else self._inquiry.idle_seconds())
                self._progress(self)
            self._close()
        finally:
            self.crowd.stop()
        return None

    @property
    def open(self) -> int:
        """How many rows are under way."""
        return len(self._open)

    def _over(self) -> bool:
        if self.crowd.halted:
            self._stop(Busy("the task was told to stop"))
        if self.stopped is not None:
            # What is under way is awaited; what Codat accepted is in the journal.
            return not self.crowd.under_way
        if self._inquiry.asking:
            return False
        # While others are in doubt, the books are not asked: a later try can.
        asks = len(self.crowd.consulting)
        if asks and self.counts.passing and len(self._open) == asks:
            return True
        return self.exhausted and not self._open

    def _take_up(self) -> None:
        """Take up more rows, so many that the senders do not run dry."""
        if self.crowd.in_trouble and not self._open and not self.exhausted:
            self._stop(CodatFaulted("Codat has given nothing but faults", status=500))
        for _ in range(self._order.chunk if self._needs_more() else 0):
            row = next(self._rows, None)
            if row is None:
                self.exhausted = True
                return
            if isinstance(row, Row):
                self._begin(row)

    def _needs_more(self) -> bool:
        """Whether senders will soon have nothing to do."""
        if self.exhausted or self.stopped or self._is_full():
            return False
        return self.crowd.due + len(self.crowd.unwritten) <= self._order.low

    def _is_full(self) -> bool:
        """Whether no more rows are taken up before others have come to something."""
        return len(self._open) >= self._order.most_open or self.crowd.in_trouble

    def _begin(self, row: Row) -> None:
        """Take up one row, from where earlier tries left it."""
        write = self._order.write_of(row)
        found = self._journal.found(row.item)
        most = self._order.most
        new = found is None or all(e.kind == "existed" for e in found.entries)
        if new and most is not None and self.counts.sent >= most:
            self.counts.held_back += 1
            return
        digest = bytes.fromhex(write.digest()[:16])
        case = Case(row.number, write, self._journal.opened(row.item, digest))
        case.before = case.row.entries
        self._open.add(case)
        if not case.row.entries:
            self._submit(case, Past((), self._order.unseen_since), self.crowd.begin)
        elif settled := case.settled_since_clear:
            self._end(case, settled, case.row.said)
        else:
            self._resume(case)

    def _resume(self, case: Case) -> None:
        """Go on with a row that an earlier try has begun."""
        step = case.first_step(self._patience.clock())
        entries = case.entries()
        if step.move is Move.RETURN:
            self._end(case, "Success", case.row.said)
        elif case.awaits(step):
            held = case.take_up()
            # What repeats a key is given the push operation of its first send.
            requested_at = entries[0].at - CLOCK_SKEW_SECONDS
            accepted_at = max(held.at, self._order.begun_at)
            self._expect(case, held.operation_key, accepted_at, requested_at)
        else:
            self._submit(case, Past(entries), self.crowd.queue)

    def _submit(self, case: Case, past: Past, begin: Callable[[Talk], None]) -> None:
        self.counts.sent += 1
        case.talk = Talk(
            submit(case.write, past, self._patience, self._books),
            note=lambda entry: self._note(case, entry),
            done=lambda end: self._submitted(case, end),
            failed=lambda error: self._failed(case, error),
            item=case.row.item,
        )
        begin(case.talk)

    def _note(self, case: Case, entry: Entry) -> bool:
        case.keep(entry)
        self._journal.changed(case.row)
        # To lose these costs a question, and never a record: what is sent after them is
        # written down together with them.
        return entry.kind in {"op", "end", "no"}

    def _submitted(self, case: Case, end: Written | Done) -> None:
        self.counts.setbacks = 0
        if isinstance(end, Done):
            existed = end.result["status"] == "Exists"
            self.counts.sent -= existed
            status: Status = "Exists" if existed else "Success"
            self._end(case, status, warnings_of(end.result))
            return
        self._sent_at = self._patience.clock()
        case.generation, case.adopted = end.generation, end.adopted
        if end.operation.ended and end.operation.status != "TimedOut":
            self._conclude(case, end.operation)
        else:
            requested = epoch_of(end.operation.requested_at)
            self._expect(case, end.operation.key, self._sent_at, requested)

    def _expect(
        self, case: Case, key: str, accepted_at: float, requested_at: float | None
    ) -> None:
        if key in self.settling.cases:
            self._end(case, "Unknown", (f"another row was given {key}, too",))
        elif self._order.wait:
            case.lighten()
            self.settling.expect(key, case, accepted_at, requested_at)
        else:
            self._end(case, "Pending", ())

    def _conclude(self, case: Case, sight: Sight) -> None:
        """Take in what became of a push operation."""
        if not isinstance(sight, PushOperation):
            self._failed(case, sight)
            return
        self._journal.changed(case.row)
        try:
            result = case.conclude(sight, self._patience)
        except CodatError as error:
            self._failed(case, error)
        else:
            self._end(case, "Success", warnings_of(result))

    def _failed(self, case: Case, error: CodatError) -> None:
        """Take in why a row is not in the books."""
        status = status_of(error)
        if is_of_all(error):
            self._stop(error)
        elif status is None:
            self.counts.passing += 1
            self.counts.setbacks += 1
            if self.counts.setbacks >= self.crowd.most:
                self._stop(error)
        self._end(case, status or case.row.open_status, words_of(error))

    def _stop(self, error: CodatError) -> None:
        """Send nothing more: it would come to the same, or come too early."""
        self.stopped = self.stopped or error
        self.crowd.finish()

    def _end(self, case: Case, status: Status, said: tuple[str, ...]) -> None:
        """Nothing more comes of a row in this try."""
        self._open.discard(case)
        if (case.row.status, case.row.said) != (status, said):
            case.row.status, case.row.said = status, said
            self._journal.changed(case.row)
        self._journal.settled(case.row)
        self.counts.ended[status] = self.counts.ended.get(status, 0) + 1

    def _perhaps_write_down(self) -> None:
        """Write down what is known, once a second, or when senders wait for it."""
        waited_for = self.crowd.unwritten and self.crowd.due <= self._order.low
        late = self._patience.clock() - self._written_at >= self._order.write_seconds
        if waited_for or late:
            self._write_down()

    def _write_down(self) -> None:
        """Write down what is known, and let those go on who have waited for it."""
        self._journal.write_down()
        self._written_at = self._patience.clock()
        self.crowd.written()

    def _look(self) -> None:
        """Ask what became of rows, of the list and of the books, when it is time."""
        all_sent = self._all_sent()
        self._inquiry.look(all_sent=all_sent)
        # A record that two rows may have made has to be known as that, so all that is
        # in doubt is asked for together.
        if all_sent and not self.crowd.asleep and not self.counts.passing:
            self._inquiry.consult()

    def _all_sent(self) -> bool:
        """Whether nothing is to be sent any more, as far as that is known."""
        crowd = self.crowd
        waiting = len(self.settling.cases) + crowd.asleep + len(crowd.consulting)
        return (self.exhausted or self._is_full()) and len(self._open) <= waiting

    def _not_told(self, error: CodatError) -> None:
        """Take in why the list could not be read."""
        if status_of(error) is not None or is_of_all(error):
            self._stop(error)

    def _give_up_waiting(self) -> None:
        """Wait no more for push operations that have not ended in time."""
        if not self._all_sent() or self._inquiry.asking:
            return
        # Not before it was seen how they stand: it may be long since they were sent.
        if self.settling.rhythm.looked_at > self.settling.deadline():
            for case in self.settling.given_up():
                if case.timed_out:
                    self._conclude(case, case.timed_out)
                else:
                    self._end(case, "Pending", (LATE,))

    def _may_leave(self) -> Away | None:
        """Return when to come back, where there is only to be waited, and for long."""
        waits = self._open and self._all_sent() and not self._inquiry.asking
        if not waits or not self._order.may_leave:
            return None
        return away(self.crowd, self.settling, self._patience, self._sent_at)

    def _close(self) -> None:
        """Say of the rows that nothing has come of how they stand."""
        # An answer that is written down may say why, though nothing more is sent.
        self._write_down()
        for case in list(self._open):
            if case.talk is not None and not case.talk.sent:
                # Its intent was written down, and it was never sent.
                case.row.entries = case.before
                self._journal.changed(case.row)
            self._end(case, case.row.open_status, case.row.said)
        self._journal.write_down()
