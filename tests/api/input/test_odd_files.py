"""The law of the page on files: it says of each odd file what comes of it."""

from pathlib import Path

import pytest
from odd_files import ODD_FILES, OddFile
from page_tables import check_table

from airflow_provider_codat.validate import main

PAGE = Path(__file__).parents[3] / "docs" / "files.md"
HEAD = "| a file | gives |\n|---|---|\n"


def told(file: OddFile, folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Return what ``validate`` says of a file, the first words of it."""
    path = folder / file.name
    path.write_bytes(file.content())
    key = () if "--data-type" in file.options else ("--item-key", "reference")
    code = main([str(path), *key, *file.options])
    found = capsys.readouterr()
    lines = [*found.out.splitlines(), *found.err.splitlines()]
    if code == 0 and len(lines) == 1:
        return lines[0].partition(",")[0]
    words = lines[0].replace(str(path), file.name).removeprefix(f"{file.name}: ")
    return f"`{words}`"


def test_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each file gives what stands there; CODAT_DOCS_TABLES=1 writes it anew."""
    pytest.importorskip("pyarrow")
    if not PAGE.exists():
        pytest.skip("the docs are not here")
    rows = [f"| {each.what} | {told(each, tmp_path, capsys)} |\n" for each in ODD_FILES]
    check_table(PAGE, "files", [HEAD, *rows])
