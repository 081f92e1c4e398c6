"""Which books a task writes into: they stay the same over all of its tries."""

from typing import TYPE_CHECKING, Any

from airflow_provider_codat.api.errors import SettingsInvalid
from airflow_provider_codat.api.models import Destination, checked_uuid
from airflow_provider_codat.journal import TaskStateConnection
from airflow_provider_codat.tasks.arguments import argument

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_codat.operators.write import WriteOperator


def destination_of(task: "WriteOperator[Any]", context: "Context") -> Destination:
    """Return where a task writes to.

    A connection that the author did not name is looked for once. A later try stays
    with it: another one would have another idempotency key.

    :raises SettingsInvalid: when an id is no UUID, or several connections might be
        meant.
    :raises ConnectionUnusable: when the company has none.
    """
    if task.connection_id is not None:
        return argument(Destination, task.company_id, task.connection_id)
    company_id = argument(checked_uuid, task.company_id, "company_id")
    kept = _kept(task, context)
    connection_id = kept.of(company_id) if kept else ""
    if not connection_id:
        try:
            connection_id = task.hook.find_connection(company_id)
        except ValueError as error:
            raise SettingsInvalid(str(error)) from error
        if kept:
            kept.keep(company_id, connection_id)
    task.log.info("Writing over connection %s", connection_id)
    return Destination(company_id, connection_id)


def known_connection(
    task: "WriteOperator[Any]", company_id: str, context: "Context"
) -> str:
    """Return the connection that a task has written over; empty if nobody kept it.

    It is not looked for anew: by now the company may have another one, or none.

    :raises SettingsInvalid: when the author's is no UUID.
    """
    if task.connection_id is not None:
        return argument(Destination, company_id, task.connection_id).connection_id
    kept = _kept(task, context)
    return kept.of(company_id) if kept else ""


def _kept(task: "WriteOperator[Any]", context: "Context") -> TaskStateConnection | None:
    store = context.get("task_state_store") if task.durable else None
    return None if store is None else TaskStateConnection(store)
