"""One DAG for each way of handing a customer over to the operator."""

import json
import os
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from airflow.providers.common.compat.sdk import DAG, BaseOperator, task, task_group

from airflow_provider_codat.operators.codat import CreateAccountingCustomerOperator

JSON = {
    "customerName": 'O\'Brien "& Söhne" {{ 7*7 }} {% raw %} 株式会社 مؤسسة',
    "taxNumber": "007",
    "registrationNumber": None,
    "phone": "01234",
    "status": "Active",
    "addresses": [{"type": "Billing", "line1": "files/ledger.json", "line2": "None"}],
    "supplementalData": {
        "content": {"crm": {"credit": 12.5, "since": "2024-02-29", "kept": True}}
    },
}
"""What has to arrive. A text that came from an XCom is no template."""

PYTHON = {
    **JSON,
    "supplementalData": {
        "content": {
            "crm": {
                "credit": Decimal("12.50"),
                "since": date(2024, 2, 29),
                "kept": True,
            }
        }
    },
}
"""The same, as a task may return it."""

LITERAL = {**PYTHON, "customerName": 'O\'Brien "& Söhne" {{ 7*7 }} 株式会社'}
"""Written down in a DAG file, where the author's braces are a template."""

NAME_AS_JSON = "{{ params.name | tojson }}"

PLACE = {
    "task_id": "create",
    "company_id": "{{ params.company_id }}",
    "connection_id": os.environ.get("CODAT_CONNECTION_ID", ""),
    "poll_interval_seconds": 0.1,
}


class Build(BaseOperator):
    """Returns a customer, as an operator of the old kind."""

    def execute(self, context: Any) -> dict[str, Any]:  # noqa: ANN401, ARG002 - Airflow's signature
        return PYTHON


@task(show_return_value_in_logs=False)
def build(what: str = "python") -> Any:  # noqa: ANN401 - see below
    return {
        "python": PYTHON,
        "json": JSON,
        "text": json.dumps(JSON),
        "name": JSON["customerName"],
        "kwargs": {"customer": PYTHON},
        "customers": [PYTHON, PYTHON],
        "texts": [json.dumps(JSON), json.dumps(JSON)],
        "many_kwargs": [
            {"customer": PYTHON, "item_key": f"{number} {{{{ 7*7 }}}}"}
            for number in (1, 2)
        ],
        "keys": ["1 {{ 7*7 }}", "2 {{ 7*7 }}"],
    }[what]


def one(customer: object, **given: object) -> None:
    CreateAccountingCustomerOperator(customer=customer, **PLACE, **given)


def partial(**given: object) -> Any:  # noqa: ANN401 - Airflow's own type
    return CreateAccountingCustomerOperator.partial(**PLACE, **given)


def operator_output() -> None:
    one(Build(task_id="build").output)


def pulled(template: str) -> None:
    upstream = build("json")
    one(template)
    upstream >> upstream.operator.dag.get_task("create")


def in_mapped_group() -> None:
    @task_group
    def group(customer: object) -> None:
        one(customer)

    group.expand(customer=build("customers"))


def expand_kwargs_in_group() -> None:
    @task_group(default_args={"item_key": "{{ params.name }} {{ ti.map_index }}"})
    def group() -> None:
        partial().expand_kwargs(
            build("customers").map(lambda customer: {"customer": customer})
        )

    group()


WAYS: dict[str, Callable[[], object]] = {
    # one task
    "literal": lambda: one(LITERAL),
    "jinja_leaf": lambda: one({**PYTHON, "customerName": "{{ params.name }}"}),
    "task_output": lambda: one(build()),
    "operator_output": operator_output,
    "xcom_leaf": lambda: one({**PYTHON, "customerName": build("name")}),
    "tojson": lambda: pulled("{{ ti.xcom_pull(task_ids='build') | tojson }}"),
    "repr": lambda: pulled("{{ ti.xcom_pull(task_ids='build') }}"),
    "json_in_the_file": lambda: one(
        json.dumps(JSON).replace(json.dumps(JSON["customerName"]), NAME_AS_JSON)
    ),
    "json_from_a_task": lambda: one(build("text")),
    "json_output": lambda: one(build("json")),
    "native": lambda: pulled("{{ ti.xcom_pull(task_ids='build') }}"),
    "native_task_output": lambda: one(build()),
    # mapped tasks
    "expand_literal": lambda: partial().expand(customer=[LITERAL, LITERAL]),
    "expand_xcom": lambda: partial().expand(customer=build("customers")),
    "expand_texts": lambda: partial().expand(customer=build("texts")),
    "expand_list_of_xcoms": lambda: partial().expand(customer=[build(), build()]),
    "expand_xcom_mapped": lambda: partial().expand(
        customer=build("customers").map(lambda customer: customer)
    ),
    "expand_item_key": lambda: partial(customer=build()).expand(item_key=build("keys")),
    "expand_kwargs_xcom": lambda: partial(
        map_index_template="{{ task.item_key }}: {{ task.customer['customerName'] }}"
    ).expand_kwargs(build("many_kwargs")),
    "expand_kwargs_xcom_mapped": lambda: partial().expand_kwargs(
        build("customers").map(lambda customer: {"customer": customer})
    ),
    "expand_kwargs_literal": lambda: partial().expand_kwargs(
        [
            {"customer": LITERAL, "item_key": "{{ params.name }} {{ ti.map_index }}"}
            for _ in range(2)
        ]
    ),
    "expand_kwargs_list_of_xcoms": lambda: partial().expand_kwargs(
        [build("kwargs"), build("kwargs")]
    ),
    "expand_kwargs_xcom_with_template": lambda: partial(
        item_key="{{ params.name }} {{ ti.map_index }}"
    ).expand_kwargs(build("customers").map(lambda customer: {"customer": customer})),
    "equal_item_keys": lambda: partial(item_key="{{ params.name }}").expand(
        customer=build("customers")
    ),
    "expand_kwargs_in_group": expand_kwargs_in_group,
    "in_mapped_group": in_mapped_group,
}

for way, write in WAYS.items():
    with DAG(
        dag_id=f"way_{way}",
        start_date=datetime(2024, 1, 1),  # noqa: DTZ001 - Airflow takes it as UTC
        schedule=None,
        params={
            "name": 'Zoë\'s "Ångström" & Sons',
            "company_id": os.environ.get("CODAT_COMPANY_ID", ""),
        },
        default_args={"timeout_in_minutes": "{{ 3 * 4 }}"},
        render_template_as_native_obj=way.startswith("native"),
    ):
        write()
