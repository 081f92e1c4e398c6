"""The journals of many tasks: found in a table, and deleted from it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Table, delete, func, select, tuple_
from sqlalchemy.engine import Connection

from airflow_provider_codat.api.errors import SettingsInvalid
from airflow_provider_codat.journal.contents import Cell, contents_of
from airflow_provider_codat.journal.database import TABLE, Database
from airflow_provider_codat.journal.sql import HOLDER, TaskKey, rows_of

_AT_A_TIME = 500


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose journals are meant; None where any will do."""

    dag_id: str | None = None
    run_id: str | None = None
    task_id: str | None = None
    map_index: int | None = None

    def of(self, table: Table) -> list[Any]:
        """Return the conditions that their rows fulfil."""
        named = {name: getattr(self, name) for name in TaskKey._fields}
        return rows_of({n: v for n, v in named.items() if v is not None}, table)


def cells_in(database: Database, wanted: Wanted) -> list[Cell]:
    """Return the cells that tasks have written, in the order of their names.

    :raises JournalFailed: when the database does not answer.
    """
    return database.run(lambda connection: _cells(connection, wanted))


def _cells(connection: Connection, wanted: Wanted) -> list[Cell]:
    key = [TABLE.c[name] for name in TaskKey._fields]
    query = select(*key, TABLE.c.cell, TABLE.c.value, TABLE.c.written_at)
    found = connection.execute(
        query.where(*wanted.of(TABLE), TABLE.c.cell != HOLDER).order_by(*key)
    )
    return [
        Cell(TaskKey(*row[:4]), row[4], json.loads(row[5]), row[6]) for row in found
    ]


def airflows_cells(wanted: Wanted) -> list[Cell]:
    """Return what tasks have written into Airflow's own store.

    :raises SettingsInvalid: when this Airflow has none.
    """
    try:
        from airflow.models.task_state_store import TaskStateStoreModel  # noqa: PLC0415 - from 3.3 on
        from airflow.utils.session import create_session  # noqa: PLC0415 - the same
    except ImportError:
        raise SettingsInvalid(
            "this Airflow keeps no state for tasks (3.3 and later do), and no database "
            "is named: give --conn-id, or set [codat] journal_conn_id"
        ) from None
    store: Any = TaskStateStoreModel
    key = [getattr(store, name) for name in TaskKey._fields]
    query = select(*key, store.key, store.value, store.updated_at)
    with create_session() as session:
        found = session.execute(
            query.where(*wanted.of(store.__table__), store.key.like("codat.%"))
        )
        return [
            Cell(
                TaskKey(*row[:4]),
                row[4],
                json.loads(row[5]),
                row[6].replace(tzinfo=None),
            )
            for row in found
        ]


@dataclass(slots=True)
class Purged:
    """What a purge has done.

    :param deleted: the tasks whose journals went.
    :param kept: those of which it is not known what became of what they sent.
    """

    deleted: int = 0
    kept: int = 0


def purge(
    database: Database,
    wanted: Wanted,
    before: datetime,
    *,
    also_open: bool = False,
    dry_run: bool = False,
) -> Purged:
    """Delete the journals of tasks that have written nothing since.

    One whose task begins again meanwhile is as good as deleted by hand: that task sends
    nothing that it may have sent before.

    :param before: a moment of UTC.
    :param also_open: whether also where an outcome is not known.
    :raises JournalFailed: when the database does not answer.
    """
    done = Purged()
    for task in _quiet(database, wanted, before):
        cells = cells_in(database, Wanted(*task))
        if not also_open and any(each.is_open for each in contents_of(cells)):
            done.kept += 1
            continue
        done.deleted += 1
        if not dry_run:
            rows = rows_of(task._asdict())
            old = delete(TABLE).where(*rows, TABLE.c.written_at < before)
            database.run(partial(_execute, old))
    return done


def _quiet(database: Database, wanted: Wanted, before: datetime) -> Iterator[TaskKey]:
    """Yield the tasks that have written nothing since."""
    key = [TABLE.c[name] for name in TaskKey._fields]
    query = (
        select(*key)
        .where(*wanted.of(TABLE))
        .group_by(*key)
        .having(func.max(TABLE.c.written_at) < before)
        .order_by(*key)
        .limit(_AT_A_TIME)
    )
    following = query
    while found := database.run(partial(_rows, following)):
        yield from (TaskKey(*row) for row in found)
        following = query.where(tuple_(*key) > tuple_(*found[-1]))


def _rows(query: Any, connection: Connection) -> list[Any]:  # noqa: ANN401 - of SQLAlchemy
    return list(connection.execute(query))


def _execute(statement: Any, connection: Connection) -> None:  # noqa: ANN401 - the same
    connection.execute(statement)
