"""Build sdist and wheel, and test the wheel from elsewhere.

They are built twice, the second time from the first sdist, and have to be the same to
the byte. What they hold is compared with the sources, name by name. Then the wheel goes
into a fresh environment that sees Airflow but not the sources, and is used there.

SOURCE_DATE_EPOCH is the time that all files in them bear, in epoch seconds.
"""

import gzip
import io
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

from airflow_provider_codat.api.data_types import DATA_TYPES

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"
PACKAGE = "airflow_provider_codat"
SCHEMAS = ("shared", *DATA_TYPES)
DATA = {
    "py.typed",
    "report/report.html",
    *(f"api/payload/schemas/{name}.json" for name in SCHEMAS),
}
TOP = {
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "MANIFEST.in",
    "Makefile",
    "README.md",
    "SECURITY.md",
    "noxfile.py",
    "pyproject.toml",
    "ruff.toml",
    "setup.cfg",
}
FOLDERS = ("benchmarks", "dags", "docs", "examples", "scripts", "tests")
OLDEST = 315_532_800
"""The beginning of 1980, the earliest time that a zip file can hold."""
ENTRY_POINTS = """\
[airflow.plugins]
codat = airflow_provider_codat.webhooks.plugin:CodatPlugin

[apache_airflow_provider]
provider_info = airflow_provider_codat.get_provider_info:get_provider_info
"""
METADATA = (
    "License-Expression: Apache-2.0",
    "Requires-Python: >=3.11",
    "Project-URL: Documentation, https://pypi.org/project/airflow-provider-codat/",
)
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
    shutil.rmtree(DIST, ignore_errors=True)
    sdist, wheel = build(ROOT, DIST)
    run(sys.executable, "-m", "twine", "check", "--strict", str(sdist), str(wheel))
    check_sdist(sdist)
    print(f"{sdist.name}: as it should be")
    print(f"{wheel.name}: {check_contents(wheel)} files, as they should be")
    check_again(sdist, wheel)
    with tempfile.TemporaryDirectory() as folder:
        python = install(wheel, Path(folder))
        use(python, Path(folder))
        list_components(python, DIST / f"{wheel.stem}.cdx.json")


def list_components(python: Path, path: Path) -> None:
    """Write what the wheel is installed with: a software bill of materials.

    :param python: that has it.
    """
    command = (sys.executable, "-m", "cyclonedx_py", "environment", str(python))
    run(*command, "--output-reproducible", "--output-file", str(path))
    components = json.loads(path.read_text(encoding="utf-8"))["components"]
    names = {each["name"] for each in components}
    expect({"apache-airflow", "requests"} <= names, "The list of components is short")
    print(f"{path.name}: {len(components)} components and their licences (CycloneDX)")


def build(sources: Path, dist: Path) -> tuple[Path, Path]:
    """Build the sdist, and from it the wheel."""
    run(sys.executable, "-m", "build", "--sdist", "--outdir", str(dist), str(sources))
    (sdist,) = dist.glob("*.tar.gz")
    sdist.write_bytes(normalised(sdist.read_bytes(), source_date()))
    with tempfile.TemporaryDirectory() as folder:
        unpacked = unpack(sdist, Path(folder))
        command = (sys.executable, "-m", "build", "--wheel", "--outdir", str(dist))
        run(*command, str(unpacked))
    (wheel,) = dist.glob("*.whl")
    return sdist, wheel


def source_date() -> int:
    """Return the time that the files are to bear."""
    return int(os.environ.get("SOURCE_DATE_EPOCH", OLDEST))


def normalised(archive: bytes, date: int) -> bytes:
    """Return a .tar.gz of the same files without what each build does differently.

    setuptools heeds SOURCE_DATE_EPOCH in a wheel, but not in a sdist.
    """
    tar = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(archive)) as source,
        tarfile.open(fileobj=tar, mode="w", format=tarfile.PAX_FORMAT) as target,
    ):
        for member in sorted(source.getmembers(), key=lambda each: each.name):
            plain = tarfile.TarInfo(member.name)
            plain.type, plain.size, plain.mtime = member.type, member.size, date
            plain.mode = 0o755 if member.isdir() else 0o644
            target.addfile(plain, source.extractfile(member))
    return gzip.compress(tar.getvalue(), mtime=date)


def unpack(sdist: Path, folder: Path) -> Path:
    """Unpack a sdist; return where its files are."""
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (unpacked,) = folder.iterdir()
    return unpacked


def check_again(sdist: Path, wheel: Path) -> None:
    """Expect the sdist to give the same two files, to the byte."""
    with tempfile.TemporaryDirectory() as folder:
        unpacked = unpack(sdist, Path(folder))
        again = build(unpacked, Path(folder) / "dist")
        for first, second in zip((sdist, wheel), again, strict=True):
            same = first.read_bytes() == second.read_bytes()
            expect(same, f"A second build of {first.name} is another one")
    print("Built again from the sdist, both are the same to the byte")


def check_sdist(sdist: Path) -> None:
    """Expect all that it takes to build and to test, and no more."""
    with tarfile.open(sdist) as archive:
        found = {
            Path(*Path(member.name).parts[1:]).as_posix()
            for member in archive.getmembers()
            if member.isfile()
        }
    found = {name for name in found if not name.startswith(f"{PACKAGE}.egg-info/")}
    wanted = {f"{PACKAGE}/{name}" for name in sources()}
    wanted |= {name for folder in FOLDERS for name in files_of(folder)}
    compare("sdist", found, wanted | TOP | {"PKG-INFO"})


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
    for line in METADATA:
        expect(f"\n{line}\n" in metadata, f"METADATA lacks {line}")
    return len(found)


def sources() -> set[str]:
    """Return the files of the package, as the working tree has them."""
    package = ROOT / PACKAGE
    modules = {p.relative_to(package).as_posix() for p in package.rglob("*.py")}
    expect(all((package / name).is_file() for name in DATA), f"{DATA} are not there")
    return modules | DATA


def files_of(folder: str) -> set[str]:
    """Return the files of a folder, without what Python leaves there."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


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
        env={
            **env,
            "AIRFLOW_HOME": str(at / "airflow"),
            "SOURCE_DATE_EPOCH": str(source_date()),
        },
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
