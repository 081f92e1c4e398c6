"""Python values become JSON exactly, or are refused: nothing is rounded or lost."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import reduce, singledispatch
from math import isfinite
from types import UnionType
from typing import Any, TypeAlias, cast
from uuid import UUID

from airflow_provider_codat.api.errors import PayloadInvalid
from airflow_provider_codat.api.models import Json, Problem
from airflow_provider_codat.api.payload.foreign_values import is_missing, own

MAX_DEPTH = 64
"""Levels of nesting. A customer has six; what has more is a mistake or an attack."""

Step: TypeAlias = str | int
"""From a value to one that it holds: a property's name, or an element's index."""

# What is JSON already, as most is; the rest would find the same, but later.
_PLAIN: dict[type, Callable[[Any], bool]] = {
    str: str.isascii,
    float: isfinite,
    int: lambda value: -(1 << 62) < value < 1 << 62,
    bool: lambda _: True,
    type(None): lambda _: True,
}
_HOLDERS = (dict, list, tuple, Mapping)  # the quickest to tell first
_LONGEST_NAME = 60
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_LARGEST_EXPONENT = 308  # of a double, which is what most readers of JSON keep
_LARGEST_BITS = 1024
_OUT_OF_RANGE = "is beyond the numbers that JSON readers share; send it as text"
_HINTS: tuple[tuple[type | UnionType, str], ...] = (
    (set | frozenset, "make it a list, which has an order"),
    (bytes | bytearray | memoryview, "decode it to text"),
    (time | timedelta, "send it as text"),
)
_HINT = "make it a dict, a list, text, a number, a boolean or None first"


class _NotJsonError(ValueError):
    """A value that JSON cannot express; the text says what to do about it."""


class Repeated(dict[str, object]):
    """An object of a JSON text in which a name stood more than once.

    :param names: those names; of their values only the last is kept, which is why
        such an object is refused.
    """

    def __init__(self, pairs: list[tuple[str, object]], names: frozenset[str]) -> None:
        self.names = names
        super().__init__(pairs)


def at(path: str, key: Step) -> str:
    """Return the path of a property or an element, such as ``addresses[0].type``.

    :param path: of the object or list that holds it; empty for the payload itself.
    :param key: the property's name, or the element's index. A name that is long, or
        not made of ASCII letters and digits, is shortened and quoted as in JSON, so
        that a path is always one printable line.
    """
    if isinstance(key, int):
        return f"{path}[{key}]"
    if len(key) <= _LONGEST_NAME and _PLAIN_NAME.fullmatch(key):
        return f"{path}.{key}" if path else key
    shortened = key if len(key) <= _LONGEST_NAME else f"{key[:_LONGEST_NAME]}..."
    return f"{path}[{json.dumps(shortened)}]"


def path_of(route: Iterable[Step]) -> str:
    """Return the path that leads from the payload along some steps, see :func:`at`."""
    return reduce(at, route, "")


def to_json(value: object) -> Json:
    """Return the value as plain JSON values; the value itself is left as it is.

    Mappings become dicts, tuples lists, dates and UUIDs text; what other libraries
    make of such values, see :func:`.foreign_values.own`. A ``Decimal`` without
    fraction digits becomes an int; another becomes a float if that float is written
    with the same digits.

    :raises PayloadInvalid: with every place that JSON cannot express exactly, not
        the first alone. No message repeats a value.
    """
    walk = _Walk()
    result = walk.converted(value, ())
    if walk.problems:
        raise PayloadInvalid(walk.problems)
    return result


class _Walk:
    """One pass through a value: converts what it can, notes what it cannot."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._above: set[int] = set()

    def converted(self, value: object, route: tuple[Step, ...]) -> Json:
        """Return the value as JSON; None where a problem was noted."""
        plain = _PLAIN.get(type(value))
        if plain and plain(value):
            return cast("Json", value)
        if not isinstance(value, _HOLDERS):
            if is_missing(value):
                return self._refuse(route, "has no value; leave it out")
            held = own(value)
            if held is value or not isinstance(held, _HOLDERS):
                return self._leaf(held, route)
            return self._held(value, held, route)
        return self._held(value, value, route)

    def _held(self, value: object, holder: Any, route: tuple[Step, ...]) -> Json:  # noqa: ANN401 - one of _HOLDERS
        """Return what a value holds.

        :param holder: the value, or what stands for one of another library's.
        """
        if id(value) in self._above:
            return self._refuse(route, "contains itself")
        if len(self._above) == MAX_DEPTH:
            return self._refuse(route, f"is nested more than {MAX_DEPTH} levels deep")
        self._above.add(id(value))
        result = (
            self._object(holder, route)
            if isinstance(holder, Mapping)
            else [self.converted(item, (*route, i)) for i, item in enumerate(holder)]
        )
        self._above.remove(id(value))
        return result

    def _object(self, value: Mapping[object, object], route: tuple[Step, ...]) -> Json:
        for name in sorted(value.names) if isinstance(value, Repeated) else ():
            self._refuse((*route, name), "stands more than once in the same object")
        foreign = {type(name).__name__ for name in value if not isinstance(name, str)}
        if foreign:
            found = ", ".join(sorted(foreign))
            self._refuse(route, f"names of properties must be text, not {found}")
        return {
            str.__str__(name): self._property(name, item, route)
            for name, item in value.items()
            if isinstance(name, str) and (type(item) in _PLAIN or not is_missing(item))
        }

    def _property(self, name: str, item: object, route: tuple[Step, ...]) -> Json:
        plain = _PLAIN.get(type(item))
        if plain and plain(item) and name.isascii():
            return cast("Json", item)
        below = (*route, str.__str__(name))
        if _half(name):
            return self._refuse(below, "the name has half of a surrogate pair")
        return self.converted(item, below)

    def _leaf(self, value: object, route: tuple[Step, ...]) -> Json:
        try:
            return _exact(value)
        except _NotJsonError as reason:
            return self._refuse(route, str(reason))

    def _refuse(self, route: tuple[Step, ...], message: str) -> Json:
        """Note a problem; null stands in its place until the walk is over."""
        self.problems.append(Problem(path_of(route), "json", message))
        return None


def _half(text: str) -> bool:
    """Whether a text has half of a surrogate pair, which is no text."""
    return not text.isascii() and bool(_LONE_SURROGATE.search(text))


@singledispatch
def _exact(value: object) -> Json:
    """Return one value that holds no others as JSON, or say why not."""
    hint = next((hint for kind, hint in _HINTS if isinstance(value, kind)), _HINT)
    raise _NotJsonError(f"{type(value).__name__} is not JSON; {hint}")


@_exact.register
def _same(value: bool | None) -> Json:
    return value


@_exact.register
def _text(value: str) -> Json:
    if _half(value):
        raise _NotJsonError(
            "has half of a surrogate pair, which is no text; decode it anew"
        )
    # str() of an enumeration's member may be its name; this is always its value.
    return str.__str__(value)


@_exact.register
def _whole(value: int) -> Json:
    number = int(value)
    if number.bit_length() > _LARGEST_BITS:
        raise _NotJsonError(_OUT_OF_RANGE)
    return number


@_exact.register
def _fraction(value: float) -> Json:
    if not isfinite(value):
        raise _NotJsonError("must be a finite number, or None")
    return float(value)


@_exact.register
def _decimal(value: Decimal) -> Json:
    if not value.is_finite() or value.adjusted() > _LARGEST_EXPONENT:
        raise _NotJsonError(_OUT_OF_RANGE)
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent >= 0:
        return int(value)
    number = float(value)
    if Decimal(repr(number)) != value:
        raise _NotJsonError("has more digits than a JSON number keeps; send it as text")
    return number


@_exact.register
def _date(value: date) -> Json:
    text = value.isoformat()
    if not text[:1].isdigit():  # pandas' NaT calls itself a datetime
        raise _NotJsonError("is no moment; send None, or leave it out")
    if isinstance(value, datetime) and value.utcoffset() == timedelta(0):
        return text.removesuffix("Z").removesuffix("+00:00") + "Z"
    return text


@_exact.register
def _uuid(value: UUID) -> Json:
    return str(value)
