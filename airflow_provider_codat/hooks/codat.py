"""An Airflow connection becomes a client of Codat."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from airflow.providers.common.compat.connection import (
    get_async_connection,
    get_async_extra_dejson,
)
from airflow.providers.common.compat.sdk import (
    AirflowNotFoundException,
    BaseHook,
    mask_secret,
)

from airflow_provider_codat.api.connection.settings import Settings, read_settings
from airflow_provider_codat.api.create.conclude import conclude
from airflow_provider_codat.api.create.intent import Done, Write, Written
from airflow_provider_codat.api.create.journal import Entry, Past
from airflow_provider_codat.api.create.settle import settle
from airflow_provider_codat.api.create.submit import submit
from airflow_provider_codat.api.errors import Busy, SettingsInvalid
from airflow_provider_codat.api.http import request as codat_request
from airflow_provider_codat.api.http.exchange import (
    Conversation,
    DeferrablePause,
    Patience,
    drive,
    get,
    post,
    send_once,
)
from airflow_provider_codat.api.http.paging import page_of
from airflow_provider_codat.api.http.response import json_of
from airflow_provider_codat.api.models import (
    PushOperation,
    Summary,
)
from airflow_provider_codat.api.pace.chosen import pace_of
from airflow_provider_codat.api.payload.json_values import to_json
from airflow_provider_codat.api.payload.redaction import redactor
from airflow_provider_codat.hooks import form
from airflow_provider_codat.hooks.preflight import ReadinessMixin
from airflow_provider_codat.hooks.reading import ReadingMixin
from airflow_provider_codat.hooks.writing import WritingMixin
from airflow_provider_codat.metrics import AIRFLOW

if TYPE_CHECKING:
    import requests
    from airflow.providers.common.compat.sdk import Connection
    from airflow.sdk.log import amask_secret

    from airflow_provider_codat.api.http.transport import Transport
else:
    try:
        from airflow.sdk.log import amask_secret
    except ImportError:  # before Airflow 3.3.2
        from asgiref.sync import sync_to_async

        # In a thread: it waits for an answer of the supervisor's.
        amask_secret = sync_to_async(mask_secret)

T = TypeVar("T")

_SECRET_HEADERS = ("auth", "cookie", "key", "secret", "token")


class CodatHook(ReadingMixin, ReadinessMixin, WritingMixin, BaseHook):
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
        self.requests = 0
        self._stopped = False
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
            raise self._missing() from error
        settings, secrets = self._read(connection, connection.extra_dejson)
        for secret in secrets:
            mask_secret(secret)
        return settings

    async def aconnect(self) -> None:
        """Read the connection as a trigger has to: without holding up its event loop.

        A trigger that is cancelled meanwhile breaks nothing off: the triggerer of
        Airflow 3.1 dies of an answer that nobody has read.

        :raises SettingsInvalid: naming the field that is missing or malformed.
        """
        await asyncio.shield(self._aread())

    async def _aread(self) -> None:
        try:
            connection = await get_async_connection(self.codat_conn_id, hook=self)
        except AirflowNotFoundException as error:
            raise self._missing() from error
        extra = await get_async_extra_dejson(connection)
        settings, secrets = self._read(connection, extra)
        for secret in secrets:
            await amask_secret(secret)
        self.__dict__["settings"] = settings

    def _missing(self) -> SettingsInvalid:
        return SettingsInvalid(f"there is no Airflow connection {self.codat_conn_id!r}")

    def _read(
        self, connection: "Connection", extra: Mapping[str, Any]
    ) -> tuple[Settings, list[str]]:
        """Return what a connection says, checked, and what of it is to be masked."""
        settings, warnings = read_settings(
            host=connection.host,
            schema=connection.schema,
            port=connection.port,
            password=connection.password,
            extra=extra,
            overrides=self._overrides,
        )
        for warning in warnings:
            self.log.warning("Connection %s: %s", self.codat_conn_id, warning)
        secrets = [
            value
            for name, value in settings.headers.items()
            if any(word in name.lower() for word in _SECRET_HEADERS)
        ]
        redis = urlsplit(settings.shared_pace_url or "").password
        return settings, [
            *settings.credential.secrets,
            *secrets,
            *([redis] if redis else []),
            *settings.webhook_signing_secrets,
        ]

    @cached_property
    def _transport(self) -> "Transport":
        # Here, so that a DAG file can be parsed without importing requests.
        from airflow_provider_codat.api.http.transport import Transport  # noqa: PLC0415 - see above

        return Transport(self.settings)

    @cached_property
    def patience(self) -> Patience:
        """How a conversation takes its time."""
        return Patience(
            budget_seconds=self.settings.retry_budget_seconds,
            pace=pace_of(self.settings),
            telemetry=AIRFLOW,
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

    def stop(self) -> None:
        """Send nothing more of what is under way."""
        self._stopped = True

    def _send(self, request: codat_request.Request) -> codat_request.Reply:
        if self._stopped:
            raise Busy("the task was told to stop, so nothing more is sent")
        self.requests += 1
        return self._transport.send(request)

    def _drive(self, conversation: Conversation[T]) -> T:
        return drive(conversation, self._send)

    def submit(
        self,
        write: Write,
        past: Past,
        *,
        note: Callable[[Entry], None],
        on_pause: Callable[[DeferrablePause], None] | None = None,
    ) -> Written | Done:
        """Bring a write to where Codat has accepted it; see :mod:`api.create`.

        :param past: what earlier tries wrote down.
        :param note: keeps an entry of the journal, or raises.
        :param on_pause: waits where the write may be taken up again in another process;
            it may raise to do so. By default it waits here.
        """
        conversation = submit(write, past, self.patience)
        return drive(conversation, self._send, note=note, on_pause=on_pause)

    def conclude(
        self,
        written: Written,
        *,
        note: Callable[[Entry], None],
        redact: Callable[[str], str],
        clear_count: int,
    ) -> Summary:
        """Write down what came of a write; see :mod:`api.create`."""
        conversation = conclude(
            written, self.patience, redact=redact, clear_count=clear_count
        )
        return drive(conversation, self._transport.send, note=note)

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
                self.patience,
                poll_interval_seconds=poll_interval_seconds,
                deadline=deadline,
            )
        )

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
        request = codat_request.free(
            method,
            path,
            params=params,
            json_body=body,
            idempotency_key=idempotency_key,
        )
        if request.method == "GET":
            return self._drive(get(request, json_of, self.patience))
        send = post if request.idempotency_key else send_once
        return self._drive(send(request, json_of, self.patience, redact=redactor(body)))

    def test_connection(self) -> tuple[bool, str]:
        """Ask Codat for one company, once, and say in one line what came of it."""
        try:
            patience = replace(self.patience, budget_seconds=0.0)
            self._drive(get(codat_request.list_companies(), page_of, patience))
        except Exception as error:  # noqa: BLE001 - a form asks: it wants words, always
            known = "settings" in self.__dict__
            return False, form.explained(
                error, self.settings.base_url if known else "Codat"
            )
        return True, f"Codat accepted the API key at {self.settings.base_url}"
