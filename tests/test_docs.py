"""The guides are true: what they show runs, and what there is stands in them."""

import inspect
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, get_args

import pytest

from airflow_provider_codat.api import errors
from airflow_provider_codat.api.bulk.report import Status
from airflow_provider_codat.api.connection.settings import EXTRAS
from airflow_provider_codat.api.data_types import DATA_TYPES
from airflow_provider_codat.api.payload.check import Check
from airflow_provider_codat.failures import may_pass

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
if not DOCS.is_dir():
    pytest.skip("the guides are not here", allow_module_level=True)

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
# Their examples have tests of their own: tests/simulator/test_guide.py, and below.
ELSEWHERE = {"docs/simulator.md", "docs/testing.md"}
MOST_NOT_RUN = 4
LONG_SENTENCE = 12
COMMAND = re.compile(r"\$ (?:python -m airflow_provider_codat|cat)\b.*")


class Block(NamedTuple):
    """A block of code in a guide.

    :param where: its page and line.
    :param excuse: why it is not run; empty where it is.
    """

    where: str
    language: str
    text: str
    excuse: str


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def blocks_of(path: Path) -> Iterator[Block]:
    page = path.read_text(encoding="utf-8")
    pattern = r"(?:<!-- not run: ([^>]+) -->\n+)?^```([^\n]*)\n(.*?)^```$"
    for found in re.finditer(pattern, page, re.DOTALL | re.MULTILINE):
        line = page.count("\n", 0, found.start(2)) + 1
        where = f"{named(path)}:{line}"
        yield Block(where, found[2], found[3], found[1] or "")


BLOCKS = [block for path in PAGES for block in blocks_of(path)]


def of(language: str) -> list[Block]:
    """Return the blocks of a language that are run here."""
    return [
        block
        for block in BLOCKS
        if block.language == language
        and not block.excuse
        and block.where.partition(":")[0] not in ELSEWHERE
    ]


def ids(blocks: list[Block]) -> list[str]:
    return [block.where for block in blocks]


def test_each_block_is_of_a_kind_that_is_looked_at() -> None:
    """No block escapes by the name of its language."""
    known = {"python", "python notest", "console", "bash", "sh", "json", "text"}
    found = {b.language for b in BLOCKS if not b.language.startswith("{")}
    assert found <= known


def test_few_blocks_are_not_run() -> None:
    """A block that is not run says why, and there are few of them."""
    excused = [block for block in BLOCKS if block.excuse]
    assert len(excused) <= MOST_NOT_RUN, ids(excused)


@pytest.mark.parametrize("block", of("json"), ids=ids(of("json")))
def test_json(block: Block) -> None:
    """What is called JSON is JSON, or lines of it."""
    try:
        json.loads(block.text)
    except json.JSONDecodeError:
        for line in block.text.splitlines():
            json.loads(line)


def commands_of(text: str) -> list[tuple[str, str]]:
    """Return each command of a session, and what it is said to print."""
    found: list[tuple[str, str]] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], ""))
        elif found:
            command, printed = found[-1]
            found[-1] = (command, f"{printed}{line}\n")
    return found


SESSIONS = [
    block
    for block in of("console")
    if any(
        printed and COMMAND.fullmatch(f"$ {command}")
        for command, printed in commands_of(block.text)
    )
]


@pytest.mark.slow
@pytest.mark.parametrize("block", SESSIONS, ids=ids(SESSIONS))
def test_sessions(block: Block, tmp_path: Path) -> None:
    """A command prints what the guide says; ``cat`` tells what stands in its files."""
    status = 0
    for command, printed in commands_of(block.text):
        program, *words = shlex.split(command)
        if program == "cat":
            (tmp_path / words[0]).write_text(printed.rstrip("\n"), encoding="utf-8")
        elif program == "echo":
            assert words == ["$?"]
            assert printed == f"{status}\n"
        else:
            assert program == "python"
            ran = subprocess.run(
                [sys.executable, *words],
                cwd=tmp_path,
                env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            assert ran.stdout == printed
            status = ran.returncode


def test_sessions_are_found() -> None:
    """There are sessions whose output is compared: of each program that has one."""
    programs = {
        word
        for block in SESSIONS
        for word in re.findall(r"python -m airflow_provider_codat\.(\w+)", block.text)
    }
    assert programs == {
        "validate",
        "describe",
        "report",
        "journal",
        "simulator",
        "webhooks",
    }


def environment(home: Path) -> dict[str, str]:
    """Return that of a program with an Airflow of its own."""
    own = {k: v for k, v in os.environ.items() if not k.startswith("AIRFLOW_")}
    return own | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "PYTHONPATH": str(ROOT),
    }


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_python(tmp_path: Path) -> None:
    """What a guide shows in Python runs, and all tasks that it defines succeed."""
    blocks = {block.where: block.text for block in of("python")}
    assert len(blocks) > 25
    (tmp_path / "blocks.json").write_text(json.dumps(blocks), encoding="utf-8")
    program = str(ROOT / "tests" / "run_documented.py")
    ran = subprocess.run(
        [sys.executable, program, "blocks.json", "results.json"],
        cwd=tmp_path,
        env=environment(tmp_path / "home"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-5000:]
    results = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert results.keys() == blocks.keys()
    wrong = [f"{where}\n{problem}" for where, problem in results.items() if problem]
    assert not wrong, "\n".join(wrong)


@pytest.mark.slow
def test_the_guide_to_tests(tmp_path: Path) -> None:
    """The tests that the guide shows pass, with its conftest.py."""
    shown = [b.text for b in BLOCKS if b.where.startswith("docs/testing.md")]
    (conftest,) = [text for text in shown if text.startswith("pytest_plugins")]
    (tests,) = [text for text in shown if "def test_" in text]
    (dag,) = [text for text in shown if "with DAG(" in text]
    (check,) = [text for text in shown if "Check()" in text]
    exec(compile(check, "testing.md", "exec"), {})
    (tmp_path / "conftest.py").write_text(conftest, encoding="utf-8")
    (tmp_path / "test_mine.py").write_text(tests, encoding="utf-8")
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "new_customer.py").write_text(dag, encoding="utf-8")
    for words in (
        ["airflow", "db", "migrate"],
        ["pytest", "-q", "-p", "no:cacheprovider"],
    ):
        ran = subprocess.run(
            [sys.executable, "-m", *words],
            cwd=tmp_path,
            env=environment(tmp_path),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout[-5000:]
    assert f"{tests.count('def test_')} passed" in ran.stdout


def anchors_of(path: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {heading.strip().replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_links(path: Path) -> None:
    """A link within the repository leads to a file that is there, and to a heading."""
    text = path.read_text(encoding="utf-8")
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        page = (path.parent / file).resolve() if file else path
        if not page.exists() or (anchor and anchor not in anchors_of(page)):
            broken.append(target)
    assert not broken


def guides() -> list[Path]:
    """Return the guides that the first page lists, but for those about versions."""
    listed = (DOCS / "index.md").read_text(encoding="utf-8")
    (entries,) = re.findall(r":caption: Guides\n\n(.*?)```", listed, re.DOTALL)
    names = re.findall(r"<(\S+)>", entries)
    return [DOCS / f"{n}.md" for n in names if n not in {"upgrading", "compatibility"}]


@pytest.mark.parametrize("page", guides(), ids=named)
def test_a_guide_begins_with_what_does_it(page: Path) -> None:
    """Before its first heading, a guide shows the DAG, or the command."""
    begin = page.read_text(encoding="utf-8").partition("\n## ")[0]
    assert re.search(r"^```(?:python|console|bash)\n", begin, re.MULTILINE)


def test_no_page_says_what_another_says() -> None:
    """No sentence of a dozen words stands in two pages."""
    code = re.compile(r"^```.*?^```$|^\|.*?$", re.DOTALL | re.MULTILINE)
    seen: dict[str, str] = {}
    twice: list[str] = []
    # The first page and the README are the same page in two places.
    for path in [page for page in PAGES if page != DOCS / "index.md"]:
        text = code.sub("", path.read_text(encoding="utf-8"))
        for part in re.split(r"(?<=[.:;])\s+|\n\n", text):
            sentence = " ".join(part.split())
            elsewhere = seen.setdefault(sentence, named(path)) != named(path)
            if elsewhere and len(sentence.split()) >= LONG_SENTENCE:
                twice.append(f"{named(path)}, {seen[sentence]}: {sentence}")
    assert not twice


def code_of(*pages: Path) -> str:
    """Return what stands in pages as code, within the text or apart."""
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    return "\n".join(re.findall(r"`+([^`]+)`+", text))


def test_errors_are_documented() -> None:
    """By its code, an error's place is found: what happened, and what to do."""
    kinds = [
        (kind.code, name)
        for name, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, errors.CodatError)
    ]
    assert len(kinds) > 20
    page = (DOCS / "reference" / "errors.md").read_text(encoding="utf-8")
    rows = r"^\| \[(CODAT-E\d\d)\]\(#(codat-e\d\d)\) \| `(\w+)` \|.* \| .+ \| .+ \|$"
    told = re.findall(rows, page, re.MULTILINE)
    assert [(code, name) for code, _, name in told] == sorted(kinds)
    assert all(anchor == code.lower() for code, anchor, _ in told)
    used = dict(
        re.findall(r"\| `(\w+)` \|.* \| (\w+)[^|]* \| [^|]+ \|$", page, re.MULTILINE)
    )
    for _, name in kinds:
        kind = getattr(errors, name)
        # Of a refresh it depends on what Codat has said.
        if kind is not errors.RefreshFailed:
            assert used[name] == ("yes" if may_pass(kind.__new__(kind)) else "no"), name
    sections = r"^## (CODAT-E\d\d)\n\n```{eval-rst}\n.. autoexception:: [\w.]+\.(\w+)$"
    assert re.findall(sections, page, re.MULTILINE) == sorted(kinds)


def test_the_errors_are_drawn_as_they_are() -> None:
    """The tree of errors in the reference is that of the module."""
    page = (DOCS / "reference" / "errors.md").read_text(encoding="utf-8")
    (drawn,) = re.findall(r"```text\n(CodatError\n.*?)```", page, re.DOTALL)
    # There, each has a word beside it.
    source = re.sub(r"^    ", "", errors.__doc__ or "", flags=re.MULTILINE)
    node = re.compile(r"^(?:[│ ]  )?(?:[├└]─ )?\w+(?:\(\w+\))?(?= |$)", re.MULTILINE)
    nodes = node.findall(source)
    assert drawn.splitlines() == nodes[nodes.index("CodatError") :][: drawn.count("\n")]


def test_extras_are_documented() -> None:
    """Every extra of a connection is a row of the table in the guide."""
    page = (DOCS / "connection.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    assert sorted(rows) == sorted(EXTRAS)


def test_statuses_are_documented() -> None:
    """Every status of a row is explained where the results are."""
    page = (DOCS / "bulk.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    assert not set(get_args(Status)) - set(rows)


@pytest.mark.slow
def test_template_fields_are_documented() -> None:
    """Every template field of every operator is a row's in the guide, and no other.

    An operator of another data type than those in the guide has the same fields, under
    its own words.
    """
    program = (
        "import json, warnings\n"
        "warnings.simplefilter('ignore')\n"
        "from airflow_provider_codat.operators import codat\n"
        "from airflow_provider_codat.sensors.codat import CodatPushOperationSensor\n"
        "kinds = [getattr(codat, n) for n in codat.__all__]\n"
        "from airflow_provider_codat.transfers.sql_to_codat import *\n"
        "kinds += [CodatPushOperationSensor, SqlToCodatOperator]\n"
        "names = ('record', 'record_id', 'records', 'records_path')\n"
        "def plain(kind):\n"
        "    words = getattr(kind, 'argument_of', str)\n"
        "    back = {words(name): name for name in names}\n"
        "    return sorted(back.get(f, f) for f in kind.template_fields)\n"
        "family = {k.__name__: k.__bases__[0].__name__ for k in kinds}\n"
        "print(json.dumps([{k.__name__: sorted(k.template_fields) for k in kinds},\n"
        "    {k.__name__: plain(k) for k in kinds}, family]))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        text=True,
    )
    page = (DOCS / "templating.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", page, re.MULTILINE))
    told = {name: sorted(re.findall(r"`(\w+)`", row)) for name, row in rows.items()}
    fields, plain, family = json.loads(ran.stdout.splitlines()[-1])
    assert told == {name: fields[name] for name in told}
    shown = {family[name]: name for name in reversed(told)}  # the first of each
    for name in fields.keys() - told.keys():
        like = family[name] if family[name] in told else shown[family[name]]
        assert plain[name] == plain[like]


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_each_column_has_a_heading(path: Path) -> None:
    """Whoever reads a table is told what stands in each column."""
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, (line, below) in enumerate(pairwise(lines), 1):
        if re.fullmatch(r"\|(\s*:?-+:?\s*\|)+", below) and line.startswith("|"):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            assert all(cells), f"{path.name}:{number}"


def test_examples_of_data_types() -> None:
    """The example of each data type may be sent, with nothing to warn of."""
    page = (DOCS / "data-types.md").read_text(encoding="utf-8")
    examples = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    for row, text in zip(DATA_TYPES.values(), examples, strict=True):
        check = Check(unknown_properties="fail", data_type=row.name)
        assert not check.problems(json.loads(text)), row.name


def test_metrics_are_documented() -> None:
    """Every metric is a row's of the guide, and every row is a metric's."""
    source = (ROOT / "airflow_provider_codat" / "metrics.py").read_text(
        encoding="utf-8"
    )
    sent = set(re.findall(r"Stats\.\w+\(f?\"(codat\.[a-z_]+)", source))
    assert sent
    page = (DOCS / "metrics.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(codat\.[a-z_]+)", page, re.MULTILINE)) == sent


def test_each_page_is_in_the_navigation() -> None:
    """The site's index leads to every page; the decisions by a pattern."""
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    trees = "\n".join(re.findall(r"```\{toctree\}\n(.*?)```", index, re.DOTALL))
    entries = {
        line.rpartition("<")[2].rstrip(">")
        for line in trees.splitlines()
        if line and not line.startswith(":")
    }
    pages = {
        path.relative_to(DOCS).with_suffix("").as_posix() for path in DOCS.rglob("*.md")
    }
    decisions = {page for page in pages if page.startswith("decisions/0")}
    assert entries == pages - decisions - {"index"} | {"decisions/0*"}
