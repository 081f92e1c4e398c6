"""What Airflow gives to a task that is executed without it: context and store."""

import hashlib
import json
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from load import Job


class FolderStore:
    """The two methods of Airflow's task state store, over a file for each key.

    :param folder: outlives the process.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def get(self, key: str, default: object = None) -> Any:  # noqa: ANN401 - any JSON
        """Return what was set."""
        path = self._path(key)
        return json.loads(path.read_bytes()) if path.exists() else default

    def set(self, key: str, value: object, *, retention: object = None) -> None:  # noqa: ARG002 - Airflow's signature
        """Keep a value: it stands on the disk when this returns."""
        path = self._path(key)
        draft = path.with_suffix(".draft")
        with draft.open("w", encoding="utf-8") as file:
            json.dump(value, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)

    def _path(self, key: str) -> Path:
        return self._folder / f"{hashlib.sha256(key.encode()).hexdigest()}.json"


@dataclass
class RunOfDag:
    """What an operator asks of its DAG run."""

    run_after: datetime
    logical_date: datetime | None = None
    data_interval_end: datetime | None = None
    run_type: str = "manual"
    clear_number: int = 0


@dataclass
class TaskInstance:
    """What an operator asks of its task instance."""

    try_number: int
    task_id: str = "create"
    map_index: int = -1
    dag_id: str = "bulk"
    run_id: str = "manual__1"
    max_tries: int = 3
    start_date: datetime | None = None
    xcoms: dict[str, object] = field(default_factory=dict)

    def xcom_push(self, *, key: str, value: object) -> None:
        """Take what the operator tells later tasks."""
        self.xcoms[key] = value


def context(job: Job) -> Any:  # noqa: ANN401 - Airflow's is a mapping of many things
    """Return the context of one try."""
    return {
        "ti": TaskInstance(job.try_number, run_id=f"manual__{job.created_at}"),
        "dag_run": RunOfDag(datetime.fromtimestamp(job.created_at, UTC)),
        "task_state_store": FolderStore(job.folder),
    }


def name_connection(job: Job) -> None:
    """Set the Airflow connection to the local Codat."""
    os.environ["AIRFLOW_CONN_CODAT_DEFAULT"] = json.dumps(
        {
            "conn_type": "codat",
            "host": job.base_url,
            "password": job.authorization,
            "extra": {"requests_per_minute": job.requests_per_minute},
        }
    )
