"""The journal of a batch: its windows, in memory as long as a row in them is open.

A window whose rows have all come to something is kept as the text that the store has of
it, some 43 KB for 500 rows, and not in memory.
"""

import math
from collections import OrderedDict
from collections.abc import Callable, Container, Iterable, Iterator
from datetime import UTC, datetime

from airflow_provider_codat.api.bulk.digests import Digests
from airflow_provider_codat.api.bulk.journal_windows import (
    MOST_ROWS,
    RowJournal,
    Window,
    decoded,
)
from airflow_provider_codat.api.bulk.report import Outcome, Status
from airflow_provider_codat.api.bulk.rows import Rejected, Row
from airflow_provider_codat.api.bulk.settled_windows import SettledWindows
from airflow_provider_codat.api.models import Json

_KEPT = 16
"""How many closed windows are kept unpacked, for rows that follow each other."""


class BatchJournal:
    """What is known of each row, written down so many rows at a time.

    :param texts: the windows that earlier tries have written, by their numbers.
    :param keep: writes a window down, or raises ``JournalFailed``.
    """

    def __init__(self, texts: Iterable[Json], keep: Callable[[int, str], None]) -> None:
        self._keep = keep
        self._closed = SettledWindows()
        # One more than the number of the window: 0 is no value there.
        self._where = Digests()
        for number, text in enumerate(texts):
            for row in decoded(number, text).rows:
                self._where[row.item] = number + 1
            self._closed[number] = str(text)
        self._before = len(self._closed)
        self._open: dict[int, Window] = {}
        self._unpacked: OrderedDict[int, Window] = OrderedDict()
        self._unsettled: dict[int, int] = {}

    def __len__(self) -> int:
        """Return of how many rows earlier tries have written."""
        return len(self._where)

    def found(self, item: bytes) -> RowJournal | None:
        """Return what an earlier try has written of a row."""
        known = self._where.get(item)
        if not known:
            return None
        return next(r for r in self._window(known - 1).rows if r.item == item)

    def earlier(self) -> Iterator[RowJournal]:
        """Yield what earlier tries have written, row by row."""
        for number in range(self._before):
            yield from self._window(number).rows

    def opened(self, item: bytes, digest: bytes) -> RowJournal:
        """Return the journal of a row, to be written into; a new one at need.

        It stays open until :meth:`settled`.
        """
        known = self._where.get(item)
        if not known:
            window = self._latest()
            row = RowJournal(item, digest, window=window.number)
            window.rows.append(row)
        else:
            window = self._window(known - 1)
            self._open.setdefault(window.number, window)
            row = next(r for r in window.rows if r.item == item)
            if not row.entries:
                row.digest = digest
        self._unsettled[window.number] = self._unsettled.get(window.number, 0) + 1
        return row

    def changed(self, row: RowJournal) -> None:
        """Note that there is something to be written down."""
        self._open[row.window].dirty = True

    def settled(self, row: RowJournal) -> None:
        """Note that nothing more comes of a row in this try."""
        self._unsettled[row.window] -= 1

    @property
    def dirty(self) -> bool:
        """Whether something is not written down."""
        return any(window.dirty for window in self._open.values())

    def write_down(self) -> None:
        """Write all down that is not, and pack the windows that are settled.

        :raises JournalFailed: when it was perhaps not kept.
        """
        for window in list(self._open.values()):
            full = len(window.rows) >= MOST_ROWS or window.number < self._before
            settled = full and not self._unsettled.get(window.number)
            text = window.encoded() if window.dirty or settled else ""
            if window.dirty:
                self._keep(window.number, text)
                window.dirty = False
            if settled:
                self._closed[window.number] = text
                del self._open[window.number]
                self._unsettled.pop(window.number, None)

    def missing(self, present: Digests) -> list[RowJournal]:
        """Return rows that an earlier try may have created, and that are gone.

        :param present: the items of the rows that there are now.
        """
        return [
            row
            for row in self.earlier()
            if row.item not in present and row.may_have_created
        ]

    def in_order(self) -> Iterator[RowJournal]:
        """Yield the rows that this try has begun anew, in the order of beginning."""
        for number in range(self._before, self._length()):
            yield from self._window(number).rows

    def operation_keys(self) -> Iterator[str]:
        """Yield the push operations that belong to a row."""
        for row in self._all():
            yield from (e.operation_key for e in row.entries if e.operation_key)

    def given_records(self) -> Iterator[str]:
        """Yield the records of which a person has said that they are a row's."""
        for row in self._all():
            ends = (e for e in row.entries if e.kind == "end" and not e.operation_key)
            yield from (str(end.result.get("record_id")) for end in ends)

    def in_doubt_since(self, apart_from: Container[bytes]) -> float:
        """Return when the first row was intended of which nothing tells what became.

        :param apart_from: the items of rows that do not count.
        :return: epoch seconds; infinite where there is no such row.
        """
        doubtful = (
            row.entries[0].at
            for row in self._all()
            if row.open_status == "Unknown" and row.item not in apart_from
        )
        return min(doubtful, default=math.inf)

    def _all(self) -> Iterator[RowJournal]:
        for number in range(self._length()):
            yield from self._window(number).rows

    def _length(self) -> int:
        """Return how many windows there are."""
        return max(len(self._closed), max(self._open, default=-1) + 1)

    def _latest(self) -> Window:
        number = max(self._open, default=-1)
        if number >= self._before and len(self._open[number].rows) < MOST_ROWS:
            return self._open[number]
        number = max(number + 1, len(self._closed))
        return self._open.setdefault(number, Window(number))

    def _window(self, number: int) -> Window:
        """Return a window to be read."""
        if number in self._open:
            return self._open[number]
        if number not in self._unpacked:
            self._unpacked[number] = decoded(number, self._closed[number])
            if len(self._unpacked) > _KEPT:
                self._unpacked.popitem(last=False)
        return self._unpacked[number]


def outcomes(
    rows: Iterable[Row | Rejected], journal: BatchJournal
) -> Iterator[Outcome]:
    """Yield what became of each row.

    :param rows: of the source, in the order in which the batch has taken them up.
    """
    begun = journal.in_order()
    following = next(begun, None)
    for row in rows:
        if isinstance(row, Rejected):
            yield _invalid(row, journal.found(row.item))
        elif following is not None and following.item == row.item:
            yield _outcome(row, following)
            following = next(begun, None)
        elif (found := journal.found(row.item)) is not None:
            yield _outcome(row, found)
        else:
            yield _nothing(row.number, row.label, "NotSent", [])


def _invalid(row: Rejected, found: RowJournal | None) -> Outcome:
    """Return what became of a row that cannot be sent, and perhaps was, before."""
    problems = [str(problem) for problem in row.problems]
    if found is None or not found.may_have_created:
        return _nothing(row.number, row.label, "Invalid", problems)
    outcome = _outcome(row, found)
    outcome["status"] = "Changed" if found.ended else outcome["status"]
    outcome["problems"] += problems
    return outcome


def _outcome(row: Row | Rejected, found: RowJournal) -> Outcome:
    status: Status = found.status or found.open_status
    in_the_books = status in {"Success", "Exists"}
    result = found.ended.result if found.ended else {}
    record, adopted = result.get("record_id"), result.get("adopted")
    return {
        "row": row.number,
        "item_key": row.label,
        "status": status,
        "record_id": str(record) if record is not None else None,
        "push_operation_key": found.operation_key,
        "adopted": found.adopted or bool(adopted),
        "sent_at": _time(found.sent_at),
        "warnings": list(found.remarks) if in_the_books else [],
        "problems": [] if in_the_books else list(found.remarks),
    }


def _time(at: float | None) -> str | None:
    if at is None:
        return None
    # To the millisecond first, as it is written down: told alike before and after.
    return datetime.fromtimestamp(round(at, 3), UTC).isoformat(timespec="seconds")


def _nothing(number: int, label: str, status: Status, problems: list[str]) -> Outcome:
    return {
        "row": number,
        "item_key": label,
        "status": status,
        "record_id": None,
        "push_operation_key": "",
        "adopted": False,
        "sent_at": None,
        "warnings": [],
        "problems": problems,
    }
