"""What the journal of a task says, read for a person, and for whoever tidies up."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from airflow_provider_codat.api.bulk.journal_windows import RowJournal, decoded
from airflow_provider_codat.api.create.journal import Entry, entry_of
from airflow_provider_codat.api.create.next_step import generations
from airflow_provider_codat.api.models import Json

if TYPE_CHECKING:
    from airflow_provider_codat.journal.sql import TaskKey


T = TypeVar("T")


class Cell(NamedTuple):
    """One cell of a task, as a store has it."""

    task: "TaskKey"
    name: str
    value: Json
    written_at: datetime


_CELL = re.compile(
    r"codat\.(?:(?P<kind>try|connection)\.|(?P<place>\w+)\.)?(?P<window>window\.)?"
    r"(?P<name>[\w-]+)"
)


@dataclass
class TaskContents:
    """All that is written down of one task.

    :param tries: when each has begun, by its number.
    :param connections: that were found for a company.
    :param entries: in the order of writing; by item, where the author names items.
    :param windows: the rows of a task that creates many, in the order of writing; by
        what tells their books apart.
    """

    task: "TaskKey"
    tries: dict[int, datetime] = field(default_factory=dict)
    connections: dict[str, str] = field(default_factory=dict)
    entries: dict[str, dict[int, Entry]] = field(default_factory=dict)
    windows: dict[str, dict[int, list[RowJournal]]] = field(default_factory=dict)

    def add(self, cell: Cell) -> None:
        """Take in a cell; one that another program wrote is let be.

        :raises JournalFailed: when it is ours, and cannot be read.
        """
        found = _CELL.fullmatch(cell.name)
        if found is None:
            return
        name, place = found["name"], found["place"] or ""
        if found["kind"] == "try":
            self.tries[int(name)] = cell.written_at
        elif found["kind"] == "connection":
            self.connections[name] = str(cell.value)
        elif found["window"]:
            rows = decoded(int(name), cell.value).rows
            self.windows.setdefault(place, {})[int(name)] = rows
        elif name.isdecimal():
            self.entries.setdefault(place, {})[int(name)] = entry_of(cell.value)

    @property
    def is_open(self) -> bool:
        """Whether it is not known of all that was sent what became of it."""
        journals = [_in_order(entries) for entries in self.entries.values()]
        rows = [row.entries for _, rows in self.all_rows() for row in rows]
        return any(map(is_open, [*journals, *rows]))

    def all_rows(self) -> Iterator[tuple[str, list[RowJournal]]]:
        """Yield the rows for each of the books, in the order of writing."""
        for place, windows in sorted(self.windows.items()):
            yield place, [row for rows in _in_order(windows) for row in rows]


def _in_order(numbered: Mapping[int, T]) -> list[T]:
    return [numbered[number] for number in sorted(numbered)]


def is_open(entries: Iterable[Entry]) -> bool:
    """Whether something was sent of which it is not known what became of it."""
    latest = generations(entries)[-1:]
    if not latest:
        return False
    waits = latest[0].get("op") is not None
    ended = latest[0].get("end") or latest[0].get("no") or latest[0].get("resolution")
    return latest[0].unresolved or (waits and not ended)


def contents_of(cells: Iterable[Cell]) -> list[TaskContents]:
    """Return what cells say, task by task.

    :raises JournalFailed: when one of them cannot be read.
    """
    found: dict[TaskKey, TaskContents] = {}
    for cell in cells:
        found.setdefault(cell.task, TaskContents(cell.task)).add(cell)
    return [found[task] for task in sorted(found)]


def told(contents: TaskContents) -> Iterator[str]:
    """Yield the lines that tell a person what a task has written."""
    task = contents.task
    mapped = "" if task.map_index < 0 else f", map index {task.map_index}"
    yield f"{task.dag_id}, run {task.run_id}, task {task.task_id}{mapped}"
    for number, at in sorted(contents.tries.items()):
        yield _line("try", number, _moment(at))
    for company, connection in sorted(contents.connections.items()):
        yield _line("connection", "", f"of company {company}: {connection}")
    for item, entries in sorted(contents.entries.items()):
        if item:
            yield _line("item", "", item)
        for entry in _in_order(entries):
            at = datetime.fromtimestamp(entry.at, UTC).replace(tzinfo=None)
            yield _line(entry.kind, entry.generation, _moment(at), *_words(entry))
    for _, rows in contents.all_rows():
        yield from _told_of(rows)
    if contents.is_open:
        yield "  It is not known of all that was sent what became of it."


def _told_of(rows: Iterable[RowJournal]) -> Iterator[str]:
    """Yield how many rows there are of each status, and those that are open."""
    statuses = Counter(row.status or row.open_status for row in rows)
    counts = ", ".join(f"{n:,} {status}" for status, n in sorted(statuses.items()))
    yield _line("rows", f"{statuses.total():,}", counts)
    for row in rows:
        if is_open(row.entries):
            sent = datetime.fromtimestamp(row.entries[0].at, UTC).replace(tzinfo=None)
            words = _named("push operation", row.operation_key)
            yield _line("row", row.item.hex(), _moment(sent), *words)


def _words(entry: Entry) -> Iterator[str]:
    """Yield what an entry says beyond its kind and its moment."""
    yield from _named("idempotency key", entry.key)
    yield from _named("push operation", entry.operation_key)
    yield from _named("because:", entry.because)
    yield from _named("record", entry.result.get("record_id"))


def _named(name: str, value: object) -> Iterator[str]:
    if value:
        yield f"{name} {value}"


def _line(kind: str, number: object, *words: str) -> str:
    return f"  {kind:<12} {number!s:<4} {', '.join(words)}".rstrip()


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
