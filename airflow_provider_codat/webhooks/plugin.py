"""The plugin by which Airflow's API server takes Codat's webhooks.

Every process of Airflow imports it, so it imports nothing that only the API server has.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from airflow.providers.common.compat.sdk import AirflowPlugin

Message: TypeAlias = MutableMapping[str, Any]
Asgi: TypeAlias = Callable[
    [
        Message,
        Callable[[], Awaitable[Message]],
        Callable[[Message], Awaitable[None]],
    ],
    Awaitable[None],
]


class CodatWebhooks:
    """The ASGI application, made when it is asked for the first time."""

    def __init__(self) -> None:
        self._application: Asgi | None = None

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Answer a request."""
        if self._application is None:
            from airflow_provider_codat.webhooks.receiver import application  # noqa: PLC0415 - see above

            self._application = application()
        await self._application(scope, receive, send)


class CodatPlugin(AirflowPlugin):
    """Mounts the receiver of Codat's webhooks at ``/codat``; Airflow 2 does not."""

    name = "codat"
    fastapi_apps: list[Any] = [  # noqa: RUF012 - Airflow declares it so
        {"app": CodatWebhooks(), "url_prefix": "/codat", "name": "Codat webhooks"}
    ]
