"""The operators that update a record."""

from collections.abc import Mapping
from typing import Any, Unpack

from airflow_provider_codat.api.data_types import (
    BANK_ACCOUNTS,
    BILL_CREDIT_NOTES,
    BILLS,
    CREDIT_NOTES,
    CUSTOMERS,
    INVOICES,
    PURCHASE_ORDERS,
    SUPPLIERS,
)
from airflow_provider_codat.api.payload.types import (
    AccountingBankAccount,
    AccountingBill,
    AccountingBillCreditNote,
    AccountingCreditNote,
    AccountingCustomer,
    AccountingInvoice,
    AccountingPurchaseOrder,
    AccountingSupplier,
)
from airflow_provider_codat.operators.codat_operator import documented
from airflow_provider_codat.operators.update import (
    UpdateRecordOperator,
)
from airflow_provider_codat.tasks.options import (
    UpdateKwargs,
)


@documented
class UpdateAccountingCustomerOperator(UpdateRecordOperator):
    """Update a customer in a company's books: the latest values win.

    A PUT leaves the same values however often it is sent, so one whose answer was lost
    is sent again. An older payload of this task is never written over a newer one. See
    ``docs/updating.md``.

    :param customer_id: the record's id in the accounting software, such as the
        ``record_id`` of a create: any text. (templated)
    :param customer: the whole customer, see
        :class:`airflow_provider_codat.api.AccountingCustomer`:
        what Codat does with properties that are left out, it does not say. (templated)
    """

    data_type = CUSTOMERS

    def __init__(
        self,
        *,
        customer_id: str,
        customer: AccountingCustomer | Mapping[str, Any] | str,
        **kwargs: Unpack[UpdateKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.customer_id = customer_id
        self.customer = customer


@documented
class UpdateAccountingSupplierOperator(UpdateRecordOperator):
    """Update a supplier in a company's books: the latest values win.

    A PUT leaves the same values however often it is sent, so one whose answer was lost
    is sent again. An older payload of this task is never written over a newer one. See
    ``docs/updating.md``.

    :param supplier_id: the record's id in the accounting software, such as the
        ``record_id`` of a create: any text. (templated)
    :param supplier: the whole supplier, see
        :class:`airflow_provider_codat.api.AccountingSupplier`:
        what Codat does with properties that are left out, it does not say. (templated)
    """

    data_type = SUPPLIERS

    def __init__(
        self,
        *,
        supplier_id: str,
        supplier: AccountingSupplier | Mapping[str, Any] | str,
        **kwargs: Unpack[UpdateKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.supplier_id = supplier_id
        self.supplier = supplier


@documented
class UpdateAccountingBankAccountOperator(UpdateRecordOperator):
    """Update a bank account in a company's books: the latest values win.

    A PUT leaves the same values however often it is sent, so one whose answer was lost
    is sent again. An older payload of this task is never written over a newer one. See
    ``docs/updating.md``.

    :param bank_account_id: the record's id in the accounting software, such as the
        ``record_id`` of a create: any text. (templated)
    :param bank_account: the whole bank account, see
        :class:`airflow_provider_codat.api.AccountingBankAccount`:
        what Codat does with properties that are left out, it does not say. (templated)
    """

    data_type = BANK_ACCOUNTS

    def __init__(
        self,
        *,
        bank_account_id: str,
        bank_account: AccountingBankAccount | Mapping[str, Any] | str,
        **kwargs: Unpack[UpdateKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.bank_account_id = bank_account_id
        self.bank_account = bank_account


@documented
class UpdateAccountingInvoiceOperator(UpdateRecordOperator):
    """Update an invoice in a company's books: the latest values win.

    A PUT leaves the same values however often it is sent, so one whose answer was lost
    is sent again. An older payload of this task is never written over a newer one. See
    ``docs/updating.md``.

    :param invoice_id: the record's id in the accounting software, such as the
        ``record_id`` of a create: any text. (templated)
    :param invoice: the whole invoice, see
        :class:`airflow_provider_codat.api.AccountingInvoice`:
        what Codat does with properties that are left out, it does not say. (templated)
    """

    data_type = INVOICES

    def __init__(
        self,
        *,
        invoice_id: str,
        invoice: AccountingInvoice | Mapping[str, Any] | str,
        **kwargs: Unpack[UpdateKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.invoice_id = invoice_id
        self.invoice = invoice


@documented
class UpdateAccountingCreditNoteOperator(UpdateRecordOperator):
    """Update a credit note in a company's books: the latest values win.

    A PUT leaves the same values however often it is sent, so one whose answer was lost
    is sent again. An older payload of this task is never written over a newer one. See
    ``docs/updating.md``.

    :param credit_note_id: the record's id in the accounting software, such as the
        ``record_id`` of a create: any text. (templated)
    :param credit_note: the whole credit note, see
        :class:`airflow_provider_codat.api.AccountingCreditNote`:
        what Codat does with properties that are left out, it does not say. (templated)
    """

    data_type = CREDIT_NOTES

    def __init__(
        self,
        *,
        credit_note_id: str,
        credit_note: AccountingCreditNote | Mapping[str, Any] | str,
        **kwargs: Unpack[UpdateKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.credit_note_id = credit_note_id
        self.credit_note = credit_note


@documented
class UpdateAccountingBillOperator(UpdateRecordOperator):
    """Update a bill in a company's books: the latest values win.

    A PUT leaves the same values however often it is sent, so one whose answer was lost
    is sent again. An older payload of this task is never written over a newer one. See
    ``docs/updating.md``.

    :param bill_id: the record's id in the accounting software, such as the
        ``record_id`` of a create: any text. (templated)
    :param bill: the whole bill, see
        :class:`airflow_provider_codat.api.AccountingBill`:
        what Codat does with properties that are left out, it does not say. (templated)
    """

    data_type = BILLS

    def __init__(
        self,
        *,
        bill_id: str,
        bill: AccountingBill | Mapping[str, Any] | str,
        **kwargs: Unpack[UpdateKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.bill_id = bill_id
        self.bill = bill


@documented
class UpdateAccountingBillCreditNoteOperator(UpdateRecordOperator):
    """Update a bill credit note in a company's books: the latest values win.

    A PUT leaves the same values however often it is sent, so one whose answer was lost
    is sent again. An older payload of this task is never written over a newer one. See
    ``docs/updating.md``.

    :param bill_credit_note_id: the record's id in the accounting software, such as the
        ``record_id`` of a create: any text. (templated)
    :param bill_credit_note: the whole bill credit note, see
        :class:`airflow_provider_codat.api.AccountingBillCreditNote`:
        what Codat does with properties that are left out, it does not say. (templated)
    """

    data_type = BILL_CREDIT_NOTES

    def __init__(
        self,
        *,
        bill_credit_note_id: str,
        bill_credit_note: AccountingBillCreditNote | Mapping[str, Any] | str,
        **kwargs: Unpack[UpdateKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.bill_credit_note_id = bill_credit_note_id
        self.bill_credit_note = bill_credit_note


@documented
class UpdateAccountingPurchaseOrderOperator(UpdateRecordOperator):
    """Update a purchase order in a company's books: the latest values win.

    A PUT leaves the same values however often it is sent, so one whose answer was lost
    is sent again. An older payload of this task is never written over a newer one. See
    ``docs/updating.md``.

    :param purchase_order_id: the record's id in the accounting software, such as the
        ``record_id`` of a create: any text. (templated)
    :param purchase_order: the whole purchase order, see
        :class:`airflow_provider_codat.api.AccountingPurchaseOrder`:
        what Codat does with properties that are left out, it does not say. (templated)
    """

    data_type = PURCHASE_ORDERS

    def __init__(
        self,
        *,
        purchase_order_id: str,
        purchase_order: AccountingPurchaseOrder | Mapping[str, Any] | str,
        **kwargs: Unpack[UpdateKwargs],
    ) -> None:
        super().__init__(**kwargs)
        self.purchase_order_id = purchase_order_id
        self.purchase_order = purchase_order
