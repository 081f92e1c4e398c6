"""Who may ask, and what exists."""

import base64
import uuid
from collections.abc import Callable

import pytest
import requests

from airflow_provider_codat.simulator import (
    API_KEY,
    FOREIGN_API_KEY,
    SECOND_COMPANY_ID,
    SECOND_CONNECTION_ID,
    LocalCodat,
)
from airflow_provider_codat.simulator.world import authorization

Call = Callable[..., requests.Response]
ERROR_FIELDS = {
    "statusCode",
    "service",
    "error",
    "correlationId",
    "validation",
    "canBeRetried",
    "detailedErrorCode",
}


def assert_codat_error(answer: requests.Response, status: int) -> None:
    body = answer.json()
    assert answer.status_code == status
    assert set(body) == ERROR_FIELDS
    assert body["statusCode"] == status
    assert body["canBeRetried"] == "Unknown"
    assert body["detailedErrorCode"] == 0
    assert len(body["correlationId"]) == 32


@pytest.mark.parametrize(
    ("header", "status"),
    [
        pytest.param(authorization(API_KEY), 200, id="key-alone"),
        pytest.param(authorization(f"{API_KEY}:"), 401, id="with-colon"),
        pytest.param(f"Basic {API_KEY}", 401, id="not-encoded"),
        pytest.param(
            authorization(API_KEY).replace("Basic", "Bearer"), 401, id="bearer"
        ),
        pytest.param(authorization("x" * 40), 401, id="unknown-key"),
        pytest.param(authorization(FOREIGN_API_KEY), 403, id="foreign-key"),
        pytest.param("", 401, id="empty"),
    ],
)
def test_header(codat: LocalCodat, send: Call, header: str, status: int) -> None:
    """Only base64 of the key alone is accepted; a foreign key is 403, the rest 401."""
    answer = send(codat, "GET", "/companies", headers={"Authorization": header})
    assert answer.status_code == status
    if status != 200:
        assert_codat_error(answer, status)


def test_no_header(codat: LocalCodat) -> None:
    """A request without Authorization is 401."""
    assert_codat_error(requests.get(f"{codat.url}/companies", timeout=10), 401)


def test_colon_switch(start: Callable[..., LocalCodat], send: Call) -> None:
    """With the switch on, the undocumented form with a colon is accepted too."""
    codat = start(accept_key_with_colon=True)
    for text in (API_KEY, f"{API_KEY}:"):
        headers = {"Authorization": authorization(text)}
        assert send(codat, "GET", "/companies", headers=headers).status_code == 200


def test_key_is_a_hard_one() -> None:
    """The raw key is valid base64 text itself, as Codat's keys are."""
    assert len(API_KEY) == 40
    assert API_KEY.isalnum()
    decoded = base64.b64decode(API_KEY, validate=True)
    assert not decoded.isascii()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/companies/", 404),
        ("POST", "/companies", 405),
        ("GET", "/companies/{c}/connections/{k}/push/customers", 405),
        ("PUT", "/companies/{c}/connections/{k}/push/customers", 405),
        ("POST", "/companies/{c}/connections/{k}/push/customers/1", 405),
        ("PUT", "/companies/{c}/connections/{new}/push/customers/1", 404),
        ("PUT", "/companies/{c}/connections/not-a-uuid/push/customers/1", 400),
        ("GET", "/integrations/nope", 404),
        ("POST", "/integrations", 405),
        ("POST", "/companies/{c}/connections/{k}/push/loans", 404),
        ("DELETE", "/companies/{c}/push", 405),
        ("GET", "/companies/not-a-uuid", 400),
        ("GET", "/companies/{new}", 404),
        ("GET", "/companies/{new}/push", 404),
        ("GET", "/companies/{c}/push/not-a-uuid", 400),
        ("GET", "/companies/{c}/push/{new}", 404),
        ("GET", "/companies/{c}/connections/not-a-uuid", 400),
        ("GET", "/companies/{c}/connections/{new}", 404),
        ("GET", "/companies/{c}/connections/{second}", 404),
        ("GET", "/companies/{c}/connections/{k}/options/loans", 404),
        ("POST", "/companies/{c}/connections/{new}/push/customers", 404),
    ],
)
def test_refused_paths(
    codat: LocalCodat, send: Call, method: str, path: str, status: int
) -> None:
    """Unknown is 404, a wrong method 405, a malformed id 400, all in Codat's words."""
    filled = path.format(
        c=codat.company_id,
        k=codat.connection_id,
        new=uuid.uuid4(),
        second=SECOND_CONNECTION_ID,
    )
    assert_codat_error(send(codat, method, filled), status)


def test_unsupported_data_type(codat: LocalCodat, send: Call) -> None:
    """A data type without a model is 404 and names type and platform."""
    path = (
        f"/companies/{codat.company_id}/connections/{codat.connection_id}/options/loans"
    )
    text = send(codat, "GET", path).json()["error"]
    assert text == "Datatype 'loans' not supported by platform(s) 'Local Sandbox'."


def test_companies_and_connections(codat: LocalCodat, send: Call) -> None:
    """Companies carry their connections; each is found alone as well."""
    companies = send(codat, "GET", "/companies?page=1&pageSize=10").json()
    assert companies["totalResults"] == 3
    first = send(codat, "GET", f"/companies/{codat.company_id}").json()
    assert companies["results"][0] == first
    path = f"/companies/{codat.company_id}/connections"
    connections = send(codat, "GET", path).json()["results"]
    assert connections == first["dataConnections"]
    assert [each["id"] for each in connections] == list(codat.connections.values())
    for each in connections:
        assert send(codat, "GET", f"{path}/{each['id']}").json() == each


def test_connection_query(codat: LocalCodat, send: Call) -> None:
    """The query language chooses among connections too."""
    path = f"/companies/{codat.company_id}/connections"
    params = {"query": "status=Unlinked&&sourceType=Accounting"}
    found = send(codat, "GET", path, params=params).json()["results"]
    assert [each["id"] for each in found] == [codat.connections["unlinked"]]


def test_second_company_has_one_connection(codat: LocalCodat, send: Call) -> None:
    """The second company has one linked connection, so that it need not be named."""
    path = f"/companies/{SECOND_COMPANY_ID}/connections"
    found = send(codat, "GET", path).json()["results"]
    assert [each["id"] for each in found] == [SECOND_CONNECTION_ID]


def test_upper_case_ids(codat: LocalCodat, send: Call) -> None:
    """UUIDs in a path are not case-sensitive."""
    path = f"/companies/{codat.company_id.upper()}"
    assert send(codat, "GET", path).json()["id"] == codat.company_id
