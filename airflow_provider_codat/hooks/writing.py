"""Writing with a hook: creates, updates, deletes, and many records at once."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, TypedDict, TypeVar, Unpack
from uuid import uuid4

from airflow_provider_codat.api.bulk.scheduler import RunningConversation, Scheduler
from airflow_provider_codat.api.connection.settings import Settings
from airflow_provider_codat.api.create.intent import Done, Written
from airflow_provider_codat.api.create.journal import Entry, Past
from airflow_provider_codat.api.data_types import CUSTOMERS, DataType, data_type_of
from airflow_provider_codat.api.http import request as codat_request
from airflow_provider_codat.api.http.exchange import (
    Conversation,
    DeferrablePause,
    Patience,
    create,
    drive,
    get,
    update,
)
from airflow_provider_codat.api.http.paging import page_of
from airflow_provider_codat.api.http.quota import Quota, quota_of
from airflow_provider_codat.api.http.request import Reply, Request, Response
from airflow_provider_codat.api.http.retry import Sends
from airflow_provider_codat.api.http.sender_threads import NOT_SENT, SenderThreads
from airflow_provider_codat.api.models import Destination, Summary, author_key
from airflow_provider_codat.api.payload.canonical import canonical
from airflow_provider_codat.api.payload.json_values import to_json
from airflow_provider_codat.api.payload.redaction import redactor
from airflow_provider_codat.api.update.intent import Update
from airflow_provider_codat.api.update.submit import conclude_update, submit_update

T = TypeVar("T")


class PushKwargs(TypedDict, total=False):
    """How a record is created: see :meth:`WritingMixin.create`."""

    timeout_in_minutes: int | None
    allow_sync_on_push_complete: bool | None
    idempotency_key: str | None


class UpdatePushKwargs(TypedDict, total=False):
    """How a record is updated: see :meth:`WritingMixin.update`."""

    force_update: bool
    timeout_in_minutes: int | None


class WritingMixin(ABC):
    """The methods of a hook that write records, and that serve a batch."""

    _stopped: bool

    @property
    @abstractmethod
    def settings(self) -> Settings:
        """What the connection says."""

    @property
    @abstractmethod
    def patience(self) -> Patience:
        """How a conversation takes its time."""

    @abstractmethod
    def _drive(self, conversation: Conversation[T]) -> T:
        """Carry out a conversation."""

    @abstractmethod
    def _send(self, request: Request) -> Reply:
        """Send a request once."""

    def create(
        self,
        data_type: str,
        company_id: str,
        connection_id: str,
        record: Mapping[str, Any],
        *,
        timeout_in_minutes: int | None = None,
        allow_sync_on_push_complete: bool | None = None,
        idempotency_key: str | None = None,
    ) -> dict[str, Any]:
        """Ask Codat to create a record; do not wait for it to be done.

        The payload is sent as it is: the create operators check it first.

        :param data_type: Codat's key, such as ``invoices``.
        :param company_id: Codat's company, a UUID.
        :param connection_id: that company's connection to its software, a UUID.
        :param record: the payload, see ``docs/data-types.md``.
        :param timeout_in_minutes: after which Codat calls the operation TimedOut.
        :param allow_sync_on_push_complete: whether Codat is to renew its copy once the
            record is written; None leaves that to Codat.
        :param idempotency_key: a UUID that names this intent in every repetition. By
            default a new one for each call, so that a second call creates a second
            record.
        :return: the push operation, as Codat sent it; normally ``Pending``.
        :raises ValueError: when an id is no UUID, or the data type no key.
        :raises PayloadInvalid: when JSON cannot express the payload.
        :raises Refused: when Codat refused; nothing was created.
        :raises Unreachable: when no answer came; a repetition with the same key within
            75 minutes creates nothing twice.
        :raises Busy: when Codat is not to be asked now.
        :raises OutcomeUnknown: when a record may exist.
        Source: https://docs.codat.io/using-the-api/push
        """
        place = Destination(company_id, connection_id)
        row, body = data_type_of(data_type), to_json(record)
        request = codat_request.create(
            place,
            row,
            canonical(body),
            idempotency_key=author_key(idempotency_key or str(uuid4())),
            parent=row.parent_of(body),
            timeout_in_minutes=timeout_in_minutes,
            allow_sync=allow_sync_on_push_complete,
        )
        known, redact = idempotency_key is not None, redactor(body)
        conversation = create(
            *(request, place, row, self.patience),
            sends=Sends(),
            reused_key=known,
            redact=redact,
        )
        return dict(self._drive(conversation).raw)

    def create_customer(
        self,
        company_id: str,
        connection_id: str,
        customer: Mapping[str, Any],
        **options: Unpack[PushKwargs],
    ) -> dict[str, Any]:
        """Ask Codat to create a customer: see :meth:`create`.

        :param customer: see :class:`airflow_provider_codat.api.AccountingCustomer`.
        Source: https://docs.codat.io/sync-for-expenses-api#/operations/create-customer
        """
        name = CUSTOMERS.name
        return self.create(name, company_id, connection_id, customer, **options)

    def update(
        self,
        data_type: str,
        company_id: str,
        connection_id: str,
        record_id: str,
        record: Mapping[str, Any],
        *,
        force_update: bool = False,
        timeout_in_minutes: int | None = None,
    ) -> dict[str, Any]:
        """Ask Codat to change a record; do not wait for it to be done.

        The payload is sent as it is: the update operators check it first.

        :param data_type: Codat's key, such as ``invoices``.
        :param company_id: Codat's company, a UUID.
        :param connection_id: that company's connection to its software, a UUID.
        :param record_id: the record's id in the accounting software: any text.
        :param record: the whole record, see ``docs/data-types.md``.
        :param force_update: whether to write over a change that Codat has not read.
        :param timeout_in_minutes: after which Codat calls the operation TimedOut.
        :return: the push operation, as Codat sent it; normally ``Pending``.
        :raises ValueError: when an id is no UUID, or the record's is empty.
        :raises PayloadInvalid: when JSON cannot express the payload.
        :raises Refused: when Codat refused; nothing was changed.
        :raises Unreachable: when no answer came; it may simply be called again.
        :raises Busy: when Codat is not to be asked now.
        :raises OutcomeUnknown: when Codat refused a repetition after an answer was
            lost: the first send may have changed the record.
        Source: https://docs.codat.io/using-the-api/push
        """
        destination = Destination(company_id, connection_id)
        row, body = data_type_of(data_type), to_json(record)
        request = codat_request.update(
            destination,
            row,
            record_id,
            canonical(body),
            force=force_update,
            timeout_in_minutes=timeout_in_minutes,
        )
        return self._changed(request, destination, row, redactor(body))

    def update_customer(
        self,
        company_id: str,
        connection_id: str,
        customer_id: str,
        customer: Mapping[str, Any],
        **options: Unpack[UpdatePushKwargs],
    ) -> dict[str, Any]:
        """Ask Codat to change a customer: see :meth:`update`.

        :param customer: see :class:`airflow_provider_codat.api.AccountingCustomer`.
        Source: https://docs.codat.io/sync-for-expenses-api#/operations/update-customer
        """
        return self.update(
            CUSTOMERS.name, company_id, connection_id, customer_id, customer, **options
        )

    def delete(
        self, data_type: str, company_id: str, connection_id: str, record_id: str
    ) -> dict[str, Any]:
        """Ask Codat to delete a record; do not wait for it to be done.

        :param data_type: Codat's key, such as ``invoices``.
        :param company_id: Codat's company, a UUID.
        :param connection_id: that company's connection to its software, a UUID.
        :param record_id: the record's id in the accounting software: any text.
        :return: the push operation, as Codat sent it; normally ``Pending``.
        :raises ValueError: when an id is no UUID, or the record's is empty.
        :raises NotFound: when there is no such record, or there is none any more.
        :raises Refused: when Codat refused; nothing was deleted.
        :raises Unreachable: when no answer came; it may simply be called again.
        :raises OutcomeUnknown: when Codat refused a repetition after an answer was
            lost: the first send may have deleted the record.
        Source: https://docs.codat.io/using-the-api/push
        """
        destination = Destination(company_id, connection_id)
        row = data_type_of(data_type)
        request = codat_request.delete(destination, row, record_id)
        return self._changed(request, destination, row, str)

    def _changed(
        self,
        request: Request,
        destination: Destination,
        row: DataType,
        redact: Callable[[str], str],
    ) -> dict[str, Any]:
        conversation = update(
            request, destination, row, self.patience, sends=Sends(), redact=redact
        )
        return dict(self._drive(conversation).raw)

    def submit_update(
        self,
        wanted: Update,
        past: Past,
        *,
        note: Callable[[Entry], None],
        on_pause: Callable[[DeferrablePause], None] | None = None,
    ) -> Written | Done:
        """Bring an update to where Codat has accepted it; see :mod:`api.update`.

        :param past: what earlier tries wrote down.
        :param note: keeps an entry of the journal, or raises.
        :param on_pause: waits where it may be taken up again in another process; it may
            raise to do so. By default it waits here.
        """
        conversation = submit_update(wanted, past, self.patience)
        return drive(conversation, self._send, note=note, on_pause=on_pause)

    def conclude_update(
        self,
        wanted: Update,
        past: Past,
        written: Written,
        *,
        note: Callable[[Entry], None],
        on_pause: Callable[[DeferrablePause], None] | None = None,
    ) -> Summary:
        """Write down what came of an update; see :mod:`api.update`.

        :param past: all that was written down, in this try, too.
        """
        conversation = conclude_update(wanted, past, written, self.patience)
        return drive(conversation, self._send, note=note, on_pause=on_pause)

    def scheduler(self, company_id: str) -> Scheduler:
        """Return what carries out many conversations at once, as fast as it may.

        :param company_id: whose books they ask for.
        """
        # Here, so that a DAG file can be parsed without importing requests.
        from airflow_provider_codat.api.http.transport import Transport  # noqa: PLC0415 - see above

        def new_send() -> Callable[[Request], Reply]:
            send = Transport(self.settings).send
            return lambda request: NOT_SENT if self._stopped else send(request)

        most = max(1, self.settings.share_of(self.settings.max_concurrency))
        senders: SenderThreads[RunningConversation] = SenderThreads(new_send, most)
        return Scheduler(
            senders,
            self.patience.pace,
            company_id,
            most,
            is_stopped=lambda: self._stopped,
        )

    def read_quota(self, company_id: str) -> Quota | None:
        """Return how many requests are left of the day; None where Codat does not say.

        :raises Refused: when the key, or the company, is not right.
        """
        request = codat_request.list_push_operations(
            company_id, page=1, page_size=1, query=None, order_by=None
        )

        def read(response: Response) -> Quota | None:
            page_of(response)
            return quota_of(response)

        return self._drive(get(request, read, self.patience))
