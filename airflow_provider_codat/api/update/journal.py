"""What the journal of an update tells: pure, values in, a value out.

Each call that sends the PUT, with its repetitions, is a generation: its intent, and
what was written down since. A PUT may be repeated, so a generation without an end only
means that it is sent again. What is guarded is the order of *different* payloads: an
older one must not act after a newer one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto

from airflow_provider_codat.api.create.attempt import LONGEST_CALL_SECONDS
from airflow_provider_codat.api.create.journal import Entry
from airflow_provider_codat.api.create.next_step import Generation, generations
from airflow_provider_codat.api.http.response import CLOCK_SKEW_SECONDS


class Move(Enum):
    """How an update goes on."""

    SEND = auto()
    """Send it, for the first time or again."""
    POLL = auto()
    """Ask for the push operation that Codat accepted."""
    RETURN = auto()
    """It is done: return what was returned before."""


@dataclass(frozen=True, slots=True)
class Window:
    """When a request may have been accepted whose answer tells nothing.

    :param begin: epoch seconds.
    :param end: epoch seconds.
    """

    begin: float
    end: float

    def contains(self, moment: float) -> bool:
        """Whether a moment of Codat's clock may be in it."""
        return (
            self.begin - CLOCK_SKEW_SECONDS <= moment <= self.end + CLOCK_SKEW_SECONDS
        )


class Calls:
    """The calls of one update that are known, by its journal.

    :param entries: in the order of writing.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.entries = tuple(entries)
        self.all = generations(self.entries)

    def next_move(self, digest: str, clear_count: int) -> Move:
        """Decide how an update goes on.

        A task that was cleared after its success sends again: its author wants the
        values to be there, and somebody may have changed them since.

        :param digest: of what is wanted now.
        """
        last = self.all[-1] if self.all else None
        if last is None or last.get("no"):
            return Move.SEND
        if end := last.get("end"):
            done = end.clear_count == clear_count and last.intent.digest == digest
            return Move.RETURN if done else Move.SEND
        return Move.POLL if last.get("op") else Move.SEND

    @property
    def next_generation(self) -> int:
        """The number of the call that comes next."""
        return self.all[-1].intent.generation + 1 if self.all else 0

    @property
    def not_before(self) -> float:
        """Before which moment Codat is not to be asked again, epoch seconds."""
        return self.all[-1].not_before if self.all else 0.0

    def deferrals(self, clear_count: int) -> int:
        """Return how often Codat has asked this task to come back later."""
        return sum(
            e.kind == "limited" and e.clear_count == clear_count for e in self.entries
        )

    def doubtful(self, digest: str, failed: str = "") -> list[Generation]:
        """Return the calls that may have written these very values, for all we know.

        :param failed: the key of a push operation that is known to have failed.
        """
        return [
            call
            for call in self.all
            if call.intent.digest == digest
            and (_sent_in_doubt(call) or _accepted(call) not in {"", failed})
        ]

    def older(self, digest: str) -> list[Generation]:
        """Return the calls with other values that may act after the next one.

        Those before the latest call with the same values had come to rest then.
        """
        digests = [call.intent.digest for call in self.all]
        same = len(digests) - digests[::-1].index(digest) if digest in digests else 0
        return [call for call in self.all[same:] if _sent_in_doubt(call)]

    def settled(self) -> frozenset[str]:
        """Return the keys of the push operations whose end is known."""
        ended = {e.generation for e in self.entries if e.kind in {"end", "no"}}
        return frozenset(
            e.operation_key
            for e in self.entries
            if e.operation_key and e.generation in ended
        )

    def accepted(self, digest: str, since: float) -> frozenset[str]:
        """Return the keys of the push operations that were accepted since a moment.

        :param digest: of what they wrote: another payload may be of other books.
        """
        found = [c.get("op") for c in self.all if c.intent.digest == digest]
        return frozenset(op.operation_key for op in found if op and op.at >= since)


def settled_at(call: Generation, lifetime_seconds: float) -> float:
    """Return when all that a call has sent has acted, or never will: epoch seconds.

    :param lifetime_seconds: after which a request without an answer acts no more.
    """
    unanswered = _unanswered_at(call)
    # What has an answer has acted.
    answered = [e.at for e in call.since if e.kind in {"5xx", "2xx", *_TELLS}]
    acts_until = unanswered + lifetime_seconds if unanswered else 0.0
    return max([acts_until, *answered], default=0.0)


def window(call: Generation, lifetime_seconds: float) -> Window:
    """Return when what a call has sent may have been accepted."""
    return Window(call.intent.at, settled_at(call, lifetime_seconds))


def _sent_in_doubt(call: Generation) -> bool:
    """Whether a send of a call may have been accepted as we know not what."""
    return bool(_unanswered_at(call) or call.get("5xx") or call.get("2xx"))


def _accepted(call: Generation) -> str:
    """Return the key of a push operation whose end is not known; empty for none."""
    op = call.get("op")
    return op.operation_key if op and not (call.get("end") or call.get("no")) else ""


def _unanswered_at(call: Generation) -> float:
    """Return the latest moment at which something was sent that got no answer.

    :return: epoch seconds; 0 when all was answered.
    """
    told = [e.until for e in call.since if e.kind in _TELLS]
    # Whoever was killed, or replaced, may have gone on for the rest of the call.
    last = call.intent.until or call.intent.at + LONGEST_CALL_SECONDS
    return max(told, default=last)


_TELLS = {"op", "no", "doubt"}
