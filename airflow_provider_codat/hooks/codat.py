"""An Airflow connection becomes a client of Codat."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

from airflow.providers.common.compat.sdk import (
    AirflowNotFoundException,
    BaseHook,
    mask_secret,
)

from airflow_provider_codat.api import wire
from airflow_provider_codat.api.client import (
    Conversation,
    Patience,
    create,
    drive,
    get,
    post,
    send_once,
)
from airflow_provider_codat.api.errors import SettingsInvalid
from airflow_provider_codat.api.idempotency import author_key
from airflow_provider_codat.api.jsonvalues import to_json
from airflow_provider_codat.api.models import (
    CUSTOMERS,
    DataType,
    Destination,
    Json,
    PushOperation,
)
from airflow_provider_codat.api.pace import Pace
from airflow_provider_codat.api.payload import canonical
from airflow_provider_codat.api.redaction import hiding
from airflow_provider_codat.api.replies import (
    json_of,
    object_of,
    page_of,
    push_operation_of,
)
from airflow_provider_codat.api.retry import Sends
from airflow_provider_codat.api.settings import Settings, read_settings
from airflow_provider_codat.api.settle import settle
from airflow_provider_codat.hooks import form

if TYPE_CHECKING:
    import requests

    from airflow_provider_codat.api.transport import Transport

T = TypeVar("T")

_LARGEST_PAGE = 5000
_SECRET_HEADERS = ("auth", "cookie", "key", "secret", "token")


class CodatHook(BaseHook):
    """Talks to Codat with the credential of an Airflow connection.

    Not to be shared between threads.

    :param codat_conn_id: the Airflow connection: its password is the API key.
    :param hook_params: extras of the connection, overridden for this hook.
    :param overrides: the same, as keyword arguments.
    """

    conn_name_attr = "codat_conn_id"
    default_conn_name = "codat_default"
    conn_type = "codat"
    hook_name = "Codat"

    def __init__(
        self,
        codat_conn_id: str = default_conn_name,
        *,
        hook_params: Mapping[str, Any] | None = None,
        **overrides: Any,  # noqa: ANN401 - each extra has its own type, read in settings
    ) -> None:
        super().__init__()
        self.codat_conn_id = codat_conn_id
        self._overrides = {**(hook_params or {}), **overrides}

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Describe the standard fields of the form to Airflow before 3.2."""
        return form.field_behaviour()

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """Describe the extras of the form to Airflow before 3.2."""
        return form.widgets()

    @cached_property
    def settings(self) -> Settings:
        """What the connection says, checked; its secrets are masked from here on.

        :raises SettingsInvalid: naming the field that is missing or malformed.
        """
        try:
            connection = self.get_connection(self.codat_conn_id)
        except AirflowNotFoundException as error:
            raise SettingsInvalid(
                f"there is no Airflow connection {self.codat_conn_id!r}"
            ) from error
        settings, warnings = read_settings(
            host=connection.host,
            schema=connection.schema,
            port=connection.port,
            password=connection.password,
            extra=connection.extra_dejson,
            overrides=self._overrides,
        )
        for secret in settings.credential.secrets:
            mask_secret(secret)
        for name, value in settings.headers.items():
            if any(word in name.lower() for word in _SECRET_HEADERS):
                mask_secret(value)
        for warning in warnings:
            self.log.warning("Connection %s: %s", self.codat_conn_id, warning)
        return settings

    @cached_property
    def _transport(self) -> "Transport":
        # Here, so that a DAG file can be parsed without importing requests.
        from airflow_provider_codat.api.transport import Transport  # noqa: PLC0415 - see above

        return Transport(self.settings)

    @cached_property
    def _patience(self) -> Patience:
        return Patience(
            budget_seconds=self.settings.retry_budget_seconds,
            pace=Pace(self.settings.requests_per_minute),
        )

    def get_conn(self) -> "requests.Session":
        """Return the session that is signed in to Codat.

        It adds the credential to requests to the connection's own host alone, and
        follows no redirect. It repeats nothing by itself.
        """
        return self._transport.session

    def close(self) -> None:
        """Close the connections that were kept alive."""
        if "_transport" in self.__dict__:
            self._transport.close()

    def _drive(self, conversation: Conversation[T]) -> T:
        return drive(conversation, self._transport.send)

    def create_customer(
        self,
        company_id: str,
        connection_id: str,
        customer: Mapping[str, Any],
        *,
        timeout_in_minutes: int | None = None,
        idempotency_key: str | None = None,
    ) -> dict[str, Any]:
        """Ask Codat to create a customer; do not wait for it to be done.

        The payload is sent as it is: :class:`CreateAccountingCustomerOperator` checks
        it first.

        :param company_id: Codat's company, a UUID.
        :param connection_id: that company's connection to its software, a UUID.
        :param customer: see :class:`airflow_provider_codat.api.AccountingCustomer`.
        :param timeout_in_minutes: after which Codat calls the operation TimedOut.
        :param idempotency_key: a UUID that names this intent in every repetition. By
            default a new one for each call, so that a second call creates a second
            customer.
        :return: the push operation, as Codat sent it; normally ``Pending``.
        :raises ValueError: when an id is no UUID.
        :raises PayloadInvalid: when JSON cannot express the payload.
        :raises Refused: when Codat refused; nothing was created.
        :raises Unreachable: when no answer came; a repetition with the same key within
            75 minutes creates nothing twice.
        :raises Busy: when Codat is not to be asked now.
        :raises OutcomeUnknown: when a customer may exist.
        Source: https://docs.codat.io/sync-for-expenses-api#/operations/create-customer
        """
        operation = self.create_record(
            CUSTOMERS,
            Destination(company_id, connection_id),
            to_json(customer),
            idempotency_key=author_key(idempotency_key or str(uuid4())),
            timeout_in_minutes=timeout_in_minutes,
            reused_key=idempotency_key is not None,
        )
        return dict(operation.raw)

    def create_record(
        self,
        data_type: DataType,
        destination: Destination,
        payload: Json,
        *,
        idempotency_key: str,
        timeout_in_minutes: int | None = None,
        sends: Sends | None = None,
        reused_key: bool = False,
    ) -> PushOperation:
        """Ask Codat to create a record of any data type.

        :param sends: what earlier tries with this key left open.
        :param reused_key: whether somebody else may have sent this key before.
        """
        request = wire.create(
            destination,
            data_type,
            canonical(payload),
            idempotency_key=idempotency_key,
            timeout_in_minutes=timeout_in_minutes,
        )
        return self._drive(
            create(
                request,
                destination,
                data_type,
                self._patience,
                sends=sends or Sends(),
                reused_key=reused_key,
                hide=hiding(payload),
            )
        )

    def settle(
        self,
        operation: PushOperation,
        *,
        poll_interval_seconds: float,
        deadline: float,
    ) -> PushOperation:
        """Wait until a push operation has ended, however it ends.

        :param deadline: epoch seconds.
        :raises StillPending: when it has not ended by then.
        """
        return self._drive(
            settle(
                operation,
                self._patience,
                poll_interval_seconds=poll_interval_seconds,
                deadline=deadline,
            )
        )

    def get_push_operation(
        self, company_id: str, push_operation_key: str
    ) -> dict[str, Any]:
        """Return how one push operation stands, as Codat sent it.

        Source: https://docs.codat.io/platform-api#/operations/get-push-operation
        """
        request = wire.read_push_operation(company_id, push_operation_key)
        operation = self._drive(get(request, push_operation_of, self._patience))
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
        if not 1 <= page_size <= _LARGEST_PAGE:
            raise ValueError(f"page_size must be from 1 to {_LARGEST_PAGE}")
        # What is written meanwhile moves operations from one page to the next.
        seen = set()
        for page in count(1):
            request = wire.list_push_operations(
                company_id,
                page=page,
                page_size=page_size,
                query=query,
                order_by=order_by,
            )
            results, more = self._drive(get(request, page_of, self._patience))
            for operation in results:
                key = operation.get("pushOperationKey")
                if key not in seen:
                    seen.add(key)
                    yield operation
            if not more or not results:
                return

    def get_customer_model(self, company_id: str, connection_id: str) -> dict[str, Any]:
        """Return what the connection's software wants of a customer.

        Source: https://docs.codat.io/platform-api#/operations/get-create-update-model-options-by-data-type
        """
        destination = Destination(company_id, connection_id)
        request = wire.read_model(destination, CUSTOMERS)
        return self._drive(get(request, object_of, self._patience))

    def run(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,  # noqa: ANN401 - whatever the endpoint takes
        idempotency_key: str | None = None,
    ) -> Any:  # noqa: ANN401 - whatever the endpoint answers
        """Ask any other endpoint of Codat's.

        A GET is repeated until it is answered; a POST or PATCH, with its key, while
        that is safe; a PUT or DELETE only where it provably changed nothing.

        :param path: below the base URL, such as ``/companies``.
        :param params: the query; what is None is left out.
        :param json: the body; Decimal, dates and tuples are made JSON.
        :param idempotency_key: a UUID; POST and PATCH need one, others take none.
        :return: the JSON of the answer; None when it has no body.
        :raises ValueError: when path or key is not as described.
        """
        body = to_json(json)
        request = wire.free(
            method,
            path,
            params=params,
            json_body=body,
            idempotency_key=idempotency_key,
        )
        if request.method == "GET":
            return self._drive(get(request, json_of, self._patience))
        send = post if request.idempotency_key else send_once
        return self._drive(send(request, json_of, self._patience, hide=hiding(body)))

    def test_connection(self) -> tuple[bool, str]:
        """Ask Codat for one company, once, and say in one line what came of it."""
        try:
            patience = replace(self._patience, budget_seconds=0.0)
            self._drive(get(wire.list_companies(), page_of, patience))
        except Exception as error:  # noqa: BLE001 - a form asks: it wants words, always
            known = "settings" in self.__dict__
            return False, form.explained(
                error, self.settings.base_url if known else "Codat"
            )
        return True, f"Codat accepted the API key at {self.settings.base_url}"
