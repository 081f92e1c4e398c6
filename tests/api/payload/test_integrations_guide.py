"""The laws of the guide to what integrations accept."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_provider_codat.api.payload.check import Check

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "integrations.md"
FOLDER = os.environ.get("CODAT_MODELS_DIR", "")
if not GUIDE.is_file():
    pytest.skip("the guide is not here", allow_module_level=True)

TEXT = GUIDE.read_text(encoding="utf-8")
ACCEPTED = re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)
ROWS = re.findall(r"^\| `(\{.*?\})` \| (.*?) \|$", TEXT, re.MULTILINE)


def test_there_are_examples() -> None:
    """Each of the four integrations has a payload that passes, and some that do not."""
    assert len(ACCEPTED) == 4
    assert len(ROWS) >= 12


@pytest.mark.parametrize("text", ACCEPTED)
def test_accepted(text: str) -> None:
    """A payload that the guide calls accepted has nothing against Codat's contract."""
    assert Check().problems(json.loads(text)) == ()


@pytest.mark.parametrize(("text", "told"), ROWS)
def test_what_the_contract_says(text: str, told: str) -> None:
    """What the guide quotes of Codat's contract is what it says of that payload."""
    quoted = [line for line in told.split("<br>") if "Codat's contract" in line]
    errors = [
        str(problem)
        for problem in Check().problems(json.loads(text))
        if problem.rule != "unknown"
    ]
    assert len(quoted) == len(errors)
    for line, error in zip(quoted, errors, strict=True):
        assert line.startswith(f"{error} (Codat's contract")


@pytest.mark.slow
@pytest.mark.codat_models
@pytest.mark.skipif(not FOLDER, reason="CODAT_MODELS_DIR does not name any models")
def test_the_examples_are_what_comes_out() -> None:
    """The guide's examples are those of the real models, word for word."""
    program = ROOT / "scripts" / "integrations.py"
    ran = subprocess.run(
        [sys.executable, str(program), "--check"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, f"run {program.name} anew\n{ran.stderr}"
