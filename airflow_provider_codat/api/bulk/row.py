"""One row of a list or a file: what it holds, and which one it is."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple

from airflow_provider_codat.api.bulk.digests import Digests
from airflow_provider_codat.api.errors import PayloadInvalid
from airflow_provider_codat.api.models import Json, Problem
from airflow_provider_codat.api.payload.canonical import (
    READ_ONLY,
    canonical,
    parse_json,
)
from airflow_provider_codat.api.payload.check import Check
from airflow_provider_codat.api.payload.contract import contract
from airflow_provider_codat.api.payload.json_values import at, to_json

_LONGEST_KEY = 250


class Line(NamedTuple):
    """One line of a file, not yet read.

    :param number: of the line in the file, blank ones counted, from 1.
    """

    number: int
    text: bytes


@dataclass(frozen=True, slots=True)
class Rules:
    """How rows are read, checked and told apart.

    :param check: what rows are held against.
    :param item_key: the property that identifies a row; None: its body does.
    :param read_only_fields: names that are left out; none to send them too.
    """

    check: Check = field(default_factory=Check)
    item_key: str | None = None
    read_only_fields: Collection[str] = READ_ONLY


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


class Attempt(NamedTuple):
    """A row that was read as far as it can be, not yet checked.

    :param payload: None where it is not one JSON object.
    :param row: None where it cannot be identified.
    :param faults: what is wrong with its text, or with its key.
    """

    number: int
    payload: Json
    row: Row | None
    left_out: tuple[str, ...]
    faults: tuple[Problem, ...]

    def problems(self, rules: Rules) -> tuple[Problem, ...]:
        """Return all that is wrong, warnings included."""
        if self.payload is None:
            return self.faults
        return self.faults + rules.check.problems(self.payload)

    def rejected(self, found: Iterable[Problem]) -> Rejected | None:
        """Return it as a row that cannot be sent; None when no problem forbids it."""
        errors = tuple(problem for problem in found if problem.severity == "error")
        label, item = (self.row.label, self.row.item) if self.row else ("", b"")
        return Rejected(self.number, label, errors, item) if errors else None


class Reader:
    """Reads rows one after the other, in one pass through the source."""

    def __init__(self, rules: Rules, items: Digests) -> None:
        self._rules = rules
        self._items = items
        self._copies = Digests()
        known = {*contract(rules.check.data_type)["properties"], *rules.check.listed}
        self._foreign = rules.item_key if rules.item_key not in known else None

    def attempt(self, number: int, raw: object) -> Attempt:
        """Read one row: what it holds, and which one it is."""
        try:
            customer = _customer(raw)
        except PayloadInvalid as invalid:
            return Attempt(number, None, None, (), invalid.problems)
        name = self._rules.item_key
        key, fault = ("", "") if name is None else _key(customer.get(name))
        if self._foreign in customer:
            customer = {n: v for n, v in customer.items() if n != self._foreign}
        payload, left_out = self._rules.check.without_read_only(
            customer, self._rules.read_only_fields
        )
        row = None
        if not fault:
            row = self._identified(number, key, payload)
            first = self._items.setdefault(row.item, number)
            if first != number:
                fault = f"is that of row {first}, too: each row must have its own"
        faults = (Problem(at("", name or ""), "item_key", fault),) if fault else ()
        return Attempt(number, payload, row, left_out, faults)

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


def _customer(raw: object) -> dict[str, Json]:
    """Return one row as JSON.

    :raises PayloadInvalid: when it is not one JSON object.
    """
    value = to_json(_parsed(raw) if isinstance(raw, Line) else raw)
    if isinstance(value, dict):
        return value
    place = f"line {raw.number}" if isinstance(raw, Line) else ""
    raise _unreadable(place, 'must be one object, such as {"customerName": ...}')


def _parsed(line: Line) -> object:
    try:
        return parse_json(line.text.decode())
    except UnicodeDecodeError as error:
        reason = f"is not UTF-8 at byte {error.start + 1}; write the file in UTF-8"
    except PayloadInvalid as invalid:
        reason = f"{invalid.problems[0].message}; each line must be one JSON object"
    # Raised out here so that the error, which carries the text, is not its context.
    raise _unreadable(f"line {line.number}", reason)


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
