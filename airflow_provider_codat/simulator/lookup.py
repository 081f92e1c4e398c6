"""Finding what the ids in a path name."""

from airflow_provider_codat.simulator.arrivals import Arrival
from airflow_provider_codat.simulator.idempotency import is_guid
from airflow_provider_codat.simulator.integrations import Integration
from airflow_provider_codat.simulator.replies import RefusedError
from airflow_provider_codat.simulator.world import COMPANIES, Company, Connection


def path_id(arrival: Arrival, name: str) -> str:
    """Return an id of the path in its usual form.

    :raises RefusedError: 400, when it is not a UUID.
    """
    value = arrival.match.ids[name]
    if not is_guid(value):
        raise RefusedError(400, f"The {name} id in the path is not a valid UUID.")
    return value.lower()


def company_of(arrival: Arrival) -> Company:
    """Return the company of the path.

    :raises RefusedError: 400 for a malformed id, 404 for an unknown one.
    """
    company_id = path_id(arrival, "company")
    company = COMPANIES.get(company_id)
    if company is None:
        raise RefusedError(404, f"No company was found with ID {company_id}")
    return company


def connection_of(arrival: Arrival) -> Connection:
    """Return the connection of the path.

    :raises RefusedError: 400 for a malformed id, 404 for an unknown one.
    """
    return connection_in(company_of(arrival), path_id(arrival, "connection"))


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
