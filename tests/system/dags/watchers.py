"""Fifty watchers of one company, each of another set of data types."""

import os
from itertools import combinations

from airflow.sdk import DAG, Asset, AssetWatcher, task

from airflow_provider_codat.triggers.data_changed import CodatDataChangedTrigger

SECONDS = float(os.environ["CODAT_POLL_SECONDS"])
TYPES = [
    "bills",
    "customers",
    "invoices",
    "items",
    "payments",
    "suppliers",
    "transfers",
]
SETS = [["customers"], *combinations([*TYPES, "journals", "accounts"], 3)][:50]

for number, data_types in enumerate(SETS):
    trigger = CodatDataChangedTrigger(
        company_id=os.environ["CODAT_COMPANY_ID"],
        data_types=list(data_types),
        poll_interval_seconds=SECONDS,
    )
    watcher = AssetWatcher(name=f"watcher_{number}", trigger=trigger)
    asset = Asset(f"watched_{number}", watchers=[watcher])
    with DAG(f"watches_{number}", schedule=asset):

        @task
        def note() -> None:
            """Do nothing."""

        note()
