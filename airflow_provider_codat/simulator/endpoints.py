"""What Codat answers on each route: one function per row of the routes' table."""

from collections.abc import Callable, Mapping

from airflow_provider_codat.simulator.arrivals import Arrival
from airflow_provider_codat.simulator.books import Books, Order
from airflow_provider_codat.simulator.contract import check_customer, parse_customer
from airflow_provider_codat.simulator.data_endpoints import DataEndpoints
from airflow_provider_codat.simulator.listing import (
    COMPANY_FIELDS,
    CONNECTION_FIELDS,
    OPERATION_FIELDS,
    operations_page,
    views_page,
)
from airflow_provider_codat.simulator.lookup import (
    company_of,
    connection_of,
    not_supported,
    path_id,
)
from airflow_provider_codat.simulator.misfortunes import Misfortune, Stage
from airflow_provider_codat.simulator.outcomes import decided
from airflow_provider_codat.simulator.paging import asked_page
from airflow_provider_codat.simulator.replies import (
    RefusedError,
    Reply,
    json_reply,
)
from airflow_provider_codat.simulator.software import as_kept
from airflow_provider_codat.simulator.world import COMPANIES

_INT32 = 2**31 - 1


class Endpoints:
    """Answer requests that have passed authorisation, limits and idempotency.

    :param books: where push operations are kept.
    :param now: tells the server's time.
    :param strike: tells what befalls a request at a stage.
    :param data: answers what is read back.
    :param validate: check bodies and models.
    """

    def __init__(
        self,
        books: Books,
        now: Callable[[], float],
        strike: Callable[[Stage, Arrival], Misfortune | None],
        data: DataEndpoints,
        *,
        validate: bool,
    ) -> None:
        self._books = books
        self._now = now
        self._strike = strike
        self._validate = validate
        self._by_name: dict[str, Callable[[Arrival], Reply]] = {
            "create": self.create,
            "get_push": self.get_push,
            "list_push": self.list_push,
            "options": self.options,
            "companies": self.companies,
            "company": self.company,
            "connections": self.connections,
            "connection": self.connection,
            **data.by_name,
        }

    def answer(self, arrival: Arrival) -> Reply:
        """Answer on the route that the request has found."""
        assert arrival.match.name is not None
        try:
            return self._by_name[arrival.match.name](arrival)
        except RefusedError as refusal:
            return refusal.reply

    def create(self, arrival: Arrival) -> Reply:
        """Accept a customer."""
        connection = connection_of(arrival)
        timeout = _timeout_minutes(arrival.params)
        if connection.status != "Linked":
            raise RefusedError(
                400, f"Data connection {connection.id} is not linked: cannot write."
            )
        customer = parse_customer(arrival.body)
        if self._validate:
            check_customer(customer)
        keys = arrival.idempotency_keys
        order = Order(
            connection=connection,
            customer=as_kept(connection, customer),
            outcome=decided(
                connection,
                customer,
                self._strike("outcome", arrival),
                validate=self._validate,
            ),
            timeout_minutes=timeout,
            idempotency_key=keys[0] if keys else None,
        )
        now = self._now()
        operation = self._books.accept(order, now)
        return Reply(200, operation.text(now))

    def get_push(self, arrival: Arrival) -> Reply:
        """Show one push operation; it need not be listed yet."""
        company = company_of(arrival)
        key = path_id(arrival, "operation")
        operation = self._books.get(company.id, key)
        if operation is None:
            raise RefusedError(404, f"Push operation {key} not found")
        return Reply(200, operation.text(self._now()))

    def list_push(self, arrival: Arrival) -> Reply:
        """Show a page of a company's push operations."""
        company = company_of(arrival)
        page = asked_page(arrival.path, arrival.params, OPERATION_FIELDS)
        now = self._now()
        operations, count = self._books.listed(company.id, now)
        return operations_page(page, operations, count, now)

    def options(self, arrival: Arrival) -> Reply:
        """Show an integration's model for one data type."""
        integration = connection_of(arrival).integration
        data_type = arrival.match.ids["data_type"]
        model = integration.models.get(data_type)
        if model is None:
            raise not_supported(data_type, integration)
        return json_reply(model)

    def companies(self, arrival: Arrival) -> Reply:
        """Show a page of the companies."""
        page = asked_page(arrival.path, arrival.params, COMPANY_FIELDS)
        return views_page(page, [each.view() for each in COMPANIES.values()])

    def company(self, arrival: Arrival) -> Reply:
        """Show one company."""
        return json_reply(company_of(arrival).view())

    def connections(self, arrival: Arrival) -> Reply:
        """Show a page of a company's connections."""
        company = company_of(arrival)
        page = asked_page(arrival.path, arrival.params, CONNECTION_FIELDS)
        return views_page(page, [each.view() for each in company.connections])

    def connection(self, arrival: Arrival) -> Reply:
        """Show one connection."""
        return json_reply(connection_of(arrival).view())


def _timeout_minutes(params: Mapping[str, str]) -> int | None:
    if params.get("allowSyncOnPushComplete", "true").lower() not in {"true", "false"}:
        raise RefusedError(400, "allowSyncOnPushComplete must be true or false.")
    text = params.get("timeoutInMinutes")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and int(text[:12]) <= _INT32):
        raise RefusedError(400, "timeoutInMinutes must be a whole number.")
    return int(text)
