"""The rows that Codat has accepted: one list tells what became of all of them."""

import logging
import math
from collections import deque
from collections.abc import Collection, Iterator

from airflow_provider_codat.api.books.push_history import recent_push_operations
from airflow_provider_codat.api.books.push_status import Sight, look
from airflow_provider_codat.api.bulk.plan import Order
from airflow_provider_codat.api.bulk.rhythm import Rhythm
from airflow_provider_codat.api.bulk.row_progress import Case
from airflow_provider_codat.api.http.exchange import Conversation, Patience
from airflow_provider_codat.api.http.response import CLOCK_SKEW_SECONDS, epoch_of
from airflow_provider_codat.api.http.telemetry import report_end
from airflow_provider_codat.api.models import PushOperation

log = logging.getLogger(__name__)

_SMALLEST_PAGE = 100
_LARGEST_PAGE = 1000
_MOST_SINGLY = 5
_LATEST = 5
_FEW = 20


class Settling:
    """The push operations that are waited for.

    :param order: what is wanted of the batch.
    """

    def __init__(self, order: Order, patience: Patience) -> None:
        self.cases: dict[str, Case] = {}
        self.latest: deque[tuple[str, float]] = deque(maxlen=_LATEST)
        self.rhythm = Rhythm(order.poll_interval_seconds)
        self._company_id = order.company_id
        self._patience = patience
        # What is not in the list then is asked for by its key.
        self._listed_within = order.grace_seconds
        self._patience_seconds = order.completion_timeout_seconds

    def expect(
        self, key: str, case: Case, accepted_at: float, requested_at: float | None
    ) -> None:
        """Wait for a push operation.

        :param accepted_at: epoch seconds, or a moment before it.
        :param requested_at: the same by Codat's clock; None where that is not known.
        """
        case.accepted_at = accepted_at
        skewed = accepted_at - CLOCK_SKEW_SECONDS
        case.requested_at = skewed if requested_at is None else requested_at
        self.cases[key] = case
        self.latest.append((key, case.requested_at))
        self.rhythm.accepted(self._patience.clock())

    def given_up(self) -> list[Case]:
        """Return those that are waited for, and wait for them no more."""
        cases = list(self.cases.values())
        self.cases.clear()
        return cases

    def newest(self) -> tuple[tuple[str, ...], float]:
        """Return the latest push operations, and since when they were requested."""
        found = sorted(self.cases, key=lambda key: self.cases[key].accepted_at)[-_FEW:]
        since = min((self.cases[key].requested_at for key in found), default=0.0)
        return tuple(found), since

    def deadline(self) -> float:
        """Return until when they are waited for, in epoch seconds."""
        latest = max((c.accepted_at for c in self.cases.values()), default=math.inf)
        return latest + self._patience_seconds

    def look(self) -> Conversation[dict[str, Sight]]:
        """Return those that are found, by their keys."""
        keys = set(self.cases)
        oldest = min(case.requested_at for case in self.cases.values())
        size = min(_LARGEST_PAGE, max(_SMALLEST_PAGE, len(keys) + _SMALLEST_PAGE))
        seen: dict[str, Sight] = {}
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
            yield from look(
                self._company_id, [key], self._patience, since=oldest, found=seen
            )
        return seen

    def _overdue(self, keys: Collection[str]) -> list[str]:
        """Return some of those that ought to have been in the list."""
        latest = self._patience.clock() - self._listed_within
        overdue = [key for key in keys if self.cases[key].accepted_at < latest]
        return sorted(overdue, key=lambda _: self._patience.dice())[:_MOST_SINGLY]

    def ended(self, seen: dict[str, Sight]) -> Iterator[tuple[Case, Sight]]:
        """Yield those that wait no more, and wait for them no more."""
        for key, sight in seen.items():
            case = self.cases.get(key)
            if case is None or not self._is_over(case, sight):
                continue
            del self.cases[key]
            yield case, sight

    def _is_over(self, case: Case, sight: Sight) -> bool:
        if not isinstance(sight, PushOperation):
            return True
        if sight.status == "TimedOut" and not case.timed_out:
            # It may have landed since: it is looked at once more.
            case.timed_out = sight
            return False
        if sight.ended:
            self._note_duration(sight)
            report_end(sight, self._patience.telemetry, self._patience.clock())
        return sight.ended

    def _note_duration(self, operation: PushOperation) -> None:
        began = epoch_of(operation.requested_at)
        ended = epoch_of(operation.completed_at or "")
        if began is not None and ended is not None:
            self.rhythm.took(ended - began)
