"""The laws of what is published."""

import gzip
import importlib.util
import io
import re
import tarfile
from configparser import ConfigParser
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from types import ModuleType

import pytest

import airflow_provider_codat

ROOT = Path(__file__).resolve().parents[1]
if not (ROOT / "MANIFEST.in").is_file():
    pytest.skip("the sources are not here", allow_module_level=True)

PACKAGE = ROOT / "airflow_provider_codat"


@pytest.fixture(scope="module")
def check_wheel() -> ModuleType:
    """Import the program that builds and checks."""
    path = ROOT / "scripts" / "check_wheel.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def setup_cfg() -> ConfigParser:
    """Read what packaging reads."""
    parser = ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def sdist(names: list[str], *, at: int, owner: str, mode: int) -> bytes:
    """Return a .tar.gz as a build on some machine makes it."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        folder = tarfile.TarInfo("package-1")
        folder.type, folder.mtime, folder.uname = tarfile.DIRTYPE, at, owner
        archive.addfile(folder)
        for name in names:
            member = tarfile.TarInfo(f"package-1/{name}")
            member.size, member.mtime = len(name), at
            member.mode, member.uname, member.uid = mode, owner, at % 1000
            archive.addfile(member, io.BytesIO(name.encode()))
    return gzip.compress(held.getvalue(), mtime=at)


def test_the_same_files_give_the_same_bytes(check_wheel: ModuleType) -> None:
    """When, where, by whom and in which order it was built leaves no trace."""
    first = sdist(["a.py", "b.py"], at=1_800_000_001, owner="ada", mode=0o600)
    second = sdist(["b.py", "a.py"], at=1_900_000_002, owner="bob", mode=0o664)
    assert first != second
    assert check_wheel.normalised(first, 10) == check_wheel.normalised(second, 10)
    assert check_wheel.normalised(first, 10) != check_wheel.normalised(first, 11)


def test_the_files_stay_as_they_are(check_wheel: ModuleType) -> None:
    """Names and contents are those of the build; all times are the one given."""
    plain = check_wheel.normalised(
        sdist(["b.py", "a.py"], at=7, owner="ada", mode=0o600), 1_800_000_000
    )
    assert int.from_bytes(plain[4:8], "little") == 1_800_000_000
    with tarfile.open(fileobj=io.BytesIO(plain)) as archive:
        found = {
            member.name: (member.isdir(), member.mtime, member.uname, member.uid)
            for member in archive.getmembers()
        }
        contents = archive.extractfile("package-1/b.py")
        assert contents is not None
        assert contents.read() == b"b.py"
    file, folder = (False, 1_800_000_000, "", 0), (True, 1_800_000_000, "", 0)
    names = {"package-1": folder, "package-1/a.py": file, "package-1/b.py": file}
    assert found == names


def test_other_files_give_other_bytes(check_wheel: ModuleType) -> None:
    """A build that holds something else cannot pass for the same."""
    options = {"at": 7, "owner": "ada", "mode": 0o644}
    first, second = sdist(["a.py"], **options), sdist(["c.py"], **options)
    assert check_wheel.normalised(first, 10) != check_wheel.normalised(second, 10)


@pytest.mark.parametrize(
    ("found", "words"),
    [({"a"}, r"lacks \['b'\]"), ({"a", "b", "c"}, r"also holds \['c'\]")],
    ids=["too little", "too much"],
)
def test_contents_are_compared(
    check_wheel: ModuleType, found: set[str], words: str
) -> None:
    """A file too few, or one too many, ends the check, and is named."""
    with pytest.raises(SystemExit, match=words):
        check_wheel.compare("wheel", found, {"a", "b"})
    check_wheel.compare("wheel", {"b", "a"}, {"a", "b"})


def test_all_files_of_the_package_are_expected(check_wheel: ModuleType) -> None:
    """Whatever lies in the package and is no module is declared as its data."""
    lying = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert check_wheel.sources() == lying


def test_metadata_reads_the_version_of_the_package(setup_cfg: ConfigParser) -> None:
    """Packaging has no number of its own, and what is installed has the package's."""
    version = setup_cfg["metadata"]["version"]
    assert version == "attr: airflow_provider_codat.__version__"
    assert metadata("airflow-provider-codat")["Version"] == (
        airflow_provider_codat.__version__
    )


def test_the_newest_heading_of_the_changelog_is_the_version() -> None:
    """What is published next is described."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## \[(.+?)\]", text, re.MULTILINE)
    assert headings[0] == airflow_provider_codat.__version__


def test_links_of_the_metadata(setup_cfg: ConfigParser) -> None:
    """Airflow shows ``Documentation``; every link is spoken to over TLS."""
    lines = setup_cfg["metadata"]["project_urls"].strip().splitlines()
    links = dict(line.split(" = ") for line in lines)
    assert "Documentation" in links
    assert all(link.startswith("https://") for link in links.values())


def test_what_security_promises_is_there() -> None:
    """Each file that SECURITY.md names as the place of a promise exists."""
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    named = re.findall(r"`([a-z_/]+\.(?:py|md))`", text)
    assert named
    assert [
        n for n in named if not any((p / n).is_file() for p in (ROOT, PACKAGE))
    ] == []


def test_what_is_needed_is_listed() -> None:
    """Each library that is declared has a line with its floor and its licence."""
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    extras = config["options.extras_require"]
    of_users = ("parquet", "report", "shared-pace", "simulator", "sql")
    declared = config["options"]["install_requires"]
    declared += "".join(extras[each] for each in of_users)
    floors = dict(re.findall(r"^([a-z0-9-]+)>=([\d.]+)$", declared, re.MULTILINE))
    page = (ROOT / "docs" / "decisions" / "005-dependencies.md").read_text()
    told = re.findall(
        r"^\| `([\w-]+)`[^|]*\| ([\d.]+) \| ([^|]+) \|", page, re.MULTILINE
    )
    assert {name: floor for name, floor, _ in told} == floors
    for name, _, licence in told:
        assert _licence(name) in {None, licence}, name


def _licence(name: str) -> str | None:
    """Return what a library says of its licence in one word; None where it does not."""
    try:
        return metadata(name).get("License-Expression")
    except PackageNotFoundError:
        return None
