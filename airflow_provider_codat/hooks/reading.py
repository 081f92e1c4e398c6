"""What a hook can read from Codat."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import count
from typing import Any, TypedDict, TypeVar, Unpack
from uuid import uuid4

from airflow_provider_codat.api.books.pull_operations import (
    data_status_of,
    pull_operation_expected,
)
from airflow_provider_codat.api.books.records import (
    Refresh,
    cached,
    refresh_ended,
    requested,
    started,
)
from airflow_provider_codat.api.data_types import CUSTOMERS, DataType, data_type_of
from airflow_provider_codat.api.http import request as codat_request
from airflow_provider_codat.api.http.exchange import Conversation, Patience, get
from airflow_provider_codat.api.http.paging import Page, PageWalk, page_of
from airflow_provider_codat.api.http.response import (
    object_of,
    push_operation_of,
)
from airflow_provider_codat.api.models import (
    Destination,
    PullOperation,
    checked_uuid,
)

T = TypeVar("T")

_LARGEST_PAGE = 5000


class ListKwargs(TypedDict, total=False):
    """Which records are listed, and how: see :meth:`ReadingMixin.list_records`."""

    query: str | None
    order_by: str | None
    modified_since: datetime | None
    page_size: int


def readable(data_type: str) -> DataType:
    """Return the row of a data type of which Codat has a copy.

    :raises ValueError: when it has none, or it is no key.
    """
    row = data_type_of(data_type)
    if not row.is_readable:
        raise ValueError(f"Codat has no copy of {row.name}: they cannot be read back")
    return row


class ReadingMixin(ABC):
    """The methods of a hook that read, and ask Codat to read the books anew.

    What Codat shows of the books is a copy, as old as the last refresh. What was
    written is not in it before the next one.
    """

    @property
    @abstractmethod
    def patience(self) -> Patience:
        """How a conversation takes its time."""

    @abstractmethod
    def _drive(self, conversation: Conversation[T]) -> T:
        """Carry out a conversation."""

    def get_push_operation(
        self, company_id: str, push_operation_key: str
    ) -> dict[str, Any]:
        """Return how one push operation stands, as Codat sent it.

        Source: https://docs.codat.io/platform-api#/operations/get-push-operation
        """
        request = codat_request.read_push_operation(company_id, push_operation_key)
        operation = self._drive(get(request, push_operation_of, self.patience))
        return dict(operation.raw)

    def list_push_operations(
        self,
        company_id: str,
        *,
        query: str | None = None,
        order_by: str | None = None,
        page_size: int = 100,
    ) -> Iterator[dict[str, Any]]:
        """Yield a company's push operations, over all pages, each once.

        :param query: in Codat's query language, such as ``status=Failed``.
        :param order_by: a property; with ``-`` before it, descending.
        :param page_size: how many each request asks for, 1 to 5,000.
        Source: https://docs.codat.io/platform-api#/operations/get-company-push-history
        """

        def page(number: int) -> Conversation[Page]:
            request = codat_request.list_push_operations(
                company_id,
                page=number,
                page_size=page_size,
                query=query,
                order_by=order_by,
            )
            return get(request, page_of, self.patience)

        return self._each(page, "pushOperationKey", page_size)

    def get_model(
        self, data_type: str, company_id: str, connection_id: str
    ) -> dict[str, Any]:
        """Return what the connection's software wants of a record.

        :param data_type: Codat's key, such as ``invoices``.
        :raises ValueError: when an id is no UUID, or the data type no key.
        :raises NotFound: when there is no such connection, or its software takes no
            such records.
        Source: https://docs.codat.io/platform-api#/operations/get-create-update-model-options-by-data-type
        """
        destination = Destination(company_id, connection_id)
        request = codat_request.read_model(destination, data_type_of(data_type))
        return self._drive(get(request, object_of, self.patience))

    def get_customer_model(self, company_id: str, connection_id: str) -> dict[str, Any]:
        """Return what the connection's software wants of a customer.

        See :meth:`get_model`.
        """
        return self.get_model(CUSTOMERS.name, company_id, connection_id)

    def refresh(
        self,
        company_id: str,
        data_type: str = CUSTOMERS.name,
        *,
        connection_id: str | None = None,
    ) -> dict[str, Any]:
        """Ask Codat to read the books anew; do not wait for it to be done.

        Where a refresh of this data type runs already, that one is returned: it shows
        the books as they were when *it* started.

        :param company_id: Codat's company, a UUID.
        :param data_type: Codat's key, such as ``customers`` or ``chartOfAccounts``.
        :param connection_id: to read one connection alone, a UUID; by default, all of
            the company's.
        :return: the pull operation, as Codat sent it; its ``id`` is for
            :meth:`get_pull_operation`.
        :raises ValueError: when an id is no UUID.
        :raises Refused: when Codat refused, such as for a data type that the
            accounting software does not offer.
        :raises Unreachable: when no answer came. It may simply be asked for again.
        :raises Busy: when Codat is not to be asked now, or reads another connection.
        Source: https://docs.codat.io/platform-api#/operations/refresh-data-type
        """
        operation = self._drive(
            started(
                company_id,
                data_type,
                self.patience,
                keys=lambda: str(uuid4()),
                connection_id=connection_id,
            )
        )
        return dict(operation.raw)

    def request_refresh(
        self,
        company_id: str,
        data_type: str,
        *,
        connection_id: str | None,
        poll_interval_seconds: float,
        deadline: float,
        newest: str = "",
    ) -> Refresh:
        """Start a refresh, or return the one that has to end first.

        :param newest: see :class:`airflow_provider_codat.api.books.records.Refresh`.
        :param deadline: epoch seconds.
        :raises StillInProgress: when none has started by then.
        """
        return self._drive(
            requested(
                company_id,
                data_type,
                self.patience,
                keys=lambda: str(uuid4()),
                deadline=deadline,
                connection_id=connection_id,
                poll_interval_seconds=poll_interval_seconds,
                newest=newest,
            )
        )

    def settle_refresh(
        self,
        operation: PullOperation,
        *,
        poll_interval_seconds: float,
        deadline: float,
    ) -> PullOperation:
        """Wait until a refresh has ended, however it ends.

        :param deadline: epoch seconds.
        :raises StillInProgress: when it has not ended by then.
        """
        return self._drive(
            refresh_ended(
                operation,
                self.patience,
                deadline=deadline,
                poll_interval_seconds=poll_interval_seconds,
            )
        )

    def get_pull_operation(self, company_id: str, dataset_id: str) -> dict[str, Any]:
        """Return how one refresh stands, as Codat sent it.

        It has ended when ``isCompleted`` or ``isErrored`` is true.

        :param company_id: Codat's company, a UUID.
        :param dataset_id: the ``id`` that :meth:`refresh` returned, a UUID.
        :raises ValueError: when an id is no UUID.
        :raises NotFound: when Codat knows no such refresh.
        Source: https://docs.codat.io/platform-api#/operations/get-pull-operation
        """
        request = codat_request.read_pull_operation(company_id, dataset_id)
        read = pull_operation_expected(
            checked_uuid(company_id, "company_id"),
            checked_uuid(dataset_id, "dataset_id"),
        )
        operation = self._drive(get(request, read, self.patience))
        return dict(operation.raw)

    def get_data_status(self, company_id: str) -> dict[str, dict[str, Any]]:
        """Return how fresh Codat's copy of each data type is, as Codat sent it.

        :param company_id: Codat's company, a UUID.
        :return: by data type, such as ``customers``, what Codat tells of it:
            ``currentStatus``, ``lastSuccessfulSync`` and more, each of which may be
            absent.
        :raises ValueError: when the id is no UUID.
        :raises NotFound: when there is no such company.
        Source: https://docs.codat.io/platform-api#/operations/get-company-data-status
        """
        request = codat_request.read_data_status(company_id)
        return self._drive(get(request, data_status_of, self.patience))

    def list_records(
        self,
        data_type: str,
        company_id: str,
        *,
        connection_id: str | None = None,
        query: str | None = None,
        order_by: str | None = None,
        modified_since: datetime | None = None,
        page_size: int = 100,
    ) -> Iterator[dict[str, Any]]:
        """Yield Codat's copy of a company's records, over all pages, each once.

        Deleted records are among them, unless the query says
        ``metadata.isDeleted!=true``.

        :param data_type: Codat's key, such as ``invoices``.
        :param company_id: Codat's company, a UUID.
        :param connection_id: a UUID, for the data types whose copy is that of one
            connection: bank accounts, direct costs and incomes, transfers.
        :param query: in Codat's query language, such as ``customerName~Bakery``.
        :param order_by: a property; with ``-`` before it, descending.
        :param modified_since: leaves out what Codat has not seen changed since. It must
            have a time zone.
        :param page_size: how many each request asks for, 1 to 5,000.
        :raises ValueError: when the id is no UUID, or another argument not as
            described.
        :raises StillInProgress: when there is no copy yet: call :meth:`refresh` first.
        :raises NotFound: when there is no such company, or its software has no such
            records.
        Source: https://docs.codat.io/lending-api#/operations/list-accounting-invoices
        """
        row = readable(data_type)

        def page(number: int) -> Conversation[Page]:
            request = codat_request.list_records(
                company_id,
                row,
                connection_id=connection_id,
                page=number,
                page_size=page_size,
                query=query,
                order_by=order_by,
                modified_since=modified_since,
            )
            return cached(request, page_of, self.patience)

        return self._each(page, "id", page_size)

    def list_customers(
        self, company_id: str, **options: Unpack[ListKwargs]
    ) -> Iterator[dict[str, Any]]:
        """Yield Codat's copy of a company's customers: see :meth:`list_records`.

        Source: https://docs.codat.io/sync-for-expenses-api#/operations/list-customers
        """
        return self.list_records(CUSTOMERS.name, company_id, **options)

    def get_record(
        self,
        data_type: str,
        company_id: str,
        record_id: str,
        *,
        connection_id: str | None = None,
    ) -> dict[str, Any]:
        """Return Codat's copy of one record, as Codat sent it.

        :param data_type: Codat's key, such as ``invoices``.
        :param company_id: Codat's company, a UUID.
        :param record_id: the record's id in the accounting software, such as the
            ``record_id`` of a push operation: any text.
        :param connection_id: see :meth:`list_records`.
        :raises ValueError: when an id is no UUID, or the record's is empty.
        :raises NotFound: when the copy holds no such record; after a write, it does
            not before a refresh.
        :raises StillInProgress: when there is no copy yet: call :meth:`refresh` first.
        Source: https://docs.codat.io/lending-api#/operations/get-accounting-invoice
        """
        request = codat_request.read_record(
            company_id, readable(data_type), record_id, connection_id=connection_id
        )
        return self._drive(cached(request, object_of, self.patience))

    def get_customer(self, company_id: str, customer_id: str) -> dict[str, Any]:
        """Return Codat's copy of one customer: see :meth:`get_record`.

        Source: https://docs.codat.io/sync-for-expenses-api#/operations/get-customer
        """
        return self.get_record(CUSTOMERS.name, company_id, customer_id)

    def _each(
        self,
        page: Callable[[int], Conversation[Page]],
        identity: str,
        page_size: int,
    ) -> Iterator[dict[str, Any]]:
        """Yield what stands on numbered pages, each entry once.

        :param identity: the property that tells entries apart.
        """
        if not 1 <= page_size <= _LARGEST_PAGE:
            raise ValueError(f"page_size must be from 1 to {_LARGEST_PAGE}")
        # What is written meanwhile moves entries from one page to the next.
        seen = set()
        walk = PageWalk()
        for number in count(1):
            listed = self._drive(page(number))
            for entry in listed.entries:
                # Without an identity it is told apart by all that it says.
                name = repr(entry.get(identity) or entry)
                if name not in seen:
                    seen.add(name)
                    yield entry
            if not walk.goes_on(listed):
                return
