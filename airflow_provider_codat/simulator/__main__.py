"""Run a simulated Codat: ``python -m airflow_provider_codat.simulator``."""

import argparse
import asyncio
import json
import os
import shlex
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import get_args

from airflow_provider_codat.simulator.control.interface import CodatControls
from airflow_provider_codat.simulator.control.remote import RemoteCodat
from airflow_provider_codat.simulator.server.server import Server
from airflow_provider_codat.simulator.service import Codat
from airflow_provider_codat.simulator.settings import (
    DOCUMENTED,
    WEBHOOK_SECRET,
    DeletedStyle,
    Settings,
    SoftwareStyle,
    UpdateRefusals,
)


def _count(text: str) -> int | None:
    """Read a limit: a whole number, or none."""
    return None if text == "none" else int(text)


def _quota(text: str) -> int | str | None:
    return text if text == DOCUMENTED else _count(text)


def argument_parser() -> argparse.ArgumentParser:
    """Return what the command line understands."""
    parser = argparse.ArgumentParser(
        prog="python -m airflow_provider_codat.simulator",
        description="A local Codat to try the provider and your DAGs against.",
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to bind to")
    add("--port", type=int, default=8000, help="0: any free one")
    add("--ready-file", type=Path, help="written as JSON once the server listens")
    add("--quiet", action="store_true", help="no banner, no line per request")
    add("--settle-seconds", type=float, default=1.0, help="until an operation is final")
    add("--list-lag-seconds", type=float, default=0.0, help="until it is listed")
    add("--refresh-seconds", type=float, default=1.0, help="until a refresh is final")
    add("--latency-seconds", type=float, default=0.0, help="work on each request")
    add("--requests-per-minute", type=_count, default=1000, help="a number or none")
    add("--daily-quota", type=_quota, default=DOCUMENTED, help="also documented, none")
    add("--concurrency", type=_count, default=10, help="a number or none")
    add("--no-validate", dest="validate", action="store_false", help="accept any JSON")
    add("--retry-after-format", choices=["seconds", "http-date"], default="seconds")
    add("--accept-key-with-colon", action="store_true", help="undocumented at Codat")
    add("--idempotency-scope", choices=["request", "body"], default="request")
    _add_software(add)
    add("--webhook-url", help="where its events go, such as Airflow's receiver")
    add("--webhook-secret", default=WEBHOOK_SECRET, help="by which they are signed")
    add("--journal-limit", type=_count, default=100_000, help="a number or none")
    return parser


def _add_software(add: Callable[..., object]) -> None:
    """Add what can be set about the accounting software."""
    styles = get_args(SoftwareStyle)
    add("--software-style", choices=styles, default="verbatim", help="of names")
    refusals = get_args(UpdateRefusals)
    add("--update-refusals", choices=refusals, default="operation", help="by what")
    deleted = get_args(DeletedStyle)
    add("--deleted-style", choices=deleted, default="marked", help="of records")
    add("--no-references", dest="check_references", action="store_false")
    add("--no-totals", dest="check_totals", action="store_false")
    add("--largest-file-bytes", type=int, default=20_000_000, help="of an attachment")


def _banner(codat: CodatControls) -> str:
    rows = {
        "URL": codat.url,
        "API key": codat.api_key,
        "company": codat.company_id,
        **{f"connection {name}": key for name, key in codat.connections.items()},
    }
    lines = ["A local Codat is listening. Stop it with Ctrl+C."]
    lines += [f"  {name:<22}{value}" for name, value in rows.items()]
    connection = shlex.quote(codat.airflow_connection())
    lines.append(f"export AIRFLOW_CONN_CODAT_DEFAULT={connection}")
    return "\n".join(lines) + "\n"


def _write_ready(path: Path, codat: CodatControls) -> None:
    """Write the ready file in one step: whoever sees it can read it whole."""
    fields = {
        "url": codat.url,
        "api_key": codat.api_key,
        "company_id": codat.company_id,
        "connections": codat.connections,
        "pid": os.getpid(),
    }
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(json.dumps(fields), encoding="utf-8")
    draft.replace(path)


def _log_line(line: str) -> None:
    sys.stderr.write(f"{line}\n")


async def _serve(options: argparse.Namespace, settings: Settings) -> None:
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stopping.set)
    server = Server(Codat(settings), None if options.quiet else _log_line)
    try:
        port = await server.start(options.host, options.port)
        codat = RemoteCodat(f"http://{options.host}:{port}")
        if not options.quiet:
            sys.stdout.write(_banner(codat))
            sys.stdout.flush()
        if options.ready_file is not None:
            _write_ready(options.ready_file, codat)
        await stopping.wait()
    finally:
        await server.stop()


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT.

    :param arguments: of the command line; None: the process's own.
    :returns: the exit status.
    """
    options = argument_parser().parse_args(arguments)
    given = vars(options)
    settings = Settings(**{name: given[name] for name in Settings.__dataclass_fields__})
    if options.ready_file is not None:
        # One left by an earlier run would tell a reader of a server that is gone.
        options.ready_file.unlink(missing_ok=True)
    try:
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            runner.run(_serve(options, settings))
    except OSError as error:
        sys.stderr.write(f"Cannot listen on {options.host}:{options.port}: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
