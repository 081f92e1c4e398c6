"""The same whole Airflow, of Airflow 2: its own processes, and its own REST API."""

import base64
import secrets
from collections.abc import Mapping
from typing import Any

from local_airflow import LocalAirflow

_USER, _PASSWORD = "admin", secrets.token_hex(8)
_BASIC_AUTH = "airflow.providers.fab.auth_manager.api.auth.backend.basic_auth"


class LocalAirflow2(LocalAirflow):
    """An Airflow 2 to start, to ask over its REST API, and to stop.

    Its database may not be SQLite: the LocalExecutor does not work with it.
    """

    API = "/api/v1"
    NATIVE = "stringify=false"
    FORGET = (
        "UPDATE job SET latest_heartbeat = '2000-01-01 00:00:00.000000' "
        "WHERE id IN (SELECT job_id FROM task_instance "
        "WHERE dag_id = :dag AND run_id = :run AND state = 'running')"
    )
    PARTS = ("scheduler", "triggerer")

    def start(self) -> None:
        """Make the database and start the processes; return when they answer."""
        self.env |= {
            "AIRFLOW__API__AUTH_BACKENDS": _BASIC_AUTH,
            "AIRFLOW__WEBSERVER__WEB_SERVER_PORT": str(self.port),
            "AIRFLOW__WEBSERVER__WEB_SERVER_HOST": "127.0.0.1",
            "AIRFLOW__WEBSERVER__BASE_URL": self.url,
            "AIRFLOW__WEBSERVER__SECRET_KEY": secrets.token_hex(16),
            "AIRFLOW__WEBSERVER__WORKERS": "2",
        }
        super().start()

    def _spawn_server(self) -> None:
        who = ["--username", _USER, "--password", _PASSWORD, "--role", "Admin"]
        name = ["--firstname", "A", "--lastname", "B", "--email", "a@example.org"]
        self.run("users", "create", *who, *name)
        self.spawn("webserver")

    def _health(self) -> dict[str, Any]:
        return self.ask("GET", f"{self.API}/health")

    def _authorization(self, _path: str) -> str:
        return f"Basic {base64.b64encode(f'{_USER}:{_PASSWORD}'.encode()).decode()}"

    def _trigger(self, dag_id: str, conf: object, **more: object) -> None:
        path = f"{self.API}/dags/{dag_id}/dagRuns"
        self.ask("POST", path, {"conf": conf, **more})

    def log(self, instance: Mapping[str, Any], try_number: int) -> str:
        """Return what the web page shows as the log of one try."""
        path = f"{self._task(instance)}/logs/{try_number}"
        asked = f"?map_index={instance['map_index']}&full_content=true"
        return str(self.ask("GET", path + asked)["content"])

    def links(self, instance: Mapping[str, Any]) -> dict[str, str]:
        """Return the links of a task instance, by their names."""
        asked = f"?map_index={instance['map_index']}"
        return self.ask("GET", f"{self._task(instance)}/links{asked}")

    def mark(self, instance: Mapping[str, Any], state: str) -> None:
        """Do what the page's button does."""
        body = {"new_state": state, "dry_run": False}
        self.ask("PATCH", self._task(instance), body)
