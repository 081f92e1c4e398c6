"""Try each part of the installed package once, beside the Airflow of this environment.

    python observe.py FILE

Writes what was seen to the file, as JSON: in one DAG run with a local Codat, and in
the connection's form. Airflow's database must be there. Ends with what is wrong where a
part does not work that has to work on every Airflow.
"""

import json
import os
import platform
import sys
import tempfile
from collections import Counter
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from standardwebhooks.webhooks import Webhook

from airflow_provider_codat.api.connection.settings import EXTRAS
from airflow_provider_codat.simulator import LocalCodat

DAGS = Path(__file__).resolve().parent / "dags"
DAG_ID = "codat_compatibility"
OPERATORS = (
    "create_one",
    "create_many",
    "update",
    "model",
    "refresh",
    "list",
    "sensor",
)
CUSTOMERS = 7
EVERYWHERE = (
    "operators",
    "deferrable",
    "later_try",
    "journal_of_ones_own",
    "decorator",
    "assets",
)


def main(file: str) -> None:
    """Observe everything, and write it down."""
    with tempfile.TemporaryDirectory() as folder, LocalCodat(settle_seconds=1) as codat:
        os.environ |= {
            "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
            "AIRFLOW_CONN_CODAT_DEFAULT": json.dumps(
                {
                    **json.loads(codat.airflow_connection()),
                    "extra": {"webhook_signing_secrets": codat.webhook_secret},
                }
            ),
            "CODAT_COMPANY_ID": codat.company_id,
            "CODAT_CONNECTION_ID": codat.connection_id,
            "CODAT_LISTED_PATH": str(Path(folder) / "listed.jsonl"),
            "AIRFLOW_CONN_JOURNAL": json.dumps(
                {"conn_type": "sqlite", "host": str(Path(folder) / "journal.db")}
            ),
        }
        seen = {
            "package": version("airflow-provider-codat"),
            "airflow": version("apache-airflow"),
            "python": platform.python_version(),
            **seen_in_a_run(codat),
            "form": form_is_whole(),
            "webhooks": webhooks_are_taken(codat),
        }
    Path(file).write_text(json.dumps(seen, indent=2) + "\n", encoding="utf-8")
    if missing := [name for name in EVERYWHERE if not seen[name]]:
        sys.exit(f"Airflow {seen['airflow']}: not as it should be: {missing}")


def seen_in_a_run(codat: LocalCodat) -> dict[str, bool]:
    """Run the DAG; return which part did what it should."""
    try:
        from airflow.dag_processing.dagbag import DagBag  # noqa: PLC0415 - after the environment
    except ImportError:
        from airflow.models.dagbag import DagBag  # noqa: PLC0415 - Airflow before 3.2

    dag = DagBag(DAGS / f"{DAG_ID}.py").dags[DAG_ID]
    run = dag.test()
    done = {ti.task_id: ti for ti in run.get_task_instances() if ti.state == "success"}

    def result(task_id: str) -> dict[str, Any]:
        if task_id not in done:
            return {}
        return dict(done[task_id].xcom_pull(task_ids=task_id, map_indexes=-1))

    books = codat.counts_by_name()
    sent = Counter(
        each.json()["customerName"]
        for each in codat.journal()
        if each.path.endswith("/push/customers")
    )
    again, from_a_database = "tried_again", "tried_again_from_a_database"
    policy = getattr(dag.get_task("create_one"), "retry_policy", None)
    record_id = result("create_one").get("record_id")
    return {
        "operators": done.keys() >= set(OPERATORS),
        "deferrable": "resumed" in result("deferred"),
        # Each customer once; with a journal, it was not even asked for again.
        "later_try": {again, from_a_database} <= done.keys()
        and len(books) == CUSTOMERS
        and set(books.values()) == {1},
        "journal": sent[again] == 1,
        "journal_of_ones_own": sent[from_a_database] == 1,
        "retry_policy": type(policy).__name__ == "CodatRetryPolicy",
        "decorator": "record_id" in result("decorated"),
        "assets": record_id is not None and result("told")["record_id"] == record_id,
    }


def webhooks_are_taken(codat: LocalCodat) -> bool:
    """Return whether the API server takes a signed event, and refuses another."""
    try:
        from airflow.api_fastapi.app import create_app  # noqa: PLC0415 - after the environment
        from starlette.testclient import TestClient  # noqa: PLC0415 - the same
    except ImportError:
        return False
    event = {"id": "1", "eventType": "company.created", "payload": {}}
    body, at = json.dumps(event), datetime.now(UTC)
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(codat.webhook_secret).sign("msg_1", at, body),
    }
    client = TestClient(create_app())
    url = "/codat/webhooks/codat_default"
    answers = [client.post(url, content=each, headers=headers) for each in (body, "{}")]
    return [answer.status_code for answer in answers] == [204, 401]


def form_is_whole() -> bool:
    """Return whether the web page labels the key, and offers every extra."""
    try:
        from airflow.api_fastapi.core_api.services.ui.connections import (  # noqa: PLC0415 - after the environment
            HookMetaService,
        )
    except ImportError:
        return _form_of_airflow_2_is_whole()
    every = HookMetaService.hook_meta_data()
    (codat,) = (each for each in every if each.connection_type == "codat")
    key = codat.standard_fields and codat.standard_fields.password
    labelled = key is not None and key.title == "API key"
    return labelled and set(codat.extra_fields or {}) == set(EXTRAS)


def _form_of_airflow_2_is_whole() -> bool:
    from airflow.providers_manager import ProvidersManager  # noqa: PLC0415 - after the environment

    manager = ProvidersManager()
    label = manager.field_behaviours["codat"]["relabeling"]["password"]
    widgets = {f"extra__codat__{name}" for name in EXTRAS}
    return label == "API key" and manager.connection_form_widgets.keys() >= widgets


if __name__ == "__main__":
    main(*sys.argv[1:])
