"""Operators that write into a company's books through Codat."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import conf

from airflow_provider_codat.api.create.intent import IfExists, OnUnknownOutcome
from airflow_provider_codat.api.create.next_step import OnClear
from airflow_provider_codat.api.data_types import CUSTOMERS
from airflow_provider_codat.api.payload.canonical import READ_ONLY
from airflow_provider_codat.api.payload.check import Validate
from airflow_provider_codat.api.payload.contract import UnknownProperties
from airflow_provider_codat.api.payload.types import AccountingCustomer
from airflow_provider_codat.hooks.codat import CodatHook
from airflow_provider_codat.operators.create import CreateRecordOperator
from airflow_provider_codat.operators.create_many import CreateRecordsOperator
from airflow_provider_codat.operators.listing import ListAccountingCustomersOperator
from airflow_provider_codat.operators.model import GetCustomerModelOperator
from airflow_provider_codat.operators.refresh import CodatDataRefreshOperator
from airflow_provider_codat.operators.update import UpdateAccountingCustomerOperator
from airflow_provider_codat.tasks.create_many import OnInvalid, OnQuota

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import ObjectStoragePath, RetryPolicy

__all__ = [
    "CodatDataRefreshOperator",
    "CreateAccountingCustomerOperator",
    "CreateAccountingCustomersOperator",
    "GetCustomerModelOperator",
    "ListAccountingCustomersOperator",
    "UpdateAccountingCustomerOperator",
]


class CreateAccountingCustomerOperator(CreateRecordOperator):
    """Create one customer in a company's books.

    The payload is checked, and what is about to be done is written down, before
    anything is sent; then the push operation is waited for. Whatever happens meanwhile,
    the next try goes on from what was written down.

    :param company_id: Codat's company, a UUID. (templated)
    :param connection_id: that company's connection to its accounting software, a UUID:
        Codat's, not Airflow's. Without it, the company's one linked accounting
        connection is taken. (templated)
    :param customer: the payload, see
        :class:`airflow_provider_codat.api.AccountingCustomer`: a dict whose leaves may
        be Jinja, an XComArg, or a text that renders to JSON or to a Python literal.
        (templated)
    :param codat_conn_id: the Airflow connection. (templated)
    :param item_key: what names this customer among those of a mapped task, such as its
        number in your own system. Without it a mapped task relies on the order of the
        list staying as it is. (templated)
    :param timeout_in_minutes: after which Codat calls the push operation TimedOut;
        none by default. For offline software. (templated)
    :param idempotency_key: a UUID of your own in place of the derived one. (templated)
    :param validate: what the payload is checked against: ``schema`` is Codat's
        contract, ``model`` what the connection's own software wants, ``both`` both of
        them; ``off`` only makes it JSON. See ``docs/integrations.md``.
    :param strict: whether limits that the model states in prose are errors, and not
        warnings.
    :param model: a stored model, as :class:`GetCustomerModelOperator` returns it, in
        place of the connection's own. (templated)
    :param unknown_properties: whether a property that the contract does not know is a
        ``warn``-ing in the log, ``fail``s the task, or is ``ignore``d.
    :param read_only_fields: properties that are left out of the payload, and of its
        contacts, because Codat does not take them in writes; empty to send them.
    :param preflight: whether to ask Codat first if the connection is linked and its
        software can create customers. See ``docs/preflight.md``.
    :param if_exists: what to do if such a customer is in the books already: ``skip``
        returns its record, ``fail`` fails the task; nothing is sent. By default nobody
        looks. It is the one protection against what *other* DAG runs have created.
    :param match_on: by which properties such a customer is known: one that both have,
        and that is the same, suffices.
    :param wait_for_completion: whether to wait until the customer is in the books. If
        not, the task succeeds once Codat has accepted it.
    :param poll_interval_seconds: the longest wait between two looks at the push
        operation; the first comes after 2 seconds.
    :param completion_timeout_seconds: how long to wait for the push operation to end.
        (templated)
    :param fail_on_warning: whether a success with warnings fails the task. The result
        is pushed to XCom all the same.
    :param deferrable: whether to wait without holding a worker: for the push operation,
        and for whatever else takes longer than 10 seconds. Default: Airflow's own
        ``[operators] default_deferrable``.
    :param durable: whether to keep a journal in Airflow's task state store (3.3 and
        later), from which a later try goes on. See ``docs/exactly-once.md``.
    :param on_unknown_outcome: what to do when nobody knows whether the customer was
        created: ``reconcile`` looks into the books, ``fail`` sends nothing more,
        ``resend`` may create it twice.
    :param reconcile_grace_seconds: after which Codat lists whatever it has accepted.
    :param on_clear: what a task does that had succeeded and was cleared: ``reuse``
        returns the same record, ``create`` creates another.
    :param unknown_resolution: what a person found out about a customer of which this
        task said ``OutcomeUnknown``: ``not_created``, or the record's id. It is obeyed
        once, after the task was cleared. (templated)
    :param hook_params: extras of the connection, overridden for this task.
    :param retry_policy: Airflow's (3.3 and later);
        :class:`airflow_provider_codat.failures.CodatRetryPolicy` by default.
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

    def __init__(  # noqa: PLR0913 - Airflow's convention: a parameter for each switch
        self,
        *,
        company_id: str,
        connection_id: str | None = None,
        customer: AccountingCustomer | Mapping[str, Any] | str,
        codat_conn_id: str = CodatHook.default_conn_name,
        item_key: str | None = None,
        timeout_in_minutes: int | str | None = None,
        idempotency_key: str | None = None,
        validate: Validate = "schema",
        strict: bool = False,
        model: Mapping[str, Any] | str | None = None,
        unknown_properties: UnknownProperties = "warn",
        read_only_fields: Collection[str] = READ_ONLY,
        preflight: bool = False,
        if_exists: IfExists | None = None,
        match_on: Collection[str] = CUSTOMERS.identifying,
        wait_for_completion: bool = True,
        poll_interval_seconds: float = 30.0,
        completion_timeout_seconds: float | str = 3600.0,
        fail_on_warning: bool = False,
        deferrable: bool = conf.getboolean(
            "operators", "default_deferrable", fallback=False
        ),
        durable: bool = True,
        on_unknown_outcome: OnUnknownOutcome = "reconcile",
        reconcile_grace_seconds: float = 60.0,
        on_clear: OnClear = "reuse",
        unknown_resolution: str | None = None,
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
        self.customer = customer
        self.item_key = item_key
        self.timeout_in_minutes = timeout_in_minutes
        self.idempotency_key = idempotency_key
        self.validate = validate
        self.strict = strict
        self.model = model
        self.unknown_properties = unknown_properties
        self.read_only_fields = read_only_fields
        self.preflight = preflight
        self.if_exists = if_exists
        self.match_on = match_on
        self.wait_for_completion = wait_for_completion
        self.poll_interval_seconds = poll_interval_seconds
        self.completion_timeout_seconds = completion_timeout_seconds
        self.fail_on_warning = fail_on_warning
        self.deferrable = deferrable
        self.durable = durable
        self.on_unknown_outcome = on_unknown_outcome
        self.reconcile_grace_seconds = reconcile_grace_seconds
        self.on_clear = on_clear
        self.unknown_resolution = unknown_resolution

    def payload(self) -> object:
        """Return the customer, as it was rendered."""
        return self.customer


class CreateAccountingCustomersOperator(CreateRecordsOperator):
    """Create many customers in a company's books, each of them exactly once.

    All rows are checked before the first one is sent. A try that is killed, or fails,
    is gone on with by the next one: no row twice, no row lost.

    The arguments that are not explained here are those of
    :class:`CreateAccountingCustomerOperator`, and hold for every row.

    :param customers: up to 1,000 rows: a list, an XComArg, or a text that renders to a
        JSON list. (templated)
    :param customers_path: in their place, a file of JSON lines, plain or gzip
        (``.gz``), wherever Airflow's ``ObjectStoragePath`` reads. (templated)
    :param item_key: the name of the property that identifies a row, such as
        ``reference``; one that Codat does not know is not sent. Without it a row is
        identified by its content. (templated)
    :param on_invalid: ``fail`` sends nothing if a row is not valid; ``skip`` sends the
        others.
    :param max_failed: how many rows may be missing from the books when the task
        succeeds: a number, or a share below 1. (templated)
    :param results_path: where to write the results, a line of JSON for each row; see
        :class:`airflow_provider_codat.api.bulk.report.Outcome`. Needed for more than
        1,000 rows. (templated)
    :param max_concurrency: how many requests there may be at a time; by default the
        connection's extra, or 10.
    :param requests_per_minute: how many requests any 60 seconds may hold, polls
        included; by default the connection's extra, or 900.
    :param on_quota: what to do when the requests that are left of the day do not
        suffice: ``fail`` sends nothing; ``partial`` sends what fits, and fails;
        ``wait`` sends what fits, and the rest when the quota is renewed.
    :param unknown_resolution: what a person found out about rows that ended in
        ``Unknown``: a mapping, or the text of a JSON object, from ``item_key`` in the
        results to ``not_created`` or a record's id. (templated)
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

    def __init__(  # noqa: PLR0913 - Airflow's convention: a parameter for each switch
        self,
        *,
        company_id: str,
        connection_id: str | None = None,
        customers: Sequence[AccountingCustomer | Mapping[str, Any]] | str | None = None,
        customers_path: "str | ObjectStoragePath | None" = None,
        codat_conn_id: str = CodatHook.default_conn_name,
        item_key: str | None = None,
        on_invalid: OnInvalid = "fail",
        max_failed: float | str = 0,
        results_path: "str | ObjectStoragePath | None" = None,
        max_concurrency: int | None = None,
        requests_per_minute: int | None = None,
        on_quota: OnQuota = "fail",
        timeout_in_minutes: int | str | None = None,
        validate: Validate = "schema",
        strict: bool = False,
        model: Mapping[str, Any] | str | None = None,
        unknown_properties: UnknownProperties = "warn",
        read_only_fields: Collection[str] = READ_ONLY,
        preflight: bool = False,
        if_exists: IfExists | None = None,
        match_on: Collection[str] = CUSTOMERS.identifying,
        wait_for_completion: bool = True,
        poll_interval_seconds: float = 30.0,
        completion_timeout_seconds: float | str = 3600.0,
        fail_on_warning: bool = False,
        deferrable: bool = conf.getboolean(
            "operators", "default_deferrable", fallback=False
        ),
        durable: bool = True,
        on_unknown_outcome: OnUnknownOutcome = "reconcile",
        reconcile_grace_seconds: float = 60.0,
        on_clear: OnClear = "reuse",
        unknown_resolution: Mapping[str, str] | str | None = None,
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
        self.customers = customers
        self.customers_path = customers_path
        self.item_key = item_key
        self.on_invalid = on_invalid
        self.max_failed = max_failed
        self.results_path = results_path
        self.max_concurrency = max_concurrency
        self.requests_per_minute = requests_per_minute
        self.on_quota = on_quota
        self.timeout_in_minutes = timeout_in_minutes
        self.validate = validate
        self.strict = strict
        self.model = model
        self.unknown_properties = unknown_properties
        self.read_only_fields = read_only_fields
        self.preflight = preflight
        self.if_exists = if_exists
        self.match_on = match_on
        self.wait_for_completion = wait_for_completion
        self.poll_interval_seconds = poll_interval_seconds
        self.completion_timeout_seconds = completion_timeout_seconds
        self.fail_on_warning = fail_on_warning
        self.deferrable = deferrable
        self.durable = durable
        self.on_unknown_outcome = on_unknown_outcome
        self.reconcile_grace_seconds = reconcile_grace_seconds
        self.on_clear = on_clear
        self.unknown_resolution = unknown_resolution
