"""What a payload is held against, and the whole way that it takes before it is sent."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias, get_args

from airflow_provider_codat.api.data_types import DATA_TYPES
from airflow_provider_codat.api.errors import PayloadInvalid
from airflow_provider_codat.api.models import Json, Problem
from airflow_provider_codat.api.payload.canonical import (
    READ_ONLY,
    read_payload,
    without,
)
from airflow_provider_codat.api.payload.contract import (
    Finding,
    UnknownProperties,
    contract,
    contract_validator,
    findings,
    in_order,
)
from airflow_provider_codat.api.payload.formats import exact_amounts
from airflow_provider_codat.api.payload.hints import hints
from airflow_provider_codat.api.payload.integration_model import Integration

Validate: TypeAlias = Literal["schema", "model", "both", "off"]
"""What to hold a payload against: Codat's contract, the model, both or neither."""

CONTRACT = "Codat's contract"
"""Who objects, where the model may object as well."""

_BY_CONTRACT = frozenset({"schema", "both"})
_BY_MODEL = frozenset({"model", "both"})


@dataclass(frozen=True)
class Check:
    """What payloads are held against, as an author wants it.

    :param data_type: Codat's key, such as ``customers``.
    :param validate: see :data:`Validate`.
    :param unknown_properties: what a property becomes that is not listed, see
        :func:`schema.problems`. Under ``both`` the model is asked, and not the
        contract: an integration may take what the contract does not know.
    :param hints: whether there are warnings of what books are likely to refuse.
    :param strict: whether the model's limits in prose forbid a request.
    :param model: what Codat answers for the connection; for ``model`` and ``both``.
    :param model_name: who objects, for messages, such as ``Xero's model``.
    :raises ValueError: when the model is missing, or describes nothing.
    """

    data_type: str = "customers"
    validate: Validate = "schema"
    unknown_properties: UnknownProperties = "warn"
    hints: bool = True
    strict: bool = False
    model: Mapping[str, Any] | None = None
    model_name: str = "the integration's model"

    def __post_init__(self) -> None:
        """Refuse what would let every payload pass."""
        if self.validate not in get_args(Validate):
            words = ", ".join(repr(word) for word in get_args(Validate))
            raise ValueError(f"validate must be one of {words}")
        if self.unknown_properties not in get_args(UnknownProperties):
            words = ", ".join(get_args(UnknownProperties))
            raise ValueError(f"unknown_properties must be one of {words}")
        if self._looks_at_model and not self._integration.properties:
            raise ValueError(
                f"validate={self.validate!r} needs the integration's model: what Codat "
                f"answers for .../options/{self.data_type}, with its properties"
            )

    @property
    def contract(self) -> Collection[str]:
        """The properties that Codat's contract lists; none for an unknown data type."""
        if self.data_type in DATA_TYPES or self.validate in _BY_CONTRACT:
            return tuple(contract(self.data_type)["properties"])
        return ()

    @property
    def listed(self) -> Collection[str]:
        """The properties that the model lists, if it is looked at."""
        return self._integration.properties if self._looks_at_model else ()

    def problems(self, payload: Json) -> tuple[Problem, ...]:
        """Return everything that is wrong with a payload, in the document's order.

        No message repeats a value of the payload. Where the model is looked at, each
        problem says who objects.

        :param payload: plain JSON, as ``payload.to_json`` returns it.
        :raises ValueError: when there is no contract for the data type and one is
            wanted, or no such choice of ``unknown_properties``.
        """
        found = self._by_contract(payload) if self.validate in _BY_CONTRACT else []
        if self.validate != "off" and self.hints:
            found += hints(payload, self.data_type, lengths=not self._looks_at_model)
        if self._looks_at_model:
            found = _merged(found, self._by_model(payload))
        return in_order(payload, [*found, *self._without_parent(payload, found)])

    def exact(self, payload: Json) -> tuple[Problem, ...]:
        """Make numbers of amounts that are text, in place; return what is not exact."""
        if self.validate == "off":
            return ()
        return in_order(payload, exact_amounts(payload, self.data_type))

    def without_read_only(
        self, payload: Json, names: Collection[str]
    ) -> tuple[Json, tuple[str, ...]]:
        """Return a payload without its read-only properties, and what was left out.

        :param names: see :func:`payload.without`. Of those that are left out by
            default, the ones that the model lists stay: the integration takes them.
        """
        if not self.listed or set(names) != set(READ_ONLY):
            return without(payload, names)
        return _without_unlisted(payload, self._integration)

    @cached_property
    def _integration(self) -> Integration:
        return Integration(self.model or {}, self.data_type, strict=self.strict)

    @property
    def _looks_at_model(self) -> bool:
        return self.validate in _BY_MODEL

    def _by_contract(self, payload: Json) -> list[Finding]:
        found = findings(
            contract_validator(self.data_type),
            payload,
            unknown_properties=self.unknown_properties,
        )
        if not self._looks_at_model:
            return found
        return [each._replace(by=CONTRACT) for each in found if each.rule != "unknown"]

    def _without_parent(
        self, payload: Json, found: Collection[Finding]
    ) -> Iterator[Finding]:
        """Say that what stands in the route is missing, where nobody has said so."""
        row = DATA_TYPES.get(self.data_type)
        if row is None or row.parent is None or row.parent_of(payload):
            return
        route = (row.parent[1],)
        if route not in {each.route for each in found}:
            yield Finding(route, "required", "is required: it stands in the route")

    def _by_model(self, payload: Json) -> list[Finding]:
        found = self._integration.findings(
            payload, unknown_properties=self.unknown_properties
        )
        return [each._replace(by=self.model_name) for each in found]


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of a payload, and all that is wrong with it.

    :param payload: what would be sent; None if it could not be read.
    :param left_out: paths of the read-only properties that would not be sent.
    :param problems: errors and warnings in the order of the document.
    """

    payload: Json
    left_out: tuple[str, ...]
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """What forbids the request."""
        return tuple(p for p in self.problems if p.severity == "error")


def checked(
    value: object,
    check: Check,
    *,
    read_only_fields: Collection[str] = READ_ONLY,
    read: Callable[[object], Json] = read_payload,
) -> Checked:
    """Take a payload all the way from what was given to what would be sent.

    :param value: anything that ``read`` reads.
    :param check: what to hold it against.
    :param read_only_fields: names that are left out, see
        :meth:`Check.without_read_only`; none to send them too.
    :param read: makes JSON of the value and raises ``PayloadInvalid``, which is
        returned as problems here.
    """
    try:
        payload = read(value)
    except PayloadInvalid as invalid:
        return Checked(None, (), invalid.problems)
    payload, left_out = check.without_read_only(payload, read_only_fields)
    inexact = check.exact(payload)
    told = {problem.path for problem in inexact}
    others = (p for p in check.problems(payload) if p.path not in told)
    return Checked(payload, left_out, (*inexact, *others))


def _merged(ours: list[Finding], model: list[Finding]) -> list[Finding]:
    """Return what both say once, with both named."""
    merged = {_said(each): each for each in ours}
    for each in model:
        other = merged.get(_said(each))
        by = f"{other.by} and {each.by}" if other else each.by
        merged[_said(each)] = each._replace(by=by)
    return list(merged.values())


def _said(finding: Finding) -> Finding:
    return finding._replace(by="")


def _without_unlisted(
    payload: Json, integration: Integration
) -> tuple[Json, tuple[str, ...]]:
    """Return a payload without the read-only properties that a model does not list."""
    if not isinstance(payload, dict):
        return payload, ()
    parts: dict[str, Json] = {}
    left_out: list[str] = []
    # A contact's are not those of the customer: the model may list either alone.
    for names, listed in (
        (set(payload) - {"contacts"}, integration.properties),
        ({"contacts"}, integration.properties_of("contacts")),
    ):
        part: Json = {n: value for n, value in payload.items() if n in names}
        kept, dropped = without(part, set(READ_ONLY).difference(listed))
        parts.update(kept if isinstance(kept, dict) else {})
        left_out.extend(dropped)
    return {n: parts[n] for n in payload if n in parts}, tuple(sorted(left_out))
