"""What a task looks at before it sends anything for the first time."""

from collections.abc import Container
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_codat.api.create.intent import Match, Write
from airflow_provider_codat.api.models import Json
from airflow_provider_codat.tasks.arguments import argument

if TYPE_CHECKING:
    from airflow_provider_codat.tasks.identity import TaskRun
    from airflow_provider_codat.tasks.options import CreateOptions


def check_before_create(
    run: "TaskRun",
    options: "CreateOptions",
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
    if options.preflight and not unseen:
        ready = run.hook.check_can_create(*place, data_type=options.data_type.name)
        for remark in ready.remarks:
            run.log.warning("Connection %s: %s", place[1], remark)
    if options.if_exists is None:
        return write
    existing = argument(
        run.hook.existing_records,
        options.data_type.name,
        *place,
        match_on=options.match_on,
        timeout_seconds=options.completion_timeout_seconds,
        poll_interval_seconds=options.poll_interval_seconds,
    )

    def found(payload: Json) -> list[Match]:
        return [m for m in existing.find(payload) if m.record_id not in own]

    return replace(write, existing=found, if_exists=options.if_exists)
