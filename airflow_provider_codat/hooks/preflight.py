"""What a hook can find out before anything is written."""

from abc import ABC, abstractmethod
from collections.abc import Collection
from typing import TypedDict, TypeVar, Unpack
from uuid import uuid4

from airflow_provider_codat.api.books.existing import (
    Existing,
    copied,
    existing,
)
from airflow_provider_codat.api.books.preflight import (
    Readiness,
    can_create,
    only_connection,
)
from airflow_provider_codat.api.data_types import CUSTOMERS, data_type_of
from airflow_provider_codat.api.http.exchange import Conversation, Patience
from airflow_provider_codat.api.models import Destination

T = TypeVar("T")


class ExistingKwargs(TypedDict, total=False):
    """How it is looked: see :meth:`ReadinessMixin.existing_records`."""

    match_on: Collection[str] | None
    refresh: bool
    timeout_seconds: float
    poll_interval_seconds: float


class ReadinessMixin(ABC):
    """The methods of a hook that tell whether, and where to, to write."""

    @property
    @abstractmethod
    def patience(self) -> Patience:
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
        return self._drive(only_connection(company_id, self.patience))

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
            can_create(company_id, connection_id, self.patience, data_type=data_type)
        )

    def existing_records(
        self,
        data_type: str,
        company_id: str,
        connection_id: str,
        *,
        match_on: Collection[str] | None = None,
        refresh: bool = True,
        timeout_seconds: float = 3600.0,
        poll_interval_seconds: float = 15.0,
    ) -> Existing:
        """Return what is in the books already, to look for many records in it.

        :param data_type: Codat's key, such as ``invoices``.
        :param company_id: Codat's company, a UUID.
        :param connection_id: that company's connection to its software, a UUID.
        :param match_on: the properties of which one that is equal makes two records the
            same, such as ``invoiceNumber``; by default, those that identify one.
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
        patience, row = self.patience, data_type_of(data_type)
        if not refresh:
            return self._drive(copied(place, row, patience, match_on=match_on))
        return self._drive(
            existing(
                place,
                row,
                patience,
                match_on=match_on,
                keys=lambda: str(uuid4()),
                deadline=patience.clock() + timeout_seconds,
                poll_interval_seconds=poll_interval_seconds,
            )
        )

    def existing_customers(
        self, company_id: str, connection_id: str, **options: Unpack[ExistingKwargs]
    ) -> Existing:
        """Return what is in the books already: see :meth:`existing_records`."""
        return self.existing_records(
            CUSTOMERS.name, company_id, connection_id, **options
        )
