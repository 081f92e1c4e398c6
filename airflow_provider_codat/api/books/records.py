"""Reading back: what was written, and Codat's own copy of the books.

Source: https://docs.codat.io/using-the-api/queueing-data-syncs
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count, takewhile
from typing import TypeVar

from airflow_provider_codat.api.books.pull_operations import (
    first_of,
    pull_operation_expected,
    pull_operations_of,
    running,
    succeeded,
)
from airflow_provider_codat.api.data_types import DataType
from airflow_provider_codat.api.errors import (
    NotFound,
    StillInProgress,
)
from airflow_provider_codat.api.http import request as codat_request
from airflow_provider_codat.api.http.exchange import (
    Conversation,
    Patience,
    Pause,
    Send,
    get,
)
from airflow_provider_codat.api.http.paging import PageWalk, page_of
from airflow_provider_codat.api.http.request import Reply, Request, Response
from airflow_provider_codat.api.http.response import (
    already_in_progress,
    classified,
    object_of,
)
from airflow_provider_codat.api.http.retry import backoff
from airflow_provider_codat.api.models import (
    Destination,
    Json,
    PullOperation,
    checked_uuid,
)

T = TypeVar("T")
log = logging.getLogger(__name__)

_FIRST_POLL_SECONDS = 2.0
_SLOWER = 1.5
_PAGE_SIZE = 500
_LATEST = 100


def started(
    company_id: str,
    data_type: str,
    patience: Patience,
    *,
    keys: Callable[[], str],
    connection_id: str | None = None,
) -> Conversation[PullOperation]:
    """Start a refresh, or return the one that runs already.

    :param data_type: Codat's key, such as ``customers``.
    :param keys: makes an idempotency key that nobody else has.
    :param connection_id: of one connection alone; None: of all of the company's.
    :raises StillInProgress: when one runs, and is not the one that is asked for.
    """
    company = checked_uuid(company_id, "company_id")
    if connection_id is not None:
        connection_id = checked_uuid(connection_id, "connection_id")
    give_up_at = patience.clock() + patience.budget_seconds
    for attempt in count():
        operation = yield from _start(company, data_type, connection_id, patience, keys)
        if operation is None:
            listed = yield from _pull_operations(company, data_type, patience)
            operation = first_of(connection_id, running(listed))
        if operation is not None:
            return operation
        seconds = backoff(attempt, patience.dice)
        reason = _another_runs(data_type)
        if patience.clock() + seconds > give_up_at:
            raise StillInProgress(f"{reason}; ask again later")
        yield Pause(seconds, reason)
    raise AssertionError  # pragma: no cover - count() does not end


def _start(
    company_id: str,
    data_type: str,
    connection_id: str | None,
    patience: Patience,
    keys: Callable[[], str],
) -> Conversation[PullOperation | None]:
    """Ask for a refresh; None: one runs already.

    A refresh that is asked for twice does no harm, so it is repeated as a GET is.
    What remains to be decided is under which key, since Codat remembers its answers:

    ============================  ====================================================
    no answer, or a gateway's     the same key: an answer that was lost comes again
    a 429                         the same key: Codat has released it
    any other answer of Codat's   another key: to this one the answer stays the same
    ============================  ====================================================
    """

    def under_another_key() -> Request:
        return codat_request.refresh(
            company_id, data_type, connection_id=connection_id, idempotency_key=keys()
        )

    request = under_another_key()
    # Without a key it fails as a GET does: nobody has to look for a record.
    keyless = replace(request, idempotency_key=None)
    asking = get(keyless, pull_operation_expected(company_id), patience)
    reply: Reply | None = None
    try:
        while True:
            step = asking.send(reply)
            reply = yield Send(request) if isinstance(step, Send) else step
            if isinstance(reply, Response) and already_in_progress(reply):
                return None
            if isinstance(reply, Response) and _remembered(reply):
                request = under_another_key()
    except StopIteration as end:
        operation: PullOperation = end.value
        return operation


def _remembered(response: Response) -> bool:
    """Whether Codat would give the same answer to the same key."""
    if response.status == 429:  # noqa: PLR2004 - HTTP's own number
        return False
    return response.status < 400 or classified(response, readable=False).codats_own  # noqa: PLR2004 - the same


def refreshed(
    company_id: str,
    connection_id: str,
    data_type: DataType,
    patience: Patience,
    *,
    keys: Callable[[], str],
    deadline: float,
    poll_interval_seconds: float = 15.0,
) -> Conversation[PullOperation]:
    """Refresh Codat's copy of a connection's books, and wait until that has ended.

    A refresh shows the books as they were when it started. So one that runs already
    is waited for, and followed by another; who starts that one does not matter.

    :param keys: makes an idempotency key that nobody else has.
    :param deadline: epoch seconds.
    :param poll_interval_seconds: the longest wait between two looks; the first is two
        seconds long.
    :return: a pull operation that started after this call began, and succeeded.
    :raises RefreshFailed: when it ended in another way.
    :raises StillInProgress: when it has not ended by the deadline.
    """
    place = Destination(company_id, connection_id)
    waits = _Waits(patience, deadline)
    newest = ""
    while True:
        refresh = yield from requested(
            place.company_id,
            data_type.name,
            patience,
            keys=keys,
            deadline=deadline,
            connection_id=place.connection_id,
            poll_interval_seconds=poll_interval_seconds,
            newest=newest,
        )
        ended = yield from _ended(refresh.operation, waits, poll_interval_seconds)
        if refresh.fresh:
            return succeeded(ended)
        newest = refresh.newest


@dataclass(frozen=True, slots=True)
class Refresh:
    """A refresh that has to end before Codat's copy is known to be fresh.

    :param fresh: whether it began after it was asked for. One that began before may
        not show what was in the books by then: another has to follow it.
    :param newest: the id of the newest pull operation that there was, for
        :func:`requested` when this one has ended; empty where none has to follow.
    """

    operation: PullOperation
    fresh: bool
    newest: str = ""


def requested(
    company_id: str,
    data_type: str,
    patience: Patience,
    *,
    keys: Callable[[], str],
    deadline: float,
    connection_id: str | None = None,
    poll_interval_seconds: float = 15.0,
    newest: str = "",
) -> Conversation[Refresh]:
    """Start a refresh, or return the one that has to end first.

    :param keys: makes an idempotency key that nobody else has.
    :param deadline: epoch seconds.
    :param connection_id: of one connection alone; None: of all of the company's.
    :param newest: of the refresh that had to end first; empty when there was none.
        What is newer began after it was asked for, whoever started it.
    :raises StillInProgress: when none has started by the deadline.
    """
    whose = (checked_uuid(company_id, "company_id"), data_type)
    if connection_id is not None:
        connection_id = checked_uuid(connection_id, "connection_id")
    waits = _Waits(patience, deadline)
    while True:
        started_now = yield from _start(*whose, connection_id, waits.hurried(), keys)
        if started_now is not None:
            return Refresh(started_now, fresh=True)
        listed = yield from _pull_operations(*whose, waits.hurried())
        # Somebody else's may read one connection alone: it will do for that one.
        if newest and connection_id is not None:
            later = takewhile(lambda each: each.id != newest, listed)
            if found := first_of(connection_id, later):
                return Refresh(found, fresh=True)
        if before_us := running(listed):
            return Refresh(before_us[0], fresh=False, newest=listed[0].id)
        yield from waits.pause(poll_interval_seconds, _another_runs(data_type))


def refresh_ended(
    operation: PullOperation,
    patience: Patience,
    *,
    deadline: float,
    poll_interval_seconds: float = 15.0,
) -> Conversation[PullOperation]:
    """Wait until a pull operation has ended, however it ends.

    :param deadline: epoch seconds.
    :raises StillInProgress: when it has not ended by then.
    """
    waits = _Waits(patience, deadline)
    return (yield from _ended(operation, waits, poll_interval_seconds))


@dataclass(frozen=True, slots=True)
class _Waits:
    """How long may be waited, and until when."""

    patience: Patience
    deadline: float

    def _left_seconds(self) -> float:
        return max(0.0, self.deadline - self.patience.clock())

    def hurried(self) -> Patience:
        """Return the patience of a request that is not to outlive the deadline."""
        budget = min(self.patience.budget_seconds, self._left_seconds())
        return replace(self.patience, budget_seconds=budget)

    def pause(self, seconds: float, reason: str) -> Conversation[None]:
        """Wait so long, but no longer than to the deadline; never after it."""
        if not (left := self._left_seconds()):
            raise StillInProgress(
                f"{reason}, and the deadline has passed. It goes on at Codat; offline "
                "software keeps it waiting while the desktop is off"
            )
        yield Pause(min(seconds, left), reason)


def _ended(
    operation: PullOperation, waits: _Waits, poll_interval_seconds: float
) -> Conversation[PullOperation]:
    request = codat_request.read_pull_operation(operation.company_id, operation.id)
    read = pull_operation_expected(operation.company_id, operation.id)
    seconds = min(_FIRST_POLL_SECONDS, poll_interval_seconds)
    while not operation.ended:
        reason = f"Pull operation {operation.id} is {operation.status}"
        yield from waits.pause(seconds, reason)
        operation = yield from get(request, read, waits.hurried())
        seconds = min(poll_interval_seconds, seconds * _SLOWER)
    return operation


def _pull_operations(
    company_id: str, data_type: str, patience: Patience
) -> Conversation[list[PullOperation]]:
    """Return a company's latest pull operations of one data type, the newest first."""
    request = codat_request.list_pull_operations(
        company_id, page=1, page_size=_LATEST, order_by="-requested"
    )
    listed = yield from get(request, pull_operations_of, patience)
    return [each for each in listed if each.data_type.lower() == data_type.lower()]


def _another_runs(data_type: str) -> str:
    return f"another refresh of {data_type} is running"


def cached(
    request: Request, read: Callable[[Response], T], patience: Patience
) -> Conversation[T]:
    """Read from Codat's copy of the books.

    :raises StillInProgress: when there is none yet.
    """
    try:
        return (yield from get(request, read, patience))
    except StillInProgress as error:
        raise StillInProgress(
            f"{error}\nCodat has no copy of this data type yet. Call refresh for the "
            "company first, and wait until that has ended"
        ) from error


def read_record(
    place: Destination, data_type: DataType, record_id: str, patience: Patience
) -> Conversation[dict[str, Json] | None]:
    """Return Codat's copy of a record; None where it has none."""
    request = codat_request.read_record(
        place.company_id, data_type, record_id, connection_id=place.connection_id
    )
    try:
        return (yield from cached(request, object_of, patience))
    except NotFound:
        return None


def recent_records(
    place: Destination, data_type: DataType, patience: Patience, *, since: float
) -> Conversation[dict[str, dict[str, Json]]]:
    """Return Codat's copy of the records that changed since a moment, by their ids.

    :param since: epoch seconds, by Codat's clock: leave room for one that differs.
    """
    found: dict[str, dict[str, Json]] = {}
    walk = PageWalk()
    for page in count(1):
        request = codat_request.list_records(
            place.company_id,
            data_type,
            connection_id=place.connection_id,
            page=page,
            page_size=_PAGE_SIZE,
            query=None,
            order_by=None,
            modified_since=datetime.fromtimestamp(since, UTC),
        )
        listed = yield from cached(request, page_of, patience)
        found.update((str(record.get("id")), record) for record in listed.entries)
        if not walk.goes_on(listed):
            break
    return found
