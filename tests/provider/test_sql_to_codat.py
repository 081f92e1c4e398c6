"""The laws of the transfer from a query: its rows are read once, and each gets there.

The databases are real ones. A try is one ``execute``, as in ``test_many_durable.py``.
"""

import json
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowSkipException

from airflow_provider_codat.api import JournalFailed, SettingsInvalid, SourceChanged
from airflow_provider_codat.simulator import LocalCodat
from airflow_provider_codat.tasks.staging import streaming_cursor

pytest.importorskip("airflow.providers.common.sql.hooks.sql")
from airflow_provider_codat.transfers.sql_to_codat import SqlToCodatOperator

SQL = "SELECT no, company, street, limits FROM debtors WHERE no >= {} ORDER BY no"
ALL = SQL.format(0)
HOUR = 3600
COLUMNS = {"company": "customerName", "street": "addresses[0].line1"}
CONSTANTS = {"status": "Active", "addresses[0].type": "Billing"}

# conftest.py has them; it cannot be imported.
Attempt = Store = Any
Query = Callable[..., Attempt]


@pytest.fixture
def local_codat(start_codat: Callable[..., LocalCodat]) -> LocalCodat:
    """Serve a Codat that reads the books at once."""
    return start_codat(refresh_seconds=0)


class Warehouse:
    """A table of customers in a database.

    :param kind: of the database.
    :param run: carries out statements.
    """

    def __init__(self, kind: str, run: Callable[[list[str]], None]) -> None:
        self.kind = kind
        self.run = run
        self.run(
            [
                "DROP TABLE IF EXISTS debtors",
                """CREATE TABLE debtors (no INTEGER PRIMARY KEY, company VARCHAR(90),
                street VARCHAR(90), limits NUMERIC(12, 2))""",
            ]
        )

    def insert(self, *numbers: int, name: str = "Fen") -> None:
        self.run(
            [
                f"INSERT INTO debtors VALUES ({n}, '{name} {n}', 'Main {n}', {n}.50)"
                for n in numbers
            ]
        )


@pytest.fixture(params=["sqlite", "postgres"])
def warehouse(
    request: pytest.FixtureRequest,
    servers: Callable[[str], Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Warehouse:
    """Keep three customers in a database that the connection ``warehouse`` names."""
    fields = {"conn_type": "sqlite", "host": str(tmp_path / "warehouse.db")}
    if request.param == "postgres":
        fields = servers("postgres").connection
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", json.dumps(fields))

    def run(statements: list[str]) -> None:
        from airflow.providers.common.compat.sdk import BaseHook  # noqa: PLC0415 - for this alone

        hook: Any = BaseHook.get_connection("warehouse").get_hook()
        hook.run(statements)

    made = Warehouse(request.param, run)
    made.insert(1, 2, 3)
    return made


@pytest.fixture
def staging(tmp_path: Path) -> Path:
    return tmp_path / "staging"


@pytest.fixture
def query(
    first_try: Any,  # noqa: ANN401 - conftest.py's FirstTry
    local_codat: LocalCodat,
    warehouse: Warehouse,
    staging: Path,
) -> Query:
    """Make an attempt at a query's rows."""
    assert warehouse
    what = {
        "sql": ALL,
        "sql_conn_id": "warehouse",
        "item_key": "no",
        "columns": COLUMNS,
        "constants": CONSTANTS,
        "staging_path": str(staging),
        "unknown_properties": "ignore",
    }
    make: Query = first_try(local_codat, SqlToCodatOperator, what)
    return make


def names(codat: LocalCodat) -> list[str]:
    return sorted(record.name for record in codat.ledger())


def test_each_row_becomes_a_record(
    query: Query, local_codat: LocalCodat, staging: Path, store: Store
) -> None:
    """Nested as the mapping says; what was kept for a retry is removed."""
    result = query(store=store).execute()
    assert {line["item_key"] for line in result["results"]} == {"1", "2", "3"}
    first = min((record.record for record in local_codat.ledger()), key=str)
    assert first["customerName"] == "Fen 1"
    assert first["addresses"] == [{"type": "Billing", "line1": "Main 1"}]
    assert list(staging.iterdir()) == []


def test_parameters(
    query: Query, warehouse: Warehouse, local_codat: LocalCodat, store: Store
) -> None:
    """As the driver takes them."""
    marker = "?" if warehouse.kind == "sqlite" else "%s"
    query(store=store, parameters=[2], sql=SQL.format(marker)).execute()
    assert names(local_codat) == ["Fen 2", "Fen 3"]


@pytest.mark.parametrize("key", ["no", None], ids=["item_key", "no item_key"])
@pytest.mark.parametrize("writes", range(1, 5))
def test_killed_at_any_write(
    query: Query,
    warehouse: Warehouse,
    local_codat: LocalCodat,
    staging: Path,
    store: Store,
    logged: Callable[..., list[str]],
    writes: int,
    key: str | None,
) -> None:
    """The next try has the rows of the first one, whatever the table holds by then.

    Before it reads them, a try writes its number down, and no more.
    """
    store.refuse(after=writes, kept=True)
    made = query(store=store, item_key=key)
    made.fails(JournalFailed)
    store.mend()
    warehouse.run(["DELETE FROM debtors WHERE no = 2"])
    warehouse.run(["UPDATE debtors SET street = 'Moved' WHERE no = 3"])
    warehouse.insert(4)
    assert len(list(staging.iterdir())) == 1
    result = made.retried().execute()
    assert result["counts"] == {"Success": 3}
    assert names(local_codat) == ["Fen 1", "Fen 2", "Fen 3"]
    assert "Moved" not in str([record.record for record in local_codat.ledger()])
    assert len(logged("Reading the rows of the query")) == 1
    assert len(logged("Going on with the rows")) == 1


def test_without_staging(
    query: Query,
    warehouse: Warehouse,
    local_codat: LocalCodat,
    store: Store,
) -> None:
    """Each try runs the query; its keys tell what was sent, and none is sent twice."""
    made = query(store=store, staging_path=None)
    store.refuse(after=5, kept=True)
    with suppress(JournalFailed):
        made.execute()
    store.mend()
    warehouse.insert(4)
    result = made.retried().execute()
    assert result["counts"] == {"Success": 4}
    assert names(local_codat) == ["Fen 1", "Fen 2", "Fen 3", "Fen 4"]


def test_cleared(
    query: Query, warehouse: Warehouse, local_codat: LocalCodat, store: Store
) -> None:
    """A task that was cleared asks the database anew, and creates what is new."""
    made = query(store=store)
    made.execute()
    warehouse.insert(4)
    result = made.cleared().execute()
    assert result["counts"] == {"Success": 4}
    assert names(local_codat) == ["Fen 1", "Fen 2", "Fen 3", "Fen 4"]


def test_cleared_without_keys(
    query: Query, warehouse: Warehouse, local_codat: LocalCodat, store: Store
) -> None:
    """Rows without keys that have changed meanwhile are refused, not created anew."""
    made = query(store=store, item_key=None)
    made.execute()
    warehouse.run(["UPDATE debtors SET street = 'Moved' WHERE no = 3"])
    made.cleared().fails(SourceChanged, "are not in the list any more")
    assert names(local_codat) == ["Fen 1", "Fen 2", "Fen 3"]


def test_another_query(
    query: Query, local_codat: LocalCodat, staging: Path, store: Store
) -> None:
    """A query that was mended between two tries is run."""
    made = query(store=store, columns={**COLUMNS, "limits": "customerName"})
    made.fails(SettingsInvalid, "customerName is given twice")
    made = made.retried(columns=COLUMNS, constants={"status": "Sleeping"})
    with pytest.raises(Exception, match="rows are not valid"):
        made.execute()
    assert len(list(staging.iterdir())) == 1
    made.retried(sql=SQL.format(3), constants=CONSTANTS).execute()
    assert names(local_codat) == ["Fen 3"]


def test_deferred(
    query: Query,
    warehouse: Warehouse,
    start_codat: Callable[..., LocalCodat],
    first_try: Any,  # noqa: ANN401 - conftest.py's FirstTry
    store: Store,
) -> None:
    """A task that comes back from the triggerer reads the same rows."""
    codat = start_codat(settle_seconds=HOUR, refresh_seconds=0)
    what = query().given
    made = first_try(codat, SqlToCodatOperator, what)(
        deferrable=True,
        completion_timeout_seconds=2 * HOUR,
        store=store,
        company_id=codat.company_id,
        connection_id=codat.connection_id,
    )
    left = made.defers()
    warehouse.insert(4)
    codat.settle_creates()
    result = made.resume(left)
    assert result["counts"] == {"Success": 3}
    assert names(codat) == ["Fen 1", "Fen 2", "Fen 3"]


def test_nothing_to_do(
    query: Query, local_codat: LocalCodat, staging: Path, store: Store
) -> None:
    """A night without rows skips the task; nothing is kept of it."""
    with pytest.raises(AirflowSkipException, match="no rows"):
        query(sql=SQL.format(9), store=store).execute()
    assert list(staging.iterdir()) == []
    assert local_codat.journal() == []


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a column that is not there": (
        {"columns": {"compny": "customerName"}},
        "there is no column 'compny'; did you mean 'company'",
    ),
    "no property": ({"columns": {"company": "custName"}}, "did you mean customerName"),
    "two of one name": (
        {"sql": "SELECT no, company, company FROM debtors"},
        "its result names columns twice",
    ),
    "no query": ({"sql": "DELETE FROM debtors WHERE no = 99"}, ""),
    "no database": ({"sql_conn_id": "codat_default"}, "none of a database"),
    "no key and no staging": (
        {"item_key": None, "staging_path": None},
        "staging_path or item_key is needed",
    ),
    "staging is a file": ({"staging_path": "/etc/hostname"}, "staging_path"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_argument_is_named(
    query: Query, local_codat: LocalCodat, store: Store, case: str
) -> None:
    """Nothing is sent for an author who has mistaken himself."""
    given, words = WRONG[case]
    made = query(store=store, **given)
    if words:
        made.fails(SettingsInvalid, words)
    else:
        with pytest.raises(Exception, match=r"(?i)no rows|syntax|cursor"):
            made.execute()
    assert local_codat.ledger() == []


def test_what_is_no_json(query: Query, store: Store, warehouse: Warehouse) -> None:
    """A column of bytes is named, with its row; its value is not shown."""
    blob = "X'6162'" if warehouse.kind == "sqlite" else "'ab'::bytea"
    made = query(store=store, sql=f"SELECT 1 AS no, {blob} AS photo", columns={})
    made.fails(SettingsInvalid, "row 1, column 'photo': (bytes|memoryview) is not JSON")


@pytest.mark.parametrize("server", ["psycopg2", "psycopg", "pymysql"])
def test_a_cursor_on_the_server(server: str, servers: Callable[[str], Any]) -> None:
    """What is read row by row is not first fetched as a whole."""
    driver: Any = pytest.importorskip(server)
    place = servers("mariadb" if server == "pymysql" else "postgres").connection
    where = {"host": place["host"], "port": place["port"], "user": place["login"]}
    if server != "pymysql":
        where["dbname"] = place["schema"]
    with (
        closing(driver.connect(**where)) as connection,
        closing(streaming_cursor(connection)) as cursor,
    ):
        if server == "pymysql":
            cursor.execute("SELECT 1 UNION SELECT 2")
            assert cursor.fetchmany(1) == [(1,)]
            assert cursor.rownumber == 1
            return
        cursor.execute("SELECT * FROM generate_series(1, 100000)")
        assert len(cursor.fetchmany(10)) == 10
        with closing(connection.cursor()) as other:
            other.execute("SELECT count(*) FROM pg_cursors WHERE name <> ''")
            assert other.fetchone() == (1,)
