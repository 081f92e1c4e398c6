"""The laws of the files that are written by scripts and committed."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = ROOT / "scripts"
PACKAGE = ROOT / "airflow_provider_codat"
if not PACKAGE.is_dir():
    pytest.skip("the sources are not here", allow_module_level=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "place"),
    [
        ("payload_types.py", "api/payload/types"),
        ("accounting_operators.py", "operators"),
    ],
)
def test_what_scripts_write_is_committed(
    script: str, place: str, tmp_path: Path
) -> None:
    """No such file is edited by hand, or older than what it was made from."""
    pytest.importorskip("ruff")
    subprocess.run([sys.executable, SCRIPTS / script, tmp_path], check=True)
    written = sorted(path for path in tmp_path.rglob("*.py"))
    assert written
    for path in written:
        name = path.relative_to(tmp_path)
        committed = (PACKAGE / place / name).read_text(encoding="utf-8")
        assert path.read_text(encoding="utf-8") == committed, name


def test_the_page_of_data_types_is_up_to_date(tmp_path: Path) -> None:
    """What the guide says of each data type is what the table says."""
    page = ROOT / "docs" / "data-types.md"
    copy = tmp_path / page.name
    copy.write_bytes(page.read_bytes())
    subprocess.run(
        [sys.executable, SCRIPTS / "data_types_page.py", tmp_path], check=True
    )
    assert copy.read_text(encoding="utf-8") == page.read_text(encoding="utf-8")
