"""Check the installed package beside the Airflow of this environment.

Run by nox, in a folder from which the sources cannot be imported: Airflow lists the
provider, and one DAG run creates one customer in a local Codat. What else works is
written to a file by observe.py.
"""

import os
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import airflow_provider_codat
from airflow_provider_codat.simulator import LocalCodat

ROOT = Path(__file__).resolve().parents[1]
AIRFLOW = [sys.executable, "-P", "-m", "airflow"]
DAG = "codat_create_customer"
CUSTOMER = "Larkspur Stationery Ltd"
LISTS = {
    "list": "airflow-provider-codat",
    "hooks": "airflow_provider_codat.hooks.codat.CodatHook",
    "links": "airflow_provider_codat.links.codat.CodatPushOperationLink",
    "triggers": "airflow_provider_codat.triggers.codat",
}


def main(wanted: str, seen: str) -> None:
    """Check everything, or end with what is wrong.

    :param wanted: the version that Airflow must have.
    :param seen: the file for what works beside it.
    """
    if (found := version("apache-airflow")) != wanted:
        sys.exit(f"Airflow {found} is installed, not {wanted}")
    place = Path(airflow_provider_codat.__file__)
    if "site-packages" not in place.parts:
        sys.exit(f"The sources would be tested, not the wheel: {place}")
    with tempfile.TemporaryDirectory() as home, LocalCodat(settle_seconds=0) as codat:
        env = {
            **{k: v for k, v in os.environ.items() if not k.startswith("AIRFLOW")},
            "AIRFLOW_HOME": home,
            "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW_CONN_CODAT_DEFAULT": codat.airflow_connection(),
            "CODAT_COMPANY_ID": codat.company_id,
            "CODAT_CONNECTION_ID": codat.connection_id,
        }
        airflow(env, "db", "migrate")
        for what, name in LISTS.items():
            if name not in airflow(env, "providers", what, "--output", "plain"):
                sys.exit(f"airflow providers {what} does not show {name}")
        printed = airflow(env, "dags", "test", DAG)
        if codat.counts_by_name() != {CUSTOMER: 1}:
            print(printed)
            sys.exit(f"The books hold {codat.counts_by_name()}")
        observe(env, seen)
    print(f"Airflow {wanted}: the provider is listed, {DAG} created one customer")


def observe(env: dict[str, str], seen: str) -> None:
    """Write down what else works."""
    scripts = ROOT / "scripts"
    env = {**env, "AIRFLOW__CORE__DAGS_FOLDER": str(scripts / "dags")}
    # Airflow 3.0 runs no task whose asset has not been read from a DAG file before.
    airflow(env, "dags", "reserialize")
    run(env, sys.executable, "-P", str(scripts / "observe.py"), seen)


def airflow(env: dict[str, str], *arguments: str) -> str:
    """Run one command of Airflow's; return what it printed."""
    return run(env, *AIRFLOW, *arguments)


def run(env: dict[str, str], *command: str) -> str:
    """Run a program to its end; return what it printed."""
    done = subprocess.run(
        command,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        print(done.stdout)
        sys.exit(f"{' '.join(command)} ended with {done.returncode}")
    return done.stdout


if __name__ == "__main__":
    main(*sys.argv[1:])
