"""Which books a task writes into: they stay the same over all of its tries."""

from typing import TYPE_CHECKING

from airflow_provider_codat.api.errors import SettingsInvalid
from airflow_provider_codat.api.models import Destination
from airflow_provider_codat.journal.cells import Store, TaskStateConnection

if TYPE_CHECKING:
    from airflow_provider_codat.tasks.identity import TaskRun
    from airflow_provider_codat.tasks.options import WriteOptions


def destination_of(run: "TaskRun", options: "WriteOptions") -> Destination:
    """Return where a task writes to.

    A connection that the author did not name is looked for once. A later try stays
    with it: another one would have another idempotency key.

    :raises SettingsInvalid: when several connections might be meant.
    :raises ConnectionUnusable: when the company has none.
    """
    company_id = options.company_id
    if options.connection_id is not None:
        return Destination(company_id, options.connection_id)
    kept = TaskStateConnection(run.store) if run.store else None
    connection_id = kept.of(company_id) if kept else ""
    if not connection_id:
        try:
            connection_id = run.hook.find_connection(company_id)
        except ValueError as error:
            raise SettingsInvalid(str(error)) from None
        if kept:
            kept.keep(company_id, connection_id)
    run.log.info("Writing over connection %s", connection_id)
    return Destination(company_id, connection_id)


def kept_connection(company_id: str, store: Store | None) -> str:
    """Return the connection that a task has found before; empty if nobody kept it.

    It is not looked for anew: by now the company may have another one, or none.
    """
    return TaskStateConnection(store).of(company_id) if store else ""
