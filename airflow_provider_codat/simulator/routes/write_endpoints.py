"""What Codat answers where a customer is created or updated."""

from collections.abc import Callable, Mapping

from airflow_provider_codat.simulator.books.books import Books, Order
from airflow_provider_codat.simulator.books.cache import DataCache
from airflow_provider_codat.simulator.books.operations import Outcome
from airflow_provider_codat.simulator.books.outcomes import decided, not_updated
from airflow_provider_codat.simulator.books.software import as_changed, as_kept
from airflow_provider_codat.simulator.misfortunes import Misfortune, Stage
from airflow_provider_codat.simulator.replies import RefusedError, Reply
from airflow_provider_codat.simulator.routes.arrivals import Arrival
from airflow_provider_codat.simulator.routes.lookup import Companies, not_supported
from airflow_provider_codat.simulator.rules.contract import (
    check_customer,
    parse_customer,
)
from airflow_provider_codat.simulator.settings import Settings
from airflow_provider_codat.simulator.world import Connection

_INT32 = 2**31 - 1
_CHANGED = (
    "The record has changed in the accounting software since it was last read: "
    "pull the data again, or set forceUpdate."
)


class WriteEndpoints:
    """Accept customers, and updates of customers.

    :param companies: whose customers they are.
    :param books: where push operations are kept.
    :param cache: what Codat has read of the software.
    :param settings: whether bodies are checked, and how updates are refused.
    :param now: tells the server's time.
    :param strike: tells what befalls a request at a stage.
    """

    def __init__(
        self,
        companies: Companies,
        books: Books,
        cache: DataCache,
        settings: Settings,
        now: Callable[[], float],
        strike: Callable[[Stage, Arrival], Misfortune | None],
    ) -> None:
        self._companies = companies
        self._books = books
        self._cache = cache
        self._settings = settings
        self._now = now
        self._strike = strike
        self.by_name: dict[str, Callable[[Arrival], Reply]] = {
            "create": self.create,
            "update": self.update,
        }

    def create(self, arrival: Arrival) -> Reply:
        """Accept a customer."""
        connection = self._writable(arrival)
        timeout = _timeout_minutes(arrival.params)
        customer = self._customer(arrival)
        keys = arrival.idempotency_keys
        order = Order(
            connection=connection,
            customer=as_kept(connection, customer),
            outcome=self._decided(arrival, connection, customer),
            timeout_minutes=timeout,
            idempotency_key=keys[0] if keys else None,
        )
        return self._accept(order)

    def update(self, arrival: Arrival) -> Reply:
        """Accept an update of a customer."""
        connection = self._writable(arrival)
        timeout = _timeout_minutes(arrival.params)
        forced = _is_true(arrival.params, "forceUpdate", default=False)
        customer = self._customer(arrival)
        record_id = arrival.match.ids["customer"]
        refusal = self._refusal(connection, record_id, forced=forced)
        if refusal is not None and self._settings.update_refusals == "request":
            raise refusal
        order = Order(
            connection=connection,
            customer=as_changed(customer),
            outcome=self._decided(arrival, connection, customer, refusal),
            timeout_minutes=timeout,
            record_id=record_id,
        )
        return self._accept(order)

    def _writable(self, arrival: Arrival) -> Connection:
        connection = self._companies.connection_of(arrival)
        if "customers" not in connection.integration.models:
            raise not_supported("customers", connection.integration)
        if connection.status != "Linked":
            raise RefusedError(
                400, f"Data connection {connection.id} is not linked: cannot write."
            )
        return connection

    def _accept(self, order: Order) -> Reply:
        now = self._now()
        operation = self._books.accept(order, now)
        return Reply(200, operation.text(now))

    def _customer(self, arrival: Arrival) -> dict[str, object]:
        customer = parse_customer(arrival.body)
        if self._settings.validate:
            check_customer(customer)
        return customer

    def _decided(
        self,
        arrival: Arrival,
        connection: Connection,
        customer: Mapping[str, object],
        refusal: RefusedError | None = None,
    ) -> Outcome:
        misfortune = self._strike("outcome", arrival)
        if misfortune is None and refusal is not None:
            return not_updated(str(refusal))
        validate = self._settings.validate
        return decided(connection, customer, misfortune, validate=validate)

    def _refusal(
        self, connection: Connection, record_id: str, *, forced: bool
    ) -> RefusedError | None:
        """Return why a record cannot be updated, or None.

        The software is asked when the operation settles: of two updates under way at
        once, the second finds the record changed by the first.
        """
        now = self._now()
        key = (connection.id, record_id)
        record = self._books.record(key, self._books.settle_at(now))
        if record is None or record.is_deleted:
            return RefusedError(404, f"No customer was found with ID {record_id}")
        known = self._cache.modified_at(connection.company_id, key, now)
        if forced or known == record.modified_at:
            return None
        return RefusedError(400, _CHANGED)


def _is_true(params: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = params.get(name, str(default)).lower()
    if text not in {"true", "false"}:
        raise RefusedError(400, f"{name} must be true or false.")
    return text == "true"


def _timeout_minutes(params: Mapping[str, str]) -> int | None:
    _is_true(params, "allowSyncOnPushComplete", default=True)
    text = params.get("timeoutInMinutes")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and int(text[:12]) <= _INT32):
        raise RefusedError(400, "timeoutInMinutes must be a whole number.")
    return int(text)
