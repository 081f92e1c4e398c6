"""What was intended, and what came of it: written down before it is relied on.

An entry is written once and never changed. Which entries there are, and in which order
they are written, is decided in ``submit.py``; what they mean for a later try, in
``next_step.py``.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Protocol, get_args

from airflow_provider_codat.api.errors import JournalFailed
from airflow_provider_codat.api.models import Json

Kind = Literal[
    "intent",
    "op",
    "5xx",
    "2xx",
    "released",
    "limited",
    "doubt",
    "no",
    "end",
    "resolution",
    "stale_resolution",
    "existed",
]
"""What an entry says of one generation of the intent.

``intent``: its key is about to be sent. ``op``: Codat accepted it as this push
operation. ``5xx``: Codat's own error, which it repeats under this key. ``2xx``: Codat
said yes, unreadably. ``released``: all its sends were answered by 429. ``limited``:
the latest was. ``doubt``: a later try does not know whether it was sent. ``no``: it
wrote nothing. ``end``: it wrote a record. ``resolution``: a person said what came of
it. ``stale_resolution``: that was said before anything was in doubt. ``existed``: it
was in the books before, and nothing was sent.
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. No payload, no name: what it holds may be read by others.

    :param generation: counts the creates of one intent.
    :param at: epoch seconds: when it was written; of an intent, when its key was sent
        for the first time.
    :param clear_count: counts how often the task was cleared after it had ended.
    :param key: the idempotency key, of an intent.
    :param query: of the request, of an intent.
    :param digest: of destination and payload, of an intent.
    :param because: why this generation was begun, or why there is no record.
    :param operation_key: the push operation.
    :param until: epoch seconds: before which Codat is not to be asked again; or, of
        ``5xx``, ``2xx`` and ``doubt``, the latest send that may have had no answer.
    :param result: what the task returns.
    """

    kind: Kind
    generation: int
    at: float
    clear_count: int = 0
    key: str = ""
    query: str = ""
    digest: str = ""
    because: str = ""
    operation_key: str = ""
    until: float = 0.0
    result: Mapping[str, Json] = field(default_factory=dict)

    def to_json(self) -> dict[str, Json]:
        """Return what a store keeps: plain JSON, without what is empty."""
        always = ("kind", "generation", "at")
        stored = {n: v for n, v in asdict(self).items() if v or n in always}
        stored["kind"] = _STORED_KINDS.get(self.kind, self.kind)
        if self.clear_count:
            stored[_STORED_CLEAR_COUNT] = stored.pop("clear_count")
        return stored


def entry_of(value: object) -> Entry:
    """Read an entry back.

    :raises JournalFailed: when it is none: somebody else wrote it, or a later version.
    """
    stored: dict[str, Any] = value if isinstance(value, dict) else {}
    known = {_READ_AS.get(name, name): each for name, each in stored.items()}
    if isinstance(kind := known.get("kind"), str):
        known["kind"] = _KINDS_STORED.get(kind, kind)
    typed = all(isinstance(v, _TYPES.get(n, ())) for n, v in known.items())
    whole = typed and known.keys() >= {"kind", "generation", "at"}
    if not whole or known["kind"] not in get_args(Kind):
        raise JournalFailed(
            "an entry of the task's journal cannot be read, so nothing was sent; it "
            "was changed by hand, or written by a later version of this package"
        )
    return Entry(**known)


# A store keeps the spelling of the first version, whose tasks may be under way.
_STORED_CLEAR_COUNT = "life"
_READ_AS = {_STORED_CLEAR_COUNT: "clear_count"}
_STORED_KINDS: dict[str, str] = {"resolution": "verdict", "stale_resolution": "stood"}
_KINDS_STORED = {stored: kind for kind, stored in _STORED_KINDS.items()}
_TYPES: dict[str, Any] = {
    **dict.fromkeys(("at", "clear_count", "until"), int | float),
    **dict.fromkeys(("key", "query", "digest", "because", "operation_key"), str),
    "kind": str,
    "generation": int,
    "result": dict,
}


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of the tries before this one.

    :param entries: the journal, in the order of writing.
    :param unseen_since: epoch seconds since when a try that left no journal may have
        sent the first generation; None when none can have.
    """

    entries: tuple[Entry, ...] = ()
    unseen_since: float | None = None


class Journal(Protocol):
    """Keeps the entries of one intent, over the tries of its task."""

    def begin(self, try_number: int) -> bool:
        """Note that a try has begun, before anything is read.

        :return: whether every try before it had noted itself, so that what was sent is
            among the entries.
        :raises JournalFailed: when it cannot be written, so nothing may be sent.
        """

    def read(self) -> tuple[Entry, ...]:
        """Return all entries, in the order of writing."""

    def append(self, entry: Entry) -> None:
        """Keep one more entry.

        :raises JournalFailed: when it was perhaps not kept.
        """


class MemoryJournal:
    """A journal that lives as long as its object."""

    def __init__(self) -> None:
        self._tries: set[int] = set()
        self._entries: list[Entry] = []

    def begin(self, try_number: int) -> bool:
        """Note that a try has begun."""
        self._tries.add(try_number)
        return self._tries.issuperset(range(1, try_number))

    def read(self) -> tuple[Entry, ...]:
        """Return all entries."""
        return tuple(self._entries)

    def append(self, entry: Entry) -> None:
        """Keep one more entry."""
        self._entries.append(entry)
