"""From a table of the warehouse to a company's books, every night: two ways to do it.

``codat_from_warehouse`` asks for the rows of its own interval: the query is its own
watermark. Intervals do not overlap, so that each row is in one run, and a run that was
missed is made up for (``catchup``). ``codat_from_warehouse_all`` asks for all rows, and
leaves out those that are in the books already (``if_exists="skip"``): it needs no time
stamp in the table, and reads the books once in each run.

Either way the rows are written to the staging folder first, so that a retry goes on
with the rows of the first try, and a night without rows skips the task.

The table is ``customers`` with the columns ``no``, ``company``, ``email``, ``street``,
``zip``, ``city`` and ``created_at``, in the database of the Airflow connection
``warehouse``; the extra ``sql`` and the provider of that database are needed. Where it
goes, the environment variables CODAT_COMPANY_ID and CODAT_CONNECTION_ID tell, and
CODAT_STAGING where the rows are kept meanwhile: a folder that all workers reach.
"""

import os
from datetime import datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_codat.transfers.sql_to_codat import SqlToCodatOperator

QUERY = "SELECT no, company, email, street, zip, city FROM customers"
INTERVAL = """
WHERE created_at >= '{{ data_interval_start.strftime("%Y-%m-%d %H:%M:%S") }}'
AND created_at < '{{ data_interval_end.strftime("%Y-%m-%d %H:%M:%S") }}'
"""
FROM_WAREHOUSE: dict[str, Any] = {
    "sql_conn_id": "warehouse",
    "staging_path": os.environ.get("CODAT_STAGING", "/tmp/codat-staging"),  # noqa: S108 - for one machine
    "company_id": os.environ.get("CODAT_COMPANY_ID", ""),
    "connection_id": os.environ.get("CODAT_CONNECTION_ID", ""),
    "item_key": "no",
    "columns": {
        "company": "customerName",
        "email": "emailAddress",
        "street": "addresses[0].line1",
        "zip": "addresses[0].postalCode",
        "city": "addresses[0].city",
    },
    "constants": {"status": "Active", "addresses[0].type": "Billing"},
    "deferrable": True,
    "retries": 3,
    "retry_delay": timedelta(minutes=1),
}

with DAG(
    dag_id="codat_from_warehouse",
    description="Create the customers that the warehouse has got since yesterday",
    start_date=datetime(2026, 1, 1),  # noqa: DTZ001 - Airflow takes it as UTC
    schedule=CronDataIntervalTimetable("0 2 * * *", timezone="UTC"),
    catchup=False,
    is_paused_upon_creation=True,
    max_active_runs=1,
    tags=["codat"],
):
    SqlToCodatOperator(
        task_id="create_customers",
        sql=f"{QUERY} {INTERVAL} ORDER BY no",
        **FROM_WAREHOUSE,
    )

with DAG(
    dag_id="codat_from_warehouse_all",
    description="Create the customers of the warehouse that are not in the books yet",
    start_date=datetime(2026, 1, 1),  # noqa: DTZ001 - Airflow takes it as UTC
    schedule=None,
    tags=["codat"],
):
    SqlToCodatOperator(
        task_id="create_customers",
        sql=f"{QUERY} ORDER BY no",
        if_exists="skip",
        **FROM_WAREHOUSE,
    )
