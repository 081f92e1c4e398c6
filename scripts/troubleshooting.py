"""Write the task logs of ``docs/troubleshooting.md`` from real runs.

A real scheduler runs one task for each thing that can go wrong, against a local Codat
that lets it go wrong, and some of them again after a Clear. What stands between the
markers in the page is replaced by what the task's log then says: the messages, without
Airflow's own lines and time stamps.
"""

import json
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
from urllib.error import HTTPError

from local_airflow import LocalAirflow

from airflow_provider_codat.simulator import LocalCodat

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "troubleshooting.md"
DAG = "codat_troubleshooting"
CLEARED = (
    "cleared",
    "payload_changed",
    "journal_changed",
    "not_asked_500",
    "gateway_502",
    "marked_failed",
)
ENDED = {"success", "failed", "upstream_failed"}
RUN_SECONDS = 600
MISFORTUNES: list[tuple[str, dict[str, Any]]] = [
    (
        "refused_400",
        {
            "kind": "codat_error_before_commit",
            "status": 400,
            "message": "Error processing request - not valid.",
        },
    ),
    (
        "plan_402",
        {
            "kind": "codat_error_before_commit",
            "status": 402,
            "message": "Account limit reached.",
        },
    ),
    (
        "forbidden_403",
        {
            "kind": "codat_error_before_commit",
            "status": 403,
            "message": "You are not using an up-to-date API key.",
        },
    ),
    ("limited_429", {"kind": "too_many_requests", "retry_after": 600}),
    ("faulted_500", {"kind": "codat_error_after_commit", "status": 500}),
    ("paused_500", {"kind": "codat_error_after_commit", "status": 500}),
    ("not_asked_500", {"kind": "codat_error_before_commit", "status": 500}),
    ("stale_books", {"kind": "codat_error_after_commit", "status": 500}),
    ("maintenance_503", {"kind": "codat_error_before_commit", "status": 503}),
    (
        "gateway_502",
        {"kind": "gateway_error_before_commit", "status": 502, "count": 99},
    ),
    ("gateway_502_once", {"kind": "gateway_error_after_commit", "status": 502}),
    ("gateway_502_then_403", {"kind": "gateway_error_after_commit", "status": 502}),
    ("gateway_502_then_403", {"kind": "gateway_error_before_commit", "status": 403}),
    ("junk_body", {"kind": "junk_body", "count": 99}),
    ("reset_after", {"kind": "reset_after_commit"}),
    (
        "push_fails",
        {"kind": "fail", "message": "A customer called pushfails exists already."},
    ),
    ("push_fails_without_reason", {"kind": "fail_without_reason"}),
    ("push_times_out", {"kind": "timed_out"}),
    ("push_stays_pending", {"kind": "stay_pending", "seconds": 15}),
    ("marked_failed", {"kind": "stay_pending", "seconds": 30}),
    ("warned", {"kind": "warn"}),
    (
        "accepted_2",
        {"kind": "fail", "message": "The nominal ledger is closed."},
    ),
]
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
    with (
        LocalCodat(settle_seconds=0.5) as codat,
        LocalCodat(settle_seconds=0.5) as stale,
        another_server() as elsewhere,
        TemporaryDirectory() as home,
    ):
        for task_id, fields in MISFORTUNES:
            for each in (codat, stale):
                each.order(**fields, customer=task_id.replace("_", ""))
        stale.order("refresh_fails", count=99)
        env = {
            **connections(codat, stale, elsewhere),
            "CODAT_COMPANY_ID": codat.company_id,
            "CODAT_CONNECTION_ID": codat.connection_id,
            "CODAT_OTHER_CONNECTION_ID": codat.connections["options"],
            "CODAT_SAGE_CONNECTION_ID": codat.connections["strict"],
            "CODAT_UNLINKED_CONNECTION_ID": codat.connections["unlinked"],
        }
        with LocalAirflow(Path(home), ROOT / "scripts" / "dags", env) as airflow:
            run_id = airflow.trigger(DAG)
            mark_failed(airflow, run_id)
            follow(airflow, run_id)
            codat.clear_misfortunes()
            clear(airflow, run_id)
            follow(airflow, run_id)
            logs = collect(airflow, run_id)
    page = BLOCK.sub(
        lambda found: f"{found[1]}{logs.pop(found[2])}{found[3]}",
        PAGE.read_text(encoding="utf-8"),
    )
    PAGE.write_text(page, encoding="utf-8")
    for name in sorted(logs):
        print(f"not shown in the page: {name}\n{logs[name]}")
    return 0


def connections(codat: LocalCodat, stale: LocalCodat, elsewhere: str) -> dict[str, str]:
    """Return the Airflow connections: to the local Codats, and to what is none."""
    others = {
        "WRONG_KEY": {"host": codat.url, "password": "Wrong"},
        "NO_SUCH_HOST": {"host": "codat.invalid", "password": "k"},
        "NOT_CODAT": {"host": elsewhere, "password": "k"},
    }
    return {
        "AIRFLOW_CONN_CODAT_DEFAULT": codat.airflow_connection(),
        "AIRFLOW_CONN_CODAT_WITH_STALE_BOOKS": stale.airflow_connection(),
        **{
            f"AIRFLOW_CONN_CODAT_{name}": json.dumps({"conn_type": "codat", **fields})
            for name, fields in others.items()
        },
    }


def follow(airflow: LocalAirflow, run_id: str) -> None:
    """Wait until all tasks have ended."""
    deadline = time.monotonic() + RUN_SECONDS
    while not {t["state"] for t in airflow.task_instances(DAG, run_id)} <= ENDED:
        if time.monotonic() > deadline:
            raise RuntimeError("the tasks did not end in time")
        time.sleep(1)


def mark_failed(airflow: LocalAirflow, run_id: str) -> None:
    """Mark a task as failed, as a person does, while it waits for its operation."""
    task = {"dag_id": DAG, "dag_run_id": run_id, "task_id": "marked_failed"}
    deadline = time.monotonic() + RUN_SECONDS
    while time.monotonic() < deadline:
        try:
            airflow.xcom({**task, "map_index": -1}, "push_operation_key")
            break
        except HTTPError:
            time.sleep(0.5)
    path = f"/api/v2/dags/{DAG}/dagRuns/{run_id}/taskInstances/marked_failed"
    airflow.ask("PATCH", path, {"new_state": "failed"})


def clear(airflow: LocalAirflow, run_id: str) -> None:
    """Clear what was meant for it, after what a person may do before."""
    tasks = f"/api/v2/dags/{DAG}/dagRuns/{run_id}/taskInstances"
    variable = {"key": "codat_resolution", "value": "not_created"}
    airflow.ask("POST", "/api/v2/variables", variable)
    entry = f"{tasks}/journal_changed/state-store/codat.0"
    airflow.ask("PATCH", entry, {"value": "by hand"})
    order = {
        "dry_run": False,
        "only_failed": False,
        "dag_run_id": run_id,
        "task_ids": list(CLEARED),
    }
    airflow.ask("POST", f"/api/v2/dags/{DAG}/clearTaskInstances", order)


def collect(airflow: LocalAirflow, run_id: str) -> dict[str, str]:
    """Return the log of each task; later tries are ``_try_2`` and so on."""
    return {
        task["task_id"] + ("" if number == 1 else f"_try_{number}"): readable(
            airflow, run_id, task["task_id"], number
        )
        for task in airflow.task_instances(DAG, run_id)
        for number in range(1, task["try_number"] + 1)
    }


def readable(airflow: LocalAirflow, run_id: str, task_id: str, number: int) -> str:
    """Return what this package says in the log of one try of a task."""
    tasks = f"/api/v2/dags/{DAG}/dagRuns/{run_id}/taskInstances"
    path = f"{tasks}/{task_id}/logs/{number}"
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
