"""Find out why Codat's webhooks are refused, and which DAGs they would start.

::

    python -m airflow_provider_codat.webhooks check --file event.json --headers FILE

``event.json`` is the body as it arrived, byte by byte; the other file has its headers,
one in a line. Codat is not asked. It ends with 0 when the webhook would be taken, with
1 when not, with 2 when it cannot be told.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from airflow_provider_codat.api.errors import CodatError, Malformed, SettingsInvalid
from airflow_provider_codat.api.webhooks.diagnosis import diagnosed
from airflow_provider_codat.api.webhooks.event import MOST_BYTES, events_of
from airflow_provider_codat.webhooks.mapping import uri_of


class _Options(argparse.Namespace):
    """The command line, read."""

    conn_id: str
    file: Path
    headers: Path | None
    header: list[str]
    arrived_at: float | None


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; return the exit code.

    :param arguments: without the program's name; default: those of the process.
    """
    options = _parser().parse_args(arguments, namespace=_Options())
    try:
        body, headers = _read(options)
        secrets = _secrets(options.conn_id)
    except (CodatError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    now = time.time() if options.arrived_at is None else options.arrived_at
    right, said = diagnosed(headers, body, secrets, now)
    known, told = _told(body)
    print("\n".join([*said, *told]))
    return 0 if right and known else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m airflow_provider_codat.webhooks",
        description="Codat's webhooks, as Airflow receives them.",
    )
    commands = parser.add_subparsers(required=True)
    words = "find out why a webhook is refused, and which asset it is of"
    check = commands.add_parser("check", help=words, description=words)
    add = check.add_argument
    conn = "Airflow connection that holds webhook_signing_secrets"
    add("--conn-id", default="codat_default", help=conn)
    add("--file", type=Path, required=True, help="the body as it arrived")
    add("--headers", type=Path, help="a file of its headers, one in a line")
    header = "one of its headers: 'webhook-id: msg_...'"
    add("--header", action="append", default=[], help=header)
    arrived = "when it arrived: 2026-03-01T12:00:00Z; default: now"
    add("--arrived-at", type=_moment, help=arrived)
    return parser


def _moment(text: str) -> float:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("a moment: 2026-03-01T12:00:00Z") from None
    return found.replace(tzinfo=found.tzinfo or UTC).timestamp()


def _read(options: _Options) -> tuple[bytes, dict[str, str]]:
    """Return body and headers.

    :raises SettingsInvalid: when one of them is too long, or no text.
    """
    lines = list(options.header)
    if options.headers is not None:
        lines += _bytes(options.headers).decode("latin-1").splitlines()
    named = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in named}
    return _bytes(options.file), headers


def _bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        found = file.read(MOST_BYTES + 1)
    if len(found) > MOST_BYTES:
        raise SettingsInvalid(
            f"{path} is longer than {MOST_BYTES:,} bytes: no webhook of Codat's is"
        )
    return found


def _secrets(conn_id: str) -> tuple[str, ...]:
    # Here, so that --help needs no Airflow, which takes its time.
    from airflow_provider_codat.webhooks.endpoints import signing_secrets  # noqa: PLC0415 - see above

    if secrets := signing_secrets(conn_id):
        return secrets
    raise SettingsInvalid(
        f"the connection {conn_id} takes no webhooks: it is not there, not of type "
        "codat, or its extra webhook_signing_secrets is empty"
    )


def _told(body: bytes) -> tuple[bool, list[str]]:
    """Return whether a body is an event, and what it would tell."""
    try:
        events = events_of(body)
    except Malformed as error:
        return False, [f"It would be refused: {error}"]
    lines = []
    for event in events:
        lines.append(f"{event.type} {event.status}".rstrip())
        if uri := uri_of(event):
            lines.append(f"  starts DAGs scheduled on {uri}")
    return True, lines or ["It tells of nothing that has changed: no DAG is started"]


if __name__ == "__main__":
    sys.exit(main())
