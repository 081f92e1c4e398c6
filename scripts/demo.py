"""The main job, from nothing: a real Airflow writes into a local Codat.

Starts both on free ports and runs two DAGs to their ends. The first,
``codat_create_customers_from_csv``, creates customers; the second,
``codat_order_to_cash``, a customer, an invoice and a payment for each order, of which
one is refused. Prints what became of each record, and counts what really stands in the
books. The exit code is 0 only if every record is there exactly once.

Airflow's folder, with its logs, is ``.demo``, or the one that the command line names.
"""

import csv
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from local_airflow import LocalAirflow, stop_on_signals

from airflow_provider_codat.simulator import LocalCodat
from airflow_provider_codat.simulator.world import BANK_ACCOUNT_ID, SALES_ACCOUNT_ID

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / ".demo"
CSV = ROOT / "dags" / "data" / "customers.csv"
DAG = "codat_create_customers_from_csv"
ORDERS = ROOT / "dags" / "data" / "orders.csv"
ORDERS_DAG = "codat_order_to_cash"
REFUSED = "On Hold Ltd"
CHAIN = {"customer": "customers", "invoice": "invoices", "payment": "payments"}
RUN_SECONDS = 600
NEXT = """
Try next:
  make ui            the same in Airflow's web page, which stays open to look around in
  docs/tutorial.md   a DAG of your own, and the plug pulled in the middle of it
  .venv/bin/python -m airflow_provider_codat.validate --suggest dags/data/customers.csv
                     your own table: which column becomes which property"""


def main() -> int:
    """Run the demo; return the exit code."""
    stop_on_signals()
    try:
        return demonstrate(Path(sys.argv[1]) if sys.argv[1:] else HOME)
    except KeyboardInterrupt:
        say("Interrupted; everything is stopped.")
        return 130
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1


def demonstrate(home: Path) -> int:
    """Start both, run the DAG, show what came of it; return the exit code."""
    began = time.monotonic()
    say("Starting a local Codat ...")
    with LocalCodat(settle_seconds=1.0) as codat:
        env = {
            "AIRFLOW_CONN_CODAT_DEFAULT": codat.airflow_connection(),
            "CODAT_COMPANY_ID": codat.company_id,
            "CODAT_CONNECTION_ID": codat.connection_id,
            "CODAT_POOL": "codat",
            "CODAT_SALES_ACCOUNT_ID": SALES_ACCOUNT_ID,
            "CODAT_BANK_ACCOUNT_ID": BANK_ACCOUNT_ID,
        }
        say(f"  listening at {codat.url}")
        say("Starting Airflow (database, API server, scheduler, DAG processor) ...")
        with LocalAirflow(home, ROOT / "dags", env) as airflow:
            say(f"  healthy after {time.monotonic() - began:.0f} s")
            airflow.ask("POST", "/api/v2/pools", {"name": "codat", "slots": 8})
            state, instances = run(airflow, DAG)
            good = summarise(collect(airflow, instances), codat)
            codat.order("fail", customer=REFUSED, message="This account is on hold.")
            say(f"\nThe local Codat will refuse {REFUSED}: its order is to fail alone.")
            before = Counter(codat.counts_by_type())
            then, instances = run(airflow, ORDERS_DAG)
            written = Counter(codat.counts_by_type()) - before
            good &= summarise_orders(chains(instances), written)
    seconds = time.monotonic() - began
    print(f"DAG runs: {state}, {then}. Time: {seconds:.0f} s. Logs: {home.name}/logs")
    if good and state == then == "success":
        print("Every record is in the books exactly once.")
        print(NEXT)
        return 0
    print("Not every record is in the books exactly once.", file=sys.stderr)
    return 1


def run(airflow: LocalAirflow, dag_id: str) -> tuple[str, list[dict[str, Any]]]:
    """Run a DAG to its end; return its state, and its task instances."""
    say(f"Running {dag_id} ...")
    run_id = airflow.trigger(dag_id)
    state = follow(airflow, dag_id, run_id)
    return state, airflow.task_instances(dag_id, run_id)


def names() -> list[str]:
    """Return the names of the customers that are to be created."""
    with CSV.open(encoding="utf-8", newline="") as file:
        return [row["name"] for row in csv.DictReader(file)]


def say(words: str) -> None:
    """Show at once what goes on."""
    print(words, flush=True)


def follow(airflow: LocalAirflow, dag_id: str, run_id: str) -> str:
    """Show a line whenever something has changed, until the DAG run has ended."""
    shown = ""
    deadline = time.monotonic() + RUN_SECONDS
    while time.monotonic() < deadline:
        state = airflow.run_state(dag_id, run_id)
        states = Counter(
            i["state"] or "waiting" for i in airflow.task_instances(dag_id, run_id)
        )
        line = ", ".join(f"{n} {name}" for name, n in sorted(states.items()))
        if line != shown:
            say(f"  {line}")
            shown = line
        if state in {"success", "failed"}:
            return state
        time.sleep(1)
    return "not ended in time"


def collect(
    airflow: LocalAirflow, instances: list[dict[str, Any]]
) -> list[tuple[str, dict[str, Any]]]:
    """Return, for each mapped task, its name and its result."""
    mapped = [i for i in instances if i["task_id"] == "create_customer"]
    return [
        (
            i["rendered_map_index"] or str(i["map_index"]),
            airflow.xcom(i)
            if i["state"] == "success"
            else {"status": f"task {i['state']}"},
        )
        for i in sorted(mapped, key=lambda i: i["map_index"])
    ]


def summarise(results: list[tuple[str, dict[str, Any]]], codat: LocalCodat) -> bool:
    """Print one line a customer and the ledger's own count; return if both agree."""
    print(f"\n{'status':<9} {'record id':<37} customer")
    for name, result in results:
        print(f"{result['status']:<9} {result.get('record_id') or '-':<37} {name}")
    ledger = codat.ledger()
    wanted = Counter(names())
    found = Counter(record.customer["customerName"] for record in ledger)
    records = {result.get("record_id") for _, result in results}
    requests = len(codat.journal())
    print(
        f"\nAirflow reports {sum(r['status'] == 'Success' for _, r in results)} of "
        f"{wanted.total()} customers created, in {requests} requests."
        f"\nThe ledger of the local Codat holds {len(ledger)} records, "
        f"{sum(n - 1 for n in found.values())} of them duplicates."
    )
    return wanted == found and records == {record.record_id for record in ledger}


def orders() -> list[str]:
    """Return the customers of the orders that are to be written."""
    with ORDERS.open(encoding="utf-8", newline="") as file:
        return [row["customer"] for row in csv.DictReader(file)]


def chains(instances: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Return, for each order, by its customer, how its tasks have ended."""
    found: dict[str, list[str]] = {name: [] for name in orders()}
    names = list(found)
    for task in CHAIN:
        for i in sorted(instances, key=lambda i: i["map_index"]):
            if i["task_id"] == f"order_to_cash.{task}":
                found[names[i["map_index"]]].append(i["state"])
    return found


def summarise_orders(states: dict[str, list[str]], written: Counter[str]) -> bool:
    """Print one line an order and the ledger's own count; return if both agree."""
    head = " ".join(f"{task:<16}" for task in CHAIN)
    print(f"\n{head} order of (the local Codat refuses {REFUSED})")
    for name, each in states.items():
        print(" ".join(f"{state:<16}" for state in each), name)
    paid = [name for name, each in states.items() if set(each) == {"success"}]
    counts = ", ".join(f"{written[kind]} {kind}" for kind in CHAIN.values())
    print(f"\nOf these orders the ledger of the local Codat holds {counts}.")
    return set(paid) == {*orders()} - {REFUSED} and written == Counter(
        dict.fromkeys(CHAIN.values(), len(paid))
    )


if __name__ == "__main__":
    sys.exit(main())
