"""Airflow's web page beside a local Codat, to look around and click.

Everybody who opens the page is an administrator. The DAGs and the connection
``codat_default`` are there; both servers run until Ctrl+C.
"""

import csv
import json
import signal
import sqlite3
import sys
import time
import urllib.error
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from local_airflow import LocalAirflow, free_port, stop_on_signals

from airflow_provider_codat.simulator import LocalCodat
from airflow_provider_codat.simulator.world import BANK_ACCOUNT_ID, SALES_ACCOUNT_ID

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / ".ui"
PORT = 8080
DAGS = ("codat_create_customer", "codat_create_customers_from_csv")
DAG_SECONDS = 60
WAREHOUSE = ("reference", "name", "email", "line1", "postal_code", "city")


def main() -> int:
    """Serve until Ctrl+C; return the exit code."""
    stop_on_signals()
    try:
        serve()
    except KeyboardInterrupt:
        print("Stopped.")
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def serve() -> None:
    """Start both, say what there is to see, and wait."""
    print("Starting a local Codat and Airflow (half a minute) ...", flush=True)
    port = free_port(PORT)
    events = f"http://127.0.0.1:{port}/codat/webhooks/codat_default"
    with LocalCodat(settle_seconds=1.0, webhook_url=events) as codat:
        env = {
            "CODAT_COMPANY_ID": codat.company_id,
            "CODAT_CONNECTION_ID": codat.connection_id,
            "CODAT_SALES_ACCOUNT_ID": SALES_ACCOUNT_ID,
            "CODAT_BANK_ACCOUNT_ID": BANK_ACCOUNT_ID,
            "CODAT_STAGING": str(HOME / "staging"),
            "AIRFLOW_CONN_WAREHOUSE": json.dumps(
                {"conn_type": "sqlite", "host": str(HOME / "warehouse.db")}
            ),
        }
        with LocalAirflow(HOME, ROOT / "dags", env, port=port) as airflow:
            connect(airflow, codat)
            fill_warehouse(HOME / "warehouse.db")
            wait_for_dags(airflow)
            print(words(airflow, codat), flush=True)
            try:
                signal.pause()
            finally:
                print("\nStopping ...", flush=True)


def connect(airflow: LocalAirflow, codat: LocalCodat) -> None:
    """Store the connection in Airflow's database, where the page shows it."""
    airflow.ask(
        "POST",
        "/api/v2/connections",
        {
            "connection_id": "codat_default",
            "conn_type": "codat",
            "description": "The local Codat of this demonstration",
            "host": codat.url,
            "password": codat.api_key,
            "extra": json.dumps({"webhook_signing_secrets": codat.webhook_secret}),
        },
    )


def fill_warehouse(path: Path) -> None:
    """Make the table that the example from a warehouse reads."""
    with (ROOT / "dags" / "data" / "customers.csv").open(newline="") as file:
        rows = [
            (*(row[name] for name in WAREHOUSE), datetime.now(UTC).isoformat(" "))
            for row in csv.DictReader(file)
        ]
    with closing(sqlite3.connect(path)) as database:
        database.execute(
            "CREATE TABLE customers (no, company, email, street, zip, city, created_at)"
        )
        database.executemany("INSERT INTO customers VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        database.commit()


def wait_for_dags(airflow: LocalAirflow) -> None:
    """Return when the page shows the DAGs."""
    deadline = time.monotonic() + DAG_SECONDS
    for dag_id in DAGS:
        while True:
            try:
                airflow.ask("GET", f"/api/v2/dags/{dag_id}")
                break
            except urllib.error.HTTPError:
                if time.monotonic() > deadline:
                    errors = airflow.ask("GET", "/api/v2/importErrors")
                    raise RuntimeError(f"{dag_id} did not load: {errors}") from None
                time.sleep(0.5)


def words(airflow: LocalAirflow, codat: LocalCodat) -> str:
    """Say where it is and what to click."""
    return f"""
Airflow is at {airflow.url} (no login), the local Codat at {codat.url}

  One customer     {airflow.url}/dags/{DAGS[0]}
                   Trigger, change the name, Trigger. Then open create_customer:
                   Storage, XCom shows the record id, Details a link to the Portal.
  All of a file    {airflow.url}/dags/{DAGS[1]}
                   Trigger. Each customer is a mapped task, shown by its name.
  Codat's events   {airflow.url}/dags/codat_on_customer_written
                   Runs by itself after each of the above: Codat tells of the record.
  The connection   {airflow.url}/connections
                   codat_default: Edit shows the form, Test asks the local Codat.
  The books        curl -s -X POST {codat.url}/_local/ledger

Stop both with Ctrl+C."""


if __name__ == "__main__":
    sys.exit(main())
