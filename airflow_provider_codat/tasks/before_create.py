"""What a task looks at before it sends anything for the first time."""

from collections.abc import Container
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_codat.api.create.intent import IfExists, Match, Write
from airflow_provider_codat.api.models import Json
from airflow_provider_codat.tasks.arguments import argument, one_of

if TYPE_CHECKING:
    from airflow_provider_codat.operators.create import CreateRecordOperator
    from airflow_provider_codat.operators.create_many import CreateRecordsOperator


def looked_first(
    task: "CreateRecordOperator | CreateRecordsOperator",
    write: Write,
    *,
    unseen: bool,
    own: Container[str] = frozenset(),
) -> Write:
    """Look whether the connection can be written to, and what is in the books already.

    Only before the first send: what was begun is brought to an end, whatever has
    become of the connection since.

    :param write: what is wanted.
    :param unseen: whether a try that left no journal may have sent it.
    :param own: records that the task has created, and that are no stranger's.
    :return: the same, with what is in the books.
    :raises ConnectionUnusable: when the connection cannot be written to.
    :raises SettingsInvalid: when an argument is wrong.
    :raises RefreshFailed: when the books could not be read.
    """
    place = (write.destination.company_id, write.destination.connection_id)
    if task.preflight and not unseen:
        ready = task.hook.check_can_create(*place, data_type=task.data_type.name)
        for remark in ready.remarks:
            task.log.warning("Connection %s: %s", place[1], remark)
    if task.if_exists is None:
        return write
    if_exists = one_of(IfExists, task.if_exists, "if_exists")
    patience, interval = task.limits()
    existing = argument(
        task.hook.existing_customers,
        *place,
        match_on=task.match_on,
        timeout_seconds=patience,
        poll_interval_seconds=interval,
    )

    def found(payload: Json) -> list[Match]:
        return [m for m in existing.find(payload) if m.record_id not in own]

    return replace(write, existing=found, if_exists=if_exists)
