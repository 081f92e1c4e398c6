"""The columns of a table become the properties of a payload.

A mapping names, for a column, the path of a property; a column that is itself named
like one needs none. What is text in the table becomes what the contract wants there,
exactly or not at all.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any, NamedTuple

from airflow_provider_codat.api.data_types import DATA_TYPES
from airflow_provider_codat.api.errors import PayloadInvalid, SettingsInvalid
from airflow_provider_codat.api.input.property_paths import (
    Route,
    clash_of,
    gap_of,
    holders_of,
    kinds_of,
    paths_of,
    route_of,
    schema_at,
)
from airflow_provider_codat.api.models import Json, Problem
from airflow_provider_codat.api.payload.canonical import parse_json
from airflow_provider_codat.api.payload.check import Check
from airflow_provider_codat.api.payload.json_values import path_of, to_json
from airflow_provider_codat.api.payload.near_names import nearest
from airflow_provider_codat.api.words import first_ones

_MOST_COLUMNS = 1000
_MOST_PLANS = 256
_PLAIN_NUMBER = re.compile(
    r"[+-]?(\d{1,40}(\.\d{0,40})?|\.\d{1,40})([eE][+-]?\d{1,3})?", re.ASCII
)
_BOOLEANS = {"true": True, "false": False}


class Cells(NamedTuple):
    """One row of a table, as it was read.

    :param number: of the line that it begins on, from 1; where there are no lines, of
        the row.
    :param values: one for each column, None for a cell with nothing in it.
    :param fault: what is wrong with it as a row; empty for nothing.
    """

    number: int
    values: Mapping[str, object]
    fault: str = ""


class Target(NamedTuple):
    """Where the value of a column goes, and what is wanted there.

    :param kinds: JSON types; empty where anything may stand.
    """

    route: Route
    kinds: frozenset[str]


class _Plan(NamedTuple):
    """What becomes of rows that have the same columns.

    :param targets: of the columns that become something.
    :param notes: what is to be said of the others, where a cell of theirs holds
        something; None: nothing.
    :param fillable: the objects and lists that some column may fill.
    """

    targets: Mapping[str, Target]
    notes: Mapping[str, Problem | None]
    fillable: frozenset[Route]


@dataclass(frozen=True)
class Columns:
    """Which column becomes which property.

    :param check: tells the data type, and what else the integration takes.
    :param mapping: from names of columns to paths of properties.
    :param constants: from paths of properties to the value that all rows have there.
    :param null_values: texts that stand for a cell with nothing in it.
    :param item_key: the column that identifies a row.
    :raises SettingsInvalid: naming what is no property, with the near name.
    """

    check: Check
    mapping: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, Json] = field(default_factory=dict)
    null_values: Collection[str] = ()
    item_key: str | None = None

    def __post_init__(self) -> None:
        """Refuse a mapping before anything is read."""
        if len(self.mapping) + len(self.constants) > _MOST_COLUMNS:
            raise SettingsInvalid(f"columns: up to {_MOST_COLUMNS:,} may be named")
        routes = [target.route for target in self._mapped.values()]
        routes += self._fixed
        named = frozenset(routes)
        if len(named) < len(routes):
            twice = next(route for route in named if routes.count(route) > 1)
            raise SettingsInvalid(f"columns: {path_of(twice)} is given twice")
        if (clash := clash_of(named)) is not None:
            one, other = map(path_of, clash)
            raise SettingsInvalid(f"columns: {one} is given, and {other}, which it has")
        if (gap := gap_of(named)) is not None:
            raise SettingsInvalid(
                f"columns: {path_of(gap)} is named, and the element before it is not"
            )

    def check_header(self, names: Collection[str]) -> None:
        """See whether the columns that are mapped are there.

        :raises SettingsInvalid: naming the one that is not, with the near name.
        """
        names = list(map(str, names))
        for name in self.mapping:
            if name not in names:
                meant = nearest(name, names)
                hint = f"; did you mean {meant!r}?" if meant else "."
                listed = ", ".join(first_ones(names))
                raise SettingsInvalid(
                    f"columns: there is no column {name!r}{hint} There are: {listed}"
                )

    def payload_of(
        self, values: Mapping[str, Json]
    ) -> tuple[Json, tuple[Problem, ...]]:
        """Return the payload of a row, and what is wrong with its cells.

        Cells with nothing in them are left out, and so is an object or an element of a
        list of which nothing but constants would be left.
        """
        found: list[Problem | None] = []
        placed: dict[Route, Json] = {}
        plan = self._plan(values)
        for name, value in values.items():
            if self._is_nothing(value):
                continue
            if (target := plan.targets.get(name)) is None:
                found.append(plan.notes[name])
                continue
            try:
                placed[target.route] = _converted(value, target.kinds)
            except ValueError as reason:
                told = Problem(path_of(target.route), "column", str(reason))
                found.append(_told(told, name))
        whole = self._with_constants(placed, plan)
        return _built(whole), tuple(filter(None, found))

    def by_column(
        self, values: Mapping[str, Json], problems: Sequence[Problem]
    ) -> tuple[Problem, ...]:
        """Return problems of a row's payload with the columns that they come from."""
        if not problems:
            return ()
        plan = self._plan(values)
        placed: dict[Route, Json] = {
            target.route: name
            for name, target in plan.targets.items()
            if not self._is_nothing(values.get(name))
        }
        # Built like the payload, so that what was left out moves the others the same.
        come_from = dict(_leaves(_built(self._with_constants(placed, plan)), ()))
        origins = {path_of(route): name for route, name in come_from.items()}
        return tuple(
            _told(each, origins[each.path]) if each.path in origins else each
            for each in problems
        )

    @cached_property
    def _mapped(self) -> dict[str, Target]:
        return {
            name: self._named(path, f"columns[{name!r}]")
            for name, path in self.mapping.items()
        }

    @cached_property
    def _fixed(self) -> dict[Route, Json]:
        return {
            self._named(path, "constants").route: value
            for path, value in self.constants.items()
        }

    @cached_property
    def _foreign_key(self) -> str | None:
        """The column that identifies a row and is no property; it is not sent."""
        key = self.item_key
        if key is None or key in self._mapped or self._found(key) is not None:
            return None
        return key

    @cached_property
    def _plans(self) -> dict[tuple[str, ...], _Plan]:
        """What was found out about columns, by their names."""
        return {}

    def _is_nothing(self, value: Json) -> bool:
        return value is None or (isinstance(value, str) and value in self.null_values)

    def _plan(self, values: Mapping[str, Json]) -> _Plan:
        """Return what becomes of a row's columns, which their names alone decide."""
        names = tuple(values)
        if names not in self._plans:
            if len(self._plans) >= _MOST_PLANS:
                self._plans.clear()
            self._plans[names] = self._planned(names)
        return self._plans[names]

    def _planned(self, names: Sequence[str]) -> _Plan:
        targets = {name: t for name, t in self._mapped.items() if name in names}
        notes: dict[str, Problem | None] = {}
        given = frozenset([*self._fixed, *(t.route for t in self._mapped.values())])
        free: frozenset[Route] = frozenset()
        for name in names:
            if name in targets:
                continue
            target = None if name == self._foreign_key else self._found(name)
            if target is None:
                notes[name] = self._left_out(
                    name, f"is no property of {self.check.data_type}"
                )
            elif _is_taken(target.route, given):
                words = "stands where columns or constants put something"
                notes[name] = self._left_out(name, words)
            elif _is_taken(target.route, free):
                words = "stands where another column stands; leave one of them out"
                notes[name] = Problem(f"column {name!r}", "column", words)
            else:
                targets[name], free = target, free | {target.route}
        mapped = (target.route for target in self._mapped.values())
        routes = [*mapped, *(target.route for target in targets.values())]
        holders = frozenset(holder for route in routes for holder in holders_of(route))
        return _Plan(targets, notes, holders)

    def _named(self, path: object, where: str) -> Target:
        """Return what a path names.

        :raises SettingsInvalid: when that is no property.
        """
        target = self._found(path) if isinstance(path, str) else None
        if target is not None:
            return target
        meant = nearest(str(path), self._known_paths)
        hint = f"; did you mean {meant}?" if meant else ""
        raise SettingsInvalid(
            f"{where}: {path!r} is no property of {self.check.data_type}, such as "
            f"addresses[0].line1{hint}"
        )

    def _found(self, path: str) -> Target | None:
        route = route_of(path)
        if route is None:
            return None
        if route[0] in self.check.listed or not self._known_paths:
            return Target(route, frozenset())
        schema = schema_at(self.check.data_type, route)
        return None if schema is None else Target(route, kinds_of(schema))

    @cached_property
    def _known_paths(self) -> Sequence[str]:
        """The paths of all properties; none where nobody has said which there are."""
        name = self.check.data_type
        return paths_of(name) if name in DATA_TYPES else ()

    def _left_out(self, name: str, why: str) -> Problem | None:
        """Return what is said of a column that becomes nothing."""
        wanted = self.check.unknown_properties
        if wanted == "ignore" or name == self._foreign_key:
            return None
        meant = nearest(name, self._known_paths)
        hint = f'; did you mean columns={{"{name}": "{meant}"}}?' if meant else ""
        severity: Any = "error" if wanted == "fail" else "warning"
        words = f"{why}, and is left out{hint}"
        return Problem(f"column {name!r}", "unknown", words, severity)

    def _with_constants(
        self, placed: Mapping[Route, Json], plan: _Plan
    ) -> dict[Route, Json]:
        """Return all values of a row, without constants that would stand alone."""
        filled = {holder for route in placed for holder in holders_of(route)}
        alone = plan.fillable - filled
        return {
            **placed,
            **{
                route: value
                for route, value in self._fixed.items()
                if alone.isdisjoint(holders_of(route))
            },
        }


def _is_taken(route: Route, routes: frozenset[Route]) -> bool:
    """Whether something stands at a route, in it or around it."""
    return route in routes or clash_of(routes | {route}) is not None


def read_columns(
    check: Check,
    columns: object,
    constants: object,
    null_values: object,
    item_key: str | None,
) -> Columns:
    """Read what an author says of columns, see :class:`Columns`.

    :raises SettingsInvalid: naming what is wrong.
    """
    if isinstance(null_values, str):
        null_values = [null_values]
    if not isinstance(null_values, Collection):
        raise SettingsInvalid('null_values must be a list of texts, such as ["NULL"]')
    fixed = mapping_of(constants, "constants", '{"status": "Active"}')
    try:
        values = {path: to_json(value) for path, value in fixed.items()}
    except PayloadInvalid as invalid:
        raise SettingsInvalid(f"constants: {invalid.problems[0].message}") from None
    mapping = mapping_of(columns, "columns", '{"company": "customerName"}')
    nulls = frozenset(map(str, null_values))
    return Columns(check, mapping, values, nulls, item_key)


def mapping_of(value: object, name: str, example: str = "{}") -> dict[str, Any]:
    """Return a mapping that may have been rendered to a text of JSON.

    :param name: of the argument, for messages.
    :param example: of one, the same.
    :raises SettingsInvalid: when it is none.
    """
    if isinstance(value, str):
        try:
            value = parse_json(value) if value.strip() else None
        except PayloadInvalid as invalid:
            raise SettingsInvalid(f"{name}: {invalid.problems[0].message}") from None
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(n, str) for n in value):
        raise SettingsInvalid(f"{name} must be a mapping, such as {example}")
    return dict(value)


def _told(problem: Problem, column: str) -> Problem:
    """Return a problem with the column that it comes from, where that tells more."""
    if problem.path == column:
        return problem
    message = f"{problem.message} (column {column!r})"
    return Problem(problem.path, problem.rule, message, problem.severity, problem.by)


def _converted(value: Json, kinds: frozenset[str]) -> Json:
    """Return a cell's value as the contract wants it.

    What cannot be converted, and is not text, stays as it is: the contract objects.

    :raises ValueError: saying what would be right.
    """
    if isinstance(value, str):
        return _from_text(value, kinds)
    if "string" in kinds and type(value) is int and "number" not in kinds:
        return str(value)
    if kinds and kinds <= {"boolean", "null"} and value in (0, 1):
        return bool(value)
    return value


def _from_text(text: str, kinds: frozenset[str]) -> Json:
    if "string" in kinds or not kinds:
        return text
    text = text.strip()
    if kinds & {"number", "integer"}:
        if not _PLAIN_NUMBER.fullmatch(text):
            raise ValueError(
                "must be a number such as 1234.50: digits, and a point before the "
                "decimals, with nothing between thousands"
            )
        try:
            return to_json(Decimal(text))
        except PayloadInvalid as invalid:
            raise ValueError(invalid.problems[0].message) from None
    if "boolean" in kinds:
        if text.lower() not in _BOOLEANS:
            raise ValueError("must be true or false")
        return _BOOLEANS[text.lower()]
    try:
        return to_json(parse_json(text))
    except PayloadInvalid as invalid:
        wanted = " or ".join(sorted(kinds - {"null"}))
        reason = invalid.problems[0].message
        raise ValueError(f"must be JSON, of type {wanted}: {reason}") from None


def _built(values: Mapping[Route, Json]) -> Json:
    """Return the object that has values at some routes, lists without gaps."""
    below: dict[Any, dict[Route, Json]] = {}
    for (step, *rest), value in values.items():
        below.setdefault(step, {})[tuple(rest)] = value
    made = {
        step: inner[()] if () in inner else _built(inner)
        for step, inner in below.items()
    }
    if any(isinstance(step, int) for step in made):
        return [made[step] for step in sorted(made)]
    return made


def _leaves(value: Json, route: Route) -> Iterator[tuple[Route, str]]:
    """Yield the routes of all texts of a value, and the texts."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _leaves(item, (*route, name))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _leaves(item, (*route, number))
    elif isinstance(value, str):
        yield route, value
