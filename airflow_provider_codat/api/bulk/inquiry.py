"""What is asked for many rows at once: the list, and the books."""

import logging
from collections.abc import Callable
from typing import TypeVar

from airflow_provider_codat.api.books.push_status import Sight
from airflow_provider_codat.api.bulk.polling import Settling
from airflow_provider_codat.api.bulk.reconcile import BatchClaims, consulted
from airflow_provider_codat.api.bulk.row_progress import Case
from airflow_provider_codat.api.bulk.scheduler import Crowd, Talk
from airflow_provider_codat.api.create.search import Finding
from airflow_provider_codat.api.errors import CodatError
from airflow_provider_codat.api.http.exchange import Conversation, Patience

T = TypeVar("T")
log = logging.getLogger(__name__)

_MANY = 500
"""For how many push operations a look at the list is worth a request."""

_IDLE_SECONDS = 0.5


class Inquiry:
    """Asks one thing at a time.

    :param concluded: takes a row whose push operation has ended.
    :param not_told: takes the error for which the list could not be read.
    """

    def __init__(
        self,
        crowd: Crowd,
        settling: Settling,
        claims: BatchClaims,
        patience: Patience,
        concluded: Callable[[Case, Sight], None],
        not_told: Callable[[CodatError], None],
    ) -> None:
        self._crowd = crowd
        self._settling = settling
        self._claims = claims
        self._patience = patience
        self._concluded = concluded
        self._not_told = not_told
        self.asking = False

    def look(self, *, all_sent: bool) -> None:
        """Ask what became of the rows that Codat has accepted, when it is time.

        :param all_sent: whether nothing is to be sent any more.
        """
        now, rhythm = self._patience.clock(), self._settling.rhythm
        if not self._settling.cases or self.asking:
            return
        if all_sent:
            rhythm.all_sent(now)
        elif len(self._settling.cases) >= _MANY:
            rhythm.crowded(now)
        if rhythm.due_at is not None and now >= rhythm.due_at:
            self._ask(self._settling.look(), self._looked, self._unread)

    def idle_seconds(self) -> float:
        """Return for how long to wait for answers, before all is looked at again."""
        due_at = self._settling.rhythm.due_at
        if due_at is None or self.asking or not self._settling.cases:
            return _IDLE_SECONDS
        return min(_IDLE_SECONDS, max(0.0, due_at - self._patience.clock()))

    def _looked(self, seen: dict[str, Sight]) -> None:
        self._settling.rhythm.looked(self._patience.clock())
        for case, sight in list(self._settling.ended(seen)):
            self._concluded(case, sight)

    def _unread(self, error: CodatError) -> None:
        log.warning("The list of push operations could not be read: %s", error)
        self._settling.rhythm.looked(self._patience.clock())
        self._not_told(error)

    def consult(self) -> None:
        """Ask the books for all rows whose outcome is not known, once for all."""
        crowd = self._crowd
        if not crowd.consulting or self.asking:
            return
        waiting, crowd.consulting = crowd.consulting, []
        consults = [consult for _, consult in waiting]
        asked_for = {talk.item for talk, consult in waiting if consult.closely}
        since = self._claims.others_since(asked_for)

        def told(findings: list[Finding]) -> None:
            for (talk, _), finding in zip(waiting, findings, strict=True):
                crowd.answer(talk, finding)

        def not_told(error: CodatError) -> None:
            for talk, _ in waiting:
                crowd.answer(talk, None, error)

        latest = self._settling.latest
        asking = consulted(consults, self._patience, self._claims, latest, since)
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

        self._crowd.begin(Talk(conversation, lambda _: True, ended, broken))
