"""Create all customers of a file in one task, and note which record each became.

The export writes a JSON object on each line. One task checks all of them, hands them
over as fast as Codat allows, waits in the triggerer until they are in the books, and
writes a line of results for each. The last task makes of that what a warehouse loads.

``item_key`` names the property by which a row is known: it stays the same customer when
the file is sorted anew or rows are inserted.

Which company and connection, is asked when the DAG is triggered; the defaults come from
the environment variables CODAT_COMPANY_ID and CODAT_CONNECTION_ID. The files lie in
the folder CODAT_BULK_FOLDER, which every worker must reach: object storage, such as
``s3://aws_default@bucket/codat``, where there is more than one machine.
"""

import csv
import json
import os
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import DAG, ObjectStoragePath, Param, task

from airflow_provider_codat.operators.codat import CreateAccountingCustomersOperator

with DAG(
    dag_id="codat_create_customers_in_bulk",
    description="Create all customers of a file in one task",
    start_date=datetime(2024, 1, 1),  # noqa: DTZ001 - Airflow takes it as UTC
    schedule=None,
    catchup=False,
    tags=["codat"],
    params={
        "company_id": Param(
            os.environ.get("CODAT_COMPANY_ID", ""),
            type="string",
            title="Codat company",
            description="A UUID, from Codat's Portal",
        ),
        "connection_id": Param(
            os.environ.get("CODAT_CONNECTION_ID", ""),
            type="string",
            title="The company's connection to its accounting software",
            description="A UUID, Codat's and not Airflow's",
        ),
        "csv_path": Param(
            str(Path(__file__).parent / "data" / "customers.csv"), type="string"
        ),
        "folder": Param(
            os.environ.get("CODAT_BULK_FOLDER", tempfile.gettempdir()),
            type="string",
            title="Where the files lie",
            description="A path that every worker reaches, with or without a scheme",
        ),
    },
):

    @task
    def export_customers(
        params: dict[str, Any] | None = None, run_id: str | None = None
    ) -> str:
        """Write one JSON object on each line: in your DAG, those of a query."""
        given = params or {}
        path = ObjectStoragePath(given["folder"]) / f"customers-{run_id}.jsonl"
        with (
            Path(given["csv_path"]).open(encoding="utf-8", newline="") as rows,
            path.open("w", encoding="utf-8") as file,
        ):
            for row in csv.DictReader(rows):
                customer = {
                    "reference": row["reference"],
                    "customerName": row["name"],
                    "contactName": row["contact"],
                    "emailAddress": row["email"],
                    "taxNumber": row["tax_number"] or None,
                    "defaultCurrency": row["currency"],
                    "status": "Active",
                }
                file.write(json.dumps(customer) + "\n")
        return str(path)

    @task
    def note_records(result: dict[str, Any]) -> str:
        """Write the record id of each reference: your warehouse takes it from here."""
        source = ObjectStoragePath(result["results_path"])
        path = source.with_suffix(".csv")
        lines = source.read_text(encoding="utf-8").splitlines()
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["reference", "record_id"])
            for line in lines:
                row = json.loads(line)
                writer.writerow([row["item_key"], row["record_id"]])
        return str(path)

    created = CreateAccountingCustomersOperator(
        task_id="create_customers",
        company_id="{{ params.company_id }}",
        connection_id="{{ params.connection_id }}",
        customers_path=export_customers(),
        item_key="reference",
        results_path="{{ params.folder }}/records-{{ run_id }}.jsonl",
        deferrable=True,
        retries=3,
    )
    note_records(created.output)
