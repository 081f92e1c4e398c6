"""Where a test keeps the journal of a task: as Airflow would, or in a database."""

import json
from collections.abc import Iterator, MutableMapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy

from airflow_provider_codat.api.bulk.journal_windows import decoded
from airflow_provider_codat.journal.contents import Cell
from airflow_provider_codat.journal.database import TABLE, Database
from airflow_provider_codat.journal.sql import HOLDER
from airflow_provider_codat.journal.tables import Wanted, cells_in


class Store:
    """A task's state store, with the interface that Airflow's has.

    :param error: what a write raises that is not taken any more.
    """

    conn_id: str | None = None

    def __init__(self, error: Exception | None = None) -> None:
        self.cells: MutableMapping[str, str] = {}
        self.retentions: list[object] = []
        self._error = error or RuntimeError("API_SERVER_ERROR")
        self._writes_left: int | None = None
        self._keeps_all = False
        self._superseded = False

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 - Airflow's signature
        if self._superseded or key not in self.cells:
            return default
        return json.loads(self.cells[key])

    def set(self, key: str, value: Any, *, retention: object = None) -> None:  # noqa: ANN401 - the same
        assert value is not None
        refused = self._superseded or self._writes_left == 0
        if refused and not self._keeps_all:
            raise self._error
        if self._writes_left:
            self._writes_left -= 1
        self.cells[key] = json.dumps(value)
        self.retentions.append(retention)
        if refused:
            self._keeps_all = False
            raise self._error

    def refuse(self, after: int, *, kept: bool = False) -> None:
        """Take so many more writes, and no other.

        :param kept: whether the first of the others is kept, though it is said that it
            was not.
        """
        self._writes_left, self._keeps_all = after, kept

    def mend(self) -> None:
        """Take all writes again."""
        self._writes_left = None

    def supersede(self) -> None:
        """Be what a try that was replaced has: empty, and closed to it."""
        self._superseded = True

    def entries(self) -> list[dict[str, Any]]:
        """Return the journal's entries, in the order of writing."""
        values = [json.loads(text) for text in self.cells.values()]
        return [value for value in values if isinstance(value, dict)]

    def kinds(self) -> list[str]:
        return [str(entry["kind"]) for entry in self.entries()]

    def age(self, **delta: float) -> None:
        """Let what was written be as much older as a timedelta says."""
        seconds = timedelta(**delta).total_seconds()
        for key, text in self.cells.items():
            value = json.loads(text)
            if isinstance(value, dict):
                moved = {n: value[n] - seconds for n in ("at", "until") if n in value}
                self.cells[key] = json.dumps({**value, **moved})
            elif ".window." in key:
                self.cells[key] = json.dumps(_aged(value, seconds))


def _aged(text: str, seconds: float) -> str:
    """Return a window of a batch's journal as if it had been written earlier."""
    window = decoded(0, text)
    for row in window.rows:
        row.entries = tuple(
            replace(e, at=e.at - seconds, until=e.until and e.until - seconds)
            for e in row.entries
        )
    return window.encoded()


class DatabaseCells(MutableMapping[str, str]):
    """The cells of all tasks in a journal's database, as texts of JSON."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def _cells(self) -> list[Cell]:
        return sorted(cells_in(self._database, Wanted()), key=_order)

    def _do(self, statement: Any) -> None:  # noqa: ANN401 - of SQLAlchemy
        self._database.run(lambda c: c.execute(statement).rowcount)

    def __getitem__(self, name: str) -> str:
        found = [json.dumps(each.value) for each in self._cells() if each.name == name]
        if not found:
            raise KeyError(name)
        return found[0]

    def __setitem__(self, name: str, value: str) -> None:
        self._do(TABLE.update().where(TABLE.c.cell == name).values(value=value))

    def __delitem__(self, name: str) -> None:
        self._do(TABLE.delete().where(TABLE.c.cell == name))

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(each.name for each in self._cells()))

    def __len__(self) -> int:
        return len(list(iter(self)))


def _order(cell: Cell) -> tuple[datetime, int]:
    """Return what sorts cells by when they were written."""
    number = cell.name.rpartition(".")[2]
    return cell.written_at, int(number) if number.isdecimal() else 0


class DatabaseStore(Store):
    """The journal of a task, in a database of one's own: a real one."""

    conn_id = "journal"

    def __init__(self, database: Database) -> None:
        self.cells: MutableMapping[str, str] = DatabaseCells(database)
        self._database = database
        database.create_table()
        self._script("CREATE TABLE writes_left (n INTEGER)")

    def _script(self, *statements: str) -> None:
        for each in statements:
            self._database.run(lambda c, s=each: c.execute(sqlalchemy.text(s)).rowcount)

    def refuse(self, after: int, *, kept: bool = False) -> None:
        """Take so many more writes, and no other."""
        self.mend()
        left = "(SELECT n FROM writes_left)"
        count = "UPDATE writes_left SET n = n - 1;"
        refuse = f"SELECT CASE WHEN {left} < 1 THEN RAISE(ABORT, 'refused') END;"
        triggers = {"BEFORE INSERT": f"{refuse} {count}"}
        if kept:
            # SQLite undoes nothing on FAIL: what was written before that stays.
            fail = f"SELECT CASE WHEN {left} < 0 THEN RAISE(FAIL, 'refused') END;"
            events = ("AFTER INSERT", "AFTER UPDATE")
            triggers = dict.fromkeys(events, f"{count} {fail}")
        self._script(
            f"INSERT INTO writes_left VALUES ({after})",
            *(
                f"CREATE TRIGGER refuses_{event[-6:]} {event} ON codat_journal "
                f"WHEN NEW.cell <> '{HOLDER}' BEGIN {then} END"
                for event, then in triggers.items()
            ),
        )

    def mend(self) -> None:
        """Take all writes again."""
        drop = "DROP TRIGGER IF EXISTS refuses"
        self._script(f"{drop}_INSERT", f"{drop}_UPDATE", "DELETE FROM writes_left")

    def supersede(self) -> None:
        """Let a later try of each task take over, also where none has begun yet."""
        replace_ = f"UPDATE {TABLE.name} SET value = 'another', try_number = 1000"
        self._script(
            f"{replace_} WHERE cell = '{HOLDER}'",
            f"CREATE TRIGGER replaces AFTER INSERT ON {TABLE.name} "
            f"WHEN NEW.cell = '{HOLDER}' BEGIN {replace_} WHERE rowid = NEW.rowid; END",
        )
