"""Show what an integration accepts, in a table.

::

    python -m airflow_provider_codat.describe model.json
    python -m airflow_provider_codat.describe --company ID --connection ID

The file holds what Codat answers for ``.../options/customers``; ``-`` is the standard
input. Without one, Codat is asked through an Airflow connection. It ends with 0, or
with 2 when there is no model to show.
"""

import argparse
import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import zip_longest
from textwrap import wrap
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

from airflow_provider_codat.api.errors import CodatError
from airflow_provider_codat.api.models import checked_uuid
from airflow_provider_codat.api.payload.integration_model import to_json_schema
from airflow_provider_codat.api.payload.json_values import at
from airflow_provider_codat.api.payload.model_nodes import Node, node_of
from airflow_provider_codat.model_file import NO_MODEL, read_model

Format: TypeAlias = Literal["table", "markdown", "json-schema"]

_MOST_CHOICES = 12
_NARROWEST = 60
_WIDEST_NAME = 30
_HEADER = ("property", "type", "required", "choices", "remarks")


class _Options(argparse.Namespace):
    """The command line, read."""

    model: str | None
    conn_id: str
    company: str | None
    connection: str | None
    data_type: str
    format: Format
    all_choices: bool
    strict: bool


class _Line(NamedTuple):
    """One property of the model."""

    path: str
    depth: int
    node: Node


def main(arguments: Sequence[str] | None = None) -> int:
    """Show the model that the command line names; return the exit code.

    :param arguments: without the program's name; default: those of the process.
    """
    parser = _parser()
    options = parser.parse_args(arguments, namespace=_Options())
    if (options.model is None) != bool(options.company and options.connection):
        parser.error("give MODEL, or --company and --connection")
    try:
        model = _asked(options) if options.model is None else read_model(options.model)
    except OSError as error:
        return _unusable(f"{options.model}: cannot be read: {error.strerror}")
    except (ValueError, CodatError) as error:
        return _unusable(str(error))
    try:
        print(_shown(model, options), flush=True)
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough. Python flushes at exit: let it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m airflow_provider_codat.describe",
        description="Show what an integration accepts, by its model.",
    )
    add = parser.add_argument
    add("model", metavar="MODEL", nargs="?", help="a file of JSON; - reads stdin")
    add("--company", metavar="ID", help="ask Codat for this company's model")
    add("--connection", metavar="ID", help="the connection of that company")
    add("--conn-id", default="codat_default", help="Airflow connection (%(default)s)")
    add("--data-type", default="customers", help="to ask for (%(default)s)")
    add("--format", choices=get_args(Format), default="table", help="(%(default)s)")
    add("--all-choices", action="store_true", help=f"more than {_MOST_CHOICES}, too")
    add("--strict", action="store_true", help="json-schema: with the limits in prose")
    return parser


def _asked(options: _Options) -> Mapping[str, Any]:
    """Return the model of a connection.

    :raises ValueError: when an argument is malformed, or there is no model.
    :raises CodatError: when Codat does not answer one.
    """
    company = checked_uuid(options.company, "--company")
    connection = checked_uuid(options.connection, "--connection")
    if not re.fullmatch("[A-Za-z]+", options.data_type):
        raise ValueError("--data-type must be Codat's key, such as customers")
    # Starting Airflow takes seconds, and a file needs none of it.
    from airflow_provider_codat.hooks.codat import CodatHook  # noqa: PLC0415 - see above

    path = f"/companies/{company}/connections/{connection}/options/{options.data_type}"
    model = CodatHook(options.conn_id).run("GET", path)
    if not node_of(model).children:
        raise ValueError(f"the answer of Codat {NO_MODEL}")
    return dict(model)


def _shown(model: Mapping[str, Any], options: _Options) -> str:
    if options.format == "json-schema":
        schema = to_json_schema(model, strict=options.strict)
        return json.dumps(schema, indent=2, ensure_ascii=False)
    root = node_of(model)
    most = None if options.all_choices else _MOST_CHOICES
    lines = [*_lines(root, "", 0)]
    draw: Callable[..., Iterator[str]] = (
        _markdown if options.format == "markdown" else _table
    )
    return "\n".join(draw(root, lines, most))


def _lines(node: Node, path: str, depth: int) -> Iterator[_Line]:
    """Yield the properties below a node, each before its own."""
    prefix = f"{path}[]" if node.type == "Array" and path else path
    for name, child in node.children.items():
        below = at(prefix, name)
        yield _Line(below, depth, child)
        yield from _lines(child, below, depth + 1)


def _choices(node: Node, most: int | None) -> str:
    listed = node.choices[:most]
    rest = len(node.choices) - len(listed)
    words = [" ".join(choice.split()) or '""' for choice in listed]
    return ", ".join(words) + (f" and {rest} more" if rest else "")


def _table(root: Node, lines: Sequence[_Line], most: int | None) -> Iterator[str]:
    """Yield a table that is as wide as the terminal."""
    width = max(shutil.get_terminal_size().columns - 1, _NARROWEST)
    for text in _heading(root):
        yield from wrap(text, width)
    yield ""
    rows = [("property", "type", "required", "choices, remarks")]
    for path, depth, node in lines:
        told = [_choices(node, most), *node.remarks]
        name, required = "  " * depth + path, "yes" if node.required else ""
        rows.append((name, node.type or "any", required, "\n".join(filter(None, told))))
    names = min(max(len(row[0]) for row in rows), _WIDEST_NAME)
    widths = (names, 8, 8, width - names - 22)
    for row in rows:
        yield from _row_lines(row, widths)


def _row_lines(row: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    """Yield the lines of one row of a table."""
    cells = [_wrapped(cell, size) for cell, size in zip(row, widths, strict=True)]
    for parts in zip_longest(*cells, fillvalue=""):
        columns = zip(parts, widths, strict=True)
        yield "  ".join(part.ljust(size) for part, size in columns).rstrip()


def _wrapped(cell: str, width: int) -> list[str]:
    lines = []
    for text in cell.split("\n"):
        indent = " " * (len(text) - len(text.lstrip()))
        lines += wrap(text, width, subsequent_indent=f"{indent}  ")
    return lines


def _markdown(root: Node, lines: Sequence[_Line], most: int | None) -> Iterator[str]:
    yield from (f"{_escaped(text)}\n" for text in _heading(root))
    yield _row(_HEADER)
    yield _row(["---"] * len(_HEADER))
    for path, _, node in lines:
        required = "yes" if node.required else ""
        remarks = " ".join(node.remarks)
        choices = _choices(node, most)
        yield _row([f"`{path}`", node.type or "any", required, choices, remarks])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(_escaped, cells))} |"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def _heading(root: Node) -> list[str]:
    title = ": ".join(filter(None, (root.title, root.description)))
    return [text for text in (title, *root.remarks) if text]


def _unusable(message: str) -> int:
    print(message, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
