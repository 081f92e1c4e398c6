"""The companies, connections and keys that exist, all invented and fixed.

The ids are constants, so that a DAG's environment can name them before the
simulator has started.
"""

import base64
from dataclasses import dataclass
from typing import Literal, get_args

from airflow_provider_codat.simulator.rules.integrations import (
    LENIENT,
    OPTIONS,
    READ_ONLY,
    SHOP,
    SOURCE_ID,
    STRICT,
    Integration,
)

API_KEY = "LocalCodatInventedKeyNotASecret012345678"
FOREIGN_API_KEY = "LocalCodatInventedKeyOfAnotherClient0000"
COMPANY_ID = "0a5c1e11-7a2b-4d8e-9c3f-1b2d3e4f5a01"
LENIENT_CONNECTION_ID = "0a5c1e11-7a2b-4d8e-9c3f-1b2d3e4f5b01"
STRICT_CONNECTION_ID = "0a5c1e11-7a2b-4d8e-9c3f-1b2d3e4f5b02"
OPTIONS_CONNECTION_ID = "0a5c1e11-7a2b-4d8e-9c3f-1b2d3e4f5b03"
UNLINKED_CONNECTION_ID = "0a5c1e11-7a2b-4d8e-9c3f-1b2d3e4f5b04"
SECOND_COMPANY_ID = "0a5c1e11-7a2b-4d8e-9c3f-1b2d3e4f5a02"
SECOND_CONNECTION_ID = "0a5c1e11-7a2b-4d8e-9c3f-1b2d3e4f5b05"
THIRD_COMPANY_ID = "0a5c1e11-7a2b-4d8e-9c3f-1b2d3e4f5a03"
READ_ONLY_CONNECTION_ID = "0a5c1e11-7a2b-4d8e-9c3f-1b2d3e4f5b06"
COMMERCE_CONNECTION_ID = "0a5c1e11-7a2b-4d8e-9c3f-1b2d3e4f5b07"
PENDING_CONNECTION_ID = "0a5c1e11-7a2b-4d8e-9c3f-1b2d3e4f5b08"
DEAUTHORIZED_CONNECTION_ID = "0a5c1e11-7a2b-4d8e-9c3f-1b2d3e4f5b09"
CONNECTIONS = {
    "lenient": LENIENT_CONNECTION_ID,
    "strict": STRICT_CONNECTION_ID,
    "options": OPTIONS_CONNECTION_ID,
    "unlinked": UNLINKED_CONNECTION_ID,
}
SALES_ACCOUNT_ID = "4000"
PURCHASES_ACCOUNT_ID = "5000"
BANK_ACCOUNT_ID = "1200"
ACCOUNT_IDS = frozenset({SALES_ACCOUNT_ID, PURCHASES_ACCOUNT_ID, BANK_ACCOUNT_ID})
"""Accounts of the chart that every connection has."""

_BORN = "2026-01-05T09:00:00Z"
ConnectionStatus = Literal["PendingAuth", "Linked", "Unlinked", "Deauthorized"]
STATUSES: tuple[ConnectionStatus, ...] = get_args(ConnectionStatus)


@dataclass(frozen=True, slots=True)
class Connection:
    """One connection of a company to a piece of its software.

    :param shows_key: whether it tells the integration's key; older ones do not.
    """

    id: str
    company_id: str
    integration: Integration
    status: ConnectionStatus = "Linked"
    shows_key: bool = True

    def view(self) -> dict[str, object]:
        """Return it as Codat shows it."""
        key = {"integrationKey": self.integration.key} if self.shows_key else {}
        return {
            "id": self.id,
            "integrationId": self.integration.integration_id,
            **key,
            "sourceId": SOURCE_ID,
            "sourceType": self.integration.source_type,
            "platformName": self.integration.name,
            "linkUrl": f"https://link.invalid/connections/{self.id}/start",
            "status": self.status,
            "lastSync": _BORN,
            "created": _BORN,
            "dataConnectionErrors": [],
            "connectionInfo": None,
        }


@dataclass(frozen=True, slots=True)
class Company:
    """One company, with its connections in the order of their creation."""

    id: str
    name: str
    connections: tuple[Connection, ...]

    def view(self) -> dict[str, object]:
        """Return it as Codat shows it."""
        return {
            "id": self.id,
            "name": self.name,
            "description": "Invented by the local simulator",
            "redirect": f"https://link.invalid/company/{self.id}",
            "lastSync": _BORN,
            "created": _BORN,
            "createdByUserName": None,
            "products": ["expenses"],
            "tags": {},
            "referenceSubsidiaryCompanies": [],
            "dataConnections": [each.view() for each in self.connections],
        }


def _company(company_id: str, name: str, *connections: Connection) -> Company:
    return Company(company_id, name, connections)


COMPANIES = {
    company.id: company
    for company in (
        _company(
            COMPANY_ID,
            "Brightwater Trading",
            Connection(LENIENT_CONNECTION_ID, COMPANY_ID, LENIENT),
            Connection(STRICT_CONNECTION_ID, COMPANY_ID, STRICT),
            Connection(OPTIONS_CONNECTION_ID, COMPANY_ID, OPTIONS),
            Connection(UNLINKED_CONNECTION_ID, COMPANY_ID, LENIENT, "Unlinked"),
        ),
        _company(
            SECOND_COMPANY_ID,
            "Harbour Lane Foods",
            Connection(SECOND_CONNECTION_ID, SECOND_COMPANY_ID, LENIENT),
        ),
        _company(
            THIRD_COMPANY_ID,
            "Pier Street Books",
            Connection(READ_ONLY_CONNECTION_ID, THIRD_COMPANY_ID, READ_ONLY),
            Connection(COMMERCE_CONNECTION_ID, THIRD_COMPANY_ID, SHOP),
            Connection(PENDING_CONNECTION_ID, THIRD_COMPANY_ID, LENIENT, "PendingAuth"),
            Connection(
                DEAUTHORIZED_CONNECTION_ID,
                THIRD_COMPANY_ID,
                STRICT,
                "Deauthorized",
                shows_key=False,
            ),
        ),
    )
}

ALL_CONNECTIONS = {
    connection.id: connection
    for company in COMPANIES.values()
    for connection in company.connections
}


def authorization(key: str) -> str:
    """Return the Authorization header that Codat documents for a key: no colon."""
    return f"Basic {base64.b64encode(key.encode()).decode()}"


_ACCEPTED = authorization(API_KEY)
_ACCEPTED_WITH_COLON = authorization(f"{API_KEY}:")
_FOREIGN = authorization(FOREIGN_API_KEY)


def refusal_status(header: str | None, *, with_colon: bool) -> int | None:
    """Return 401 or 403 where a header is refused, else None.

    :param header: the Authorization header, or None where there is none.
    :param with_colon: also accept ``base64(key + ":")``.
    """
    if header == _ACCEPTED or (with_colon and header == _ACCEPTED_WITH_COLON):
        return None
    return 403 if header == _FOREIGN else 401
