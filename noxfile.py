"""The wheel, on several versions of Airflow: ``make nox``.

Each session installs the wheel that was built once, copies the tests to a folder from
which the sources cannot be imported, and runs them there. What follows ``--`` is handed
to pytest in their place: ``nox -s airflow-3.2.2 -- tests/provider -k hook``.
"""

import shutil
import tempfile
from pathlib import Path

import nox

nox.needs_version = ">=2025.5.1"
nox.options.default_venv_backend = "venv"
nox.options.error_on_external_run = True
nox.options.sessions = ["airflow-2.11.2", "airflow-3.1.8", "airflow-3.3.2"]

ROOT = Path(__file__).parent
DIST = ROOT / ".nox" / "dist"
COPIED = ("tests", "dags", "docs", "scripts", "setup.cfg", "README.md")

# What a version needs beside it, as pip alone finds no set that works: these came
# before incompatible releases of what they rest on.
AIRFLOWS = {
    "2.11.2": [],
    "3.0.6": ["fastapi<0.118"],
    "3.1.8": [],
    "3.2.2": ["fastapi<0.137", "svcs<26"],
    "3.3.2": [],
}
TESTS = ("tests/api", "tests/provider")
PARALLEL = ("-n", "4", "--dist", "worksteal")  # as in the Makefile
NEWEST = "3.3.2"
CHOSEN = {
    # `make test` runs all tests on the newest; here it is the wheel's turn.
    NEWEST: (*TESTS, "-m", "not slow"),
    # Each task of a test's DAG run takes this version seconds; the versions on its
    # sides run them all, and it has the one DAG run of check_installed.py.
    "3.1.8": (*TESTS, "-m", "not slow"),
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
    with tempfile.TemporaryDirectory() as folder:
        for name in COPIED:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, Path(folder) / name)
        session.chdir(folder)
        session.env["AIRFLOW_HOME"] = str(Path(folder) / "home")
        session.run("python", "scripts/check_installed.py", version)
        # The newest may warn of nothing; older ones warn of what they rest on.
        warnings = [] if version == NEWEST else ["-W", "ignore"]
        chosen = session.posargs or (*CHOSEN.get(version, TESTS), *PARALLEL)
        # Codat's descriptions have been compared by `make test`.
        apart = {"CODAT_OPENAPI_DIR": None, "CODAT_MODELS_DIR": None}
        session.run("pytest", "-q", *warnings, *chosen, env=apart)
        session.chdir(ROOT)


for _version in AIRFLOWS:

    @nox.session(name=f"airflow-{_version}", requires=["wheel"])
    def _airflow(session: nox.Session, version: str = _version) -> None:
        check(session, version)
