"""A local Codat: stateful, on a real socket, with misfortunes to order.

Documented in docs/simulator.md. ``service`` is the whole, ``server`` its sockets and
``control`` what a test sees of it; ``routes`` answer requests, ``rules`` say what is
demanded of them, ``books`` keep what came of them. The server needs the extra
``simulator``; :class:`RemoteCodat` needs only the standard library.
"""

from typing import TYPE_CHECKING

from airflow_provider_codat.simulator.control.interface import CodatControls
from airflow_provider_codat.simulator.control.records import (
    JournalEntry,
    LedgerRecord,
    Traffic,
)
from airflow_provider_codat.simulator.control.remote import RemoteCodat
from airflow_provider_codat.simulator.misfortunes import Misfortune
from airflow_provider_codat.simulator.world import (
    API_KEY,
    COMMERCE_CONNECTION_ID,
    COMPANY_ID,
    DEAUTHORIZED_CONNECTION_ID,
    FOREIGN_API_KEY,
    LENIENT_CONNECTION_ID,
    OPTIONS_CONNECTION_ID,
    PENDING_CONNECTION_ID,
    READ_ONLY_CONNECTION_ID,
    SECOND_COMPANY_ID,
    SECOND_CONNECTION_ID,
    STRICT_CONNECTION_ID,
    THIRD_COMPANY_ID,
    UNLINKED_CONNECTION_ID,
)

if TYPE_CHECKING:
    from airflow_provider_codat.simulator.local import LocalCodat

__all__ = [
    "API_KEY",
    "COMMERCE_CONNECTION_ID",
    "COMPANY_ID",
    "DEAUTHORIZED_CONNECTION_ID",
    "FOREIGN_API_KEY",
    "LENIENT_CONNECTION_ID",
    "OPTIONS_CONNECTION_ID",
    "PENDING_CONNECTION_ID",
    "READ_ONLY_CONNECTION_ID",
    "SECOND_COMPANY_ID",
    "SECOND_CONNECTION_ID",
    "STRICT_CONNECTION_ID",
    "THIRD_COMPANY_ID",
    "UNLINKED_CONNECTION_ID",
    "CodatControls",
    "JournalEntry",
    "LedgerRecord",
    "LocalCodat",
    "Misfortune",
    "RemoteCodat",
    "Traffic",
]


def __getattr__(name: str) -> object:
    """Import LocalCodat only when it is asked for: it needs aiohttp."""
    if name != "LocalCodat":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from airflow_provider_codat.simulator.local import LocalCodat  # noqa: PLC0415 - the point of this function
    except ModuleNotFoundError as error:
        if error.name != "aiohttp":
            raise
        raise ImportError(
            "LocalCodat needs aiohttp: pip install 'airflow-provider-codat[simulator]'"
        ) from error
    return LocalCodat
