"""The laws of the command that checks a file of customers."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from airflow_provider_codat.validate import main

GOOD = '{"status": "Active", "customerName": "Zoë"}'
BAD = '{"status": "active"}'
ODD = '{"status": "Active", "custmerName": "x"}'
BROKEN = '{"status": "Act'
CANARY = "canary-7731"

CHOICE = "status: must be one of Active, Archived, Unknown (case matters)"
MEANT = "warning: custmerName: unknown property; did you mean customerName?"


Run: TypeAlias = Callable[..., tuple[int, list[str], str]]


@pytest.fixture
def run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Return a function that checks a text and returns code, lines and summary."""
    monkeypatch.chdir(tmp_path)

    def checked(
        text: str | bytes, *options: str, name: str = "customers.json"
    ) -> tuple[int, list[str], str]:
        raw = text.encode() if isinstance(text, str) else text
        Path(name).write_bytes(raw)
        code = main([name, *options])
        out, err = capsys.readouterr()
        return code, out.splitlines(), err.strip()

    return checked


class TestForms:
    """The three forms of a file, however they are laid out."""

    @pytest.mark.parametrize(
        ("text", "lines"),
        [
            pytest.param(BAD, [f"customers.json: {CHOICE}"], id="object"),
            pytest.param(
                '{\n  "status":\n  "active"\n}\n',
                [f"customers.json: {CHOICE}"],
                id="laid out object",
            ),
            pytest.param(
                '{"status": "active", "addresses": [\n{"type":\n"Billing"}]}',
                [f"customers.json: {CHOICE}"],
                id="object whose second line begins an object",
            ),
            pytest.param(
                f"[{GOOD},\n{BAD}]\n", [f"customers.json[1]: {CHOICE}"], id="array"
            ),
            pytest.param(
                f"{GOOD}\n\n{BAD}\n", [f"customers.json:3: {CHOICE}"], id="lines"
            ),
            pytest.param(
                f"\n{BAD}\r\n{GOOD}", [f"customers.json:2: {CHOICE}"], id="Windows"
            ),
            pytest.param(
                f"\ufeff{BAD}", [f"customers.json: {CHOICE}"], id="byte order mark"
            ),
        ],
    )
    def test_form(self, run: Run, text: str, lines: list[str]) -> None:
        """Each form is told from the others, and its places are named its way."""
        code, found, _ = run(text)
        assert (code, found) == (1, lines)

    @pytest.mark.parametrize(
        ("first", "second", "lines"),
        [
            pytest.param(BROKEN, BAD, [1, 2], id="cut in a text"),
            pytest.param('{"status":', BAD, [1, 2], id="cut after a colon"),
            pytest.param('{"status": "Active"', BAD, [1, 2], id="no brace"),
            pytest.param("{broken", "{broken", [1, 2], id="both broken"),
            pytest.param(BAD, "broken", [1, 2], id="second broken"),
            pytest.param(GOOD, BROKEN, [2], id="last cut"),
        ],
    )
    def test_broken_line(
        self,
        run: Run,
        first: str,
        second: str,
        lines: list[int],
    ) -> None:
        """A line that is not JSON is that line's problem; the rest is checked."""
        code, found, summary = run(f"{first}\n{second}\n{GOOD}\n")
        assert code == 1
        assert [line.split(":")[1] for line in found] == [str(n) for n in lines]
        assert summary.startswith("3 customers")

    def test_suffix_decides(self, run: Run) -> None:
        """In a file that calls itself JSON lines, each line is a customer."""
        _, found, summary = run(f'{{"a":\n[{GOOD}]\n', name="customers.jsonl")
        assert found[0].startswith("customers.jsonl:1: is not JSON: ")
        assert found[1] == ("customers.jsonl:2: must be an object; a list was given")
        assert summary == "2 customers, 2 with problems"

    def test_broken_document(self, run: Run) -> None:
        """A document that is not JSON is one problem, with line and column."""
        code, found, summary = run(f"\n[{GOOD},\n\n{BROKEN}]")
        assert (code, found) == (2, [])
        place = "at line 4 column 12"
        assert summary == (
            f"customers.json: is not JSON: Unterminated string starting {place}"
        )

    @pytest.mark.parametrize("item", ["null", '"None"', "7", f'"{CANARY}"', "[[]]"])
    @pytest.mark.parametrize("form", ["{}", "[{}]", "{}\n{{}}"], ids=repr)
    def test_no_object(self, run: Run, item: str, form: str) -> None:
        """What is JSON and no object is a problem, whatever the form of the file."""
        name = "customers.jsonl" if "\n" in form else "customers.json"
        _, found, _ = run(form.format(item), name=name)
        assert found[0].split(": ")[1].startswith("must be an object; ")
        assert CANARY not in found[0]

    def test_python_is_not_json(self, run: Run) -> None:
        """A file holds JSON; Python's way of writing is for templates alone."""
        code, [line], _ = run("{'status': 'Active'}")
        assert code == 1
        assert line.startswith("customers.json: is not JSON: ")
        assert "XComArg" not in line


class TestOutcome:
    """The exit code, the summary and the options."""

    @pytest.mark.parametrize(
        ("text", "options", "code", "summary"),
        [
            pytest.param(GOOD, [], 0, "1 customer, 0 with problems", id="good"),
            pytest.param(BAD, [], 1, "1 customer, 1 with problems", id="bad"),
            pytest.param(
                f"{GOOD}\n{ODD}",
                [],
                0,
                "2 customers, 0 with problems, 1 with warnings",
                id="warned",
            ),
            pytest.param(
                f"{BAD}\n{ODD}",
                ["--unknown-properties", "fail"],
                1,
                "2 customers, 2 with problems",
                id="failed",
            ),
            pytest.param(
                ODD,
                ["--unknown-properties=ignore"],
                0,
                "1 customer, 0 with problems",
                id="ignored",
            ),
            pytest.param("", [], 2, "customers.json: holds no customer", id="empty"),
            pytest.param("[]", [], 2, "customers.json: holds no customer", id="[]"),
            pytest.param(" \n", [], 2, "customers.json: holds no customer", id="blank"),
            pytest.param(
                b"\xff\xfa", [], 2, "customers.json: is not UTF-8", id="bytes"
            ),
        ],
    )
    def test_code_and_summary(
        self,
        run: Run,
        text: str | bytes,
        options: list[str],
        code: int,
        summary: str,
    ) -> None:
        """0 all may be sent, 1 some may not, 2 the file tells nothing."""
        found_code, _, found_summary = run(text, *options)
        assert (found_code, found_summary) == (code, summary)

    def test_warnings_are_marked(self, run: Run) -> None:
        """A warning says so; an error needs no mark."""
        assert run(ODD)[1] == [f"customers.json: {MEANT}"]
        lines = run(ODD, "--unknown-properties", "fail")[1]
        assert lines == [f"customers.json: {MEANT.removeprefix('warning: ')}"]

    def test_read_only_properties(self, run: Run) -> None:
        """They are left out before the check, unless they are to be kept."""
        text = '{"status": "Active", "metadata": {"isDeleted": "no"}}'
        assert run(text)[0] == 0
        assert run(text, "--keep-read-only")[0] == 1

    def test_no_such_file(self, capsys: pytest.CaptureFixture[str]) -> None:
        """A file that cannot be read is told in a line."""
        assert main(["/nowhere/customers.json"]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("/nowhere/customers.json: cannot be read: ")

    @pytest.mark.parametrize(
        "arguments", [[], ["a", "b"], ["a", "--unknown-properties=x"]]
    )
    def test_usage(
        self, arguments: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        """A command line that makes no sense ends with 2, as everywhere."""
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 2
        assert (
            "usage: python -m airflow_provider_codat.validate"
            in capsys.readouterr().err
        )

    def test_values_stay_in_the_file(self, run: Run) -> None:
        """No value of the file is printed, whatever is wrong with it."""
        for text in (f'{{"status": "{CANARY}"}}', f'{{"{CANARY[:0]}a": {CANARY}}}'):
            _, lines, summary = run(text)
            assert CANARY not in "".join(lines) + summary


def test_stdin(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """``-`` is the standard input, read as UTF-8 whatever the locale."""
    raw = io.BytesIO(f"\ufeff{GOOD}\n{BAD}\n".encode())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(raw, encoding="ascii"))
    assert main(["-"]) == 1
    assert capsys.readouterr().out == f"<stdin>:2: {CHOICE}\n"


COMMAND = [sys.executable, "-m", "airflow_provider_codat.validate", "-"]


@pytest.mark.slow
def test_lines_are_streamed() -> None:
    """A problem of the first lines is told while the rest has not been written."""
    with subprocess.Popen(
        COMMAND,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(f"{BAD}\n".encode() * 1000)
        process.stdin.flush()
        assert process.stdout.readline() == f"<stdin>:1: {CHOICE}\n".encode()
        process.stdin.close()
        assert len(process.stdout.readlines()) == 999
    assert process.returncode == 1


@pytest.mark.slow
def test_reader_that_leaves(tmp_path: Path) -> None:
    """When `head` has seen enough, the command ends without a traceback."""
    file = tmp_path / "customers.jsonl"
    file.write_text(f"{BAD}\n" * 5000, encoding="utf-8")
    reading, writing = os.pipe()
    os.close(reading)
    command = [*COMMAND[:-1], str(file)]
    done = subprocess.run(command, check=False, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.slow
def test_airflow_is_absent() -> None:
    """The command needs no Airflow, and no jsonschema before there is a customer."""
    program = (
        "import json, sys, airflow_provider_codat.validate\n"
        "print(json.dumps(sorted(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True
    )
    assert not {"airflow", "jsonschema"} & set(json.loads(done.stdout))


MODEL = {
    "type": "Object",
    "properties": {
        "customerName": {
            "type": "String",
            "required": True,
            "validation": {"warnings": [{"details": "Max length of 3 characters."}]},
        },
        "status": {"type": "String", "options": [{"value": "InActive"}]},
    },
}
NAMED = '{"customerName": "Zoë & Co", "status": "InActive"}'
TOO_LONG = 'customerName: must satisfy "Max length of 3 characters."'


@pytest.mark.parametrize(
    ("options", "code", "lines"),
    [
        ([], 1, [f"warning: {TOO_LONG} (the integration's model)", CHOICE]),
        (["--validate", "schema"], 1, [CHOICE]),
        (
            ["--validate", "model"],
            0,
            [f"warning: {TOO_LONG} (the integration's model)"],
        ),
        (
            ["--validate", "model", "--strict"],
            1,
            [f"{TOO_LONG} (the integration's model)"],
        ),
    ],
    ids=["both", "schema", "model", "strict"],
)
def test_model(run: Run, options: list[str], code: int, lines: list[str]) -> None:
    """With a model, customers are held against it and the contract, or one of them."""
    Path("model.json").write_text(json.dumps(MODEL), encoding="utf-8")
    ended, out, _ = run(NAMED, "--model", "model.json", *options)
    assert ended == code
    assert len(out) == len(lines)
    for shown, expected in zip(out, lines, strict=True):
        assert shown.startswith(f"customers.json: {expected}")


@pytest.mark.parametrize("payload", ["7", "[7]", '["x"]'])
def test_model_of_what_is_no_customer(run: Run, payload: str) -> None:
    """What is no object is refused by both, in one line."""
    Path("model.json").write_text(json.dumps(MODEL), encoding="utf-8")
    code, out, _ = run(payload, "--model", "model.json")
    assert code == 1
    [line] = out
    assert ": must be an object; " in line
    assert line.endswith("(Codat's contract and the integration's model)")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (None, "model.json: cannot be read: "),
        ("{", "model.json: the payload: is not JSON"),
        (NAMED, "model.json: is no model: it lists no properties"),
    ],
    ids=["no file", "no JSON", "no model"],
)
def test_model_that_cannot_be_read(run: Run, text: str | None, complaint: str) -> None:
    """A model that is none ends the command with 2, and no customer is checked."""
    if text is not None:
        Path("model.json").write_text(text, encoding="utf-8")
    code, out, err = run(NAMED, "--model", "model.json")
    assert (code, out) == (2, [])
    assert err.startswith(complaint)


@pytest.mark.parametrize(
    "options", [["--strict"], ["--validate", "both"], ["--validate", "model"]], ids=str
)
def test_model_is_missed(run: Run, options: list[str]) -> None:
    """What only a model can say is not asked for without one."""
    with pytest.raises(SystemExit) as ended:
        run(NAMED, *options)
    assert ended.value.code == 2


def test_another_data_type(run: Run) -> None:
    """Records of each data type are checked by its own contract, and called so."""
    good = '{"name": "Bread", "nominalCode": "4010"}'
    bad = '{"issueDate": "2026-03-02", "totalAmount": "12,50"}'
    assert run(good, "--data-type", "chartOfAccounts")[::2] == (
        0,
        "1 account, 0 with problems",
    )
    code, lines, summary = run(bad, "--data-type", "invoices", name="invoices.json")
    assert (code, summary) == (1, "1 invoice, 1 with problems")
    paths = [line.split(": ")[1] for line in lines]
    assert paths == ["totalAmount", "totalTaxAmount", "amountDue", "status"]
    assert "12,50" not in "".join(lines)


def test_an_unknown_data_type(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing can be checked by a contract that is not there."""
    with pytest.raises(SystemExit) as ended:
        run("{}", "--data-type", "salesOrders")
    assert ended.value.code == 2
    assert "'invoices'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ("{", "mapping.json: is not JSON"),
        ("[]", "mapping.json: must be"),
        ('{"company": "customerName"}', "mapping.json: must be"),
        ('{"columns": {"company": "custmerName"}}', "did you mean customerName"),
        ('{"columns": {"compny": "customerName"}}', "did you mean 'company'"),
        ('{"columns": {"company": "customerName"}}', "1 customer, 1 with problems"),
        (None, "cannot be read: No such file"),
    ],
)
def test_a_mapping(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], mapping: str | None, words: str
) -> None:
    """One that is none is named, and what is wrong with it; a row names its column."""
    file, other = tmp_path / "a.csv", tmp_path / "mapping.json"
    file.write_text("company,status\nFen,Dormant\n")
    if mapping is not None:
        other.write_text(mapping)
    code = main([str(file), "--columns", str(other)])
    told = capsys.readouterr()
    assert words in told.err
    assert code == (1 if "1 with problems" in words else 2)
    assert CANARY not in told.out
    assert code == 2 or "a.csv:2: status: must be one of" in told.out


def test_a_suggestion_for_what_is_no_object(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file without columns gets an empty mapping, or is said to be broken."""
    file = tmp_path / "a.jsonl"
    file.write_text("{broken\n")
    assert main([str(file), "--suggest"]) == 2
    assert "is not JSON" in capsys.readouterr().err
    file.write_text('{"company": "Fen"}\n')
    assert main([str(file), "--suggest"]) == 0
    assert '"company": "customerName"' in capsys.readouterr().out
