"""Customers that somebody else puts into the books."""

from collections.abc import Mapping

from airflow_provider_codat.simulator.books.books import Order
from airflow_provider_codat.simulator.books.outcomes import decided
from airflow_provider_codat.simulator.books.revisions import Record
from airflow_provider_codat.simulator.books.software import as_kept
from airflow_provider_codat.simulator.misfortunes import STAGES, Misfortune
from airflow_provider_codat.simulator.replies import RefusedError
from airflow_provider_codat.simulator.rules.contract import check_customer
from airflow_provider_codat.simulator.service import Codat


def push(
    codat: Codat,
    customer: dict[str, object],
    connection_id: str,
    outcome: str | None,
    seconds: float | None,
) -> Mapping[str, object]:
    """Push a customer as another client of the API, and return the push operation.

    :param codat: where.
    :param customer: the body.
    :param connection_id: of any company.
    :param outcome: a kind of misfortune that befalls an accepted customer, or None.
    :param seconds: of that misfortune.
    :raises ValueError: when Codat would not accept it.
    """
    connection = codat.companies.connection(connection_id)
    if "customers" not in connection.integration.models:
        raise ValueError("The software takes no customers by way of Codat.")
    if connection.status != "Linked":
        raise ValueError("The connection is not linked: cannot write.")
    validate = codat.settings.validate
    if validate:
        _check(customer)
    now = codat.clock.now()
    order = Order(
        connection=connection,
        customer=as_kept(connection, customer),
        outcome=decided(
            connection, customer, _misfortune(outcome, seconds), validate=validate
        ),
        timeout_minutes=None,
        stranger=True,
    )
    return codat.books.accept(order, now).view(now)


def type_in(codat: Codat, customer: dict[str, object], connection_id: str) -> Record:
    """Type a customer straight into the accounting software.

    :param codat: where.
    :param customer: what the record says.
    :param connection_id: of any company, linked or not.
    :raises ValueError: when the software refuses it.
    """
    connection = codat.companies.connection(connection_id)
    kept = as_kept(connection, customer)
    return codat.books.type_in(connection, kept, codat.clock.now())


def edit(codat: Codat, record_id: str, changes: dict[str, object]) -> Record:
    """Change a record by hand, in the accounting software.

    :param codat: where.
    :param record_id: which record, of any connection.
    :param changes: properties and what they are from now on; a record keeps its id.
    :raises ValueError: when there is no such record, or the software refuses it.
    """
    if "id" in changes:
        raise ValueError("A record keeps its id.")
    now = codat.clock.now()
    for record in codat.books.records(now):
        if record.record_id == record_id:
            return codat.books.edit(record, changes, now)
    raise ValueError("record_id must be that of a record in the books.")


def _check(customer: dict[str, object]) -> None:
    try:
        check_customer(customer)
    except RefusedError as refusal:
        raise ValueError(str(refusal)) from refusal


def _misfortune(outcome: str | None, seconds: float | None) -> Misfortune | None:
    if outcome is None:
        return None
    if STAGES.get(outcome) != "outcome":
        kinds = [kind for kind, stage in STAGES.items() if stage == "outcome"]
        raise ValueError(f"outcome must be one of: {', '.join(kinds)}.")
    return Misfortune(outcome, seconds=seconds)
