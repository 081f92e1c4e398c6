"""A mapping for the columns of a table that nobody has mapped yet: a proposal."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from airflow_provider_codat.api.input.property_paths import (
    Route,
    holders_of,
    paths_of,
    route_of,
    schema_at,
)
from airflow_provider_codat.api.models import Json
from airflow_provider_codat.api.payload.check import Check
from airflow_provider_codat.api.payload.json_values import path_of
from airflow_provider_codat.api.payload.near_names import nearest

_USUAL = ("Active", "Billing", "Primary", "Submitted", "Open")


@dataclass(slots=True)
class Suggestion:
    """What columns are likely to be.

    :param columns: from names of columns to paths of properties.
    :param constants: what the contract requires beside them, by path.
    :param unknown: the columns that are like no property.
    """

    columns: dict[str, str] = field(default_factory=dict)
    constants: dict[str, Json] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)

    def mapping(self) -> dict[str, object]:
        """Return it as an operator, or a file, takes it."""
        return {"columns": self.columns, "constants": self.constants}


def suggestion(names: Sequence[str], check: Check) -> Suggestion:
    """Propose a mapping, each property once: by near names, and what others call it.

    :param names: of the columns.
    """
    made = Suggestion()
    free = list(paths_of(check.data_type))
    # Whoever spells it as Codat does comes first.
    for name in sorted(names, key=lambda each: each not in free):
        meant = nearest(name, free)
        if meant:
            free.remove(meant)
            made.columns[name] = meant
        else:
            made.unknown.append(name)
    made.columns = {name: made.columns[name] for name in names if name in made.columns}
    made.unknown.sort(key=list(names).index)
    made.constants = _required(list(made.columns.values()), check.data_type)
    return made


def _required(paths: Sequence[str], data_type: str) -> dict[str, Json]:
    """Return the choices that are required where some properties stand."""
    holders = [h for p in paths for h in ((), *holders_of(route_of(p) or ()))]
    return {
        path: choice
        for holder in dict.fromkeys(holders)
        for path, choice in _choices(holder, data_type)
        if path not in paths
    }


def _choices(holder: Route, data_type: str) -> Iterator[tuple[str, Json]]:
    """Yield what an object requires that is one of a few words, the usual one."""
    schema = schema_at(data_type, holder) or {}
    for name in schema.get("required", ()):
        choices = schema.get("properties", {}).get(name, {}).get("enum", ())
        usual = [each for each in _USUAL if each in choices]
        for choice in [*usual, *choices][:1]:
            yield path_of((*holder, name)), choice
