"""What a test reads back: ledger records and journal entries, as frozen values."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class LedgerRecord:
    """One customer that really stands in the books.

    :param record_id: its id there.
    :param company_id: whose books.
    :param connection_id: by which connection it came.
    :param customer: the customer as it was sent.
    :param push_operation_key: the push operation that created it; None: it was typed
        straight into the software.
    :param idempotency_key: the key of the request that created it, if it had one.
    :param stranger: whether somebody else put it there.
    :param created_at: the server's time at which it landed.
    """

    record_id: str
    company_id: str
    connection_id: str
    customer: Mapping[str, Any]
    push_operation_key: str | None
    idempotency_key: str | None
    stranger: bool
    created_at: datetime

    @property
    def name(self) -> str | None:
        """The customer's name."""
        return self.customer.get("customerName")


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


def ledger_record(fields: Mapping[str, Any]) -> LedgerRecord:
    """Build a ledger record from plain data."""
    moment = datetime.fromisoformat(fields["created_at"])
    return LedgerRecord(**{**fields, "created_at": moment})


def journal_entry(fields: Mapping[str, Any]) -> JournalEntry:
    """Build a journal entry from plain data."""
    changed = {
        "at": datetime.fromisoformat(fields["at"]),
        "body": fields["body"].encode(errors="surrogateescape"),
    }
    return JournalEntry(**{**fields, **changed})
