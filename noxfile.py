"""The wheel, on several versions of Airflow: ``make nox``.

Each session installs the wheel that was built once, copies the tests to a folder from
which the sources cannot be imported, and runs them there. What follows ``--`` is handed
to pytest in their place: ``nox -s airflow-3.2.2 -- tests/provider -k hook``.

Each leaves in ``.nox/results`` what works on its version. After all that are named
``airflow-...``, ``python scripts/compatibility.py`` writes the table of the guides.
"""

import json
import shutil
import tempfile
from pathlib import Path
from xml.etree import ElementTree as ET

import nox

nox.needs_version = ">=2025.5.1"
nox.options.default_venv_backend = "venv"
nox.options.error_on_external_run = True
nox.options.sessions = ["airflow-2.11.2", "airflow-3.1.8", "airflow-3.3.2"]

ROOT = Path(__file__).parent
DIST = ROOT / ".nox" / "dist"
RESULTS = ROOT / ".nox" / "results"
COPIED = ("tests", "dags", "docs", "scripts", "setup.cfg", "README.md")

# What a version needs beside it, as pip alone finds no set that works: these came
# before incompatible releases of what they rest on.
AIRFLOWS = {
    "2.11.2": [],
    "3.0.6": ["fastapi<0.118", "universal-pathlib<0.3"],
    "3.1.8": [],
    "3.2.2": ["fastapi<0.137", "svcs<26"],
    "3.3.2": [],
}
TESTS = ("tests/api", "tests/provider")
PARALLEL = ("-n", "4", "--dist", "worksteal")  # as in the Makefile
NEWEST = "3.3.2"
OTHER_PYTHONS: tuple[str, ...] = ()  # such as "3.13", for the newest Airflow
FAST = (*TESTS, "-m", "not slow")
CHOSEN = {
    # `make test` runs all tests on the newest; here it is the wheel's turn.
    NEWEST: FAST,
    # Each task of a test's DAG run takes these versions seconds. The oldest and the
    # newest run them all, and these have the DAG runs of check_installed.py.
    "3.0.6": FAST,
    "3.1.8": FAST,
    "3.2.2": FAST,
}


@nox.session
def wheel(session: nox.Session) -> None:
    """Build the wheel, from the sdist."""
    session.install("build")
    shutil.rmtree(DIST, ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", str(DIST), str(ROOT), silent=True)


def check(session: nox.Session, version: str) -> None:
    """Install the wheel beside one Airflow, and try it there."""
    (built,) = DIST.glob("*.whl")
    session.install(
        f"airflow-provider-codat[test] @ {built.as_uri()}",
        f"apache-airflow=={version}",
        *AIRFLOWS[version],
    )
    # For `nox -r`: a wheel of the same version would not replace the one before.
    session.install("--force-reinstall", "--no-deps", str(built))
    session.run("python", "-m", "pip", "check")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for each in COPIED:
            copy = shutil.copytree if (ROOT / each).is_dir() else shutil.copy
            copy(ROOT / each, folder / each)
        session.chdir(folder)
        session.env["AIRFLOW_HOME"] = str(folder / "home")
        session.run("python", "scripts/check_installed.py", version, "seen.json")
        # The newest may warn of nothing; older ones warn of what they rest on.
        warnings = [] if version == NEWEST else ["-W", "ignore"]
        chosen = session.posargs or (*CHOSEN.get(version, TESTS), *PARALLEL)
        # Codat's descriptions have been compared by `make test`.
        apart = {"CODAT_OPENAPI_DIR": None, "CODAT_MODELS_DIR": None}
        pytest = ("pytest", "-q", "--junit-xml=tests.xml", *warnings, *chosen)
        session.run(*pytest, env=apart, success_codes=[0, 1])
        session.chdir(ROOT)
        tests = counted(folder / "tests.xml")
        if not session.posargs:
            seen = json.loads((folder / "seen.json").read_text(encoding="utf-8"))
            RESULTS.mkdir(exist_ok=True)
            kind = "fast" if "not slow" in chosen else "all"
            result = json.dumps({**seen, "tests": {kind: tests}}, indent=2)
            (RESULTS / f"{session.name}.json").write_text(result, encoding="utf-8")
    if tests["failed"]:
        session.error("Tests have failed")


def counted(report: Path) -> dict[str, int]:
    """Return how many tests have passed, and have not."""
    (suite,) = ET.parse(report).getroot()  # noqa: S314 - pytest wrote it
    skipped = int(suite.attrib["skipped"])
    failed = int(suite.attrib["failures"]) + int(suite.attrib["errors"])
    passed = int(suite.attrib["tests"]) - skipped - failed
    return {"passed": passed, "skipped": skipped, "failed": failed}


def of_airflow(version: str, python: str | None = None) -> None:
    """Make the session for one Airflow, on this Python or another."""
    name = f"airflow-{version}" + (f"-python-{python}" if python else "")

    @nox.session(name=name, python=python, requires=["wheel"])
    def _airflow(session: nox.Session) -> None:
        check(session, version)


for _version in AIRFLOWS:
    of_airflow(_version)
for _python in OTHER_PYTHONS:
    of_airflow(NEWEST, _python)
