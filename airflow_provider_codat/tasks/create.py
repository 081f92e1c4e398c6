"""What a task is asked to create: its options become a write."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from airflow_provider_codat.api.create.idempotency import (
    Intent,
    derived_key,
    following_key,
)
from airflow_provider_codat.api.create.intent import Write
from airflow_provider_codat.api.data_types import DataType
from airflow_provider_codat.api.models import Destination, Json, author_key
from airflow_provider_codat.api.payload.redaction import redactor
from airflow_provider_codat.tasks.arguments import argument, resolution

if TYPE_CHECKING:
    from airflow_provider_codat.tasks.identity import TaskRun
    from airflow_provider_codat.tasks.options import CreateOptions


def write_of(
    run: "TaskRun",
    options: "CreateOptions",
    destination: Destination,
    payload: Json,
    *,
    item: str | int,
    idempotency_key: str | None,
    unknown_resolution: object,
    durable: bool,
) -> Write:
    """Return the write that a task asks for.

    :param item: what it works for, among the items of a mapped task.
    :param idempotency_key: the author's own, if any.
    :param unknown_resolution: what a person says of an unknown outcome.
    :param durable: whether there is a journal that outlives the process.
    """
    intent = intent_of(run, options.data_type, destination, item)
    said = resolution(unknown_resolution)
    if said and not durable:
        run.log.warning("unknown_resolution is not obeyed: there is no journal")
    return replace(
        blank_write(run, options, destination, durable=durable),
        payload=payload,
        key_of=keys_of(intent, idempotency_key),
        reused_key=bool(idempotency_key),
        redact=redactor(payload),
        may_defer=durable and options.deferrable,
        resolution=said,
    )


def keys_of(intent: Intent, own_key: str | None) -> Callable[[int], str]:
    """Return what gives the idempotency key of a generation.

    :param own_key: the author's own, if any.
    """
    if own_key:
        return partial(following_key, argument(author_key, own_key))
    return partial(derived_key, intent)


def blank_write(
    run: "TaskRun", options: "CreateOptions", destination: Destination, *, durable: bool
) -> Write:
    """Return what all writes of a task have in common; it has no payload, no key."""
    settings = run.hook.settings
    return Write(
        base_url=settings.base_url,
        destination=destination,
        data_type=options.data_type,
        payload=None,
        key_of=str,
        timeout_in_minutes=options.timeout_in_minutes,
        allow_sync=options.allow_sync_on_push_complete,
        durable=durable,
        clear_count=run.clear_count,
        on_unknown_outcome=options.on_unknown_outcome,
        on_clear=options.on_clear,
        grace_seconds=options.reconcile_grace_seconds,
        lifetime_seconds=settings.request_lifetime_seconds,
    )


def intent_of(
    run: "TaskRun", data_type: DataType, destination: Destination, item: str | int
) -> Intent:
    """Return what names one record that a task wants.

    :param item: tells it from others of the same task.
    """
    ti = run.context["ti"]
    return Intent(
        base_url=run.hook.settings.base_url,
        destination=destination,
        data_type=data_type,
        dag_id=ti.dag_id,
        run_id=ti.run_id,
        task_id=ti.task_id,
        item=item,
    )
