"""What one cell of the journal costs, in each place where it may be kept.

One task of a real Airflow writes and reads cells, by turns in Airflow's own store (over
its API server, whose database is SQLite), in a Postgres, a MariaDB and SQLite; all on
this machine, so what a network adds is left out. Writes ``benchmarks/journal.json`` and
the table in ``docs/benchmarks.md``.
"""

import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

sys.path.append(str(Path(__file__).parents[1] / "scripts"))
from local_airflow import LocalAirflow
from local_databases import mariadb, postgres

ROOT = Path(__file__).resolve().parents[1]
DAG = "journal_stores"
RESULT = Path(__file__).with_suffix(".json")
PAGE = ROOT / "docs" / "benchmarks.md"
BEGIN = "<!-- journal: written by make bench-journal -->"
END = "<!-- journal: end -->"
KINDS = ("write entry", "read entry", "write window", "read window")
ENDED = {"success", "failed"}


def main() -> None:
    """Measure, print the table, write the result and the page."""
    result = {"date": datetime.now(UTC).date().isoformat(), "milliseconds": measured()}
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    text = table(result)
    before, rest = PAGE.read_text().split(BEGIN)
    _, after = rest.split(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")
    print(text)


def measured() -> dict[str, dict[str, float]]:
    """Return the median milliseconds of each thing, for each store."""
    with (
        TemporaryDirectory() as folder,
        postgres(durable=True) as one,
        mariadb(durable=True) as other,
    ):
        sqlite = {"conn_type": "sqlite", "host": f"{folder}/journal.db"}
        connections = {
            "postgres": one.connection,
            "mariadb": other.connection,
            "sqlite": sqlite,
        }
        names = {"Postgres": "postgres", "MariaDB": "mariadb", "SQLite": "sqlite"}
        env = {
            **{
                f"AIRFLOW_CONN_{n.upper()}": json.dumps(c)
                for n, c in connections.items()
            },
            "JOURNALS": json.dumps(names),
        }
        dags = Path(__file__).parent / "journal_dags"
        with LocalAirflow(Path(folder) / "airflow", dags, env) as airflow:
            run_id = airflow.trigger(DAG)
            while airflow.run_state(DAG, run_id) not in ENDED:
                time.sleep(1)
            (instance,) = airflow.task_instances(DAG, run_id)
            if instance["state"] != "success":
                sys.exit(airflow.log(instance, 1))
            found: dict[str, dict[str, float]] = airflow.xcom(instance)
            return found


def table(result: dict[str, Any]) -> str:
    """Return the table in Markdown: milliseconds, and times Airflow's own."""
    of_airflow = result["milliseconds"]["Airflow's own"]
    lines = [
        f"| Kept in | {', ms | '.join(KINDS)}, ms |",
        "|---|" + "---:|" * len(KINDS),
    ]
    for name, took in result["milliseconds"].items():
        cells = (
            f"{took[kind]:.1f} ({took[kind] / of_airflow[kind]:.2f})" for kind in KINDS
        )
        lines.append(f"| {name} | {' | '.join(cells)} |")
    words = f"Medians; in brackets times Airflow's own store. On {result['date']}."
    return "\n".join([*lines, "", words])


if __name__ == "__main__":
    main()
