"""When push operations are asked for, what became of them, and what the books say.

Every look costs a request: the list is asked for many rows at once, and the books for
all rows whose outcome is not known.
"""

import logging
import math
from collections import deque
from collections.abc import Callable, Collection, Iterator
from typing import TypeVar

from airflow_provider_codat.api.books.push_history import recent_push_operations
from airflow_provider_codat.api.books.push_status import PushStatus, poll
from airflow_provider_codat.api.bulk.plan import BatchPlan
from airflow_provider_codat.api.bulk.reconcile import BatchClaims, reconcile_batch
from airflow_provider_codat.api.bulk.row_progress import RowProgress
from airflow_provider_codat.api.bulk.scheduler import RunningConversation, Scheduler
from airflow_provider_codat.api.create.search import Finding
from airflow_provider_codat.api.create.settle import FIRST_POLL_SECONDS
from airflow_provider_codat.api.errors import CodatError
from airflow_provider_codat.api.http.exchange import Conversation, Patience
from airflow_provider_codat.api.http.response import CLOCK_SKEW_SECONDS, epoch_of
from airflow_provider_codat.api.http.telemetry import report_end
from airflow_provider_codat.api.models import PushOperation

T = TypeVar("T")
log = logging.getLogger(__name__)

_MANY = 500
"""For how many push operations a look at the list is worth a request."""

_SMALLEST_PAGE = 100
_LARGEST_PAGE = 1000
_MOST_SINGLY = 5
_LATEST = 5
_FEW = 20
_IDLE_SECONDS = 0.5
_SLOWER = 1.5
_REMEMBERED = 200
_MARGIN_SECONDS = 0.1
_NEARLY_ALL = 0.9
_LEAST_SECONDS = 0.5


class PollSchedule:
    """The moments at which push operations are looked for.

    Every look costs a request. While rows are still being sent, looks only tell how it
    goes; after the last one, the first look comes when nearly all can have ended, by
    how long others took.

    :param longest_seconds: between two looks.
    :ivar polled_at: epoch seconds: when the list was read for the last time.
    """

    def __init__(self, longest_seconds: float) -> None:
        self._longest = longest_seconds
        self._seconds = min(FIRST_POLL_SECONDS, longest_seconds)
        self._took: deque[float] = deque(maxlen=_REMEMBERED)
        self._latest = 0.0
        self.polled_at = 0.0
        self._all_sent = False
        self.due_at: float | None = None

    def accepted(self, now: float) -> None:
        """Note that Codat has accepted one more; epoch seconds."""
        self._latest = now
        if self.due_at is None:
            self.due_at = now + self._seconds

    def took(self, seconds: float) -> None:
        """Note how long a push operation took, by Codat's clock."""
        self._took.append(max(0.0, seconds))

    def many_are_waiting(self, now: float) -> None:
        """Note that many wait; those that have ended by now are to be let go."""
        if self.due_at is not None and self._took:
            self.due_at = min(self.due_at, max(now, self.polled_at + self._within(0.5)))

    def polled(self, now: float) -> None:
        """Note that the list was read; the next look comes later."""
        self.polled_at = now
        self._seconds = min(self._longest, self._seconds * _SLOWER)
        self.due_at = now + self._seconds

    def all_sent(self, now: float) -> None:
        """Note that nothing more is sent: from here on, looks are for the last ones."""
        if self._all_sent:
            return
        self._all_sent = True
        self._seconds = min(self._longest, max(1.0, self._within(0.5) / 2))
        within = self._within(_NEARLY_ALL)
        self.due_at = max(now, self._latest + within + _MARGIN_SECONDS)

    def _within(self, share: float) -> float:
        """Return within how many seconds a share of push operations has ended."""
        took = sorted(self._took) or [FIRST_POLL_SECONDS]
        seconds = took[round(share * (len(took) - 1))]
        return min(self._longest, max(_LEAST_SECONDS, seconds))


class AwaitedRows:
    """The push operations that are waited for.

    :param plan: what is wanted of the batch.
    """

    def __init__(self, plan: BatchPlan, patience: Patience) -> None:
        self.rows: dict[str, RowProgress] = {}
        self.latest: deque[tuple[str, float]] = deque(maxlen=_LATEST)
        self.schedule = PollSchedule(plan.poll_interval_seconds)
        self._company_id = plan.company_id
        self._patience = patience
        # What is not in the list then is asked for by its key.
        self._listed_within = plan.grace_seconds
        self._patience_seconds = plan.completion_timeout_seconds

    def expect(
        self, key: str, row: RowProgress, accepted_at: float, requested_at: float | None
    ) -> None:
        """Wait for a push operation.

        :param accepted_at: epoch seconds, or a moment before it.
        :param requested_at: the same by Codat's clock; None where that is not known.
        """
        row.accepted_at = accepted_at
        skewed = accepted_at - CLOCK_SKEW_SECONDS
        row.requested_at = skewed if requested_at is None else requested_at
        self.rows[key] = row
        self.latest.append((key, row.requested_at))
        self.schedule.accepted(self._patience.clock())

    def given_up(self) -> list[RowProgress]:
        """Return those that are waited for, and wait for them no more."""
        rows = list(self.rows.values())
        self.rows.clear()
        return rows

    def newest(self) -> tuple[tuple[str, ...], float]:
        """Return the latest push operations, and since when they were requested."""
        found = sorted(self.rows, key=lambda key: self.rows[key].accepted_at)[-_FEW:]
        since = min((self.rows[key].requested_at for key in found), default=0.0)
        return tuple(found), since

    def deadline(self) -> float:
        """Return until when they are waited for, in epoch seconds."""
        latest = max((c.accepted_at for c in self.rows.values()), default=math.inf)
        return latest + self._patience_seconds

    def poll(self) -> Conversation[dict[str, PushStatus]]:
        """Return those that are found, by their keys."""
        keys = set(self.rows)
        oldest = min(row.requested_at for row in self.rows.values())
        size = min(_LARGEST_PAGE, max(_SMALLEST_PAGE, len(keys) + _SMALLEST_PAGE))
        seen: dict[str, PushStatus] = {}
        seen.update(
            (
                yield from recent_push_operations(
                    self._company_id,
                    self._patience,
                    since=oldest,
                    page_size=size,
                    keys=keys,
                )
            )
        )
        for key in self._overdue(keys - set(seen)):
            yield from poll(
                self._company_id, [key], self._patience, since=oldest, found=seen
            )
        return seen

    def _overdue(self, keys: Collection[str]) -> list[str]:
        """Return some of those that ought to have been in the list."""
        latest = self._patience.clock() - self._listed_within
        overdue = [key for key in keys if self.rows[key].accepted_at < latest]
        return sorted(overdue, key=lambda _: self._patience.dice())[:_MOST_SINGLY]

    def ended(
        self, seen: dict[str, PushStatus]
    ) -> Iterator[tuple[RowProgress, PushStatus]]:
        """Yield those that wait no more, and wait for them no more."""
        for key, push_status in seen.items():
            row = self.rows.get(key)
            if row is None or not self._is_over(row, push_status):
                continue
            del self.rows[key]
            yield row, push_status

    def _is_over(self, row: RowProgress, push_status: PushStatus) -> bool:
        if not isinstance(push_status, PushOperation):
            return True
        if push_status.status == "TimedOut" and not row.timed_out:
            # It may have landed since: it is looked at once more.
            row.timed_out = push_status
            return False
        if push_status.ended:
            self._note_duration(push_status)
            report_end(push_status, self._patience.telemetry, self._patience.clock())
        return push_status.ended

    def _note_duration(self, operation: PushOperation) -> None:
        began = epoch_of(operation.requested_at)
        ended = epoch_of(operation.completed_at or "")
        if began is not None and ended is not None:
            self.schedule.took(ended - began)


class StatusPolling:
    """Asks one thing at a time.

    :param concluded: takes a row whose push operation has ended.
    :param not_told: takes the error for which the list could not be read.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        awaited: AwaitedRows,
        claims: BatchClaims,
        patience: Patience,
        concluded: Callable[[RowProgress, PushStatus], None],
        not_told: Callable[[CodatError], None],
    ) -> None:
        self._scheduler = scheduler
        self._awaited = awaited
        self._claims = claims
        self._patience = patience
        self._concluded = concluded
        self._not_told = not_told
        self.asking = False

    def poll(self, *, all_sent: bool) -> None:
        """Ask what became of the rows that Codat has accepted, when it is time.

        :param all_sent: whether nothing is to be sent any more.
        """
        now, schedule = self._patience.clock(), self._awaited.schedule
        if not self._awaited.rows or self.asking:
            return
        if all_sent:
            schedule.all_sent(now)
        elif len(self._awaited.rows) >= _MANY:
            schedule.many_are_waiting(now)
        if schedule.due_at is not None and now >= schedule.due_at:
            self._ask(self._awaited.poll(), self._polled, self._unread)

    def idle_seconds(self) -> float:
        """Return for how long to wait for answers, before all is looked at again."""
        due_at = self._awaited.schedule.due_at
        if due_at is None or self.asking or not self._awaited.rows:
            return _IDLE_SECONDS
        return min(_IDLE_SECONDS, max(0.0, due_at - self._patience.clock()))

    def _polled(self, seen: dict[str, PushStatus]) -> None:
        self._awaited.schedule.polled(self._patience.clock())
        for row, push_status in list(self._awaited.ended(seen)):
            self._concluded(row, push_status)

    def _unread(self, error: CodatError) -> None:
        log.warning("The list of push operations could not be read: %s", error)
        self._awaited.schedule.polled(self._patience.clock())
        self._not_told(error)

    def reconcile(self) -> None:
        """Ask the books for all rows whose outcome is not known, once for all."""
        scheduler = self._scheduler
        if not scheduler.reconcile_requests or self.asking:
            return
        waiting, scheduler.reconcile_requests = scheduler.reconcile_requests, []
        requests = [reconcile for _, reconcile in waiting]
        asked_for = {
            running.item for running, reconcile in waiting if reconcile.closely
        }
        since = self._claims.others_since(asked_for)

        def told(findings: list[Finding]) -> None:
            for (running, _), finding in zip(waiting, findings, strict=True):
                scheduler.answer(running, finding)

        def not_told(error: CodatError) -> None:
            for running, _ in waiting:
                scheduler.answer(running, None, error)

        latest = self._awaited.latest
        asking = reconcile_batch(requests, self._patience, self._claims, latest, since)
        self._ask(asking, told, not_told)

    def _ask(
        self,
        conversation: Conversation[T],
        done: Callable[[T], None],
        failed: Callable[[CodatError], None],
    ) -> None:
        """Ask something that is of no single row."""
        self.asking = True

        def ended(value: T) -> None:
            self.asking = False
            done(value)

        def broken(error: CodatError) -> None:
            self.asking = False
            failed(error)

        self._scheduler.begin(
            RunningConversation(conversation, lambda _: True, ended, broken)
        )
