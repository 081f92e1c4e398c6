"""All push operations, and what stands in the accounting software's books."""

import json
import math
import uuid
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice

from airflow_provider_codat.simulator.books.operations import Outcome, PushOperation
from airflow_provider_codat.simulator.books.outcomes import refused
from airflow_provider_codat.simulator.books.revisions import (
    Change,
    Record,
    RecordKey,
    Revisions,
)
from airflow_provider_codat.simulator.replies import Issue, issue
from airflow_provider_codat.simulator.rules.contract import pascal
from airflow_provider_codat.simulator.rules.data_types import (
    DATA_TYPES,
    DataType,
    name_of,
)
from airflow_provider_codat.simulator.rules.query import lookup
from airflow_provider_codat.simulator.world import ALL_CONNECTIONS, Connection


@dataclass(frozen=True, slots=True)
class Order:
    """An accepted write, before it becomes a push operation.

    :param record_id: of the record that it changes; None: it makes a new one.
    :param removes: whether that record is gone then.
    :param file: that it attaches, as the ledger tells it.
    """

    connection: Connection
    data_type: DataType
    body: Mapping[str, object]
    outcome: Outcome
    timeout_minutes: int | None
    idempotency_key: str | None = None
    stranger: bool = False
    record_id: str | None = None
    change: str = "Created"
    removes: bool = False
    file: Mapping[str, object] | None = None

    @property
    def key(self) -> RecordKey:
        """What the record is found by that it changes."""
        return self.connection.id, self.data_type.key, self.record_id or ""


class Books:
    """Keep push operations in the order of acceptance.

    :param settle_seconds: from acceptance to the last status.
    :param list_lag_seconds: from acceptance to the appearance in the list.
    """

    def __init__(self, settle_seconds: float, list_lag_seconds: float) -> None:
        self._settle_seconds = settle_seconds
        self._list_lag_seconds = list_lag_seconds
        self._by_key: dict[str, PushOperation] = {}
        # Acceptance is in the clock's order, so each list is sorted by requested_at.
        self._by_company: defaultdict[str, list[PushOperation]] = defaultdict(list)
        self._typed_in: list[Record] = []
        self._origins: dict[RecordKey, PushOperation | Record] = {}
        self._revisions = Revisions()
        self._taken: set[tuple[str, str, str] | None] = set()
        self._files: list[tuple[PushOperation, Mapping[str, object]]] = []

    def accept(self, order: Order, now: float) -> PushOperation:
        """Turn an order into a push operation."""
        held = self._held(order, now)
        outcome = order.outcome
        if outcome.lands_seconds is not None and order.file is None:
            taken = self._take(order.connection, order.data_type, order.body, held)
            outcome = outcome if taken is None else refused(taken)
        never = outcome.status is None
        settle_at = None if never else self.settle_at(now) + outcome.waits_seconds
        integration = order.connection.integration
        operation = PushOperation(
            key=str(uuid.uuid4()),
            company_id=order.connection.company_id,
            connection_id=order.connection.id,
            requested_at=now,
            settle_at=settle_at,
            timeout_minutes=order.timeout_minutes,
            outcome=outcome,
            record_id=order.record_id or integration.record_id(order.body),
            data_type=order.data_type.key,
            change=order.change,
            body_text=json.dumps(order.body),
            idempotency_key=order.idempotency_key,
            stranger=order.stranger,
            early_change=integration.names_change_early,
            attachment_id=None if order.file is None else str(uuid.uuid4()),
        )
        self._by_key[operation.key] = operation
        self._by_company[operation.company_id].append(operation)
        self._note(operation, order, held)
        return operation

    @property
    def accepted(self) -> int:
        """How many push operations were accepted."""
        return len(self._by_key)

    def accepted_since(self, count: int) -> list[PushOperation]:
        """Return the push operations that were accepted after the first so many."""
        return list(islice(self._by_key.values(), count, None))

    def settle_at(self, now: float) -> float:
        """Return when an operation that is accepted now reaches its last status."""
        return now + self._settle_seconds

    def get(self, company_id: str, key: str) -> PushOperation | None:
        """Return one operation of a company, listed or not."""
        operation = self._by_key.get(key.lower())
        if operation is None or operation.company_id != company_id:
            return None
        return operation

    def listed(self, company_id: str, now: float) -> tuple[list[PushOperation], int]:
        """Return a company's operations, oldest first, and how many are listed yet.

        The list itself is returned, not a copy: a page needs only a slice of it.
        """
        operations = self._by_company[company_id]
        if not self._list_lag_seconds:
            return operations, len(operations)
        until = now - self._list_lag_seconds
        count = bisect_right(operations, until, key=lambda each: each.requested_at)
        return operations, count

    def operations(self, now: float) -> list[Mapping[str, object]]:
        """Return all operations as Codat shows them, oldest first."""
        return [each.view(now) for each in self._by_key.values()]

    def settle_creates(self, now: float) -> int:
        """End creates that are pending, as they would have ended; return how many.

        What never ends does not end now. What changes a record keeps its time.
        """
        pending = [
            each
            for each in self._by_key.values()
            if each.settle_at and each.settle_at > now and each.creates
        ]
        for each in pending:
            each.settle_at = now
        return len(pending)

    def type_in(
        self,
        connection: Connection,
        data_type: DataType,
        body: Mapping[str, object],
        now: float,
    ) -> Record:
        """Write a record straight into the books, without a push operation.

        :raises ValueError: when the software holds one that it must differ from.
        """
        taken = self._take(connection, data_type, body)
        if taken is not None:
            raise ValueError(taken["message"])
        record_id = connection.integration.record_id(body)
        record = Record(record_id, connection, data_type.key, body, now, now)
        self._typed_in.append(record)
        self._origins[record.key] = record
        return record

    def edit(
        self, record: Record, properties: Mapping[str, object], now: float
    ) -> Record:
        """Change a record by hand.

        :raises ValueError: when the software holds one that it must differ from.
        """
        row = DATA_TYPES[record.data_type]
        taken = self._take(record.connection, row, properties, record)
        if taken is not None:
            raise ValueError(taken["message"])
        change = Change(now, properties, pushed=False)
        self._revisions.note(record.key, change)
        return record.changed(change)

    def record(self, key: RecordKey, until: float) -> Record | None:
        """Return one record as it stands at a time, or None."""
        origin = self._origins.get(key)
        if isinstance(origin, PushOperation):
            lands_at = origin.lands_at
            origin = None if lands_at is None else _record(lands_at, origin)
        if origin is None or origin.lands_at > until:
            return None
        found = self._revisions.applied(origin, until)
        return None if found.is_gone else found

    def has(
        self, connection_id: str, kinds: Iterable[str], record_id: str, until: float
    ) -> bool:
        """Whether a connection has a record of one of some data types by then."""
        keys = ((connection_id, kind, record_id) for kind in kinds)
        found = (self.record(key, until) for key in keys)
        return any(each is not None and not each.is_deleted for each in found)

    def files(self, now: float) -> list[Mapping[str, object]]:
        """Return the files that are attached by now, oldest first."""
        return [
            {**file, "record_id": by.record_id, "data_type": by.data_type}
            for by, file in self._files
            if by.lands_at is not None and by.lands_at <= now
        ]

    def records(self, now: float) -> list[Record]:
        """Return what stands in the books by now, oldest first."""
        return self._standing(lambda _connection_id: now)

    def pictured(self, taken_at: Mapping[str, float]) -> list[Record]:
        """Return what stood in the books when pictures were taken, oldest first.

        :param taken_at: the time of each connection's picture; where there is none,
            nothing is seen.
        """
        return self._standing(lambda each: taken_at.get(each, -math.inf))

    def counts_by_name(self, now: float) -> Counter[str]:
        """Return how many records stand in the books under each name."""
        bodies = self._bodies(now)
        return Counter(name_of(DATA_TYPES[key[1]], body) or "" for key, body in bodies)

    def counts_by_type(self, now: float) -> Counter[str]:
        """Return how many records of each data type stand in the books."""
        return Counter(key[1] for key, _ in self._bodies(now))

    def _bodies(self, now: float) -> Iterator[tuple[RecordKey, Mapping[str, object]]]:
        # One record at a time: all of a hundred thousand at once are many megabytes.
        landed = (
            ((each.connection_id, each.data_type, each.record_id), each.body)
            for _, each in self._landed(now)
        )
        typed_in = ((each.key, each.body) for each in self._typed_in)
        for key, first in chain(landed, typed_in):
            body = self._revisions.body(key, first, now)
            if body is not None and lookup(body, "metadata.isDeleted") is not True:
                yield key, body

    def _standing(self, until: Callable[[str], float]) -> list[Record]:
        """Return the records as they stand at a time of each connection's own."""
        landed = (_record(*each) for each in self._landed(math.inf))
        found = [
            self._revisions.applied(each, until(each.connection.id))
            for each in chain(landed, self._typed_in)
            if each.lands_at <= until(each.connection.id)
        ]
        standing = (each for each in found if not each.is_gone)
        return sorted(standing, key=lambda each: each.lands_at)

    def _landed(self, now: float) -> Iterator[tuple[float, PushOperation]]:
        for operation in self._by_key.values():
            lands_at = operation.lands_at
            if lands_at is not None and lands_at <= now and operation.creates:
                yield lands_at, operation

    def _held(self, order: Order, now: float) -> Record | None:
        """Return the record that an order changes, as it will stand then."""
        if order.record_id is None:
            return None
        return self.record(order.key, self.settle_at(now))

    def _note(
        self, operation: PushOperation, order: Order, held: Record | None
    ) -> None:
        """Keep what an operation does to the books."""
        lands_at = operation.lands_at
        if lands_at is None:
            return
        if operation.creates:
            key = (operation.connection_id, operation.data_type, operation.record_id)
            self._origins[key] = operation
        elif order.file is not None:
            file = {"attachment_id": operation.attachment_id, **order.file}
            self._files.append((operation, file))
        elif held is not None:
            change = Change(
                lands_at, operation.body, pushed=True, removes=order.removes
            )
            self._revisions.note(held.key, change)

    def _take(
        self,
        connection: Connection,
        data_type: DataType,
        body: Mapping[str, object],
        held: Record | None = None,
    ) -> Issue | None:
        """Note what must be unique; an issue where it is not.

        :param held: the record that changes, and whose old value is given back.
        """
        name = connection.integration.unique_in(body)
        value = body.get(name) if name else None
        if name is None or value is None:
            return None
        place = (connection.id, data_type.key)
        taken = (*place, str(value).casefold())
        old = held.body.get(name) if held is not None else None
        given_back = (*place, str(old).casefold()) if old is not None else None
        if taken in self._taken and taken != given_back:
            return issue(pascal(name), f"This {name} exists already.")
        self._taken.discard(given_back)
        self._taken.add(taken)
        return None


def _record(lands_at: float, operation: PushOperation) -> Record:
    return Record(
        record_id=operation.record_id,
        connection=ALL_CONNECTIONS[operation.connection_id],
        data_type=operation.data_type,
        body=operation.body,
        lands_at=lands_at,
        modified_at=lands_at,
        push_operation_key=operation.key,
        idempotency_key=operation.idempotency_key,
        stranger=operation.stranger,
    )
