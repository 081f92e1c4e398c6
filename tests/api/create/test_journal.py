"""The laws of the journal: plain data, read back as it was written, or not at all."""

import json
from dataclasses import FrozenInstanceError, fields
from typing import Any, get_args

import pytest

from airflow_provider_codat.api.create.journal import (
    Entry,
    Kind,
    MemoryJournal,
    Past,
    entry_of,
)
from airflow_provider_codat.api.errors import JournalFailed

FULL = Entry(
    kind="end",
    generation=2,
    at=1_772_323_200.25,
    clear_count=3,
    key="7d9f0f0c-54c8-4e4c-9e0e-3a0f3f5d1c11",
    query="timeoutInMinutes=3",
    digest="ab12",
    because="adopted",
    operation_key="8a210b68-6988-11ed-a1eb-0242ac120002",
    until=1_772_323_260.5,
    result={"record_id": "7", "warnings": ["x"], "completed_at": None, "adopted": True},
)


@pytest.mark.parametrize("kind", get_args(Kind))
def test_every_kind_of_entry_is_read_back(kind: Kind) -> None:
    """What was written is read back equal, having been JSON in between."""
    for entry in (Entry(kind, 0, 0.0), Entry(kind, 1, 1.5, clear_count=2, because="x")):
        assert entry_of(json.loads(json.dumps(entry.to_json()))) == entry


def test_a_full_entry_is_read_back() -> None:
    """No field of an entry is lost on the way through a store."""
    assert all(getattr(FULL, each.name) for each in fields(Entry))
    assert entry_of(json.loads(json.dumps(FULL.to_json()))) == FULL


def test_what_is_empty_is_not_stored() -> None:
    """Kind, generation and time are always there, the rest where it says something."""
    assert Entry("intent", 0, 0.0).to_json() == {
        "kind": "intent",
        "generation": 0,
        "at": 0.0,
    }


def test_an_entry_does_not_change() -> None:
    """An entry is written once; what is handed out for storing is a copy."""
    with pytest.raises(FrozenInstanceError):
        FULL.at = 0.0  # type: ignore[misc] # that is what is tested
    stored: Any = FULL.to_json()
    stored["result"]["record_id"] = "8"
    assert FULL.result["record_id"] == "7"


WHOLE = {"kind": "op", "generation": 0, "at": 1.0}
WRONG: dict[str, object] = {
    "none": None,
    "a text": "op",
    "a list": [WHOLE],
    "nothing": {},
    "no kind": {"generation": 0, "at": 1.0},
    "a kind that is not known": {**WHOLE, "kind": "merged"},
    "a kind that is no text": {**WHOLE, "kind": 7},
    "no generation": {"kind": "op", "at": 1.0},
    "a generation that is a text": {**WHOLE, "generation": "0"},
    "half a generation": {**WHOLE, "generation": 0.5},
    "no time": {"kind": "op", "generation": 0},
    "a time that is a text": {**WHOLE, "at": "1.0"},
    "no time at all": {**WHOLE, "at": None},
    "a life that is a text": {**WHOLE, "life": "1"},
    "an until that is a list": {**WHOLE, "until": []},
    **{
        f"{name} that is a number": {**WHOLE, name: 1}
        for name in ("key", "query", "digest", "because", "operation_key")
    },
    "a result that is a text": {**WHOLE, "result": "7"},
}


@pytest.mark.parametrize("value", WRONG.values(), ids=WRONG)
def test_what_is_no_entry_is_not_guessed_at(value: object) -> None:
    """An entry that was changed, or is of a later version, stops everything."""
    with pytest.raises(JournalFailed, match="nothing was sent") as failed:
        entry_of(value)
    assert "merged" not in str(failed.value)


def test_whole_numbers_are_times() -> None:
    """A store may give back 1 for 1.0."""
    assert entry_of({**WHOLE, "at": 1, "until": 2}) == Entry("op", 0, 1.0, until=2.0)


def test_entries_stay_in_the_order_of_writing() -> None:
    """What is read is all that was written, in its order, and does not change later."""
    journal = MemoryJournal()
    assert journal.read() == ()
    entries = (Entry("intent", 0, 2.0), FULL, Entry("intent", 0, 1.0), FULL)
    for entry in entries:
        journal.append(entry)
    read = journal.read()
    journal.append(FULL)
    assert read == entries
    assert journal.read() == (*entries, FULL)


@pytest.mark.parametrize(
    ("tries", "whole"),
    [
        pytest.param([1], [True], id="the first"),
        pytest.param([1, 2, 3], [True, True, True], id="one after the other"),
        pytest.param([1, 1], [True, True], id="the same again"),
        pytest.param([2], [False], id="a second without a first"),
        pytest.param([1, 3], [True, False], id="one left out"),
        pytest.param([3, 1, 2, 3], [False, True, True, True], id="written late"),
    ],
)
def test_a_try_that_left_no_note_is_missed(tries: list[int], whole: list[bool]) -> None:
    """Only when every try before has noted itself does the journal tell all."""
    journal = MemoryJournal()
    assert [journal.begin(number) for number in tries] == whole
    assert journal.read() == ()


def test_nothing_is_known_of_a_first_try() -> None:
    """Without a past there are no entries, and nothing was sent unseen."""
    assert Past() == Past(entries=(), unseen_since=None)


# --- what the first version has written, and a task that is under way still holds

FIRST_VERSION = {"generation": 1, "at": 1772438400.25, "life": 2}
STORED: list[dict[str, Any]] = [
    {
        "kind": "intent",
        "key": "8a210b68-6988-11ed-a1eb-0242ac120002",
        "query": "timeoutInMinutes=5",
        "digest": "abababababababababababababababababababababababababababababababab",
        "because": "verdict",
    },
    {
        "kind": "op",
        "because": "adopted",
        "operation_key": "2e9d2c44-f675-40ba-8049-353bfcb5e171",
    },
    {"kind": "5xx", "until": 1772438460.5},
    {"kind": "2xx", "until": 1772438460.5},
    {"kind": "released", "until": 1772438460.5},
    {"kind": "limited", "until": 1772438460.5},
    {"kind": "doubt", "until": 1772438460.5},
    {"kind": "no"},
    {
        "kind": "end",
        "operation_key": "2e9d2c44-f675-40ba-8049-353bfcb5e171",
        "result": {"record_id": "7", "warnings": []},
    },
    {"kind": "verdict", "because": "not_created"},
    {"kind": "stood", "because": "not_created"},
    {"kind": "existed"},
]
RENAMED = {"verdict": "resolution", "stood": "stale_resolution"}


@pytest.mark.parametrize("stored", STORED, ids=lambda each: each["kind"])
def test_what_the_first_version_stored_is_read(stored: dict[str, Any]) -> None:
    """It means what it meant, and is written to the letter as it was."""
    stored = {**FIRST_VERSION, **stored}
    entry = entry_of(stored)
    assert entry.kind == RENAMED.get(stored["kind"], stored["kind"])
    assert (entry.clear_count, entry.generation, entry.at) == (2, 1, 1772438400.25)
    assert entry.to_json() == stored


def test_every_kind_of_the_first_version_is_tried() -> None:
    """None of them is forgotten."""
    tried = {RENAMED.get(each["kind"], each["kind"]) for each in STORED}
    assert tried == set(get_args(Kind))
