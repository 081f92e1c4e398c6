"""Every write of every data type, each mapped over what a test wants written.

The environment says what: CODAT_WANTED is a JSON object of lists of arguments, by the
key of the data type.
"""

import json
import os
from datetime import datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_codat.api.data_types import DATA_TYPES, DataType
from airflow_provider_codat.operators import codat

WANTED: dict[str, list[dict[str, Any]]] = json.loads(
    os.environ.get("CODAT_WANTED", "{}")
)
COMMON: dict[str, Any] = {
    "task_id": "write",
    "company_id": os.environ.get("CODAT_COMPANY_ID", ""),
    "connection_id": os.environ.get("CODAT_CONNECTION_ID", ""),
    "retries": 3,
    "retry_delay": timedelta(seconds=1),
    "poll_interval_seconds": 0.1,
    "reconcile_grace_seconds": 0.1,
    "hook_params": {
        "read_timeout_seconds": 1,
        "retry_budget_seconds": 20,
        "request_lifetime_seconds": 4,
    },
}


def operator(action: str, row: DataType) -> Any:  # noqa: ANN401 - an operator's class
    """Return the operator of a data type, by the name that an author imports."""
    name = row.argument.title().replace("_", "")
    return getattr(codat, f"{action}Accounting{name}Operator")


def dag(action: str, row: DataType) -> DAG:
    """Return a DAG of one mapped task."""
    start = datetime(2024, 1, 1)  # noqa: DTZ001 - Airflow takes it as UTC
    return DAG(dag_id=f"{action}_{row.name}", start_date=start, schedule=None)


for key, wanted in WANTED.items():
    row = DATA_TYPES[key]
    with dag("create", row):
        operator("Create", row).partial(**COMMON).expand_kwargs(wanted)
    if row.can_update:
        with dag("update", row):
            operator("Update", row).partial(**COMMON).expand_kwargs(wanted)
    if row.can_delete:
        with dag("delete", row):
            operator("Delete", row).partial(**COMMON).expand_kwargs(wanted)
    if row.attachments:
        with dag("attach", row):
            codat.UploadAccountingAttachmentOperator.partial(
                **COMMON, data_type=key
            ).expand_kwargs(wanted)
