"""One row of a batch that is under way: its journal, and what came of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import cast

from airflow_provider_codat.api.bulk.journal_windows import RowJournal
from airflow_provider_codat.api.bulk.report import Status
from airflow_provider_codat.api.bulk.scheduler import RunningConversation
from airflow_provider_codat.api.create.conclude import conclude
from airflow_provider_codat.api.create.intent import Write, Written
from airflow_provider_codat.api.create.journal import Entry
from airflow_provider_codat.api.create.next_step import (
    CurrentTry,
    Move,
    Step,
    generations,
    next_step,
)
from airflow_provider_codat.api.create.settle import MEND
from airflow_provider_codat.api.errors import (
    AlreadyExists,
    CodatError,
    NotAuthorised,
    NotFound,
    OutcomeUnknown,
    PayloadChanged,
    PayloadInvalid,
    PaymentRequired,
    PushFailed,
    PushTimedOut,
    RateLimited,
    Refused,
)
from airflow_provider_codat.api.http.exchange import Patience, drive
from airflow_provider_codat.api.http.request import Reply, Request
from airflow_provider_codat.api.models import Json, PushOperation, Summary
from airflow_provider_codat.api.payload.redaction import redactor

_MOST_NAMED = 5

LATE = "it has not ended within completion_timeout_seconds, and goes on at Codat"
"""Why a row is reported as pending."""


@dataclass(slots=True, eq=False)
class RowProgress:
    """One row under way.

    :param number: of the row in the source, for the log.
    :param generation: of the push operation that is waited for.
    :param accepted_at: epoch seconds; by Codat's clock, ``requested_at``.
    :param timed_out: its push operation, once Codat was seen to have stopped waiting.
    :param before: its journal as earlier tries left it.
    :param running: its conversation, if it needs one.
    """

    number: int
    write: Write
    journal: RowJournal
    generation: int = 0
    adopted: bool = False
    accepted_at: float = 0.0
    requested_at: float = 0.0
    timed_out: PushOperation | None = None
    before: tuple[Entry, ...] = ()
    running: RunningConversation | None = None

    def lighten(self) -> None:
        """Keep the payload as bytes, now that it is only waited for."""
        body = self.write.body
        self.write = replace(
            self.write,
            payload=None,
            key_of=str,
            redact=partial(_redacted, body),
        )
        self.running = None

    def entries(self) -> tuple[Entry, ...]:
        """Return the journal as a single write has it."""
        return tuple(self._whole(entry) for entry in self.journal.entries)

    def _whole(self, entry: Entry) -> Entry:
        """Put back what follows from the row itself."""
        if entry.kind == "intent":
            digest = self.write.digest()
            same = entry.digest[:16] == digest[:16]
            key = self.write.key_of(entry.generation)
            return replace(entry, key=key, digest=digest if same else entry.digest)
        if entry.kind == "end":
            result = {"push_operation_key": entry.operation_key, **entry.result}
            return replace(entry, result=result)
        return entry

    def keep(self, entry: Entry) -> None:
        """Take in an entry, without what follows from the row."""
        if entry.kind == "intent":
            entry = replace(entry, key="")
        elif entry.kind in {"end", "existed"}:
            entry = replace(entry, result=_short(cast("Summary", entry.result)))
        self.journal.entries = (*self._before(entry), entry)
        # What was said of it is out of date, and must not be what a later try reports.
        self.journal.status = ""

    def _before(self, entry: Entry) -> tuple[Entry, ...]:
        """Return the entries that stand when one is added."""
        last = self.journal.entries[-1:]
        if last and (last[0].kind, last[0].generation) == ("intent", entry.generation):
            # It was not sent in time, and is intended anew.
            return (
                self.journal.entries[:-1]
                if entry.kind == "intent"
                else self.journal.entries
            )
        return self.journal.entries

    def conclude(self, operation: PushOperation, patience: Patience) -> Summary:
        """Take in what became of its push operation.

        :raises CodatError: when it is not in the books.
        """
        written = Written(self.generation, operation, adopted=self.adopted)
        redact, clear_count = self.write.redact, self.write.clear_count
        conversation = conclude(
            written, patience, redact=redact, clear_count=clear_count
        )
        return drive(conversation, _nothing, note=self.keep)

    def first_step(self, now: float) -> Step:
        """Return how it goes on by what earlier tries wrote down."""
        write, entries = self.write, self.entries()
        current = CurrentTry(
            digest=write.digest(),
            clear_count=write.clear_count,
            on_clear=write.on_clear,
            resolution=write.resolution,
            begun_at=now,
            found=entries,
        )
        return next_step(entries, current, now)

    @property
    def settled_since_clear(self) -> Status | None:
        """What was made of it without a record of ours, and stands until a Clear."""
        last = self.journal.entries[-1] if self.journal.entries else None
        if last is None or last.clear_count != self.write.clear_count:
            return None
        return _SETTLED.get(last.kind)

    def take_up(self) -> Entry:
        """Return the entry of the push operation that is waited for."""
        held = next(e for e in reversed(self.journal.entries) if e.kind == "op")
        self.generation, self.adopted = held.generation, held.because == "adopted"
        return held

    def awaits(self, step: Step) -> bool:
        """Whether it is only to be seen what became of its push operation."""
        if step.move is not Move.POLL or self.write.resolution:
            return False
        last = generations(self.entries())[-1]
        return last.intent.digest == self.write.digest()


_SETTLED: dict[str, Status] = {"no": "Failed", "existed": "Exists"}


def _redacted(body: bytes, words: str) -> str:
    """Return Codat's words without the values of a body."""
    return redactor(json.loads(body))(words)


def _short(result: Summary) -> dict[str, Json]:
    """Return what of a result does not follow from the rest of the journal."""
    short: dict[str, Json] = {"record_id": result["record_id"]}
    if result["adopted"]:
        short["adopted"] = True
    return short


def is_of_all(error: CodatError) -> bool:
    """Whether it would be the same with every other row."""
    return isinstance(error, NotAuthorised | NotFound | PaymentRequired | RateLimited)


def status_of(error: CodatError) -> Status | None:
    """Return what an error means for its row; None when another try may end better."""
    match error:
        case PayloadChanged():
            return "Changed"
        case PayloadInvalid():
            return "Invalid"
        case PushTimedOut():
            return "TimedOut"
        case PushFailed() | Refused() | AlreadyExists():
            return "Failed"
        case OutcomeUnknown():
            return "Unknown"
    return None


def words_of(error: CodatError) -> tuple[str, ...]:
    """Return what an error says, in lines, without what a single task is told to do."""
    if not isinstance(error, OutcomeUnknown):
        lines = (line.strip(" -") for line in str(error).split("\n"))
        return tuple(line for line in lines if line != MEND)
    words = tuple(line.strip(" -") for line in error.reason.split("\n"))
    if not error.candidates:
        return words
    named = ", ".join(error.candidates[:_MOST_NAMED])
    rest = len(error.candidates) - _MOST_NAMED
    more = f" and {rest} more" if rest > 0 else ""
    return (*words, f"push operations that may have made it: {named}{more}")


def warnings_of(result: Mapping[str, object]) -> tuple[str, ...]:
    """Return what Codat has to say of a record that is in the books."""
    found = result.get("warnings")
    return tuple(map(str, found)) if isinstance(found, list) else ()


def _nothing(request: Request) -> Reply:
    """Send nothing: what came of a push operation is known."""
    raise AssertionError(request)
