"""The push list: order, pages, queries, lag."""

from collections.abc import Callable
from typing import Any

import pytest
import requests

from airflow_provider_codat.simulator import LocalCodat

Call = Callable[..., requests.Response]
Start = Callable[..., LocalCodat]
Listed = Callable[..., dict[str, Any]]


def keys(page: dict[str, Any]) -> list[str]:
    return [each["pushOperationKey"] for each in page["results"]]


@pytest.fixture
def seven(codat: LocalCodat, create: Call) -> list[str]:
    """Seven accepted operations, a second apart, oldest first."""
    made = []
    for number in range(7):
        made.append(create(codat, f"C{number}").json()["pushOperationKey"])
        codat.advance(seconds=1)
    return made


def test_order(codat: LocalCodat, seven: list[str], listed: Listed) -> None:
    """The list is oldest first; '-requestedOnUtc' turns it round."""
    assert keys(listed(codat)) == seven
    assert keys(listed(codat, orderBy="requestedOnUtc")) == seven
    assert keys(listed(codat, orderBy="-requestedOnUtc")) == seven[::-1]


@pytest.mark.parametrize("query", [None, "status=Success"])
@pytest.mark.parametrize("order", ["requestedOnUtc", "-requestedOnUtc"])
def test_pages(
    codat: LocalCodat,
    seven: list[str],
    send: Call,
    order: str,
    query: str | None,
) -> None:
    """Following the links meets every operation once, and back again."""
    params = {"page": 1, "pageSize": 3, "orderBy": order, "query": query}
    path = f"/companies/{codat.company_id}/push"
    page = send(codat, "GET", path, params=params).json()
    assert page["_links"]["self"] == {"href": path}
    assert "previous" not in page["_links"]
    found = keys(page)
    while "next" in page["_links"]:
        before = page
        page = send(codat, "GET", page["_links"]["next"]["href"]).json()
        back = send(codat, "GET", page["_links"]["previous"]["href"]).json()
        assert back["results"] == before["results"]
        found += keys(page)
    assert found == (seven[::-1] if order.startswith("-") else seven)
    assert (page["pageNumber"], page["pageSize"], page["totalResults"]) == (3, 3, 7)


def test_beyond_the_last_page(
    codat: LocalCodat, seven: list[str], listed: Listed
) -> None:
    """A page beyond the last is empty and still tells the total."""
    page = listed(codat, page=9, pageSize=3)
    assert (page["results"], page["totalResults"]) == ([], len(seven))
    assert "next" not in page["_links"]


@pytest.mark.parametrize(
    "params",
    [
        {"page": "0"},
        {"page": "one"},
        {"pageSize": "0"},
        {"pageSize": "5001"},
        {"pageSize": "99999999999999999999"},
        {"orderBy": "colour"},
        {"orderBy": "-"},
        {"query": "status"},
        {"query": "status="},
        {"query": "=Success"},
        {"query": "status=Success&&"},
        {"query": "{status=Success"},
        {"query": "status=Success}"},
        {"query": "status==Success"},
        {"query": "isCompleted=true"},
        {"query": "changes.type=Created"},
        {"query": "requestedOnUtc>yesterday"},
        {"query": "statusCode>many"},
        {"query": "status=x" * 300},
        {"query": "{" * 500},
    ],
    ids=lambda params: str(params)[:40],
)
def test_malformed(codat: LocalCodat, send: Call, params: dict[str, str]) -> None:
    """A malformed parameter is 400 with Codat's error body."""
    path = f"/companies/{codat.company_id}/push"
    answer = send(codat, "GET", path, params=params)
    assert answer.status_code == 400
    assert answer.json()["statusCode"] == 400


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("status=Success", "05"),
        ("status=success", "05"),
        ("status!=Success", "1234"),
        ("status=Failed||status=TimedOut", "123"),
        ("status~ed", "123"),
        ("statusCode>=400", "123"),
        ("statusCode<300&&status!=Pending", "05"),
        ("{status=Failed||status=Pending}&&statusCode<400", "4"),
        ("completedOnUtc!=2020-01-01", "012345"),
        ("completedOnUtc>2020-01-01", "01235"),
        ("requestedOnUtc<2020-01-01T00:00:00Z", ""),
        ("dataType=customers", "012345"),
        ("errorMessage~downstream", "12"),
        (" status = Success && { statusCode = 200 } ", "05"),
    ],
)
def test_query(
    codat: LocalCodat, create: Call, listed: Listed, query: str, names: str
) -> None:
    """Each operator, conjunction and group chooses what it says."""
    for kind, number in (
        ("fail", 1),
        ("fail_with_record", 2),
        ("timed_out", 3),
        ("stay_pending", 4),
    ):
        codat.order(kind, customer=str(number))
    made = [create(codat, str(number)).json() for number in range(6)]
    by_key = {each["pushOperationKey"]: str(at) for at, each in enumerate(made)}
    found = "".join(by_key[key] for key in keys(listed(codat, query=query)))
    assert found == names


def test_query_by_connection_and_time(
    codat: LocalCodat, create: Call, listed: Listed
) -> None:
    """A reconciliation's query works: this connection, since that moment."""
    create(codat, "early")
    codat.advance(minutes=10)
    create(codat, "elsewhere", connection="options")
    wanted = create(codat, "late").json()
    since = wanted["requestedOnUtc"]
    connection = codat.connection_id
    query = f"dataConnectionKey={connection}&&requestedOnUtc>={since}"
    found = listed(codat, query=query, orderBy="-requestedOnUtc")
    assert keys(found) == [wanted["pushOperationKey"]]


@pytest.mark.parametrize(
    ("order", "names"), [("status", "102"), ("-timeoutInMinutes", "021")]
)
def test_other_orders(
    codat: LocalCodat, create: Call, listed: Listed, order: str, names: str
) -> None:
    """Any field that can be queried can order the list; what is absent comes first."""
    codat.order("fail", customer="1")
    codat.order("timed_out", customer="2")
    queries = ["?timeoutInMinutes=10", "", "?timeoutInMinutes=9"]
    made = [
        create(codat, str(at), query=each).json() for at, each in enumerate(queries)
    ]
    by_key = {each["pushOperationKey"]: str(at) for at, each in enumerate(made)}
    assert "".join(by_key[key] for key in keys(listed(codat, orderBy=order))) == names


@pytest.mark.parametrize("order", ["requestedOnUtc", "-requestedOnUtc", "status"])
def test_lag(
    start: Start, create: Call, poll: Callable[..., Any], listed: Listed, order: str
) -> None:
    """An operation is listed only after the lag; the single read sees it at once."""
    codat = start(list_lag_seconds=60)
    first = create(codat)
    codat.advance(seconds=30)
    second = create(codat)
    assert poll(codat, first)["status"] == "Success"
    assert listed(codat, orderBy=order)["totalResults"] == 0
    codat.advance(seconds=30)
    page = listed(codat, orderBy=order)
    assert keys(page) == [first.json()["pushOperationKey"]]
    assert page["totalResults"] == 1
    codat.advance(seconds=30)
    assert second.json()["pushOperationKey"] in keys(listed(codat, orderBy=order))
