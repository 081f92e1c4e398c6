"""Attaching a file to a record in a company's books."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Unpack

from airflow_provider_codat.api.create.intent import Write
from airflow_provider_codat.api.create.next_step import OnClear
from airflow_provider_codat.api.data_types import DATA_TYPES, data_type_of
from airflow_provider_codat.api.errors import SettingsInvalid
from airflow_provider_codat.api.models import Summary
from airflow_provider_codat.lineage import (
    Lineage,
    file_datasets,
    records_dataset,
)
from airflow_provider_codat.operators.codat_operator import documented
from airflow_provider_codat.operators.create import SubmitRecordOperator
from airflow_provider_codat.tasks.arguments import argument, one_of
from airflow_provider_codat.tasks.attachment import attachment_of
from airflow_provider_codat.tasks.destination import destination_of
from airflow_provider_codat.tasks.files import file_source
from airflow_provider_codat.tasks.identity import item_of
from airflow_provider_codat.tasks.options import (
    WriteKwargs,
    WriteOptions,
    read_options,
)
from airflow_provider_codat.tasks.task_journal import TaskJournal
from airflow_provider_codat.tasks.update import record_id_of
from airflow_provider_codat.tasks.waiting import check_no_secrets

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context, ObjectStoragePath


@documented
class UploadAccountingAttachmentOperator(SubmitRecordOperator):
    """Attach a file to a record in a company's books, once.

    The file is streamed, and never whole in memory. It is sent under an idempotency
    key. Which file was attached by whom, no copy of the books shows: where no answer
    came for 75 minutes, the task says ``OutcomeUnknown``.

    :param data_type: Codat's key of the record's data type: ``bills``,
        ``billCreditNotes``, ``directCosts``, ``directIncomes``, ``invoices`` or
        ``transfers``.
    :param record_id: the record's id in the accounting software, such as the
        ``record_id`` of a create: any text. (templated)
    :param file_path: of the file, wherever Airflow's ``ObjectStoragePath`` reads.
        (templated)
    :param content_type: such as ``application/pdf``; by default, by the file's name.
    :param max_bytes: how large the file may be; a larger one is refused before anything
        is sent. What the accounting software takes, it decides itself.
    :param item_key: what names this file among those of a mapped task. Without it a
        mapped task relies on the order of the list staying as it is. (templated)
    :param idempotency_key: a UUID of your own in place of the derived one. (templated)
    :param on_clear: what a task does that had succeeded and was cleared: ``reuse``
        returns what it returned, ``create`` attaches the file once more.
    :return: as the create's; ``push_operation_key`` is empty where Codat names no push
        operation, and ``record_id`` the record's.
    :raises SettingsInvalid: when the file cannot be read, is empty or too large, or
        records of this data type take no files; nothing was sent.
    :raises Refused: nothing was attached.
    :raises PushFailed: with every reason that Codat gave.
    :raises OutcomeUnknown: the file may be attached; it is not sent again.
    """

    template_fields: Sequence[str] = (
        "company_id",
        "connection_id",
        "codat_conn_id",
        "record_id",
        "file_path",
        "item_key",
        "idempotency_key",
        "completion_timeout_seconds",
    )

    def __init__(
        self,
        *,
        data_type: str,
        record_id: str,
        file_path: "str | ObjectStoragePath",
        content_type: str | None = None,
        max_bytes: int = 20_000_000,
        item_key: str | None = None,
        idempotency_key: str | None = None,
        on_clear: OnClear = "reuse",
        **kwargs: Unpack[WriteKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.data_type = data_type_of(data_type)
        self.record_id = record_id
        self.file_path = file_path
        self.content_type = content_type
        self.max_bytes = max_bytes
        self.item_key = item_key
        self.idempotency_key = idempotency_key
        self.on_clear = on_clear

    def payload(self) -> object:
        """Return what Codat's words may quote: nothing."""
        return {}

    def _lineage(self, result: Summary) -> Lineage:
        records = records_dataset(result["company_id"], self.data_type.name)
        return Lineage(file_datasets(self.file_path), [records])

    def _checked(
        self, journal: TaskJournal, context: "Context"
    ) -> tuple[Write, WriteOptions]:
        run, options = self._run_of(context), read_options(WriteOptions, self)
        if not self.data_type.attachments:
            known = [row.name for row in DATA_TYPES.values() if row.attachments]
            raise SettingsInvalid(
                f"{self.data_type.name} take no files; these do: {', '.join(known)}"
            )
        if options.deferrable:
            check_no_secrets(self.hook_params)
        attachment = attachment_of(
            run,
            options,
            destination_of(run, options),
            file_source(self.file_path, self.max_bytes, "file_path", self.content_type),
            record_id=record_id_of(self.record_id, "record_id"),
            item=argument(item_of, context["ti"], self.item_key),
            idempotency_key=self.idempotency_key,
            on_clear=one_of(OnClear, self.on_clear, "on_clear"),
            durable=journal.durable,
        )
        return attachment, options
