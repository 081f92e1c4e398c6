"""Where in a payload amounts, currencies and dates stand, by its data type's contract.

Amounts become numbers here, exactly or not at all: who hands over cents is to find the
same cents in the books.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

from airflow_provider_codat.api.errors import PayloadInvalid
from airflow_provider_codat.api.models import Json
from airflow_provider_codat.api.payload.contract import Finding, Route, contract
from airflow_provider_codat.api.payload.json_values import to_json

_NUMBER = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?")
_SAFE_DIGITS = 15
"""Significant digits that a float holds, whatever they are."""

_NUMBERS = frozenset({"money", "decimal"})


@dataclass(frozen=True, slots=True)
class Shape:
    """The properties of an object that have a format, and those that lead to some.

    :param formats: by name: money, decimal, currency or date.
    :param below: by name, of an object or of the elements of a list.
    """

    formats: Mapping[str, str]
    below: Mapping[str, "Shape"]


class Place(NamedTuple):
    """A value that has a format.

    :param holder: the object that it stands in.
    :param format: see :class:`Shape`.
    """

    holder: dict[str, Json]
    name: str
    format: str
    route: Route


@cache
def shape_of(data_type: str) -> Shape:
    """Return the shape of a data type's payloads; empty for an unknown one."""
    try:
        return _shape(contract(data_type))
    except ValueError:
        return Shape({}, {})


def _shape(schema: Mapping[str, Any]) -> Shape:
    formats, below = {}, {}
    for name, node in schema.get("properties", {}).items():
        inner = _shape(node.get("items", node))
        if "format" in node:
            formats[name] = node["format"]
        elif inner.formats or inner.below:
            below[name] = inner
    return Shape(formats, below)


def places(value: Json, shape: Shape, route: Route = ()) -> Iterator[Place]:
    """Yield the values of a payload that have a format, at every depth."""
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from places(item, shape, (*route, number))
    elif isinstance(value, dict):
        for name, what in shape.formats.items():
            if name in value:
                yield Place(value, name, what, (*route, name))
        for name, inner in shape.below.items():
            if name in value:
                yield from places(value[name], inner, (*route, name))


def exact_amounts(payload: Json, data_type: str) -> list[Finding]:
    """Make numbers of the amounts that are text, in place; return what is not exact.

    ``"12.50"`` becomes 12.5. A text that is no plain number stays as it is: the
    contract objects to it.
    """
    return [
        Finding(place.route, place.format, why)
        for place in places(payload, shape_of(data_type))
        if place.format in _NUMBERS and (why := _made_exact(place))
    ]


def _made_exact(place: Place) -> str:
    """Make a number of one amount; return what is wrong with it, if anything is."""
    value = place.holder[place.name]
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        try:
            value = place.holder[place.name] = to_json(Decimal(value.strip()))
        except PayloadInvalid:
            return "has more digits than a JSON number keeps; round it"
    if place.format == "money" and isinstance(value, float) and _digits(value):
        return (
            "is no exact amount: it has the digits that arithmetic with floats leaves "
            "behind; calculate with Decimal, or round it"
        )
    return ""


def _digits(value: float) -> bool:
    """Whether a float has more digits than one that somebody wrote down."""
    return len(Decimal(repr(value)).normalize().as_tuple().digits) > _SAFE_DIGITS
