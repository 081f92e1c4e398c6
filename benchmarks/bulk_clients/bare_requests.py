"""A requests.Session in each of ten threads, and the list at the end: nothing else."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import requests
from load import job, list_until_settled, measured

JOB = job()
OWN = threading.local()


def session() -> requests.Session:
    """Return this thread's session."""
    if not hasattr(OWN, "session"):
        OWN.session = requests.Session()
        OWN.session.headers["Authorization"] = JOB.authorization
    found: requests.Session = OWN.session
    return found


def create(row: bytes) -> str:
    """Create a customer; return the key of its push operation."""
    headers = {"Idempotency-Key": str(uuid4()), "Content-Type": "application/json"}
    url = JOB.base_url + JOB.path
    answer = session().post(url, data=row, headers=headers, timeout=30)
    answer.raise_for_status()
    key: str = answer.json()["pushOperationKey"]
    return key


def page(path: str) -> Any:  # noqa: ANN401 - any JSON
    """Ask for a path."""
    return session().get(JOB.base_url + path, timeout=30).json()


with measured(JOB):
    with ThreadPoolExecutor(JOB.threads) as pool:
        keys = set(pool.map(create, JOB.rows()))
    list_until_settled(JOB, keys, page)
