"""What Codat answers where data is refreshed and read back."""

from collections.abc import Callable

from airflow_provider_codat.simulator.books.cache import DataCache
from airflow_provider_codat.simulator.books.pull_operations import (
    DATA_TYPES,
    PullOutcome,
    pull_outcome,
)
from airflow_provider_codat.simulator.misfortunes import Misfortune, Stage
from airflow_provider_codat.simulator.replies import RefusedError, Reply, json_reply
from airflow_provider_codat.simulator.routes.arrivals import Arrival
from airflow_provider_codat.simulator.routes.listing import (
    PULL_FIELDS,
    record_fields,
    views_page,
)
from airflow_provider_codat.simulator.routes.lookup import (
    Companies,
    connection_in,
    not_supported,
    path_id,
)
from airflow_provider_codat.simulator.routes.paging import asked_page
from airflow_provider_codat.simulator.rules.idempotency import is_guid
from airflow_provider_codat.simulator.world import Company, Connection


class DataEndpoints:
    """Start refreshes, and show what they have brought.

    :param companies: whose data it is.
    :param cache: where pull operations are kept.
    :param now: tells the server's time.
    :param strike: tells what befalls a request at a stage.
    """

    def __init__(
        self,
        companies: Companies,
        cache: DataCache,
        now: Callable[[], float],
        strike: Callable[[Stage, Arrival], Misfortune | None],
    ) -> None:
        self._companies = companies
        self._cache = cache
        self._now = now
        self._strike = strike
        self.by_name: dict[str, Callable[[Arrival], Reply]] = {
            "refresh": self.refresh,
            "refresh_all": self.refresh_all,
            "list_pulls": self.list_pulls,
            "get_pull": self.get_pull,
            "data_status": self.data_status,
            "list_customers": self.list_records,
            "get_customer": self.get_record,
            "list_records": self.list_records,
            "get_record": self.get_record,
        }

    def refresh(self, arrival: Arrival) -> Reply:
        """Start to read one data type again."""
        company = self._companies.company_of(arrival)
        connections = _asked_connections(company, arrival.params.get("connectionId"))
        data_type = arrival.match.ids["data_type"]
        integration = connections[0].integration
        if data_type not in DATA_TYPES or integration.source_type != "Accounting":
            raise not_supported(data_type, integration)
        now = self._now()
        running = self._cache.running(company.id, data_type, now)
        if running is not None:
            # Of the statuses that Codat lists for this route, only 400 fits.
            raise RefusedError(
                400,
                f"DatasetAlreadyInProgressException: Cannot queue {data_type} sync for "
                f"{company.id} as previous sync {running.id} is still in progress",
            )
        outcome = self._outcome(arrival, connections)
        pull = self._cache.start(connections, data_type, outcome, now)
        return json_reply(pull.view(now))

    def refresh_all(self, arrival: Arrival) -> Reply:
        """Start to read all that is fetched on the first link and not being read."""
        company = self._companies.company_of(arrival)
        connections = _asked_connections(company, None)
        now = self._now()
        for data_type, on_first_link in DATA_TYPES.items():
            idle = self._cache.running(company.id, data_type, now) is None
            if on_first_link and idle:
                outcome = self._outcome(arrival, connections)
                self._cache.start(connections, data_type, outcome, now)
        return Reply(204, b"")

    def list_pulls(self, arrival: Arrival) -> Reply:
        """Show a page of a company's pull operations."""
        company = self._companies.company_of(arrival)
        page = asked_page(arrival.path, arrival.params, PULL_FIELDS)
        now = self._now()
        return views_page(
            page, [each.view(now) for each in self._cache.history(company.id)]
        )

    def get_pull(self, arrival: Arrival) -> Reply:
        """Show one pull operation."""
        company = self._companies.company_of(arrival)
        dataset_id = path_id(arrival, "dataset")
        for pull in self._cache.history(company.id):
            if pull.id == dataset_id:
                return json_reply(pull.view(self._now()))
        raise RefusedError(404, f"Dataset {dataset_id} not found")

    def data_status(self, arrival: Arrival) -> Reply:
        """Show how fresh each data type is."""
        company = self._companies.company_of(arrival)
        return json_reply(self._cache.status(company.id, self._now()))

    def list_records(self, arrival: Arrival) -> Reply:
        """Show a page of the records that Codat has read."""
        fields = record_fields(arrival.match.data_type.key)
        page = asked_page(arrival.path, arrival.params, fields)
        return views_page(page, self._read(arrival))

    def get_record(self, arrival: Arrival) -> Reply:
        """Show one record that Codat has read."""
        record_id, data_type = arrival.match.ids["record"], arrival.match.data_type
        for record in self._read(arrival):
            if record["id"] == record_id:
                return json_reply(record)
        raise RefusedError(
            404, f"No data available for {data_type.key} for ID {record_id}"
        )

    def _read(self, arrival: Arrival) -> list[dict[str, object]]:
        """Return what Codat has read: of a company, or of one of its connections."""
        company = self._companies.company_of(arrival)
        key = arrival.match.data_type.key
        found = self._cache.records(company.id, key, self._now())
        if "connection" in arrival.match.ids:
            connection = self._companies.connection_of(arrival)
            found = [each for each in found if each[0].connection.id == connection.id]
        return [view for _, view in found]

    def _outcome(self, arrival: Arrival, connections: list[Connection]) -> PullOutcome:
        misfortune = self._strike("refresh", arrival)
        if misfortune is None and connections[0].status != "Linked":
            return PullOutcome(
                "AuthError", error_message="The software must be linked."
            )
        return pull_outcome(misfortune)


def _asked_connections(company: Company, connection_id: str | None) -> list[Connection]:
    """Return what is to be read: one connection, or the accounting that is linked.

    Where none is linked it is the first one, which then cannot be read.
    """
    if connection_id is None:
        books = [
            each
            for each in company.connections
            if each.integration.source_type == "Accounting"
        ]
        return [each for each in books if each.status == "Linked"] or books[:1]
    if not is_guid(connection_id):
        raise RefusedError(400, "connectionId is not a valid UUID.")
    return [connection_in(company, connection_id.lower())]
