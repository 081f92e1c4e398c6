"""What a test reads back: records, journal entries, numbers, as frozen values."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow_provider_codat.simulator.rules.data_types import DATA_TYPES, name_of


@dataclass(frozen=True, slots=True)
class LedgerRecord:
    """One record that really stands in the books.

    :param record_id: its id there.
    :param company_id: whose books.
    :param connection_id: by which connection it came.
    :param data_type: Codat's key of what it is.
    :param record: as it was sent, with what has changed since.
    :param push_operation_key: the push operation that created it; None: it was typed
        straight into the software.
    :param idempotency_key: the key of the request that created it, if it had one.
    :param stranger: whether somebody else put it there.
    :param created_at: the server's time at which it landed.
    :param modified_at: that of its last change, or of its landing.
    :param updates: how many push operations have changed it.
    """

    record_id: str
    company_id: str
    connection_id: str
    data_type: str
    record: Mapping[str, Any]
    push_operation_key: str | None
    idempotency_key: str | None
    stranger: bool
    created_at: datetime
    modified_at: datetime
    updates: int

    @property
    def customer(self) -> Mapping[str, Any]:
        """The same as ``record``."""
        return self.record

    @property
    def name(self) -> str | None:
        """What a person calls it by."""
        return name_of(DATA_TYPES[self.data_type], self.record)


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One request that arrived, and what became of it.

    :param at: the server's time.
    :param method: HTTP method.
    :param path: as sent, without query.
    :param query: as sent.
    :param headers: as sent, Authorization redacted.
    :param body: exact bytes.
    :param idempotency_key: the first Idempotency-Key header, if there was one.
    :param status: what was answered; None: nothing, or nothing yet.
    :param misfortune: what befell it, joined by "+" if several did; None: nothing.
    :param replayed: whether the answer came from the memory of the Idempotency-Key.
    """

    at: datetime
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    idempotency_key: str | None
    status: int | None
    misfortune: str | None
    replayed: bool

    def json(self) -> Any:  # noqa: ANN401 - a body may be any JSON value
        """Return the body's JSON value.

        :raises ValueError: when the body is not JSON.
        """
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Traffic:
    """What arrived, in numbers; the controls' own requests are not counted.

    :param first_at: the server's time of the first request; None: there was none.
    :param last_at: that of the last.
    :param requests: how many arrived.
    :param refused: how many were answered 429.
    :param most_at_a_time: the most that were under way at once.
    :param most_in_a_minute: the most in any 60 seconds of the server's clock.
    :param most_in_a_minute_by_address: the same for each client address.
    :param by_route: how many took each route; "": one that does not exist.
    :param each_minute: how many fell into the first 60 seconds, the second, ...
    """

    first_at: datetime | None
    last_at: datetime | None
    requests: int
    refused: int
    most_at_a_time: int
    most_in_a_minute: int
    most_in_a_minute_by_address: Mapping[str, int]
    by_route: Mapping[str, int]
    each_minute: tuple[int, ...]

    @property
    def seconds(self) -> float:
        """From the first request to the last, by the server's clock."""
        if self.first_at is None or self.last_at is None:
            return 0.0
        return (self.last_at - self.first_at).total_seconds()


def traffic(fields: Mapping[str, Any]) -> Traffic:
    """Build the numbers of the traffic from plain data."""
    times = {
        name: None if fields[name] is None else datetime.fromisoformat(fields[name])
        for name in ("first_at", "last_at")
    }
    minutes = tuple(fields["each_minute"])
    return Traffic(**{**fields, **times, "each_minute": minutes})


def ledger_record(fields: Mapping[str, Any]) -> LedgerRecord:
    """Build a ledger record from plain data."""
    times = {
        name: datetime.fromisoformat(fields[name])
        for name in ("created_at", "modified_at")
    }
    return LedgerRecord(**{**fields, **times})


def journal_entry(fields: Mapping[str, Any]) -> JournalEntry:
    """Build a journal entry from plain data."""
    changed = {
        "at": datetime.fromisoformat(fields["at"]),
        "body": fields["body"].encode(errors="surrogateescape"),
    }
    return JournalEntry(**{**fields, **changed})
