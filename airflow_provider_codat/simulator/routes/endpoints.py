"""What Codat answers on each route: one function per row of the routes' table."""

from collections.abc import Callable, Mapping

from airflow_provider_codat.simulator.books.books import Books
from airflow_provider_codat.simulator.replies import (
    RefusedError,
    Reply,
    json_reply,
)
from airflow_provider_codat.simulator.routes.arrivals import Arrival
from airflow_provider_codat.simulator.routes.listing import (
    COMPANY_FIELDS,
    CONNECTION_FIELDS,
    INTEGRATION_FIELDS,
    OPERATION_FIELDS,
    operations_page,
    views_page,
)
from airflow_provider_codat.simulator.routes.lookup import (
    Companies,
    not_supported,
    path_id,
)
from airflow_provider_codat.simulator.routes.paging import asked_page
from airflow_provider_codat.simulator.rules.integrations import INTEGRATIONS


class Endpoints:
    """Answer requests that have passed authorisation, limits and idempotency.

    :param companies: whose push operations and connections they are.
    :param books: where push operations are kept.
    :param now: tells the server's time.
    :param others: the functions of the other modules, by route.
    """

    def __init__(
        self,
        companies: Companies,
        books: Books,
        now: Callable[[], float],
        others: Mapping[str, Callable[[Arrival], Reply]],
    ) -> None:
        self._companies = companies
        self._books = books
        self._now = now
        self._by_name: dict[str, Callable[[Arrival], Reply]] = {
            "get_push": self.get_push,
            "list_push": self.list_push,
            "options": self.options,
            "companies": self.companies,
            "company": self.company,
            "connections": self.connections,
            "connection": self.connection,
            "integrations": self.integrations,
            "integration": self.integration,
            **others,
        }

    def answer(self, arrival: Arrival) -> Reply:
        """Answer on the route that the request has found."""
        assert arrival.match.name is not None
        try:
            return self._by_name[arrival.match.name](arrival)
        except RefusedError as refusal:
            return refusal.reply

    def get_push(self, arrival: Arrival) -> Reply:
        """Show one push operation; it need not be listed yet."""
        company = self._companies.company_of(arrival)
        key = path_id(arrival, "operation")
        operation = self._books.get(company.id, key)
        if operation is None:
            raise RefusedError(404, f"Push operation {key} not found")
        return Reply(200, operation.text(self._now()))

    def list_push(self, arrival: Arrival) -> Reply:
        """Show a page of a company's push operations."""
        company = self._companies.company_of(arrival)
        page = asked_page(arrival.path, arrival.params, OPERATION_FIELDS)
        now = self._now()
        operations, count = self._books.listed(company.id, now)
        return operations_page(page, operations, count, now)

    def options(self, arrival: Arrival) -> Reply:
        """Show an integration's model for one data type."""
        integration = self._companies.connection_of(arrival).integration
        data_type = arrival.match.ids["data_type"]
        model = integration.models.get(data_type)
        if model is None:
            raise not_supported(data_type, integration)
        return json_reply(model)

    def companies(self, arrival: Arrival) -> Reply:
        """Show a page of the companies."""
        page = asked_page(arrival.path, arrival.params, COMPANY_FIELDS)
        return views_page(page, [each.view() for each in self._companies.all()])

    def company(self, arrival: Arrival) -> Reply:
        """Show one company."""
        return json_reply(self._companies.company_of(arrival).view())

    def connections(self, arrival: Arrival) -> Reply:
        """Show a page of a company's connections."""
        company = self._companies.company_of(arrival)
        page = asked_page(arrival.path, arrival.params, CONNECTION_FIELDS)
        return views_page(page, [each.view() for each in company.connections])

    def connection(self, arrival: Arrival) -> Reply:
        """Show one connection."""
        return json_reply(self._companies.connection_of(arrival).view())

    def integrations(self, arrival: Arrival) -> Reply:
        """Show a page of the integrations."""
        page = asked_page(arrival.path, arrival.params, INTEGRATION_FIELDS)
        return views_page(page, [each.view() for each in INTEGRATIONS.values()])

    def integration(self, arrival: Arrival) -> Reply:
        """Show one integration."""
        key = arrival.match.ids["platform"]
        integration = INTEGRATIONS.get(key)
        if integration is None:
            raise RefusedError(404, f"No integration was found with key {key}")
        return json_reply(integration.view())
