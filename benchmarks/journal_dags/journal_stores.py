"""Writes and reads cells in each store that a journal may be kept in; times them."""

import json
import os
import time
from collections.abc import Callable
from datetime import datetime
from itertools import count
from statistics import median
from typing import Any

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_codat.journal.sql import store_in

CELLS = 200
ROUNDS = 5
# As long as an entry of a create, and as a window of 500 rows.
VALUES = {"entry": {"kind": "intent", "filled": "x" * 250}, "window": "x" * 43_000}


def timed(work: Callable[[], object]) -> float:
    """Return how many milliseconds something takes."""
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1000


with DAG(
    dag_id="journal_stores",
    start_date=datetime(2024, 1, 1),  # noqa: DTZ001 - Airflow takes it as UTC
    schedule=None,
):

    @task
    def measure(**context: Any) -> dict[str, dict[str, float]]:  # noqa: ANN401 - Airflow's context
        """Return the median milliseconds of each thing for each store, by turns."""
        ti = context["ti"]
        stores = {"Airflow's own": context["task_state_store"]}
        for name, conn_id in json.loads(os.environ["JOURNALS"]).items():
            key = (ti.dag_id, ti.run_id, ti.task_id, -1)
            stores[name] = store_in(conn_id, key, 1)
            stores[name].get("codat.warm")
        took: dict[str, dict[str, list[float]]] = {name: {} for name in stores}
        numbers = count()
        for _ in range(ROUNDS):
            for name, store in stores.items():
                for kind, value in VALUES.items():
                    writes = took[name].setdefault(f"write {kind}", [])
                    reads = took[name].setdefault(f"read {kind}", [])
                    for _ in range(CELLS // ROUNDS):
                        cell = f"codat.{next(numbers)}"
                        writes.append(timed(lambda: store.set(cell, value)))  # noqa: B023 - called at once
                        reads.append(timed(lambda: store.get(cell)))  # noqa: B023 - the same
        return {
            name: {kind: round(median(each), 3) for kind, each in kinds.items()}
            for name, kinds in took.items()
        }

    measure()
