"""requests with urllib3's Retry, as a careful engineer sets it up.

The variant ``key`` also sends an Idempotency-Key, the same for each try of a customer.
"""

from typing import Any
from uuid import NAMESPACE_URL, uuid5

import requests
from requests.adapters import HTTPAdapter
from tasks import carry_out, job
from urllib3.util.retry import Retry

JOB = job()
SESSION = requests.Session()
SESSION.headers["Authorization"] = JOB.authorization
SESSION.mount(
    JOB.base_url,
    HTTPAdapter(
        max_retries=Retry(
            total=5,
            backoff_factor=0.1,
            status_forcelist=(429, 500, 502, 503, 504),
            allowed_methods={"POST"},
            respect_retry_after_header=True,
        )
    ),
)


def create(customer: dict[str, Any], _try: int) -> str:
    """Create a customer; return the key of its push operation."""
    headers = {}
    if JOB.variant == "key":
        name = f"{JOB.path}/{customer['customerName']}"
        headers["Idempotency-Key"] = str(uuid5(NAMESPACE_URL, name))
    answer = SESSION.post(
        JOB.base_url + JOB.path,
        json=customer,
        headers=headers,
        timeout=JOB.timeout_seconds,
    )
    answer.raise_for_status()
    key: str = answer.json()["pushOperationKey"]
    return key


carry_out(JOB, create)
