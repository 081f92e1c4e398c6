"""Operators that write into a company's books through Codat, and those beside them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

from airflow_provider_codat.api.data_types import CUSTOMERS
from airflow_provider_codat.api.payload.types import AccountingCustomer
from airflow_provider_codat.operators.codat_operator import documented
from airflow_provider_codat.operators.create import CreateRecordOperator
from airflow_provider_codat.operators.create_many import CreateRecordsOperator
from airflow_provider_codat.operators.read import (
    GetCustomerModelOperator,
    ListAccountingCustomersOperator,
)
from airflow_provider_codat.operators.refresh import CodatDataRefreshOperator
from airflow_provider_codat.operators.update import UpdateRecordOperator
from airflow_provider_codat.tasks.options import (
    CreateRecordKwargs,
    CreateRecordsKwargs,
    UpdateKwargs,
)
from airflow_provider_codat.tasks.update import record_id_of

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import ObjectStoragePath

__all__ = [
    "CodatDataRefreshOperator",
    "CreateAccountingCustomerOperator",
    "CreateAccountingCustomersOperator",
    "GetCustomerModelOperator",
    "ListAccountingCustomersOperator",
    "UpdateAccountingCustomerOperator",
]


@documented
class CreateAccountingCustomerOperator(CreateRecordOperator):
    """Create one customer in a company's books.

    The payload is checked, and what is about to be done is written down, before
    anything is sent; then the push operation is waited for. Whatever happens meanwhile,
    the next try goes on from what was written down.

    :param customer: the payload, see
        :class:`airflow_provider_codat.api.AccountingCustomer`: a dict whose leaves may
        be Jinja, an XComArg, or a text that renders to JSON or to a Python literal.
        (templated)
    :return: a dict of ``push_operation_key``, ``status`` (Codat's, or ``Exists``),
        ``record_id`` (None unless it is in the books), ``company_id``,
        ``connection_id``, ``warnings`` (texts), ``requested_at``, ``completed_at``
        (times as Codat writes them), ``adopted`` (whether it was found in the books
        after the answer was lost).
    :raises PayloadInvalid: with every problem; nothing was sent.
    :raises ConnectionUnusable: nothing was sent.
    :raises AlreadyExists: with ``if_exists``; nothing was sent.
    :raises PushFailed: with every reason that Codat gave.
    :raises PushTimedOut: Codat gave up waiting; the customer may still appear.
    :raises OutcomeUnknown: a customer may exist; it is not sent again.
    """

    data_type = CUSTOMERS

    template_fields: Sequence[str] = (
        "company_id",
        "connection_id",
        "codat_conn_id",
        "customer",
        "item_key",
        "timeout_in_minutes",
        "idempotency_key",
        "completion_timeout_seconds",
        "unknown_resolution",
        "model",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        "customer": "json",
        "model": "json",
    }

    def __init__(
        self,
        *,
        customer: AccountingCustomer | Mapping[str, Any] | str,
        **options: Unpack[CreateRecordKwargs],
    ) -> None:
        super().__init__(**options)
        self.customer = customer

    def payload(self) -> object:
        """Return the customer, as it was rendered."""
        return self.customer


@documented
class CreateAccountingCustomersOperator(CreateRecordsOperator):
    """Create many customers in a company's books, each of them exactly once.

    All rows are checked before the first one is sent. A try that is killed, or fails,
    is gone on with by the next one: no row twice, no row lost.

    :param customers: up to 1,000 rows: a list, an XComArg, or a text that renders to a
        JSON list. (templated)
    :param customers_path: in their place, a file of JSON lines, plain or gzip
        (``.gz``), wherever Airflow's ``ObjectStoragePath`` reads. (templated)
    :return: a dict of ``company_id``, ``connection_id``, ``rows``, ``counts`` (rows by
        status), ``adopted``, ``requests`` (of this try), ``results_path`` and
        ``results`` (a list; None where they are in a file). When the task fails, it is
        pushed to XCom all the same.
    :raises BatchFailed: with a list of the rows that are not in the books, and why.
    :raises BatchUnfinished: the same, where another try may bring them there.
    :raises QuotaShort: nothing was sent.
    :raises SourceChanged: the rows are not those that were read, or sent, before.
    """

    data_type = CUSTOMERS
    sources = ("customers", "customers_path")

    template_fields: Sequence[str] = (
        "company_id",
        "connection_id",
        "codat_conn_id",
        "customers",
        "customers_path",
        "item_key",
        "max_failed",
        "results_path",
        "timeout_in_minutes",
        "completion_timeout_seconds",
        "unknown_resolution",
        "model",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        "customers": "json",
        "model": "json",
    }

    def __init__(
        self,
        *,
        customers: Sequence[AccountingCustomer | Mapping[str, Any]] | str | None = None,
        customers_path: "str | ObjectStoragePath | None" = None,
        **options: Unpack[CreateRecordsKwargs],
    ) -> None:
        super().__init__(**options)
        self.customers = customers
        self.customers_path = customers_path


@documented
class UpdateAccountingCustomerOperator(UpdateRecordOperator):
    """Update one customer in a company's books.

    A PUT leaves the same values however often it is sent, so one whose answer was lost
    is sent again. An older payload of this task is never written over a newer one. See
    ``docs/updating.md``.

    :param customer_id: the record's id in the accounting software, such as the
        ``record_id`` of a create: any text. (templated)
    :param customer: the whole customer: what Codat does with properties that are left
        out, it does not say. (templated)
    :return: as the create's; ``adopted`` tells that the values were found in the books
        after an answer was lost, ``push_operation_key`` is empty where no push
        operation is known to have brought them.
    :raises PayloadInvalid: with every problem; nothing was sent.
    :raises Refused: nothing was changed.
    :raises PushFailed: with every reason that Codat gave.
    :raises PushTimedOut: Codat gave up waiting; the customer may still be changed.
    :raises OutcomeUnknown: whether the customer was changed is not known.
    """

    data_type = CUSTOMERS

    template_fields: Sequence[str] = (
        "company_id",
        "connection_id",
        "codat_conn_id",
        "customer_id",
        "customer",
        "force_update",
        "timeout_in_minutes",
        "model",
        "completion_timeout_seconds",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        "customer": "json",
        "model": "json",
    }

    def __init__(
        self,
        *,
        customer_id: str,
        customer: AccountingCustomer | Mapping[str, Any] | str,
        **options: Unpack[UpdateKwargs],
    ) -> None:
        super().__init__(**options)
        self.customer_id = customer_id
        self.customer = customer

    def payload(self) -> object:
        """Return the customer, as it was rendered."""
        return self.customer

    def record_id(self) -> str:
        """Return the customer's id, as it was rendered."""
        return record_id_of(self.customer_id, "customer_id")
