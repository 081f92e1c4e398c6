"""Paths of properties, such as ``addresses[0].line1``, and what stands there."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from typing import Any

from airflow_provider_codat.api.payload.contract import contract
from airflow_provider_codat.api.payload.json_values import Step

Route = tuple[Step, ...]

_STEP = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)((?:\[\d{1,2}\])*)")
_DEEPEST = 8


def route_of(path: str) -> Route | None:
    """Return the steps of a path; None where it is none."""
    route: list[Step] = []
    for part in path.split("."):
        match = _STEP.fullmatch(part)
        if match is None:
            return None
        route.append(match[1])
        route.extend(int(index) for index in re.findall(r"\d+", match[2]))
    return tuple(route)


def schema_at(data_type: str, route: Route) -> Mapping[str, Any] | None:
    """Return what the contract says of a property; None where it knows no such one.

    Of what stands in an object whose properties nobody lists, it says nothing: ``{}``.
    """
    node: Mapping[str, Any] = contract(data_type)
    for step in route:
        below = _below(node, step)
        if below is None:
            return None
        node = below
    return node


def _below(node: Mapping[str, Any], step: Step) -> Mapping[str, Any] | None:
    if isinstance(step, int):
        items: Mapping[str, Any] | None = node.get("items")
        return items if items or "array" in kinds_of(node) else _if_open(node)
    known = node.get("properties")
    if known:
        found: Mapping[str, Any] | None = known.get(step)
        return found
    return _if_open(node)


def _if_open(node: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the empty schema where anything may stand, of whatever name."""
    return {} if not node or kinds_of(node) & {"object"} else None


def kinds_of(schema: Mapping[str, Any]) -> frozenset[str]:
    """Return the JSON types that a schema takes; of a choice, those of its values."""
    if "enum" in schema:
        return frozenset({"string"})
    kinds = schema.get("type", ())
    return frozenset([kinds] if isinstance(kinds, str) else kinds)


@cache
def paths_of(data_type: str) -> tuple[str, ...]:
    """Return the paths of all properties that hold no others, the first of each list.

    Those that are less deep come first.
    """
    found = sorted(_paths(contract(data_type), "", 0), key=lambda p: p.count("."))
    return tuple(found)


def _paths(schema: Mapping[str, Any], at: str, depth: int) -> Iterator[str]:
    for name, node in schema.get("properties", {}).items():
        path = f"{at}.{name}" if at else name
        if "array" in kinds_of(node):
            path, node = f"{path}[0]", node.get("items", {})  # noqa: PLW2901 - its items
        if node.get("properties") and depth < _DEEPEST:
            yield from _paths(node, path, depth + 1)
        else:
            yield path


def holders_of(route: Route) -> Iterator[Route]:
    """Yield the routes to all objects and lists that a property stands in."""
    for length in range(1, len(route)):
        yield route[:length]


def is_holder(one: Route, other: Route) -> bool:
    """Whether what stands at one route holds what stands at another, or is it."""
    return other[: len(one)] == one


def gap_of(routes: frozenset[Route]) -> Route | None:
    """Return an element of a list that is named though the one before it is not."""
    elements = {holder for route in routes for holder in (*holders_of(route), route)}
    for element in sorted(elements, key=str):
        *before, last = element
        if isinstance(last, int) and last and (*before, last - 1) not in elements:
            return element
    return None


def clash_of(routes: frozenset[Route]) -> tuple[Route, Route] | None:
    """Return two routes of which one holds the other."""
    ordered = sorted(routes, key=lambda r: [(isinstance(s, int), str(s)) for s in r])
    for one, other in pairwise(ordered):
        if is_holder(one, other):
            return one, other
    return None
