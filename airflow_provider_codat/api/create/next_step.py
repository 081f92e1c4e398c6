"""The table that decides how a write goes on. Pure: values in, a value out.

It is asked when a task begins, and again after each thing that was written down: so a
try that was killed, and one that was not, go on in the same way.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Literal

from airflow_provider_codat.api.create.journal import Entry, Kind
from airflow_provider_codat.api.http.retry import (
    KEY_LIFETIME_SECONDS,
    UNREADABLE_REPEATS,
    Sends,
)

OnClear = Literal["reuse", "create"]

UNSEEN = "unseen"
"""Why an intent was written for a key that an unrecorded try may have sent."""


STALE = "stale"
"""Why a later generation is reconciled again: that was done before a try ended."""


class Move(Enum):
    """How a write goes on."""

    SEND = auto()
    """Send the key of this generation."""
    POLL = auto()
    """Ask for the push operation that Codat accepted."""
    RETURN = auto()
    """It is done: return what was returned before."""
    PAYLOAD_CHANGED = auto()
    """It is done, with another payload."""
    APPLY_RESOLUTION = auto()
    """A person said what came of it."""
    RECONCILE = auto()
    """Look at the books before anything else."""
    GIVE_UP = auto()
    """Nothing may be sent, and nothing that can be looked at would tell."""


@dataclass(frozen=True, slots=True)
class Step:
    """How a write goes on, and with which generation.

    :param because: of a send, why its intent has to be written first; empty when the
        intent stands. Of a stop, why. Of a look at the books, whether doubt has to be
        written first.
    :param sends: of a send, what earlier ones left open.
    :param not_before: of a send or a look at the books, epoch seconds.
    """

    move: Move
    generation: int = 0
    because: str = ""
    sends: Sends = field(default_factory=Sends)
    not_before: float = 0.0


@dataclass(frozen=True, slots=True)
class Generation:
    """One generation: its latest intent, and what was written since."""

    intent: Entry
    since: tuple[Entry, ...] = ()

    def get(self, kind: Kind) -> Entry | None:
        """Return the latest entry of a kind."""
        return next((e for e in reversed(self.since) if e.kind == kind), None)

    @property
    def accepted(self) -> Entry:
        """The entry that names the push operation; the intent where none does."""
        return self.get("op") or self.intent

    @property
    def unreadable(self) -> int:
        """How often Codat said yes, unreadably."""
        return sum(entry.kind == "2xx" for entry in self.since)

    @property
    def unresolved(self) -> bool:
        """Whether nothing tells yet what came of it."""
        return not any(entry.kind in _ANSWERS for entry in self.since)

    @property
    def not_before(self) -> float:
        """Before which moment Codat is not to be asked again, epoch seconds."""
        waits = [e.until for e in self.since if e.kind in {"released", "limited"}]
        return max(waits, default=0.0)

    def sends(self) -> Sends:
        """Return what is open: an intent that is found counts as sent."""
        return Sends(self.intent.at, unresolved=True, unreadable=self.unreadable)


_ANSWERS = {"op", "no", "end", "resolution", "released"}


def generations(entries: Iterable[Entry]) -> tuple[Generation, ...]:
    """Arrange a journal by generations."""
    found: dict[int, Generation] = {}
    for entry in entries:
        if entry.kind == "intent":
            found[entry.generation] = Generation(entry)
        elif entry.generation in found:
            before = found[entry.generation]
            found[entry.generation] = Generation(before.intent, (*before.since, entry))
    return tuple(found[number] for number in sorted(found))


@dataclass(frozen=True, slots=True)
class CurrentTry:
    """What the present try wants.

    :param digest: of destination and payload.
    :param clear_count: counts how often the task was cleared after it had ended.
    :param resolution: what a person says came of it; empty when nobody says anything.
    :param begun_at: epoch seconds: when the present process took over.
    :param found: what it found in the journal then.
    """

    digest: str
    clear_count: int
    on_clear: OnClear
    resolution: str
    begun_at: float
    found: tuple[Entry, ...] = ()


def next_step(entries: tuple[Entry, ...], current: CurrentTry, now: float) -> Step:
    """Decide how a write goes on.

    :param now: epoch seconds.
    """
    history = generations(entries)
    if not history:
        return Step(Move.SEND, because="first")
    last = history[-1]
    number = last.intent.generation
    if end := last.get("end"):
        return _after_end(last, end, current)
    if not_created := last.get("no") or last.get("resolution"):
        return Step(Move.SEND, number + 1, not_created.kind)
    if last.get("op"):
        return Step(Move.POLL, number)
    if may_apply(entries, current):
        return Step(Move.APPLY_RESOLUTION, number)
    if last.get("released"):
        follows = number + (last.intent.digest != current.digest)
        return Step(Move.SEND, follows, "released", not_before=last.not_before)
    return _unresolved(last, current, now)


def may_apply(entries: tuple[Entry, ...], current: CurrentTry) -> bool:
    """Whether a person has spoken since the task ended, and was not obeyed yet.

    What stood there before cannot have been said of this.
    """
    spoken = bool(current.resolution) and not is_used_up(entries, current.resolution)
    return spoken and bool(entries) and entries[-1].clear_count != current.clear_count


def is_used_up(entries: tuple[Entry, ...], words: str) -> bool:
    """Whether a person's words were obeyed, or stood there before they could be."""
    return any(e.because == words and e.kind in _SAID for e in entries)


_SAID = {"end", "stale_resolution", "resolution"}


def _after_end(last: Generation, end: Entry, current: CurrentTry) -> Step:
    number = last.intent.generation
    if end.clear_count != current.clear_count and current.on_clear == "create":
        return Step(Move.SEND, number + 1, "cleared")
    same = last.intent.digest == current.digest
    return Step(Move.RETURN if same else Move.PAYLOAD_CHANGED, number)


def _unresolved(last: Generation, current: CurrentTry, now: float) -> Step:
    """Decide on a generation that may have been sent, and nothing tells."""
    number = last.intent.generation
    if last.intent.digest != current.digest:
        return Step(
            Move.GIVE_UP,
            number,
            "an earlier try may have sent another payload for this customer",
        )
    obstacle = _obstacle(last, current, now)
    if not obstacle:
        step = Step(Move.SEND, number, sends=last.sends())
        return replace(step, not_before=last.not_before)
    if last.intent.because == UNSEEN:
        return Step(
            Move.GIVE_UP,
            number,
            "an earlier try, of which nothing was written down, may have sent it"
            + (_LONG_AGO if obstacle == _OLD else ""),
        )
    because = STALE if obstacle == STALE else ""
    return Step(Move.RECONCILE, number, because, not_before=last.not_before)


def _obstacle(last: Generation, current: CurrentTry, now: float) -> str:
    """Return why the key of a generation may not be sent again; empty when it may."""
    if now - last.intent.at > KEY_LIFETIME_SECONDS:
        return _OLD
    if last.get("5xx") or last.unreadable > UNREADABLE_REPEATS:
        return _BURNT
    if last.intent.generation == 0:
        return ""
    # A later generation stands on a look at the books that is out of date by now.
    if last.get("doubt"):
        return _DOUBTED
    return STALE if last.intent in current.found else ""


_OLD, _BURNT, _DOUBTED = "old", "burnt", "doubted"
_LONG_AGO = ", longer ago than Codat surely remembers its key"
