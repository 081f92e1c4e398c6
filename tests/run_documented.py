"""Runs the guides' Python, block for block, against a local Codat and a real Airflow.

    python run_documented.py BLOCKS.json RESULTS.json

The first file maps where a block stands to its text, the second one to what came of it:
an empty text, or what went wrong. A block that shows a part of a DAG is given the rest:
what its ``...`` stands for, and the names that it takes for granted.
"""

import ast
import builtins
import gzip
import json
import logging
import os
import sqlite3
import subprocess
import sys
import textwrap
import traceback
import warnings
from pathlib import Path
from typing import Any

warnings.simplefilter("ignore")

from airflow_provider_codat.simulator import (  # noqa: E402 - after the warnings
    SECOND_COMPANY_ID,
    SECOND_CONNECTION_ID,
    LocalCodat,
)

HOME = Path(os.environ["AIRFLOW_HOME"])
FILES = HOME / "files"
COMPANY = "8a210b68-6988-11ed-a1eb-0242ac120002"
CONNECTION = "2e9d2c44-f675-40ba-8049-353bfcb5e171"
ADA = {"customerName": "Ada", "status": "Active"}
BOB = {"customerName": "Bob", "status": "Active"}

REST: dict[str, dict[str, object]] = {
    "CreateAccountingCustomerOperator": {
        "task_id": "create_customer",
        "company_id": COMPANY,
        "connection_id": CONNECTION,
        "customer": ADA,
    },
    "CreateAccountingCustomersOperator": {
        "task_id": "create_customers",
        "company_id": COMPANY,
        "connection_id": CONNECTION,
        "customers": [{**ADA, "reference": "C-1"}, {**BOB, "reference": "C-2"}],
    },
    "UpdateAccountingCustomerOperator": {
        "task_id": "update_customer",
        "company_id": COMPANY,
        "connection_id": CONNECTION,
        "customer_id": "{{ params.record_id }}",
        "customer": ADA,
    },
    "ListAccountingCustomersOperator": {
        "task_id": "list_customers",
        "company_id": COMPANY,
        "path": (FILES / "listed.jsonl").as_uri(),
    },
    "CodatDataRefreshOperator": {"task_id": "refresh", "company_id": COMPANY},
    "CodatPushOperationSensor": {"task_id": "wait", "company_id": COMPANY},
}
"""What ``...`` stands for among the arguments of an operator."""

MAPPED: dict[str, object] = {"customer": [ADA, BOB]}
"""What it stands for in ``expand``."""

TASK = "@task\ndef {0}():\n    return {1}\n"
FILE = (FILES / "customers.jsonl.gz").as_uri()
GRANTED = {
    "AT_A_TIME": "AT_A_TIME = 2",
    "Any": "from typing import Any",
    "CUSTOMERS": "from airflow.sdk import AssetAlias\n"
    "CUSTOMERS = AssetAlias('codat_customers')\n",
    "CodatHook": "from airflow_provider_codat.hooks.codat import CodatHook",
    "CodatPushOperationSensor": "from airflow_provider_codat.sensors.codat import *",
    "ObjectStoragePath": "from airflow.sdk import ObjectStoragePath",
    "REQUESTS_PER_MINUTE": "REQUESTS_PER_MINUTE = 900",
    "company": f"company = {COMPANY!r}",
    "company_id": f"company_id = {COMPANY!r}",
    "connection": f"connection = {CONNECTION!r}",
    "connection_id": f"connection_id = {CONNECTION!r}",
    "customer": f"customer = {ADA!r}",
    "export_customers": TASK.format("export_customers", repr(FILE)),
    "extract": TASK.format("extracted", repr(ADA)) + "extract = extracted().operator\n",
    "extract_customer": TASK.format("extract_customer", repr(ADA)),
    "json": "import json",
    "model": "from airflow_provider_codat.hooks.codat import CodatHook as _Hook\n"
    f"model = _Hook().get_customer_model({COMPANY!r}, {CONNECTION!r})\n",
    "note_records": "@task\ndef note_records(result):\n    assert result['rows']\n",
    "os": "import os",
    "payload": f"payload = {ADA!r}",
    "read_customers": TASK.format(
        "read_customers",
        repr([{**ADA, "reference": "C-1"}, {**BOB, "reference": "C-2"}]),
    ),
    "read_rows": TASK.format("read_rows", repr([{"reference": "C-1", "name": "Ada"}])),
    "read_shards": TASK.format(
        "read_shards",
        repr(
            [
                {
                    "company_id": COMPANY,
                    "connection_id": CONNECTION,
                    "customers_path": FILE,
                }
            ]
        ),
    ),
    "record_id": "record_id = 'RECORD'",
    "task": "from airflow.sdk import task",
}
"""What gives a block the names that it takes for granted."""


class Completed(ast.NodeTransformer):
    """Puts what is needed in the place of ``...`` among arguments."""

    def visit_Call(self, node: ast.Call) -> ast.Call:
        self.generic_visit(node)
        given = [a for a in node.args if not is_ellipsis(a)]
        if len(given) == len(node.args):
            return node
        node.args = given
        names = {keyword.arg for keyword in node.keywords}
        if any(name and name.startswith("customers") for name in names):
            names.add("customers")
        node.keywords += [
            ast.keyword(name, ast.parse(repr(value), mode="eval").body)
            for name, value in self.rest(node.func).items()
            if name not in names
        ]
        return node

    def rest(self, called: ast.expr) -> dict[str, object]:
        """Return the arguments that are not shown."""
        if isinstance(called, ast.Name):
            return REST[called.id]
        assert isinstance(called, ast.Attribute)
        if called.attr == "expand":
            return MAPPED
        assert called.attr == "partial"
        assert isinstance(called.value, ast.Name)
        rest = REST[called.value.id]
        return {n: v for n, v in rest.items() if n not in {"customer", "customers"}}


def is_ellipsis(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is ...


def completed(code: str, name: str, record_id: str, invoice_id: str) -> str:
    """Return the file of a DAG in which a block stands as it does in the guide."""
    tree = Completed().visit(ast.parse(code))
    text = ast.unparse(ast.fix_missing_locations(tree))
    names = {n for n in ast.walk(tree) if isinstance(n, ast.Name)}
    stored = {n.id for n in names if not isinstance(n.ctx, ast.Load)}
    stored |= {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}
    stored |= {
        (alias.asname or alias.name)
        for n in ast.walk(tree)
        if isinstance(n, ast.Import | ast.ImportFrom)
        for alias in n.names
    }
    free = {n.id for n in names} - stored - set(dir(builtins))
    granted = [GRANTED[each] for each in sorted(free & GRANTED.keys())]
    lines = [
        "from airflow.sdk import DAG, task",
        "from airflow_provider_codat.operators.codat import *",
    ]
    if "with DAG(" in code:
        lines += [*granted, text]
    else:
        lines += [f"with DAG({name!r}, params={parameters(record_id, invoice_id)!r}):"]
        lines += [textwrap.indent("\n".join([*granted, text, "pass"]), "    ")]
    whole = "\n".join(lines).replace("s3://aws_default@warehouse/codat", FILES.as_uri())
    whole = whole.replace(COMPANY, SECOND_COMPANY_ID)
    return whole.replace(CONNECTION, SECOND_CONNECTION_ID).replace("RECORD", record_id)


def parameters(record_id: str, invoice_id: str) -> dict[str, str]:
    """Return what a DAG may ask for when it is triggered."""
    return {
        "company_id": SECOND_COMPANY_ID,
        "connection_id": SECOND_CONNECTION_ID,
        "customer_id": record_id,
        "folder": FILES.as_uri(),
        "invoice_id": invoice_id,
        "name": "Larkspur Stationery Ltd",
        "record_id": record_id,
    }


def run(name: str, code: str) -> str:
    """Run what a block defines; return what went wrong."""
    from airflow.dag_processing.dagbag import DagBag  # noqa: PLC0415 - after the database is there

    with LocalCodat(
        settle_seconds=0.05,
        refresh_seconds=0,
        requests_per_minute=None,
        daily_quota=None,
    ) as codat:
        os.environ["AIRFLOW_CONN_CODAT_DEFAULT"] = codat.airflow_connection()
        carol = BOB | {"customerName": "Carol"}
        # The second company has one connection, which is found where none is named.
        record_id = codat.typed_in(carol, connection_id=SECOND_CONNECTION_ID).record_id
        invoice_id = codat.typed_in(
            {"invoiceNumber": "S-1"},
            data_type="invoices",
            connection_id=SECOND_CONNECTION_ID,
        ).record_id
        from airflow_provider_codat.hooks.codat import CodatHook  # noqa: PLC0415 - the same

        CodatHook().refresh(SECOND_COMPANY_ID)
        path = HOME / "dags" / f"{name}.py"
        text = completed(code, name, record_id, invoice_id)
        path.write_text(text, encoding="utf-8")
        bag = DagBag(path, safe_mode=False)
        problems = list(bag.import_errors.values())
        for dag in bag.dags.values():
            if dag.tasks:
                conf = parameters(record_id, invoice_id)
                asked = {n: v for n, v in conf.items() if n in dag.params}
                problems += outcome(dag, asked)
    return "\n".join(problems)


def outcome(dag: Any, conf: dict[str, str]) -> list[str]:  # noqa: ANN401 - Airflow's
    """Run a DAG; return which of its tasks did not succeed."""
    done = dag.test(run_conf=conf)
    return [
        f"{dag.dag_id}.{ti.task_id}: {ti.state}"
        for ti in done.get_task_instances()
        if ti.state != "success"
    ]


def main() -> None:
    """Run all."""
    logging.disable(logging.DEBUG)
    (HOME / "dags").mkdir(parents=True)
    FILES.mkdir()
    rows = [{**ADA, "reference": "C-0001"}, {**BOB, "reference": "C-0002"}]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (FILES / "customers.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    (FILES / "S-1001.pdf").write_bytes(b"%PDF-1.7")
    with sqlite3.connect(FILES / "warehouse.db") as database:
        database.execute("CREATE TABLE customers (no, company, email, street, zip)")
        row = (1, "Fen Bakery", "fen@fen.example", "Main 1", "1000")
        database.execute("INSERT INTO customers VALUES (?, ?, ?, ?, ?)", row)
    warehouse = {"conn_type": "sqlite", "host": str(FILES / "warehouse.db")}
    os.environ["AIRFLOW_CONN_WAREHOUSE"] = json.dumps(warehouse)
    command = [sys.executable, "-m", "airflow", "db", "migrate"]
    subprocess.run(command, check=True, capture_output=True)
    results = {}
    for number, (where, code) in enumerate(
        json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")).items()
    ):
        try:
            results[where] = run(f"block_{number}", code)
        except Exception:  # noqa: BLE001 - whatever it is, it is what came of it
            results[where] = traceback.format_exc()
    Path(sys.argv[2]).write_text(json.dumps(results), encoding="utf-8")


if __name__ == "__main__":
    main()
