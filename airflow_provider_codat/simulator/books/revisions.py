"""The records in the books, and what has changed them since they came there."""

from bisect import insort
from collections.abc import Mapping
from dataclasses import dataclass, replace

from airflow_provider_codat.simulator.clock import utc_text
from airflow_provider_codat.simulator.rules.query import lookup
from airflow_provider_codat.simulator.world import Connection

# The connection's id, the data type and the record's id: two may number alike.
RecordKey = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Change:
    """What one change does to a record.

    :param at: when it stands in the books.
    :param properties: what they are from then on; the others stay as they are.
    :param pushed: whether a push operation brought it; else it was made by hand.
    :param removes: whether the record is gone from then on.
    """

    at: float
    properties: Mapping[str, object]
    pushed: bool
    removes: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """One record that stands in the books.

    :param lands_at: since when.
    :param modified_at: since when it says what it says.
    :param push_operation_key: what created it; None: it was typed in.
    :param stranger: whether somebody else put it there.
    :param updates: how many push operations have changed it.
    """

    record_id: str
    connection: Connection
    data_type: str
    body: Mapping[str, object]
    lands_at: float
    modified_at: float
    push_operation_key: str | None = None
    idempotency_key: str | None = None
    stranger: bool = True
    updates: int = 0
    is_gone: bool = False

    @property
    def key(self) -> RecordKey:
        """What it is found by."""
        return self.connection.id, self.data_type, self.record_id

    @property
    def is_deleted(self) -> bool:
        """Whether the software has it in its bin."""
        return lookup(self.body, "metadata.isDeleted") is True

    def changed(self, change: Change) -> "Record":
        """Return it after a change."""
        return replace(
            self,
            body={**self.body, **change.properties},
            modified_at=change.at,
            updates=self.updates + change.pushed,
            is_gone=self.is_gone or change.removes,
        )

    def view(self) -> dict[str, object]:
        """Return it as plain data."""
        return {
            "record_id": self.record_id,
            "company_id": self.connection.company_id,
            "connection_id": self.connection.id,
            "data_type": self.data_type,
            "record": self.body,
            "push_operation_key": self.push_operation_key,
            "idempotency_key": self.idempotency_key,
            "stranger": self.stranger,
            "created_at": utc_text(self.lands_at),
            "modified_at": utc_text(self.modified_at),
            "updates": self.updates,
        }


class Revisions:
    """Keep the changes of each record in the order in which they come about."""

    def __init__(self) -> None:
        self._by_record: dict[RecordKey, list[Change]] = {}

    def note(self, key: RecordKey, change: Change) -> None:
        """Keep a change; it may lie ahead."""
        changes = self._by_record.setdefault(key, [])
        insort(changes, change, key=lambda each: each.at)

    def applied(self, record: Record, until: float) -> Record:
        """Return a record as it stands at a time."""
        for change in self._by_record.get(record.key, ()):
            if change.at <= until:
                record = record.changed(change)
        return record

    def body(
        self, key: RecordKey, body: Mapping[str, object], until: float
    ) -> Mapping[str, object] | None:
        """Return what a record says at a time; None: it is gone."""
        for change in self._by_record.get(key, ()):
            if change.at <= until:
                if change.removes:
                    return None
                body = {**body, **change.properties}
        return body
