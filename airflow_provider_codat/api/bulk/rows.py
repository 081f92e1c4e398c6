"""The rows of a list or a file: each has an identity, and each is checked first.

A source is read twice: once to check every row before anything is sent, and once more
to send them. Of what was checked, digests alone are kept.
"""

import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from airflow_provider_codat.api.bulk.digests import Digests
from airflow_provider_codat.api.bulk.row import (
    Attempt,
    Line,
    Reader,
    Rejected,
    Row,
    Rules,
)
from airflow_provider_codat.api.errors import (
    PayloadInvalid,
    SettingsInvalid,
    SourceChanged,
)
from airflow_provider_codat.api.models import Problem
from airflow_provider_codat.api.payload.canonical import parse_json, read_payload

__all__ = [
    "MOST_IN_A_LIST",
    "Line",
    "Rejected",
    "Row",
    "Rows",
    "Rules",
    "Survey",
    "Warned",
    "lines",
    "rows_of_list",
]

MOST_IN_A_LIST = 1000
"""Rows that a list may have: what a template field and an XCom carry well."""

_MOST_SHOWN = 20
_MOST_KINDS = 50
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_INDEX = re.compile(r"\[\d+\]")
_REJECTED = 0


@dataclass(frozen=True, slots=True)
class Warned:
    """A warning that some rows share.

    :param path: without the indexes of lists, such as ``addresses[].type``.
    :param rows: how many rows it is about.
    :param first: the number of the first one.
    """

    path: str
    message: str
    rows: int
    first: int


@dataclass(frozen=True, slots=True)
class Survey:
    """What the first pass through the rows has found.

    :param total: how many rows there are.
    :param invalid: how many of them cannot be sent.
    :param rejected: the first 20 of these.
    :param warnings: the first 50 kinds, in the order in which they were met.
    :param left_out: read-only properties that are not sent, without indexes.
    :param items: the number of the row that each item stands for; of those that
        cannot be sent, too, where they can be identified.
    """

    total: int
    invalid: int
    rejected: tuple[Rejected, ...]
    warnings: tuple[Warned, ...]
    left_out: tuple[str, ...]
    items: Digests


class Rows:
    """The rows of one source, which can be opened again and again.

    :param source: opens it; gives values, or a :class:`Line` for each line of a file.
    """

    def __init__(self, source: Callable[[], Iterable[object]], rules: Rules) -> None:
        self._source = source
        self._rules = rules
        self._items = Digests()
        self._marks = array("q")

    def survey(self) -> Survey:
        """Check every row.

        :raises SettingsInvalid: when there are none.
        """
        self._items, self._marks = Digests(), array("q")
        notes = _Notes()
        for attempt in self._attempts():
            rejected = notes.take(attempt, attempt.problems(self._rules))
            row = None if rejected else attempt.row
            self._marks.append(_mark(row) if row else _REJECTED)
        if not self._marks:
            raise SettingsInvalid("there are no rows: the list, or the file, is empty")
        return notes.survey(len(self._marks), self._items)

    def read(self) -> Iterator[Row | Rejected]:
        """Yield the rows that were surveyed, one at a time, in the source's order.

        They are not held against the contract again.

        :raises SourceChanged: at the first row that is not what it was.
        """
        number = 0
        for attempt in self._attempts():
            number = attempt.number
            yield self._confirmed(attempt)
        if number < len(self._marks):
            raise _changed(number + 1)

    def _attempts(self) -> Iterator[Attempt]:
        reader = Reader(self._rules, self._items)
        for number, raw in enumerate(self._source(), 1):
            yield reader.attempt(number, raw)

    def _confirmed(self, attempt: Attempt) -> Row | Rejected:
        """Return what the survey made of a row, if it is still the same."""
        marked = self._marks[attempt.number - 1 : attempt.number]
        if marked and marked[0] == _REJECTED:
            rejected = attempt.rejected(attempt.problems(self._rules))
            if rejected:
                return rejected
        elif marked and attempt.row and marked[0] == _mark(attempt.row):
            return attempt.row
        raise _changed(attempt.number)


class _Notes:
    """What a survey writes down; bounded, however many rows there are."""

    def __init__(self) -> None:
        self._invalid = 0
        self._rejected: list[Rejected] = []
        self._warned: dict[tuple[str, str], Warned] = {}
        self._left_out: dict[str, None] = {}

    def take(self, attempt: Attempt, found: Sequence[Problem]) -> bool:
        """Note one row and what was found; return whether it cannot be sent."""
        self._left_out |= dict.fromkeys(map(_shape, attempt.left_out))
        warnings = (problem for problem in found if problem.severity == "warning")
        for kind in dict.fromkeys((_shape(p.path), p.message) for p in warnings):
            if len(self._warned) < _MOST_KINDS or kind in self._warned:
                known = self._warned.get(kind) or Warned(*kind, 0, attempt.number)
                self._warned[kind] = replace(known, rows=known.rows + 1)
        rejected = attempt.rejected(found)
        if rejected:
            self._invalid += 1
            self._rejected.append(rejected)
            del self._rejected[_MOST_SHOWN:]
        return rejected is not None

    def survey(self, total: int, items: Digests) -> Survey:
        """Return what was found among all rows."""
        return Survey(
            total,
            self._invalid,
            tuple(self._rejected),
            tuple(self._warned.values()),
            tuple(sorted(self._left_out)),
            items,
        )


def lines(raw: Iterable[bytes]) -> Iterator[Line]:
    """Yield the lines of a file with their numbers, blank ones left out.

    :param raw: with or without their ends; byte order marks are dropped.
    """
    for number, line in enumerate(raw, 1):
        text = line.removeprefix(_BYTE_ORDER_MARK)
        if text.strip():
            yield Line(number, text)


def rows_of_list(value: object, limit: int = MOST_IN_A_LIST) -> list[object]:
    """Return the rows of a rendered argument, not yet read.

    :param value: a sequence, or a text: JSON, else a Python literal.
    :param limit: how many there may be.
    :raises PayloadInvalid: when nothing arrived, or the text cannot be read.
    :raises SettingsInvalid: when it is no list, or a longer one.
    """
    given = _from_text(value) if isinstance(value, str) else value
    if given is None:
        read_payload(None)  # says that the task before gave nothing
    if isinstance(given, Mapping):
        raise SettingsInvalid(
            "customers must be a list; one object was given: put it into a list"
        )
    if not isinstance(given, Sequence) or isinstance(given, bytes | bytearray | str):
        raise SettingsInvalid(
            f"customers must be a list of objects; {type(given).__name__} was given"
        )
    if len(given) > limit:
        raise SettingsInvalid(
            f"customers has {len(given):,} rows, and a list may have up to {limit:,}: "
            "write them to a file of JSON lines and give its customers_path"
        )
    return list(given)


def _from_text(text: str) -> object:
    """Return what a text holds; each row of JSON is judged later, on its own."""
    try:
        return parse_json(text)
    except PayloadInvalid:
        return read_payload(text)


def _mark(row: Row) -> int:
    """Return what tells whether a row is still the same; it means this process only."""
    return hash((row.item, row.digest)) or 1


def _shape(path: str) -> str:
    return _INDEX.sub("[]", path)


def _changed(number: int) -> SourceChanged:
    return SourceChanged(
        f"the source changed while it was read: row {number} is not what it was "
        "checked as. Nothing more was sent; let nobody write it while the task runs"
    )
