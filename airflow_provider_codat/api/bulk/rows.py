"""The rows of a list or a file: each has an identity, and each is checked first.

A source is read twice: once to check every row before anything is sent, and once more
to send them. Of what was checked, digests alone are kept.
"""

import re
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, NamedTuple

from airflow_provider_codat.api.bulk.digests import Digests
from airflow_provider_codat.api.data_types import DATA_TYPES
from airflow_provider_codat.api.errors import (
    PayloadInvalid,
    SettingsInvalid,
    SourceChanged,
)
from airflow_provider_codat.api.input.columns import Cells, Columns
from airflow_provider_codat.api.input.file_rows import Line
from airflow_provider_codat.api.models import Json, Problem
from airflow_provider_codat.api.payload.canonical import (
    READ_ONLY,
    canonical,
    parse_json,
    read_payload,
)
from airflow_provider_codat.api.payload.check import Check
from airflow_provider_codat.api.payload.foreign_values import is_table, table_rows
from airflow_provider_codat.api.payload.json_values import at, to_json

MOST_IN_A_LIST = 1000
"""Rows that a list may have: what a template field and an XCom carry well."""

_LONGEST_KEY = 250
_MOST_SHOWN = 20
_MOST_KINDS = 50
_INDEX = re.compile(r"\[\d+\]")
_REJECTED = 0


@dataclass(frozen=True, slots=True)
class Rules:
    """How rows are read, checked and told apart.

    :param check: what rows are held against.
    :param item_key: the property that identifies a row; None: its body does.
    :param read_only_fields: names that are left out; none to send them too.
    :param columns: what becomes of the columns of a table; None: only those become
        something that are named like a property.
    :param tabular: whether every row is one of a table; :class:`.Cells` always are.
    """

    check: Check = field(default_factory=Check)
    item_key: str | None = None
    read_only_fields: Collection[str] = READ_ONLY
    columns: Columns | None = None
    tabular: bool = False

    @property
    def table(self) -> Columns:
        """What becomes of the columns of a table."""
        return self.columns or Columns(self.check, item_key=self.item_key)


@dataclass(frozen=True, slots=True)
class Row:
    """One row that can be sent.

    :param number: counts the rows of the source, from 1.
    :param item: 8 bytes that identify the row, wherever in the source it stands.
    :param label: the same for people: the author's key, or the digest of the body.
    :param digest: 8 bytes, of the body as it is sent.
    :param payload: as it is to be sent.
    """

    number: int
    item: bytes
    label: str
    digest: bytes
    payload: Json = field(repr=False)


@dataclass(frozen=True, slots=True)
class Rejected:
    """One row that cannot be sent.

    :param label: see :class:`Row`; empty where the row cannot be identified.
    :param problems: all that is wrong with it; no warnings.
    :param item: see :class:`Row`; empty where the row cannot be identified.
    """

    number: int
    label: str
    problems: tuple[Problem, ...]
    item: bytes = b""


class ReadRow(NamedTuple):
    """A row that was read as far as it can be, not yet checked.

    :param payload: None where it is not one JSON object.
    :param row: None where it cannot be identified.
    :param faults: what is wrong with its text, its cells or its key.
    :param cells: of a row of a table, its values by column.
    """

    number: int
    payload: Json
    row: Row | None
    left_out: tuple[str, ...]
    faults: tuple[Problem, ...]
    cells: Mapping[str, Json] | None = None

    def problems(self, rules: Rules) -> tuple[Problem, ...]:
        """Return all that is wrong, warnings included."""
        if self.payload is None:
            return self.faults
        told = {fault.path for fault in self.faults}
        found = tuple(
            p for p in rules.check.problems(self.payload) if p.path not in told
        )
        if self.cells is not None:
            found = rules.table.by_column(self.cells, found)
        return self.faults + found

    def rejected(self, found: Iterable[Problem]) -> Rejected | None:
        """Return it as a row that cannot be sent; None when no problem forbids it."""
        errors = tuple(problem for problem in found if problem.severity == "error")
        label, item = (self.row.label, self.row.item) if self.row else ("", b"")
        return Rejected(self.number, label, errors, item) if errors else None


class Reader:
    """Reads rows one after the other, in one pass through the source."""

    def __init__(self, rules: Rules, items: Digests) -> None:
        self.rules = rules
        self._items = items
        self._copies = Digests()
        self._met = False
        known = [*rules.check.contract, *rules.check.listed]
        self._foreign = rules.item_key if rules.item_key not in known else None
        row = DATA_TYPES.get(rules.check.data_type)
        self._example = (*(row.identifying if row else ()), *known, "id")[0]

    def attempt(self, number: int, raw: object) -> ReadRow:
        """Read one row: what it holds, and which one it is."""
        try:
            record = self._record(raw)
        except PayloadInvalid as invalid:
            return ReadRow(number, None, None, (), invalid.problems)
        tabular = self.rules.tabular or isinstance(raw, Cells)
        made, amiss = self._made(record, tabular)
        name = self.rules.item_key
        key, fault = ("", "") if name is None else _key(_named(name, record, made))
        payload, left_out = self.rules.check.without_read_only(
            made, self.rules.read_only_fields
        )
        inexact = amiss + self.rules.check.exact(payload)
        row = None
        if not fault:
            row = self._identified(number, key, payload)
            fault = self._taken(row)
        faults = (Problem(at("", name or ""), "item_key", fault),) if fault else ()
        cells = record if tabular else None
        return ReadRow(number, payload, row, left_out, faults + inexact, cells)

    def _made(
        self, record: dict[str, Json], tabular: bool
    ) -> tuple[Json, tuple[Problem, ...]]:
        """Return the payload of a row, and what is wrong with its cells."""
        if tabular:
            return self.rules.table.payload_of(record)
        return self._known(record), ()

    def _record(self, raw: object) -> dict[str, Json]:
        """Return one row as JSON.

        :raises PayloadInvalid: when it is not one JSON object, or row of its table.
        """
        if not isinstance(raw, Cells):
            return _record(raw, self._example)
        if not self._met:
            self.rules.table.check_header(raw.values)
            self._met = True
        if raw.fault:
            raise _unreadable(f"line {raw.number}", raw.fault)
        return _record(raw.values, self._example)

    def _known(self, record: dict[str, Json]) -> Json:
        """Return a row without a key that Codat does not know."""
        if self._foreign not in record:
            return record
        return {n: v for n, v in record.items() if n != self._foreign}

    def _taken(self, row: Row) -> str:
        """Say that another row has the same key; return nothing where none has."""
        first = self._items.setdefault(row.item, row.number)
        if first == row.number:
            return ""
        return f"is that of row {first}, too: each row must have its own"

    def _identified(self, number: int, key: str, payload: Json) -> Row:
        digest = _digest(canonical(payload))
        if key:
            return Row(number, _digest(b"key:" + key.encode()), key, digest, payload)
        # Equal bodies are counted, so that a row that is inserted elsewhere, or a
        # list in another order, changes no identity.
        copy = self._copies.get(digest) + 1
        self._copies[digest] = copy
        item = _digest(b"body:%b:%d" % (digest, copy))
        label = f"{digest.hex()}#{copy}" if copy > 1 else digest.hex()
        return Row(number, item, label, digest, payload)


def _record(raw: object, example: str) -> dict[str, Json]:
    """Return one row as JSON.

    :param example: a property that it may have.
    :raises PayloadInvalid: when it is not one JSON object.
    """
    value = to_json(_parsed(raw) if isinstance(raw, Line) else raw)
    if isinstance(value, dict):
        return value
    place = f"line {raw.number}" if isinstance(raw, Line) else ""
    raise _unreadable(place, f'must be one object, such as {{"{example}": ...}}')


def _parsed(line: Line) -> object:
    try:
        return parse_json(line.text.decode())
    except UnicodeDecodeError as error:
        reason = f"is not UTF-8 at byte {error.start + 1}; write the file in UTF-8"
    except PayloadInvalid as invalid:
        reason = f"{invalid.problems[0].message}; each line must be one JSON object"
    # Raised out here so that the error, which carries the text, is not its context.
    raise _unreadable(f"line {line.number}", reason)


def _named(name: str, record: Mapping[str, Json], made: Json) -> Json:
    """Return what identifies a row: a column, or the property that one becomes."""
    if name in record or not isinstance(made, dict):
        return record.get(name)
    return made.get(name)


def _key(value: Json) -> tuple[str, str]:
    """Return the key of a row as text, or what is wrong with it."""
    key = value.strip() if isinstance(value, str) else value
    if key is None or key == "":
        return "", "is required: it identifies the row (item_key)"
    if isinstance(key, bool) or not isinstance(key, str | int):
        return "", "must be text or a whole number: it identifies the row (item_key)"
    text = str(key)
    if len(text) > _LONGEST_KEY or not text.isprintable():
        return "", f"must be up to {_LONGEST_KEY} printable characters (item_key)"
    return text, ""


def _digest(content: bytes) -> bytes:
    return sha256(content).digest()[:8]


def _unreadable(path: str, message: str) -> PayloadInvalid:
    return PayloadInvalid([Problem(path, "json", message)])


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

    :param source: opens it; gives values, a :class:`.Line` for each line of a file, or
        :class:`.Cells` for each row of a table.
    """

    def __init__(self, source: Callable[[], Iterable[object]], rules: Rules) -> None:
        self.rules = rules
        self._source = source
        self._items = Digests()
        self._marks = array("q")

    def survey(self) -> Survey:
        """Check every row."""
        self._items, self._marks = Digests(), array("q")
        notes = _Notes()
        for attempt in self._attempts():
            rejected = notes.take(attempt, attempt.problems(self.rules))
            row = None if rejected else attempt.row
            self._marks.append(_mark(row) if row else _REJECTED)
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

    def _attempts(self) -> Iterator[ReadRow]:
        reader = Reader(self.rules, self._items)
        for number, raw in enumerate(self._source(), 1):
            yield reader.attempt(number, raw)

    def _confirmed(self, attempt: ReadRow) -> Row | Rejected:
        """Return what the survey made of a row, if it is still the same."""
        marked = self._marks[attempt.number - 1 : attempt.number]
        if marked and marked[0] == _REJECTED:
            rejected = attempt.rejected(attempt.problems(self.rules))
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

    def take(self, attempt: ReadRow, found: Sequence[Problem]) -> bool:
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


def rows_of_list(
    value: object, limit: int = MOST_IN_A_LIST, name: str = "customers"
) -> list[object]:
    """Return the rows of a rendered argument, not yet read.

    :param name: of the argument, for messages.
    :param value: a sequence, or a text: JSON, else a Python literal.
    :param limit: how many there may be.
    :raises PayloadInvalid: when nothing arrived, or the text cannot be read.
    :raises SettingsInvalid: when it is no list, or a longer one.
    """
    given = _from_text(value) if isinstance(value, str) else value
    if is_table(given):
        table: Any = given  # it has a length
        _check_length(len(table), limit, name)
        return [Cells(number, row) for number, row in enumerate(table_rows(table), 1)]
    if given is None:
        read_payload(None)  # says that the task before gave nothing
    if isinstance(given, Mapping):
        raise SettingsInvalid(
            f"{name} must be a list; one object was given: put it into a list"
        )
    if not isinstance(given, Sequence) or isinstance(given, bytes | bytearray | str):
        raise SettingsInvalid(
            f"{name} must be a list of objects; {type(given).__name__} was given"
        )
    _check_length(len(given), limit, name)
    return list(given)


def _check_length(rows: int, limit: int, name: str) -> None:
    if rows > limit:
        raise SettingsInvalid(
            f"{name} has {rows:,} rows, and a list may have up to {limit:,}: "
            f"write them to a file of JSON lines and give its {name}_path"
        )


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
