"""How many push operations of one company stand, in as few requests as can be."""

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from typing import TypeAlias

from airflow_provider_codat.api.books.push_history import (
    known_push_operation,
    recent_push_operations,
)
from airflow_provider_codat.api.errors import NotFound, OutcomeUnknown
from airflow_provider_codat.api.http.exchange import Conversation, Patience
from airflow_provider_codat.api.http.response import epoch_of
from airflow_provider_codat.api.http.telemetry import report_end
from airflow_provider_codat.api.models import PushOperation

PushStatus: TypeAlias = PushOperation | OutcomeUnknown
"""A push operation, or the error that says that Codat knows it no more."""


def poll(
    company_id: str,
    keys: Sequence[str],
    patience: Patience,
    *,
    since: float,
    found: MutableMapping[str, PushStatus],
    most_singly: int | None = None,
) -> Conversation[None]:
    """Read how push operations stand.

    Several are looked for in the company's list; one alone, or what is not in the list,
    is asked for by its key.

    :param since: epoch seconds, by Codat's clock: how far the list is read back.
    :param found: takes what was seen as it is seen, so that an error leaves the rest.
    :param most_singly: how many are asked for by their keys, drawn by lot where there
        are more; None for all.
    """
    if len(keys) > 1:
        found.update(
            (
                yield from recent_push_operations(
                    company_id, patience, since=since, keys=frozenset(keys)
                )
            )
        )
    missing = [key for key in keys if key not in found]
    for key in sorted(missing, key=lambda _: patience.dice())[:most_singly]:
        found[key] = yield from _one(company_id, key, patience)


def _one(company_id: str, key: str, patience: Patience) -> Conversation[PushStatus]:
    """Read one push operation by its key."""
    try:
        return (yield from known_push_operation(company_id, key, patience))
    except NotFound as error:
        return OutcomeUnknown(
            f"push operation {key} is known no more, so a record may exist: {error}",
            candidates=[key],
        )


def report_ended(seen: Mapping[str, PushStatus], patience: Patience) -> None:
    """Tell how long those took that have ended."""
    for push_status in seen.values():
        if isinstance(push_status, PushOperation):
            report_end(push_status, patience.telemetry, patience.clock())


def requested_since(
    keys: Iterable[str], seen: Mapping[str, PushOperation], otherwise: float
) -> float:
    """Return the moment before which none of some push operations was requested.

    :param seen: what is known of them.
    :param otherwise: epoch seconds, for one that was not seen, or tells no time.
    """
    moments = (
        epoch_of(seen[key].requested_at) if key in seen else None for key in keys
    )
    return min((otherwise if m is None else m for m in moments), default=otherwise)
