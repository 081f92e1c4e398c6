"""What a DAG file pays for importing the operator, beside what others cost.

Airflow parses DAG files again and again, so what they import is paid for again and
again. Counted is what Python itself reports (``-X importtime``, self times) after
``from airflow.sdk import DAG, BaseOperator``, which every DAG file pays for anyway. The
candidates take turns, so that a busy machine is unkind to all alike.

Makes an environment of its own in ``.bench``; writes ``benchmarks/imports.json``.
"""

import json
import os
import re
import statistics
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".bench"
PYTHON = FOLDER / "bin" / "python"
RESULT = Path(__file__).with_suffix(".json")
ROUNDS = 11

AIRFLOW = "from airflow.sdk import DAG, BaseOperator"
OURS = "CreateAccountingCustomerOperator"
CANDIDATES = {
    OURS: "from airflow_provider_codat.operators.codat import " + OURS,
    "HttpOperator": "from airflow.providers.http.operators.http import HttpOperator",
    "Codat SDK: sync for commerce": "from codatsynccommerce import CodatSyncCommerce",
    "Codat SDK: accounting": "from codat_accounting import CodatAccounting",
}
PACKAGES = (
    "apache-airflow==3.3.2",
    "apache-airflow-providers-http",
    "codat-sync-for-commerce-version-1",
    # What codat-accounting needs and Airflow does not bring.
    "eval-type-backport",
    "jsonpath-python",
    "python-dateutil",
    "typing-inspect",
)
# Its requirements (pydantic<2.10, httpx<0.28) shut out Airflow 3.3.
WITHOUT_REQUIREMENTS = ("codat-accounting",)
VERSIONS = (
    "airflow-provider-codat",
    "apache-airflow",
    "apache-airflow-providers-http",
    "codat-sync-for-commerce-version-1",
    "codat-accounting",
)
SELF_TIME = re.compile(r"import time:\s+(\d+) \|")


def main() -> None:
    """Measure, print the table, write the result."""
    prepare()
    costs: dict[str, list[int]] = {name: [] for name in CANDIDATES}
    base: list[int] = []
    for round_ in range(ROUNDS + 1):
        for name, statement in CANDIDATES.items():
            airflow, cost = measure(statement)
            if round_:  # the first only warms the caches
                costs[name].append(cost)
                base.append(airflow)
        print(f"\rround {round_} of {ROUNDS}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    result = {
        "python": sys.version.split()[0],
        "versions": versions(),
        "rounds": ROUNDS,
        "microseconds_airflow_sdk": round(statistics.median(base)),
        "microseconds_after_it": {
            name: round(statistics.median(all_)) for name, all_ in costs.items()
        },
        "times_ours": {name: ratio(all_, costs[OURS]) for name, all_ in costs.items()},
    }
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    show(result)


def prepare() -> None:
    """Make the environment, and install the package as it stands."""
    pip = (str(PYTHON), "-m", "pip", "--disable-pip-version-check", "install", "-q")
    if not PYTHON.exists():
        print("Making .bench: Airflow, this package and its peers (a minute) ...")
        venv.create(FOLDER, with_pip=True, clear=True)
        subprocess.run([*pip, *PACKAGES], check=True)
        subprocess.run([*pip, "--no-deps", *WITHOUT_REQUIREMENTS], check=True)
    build = (sys.executable, "-m", "build", "--outdir", str(FOLDER / "dist"), str(ROOT))
    subprocess.run(build, stdout=subprocess.DEVNULL, check=True)
    (wheel,) = (FOLDER / "dist").glob("*.whl")
    subprocess.run([*pip, str(wheel)], check=True)
    subprocess.run([*pip, "--force-reinstall", "--no-deps", str(wheel)], check=True)


def measure(statement: str) -> tuple[int, int]:
    """Return the microseconds of Airflow's import, and of the statement after it."""
    mark = "import sys; print('MARK', file=sys.stderr, flush=True)"
    done = subprocess.run(
        [str(PYTHON), "-PXimporttime", "-c", f"{AIRFLOW}\n{mark}\n{statement}"],
        cwd=FOLDER,
        env={"PATH": os.environ["PATH"], "AIRFLOW_HOME": str(FOLDER / "airflow")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(done.stderr[-3000:])
    before, after = done.stderr.split("MARK")
    return microseconds(before), microseconds(after)


def microseconds(report: str) -> int:
    """Return the sum of the self times of a report of importtime's."""
    return sum(map(int, SELF_TIME.findall(report)))


def ratio(costs: list[int], ours: list[int]) -> float:
    """Return the median of what a round of it cost, in ours of the same round."""
    pairs = zip(costs, ours, strict=True)
    return round(statistics.median(cost / own for cost, own in pairs), 2)


def versions() -> dict[str, str]:
    """Return the versions that were measured."""
    program = (
        "import sys; from importlib.metadata import version\n"
        "print(*map(version, sys.argv[1:]))"
    )
    done = subprocess.run(
        [str(PYTHON), "-c", program, *VERSIONS],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(zip(VERSIONS, done.stdout.split(), strict=True))


def show(result: dict[str, dict[str, float]]) -> None:
    """Print the table."""
    print(f"after `{AIRFLOW}`, median of {ROUNDS} rounds:\n")
    print(f"{'import':<34}{'ms':>8}{'times ours':>12}")
    for name, cost in result["microseconds_after_it"].items():
        times = result["times_ours"][name]
        print(f"{name:<34}{cost / 1000:>8.1f}{times:>12.2f}")


if __name__ == "__main__":
    main()
