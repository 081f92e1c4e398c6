"""The laws of the code base that no linter knows."""

import ast
import os
import re
import subprocess
import sys
import tokenize
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import pytest

import airflow_provider_codat

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "airflow_provider_codat"
if not PACKAGE.is_dir():
    pytest.skip("the sources are not here", allow_module_level=True)

MODULES = sorted(PACKAGE.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
OTHERS = sorted(
    chain.from_iterable(
        (ROOT / folder).rglob("*.py") for folder in ("benchmarks", "dags", "scripts")
    )
)
TEXTS = sorted(
    path
    for folder in (".ci", "docs", "dags", "airflow_provider_codat", "scripts", "tests")
    for path in (ROOT / folder).rglob("*")
    if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".png"
)

MODULE_LINES = 400
FUNCTION_LINES = 30
BROAD = {"Exception", "BaseException"}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
DOCUMENTED = (ast.Module, ast.ClassDef, *FUNCTIONS)


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), named(path))


def at(path: Path, node: ast.AST, words: str) -> str:
    return f"{named(path)}:{getattr(node, 'lineno', 1)} {words}"


def code_lines(path: Path) -> set[int]:
    """Return the numbers of the lines of code: no blanks, comments, docstrings."""
    void = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT}
    void |= {tokenize.DEDENT, tokenize.ENDMARKER, tokenize.ENCODING}
    with path.open("rb") as file:
        lines = {
            number
            for token in tokenize.tokenize(file.readline)
            if token.type not in void
            for number in range(token.start[0], token.end[0] + 1)
        }
    for node in ast.walk(parsed(path)):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False):
            first = node.body[0]
            lines -= set(range(first.lineno, (first.end_lineno or 0) + 1))
    return lines


def comments(path: Path) -> Iterator[tuple[int, str]]:
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string


def all_of(
    paths: Iterable[Path], *kinds: type[ast.AST]
) -> Iterator[tuple[Path, ast.AST]]:
    """Yield the nodes of some kinds, each with its file."""
    for path in paths:
        for node in ast.walk(parsed(path)):
            if isinstance(node, kinds):
                yield path, node


def test_laws() -> None:
    """The docstring of each test is the law that it enforces."""
    missing = [
        at(path, node, node.name)
        for path, node in all_of(TESTS, *FUNCTIONS)
        if node.name.startswith("test_") and not ast.get_docstring(node)
    ]
    assert not missing, "\n".join(missing)


def test_names_of_tests() -> None:
    """No two tests of a file have one name: the second would hide the first."""
    redacted = [
        f"{named(path)} {name}"
        for path in TESTS
        for name, times in Counter(
            node.name for node in parsed(path).body if isinstance(node, FUNCTIONS)
        ).items()
        if times > 1
    ]
    assert not redacted, "\n".join(redacted)


def test_nothing_is_patched() -> None:
    """Fakes are programs: no test replaces a part of ours."""
    mocks = [
        at(path, node, ast.unparse(node))
        for path, node in all_of(TESTS, ast.Import, ast.ImportFrom)
        if "mock" in re.findall(r"\w+", ast.unparse(node).lower())
    ]
    patches = [
        at(path, node, ast.unparse(node))
        for path, node in all_of(TESTS, ast.Call)
        if ast.unparse(node.func) == "monkeypatch.setattr"
        and "airflow_provider_codat" in ast.unparse(node)
    ]
    assert not mocks + patches, "\n".join(mocks + patches)


def test_broad_handlers() -> None:
    """At most one handler of the package takes any exception whatever."""
    found = [
        at(path, node, ast.unparse(node).splitlines()[0])
        for path, node in all_of(MODULES, ast.ExceptHandler)
        if node.type is None or BROAD & set(re.findall(r"\w+", ast.unparse(node.type)))
    ]
    assert len(found) <= 1, found


def test_ignored_types() -> None:
    """At most two lines are kept from the type checker, each with code and reason."""
    found = [
        f"{named(path)}:{number} {comment}"
        for path in (*MODULES, *OTHERS)
        for number, comment in comments(path)
        if re.search(r"type:\s*ignore", comment)
    ]
    assert len(found) <= 2, found
    assert all(re.search(r"type: ignore\[[a-z-]+\] +# \S", line) for line in found), (
        found
    )


def test_silenced_rules() -> None:
    """Where a lint rule is silenced, it is named and the reason is given."""
    silenced = [
        f"{named(path)}:{number} {comment}"
        for path in (*MODULES, *TESTS, *OTHERS)
        for number, comment in comments(path)
        if "noqa" in comment
        and not re.search(r"# noqa: [A-Z]+\d+(, [A-Z]+\d+)* - \S", comment)
    ]
    assert not silenced, "\n".join(silenced)


def test_module_length() -> None:
    """A module is one thing, whole, that can be read at one sitting."""
    long = [
        f"{named(path)}: {length} lines of code"
        for path in MODULES
        for length in [len(code_lines(path))]
        if length > MODULE_LINES
    ]
    assert not long, "\n".join(long)


def test_function_length() -> None:
    """A function can be seen whole, unless it is a list: of parameters, or of data."""
    long = [
        at(path, node, f"{node.name}: {length} lines of code")
        for path in MODULES
        for lines in [code_lines(path)]
        for _, node in all_of([path], *FUNCTIONS)
        for length in [len(lines & set(range(node.lineno, node.end_lineno + 1)))]
        if length > FUNCTION_LINES and node.name != "__init__" and not is_data(node)
    ]
    assert not long, "\n".join(long)


def is_data(node: ast.FunctionDef) -> bool:
    """Return whether a function does nothing but return what is written down."""
    last = node.body[-1]
    called = any(isinstance(child, ast.Call) for child in ast.walk(last))
    return isinstance(last, ast.Return) and len(node.body) == 2 and not called


def test_public_things_are_documented() -> None:
    """Every public module, class and function says what it is for."""

    def missing(path: Path, parent: ast.AST) -> Iterator[str]:
        for node in ast.iter_child_nodes(parent):
            if isinstance(node, DOCUMENTED) and not node.name.startswith("_"):
                if not ast.get_docstring(node):
                    yield at(path, node, node.name)
                if isinstance(node, ast.ClassDef):
                    yield from missing(path, node)

    silent = [named(path) for path in MODULES if not ast.get_docstring(parsed(path))]
    for path in MODULES:
        silent += missing(path, parsed(path))
    assert not silent, "\n".join(silent)


def test_names_of_classes() -> None:
    """Names are the field's: no Manager, Helper, Util, Common, Base."""
    vague = re.compile(r"Manager|Helper|Util|Common|^Base|Base$")
    found = [
        at(path, node, node.name)
        for path, node in all_of(MODULES, ast.ClassDef)
        if vague.search(node.name)
    ]
    assert not found, "\n".join(found)


def test_the_version_stands_in_one_place() -> None:
    """The version is written down once; packaging reads it from there."""
    version = airflow_provider_codat.__version__
    holders = [
        f"{named(path)}:{number}"
        for path in (*MODULES, ROOT / "setup.cfg", ROOT / "pyproject.toml")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(rf"(?<![\d.]){re.escape(version)}(?![\d.])", line)
    ]
    assert len(holders) == 1, holders
    assert holders[0].startswith("airflow_provider_codat/__init__.py:")


def test_nothing_is_left_for_later() -> None:
    """No note to do something later stands in the code or the guides."""
    later = re.compile(r"\b(?:TO[D]O|FIX[M]E|X[X]X|HA[C]K)\b")
    found = [
        f"{named(path)}:{number} {line.strip()}"
        for path in TEXTS
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if later.search(line)
    ]
    assert not found, "\n".join(found)


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted((ROOT / "dags").glob("*.py")), ids=named)
def test_example_dags_are_warned_of_nothing(path: Path, tmp_path: Path) -> None:
    """An example DAG uses nothing that Airflow, or Python, calls deprecated."""
    program = (
        "import runpy, sys, warnings, airflow.sdk\n"
        "warnings.simplefilter('error')\n"
        "runpy.run_path(sys.argv[1])\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        env={**os.environ, "AIRFLOW_HOME": str(tmp_path)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
