"""Writing with a hook, beyond one create: updates, and many records at once."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from airflow_provider_codat.api.bulk.scheduler import RunningConversation, Scheduler
from airflow_provider_codat.api.connection.settings import Settings
from airflow_provider_codat.api.create.intent import Done, Written
from airflow_provider_codat.api.create.journal import Entry, Past
from airflow_provider_codat.api.data_types import CUSTOMERS
from airflow_provider_codat.api.http import request as codat_request
from airflow_provider_codat.api.http.exchange import (
    Conversation,
    DeferrablePause,
    Patience,
    drive,
    get,
    update,
)
from airflow_provider_codat.api.http.quota import Quota, quota_of
from airflow_provider_codat.api.http.rate_limit import Unpaced
from airflow_provider_codat.api.http.request import Reply, Request, Response
from airflow_provider_codat.api.http.response import page_of
from airflow_provider_codat.api.http.retry import Sends
from airflow_provider_codat.api.http.sender_threads import NOT_SENT, SenderThreads
from airflow_provider_codat.api.models import Destination, Summary
from airflow_provider_codat.api.payload.canonical import canonical
from airflow_provider_codat.api.payload.json_values import to_json
from airflow_provider_codat.api.payload.redaction import redactor
from airflow_provider_codat.api.update.intent import Update
from airflow_provider_codat.api.update.submit import conclude_update, submit_update

T = TypeVar("T")


class WritingMixin(ABC):
    """The methods of a hook that update records, and that serve a batch."""

    _stopped: bool

    @property
    @abstractmethod
    def settings(self) -> Settings:
        """What the connection says."""

    @property
    @abstractmethod
    def _patience(self) -> Patience:
        """How a conversation takes its time."""

    @abstractmethod
    def _drive(self, conversation: Conversation[T]) -> T:
        """Carry out a conversation."""

    @abstractmethod
    def _send(self, request: Request) -> Reply:
        """Send a request once."""

    def update_customer(
        self,
        company_id: str,
        connection_id: str,
        customer_id: str,
        customer: Mapping[str, Any],
        *,
        force_update: bool = False,
        timeout_in_minutes: int | None = None,
    ) -> dict[str, Any]:
        """Ask Codat to change a customer; do not wait for it to be done.

        The payload is sent as it is: :class:`UpdateAccountingCustomerOperator` checks
        it first.

        :param company_id: Codat's company, a UUID.
        :param connection_id: that company's connection to its software, a UUID.
        :param customer_id: the record's id in the accounting software: any text.
        :param customer: the whole customer, see
            :class:`airflow_provider_codat.api.AccountingCustomer`.
        :param force_update: whether to write over a change that Codat has not read.
        :param timeout_in_minutes: after which Codat calls the operation TimedOut.
        :return: the push operation, as Codat sent it; normally ``Pending``.
        :raises ValueError: when an id is no UUID, or the customer's is empty.
        :raises PayloadInvalid: when JSON cannot express the payload.
        :raises Refused: when Codat refused; nothing was changed.
        :raises Unreachable: when no answer came; it may simply be called again.
        :raises Busy: when Codat is not to be asked now.
        :raises OutcomeUnknown: when Codat refused a repetition after an answer was
            lost: the first send may have changed the customer.
        Source: https://docs.codat.io/sync-for-expenses-api#/operations/update-customer
        """
        destination = Destination(company_id, connection_id)
        body = to_json(customer)
        request = codat_request.update(
            destination,
            CUSTOMERS,
            customer_id,
            canonical(body),
            force=force_update,
            timeout_in_minutes=timeout_in_minutes,
        )
        redact, patience = redactor(body), self._patience
        conversation = update(
            request, destination, CUSTOMERS, patience, sends=Sends(), redact=redact
        )
        return dict(self._drive(conversation).raw)

    def update(
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
        conversation = submit_update(wanted, past, self._patience)
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
        conversation = conclude_update(wanted, past, written, self._patience)
        return drive(conversation, self._send, note=note, on_pause=on_pause)

    def scheduler(self) -> Scheduler:
        """Return what carries out many conversations at once, as fast as it may."""
        # Here, so that a DAG file can be parsed without importing requests.
        from airflow_provider_codat.api.http.transport import Transport  # noqa: PLC0415 - see above

        pace = self._patience.pace

        def new_send() -> Callable[[Request], Reply]:
            send = Transport(self.settings).send
            return lambda request: NOT_SENT if self._stopped else send(request)

        most = self.settings.max_concurrency
        senders: SenderThreads[RunningConversation] = SenderThreads(
            new_send, most, pace.sent
        )
        return Scheduler(senders, pace, most, is_stopped=lambda: self._stopped)

    def patience_of_many(self) -> Patience:
        """Return how each of many takes its time; the scheduler has the pace."""
        return replace(self._patience, pace=Unpaced())

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

        return self._drive(get(request, read, self._patience))
