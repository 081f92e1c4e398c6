"""What a task is asked to update, or delete: its options become an intent."""

from typing import TYPE_CHECKING

from airflow_provider_codat.api.errors import SettingsInvalid
from airflow_provider_codat.api.models import Destination, Json
from airflow_provider_codat.api.payload.redaction import redactor
from airflow_provider_codat.api.update.intent import Delete, Update
from airflow_provider_codat.tasks.arguments import rendered_text, yes_or_no

if TYPE_CHECKING:
    from airflow_provider_codat.tasks.identity import TaskRun
    from airflow_provider_codat.tasks.options import PayloadOptions, WriteOptions


def update_of(
    run: "TaskRun",
    options: "PayloadOptions",
    destination: Destination,
    payload: Json,
    *,
    record_id: str,
    force_update: object,
    durable: bool,
) -> Update:
    """Return the update that a task asks for.

    :param durable: whether there is a journal that outlives the process.
    """
    settings = run.hook.settings
    return Update(
        base_url=settings.base_url,
        destination=destination,
        data_type=options.data_type,
        record_id=record_id,
        payload=payload,
        force=yes_or_no(force_update, "force_update"),
        timeout_in_minutes=options.timeout_in_minutes,
        allow_sync=options.allow_sync_on_push_complete,
        redact=redactor(payload),
        may_defer=durable and options.deferrable,
        clear_count=run.clear_count,
        grace_seconds=options.reconcile_grace_seconds,
        lifetime_seconds=settings.request_lifetime_seconds,
        patience_seconds=options.completion_timeout_seconds,
        poll_interval_seconds=options.poll_interval_seconds,
    )


def delete_of(
    run: "TaskRun",
    options: "WriteOptions",
    destination: Destination,
    *,
    record_id: str,
    durable: bool,
) -> Delete:
    """Return the delete that a task asks for.

    :param durable: whether there is a journal that outlives the process.
    """
    settings = run.hook.settings
    return Delete(
        base_url=settings.base_url,
        destination=destination,
        data_type=options.data_type,
        record_id=record_id,
        may_defer=durable and options.deferrable,
        clear_count=run.clear_count,
        grace_seconds=options.reconcile_grace_seconds,
        lifetime_seconds=settings.request_lifetime_seconds,
        patience_seconds=options.completion_timeout_seconds,
        poll_interval_seconds=options.poll_interval_seconds,
    )


def record_id_of(value: object, name: str) -> str:
    """Read the id of a record, which may have been rendered.

    :param name: of the argument, for the message.
    """
    text = rendered_text(value)
    if text in {"", ".", ".."}:
        raise SettingsInvalid(
            f"{name} must be the record's id in the accounting software; it is "
            "blank, or a part of a path"
        )
    return text
