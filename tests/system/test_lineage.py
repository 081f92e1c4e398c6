"""What lineage tools are told of a run, through Airflow's own OpenLineage provider."""

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from dag_runs import AIRFLOW, DagRun
from jsonschema import Draft202012Validator

from airflow_provider_codat.simulator import LocalCodat

pytest.importorskip("airflow.providers.openlineage.extractors")
pytest.importorskip("airflow.providers.postgres.hooks.postgres")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(AIRFLOW < (3, 3), reason="one Airflow is enough for this"),
]

HERE = Path(__file__).parent

FACET = {"type": "object", "required": ["_producer", "_schemaURL"]}
FACETS = {"type": "object", "additionalProperties": FACET}
DATASETS = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["namespace", "name"],
        "properties": {
            "namespace": {"type": "string", "minLength": 1},
            "name": {"type": "string", "minLength": 1},
            "facets": FACETS,
            "inputFacets": FACETS,
            "outputFacets": FACETS,
        },
    },
}
RUN_EVENT = {
    "type": "object",
    "required": ["run", "job", "eventTime", "producer"],
    "properties": {
        "eventType": {
            "enum": ["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"]
        },
        "eventTime": {"type": "string"},
        "producer": {"type": "string"},
        "run": {
            "type": "object",
            "required": ["runId"],
            "properties": {"facets": FACETS},
        },
        "job": {"type": "object", "required": ["namespace", "name"]},
        "inputs": DATASETS,
        "outputs": DATASETS,
    },
}
"""What OpenLineage asks of an event of a run."""


def names(datasets: list[dict[str, Any]]) -> list[str]:
    return [f"{each['namespace']}/{each['name']}" for each in datasets]


@pytest.fixture
def warehouse() -> Iterator[str]:
    """Keep a customer in a Postgres; return the connection."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(HERE.parents[1] / "scripts"))
        from local_databases import NotInstalled, postgres  # noqa: PLC0415 - found by the line above

        try:
            with postgres() as server:
                place = server.connection
                url = f"postgresql://airflow@127.0.0.1:{place['port']}/postgres"
                with psycopg2.connect(url) as database, database.cursor() as cursor:
                    cursor.execute("CREATE TABLE debtors (no integer, company text)")
                    cursor.execute("INSERT INTO debtors VALUES (3, 'Fen Gamma')")
                database.close()
                yield json.dumps(place)
        except NotInstalled as error:
            pytest.skip(str(error))
    sys.modules.pop("local_databases", None)


def test_events_of_a_run(
    start_airflow: Callable[..., Any],
    connection: Callable[..., str],
    codat: LocalCodat,
    warehouse: str,
    tmp_path: Path,
) -> None:
    """Each task tells what it has read and written, how many, and from which column.

    The datasets are named as the assets are; no event holds a value of a row.
    """
    (tmp_path / "rows.csv").write_text("no,company\n1,Fen Alpha\n2,Fen Beta\n")
    log = tmp_path / "events.jsonl"
    transport = {"type": "file", "log_file_path": str(log), "append": True}
    airflow = start_airflow(
        HERE / "dags",
        codat,
        AIRFLOW_CONN_CODAT_DEFAULT=connection(codat),
        AIRFLOW_CONN_WAREHOUSE=warehouse,
        AIRFLOW__OPENLINEAGE__TRANSPORT=json.dumps(transport),
    )
    run_id = airflow.trigger("lineage", {"folder": str(tmp_path)})
    run = DagRun(airflow, codat, "lineage", run_id, "Fen")
    run.until_over()
    states = {each["task_id"]: each["state"] for each in run.instances()}
    assert states.pop("partly") == "failed"
    assert set(states.values()) == {"success"}, run.logs()

    def completed() -> dict[str, dict[str, Any]]:
        events = [json.loads(line) for line in log.read_text().splitlines()]
        for event in events:
            Draft202012Validator(RUN_EVENT).validate(event)
        return {
            event["job"]["name"].rpartition(".")[2]: event
            for event in events
            if event["eventType"] in {"COMPLETE", "FAIL"}
        }

    tasks = {"one", "many", "query", "refreshed", "listed", "partly"}
    run.until("told", lambda: tasks <= completed().keys())
    told = completed()
    customers = f"codat://companies/{codat.company_id}/customers"
    rows = {name: _rows(told[name]) for name in tasks - {"refreshed"}}
    # Of a task that fails, too, as far as it got.
    assert rows == {"one": 1, "many": 2, "query": 1, "listed": 4, "partly": 1}
    assert names(told["refreshed"]["outputs"]) == [customers]
    assert names(told["one"]["outputs"]) == [customers]
    assert names(told["many"]["inputs"]) == [f"file/{tmp_path}/rows.csv"]
    assert names(told["many"]["outputs"]) == [
        customers,
        f"file/{tmp_path}/results.jsonl",
    ]
    columns = told["many"]["outputs"][0]["facets"]["columnLineage"]["fields"]
    (source,) = columns["customerName"]["inputFields"]
    assert source["field"] == "company"
    # Neither the columns nor the rows are those of the file of results.
    assert not told["many"]["outputs"][1].get("facets")
    assert not told["many"]["outputs"][1].get("outputFacets")
    (table,) = told["query"]["inputs"]
    assert table["name"].endswith("debtors")
    assert names(told["listed"]["inputs"]) == [customers]
    assert names(told["listed"]["outputs"]) == [f"file/{tmp_path}/listed.jsonl"]
    written = log.read_text()
    assert not re.search("Fen (Alpha|Beta|Gamma|Delta|Epsilon)", written)


def _rows(event: dict[str, Any]) -> int:
    count: int = event["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"]
    return count
