"""The laws of the example DAGs that create many customers in one task."""

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_codat.simulator import LocalCodat
from airflow_provider_codat.simulator.world import (
    SECOND_COMPANY_ID,
    SECOND_CONNECTION_ID,
)

try:
    from airflow.dag_processing.dagbag import DagBag
except ImportError:  # Airflow 2 and 3.1
    from airflow.models.dagbag import DagBag

ROOT = Path(__file__).parents[2]
DATA = ROOT / "dags" / "data"
IN_BULK = "codat_create_customers_in_bulk"
SHARDED = "codat_create_customers_sharded"
TASK = "create_customers"


@pytest.fixture
def run_example(run_dag: Callable[..., Any], tmp_path: Path) -> Callable[..., Any]:
    """Run an example whose files lie in the test's own folder."""

    def run(name: str, **conf: object) -> Any:  # noqa: ANN401 - conftest's FinishedRun
        conf["folder"] = str(tmp_path)
        return run_dag(f"examples/{name}.py", name, conf)

    return run


def lines_of(path: str | Path) -> list[dict[str, Any]]:
    text = Path(path).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def names_by_reference(path: Path = DATA / "customers.jsonl") -> dict[str, str]:
    return {row["reference"]: row["customerName"] for row in lines_of(path)}


def records_by_name(codat: LocalCodat, company_id: str) -> dict[str, str]:
    found = [each for each in codat.ledger() if each.company_id == company_id]
    by_name = {str(record.name): record.record_id for record in found}
    assert len(by_name) == len(found)
    return by_name


def test_the_files_tell_of_the_same_customers() -> None:
    """The example's CSV and its JSON lines hold the same rows, in the same order."""
    with (DATA / "customers.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["reference"]: row["name"] for row in csv.DictReader(file)}
    assert list(names_by_reference().items()) == list(rows.items())


@pytest.mark.slow
def test_each_reference_is_given_its_record(
    run_example: Callable[..., Any], local_codat: LocalCodat
) -> None:
    """Every row is created once, whatever it is called, and its record is noted."""
    run = run_example(IN_BULK)
    assert run.state == "success"
    with Path(run.xcom(task_id="note_records")).open(newline="") as file:
        noted = {row["reference"]: row["record_id"] for row in csv.DictReader(file)}
    records = records_by_name(local_codat, local_codat.company_id)
    wanted = {key: records[name] for key, name in names_by_reference().items()}
    assert noted == wanted
    assert len(records) == len(wanted)
    sent = [record.customer for record in local_codat.ledger()]
    assert not any("reference" in customer for customer in sent)


@pytest.mark.slow
def test_nothing_is_noted_while_one_is_missing(
    run_example: Callable[..., Any], local_codat: LocalCodat
) -> None:
    """One that is refused fails the run; the results tell which, and all the others."""
    names = names_by_reference()
    local_codat.order("fail", customer=names["C-0002"])
    run = run_example(IN_BULK)
    assert run.state == "failed"
    assert run.xcom(task_id="note_records") is None
    told = run.xcom(task_id=TASK)
    assert told["counts"] == {"Success": len(names) - 1, "Failed": 1}
    states = {row["item_key"]: row["status"] for row in lines_of(told["results_path"])}
    assert states == {**dict.fromkeys(names, "Success"), "C-0002": "Failed"}
    assert names["C-0002"] not in local_codat.counts_by_name()


@pytest.fixture
def shards(local_codat: LocalCodat, tmp_path: Path) -> list[dict[str, str]]:
    """Return two companies, with a file each; both know a customer C-1."""
    places = {
        "ours": (local_codat.company_id, local_codat.connection_id),
        "theirs": (SECOND_COMPANY_ID, SECOND_CONNECTION_ID),
    }
    made = []
    for name, (company_id, connection_id) in places.items():
        path = tmp_path / f"{name}.jsonl"
        rows = [
            {"reference": f"C-{n}", "customerName": f"{name} {n}", "status": "Active"}
            for n in range(1, 4)
        ]
        path.write_text("\n".join(map(json.dumps, rows)))
        made.append(
            {
                "company_id": company_id,
                "connection_id": connection_id,
                "customers_path": str(path),
            }
        )
    return made


def check_shard(told: dict[str, Any], codat: LocalCodat, shard: dict[str, str]) -> None:
    """Check that a shard's results name the records in its own company's books."""
    assert told["company_id"] == shard["company_id"]
    names = names_by_reference(Path(shard["customers_path"]))
    rows = lines_of(told["results_path"])
    records = records_by_name(codat, shard["company_id"])
    assert {row["item_key"]: row["record_id"] for row in rows} == {
        key: records[name] for key, name in names.items()
    }
    assert len(records) == len(names)


@pytest.mark.slow
def test_each_shard_goes_to_its_own_books(
    run_example: Callable[..., Any],
    local_codat: LocalCodat,
    shards: list[dict[str, str]],
) -> None:
    """Each file is created in the books of its company, and has results of its own."""
    run = run_example(SHARDED, shards=shards)
    assert run.state == "success"
    for number, shard in enumerate(shards):
        check_shard(run.xcom(task_id=TASK, map_index=number), local_codat, shard)


@pytest.mark.slow
def test_a_shard_that_fails_leaves_the_others_alone(
    run_example: Callable[..., Any],
    local_codat: LocalCodat,
    shards: list[dict[str, str]],
) -> None:
    """A customer that is refused fails its own shard, and no other."""
    local_codat.order("fail", customer="ours 2")
    run = run_example(SHARDED, shards=shards)
    states = [str(run.task(TASK, number).state) for number in range(2)]
    assert states == ["failed", "success"]
    check_shard(run.xcom(task_id=TASK, map_index=1), local_codat, shards[1])
    assert set(records_by_name(local_codat, shards[0]["company_id"])) == {
        "ours 1",
        "ours 3",
    }


def test_all_shards_are_of_one_pool() -> None:
    """Which share of the minute a task takes is its share of a pool, alone."""
    bag = DagBag(ROOT / "dags" / f"{SHARDED}.py")
    task = bag.dags[SHARDED].get_task(TASK)
    assert task.pool == "codat"
    assert not {"requests_per_minute", "max_concurrency"} & set(task.partial_kwargs)


@pytest.mark.parametrize("name", [IN_BULK, SHARDED])
def test_the_guide_quotes_the_examples(name: str) -> None:
    """What the guide shows of an example stands in it, word by word."""
    guide = (ROOT / "docs" / "bulk.md").read_text(encoding="utf-8")
    source = (ROOT / "dags" / f"{name}.py").read_text(encoding="utf-8")
    pattern = rf"\[`dags/{name}\.py`\].*?```python\n(.*?)```"
    quoted = re.search(pattern, guide, re.DOTALL)
    assert quoted is not None
    assert indented(quoted[1]) in source


def indented(text: str) -> str:
    """Return lines as they stand within a DAG."""
    return "".join(
        f"    {line}" if line.strip() else line
        for line in text.splitlines(keepends=True)
    )
