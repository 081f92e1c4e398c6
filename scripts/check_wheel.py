"""Build sdist and wheel, and test the wheel from elsewhere.

What the wheel holds is compared with the sources, name by name. Then it is installed
into a fresh environment that sees Airflow but not the sources, and used there.
"""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"
PACKAGE = "airflow_provider_codat"
DATA = {"py.typed", "api/schemas/customers.json"}
ENTRY_POINTS = """\
[apache_airflow_provider]
provider_info = airflow_provider_codat.get_provider_info:get_provider_info
"""
GOOD = {"customerName": "Fen Bakery", "status": "Active"}
BAD = {"customerName": "Fen Bakery", "status": "Sleeping"}

IMPORT_ALL = """
import importlib, pathlib, pkgutil, sys
import airflow_provider_codat as package
place = pathlib.Path(package.__file__)
assert place.is_relative_to(sys.prefix), place
found = pkgutil.walk_packages(package.__path__, "airflow_provider_codat.")
names = [module.name for module in found]
for name in names:
    if not name.endswith("__main__"):
        importlib.import_module(name)
print(len(names) + 1)
"""
ASK_ENTRY_POINT = """
from importlib.metadata import entry_points, version
from airflow_provider_codat import __version__
every = entry_points(group="apache_airflow_provider", name="provider_info")
(found,) = (one for one in every if one.dist.name == "airflow-provider-codat")
info = found.load()()
assert info["package-name"] == found.dist.name, info
assert __version__ == found.dist.version == version("airflow-provider-codat")
print(__version__)
"""
WITHOUT_EXTRA = """
import sys
sys.modules["aiohttp"] = None
from airflow_provider_codat.simulator import RemoteCodat
try:
    from airflow_provider_codat.simulator import LocalCodat
except ImportError as error:
    assert "airflow-provider-codat[simulator]" in str(error), error
else:
    sys.exit("LocalCodat came without aiohttp")
"""


def main() -> None:
    """Build and check, or end with what is wrong."""
    sdist, wheel = build()
    check_sdist(sdist)
    print(f"{sdist.name}: as it should be")
    print(f"{wheel.name}: {check_contents(wheel)} files, as they should be")
    with tempfile.TemporaryDirectory() as folder:
        python = install(wheel, Path(folder))
        use(python, Path(folder))


def build() -> tuple[Path, Path]:
    """Build both, and let twine look at what PyPI would show."""
    shutil.rmtree(DIST, ignore_errors=True)
    run(sys.executable, "-m", "build", "--outdir", str(DIST), str(ROOT))
    (sdist,), (wheel,) = DIST.glob("*.tar.gz"), DIST.glob("*.whl")
    run(sys.executable, "-m", "twine", "check", "--strict", str(sdist), str(wheel))
    return sdist, wheel


def check_sdist(sdist: Path) -> None:
    """Expect all that it takes to build the wheel, and no more."""
    with tarfile.open(sdist) as archive:
        found = {
            Path(*Path(member.name).parts[1:]).as_posix()
            for member in archive.getmembers()
            if member.isfile()
        }
    found = {name for name in found if not name.startswith(f"{PACKAGE}.egg-info/")}
    files = {"LICENSE", "MANIFEST.in", "PKG-INFO", "README.md"}
    files |= {"pyproject.toml", "setup.cfg"}
    compare("sdist", found, files | {f"{PACKAGE}/{name}" for name in sources()})


def check_contents(wheel: Path) -> int:
    """Expect the package and its metadata; return how many files."""
    with zipfile.ZipFile(wheel) as archive:
        found = set(archive.namelist())
        (info,) = {name.split("/")[0] for name in found if ".dist-info/" in name}
        entry_points = archive.read(f"{info}/entry_points.txt").decode()
        metadata = archive.read(f"{info}/METADATA").decode()
    files = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "top_level.txt"}
    wanted = {f"{info}/{name}" for name in files | {"licenses/LICENSE"}}
    compare("wheel", found, wanted | {f"{PACKAGE}/{name}" for name in sources()})
    expect(entry_points.strip() == ENTRY_POINTS.strip(), entry_points)
    for line in ("License-Expression: Apache-2.0", "Requires-Python: >=3.11"):
        expect(f"\n{line}\n" in metadata, f"METADATA lacks {line}")
    return len(found)


def sources() -> set[str]:
    """Return the files of the package, as the working tree has them."""
    package = ROOT / PACKAGE
    modules = {p.relative_to(package).as_posix() for p in package.rglob("*.py")}
    expect(all((package / name).is_file() for name in DATA), f"{DATA} are not there")
    return modules | DATA


def compare(what: str, found: set[str], wanted: set[str]) -> None:
    """Expect two sets of names to be equal."""
    expect(found >= wanted, f"The {what} lacks {sorted(wanted - found)}")
    expect(found <= wanted, f"The {what} also holds {sorted(found - wanted)}")


def install(wheel: Path, folder: Path) -> str:
    """Install the wheel where Airflow is seen, but not the sources; return python.

    The libraries of this environment are put behind those of the fresh one, where
    ``.pth`` files, such as that of an editable installation, are not read.
    """
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / "bin" / "python"
    (site,) = (folder / "venv" / "lib").glob("python*/site-packages")
    (site / "airflow.pth").write_text(sysconfig.get_path("purelib") + "\n")
    # Without an index: what the package requires must be there already.
    pip = (str(python), "-m", "pip", "install", "--disable-pip-version-check")
    run(*pip, "--no-index", "--ignore-installed", "--no-deps", str(wheel), at=folder)
    run(*pip, "--no-index", f"airflow-provider-codat[simulator] @ {wheel.as_uri()}")
    return str(python)


def use(python: str, folder: Path) -> None:
    """Import and run what the wheel brought."""
    modules = run(python, "-P", "-W", "ignore", "-c", IMPORT_ALL, at=folder)
    print(f"All {modules} modules import")
    print(f"The entry point leads to version {run(python, '-Pc', ASK_ENTRY_POINT)}")
    run(python, "-P", "-c", WITHOUT_EXTRA, at=folder)
    for customer, code, words in [(GOOD, 0, "1 customer, 0"), (BAD, 1, "status")]:
        file = folder / f"{code}.json"
        file.write_text(json.dumps(customer))
        validate = (python, "-P", "-m", f"{PACKAGE}.validate", file.name)
        printed = run(*validate, at=folder, code=code)
        expect(words in printed, f"validate printed:\n{printed}")
    print("validate accepts a good file and refuses a bad one")


def run(*command: str, at: Path = ROOT, code: int = 0) -> str:
    """Run a command to its end; return what it printed."""
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        command,
        cwd=at,
        env={**env, "AIRFLOW_HOME": str(at / "airflow")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    expect(
        done.returncode == code,
        f"{done.stdout}\n{' '.join(command)} ended with {done.returncode}, not {code}",
    )
    return done.stdout.strip()


def expect(true: bool, words: str) -> None:
    """End the program unless something is so."""
    if not true:
        sys.exit(words)


if __name__ == "__main__":
    main()
