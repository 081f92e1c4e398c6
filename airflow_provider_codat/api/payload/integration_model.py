"""What an integration accepts: its model becomes JSON Schema, and checks payloads.

Codat answers a model for each connection and data type: a tree of nodes, whose shape is
described at https://docs.codat.io/using-the-api/get-create-update-model. A model that
is not of that shape is never an error here: what is not understood accepts anything.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_codat.api.models import Json, Problem
from airflow_provider_codat.api.payload.contract import (
    Finding,
    Route,
    Severity,
    UnknownProperties,
    contract,
    findings,
    in_order,
    validator_of,
)
from airflow_provider_codat.api.payload.model_limits import Rule, as_keywords, rules_of
from airflow_provider_codat.api.payload.model_nodes import (
    NOT_JSON,
    Node,
    mapping,
    node_of,
)

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

_TYPES = {
    "Array": "array",
    "Object": "object",
    "String": "string",
    "Number": "number",
    "Boolean": "boolean",
    "DateTime": "string",  # of any shape: Codat documents several
}
_UNLISTED = "is not listed, and may be refused or ignored"
_CODATS_OWN = frozenset({"supplementalData"})
"""Codat takes it for every integration; no model speaks of it."""


def to_json_schema(model: Mapping[str, Any], *, strict: bool = False) -> dict[str, Any]:
    """Return a model as JSON Schema, draft 2020-12, without references.

    Properties that are not listed are accepted, null is not: the models do not speak of
    it, and :func:`problems` takes it for absent. Remarks stand in ``$comment``.

    :param model: what Codat answers for ``.../options/{data type}``.
    :param strict: whether limits that stand in prose become keywords, too: those that
        JSON Schema has a keyword for.
    """
    schema = _schema(node_of(model), strict=strict)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def problems(
    payload: Json,
    model: Mapping[str, Any],
    *,
    strict: bool = False,
    unknown_properties: UnknownProperties = "warn",
    data_type: str = "customers",
) -> tuple[Problem, ...]:
    """Return everything that an integration's model has against a payload.

    To check many payloads, make one :class:`Integration` for all of them.

    :param payload: plain JSON, as ``payload.to_json`` returns it. A property that is
        null counts as absent.
    :param model: what Codat answers for ``.../options/{data type}``.
    :param strict: whether limits that stand in prose are errors; warnings otherwise.
    :param unknown_properties: what a property becomes that the model does not list, see
        :func:`schema.problems`. Those that Codat's contract requires are never told.
    :param data_type: Codat's key, for that contract; it need not have one here.
    :raises ValueError: when there is no such choice.
    """
    integration = Integration(model, data_type, strict=strict)
    found = integration.findings(payload, unknown_properties=unknown_properties)
    return in_order(payload, found)


class Integration:
    """What one integration accepts, prepared to check many payloads.

    :param model: see :func:`problems`, for the others, too.
    """

    def __init__(
        self, model: Mapping[str, Any], data_type: str, *, strict: bool
    ) -> None:
        self._node = node_of(model)
        self._data_type = data_type
        self._severity: Severity = "error" if strict else "warning"

    @property
    def properties(self) -> frozenset[str]:
        """The names of the properties that the model lists."""
        return frozenset(self._node.children)

    def properties_of(self, name: str) -> frozenset[str]:
        """Return the names that are listed for a property, or for its elements."""
        return frozenset(self._node.children.get(name, Node()).children)

    def findings(
        self, payload: Json, *, unknown_properties: UnknownProperties = "warn"
    ) -> list[Finding]:
        """Return what :func:`problems` does, in no order."""
        sent = _without_nulls(payload)
        found = [
            self._unlisted(each) if each.rule == "unknown" else each
            for each in findings(
                self._validator, sent, unknown_properties=unknown_properties
            )
        ]
        broken: dict[tuple[Route, str], Rule] = {}
        for route, rule in _broken(sent, self._limits, ()):
            broken.setdefault((route, rule.words), rule)  # of one remark, once
        found.extend(
            Finding(route, rule.keyword, rule.message, self._severity)
            for (route, _), rule in broken.items()
        )
        return found

    def _unlisted(self, finding: Finding) -> Finding:
        """Tell what Codat knows, and this integration alone does not, from a typo."""
        known = _contract_of(self._data_type)
        for step in finding.route:
            below = mapping(known.get("properties"))
            known = mapping(
                known.get("items") if isinstance(step, int) else below.get(step)
            )
        return finding._replace(message=_UNLISTED) if known else finding

    @cached_property
    def _validator(self) -> "Draft202012Validator":
        schema = _schema(self._node, strict=False)
        return validator_of(_tolerating(schema, _contract_of(self._data_type)))

    @cached_property
    def _limits(self) -> "_Limits":
        return _limits(self._node)


class _Limits(NamedTuple):
    """The rules in prose of one node, and of those below that have any."""

    rules: tuple[Rule, ...]
    below: Mapping[str, "_Limits"]

    def __bool__(self) -> bool:
        return bool(self.rules or self.below)


def _limits(node: Node) -> _Limits:
    below = {name: _limits(child) for name, child in node.children.items()}
    known = {name: limits for name, limits in below.items() if limits}
    return _Limits(rules_of(node.remarks), known)


def _broken(value: Json, limits: _Limits, route: Route) -> Iterator[tuple[Route, Rule]]:
    """Yield the rules in prose that a value breaks, and where."""
    yield from ((route, rule) for rule in limits.rules if rule.broken_by(value))
    yield from _broken_below(value, limits.below, route)


def _broken_below(
    value: Json, limits: Mapping[str, _Limits], route: Route
) -> Iterator[tuple[Route, Rule]]:
    if isinstance(value, list) and limits:
        for number, item in enumerate(value):
            yield from _broken_below(item, limits, (*route, number))
    elif isinstance(value, dict):
        for name in limits.keys() & value.keys():
            yield from _broken(value[name], limits[name], (*route, name))


def _schema(node: Node, *, strict: bool) -> dict[str, Any]:
    schema = _own_schema(node, strict=strict)
    children = {n: c for n, c in node.children.items() if c.type not in NOT_JSON}
    if not children:
        return schema
    required = [name for name, child in children.items() if child.required]
    element = {
        "type": "object",
        **({"required": required} if required else {}),
        "properties": {n: _schema(c, strict=strict) for n, c in children.items()},
    }
    return schema | (element if node.type == "Object" else {"items": element})


def _own_schema(node: Node, *, strict: bool) -> dict[str, Any]:
    """Return what holds of a node itself, whatever is below it."""
    texts = {
        "title": node.title,
        "description": node.description,
        "$comment": " ".join(node.remarks),
    }
    schema: dict[str, Any] = {name: text for name, text in texts.items() if text}
    if node.type in _TYPES:
        schema["type"] = _TYPES[node.type]
    if node.choices:
        schema["enum"] = list(node.choices)
    if strict:
        schema |= as_keywords(rules_of(node.remarks))
    return schema


def _tolerating(schema: dict[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema that lists what the contract requires, and asks nothing of it."""
    if "items" in schema:
        items = _tolerating(schema["items"], mapping(known.get("items")))
        return schema | {"items": items}
    if "properties" not in schema:
        return schema
    described = mapping(known.get("properties"))
    tolerated = _CODATS_OWN.intersection(described).union(known.get("required", ()))
    listed = {
        name: _tolerating(child, mapping(described.get(name)))
        for name, child in schema["properties"].items()
    }
    return schema | {"properties": {name: {} for name in tolerated} | listed}


def _contract_of(data_type: str) -> Mapping[str, Any]:
    try:
        return contract(data_type)
    except ValueError:  # no contract is known here, so that it requires nothing
        return {}


def _without_nulls(value: Json) -> Json:
    """Return a value without its properties that are null, at every depth."""
    if isinstance(value, list):  # its elements stay: they have their numbers
        return [_without_nulls(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {n: _without_nulls(item) for n, item in value.items() if item is not None}
