"""What a task is asked to attach: a file becomes a write."""

from functools import partial
from typing import TYPE_CHECKING

from airflow_provider_codat.api.create.attachment import Attachment
from airflow_provider_codat.api.create.next_step import OnClear
from airflow_provider_codat.api.http.multipart import multipart
from airflow_provider_codat.api.http.request import FileBody
from airflow_provider_codat.api.models import Destination
from airflow_provider_codat.tasks.create import intent_of, keys_of

if TYPE_CHECKING:
    from airflow_provider_codat.tasks.files import FileSource
    from airflow_provider_codat.tasks.identity import TaskRun
    from airflow_provider_codat.tasks.options import WriteOptions


def attachment_of(  # noqa: PLR0913 - one for each thing that differs
    run: "TaskRun",
    options: "WriteOptions",
    destination: Destination,
    source: "FileSource",
    *,
    record_id: str,
    item: str | int,
    idempotency_key: str | None,
    on_clear: OnClear,
    durable: bool,
) -> Attachment:
    """Return the attachment that a task asks for.

    :param item: what it works for, among the items of a mapped task.
    :param idempotency_key: the author's own, if any.
    :param durable: whether there is a journal that outlives the process.
    """
    intent = intent_of(run, options.data_type, destination, item)
    return Attachment(
        base_url=run.hook.settings.base_url,
        destination=destination,
        data_type=options.data_type,
        payload=source.told(),
        key_of=keys_of(intent, idempotency_key),
        reused_key=bool(idempotency_key),
        durable=durable,
        may_defer=durable and options.deferrable,
        clear_count=run.clear_count,
        # The books do not show which file was attached by whom.
        on_unknown_outcome="fail",
        on_clear=on_clear,
        grace_seconds=options.reconcile_grace_seconds,
        lifetime_seconds=run.hook.settings.request_lifetime_seconds,
        record_id=record_id,
        file=partial(_body, source),
    )


def _body(source: "FileSource", key: str) -> FileBody:
    """Return the body that is sent under a key: the same bytes every time."""
    return multipart(
        source.open,
        name=source.name,
        size=source.size,
        content_type=source.content_type,
        boundary=key,
    )
