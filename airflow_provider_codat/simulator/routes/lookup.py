"""Finding what the ids in a path name."""

from dataclasses import replace

from airflow_provider_codat.simulator.replies import RefusedError
from airflow_provider_codat.simulator.routes.arrivals import Arrival
from airflow_provider_codat.simulator.rules.idempotency import is_guid
from airflow_provider_codat.simulator.rules.integrations import Integration
from airflow_provider_codat.simulator.world import (
    ALL_CONNECTIONS,
    COMPANIES,
    STATUSES,
    Company,
    Connection,
)


def path_id(arrival: Arrival, name: str) -> str:
    """Return an id of the path in its usual form.

    :raises RefusedError: 400, when it is not a UUID.
    """
    value = arrival.match.ids[name]
    if not is_guid(value):
        raise RefusedError(400, f"The {name} id in the path is not a valid UUID.")
    return value.lower()


class Companies:
    """The companies of one simulated Codat; a connection's status may change."""

    def __init__(self) -> None:
        self._by_id = dict(COMPANIES)

    def all(self) -> list[Company]:
        """Return all companies, oldest first."""
        return list(self._by_id.values())

    def company_of(self, arrival: Arrival) -> Company:
        """Return the company of the path.

        :raises RefusedError: 400 for a malformed id, 404 for an unknown one.
        """
        company_id = path_id(arrival, "company")
        company = self._by_id.get(company_id)
        if company is None:
            raise RefusedError(404, f"No company was found with ID {company_id}")
        return company

    def connection_of(self, arrival: Arrival) -> Connection:
        """Return the connection of the path.

        :raises RefusedError: 400 for a malformed id, 404 for an unknown one.
        """
        return connection_in(self.company_of(arrival), path_id(arrival, "connection"))

    def connection(self, connection_id: str) -> Connection:
        """Return a connection of any company.

        :raises ValueError: for an unknown id.
        """
        known = ALL_CONNECTIONS.get(connection_id)
        if known is None:
            raise ValueError(
                "connection_id must be one of the simulator's connections."
            )
        return connection_in(self._by_id[known.company_id], connection_id)

    def set_status(self, connection_id: str, status: str) -> None:
        """Change the status of a connection of any company.

        :raises ValueError: for an unknown id, or a status that Codat does not know.
        """
        if status not in STATUSES:
            raise ValueError(f"status must be one of: {', '.join(STATUSES)}.")
        changed = replace(self.connection(connection_id), status=status)
        company = self._by_id[changed.company_id]
        connections = tuple(
            changed if each.id == connection_id else each
            for each in company.connections
        )
        self._by_id[company.id] = replace(company, connections=connections)


def connection_in(company: Company, connection_id: str) -> Connection:
    """Return a connection of a company.

    :raises RefusedError: 404 for an unknown id.
    """
    for connection in company.connections:
        if connection.id == connection_id:
            return connection
    raise RefusedError(404, f"Data connection {connection_id} not found")


def not_supported(data_type: str, integration: Integration) -> RefusedError:
    """Return the refusal of a data type that an integration does not have."""
    return RefusedError(
        404,
        f"Datatype '{data_type}' not supported by platform(s) '{integration.name}'.",
    )
