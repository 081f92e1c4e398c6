"""Reading customers back: only what a completed refresh has seen."""

import json
from collections.abc import Callable
from datetime import datetime
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote

import pytest
import requests

from airflow_provider_codat.simulator import (
    OPTIONS_CONNECTION_ID,
    SECOND_COMPANY_ID,
    SECOND_CONNECTION_ID,
    STRICT_CONNECTION_ID,
    UNLINKED_CONNECTION_ID,
    LocalCodat,
)
from airflow_provider_codat.simulator.world import authorization

Call = Callable[..., requests.Response]
Start = Callable[..., LocalCodat]
Names = Callable[..., list[str]]
QUEUE = "data/queue/customers"


@pytest.fixture
def names(data: Call) -> Names:
    """Read the names of a page of customers."""

    def do(codat: LocalCodat, **params: object) -> list[str]:
        answer = data(codat, "GET", "data/customers", params=params)
        assert answer.status_code == 200, answer.text
        return [each["customerName"] for each in answer.json()["results"]]

    return do


@pytest.mark.parametrize("path", ["data/customers", "data/customers/1"])
def test_never_synced(codat: LocalCodat, data: Call, create: Call, path: str) -> None:
    """Before the first completed refresh of customers, reading is 409."""

    def refusal() -> str:
        answer = data(codat, "GET", path)
        assert answer.status_code == 409
        return answer.json()["error"]

    create(codat)
    assert refusal() == "The data set has not been requested."
    data(codat, "POST", "data/queue/invoices")
    codat.advance(seconds=1)
    assert refusal() == "The data set has not been requested."
    codat.order("refresh_fails")
    data(codat, "POST", QUEUE)
    assert refusal() == "The data set is still syncing."
    codat.advance(seconds=1)
    assert refusal() == "The data set has not been requested."
    data(codat, "POST", QUEUE)
    codat.advance(seconds=1)
    assert data(codat, "GET", path).status_code != 409


def test_picture_of_the_start(
    start: Start, create: Call, data: Call, names: Names
) -> None:
    """A refresh shows what stood in the books when it started, once it has ended."""
    codat = start(settle_seconds=10, refresh_seconds=1)
    create(codat, "early")
    codat.advance(seconds=10)
    create(codat, "pending")
    data(codat, "POST", QUEUE)
    codat.advance(seconds=1)
    assert names(codat) == ["early"]
    codat.advance(seconds=10)
    assert codat.counts_by_name() == {"early": 1, "pending": 1}
    assert names(codat) == ["early"]
    data(codat, "POST", QUEUE)
    assert names(codat) == ["early"]
    codat.advance(seconds=1)
    assert names(codat) == ["early", "pending"]


def test_landing_during_a_refresh(
    codat: LocalCodat, create: Call, data: Call, refreshed: Call, names: Names
) -> None:
    """What lands while a refresh runs is seen by the next one only."""
    data(codat, "POST", QUEUE)
    create(codat)
    codat.advance(seconds=1)
    assert names(codat) == []
    refreshed(codat)
    assert names(codat) == ["Acme"]


def test_failed_refresh_shows_nothing_new(
    codat: LocalCodat, create: Call, refreshed: Call, names: Names
) -> None:
    """After a refresh that failed, what the last good one saw is still read."""
    create(codat, "a")
    refreshed(codat)
    create(codat, "b")
    codat.order("refresh_fails")
    refreshed(codat)
    assert names(codat) == ["a"]


def test_record(codat: LocalCodat, create: Call, data: Call, refreshed: Call) -> None:
    """A record carries its id, two dates in whole seconds, and whether it is gone."""
    body = {
        "customerName": "Acme",
        "status": "Archived",
        "id": "mine",
        "addresses": [{"type": "Billing", "city": "Ely"}],
        "metadata": {},
        "modifiedDate": "2001-01-01",
        "surprise": 1,
    }
    create(codat, body=body)
    codat.advance(minutes=10)
    pull = refreshed(codat)["id"]
    refreshed(codat)
    (record,) = codat.ledger()
    (shown,) = data(codat, "GET", "data/customers").json()["results"]
    ended = data(codat, "GET", f"data/history/{pull}").json()["completed"]
    assert shown == {
        "id": record.record_id,
        "customerName": "Acme",
        "status": "Archived",
        "addresses": [{"type": "Billing", "city": "Ely"}],
        "metadata": {"isDeleted": False},
        "modifiedDate": f"{ended[:19]}Z",
        "sourceModifiedDate": f"{record.created_at:%Y-%m-%dT%H:%M:%S}",
    }
    one = data(codat, "GET", f"data/customers/{record.record_id}")
    assert one.json() == shown


def test_what_the_software_ignores(
    codat: LocalCodat, create: Call, data: Call, refreshed: Call
) -> None:
    """What the software has warned that it ignores does not come back."""
    body = {"id": "FEN01", "customerName": "Fen", "status": "Active"}
    create(codat, body={**body, "registrationNumber": "1"}, connection="strict")
    refreshed(codat)
    (shown,) = data(codat, "GET", "data/customers").json()["results"]
    assert "registrationNumber" not in shown
    assert codat.ledger()[0].customer["registrationNumber"] == "1"


def test_one_that_is_not_there(codat: LocalCodat, data: Call, refreshed: Call) -> None:
    """An unknown id is 404, one that landed after the last refresh included."""
    refreshed(codat)
    late = codat.typed_in({"customerName": "Late"})
    for customer_id in ("nobody", late.record_id):
        answer = data(codat, "GET", f"data/customers/{customer_id}")
        assert answer.status_code == 404
        assert "No data available for customers" in answer.json()["error"]


@pytest.mark.parametrize("own", ["A/B", "..", "É 1", "?#%", "A%2FB"])
def test_any_id(codat: LocalCodat, refreshed: Call, own: str) -> None:
    """Any text can be an id, if it is encoded in the path."""
    customer = {"id": own, "customerName": "Odd"}
    record = codat.typed_in(customer, connection_id=STRICT_CONNECTION_ID)
    refreshed(codat)
    encoded = quote(record.record_id, safe="").replace(".", "%2E")
    # Requests would resolve the dots.
    server = HTTPConnection(codat.url.removeprefix("http://"), timeout=10)
    server.request(
        "GET",
        f"/companies/{codat.company_id}/data/customers/{encoded}",
        headers={"Authorization": authorization(codat.api_key)},
    )
    assert json.load(server.getresponse())["id"] == own.upper()
    server.close()


def test_connections(codat: LocalCodat, data: Call, refreshed: Call) -> None:
    """A refresh of one connection leaves the others' pictures; of all: the linked."""

    def shown() -> set[str]:
        found = data(codat, "GET", "data/customers").json()["results"]
        return {each["customerName"] for each in found}

    codat.typed_in({"customerName": "a"})
    refreshed(codat)
    codat.typed_in({"customerName": "b"})
    codat.typed_in({"customerName": "c"}, connection_id=OPTIONS_CONNECTION_ID)
    codat.typed_in({"customerName": "d"}, connection_id=SECOND_CONNECTION_ID)
    codat.typed_in({"customerName": "e"}, connection_id=UNLINKED_CONNECTION_ID)
    data(codat, "POST", f"{QUEUE}?connectionId={OPTIONS_CONNECTION_ID}")
    codat.advance(seconds=1)
    assert shown() == {"a", "c"}
    refreshed(codat)
    assert shown() == {"a", "b", "c"}


def test_companies(codat: LocalCodat, send: Call, refreshed: Call) -> None:
    """A company's customers are its own, and so are its refreshes."""
    codat.typed_in({"customerName": "theirs"}, connection_id=SECOND_CONNECTION_ID)
    refreshed(codat)
    other = f"/companies/{SECOND_COMPANY_ID}"
    assert send(codat, "GET", f"{other}/data/customers").status_code == 409
    send(codat, "POST", f"{other}/{QUEUE}")
    codat.advance(seconds=1)
    found = send(codat, "GET", f"{other}/data/customers").json()["results"]
    assert [each["customerName"] for each in found] == ["theirs"]


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, "abc"),
        ({"orderBy": "-customerName"}, "cba"),
        ({"orderBy": "customerName", "pageSize": 2, "page": 2}, "c"),
        ({"query": "customerName=B"}, "b"),
        ({"query": "customerName~A||customerName=c"}, "ac"),
        ({"query": "metadata.isDeleted!=true"}, "ab"),
        ({"query": "metadata.isDeleted=true"}, "c"),
        ({"orderBy": "-metadata.isDeleted", "pageSize": 1}, "c"),
        ({"query": "status=Archived&&metadata.isDeleted!=true"}, "b"),
        ({"query": "sourceModifiedDate<2020-01-01"}, ""),
    ],
    ids=str,
)
def test_query(
    codat: LocalCodat,
    refreshed: Call,
    names: Names,
    params: dict[str, object],
    expected: str,
) -> None:
    """Customers are chosen, ordered and paged by their plain properties."""
    codat.typed_in({"customerName": "a"})
    codat.typed_in({"customerName": "b", "status": "Archived"})
    codat.typed_in({"customerName": "c", "metadata": {"isDeleted": True}})
    refreshed(codat)
    assert "".join(names(codat, **params)) == expected


def test_modified_since(
    codat: LocalCodat, data: Call, refreshed: Call, names: Names
) -> None:
    """A record is modified when Codat first sees it, and stays so."""
    codat.typed_in({"customerName": "old"})
    refreshed(codat)
    codat.advance(minutes=10)
    codat.typed_in({"customerName": "new"})
    since = data(codat, "GET", f"data/history/{refreshed(codat)['id']}").json()
    assert names(codat, query=f"modifiedDate>={since['requested']}") == ["new"]
    assert names(codat, query=f"modifiedDate<{since['requested']}") == ["old"]


@pytest.mark.parametrize(
    "params",
    [
        {"query": "addresses.city=Ely"},
        {"query": "contacts.name=Ann"},
        {"query": "supplementalData.content=1"},
        {"query": "modifiedDate>=soon"},
        {"orderBy": "addresses"},
        {"pageSize": "0"},
    ],
    ids=str,
)
def test_malformed(
    codat: LocalCodat, data: Call, refreshed: Call, params: dict[str, str]
) -> None:
    """Arrays and supplemental data cannot be asked for: 400."""
    refreshed(codat)
    answer = data(codat, "GET", "data/customers", params=params)
    assert answer.status_code == 400


def test_moving_pages(
    codat: LocalCodat, data: Call, refreshed: Call, send: Call
) -> None:
    """A refresh that ends between two pages moves what the second one shows."""
    for name in "bd":
        codat.typed_in({"customerName": name})
    refreshed(codat)
    params = {"pageSize": 1, "orderBy": "customerName"}
    first = data(codat, "GET", "data/customers", params=params).json()
    codat.typed_in({"customerName": "a"})
    refreshed(codat)
    second = send(codat, "GET", first["_links"]["next"]["href"]).json()
    assert (first["totalResults"], second["totalResults"]) == (2, 3)
    assert first["results"][0]["id"] == second["results"][0]["id"]


NAME = "  Fen   Bakery Ltd "


@pytest.mark.parametrize(
    ("style", "name", "contact", "email"),
    [
        ("verbatim", NAME, "Ann", " a@Fen.test "),
        ("trimmed", "Fen Bakery Ltd", "Ann", "a@Fen.test"),
        ("upper", NAME.upper(), "ANN", " a@Fen.test "),
    ],
)
def test_style(
    start: Start,
    create: Call,
    data: Call,
    refreshed: Call,
    style: str,
    name: str,
    contact: str,
    email: str,
) -> None:
    """The software may change what it is given; the ledger tells what that was."""
    codat = start(software_style=style)
    body: dict[str, Any] = {
        "customerName": NAME,
        "contactName": "Ann",
        "emailAddress": " a@Fen.test ",
        "phone": None,
        "status": "Active",
    }
    create(codat, body=body)
    refreshed(codat)
    (shown,) = data(codat, "GET", "data/customers").json()["results"]
    assert shown["customerName"] == name
    assert (shown["contactName"], shown["emailAddress"]) == (contact, email)
    assert (shown["phone"], shown["status"]) == (None, "Active")
    assert codat.ledger()[0].customer == body
    assert codat.counts_by_name() == {NAME: 1}


def test_split_doubles_the_first_blank(
    start: Start, refreshed: Call, names: Names
) -> None:
    """The usual name comes back with two blanks after its first word."""
    codat = start(software_style="split")
    for name in ("Fen Bakery Ltd", "Fen"):
        codat.typed_in({"customerName": name})
    refreshed(codat)
    assert names(codat) == ["Fen  Bakery Ltd", "Fen"]


def test_shape(codat: LocalCodat, data: Call, refreshed: Call) -> None:
    """There is always a status; Codat's date has a zone, the software's has none."""
    codat.typed_in({"customerName": "Acme"})
    refreshed(codat)
    (shown,) = data(codat, "GET", "data/customers").json()["results"]
    assert shown["status"] == "Active"
    assert datetime.fromisoformat(shown["modifiedDate"]).tzinfo is not None
    assert datetime.fromisoformat(shown["sourceModifiedDate"]).tzinfo is None
