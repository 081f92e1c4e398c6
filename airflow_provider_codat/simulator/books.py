"""All push operations, and what stands in the accounting software's books."""

import json
import uuid
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from airflow_provider_codat.simulator.clock import utc_text
from airflow_provider_codat.simulator.contract import pascal
from airflow_provider_codat.simulator.operations import Outcome, PushOperation
from airflow_provider_codat.simulator.outcomes import refused
from airflow_provider_codat.simulator.replies import Issue, issue
from airflow_provider_codat.simulator.world import ALL_CONNECTIONS, Connection


@dataclass(frozen=True, slots=True)
class Order:
    """An accepted customer, before it becomes a push operation."""

    connection: Connection
    customer: Mapping[str, object]
    outcome: Outcome
    timeout_minutes: int | None
    idempotency_key: str | None = None
    stranger: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """One customer that stands in the books.

    :param lands_at: since when.
    :param push_operation_key: what created it; None: it was typed in.
    :param stranger: whether somebody else put it there.
    """

    record_id: str
    connection: Connection
    customer: Mapping[str, object]
    lands_at: float
    push_operation_key: str | None = None
    idempotency_key: str | None = None
    stranger: bool = True

    def view(self) -> dict[str, object]:
        """Return it as plain data."""
        return {
            "record_id": self.record_id,
            "company_id": self.connection.company_id,
            "connection_id": self.connection.id,
            "customer": self.customer,
            "push_operation_key": self.push_operation_key,
            "idempotency_key": self.idempotency_key,
            "stranger": self.stranger,
            "created_at": utc_text(self.lands_at),
        }


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
        self._taken: set[tuple[str, str]] = set()

    def accept(self, order: Order, now: float) -> PushOperation:
        """Turn an order into a push operation."""
        outcome = order.outcome
        if outcome.lands_seconds is not None:
            taken = self._take(order.connection, order.customer)
            outcome = outcome if taken is None else refused(taken)
        settle_at = None
        if outcome.status is not None:
            settle_at = now + self._settle_seconds + outcome.waits_seconds
        integration = order.connection.integration
        operation = PushOperation(
            key=str(uuid.uuid4()),
            company_id=order.connection.company_id,
            connection_id=order.connection.id,
            requested_at=now,
            settle_at=settle_at,
            timeout_minutes=order.timeout_minutes,
            outcome=outcome,
            record_id=integration.record_id(order.customer),
            customer_text=json.dumps(order.customer),
            idempotency_key=order.idempotency_key,
            stranger=order.stranger,
            early_change=integration.names_change_early,
        )
        self._by_key[operation.key] = operation
        self._by_company[operation.company_id].append(operation)
        return operation

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
        record = Record(record_id, connection, customer, now)
        self._typed_in.append(record)
        return record

    def records(self, now: float) -> list[Record]:
        """Return what stands in the books by now, oldest first."""
        landed = [_record(*each) for each in self._landed(now)]
        return sorted(landed + self._typed_in, key=lambda each: each.lands_at)

    def counts_by_name(self, now: float) -> Counter[str]:
        """Return how many records stand in the books under each customerName."""
        # One customer at a time: all of a hundred thousand at once are many megabytes.
        landed = (operation.customer for _, operation in self._landed(now))
        typed_in = (record.customer for record in self._typed_in)
        customers = chain(landed, typed_in)
        return Counter(str(each.get("customerName") or "") for each in customers)

    def _landed(self, now: float) -> Iterator[tuple[float, PushOperation]]:
        for operation in self._by_key.values():
            lands_at = operation.lands_at
            if lands_at is not None and lands_at <= now:
                yield lands_at, operation

    def _take(
        self, connection: Connection, customer: Mapping[str, object]
    ) -> Issue | None:
        """Note what must be unique; an issue where it is not."""
        name = connection.integration.unique
        value = customer.get(name) if name else None
        if name is None or value is None:
            return None
        taken = (connection.id, str(value).casefold())
        if taken in self._taken:
            return issue(pascal(name), f"This {name} exists already.")
        self._taken.add(taken)
        return None


def _record(lands_at: float, operation: PushOperation) -> Record:
    return Record(
        record_id=operation.record_id,
        connection=ALL_CONNECTIONS[operation.connection_id],
        customer=operation.customer,
        lands_at=lands_at,
        push_operation_key=operation.key,
        idempotency_key=operation.idempotency_key,
        stranger=operation.stranger,
    )
