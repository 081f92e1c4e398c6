"""Make the table of a journal, show what a task has written, delete what is old.

::

    python -m airflow_provider_codat.journal create
    python -m airflow_provider_codat.journal show --dag-id DAG --run-id RUN
    python -m airflow_provider_codat.journal purge --older-than 90d

The database is the one that ``--conn-id`` names, or Airflow's ``[codat]
journal_conn_id``. Without either, ``show`` reads Airflow's own task state store (3.3
and later). It ends with 0; with 1 when there is nothing to show; with 2 when the
database cannot be asked.
"""

import argparse
import logging
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import conf

from airflow_provider_codat.api.errors import CodatError, SettingsInvalid
from airflow_provider_codat.journal.contents import contents_of, told
from airflow_provider_codat.journal.database import TABLE, Database, open_database
from airflow_provider_codat.journal.tables import (
    Wanted,
    airflows_cells,
    cells_in,
    purge,
)

_UNITS = {"d": "days", "h": "hours"}


class _Options(argparse.Namespace):
    """The command line, read."""

    command: str
    conn_id: str
    dag_id: str | None
    run_id: str | None
    task_id: str | None
    map_index: int | None
    older_than: timedelta | None
    open: bool
    dry_run: bool


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; return the exit code.

    :param arguments: without the program's name; default: those of the process.
    """
    parser = _parser()
    options = parser.parse_args(arguments, namespace=_Options())
    one_run = options.command == "purge" and options.older_than is None
    if one_run and not (options.dag_id and options.run_id):
        parser.error("purge needs --older-than, or --dag-id and --run-id")
    try:
        return _COMMANDS[options.command](options)
    except CodatError as error:
        print(error, file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m airflow_provider_codat.journal",
        description="The journals of tasks, in a database of your choice.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    _add(commands, "create", "make the table")
    show = _add(commands, "show", "show what a task has written")
    _add_task(show, required=True)
    purge = _add(commands, "purge", "delete what nobody needs any more")
    _add_task(purge, required=False)
    add = purge.add_argument
    older = "what was not written to for so long: 90d, 12h"
    add("--older-than", type=_age, metavar="90d", help=older)
    open_ = "also where it is not known what became of what was sent"
    add("--open", action="store_true", help=open_)
    add("--dry-run", action="store_true", help="only say what goes")
    return parser


def _add(commands: Any, name: str, words: str) -> argparse.ArgumentParser:  # noqa: ANN401 - of argparse, and private there
    command: argparse.ArgumentParser = commands.add_parser(
        name, help=words, description=words
    )
    conn_id = "Airflow connection of the database ([codat] journal_conn_id)"
    command.add_argument("--conn-id", default="", help=conn_id)
    return command


def _add_task(command: argparse.ArgumentParser, *, required: bool) -> None:
    command.add_argument("--dag-id", required=required)
    command.add_argument("--run-id", required=required)
    command.add_argument("--task-id", help="of one task alone")
    command.add_argument("--map-index", type=int, help="of one mapped task alone")


def _age(text: str) -> timedelta:
    found = re.fullmatch(r"(\d{1,6})([dh])", text)
    if found is None:
        raise argparse.ArgumentTypeError("a number of days or hours: 90d, 12h")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _create(options: _Options) -> int:
    _database(options).create_table()
    print(f"The table {TABLE.name} is there")
    return 0


def _show(options: _Options) -> int:
    wanted = _wanted(options)
    conn_id = options.conn_id or _configured()
    cells = (
        cells_in(open_database(conn_id), wanted) if conn_id else airflows_cells(wanted)
    )
    contents = contents_of(cells)
    for each in contents:
        print(*told(each), sep="\n")
    if not contents:
        print("No journal of such a task is there", file=sys.stderr)
    return 0 if contents else 1


def _purge(options: _Options) -> int:
    before = datetime.now(UTC).replace(tzinfo=None) - (
        options.older_than or timedelta()
    )
    done = purge(
        _database(options),
        _wanted(options),
        before,
        also_open=options.open,
        dry_run=options.dry_run,
    )
    journals = "journal" if done.deleted == 1 else "journals"
    would = "would be " if options.dry_run else ""
    print(f"{done.deleted:,} {journals} {would}deleted")
    if done.kept:
        print(
            f"{done.kept:,} kept, as it is not known what became of what they sent "
            "(--open: these, too)"
        )
    return 0


def _wanted(options: _Options) -> Wanted:
    return Wanted(options.dag_id, options.run_id, options.task_id, options.map_index)


def _database(options: _Options) -> Database:
    conn_id = options.conn_id or _configured()
    if not conn_id:
        raise SettingsInvalid(
            "no database is named: give --conn-id, or set [codat] journal_conn_id"
        )
    return open_database(conn_id)


def _configured() -> str:
    return str(conf.get("codat", "journal_conn_id", fallback=""))


_COMMANDS = {"create": _create, "show": _show, "purge": _purge}


if __name__ == "__main__":
    # What Airflow tells of itself is not asked for, and Airflow 2 prints it.
    logging.getLogger("airflow").setLevel(logging.WARNING)
    sys.exit(main())
