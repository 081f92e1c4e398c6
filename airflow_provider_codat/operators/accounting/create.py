"""The operators that create one record."""

from collections.abc import Mapping
from typing import Any, Unpack

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
from airflow_provider_codat.operators.create import CreateRecordOperator
from airflow_provider_codat.tasks.options import (
    CreateRecordKwargs,
)


@documented
class CreateAccountingCustomerOperator(CreateRecordOperator):
    """Create a customer in a company's books, exactly once.

    The payload is checked, and what is about to be done is written down, before
    anything is sent; then the push operation is waited for. Whatever happens meanwhile,
    the next try goes on from what was written down.

    :param customer: the payload, see
        :class:`airflow_provider_codat.api.AccountingCustomer`:
        a dict whose leaves may be Jinja, an XComArg, or a text that renders to JSON or
        to a Python literal. (templated)
    """

    data_type = CUSTOMERS

    def __init__(
        self,
        *,
        customer: AccountingCustomer | Mapping[str, Any] | str,
        **kwargs: Unpack[CreateRecordKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.customer = customer


@documented
class CreateAccountingSupplierOperator(CreateRecordOperator):
    """Create a supplier in a company's books, exactly once.

    The payload is checked, and what is about to be done is written down, before
    anything is sent; then the push operation is waited for. Whatever happens meanwhile,
    the next try goes on from what was written down.

    :param supplier: the payload, see
        :class:`airflow_provider_codat.api.AccountingSupplier`:
        a dict whose leaves may be Jinja, an XComArg, or a text that renders to JSON or
        to a Python literal. (templated)
    """

    data_type = SUPPLIERS

    def __init__(
        self,
        *,
        supplier: AccountingSupplier | Mapping[str, Any] | str,
        **kwargs: Unpack[CreateRecordKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.supplier = supplier


@documented
class CreateAccountingAccountOperator(CreateRecordOperator):
    """Create an account in a company's books, exactly once.

    The payload is checked, and what is about to be done is written down, before
    anything is sent; then the push operation is waited for. Whatever happens meanwhile,
    the next try goes on from what was written down.

    :param account: the payload, see
        :class:`airflow_provider_codat.api.AccountingAccount`:
        a dict whose leaves may be Jinja, an XComArg, or a text that renders to JSON or
        to a Python literal. (templated)
    """

    data_type = CHART_OF_ACCOUNTS

    def __init__(
        self,
        *,
        account: AccountingAccount | Mapping[str, Any] | str,
        **kwargs: Unpack[CreateRecordKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.account = account


@documented
class CreateAccountingBankAccountOperator(CreateRecordOperator):
    """Create a bank account in a company's books, exactly once.

    The payload is checked, and what is about to be done is written down, before
    anything is sent; then the push operation is waited for. Whatever happens meanwhile,
    the next try goes on from what was written down.

    :param bank_account: the payload, see
        :class:`airflow_provider_codat.api.AccountingBankAccount`:
        a dict whose leaves may be Jinja, an XComArg, or a text that renders to JSON or
        to a Python literal. (templated)
    """

    data_type = BANK_ACCOUNTS

    def __init__(
        self,
        *,
        bank_account: AccountingBankAccount | Mapping[str, Any] | str,
        **kwargs: Unpack[CreateRecordKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.bank_account = bank_account


@documented
class CreateAccountingBankTransactionsOperator(CreateRecordOperator):
    """Create a batch of bank transactions in a company's books, exactly once.

    The payload is checked, and what is about to be done is written down, before
    anything is sent; then the push operation is waited for. Whatever happens meanwhile,
    the next try goes on from what was written down.

    :param bank_transactions: the payload, see
        :class:`airflow_provider_codat.api.AccountingBankTransactions`:
        a dict whose leaves may be Jinja, an XComArg, or a text that renders to JSON or
        to a Python literal. (templated)
    """

    data_type = BANK_TRANSACTIONS

    def __init__(
        self,
        *,
        bank_transactions: AccountingBankTransactions | Mapping[str, Any] | str,
        **kwargs: Unpack[CreateRecordKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.bank_transactions = bank_transactions


@documented
class CreateAccountingItemOperator(CreateRecordOperator):
    """Create an item in a company's books, exactly once.

    The payload is checked, and what is about to be done is written down, before
    anything is sent; then the push operation is waited for. Whatever happens meanwhile,
    the next try goes on from what was written down.

    :param item: the payload, see
        :class:`airflow_provider_codat.api.AccountingItem`:
        a dict whose leaves may be Jinja, an XComArg, or a text that renders to JSON or
        to a Python literal. (templated)
    """

    data_type = ITEMS

    def __init__(
        self,
        *,
        item: AccountingItem | Mapping[str, Any] | str,
        **kwargs: Unpack[CreateRecordKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.item = item


@documented
class CreateAccountingJournalOperator(CreateRecordOperator):
    """Create a journal in a company's books, exactly once.

    The payload is checked, and what is about to be done is written down, before
    anything is sent; then the push operation is waited for. Whatever happens meanwhile,
    the next try goes on from what was written down.

    :param journal: the payload, see
        :class:`airflow_provider_codat.api.AccountingJournal`:
        a dict whose leaves may be Jinja, an XComArg, or a text that renders to JSON or
        to a Python literal. (templated)
    """

    data_type = JOURNALS

    def __init__(
        self,
        *,
        journal: AccountingJournal | Mapping[str, Any] | str,
        **kwargs: Unpack[CreateRecordKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.journal = journal


@documented
class CreateAccountingInvoiceOperator(CreateRecordOperator):
    """Create an invoice in a company's books, exactly once.

    The payload is checked, and what is about to be done is written down, before
    anything is sent; then the push operation is waited for. Whatever happens meanwhile,
    the next try goes on from what was written down.

    :param invoice: the payload, see
        :class:`airflow_provider_codat.api.AccountingInvoice`:
        a dict whose leaves may be Jinja, an XComArg, or a text that renders to JSON or
        to a Python literal. (templated)
    """

    data_type = INVOICES

    def __init__(
        self,
        *,
        invoice: AccountingInvoice | Mapping[str, Any] | str,
        **kwargs: Unpack[CreateRecordKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.invoice = invoice


@documented
class CreateAccountingCreditNoteOperator(CreateRecordOperator):
    """Create a credit note in a company's books, exactly once.

    The payload is checked, and what is about to be done is written down, before
    anything is sent; then the push operation is waited for. Whatever happens meanwhile,
    the next try goes on from what was written down.

    :param credit_note: the payload, see
        :class:`airflow_provider_codat.api.AccountingCreditNote`:
        a dict whose leaves may be Jinja, an XComArg, or a text that renders to JSON or
        to a Python literal. (templated)
    """

    data_type = CREDIT_NOTES

    def __init__(
        self,
        *,
        credit_note: AccountingCreditNote | Mapping[str, Any] | str,
        **kwargs: Unpack[CreateRecordKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.credit_note = credit_note


@documented
class CreateAccountingBillOperator(CreateRecordOperator):
    """Create a bill in a company's books, exactly once.

    The payload is checked, and what is about to be done is written down, before
    anything is sent; then the push operation is waited for. Whatever happens meanwhile,
    the next try goes on from what was written down.

    :param bill: the payload, see
        :class:`airflow_provider_codat.api.AccountingBill`:
        a dict whose leaves may be Jinja, an XComArg, or a text that renders to JSON or
        to a Python literal. (templated)
    """

    data_type = BILLS

    def __init__(
        self,
        *,
        bill: AccountingBill | Mapping[str, Any] | str,
        **kwargs: Unpack[CreateRecordKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.bill = bill


@documented
class CreateAccountingBillCreditNoteOperator(CreateRecordOperator):
    """Create a bill credit note in a company's books, exactly once.

    The payload is checked, and what is about to be done is written down, before
    anything is sent; then the push operation is waited for. Whatever happens meanwhile,
    the next try goes on from what was written down.

    :param bill_credit_note: the payload, see
        :class:`airflow_provider_codat.api.AccountingBillCreditNote`:
        a dict whose leaves may be Jinja, an XComArg, or a text that renders to JSON or
        to a Python literal. (templated)
    """

    data_type = BILL_CREDIT_NOTES

    def __init__(
        self,
        *,
        bill_credit_note: AccountingBillCreditNote | Mapping[str, Any] | str,
        **kwargs: Unpack[CreateRecordKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.bill_credit_note = bill_credit_note


@documented
class CreateAccountingPurchaseOrderOperator(CreateRecordOperator):
    """Create a purchase order in a company's books, exactly once.

    The payload is checked, and what is about to be done is written down, before
    anything is sent; then the push operation is waited for. Whatever happens meanwhile,
    the next try goes on from what was written down.

    :param purchase_order: the payload, see
        :class:`airflow_provider_codat.api.AccountingPurchaseOrder`:
        a dict whose leaves may be Jinja, an XComArg, or a text that renders to JSON or
        to a Python literal. (templated)
    """

    data_type = PURCHASE_ORDERS

    def __init__(
        self,
        *,
        purchase_order: AccountingPurchaseOrder | Mapping[str, Any] | str,
        **kwargs: Unpack[CreateRecordKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.purchase_order = purchase_order


@documented
class CreateAccountingPaymentOperator(CreateRecordOperator):
    """Create a payment in a company's books, exactly once.

    The payload is checked, and what is about to be done is written down, before
    anything is sent; then the push operation is waited for. Whatever happens meanwhile,
    the next try goes on from what was written down.

    :param payment: the payload, see
        :class:`airflow_provider_codat.api.AccountingPayment`:
        a dict whose leaves may be Jinja, an XComArg, or a text that renders to JSON or
        to a Python literal. (templated)
    """

    data_type = PAYMENTS

    def __init__(
        self,
        *,
        payment: AccountingPayment | Mapping[str, Any] | str,
        **kwargs: Unpack[CreateRecordKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.payment = payment


@documented
class CreateAccountingBillPaymentOperator(CreateRecordOperator):
    """Create a bill payment in a company's books, exactly once.

    The payload is checked, and what is about to be done is written down, before
    anything is sent; then the push operation is waited for. Whatever happens meanwhile,
    the next try goes on from what was written down.

    :param bill_payment: the payload, see
        :class:`airflow_provider_codat.api.AccountingBillPayment`:
        a dict whose leaves may be Jinja, an XComArg, or a text that renders to JSON or
        to a Python literal. (templated)
    """

    data_type = BILL_PAYMENTS

    def __init__(
        self,
        *,
        bill_payment: AccountingBillPayment | Mapping[str, Any] | str,
        **kwargs: Unpack[CreateRecordKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.bill_payment = bill_payment


@documented
class CreateAccountingDirectCostOperator(CreateRecordOperator):
    """Create a direct cost in a company's books, exactly once.

    The payload is checked, and what is about to be done is written down, before
    anything is sent; then the push operation is waited for. Whatever happens meanwhile,
    the next try goes on from what was written down.

    :param direct_cost: the payload, see
        :class:`airflow_provider_codat.api.AccountingDirectCost`:
        a dict whose leaves may be Jinja, an XComArg, or a text that renders to JSON or
        to a Python literal. (templated)
    """

    data_type = DIRECT_COSTS

    def __init__(
        self,
        *,
        direct_cost: AccountingDirectCost | Mapping[str, Any] | str,
        **kwargs: Unpack[CreateRecordKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.direct_cost = direct_cost


@documented
class CreateAccountingDirectIncomeOperator(CreateRecordOperator):
    """Create a direct income in a company's books, exactly once.

    The payload is checked, and what is about to be done is written down, before
    anything is sent; then the push operation is waited for. Whatever happens meanwhile,
    the next try goes on from what was written down.

    :param direct_income: the payload, see
        :class:`airflow_provider_codat.api.AccountingDirectIncome`:
        a dict whose leaves may be Jinja, an XComArg, or a text that renders to JSON or
        to a Python literal. (templated)
    """

    data_type = DIRECT_INCOMES

    def __init__(
        self,
        *,
        direct_income: AccountingDirectIncome | Mapping[str, Any] | str,
        **kwargs: Unpack[CreateRecordKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.direct_income = direct_income


@documented
class CreateAccountingJournalEntryOperator(CreateRecordOperator):
    """Create a journal entry in a company's books, exactly once.

    The payload is checked, and what is about to be done is written down, before
    anything is sent; then the push operation is waited for. Whatever happens meanwhile,
    the next try goes on from what was written down.

    :param journal_entry: the payload, see
        :class:`airflow_provider_codat.api.AccountingJournalEntry`:
        a dict whose leaves may be Jinja, an XComArg, or a text that renders to JSON or
        to a Python literal. (templated)
    """

    data_type = JOURNAL_ENTRIES

    def __init__(
        self,
        *,
        journal_entry: AccountingJournalEntry | Mapping[str, Any] | str,
        **kwargs: Unpack[CreateRecordKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.journal_entry = journal_entry


@documented
class CreateAccountingTransferOperator(CreateRecordOperator):
    """Create a transfer in a company's books, exactly once.

    The payload is checked, and what is about to be done is written down, before
    anything is sent; then the push operation is waited for. Whatever happens meanwhile,
    the next try goes on from what was written down.

    :param transfer: the payload, see
        :class:`airflow_provider_codat.api.AccountingTransfer`:
        a dict whose leaves may be Jinja, an XComArg, or a text that renders to JSON or
        to a Python literal. (templated)
    """

    data_type = TRANSFERS

    def __init__(
        self,
        *,
        transfer: AccountingTransfer | Mapping[str, Any] | str,
        **kwargs: Unpack[CreateRecordKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.transfer = transfer
