"""The operator that updates a customer in a company's books."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import conf

from airflow_provider_codat.api.create.intent import Done, Written
from airflow_provider_codat.api.create.journal import Entry, Past
from airflow_provider_codat.api.data_types import CUSTOMERS
from airflow_provider_codat.api.errors import CodatError, PayloadInvalid
from airflow_provider_codat.api.models import Destination, Json, Summary
from airflow_provider_codat.api.payload.canonical import READ_ONLY, read_payload
from airflow_provider_codat.api.payload.check import Check, Validate
from airflow_provider_codat.api.payload.contract import UnknownProperties
from airflow_provider_codat.api.payload.types import AccountingCustomer
from airflow_provider_codat.api.update.intent import Update
from airflow_provider_codat.hooks.codat import CodatHook
from airflow_provider_codat.operators.write_record import WriteRecordOperator
from airflow_provider_codat.tasks.create import checked_payload
from airflow_provider_codat.tasks.destination import destination_of
from airflow_provider_codat.tasks.payload_check import check_of
from airflow_provider_codat.tasks.task_journal import (
    Notebook,
    opened,
    reopened,
)
from airflow_provider_codat.tasks.update import update_of
from airflow_provider_codat.tasks.waiting import (
    check_no_secrets,
)

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context, RetryPolicy


@dataclass(slots=True)
class _Book:
    """A notebook whose entries of this try are known, too."""

    notebook: Notebook
    past: Past

    def note(self, entry: Entry) -> None:
        self.notebook.note(entry)
        self.past = replace(self.past, entries=(*self.past.entries, entry))


class UpdateAccountingCustomerOperator(WriteRecordOperator):
    """Update one customer in a company's books.

    A PUT leaves the same values however often it is sent, so one whose answer was lost
    is sent again. An older payload of this task is never written over a newer one. See
    ``docs/updating.md``.

    The arguments that are not explained here are those of
    :class:`airflow_provider_codat.operators.codat.CreateAccountingCustomerOperator`.

    :param customer_id: the record's id in the accounting software, such as the
        ``record_id`` of a create: any text. (templated)
    :param customer: the whole customer: what Codat does with properties that are left
        out, it does not say. (templated)
    :param force_update: whether to write over what has changed in the software since
        Codat last read the record; without it such an update fails. (templated)
    :param reconcile_grace_seconds: after which Codat lists whatever it has accepted.
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

    item_key = None

    def __init__(  # noqa: PLR0913 - Airflow's convention: a parameter for each switch
        self,
        *,
        company_id: str,
        connection_id: str | None = None,
        customer_id: str,
        customer: AccountingCustomer | Mapping[str, Any] | str,
        force_update: bool | str = False,
        codat_conn_id: str = CodatHook.default_conn_name,
        timeout_in_minutes: int | str | None = None,
        validate: Validate = "schema",
        strict: bool = False,
        model: Mapping[str, Any] | str | None = None,
        unknown_properties: UnknownProperties = "warn",
        read_only_fields: Collection[str] = READ_ONLY,
        wait_for_completion: bool = True,
        poll_interval_seconds: float = 30.0,
        completion_timeout_seconds: float | str = 3600.0,
        fail_on_warning: bool = False,
        deferrable: bool = conf.getboolean(
            "operators", "default_deferrable", fallback=False
        ),
        durable: bool = True,
        reconcile_grace_seconds: float = 60.0,
        hook_params: Mapping[str, Any] | None = None,
        retry_policy: "RetryPolicy | None" = None,
        **kwargs: Any,  # noqa: ANN401 - Airflow's own parameters
    ) -> None:
        super().__init__(
            codat_conn_id=codat_conn_id,
            hook_params=hook_params,
            retry_policy=retry_policy,
            **kwargs,
        )
        self.company_id = company_id
        self.connection_id = connection_id
        self.customer_id = customer_id
        self.customer = customer
        self.force_update = force_update
        self.timeout_in_minutes = timeout_in_minutes
        self.validate = validate
        self.strict = strict
        self.model = model
        self.unknown_properties = unknown_properties
        self.read_only_fields = read_only_fields
        self.wait_for_completion = wait_for_completion
        self.poll_interval_seconds = poll_interval_seconds
        self.completion_timeout_seconds = completion_timeout_seconds
        self.fail_on_warning = fail_on_warning
        self.deferrable = deferrable
        self.durable = durable
        self.reconcile_grace_seconds = reconcile_grace_seconds

    def payload(self) -> object:
        """Return the customer, as it was rendered."""
        return self.customer

    def _create(self, context: "Context") -> Summary:
        notebook = opened(context, None, durable=self.durable)
        destination = destination_of(self, context)
        if self.deferrable:
            check_no_secrets(self.hook_params)
        payload = checked_payload(self, destination, context)
        durable = notebook.durable
        wanted = update_of(self, destination, payload, context, durable=durable)
        book = _Book(notebook, notebook.past)
        self._under_way = f"an update of record {wanted.record_id} was under way"
        written = self.hook.update(
            wanted,
            book.past,
            note=book.note,
            on_pause=self._on_deferrable_pause(context, may_defer=wanted.may_defer),
        )
        self._under_way = ""
        if isinstance(written, Done):
            self._push(written.result, context)
            return self._judged(written.result, context)
        written = self._awaited(written, wanted.redact, context)
        return self._conclude(written, wanted, book, context)

    def _complete(self, context: "Context", event: object) -> Summary:
        destination, operation = self._seen(context, event)
        notebook = reopened(context, None, operation.key, durable=self.durable)
        durable, payload = notebook.durable, self._sent(destination, context)
        wanted = update_of(self, destination, payload, context, durable=durable)
        wanted = replace(wanted, redact=self._redactor())
        book = _Book(notebook, notebook.past)
        return self._conclude(Written(0, operation), wanted, book, context)

    def _sent(self, destination: Destination, context: "Context") -> Json:
        """Return the payload that was sent; None where it cannot be read any more."""
        try:
            given = read_payload(self.customer)
        except PayloadInvalid:
            return None
        try:
            check = check_of(self, destination, context)
        except CodatError:  # what became of it is told all the same
            check = Check(validate="off")
        payload, _ = check.without_read_only(given, self.read_only_fields)
        return payload

    def _conclude(
        self, written: Written, wanted: Update, book: _Book, context: "Context"
    ) -> Summary:
        """Return the result of a push operation, or raise what its end means."""
        result = self.hook.conclude_update(
            wanted,
            book.past,
            written,
            note=book.note,
            on_pause=self._on_deferrable_pause(context, may_defer=wanted.may_defer),
        )
        for warning in result["warnings"]:
            self.log.warning("Push operation %s: %s", written.operation.key, warning)
        if result["push_operation_key"] != written.operation.key:
            self._push(result, context)
        return self._judged(result, context)

    def _tell(self, result: Summary) -> None:
        if result["status"] == "Success":
            self.log.info("Record %s is updated", result["record_id"])
