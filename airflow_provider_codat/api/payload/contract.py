"""Holds a payload against Codat's contract and tells everything that is wrong.

The contract is data: ``schemas/<data type>.json``, without recursive references.
``jsonschema`` is imported when the first payload is checked, since Airflow imports
this module whenever it reads a DAG.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from airflow_provider_codat.api.models import Json, Problem
from airflow_provider_codat.api.payload.json_values import Step, path_of
from airflow_provider_codat.api.payload.near_names import nearest

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator, ValidationError

UnknownProperties: TypeAlias = Literal["warn", "fail", "ignore"]
Severity: TypeAlias = Literal["error", "warning"]
Route: TypeAlias = tuple[Step, ...]

# The rest of a schema's words, such as "format", says nothing of what is accepted.
_OF_TYPE_ALONE = frozenset({"type", "format", "description"})
_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
_SEVERITIES: dict[str, Severity | None] = {
    "warn": "warning",
    "fail": "error",
    "ignore": None,
}
_WORDS = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
}
_LIMITS = {
    "minLength": "must be at least {} long",
    "maxLength": "must be at most {} long",
    "maxItems": "must have at most {} elements",
}
_MOST_CHOICES = 12


class Finding(NamedTuple):
    """A problem whose place is still a route through the payload."""

    route: Route
    rule: str
    message: str
    severity: Severity = "error"
    by: str = ""


def problems(
    payload: Json,
    data_type: str = "customers",
    *,
    unknown_properties: UnknownProperties = "warn",
) -> tuple[Problem, ...]:
    """Return everything that is wrong with a payload, in the order of the document.

    A property that is missing comes after those of its object that are there. No
    message repeats a value of the payload; the name of a property may appear.

    :param payload: plain JSON, as ``payload.to_json`` returns it.
    :param data_type: Codat's key, such as ``customers``.
    :param unknown_properties: what a property becomes that the contract does not
        know: ``warn`` a warning, since Codat may ignore it, pass it on or refuse it;
        ``fail`` an error; ``ignore`` nothing.
    :raises ValueError: when there is no schema for the data type, or no such choice.
    """
    return held_against(
        contract_validator(data_type), payload, unknown_properties=unknown_properties
    )


def held_against(
    validator: "Draft202012Validator",
    payload: Json,
    *,
    unknown_properties: UnknownProperties = "warn",
) -> tuple[Problem, ...]:
    """Return everything that is wrong by a schema that is not one of ours.

    :param validator: of a schema without references, such as :func:`contract`'s.
    :param payload: see :func:`problems`; the result, too.
    :param unknown_properties: see :func:`problems`.
    :raises ValueError: when there is no such choice.
    """
    found = findings(validator, payload, unknown_properties=unknown_properties)
    return in_order(payload, found)


def findings(
    validator: "Draft202012Validator",
    payload: Json,
    *,
    unknown_properties: UnknownProperties = "warn",
) -> list[Finding]:
    """Return the same as :func:`held_against`, in no order."""
    if unknown_properties not in _SEVERITIES:
        raise ValueError(f"unknown_properties must be one of {', '.join(_SEVERITIES)}")
    found = list(dict.fromkeys(_violations(payload, validator)))
    severity = _SEVERITIES[unknown_properties]
    if severity:
        found.extend(_unknown(payload, validator.schema, (), severity))
    return found


def in_order(payload: Json, found: Iterable[Finding]) -> tuple[Problem, ...]:
    """Return findings as problems, in the order of the document.

    Those of one place stand together, as they were found.
    """
    listed = list(found)
    met = {route: number for number, (route, *_) in reversed([*enumerate(listed)])}

    def place(finding: Finding) -> tuple[list[int], int]:
        return _position(payload, finding.route), met[finding.route]

    return tuple(map(_problem, sorted(listed, key=place)))


@cache
def contract(data_type: str) -> Mapping[str, Any]:
    """Return the schema of a data type, each reference replaced by what it names.

    :raises ValueError: when there is none; the message lists those that there are.
    """
    folder = files("airflow_provider_codat.api.payload").joinpath("schemas")
    known = {file.name.removesuffix(".json"): file for file in folder.iterdir()}
    shared = json.loads(known.pop("shared").read_text(encoding="utf-8"))["$defs"]
    if data_type not in known:
        raise ValueError(
            f"there is no schema for the data type {data_type!r}; "
            f"there is one for: {', '.join(sorted(known))}"
        )
    schema = json.loads(known[data_type].read_text(encoding="utf-8"))
    definitions = {**shared, **schema.pop("$defs", {})}
    return {name: _inlined(node, definitions) for name, node in schema.items()}


def _inlined(node: object, definitions: Mapping[str, object]) -> object:
    """Return a schema, each reference in it replaced by what it names."""
    if isinstance(node, list):
        return [_inlined(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        return _inlined(definitions[name], definitions)
    return {name: _inlined(item, definitions) for name, item in node.items()}


@cache
def contract_validator(data_type: str) -> "Draft202012Validator":
    """Return what holds payloads against :func:`contract`."""
    return validator_of(contract(data_type))


def validator_of(schema: Mapping[str, Any]) -> "Draft202012Validator":
    """Return what holds many payloads against a schema, quickly.

    :param schema: without references and ``prefixItems``.
    """
    # Slow to import, and needed by no DAG that is only being read.
    from jsonschema import Draft202012Validator, validators  # noqa: PLC0415 - see above

    below = _Below()
    rules = {"properties": below.properties, "items": below.items}
    extend: Any = validators.extend  # it has no types
    quick: type[Draft202012Validator] = extend(Draft202012Validator, rules)
    return quick(schema)


class _Below:
    """The rules of ``jsonschema`` that lead to the values below, and only quicker.

    Its own build a validator for each value; these build one for each schema, and ask
    none where the type alone tells. They know no ``prefixItems``; no contract has one.
    """

    def __init__(self) -> None:
        self._validators: dict[int, tuple[Any, frozenset[type]]] = {}

    def properties(
        self,
        validator: "Draft202012Validator",
        schemas: Mapping[str, Any],
        value: Json,
        _: Mapping[str, Any],
    ) -> Iterator["ValidationError"]:
        """Hold each property that is described against its description."""
        if isinstance(value, dict):
            for name, schema in schemas.items():
                if name in value:
                    yield from self._errors(validator, schema, value[name], name)

    def items(
        self,
        validator: "Draft202012Validator",
        schema: Mapping[str, Any],
        value: Json,
        _: Mapping[str, Any],
    ) -> Iterator["ValidationError"]:
        """Hold each element of a list against the one description of all."""
        if isinstance(value, list):
            for number, item in enumerate(value):
                yield from self._errors(validator, schema, item, number)

    def _errors(
        self,
        validator: "Draft202012Validator",
        schema: Mapping[str, Any],
        value: Json,
        step: Step,
    ) -> Iterator["ValidationError"]:
        known = self._validators.get(id(schema))
        if known is None:  # it holds the schema, so that the id stays the schema's
            known = validator.evolve(schema=schema), _accepted(schema)
            self._validators[id(schema)] = known
        own, accepted = known
        if type(value) in accepted:
            return
        for error in own.iter_errors(value):
            error.path.appendleft(step)
            yield error


def _accepted(schema: Mapping[str, Any]) -> frozenset[type]:
    """Return the types whose every value a schema accepts; none where it asks more."""
    if not schema.keys() <= _OF_TYPE_ALONE:
        return frozenset()
    kinds = schema.get("type", ())
    names = [kinds] if isinstance(kinds, str) else kinds
    return frozenset(each for name in names for each in _TYPES.get(name, ()))


def _violations(payload: Json, validator: "Draft202012Validator") -> Iterator[Finding]:
    """Yield what the schema forbids; what is missing several times, if it is so."""
    for error in validator.iter_errors(payload):
        route, rule = tuple(error.absolute_path), str(error.validator)
        if rule == "required":
            yield from _missing(route, error.instance, error.schema)
        elif rule == "additionalProperties":
            known = error.schema.get("properties", {})
            for name in error.instance:
                if name not in known:
                    yield Finding((*route, name), "unknown", _proposal(name, known))
        elif rule != "type" or "enum" not in error.schema:  # a choice says both
            yield Finding(route, rule, _message(rule, error.schema, error.instance))


def _missing(
    route: Route, value: Collection[str], schema: Mapping[str, Any]
) -> Iterator[Finding]:
    for name in schema["required"]:
        if name not in value:
            wanted = schema.get("properties", {}).get(name)
            what = f": {_wanted(wanted)}" if wanted else ""
            yield Finding((*route, name), "required", f"is required{what}")


def _message(rule: str, schema: Mapping[str, Any], value: Json) -> str:
    """Say what would be right, in our words: jsonschema's own repeat the value."""
    given = _json_type(value)
    if rule == "enum":
        other = "" if given == "text" else f"; {given} was given"
        return f"must be {_wanted(schema)} (case matters){other}"
    if rule == "type":
        return f"must be {_wanted(schema)}; {given} was given"
    limit = schema[rule]
    if rule in _LIMITS:
        return _LIMITS[rule].format(f"{limit:,}")
    return f"must satisfy {rule}{f' {limit}' if isinstance(limit, str | int) else ''}"


def _wanted(schema: Mapping[str, Any]) -> str:
    """Describe what a schema accepts."""
    choices = schema.get("enum")
    if choices:
        rest = len(choices) - _MOST_CHOICES
        words = ["null" if c is None else " ".join(str(c).split()) for c in choices]
        listed = ", ".join(words[:_MOST_CHOICES])
        return f"one of {listed}{f' and {rest} more' if rest > 0 else ''}"
    types = schema.get("type", "a value")
    names = [types] if isinstance(types, str) else types
    return " or ".join(_WORDS.get(name, name) for name in names)


def _json_type(value: Json) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
    return "an object"


def _is_closed(schema: Mapping[str, Any]) -> bool:
    """Whether a schema lists all properties that there are."""
    return bool(schema.get("properties")) and "additionalProperties" not in schema


def _unknown(
    value: Json,
    schema: Mapping[str, Any] | bool,
    route: Route,
    severity: Severity,
) -> Iterator[Finding]:
    """Yield the properties that the contract does not know, at every depth."""
    if isinstance(schema, bool):  # JSON Schema for: anything, or nothing
        return
    if isinstance(value, list):
        below = schema.get("items", {})
        for number, item in enumerate(value):
            yield from _unknown(item, below, (*route, number), severity)
    known = schema.get("properties", {})
    for name, item in value.items() if isinstance(value, dict) else ():
        if name in known:
            if isinstance(item, dict | list):  # the others hold nothing
                yield from _unknown(item, known[name], (*route, name), severity)
        elif _is_closed(schema):
            yield Finding((*route, name), "unknown", _proposal(name, known), severity)


def _proposal(name: str, known: Collection[str]) -> str:
    meant = nearest(name, known)
    return f"unknown property{f'; did you mean {meant}?' if meant else ''}"


def _position(payload: Json, route: Route) -> list[int]:
    """Return where in the document a route leads, for sorting."""
    position: list[int] = []
    node = payload
    for step in route:
        if isinstance(node, list) and isinstance(step, int):
            position.append(step)
            node = node[step]
        elif isinstance(node, dict) and isinstance(step, str):
            names = list(node)
            position.append(names.index(step) if step in node else len(names))
            node = node.get(step)
    return position


def _problem(finding: Finding) -> Problem:
    route, rule, message, severity, by = finding
    return Problem(path_of(route), rule, message, severity, by)
