"""One send of one generation of a write: written down before, judged after."""

import logging
from dataclasses import replace

from airflow_provider_codat.api.create.history import History
from airflow_provider_codat.api.create.intent import Write, Written
from airflow_provider_codat.api.create.journal import Entry
from airflow_provider_codat.api.create.next_step import CurrentTry, Step
from airflow_provider_codat.api.create.reconcile import Books
from airflow_provider_codat.api.errors import (
    CodatError,
    OutcomeUnknown,
    RateLimited,
)
from airflow_provider_codat.api.http.exchange import (
    Conversation,
    DeferrablePause,
    Note,
    Patience,
    create,
)
from airflow_provider_codat.api.http.retry import Answer, Verdict
from airflow_provider_codat.api.models import PushOperation

log = logging.getLogger(__name__)

_WHY = {
    "no": "the create before made no record",
    "released": "Codat did not take the one before",
    "resolution": "a person says that the one before made no record",
    "reconciled": "the books show no record of the one before",
    "cleared": "the task was cleared, with on_clear=create",
    "resend": "on_unknown_outcome=resend: it may exist twice",
}


_FRESH_SECONDS = 60.0
"""How old an intent may be that is sent for the first time."""

LONGEST_CALL_SECONDS = 300.0
"""How long one call may go on sending a create.

A process that was replaced may live on, and sends as long as this; who replaced it
reckons with that.
"""


class Attempt:
    """Sends, and keeps the journal of it.

    :param known: the journal, as far as it is known; it grows.
    :param books: where it is looked for when its answer was lost.
    """

    def __init__(
        self,
        write: Write,
        current: CurrentTry,
        known: History,
        patience: Patience,
        books: Books,
    ) -> None:
        self._write = write
        self._current = current
        self._history = known
        self._patience = patience
        self._books = books
        self._unanswered_at = 0.0

    def attempt(self, step: Step) -> Conversation[Written | None]:
        """Send, and write down what the answer means."""
        yield from self._wait_until(step.not_before)
        if step.because:
            self._unanswered_at = 0.0
            number, because = step.generation, step.because
            yield from self.intend(number, because, self._patience.clock())
            yield from self._renew(step)
        else:
            # What sent it before may have got no answer until this process began.
            self._unanswered_at = max(self._unanswered_at, self._current.begun_at)
        try:
            return (yield from self._send(step))
        except RateLimited as error:
            yield from self._limited(step.generation, error)
            raise
        except OutcomeUnknown as error:
            self._history.doubt = error
            if error.books_may_tell:
                return None
            found = yield from self.candidates()
            raise self._history.unknown(error.reason, found) from None

    def _renew(self, step: Step) -> Conversation[None]:
        """Write it down anew that it is sent now, where its turn was long in coming.

        The age of its key, and until when it may act, are reckoned from then.
        """
        written_at = self._history.generation(step.generation).intent.at
        while (now := self._patience.clock()) - written_at > _FRESH_SECONDS:
            yield from self.intend(step.generation, step.because, now)
            written_at = now

    def _send(self, step: Step) -> Conversation[Written]:
        intent = self._history.generation(step.generation).intent
        request = replace(self._write.request(intent.key), query=intent.query)
        again = "" if step.because else " again: an earlier try had no answer"
        log.log(
            self._write.info_level,
            "Sending %s to company %s over connection %s (idempotency key %s)%s",
            self._write.thing,
            self._write.destination.company_id,
            self._write.destination.connection_id,
            intent.key,
            again,
        )
        budget = min(self._patience.budget_seconds, LONGEST_CALL_SECONDS)
        operation = yield from create(
            request,
            self._write.destination,
            self._write.data_type,
            replace(self._patience, budget_seconds=budget),
            sends=step.sends,
            noted=lambda verdict, answer, at: self._noted(intent, verdict, answer, at),
            reused_key=self._write.reused_key,
            redact=self._write.redact,
            read=self._write.read,
        )
        return (yield from self.accepted(step.generation, operation))

    def _noted(
        self, intent: Entry, verdict: Verdict, answer: Answer, at: float
    ) -> Entry | None:
        """Return what an answer means for the journal, if anything."""
        status = answer.status or 0
        entry = replace(
            Entry("no", intent.generation, at, self._write.clear_count),
            until=self._unanswered_at,
        )
        if verdict is Verdict.REFUSE:
            entry = replace(entry, because=f"refused by {status}", until=0.0)
        elif 0 < status < 400:  # noqa: PLR2004 - HTTP's own number
            entry = replace(entry, kind="2xx")
        elif verdict is Verdict.UNKNOWN and status >= 500:  # noqa: PLR2004 - the same
            entry = replace(entry, kind="5xx")
        else:
            if verdict in {Verdict.REPEAT, Verdict.WAIT} and answer.sent:
                self._unanswered_at = at
            return None
        self._history.add(entry)
        return entry

    def _limited(self, generation: int, error: RateLimited) -> Conversation[None]:
        """Keep until when Codat is not to be asked.

        The key is free again when nothing else was ever answered to it.
        """
        latest = self._history.generation(generation)
        free = not self._unanswered_at and not latest.since
        entry = Entry(
            "released" if free else "limited",
            generation,
            self._patience.clock(),
            self._write.clear_count,
            until=error.until,
        )
        yield from self.note(entry)

    def _wait_until(self, moment: float) -> Conversation[None]:
        seconds = moment - self._patience.clock()
        if seconds <= 0:
            return
        if seconds > self._patience.budget_seconds:
            raise RateLimited("Codat has asked to come back later", until=moment)
        yield DeferrablePause(seconds, "Codat has asked to come back later")

    def intend(self, generation: int, because: str, at: float) -> Conversation[None]:
        """Write down what is about to be sent."""
        key = self._write.key_of(generation)
        query = self._write.request(key).query
        if because == "released":
            # The same key goes out with the same query.
            query = self._history.query_of(generation, query)
        if generation:
            log.log(
                self._write.warning_level,
                "Creating it anew: %s",
                _WHY.get(because, because),
            )
        yield from self.note(
            Entry(
                "intent",
                generation,
                at,
                self._write.clear_count,
                key=key,
                query=query,
                digest=self._current.digest,
                because=because,
            )
        )

    def accepted(
        self, generation: int, operation: PushOperation, *, adopted: bool = False
    ) -> Conversation[Written]:
        """Write down the push operation before it is waited for."""
        if not operation.key:  # an attachment of which Codat names none
            return Written(generation, operation)
        self._books.claims.claim(operation.key, self._history.owner)
        yield from self.note(
            Entry(
                "op",
                generation,
                self._patience.clock(),
                self._write.clear_count,
                operation_key=operation.key,
                because="adopted" if adopted else "",
            )
        )
        return Written(generation, operation, adopted=adopted)

    def candidates(self) -> Conversation[tuple[str, ...]]:
        """Return what a person has to look at, as far as Codat tells just now."""
        search = self._history.search(self._patience.clock(), self._books.claims)
        try:
            return (yield from self._books.candidates(search))
        except CodatError as error:
            log.log(
                self._write.warning_level,
                "Which push operations may be ours is not known: %s",
                error,
            )
            return ()

    def note(self, entry: Entry) -> Conversation[None]:
        """Write an entry down, and know it from then on."""
        yield Note(entry)
        self._history.add(entry)
