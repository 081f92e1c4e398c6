"""The laws of the example DAGs that wait without a worker, in real DAG runs."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_codat.simulator import LocalCodat

pytestmark = pytest.mark.slow

SOURCE = Path(__file__).parents[2] / "dags" / "data" / "customers.csv"
EXAMPLES = {
    "each task waits": "codat_create_customers_from_csv",
    "one sensor waits": "codat_create_customers_and_wait_once",
}
RunExample = Callable[[str], Any]


@pytest.fixture
def rows(tmp_path: Path) -> list[dict[str, str]]:
    """Write a shorter file of customers, the last one's braces included."""
    with SOURCE.open(encoding="utf-8", newline="") as file:
        given = list(csv.DictReader(file))
    chosen = [given[1], given[9], given[-1]]
    with (tmp_path / "customers.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, given[0])
        writer.writeheader()
        writer.writerows(chosen)
    return chosen


@pytest.fixture
def run_example(
    run_dag: Callable[..., Any], rows: list[dict[str, str]], tmp_path: Path
) -> RunExample:
    """Run an example on the shorter file."""
    assert rows

    def run(name: str) -> Any:  # noqa: ANN401 - conftest's FinishedRun
        conf = {"csv_path": str(tmp_path / "customers.csv")}
        return run_dag(f"examples/{name}.py", name, conf)

    return run


@pytest.mark.parametrize("name", EXAMPLES.values(), ids=EXAMPLES)
def test_each_reference_is_given_its_record(
    run_example: RunExample,
    local_codat: LocalCodat,
    rows: list[dict[str, str]],
    name: str,
) -> None:
    """Every row is created once, and the last task knows which record it became."""
    run = run_example(name)
    assert run.state == "success"
    assert local_codat.counts_by_name() == dict.fromkeys([r["name"] for r in rows], 1)
    ids = {record.name: record.record_id for record in local_codat.ledger()}
    assert run.xcom(task_id="note_records") == {
        row["reference"]: ids[row["name"]] for row in rows
    }


@pytest.mark.parametrize("name", EXAMPLES.values(), ids=EXAMPLES)
def test_nothing_is_noted_while_one_is_missing(
    run_example: RunExample,
    local_codat: LocalCodat,
    rows: list[dict[str, str]],
    name: str,
) -> None:
    """A customer that is refused fails the run; no reference gets another's record."""
    local_codat.order("fail", customer=rows[1]["name"])
    run = run_example(name)
    assert run.state == "failed"
    assert run.xcom(task_id="note_records") is None
    assert set(local_codat.counts_by_name()) == {rows[0]["name"], rows[2]["name"]}


def test_the_sensor_asks_for_all_at_once(
    run_example: RunExample, local_codat: LocalCodat, rows: list[dict[str, str]]
) -> None:
    """The tasks send and do not wait; then one list tells of all that were sent."""
    run = run_example("codat_create_customers_and_wait_once")
    assert run.state == "success"
    asked = [(e.method, e.path.rpartition("/")[2]) for e in local_codat.journal()]
    assert asked[: len(rows)] == [("POST", "customers")] * len(rows)
    assert set(asked[len(rows) :]) == {("GET", "push")}


def test_what_a_person_says_reaches_its_item_alone(
    run_example: RunExample,
    local_codat: LocalCodat,
    rows: list[dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The Variable speaks of one item, and of no create that is still to come."""
    said = {rows[1]["reference"]: "not_created"}
    monkeypatch.setenv("AIRFLOW_VAR_CODAT_RESOLUTIONS", json.dumps(said))
    run = run_example("codat_create_customers_from_csv")
    assert run.state == "success"
    rendered = [run.rendered("create_customer", index) for index in range(len(rows))]
    assert [each["unknown_resolution"] for each in rendered] == ["", "not_created", ""]
    assert len(local_codat.ledger()) == len(rows)
