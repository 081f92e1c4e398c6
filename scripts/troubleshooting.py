"""Write the task logs of ``docs/troubleshooting.md`` from real runs.

A real scheduler runs one task for each thing that can go wrong, against a local Codat
that lets it go wrong. What stands between the markers in the page is replaced by what
the task's log then says: the messages, without Airflow's own lines and time stamps.
"""

import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from local_airflow import LocalAirflow

from airflow_provider_codat.simulator import LocalCodat

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "troubleshooting.md"
DAG = "codat_troubleshooting"
MISFORTUNES: dict[str, dict[str, Any]] = {
    "refused_400": {
        "kind": "codat_error_before_commit",
        "status": 400,
        "message": "Error processing request - not valid.",
    },
    "plan_402": {
        "kind": "codat_error_before_commit",
        "status": 402,
        "message": "Account limit reached.",
    },
    "forbidden_403": {
        "kind": "codat_error_before_commit",
        "status": 403,
        "message": "You are not using an up-to-date API key.",
    },
    "limited_429": {"kind": "too_many_requests", "retry_after": 600},
    "faulted_500": {"kind": "codat_error_after_commit", "status": 500},
    "gateway_502": {"kind": "gateway_error_before_commit", "status": 502, "count": 99},
    "gateway_502_once": {"kind": "gateway_error_after_commit", "status": 502},
    "maintenance_503": {"kind": "codat_error_before_commit", "status": 503},
    "junk_body": {"kind": "junk_body", "count": 99},
    "reset_after": {"kind": "reset_after_commit"},
    "push_fails": {
        "kind": "fail",
        "message": "A customer called push_fails exists already.",
    },
    "push_fails_without_reason": {"kind": "fail_without_reason"},
    "push_times_out": {"kind": "timed_out"},
    "push_stays_pending": {"kind": "stay_pending"},
    "warned": {"kind": "warn"},
}
BLOCK = re.compile(r"(<!-- log: (\w+) -->\n```text\n).*?(```\n)", re.DOTALL)


class _AnotherServer(BaseHTTPRequestHandler):
    """A web server that is not Codat."""

    def do_POST(self) -> None:
        self.send_response(404)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<html><h1>Not Found</h1></html>")

    def log_message(self, *_: object) -> None:  # type: ignore[override] # says nothing
        """Say nothing."""


@contextmanager
def another_server() -> Iterator[str]:
    """Serve something that is not Codat; yield its URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _AnotherServer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def main() -> int:
    """Run every case, and write its log into the page."""
    with LocalCodat(settle_seconds=0.5) as codat, another_server() as elsewhere:
        for customer, misfortune in MISFORTUNES.items():
            details = dict(misfortune)
            codat.order(details.pop("kind"), customer=customer, **details)
        env = {
            "AIRFLOW_CONN_CODAT_DEFAULT": codat.airflow_connection(),
            "AIRFLOW_CONN_CODAT_WRONG_KEY": (
                f'{{"conn_type": "codat", "host": "{codat.url}", "password": "Wrong"}}'
            ),
            "AIRFLOW_CONN_CODAT_NO_SUCH_HOST": (
                '{"conn_type": "codat", "host": "codat.invalid", "password": "k"}'
            ),
            "AIRFLOW_CONN_CODAT_NOT_CODAT": (
                f'{{"conn_type": "codat", "host": "{elsewhere}", "password": "k"}}'
            ),
            "CODAT_COMPANY_ID": codat.company_id,
            "CODAT_CONNECTION_ID": codat.connection_id,
        }
        with (
            TemporaryDirectory() as home,
            LocalAirflow(Path(home), ROOT / "scripts" / "dags", env) as airflow,
        ):
            logs = collect(airflow)
    page = BLOCK.sub(
        lambda found: f"{found[1]}{logs.pop(found[2])}{found[3]}",
        PAGE.read_text(encoding="utf-8"),
    )
    PAGE.write_text(page, encoding="utf-8")
    for name in sorted(logs):
        print(f"not shown in the page: {name}\n{logs[name]}")
    return 0


def collect(airflow: LocalAirflow) -> dict[str, str]:
    """Run the DAG to its end; return each task's log."""
    run_id = airflow.trigger(DAG)
    while airflow.run_state(DAG, run_id) not in {"success", "failed"}:
        time.sleep(1)
    return {
        task["task_id"]: readable(airflow, run_id, task["task_id"])
        for task in airflow.task_instances(DAG, run_id)
    }


def readable(airflow: LocalAirflow, run_id: str, task_id: str) -> str:
    """Return what this package says in a task's log."""
    path = f"/api/v2/dags/{DAG}/dagRuns/{run_id}/taskInstances/{task_id}/logs/1"
    lines = []
    for entry in airflow.ask("GET", f"{path}?full_content=true")["content"]:
        logger, level = entry.get("logger") or "", (entry.get("level") or "").upper()
        if "airflow_provider_codat" in logger:
            lines.append(f"{level} {entry['event']}")
        elif entry.get("event") == "Retry policy decision":
            lines.append(f"{level} {entry['event']}: {entry.get('reason')}")
        lines.extend(
            f"{level} {entry['event']}\n{error['exc_type']}: {error['exc_value']}"
            for error in (entry.get("error_detail") or [])[:1]
        )
    return "".join(f"{line}\n" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
