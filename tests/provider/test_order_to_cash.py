"""The laws of the chain of three data types, in real DAG runs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_codat.simulator import LocalCodat
from airflow_provider_codat.simulator.world import BANK_ACCOUNT_ID, SALES_ACCOUNT_ID

pytestmark = pytest.mark.slow
DAG = "codat_order_to_cash"
ACCOUNTS = {"sales_account_id": SALES_ACCOUNT_ID, "bank_account_id": BANK_ACCOUNT_ID}
ORDERS = Path(__file__).parents[2] / "dags" / "data" / "orders.csv"
RunDag = Callable[..., Any]


@pytest.fixture
def conf(tmp_path: Path) -> dict[str, str]:
    """Return what the DAG is asked: two of the orders of its file."""
    head, _, *lines = ORDERS.read_text(encoding="utf-8").splitlines()
    some = tmp_path / "orders.csv"
    some.write_text("\n".join([head, *lines[:2]]), encoding="utf-8")
    return {**ACCOUNTS, "csv_path": str(some)}


def test_each_order_is_paid_once(
    run_dag: RunDag, local_codat: LocalCodat, conf: dict[str, str]
) -> None:
    """Each customer, invoice and payment is there once, and they belong together."""
    run = run_dag(f"examples/{DAG}.py", DAG, conf)
    assert run.state == "success"
    counts = dict.fromkeys(("customers", "invoices", "payments"), 2)
    assert local_codat.counts_by_type() == counts
    records = {record.record_id: record for record in local_codat.ledger()}
    paid = [r for r in records.values() if r.data_type == "payments"]
    for payment in paid:
        [line] = payment.record["lines"]
        invoice = records[line["links"][0]["id"]]
        assert payment.record["reference"] == f"Payment of {invoice.name}"
        assert payment.record["customerRef"] == invoice.record["customerRef"]
        assert payment.record["totalAmount"] == invoice.record["totalAmount"]
    noted = run.xcom(task_id="note_payments")
    assert sorted(noted) == sorted(each.record_id for each in paid)


def test_one_customer_that_is_refused_harms_no_other(
    run_dag: RunDag, local_codat: LocalCodat, conf: dict[str, str]
) -> None:
    """Of its order nothing is sent any more; the other one is paid."""
    local_codat.order("fail", customer="On Hold Ltd", message="On hold.")
    run = run_dag(f"examples/{DAG}.py", DAG, conf)
    counts = dict.fromkeys(("customers", "invoices", "payments"), 1)
    assert local_codat.counts_by_type() == counts
    assert "S-1003" not in local_codat.counts_by_name()
    assert len(run.xcom(task_id="note_payments")) == 1
