"""The guides say what was measured."""

import importlib.util
import json
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
