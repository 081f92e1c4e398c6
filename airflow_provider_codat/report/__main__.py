"""Make a page of a file of results, with no Airflow running.

::

    python -m airflow_provider_codat.report results.jsonl -o report.html

The file is what ``results_path`` names, plain or gzip. The page is one file of HTML
that opens from a mail, and fetches nothing. It ends with 0, or with 2 when the file
cannot be read or is no file of results.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from airflow_provider_codat.api.bulk.report import Outcome
from airflow_provider_codat.api.errors import PayloadInvalid, SettingsInvalid
from airflow_provider_codat.api.input.encodings import FileUnreadable
from airflow_provider_codat.api.input.file_rows import FileFormat, Line, rows_of_file
from airflow_provider_codat.api.payload.canonical import parse_json
from airflow_provider_codat.report.figures import Figures, outcome_of
from airflow_provider_codat.report.page import About, page_of


class _Options(argparse.Namespace):
    """The command line, read."""

    file: str
    output: str
    title: str
    requests_per_minute: int | None
    portal_url: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page; return the exit code.

    :param arguments: without the program's name; default: those of the process.
    """
    options = _parser().parse_args(arguments, namespace=_Options())
    figures = Figures()
    try:
        for outcome in _outcomes(options.file):
            figures.add(outcome)
        about = About(
            options.title,
            requests_per_minute=options.requests_per_minute,
            link=options.portal_url,
        )
        text = "\n".join(page_of(figures, about))
        Path(options.output).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    except (FileUnreadable, SettingsInvalid) as error:
        print(f"{options.file}: {error}", file=sys.stderr)
        return 2
    missing = figures.tally.missing
    rows = figures.tally.rows
    print(f"{options.output}: {rows:,} rows, {missing:,} not in the books")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m airflow_provider_codat.report",
        description="Make a page of a file of results.",
    )
    add = parser.add_argument
    add("file", metavar="RESULTS", help="what results_path names, plain or gzip")
    add("-o", "--output", metavar="PAGE", required=True, help="where to write the page")
    add("--title", default=About().title, help="of the page (%(default)s)")
    add(
        "--requests-per-minute",
        type=int,
        metavar="N",
        help="the limit, to be drawn beside the rows over time",
    )
    add(
        "--portal-url",
        default="",
        metavar="URL",
        help="where a push operation is to be seen; {push_operation_key} is its key",
    )
    return parser


def _outcomes(file: str) -> Iterator[Outcome]:
    """Yield the lines of a file of results.

    :raises FileUnreadable: naming the first line that is none.
    """
    with Path(file).open("rb") as raw:
        for line in rows_of_file(raw, file, FileFormat("jsonl")):
            if isinstance(line, Line):
                yield _outcome(line)


def _outcome(line: Line) -> Outcome:
    try:
        return outcome_of(parse_json(line.text.decode()))
    except PayloadInvalid as invalid:
        reason = invalid.problems[0].message
    except ValueError as error:
        reason = str(error)
    raise FileUnreadable(f"line {line.number} {reason}")


if __name__ == "__main__":
    sys.exit(main())
