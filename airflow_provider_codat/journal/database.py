"""The database of the user's choice that a journal is kept in, and its one table."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, TypeVar

from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook
from sqlalchemy import (
    Column,
    DateTime,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    inspect,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from airflow_provider_codat.api.errors import CodatError, JournalFailed, SettingsInvalid

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Connection as AirflowConnection

T = TypeVar("T")

ANSWER_SECONDS = 60.0
"""How long a statement may take, with the connection that is made at need."""

_CONNECT_SECONDS = 10


def _name(length: int) -> Any:  # noqa: ANN401 - what with_variant returns differs by version
    """Return the type of an id; MySQL tells "a" from "A" only when it is told to."""
    exact = mysql.VARCHAR(length, charset="utf8mb3", collation="utf8mb3_bin")
    return String(length).with_variant(exact, "mysql")


TABLE = Table(
    "codat_journal",
    MetaData(),
    # As long as Airflow's own.
    Column("dag_id", _name(250), primary_key=True),
    Column("run_id", _name(250), primary_key=True),
    Column("task_id", _name(250), primary_key=True),
    Column("map_index", Integer, primary_key=True, autoincrement=False),
    Column("cell", _name(128), primary_key=True),
    # A MySQL TEXT ends at 64 KiB.
    Column("value", Text().with_variant(mysql.MEDIUMTEXT(), "mysql"), nullable=False),
    Column("try_number", Integer, nullable=False),
    # Of UTC.
    Column("written_at", DateTime, nullable=False, index=True),
)

# What SQLAlchemy calls Airflow's types of connections, and drivers for them: the first
# that is installed is taken.
_DIALECTS = {
    "postgres": ("postgresql", {"psycopg2": "psycopg2", "psycopg": "psycopg"}),
    "mysql": ("mysql", {"MySQLdb": "mysqldb", "pymysql": "pymysql"}),
    "sqlite": ("sqlite", {"sqlite3": "pysqlite"}),
}
# What is handed over of a connection's extra, by how it begins.
_HANDED_OVER = {
    "postgresql": ("ssl", "target_session_attrs", "options", "application_name"),
    "mysql": ("ssl_", "unix_socket"),
    "sqlite": (),
}
_ARGUMENTS: Mapping[str, Mapping[str, Any]] = {
    "postgresql": {
        "connect_timeout": _CONNECT_SECONDS,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
    },
    "mysql": {"connect_timeout": _CONNECT_SECONDS, "charset": "utf8mb4"},
    "sqlite": {"timeout": ANSWER_SECONDS / 2},
}


@dataclass(frozen=True, slots=True)
class Database:
    """A database with a journal in it.

    :param conn_id: of the Airflow connection, for messages.
    :param answer_seconds: how long it may take to answer.
    """

    conn_id: str
    engine: Engine
    answer_seconds: float = ANSWER_SECONDS

    @property
    def dialect(self) -> str:
        """SQLAlchemy's name for the kind of database."""
        return str(self.engine.dialect.name)

    def run(self, work: Callable[[Connection], T]) -> T:
        """Do something that may be repeated, each statement a transaction of its own.

        A connection that was closed meanwhile is made anew, once. A table that is
        missing is made.

        :raises JournalFailed: when the database does not do it in time.
        """
        try:
            return self._patiently(lambda: self._run(work))
        except (SQLAlchemyError, OSError, ValueError) as error:
            raise JournalFailed(
                f"{self._is_the_journal_in} did not do what it was asked for "
                f"({_in_short(error)}), so nothing more is sent. See that it runs, and "
                "that it may be reached, read and written from here; the next try goes "
                "on from what is written down"
            ) from error

    def _run(self, work: Callable[[Connection], T]) -> T:
        try:
            return self._run_once(work)
        except DBAPIError as error:
            if error.connection_invalidated:
                return self._run_once(work)
        self.engine.connect().close()  # if it is there at all, the table may be missing
        self.create_table()
        return self._run_once(work)

    def _run_once(self, work: Callable[[Connection], T]) -> T:
        with self.engine.connect() as connection:
            return work(connection)

    def create_table(self) -> None:
        """Make the table where it is not there.

        :raises JournalFailed: when that is not allowed.
        """
        try:
            TABLE.metadata.create_all(self.engine)
        except SQLAlchemyError as error:
            if self._has_table():
                return  # another task was quicker
            raise JournalFailed(
                f"{self._is_the_journal_in} has no table {TABLE.name} that may be used "
                f"from here, and none could be made ({_in_short(error)}), so nothing "
                "is sent. Let somebody make it whom the database lets: python -m "
                f"airflow_provider_codat.journal create --conn-id {self.conn_id}"
            ) from error

    def _has_table(self) -> bool:
        try:
            return inspect(self.engine).has_table(TABLE.name)
        except SQLAlchemyError:
            return False  # it may not even be looked for

    @property
    def _is_the_journal_in(self) -> str:
        return f"The database of the journal (journal_conn_id: {self.conn_id})"

    def _patiently(self, work: Callable[[], T]) -> T:
        """Wait for no longer than is right: a driver may wait for ever."""
        answers: list[T] = []
        errors: list[Exception] = []
        ended = Event()

        def do() -> None:
            try:
                answers.append(work())
            except (SQLAlchemyError, CodatError, OSError, ValueError) as error:
                errors.append(error)
            finally:
                ended.set()

        # A daemon: what hangs holds up no process that is to end.
        Thread(target=do, name="codat-journal", daemon=True).start()
        if not ended.wait(self.answer_seconds):
            raise JournalFailed(
                f"{self._is_the_journal_in} has not answered for "
                f"{self.answer_seconds:g} seconds, so nothing more is sent. The next "
                "try goes on from what is written down"
            )
        for error in errors:
            raise error
        return answers[0]


def open_database(conn_id: str) -> Database:
    """Return the database that an Airflow connection names.

    :raises SettingsInvalid: when no journal can be kept there.
    """
    try:
        connection = BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        raise SettingsInvalid(
            f"journal_conn_id: Airflow knows no connection {conn_id!r}"
        ) from None
    return Database(conn_id, _engine(url_of(connection), os.getpid()))


@cache
def _engine(url: URL, _pid: int) -> Engine:
    """Make what holds the connections; none is shared with a forked process."""
    arguments = dict(_ARGUMENTS[url.get_backend_name()])
    return create_engine(
        url,
        future=True,
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,
        connect_args=arguments,
    )


def url_of(connection: "AirflowConnection") -> URL:
    """Return where SQLAlchemy finds what an Airflow connection names.

    :raises SettingsInvalid: when it is no database that a journal can be kept in.
    """
    conn_id, kind = connection.conn_id, connection.conn_type
    if kind not in _DIALECTS:
        raise SettingsInvalid(
            f"journal_conn_id: the connection {conn_id!r} is of the type {kind!r}; a "
            f"journal is kept in one of: {', '.join(_DIALECTS)}"
        )
    dialect, drivers = _DIALECTS[kind]
    driver = next((d for module, d in drivers.items() if find_spec(module)), None)
    if driver is None:
        raise SettingsInvalid(
            f"journal_conn_id: the connection {conn_id!r} needs a driver that is not "
            f"installed; one of: {', '.join(drivers)}"
        )
    name = f"{dialect}+{driver}"
    if dialect == "sqlite":
        return URL.create(name, database=connection.host or connection.schema)
    return URL.create(
        name,
        username=connection.login,
        password=connection.password,
        host=connection.host,
        port=connection.port,
        database=connection.schema,
        query=_handed_over(connection.extra_dejson, _HANDED_OVER[dialect]),
    )


def _handed_over(
    extra: Mapping[str, Any], beginnings: tuple[str, ...]
) -> dict[str, str]:
    """Return what the driver is told of a connection's extra.

    Airflow's connections to MySQL may hold a certificate as ``{"ssl": {"ca": ...}}``.
    """
    tls = extra.get("ssl")
    nested = {f"ssl_{k}": v for k, v in tls.items()} if isinstance(tls, dict) else {}
    flat = {k: v for k, v in {**extra, **nested}.items() if not isinstance(v, dict)}
    return {k: str(v) for k, v in flat.items() if k.startswith(beginnings)}


def _in_short(error: BaseException) -> str:
    """Return a driver's words in one line: they hold no value of ours."""
    cause = getattr(error, "orig", None) or error
    words = " ".join(str(cause).split())[:200]
    return f"{type(cause).__name__}: {words}"
