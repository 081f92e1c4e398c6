"""The guides say what was measured."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]
BENCHMARKS = ROOT / "benchmarks"
if not BENCHMARKS.is_dir():
    pytest.skip("the benchmarks are not here", allow_module_level=True)


def loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_misfortunes() -> None:
    """The tables in the guide are those of the numbers that were measured."""
    page = (ROOT / "docs" / "exactly-once.md").read_text(encoding="utf-8")
    measured = (BENCHMARKS / "misfortunes.json").read_text(encoding="utf-8")
    tables = loaded("misfortune_tables")
    assert tables.rewritten(page, json.loads(measured)) == page


def test_sources() -> None:
    """The table of what sources take is that of the numbers that were measured."""
    page = (ROOT / "docs" / "files.md").read_text(encoding="utf-8")
    measured = (BENCHMARKS / "sources.json").read_text(encoding="utf-8")
    assert loaded("sources").rewritten(page, json.loads(measured)) == page


def test_bulk() -> None:
    """The tables of many customers are those of the numbers that were measured."""
    page = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    measured = (BENCHMARKS / "bulk.json").read_text(encoding="utf-8")
    tables = loaded("bulk_tables")
    assert tables.rewritten(page, json.loads(measured)) == page


def test_bulk_plot() -> None:
    """The plot of many customers shows the numbers that were measured."""
    plot = (ROOT / "docs" / "bulk-benchmark.svg").read_text(encoding="utf-8")
    measured = json.loads((BENCHMARKS / "bulk.json").read_text(encoding="utf-8"))
    tables = loaded("bulk_tables")
    customers = measured["customers"]["latency"]
    for came in measured["latency"].values():
        assert f" {tables.wall_seconds(came, customers):,.2f}<" in plot
        assert f" {tables.requests_each(came):,.2f}<" in plot
    for came in measured["processor"].values():
        assert f" {came['cpu_milliseconds']:,.2f}<" in plot
    for name in measured["latency"]:
        assert tables.TITLES[name].replace("`", "") in plot


@pytest.mark.slow
def test_rows_do_not_stay_in_memory() -> None:
    """100,000 rows of a query, of Parquet or of CSV take less than 50 MiB."""
    pytest.importorskip("pyarrow")
    if not Path("/proc/self/status").exists():
        pytest.skip("Linux alone tells the peak of a process")
    sources = ("postgres", "parquet", "csv")
    only = [word for source in sources for word in ("--only", source)]
    command = [sys.executable, BENCHMARKS / "sources.py", "--rows", "100000", *only]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if "NotInstalled" in done.stderr:
        pytest.skip("Postgres is not on this machine")
    assert done.returncode == 0, done.stderr
    taken = [float(line.split()[-2]) for line in done.stdout.splitlines()]
    assert len(taken) == len(sources)
    assert max(taken) < 50, done.stdout
