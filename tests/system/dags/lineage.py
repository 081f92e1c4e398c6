"""What writes and what reads, for those who draw lineage."""

import os
from datetime import datetime
from typing import Any

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_codat.operators.codat import (
    CodatDataRefreshOperator,
    CreateAccountingCustomerOperator,
    CreateAccountingCustomersOperator,
    ListAccountingRecordsOperator,
)
from airflow_provider_codat.transfers.sql_to_codat import SqlToCodatOperator

COMPANY_ID = os.environ.get("CODAT_COMPANY_ID", "")
PLACE: dict[str, Any] = {
    "company_id": COMPANY_ID,
    "connection_id": os.environ.get("CODAT_CONNECTION_ID", ""),
    "poll_interval_seconds": 0.2,
}
TABLE: dict[str, Any] = {
    "item_key": "no",
    "columns": {"company": "customerName"},
    "constants": {"status": "Active"},
}

with DAG(
    dag_id="lineage",
    start_date=datetime(2024, 1, 1),  # noqa: DTZ001 - Airflow takes it as UTC
    schedule=None,
):
    one = CreateAccountingCustomerOperator(
        task_id="one", customer={"customerName": "Fen", "status": "Active"}, **PLACE
    )
    many = CreateAccountingCustomersOperator(
        task_id="many",
        customers_path="{{ params.folder }}/rows.csv",
        results_path="{{ params.folder }}/results.jsonl",
        **TABLE,
        **PLACE,
    )
    query = SqlToCodatOperator(
        task_id="query",
        sql="SELECT no, company FROM debtors ORDER BY no",
        sql_conn_id="warehouse",
        **TABLE,
        **PLACE,
    )
    listed = ListAccountingRecordsOperator(
        task_id="listed",
        data_type="customers",
        company_id=COMPANY_ID,
        path="{{ params.folder }}/listed.jsonl",
    )
    refreshed = CodatDataRefreshOperator(
        task_id="refreshed",
        company_id=COMPANY_ID,
        data_type="customers",
        poll_interval_seconds=0.2,
    )
    partly = CreateAccountingCustomersOperator(
        task_id="partly",
        customers=[
            {"customerName": "Fen Delta", "status": "Active"},
            {"customerName": "Fen Epsilon", "status": "Dormant"},
        ],
        on_invalid="skip",
        **PLACE,
    )
    one >> many >> query >> refreshed >> listed >> partly
