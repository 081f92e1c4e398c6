"""Whether a record is in the books already, whoever put it there.

Nothing else protects across DAG runs: an idempotency key is Codat's memory of 90
minutes, a journal that of one task.
"""

import unicodedata
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import count

from airflow_provider_codat.api.books.comparison import words
from airflow_provider_codat.api.books.records import cached, refreshed
from airflow_provider_codat.api.data_types import CUSTOMERS, DataType
from airflow_provider_codat.api.errors import (
    PayloadInvalid,
    SettingsInvalid,
    StillInProgress,
)
from airflow_provider_codat.api.http import request as codat_request
from airflow_provider_codat.api.http.exchange import Conversation, Patience
from airflow_provider_codat.api.http.paging import Page, PageWalk, page_of
from airflow_provider_codat.api.models import Destination, Json, Problem
from airflow_provider_codat.api.payload.canonical import READ_ONLY
from airflow_provider_codat.api.payload.contract import contract

_PAGE_SIZE = 1000
_MOST_WALKS = 5
# Software respells names and numbers; of these it changes no more than the case.
_SPELT_EXACTLY = frozenset({"id", "emailAddress"})


@dataclass(frozen=True, slots=True)
class Match:
    """A record of the books that is like a payload.

    :param record_id: its id there; empty where Codat names none.
    :param matched_on: the properties that are equal, in the order of ``match_on``.
    """

    record_id: str
    matched_on: tuple[str, ...]


class Existing:
    """The records of the books, by what identifies them.

    It keeps ids and digests, and no customer.

    :param match_on: the properties of which one that is equal makes a record the same.
    :raises SettingsInvalid: when one of them is no text of the data type's contract.
    """

    def __init__(
        self, match_on: Collection[str] | None = None, data_type: DataType = CUSTOMERS
    ) -> None:
        self.match_on = checked_match_on(match_on, data_type)
        self._record = data_type.record
        self._exact = _SPELT_EXACTLY.union(data_type.codes)
        self._ids: dict[bytes, list[str]] = {}

    def add(self, record: Mapping[str, Json]) -> None:
        """Take in a record, unless it is deleted; one that is archived counts."""
        if not is_deleted(record):
            record_id = _text(record.get("id"))
            for _, digest in self._digests(record):
                self._ids.setdefault(digest, []).append(record_id)

    def find(self, payload: Json) -> tuple[Match, ...]:
        """Return the records that are like a payload, those first that are most so.

        :raises PayloadInvalid: when it has none of the properties of ``match_on``, so
            that it cannot be looked for.
        """
        digests = self._digests(payload if isinstance(payload, dict) else {})
        if not digests:
            raise PayloadInvalid([self._nothing_to_look_for()])
        found: dict[str, dict[str, None]] = {}
        for name, digest in digests:
            for record_id in self._ids.get(digest, ()):
                found.setdefault(record_id, {})[name] = None
        matches = [Match(record_id, tuple(names)) for record_id, names in found.items()]
        return tuple(sorted(matches, key=lambda match: -len(match.matched_on)))

    def _digests(self, values: Mapping[str, Json]) -> list[tuple[str, bytes]]:
        """Return what a payload or a record is known by; nothing for what is blank."""
        keys = [
            (name, _key(values.get(name), exact=name in self._exact))
            for name in self.match_on
        ]
        return [(name, _digest(f"{name}={key}")) for name, key in keys if key]

    def _nothing_to_look_for(self) -> Problem:
        names = ", ".join(self.match_on)
        return Problem(
            path="",
            rule="match_on",
            message=f"needs one of {names}: without, nobody can tell whether the "
            f"{self._record} is in the books already",
        )


def checked_match_on(
    match_on: Collection[str] | None, data_type: DataType = CUSTOMERS
) -> tuple[str, ...]:
    """Return the names of properties, each once, or say which is none to look for.

    :param match_on: None: those that identify such a record.
    :raises SettingsInvalid: when one is no text at the top of the data type's contract
        that an author may write, or when there is none.
    """
    if match_on is None and data_type.identifying:
        return data_type.identifying
    if not data_type.identifying:
        raise SettingsInvalid(
            f"whether {data_type.a_record} exists already cannot be told: nothing "
            "identifies one. Leave if_exists out"
        )
    known = [
        name
        for name, schema in contract(data_type.name)["properties"].items()
        if "string" in schema.get("type", ()) and name not in READ_ONLY
    ]
    if isinstance(match_on, str) or not match_on:
        raise SettingsInvalid(
            f"match_on must be a list of names, such as {list(data_type.identifying)}"
        )
    unknown = [name for name in match_on if name not in known]
    if unknown:
        raise SettingsInvalid(
            f"match_on names {', '.join(map(repr, unknown))}; {data_type.a_record} is "
            f"looked for by {', '.join(known)}"
        )
    return tuple(dict.fromkeys(match_on))


def _key(value: Json, *, exact: bool) -> str:
    """Return a value without what software is free to change; empty when blank.

    :param exact: whether that is no more than the case.
    """
    letters = "".join(words(value))
    if not letters or not exact:
        return letters
    text = unicodedata.normalize("NFKC", _text(value)).casefold()
    return " ".join(unicodedata.normalize("NFKC", text).split())


def _digest(text: str) -> bytes:
    # A text may hold half a character, which UTF-8 does not.
    return blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()


def _text(value: Json) -> str:
    return "" if value is None else str(value)


def is_deleted(record: Mapping[str, Json]) -> bool:
    """Whether a record is in the software's bin."""
    metadata = record.get("metadata")
    return isinstance(metadata, dict) and metadata.get("isDeleted") is True


def existing(
    destination: Destination,
    data_type: DataType,
    patience: Patience,
    *,
    match_on: Collection[str] | None = None,
    keys: Callable[[], str],
    deadline: float,
    poll_interval_seconds: float = 15.0,
) -> Conversation[Existing]:
    """Refresh Codat's copy of a connection's books, and return what is in them.

    :param keys: makes an idempotency key that nobody else has.
    :param deadline: epoch seconds by which the refresh has to have ended.
    :raises SettingsInvalid: when ``match_on`` cannot be looked for.
    :raises RefreshFailed: when the refresh ended in another way.
    :raises StillInProgress: when it has not ended by the deadline.
    """
    checked_match_on(match_on, data_type)
    yield from refreshed(
        destination.company_id,
        destination.connection_id,
        data_type,
        patience,
        keys=keys,
        deadline=deadline,
        poll_interval_seconds=poll_interval_seconds,
    )
    return (yield from copied(destination, data_type, patience, match_on=match_on))


def copied(
    destination: Destination,
    data_type: DataType,
    patience: Patience,
    *,
    match_on: Collection[str] | None = None,
) -> Conversation[Existing]:
    """Return what Codat's copy of a company's records holds, as old as it is.

    Codat's filter is not used: its language has no way to write a value that holds
    ``&&`` or ``{``. So all pages are read, and compared here.

    What changes meanwhile moves records to another page, and one of them may pass by
    unseen. Those that changed last come first, so that nothing moves to an earlier page
    but what is new there, or when another was taken out. A walk has missed nothing when
    its pages agree on how many there are and that many different ones came, or when
    another one shows the same.

    :raises StillInProgress: when there is no copy yet, or when it changes all the time.
    """
    before: list[bytes] = []
    for _ in range(_MOST_WALKS):
        walk = _Walk(Existing(match_on, data_type))
        for page in count(1):
            request = codat_request.list_records(
                destination.company_id,
                data_type,
                connection_id=destination.connection_id,
                page=page,
                page_size=_PAGE_SIZE,
                query=None,
                order_by="-modifiedDate",
                modified_since=None,
            )
            if not walk.take((yield from cached(request, page_of, patience))):
                break
        if walk.has_missed_nothing(before):
            return walk.found
        before = walk.shown
    raise StillInProgress(
        f"Codat's list of {data_type.records} was read {_MOST_WALKS} times and changed "
        "each time, so that one may have passed by unseen; look again later"
    )


@dataclass(slots=True)
class _Walk:
    """One walk over all pages.

    :param found: takes in what is shown.
    :param shown: digests of the records that were shown, in that order.
    :param totals: how many there are, as each page tells.
    """

    found: Existing
    shown: list[bytes] = field(default_factory=list)
    totals: set[int | None] = field(default_factory=set)
    pages: PageWalk = field(default_factory=PageWalk)

    def take(self, page: Page) -> bool:
        """Take in one page; return whether to ask for the next."""
        for entry in page.entries:
            told = [entry.get(name) for name in ("id", *self.found.match_on)]
            self.shown.append(_digest(repr((told, is_deleted(entry)))))
            self.found.add(entry)
        self.totals.add(page.total)
        return self.pages.goes_on(page._replace(more=page.more or self._is_short()))

    def has_missed_nothing(self, before: list[bytes]) -> bool:
        """Whether no record can have passed by unseen.

        :param before: what the walk before has shown.
        """
        number = len(self.shown)
        if self.totals == {number} and len(set(self.shown)) == number:
            return True
        return self.shown == before and not self._is_short()

    def _is_short(self) -> bool:
        """Whether there are more records than were shown."""
        return len(self.shown) < max(total or 0 for total in self.totals)
