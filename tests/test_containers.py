"""The laws of what others run this in: what the files name is there, and works."""

import json
import os
import shlex
import subprocess
import sys
import time
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from airflow_provider_codat.hooks.codat import CodatHook
from airflow_provider_codat.simulator import LocalCodat

ROOT = Path(__file__).resolve().parents[1]
COMPOSE = ROOT / "docker-compose.yaml"
if not COMPOSE.exists():
    pytest.skip("the files are not here", allow_module_level=True)
yaml: Any = pytest.importorskip("yaml")


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    """Read the services of the compose file."""
    found: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())["services"]
    return found


def test_what_is_mounted_is_there(services: dict[str, Any]) -> None:
    """Each volume is a folder of the project, and none may be written."""
    for service in services.values():
        for volume in service["volumes"]:
            source, _, rest = volume.partition(":")
            assert (ROOT / source).is_dir()
            assert rest.endswith(":ro")


def test_nothing_is_open_to_others(services: dict[str, Any]) -> None:
    """Everybody is an administrator there, so it is this machine's alone."""
    for service in services.values():
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:")


def test_the_connection_is_that_of_the_local_codat(services: dict[str, Any]) -> None:
    """Key, company and connection are those that the local Codat always has."""
    env = services["airflow"]["environment"]
    fields = json.loads(env["AIRFLOW_CONN_CODAT_DEFAULT"])
    with LocalCodat() as codat:
        theirs = json.loads(codat.airflow_connection())
        assert fields["password"] == theirs["password"]
        assert env["CODAT_COMPANY_ID"] == codat.company_id
        assert env["CODAT_CONNECTION_ID"] == codat.connection_id
    assert fields["host"] == "http://codat:8000"
    assert fields["extra"] == {"allow_insecure_http": True}


@pytest.mark.slow
def test_the_command_of_the_local_codat(
    services: dict[str, Any], tmp_path: Path
) -> None:
    """It starts with what the command installs, and nothing else of ours."""
    command = services["codat"]["command"][-1]
    wanted = [w for w in shlex.split(command) if ">=" in w]
    assert [each.partition(">=")[0] for each in wanted] == ["aiohttp", "jsonschema"]
    _, _, program = command.rpartition("exec python ")
    ready = tmp_path / "ready.json"
    words = [*shlex.split(program), "--port", "0", "--ready-file", str(ready)]
    with subprocess.Popen(
        [sys.executable, *words, "--quiet"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        while not ready.exists():
            assert process.poll() is None
            time.sleep(0.05)
        process.terminate()


def test_the_airflow_is_one_that_is_tested(services: dict[str, Any]) -> None:
    """The image's version is the newest of those that nox runs."""
    _, _, tag = services["airflow"]["image"].partition(":")
    version = tag.partition("-")[0]
    assert f'"{version}"' in (ROOT / "noxfile.py").read_text()


def test_the_example_for_astronomer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its connection is that of the local Codat, as the CLI hands it to Airflow."""
    text = (ROOT / "examples" / "astronomer" / "airflow_settings.yaml").read_text()
    (given,) = yaml.safe_load(text)["airflow"]["connections"]
    fields = {key.removeprefix("conn_"): value for key, value in given.items()}
    fields["conn_type"] = fields.pop("type")
    monkeypatch.setenv(f"AIRFLOW_CONN_{fields.pop('id').upper()}", json.dumps(fields))
    settings = CodatHook("codat_default").settings
    with LocalCodat() as codat:
        theirs = json.loads(codat.airflow_connection())
    assert settings.base_url == "http://host.docker.internal:8000"
    assert fields["password"] == theirs["password"]


@pytest.mark.parametrize("example", ["pip", "astronomer"])
def test_what_an_example_installs(example: str) -> None:
    """An extra that is named is there, and an Airflow is one that is tested."""
    declared = ConfigParser()
    declared.read(ROOT / "setup.cfg")
    for line in (ROOT / "examples" / example / "requirements.txt").read_text().split():
        wanted = Requirement(line)
        if wanted.name == "apache-airflow":
            assert f'"{str(wanted.specifier)[2:]}"' in (ROOT / "noxfile.py").read_text()
        else:
            assert wanted.name == declared["metadata"]["name"]
            assert wanted.extras <= set(declared["options.extras_require"])


def test_the_example_for_pip_is_read_by_a_shell() -> None:
    """What the file sets, a shell hands on: a connection as JSON."""
    path = ROOT / "examples" / "pip" / "airflow.env"
    shown = "import os; print(os.environ['AIRFLOW_CONN_CODAT_DEFAULT'])"
    words = f'set -a; . {shlex.quote(str(path))}; {sys.executable} -c "{shown}"'
    said = subprocess.run(
        ["/bin/sh", "-c", words], check=True, capture_output=True, text=True
    )
    assert json.loads(said.stdout) == {"conn_type": "codat", "password": "<your key>"}


def test_the_development_container() -> None:
    """What it runs when it is made is a target of the Makefile."""
    text = (ROOT / ".devcontainer" / "devcontainer.json").read_text()
    program, target = json.loads(text)["postCreateCommand"].split()
    done = subprocess.run(
        [program, "--dry-run", target], cwd=ROOT, check=False, capture_output=True
    )
    assert done.returncode == 0, done.stderr


def test_the_workflow() -> None:
    """GitHub runs what everybody runs."""
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    steps = yaml.safe_load(text)["jobs"]["all"]["steps"]
    (command,) = [step["run"] for step in steps if ".ci/run" in step.get("run", "")]
    program, path = command.split()
    assert program == "bash"
    assert (ROOT / path).exists()
