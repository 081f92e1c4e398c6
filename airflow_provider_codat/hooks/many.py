"""What a hook needs to send many requests at a time."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from airflow_provider_codat.api.bulk.scheduler import Crowd, Talk
from airflow_provider_codat.api.connection.settings import Settings
from airflow_provider_codat.api.http import request as codat_request
from airflow_provider_codat.api.http.exchange import Conversation, Patience, get
from airflow_provider_codat.api.http.quota import Quota, quota_of
from airflow_provider_codat.api.http.rate_limit import Unpaced
from airflow_provider_codat.api.http.request import Reply, Request, Response
from airflow_provider_codat.api.http.response import page_of
from airflow_provider_codat.api.http.sender_threads import NOT_SENT, Senders

T = TypeVar("T")


class ManyMixin(ABC):
    """The part of a hook that serves a batch."""

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

    def crowd(self) -> Crowd:
        """Return what carries out many conversations at once, as fast as it may."""
        # Here, so that a DAG file can be parsed without importing requests.
        from airflow_provider_codat.api.http.transport import Transport  # noqa: PLC0415 - see above

        pace = self._patience.pace

        def new_send() -> Callable[[Request], Reply]:
            send = Transport(self.settings).send
            return lambda request: NOT_SENT if self._stopped else send(request)

        most = self.settings.max_concurrency
        senders: Senders[Talk] = Senders(new_send, most, pace.sent)
        return Crowd(senders, pace, most, is_stopped=lambda: self._stopped)

    def patience_of_many(self) -> Patience:
        """Return how each of many takes its time; the crowd has the pace."""
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
