"""What a trigger asks Codat with, made in a thread: the event loop does not wait."""

from typing import TYPE_CHECKING

from airflow_provider_codat.api.http.exchange import Patience
from airflow_provider_codat.api.pace.chosen import pace_of
from airflow_provider_codat.metrics import AIRFLOW, find_server

if TYPE_CHECKING:
    from airflow_provider_codat.api.connection.settings import Settings
    from airflow_provider_codat.api.http.transport import Transport


def connected(settings: "Settings") -> "tuple[Transport, Patience]":
    """Return what sends, and how it takes its time.

    Without a budget: each request is sent once, as to look again is to repeat.

    :raises SettingsInvalid: when the connection cannot be used as it is.
    """
    # Here, so that requests is imported in the thread, and not by a DAG file.
    from airflow_provider_codat.api.http.transport import Transport  # noqa: PLC0415 - see above

    find_server()
    return Transport(settings), Patience(0.0, pace_of(settings), telemetry=AIRFLOW)
