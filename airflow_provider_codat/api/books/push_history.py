"""What Codat's list of push operations tells of the latest ones.

Source: https://docs.codat.io/using-the-api/push
"""

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from itertools import count

from airflow_provider_codat.api.errors import Malformed, StillInProgress
from airflow_provider_codat.api.http import request as codat_request
from airflow_provider_codat.api.http.exchange import (
    Conversation,
    Patience,
    Pause,
    get,
)
from airflow_provider_codat.api.http.paging import PageWalk, page_of
from airflow_provider_codat.api.http.request import Response
from airflow_provider_codat.api.http.response import (
    epoch_of,
    push_operation,
    push_operation_of,
)
from airflow_provider_codat.api.models import Json, PushOperation

log = logging.getLogger(__name__)

_PAGE_SIZE = 500
_MOST_RESTLESS = 6
_PENDING_SECONDS = 300.0
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 30.0


def recent_push_operations(
    company_id: str,
    patience: Patience,
    *,
    since: float,
    page_size: int = _PAGE_SIZE,
    strict: bool = False,
    keys: Collection[str] | None = None,
) -> Conversation[dict[str, PushOperation]]:
    """Return a company's push operations since a moment, by their keys.

    One whose time cannot be read counts as recent. An entry that is no push operation
    is left out, and the log says so.

    :param since: epoch seconds, by Codat's clock: leave room for one that differs.
    :param page_size: how many each request asks for, 1 to 5,000.
    :param strict: whether such an entry is an error instead.
    :param keys: of those that are wanted; None for all. When all of them are found, the
        list is read no further.
    :raises Malformed: when it is ``strict``, and an entry cannot be read.
    """
    recent, walk = _Recent(since, keys, strict=strict), PageWalk()
    for page in count(1):
        request = codat_request.list_push_operations(
            company_id,
            page=page,
            page_size=page_size,
            query=None,
            order_by="-requestedOnUtc",
        )
        listed = yield from get(request, page_of, patience)
        if not recent.take(listed.entries) or not walk.goes_on(listed):
            break
    if recent.skipped:
        log.warning(
            "Entries of the push history that cannot be read: %d", recent.skipped
        )
    return recent.found


def known_push_operation(
    company_id: str, key: str, patience: Patience
) -> Conversation[PushOperation]:
    """Return how one push operation stands.

    :raises NotFound: when Codat knows it no more.
    """

    def read(response: Response) -> PushOperation:
        found = push_operation_of(response)
        if (found.key, found.company_id) != (key, company_id):
            raise Malformed("the answer describes another push operation than ours")
        return found

    return get(codat_request.read_push_operation(company_id, key), read, patience)


class Agreement:
    """Whether two looks at the list agree, and how long it is worth looking again."""

    def __init__(self, patience: Patience) -> None:
        self._clock = patience.clock
        self._give_up_at = patience.clock() + _PENDING_SECONDS
        self._before: dict[str, str] | None = None
        self._restless = 0
        self._seconds = _FIRST_PAUSE_SECONDS

    @property
    def begun(self) -> bool:
        """Whether the list was looked at before."""
        return self._before is not None

    @property
    def late(self) -> bool:
        """Whether those that are pending are waited for no more."""
        return self._clock() > self._give_up_at

    def agrees(self, found: Mapping[str, PushOperation]) -> bool:
        """Whether this look shows what the one before has shown."""
        before = self._before
        self._before = {key: each.status for key, each in found.items()}
        return self._before == before

    def pause(self, words: str, *, pending: bool) -> Pause:
        """Return how long to wait before the next look.

        :param words: what to say where there is no point in one.
        :param pending: whether it is some that are pending that are waited for.
        :raises StillInProgress: when the list does not come to rest.
        """
        self._restless += not pending
        if self.late or self._restless >= _MOST_RESTLESS:
            raise StillInProgress(words)
        seconds = self._seconds
        self._seconds = min(_LONGEST_PAUSE_SECONDS, seconds * 1.5)
        return Pause(seconds, "The list of push operations is asked for again")


def is_pending(found: Mapping[str, PushOperation]) -> bool:
    """Whether one of some push operations has not ended."""
    return not all(each.ended for each in found.values())


@dataclass(slots=True)
class _Recent:
    """What was found so far.

    :param skipped: how many entries cannot be read.
    """

    since: float
    keys: Collection[str] | None
    strict: bool = field(kw_only=True)
    found: dict[str, PushOperation] = field(default_factory=dict)
    skipped: int = 0

    def take(self, entries: list[dict[str, Json]]) -> bool:
        """Take in one page; return whether a later one may hold more."""
        times = [epoch_of(str(entry.get("requestedOnUtc"))) for entry in entries]
        for entry, requested in zip(entries, times, strict=True):
            self._take_one(entry, requested)
        complete = self.keys is not None and len(self.found) == len(self.keys)
        return bool(entries) and not complete and not _past(times, self.since)

    def _take_one(self, entry: dict[str, Json], requested: float | None) -> None:
        operation = self._read(entry) if self._is_wanted(entry) else None
        if operation and (requested is None or requested >= self.since):
            # What is written meanwhile moves operations to the next page.
            self.found.setdefault(operation.key, operation)

    def _is_wanted(self, entry: Mapping[str, Json]) -> bool:
        # To read one takes time, and the list may be a thousand times longer.
        if self.keys is None:
            return True
        return str(entry.get("pushOperationKey")).lower() in self.keys

    def _read(self, entry: dict[str, Json]) -> PushOperation | None:
        try:
            return push_operation(entry)
        except Malformed:
            if self.strict:
                raise
            self.skipped += 1
            return None


def _past(times: list[float | None], since: float) -> bool:
    """Whether no later page can hold what is more recent than a moment.

    Unless the newest really come first, it can.
    """
    known = [requested for requested in times if requested is not None]
    return known == sorted(known, reverse=True) and any(t < since for t in known)
