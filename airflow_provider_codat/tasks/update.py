"""What a task is asked to update: its arguments become an update."""

from typing import TYPE_CHECKING

from airflow_provider_codat.api.errors import SettingsInvalid
from airflow_provider_codat.api.models import Destination, Json
from airflow_provider_codat.api.payload.redaction import redactor
from airflow_provider_codat.api.update.intent import Update
from airflow_provider_codat.tasks.arguments import seconds, whole_minutes
from airflow_provider_codat.tasks.task_journal import clear_count_of

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_codat.operators.update import (
        UpdateAccountingCustomerOperator,
    )


def update_of(
    task: "UpdateAccountingCustomerOperator",
    destination: Destination,
    payload: Json,
    context: "Context",
    *,
    durable: bool,
) -> Update:
    """Return the update that a task asks for.

    :param durable: whether there is a journal that outlives the process.
    """
    settings, name = task.hook.settings, "reconcile_grace_seconds"
    patience, interval = task.limits()
    minutes = whole_minutes(task.timeout_in_minutes, "timeout_in_minutes")
    return Update(
        base_url=settings.base_url,
        destination=destination,
        data_type=task.data_type,
        record_id=_record_id(task.customer_id),
        payload=payload,
        force=_yes_or_no(task.force_update, "force_update"),
        timeout_in_minutes=minutes,
        redact=redactor(payload),
        may_defer=durable and task.deferrable,
        clear_count=clear_count_of(context),
        grace_seconds=seconds(task.reconcile_grace_seconds, name),
        lifetime_seconds=settings.request_lifetime_seconds,
        patience_seconds=patience,
        poll_interval_seconds=interval,
    )


def _record_id(value: object) -> str:
    text = "" if value is None else str(value).strip()
    if text in {"", "None", ".", ".."}:
        raise SettingsInvalid(
            "customer_id must be the record's id in the accounting software; it is "
            "blank, or a part of a path"
        )
    return text


def _yes_or_no(value: object, name: str) -> bool:
    """Read a switch, which may have been rendered.

    :param name: of the argument, for the message.
    """
    word = str(value).strip().lower()
    if word not in {"true", "false"}:
        raise SettingsInvalid(f"{name} must be true or false")
    return word == "true"
