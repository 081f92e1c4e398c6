"""CreateAccountingRecordsOperator, executed in this process, its journal on disk."""

import importlib
import pkgutil

from load import job, measured
from task import context, name_connection

import airflow_provider_codat.api
from airflow_provider_codat.operators.codat import CreateAccountingRecordsOperator

JOB = job()
name_connection(JOB)
# What is imported only at work is imported here: imports are not counted.
api = airflow_provider_codat.api
for module in pkgutil.walk_packages(api.__path__, f"{api.__name__}."):
    importlib.import_module(module.name)
importlib.import_module("airflow_provider_codat.hooks.codat")

operator = CreateAccountingRecordsOperator(
    task_id="create",
    data_type=JOB.data_type,
    company_id=JOB.company_id,
    connection_id=JOB.connection_id,
    records_path=str(JOB.customers),
    results_path=str(JOB.folder / "results.jsonl"),
    journal_conn_id=JOB.journal_conn_id,
)
with measured(JOB):
    operator.execute(context(JOB))
