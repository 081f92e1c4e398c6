"""Create the customers of many companies, or of many files: one mapped task each.

Each task reads one file and writes one, and goes on by itself after a failure: a retry
or a Clear of one shard leaves the others alone.

Codat counts 1,000 requests a minute for all workers behind one address. The tasks run
in one pool, and each takes the share that its slot is of it, of the requests a minute
and of those at a time. No arithmetic is needed, where the connection names the slots:

    airflow pools set codat 3 "tasks that ask Codat" --include-deferred
    airflow connections add codat_default ... --conn-extra '{"pool_slots": 3}'

By ``--include-deferred`` a task that is deferred keeps its slot, and should: it asks
Codat as well. All other tasks that ask Codat belong into the same pool. Without the
pool the tasks do not start.

The shards are asked for when the DAG is triggered. The default is one, of
CODAT_COMPANY_ID and CODAT_CONNECTION_ID; CODAT_SHARDS gives others, as a JSON list.
Every worker must reach the files and the folder CODAT_BULK_FOLDER: object storage,
where there is more than one machine.
"""

import json
import os
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import DAG, Param, task

from airflow_provider_codat.operators.codat import CreateAccountingCustomersOperator

ONE_SHARD = [
    {
        "company_id": os.environ.get("CODAT_COMPANY_ID", ""),
        "connection_id": os.environ.get("CODAT_CONNECTION_ID", ""),
        "customers_path": str(Path(__file__).parent / "data" / "customers.jsonl"),
    }
]

with DAG(
    dag_id="codat_create_customers_sharded",
    description="Create the customers of many companies or files, a task for each",
    start_date=datetime(2024, 1, 1),  # noqa: DTZ001 - Airflow takes it as UTC
    schedule=None,
    catchup=False,
    tags=["codat"],
    params={
        "shards": Param(
            json.loads(os.environ.get("CODAT_SHARDS", "null")) or ONE_SHARD,
            type="array",
            title="What each task is to do",
            items={
                "type": "object",
                "properties": {key: {"type": "string"} for key in ONE_SHARD[0]},
                "required": list(ONE_SHARD[0]),
                "additionalProperties": False,
            },
        ),
        "folder": Param(
            os.environ.get("CODAT_BULK_FOLDER", tempfile.gettempdir()),
            type="string",
            title="Where the results are written",
            description="A path that every worker reaches, with or without a scheme",
        ),
    },
):

    @task
    def read_shards(
        params: dict[str, Any] | None = None, run_id: str | None = None
    ) -> list[dict[str, str]]:
        """Return the arguments of each task: in your DAG, of a table of companies.

        The order must stay as it is until the run has ended: what a task has sent, it
        finds again by its place in the list.
        """
        given = params or {}
        return [
            {**shard, "results_path": f"{given['folder']}/records-{run_id}-{n}.jsonl"}
            for n, shard in enumerate(given["shards"])
        ]

    CreateAccountingCustomersOperator.partial(
        task_id="create_customers",
        item_key="reference",
        map_index_template="{{ task.customers_path }}",
        pool="codat",
        deferrable=True,
        retries=3,
    ).expand_kwargs(read_shards())
