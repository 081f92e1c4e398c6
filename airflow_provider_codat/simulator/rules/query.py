"""Codat's query language: ``= != ~ > < >= <=``, ``&&``, ``||`` and ``{}``."""

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Literal

Kind = Literal["text", "number", "date"]
Predicate = Callable[[Mapping[str, object]], bool]
_Comparable = str | float | datetime

LONGEST = 2048
_DEEPEST = 40
_COMPARISON = re.compile(
    r"\s*(?P<name>[A-Za-z_][\w.]*)\s*(?P<sign>!=|>=|<=|=|~|>|<)(?![=<>~!])"
    r"(?P<value>(?:(?!&&|\|\|)[^{}])*)"
)
_SIGNS: dict[str, Callable[[_Comparable, _Comparable], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
    "~": lambda left, right: str(right) in str(left),
}


class MalformedQueryError(Exception):
    """The text is not a query, or names what cannot be queried."""


def as_date(text: str) -> datetime:
    """Read one of Codat's date texts; without a zone it is UTC.

    :raises ValueError: when it is none.
    """
    value = datetime.fromisoformat(text)
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _as_text(text: str) -> str:
    return text.casefold()


_READERS: dict[Kind, Callable[[str], _Comparable]] = {
    "text": _as_text,
    "number": float,
    "date": as_date,
}


def lookup(value: Mapping[str, object], name: str) -> object:
    """Follow a dotted name into nested objects; None where it ends."""
    found: object = value
    for step in name.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return found


class _Parser:
    """Read one query from left to right."""

    def __init__(self, text: str, fields: Mapping[str, Kind]) -> None:
        self._text = text
        self._at = 0
        self._fields = fields

    def whole(self) -> Predicate:
        made = self._any(0)
        if self._text[self._at :].strip():
            raise MalformedQueryError("Error parsing query - Malformed query.")
        return made

    def _take(self, sign: str) -> bool:
        rest = self._text[self._at :]
        stripped = rest.lstrip()
        if not stripped.startswith(sign):
            return False
        self._at += len(rest) - len(stripped) + len(sign)
        return True

    def _any(self, depth: int) -> Predicate:
        parts = [self._all(depth)]
        while self._take("||"):
            parts.append(self._all(depth))
        return _joined(any, parts)

    def _all(self, depth: int) -> Predicate:
        parts = [self._one(depth)]
        while self._take("&&"):
            parts.append(self._one(depth))
        return _joined(all, parts)

    def _one(self, depth: int) -> Predicate:
        if not self._take("{"):
            return self._comparison()
        inner = self._any(depth + 1) if depth < _DEEPEST else None
        if inner is None or not self._take("}"):
            raise MalformedQueryError("Error parsing query - Malformed query.")
        return inner

    def _comparison(self) -> Predicate:
        found = _COMPARISON.match(self._text, self._at)
        if found is None or not found["value"].strip():
            raise MalformedQueryError("Error parsing query - Malformed query.")
        self._at = found.end()
        name = found["name"]
        kind = self._fields.get(name)
        if kind is None:
            raise MalformedQueryError(
                f"Error parsing query - Could not resolve property {name}"
            )
        return _compare(name, found["sign"], found["value"].strip(), _READERS[kind])


def _joined(how: Callable[[Iterable[bool]], bool], parts: list[Predicate]) -> Predicate:
    if len(parts) == 1:
        return parts[0]
    return lambda value: how(part(value) for part in parts)


def _compare(
    name: str, sign: str, text: str, reader: Callable[[str], _Comparable]
) -> Predicate:
    compare = _SIGNS[sign]
    try:
        right = reader(text)
    except ValueError:
        raise MalformedQueryError(
            f"Error parsing query - Malformed value of {name}."
        ) from None

    def holds(value: Mapping[str, object]) -> bool:
        left = lookup(value, name)
        if left is None:
            return sign == "!="
        return compare(reader(str(left)), right)

    return holds


def compile_query(text: str, fields: Mapping[str, Kind]) -> Predicate:
    """Turn a query into a test of one object.

    :param text: the query, decoded.
    :param fields: what can be queried: dotted names and how each is compared.
    :raises MalformedQueryError: when it cannot be understood.
    """
    if len(text) >= LONGEST:
        raise MalformedQueryError("Error parsing query - Too long.")
    return _Parser(text, fields).whole()
