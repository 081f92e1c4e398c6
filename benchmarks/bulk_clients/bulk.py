"""CreateAccountingCustomersOperator, executed in this process, its journal on disk."""

import importlib
import pkgutil

from load import job, measured
from task import context, name_connection

import airflow_provider_codat.api
from airflow_provider_codat.operators.codat import CreateAccountingCustomersOperator

JOB = job()
name_connection(JOB)
# What is imported only at work is imported here: imports are not counted.
for module in pkgutil.iter_modules(airflow_provider_codat.api.__path__):
    importlib.import_module(f"airflow_provider_codat.api.{module.name}")
importlib.import_module("airflow_provider_codat.hooks.codat")

operator = CreateAccountingCustomersOperator(
    task_id="create",
    company_id=JOB.company_id,
    connection_id=JOB.connection_id,
    customers_path=str(JOB.customers),
    results_path=str(JOB.folder / "results.jsonl"),
)
with measured(JOB):
    operator.execute(context(JOB))
