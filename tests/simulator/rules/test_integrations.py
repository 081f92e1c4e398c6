"""Integrations: what each can do, and the connections that cannot be written."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
import requests

from airflow_provider_codat.simulator import (
    COMMERCE_CONNECTION_ID,
    DEAUTHORIZED_CONNECTION_ID,
    PENDING_CONNECTION_ID,
    READ_ONLY_CONNECTION_ID,
    THIRD_COMPANY_ID,
    LocalCodat,
)

Call = Callable[..., requests.Response]
THIRD = f"/companies/{THIRD_COMPANY_ID}"
KEYS = ["mqjo", "hbql", "gbol", "lrdr", "lshp"]
CUSTOMER = {"customerName": "Acme", "status": "Active"}


def third(connection_id: str, rest: str = "") -> str:
    """Return a path below a connection of the third company."""
    return f"{THIRD}/connections/{connection_id}{rest}"


def states(integration: dict[str, Any], data_type: str) -> dict[str, str]:
    """Return the state of each feature of a data type, in either spelling."""
    found = [
        each
        for each in integration["datatypeFeatures"]
        if (each.get("dataType") or each.get("datatype")) == data_type
    ]
    return {
        feature["featureType"]: feature["featureState"]
        for each in found
        for feature in each["supportedFeatures"]
    }


def test_list_and_single(codat: LocalCodat, send: Call) -> None:
    """The integrations are listed in pages, and each is found alone by its key."""
    page = send(codat, "GET", "/integrations?pageSize=2&page=2").json()
    assert (page["pageNumber"], page["totalResults"]) == (2, len(KEYS))
    assert [each["key"] for each in page["results"]] == KEYS[2:4]
    assert "next" in page["_links"]
    for each in send(codat, "GET", "/integrations").json()["results"]:
        assert send(codat, "GET", f"/integrations/{each['key']}").json() == each


@pytest.mark.parametrize("key", ["nope", "MQJO", "x", "mqjoo"])
def test_unknown_integration(codat: LocalCodat, send: Call, key: str) -> None:
    """A key that no integration has is 404."""
    assert send(codat, "GET", f"/integrations/{key}").status_code == 404


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ("key=gbol", ["gbol"]),
        ("sourceType=Commerce", ["lshp"]),
        ("isOfflineConnector=true", ["hbql"]),
        ("integrationId=6f1c2b1e-5a34-4c1d-9f6b-0d4a5e7c8b13", ["lrdr"]),
        ("enabled=true", KEYS),
    ],
)
def test_query(codat: LocalCodat, send: Call, query: str, keys: list[str]) -> None:
    """The query language chooses among integrations."""
    found = send(codat, "GET", "/integrations", params={"query": query}).json()
    assert [each["key"] for each in found["results"]] == keys


def test_bad_query(codat: LocalCodat, send: Call) -> None:
    """What cannot be queried is 400."""
    answer = send(codat, "GET", "/integrations?query=datatypeFeatures=x")
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("key", "data_type", "expected"),
    [
        (
            "mqjo",
            "customers",
            {
                "Get": "Release",
                "Post": "Release",
                "Put": "Release",
                "Delete": "NotSupported",
            },
        ),
        (
            "hbql",
            "customers",
            {
                "get": "release",
                "post": "release",
                "put": "release",
                "delete": "notsupported",
            },
        ),
        ("gbol", "customers", {"Get": "Release", "Post": "Beta", "Put": "Beta"}),
        (
            "lrdr",
            "customers",
            {"Get": "Release", "Post": "NotSupported", "Put": "NotImplemented"},
        ),
        ("lshp", "customers", {}),
        ("lshp", "commerce-customers", {"Get": "Release"}),
        ("lrdr", "invoices", {"Get": "Release", "Post": "NotSupported"}),
    ],
)
def test_features(
    codat: LocalCodat, send: Call, key: str, data_type: str, expected: dict[str, str]
) -> None:
    """Each integration tells what it can do, in either of Codat's two spellings."""
    integration = send(codat, "GET", f"/integrations/{key}").json()
    assert states(integration, data_type) == expected
    name = "datatype" if key == "hbql" else "dataType"
    assert all(name in each for each in integration["datatypeFeatures"])
    assert integration["isOfflineConnector"] is (key == "hbql")


def test_what_accepts_customers_says_so(codat: LocalCodat, send: Call) -> None:
    """An integration that can create customers has a model of them, no other has."""
    found = send(codat, "GET", "/integrations").json()["results"]
    by_id = {each["integrationId"]: each for each in found}
    for company in (f"/companies/{codat.company_id}", THIRD):
        page = send(codat, "GET", f"{company}/connections").json()
        for each in page["results"]:
            features = states(by_id[each["integrationId"]], "customers")
            state = features.get("Post") or features.get("post") or "NotSupported"
            path = f"{company}/connections/{each['id']}/options/customers"
            can = state.lower() in {"release", "beta"}
            assert send(codat, "GET", path).status_code == (200 if can else 404)


def test_third_company(codat: LocalCodat, send: Call) -> None:
    """The third company has a connection for each way not to take a customer."""
    found = send(codat, "GET", f"{THIRD}/connections").json()["results"]
    rows = [
        (each["id"], each["sourceType"], each["status"], each.get("integrationKey"))
        for each in found
    ]
    assert rows == [
        (READ_ONLY_CONNECTION_ID, "Accounting", "Linked", "lrdr"),
        (COMMERCE_CONNECTION_ID, "Commerce", "Linked", "lshp"),
        (PENDING_CONNECTION_ID, "Accounting", "PendingAuth", "mqjo"),
        (DEAUTHORIZED_CONNECTION_ID, "Accounting", "Deauthorized", None),
    ]
    assert "integrationKey" not in found[-1]


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize(
    ("connection_id", "status", "words"),
    [
        pytest.param(READ_ONLY_CONNECTION_ID, 404, "not supported", id="read only"),
        pytest.param(COMMERCE_CONNECTION_ID, 404, "not supported", id="commerce"),
        pytest.param(PENDING_CONNECTION_ID, 400, "not linked", id="pending"),
        pytest.param(DEAUTHORIZED_CONNECTION_ID, 400, "not linked", id="deauthorized"),
    ],
)
def test_no_writes(
    codat: LocalCodat,
    send: Call,
    method: str,
    connection_id: str,
    status: int,
    words: str,
) -> None:
    """None of the third company's connections takes a create or an update."""
    end = "/1" if method == "PUT" else ""
    path = third(connection_id, f"/push/customers{end}")
    answer = send(codat, method, path, json=CUSTOMER)
    assert answer.status_code == status
    assert words in answer.json()["error"]
    assert codat.operations() == []
    with pytest.raises(ValueError, match=r"no customers|not linked"):
        codat.stranger_pushes(CUSTOMER, connection_id=connection_id)


def test_reading_what_cannot_be_written(codat: LocalCodat, send: Call) -> None:
    """Software that takes no customers by way of Codat shows its own all the same."""
    record = codat.typed_in(
        {**CUSTOMER, "phone": "1"}, connection_id=READ_ONLY_CONNECTION_ID
    )
    pull = send(codat, "POST", f"{THIRD}/data/queue/customers").json()
    assert pull["connectionId"] == READ_ONLY_CONNECTION_ID
    codat.advance(seconds=1)
    (shown,) = send(codat, "GET", f"{THIRD}/data/customers").json()["results"]
    assert (shown["id"], shown["phone"]) == (record.record_id, "1")


def test_a_shop_has_no_accounting(codat: LocalCodat, send: Call) -> None:
    """A refresh of an accounting data type of a connection to a shop is 404."""
    query = {"connectionId": COMMERCE_CONNECTION_ID}
    answer = send(codat, "POST", f"{THIRD}/data/queue/customers", params=query)
    assert answer.status_code == 404
    assert "not supported by platform(s) 'Local Shop'" in answer.json()["error"]


@pytest.mark.parametrize("status", ["PendingAuth", "Unlinked", "Deauthorized"])
def test_status_at_run_time(
    codat: LocalCodat, create: Call, update: Call, send: Call, status: str
) -> None:
    """A connection that is cut at run time says so and refuses writes until a reset."""
    codat.set_connection_status(codat.connection_id, status)
    company = f"/companies/{codat.company_id}"
    one = send(codat, "GET", f"{company}/connections/{codat.connection_id}").json()
    assert one["status"] == status
    assert send(codat, "GET", company).json()["dataConnections"][0] == one
    assert create(codat).status_code == 400
    assert update(codat, "1", CUSTOMER).status_code == 400
    with pytest.raises(ValueError, match="not linked"):
        codat.stranger_pushes(CUSTOMER)
    pull = send(codat, "POST", f"{company}/data/queue/customers").json()
    assert pull["connectionId"] == codat.connections["strict"]
    codat.reset()
    assert create(codat).status_code == 200


def test_link_at_run_time(codat: LocalCodat, create: Call) -> None:
    """A connection that is linked at run time takes writes."""
    codat.set_connection_status(codat.connections["unlinked"], "Linked")
    assert create(codat, connection="unlinked").status_code == 200


def test_refresh_where_none_is_linked(codat: LocalCodat, send: Call) -> None:
    """Where no connection is linked a refresh of the company ends in AuthError."""
    codat.set_connection_status(READ_ONLY_CONNECTION_ID, "Deauthorized")
    pull = send(codat, "POST", f"{THIRD}/data/queue/customers").json()
    assert pull["connectionId"] == READ_ONLY_CONNECTION_ID
    codat.advance(seconds=1)
    ended = send(codat, "GET", f"{THIRD}/data/history/{pull['id']}").json()
    assert ended["status"] == "AuthError"


@pytest.mark.parametrize(
    ("connection_id", "status", "words"),
    [
        (str(uuid4()), "Linked", "connection_id must be"),
        (READ_ONLY_CONNECTION_ID, "linked", "status must be"),
    ],
    ids=["connection", "status"],
)
def test_no_such_status(
    codat: LocalCodat, connection_id: str, status: str, words: str
) -> None:
    """An unknown connection or status is refused with words."""
    with pytest.raises(ValueError, match=words):
        codat.set_connection_status(connection_id, status)


@pytest.mark.parametrize("path", ["/integrations", "/integrations/mqjo"])
def test_wrong_method(codat: LocalCodat, send: Call, path: str) -> None:
    """Integrations can only be read."""
    assert send(codat, "POST", path).status_code == 405


def test_misfortune(codat: LocalCodat, send: Call) -> None:
    """Misfortunes befall the integrations' routes too."""
    codat.order("gateway_error_before_commit", route="integrations")
    codat.order("gateway_error_before_commit", route="integration")
    for path in ("/integrations", "/integrations/mqjo"):
        assert [send(codat, "GET", path).status_code for _ in "ab"] == [502, 200]
