"""Make the virtual environment that all other commands use.

Run by ``make`` with the interpreter of the machine, and again when the requirements
have changed. Needs nothing but the standard library; any Python 3 can read it, so
that one that is too old is told so.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OLDEST = (3, 11)
INSTALL = ["--editable", ".[dev]", "apache-airflow>=3.3.2,<3.4"]
BEAT_SECONDS = 5


def main() -> int:
    """Make or complete the environment; return the exit code."""
    parser = argparse.ArgumentParser(description="Make the virtual environment.")
    parser.add_argument("folder", type=Path, help="where it is to be")
    folder = ROOT / parser.parse_args().folder
    if sys.version_info < OLDEST:
        found = ".".join(map(str, sys.version_info[:3]))
        return complain(
            f"Python 3.11 or later is needed, and {sys.executable} is {found}.",
            "Name another: make PYTHON=python3.11 ...",
        )
    began = time.monotonic()
    print(f"Setting up {folder.name}: Airflow, this package and its tools.", flush=True)
    if not (folder / "bin" / "pip").exists() and not make(folder):
        return 1
    if not install(folder, began):
        return 1
    print(f"  ready after {time.monotonic() - began:.0f} s", flush=True)
    return 0


def make(folder: Path) -> bool:
    """Make an empty environment; return whether it could be done."""
    done = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode:
        version = "{}.{}".format(*sys.version_info)
        complain(
            done.stdout.decode(errors="replace").strip(),
            f"{sys.executable} cannot make virtual environments. On Debian and Ubuntu: "
            f"apt-get install python{version}-venv",
        )
    return not done.returncode


def install(folder: Path, began: float) -> bool:
    """Install all that is needed, with a sign of life every few seconds."""
    log = folder / "setup.log"
    with log.open("wb") as output:
        pip = subprocess.Popen(
            [
                str(folder / "bin" / "python"),
                "-m",
                "pip",
                "install",
                "--disable-pip-version-check",
                "--no-input",
                *INSTALL,
            ],
            cwd=ROOT,
            env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        while pip.poll() is None:
            try:
                pip.wait(BEAT_SECONDS)
            except subprocess.TimeoutExpired:
                say_how_far(log, time.monotonic() - began)
    words = log.read_text(errors="replace")
    if pip.returncode:
        complain(words[-3000:], f"pip could not install it; all it said is in {log}")
    return not pip.returncode


def say_how_far(log: Path, seconds: float) -> None:
    """Print what pip is about."""
    lines = log.read_text(errors="replace").splitlines()
    found = sum(line.startswith("Collecting ") for line in lines)
    installing = any(line.startswith("Installing collected") for line in lines)
    doing = "installing" if installing else "collecting"
    print(f"  {seconds:3.0f} s: {doing} ({found} packages)", flush=True)


def complain(*lines: str) -> int:
    """Print to the standard error; return the exit code of a failure."""
    for line in lines:
        print(line, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
