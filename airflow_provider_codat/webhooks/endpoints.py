"""The signing secrets of the connections, remembered for a while.

Nobody who asks for connections that there are not makes the API server ask its database
or a secrets backend for each of them.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from airflow.models.connection import Connection
from airflow.providers.common.compat.sdk import AirflowNotFoundException

from airflow_provider_codat.api.connection.signing_secrets import read_signing_secrets

REMEMBERED_SECONDS = 30.0
_MOST_REMEMBERED = 1000
_MOST_IN_A_MINUTE = 60


def signing_secrets(codat_conn_id: str) -> tuple[str, ...]:
    """Return the signing secrets of a connection; none where it takes no webhooks.

    :raises SettingsInvalid: when they are none.
    """
    try:
        connection = Connection.get_connection_from_secrets(codat_conn_id)
    except AirflowNotFoundException:
        return ()
    found = connection.extra_dejson.get("webhook_signing_secrets")
    if connection.conn_type != "codat" or not found:
        return ()
    return read_signing_secrets(found, "webhook_signing_secrets")


@dataclass(frozen=True, slots=True)
class _Known:
    secrets: tuple[str, ...]
    until: float


class Endpoints:
    """Answers for one process. Several threads may ask.

    :param look_up: asks for the secrets of a connection.
    :param clock: seconds that never go back.
    """

    def __init__(
        self,
        look_up: Callable[[str], tuple[str, ...]] = signing_secrets,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look_up = look_up
        self._clock = clock
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._lock = Lock()
        self._minute = 0
        self._asked = 0

    def remembered(self, codat_conn_id: str) -> tuple[str, ...] | None:
        """Return what is known of a connection, or None where it is to be looked up."""
        known = self._known.get(codat_conn_id)
        if known is not None and self._clock() < known.until:
            return known.secrets
        if known is not None and known.secrets:
            return None
        # Of those that take webhooks there are few; of other names there is no end.
        return None if self._may_ask() else ()

    def look_up(self, codat_conn_id: str) -> tuple[str, ...]:
        """Ask for the secrets of a connection, and remember them.

        :raises SettingsInvalid: when they are none.
        """
        secrets = self._look_up(codat_conn_id)
        until = self._clock() + REMEMBERED_SECONDS
        with self._lock:
            self._known[codat_conn_id] = _Known(secrets, until)
            self._known.move_to_end(codat_conn_id)
            while len(self._known) > _MOST_REMEMBERED:
                self._forget_one()
        return secrets

    def _forget_one(self) -> None:
        others = (name for name, known in self._known.items() if not known.secrets)
        del self._known[next(others, next(iter(self._known)))]

    def _may_ask(self) -> bool:
        minute = int(self._clock() // 60)
        if minute != self._minute:
            self._minute, self._asked = minute, 0
        self._asked += 1
        return self._asked <= _MOST_IN_A_MINUTE
