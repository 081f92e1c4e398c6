"""The state of a task in a SQL database: what Airflow has from 3.3 on, for any Airflow.

Each cell of a task is a row. The row of the cell ``HOLDER`` says which try of the task,
and which process of it, may read and write: the one that came last. Every other
statement asks for that row, so a try that was replaced reads nothing and writes
nothing from then on.

Each statement is a transaction of its own. A write locks the holder's row while it
lasts, and taking over is a write of that row: so a write is either done before the next
try reads, or not done at all. That rests on READ COMMITTED or whatever is stricter,
which Postgres and MySQL have by default; SQLite lets one write at a time.
"""

import json
import os
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import (
    DateTime,
    Integer,
    String,
    Text,
    and_,
    bindparam,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from airflow_provider_codat.api.errors import JournalFailed
from airflow_provider_codat.api.models import Json
from airflow_provider_codat.journal.database import (
    TABLE,
    Database,
    open_database,
)

if TYPE_CHECKING:
    from datetime import timedelta

    from sqlalchemy.engine import Connection

HOLDER = "codat.holder"
"""The cell that names the process which may read and write."""


class TaskKey(NamedTuple):
    """Names a task of a DAG run: the columns of the table that do.

    :param map_index: -1 for a task that is not mapped.
    """

    dag_id: str
    run_id: str
    task_id: str
    map_index: int


def rows_of(names: Mapping[str, Any], table: Any = TABLE) -> list[Any]:  # noqa: ANN401 - the table or its alias
    """Return the conditions of a query for rows.

    :param names: what some columns hold.
    """
    return [table.c[name] == value for name, value in names.items()]


# What a statement is given, by names that are not those of columns.
_TASK = {
    name: bindparam(f"its_{name}", type_=TABLE.c[name].type) for name in TaskKey._fields
}
_CELL = bindparam("its_cell", type_=String)
_VALUE = bindparam("its_value", type_=Text)
_TRY = bindparam("its_try", type_=Integer)
_PROCESS = bindparam("its_process", type_=Text)
_NOW = bindparam("its_moment", type_=DateTime)

_holder, _cell = TABLE.alias("holder"), TABLE.alias("cell")
_is_ours = rows_of(
    {**_TASK, "cell": HOLDER, "value": _PROCESS, "try_number": _TRY}, _holder
)
_READ = (
    select(_cell.c.value)
    .select_from(
        _holder.outerjoin(_cell, and_(*rows_of({**_TASK, "cell": _CELL}, _cell)))
    )
    .where(*_is_ours)
)

_row = {**_TASK, "cell": _CELL, "value": _VALUE, "try_number": _TRY, "written_at": _NOW}
_written = select(*_row.values()).where(*_is_ours).with_for_update()
_again = {"value": _VALUE, "try_number": _TRY, "written_at": _NOW}


def _write_for(into: Any) -> Any:  # noqa: ANN401 - a dialect's own insert
    """Return the statement that inserts a row, or updates the one that is there."""
    statement = into.from_select([*_row], _written)
    if isinstance(into, mysql.Insert):
        statement = statement.on_duplicate_key_update(**_again)
    else:
        key = [*TABLE.primary_key]
        statement = statement.on_conflict_do_update(index_elements=key, set_=_again)
    return statement.execution_options(preserve_rowcount=True)


_WRITE = {
    "mysql": _write_for(mysql.insert(TABLE)),
    "postgresql": _write_for(postgresql.insert(TABLE)),
    "sqlite": _write_for(sqlite.insert(TABLE)),
}

_held = {"value": _PROCESS, "try_number": _TRY, "written_at": _NOW}
_TAKE_OVER = (
    update(TABLE)
    .where(*rows_of({**_TASK, "cell": HOLDER}), TABLE.c.try_number <= _TRY)
    .values(_held)
)
_BEGIN = insert(TABLE).values({**_TASK, "cell": HOLDER, **_held})


def store_in(
    conn_id: str, task: tuple[str, str, str, int], try_number: int
) -> "SqlStore":
    """Return the store of a task in the database that an Airflow connection names.

    :param task: DAG, run, task, map index.
    :raises SettingsInvalid: when no journal can be kept there.
    """
    return SqlStore(open_database(conn_id), TaskKey(*task), try_number)


class SqlStore:
    """The cells of one task, for one try of it, in one process.

    :param try_number: of the try that reads and writes.
    :param process: its name; by default, of the present one.
    """

    def __init__(
        self,
        database: Database,
        task: TaskKey,
        try_number: int,
        process: str | None = None,
    ) -> None:
        self._database = database
        self._given = {f"its_{name}": value for name, value in task._asdict().items()}
        self._given |= {
            "its_try": try_number,
            "its_process": process or _process(os.getpid()),
        }
        self._has_taken_over = False

    def get(self, key: str, default: Json = None) -> Json:
        """Return a value; the default where there is none.

        :raises JournalFailed: when the database does not answer, or this try was
            replaced.
        """
        self._take_over()
        given = {**self._given, "its_cell": key}
        found = self._database.run(lambda c: c.execute(_READ, given).first())
        if found is None:
            raise self._replaced()
        return default if found[0] is None else json.loads(found[0])

    def set(
        self,
        key: str,
        value: Json,
        *,
        retention: "timedelta | None" = None,  # noqa: ARG002 - as Airflow's; it is kept until it is purged
    ) -> None:
        """Keep a value.

        :raises JournalFailed: when it was perhaps not kept, or this try was replaced.
        """
        self._take_over()
        given = {**self._given, "its_cell": key, "its_value": json.dumps(value)}
        given["its_moment"] = _now()
        write = _WRITE[self._database.dialect]
        if not self._database.run(lambda c: c.execute(write, given).rowcount):
            raise self._replaced()

    def _take_over(self) -> None:
        """Become the one who may read and write, once.

        :raises JournalFailed: when a later try has done so before.
        """
        if self._has_taken_over:
            return
        given = {**self._given, "its_moment": _now()}

        def take_over(connection: "Connection") -> bool:
            if connection.execute(_TAKE_OVER, given).rowcount:
                return True
            try:
                connection.execute(_BEGIN, given)
            except IntegrityError:
                # Somebody was quicker: another process, or a later try.
                return bool(connection.execute(_TAKE_OVER, given).rowcount)
            return True

        if not self._database.run(take_over):
            raise self._replaced()
        self._has_taken_over = True

    def _replaced(self) -> JournalFailed:
        return JournalFailed(
            f"try {self._given['its_try']} of this task was replaced by a later one, "
            "or by another process, which has taken over its journal; nothing more is "
            "sent from here. (If this DAG run was deleted and made again under its "
            "id: its journal is there still; docs/journal.md says what to do)"
        )


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


@cache
def _process(_pid: int) -> str:
    """Return the name of a process; a forked one has another."""
    return uuid.uuid4().hex
