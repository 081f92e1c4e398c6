"""The wheel, on several versions of Airflow: ``make nox``.

Each session installs the wheel that was built once, copies the tests to a folder from
which the sources cannot be imported, and runs them there. What follows ``--`` is handed
to pytest in their place: ``nox -s airflow-3.2.2 -- tests/provider -k hook``.

Each leaves in ``.nox/results`` what works on its version. After all that are named
``airflow-...``, ``python scripts/compatibility.py`` writes the table of the guides.
"""

import json
import os
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree as ET

import nox

nox.needs_version = ">=2025.5.1"
# uv installs an Airflow in seconds; where it is missing, pip does in a minute.
nox.options.default_venv_backend = "uv|venv"
nox.options.error_on_external_run = True
# The oldest, one in between, and the newest on the newest Python. The others, which lie
# between these, are for the table; `make test` has the newest on the oldest Python.
nox.options.sessions = ["airflow-2.11.2", "airflow-3.1.8", "airflow-3.3.2-python-3.13"]

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
PARALLEL = ("-n", "4", "--dist", "worksteal")  # as in the Makefile
NEWEST = "3.3.2"
# What an Airflow may do otherwise. What knows none of it, is tested by `make test`.
TESTS = ("tests/provider",)
# Each task of a test's DAG run takes most versions seconds. The oldest and, in
# `make test`, the newest run them all; the others have those of check_installed.py.
FAST = (*TESTS, "-m", "not slow")
# Where Airflow has no store for the journal, it is struck with one in a Postgres; each
# file starts an Airflow of its own.
SYSTEM = ("tests/system/test_misfortunes.py", "tests/system/test_buttons.py")
# What its API server does with webhooks, each version may do otherwise.
EVENTS = ("tests/system/test_events.py",)
STRUCK = {"2.11.2": SYSTEM, "3.1.8": (*SYSTEM, *EVENTS), "3.2.2": EVENTS}
ONE_AFTER_THE_OTHER = ("-n", "2", "--dist", "loadfile")
# Another Python may do all of it otherwise.
OTHER_PYTHONS_TESTS = {
    "3.12": FAST,
    "3.13": ("tests/api", "tests/provider", "-m", "not slow"),
}
CHOSEN = dict.fromkeys(("3.0.6", "3.1.8", "3.2.2", NEWEST), FAST)


@nox.session
def wheel(session: nox.Session) -> None:
    """Build the wheel, from the sdist."""
    session.install("build")
    shutil.rmtree(DIST, ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", str(DIST), str(ROOT), silent=True)


def check(session: nox.Session, version: str, tests: tuple[str, ...]) -> None:
    """Install the wheel beside one Airflow, and try it there."""
    (built,) = DIST.glob("*.whl")
    session.install(
        f"airflow-provider-codat[test] @ {built.as_uri()}",
        f"apache-airflow=={version}",
        *AIRFLOWS[version],
    )
    # For `nox -r`: a wheel of the same version would not replace the one before.
    session.install("--force-reinstall", "--no-deps", str(built))
    if session.venv_backend == "uv":
        session.run("uv", "pip", "check", external=True)
    else:
        session.run("python", "-m", "pip", "check")
    with copied(session) as folder:
        session.run("python", "scripts/check_installed.py", version, "seen.json")
        # The newest may warn of nothing; older ones warn of what they rest on.
        warnings = [] if version == NEWEST else ["-W", "ignore"]
        chosen = session.posargs or (*tests, *PARALLEL)
        rounds = [chosen]
        if version in STRUCK and not session.posargs:
            rounds.append((*STRUCK[version], *ONE_AFTER_THE_OTHER))
        ended: Counter[str] = Counter()
        for each in rounds:
            # Codat's descriptions have been compared by `make test`.
            apart = {"CODAT_OPENAPI_DIR": None, "CODAT_MODELS_DIR": None}
            pytest = ("pytest", "-q", "--junit-xml=tests.xml", *warnings, *each)
            session.run(*pytest, env=apart, success_codes=[0, 1])
            ended.update(counted(folder / "tests.xml"))
        if not session.posargs:
            seen = json.loads((folder / "seen.json").read_text(encoding="utf-8"))
            RESULTS.mkdir(exist_ok=True)
            kind = "fast" if "not slow" in chosen else "all"
            result = json.dumps({**seen, "tests": {kind: ended}}, indent=2)
            (RESULTS / f"{session.name}.json").write_text(result, encoding="utf-8")
    if ended["failed"]:
        session.error("Tests have failed")


@contextmanager
def copied(session: nox.Session) -> Iterator[Path]:
    """Copy the tests to a folder from which no source can be imported, and go there."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for each in COPIED:
            copy = shutil.copytree if (ROOT / each).is_dir() else shutil.copy
            copy(ROOT / each, folder / each)
        session.env["AIRFLOW_HOME"] = str(folder / "home")
        with session.chdir(folder):
            yield folder


@nox.session(requires=["wheel"])
def floors(session: nox.Session) -> None:
    """Try the lowest version of each library that is declared; only uv finds them."""
    if session.venv_backend != "uv":
        session.skip("uv is not on this machine")
    (built,) = DIST.glob("*.whl")
    wanted = f"airflow-provider-codat[test] @ {built.as_uri()}"
    session.install("--resolution", "lowest-direct", wanted)
    with copied(session):
        apart = {"CODAT_OPENAPI_DIR": None, "CODAT_MODELS_DIR": None}
        tests = session.posargs or ("tests/api", *FAST, *PARALLEL)
        session.run("pytest", "-q", "-W", "ignore", *tests, env=apart)


def counted(report: Path) -> dict[str, int]:
    """Return how many tests have passed, and have not."""
    (suite,) = ET.parse(report).getroot()  # noqa: S314 - pytest wrote it
    skipped = int(suite.attrib["skipped"])
    failed = int(suite.attrib["failures"]) + int(suite.attrib["errors"])
    passed = int(suite.attrib["tests"]) - skipped - failed
    return {"passed": passed, "skipped": skipped, "failed": failed}


def interpreter(version: str) -> str | None:
    """Return an interpreter that runs; None where there is none.

    pyenv puts a name in the path for each version that it has, whether it runs or not.
    """
    name = f"python{version}"
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    found = [shutil.which(name), *sorted(pyenv.glob(f"{version}*/bin/{name}"))]
    for each in filter(None, found):
        tried = [each, "-c", ""]
        ran = subprocess.run(tried, check=False, capture_output=True)  # noqa: S603 - an interpreter of this machine
        if not ran.returncode:
            return str(each)
    return None


def of_airflow(version: str) -> None:
    """Make the session for one Airflow."""

    @nox.session(name=f"airflow-{version}", requires=["wheel"])
    def _airflow(session: nox.Session) -> None:
        check(session, version, CHOSEN.get(version, TESTS))


def of_python(version: str) -> None:
    """Make the session for the newest Airflow on another Python."""
    name, found = f"airflow-{NEWEST}-python-{version}", interpreter(version)
    if found is None:

        @nox.session(name=name, venv_backend="none")
        def _missing(session: nox.Session) -> None:
            session.skip(f"Python {version} is not on this machine")

        return

    @nox.session(name=name, python=found, requires=["wheel"])
    def _python(session: nox.Session) -> None:
        check(session, NEWEST, OTHER_PYTHONS_TESTS[version])


for _version in AIRFLOWS:
    of_airflow(_version)
for _python in OTHER_PYTHONS_TESTS:
    of_python(_python)
