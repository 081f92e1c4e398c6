"""The laws of what a DAG file pays for importing the operator."""

import json
import pkgutil
import subprocess
import sys
from importlib.metadata import version

import pytest

import airflow_provider_codat

AIRFLOW = tuple(int(part) for part in version("apache-airflow").split(".")[:2])

HEAVY = {"requests", "jsonschema", "aiohttp", "urllib3", "http.server", "uvicorn"}

NEWLY = """
import json, sys
import airflow.sdk
from airflow.sdk import DAG, BaseOperator, BaseHook, task
before = set(sys.modules)
from airflow_provider_codat.operators.codat import CreateAccountingCustomerOperator
after = set(sys.modules)
CreateAccountingCustomerOperator(
    task_id="create", company_id="x", connection_id="y", customer={}
)
print(json.dumps([sorted(after - before), sorted(set(sys.modules) - after)]))
"""


@pytest.fixture(scope="module")
def imported() -> list[set[str]]:
    """Return the modules that came by importing, and by building the operator."""
    done = subprocess.run(
        [sys.executable, "-c", NEWLY], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return [set(names) for names in json.loads(done.stdout.splitlines()[-1])]


@pytest.mark.slow
@pytest.mark.skipif(AIRFLOW < (3, 3), reason="earlier Airflows import requests anyway")
def test_a_dag_file_imports_no_http_library(imported: list[set[str]]) -> None:
    """Neither importing nor building the operator brings what only a try needs."""
    assert not HEAVY & imported[0]
    assert not HEAVY & imported[1]


@pytest.mark.slow
@pytest.mark.skipif(AIRFLOW < (3, 3), reason="measured beside airflow.sdk")
def test_the_simulator_stays_out(imported: list[set[str]]) -> None:
    """The simulator is a program for tests; no DAG imports it."""
    assert not {name for name in imported[0] | imported[1] if "simulator" in name}


@pytest.mark.slow
def test_no_module_but_the_simulator_imports_the_simulator() -> None:
    """Two independent readings of Codat's rules: one does not use the other."""
    names = [
        module.name
        for module in pkgutil.walk_packages(
            airflow_provider_codat.__path__, "airflow_provider_codat."
        )
        if ".simulator" not in module.name
        # Airflow 2 has no API server that takes webhooks.
        and (AIRFLOW >= (3,) or "provider_codat.webhooks." not in module.name)
    ]
    code = f"""
import importlib, sys
for name in {names!r}:
    importlib.import_module(name)
assert not [name for name in sys.modules if "airflow_provider_codat.simulator" in name]
"""
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
