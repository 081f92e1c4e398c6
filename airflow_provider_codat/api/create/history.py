"""How far a write has come, by its journal: what is open, and what to tell a person."""

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from airflow_provider_codat.api.create.intent import NOT_CREATED, Done, Write
from airflow_provider_codat.api.create.journal import Entry
from airflow_provider_codat.api.create.next_step import UNSEEN, Generation, generations
from airflow_provider_codat.api.create.search import Claims, Search
from airflow_provider_codat.api.errors import OutcomeUnknown, PayloadChanged
from airflow_provider_codat.api.http.retry import (
    KEY_LIFETIME_SECONDS,
    UNREADABLE_REPEATS,
)

if TYPE_CHECKING:
    from airflow_provider_codat.api.models import Summary

log = logging.getLogger(__name__)

_MOST_NAMED = 5


class History:
    """The journal of one write, as far as this process knows it.

    :param entries: what earlier tries wrote down.
    """

    def __init__(self, write: Write, entries: tuple[Entry, ...]) -> None:
        self.entries = entries
        self.doubt: OutcomeUnknown | None = None
        self._write = write

    def add(self, entry: Entry) -> None:
        """Take in what was written down."""
        self.entries = (*self.entries, entry)

    @property
    def owner(self) -> str:
        """What names the intent: its first idempotency key."""
        return self._write.key_of(0)

    @property
    def begun(self) -> bool:
        """Whether any intent was written down."""
        return bool(generations(self.entries))

    @property
    def in_doubt(self) -> bool:
        """Whether nothing has settled the latest generation."""
        last = generations(self.entries)[-1:]
        ends = {"end", "no", "resolution"}
        return bool(last) and ends.isdisjoint(e.kind for e in last[0].since)

    def deferrals(self) -> int:
        """Return how often Codat has asked this task to come back later."""
        kinds = {"limited", "released"}
        clear_count = self._write.clear_count
        return sum(
            e.kind in kinds and e.clear_count == clear_count for e in self.entries
        )

    def generation(self, number: int) -> Generation:
        """Return what is known of one generation."""
        found = generations(self.entries)
        return next(each for each in found if each.intent.generation == number)

    def open(self) -> list[Generation]:
        """Return the generations of which nothing tells what came of them."""
        return [each for each in generations(self.entries) if each.unresolved]

    @property
    def said_yes(self) -> bool:
        """Whether Codat said yes, unreadably, to what nothing else tells of."""
        return any(each.unreadable for each in self.open())

    def search(self, now: float, claims: Claims) -> Search:
        """Return what to look for in the books.

        :param now: epoch seconds.
        :param claims: tell which push operations other intents have taken.
        """
        lifetime = self._write.lifetime_seconds
        windows = tuple(
            (each.intent.at, now)
            # Nobody wrote down when that was sent.
            if each.intent.because == UNSEEN
            else (each.intent.at, min(now, settled_at(each, lifetime)))
            for each in self.open()
        )
        since = min(begin for begin, _ in windows)
        held = [entry for entry in self.entries if entry.operation_key]
        return Search(
            destination=self._write.destination,
            data_type=self._write.data_type,
            payload=self._write.payload,
            windows=windows,
            ours=frozenset(entry.operation_key for entry in held),
            expected=frozenset(e.operation_key for e in held if e.at >= since),
            owner=self.owner,
            claims=claims,
            promised=self.said_yes,
        )

    def query_of(self, generation: int, otherwise: str) -> str:
        """Return the query that a generation went out with; else another one."""
        found = [c.intent for c in generations(self.entries)]
        return next((i.query for i in found if i.generation == generation), otherwise)

    def done(self, generation: int) -> Done:
        """Return what an earlier try has ended; nothing is sent."""
        end = self.generation(generation).get("end")
        result = cast("Summary", end.result if end else {})
        log.log(
            self._write.info_level,
            "An earlier try has created it: record %s; nothing is sent",
            result.get("record_id"),
        )
        return Done(result)

    def changed(self, generation: int) -> PayloadChanged:
        """Return the error for a payload that differs from what was created."""
        end = self.generation(generation).get("end")
        found = end.result.get("record_id") if end else None
        return payload_changed(None if found is None else str(found))

    def reason(self) -> str:
        """Say in one line why it is not known what came of it."""
        if self.doubt is not None:
            return self.doubt.reason
        return "an earlier try may have created it"

    def unknown(self, reason: str, found: tuple[str, ...]) -> OutcomeUnknown:
        """Return the error for what nobody here can tell, and what to do about it."""
        since = min(each.intent.at for each in generations(self.entries))
        listed = ", ".join(found[:_MOST_NAMED]) or "none known"
        if len(found) > _MOST_NAMED:
            listed += f" and {len(found) - _MOST_NAMED} more"
        told = "if it is not there, ask for it in a new DAG run, and for it alone"
        if self._write.durable:
            told = (
                "then say what you found in unknown_resolution (the record's id, or "
                f"{self._not_created()}) and clear this task"
            )
            if self._write.on_unknown_outcome == "reconcile":
                told += "; or clear it as it is, and the books are asked again"
        return OutcomeUnknown(
            f"{reason}\n{self._write.thing.capitalize()} may exist, and "
            "it will not be sent again. Push operations that may have made it: "
            f"{listed}. Look at them in Codat's Portal (since {_moment(since)}, "
            f"idempotency key {self.owner}), and into the books; {told}",
            candidates=found,
            reason=reason,
        )

    def _not_created(self) -> str:
        """Return the word for "not created" that was not used up before."""
        used = sum(
            entry.kind in {"stale_resolution", "resolution"} for entry in self.entries
        )
        return f"{NOT_CREATED}:{used + 1}" if used else NOT_CREATED


def payload_changed(record_id: str | None, what: str = "") -> PayloadChanged:
    """Return the error for a payload that differs from what was created.

    :param what: what was made of the other one; by default the record.
    """
    made = what or f"record {record_id or '(not named)'}"
    return PayloadChanged(
        f"an earlier try of this task made {made} from another payload, so nothing was "
        "sent. Change that record in the books, or ask for another one: in a new DAG "
        'run, or by on_clear="create" and another Clear',
        record_id=record_id,
    )


def settled_at(generation: Generation, lifetime_seconds: float) -> float:
    """Return when all that was sent has acted, or never will: epoch seconds.

    :param lifetime_seconds: after which a request without an answer acts no more.
    """
    marks = [e for e in generation.since if e.kind in {"5xx", "2xx", "doubt"}]
    ended = generation.get("5xx") or generation.get("doubt")
    if not ended and generation.unreadable <= UNREADABLE_REPEATS:
        # It was sent until its key was too old.
        return generation.intent.at + KEY_LIFETIME_SECONDS + lifetime_seconds
    unanswered = max(entry.until for entry in marks)
    latest = max(entry.at for entry in marks)
    return max(latest, unanswered + lifetime_seconds)


def _moment(at: float) -> str:
    """Write a time for a person."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"
