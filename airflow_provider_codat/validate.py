"""Check records in a file as the operator would, with no Airflow running.

::

    python -m airflow_provider_codat.validate customers.jsonl
    python -m airflow_provider_codat.validate --model model.json customers.jsonl
    python -m airflow_provider_codat.validate --data-type invoices invoices.jsonl

The file holds one JSON object, a JSON array of objects, or JSON lines; ``-`` is the
standard input. JSON lines are read one at a time, so a file may be of any size. It
ends with 0 when all may be sent (warnings allowed), 1 when some may not, 2 when the
file cannot be read.
"""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import NamedTuple, TypeAlias, get_args

from airflow_provider_codat.api.bulk.rows import lines
from airflow_provider_codat.api.data_types import CUSTOMERS, DATA_TYPES, DataType
from airflow_provider_codat.api.errors import PayloadInvalid
from airflow_provider_codat.api.models import Json, Problem
from airflow_provider_codat.api.payload.canonical import READ_ONLY, parse_json, to_json
from airflow_provider_codat.api.payload.check import Check, Validate, checked
from airflow_provider_codat.api.payload.contract import UnknownProperties
from airflow_provider_codat.model_file import read_model

Line: TypeAlias = tuple[int, str]

_NO_MODEL = (None, "schema")
_LINES_SUFFIXES = (".jsonl", ".ndjson")


class _Options(argparse.Namespace):
    """The command line, read."""

    file: str
    data_type: str
    unknown_properties: UnknownProperties
    keep_read_only: bool
    model: str | None
    validate: Validate | None
    strict: bool


class _Entry(NamedTuple):
    """One record of the file, not yet read.

    :param place: where it stands, such as ``customers.jsonl:3``.
    :param read: makes JSON of the value, or raises ``PayloadInvalid``.
    """

    place: str
    value: object
    read: Callable[[object], Json]


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the file that the command line names; return the exit code.

    :param arguments: without the program's name; default: those of the process.
    """
    parser = _parser()
    options = parser.parse_args(arguments, namespace=_Options())
    if options.model is None and (options.strict or options.validate not in _NO_MODEL):
        parser.error("--strict, and --validate both or model, need --model")
    try:
        check = _check(options)
    except OSError as error:
        return _unusable(f"{options.model}: cannot be read: {error.strerror}")
    except ValueError as error:
        return _unusable(str(error))
    return _reported(options, check)


def _reported(options: _Options, check: Check) -> int:
    """Check the file and report; return the exit code."""
    try:
        return _report(options, check)
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough. Python flushes at exit: let it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        return _unusable(f"{options.file}: cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        return _unusable(f"{options.file}: is not UTF-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m airflow_provider_codat.validate",
        description="Check records as the operator would, without Airflow.",
    )
    add = parser.add_argument
    add(
        "file",
        metavar="FILE",
        help="a JSON object, a JSON array of objects, or JSON lines; - reads stdin",
    )
    add(
        "--data-type",
        choices=sorted(DATA_TYPES),
        default=CUSTOMERS.name,
        metavar="KEY",
        help="Codat's key of what they are, such as invoices (%(default)s)",
    )
    add(
        "--unknown-properties",
        choices=get_args(UnknownProperties),
        default="warn",
        help="what to do about properties that are not documented (%(default)s)",
    )
    _add_checks(add)
    return parser


def _add_checks(add: Callable[..., object]) -> None:
    """Add what they are held against."""
    kept = f"check these too instead of leaving them out: {', '.join(READ_ONLY)}"
    add("--keep-read-only", action="store_true", help=kept)
    add("--model", metavar="MODEL", help="a file with the integration's model")
    add(
        "--validate",
        choices=["both", "model", "schema"],
        help="against the model, Codat's contract, or both (with --model: both)",
    )
    add("--strict", action="store_true", help="the model's limits in prose forbid, too")


def _check(options: _Options) -> Check:
    """Return what records are to be held against.

    :raises OSError: when the model cannot be read.
    :raises ValueError: when there is none in its file.
    """
    model = None if options.model is None else read_model(options.model)
    return Check(
        data_type=options.data_type,
        validate=options.validate or ("both" if model else "schema"),
        unknown_properties=options.unknown_properties,
        strict=options.strict,
        model=model,
    )


def _report(options: _Options, check: Check) -> int:
    """Print each problem, then the sum; return the exit code."""
    seen: Counter[str] = Counter()
    name = "<stdin>" if options.file == "-" else options.file
    with _opened(options.file) as raw:
        for entry in _entries(raw, name):
            problems = _problems(entry, options, check)
            seen.update({"all", *(problem.severity for problem in problems)})
            for problem in problems:
                mark = "warning: " if problem.severity == "warning" else ""
                print(f"{entry.place}: {mark}{_line(problem)}")
    sys.stdout.flush()
    if not seen:
        return _unusable(f"{name}: holds no {_row(options).record}")
    print(_summary(seen, _row(options)), file=sys.stderr)
    return 1 if seen["error"] else 0


@contextmanager
def _opened(file: str) -> Iterator[Iterable[bytes]]:
    if file == "-":
        yield sys.stdin.buffer
    else:
        with Path(file).open("rb") as raw:
            yield raw


def _problems(entry: _Entry, options: _Options, check: Check) -> tuple[Problem, ...]:
    """Return all that is wrong with one record."""
    return checked(
        entry.value,
        check,
        read_only_fields=() if options.keep_read_only else READ_ONLY,
        read=entry.read,
    ).problems


def _entries(raw: Iterable[bytes], name: str) -> Iterator[_Entry]:
    """Yield the records of a file, which may be in any of the three forms."""
    numbered = ((line.number, line.text.decode()) for line in lines(raw))
    first, second = next(numbered, None), next(numbered, None)
    rest = chain([second] if second else [], numbered)
    if first is None:
        return
    if not name.endswith(_LINES_SUFFIXES) and _begins_document(first, second):
        yield from _document(chain([first], rest), name)
    else:
        place = f"{name}:{first[0]}" if second else name
        yield _Entry(place, first[1], _read_text)
        for number, text in rest:
            yield _Entry(f"{name}:{number}", text, _read_text)


def _begins_document(first: Line, second: Line | None) -> bool:
    """Whether the text goes on after its first line, as an array or a laid-out object.

    Otherwise these are JSON lines, of which the first may be broken.
    """
    text = first[1].strip()
    if text.startswith("["):
        return True
    if second is None or _is_object(first):
        return False
    if text.endswith(("{", "[", ",", ":")):
        return not _is_object(second)
    return not second[1].lstrip().startswith("{")


def _is_object(line: Line) -> bool:
    try:
        return isinstance(parse_json(line[1]), dict)
    except PayloadInvalid:
        return False


def _document(numbered: Iterable[Line], name: str) -> Iterator[_Entry]:
    """Yield the elements of an array, or the one object."""
    parts, last = [], 0
    for number, line in numbered:
        # Blank lines were skipped: put them back, so that a problem's line is right.
        parts.append("\n" * (number - last - 1) + line)
        last = number
    text = "".join(parts)
    try:
        value = parse_json(text)
    except PayloadInvalid:
        yield _Entry(name, text, _read_text)
        return
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield _Entry(f"{name}[{number}]", item, to_json)
    else:
        yield _Entry(name, value, to_json)


def _read_text(value: object) -> Json:
    return to_json(parse_json(str(value)))


def _line(problem: Problem) -> str:
    """Show a problem; the place has told which record is meant."""
    return str(problem) if problem.path else str(problem).removeprefix("the payload: ")


def _row(options: _Options) -> DataType:
    return DATA_TYPES[options.data_type]


def _summary(seen: Counter[str], row: DataType) -> str:
    records = row.record if seen["all"] == 1 else row.records
    warned = f", {seen['warning']} with warnings" if seen["warning"] else ""
    return f"{seen['all']} {records}, {seen['error']} with problems{warned}"


def _unusable(message: str) -> int:
    print(message, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
