"""All push operations, and what stands in the accounting software's books."""

import json
import math
import uuid
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

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
from airflow_provider_codat.simulator.world import ALL_CONNECTIONS, Connection


@dataclass(frozen=True, slots=True)
class Order:
    """An accepted customer, before it becomes a push operation.

    :param record_id: of the record that it changes; None: it makes a new one.
    """

    connection: Connection
    customer: Mapping[str, object]
    outcome: Outcome
    timeout_minutes: int | None
    idempotency_key: str | None = None
    stranger: bool = False
    record_id: str | None = None


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
        self._taken: set[tuple[str, str] | None] = set()

    def accept(self, order: Order, now: float) -> PushOperation:
        """Turn an order into a push operation."""
        held = self._held(order, now)
        outcome = order.outcome
        if outcome.lands_seconds is not None:
            taken = self._take(order.connection, order.customer, held)
            outcome = outcome if taken is None else refused(taken)
        settle_at = None
        if outcome.status is not None:
            settle_at = self.settle_at(now) + outcome.waits_seconds
        integration = order.connection.integration
        operation = PushOperation(
            key=str(uuid.uuid4()),
            company_id=order.connection.company_id,
            connection_id=order.connection.id,
            requested_at=now,
            settle_at=settle_at,
            timeout_minutes=order.timeout_minutes,
            outcome=outcome,
            record_id=order.record_id or integration.record_id(order.customer),
            modifies=order.record_id is not None,
            customer_text=json.dumps(order.customer),
            idempotency_key=order.idempotency_key,
            stranger=order.stranger,
            early_change=integration.names_change_early,
        )
        self._by_key[operation.key] = operation
        self._by_company[operation.company_id].append(operation)
        self._note(operation, held)
        return operation

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
            if each.settle_at and each.settle_at > now and not each.modifies
        ]
        for each in pending:
            each.settle_at = now
        return len(pending)

    def type_in(
        self, connection: Connection, customer: Mapping[str, object], now: float
    ) -> Record:
        """Write a record straight into the books, without a push operation.

        :raises ValueError: when the software holds one that it must differ from.
        """
        taken = self._take(connection, customer)
        if taken is not None:
            raise ValueError(taken["message"])
        record_id = connection.integration.record_id(customer)
        record = Record(record_id, connection, customer, now, now)
        self._typed_in.append(record)
        self._origins[record.key] = record
        return record

    def edit(
        self, record: Record, properties: Mapping[str, object], now: float
    ) -> Record:
        """Change a record by hand.

        :raises ValueError: when the software holds one that it must differ from.
        """
        taken = self._take(record.connection, properties, record)
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
        return self._revisions.applied(origin, until)

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
        """Return how many records stand in the books under each customerName."""
        # One customer at a time: all of a hundred thousand at once are many megabytes.
        landed = (
            ((each.connection_id, each.record_id), each.customer)
            for _, each in self._landed(now)
        )
        typed_in = ((each.key, each.customer) for each in self._typed_in)
        customers = (
            self._revisions.customer(key, customer, now)
            for key, customer in chain(landed, typed_in)
        )
        return Counter(str(each.get("customerName") or "") for each in customers)

    def _standing(self, until: Callable[[str], float]) -> list[Record]:
        """Return the records as they stand at a time of each connection's own."""
        landed = (_record(*each) for each in self._landed(math.inf))
        found = [
            self._revisions.applied(each, until(each.connection.id))
            for each in chain(landed, self._typed_in)
            if each.lands_at <= until(each.connection.id)
        ]
        return sorted(found, key=lambda each: each.lands_at)

    def _landed(self, now: float) -> Iterator[tuple[float, PushOperation]]:
        for operation in self._by_key.values():
            lands_at = operation.lands_at
            if lands_at is not None and lands_at <= now and not operation.modifies:
                yield lands_at, operation

    def _held(self, order: Order, now: float) -> Record | None:
        """Return the record that an order changes, as it will stand then."""
        if order.record_id is None:
            return None
        return self.record((order.connection.id, order.record_id), self.settle_at(now))

    def _note(self, operation: PushOperation, held: Record | None) -> None:
        """Keep what an operation does to the books."""
        lands_at = operation.lands_at
        if lands_at is None:
            return
        if not operation.modifies:
            self._origins[operation.connection_id, operation.record_id] = operation
        elif held is not None:
            change = Change(lands_at, operation.customer, pushed=True)
            self._revisions.note(held.key, change)

    def _take(
        self,
        connection: Connection,
        customer: Mapping[str, object],
        held: Record | None = None,
    ) -> Issue | None:
        """Note what must be unique; an issue where it is not.

        :param held: the record that changes, and whose old value is given back.
        """
        name = connection.integration.unique
        value = customer.get(name) if name else None
        if name is None or value is None:
            return None
        taken = (connection.id, str(value).casefold())
        old = held.customer.get(name) if held is not None else None
        given_back = (connection.id, str(old).casefold()) if old is not None else None
        if taken in self._taken and taken != given_back:
            return issue(pascal(name), f"This {name} exists already.")
        self._taken.discard(given_back)
        self._taken.add(taken)
        return None


def _record(lands_at: float, operation: PushOperation) -> Record:
    return Record(
        record_id=operation.record_id,
        connection=ALL_CONNECTIONS[operation.connection_id],
        customer=operation.customer,
        lands_at=lands_at,
        modified_at=lands_at,
        push_operation_key=operation.key,
        idempotency_key=operation.idempotency_key,
        stranger=operation.stranger,
    )
