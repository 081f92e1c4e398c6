"""Run when Codat has read a company's invoices or bills anew, behind any firewall.

Airflow's triggerer asks Codat every 15 minutes how fresh its copy is: 96 requests a
day, however many watch the company. Airflow 3.0 and later have such watchers.

The company is that of the environment variable CODAT_COMPANY_ID; the API key that of
the Airflow connection ``codat_default``.
"""

import os
from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Asset, AssetWatcher, task

from airflow_provider_codat.triggers.data_changed import CodatDataChangedTrigger

CHANGED = Asset(
    "codat_books_changed",
    watchers=[
        AssetWatcher(
            name="codat_books",
            trigger=CodatDataChangedTrigger(
                # A company that there is not, where none is named.
                company_id=os.environ.get(
                    "CODAT_COMPANY_ID", "00000000-0000-0000-0000-000000000000"
                ),
                data_types=["invoices", "bills"],
                poll_interval_seconds=900,
            ),
        )
    ],
)

with DAG(
    dag_id="codat_on_books_changed",
    description="Note which data types Codat has read anew",
    start_date=datetime(2024, 1, 1),  # noqa: DTZ001 - Airflow takes it as UTC
    schedule=CHANGED,
    catchup=False,
    tags=["codat"],
):

    @task(retries=3, retry_delay=timedelta(seconds=10))
    def note(
        triggering_asset_events: Any = None,  # noqa: ANN401 - Airflow's
    ) -> list[dict[str, Any]]:
        """Return what came: ``data_type`` and ``last_successful_sync`` of each."""
        return [event.extra["payload"] for event in triggering_asset_events[CHANGED]]

    note()
