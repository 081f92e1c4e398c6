"""How fast four tasks on two Celery workers ask Codat, each way of sharing the minute.

Starts a Postgres, a Redis, two workers, two triggerers and local Codats with Codat's
limits, and lets four tasks at once create the customers of a file each: every task for
itself, each with its share of a pool, and all with one pace in Redis; undisturbed, and
while workers, triggerers and servers are killed and started again.

Writes ``benchmarks/workers.json`` and the table in ``docs/bulk.md``. Takes about forty
minutes. ``--only NAME`` measures some anew and keeps the numbers of the others.
"""

import argparse
import json
import shutil
import sys
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1] / "scripts"))
from local_celery import LocalCelery, redis_url

from airflow_provider_codat.simulator import LocalCodat

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".bench" / "workers"
RESULT = Path(__file__).with_suffix(".json")
PAGE = ROOT / "docs" / "bulk.md"
BEGIN, END = "<!-- workers: begin -->", "<!-- workers: end -->"

TASKS = 4
ROWS = 900
PER_MINUTE = 900
LIMIT_SECONDS = 1800
WAYS = {
    "each for itself": {},
    "a share of a pool": {"pool_slots": TASKS},
    "one pace in Redis": {"pool_slots": TASKS},
}
# After which share of the rows which of them is killed, and started again.
STRUCK = (
    (0.1, "worker-1"),
    (0.25, "triggerer"),
    (0.4, "api-server"),
    (0.55, "redis"),
    (0.7, "postgres"),
    (0.8, "worker-2"),
)
AIRFLOW = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "45",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
    # A scheduler that was started anew looks for what its predecessor had queued.
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "30",
    "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "5",
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "30",
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600",
}


def main() -> None:
    """Measure, print the table, write the result and the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    plans = [f"{way}{struck}" for struck in ("", ", struck") for way in WAYS]
    parser.add_argument("--only", action="append", choices=plans, metavar="NAME")
    chosen = parser.parse_args().only or plans
    result = json.loads(RESULT.read_text()) if RESULT.exists() else {"runs": {}}
    with ExitStack() as stack:
        codats = {
            plan: stack.enter_context(LocalCodat(daily_quota=None)) for plan in chosen
        }
        shutil.rmtree(FOLDER, ignore_errors=True)
        running = LocalCelery.running(
            FOLDER / "airflow", Path(__file__).with_name("workers_dags"), AIRFLOW
        )
        airflow = stack.enter_context(running)
        make_pool(airflow)
        for plan, codat in codats.items():
            result["runs"][plan] = measured(airflow, codat, plan)
            print(plan, result["runs"][plan], file=sys.stderr)
    result["runs"] = {
        plan: result["runs"][plan] for plan in plans if plan in result["runs"]
    }
    result |= {
        "date": datetime.now(UTC).date().isoformat(),
        "tasks": TASKS,
        "rows": ROWS,
        "per_minute": PER_MINUTE,
        "versions": {
            name: version(name)
            for name in ("apache-airflow", "celery", "redis", "limits")
        },
    }
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{table(result)}\n{END}{after}")
    print(table(result))


def make_pool(airflow: LocalCelery) -> None:
    """Make the pool of which each task takes a slot, also while it waits."""
    body = {"name": "codat", "slots": TASKS, "include_deferred": True}
    airflow.ask("POST", f"{airflow.API}/pools", body)


def measured(
    airflow: LocalCelery, codat: LocalCodat, plan: str, rows: int = ROWS
) -> dict[str, Any]:
    """Let the tasks create their customers; return what Codat has seen of it."""
    way, _, struck = plan.partition(", ")
    extra: dict[str, Any] = {"requests_per_minute": PER_MINUTE, **WAYS[way]}
    if "Redis" in way:
        extra["shared_pace_url"] = f"{redis_url(airflow.servers['redis'])}/1"
    conn_id = "codat_" + "_".join(plan.replace(",", "").split())
    connection = json.loads(codat.airflow_connection())
    body = {key: value for key, value in connection.items() if value is not None}
    body |= {"connection_id": conn_id, "extra": json.dumps(extra)}
    airflow.ask("POST", f"{airflow.API}/connections", body)
    shards = [shard(codat, plan, number, rows) for number in range(TASKS)]
    run_id = airflow.trigger("many_workers", {"shards": shards, "conn_id": conn_id})
    due = list(STRUCK) if struck else []
    deadline = time.monotonic() + LIMIT_SECONDS
    state = "running"
    while state in {"running", "queued"} and time.monotonic() < deadline:
        time.sleep(1)
        if due and creates(codat) >= due[0][0] * TASKS * rows:
            strike(airflow, due.pop(0)[1])
        airflow.revive()
        state = state_of(airflow, run_id)
    names = Counter(record.name for record in codat.ledger() if record.name)
    wanted = [f"{plan} {n} {row}" for n in range(TASKS) for row in range(rows)]
    return {
        "state": state,
        "lost": sum(name not in names for name in wanted),
        "duplicated": sum(names[name] > 1 for name in wanted),
        **counted(codat),
    }


def state_of(airflow: LocalCelery, run_id: str) -> str:
    """Return the state of the run; while nobody answers, it is running."""
    try:
        return airflow.run_state("many_workers", run_id)
    except OSError:
        return "running"


def shard(codat: LocalCodat, plan: str, number: int, rows: int) -> dict[str, str]:
    """Write the customers of one task; return its arguments."""
    folder = FOLDER / "rows"
    folder.mkdir(exist_ok=True)
    path = folder / f"{plan.replace(' ', '-')}-{number}.jsonl"
    lines = (
        {
            "reference": f"{number}-{row}",
            "customerName": f"{plan} {number} {row}",
            "status": "Active",
        }
        for row in range(rows)
    )
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return {
        "company_id": codat.company_id,
        "connection_id": codat.connection_id,
        "customers_path": str(path),
        "results_path": str(path.with_suffix(".results.jsonl")),
    }


def strike(airflow: LocalCelery, name: str) -> None:
    """Kill a part of it, and start it again."""
    print(f"  {name} is killed", file=sys.stderr)
    airflow.strike(name)
    time.sleep(5)
    airflow.start_part(name)


def creates(codat: LocalCodat) -> int:
    """Return how many creates have come."""
    return sum(entry.method == "POST" for entry in codat.journal())


def counted(codat: LocalCodat) -> dict[str, Any]:
    """Return how fast Codat was asked."""
    journal = codat.journal()
    at = sorted(entry.at.timestamp() for entry in journal)
    posts = [entry.at.timestamp() for entry in journal if entry.method == "POST"]
    first, last = min(posts), max(posts)
    # From the second minute on, to the end of the last whole ten seconds of creates.
    later = [moment for moment in at if first + 60 <= moment < last - 10]
    minutes = max(last - 10 - first - 60, 0.0) / 60
    most = max(bisect_left(at, moment + 60) - n for n, moment in enumerate(at))
    return {
        "requests": len(journal),
        "most in 60 s": most,
        "429": sum(entry.status == 429 for entry in journal),  # noqa: PLR2004 - HTTP's own number
        "rows per minute": round(60 * len(posts) / max(last - first, 1)),
        "used": round(len(later) / minutes / PER_MINUTE, 3) if minutes else None,
    }


def table(result: dict[str, Any]) -> str:
    """Return the table of the page."""
    columns: dict[str, Callable[[dict[str, Any]], object]] = {
        "most requests in any 60 s": lambda run: f"{run['most in 60 s']:,}",
        "answered 429": lambda run: run["429"],
        "rows a minute": lambda run: f"{run['rows per minute']:,}",
        "used of what is allowed, from the second minute on": used,
        "lost": lambda run: run["lost"],
        "duplicated": lambda run: run["duplicated"],
    }

    def lines() -> Iterator[str]:
        yield f"| pace | {' | '.join(columns)} |"
        yield "|---|" + "---:|" * len(columns)
        for plan, run in result["runs"].items():
            # While parts of it are gone, nothing is to be used up.
            shown = {**run, "used": None} if "struck" in plan else run
            cells = " | ".join(str(show(shown)) for show in columns.values())
            yield f"| {plan} | {cells} |"

    return "\n".join(lines())


def used(run: dict[str, Any]) -> str:
    """Return a share in per cent."""
    return "" if run["used"] is None else f"{100 * run['used']:.0f} %"


if __name__ == "__main__":
    main()
