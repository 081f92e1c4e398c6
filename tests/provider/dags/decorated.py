"""One DAG for each way of writing a function that returns a customer."""

import json
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG, AirflowSkipException, task

JSON = {
    "customerName": 'O\'Brien "& Söhne" {{ 7*7 }} {% raw %} 株式会社',
    "taxNumber": "007",
    "phone": "files/ledger.json",
    "status": "Active",
}
"""What has to arrive: nothing of it is a template."""

PLAIN = {"status": "Active"}
"""Written down in a DAG file, where braces would be a template."""

PLACE: dict[str, Any] = {
    "company_id": "{{ params.company_id }}",
    "connection_id": os.environ.get("CODAT_CONNECTION_ID", ""),
    "poll_interval_seconds": 0.1,
    "retry_delay": timedelta(0),
}
ELSEWHERE = {**PLACE, "company_id": "{{ params.nowhere }}"}
CALLS = os.environ.get("CALLS", os.devnull)


def called() -> None:
    """Note a call of a function, where the test can count them."""
    with open(CALLS, "a", encoding="utf-8") as file:  # noqa: PTH123 - as an author does
        file.write("called\n")


@task(show_return_value_in_logs=False)
def rows(what: str = "rows") -> Any:  # noqa: ANN401 - see below
    return {
        "row": JSON,
        "rows": [JSON, JSON],
        "kwargs": [{"row": JSON, "name": JSON["customerName"]}] * 2,
    }[what]


@task.codat_customer(task_id="create", **PLACE)
def create(
    row: dict[str, Any], name: str = "", suffix: str = "", ti: object = None
) -> dict[str, Any]:
    assert getattr(ti, "task_id", "") == "create"
    called()
    assert suffix in ("", "Ltd")
    return {**row, "customerName": name or row.get("customerName")}


def returning(value: object, **given: Any) -> Callable[[], object]:  # noqa: ANN401 - whatever the operator takes
    @task.codat_customer(task_id="create", **{**PLACE, **given})
    def build() -> Any:  # noqa: ANN401 - whatever it is
        called()
        return value

    return build


def skipping() -> object:
    @task.codat_customer(task_id="create", **PLACE)
    def build() -> dict[str, Any]:
        raise AirflowSkipException("nobody to create")

    return build()


def stumbling() -> object:
    @task.codat_customer(task_id="create", retries=1, **PLACE)
    def build(ti: object = None) -> dict[str, Any]:
        if getattr(ti, "try_number", 1) == 1:
            raise RuntimeError("the source is not there")
        return JSON

    return build()


def multiple() -> None:
    @task.codat_customer(task_id="create", multiple_outputs=True, **PLACE)
    def build() -> Any:  # noqa: ANN401 - not inferred from this
        return JSON

    @task
    def told(record_id: str) -> str:
        return record_id

    told(build()["record_id"])


WAYS: dict[str, Callable[[], object]] = {
    "argument": lambda: create(PLAIN, name="{{ params.name }}"),
    "argument_from_xcom": lambda: create(rows("row")),
    "overridden_company": task.codat_customer(task_id="create", **ELSEWHERE)(
        lambda: JSON
    ).override(company_id=PLACE["company_id"]),
    "text": returning(json.dumps(JSON)),
    "deferrable": returning(JSON, deferrable=True),
    "multiple": multiple,
    "expand": lambda: create.partial(suffix="Ltd").expand(row=rows("rows")),
    "expand_literal": lambda: create.expand(
        name=["{{ params.name }}"] * 2, row=[PLAIN]
    ),
    "expand_kwargs": lambda: create.partial(suffix="Ltd").expand_kwargs(rows("kwargs")),
    "expand_with_item_key": lambda: (
        create.override(item_key="{{ task.op_kwargs['name'] }}")
        .partial(row=PLAIN)
        .expand(name=["{{ params.name }} 1", "{{ params.name }} 2"])
    ),
    "skipping": skipping,
    "stumbling": stumbling,
}

for way, build_tasks in WAYS.items():
    with DAG(
        dag_id=f"decorated_{way}",
        start_date=datetime(2024, 1, 1),  # noqa: DTZ001 - Airflow takes it as UTC
        schedule=None,
        params={
            "company_id": os.environ.get("CODAT_COMPANY_ID", ""),
            "nowhere": "",
            "name": "Ångström's",
        },
    ):
        build_tasks()
