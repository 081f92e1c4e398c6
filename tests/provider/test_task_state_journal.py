"""The laws of the journal in Airflow's task state store."""

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import pytest

from airflow_provider_codat.api import JournalFailed
from airflow_provider_codat.api.create.journal import Entry
from airflow_provider_codat.journal.cells import TaskStateJournal

AIRFLOW = tuple(int(part) for part in version("apache-airflow").split(".")[:2])
INTENT = Entry("intent", 0, 1.5, clear_count=2, key="k", digest="d")
END = Entry("end", 0, 3.0, operation_key="o", result={"record_id": "7"})

# conftest.py has it; it cannot be imported.
Store = Any


def test_entries_are_read_back_in_their_order(store: Store) -> None:
    """By another process too, which goes on behind the last of them."""
    journal = TaskStateJournal(store)
    assert journal.read() == ()
    journal.append(INTENT)
    journal.append(END)
    again = TaskStateJournal(store)
    assert again.read() == (INTENT, END)
    again.append(INTENT)
    assert TaskStateJournal(store).read() == (INTENT, END, INTENT)


def test_a_cell_is_written_once(store: Store) -> None:
    """Nothing is read and rewritten, as the store cannot compare and set."""
    journal = TaskStateJournal(store)
    journal.begin(1)
    journal.append(INTENT)
    cells = dict(store.cells)
    again = TaskStateJournal(store)
    again.begin(2)
    again.read()
    again.append(END)
    assert cells.items() <= store.cells.items()
    assert len(store.retentions) == len(store.cells)


def test_cells_have_names_that_another_version_finds(store: Store) -> None:
    """Fixed for ever: a package that is replaced amid a run has to find them."""
    for item in ("", "c0ffee"):
        journal = TaskStateJournal(store, item)
        journal.begin(1)
        journal.append(INTENT)
        journal.append(END)
    assert list(store.cells) == [
        "codat.try.1",
        "codat.0",
        "codat.1",
        "codat.c0ffee.0",
        "codat.c0ffee.1",
    ]
    assert store.get("codat.try.1") == "c0ffee"
    assert store.get("codat.0") == INTENT.to_json()


def test_nothing_expires(store: Store) -> None:
    """Airflow would forget after 30 days what an older run may still need."""
    journal = TaskStateJournal(store)
    journal.begin(1)
    journal.append(INTENT)
    if AIRFLOW < (3, 3):
        assert store.retentions == [None, None]
    else:
        from airflow.sdk import NEVER_EXPIRE  # noqa: PLC0415 - Airflow 3.3's

        assert NEVER_EXPIRE is not None
        assert all(each is NEVER_EXPIRE for each in store.retentions)
        assert len(store.retentions) == 2


@pytest.mark.parametrize(
    ("tries", "whole"),
    [
        pytest.param([1], [True], id="the first"),
        pytest.param([1, 2, 3], [True, True, True], id="one after the other"),
        pytest.param([1, 1], [True, True], id="the same again"),
        pytest.param([2], [False], id="a second without a first"),
        pytest.param([1, 3], [True, False], id="one left out"),
    ],
)
@pytest.mark.parametrize("item", ["", "c0ffee"], ids=["a task", "an item"])
def test_a_try_that_left_no_note_is_missed(
    store: Store, item: str, tries: list[int], whole: list[bool]
) -> None:
    """Only when every try before has noted itself does the journal tell all."""
    assert [TaskStateJournal(store, item).begin(n) for n in tries] == whole


@pytest.mark.parametrize(("before", "after"), [("a", "b"), ("a", ""), ("", "a")])
def test_a_try_for_another_item_left_no_note_of_this_one(
    store: Store, before: str, after: str
) -> None:
    """What it sent for this item, if anything, is in another store."""
    TaskStateJournal(store, before).begin(1)
    assert not TaskStateJournal(store, after).begin(2)
    assert TaskStateJournal(store, after).begin(1)


def test_items_keep_to_their_own_entries(store: Store) -> None:
    """Where a list has changed its order, one store holds two items' entries."""
    TaskStateJournal(store, "a").append(INTENT)
    other = TaskStateJournal(store, "b")
    assert other.read() == ()
    other.append(END)
    assert TaskStateJournal(store, "a").read() == (INTENT,)
    assert TaskStateJournal(store).read() == ()


@pytest.mark.parametrize(
    "value", ["op", 7, [], {"kind": "merged", "generation": 0, "at": 1.0}], ids=repr
)
def test_an_entry_that_cannot_be_read_stops_everything(
    store: Store, value: object
) -> None:
    """Whoever changed it, or whatever version wrote it: it is not guessed at."""
    journal = TaskStateJournal(store)
    journal.append(INTENT)
    store.set("codat.1", value)
    with pytest.raises(JournalFailed, match="nothing was sent"):
        journal.read()


def airflows_own_error() -> Exception:
    """Return what Airflow's store raises when its API server refuses."""
    if AIRFLOW < (3, 3):
        pytest.skip("task state stores came with Airflow 3.3")
    from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType  # noqa: PLC0415 - Airflow 3.3's
    from airflow.sdk.execution_time.comms import ErrorResponse  # noqa: PLC0415 - the same

    detail = {"status_code": 404, "message": "a secret of the server's"}
    return AirflowRuntimeError(
        ErrorResponse(error=ErrorType.API_SERVER_ERROR, detail=detail)
    )


FAULTS: dict[str, Callable[[], Exception]] = {
    "Airflow's": airflows_own_error,
    "a broken pipe": lambda: BrokenPipeError("a secret of the server's"),
    "a pipe's end": lambda: EOFError("a secret of the server's"),
    "no supervisor": lambda: RuntimeError("a secret of the server's"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("method", ["begin", "append"])
def test_what_cannot_be_kept_is_told(
    new_store: Callable[..., Store], fault: str, method: str
) -> None:
    """The error says what it means for the task, and quotes nothing."""
    error = FAULTS[fault]()
    store = new_store(error)
    store.refuse(after=0)
    given = 1 if method == "begin" else INTENT
    with pytest.raises(JournalFailed, match="nothing more is sent") as raised:
        getattr(TaskStateJournal(store), method)(given)
    assert type(error).__name__ in str(raised.value)
    assert raised.value.__cause__ is error
    assert "secret" not in str(raised.value)


class Unreadable(dict[str, str]):
    """The cells of a store that does not give anything back."""

    def __contains__(self, key: object) -> bool:
        raise BrokenPipeError


@pytest.mark.parametrize("work", [lambda j: j.read(), lambda j: j.begin(2)])
def test_what_cannot_be_read_is_told(
    store: Store, work: Callable[[TaskStateJournal], object]
) -> None:
    """A journal that cannot be read is not an empty one."""
    store.cells = Unreadable()
    with pytest.raises(JournalFailed, match="BrokenPipeError"):
        work(TaskStateJournal(store))


def test_an_entry_that_was_not_kept_is_not_counted(store: Store) -> None:
    """The next one takes its place, and leaves no gap that would hide it."""
    journal = TaskStateJournal(store)
    store.refuse(after=0)
    with pytest.raises(JournalFailed):
        journal.append(INTENT)
    store.mend()
    journal.append(END)
    assert TaskStateJournal(store).read() == (END,)


def test_a_mistake_of_ours_is_not_hidden(store: Store) -> None:
    """What the store refuses by its rules is no trouble of the server's."""
    store.cells["codat.0"] = "{"
    with pytest.raises(ValueError, match="Expecting"):
        TaskStateJournal(store).read()
