"""The operators that create many records."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Unpack

from airflow_provider_codat.api.data_types import (
    BANK_ACCOUNTS,
    BANK_TRANSACTIONS,
    BILL_CREDIT_NOTES,
    BILL_PAYMENTS,
    BILLS,
    CHART_OF_ACCOUNTS,
    CREDIT_NOTES,
    CUSTOMERS,
    DIRECT_COSTS,
    DIRECT_INCOMES,
    INVOICES,
    ITEMS,
    JOURNAL_ENTRIES,
    JOURNALS,
    PAYMENTS,
    PURCHASE_ORDERS,
    SUPPLIERS,
    TRANSFERS,
)
from airflow_provider_codat.api.payload.types import (
    AccountingAccount,
    AccountingBankAccount,
    AccountingBankTransactions,
    AccountingBill,
    AccountingBillCreditNote,
    AccountingBillPayment,
    AccountingCreditNote,
    AccountingCustomer,
    AccountingDirectCost,
    AccountingDirectIncome,
    AccountingInvoice,
    AccountingItem,
    AccountingJournal,
    AccountingJournalEntry,
    AccountingPayment,
    AccountingPurchaseOrder,
    AccountingSupplier,
    AccountingTransfer,
)
from airflow_provider_codat.operators.codat_operator import documented
from airflow_provider_codat.operators.create_many import CreateRecordsOperator
from airflow_provider_codat.tasks.options import (
    CreateRecordsKwargs,
)

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import ObjectStoragePath


@documented
class CreateAccountingCustomersOperator(CreateRecordsOperator):
    """Create many customers in a company's books, each exactly once.

    All rows are checked before the first one is sent. A try that is killed, or fails,
    is gone on with by the next one: no row twice, no row lost.

    :param customers: up to 1,000 rows, see
        :class:`airflow_provider_codat.api.AccountingCustomer`:
        a list, an XComArg, or a text that renders to a JSON list. (templated)
    :param customers_path: in their place, a file of JSON lines, JSON,
        CSV or Parquet, plain or gzip, wherever ``ObjectStoragePath`` reads. (templated)
    """

    data_type = CUSTOMERS

    def __init__(
        self,
        *,
        customers: Sequence[AccountingCustomer | Mapping[str, Any]] | str | None = None,
        customers_path: "str | ObjectStoragePath | None" = None,
        **kwargs: Unpack[CreateRecordsKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.customers = customers
        self.customers_path = customers_path


@documented
class CreateAccountingSuppliersOperator(CreateRecordsOperator):
    """Create many suppliers in a company's books, each exactly once.

    All rows are checked before the first one is sent. A try that is killed, or fails,
    is gone on with by the next one: no row twice, no row lost.

    :param suppliers: up to 1,000 rows, see
        :class:`airflow_provider_codat.api.AccountingSupplier`:
        a list, an XComArg, or a text that renders to a JSON list. (templated)
    :param suppliers_path: in their place, a file of JSON lines, JSON,
        CSV or Parquet, plain or gzip, wherever ``ObjectStoragePath`` reads. (templated)
    """

    data_type = SUPPLIERS

    def __init__(
        self,
        *,
        suppliers: Sequence[AccountingSupplier | Mapping[str, Any]] | str | None = None,
        suppliers_path: "str | ObjectStoragePath | None" = None,
        **kwargs: Unpack[CreateRecordsKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.suppliers = suppliers
        self.suppliers_path = suppliers_path


@documented
class CreateAccountingAccountsOperator(CreateRecordsOperator):
    """Create many accounts in a company's books, each exactly once.

    All rows are checked before the first one is sent. A try that is killed, or fails,
    is gone on with by the next one: no row twice, no row lost.

    :param accounts: up to 1,000 rows, see
        :class:`airflow_provider_codat.api.AccountingAccount`:
        a list, an XComArg, or a text that renders to a JSON list. (templated)
    :param accounts_path: in their place, a file of JSON lines, JSON,
        CSV or Parquet, plain or gzip, wherever ``ObjectStoragePath`` reads. (templated)
    """

    data_type = CHART_OF_ACCOUNTS

    def __init__(
        self,
        *,
        accounts: Sequence[AccountingAccount | Mapping[str, Any]] | str | None = None,
        accounts_path: "str | ObjectStoragePath | None" = None,
        **kwargs: Unpack[CreateRecordsKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.accounts = accounts
        self.accounts_path = accounts_path


@documented
class CreateAccountingBankAccountsOperator(CreateRecordsOperator):
    """Create many bank accounts in a company's books, each exactly once.

    All rows are checked before the first one is sent. A try that is killed, or fails,
    is gone on with by the next one: no row twice, no row lost.

    :param bank_accounts: up to 1,000 rows, see
        :class:`airflow_provider_codat.api.AccountingBankAccount`:
        a list, an XComArg, or a text that renders to a JSON list. (templated)
    :param bank_accounts_path: in their place, a file of JSON lines, JSON,
        CSV or Parquet, plain or gzip, wherever ``ObjectStoragePath`` reads. (templated)
    """

    data_type = BANK_ACCOUNTS

    def __init__(
        self,
        *,
        bank_accounts: Sequence[AccountingBankAccount | Mapping[str, Any]]
        | str
        | None = None,
        bank_accounts_path: "str | ObjectStoragePath | None" = None,
        **kwargs: Unpack[CreateRecordsKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.bank_accounts = bank_accounts
        self.bank_accounts_path = bank_accounts_path


@documented
class CreateAccountingBankTransactionBatchesOperator(CreateRecordsOperator):
    """Create many bank transaction batches in a company's books, each exactly once.

    All rows are checked before the first one is sent. A try that is killed, or fails,
    is gone on with by the next one: no row twice, no row lost.

    :param bank_transaction_batches: up to 1,000 rows, see
        :class:`airflow_provider_codat.api.AccountingBankTransactions`:
        a list, an XComArg, or a text that renders to a JSON list. (templated)
    :param bank_transaction_batches_path: in their place, a file of JSON lines, JSON,
        CSV or Parquet, plain or gzip, wherever ``ObjectStoragePath`` reads. (templated)
    """

    data_type = BANK_TRANSACTIONS

    def __init__(
        self,
        *,
        bank_transaction_batches: Sequence[
            AccountingBankTransactions | Mapping[str, Any]
        ]
        | str
        | None = None,
        bank_transaction_batches_path: "str | ObjectStoragePath | None" = None,
        **kwargs: Unpack[CreateRecordsKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.bank_transaction_batches = bank_transaction_batches
        self.bank_transaction_batches_path = bank_transaction_batches_path


@documented
class CreateAccountingItemsOperator(CreateRecordsOperator):
    """Create many items in a company's books, each exactly once.

    All rows are checked before the first one is sent. A try that is killed, or fails,
    is gone on with by the next one: no row twice, no row lost.

    :param items: up to 1,000 rows, see
        :class:`airflow_provider_codat.api.AccountingItem`:
        a list, an XComArg, or a text that renders to a JSON list. (templated)
    :param items_path: in their place, a file of JSON lines, JSON,
        CSV or Parquet, plain or gzip, wherever ``ObjectStoragePath`` reads. (templated)
    """

    data_type = ITEMS

    def __init__(
        self,
        *,
        items: Sequence[AccountingItem | Mapping[str, Any]] | str | None = None,
        items_path: "str | ObjectStoragePath | None" = None,
        **kwargs: Unpack[CreateRecordsKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.items = items
        self.items_path = items_path


@documented
class CreateAccountingJournalsOperator(CreateRecordsOperator):
    """Create many journals in a company's books, each exactly once.

    All rows are checked before the first one is sent. A try that is killed, or fails,
    is gone on with by the next one: no row twice, no row lost.

    :param journals: up to 1,000 rows, see
        :class:`airflow_provider_codat.api.AccountingJournal`:
        a list, an XComArg, or a text that renders to a JSON list. (templated)
    :param journals_path: in their place, a file of JSON lines, JSON,
        CSV or Parquet, plain or gzip, wherever ``ObjectStoragePath`` reads. (templated)
    """

    data_type = JOURNALS

    def __init__(
        self,
        *,
        journals: Sequence[AccountingJournal | Mapping[str, Any]] | str | None = None,
        journals_path: "str | ObjectStoragePath | None" = None,
        **kwargs: Unpack[CreateRecordsKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.journals = journals
        self.journals_path = journals_path


@documented
class CreateAccountingInvoicesOperator(CreateRecordsOperator):
    """Create many invoices in a company's books, each exactly once.

    All rows are checked before the first one is sent. A try that is killed, or fails,
    is gone on with by the next one: no row twice, no row lost.

    :param invoices: up to 1,000 rows, see
        :class:`airflow_provider_codat.api.AccountingInvoice`:
        a list, an XComArg, or a text that renders to a JSON list. (templated)
    :param invoices_path: in their place, a file of JSON lines, JSON,
        CSV or Parquet, plain or gzip, wherever ``ObjectStoragePath`` reads. (templated)
    """

    data_type = INVOICES

    def __init__(
        self,
        *,
        invoices: Sequence[AccountingInvoice | Mapping[str, Any]] | str | None = None,
        invoices_path: "str | ObjectStoragePath | None" = None,
        **kwargs: Unpack[CreateRecordsKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.invoices = invoices
        self.invoices_path = invoices_path


@documented
class CreateAccountingCreditNotesOperator(CreateRecordsOperator):
    """Create many credit notes in a company's books, each exactly once.

    All rows are checked before the first one is sent. A try that is killed, or fails,
    is gone on with by the next one: no row twice, no row lost.

    :param credit_notes: up to 1,000 rows, see
        :class:`airflow_provider_codat.api.AccountingCreditNote`:
        a list, an XComArg, or a text that renders to a JSON list. (templated)
    :param credit_notes_path: in their place, a file of JSON lines, JSON,
        CSV or Parquet, plain or gzip, wherever ``ObjectStoragePath`` reads. (templated)
    """

    data_type = CREDIT_NOTES

    def __init__(
        self,
        *,
        credit_notes: Sequence[AccountingCreditNote | Mapping[str, Any]]
        | str
        | None = None,
        credit_notes_path: "str | ObjectStoragePath | None" = None,
        **kwargs: Unpack[CreateRecordsKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.credit_notes = credit_notes
        self.credit_notes_path = credit_notes_path


@documented
class CreateAccountingBillsOperator(CreateRecordsOperator):
    """Create many bills in a company's books, each exactly once.

    All rows are checked before the first one is sent. A try that is killed, or fails,
    is gone on with by the next one: no row twice, no row lost.

    :param bills: up to 1,000 rows, see
        :class:`airflow_provider_codat.api.AccountingBill`:
        a list, an XComArg, or a text that renders to a JSON list. (templated)
    :param bills_path: in their place, a file of JSON lines, JSON,
        CSV or Parquet, plain or gzip, wherever ``ObjectStoragePath`` reads. (templated)
    """

    data_type = BILLS

    def __init__(
        self,
        *,
        bills: Sequence[AccountingBill | Mapping[str, Any]] | str | None = None,
        bills_path: "str | ObjectStoragePath | None" = None,
        **kwargs: Unpack[CreateRecordsKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.bills = bills
        self.bills_path = bills_path


@documented
class CreateAccountingBillCreditNotesOperator(CreateRecordsOperator):
    """Create many bill credit notes in a company's books, each exactly once.

    All rows are checked before the first one is sent. A try that is killed, or fails,
    is gone on with by the next one: no row twice, no row lost.

    :param bill_credit_notes: up to 1,000 rows, see
        :class:`airflow_provider_codat.api.AccountingBillCreditNote`:
        a list, an XComArg, or a text that renders to a JSON list. (templated)
    :param bill_credit_notes_path: in their place, a file of JSON lines, JSON,
        CSV or Parquet, plain or gzip, wherever ``ObjectStoragePath`` reads. (templated)
    """

    data_type = BILL_CREDIT_NOTES

    def __init__(
        self,
        *,
        bill_credit_notes: Sequence[AccountingBillCreditNote | Mapping[str, Any]]
        | str
        | None = None,
        bill_credit_notes_path: "str | ObjectStoragePath | None" = None,
        **kwargs: Unpack[CreateRecordsKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.bill_credit_notes = bill_credit_notes
        self.bill_credit_notes_path = bill_credit_notes_path


@documented
class CreateAccountingPurchaseOrdersOperator(CreateRecordsOperator):
    """Create many purchase orders in a company's books, each exactly once.

    All rows are checked before the first one is sent. A try that is killed, or fails,
    is gone on with by the next one: no row twice, no row lost.

    :param purchase_orders: up to 1,000 rows, see
        :class:`airflow_provider_codat.api.AccountingPurchaseOrder`:
        a list, an XComArg, or a text that renders to a JSON list. (templated)
    :param purchase_orders_path: in their place, a file of JSON lines, JSON,
        CSV or Parquet, plain or gzip, wherever ``ObjectStoragePath`` reads. (templated)
    """

    data_type = PURCHASE_ORDERS

    def __init__(
        self,
        *,
        purchase_orders: Sequence[AccountingPurchaseOrder | Mapping[str, Any]]
        | str
        | None = None,
        purchase_orders_path: "str | ObjectStoragePath | None" = None,
        **kwargs: Unpack[CreateRecordsKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.purchase_orders = purchase_orders
        self.purchase_orders_path = purchase_orders_path


@documented
class CreateAccountingPaymentsOperator(CreateRecordsOperator):
    """Create many payments in a company's books, each exactly once.

    All rows are checked before the first one is sent. A try that is killed, or fails,
    is gone on with by the next one: no row twice, no row lost.

    :param payments: up to 1,000 rows, see
        :class:`airflow_provider_codat.api.AccountingPayment`:
        a list, an XComArg, or a text that renders to a JSON list. (templated)
    :param payments_path: in their place, a file of JSON lines, JSON,
        CSV or Parquet, plain or gzip, wherever ``ObjectStoragePath`` reads. (templated)
    """

    data_type = PAYMENTS

    def __init__(
        self,
        *,
        payments: Sequence[AccountingPayment | Mapping[str, Any]] | str | None = None,
        payments_path: "str | ObjectStoragePath | None" = None,
        **kwargs: Unpack[CreateRecordsKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.payments = payments
        self.payments_path = payments_path


@documented
class CreateAccountingBillPaymentsOperator(CreateRecordsOperator):
    """Create many bill payments in a company's books, each exactly once.

    All rows are checked before the first one is sent. A try that is killed, or fails,
    is gone on with by the next one: no row twice, no row lost.

    :param bill_payments: up to 1,000 rows, see
        :class:`airflow_provider_codat.api.AccountingBillPayment`:
        a list, an XComArg, or a text that renders to a JSON list. (templated)
    :param bill_payments_path: in their place, a file of JSON lines, JSON,
        CSV or Parquet, plain or gzip, wherever ``ObjectStoragePath`` reads. (templated)
    """

    data_type = BILL_PAYMENTS

    def __init__(
        self,
        *,
        bill_payments: Sequence[AccountingBillPayment | Mapping[str, Any]]
        | str
        | None = None,
        bill_payments_path: "str | ObjectStoragePath | None" = None,
        **kwargs: Unpack[CreateRecordsKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.bill_payments = bill_payments
        self.bill_payments_path = bill_payments_path


@documented
class CreateAccountingDirectCostsOperator(CreateRecordsOperator):
    """Create many direct costs in a company's books, each exactly once.

    All rows are checked before the first one is sent. A try that is killed, or fails,
    is gone on with by the next one: no row twice, no row lost.

    :param direct_costs: up to 1,000 rows, see
        :class:`airflow_provider_codat.api.AccountingDirectCost`:
        a list, an XComArg, or a text that renders to a JSON list. (templated)
    :param direct_costs_path: in their place, a file of JSON lines, JSON,
        CSV or Parquet, plain or gzip, wherever ``ObjectStoragePath`` reads. (templated)
    """

    data_type = DIRECT_COSTS

    def __init__(
        self,
        *,
        direct_costs: Sequence[AccountingDirectCost | Mapping[str, Any]]
        | str
        | None = None,
        direct_costs_path: "str | ObjectStoragePath | None" = None,
        **kwargs: Unpack[CreateRecordsKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.direct_costs = direct_costs
        self.direct_costs_path = direct_costs_path


@documented
class CreateAccountingDirectIncomesOperator(CreateRecordsOperator):
    """Create many direct incomes in a company's books, each exactly once.

    All rows are checked before the first one is sent. A try that is killed, or fails,
    is gone on with by the next one: no row twice, no row lost.

    :param direct_incomes: up to 1,000 rows, see
        :class:`airflow_provider_codat.api.AccountingDirectIncome`:
        a list, an XComArg, or a text that renders to a JSON list. (templated)
    :param direct_incomes_path: in their place, a file of JSON lines, JSON,
        CSV or Parquet, plain or gzip, wherever ``ObjectStoragePath`` reads. (templated)
    """

    data_type = DIRECT_INCOMES

    def __init__(
        self,
        *,
        direct_incomes: Sequence[AccountingDirectIncome | Mapping[str, Any]]
        | str
        | None = None,
        direct_incomes_path: "str | ObjectStoragePath | None" = None,
        **kwargs: Unpack[CreateRecordsKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.direct_incomes = direct_incomes
        self.direct_incomes_path = direct_incomes_path


@documented
class CreateAccountingJournalEntriesOperator(CreateRecordsOperator):
    """Create many journal entries in a company's books, each exactly once.

    All rows are checked before the first one is sent. A try that is killed, or fails,
    is gone on with by the next one: no row twice, no row lost.

    :param journal_entries: up to 1,000 rows, see
        :class:`airflow_provider_codat.api.AccountingJournalEntry`:
        a list, an XComArg, or a text that renders to a JSON list. (templated)
    :param journal_entries_path: in their place, a file of JSON lines, JSON,
        CSV or Parquet, plain or gzip, wherever ``ObjectStoragePath`` reads. (templated)
    """

    data_type = JOURNAL_ENTRIES

    def __init__(
        self,
        *,
        journal_entries: Sequence[AccountingJournalEntry | Mapping[str, Any]]
        | str
        | None = None,
        journal_entries_path: "str | ObjectStoragePath | None" = None,
        **kwargs: Unpack[CreateRecordsKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.journal_entries = journal_entries
        self.journal_entries_path = journal_entries_path


@documented
class CreateAccountingTransfersOperator(CreateRecordsOperator):
    """Create many transfers in a company's books, each exactly once.

    All rows are checked before the first one is sent. A try that is killed, or fails,
    is gone on with by the next one: no row twice, no row lost.

    :param transfers: up to 1,000 rows, see
        :class:`airflow_provider_codat.api.AccountingTransfer`:
        a list, an XComArg, or a text that renders to a JSON list. (templated)
    :param transfers_path: in their place, a file of JSON lines, JSON,
        CSV or Parquet, plain or gzip, wherever ``ObjectStoragePath`` reads. (templated)
    """

    data_type = TRANSFERS

    def __init__(
        self,
        *,
        transfers: Sequence[AccountingTransfer | Mapping[str, Any]] | str | None = None,
        transfers_path: "str | ObjectStoragePath | None" = None,
        **kwargs: Unpack[CreateRecordsKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.transfers = transfers
        self.transfers_path = transfers_path
