"""What Codat sees of several workers: one pace, and every row once.

A Celery deployment with a Postgres and a Redis of its own, one for all tests.
"""

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from dag_runs import AIRFLOW, DagRun

from airflow_provider_codat.simulator import LocalCodat

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(AIRFLOW < (3, 3), reason="one Airflow is enough for the pace"),
]

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
DAG = "many_workers"
TASKS, ROWS = 2, 150
QUICK = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "45",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
    "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "5",
}
# Codat's and ours are as 1,000 to 900, only fewer.
CODATS_PER_MINUTE, OURS_PER_MINUTE = 300, 270


@pytest.fixture(scope="module")
def codats() -> Iterator[dict[str, LocalCodat]]:
    """Serve a Codat for each way of sharing the minute."""
    strict: dict[str, Any] = {"requests_per_minute": CODATS_PER_MINUTE}
    with LocalCodat(**strict) as shared, LocalCodat(**strict) as divided:
        yield {"shared": shared, "divided": divided}


@pytest.fixture(scope="module")
def airflow(
    codats: dict[str, LocalCodat],
    connection: Callable[..., str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Any]:
    """Start two workers and two triggerers, where their programs are installed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "scripts"))
        from local_celery import LocalCelery, redis_url  # noqa: PLC0415 - found by the line above
        from local_databases import NotInstalled  # noqa: PLC0415 - the same

        dags = ROOT / "benchmarks" / "workers_dags"
        home = tmp_path_factory.mktemp("airflow")
        try:
            with LocalCelery.running(home, dags, QUICK) as started:
                share = {"requests_per_minute": OURS_PER_MINUTE, "pool_slots": TASKS}
                url = f"{redis_url(started.servers['redis'])}/1"
                ways = {"shared": {**share, "shared_pace_url": url}, "divided": share}
                for way, extra in ways.items():
                    fields = json.loads(connection(codats[way]))
                    body = {**fields, "extra": json.dumps(extra)}
                    body["connection_id"] = f"codat_{way}"
                    started.ask("POST", f"{started.API}/connections", body)
                pool = {"name": "codat", "slots": TASKS, "include_deferred": True}
                started.ask("POST", f"{started.API}/pools", pool)
                yield started
        except NotInstalled as error:
            pytest.skip(str(error))
    for name in ("local_airflow", "local_celery", "local_databases"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("way", ["shared", "divided"])
def test_one_pace_and_every_row_once(
    way: str,
    airflow: Any,  # noqa: ANN401 - scripts/local_airflow.py
    codats: dict[str, LocalCodat],
    tmp_path: Path,
) -> None:
    """Two tasks at once ask no faster together than one may; none is lost or twice.

    Also where a worker is killed in the middle of it, and started again.
    """
    codat = codats[way]
    shards = []
    for number in range(TASKS):
        path = tmp_path / f"{number}.jsonl"
        names = [f"Fen {way} {number} {row}" for row in range(ROWS)]
        rows = [
            {"reference": f"{number}-{n}", "customerName": name, "status": "Active"}
            for n, name in enumerate(names)
        ]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        shards.append(
            {
                "company_id": codat.company_id,
                "connection_id": codat.connection_id,
                "customers_path": str(path),
                "results_path": str(path.with_suffix(".results")),
            }
        )
    conf = {"shards": shards, "conn_id": f"codat_{way}"}
    run_id = airflow.trigger(DAG, conf)
    run = DagRun(airflow, codat, DAG, run_id, f"Fen {way}")
    run.until("sending", lambda: len(run.creates()) >= ROWS // 2)
    airflow.strike("worker-1")
    airflow.start_part("worker-1")
    run.until_over()
    assert airflow.run_state(DAG, run_id) == "success", run.logs()
    counts = Counter(record.name for record in codat.ledger())
    wanted = {f"Fen {way} {n} {row}" for n in range(TASKS) for row in range(ROWS)}
    assert {name for name, times in counts.items() if times != 1} == set()
    assert wanted <= set(counts)
    journal = codat.journal()
    at = sorted(entry.at.timestamp() for entry in journal)
    most = max(sum(e < first + 60 for e in at[n:]) for n, first in enumerate(at))
    assert most <= OURS_PER_MINUTE
    assert 429 not in {entry.status for entry in journal}
