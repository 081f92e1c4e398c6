"""What a task is asked to create: its arguments become a payload and a write."""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from airflow_provider_codat.api.create.idempotency import (
    Intent,
    derived_key,
    following_key,
)
from airflow_provider_codat.api.create.intent import OnUnknownOutcome, Write
from airflow_provider_codat.api.create.next_step import OnClear
from airflow_provider_codat.api.errors import PayloadInvalid
from airflow_provider_codat.api.models import Destination, Json, author_key
from airflow_provider_codat.api.payload.check import checked
from airflow_provider_codat.api.payload.redaction import redactor
from airflow_provider_codat.tasks.arguments import (
    argument,
    one_of,
    resolution,
    seconds,
    whole_minutes,
)
from airflow_provider_codat.tasks.payload_check import check_of
from airflow_provider_codat.tasks.task_journal import clear_count_of

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_codat.operators.create import CreateRecordOperator
    from airflow_provider_codat.operators.create_many import CreateRecordsOperator
    from airflow_provider_codat.operators.write_record import WriteRecordOperator


def checked_payload(
    task: "WriteRecordOperator", destination: Destination, context: "Context"
) -> Json:
    """Return the payload as it is to be sent.

    The rendered field itself stays as it is: Airflow shows it.
    """
    found = argument(
        checked,
        task.payload(),
        check_of(task, destination, context),
        read_only_fields=task.read_only_fields,
    )
    if found.left_out:
        task.log.info(
            "Left out of the payload, as Codat takes it in no write: %s "
            "(read_only_fields)",
            ", ".join(found.left_out),
        )
    for problem in found.problems:
        if problem.severity == "warning":
            task.log.warning("Payload: %s", problem)
    if found.errors:
        raise PayloadInvalid(found.errors)
    return found.payload


def write_of(
    task: "CreateRecordOperator",
    destination: Destination,
    payload: Json,
    item: str | int,
    context: "Context",
    *,
    durable: bool,
) -> Write:
    """Return the write that a task asks for.

    :param item: what it works for, among the items of a mapped task.
    :param durable: whether there is a journal that outlives the process.
    """
    keys = partial(derived_key, intent_of(task, destination, item, context))
    if task.idempotency_key:
        keys = partial(following_key, argument(author_key, task.idempotency_key))
    return replace(
        blank_write(task, destination, context, durable=durable),
        payload=payload,
        key_of=keys,
        reused_key=bool(task.idempotency_key),
        redact=redactor(payload),
        may_defer=durable and task.deferrable,
        resolution=_resolution(task, durable=durable),
    )


def blank_write(
    task: "CreateRecordOperator | CreateRecordsOperator",
    destination: Destination,
    context: "Context",
    *,
    durable: bool,
) -> Write:
    """Return what all writes of a task have in common; it has no payload, no key."""
    settings = task.hook.settings
    return Write(
        base_url=settings.base_url,
        destination=destination,
        data_type=task.data_type,
        payload=None,
        key_of=str,
        timeout_in_minutes=whole_minutes(task.timeout_in_minutes, "timeout_in_minutes"),
        durable=durable,
        clear_count=clear_count_of(context),
        on_unknown_outcome=one_of(
            OnUnknownOutcome, task.on_unknown_outcome, "on_unknown_outcome"
        ),
        on_clear=one_of(OnClear, task.on_clear, "on_clear"),
        grace_seconds=seconds(task.reconcile_grace_seconds, "reconcile_grace_seconds"),
        lifetime_seconds=settings.request_lifetime_seconds,
    )


def intent_of(
    task: "CreateRecordOperator | CreateRecordsOperator",
    destination: Destination,
    item: str | int,
    context: "Context",
) -> Intent:
    """Return what names one record that a task wants.

    :param item: tells it from others of the same task.
    """
    ti = context["ti"]
    return Intent(
        base_url=task.hook.settings.base_url,
        destination=destination,
        data_type=task.data_type,
        dag_id=ti.dag_id,
        run_id=ti.run_id,
        task_id=ti.task_id,
        item=item,
    )


def _resolution(task: "CreateRecordOperator", *, durable: bool) -> str:
    said = resolution(task.unknown_resolution)
    if said and not durable:
        task.log.warning("unknown_resolution is not obeyed: there is no journal")
    return said
