"""The rows of a file, one at a time: JSON lines, a JSON list, CSV or Parquet."""

import codecs
import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import TextIOWrapper
from typing import IO, Literal, NamedTuple, TypeAlias, get_args

from airflow_provider_codat.api.errors import PayloadInvalid, SettingsInvalid
from airflow_provider_codat.api.input.columns import Cells
from airflow_provider_codat.api.input.encodings import (
    PARQUET,
    FileUnreadable,
    encoding_of,
    head_of,
    is_utf_8,
    undecodable,
    unpacked,
)
from airflow_provider_codat.api.payload.canonical import parse_json
from airflow_provider_codat.api.payload.foreign_values import emptied
from airflow_provider_codat.api.words import first_ones

InputFormat: TypeAlias = Literal["jsonl", "json", "csv", "parquet"]
"""What the rows of a file are written as."""

_SUFFIXES: dict[str, InputFormat] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
}
_CHUNK_BYTES = 1 << 18
_LONGEST_LINE = 1_000_000
_LARGEST_LIST = 64 * 1024 * 1024
_MOST_COLUMNS = 10_000
_BATCH_ROWS = 1_000
_MOST_SAID = 200
_DELIMITERS = ",;\t|"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Line(NamedTuple):
    """One line of a file, not yet read.

    :param number: of the line in the file, blank ones counted, from 1.
    """

    number: int
    text: bytes


@dataclass(frozen=True, slots=True)
class FileFormat:
    """What a file is, where its name and its first bytes do not tell.

    :param input_format: None: by its name.
    :param encoding: of a text without a byte order mark; None: UTF-8.
    :param delimiter: between the cells of a CSV; None: the one of comma, semicolon,
        tab and bar that divides the header into the most columns.
    :raises SettingsInvalid: naming what is wrong.
    """

    input_format: InputFormat | None = None
    encoding: str | None = None
    delimiter: str | None = None

    def __post_init__(self) -> None:
        """Refuse what no file can be."""
        if self.input_format not in (None, *get_args(InputFormat)):
            words = ", ".join(get_args(InputFormat))
            raise SettingsInvalid(f"input_format must be one of {words}")
        try:
            codecs.lookup(self.encoding or "utf-8")
        except LookupError:
            raise SettingsInvalid(
                f"encoding: {self.encoding!r} is none that Python knows; utf-16 and "
                "cp1252 are"
            ) from None
        one = self.delimiter
        if one is not None and (len(one) != 1 or one in '\r\n"'):
            raise SettingsInvalid('delimiter must be one character, such as ";"')


AS_NAMED = FileFormat()
"""Whatever a file's name and its first bytes tell."""


def rows_of_file(file: IO[bytes], name: str, form: FileFormat) -> Iterator[object]:
    """Yield the rows of a file: a :class:`Line`, :class:`Cells` or a JSON value each.

    :param file: can be looked ahead in, or gone back in; that of a Parquet anywhere.
    :param name: whose ending tells the format.
    :raises FileUnreadable: when it is not what it should be, as soon as that is seen.
    """
    with unpacked(file, name) as plain:
        head = head_of(plain)
        kind = form.input_format or _format_of(name, head)
        yield from _READERS[kind](plain, head, form)


def _format_of(name: str, head: bytes) -> InputFormat:
    """Return the format that a name tells, or the first bytes."""
    name = name.lower().removesuffix(".gz")
    kind = next((k for suffix, k in _SUFFIXES.items() if name.endswith(suffix)), None)
    if kind not in {None, "json"}:
        return kind or "jsonl"
    begins = head.removeprefix(_BYTE_ORDER_MARK).replace(b"\0", b"").lstrip(b"\xff\xfe")
    begins = begins.lstrip()
    if begins.startswith(b"["):
        return "json"
    if head.startswith(PARQUET):
        return "parquet"
    if kind is None and begins and not begins.startswith(b"{"):
        encoding_of(head, None)  # says so where it is something else altogether
        raise FileUnreadable(
            "does not begin like JSON; if it is a CSV, name it .csv or give "
            'input_format="csv"'
        )
    return "jsonl"


# --- JSON


def lines(raw: Iterable[bytes]) -> Iterator[Line]:
    """Yield the lines of a file with their numbers, blank ones left out.

    :param raw: with or without their ends; byte order marks are dropped.
    """
    for number, line in enumerate(raw, 1):
        text = line.removeprefix(_BYTE_ORDER_MARK)
        if text.strip():
            yield Line(number, text)


def _json_lines(file: IO[bytes], head: bytes, form: FileFormat) -> Iterator[Line]:
    encoding = encoding_of(head, form.encoding)
    # What a pipe has brought so far, where it is one.
    read = getattr(file, "read1", file.read)
    chunks = iter(lambda: read(_CHUNK_BYTES), b"")
    yield from lines(_cut(_as_utf_8(chunks, encoding)))


def _as_utf_8(chunks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    if is_utf_8(encoding):  # what is not is said line by line
        yield from chunks
        return
    try:
        for text in codecs.iterdecode(chunks, encoding):
            yield text.encode(errors="surrogatepass")
    except UnicodeDecodeError as error:
        raise undecodable(error, "throughout") from None


def _cut(chunks: Iterable[bytes]) -> Iterator[bytes]:
    begun, number = b"", 1
    for chunk in chunks:
        *whole, begun = (begun + chunk).split(b"\n")
        yield from whole
        number += len(whole)
        if len(begun) > _LONGEST_LINE:
            raise FileUnreadable(
                f"has a line {number} that is longer than {_LONGEST_LINE:,} bytes: "
                "each row must be one line"
            )
    if begun:
        yield begun


def _json_list(file: IO[bytes], head: bytes, form: FileFormat) -> Iterator[object]:
    encoding = encoding_of(head, form.encoding)
    content = file.read(_LARGEST_LIST + 1)
    if len(content) > _LARGEST_LIST:
        raise FileUnreadable(
            f"is a JSON list of more than {_LARGEST_LIST >> 20} MiB, which would have "
            "to be read as a whole; write JSON lines"
        )
    try:
        value = parse_json(content.decode(encoding))
    except UnicodeDecodeError as error:
        raise undecodable(error, f"at byte {error.start + 1}") from None
    except PayloadInvalid as invalid:
        raise FileUnreadable(invalid.problems[0].message) from None
    if not isinstance(value, list):
        raise FileUnreadable("holds no JSON list")
    yield from value


# --- CSV


def _csv(file: IO[bytes], head: bytes, form: FileFormat) -> Iterator[Cells]:
    encoding = encoding_of(head, form.encoding)
    text = TextIOWrapper(file, encoding, newline="")
    taken = _Lines(text)
    try:
        yield from _table(taken, form.delimiter)
    except UnicodeDecodeError as error:
        raise undecodable(error, f"near line {taken.number + 1}") from None
    except csv.Error as error:
        raise FileUnreadable(
            f"is no CSV in line {taken.number}: {error}. Is a quotation mark "
            "not closed?"
        ) from None
    finally:
        text.detach()


class _Lines:
    """The lines of a text, counted; each of them bounded."""

    def __init__(self, text: TextIOWrapper) -> None:
        self.number = 0
        self._text = text

    def __iter__(self) -> Iterator[str]:
        while line := self._text.readline(_LONGEST_LINE + 1):
            self.number += 1
            if len(line) > _LONGEST_LINE:
                raise FileUnreadable(
                    f"has a line {self.number} of more than {_LONGEST_LINE:,} "
                    "characters"
                )
            yield line


def _table(taken: _Lines, delimiter: str | None) -> Iterator[Cells]:
    source = iter(taken)
    first = next((line for line in source if line.strip()), "")
    if first[:4].lower() == "sep=" and len(first.strip()) <= len("sep=;"):
        # What Excel writes for itself.
        delimiter = delimiter or first[4:5]
        first = next((line for line in source if line.strip()), "")
    delimiter = delimiter or _delimiter_of(first)

    def from_the_first() -> Iterator[str]:
        yield first
        yield from source

    reader = csv.reader(from_the_first(), delimiter=delimiter, strict=True)
    names = [name.strip() for name in next(reader, [])]
    check_header(names)
    begins = taken.number + 1
    for cells in reader:
        if any(cells):
            yield _cells(begins, names, cells)
        begins = taken.number + 1


def _delimiter_of(header: str) -> str:
    """Return what divides a header into the most columns; a comma for one column."""
    return max(
        _DELIMITERS, key=lambda each: len(next(csv.reader([header], delimiter=each)))
    )


def check_header(names: Sequence[str]) -> None:
    """Refuse columns that cannot be told from one another.

    :raises FileUnreadable: naming them.
    """
    if len(names) > _MOST_COLUMNS:
        raise FileUnreadable(f"has more than {_MOST_COLUMNS:,} columns")
    twice = [name for name in dict.fromkeys(names) if name and names.count(name) > 1]
    if twice:
        listed = ", ".join(first_ones(twice, repr))
        raise FileUnreadable(f"names columns twice in its header: {listed}")


def _cells(number: int, names: Sequence[str], cells: Sequence[str]) -> Cells:
    fault = ""
    if len(cells) != len(names):
        fault = (
            f"has {len(cells):,} cells, and the header {len(names):,} columns: is a "
            "delimiter, or a quotation mark, missing or too many?"
        )
    elif any(cell and not name for name, cell in zip(names, cells, strict=True)):
        fault = "has a cell in a column without a name"
    values = dict(zip(names, (cell or None for cell in cells), strict=False))
    values.pop("", None)
    return Cells(number, values, fault)


# --- Parquet


def _parquet(file: IO[bytes], head: bytes, _: FileFormat) -> Iterator[Cells]:
    try:
        from pyarrow import ArrowException  # noqa: PLC0415 - an extra, slow to import
        from pyarrow.parquet import ParquetFile  # noqa: PLC0415 - the same
    except ImportError:
        raise SettingsInvalid(
            "reading Parquet needs pyarrow: pip install "
            "'airflow-provider-codat[parquet]'"
        ) from None
    if not head.startswith(PARQUET):
        encoding_of(head, None)  # says so where it is something else that is known
        raise FileUnreadable("is no Parquet file")
    if not file.seekable():
        raise FileUnreadable("is Parquet, which is read from its end: give a file")
    number = 0
    try:
        table = ParquetFile(file)
        check_header(table.schema_arrow.names)
        for batch in table.iter_batches(_BATCH_ROWS, use_threads=False):
            for values in batch.to_pylist():
                number += 1
                yield Cells(number, emptied(values))
    except (ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # what the file's store says
        words = [*str(error).splitlines(), type(error).__name__][0][:_MOST_SAID]
        raise FileUnreadable(f"is no whole Parquet file: {words}") from None


_READERS: dict[str, Callable[[IO[bytes], bytes, FileFormat], Iterator[object]]] = {
    "jsonl": _json_lines,
    "json": _json_list,
    "csv": _csv,
    "parquet": _parquet,
}
