"""The rows of a query, kept in a file: what one try has read, the next one reads again.

A query that is run twice may answer differently, and in another order.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from decimal import Decimal
from importlib import import_module
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseHook

from airflow_provider_codat.api.errors import PayloadInvalid, SettingsInvalid
from airflow_provider_codat.api.input.columns import Cells, Columns
from airflow_provider_codat.api.input.file_rows import FileFormat, Line, check_header
from airflow_provider_codat.api.models import Json
from airflow_provider_codat.api.payload.canonical import parse_json
from airflow_provider_codat.api.payload.foreign_values import emptied
from airflow_provider_codat.api.payload.json_values import to_json
from airflow_provider_codat.tasks.files import rows_of, written

if TYPE_CHECKING:
    from airflow_provider_codat.tasks.files import Location
    from airflow_provider_codat.tasks.identity import TaskRun

_AT_A_TIME = 1_000
_STAGING = "staging_path"


def staged_name(run: "TaskRun", *query: object) -> str:
    """Return the name of the file that a task's rows are kept in.

    It is the same for all tries of a task until it is cleared, and for one query.
    """
    ti = run.context["ti"]
    of = [ti.dag_id, ti.run_id, ti.task_id, ti.map_index, run.clear_count, *query]
    told = json.dumps(of, default=str, sort_keys=True).encode()
    return f"{ti.dag_id}.{ti.task_id}.{hashlib.sha256(told).hexdigest()[:16]}.jsonl.gz"


def query_hook(conn_id: str, params: Mapping[str, Any] | None) -> Any:  # noqa: ANN401 - a DbApiHook, which may not be installed
    """Return the hook of a database.

    :param params: of the hook.
    :raises SettingsInvalid: when the connection is none of a database.
    """
    try:
        from airflow.providers.common.sql.hooks.sql import (  # noqa: PLC0415 - an extra
            DbApiHook,
        )
    except ImportError:
        raise SettingsInvalid(
            "reading a database needs its provider: pip install "
            "'airflow-provider-codat[sql]'"
        ) from None
    connection: Any = BaseHook.get_connection(conn_id)  # its get_hook has no types
    hook = connection.get_hook(hook_params=dict(params or {}))
    if not isinstance(hook, DbApiHook):
        raise SettingsInvalid(
            f"sql_conn_id: {conn_id!r} is a connection of the type "
            f"{connection.conn_type!r}, and none of a database"
        )
    return hook


def stage_rows(
    path: "Location",
    hook: Any,  # noqa: ANN401 - a DbApiHook
    sql: str,
    parameters: object,
    columns: Columns,
) -> None:
    """Run a query and write its rows to a file, a line of JSON for each.

    No more than 1,000 rows are in memory, where the driver has a cursor on the server.

    :param columns: what becomes of them; what it maps must be there.
    :raises SettingsInvalid: when they cannot be written, or are no JSON.
    """
    with (
        closing(hook.get_conn()) as connection,
        closing(streaming_cursor(connection)) as cursor,
    ):
        cursor.execute(sql, *([] if parameters is None else [parameters]))
        written(path, _lines(cursor, columns), _STAGING)


def staged_rows(path: "Location", _: FileFormat, name: str) -> Iterator[Cells]:
    """Yield the rows that were written, see :func:`stage_rows`."""
    for number, line in enumerate(rows_of(path, name=name), 1):
        values = parse_json(line.text.decode()) if isinstance(line, Line) else None
        if not isinstance(values, dict):
            raise SettingsInvalid(f"{_STAGING}: row {number} is none of this task's")
        yield Cells(number, values)


def streaming_cursor(connection: Any) -> Any:  # noqa: ANN401 - as PEP 249 has them
    """Return a cursor that leaves the rows on the server, where the driver has one.

    What SQLite, and the drivers of warehouses, return by default does so already.
    """
    driver = type(connection).__module__.partition(".")[0]
    if driver in {"psycopg", "psycopg2"}:
        return connection.cursor(name="airflow_provider_codat")
    if driver in {"MySQLdb", "pymysql"}:
        return connection.cursor(import_module(f"{driver}.cursors").SSCursor)
    return connection.cursor()


def _lines(cursor: Any, columns: Columns) -> Iterator[str]:  # noqa: ANN401 - see above
    rows = cursor.fetchmany(_AT_A_TIME)
    # A cursor on the server knows its columns once something was fetched.
    if cursor.description is None:
        raise SettingsInvalid("sql: gives no rows; it must be a query")
    names = [str(column[0]) for column in cursor.description]
    try:
        check_header(names)
    except ValueError as error:
        raise SettingsInvalid(f"sql: its result {error}") from None
    columns.check_header(names)
    number = 0
    while rows:
        for row in rows:
            number += 1
            yield json.dumps(_values(names, row, number))
        rows = cursor.fetchmany(_AT_A_TIME)


def _values(
    names: Sequence[str], row: Sequence[object], number: int
) -> dict[str, Json]:
    """Return a row as JSON; amounts that no JSON number holds exactly, as text."""
    values: dict[str, Json] = {}
    for name, value in emptied(dict(zip(names, row, strict=True))).items():
        try:
            values[name] = to_json(value)
        except PayloadInvalid as invalid:
            if not isinstance(value, Decimal):
                reason = invalid.problems[0].message
                raise SettingsInvalid(
                    f"sql: row {number:,}, column {name!r}: {reason} (CAST it)"
                ) from None
            values[name] = str(value)
    return values
