"""The companies, connections and keys that exist, all invented and fixed.

The ids are constants, so that a DAG's environment can name them before the
simulator has started.
"""

import base64
from dataclasses import dataclass
from typing import Literal

from airflow_provider_codat.simulator.integrations import (
    LENIENT,
    OPTIONS,
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
CONNECTIONS = {
    "lenient": LENIENT_CONNECTION_ID,
    "strict": STRICT_CONNECTION_ID,
    "options": OPTIONS_CONNECTION_ID,
    "unlinked": UNLINKED_CONNECTION_ID,
}
_BORN = "2026-01-05T09:00:00Z"
_SOURCE_ID = "6f1c2b1e-5a34-4c1d-9f6b-0d4a5e7c8bff"


@dataclass(frozen=True, slots=True)
class Connection:
    """One connection of a company to its accounting software."""

    id: str
    company_id: str
    integration: Integration
    status: Literal["PendingAuth", "Linked", "Unlinked", "Deauthorized"] = "Linked"

    def view(self) -> dict[str, object]:
        """Return it as Codat shows it."""
        return {
            "id": self.id,
            "integrationId": self.integration.integration_id,
            "integrationKey": self.integration.key,
            "sourceId": _SOURCE_ID,
            "sourceType": "Accounting",
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
