"""What the simulator needs and offers as a package."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_provider_codat import simulator


def test_no_other_names() -> None:
    """The package offers what it lists, and nothing else."""
    assert all(hasattr(simulator, name) for name in simulator.__all__)
    assert not hasattr(simulator, "Codat")


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("from airflow_provider_codat.simulator import RemoteCodat", "aiohttp"),
        ("from airflow_provider_codat.simulator import LocalCodat", "airflow"),
        (
            "from airflow_provider_codat.simulator import LocalCodat",
            "airflow_provider_codat.api",
        ),
    ],
)
def test_independence(statement: str, absent: str) -> None:
    """The simulator needs no Airflow and shares nothing with the package's api."""
    program = f"import sys; {statement}; sys.exit({absent!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_without_aiohttp() -> None:
    """Without the extra, LocalCodat says what to install."""
    program = (
        "import sys; sys.modules['aiohttp'] = None\n"
        "from airflow_provider_codat.simulator import LocalCodat"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )
    assert ran.returncode == 1
    assert "airflow-provider-codat[simulator]" in ran.stderr


def test_plugin(tmp_path: Path) -> None:
    """The fixture of the pytest plugin gives each test a fresh simulator."""
    (tmp_path / "test_dag.py").write_text(
        "import pytest\n"
        "@pytest.mark.parametrize('again', [1, 2])\n"
        "def test_it(local_codat, again):\n"
        "    assert local_codat.ledger() == []\n"
        "    assert local_codat.url.startswith('http://127.0.0.1:')\n"
    )
    plugin = "airflow_provider_codat.simulator.pytest_plugin"
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", plugin, "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert "2 passed" in ran.stdout, ran.stdout
