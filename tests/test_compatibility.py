"""The laws of the table of versions: a program writes it from what was seen."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = ROOT / "scripts" / "compatibility.py"
NOXFILE = ROOT / "noxfile.py"
if not (PROGRAM.is_file() and NOXFILE.is_file()):
    pytest.skip("the sources are not here", allow_module_level=True)

BEGIN, END = "<!-- compatibility: begin -->\n", "<!-- compatibility: end -->\n"
PAGE = f"# Before\n\n{BEGIN}an old table\n{END}\nAfter.\n"
ALL_WELL = {
    "package": "0.1.0",
    "airflow": "3.3.2",
    "python": "3.11.7",
    "operators": True,
    "deferrable": True,
    "later_try": True,
    "journal": True,
    "journal_of_ones_own": True,
    "retry_policy": True,
    "form": True,
    "decorator": True,
    "assets": True,
    "webhooks": True,
    "tests": {"fast": {"passed": 3141, "skipped": 59, "failed": 0}},
}


def table_of(page: Path) -> list[list[str]]:
    """Return the cells of the table between the marks."""
    table = page.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in table.strip().splitlines()
    ]


def write(folder: Path, *seen: dict[str, Any], page: str = PAGE) -> Any:  # noqa: ANN401 - the finished program
    """Run the program on what was seen; the page is ``page.md``."""
    for number, each in enumerate(seen):
        (folder / f"{number}.json").write_text(json.dumps(each), encoding="utf-8")
    (folder / "page.md").write_text(page, encoding="utf-8")
    command = [sys.executable, str(PROGRAM), str(folder), str(folder / "page.md")]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_readme_and_guide_show_the_same_table() -> None:
    """Who reads only one of the two learns the same."""
    shown = table_of(ROOT / "README.md")
    assert shown == table_of(ROOT / "docs" / "compatibility.md")
    assert len(shown) > 2


def test_each_version_that_nox_knows_has_a_row() -> None:
    """The table was written after a run on all of them, and names no other."""
    nox = pytest.importorskip("nox", reason="it comes with the extra dev")
    assert nox
    spec = importlib.util.spec_from_file_location("noxfile", NOXFILE)
    assert spec is not None
    assert spec.loader is not None
    noxfile = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(noxfile)
    others = [(noxfile.NEWEST, python) for python in noxfile.OTHER_PYTHONS_TESTS]
    known = {(version, "3.11") for version in noxfile.AIRFLOWS} | set(others)
    _, _, *rows = table_of(ROOT / "docs" / "compatibility.md")
    assert {(row[0], row[1].rpartition(".")[0]) for row in rows} == known


def test_what_was_seen_is_what_is_written(tmp_path: Path) -> None:
    """One row for each file, the newest Airflow and Python first; the rest stays."""
    ten = {**ALL_WELL, "airflow": "3.10.0"}
    younger = {**ALL_WELL, "python": "3.13.0"}
    done = write(tmp_path, ALL_WELL, ten, younger)
    assert (done.returncode, done.stderr) == (0, "")
    page = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert page.startswith("# Before\n\n")
    assert page.endswith(f"{END}\nAfter.\n")
    assert "old" not in page
    titles, _, *rows = table_of(tmp_path / "page.md")
    assert [row[:2] for row in rows] == [
        ["3.10.0", "3.11.7"],
        ["3.3.2", "3.13.0"],
        ["3.3.2", "3.11.7"],
    ]
    assert all(len(row) == len(titles) for row in rows)
    assert rows[0][2:] == [*["yes"] * 9, "fast: 3,141 passed, 59 skipped"]


@pytest.mark.parametrize(
    ("part", "title"),
    [
        ("operators", "operators, sensor"),
        ("deferrable", "deferrable"),
        ("journal", "journal in Airflow"),
        ("journal_of_ones_own", "journal in your database"),
        ("retry_policy", "retry policy"),
        ("form", "connection form"),
        ("decorator", "`@task`"),
        ("assets", "asset events"),
        ("webhooks", "webhooks"),
    ],
)
def test_what_does_not_work_is_said(tmp_path: Path, part: str, title: str) -> None:
    """In the column of what it is, and in no other."""
    write(tmp_path, {**ALL_WELL, part: False})
    titles, _, row = table_of(tmp_path / "page.md")
    assert [titles[i] for i, cell in enumerate(row) if cell == "no"] == [title]


def test_tests_that_failed_are_counted(tmp_path: Path) -> None:
    """A version with red tests stays in the table, and shows them."""
    tests = {"all": {"passed": 3141, "skipped": 0, "failed": 2}}
    write(tmp_path, {**ALL_WELL, "tests": tests})
    assert table_of(tmp_path / "page.md")[2][-1] == "all: 3,141 passed, 2 failed"


def test_writing_twice_changes_nothing(tmp_path: Path) -> None:
    """The second table is the first, to the byte."""
    write(tmp_path, ALL_WELL)
    first = (tmp_path / "page.md").read_text(encoding="utf-8")
    write(tmp_path, ALL_WELL, page=first)
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == first


@pytest.mark.parametrize(
    ("seen", "page", "words"),
    [
        pytest.param([], PAGE, "Nothing was seen", id="no results"),
        pytest.param(
            [ALL_WELL, {**ALL_WELL, "package": "0.2.0"}],
            PAGE,
            "several packages: 0.1.0, 0.2.0",
            id="two packages",
        ),
        pytest.param([ALL_WELL], "# Empty\n", "no place", id="no marks"),
        pytest.param([ALL_WELL], f"{END}{BEGIN}", "no place", id="marks reversed"),
    ],
)
def test_a_page_is_left_alone(
    tmp_path: Path, seen: list[dict[str, Any]], page: str, words: str
) -> None:
    """Where there is no table to write, the program says why, and writes nothing."""
    done = write(tmp_path, *seen, page=page)
    assert done.returncode == 1
    assert words in done.stderr
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == page
