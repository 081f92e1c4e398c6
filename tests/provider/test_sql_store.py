"""The laws of a journal in a SQL database: kept, and closed to whoever was replaced."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import pytest
from airflow.providers.common.compat.sdk import BaseHook
from sqlalchemy import func, select, text

from airflow_provider_codat.api import JournalFailed, SettingsInvalid
from airflow_provider_codat.api.create.journal import Entry
from airflow_provider_codat.api.models import Json
from airflow_provider_codat.journal.cells import TaskStateJournal
from airflow_provider_codat.journal.database import TABLE, open_database, url_of
from airflow_provider_codat.journal.sql import SqlStore, TaskKey, rows_of, store_in
from airflow_provider_codat.simulator import LocalCodat

HERE = Path(__file__).parent
REPLACED = "was replaced by a later one"
INTENT = Entry("intent", 0, 1.5, clear_count=2, key="k", digest="d")

Servers = Callable[[str], Any]


@pytest.fixture
def task() -> TaskKey:
    """Name a task that no other test has."""
    return TaskKey("dag", f"run_{uuid4()}", "task", -1)


@pytest.fixture
def store(journal_database: str, task: TaskKey) -> Callable[..., SqlStore]:
    """Open the store of a task for one of its tries, in a process of its own."""
    numbers = count()

    def opened(try_number: int = 1, **other: Any) -> SqlStore:  # noqa: ANN401 - of a task's name
        database, process = open_database(journal_database), f"process {next(numbers)}"
        return SqlStore(database, task._replace(**other), try_number, process)

    return opened


# --- what is kept


VALUES = ["text", 7, 1.5, True, ["a", None], {"name": "Ærøskøbing 🏝"}, "x" * 100_000]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_is_read_back(store: Callable[..., SqlStore], value: Json) -> None:
    """By another process, too, and in place of what it was."""
    first = store()
    assert first.get("codat.0") is None
    assert first.get("codat.0", "nothing") == "nothing"
    first.set("codat.0", "before")
    first.set("codat.0", value)
    assert first.get("codat.0") == value
    assert store().get("codat.0") == value


@pytest.mark.parametrize(
    "other",
    [
        {"dag_id": "DAG"},
        {"run_id": "manual__2026-01-01T00:00:00+00:00"},
        {"task_id": "Task"},
        {"map_index": 0},
        {"map_index": 10},
    ],
    ids=str,
)
def test_tasks_keep_to_their_own(
    store: Callable[..., SqlStore], other: dict[str, Any]
) -> None:
    """Case and map index tell them apart, also where a database would not."""
    first, second = store(), store(2, **other)
    first.set("codat.0", "first")
    assert second.get("codat.0") is None
    second.set("codat.0", "second")
    assert first.get("codat.0") == "first"
    assert first.get("CODAT.0") is None


def test_the_longest_names_are_kept(journal_database: str) -> None:
    """As long as Airflow's may be: 250 characters each."""
    task = TaskKey("d" * 250, str(uuid4()).ljust(250, "r"), "t" * 250, 10**6)
    store = SqlStore(open_database(journal_database), task, 1)
    store.set("codat.connection." + str(uuid4()), "kept")
    TaskStateJournal(store, "c0ffee" * 2).append(INTENT)
    assert TaskStateJournal(store, "c0ffee" * 2).read() == (INTENT,)


def test_all_tasks_find_the_table_missing(
    store: Callable[..., SqlStore], journal_database: str
) -> None:
    """At once, as the first mapped tasks of a new database do: all go on."""
    database = open_database(journal_database)
    database.create_table()
    for _ in range(5):
        database.run(lambda c: c.execute(text("DROP TABLE codat_journal")))
        stores = [store(map_index=number) for number in range(8)]
        with ThreadPoolExecutor(len(stores)) as threads:
            for done in [threads.submit(each.set, "codat.0", 1) for each in stores]:
                done.result()
        assert [each.get("codat.0") for each in stores] == [1] * len(stores)


@pytest.mark.parametrize("kind", ["postgres", "mariadb"])
def test_no_table_may_be_made(
    servers: Servers, kind: str, task: TaskKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the command for somebody who may; then all goes on."""
    server = servers(kind).connection
    monkeypatch.setenv("AIRFLOW_CONN_OWNER", json.dumps(server))
    owner = open_database("owner")
    schema = f"journal_{uuid4().hex[:8]}"
    for statement in RESTRICTED[kind]:
        owner.run(lambda c, s=statement: c.execute(text(s.format(schema=schema))))
    writer = {**server, "login": schema, "schema": schema}
    monkeypatch.setenv("AIRFLOW_CONN_JOURNAL", json.dumps(writer))
    store = store_in("journal", task, 1)
    command = "airflow_provider_codat.journal create --conn-id journal"
    with pytest.raises(JournalFailed, match=f"nothing is sent.*{command}"):
        store.set("codat.0", 1)
    monkeypatch.setenv("AIRFLOW_CONN_OWNER", json.dumps({**server, "schema": schema}))
    open_database("owner").create_table()
    grant = f"GRANT SELECT, INSERT, UPDATE ON codat_journal TO {ACCOUNTS[kind]}"
    in_it = open_database("owner")
    in_it.run(lambda c: c.execute(text(grant.format(schema=schema))))
    store.set("codat.0", 1)
    assert store.get("codat.0") == 1


ACCOUNTS = {"postgres": "{schema}", "mariadb": "{schema}@'127.0.0.1'"}
RESTRICTED = {
    "postgres": ["CREATE ROLE {schema} LOGIN", "CREATE DATABASE {schema}"],
    "mariadb": [
        "CREATE DATABASE {schema}",
        "CREATE USER {schema}@'127.0.0.1' IDENTIFIED BY ''",
        "CREATE TABLE {schema}.another (n INT)",
        "GRANT SELECT ON {schema}.another TO {schema}@'127.0.0.1'",
    ],
}


# --- whoever was replaced


def test_a_try_that_was_replaced_writes_nothing(
    store: Callable[..., SqlStore],
) -> None:
    """Neither a new cell nor in place of one: the later try finds what it read."""
    first = store(1)
    first.set("codat.0", "kept")
    second = store(2)
    assert second.get("codat.0") == "kept"
    for cell in ("codat.0", "codat.1"):
        with pytest.raises(JournalFailed, match=REPLACED):
            first.set(cell, "late")
    assert second.get("codat.0") == "kept"
    assert second.get("codat.1") is None


def test_a_try_that_was_replaced_reads_nothing(
    store: Callable[..., SqlStore],
) -> None:
    """It would take an empty cell for a journal in which nothing stands."""
    first = store(1)
    first.set("codat.0", "kept")
    store(2).get("codat.0")
    for cell in ("codat.0", "codat.1"):
        with pytest.raises(JournalFailed, match=REPLACED):
            first.get(cell)


def test_a_try_that_comes_late_does_not_begin(
    store: Callable[..., SqlStore],
) -> None:
    """A process that slept before its first word is replaced all the same."""
    late = store(1)
    second = store(2)
    second.set("codat.try.2", "-")
    with pytest.raises(JournalFailed, match=REPLACED):
        late.set("codat.try.1", "-")
    with pytest.raises(JournalFailed, match=REPLACED):
        store(1).get("codat.0")
    second.set("codat.0", "goes on")


def test_a_process_replaces_another_of_its_try(
    store: Callable[..., SqlStore],
) -> None:
    """A task that comes back from the triggerer goes on in another process."""
    before, after = store(3), store(3)
    before.set("codat.0", "kept")
    assert after.get("codat.0") == "kept"
    with pytest.raises(JournalFailed, match=REPLACED):
        before.set("codat.1", "late")
    after.set("codat.1", "kept")


def test_one_process_may_open_it_again(journal_database: str, task: TaskKey) -> None:
    """What stands in one process does not replace itself."""
    first, second = (store_in(journal_database, task, 1) for _ in range(2))
    first.set("codat.0", 1)
    second.set("codat.1", 2)
    assert [first.get(f"codat.{n}") for n in range(2)] == [1, 2]


@pytest.mark.slow
def test_two_processes(journal_database: str) -> None:
    """Amid its writes a try is replaced: the next one reads all that was acknowledged.

    And nothing is written after that. Once for each of many tasks; the other try is a
    process of its own.
    """
    run_id, tasks = str(uuid4()), 15
    program = str(HERE / "write_journal.py")
    command = [sys.executable, program, journal_database, run_id, str(tasks)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout
        lines = (line.split() for line in writer.stdout)
        words = (each for each in lines if each[:1] in (["wrote"], ["replaced"]))
        for number in range(tasks):
            task = TaskKey("dag", run_id, f"task_{number}", -1)
            for acknowledged in range(number + 1):
                assert next(words) == ["wrote", str(acknowledged)]
            second = store_in(journal_database, task, 2)
            cells = (second.get(f"codat.{n}") for n in count())
            read = next(n for n, value in enumerate(cells) if value is None)
            for word in iter(words.__next__, ["replaced"]):
                acknowledged = int(word[1])
            # One more may have been written, and nobody told.
            assert acknowledged + 1 <= read <= acknowledged + 2
            kept = select(func.count()).where(
                *rows_of(task._asdict()), TABLE.c.try_number == 1
            )
            database = open_database(journal_database)
            assert database.run(lambda c, q=kept: c.execute(q).scalar()) == read
        assert writer.wait() == 0


# Whoever writes into this one cell waits for a lock.
HELD = {
    "postgres": """
        CREATE FUNCTION waits() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NEW; END';
        CREATE TRIGGER held BEFORE INSERT ON codat_journal FOR EACH ROW
        WHEN (NEW.cell = 'codat.held') EXECUTE FUNCTION waits()
    """,
    "mariadb": """
        CREATE TRIGGER held BEFORE INSERT ON codat_journal FOR EACH ROW
        SET NEW.map_index = NEW.map_index
            + IF(NEW.cell = 'codat.held', 0 * GET_LOCK('held', 60), 0)
    """,
}
LOCK = {
    "postgres": "SELECT pg_advisory_lock(1)",
    "mariadb": "SELECT GET_LOCK('held', 0)",
}
WAITING = {
    "postgres": "SELECT count(*) FROM pg_locks WHERE NOT granted",
    "mariadb": "SELECT count(*) FROM information_schema.processlist "
    "WHERE state = 'User lock' "
    "UNION ALL SELECT count(*) FROM information_schema.innodb_trx "
    "WHERE trx_state = 'LOCK WAIT'",
}


@pytest.mark.parametrize("kind", HELD)
def test_a_write_under_way_is_waited_for(
    servers: Servers, kind: str, task: TaskKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A later try begins before it or after it, and not while it goes on.

    What is acknowledged to the first is read by the second. The database is told to
    hold it up until the second waits, too.
    """
    monkeypatch.setenv("AIRFLOW_CONN_JOURNAL", json.dumps(servers(kind).connection))
    database = open_database("journal")
    first = SqlStore(database, task, 1, "first")
    first.set("codat.0", 1)
    database.run(lambda c: c.execute(text(HELD[kind])))

    def waiting() -> int:
        time.sleep(0.2)  # InnoDB tells nothing new to whoever asks more often
        found = database.run(lambda c: c.execute(text(WAITING[kind])).scalars().all())
        return sum(found)

    def begin() -> Json:
        return SqlStore(database, task, 2, "second").get("codat.held")

    try:
        with ThreadPoolExecutor() as threads, database.engine.connect() as holder:
            # Out of the pool: closed, also when this fails, it lets go of the lock.
            holder.detach()
            holder.execute(text(LOCK[kind]))
            writing = threads.submit(first.set, "codat.held", "acknowledged")
            while waiting() < 1:
                assert not writing.done()
            reading = threads.submit(begin)
            while waiting() < 2:
                assert not reading.done()
            assert not writing.done()
            holder.close()
            assert reading.result() == "acknowledged"
            writing.result()
    finally:
        on = " ON codat_journal" if kind == "postgres" else ""
        database.run(lambda c: c.execute(text(f"DROP TRIGGER held{on}")))


# --- a database that is not there, or not well


@pytest.fixture(params=["postgres", "mariadb"])
def server(
    request: pytest.FixtureRequest, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> Any:  # noqa: ANN401 - scripts/local_databases.py
    """Return the server that the connection ``journal`` names."""
    found = servers(request.param)
    monkeypatch.setenv("AIRFLOW_CONN_JOURNAL", json.dumps(found.connection))
    return found


def test_a_database_that_is_gone(server: Any, task: TaskKey) -> None:  # noqa: ANN401 - scripts/local_databases.py
    """The error names the connection; once it is back, the same try goes on."""
    store = store_in("journal", task, 1)
    store.set("codat.0", 1)
    server.kill()
    for use in (lambda: store.get("codat.0"), lambda: store.set("codat.1", 1)):
        with pytest.raises(
            JournalFailed, match=r"journal_conn_id: journal.*nothing more"
        ):
            use()
    with pytest.raises(JournalFailed, match="journal_conn_id: journal"):
        store_in("journal", task._replace(task_id="another"), 1).get("codat.0")
    server.start()
    assert store.get("codat.0") == 1


def test_a_database_that_was_restarted(server: Any, task: TaskKey) -> None:  # noqa: ANN401 - scripts/local_databases.py
    """A connection that was closed meanwhile is made anew, and nobody notices."""
    store = store_in("journal", task, 1)
    store.set("codat.0", 1)
    server.kill(signal.SIGQUIT)
    server.start()
    store.set("codat.1", 2)
    assert [store.get(f"codat.{n}") for n in range(2)] == [1, 2]


def signalled(pids: list[int], number: int) -> None:
    """Send a signal to processes of which some may have ended since."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def test_a_database_that_hangs(server: Any, task: TaskKey) -> None:  # noqa: ANN401 - scripts/local_databases.py
    """It is waited for so long and no longer, though its driver waits for ever."""
    hurried = replace(open_database("journal"), answer_seconds=5)
    store = SqlStore(hurried, task, 1)
    store.set("codat.0", 1)
    program = psutil.Process(server.process.pid)
    running = [each.pid for each in (program, *program.children(recursive=True))]
    try:
        signalled(running, signal.SIGSTOP)
        with pytest.raises(JournalFailed, match=r"has not answered for 5 seconds"):
            store.get("codat.0")
    finally:
        signalled(running, signal.SIGCONT)
    assert store.get("codat.0") == 1


# --- which database


URLS = {
    "postgres": (
        {
            "conn_type": "postgres",
            "login": "codat",
            "password": "p@ss/w",
            "host": "db.internal",
            "port": 6432,
            "schema": "j",
            "extra": {"sslmode": "verify-full", "cursor": "dictcursor"},
        },
        "postgresql://codat:p%40ss%2Fw@db.internal:6432/j?sslmode=verify-full",
    ),
    "mysql": (
        {
            "conn_type": "mysql",
            "host": "db",
            "schema": "j",
            "extra": {"ssl": {"ca": "/ca.pem"}, "charset": "latin1", "ssl_key": "/k"},
        },
        "mysql://db/j?ssl_ca=%2Fca.pem&ssl_key=%2Fk",
    ),
    "a file": (
        {"conn_type": "sqlite", "host": "/var/journal.db"},
        "sqlite:////var/journal.db",
    ),
}


@pytest.mark.parametrize("name", URLS)
def test_a_connection_is_read(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Its extra's words on TLS are handed over, and none that only Airflow knows."""
    fields, url = URLS[name]
    monkeypatch.setenv("AIRFLOW_CONN_JOURNAL", json.dumps(fields))
    found = url_of(BaseHook.get_connection("journal"))
    plain = found.set(drivername=found.get_backend_name())
    assert plain.render_as_string(hide_password=False) == url


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"conn_type": "snowflake"},
            "is of the type 'snowflake'; a journal is kept in",
        ),
        (None, "Airflow knows no connection 'journal'"),
    ],
    ids=["another kind", "none"],
)
def test_a_connection_that_will_not_do(
    monkeypatch: pytest.MonkeyPatch, fields: dict[str, str] | None, words: str
) -> None:
    """The task fails at once, and says what it was given."""
    if fields:
        monkeypatch.setenv("AIRFLOW_CONN_JOURNAL", json.dumps(fields))
    with pytest.raises(SettingsInvalid, match=re.escape(words)):
        open_database("journal")


@pytest.mark.parametrize("how", ["argument", "configuration", "both"])
def test_what_names_it(
    attempt: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    how: str,
) -> None:
    """The argument of a task goes before ``[codat] journal_conn_id``."""
    for conn_id in ("of_all", "of_one"):
        fields = {"conn_type": "sqlite", "host": str(tmp_path / conn_id)}
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(fields))
    if how != "argument":
        monkeypatch.setenv("AIRFLOW__CODAT__JOURNAL_CONN_ID", "of_all")
    attempt(
        **({} if how == "configuration" else {"journal_conn_id": "of_one"})
    ).execute()
    made = sorted(path.name for path in tmp_path.iterdir())
    assert made == ["of_all" if how == "configuration" else "of_one"]


def test_a_task_that_is_not_durable_asks_no_database(
    attempt: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """``durable=False`` is obeyed, whatever the configuration names."""
    monkeypatch.setenv("AIRFLOW__CODAT__JOURNAL_CONN_ID", "nowhere")
    attempt(durable=False).execute()


def test_nothing_is_sent_without_its_database(
    attempt: Callable[..., Any],
    local_codat: LocalCodat,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A task that cannot write down what it sends does not send it."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        fields = {"conn_type": "postgres", "host": "127.0.0.1"}
        fields |= {"port": nobody.getsockname()[1]}
        monkeypatch.setenv("AIRFLOW_CONN_JOURNAL", json.dumps(fields))
        made = attempt(journal_conn_id="journal")
        error = made.fails(JournalFailed, "journal_conn_id: journal")
    assert "Connection refused" in str(error)
    assert local_codat.journal() == []
