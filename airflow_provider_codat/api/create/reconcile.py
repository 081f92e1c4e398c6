"""What became of a create whose answer was lost: the books are asked.

The list of push operations names no payload. So whatever may be ours is read back from
the accounting software and compared. Others write into the same books: what is found
there is a stranger's until it is shown to be ours.
"""

import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

from airflow_provider_codat.api.books.comparison import NameMatch
from airflow_provider_codat.api.books.push_history import (
    Agreement,
    is_pending,
    recent_push_operations,
)
from airflow_provider_codat.api.books.record_match import match_record
from airflow_provider_codat.api.books.records import (
    read_record,
    recent_records,
    refreshed,
)
from airflow_provider_codat.api.create.matching import Suspects, matched
from airflow_provider_codat.api.create.search import CLAIMS, Claims, Finding, Search
from airflow_provider_codat.api.errors import NotFound, RefreshFailed
from airflow_provider_codat.api.http.exchange import Conversation, Patience
from airflow_provider_codat.api.http.response import epoch_of
from airflow_provider_codat.api.http.telemetry import Telemetry
from airflow_provider_codat.api.models import Destination, Json, PushOperation
from airflow_provider_codat.api.payload.canonical import canonical

if TYPE_CHECKING:
    from airflow_provider_codat.api.data_types import DataType

log = logging.getLogger(__name__)

_MOST_SINGLY = 3
_REFRESH_SECONDS = 900.0


class Books(Protocol):
    """Where a write whose answer was lost is looked for."""

    @property
    def claims(self) -> Claims:
        """Whose each push operation is."""

    def reconcile(self, search: Search) -> Conversation[Finding]:
        """Tell whether it has made a record."""

    def candidates(self, search: Search) -> Conversation[tuple[str, ...]]:
        """Return the keys of what may be ours, as far as one look tells."""


class CompanyBooks:
    """The books of one company, looked at for each write alone."""

    claims = CLAIMS

    def __init__(self, patience: Patience) -> None:
        self._patience = patience

    def reconcile(self, search: Search) -> Conversation[Finding]:
        """Tell whether it has made a record."""
        (finding,) = yield from reconcile([search], self._patience)
        return finding

    def candidates(self, search: Search) -> Conversation[tuple[str, ...]]:
        """Return the keys of what may be ours, as far as one look tells."""
        (keys,) = yield from candidates([search], self._patience)
        return keys


def reconcile(
    searches: Sequence[Search], patience: Patience
) -> Conversation[list[Finding]]:
    """Tell which creates whose answers were lost have made a record.

    Nothing that was sent may act any more, and the searches have to be all that is in
    doubt: a record that two of them may have made is known as that.

    :param searches: one at least, all of one company.
    :return: a finding for each search, in their order.
    """
    found = yield from _settled_candidates(searches, patience)
    if len(searches) == 1:
        log.info("Push operations that may have made this record: %d", len(found))
    else:
        log.info(
            "Push operations that may have made some of %d records: %d",
            len(searches),
            len(found),
        )
    fitting = [
        [key for key, each in found.items() if search.fits(each)] for search in searches
    ]
    suspects = yield from _suspects(searches, fitting, found, patience)
    return matched(searches, suspects, found)


def report_finding(finding: Finding, telemetry: Telemetry) -> None:
    """Tell what the books told of one create."""
    if finding.operation is not None:
        telemetry.reconciled("adopted")
    else:
        telemetry.reconciled("absent" if finding.nothing else "unclear")


def candidates(
    searches: Sequence[Search], patience: Patience
) -> Conversation[list[tuple[str, ...]]]:
    """Return the keys of what may be ours, for each search, from one look at the list.

    :param searches: one at least, all of one company.
    """
    listed = yield from _walk(searches, patience, strict=False)
    return [
        tuple(key for key, operation in listed.items() if search.fits(operation))
        for search in searches
    ]


def _walk(
    searches: Sequence[Search], patience: Patience, *, strict: bool
) -> Conversation[Mapping[str, PushOperation]]:
    """Read the list.

    :param strict: whether an entry that cannot be read, which may be the one, is an
        error.
    """
    return (
        yield from recent_push_operations(
            searches[0].destination.company_id,
            patience,
            since=min(search.since for search in searches),
            strict=strict,
        )
    )


def _settled_candidates(
    searches: Sequence[Search], patience: Patience
) -> Conversation[dict[str, PushOperation]]:
    """Return what may be ours, once two looks at the list agree.

    Operations that are still pending are waited for. A list that lacks keys of ours is
    out of date.

    :raises StillInProgress: when they do not.
    """
    expected = frozenset[str]().union(*map(attrgetter("expected"), searches))
    looks, newest = Agreement(patience), math.inf
    while True:
        listed = yield from _walk(searches, patience, strict=True)
        if looks.begun and newest == math.inf:
            # Ours is listed by now: what comes later is a stranger's.
            newest = _newest(listed)
        found = _fitting(listed, searches, newest)
        pending = not looks.late and is_pending(found)
        if looks.agrees(found) and expected <= listed.keys() and not pending:
            return found
        yield looks.pause(
            "Codat's list of push operations does not come to rest, so it is not "
            "known yet whether the record was created",
            pending=pending,
        )


def _fitting(
    listed: Mapping[str, PushOperation], searches: Sequence[Search], newest: float
) -> dict[str, PushOperation]:
    """Return what may be that of any search."""
    return {
        key: each
        for key, each in listed.items()
        if any(search.fits(each, newest) for search in searches)
    }


def _newest(listed: Mapping[str, PushOperation]) -> float:
    """Return when the newest was requested, in epoch seconds by Codat's clock."""
    times = (epoch_of(each.requested_at) for each in listed.values())
    return max((at for at in times if at is not None), default=math.inf)


def _suspects(
    searches: Sequence[Search],
    fitting: Sequence[Sequence[str]],
    found: Mapping[str, PushOperation],
    patience: Patience,
) -> Conversation[list[Suspects]]:
    """Compare what each push operation made with each payload that it may be of.

    :param fitting: for each search, the keys of what it may be.
    """
    suspects: dict[int, Suspects] = {}
    for here in _by_place(searches):
        made = {key: found[key] for number in here for key in fitting[number]}
        records, reason = {}, ""
        try:
            records = yield from _records(made, list(here.values()), patience)
        except (RefreshFailed, NotFound) as error:
            reason = str(error)
        for number, search in here.items():
            each = _compared(search, fitting[number], records)
            suspects[number] = replace(each, reason=reason)
    return [suspects[number] for number in range(len(searches))]


def _by_place(searches: Sequence[Search]) -> Iterable[dict[int, Search]]:
    """Return the searches of each connection and data type, by their numbers."""
    places: dict[tuple[Destination, DataType], dict[int, Search]] = {}
    for number, each in enumerate(searches):
        places.setdefault((each.destination, each.data_type), {})[number] = each
    return places.values()


def _compared(
    search: Search,
    keys: Sequence[str],
    records: Mapping[str, dict[str, Json]],
) -> Suspects:
    """Compare records with one payload.

    :param records: by the keys of the push operations that made them, as far as they
        can be read back.
    """
    how = {
        key: match_record(search.payload, records[key], search.data_type)
        if key in records
        else NameMatch.UNCLEAR
        for key in keys
    }
    return Suspects(
        canonical(search.payload),
        same=tuple(key for key, each in how.items() if each is NameMatch.SAME),
        unclear=tuple(key for key, each in how.items() if each is NameMatch.UNCLEAR),
    )


def _records(
    made: Mapping[str, PushOperation], searches: Sequence[Search], patience: Patience
) -> Conversation[dict[str, dict[str, Json]]]:
    """Read back what push operations made, by their keys; some may not be there.

    :param searches: all of one connection and data type.
    :raises RefreshFailed: when Codat's copy of the books cannot be renewed.
    """
    place, data_type = searches[0].destination, searches[0].data_type
    readable = {
        key: operation.record_id
        for key, operation in made.items()
        if operation.status == "Success" and operation.record_id is not None
    }
    if not readable or not data_type.is_readable:
        return {}
    yield from refreshed(
        place.company_id,
        place.connection_id,
        data_type,
        patience,
        keys=lambda: str(uuid4()),
        deadline=patience.clock() + _REFRESH_SECONDS,
    )
    ids = set(readable.values())
    since = min(search.since for search in searches)
    read = yield from _read_back(searches[0], ids, since, patience)
    return {key: read[number] for key, number in readable.items() if number in read}


def _read_back(
    search: Search, ids: set[str], since: float, patience: Patience
) -> Conversation[dict[str, dict[str, Json]]]:
    """Read records by their ids; what Codat does not know is left out."""
    place, data_type = search.destination, search.data_type
    found: dict[str, dict[str, Json]] = {}
    if len(ids) > _MOST_SINGLY:
        found = yield from recent_records(place, data_type, patience, since=since)
    for record_id in sorted(ids - set(found)):
        record = yield from read_record(place, data_type, record_id, patience)
        if record is not None:
            found[record_id] = record
    return found
