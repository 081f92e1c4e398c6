"""CreateAccountingCustomerOperator, mapped over the customers, in a real DAG run.

``dag.test`` runs the mapped tasks one after the other, in this process.
"""

import json
from datetime import UTC, datetime

from airflow.sdk import DAG
from load import job, measured
from task import name_connection

from airflow_provider_codat.operators.codat import CreateAccountingCustomerOperator

JOB = job()
name_connection(JOB)

with DAG("bulk", start_date=datetime(2026, 1, 1, tzinfo=UTC), schedule=None) as dag:
    CreateAccountingCustomerOperator.partial(
        task_id="create",
        company_id=JOB.company_id,
        connection_id=JOB.connection_id,
    ).expand(customer=[json.loads(row) for row in JOB.rows()])

if __name__ == "__main__":
    with measured(JOB) as wrong:
        run = dag.test()
        for task in run.get_task_instances():
            if task.state != "success":
                wrong[str(task.state)] += 1
