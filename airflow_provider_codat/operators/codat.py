"""Operators that write into a company's books through Codat."""

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_codat.api.customers import AccountingCustomer
from airflow_provider_codat.api.errors import (
    PayloadInvalid,
    PushWarned,
    SettingsInvalid,
)
from airflow_provider_codat.api.idempotency import Intent, author_key, derived_key
from airflow_provider_codat.api.models import (
    CUSTOMERS,
    Destination,
    Json,
    PushOperation,
)
from airflow_provider_codat.api.payload import READ_ONLY
from airflow_provider_codat.api.redaction import hiding
from airflow_provider_codat.api.schema import UnknownProperties, checked
from airflow_provider_codat.api.settle import Summary, judged, summary
from airflow_provider_codat.failures import (
    HAS_RETRY_POLICIES,
    CodatRetryPolicy,
    failing_at_once,
)
from airflow_provider_codat.hooks.codat import CodatHook
from airflow_provider_codat.links.codat import CodatPushOperationLink
from airflow_provider_codat.operators.arguments import argument, seconds, whole_minutes
from airflow_provider_codat.operators.tries import earlier_sends, from_xcom, item_of

if TYPE_CHECKING:
    import jinja2
    from airflow.providers.common.compat.sdk import Context, RetryPolicy

_LINK = CodatPushOperationLink()


class CreateAccountingCustomerOperator(BaseOperator):
    """Create one customer in a company's books.

    The payload is checked before anything is sent; it is sent under one idempotency
    key for all tries of the task; then the push operation is waited for.

    :param company_id: Codat's company, a UUID. (templated)
    :param connection_id: that company's connection to its accounting software, a UUID:
        Codat's, not Airflow's. (templated)
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
    :param validate: ``schema`` checks the payload against Codat's contract; ``off``
        only makes it JSON.
    :param unknown_properties: whether a property that the contract does not know is a
        ``warn``-ing in the log, ``fail``s the task, or is ``ignore``d.
    :param read_only_fields: properties that are left out of the payload, and of its
        contacts, because Codat does not take them in writes; empty to send them.
    :param wait_for_completion: whether to wait until the customer is in the books. If
        not, the task succeeds once Codat has accepted it.
    :param poll_interval_seconds: the longest wait between two looks at the push
        operation; the first comes after 2 seconds.
    :param completion_timeout_seconds: how long to wait for the push operation to end.
        (templated)
    :param fail_on_warning: whether a success with warnings fails the task. The result
        is pushed to XCom all the same.
    :param hook_params: extras of the connection, overridden for this task.
    :param retry_policy: Airflow's (3.3 and later);
        :class:`airflow_provider_codat.failures.CodatRetryPolicy` by default.
    :return: a dict of ``push_operation_key``, ``status``, ``record_id`` (None unless it
        is in the books), ``company_id``, ``connection_id``, ``warnings`` (texts),
        ``requested_at``, ``completed_at`` (times as Codat writes them).
    :raises PayloadInvalid: with every problem; nothing was sent.
    :raises PushFailed: with every reason that Codat gave.
    :raises PushTimedOut: Codat gave up waiting; the customer may still appear.
    :raises OutcomeUnknown: a customer may exist; it is not sent again.
    """

    template_fields: Sequence[str] = (
        "company_id",
        "connection_id",
        "codat_conn_id",
        "customer",
        "item_key",
        "timeout_in_minutes",
        "idempotency_key",
        "completion_timeout_seconds",
    )
    # Empty: any text in a payload that ends in ".json" would be taken for a file.
    template_ext: Sequence[str] = ()
    template_fields_renderers: ClassVar[dict[str, str]] = {"customer": "json"}
    operator_extra_links = (_LINK,)
    ui_color = "#e6f2ef"

    def __init__(  # noqa: PLR0913 - Airflow's convention: a parameter for each switch
        self,
        *,
        company_id: str,
        connection_id: str,
        customer: AccountingCustomer | Mapping[str, Any] | str,
        codat_conn_id: str = CodatHook.default_conn_name,
        item_key: str | None = None,
        timeout_in_minutes: int | str | None = None,
        idempotency_key: str | None = None,
        validate: Literal["schema", "off"] = "schema",
        unknown_properties: UnknownProperties = "warn",
        read_only_fields: Collection[str] = READ_ONLY,
        wait_for_completion: bool = True,
        poll_interval_seconds: float = 30.0,
        completion_timeout_seconds: float | str = 3600.0,
        fail_on_warning: bool = False,
        hook_params: Mapping[str, Any] | None = None,
        retry_policy: "RetryPolicy | None" = None,
        **kwargs: Any,  # noqa: ANN401 - Airflow's own parameters
    ) -> None:
        if HAS_RETRY_POLICIES:
            kwargs["retry_policy"] = retry_policy or CodatRetryPolicy()
        super().__init__(**kwargs)
        self.company_id = company_id
        self.connection_id = connection_id
        self.customer = customer
        self.codat_conn_id = codat_conn_id
        self.item_key = item_key
        self.timeout_in_minutes = timeout_in_minutes
        self.idempotency_key = idempotency_key
        self.validate = validate
        self.unknown_properties = unknown_properties
        self.read_only_fields = read_only_fields
        self.wait_for_completion = wait_for_completion
        self.poll_interval_seconds = poll_interval_seconds
        self.completion_timeout_seconds = completion_timeout_seconds
        self.fail_on_warning = fail_on_warning
        self.hook_params = hook_params
        self._under_way = ""

    @cached_property
    def hook(self) -> CodatHook:
        """The hook that talks to Codat."""
        return CodatHook(self.codat_conn_id, hook_params=self.hook_params)

    def _do_render_template_fields(
        self,
        parent: Any,  # noqa: ANN401 - Airflow's signature
        template_fields: Iterable[str],
        context: "Context",
        jinja_env: "jinja2.Environment",
        seen_oids: set[int],
    ) -> None:
        """Render what the author wrote, and nothing that came from an XCom.

        Airflow renders what ``expand_kwargs`` gets from an XCom a second time: a
        customer called ``{{ ... }}`` would be run as a template on the worker.
        """
        fields = list(template_fields)
        seen_oids.update(id(value) for value in from_xcom(self, fields, context))
        super()._do_render_template_fields(
            parent, fields, context, jinja_env, seen_oids
        )

    def execute(self, context: "Context") -> Summary:
        """Check, send, wait, and return which record it became."""
        with failing_at_once():
            try:
                return self._create(context)
            finally:
                self.hook.close()

    def on_kill(self) -> None:
        """Say what goes on at Codat: nothing can cancel a push operation."""
        if self._under_way:
            self.log.warning("Killed while %s; it may go on at Codat", self._under_way)

    def _create(self, context: "Context") -> Summary:
        payload = self._checked_payload()
        hide = hiding(payload)
        patience = seconds(
            self.completion_timeout_seconds, "completion_timeout_seconds"
        )
        interval = seconds(self.poll_interval_seconds, "poll_interval_seconds")
        operation = self._submit(payload, context)
        if self.wait_for_completion:
            self._under_way = f"push operation {operation.key} was {operation.status}"
            operation = self.hook.settle(
                operation,
                poll_interval_seconds=interval,
                deadline=time.time() + patience,
            )
            self._under_way = ""
        return self._conclude(operation, hide, context)

    def _checked_payload(self) -> Json:
        """Return the payload as it is to be sent.

        The rendered field itself stays as it is: Airflow shows it.
        """
        if self.validate not in ("schema", "off"):
            raise SettingsInvalid("validate must be 'schema' or 'off'")
        found = argument(
            checked,
            self.customer,
            CUSTOMERS.name,
            against_schema=self.validate == "schema",
            unknown_properties=self.unknown_properties,
            read_only_fields=self.read_only_fields,
        )
        if found.left_out:
            self.log.info(
                "Left out of the payload, as Codat takes it in no write: %s "
                "(read_only_fields)",
                ", ".join(found.left_out),
            )
        for problem in found.problems:
            if problem.severity == "warning":
                self.log.warning("Payload: %s", problem)
        if found.errors:
            raise PayloadInvalid(found.errors)
        return found.payload

    def _submit(self, payload: Json, context: "Context") -> PushOperation:
        destination = argument(Destination, self.company_id, self.connection_id)
        timeout = whole_minutes(self.timeout_in_minutes, "timeout_in_minutes")
        key = self._key(destination, context)
        self.log.info(
            "Creating a customer in company %s over connection %s "
            "(idempotency key %s, try %s)",
            destination.company_id,
            destination.connection_id,
            key,
            context["ti"].try_number,
        )
        self._under_way = f"the create with idempotency key {key} was sent"
        operation = self.hook.create_record(
            CUSTOMERS,
            destination,
            payload,
            idempotency_key=key,
            timeout_in_minutes=timeout,
            sends=earlier_sends(context),
            reused_key=bool(self.idempotency_key),
        )
        self._under_way = ""
        self.log.info(
            "Codat accepted it as push operation %s (%s)",
            operation.key,
            operation.status,
        )
        self._push_link(operation, context)
        return operation

    def _key(self, destination: Destination, context: "Context") -> str:
        """Return the idempotency key: the author's, or one derived from the intent."""
        if self.idempotency_key:
            return argument(author_key, self.idempotency_key)
        ti = context["ti"]
        intent = Intent(
            base_url=self.hook.settings.base_url,
            destination=destination,
            data_type=CUSTOMERS,
            dag_id=ti.dag_id,
            run_id=ti.run_id,
            task_id=ti.task_id,
            item=argument(item_of, ti, self.item_key),
        )
        return derived_key(intent)

    def _push_link(self, operation: PushOperation, context: "Context") -> None:
        """Make the link work while the task waits; XComs are wiped before each try."""
        url = self.hook.settings.portal_url(
            company_id=operation.company_id,
            connection_id=operation.connection_id,
            push_operation_key=operation.key,
        )
        context["ti"].xcom_push(key=_LINK.xcom_key, value=url)

    def _conclude(
        self,
        operation: PushOperation,
        hide: Callable[[str], str],
        context: "Context",
    ) -> Summary:
        """Return the result of a push operation, or raise what its end means."""
        result = summary(operation, hide)
        for warning in result["warnings"]:
            self.log.warning("Push operation %s: %s", operation.key, warning)
        if not operation.ended:
            self.log.info("Not waiting for push operation %s", operation.key)
            return result
        try:
            judged(operation, hide=hide, fail_on_warning=self.fail_on_warning)
        except PushWarned:
            context["ti"].xcom_push(key="return_value", value=result)
            raise
        if operation.record_id is None:
            self.log.warning(
                "Push operation %s succeeded, but Codat does not say which record it "
                "became",
                operation.key,
            )
        else:
            self.log.info(
                "Push operation %s succeeded: record %s",
                operation.key,
                operation.record_id,
            )
        return result
