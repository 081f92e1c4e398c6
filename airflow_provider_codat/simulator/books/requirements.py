"""What an integration says to a record that Codat has already accepted."""

import re
from collections.abc import Iterator, Mapping

from airflow_provider_codat.simulator.replies import Issue, issue
from airflow_provider_codat.simulator.rules.contract import pascal
from airflow_provider_codat.simulator.rules.integrations import STRICT, Integration
from airflow_provider_codat.simulator.rules.push_options import Node, children, choices

_COUNTRY_CODE = re.compile(r"[A-Z]{2}")
_TYPES: dict[str, type | tuple[type, ...]] = {
    "String": str,
    "DateTime": str,
    "Number": (int, float),
    "Boolean": bool,
    "Object": dict,
    "Array": list,
}


def violations(
    integration: Integration, data_type: str, body: Mapping[str, object]
) -> list[Issue]:
    """Return what makes the push fail; empty: the record is created."""
    found = list(_children_broken(integration.models[data_type], body, ""))
    found += _too_long(integration, data_type, body)
    found += _too_many_addresses(integration, body)
    if integration is STRICT:
        found += _ledger_rules(body)
    return found


def unsupported(
    integration: Integration, data_type: str, body: Mapping[str, object]
) -> list[Issue]:
    """Return a warning for each property at the root that the model does not list."""
    known = children(integration.models[data_type])
    return [
        issue(pascal(name), f"{pascal(name)} is not supported, and will be ignored.")
        for name, value in body.items()
        # The contract requires status, so an integration without one is silent.
        if name not in known and value is not None and name != "status"
    ]


def _broken(rule: Node, value: object, path: str) -> Iterator[Issue]:
    expected = _TYPES[str(rule["type"])]
    if not isinstance(value, expected):
        yield issue(path, "The value has the wrong type.")
        return
    allowed = choices(rule)
    if allowed and value not in allowed:
        yield issue(path, f"Must be one of: {', '.join(allowed)}.")
    elements = enumerate(value) if isinstance(value, list) else ()
    for index, element in elements:
        if isinstance(element, dict):
            yield from _children_broken(rule, element, f"{path}[{index}].")
    if isinstance(value, dict):
        yield from _children_broken(rule, value, f"{path}.")


def _children_broken(
    parent: Node, value: Mapping[str, object], prefix: str
) -> Iterator[Issue]:
    for name, rule in children(parent).items():
        path = prefix + pascal(name)
        given = value.get(name)
        if given is not None:
            yield from _broken(rule, given, path)
        elif rule["required"]:
            yield issue(path, f"{path} must be provided.")


def _too_long(
    integration: Integration, data_type: str, body: Mapping[str, object]
) -> Iterator[Issue]:
    for name, longest in (integration.longest or {}).get(data_type, {}).items():
        value = body.get(name)
        if isinstance(value, str) and len(value) > longest:
            yield issue(pascal(name), f"Max length of {longest} characters.")


def _too_many_addresses(
    integration: Integration, body: Mapping[str, object]
) -> Iterator[Issue]:
    most = integration.most_addresses
    addresses = body.get("addresses")
    if most is not None and isinstance(addresses, list) and len(addresses) > most:
        yield issue("Addresses", f"No more than {most} may be sent.")


def _ledger_rules(body: Mapping[str, object]) -> Iterator[Issue]:
    own_id = body.get("id")
    if isinstance(own_id, str) and re.search(r"\s", own_id):
        yield issue("Id", "Id must not contain spaces.")
    addresses = body.get("addresses")
    for index, address in enumerate(addresses if isinstance(addresses, list) else ()):
        code = address.get("countryCode") if isinstance(address, dict) else None
        if isinstance(code, str) and not _COUNTRY_CODE.fullmatch(code):
            yield issue(
                f"Addresses[{index}].CountryCode", "Must be two letters of ISO 3166."
            )
