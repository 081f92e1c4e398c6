"""Where in a payload amounts, currencies and dates stand, by its data type's contract.

Amounts become numbers here, exactly or not at all: who hands over cents is to find the
same cents in the books.
"""

import re
from collections.abc import Mapping
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

NUMBERS = frozenset({"money", "decimal"})
TEXTS = frozenset({"currency", "date"})


@dataclass(frozen=True, slots=True)
class Shape:
    """The properties of an object that have a format, and those that lead to some.

    :param formats: by name: money, decimal, currency or date.
    :param below: by name, of an object or of the elements of a list.
    """

    formats: dict[str, str]
    below: dict[str, "Shape"]


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
def shape_of(data_type: str, formats: frozenset[str]) -> Shape:
    """Return the shape of a data type's payloads; empty for an unknown one.

    :param formats: those that matter.
    """
    try:
        return _shape(contract(data_type), formats)
    except ValueError:
        return Shape({}, {})


def _shape(schema: Mapping[str, Any], formats: frozenset[str]) -> Shape:
    shape = Shape({}, {})
    for name, node in schema.get("properties", {}).items():
        inner = _shape(node.get("items", node), formats)
        if node.get("format") in formats:
            shape.formats[name] = node["format"]
        elif inner.formats or inner.below:
            shape.below[name] = inner
    return shape


def places(payload: Json, data_type: str, formats: frozenset[str]) -> list[Place]:
    """Return the values of a payload that have one of some formats, at every depth."""
    found: list[Place] = []
    _collect(payload, shape_of(data_type, formats), (), found)
    return found


def _collect(value: Json, shape: Shape, route: Route, found: list[Place]) -> None:
    if isinstance(value, list):
        for number, item in enumerate(value):
            _collect(item, shape, (*route, number), found)
    elif isinstance(value, dict):
        for name, what in shape.formats.items():
            if name in value:
                found.append(Place(value, name, what, (*route, name)))
        for name, inner in shape.below.items():
            if name in value:
                _collect(value[name], inner, (*route, name), found)


def exact_amounts(payload: Json, data_type: str) -> list[Finding]:
    """Make numbers of the amounts that are text, in place; return what is not exact.

    ``"12.50"`` becomes 12.5. A text that is no plain number stays as it is: the
    contract objects to it.
    """
    return [
        Finding(place.route, place.format, why)
        for place in places(payload, data_type, NUMBERS)
        if (why := _made_exact(place))
    ]


def _made_exact(place: Place) -> str:
    """Make a number of one amount; return what is wrong with it, if anything is."""
    value = place.holder[place.name]
    if type(value) is int:
        return ""
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
    text = repr(value)
    if len(text) <= _SAFE_DIGITS:
        return False  # as most are, and quicker to tell
    return len(Decimal(text).normalize().as_tuple().digits) > _SAFE_DIGITS
