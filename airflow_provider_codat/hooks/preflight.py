"""What a hook can find out before anything is written."""

from abc import ABC, abstractmethod
from collections.abc import Collection
from typing import TypeVar
from uuid import uuid4

from airflow_provider_codat.api.books.existing import (
    MATCH_ON,
    Existing,
    copied,
    existing,
)
from airflow_provider_codat.api.books.preflight import (
    Readiness,
    can_create,
    only_connection,
)
from airflow_provider_codat.api.data_types import CUSTOMERS
from airflow_provider_codat.api.http.exchange import Conversation, Patience
from airflow_provider_codat.api.models import Destination

T = TypeVar("T")


class ReadinessMixin(ABC):
    """The methods of a hook that tell whether, and where to, to write."""

    @property
    @abstractmethod
    def _patience(self) -> Patience:
        """How a conversation takes its time."""

    @abstractmethod
    def _drive(self, conversation: Conversation[T]) -> T:
        """Carry out a conversation."""

    def find_connection(self, company_id: str) -> str:
        """Return the company's one connection that is linked and an accounting one.

        :param company_id: Codat's company, a UUID.
        :raises ValueError: when the id is no UUID.
        :raises ConnectionUnusable: when there is none; the message lists those that the
            company has.
        :raises SettingsInvalid: when there are several; the message lists them.
        :raises NotFound: when there is no such company.
        Source: https://docs.codat.io/platform-api#/operations/list-connections
        """
        return self._drive(only_connection(company_id, self._patience))

    def check_can_create(
        self,
        company_id: str,
        connection_id: str | None = None,
        data_type: str = CUSTOMERS.name,
    ) -> Readiness:
        """Return what Codat tells of writing through a connection; nothing is sent.

        Only what Codat positively says is an error. Where it does not tell whether its
        integration can create the data type, that is among the remarks.

        :param company_id: Codat's company, a UUID.
        :param connection_id: that company's connection to its software, a UUID; by
            default the one that :meth:`find_connection` returns.
        :param data_type: Codat's key, such as ``customers``.
        :raises ValueError: when an id is no UUID.
        :raises ConnectionUnusable: when the company has no such connection, or it is
            not linked, or no accounting one, or its software cannot create the data
            type; the message says what to do.
        :raises NotFound: when there is no such company.
        Source: https://docs.codat.io/platform-api#/operations/get-integration
        """
        return self._drive(
            can_create(company_id, connection_id, self._patience, data_type=data_type)
        )

    def existing_customers(
        self,
        company_id: str,
        connection_id: str,
        *,
        match_on: Collection[str] = MATCH_ON,
        refresh: bool = True,
        timeout_seconds: float = 3600.0,
        poll_interval_seconds: float = 15.0,
    ) -> Existing:
        """Return what is in the books already, to look for many customers in it.

        :param company_id: Codat's company, a UUID.
        :param connection_id: that company's connection to its software, a UUID.
        :param match_on: the properties of which one that is equal makes two customers
            the same, such as ``customerName``.
        :param refresh: whether to refresh Codat's copy of the books first. Without,
            what was written since the last refresh is not seen.
        :param timeout_seconds: for how long to wait for that to end.
        :param poll_interval_seconds: the longest wait between two looks at it.
        :raises ValueError: when an id is no UUID.
        :raises SettingsInvalid: when ``match_on`` names what cannot be looked for.
        :raises RefreshFailed: when the books could not be read.
        :raises StillInProgress: when the refresh has not ended in time, or, without
            one, when Codat has no copy yet.
        """
        place = Destination(company_id, connection_id)
        patience = self._patience
        if not refresh:
            return self._drive(copied(place.company_id, patience, match_on=match_on))
        return self._drive(
            existing(
                place,
                CUSTOMERS,
                patience,
                match_on=match_on,
                keys=lambda: str(uuid4()),
                deadline=patience.clock() + timeout_seconds,
                poll_interval_seconds=poll_interval_seconds,
            )
        )
