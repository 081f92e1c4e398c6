"""The operators that delete a record."""

from typing import Unpack

from airflow_provider_codat.api.data_types import (
    BILL_PAYMENTS,
    BILLS,
    DIRECT_COSTS,
    INVOICES,
    JOURNAL_ENTRIES,
)
from airflow_provider_codat.operators.codat_operator import documented
from airflow_provider_codat.operators.update import (
    DeleteRecordOperator,
)
from airflow_provider_codat.tasks.options import (
    WriteKwargs,
)


@documented
class DeleteAccountingInvoiceOperator(DeleteRecordOperator):
    """Delete an invoice in a company's books.

    A record that is gone is gone however often that is asked for, so a delete whose
    answer was lost is sent again. See ``docs/deleting.md``.

    :param invoice_id: the record's id in the accounting software, such as the
        ``record_id`` of a create: any text. (templated)
    """

    data_type = INVOICES

    def __init__(self, *, invoice_id: str, **kwargs: Unpack[WriteKwargs]) -> None:
        super().__init__(**kwargs)
        self.invoice_id = invoice_id


@documented
class DeleteAccountingBillOperator(DeleteRecordOperator):
    """Delete a bill in a company's books.

    A record that is gone is gone however often that is asked for, so a delete whose
    answer was lost is sent again. See ``docs/deleting.md``.

    :param bill_id: the record's id in the accounting software, such as the
        ``record_id`` of a create: any text. (templated)
    """

    data_type = BILLS

    def __init__(self, *, bill_id: str, **kwargs: Unpack[WriteKwargs]) -> None:
        super().__init__(**kwargs)
        self.bill_id = bill_id


@documented
class DeleteAccountingBillPaymentOperator(DeleteRecordOperator):
    """Delete a bill payment in a company's books.

    A record that is gone is gone however often that is asked for, so a delete whose
    answer was lost is sent again. See ``docs/deleting.md``.

    :param bill_payment_id: the record's id in the accounting software, such as the
        ``record_id`` of a create: any text. (templated)
    """

    data_type = BILL_PAYMENTS

    def __init__(self, *, bill_payment_id: str, **kwargs: Unpack[WriteKwargs]) -> None:
        super().__init__(**kwargs)
        self.bill_payment_id = bill_payment_id


@documented
class DeleteAccountingDirectCostOperator(DeleteRecordOperator):
    """Delete a direct cost in a company's books.

    A record that is gone is gone however often that is asked for, so a delete whose
    answer was lost is sent again. See ``docs/deleting.md``.

    :param direct_cost_id: the record's id in the accounting software, such as the
        ``record_id`` of a create: any text. (templated)
    """

    data_type = DIRECT_COSTS

    def __init__(self, *, direct_cost_id: str, **kwargs: Unpack[WriteKwargs]) -> None:
        super().__init__(**kwargs)
        self.direct_cost_id = direct_cost_id


@documented
class DeleteAccountingJournalEntryOperator(DeleteRecordOperator):
    """Delete a journal entry in a company's books.

    A record that is gone is gone however often that is asked for, so a delete whose
    answer was lost is sent again. See ``docs/deleting.md``.

    :param journal_entry_id: the record's id in the accounting software, such as the
        ``record_id`` of a create: any text. (templated)
    """

    data_type = JOURNAL_ENTRIES

    def __init__(self, *, journal_entry_id: str, **kwargs: Unpack[WriteKwargs]) -> None:
        super().__init__(**kwargs)
        self.journal_entry_id = journal_entry_id
