"""The laws of ``python -m airflow_provider_codat.journal``."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from airflow_provider_codat.api import Unreachable
from airflow_provider_codat.journal.__main__ import main
from airflow_provider_codat.journal.database import TABLE, open_database
from airflow_provider_codat.simulator import LocalCodat

AIRFLOW = tuple(int(part) for part in version("apache-airflow").split(".")[:2])
ADA = {"customerName": "Ada Lovelace", "status": "Active"}

# conftest.py has it; it cannot be imported.
Attempt = Any
Attempts = Callable[..., Attempt]


@pytest.fixture
def run_id() -> str:
    """Name a DAG run that no other test has."""
    return f"manual__{uuid4()}"


@pytest.fixture
def task(attempt: Attempts, journal_database: str, run_id: str) -> Attempts:
    """Make an attempt at creating a customer, with a journal in the database."""

    def make(**given: Any) -> Attempt:  # noqa: ANN401 - as in conftest.py
        named = {"journal_conn_id": journal_database, "ti": {"run_id": run_id}}
        return attempt(ADA, **{**named, **given})

    return make


@pytest.fixture
def command(
    journal_database: str, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Run a command; return what it prints."""

    def run(*arguments: str, status: int = 0) -> str:
        capsys.readouterr()
        assert main([*arguments, "--conn-id", journal_database]) == status
        printed = capsys.readouterr()
        lines = (printed.err if status else printed.out).splitlines(keepends=True)
        # Airflow 2 logs to the standard output, unless it is a program's own.
        return "".join(line for line in lines if not line.startswith("["))

    return run


def age(conn_id: str, **delta: float) -> None:
    """Let all that is written down be older."""
    later = timedelta(**delta)

    def do(connection: Any) -> None:  # noqa: ANN401 - of SQLAlchemy
        for row in connection.execute(TABLE.select()).all():
            where = [TABLE.c[c.name] == getattr(row, c.name) for c in TABLE.primary_key]
            moved = {"written_at": row.written_at - later}
            connection.execute(TABLE.update().where(*where).values(moved))

    open_database(conn_id).run(do)


def test_what_a_task_has_written_is_shown(
    task: Attempts, command: Callable[..., str], run_id: str
) -> None:
    """Tries, idempotency key, push operation, record; the payload was never there."""
    result = task().execute()
    task().retried().execute()
    told = command("show", "--dag-id", "a_dag", "--run-id", run_id)
    assert told.splitlines()[0] == f"a_dag, run {run_id}, task create"
    kinds = [line.split()[:2] for line in told.splitlines()[1:]]
    assert kinds == [["try", "1"], ["try", "2"], *([k, "0"] for k in ENTRIES)]
    assert re.search(r"intent  +0 .* UTC, idempotency key [0-9a-f-]{36}", told)
    assert f"push operation {result['push_operation_key']}" in told
    assert told.endswith(f", record {result['record_id']}\n")
    assert "Ada" not in told


ENTRIES = ("intent", "op", "end")


def test_what_is_open_is_said_to_be(
    task: Attempts,
    command: Callable[..., str],
    local_codat: LocalCodat,
    run_id: str,
) -> None:
    """Whoever is called at night sees whether something may have been created."""
    local_codat.order("reset_after_commit")
    task().fails(Unreachable)
    shown = ("show", "--dag-id", "a_dag", "--run-id", run_id)
    assert "It is not known of all that was sent" in command(*shown)
    task().retried().execute()
    assert "It is not known" not in command(*shown)


def test_the_rows_of_many_are_counted(
    attempt_many: Attempts,
    journal_database: str,
    command: Callable[..., str],
    run_id: str,
) -> None:
    """Of thousands of rows only those are named that are open."""
    made = attempt_many(
        [{"customerName": f"Ada {n}", "status": "Active"} for n in range(7)],
        journal_conn_id=journal_database,
        ti={"run_id": run_id},
    )
    made.execute()
    told = command("show", "--dag-id", "a_dag", "--run-id", run_id)
    assert told.splitlines()[-1].split() == ["rows", "7", "7", "Success"]


def test_one_task_is_picked(
    task: Attempts, command: Callable[..., str], run_id: str
) -> None:
    """By its id and its map index."""
    for index in range(3):
        task(ti={"run_id": run_id, "map_index": index}).execute()
    shown = ["show", "--dag-id", "a_dag", "--run-id", run_id]
    assert command(*shown).count("task create, map index") == 3
    shown += ["--task-id", "create", "--map-index", "2"]
    assert command(*shown).count("task create, map index 2") == 1


def test_nothing_to_show(command: Callable[..., str], run_id: str) -> None:
    """Exit code 1 for a task that has written nothing."""
    shown = ("show", "--dag-id", "a_dag", "--run-id", run_id)
    assert "No journal of such a task" in command(*shown, status=1)


def test_what_is_old_is_deleted(
    task: Attempts,
    command: Callable[..., str],
    journal_database: str,
    local_codat: LocalCodat,
    run_id: str,
) -> None:
    """Never what is younger, and never an open intent."""
    run = ("--dag-id", "a_dag", "--run-id", run_id)
    task().execute()
    local_codat.order("reset_after_commit")
    task(ti={"run_id": run_id, "map_index": 1}).fails(Unreachable)
    age(journal_database, days=90, hours=1)
    task(ti={"run_id": run_id, "map_index": 2}).execute()
    old = ("purge", "--older-than", "90d", *run)
    kept = "1 kept, as it is not known what became of what they sent"
    assert command(*old, "--dry-run").startswith(f"1 journal would be deleted\n{kept}")
    assert command("show", *run).count("task create") == 3
    assert command(*old).startswith(f"1 journal deleted\n{kept}")
    assert command("show", *run).count("task create, map index") == 2
    assert command("purge", "--older-than", "91d", *run).startswith("0 journals")
    assert command(*old, "--open") == "1 journal deleted\n"
    told = command("show", *run)
    assert [line for line in told.splitlines() if "task create" in line] == [
        f"a_dag, run {run_id}, task create, map index 2"
    ]


def test_many_are_deleted(
    command: Callable[..., str], journal_database: str, run_id: str
) -> None:
    """More than are read at a time; those between them that are young stay."""
    database, old = open_database(journal_database), datetime(2020, 1, 1)  # noqa: DTZ001 - as in the table
    database.create_table()
    row = {"run_id": run_id, "task_id": "create", "value": '"-"', "try_number": 1}
    rows = [
        {**row, "dag_id": "dag", "map_index": n, "cell": cell, "written_at": old}
        for n in range(1200)
        for cell in ("codat.try.1", "codat.holder")
    ]
    for young in rows[::600]:
        young["written_at"] = datetime(2999, 1, 1)  # noqa: DTZ001 - the same
    database.run(lambda c: c.execute(TABLE.insert(), rows))
    run = ("--dag-id", "dag", "--run-id", run_id)
    assert command("purge", "--older-than", "90d", *run) == "1,196 journals deleted\n"
    left = re.findall(r"map index (\d+)", command("show", *run))
    assert left == ["0", "300", "600", "900"]


def test_a_run_that_was_made_again_begins_anew(
    task: Attempts, command: Callable[..., str], local_codat: LocalCodat, run_id: str
) -> None:
    """Its journal outlives a DAG run that is deleted, until it is deleted, too."""
    made = task()
    first = made.execute()
    assert task().execute() == first
    run = ("--dag-id", "a_dag", "--run-id", run_id)
    assert command("purge", *run) == "1 journal deleted\n"
    command("show", *run, status=1)
    # Within 75 minutes the same key is answered with the same operation.
    assert task().execute()["record_id"] == first["record_id"]
    local_codat.advance(seconds=2)
    assert len(local_codat.ledger()) == 1


def test_the_table_is_made(command: Callable[..., str], journal_database: str) -> None:
    """By whoever may make tables; a second time it is there already."""
    assert command("create") == "The table codat_journal is there\n"
    assert command("create") == "The table codat_journal is there\n"
    count = text("SELECT count(*) FROM codat_journal")
    database = open_database(journal_database)
    assert database.run(lambda c: c.execute(count).scalar()) is not None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["purge"], "purge needs --older-than, or --dag-id and --run-id"),
        (["purge", "--run-id", "r"], "purge needs --older-than"),
        (["purge", "--older-than", "90"], "a number of days or hours: 90d, 12h"),
        (["show", "--dag-id", "d"], "--run-id"),
        ([], "command"),
    ],
    ids=str,
)
def test_a_wrong_command_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    """It is said what is missing; exit code 2."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("name", ["create", "purge --older-than 1d"])
def test_no_database_is_named(capsys: pytest.CaptureFixture[str], name: str) -> None:
    """Neither on the command line nor in Airflow's configuration."""
    assert main(name.split()) == 2
    assert "give --conn-id, or set [codat] journal_conn_id" in capsys.readouterr().err


def test_the_configuration_names_it(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    journal_database: str,
) -> None:
    """``[codat] journal_conn_id`` is the default of the command, too."""
    monkeypatch.setenv("AIRFLOW__CODAT__JOURNAL_CONN_ID", journal_database)
    assert main(["create"]) == 0
    assert "is there" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.skipif(AIRFLOW < (3, 3), reason="keeps no state for tasks")
def test_airflows_own_store_is_shown(
    run_dag: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a database of one's own, where Airflow has such a store."""
    run = run_dag("tests/attempts.py", "attempts_usual")
    ti = run.task()
    assert main(["show", "--dag-id", ti.dag_id, "--run-id", ti.run_id]) == 0
    lines = capsys.readouterr().out.splitlines(keepends=True)
    told = "".join(line for line in lines if "[info " not in line)
    assert told.startswith(f"{ti.dag_id}, run {ti.run_id}, task create\n  try ")
    assert told.rstrip().endswith(f"record {run.xcom()['record_id']}")


@pytest.mark.skipif(AIRFLOW >= (3, 3), reason="has a store")
def test_no_store_to_show(capsys: pytest.CaptureFixture[str]) -> None:
    """An older Airflow has none: it is said what to name."""
    assert main(["show", "--dag-id", "d", "--run-id", "r"]) == 2
    assert "give --conn-id, or set [codat]" in capsys.readouterr().err


@pytest.mark.slow
def test_it_is_a_program(tmp_path: Any, run_id: str) -> None:  # noqa: ANN401 - pathlib's
    """``python -m`` runs it, and a database that is not there ends it with 2."""
    fields = {"conn_type": "sqlite", "host": str(tmp_path / "nowhere" / "x.db")}
    program = [sys.executable, "-m", "airflow_provider_codat.journal", "show"]
    done = subprocess.run(
        [*program, "--dag-id", "d", "--run-id", run_id, "--conn-id", "journal"],
        env={"AIRFLOW_CONN_JOURNAL": json.dumps(fields), "PATH": "/usr/bin"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "journal_conn_id: journal" in done.stderr
    assert "unable to open database file" in done.stderr
