"""What became of a create whose answer was lost: the books are asked.

The list of push operations names no payload. So whatever may be ours is read back from
the accounting software and compared. Others write into the same books: what is found
there is a stranger's until it is shown to be ours.
"""

import logging
import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import uuid4

from airflow_provider_codat.api.client import Conversation, Patience, Pause
from airflow_provider_codat.api.errors import RefreshFailed, StillInProgress
from airflow_provider_codat.api.likeness import Likeness, likeness
from airflow_provider_codat.api.models import (
    DataType,
    Destination,
    Json,
    PushOperation,
)
from airflow_provider_codat.api.reading import (
    read_customer,
    recent_customers,
    recent_push_operations,
    refreshed,
)
from airflow_provider_codat.api.replies import CLOCK_SKEW_SECONDS, epoch_of
from airflow_provider_codat.api.settle import created_nothing

log = logging.getLogger(__name__)

_WALKS = 6
_BETWEEN_WALKS_SECONDS = 1.0
_LONGEST_BETWEEN_WALKS_SECONDS = 30.0
_PENDING_SECONDS = 300.0
_MOST_SINGLY = 3
_REFRESH_SECONDS = 900.0


_owners: dict[str, str] = {}
_claiming = threading.Lock()


def claim(key: str, owner: str) -> bool:
    """Take a push operation for an intent's own; no other of this process then can.

    :param key: of the push operation.
    :param owner: names the intent.
    """
    with _claiming:
        return _owners.setdefault(key, owner) == owner


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for.

    :param payload: that was sent.
    :param windows: of epoch seconds, from and to, in which it may have been accepted.
    :param ours: keys of push operations of this intent that are known.
    :param expected: those of them that a list of that time has to name.
    :param owner: names the intent.
    """

    destination: Destination
    data_type: DataType
    payload: Json = field(repr=False)
    windows: tuple[tuple[float, float], ...]
    ours: frozenset[str]
    expected: frozenset[str]
    owner: str

    @property
    def since(self) -> float:
        """Epoch seconds before which nothing can be ours."""
        return min(begin for begin, _ in self.windows) - CLOCK_SKEW_SECONDS

    def fits(self, operation: PushOperation, newest: float = math.inf) -> bool:
        """Whether a push operation may be the one, by all that the list tells.

        :param newest: epoch seconds, by Codat's clock: after which none is.
        """
        requested = epoch_of(operation.requested_at)
        return (
            operation.connection_id == self.destination.connection_id
            and operation.data_type.lower() in {self.data_type.name.lower(), ""}
            and operation.key not in self.ours
            and _owners.get(operation.key, self.owner) == self.owner
            and not created_nothing(operation)
            and (
                requested is None
                or any(
                    begin - CLOCK_SKEW_SECONDS
                    <= requested
                    <= min(newest, end + CLOCK_SKEW_SECONDS)
                    for begin, end in self.windows
                )
            )
        )


@dataclass(frozen=True, slots=True)
class Finding:
    """What the books tell.

    :param operation: the one that is ours, when exactly one is.
    :param nothing: whether nothing there can be ours.
    :param candidates: keys of those of which it cannot be told.
    """

    operation: PushOperation | None = None
    nothing: bool = False
    candidates: tuple[str, ...] = ()
    reason: str = ""


def reconcile(search: Search, patience: Patience) -> Conversation[Finding]:
    """Tell whether a create whose answer was lost has made a record."""
    found = yield from _settled_candidates(search, patience)
    log.info("Push operations that may have made this record: %d", len(found))
    if not found:
        return _NOTHING
    try:
        compared = yield from _compared(found, search, patience)
    except RefreshFailed as error:
        return Finding(candidates=tuple(found), reason=str(error))
    same = [key for key, how in compared.items() if how is Likeness.SAME]
    unclear = [key for key, how in compared.items() if how is Likeness.UNCLEAR]
    if not same and not unclear:
        return _NOTHING
    if len(same) == 1 and not unclear and claim(same[0], search.owner):
        return Finding(operation=found[same[0]])
    return Finding(
        candidates=(*same, *unclear),
        reason=f"{len(same)} of the push operations of that time made an equal record, "
        f"and of {len(unclear)} it cannot be told",
    )


_NOTHING = Finding(nothing=True, reason="the books do not show it")


def candidates(search: Search, patience: Patience) -> Conversation[tuple[str, ...]]:
    """Return the keys of what may be ours, from one look at the list."""
    listed = yield from _walk(search, patience, strict=False)
    return tuple(key for key, operation in listed.items() if search.fits(operation))


def _walk(
    search: Search, patience: Patience, *, strict: bool
) -> Conversation[Mapping[str, PushOperation]]:
    """Read the list.

    :param strict: whether an entry that cannot be read, which may be the one, is an
        error.
    """
    return (
        yield from recent_push_operations(
            search.destination.company_id, patience, since=search.since, strict=strict
        )
    )


def _settled_candidates(
    search: Search, patience: Patience
) -> Conversation[dict[str, PushOperation]]:
    """Return what may be ours, once two looks at the list agree.

    Operations that are still pending are waited for. A list that lacks keys of ours is
    out of date.

    :raises StillInProgress: when they do not.
    """
    before: dict[str, str] | None = None
    give_up_at = patience.clock() + _PENDING_SECONDS
    seconds = _BETWEEN_WALKS_SECONDS
    restless = 0
    newest = math.inf
    while True:
        listed = yield from _walk(search, patience, strict=True)
        if before is not None and newest == math.inf:
            # Ours is listed by now: what comes later is a stranger's.
            newest = _newest(listed)
        found = {key: each for key, each in listed.items() if search.fits(each, newest)}
        states = {key: each.status for key, each in found.items()}
        at_rest = states == before and search.expected <= set(listed)
        late = patience.clock() > give_up_at
        pending = not late and any(not each.ended for each in found.values())
        if at_rest and not pending:
            return found
        restless += not pending
        if late or restless >= _WALKS:
            raise StillInProgress(
                "Codat's list of push operations does not come to rest, so it is not "
                "known yet whether the record was created"
            )
        before = states
        yield Pause(seconds, "The list of push operations is asked for again")
        seconds = min(_LONGEST_BETWEEN_WALKS_SECONDS, seconds * 1.5)


def _newest(listed: Mapping[str, PushOperation]) -> float:
    """Return when the newest was requested, in epoch seconds by Codat's clock."""
    times = (epoch_of(each.requested_at) for each in listed.values())
    return max((at for at in times if at is not None), default=math.inf)


def _compared(
    found: Mapping[str, PushOperation], search: Search, patience: Patience
) -> Conversation[dict[str, Likeness]]:
    """Compare the record of each push operation with the payload."""
    compared = dict.fromkeys(found, Likeness.UNCLEAR)
    readable = {
        key: operation.record_id
        for key, operation in found.items()
        if operation.status == "Success" and operation.record_id is not None
    }
    if readable:
        yield from refreshed(
            search.destination.company_id,
            search.destination.connection_id,
            search.data_type,
            patience,
            keys=lambda: str(uuid4()),
            deadline=patience.clock() + _REFRESH_SECONDS,
        )
    records = yield from _records(set(readable.values()), search, patience)
    for key, record_id in readable.items():
        if record := records.get(record_id):
            compared[key] = likeness(search.payload, record, search.data_type)
    return compared


def _records(
    ids: set[str], search: Search, patience: Patience
) -> Conversation[dict[str, dict[str, Json]]]:
    """Read records back; what Codat does not know is left out."""
    company = search.destination.company_id
    found: dict[str, dict[str, Json]] = {}
    if len(ids) > _MOST_SINGLY:
        found = yield from recent_customers(company, patience, since=search.since)
    for record_id in sorted(ids - set(found)):
        record = yield from read_customer(company, record_id, patience)
        if record is not None:
            found[record_id] = record
    return found
