"""The law of what XCom carries: the page on files says what comes of each value.

Through a real DAG run: what one task returns, Airflow stores, and another one is given.
"""

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from page_tables import check_table

from airflow_provider_codat.simulator import LocalCodat

PAGE = Path(__file__).parents[2] / "docs" / "files.md"
HEAD = "| a task returns a list of | gives |\n|---|---|\n"
AIRFLOW = tuple(int(part) for part in version("apache-airflow").split(".")[:2])

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(AIRFLOW < (3, 3), reason="the page tells of the current one"),
]


def told(run: Any, kind: str, codat: LocalCodat) -> str:  # noqa: ANN401 - conftest.py's FinishedRun
    """Return what came of a value."""
    if run.task(f"give_{kind}").state != "success":
        return "Airflow does not store it"
    result = run.xcom(task_id=kind)
    if run.task(kind).state == "success":
        by_id = {record.record_id: record.record for record in codat.ledger()}
        record = by_id[result["results"][0]["record_id"]]
        taken = record.get("supplementalData", {}).get("content", {}).get("a", {})
        shown = ", ".join(f"`{value!r}`" for value in taken.values())
        return f"a customer{f', with {shown}' if shown else ''}"
    return f"`{result['results'][0]['problems'][0]}`" if result else "the task fails"


def test_the_page(
    run_dag: Callable[..., Any],
    local_codat: LocalCodat,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each value gives what stands there; CODAT_DOCS_TABLES=1 writes it anew."""
    for library in ("attrs", "numpy", "pandas", "pydantic"):
        pytest.importorskip("attr" if library == "attrs" else library)
    monkeypatch.setenv("AIRFLOW__CORE__ALLOWED_DESERIALIZATION_CLASSES", "unusual_*")
    run = run_dag("tests/xcom_values.py", "xcom_values")
    kinds = [
        each.task_id.removeprefix("give_")
        for each in run._run.get_task_instances()  # noqa: SLF001 - the wrapper has no list
        if each.task_id.startswith("give_")
    ]
    rows = [
        f"| {kind.replace('_', ' ')} | {told(run, kind, local_codat)} |\n"
        for kind in sorted(kinds)
    ]
    check_table(PAGE, "xcom", [HEAD, *rows])
