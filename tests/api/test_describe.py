"""The laws of the command that shows a model."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from jsonschema import Draft202012Validator

from airflow_provider_codat.describe import main
from airflow_provider_codat.simulator import LocalCodat

MODEL: dict[str, Any] = {
    "type": "Object",
    "displayName": "Customer",
    "description": "Who buys",
    "required": True,
    "validation": {"information": [{"details": "Version 22 or later."}]},
    "properties": {
        "name": {"type": "String", "displayName": "Name", "required": True},
        "currency": {
            "type": "String",
            "options": [{"value": f"C{n:02}"} for n in range(30)],
        },
        "addresses": {
            "type": "Array",
            "properties": {
                "country": {
                    "type": "String",
                    "required": True,
                    "validation": {
                        "warnings": [{"details": "Max length of 50 characters."}]
                    },
                },
                "kind|of": {"type": "Odd"},
            },
        },
    },
}
TABLE = """\
Customer: Who buys
Version 22 or later.

property                  type      required  choices, remarks
name                      String    yes
currency                  String              C00, C01, C02, C03, C04, C05,
                                                C06, C07, C08, C09, C10, C11
                                                and 18 more
addresses                 Array
  addresses[].country     String    yes       Max length of 50 characters.
  addresses[]["kind|of"]  any
"""

Run: TypeAlias = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Return a function that shows a model and returns code, output and complaint."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")

    def shown(model: object, *options: str) -> tuple[int, str, str]:
        raw = model if isinstance(model, bytes) else json.dumps(model).encode()
        Path("model.json").write_bytes(raw)
        code = main(["model.json", *options])
        out, err = capsys.readouterr()
        return code, out, err.strip()

    return shown


def test_table(run: Run) -> None:
    """Each property stands with its place, type, need, choices and remarks."""
    code, out, err = run(MODEL)
    assert (code, err) == (0, "")
    assert out == TABLE


@pytest.mark.parametrize("columns", ["20", "60", "80", "200"])
def test_width(run: Run, monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    """No line is wider than the terminal, unless that is too narrow for a table."""
    monkeypatch.setenv("COLUMNS", columns)
    out = run(MODEL, "--all-choices")[1]
    assert max(map(len, out.splitlines())) <= max(int(columns), 60)
    assert "".join(out.split()).count("C29") == 1


def test_all_choices(run: Run) -> None:
    """A long list of choices is shown whole to who wants it so."""
    assert "more" not in run(MODEL, "--all-choices")[1]
    assert "and 18 more" in " ".join(run(MODEL)[1].split())


def test_markdown(run: Run) -> None:
    """The table can be put into a document: each row has as many cells."""
    out = run(MODEL, "--format", "markdown")[1]
    rows = [line for line in out.splitlines() if line.startswith("|")]
    assert rows[0] == "| property | type | required | choices | remarks |"
    assert {row.replace("\\|", "").count("|") for row in rows} == {6}
    assert "| `addresses[].country` | String | yes |  | Max length" in out


@pytest.mark.parametrize("options", [[], ["--strict"]], ids=["plain", "strict"])
def test_json_schema(run: Run, options: list[str]) -> None:
    """The schema is printed as JSON, and is one."""
    schema = json.loads(run(MODEL, "--format", "json-schema", *options)[1])
    Draft202012Validator.check_schema(schema)
    country = schema["properties"]["addresses"]["items"]["properties"]["country"]
    assert ("maxLength" in country) is bool(options)


@pytest.mark.parametrize(
    ("model", "complaint"),
    [
        pytest.param(b"{", "model.json: the payload: is not JSON", id="broken"),
        pytest.param(b"\xff", "model.json: is not UTF-8", id="encoding"),
        pytest.param([], "model.json: is no model", id="list"),
        pytest.param({"statusCode": 404}, "model.json: is no model", id="an error"),
        pytest.param({"type": "Object"}, "model.json: is no model", id="empty"),
        pytest.param({"customerName": "x"}, "model.json: is no model", id="customer"),
    ],
)
@pytest.mark.parametrize("form", ["table", "markdown", "json-schema"])
def test_no_model(run: Run, model: object, complaint: str, form: str) -> None:
    """What is no model is said to be none, with exit code 2."""
    code, out, err = run(model, "--format", form)
    assert (code, out) == (2, "")
    assert err.startswith(complaint)


def test_no_file(capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is not there is named."""
    assert main(["nowhere.json"]) == 2
    assert capsys.readouterr().err.startswith("nowhere.json: cannot be read: ")


def test_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A model can come from another program."""
    text = io.TextIOWrapper(io.BytesIO(b"\xef\xbb\xbf" + json.dumps(MODEL).encode()))
    monkeypatch.setattr(sys, "stdin", text)
    assert main(["-"]) == 0
    assert "addresses[].country" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--company", "x"],
        ["--connection", "x"],
        ["model.json", "--company", "x", "--connection", "y"],
        ["model.json", "--format", "html"],
    ],
    ids=" ".join,
)
def test_command_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A file or a connection is named, and not both."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options",
    [
        ["--connection", "y", "--company", "x"],
        ["--company", "8a210b68-6988-11ed-a1eb-0242ac120002", "--connection", "y"],
        [
            *("--company", "8a210b68-6988-11ed-a1eb-0242ac120002"),
            *("--connection", "8a210b68-6988-11ed-a1eb-0242ac120002"),
            *("--data-type", "../companies"),
        ],
    ],
    ids=["company", "connection", "data type"],
)
def test_malformed_arguments(
    options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """An argument that is malformed is named before Airflow is started."""
    assert main(options) == 2
    assert capsys.readouterr().err.startswith(f"{options[-2]} must be")


def test_odd_models(run: Run) -> None:
    """What is odd in a model is left out; the rest is shown."""
    odd = {"type": "Object", "properties": {"a\n\x1b": {}, "b": None, "c": [7]}}
    for form in ("table", "markdown", "json-schema"):
        code, out, _ = run(odd, "--format", form)
        assert code == 0
        assert "\x1b" not in out


def test_a_file_needs_no_airflow(tmp_path: Path) -> None:
    """Showing a file imports nothing of Airflow; a reader may leave early."""
    file = tmp_path / "model.json"
    file.write_text(json.dumps(MODEL), encoding="utf-8")
    program = (
        "import sys\n"
        "from airflow_provider_codat.describe import main\n"
        "assert main(sys.argv[1:]) == 0\n"
        "assert 'airflow' not in sys.modules\n"
    )
    subprocess.run(
        [sys.executable, "-c", program, str(file)], check=True, capture_output=True
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        ([], 0, "addresses[].country"),
        (["--data-type", "bills"], 0, "supplierRef.id"),
        (["--data-type", "salesOrders"], 2, "404"),
        (["--conn-id", "nowhere"], 2, "there is no Airflow connection 'nowhere'"),
    ],
    ids=["customers", "another type", "an unknown type", "no connection"],
)
def test_connection(options: list[str], code: int, said: str, tmp_path: Path) -> None:
    """Without a file, Codat is asked through an Airflow connection."""
    with LocalCodat() as codat:
        ids = ["--company", codat.company_id, "--connection", codat.connection_id]
        ran = subprocess.run(
            [sys.executable, "-m", "airflow_provider_codat.describe", *ids, *options],
            env={
                **os.environ,
                "AIRFLOW_HOME": str(tmp_path),
                "AIRFLOW_CONN_CODAT_DEFAULT": codat.airflow_connection(),
            },
            check=False,
            capture_output=True,
            text=True,
        )
    assert ran.returncode == code
    assert said in ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr
