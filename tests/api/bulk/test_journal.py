"""The laws of the journal of a batch: every row is found again, and little is kept."""

import math
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from airflow_provider_codat.api.bulk.digests import Digests
from airflow_provider_codat.api.bulk.journal import BatchJournal, outcomes
from airflow_provider_codat.api.bulk.journal_windows import (
    MOST_ROWS,
    RowJournal,
    decoded,
)
from airflow_provider_codat.api.bulk.rows import Row
from airflow_provider_codat.api.create.journal import Entry, Kind
from airflow_provider_codat.api.errors import JournalFailed

if TYPE_CHECKING:
    from airflow_provider_codat.api.models import Json

START = 1_772_438_400.0
KEY = "11111111-2222-5333-8444-555555555555"


def item(number: int) -> bytes:
    return number.to_bytes(8, "big")


class Store:
    """Keeps windows, and counts what is written."""

    def __init__(self) -> None:
        self.texts: dict[int, str] = {}
        self.written: list[int] = []
        self.fails = False

    def keep(self, number: int, text: str) -> None:
        if self.fails:
            raise JournalFailed("it was perhaps not kept")
        self.written.append(number)
        self.texts[number] = text

    def opened(self) -> BatchJournal:
        """Open the journal for another try."""
        texts: list[Json] = [self.texts[number] for number in sorted(self.texts)]
        return BatchJournal(texts, self.keep)


def begun(journal: BatchJournal, number: int, *kinds: str) -> RowJournal:
    """Take up a row, and note entries of it."""
    row = journal.opened(item(number), b"a digest")
    for word in kinds:
        kind = cast("Kind", word)
        key = KEY if kind in {"op", "end"} else ""
        row.entries += (Entry(kind, 0, START + number, operation_key=key),)
        journal.changed(row)
    return row


def ended(journal: BatchJournal, number: int, *kinds: str) -> RowJournal:
    row = begun(journal, number, *kinds)
    row.status = "Success"
    journal.changed(row)
    journal.settled(row)
    return row


def test_a_later_try_finds_each_row() -> None:
    """What was written is found by the item of its row, whatever the order is now."""
    store = Store()
    journal = store.opened()
    for number in range(1200):
        ended(journal, number, "intent", *["op"] * (number % 2))
    journal.write_down()
    later = store.opened()
    assert len(later) == 1200
    assert sorted(store.texts) == [0, 1, 2]
    for number in reversed(range(1200)):
        found = later.found(item(number))
        assert found is not None
        assert found.entries[0].at == pytest.approx(START + number)
        assert bool(found.operation_key) == number % 2
    assert later.found(item(1200)) is None


def test_rows_of_this_try_are_in_order() -> None:
    """Rows that are begun anew come in the order of beginning, over all windows.

    Those of earlier tries are none of them.
    """
    store = Store()
    first = store.opened()
    for number in range(3):
        ended(first, number, "intent")
    first.write_down()
    second = store.opened()
    numbers = [*range(100, 100 + 2 * MOST_ROWS), 1, 50]
    for number in numbers:
        ended(second, number, "intent")
        if not number % 190:
            second.write_down()
    second.write_down()
    expected = [item(number) for number in numbers if number != 1]
    assert [row.item for row in second.in_order()] == expected
    assert [row.item for row in second.earlier()] == [item(n) for n in range(3)]


def test_only_what_has_changed_is_written() -> None:
    """A window is written when something in it has changed, and then once."""
    store = Store()
    first = store.opened()
    for number in range(2 * MOST_ROWS):
        ended(first, number, "intent")
    first.write_down()
    assert store.written == [0, 1]
    first.write_down()
    assert store.written == [0, 1]
    second = store.opened()
    for number in range(2 * MOST_ROWS):
        second.settled(second.opened(item(number), b"a digest"))
    assert not second.dirty
    begun(second, MOST_ROWS + 7, "op")
    assert second.dirty
    second.write_down()
    assert store.written == [0, 1, 1]
    assert not second.dirty


def test_a_window_goes_on() -> None:
    """Rows of a window that was written may change again, and are written again."""
    store = Store()
    journal = store.opened()
    rows = [begun(journal, number, "intent") for number in range(MOST_ROWS)]
    journal.write_down()
    for row in rows:
        row.entries += (Entry("op", 0, START, operation_key=KEY),)
        row.status = "Pending"
        journal.changed(row)
        journal.settled(row)
    journal.write_down()
    assert all(row.operation_key == KEY for row in decoded(0, store.texts[0]).rows)
    again = store.opened()
    ended(again, 3, "end")
    again.write_down()
    ended(again, 4, "end")
    again.write_down()
    kinds = [[e.kind for e in row.entries] for row in decoded(0, store.texts[0]).rows]
    assert kinds[2:6] == [
        ["intent", "op"],
        ["intent", "op", "end"],
        ["intent", "op", "end"],
        ["intent", "op"],
    ]


def test_what_was_not_kept_is_written_again() -> None:
    """After a failure nothing counts as written: the next time it is tried again."""
    store = Store()
    journal = store.opened()
    begun(journal, 1, "intent")
    store.fails = True
    with pytest.raises(JournalFailed):
        journal.write_down()
    assert journal.dirty
    store.fails = False
    journal.write_down()
    assert store.written == [0]


def test_a_row_of_which_nothing_was_sent_is_that_of_now() -> None:
    """Where nothing was sent, the payload of now is the one that is written down."""
    store = Store()
    first = store.opened()
    for number in (1, 2):
        row = first.opened(item(number), b"earlier.")
        if number == 2:
            row.entries = (Entry("intent", 0, START),)
        first.changed(row)
    first.write_down()
    second = store.opened()
    assert second.opened(item(1), b"of now..").digest == b"of now.."
    assert second.opened(item(2), b"of now..").digest == b"earlier."


@pytest.mark.parametrize(
    ("kinds", "may_be_there"),
    [
        ([], False),
        (["intent"], True),
        (["intent", "op"], True),
        (["intent", "op", "end"], True),
        (["intent", "5xx"], True),
        (["intent", "no"], False),
        (["intent", "op", "no"], False),
        (["intent", "released"], False),
        (["intent", "released", "intent"], True),
        (["intent", "limited"], True),
    ],
)
def test_missing_rows(kinds: list[str], may_be_there: bool) -> None:
    """Rows that are gone are told, where they may have been created.

    Rows that are still there are not, nor those that this try has begun.
    """
    store = Store()
    first = store.opened()
    for number in (1, 2):
        ended(first, number, *kinds)
    first.write_down()
    second = store.opened()
    begun(second, 3, "intent")
    second.write_down()
    present = Digests()
    present[item(2)] = 1
    missing = [row.item for row in second.missing(present)]
    assert missing == [item(1)] * may_be_there


def test_what_the_rows_have() -> None:
    """All push operations are told, and the records that a person has given.

    So is when the first row was intended that is in doubt, some rows apart. What is
    not written down yet, counts.
    """
    store = Store()
    first = store.opened()
    ended(first, 1, "intent", "op", "end")
    begun(first, 2, "intent")
    begun(first, 3, "intent")
    first.write_down()
    second = store.opened()
    given_ = second.opened(item(2), b"a digest")
    result = {"record_id": "4711"}
    given_.entries += (Entry("end", 0, START, because="4711", result=result),)
    assert set(second.operation_keys()) == {KEY}
    assert list(second.given_records()) == ["4711"]
    assert second.in_doubt_since(()) == pytest.approx(START + 3)
    assert second.in_doubt_since({item(3)}) == math.inf


@given(
    st.lists(
        st.builds(
            lambda second, beside: START + second + beside,
            st.integers(0, 86_400),
            st.floats(-0.002, 0.002),
        ),
        min_size=1,
        max_size=4,
    )
)
@example([START + 0.9997])
@example([START + 0.123, START + 1.0])
def test_a_later_try_tells_the_same(moments: list[float]) -> None:
    """When a row was sent is told alike from memory and from what was written down.

    That has milliseconds, and the results have seconds: around a full one it shows.
    """
    store = Store()
    journal = store.opened()
    rows = []
    for number, at in enumerate(moments, 1):
        digest = b"a digest"
        begun_ = journal.opened(item(number), digest)
        begun_.entries = (Entry("intent", 0, at, digest=digest.hex(), because="first"),)
        journal.changed(begun_)
        rows.append(Row(number, item(number), f"C-{number}", digest, {}))
    told = list(outcomes(rows, journal))
    journal.write_down()
    assert list(outcomes(rows, store.opened())) == told


def test_memory_is_bounded() -> None:
    """However many rows have come to something, few of them are kept unpacked."""
    store = Store()
    journal = store.opened()
    alive = []
    for number in range(30 * MOST_ROWS):
        row = ended(journal, number, "intent", "op")
        if not number % MOST_ROWS:
            alive.append(row)
        if not number % 100:
            journal.write_down()
    journal.write_down()
    later = store.opened()
    for number in range(0, 30 * MOST_ROWS, MOST_ROWS):
        first = later.found(item(number))
        assert first is not None
        assert first is later.found(item(number)), "rows that follow each other"
        alive.append(first)
    once_more = later.found(item(0))
    assert once_more is not alive[30], "what was not asked for lately is packed"


@settings(max_examples=60)
@given(st.lists(st.lists(st.tuples(st.integers(0, 30), st.booleans())), max_size=5))
def test_any_order(tries: list[list[tuple[int, bool]]]) -> None:
    """Over any tries, in any order of rows, each row has all that was noted of it."""
    store = Store()
    expected: dict[int, int] = {}
    for each in tries:
        journal = store.opened()
        for number, writes in dict(each).items():
            begun(journal, number, "limited")
            expected[number] = expected.get(number, 0) + 1
            if writes:
                journal.write_down()
        journal.write_down()
    later = store.opened()
    for number, times in expected.items():
        found = later.found(item(number))
        assert found is not None
        assert len(found.entries) == times
