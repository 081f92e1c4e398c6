"""Run when Codat has written a customer, whoever asked for it; and when it could not.

Codat tells Airflow by a webhook: ``docs/events.md`` has the set-up. Nothing is asked of
Codat. Which record came, is told by ids; read it with ``GetAccountingRecordOperator``.

The company is that of the environment variable CODAT_COMPANY_ID.
"""

import os
from datetime import datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_codat.assets import customers_asset, event_asset

# A company that there is not, where none is named: the DAG can be looked at.
COMPANY_ID = os.environ.get("CODAT_COMPANY_ID", "00000000-0000-0000-0000-000000000000")
CUSTOMERS = customers_asset(COMPANY_ID)
FAILURES = event_asset("customers.write.unsuccessful", COMPANY_ID)


@task(retries=3, retry_delay=timedelta(seconds=10))
def note(
    triggering_asset_events: Any = None,  # noqa: ANN401 - Airflow's
) -> list[dict[str, Any]]:
    """Return what came; several events may start one run."""
    return [event.extra for of in triggering_asset_events.values() for event in of]


with DAG(
    dag_id="codat_on_customer_written",
    description="Note each customer that Codat has written",
    start_date=datetime(2024, 1, 1),  # noqa: DTZ001 - Airflow takes it as UTC
    schedule=CUSTOMERS,
    catchup=False,
    tags=["codat"],
):
    note()

with DAG(
    dag_id="codat_on_customer_refused",
    description="Note each customer that Codat could not write",
    start_date=datetime(2024, 1, 1),  # noqa: DTZ001 - the same
    schedule=FAILURES,
    catchup=False,
    tags=["codat"],
):
    note()
