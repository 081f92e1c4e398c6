"""The laws of a journal in windows: what is written is what is read."""

import base64
import json
import random
import zlib
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_codat.api.bulk.journal_windows import (
    MOST_ROWS,
    RowJournal,
    Window,
    decoded,
)
from airflow_provider_codat.api.create.journal import Entry
from airflow_provider_codat.api.errors import JournalFailed

LARGEST = 65_535
"""Bytes that Airflow's store takes without a warning."""

START = 1_772_438_400.0
STATUSES = ["", "Success", "Failed", "Changed", "TimedOut", "Unknown", "Pending"]

eight = st.binary(min_size=8, max_size=8)
moments = st.floats(START, START + 86_400 * 3)
generations = st.integers(0, 3)
clear_counts = st.sampled_from([0, 0, 0, 1, 2])
words = st.text(max_size=30)
uuids = st.uuids().map(str)


def entries_of(digest: bytes) -> st.SearchStrategy[Entry]:
    """Give any entry that a write makes."""
    common: dict[str, Any] = {
        "generation": generations,
        "at": moments,
        "clear_count": clear_counts,
    }
    intent = st.builds(
        Entry,
        st.just("intent"),
        **common,
        query=st.sampled_from(["", "timeoutInMinutes=5"]),
        digest=st.sampled_from([digest.hex(), "0123456789abcdef"]),
        because=st.sampled_from(["first", "no", "unseen", "reconciled"]),
    )
    accepted = st.builds(
        Entry,
        st.just("op"),
        **common,
        operation_key=uuids,
        because=st.sampled_from(["", "adopted"]),
    )
    ended = st.builds(
        Entry,
        st.just("end"),
        **common,
        operation_key=uuids | st.just(""),
        because=st.sampled_from(["", "4711"]),
        result=st.fixed_dictionaries(
            {"record_id": st.none() | st.text(max_size=9)},
            optional={"adopted": st.sampled_from([True]), "warnings": st.lists(words)},
        ),
    )
    others = st.builds(
        Entry,
        st.sampled_from(
            ["5xx", "2xx", "released", "limited", "doubt", "no", "stale_resolution"]
        ),
        **common,
        because=words,
        until=st.just(0.0) | moments,
    )
    return intent | accepted | ended | others


@st.composite
def rows(draw: st.DrawFn) -> RowJournal:
    """Give a row; most are ordinary: intended, accepted and ended."""
    row = RowJournal(draw(eight), draw(eight))
    row.status = draw(st.sampled_from(STATUSES))
    row.remarks = tuple(draw(st.lists(words, max_size=2)))
    if draw(st.booleans()):
        row.entries = tuple(draw(st.lists(entries_of(row.digest), max_size=6)))
        return row
    at, clear_count, key = draw(moments), draw(clear_counts), draw(uuids)
    ordinary = (
        Entry("intent", 0, at, clear_count, digest=row.digest.hex(), because="first"),
        Entry("op", 0, at, clear_count, operation_key=key),
        Entry(
            "end", 0, at, clear_count, operation_key=key, result={"record_id": "4711"}
        ),
    )
    row.entries = ordinary[: draw(st.integers(0, 3))]
    return row


def told(row: RowJournal) -> object:
    """Return all that matters of a row."""
    entries = [
        (
            e.kind,
            e.generation,
            e.clear_count,
            e.query,
            e.digest,
            e.because,
            e.operation_key,
        )
        for e in row.entries
    ]
    results = [dict(e.result) for e in row.entries]
    return row.item, row.digest, row.status, row.remarks, entries, results


@settings(max_examples=60)
@given(st.lists(rows(), max_size=8))
def test_round_trip(given_rows: list[RowJournal]) -> None:
    """What a store gives back holds what was written: of each row, in their order."""
    window = decoded(3, Window(3, given_rows).encoded())
    assert [told(row) for row in window.rows] == [told(row) for row in given_rows]
    assert {row.window for row in window.rows} <= {3}
    assert not window.dirty
    for before, after in zip(given_rows, window.rows, strict=True):
        for old, new in zip(before.entries, after.entries, strict=True):
            if old.kind == "intent":
                assert new.at == pytest.approx(old.at, abs=0.002)
            assert abs(new.at - old.at) < 0.002 or old.kind in {"op", "end"}
            assert abs(new.until - old.until) < 0.002


@settings(max_examples=60)
@given(st.lists(rows(), max_size=5))
def test_twice(given_rows: list[RowJournal]) -> None:
    """What was read and is written again, is the same."""
    once = decoded(0, Window(0, given_rows).encoded())
    again = decoded(0, once.encoded())
    assert [told(row) for row in again.rows] == [told(row) for row in once.rows]
    assert again.encoded() == once.encoded()


def test_times_between_milliseconds() -> None:
    """An intent and an entry of one moment stay so, however often they are written."""
    at = START + 0.4375
    rows_ = [RowJournal(bytes(8), bytes(8)) for _ in range(2)]
    rows_[0].entries = (Entry("5xx", 0, at),)
    rows_[1].entries = (Entry("intent", 0, at, digest=bytes(8).hex(), because="first"),)
    once = decoded(0, Window(0, rows_).encoded())
    assert decoded(0, once.encoded()).encoded() == once.encoded()


def test_an_intent_of_another_payload() -> None:
    """An intent keeps the digest of what it was for, whatever its row is now."""
    row = RowJournal(b"8 bytes.", b"a digest")
    other = b"another.".hex()
    row.entries = (Entry("intent", 0, START, digest=other, because="first"),)
    (read,) = decoded(0, Window(0, [row]).encoded()).rows
    assert read.entries[0].digest == other


def ordinary(row: RowJournal, dice: random.Random) -> None:
    at, key = START + dice.random() * 900, str(UUID(int=dice.getrandbits(128)))
    record = {"record_id": str(UUID(int=dice.getrandbits(128)))}
    row.entries = (
        Entry("intent", 0, at, digest=row.digest.hex(), because="first"),
        Entry("op", 0, at, operation_key=key),
        Entry("end", 0, at, operation_key=key, result=record),
    )
    row.status = "Success"


def failed(row: RowJournal, dice: random.Random) -> None:
    ordinary(row, dice)
    intent, op, _ = row.entries
    refused = Entry("no", 0, START, operation_key=op.operation_key, because="failed")
    row.entries = (intent, op, refused)
    row.status = "Failed"
    row.remarks = tuple(f"{dice.getrandbits(4000):x}" for _ in range(3))


def warned(row: RowJournal, dice: random.Random) -> None:
    ordinary(row, dice)
    row.remarks = tuple(f"{dice.getrandbits(2000):x}" for _ in range(3))


@pytest.mark.parametrize("kind", [ordinary, failed, warned])
def test_a_full_window_fits(kind: Callable[[RowJournal, random.Random], None]) -> None:
    """A full window fits into one value of the store, however much was said of it."""
    dice = random.Random(4711)
    full = []
    for _ in range(MOST_ROWS):
        row = RowJournal(dice.randbytes(8), dice.randbytes(8))
        kind(row, dice)
        full.append(row)
    text = Window(0, full).encoded()
    assert len(text) < LARGEST
    for before, after in zip(full, decoded(0, text).rows, strict=True):
        assert after.status == before.status
        assert after.operation_key == before.operation_key
        assert all(map(str.startswith, before.remarks, after.remarks))
        assert [e.kind for e in after.entries] == [e.kind for e in before.entries]


def test_short_words_are_not_cut() -> None:
    """Where there is room, what was said of a row stays as it is."""
    row = RowJournal(b"8 bytes.", b"a digest", remarks=("x" * 400, "y"))
    assert decoded(0, Window(0, [row]).encoded()).rows[0].remarks == ("x" * 400, "y")


def packed(document: object) -> str:
    return base64.b64encode(zlib.compress(json.dumps(document).encode())).decode()


GOOD = json.loads(
    zlib.decompress(
        base64.b64decode(
            Window(0, [RowJournal(b"8 bytes.", b"a digest")]).encoded(),
        )
    )
)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param(None, id="null"),
        pytest.param(17, id="a number"),
        pytest.param({"rows": []}, id="an object"),
        pytest.param("no base64 at all", id="text"),
        pytest.param(base64.b64encode(b"no zlib").decode(), id="not packed"),
        pytest.param(Window(0).encoded()[:-9], id="cut"),
        pytest.param(packed([]), id="a list"),
        pytest.param(packed({}), id="no columns"),
        pytest.param(packed({**GOOD, "items": "zz"}), id="no hexadecimals"),
        pytest.param(packed({**GOOD, "after": "ab"}), id="no times"),
        pytest.param(packed({**GOOD, "after": 3}), id="no column"),
        pytest.param(packed({**GOOD, "done": ""}), id="a short column"),
        pytest.param(
            packed({**GOOD, "after": [0.0], "operations": ["no key"]}), id="no key"
        ),
        pytest.param(
            packed({**GOOD, "after": [None], "others": {"0": [{"kind": "joke"}]}}),
            id="no entry",
        ),
    ],
)
def test_what_somebody_else_wrote(text: Any) -> None:  # noqa: ANN401 - whatever a store gives back
    """What is no window says so, and which one it is; it is never taken for another."""
    with pytest.raises(
        JournalFailed, match=r"window 7 |an entry of the task's journal"
    ):
        decoded(7, text)


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ("", "NotSent"),
        ("intent", "Unknown"),
        ("intent 5xx", "Unknown"),
        ("intent limited", "Unknown"),
        ("intent released", "NotSent"),
        ("intent released intent", "Unknown"),
        ("intent op", "Pending"),
        ("intent op no", "NotSent"),
        ("intent no", "NotSent"),
        ("intent resolution", "NotSent"),
        ("intent op no +intent", "Unknown"),
        ("intent op no +intent +op", "Pending"),
        ("intent 5xx +intent +no", "NotSent"),
    ],
)
def test_the_status_of_an_open_row(kinds: str, expected: str) -> None:
    """What is said of a row of which nothing came, follows from its latest create."""
    row = RowJournal(b"8 bytes.", b"a digest")
    for word in kinds.split():
        kind: Any = word.removeprefix("+")
        row.entries += (Entry(kind, int(word != kind), START),)
    assert row.open_status == expected


# Four rows: three that became records, and one that a person was asked about.
FIRST_VERSION = (
    "eAGNk81uwjAMgF8F+RyhJG1XqLTH2AmhKW1dFgHJSN0NhPruczYxGsTEYuXg2v78l57BEFSqLHWe"
    "LXIp57oQsLMd8kcBhwHDCSo4PCsQYAn3PWvy9iiZipaplDIRRrV2gz1FWBrJ2u3RKpVSJRJh3nG5"
    "wIGSNdMRBqhWci6F4qv5umG3Wwvw7xgMWe848Qo0Llvd5Hn3VBa5rM1C5susyOquqQtUZWQ9cIlD"
    "eeCi2QU4dcDGh/Y7b4jkEGMDW2Wsi94wsO0MGRd2hq11LTdkHaEj9ttAJbmxfy+qxsYMfZxJZ0NP"
    "MIpfZnE83geqdPODI7ubPIxonmB68r69D9Ip6FqL8/TaBDSE7bSiDwytbf5oM5vAtIC7sEpPcdOh"
    "8QtOhpantPR1X9mXisb1KKAnQzzLy3bgxW2d/3ScEnpjeU0/S+OfY7Y3pxkeLQ98PY5fAqXl3Q=="
)


def test_a_window_of_the_first_version_is_read() -> None:
    """What a batch that is under way has written is read, and written as it was."""
    window = decoded(0, FIRST_VERSION)
    assert [row.status for row in window.rows] == [*["Success"] * 3, "Unknown"]
    ended = [row.ended for row in window.rows]
    assert [each and each.result for each in ended] == [
        {"record_id": "r0"},
        {"record_id": "r1"},
        {"record_id": "r2"},
        None,
    ]
    *_, last = window.rows
    assert last.remarks == ("it may exist",)
    kinds = ["intent", "5xx", "stale_resolution", "resolution", "intent"]
    assert [entry.kind for entry in last.entries] == kinds
    assert [entry.clear_count for entry in last.entries] == [1, 1, 1, 2, 2]
    assert document(window.encoded()) == document(FIRST_VERSION)


def document(text: str) -> Any:  # noqa: ANN401 - JSON of any shape
    return json.loads(zlib.decompress(base64.b64decode(text)))
