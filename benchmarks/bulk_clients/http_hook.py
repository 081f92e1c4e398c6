"""Airflow's HttpHook, each push operation asked for by its key."""

import os

from airflow.providers.http.hooks.http import HttpHook
from load import Customer, job, one_by_one

JOB = job()
os.environ["AIRFLOW_CONN_CODAT_HTTP"] = JOB.base_url
HEADERS = {"Authorization": JOB.authorization}


def create(customer: Customer) -> str:
    """Create a customer; return the key of its push operation."""
    hook = HttpHook(method="POST", http_conn_id="codat_http")
    answer = hook.run(endpoint=JOB.path, json=customer, headers=HEADERS)
    key: str = answer.json()["pushOperationKey"]
    return key


def status(key: str) -> str:
    """Ask for a push operation."""
    hook = HttpHook(method="GET", http_conn_id="codat_http")
    answer = hook.run(endpoint=f"{JOB.company_path}/push/{key}", headers=HEADERS)
    found: str = answer.json()["status"]
    return found


one_by_one(JOB, create, status)
