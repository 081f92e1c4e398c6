"""Airflow's HttpHook, plain; the variant ``retry`` as its documentation retries."""

import os
from typing import Any

import tenacity
from airflow.providers.http.hooks.http import HttpHook
from tasks import carry_out, job

JOB = job()
os.environ["AIRFLOW_CONN_CODAT_HTTP"] = JOB.base_url
# As in the docstring of run_with_advanced_retry.
RETRY_ARGS = {
    "wait": tenacity.wait_exponential(),
    "stop": tenacity.stop_after_attempt(10),
    "retry": tenacity.retry_if_exception_type(Exception),
}


def create(customer: dict[str, Any], _try: int) -> str:
    """Create a customer; return the key of its push operation."""
    hook = HttpHook(method="POST", http_conn_id="codat_http")
    request: dict[str, Any] = {
        "endpoint": JOB.path,
        "json": customer,
        "headers": {"Authorization": JOB.authorization},
        "extra_options": {"timeout": JOB.timeout_seconds},
    }
    if JOB.variant == "retry":
        answer = hook.run_with_advanced_retry(RETRY_ARGS, **request)
    else:
        answer = hook.run(**request)
    key: str = answer.json()["pushOperationKey"]
    return key


carry_out(JOB, create)
