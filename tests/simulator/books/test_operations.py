"""The life of a push operation."""

import time
from collections.abc import Callable
from typing import Any

import pytest
import requests

from airflow_provider_codat.simulator import LocalCodat

Call = Callable[..., requests.Response]
Start = Callable[..., LocalCodat]
Poll = Callable[..., dict[str, Any]]


def test_pending_then_success(start: Start, create: Call, poll: Poll) -> None:
    """An operation is Pending with 202, not completed, then Success with 200."""
    codat = start(settle_seconds=60)
    answer = create(codat)
    first = answer.json()
    assert answer.status_code == 200
    assert (first["status"], first["statusCode"]) == ("Pending", 202)
    assert "completedOnUtc" not in first
    assert first["dataType"] == "customers"
    assert first["companyId"] == codat.company_id
    assert first["dataConnectionKey"] == codat.connection_id
    assert poll(codat, answer) == first
    assert codat.ledger() == []
    codat.advance(seconds=60)
    last = poll(codat, answer)
    assert (last["status"], last["statusCode"]) == ("Success", 200)
    assert last["requestedOnUtc"] == first["requestedOnUtc"] < last["completedOnUtc"]
    (record,) = codat.ledger()
    assert last["changes"] == [
        {
            "type": "Created",
            "recordRef": {"id": record.record_id, "dataType": "customers"},
            "attachmentId": None,
        }
    ]


def test_real_time_settles_too(start: Start, create: Call, poll: Poll) -> None:
    """The clock runs by itself: no test needs to move it."""
    codat = start(settle_seconds=0.05)
    answer = create(codat)
    deadline = time.monotonic() + 300
    while poll(codat, answer)["status"] == "Pending":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert codat.counts_by_name() == {"Acme": 1}


def test_settled_at_once(codat: LocalCodat, create: Call) -> None:
    """With settle_seconds=0 the first reply is final."""
    first = create(codat).json()
    assert (first["status"], first["statusCode"]) == ("Success", 200)
    assert codat.ledger()[0].push_operation_key == first["pushOperationKey"]


def test_timeout_flips_the_status_only(start: Start, create: Call, poll: Poll) -> None:
    """At the deadline an operation is TimedOut; its record lands all the same."""
    codat = start(settle_seconds=600)
    answer = create(codat, query="?timeoutInMinutes=5&allowSyncOnPushComplete=false")
    assert answer.json()["timeoutInMinutes"] == 5
    codat.advance(minutes=5)
    late = poll(codat, answer)
    assert late["status"] == "TimedOut"
    assert late["changes"] is None
    assert codat.ledger() == []
    codat.advance(minutes=5)
    assert poll(codat, answer) == late
    assert codat.counts_by_name() == {"Acme": 1}


def test_creates_are_ended_to_order(start: Start, create: Call, poll: Poll) -> None:
    """Creates that are pending end when they are told to, but for those that never do.

    The clock is not moved for it.
    """
    codat = start(settle_seconds=600)
    answer = create(codat)
    codat.order("stay_pending")
    never = create(codat, "Never")
    assert poll(codat, answer)["status"] == "Pending"
    assert codat.settle_creates() == 1
    assert poll(codat, answer)["status"] == "Success"
    assert poll(codat, never)["status"] == "Pending"
    assert codat.counts_by_name() == {"Acme": 1}
    assert codat.settle_creates() == 0


def test_timeout_in_good_time(start: Start, create: Call, poll: Poll) -> None:
    """An operation that settles before its deadline succeeds."""
    codat = start(settle_seconds=30)
    answer = create(codat, query="?timeoutInMinutes=1")
    codat.advance(minutes=2)
    assert poll(codat, answer)["status"] == "Success"


@pytest.mark.parametrize(
    "query",
    [
        "?timeoutInMinutes=soon",
        "?timeoutInMinutes=-1",
        "?timeoutInMinutes=99999999999",
        "?allowSyncOnPushComplete=perhaps",
    ],
)
def test_malformed_parameters(codat: LocalCodat, create: Call, query: str) -> None:
    """A malformed query parameter is 400 and nothing is accepted."""
    assert create(codat, query=query).status_code == 400
    assert codat.operations() == []


def test_unlinked_refuses(codat: LocalCodat, create: Call) -> None:
    """A connection that is not linked takes no writes."""
    answer = create(codat, connection="unlinked")
    assert answer.status_code == 400
    assert "not linked" in answer.json()["error"]
    assert codat.operations() == []


def test_operation_of_another_company(
    codat: LocalCodat, create: Call, send: Call
) -> None:
    """An operation is found only under its own company."""
    key = create(codat).json()["pushOperationKey"]
    other = "0a5c1e11-7a2b-4d8e-9c3f-1b2d3e4f5a02"
    assert send(codat, "GET", f"/companies/{other}/push/{key}").status_code == 404


def test_early_change(start: Start, create: Call) -> None:
    """Some software says Created while Pending, and names no record yet."""
    first = create(start(settle_seconds=60), connection="options").json()
    assert first["status"] == "Pending"
    assert first["changes"][0]["type"] == "Created"
    assert first["changes"][0]["recordRef"] == {"dataType": "customers"}


STRICT = {"id": "fen01", "customerName": "Fen", "status": "Active"}


def test_strict_upper_cases(codat: LocalCodat, create: Call) -> None:
    """The strict software keeps the caller's id, in upper case."""
    answer = create(codat, body=STRICT, connection="strict").json()
    assert answer["status"] == "Success"
    assert answer["changes"][0]["recordRef"]["id"] == "FEN01"
    assert codat.ledger()[0].record_id == codat.ledger()[0].customer["id"] == "FEN01"


ADDRESS = {"type": "Delivery", "line1": "1 Quay", "countryCode": "GB"}


@pytest.mark.parametrize(
    ("change", "item_ids"),
    [
        ({"id": None}, ["Id"]),
        ({"customerName": None}, ["CustomerName"]),
        ({"id": "far-too-long"}, ["Id"]),
        ({"id": "a b"}, ["Id"]),
        ({"status": "Unknown"}, ["Status"]),
        ({"customerName": "x" * 61}, ["CustomerName"]),
        ({"addresses": [ADDRESS, ADDRESS]}, ["Addresses"]),
        (
            {"addresses": [{"type": "Delivery", "line1": "1"}]},
            ["Addresses[0].CountryCode"],
        ),
        (
            {"addresses": [{**ADDRESS, "countryCode": "Britain"}]},
            ["Addresses[0].CountryCode"],
        ),
        ({"addresses": [{**ADDRESS, "countryCode": 44}]}, ["Addresses[0].CountryCode"]),
        ({"addresses": [{**ADDRESS, "type": "Billing"}]}, ["Addresses[0].Type"]),
    ],
)
def test_strict_fails(
    codat: LocalCodat, create: Call, change: dict[str, Any], item_ids: list[str]
) -> None:
    """What the strict model forbids is accepted by Codat and then ends Failed."""
    body = {**STRICT, **change}
    if body["id"] is None:
        del body["id"]
    answer = create(codat, body=body, connection="strict")
    shown = answer.json()
    assert answer.status_code == 200
    assert (shown["status"], shown["statusCode"]) == ("Failed", 400)
    assert [each["itemId"] for each in shown["validation"]["errors"]] == item_ids
    assert "downstream service" in shown["errorMessage"]
    assert shown["changes"] is None
    assert codat.ledger() == []


def test_strict_id_is_unique(codat: LocalCodat, create: Call) -> None:
    """No two records of the strict software share an id, whatever its case."""
    assert create(codat, body=STRICT, connection="strict").json()["status"] == "Success"
    again = create(codat, body={**STRICT, "id": "FEN01"}, connection="strict").json()
    assert again["status"] == "Failed"
    assert len(codat.ledger()) == 1


def test_strict_warns_of_what_it_ignores(codat: LocalCodat, create: Call) -> None:
    """A property that the model does not list is ignored with a warning."""
    body = {**STRICT, "registrationNumber": "1"}
    shown = create(codat, body=body, connection="strict").json()
    assert shown["status"] == "Success"
    assert [each["itemId"] for each in shown["validation"]["warnings"]] == [
        "RegistrationNumber"
    ]


def test_lenient_takes_equal_customers(codat: LocalCodat, create: Call) -> None:
    """The lenient software takes equal customers twice, and the ledger tells."""
    create(codat)
    create(codat)
    create(codat, name="Other")
    assert codat.counts_by_name() == {"Acme": 2, "Other": 1}
    assert {name: len(each) for name, each in codat.duplicates().items()} == {"Acme": 2}


def test_options_names_are_unique(codat: LocalCodat, create: Call) -> None:
    """The cloud software takes a name once, and only its own choices."""
    statuses = [
        create(codat, connection="options", name=name).json()["status"]
        for name in ("Acme", "ACME", "Other")
    ]
    assert statuses == ["Success", "Failed", "Success"]
    body = {"customerName": "Third", "status": "Archived"}
    assert create(codat, connection="options", body=body).json()["status"] == "Failed"
    assert codat.duplicates() == {}


def test_failed_name_is_free(codat: LocalCodat, create: Call) -> None:
    """A name is taken by a record, not by a push that left none."""
    codat.order("fail")
    statuses = [create(codat, connection="options").json()["status"] for _ in range(2)]
    assert statuses == ["Failed", "Success"]


@pytest.mark.parametrize("connection", ["lenient", "strict", "options"])
def test_models(codat: LocalCodat, send: Call, connection: str) -> None:
    """Each connection shows its model, and it is one object of named properties."""
    path = (
        f"/companies/{codat.company_id}/connections/{codat.connections[connection]}"
        "/options/customers"
    )
    model = send(codat, "GET", path).json()
    assert (model["type"], model["required"]) == ("Object", True)
    assert "customerName" in model["properties"]
    required = {name for name, each in model["properties"].items() if each["required"]}
    expected = {"strict": {"id", "customerName"}, "options": {"customerName"}}
    assert required == expected.get(connection, set())
