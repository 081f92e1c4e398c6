"""Check records in a file as the operator would, with no Airflow running.

::

    python -m airflow_provider_codat.validate customers.jsonl
    python -m airflow_provider_codat.validate --model model.json customers.jsonl
    python -m airflow_provider_codat.validate --data-type invoices invoices.jsonl
    python -m airflow_provider_codat.validate --suggest finance.csv > mapping.json
    python -m airflow_provider_codat.validate --columns mapping.json finance.csv

The file holds one JSON object, a JSON array of objects, JSON lines, a CSV or Parquet;
``-`` is the standard input. Rows are read one at a time, so a file may be of any size.
It ends with 0 when all may be sent (warnings allowed), 1 when some may not, 2 when the
file cannot be read.
"""

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import IO, NamedTuple, get_args

from airflow_provider_codat.api.bulk.digests import Digests
from airflow_provider_codat.api.bulk.rows import Reader, Rules
from airflow_provider_codat.api.data_types import CUSTOMERS, DATA_TYPES, DataType
from airflow_provider_codat.api.errors import PayloadInvalid, SettingsInvalid
from airflow_provider_codat.api.input.columns import Cells, Columns, read_columns
from airflow_provider_codat.api.input.encodings import FileUnreadable
from airflow_provider_codat.api.input.file_rows import (
    FileFormat,
    InputFormat,
    Line,
    rows_of_file,
)
from airflow_provider_codat.api.input.suggestion import suggestion
from airflow_provider_codat.api.models import Json, Problem
from airflow_provider_codat.api.payload.canonical import READ_ONLY, parse_json, to_json
from airflow_provider_codat.api.payload.check import Check, Validate, checked
from airflow_provider_codat.api.payload.contract import UnknownProperties
from airflow_provider_codat.model_file import read_model

_NO_MODEL = (None, "schema")
_LINES_SUFFIXES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")


class _Options(argparse.Namespace):
    """The command line, read."""

    file: str
    data_type: str
    unknown_properties: UnknownProperties
    keep_read_only: bool
    model: str | None
    validate: Validate | None
    strict: bool
    no_hints: bool
    mapping: str | None
    suggest: bool
    item_key: str | None
    null_value: list[str]
    input_format: InputFormat | None
    encoding: str | None
    delimiter: str | None


class _Entry(NamedTuple):
    """One record of the file, not yet read.

    :param place: where it stands, such as ``customers.jsonl:3``, by lines.
    :param value: the text of a line, :class:`.Cells`, or what a list holds.
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
        columns = _columns(options)
    except OSError as error:
        return _unusable(f"{error.filename}: cannot be read: {error.strerror}")
    except PayloadInvalid as invalid:
        return _unusable(f"{options.mapping}: {invalid.problems[0].message}")
    except (ValueError, SettingsInvalid) as error:
        return _unusable(str(error))
    return _reported(options, columns)


def _reported(options: _Options, columns: Columns) -> int:
    """Check the file and report; return the exit code."""
    try:
        return (_suggest if options.suggest else _report)(options, columns)
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough. Python flushes at exit: let it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        return _unusable(f"{options.file}: cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        return _unusable(f"{options.file}: is not UTF-8")
    except FileUnreadable as error:
        return _unusable(f"{options.file}: {error}")
    except SettingsInvalid as error:
        return _unusable(str(error))
    except PayloadInvalid as invalid:
        return _unusable(f"{options.file}: {invalid.problems[0].message}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m airflow_provider_codat.validate",
        description="Check records as the operator would, without Airflow.",
    )
    add = parser.add_argument
    add(
        "file",
        metavar="FILE",
        help="JSON lines, JSON, CSV or Parquet, plain or gzip; - reads stdin",
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
    _add_forms(add)
    return parser


def _add_forms(add: Callable[..., object]) -> None:
    """Add what the file is, and what its columns mean."""
    add(
        "--columns",
        dest="mapping",
        metavar="MAPPING",
        help="a file with the columns and constants, as --suggest prints them",
    )
    add(
        "--suggest",
        action="store_true",
        help="print a mapping for the columns of the file, and check nothing",
    )
    add("--item-key", metavar="COLUMN", help="what identifies a record; each its own")
    add(
        "--null-value",
        action="append",
        default=[],
        metavar="TEXT",
        help="a text that stands for an empty cell, such as NULL; may be repeated",
    )
    add("--input-format", choices=get_args(InputFormat), help="by default, by the name")
    add("--encoding", help="of a text without a byte order mark (UTF-8)")
    add("--delimiter", help="between the cells of a CSV (by default, as the header is)")


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
    add("--no-hints", action="store_true", help="no warnings of likely mistakes")


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
        hints=not options.no_hints,
        strict=options.strict,
        model=model,
    )


def _columns(options: _Options) -> Columns:
    """Return what records are to be held against, and which column is which property.

    :raises OSError: when the model, or the mapping, cannot be read.
    :raises ValueError: when there is none in its file.
    :raises SettingsInvalid: when the mapping names no property.
    """
    check, mapping = _check(options), options.mapping
    read = parse_json(Path(mapping).read_text(encoding="utf-8")) if mapping else {}
    if not isinstance(read, dict) or not read.keys() <= {"columns", "constants"}:
        raise ValueError(
            f'{mapping}: must be {{"columns": {{...}}, "constants": {{...}}}}, as '
            "--suggest prints it"
        )
    given = read.get("columns"), read.get("constants")
    return read_columns(check, *given, options.null_value, options.item_key)


def _form(options: _Options) -> FileFormat:
    return FileFormat(options.input_format, options.encoding, options.delimiter)


def _suggest(options: _Options, columns: Columns) -> int:
    """Print a mapping for the file's columns; return the exit code."""
    name = "<stdin>" if options.file == "-" else options.file
    with _opened(options.file) as raw:
        entry = next(_entries(raw, name, _form(options)), None)
        if entry is None:
            return _unusable(f"{name}: holds no {_row(options).record}")
        value = entry.value
        row = value.values if isinstance(value, Cells) else entry.read(value)
    suggested = suggestion(list(row) if isinstance(row, dict) else [], columns.check)
    print(json.dumps(suggested.mapping(), indent=2), flush=True)
    for column in suggested.unknown:
        print(f"{name}: no property is like column {column!r}", file=sys.stderr)
    return 0


def _report(options: _Options, columns: Columns) -> int:
    """Print each problem, then the sum; return the exit code."""
    seen: Counter[str] = Counter()
    name = "<stdin>" if options.file == "-" else options.file
    with _opened(options.file) as raw:
        reader = Reader(_rules(options, columns), Digests())
        for number, entry in enumerate(_entries(raw, name, _form(options)), 1):
            problems = _problems(number, entry, reader)
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
def _opened(file: str) -> Iterator[IO[bytes]]:
    if file == "-":
        yield sys.stdin.buffer
    else:
        with Path(file).open("rb") as raw:
            yield raw


def _rules(options: _Options, columns: Columns) -> Rules:
    read_only = () if options.keep_read_only else READ_ONLY
    tabular = options.mapping is not None
    return Rules(columns.check, options.item_key, read_only, columns, tabular)


def _problems(number: int, entry: _Entry, reader: Reader) -> tuple[Problem, ...]:
    """Return all that is wrong with one record.

    :param number: counts the records, from 1.
    """
    rules, value = reader.rules, entry.value
    as_a_row = rules.tabular or rules.item_key or isinstance(value, Cells)
    if not as_a_row:
        read_only = rules.read_only_fields
        return checked(
            value, rules.check, read_only_fields=read_only, read=entry.read
        ).problems
    if not isinstance(value, Cells):
        try:
            value = entry.read(value)
        except PayloadInvalid as invalid:
            return invalid.problems
    return reader.attempt(number, value).problems(rules)


def _entries(raw: IO[bytes], name: str, form: FileFormat) -> Iterator[_Entry]:
    """Yield the records of a file, whatever it is."""
    rows = rows_of_file(raw, name, form)
    begins = list(islice(rows, 2))
    if begins and isinstance(begins[0], Line):
        lines = (each for each in chain(begins, rows) if isinstance(each, Line))
        yield from _of_lines(lines, name)
        return
    for number, row in enumerate(chain(begins, rows)):
        if isinstance(row, Cells):
            yield _Entry(f"{name}:{row.number}", row, to_json)
        else:
            yield _Entry(f"{name}[{number}]", row, to_json)


def _of_lines(lines: Iterator[Line], name: str) -> Iterator[_Entry]:
    """Yield the records of JSON lines, or the one that is laid out over several."""
    first, second = next(lines), next(lines, None)
    lines = chain([second] if second else [], lines)
    if not name.endswith(_LINES_SUFFIXES) and _begins_document(first, second):
        yield from _document(chain([first], lines), name)
    else:
        place = f"{name}:{first.number}" if second else name
        yield _Entry(place, first.text.decode(), _read_text)
        for number, text in lines:
            yield _Entry(f"{name}:{number}", text.decode(), _read_text)


def _begins_document(first: Line, second: Line | None) -> bool:
    """Whether the text goes on after its first line, as an array or a laid-out object.

    Otherwise these are JSON lines, of which the first may be broken.
    """
    text = first.text.strip()
    if text.startswith(b"["):
        return True
    if second is None or _is_object(first):
        return False
    if text.endswith((b"{", b"[", b",", b":")):
        return not _is_object(second)
    return not second.text.lstrip().startswith(b"{")


def _is_object(line: Line) -> bool:
    try:
        return isinstance(parse_json(line.text.decode()), dict)
    except PayloadInvalid:
        return False


def _document(numbered: Iterable[Line], name: str) -> Iterator[_Entry]:
    """Yield the elements of an array, or the one object."""
    parts, last = [], 0
    for number, line in numbered:
        # Blank lines were skipped: put them back, so that a problem's line is right.
        parts.append(b"\n" * (number - last - 1) + line)
        last = number
    text = b"\n".join(parts).decode()
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
