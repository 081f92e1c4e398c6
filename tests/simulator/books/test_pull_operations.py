"""Refreshing: pull operations, their history, and how fresh the data is."""

from collections.abc import Callable
from datetime import datetime
from math import nextafter
from typing import Any
from uuid import uuid4

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_codat.simulator import (
    OPTIONS_CONNECTION_ID,
    SECOND_COMPANY_ID,
    SECOND_CONNECTION_ID,
    UNLINKED_CONNECTION_ID,
    LocalCodat,
)
from airflow_provider_codat.simulator.books.pull_operations import (
    PullOperation,
    PullOutcome,
)

Call = Callable[..., requests.Response]
Start = Callable[..., LocalCodat]
QUEUE = "data/queue/customers"


def test_whole_life(start: Start, data: Call) -> None:
    """A pull operation goes through Codat's stages in order and ends Complete."""
    codat = start(refresh_seconds=90)
    answer = data(codat, "POST", QUEUE)
    first = answer.json()
    assert answer.status_code == 200
    assert (first["status"], first["progress"]) == ("Initial", 0)
    assert first["companyId"] == codat.company_id
    assert first["connectionId"] == codat.connection_id
    assert first["dataType"] == "customers"
    assert "completed" not in first
    shown = [first]
    for _ in range(9):
        codat.advance(seconds=10)
        shown.append(data(codat, "GET", f"data/history/{first['id']}").json())
    assert [each["status"] for each in shown] == [
        "Initial",
        "Queued",
        "Fetching",
        "MapQueued",
        "Mapping",
        "ProcessingQueued",
        "Processing",
        "ValidationQueued",
        "Validating",
        "Complete",
    ]
    progress = [each["progress"] for each in shown]
    assert progress == sorted(progress)
    assert progress[-1] == 100
    assert [each["isCompleted"] for each in shown] == [False] * 9 + [True]
    assert not any(each["isErrored"] for each in shown)
    last = shown[-1]
    lasted = datetime.fromisoformat(last["completed"]) - datetime.fromisoformat(
        last["requested"]
    )
    assert lasted.total_seconds() == pytest.approx(90)


def test_over_at_once(start: Start, data: Call) -> None:
    """With refresh_seconds=0 the first reply is final, and another may follow."""
    codat = start(refresh_seconds=0)
    for _ in range(2):
        shown = data(codat, "POST", QUEUE).json()
        assert (shown["status"], shown["isCompleted"]) == ("Complete", True)


@given(st.floats(1e9, 1e10), st.floats(1e-9, 1e6))
def test_last_moment(requested_at: float, lasts_seconds: float) -> None:
    """However short a refresh is, its last moment still shows a stage of its own."""
    pull = PullOperation(
        id="1",
        company_id="2",
        connection_ids=("3",),
        data_type="customers",
        requested_at=requested_at,
        lasts_seconds=lasts_seconds,
        outcome=PullOutcome(),
    )
    assert pull.ends_at is not None
    shown = pull.view(max(requested_at, nextafter(pull.ends_at, 0)))
    assert shown["isCompleted"] == (shown["progress"] == 100)
    assert shown["isCompleted"] == (shown["status"] == "Complete")


def test_takes_a_second_by_default(codat: LocalCodat, data: Call) -> None:
    """Unless it is set otherwise a refresh takes one second of the clock."""
    path = f"data/history/{data(codat, 'POST', QUEUE).json()['id']}"
    assert not data(codat, "GET", path).json()["isCompleted"]
    codat.advance(seconds=1)
    assert data(codat, "GET", path).json()["isCompleted"]


def test_one_at_a_time(codat: LocalCodat, data: Call) -> None:
    """While one runs, another of that type is 400 with Codat's words; others start."""
    running = data(codat, "POST", QUEUE).json()["id"]
    refused = data(codat, "POST", QUEUE)
    assert refused.status_code == 400
    assert refused.json()["error"] == (
        "DatasetAlreadyInProgressException: Cannot queue customers sync for "
        f"{codat.company_id} as previous sync {running} is still in progress"
    )
    elsewhere = f"{QUEUE}?connectionId={OPTIONS_CONNECTION_ID}"
    assert data(codat, "POST", elsewhere).status_code == 400
    assert data(codat, "POST", "data/queue/invoices").status_code == 200
    codat.advance(seconds=1)
    assert data(codat, "POST", QUEUE).status_code == 200


def test_companies_do_not_wait_for_each_other(
    codat: LocalCodat, data: Call, send: Call
) -> None:
    """A refresh of one company neither holds up nor shows in another."""
    mine = data(codat, "POST", QUEUE).json()
    other = f"/companies/{SECOND_COMPANY_ID}"
    theirs = send(codat, "POST", f"{other}/{QUEUE}").json()
    assert theirs["connectionId"] == SECOND_CONNECTION_ID
    assert send(codat, "GET", f"{other}/data/history/{mine['id']}").status_code == 404
    history = send(codat, "GET", f"{other}/data/history").json()["results"]
    assert [each["id"] for each in history] == [theirs["id"]]


def test_key_is_remembered(codat: LocalCodat, data: Call) -> None:
    """A repeated Idempotency-Key starts nothing and tells of the same operation."""
    headers = {"Idempotency-Key": str(uuid4())}
    first = data(codat, "POST", QUEUE, headers=headers)
    codat.advance(seconds=60)
    assert data(codat, "POST", QUEUE, headers=headers).content == first.content
    assert data(codat, "GET", "data/history").json()["totalResults"] == 1


def test_of_one_connection(codat: LocalCodat, data: Call) -> None:
    """A refresh may name its connection, in any case of letters."""
    for written in (OPTIONS_CONNECTION_ID, OPTIONS_CONNECTION_ID.upper()):
        shown = data(codat, "POST", f"{QUEUE}?connectionId={written}").json()
        assert shown["connectionId"] == OPTIONS_CONNECTION_ID
        codat.advance(seconds=1)


def test_of_a_connection_that_is_not_linked(codat: LocalCodat, data: Call) -> None:
    """What is not linked cannot be read: the operation ends in AuthError."""
    path = f"{QUEUE}?connectionId={UNLINKED_CONNECTION_ID}"
    started = data(codat, "POST", path)
    codat.advance(seconds=1)
    shown = data(codat, "GET", f"data/history/{started.json()['id']}").json()
    assert started.status_code == 200
    assert (shown["status"], shown["isErrored"]) == ("AuthError", True)
    assert shown["errorMessage"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "data/queue/colours", 404),
        ("POST", f"{QUEUE}?connectionId=none", 400),
        ("POST", f"{QUEUE}?connectionId={SECOND_CONNECTION_ID}", 404),
        ("GET", QUEUE, 405),
        ("POST", "data/history", 405),
        ("POST", "dataStatus", 405),
        ("GET", "data/all", 405),
        ("GET", "data/history/none", 400),
        ("GET", f"data/history/{SECOND_CONNECTION_ID}", 404),
        ("GET", "data/history?query=isCompleted=true", 400),
        ("GET", "data/history?orderBy=isErrored", 400),
        ("GET", "data/loans", 404),
    ],
)
def test_refusals(
    codat: LocalCodat, data: Call, method: str, path: str, status: int
) -> None:
    """What is malformed or unknown is refused with Codat's body; nothing is started."""
    answer = data(codat, method, path)
    assert (answer.status_code, answer.json()["statusCode"]) == (status, status)
    assert data(codat, "GET", "data/history").json()["totalResults"] == 0


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", QUEUE),
        ("POST", "data/all"),
        ("GET", "dataStatus"),
        ("GET", "data/history"),
        ("GET", f"data/history/{SECOND_CONNECTION_ID}"),
        ("GET", "data/customers"),
        ("GET", "data/customers/1"),
    ],
)
def test_of_nobody(codat: LocalCodat, send: Call, method: str, path: str) -> None:
    """A company that does not exist has no data."""
    answer = send(codat, method, f"/companies/{uuid4()}/{path}")
    assert answer.status_code == 404
    assert "No company was found" in answer.json()["error"]


def test_refresh_all(codat: LocalCodat, data: Call) -> None:
    """All that is fetched on the first link is read; what is being read is let be."""
    running = data(codat, "POST", QUEUE).json()["id"]
    answer = data(codat, "POST", "data/all")
    assert (answer.status_code, answer.content) == (204, b"")
    history = data(codat, "GET", "data/history").json()["results"]
    assert [each["dataType"] for each in history] == ["customers", "company"]
    assert history[0]["id"] == running


def test_history(codat: LocalCodat, data: Call) -> None:
    """The history is paged, ordered and queried as every list."""
    codat.order("refresh_fails", skip=1)
    made = []
    for _ in range(3):
        made.append(data(codat, "POST", QUEUE).json()["id"])
        codat.advance(seconds=1)

    def listed(**params: object) -> list[str]:
        page = data(codat, "GET", "data/history", params=params).json()
        return [made.index(each["id"]) for each in page["results"]]

    assert listed() == [0, 1, 2]
    assert listed(orderBy="-requested") == [2, 1, 0]
    assert listed(pageSize=2, page=2) == [2]
    assert listed(query="status!=Complete&&status!=NotSupported") == [1]
    assert listed(query="dataType=invoices") == []


def test_status_of_nothing(codat: LocalCodat, data: Call) -> None:
    """What was never pulled has no status."""
    assert data(codat, "GET", "dataStatus").json() == {}


def test_status(codat: LocalCodat, data: Call, refreshed: Call) -> None:
    """A status tells the latest sync and the latest good one, if there is one."""
    codat.order("refresh_fails")
    codat.order("refresh_fails", skip=1)

    def status() -> dict[str, Any]:
        return data(codat, "GET", "dataStatus").json()["customers"]

    bad = refreshed(codat)["id"]
    failed = {"dataType": "customers", "currentStatus": "FetchError"}
    assert status() == {**failed, "latestSyncId": bad}
    good = refreshed(codat)["id"]
    shown = status()
    ended = data(codat, "GET", f"data/history/{good}").json()["completed"]
    assert shown == {
        "dataType": "customers",
        "currentStatus": "Complete",
        "latestSyncId": good,
        "latestSuccessfulSyncId": good,
        "lastSuccessfulSync": ended,
    }
    worse = refreshed(codat)["id"]
    assert status() == {**shown, **failed, "latestSyncId": worse}


@pytest.mark.parametrize(
    ("word", "errored"),
    [(None, True), ("AuthError", True), ("Cancelled", True), ("NotSupported", False)],
)
def test_ordered_failure(
    codat: LocalCodat, data: Call, refreshed: Call, word: str | None, errored: bool
) -> None:
    """A refresh ends with the ordered status; the next one is spared."""
    codat.order("refresh_fails", message=word)
    path = f"data/history/{refreshed(codat)['id']}"
    shown = data(codat, "GET", path).json()
    assert shown["status"] == (word or "FetchError")
    assert (shown["isCompleted"], shown["isErrored"]) == (False, errored)
    assert shown["errorMessage"]
    assert codat.journal()[0].misfortune == "refresh_fails"
    path = f"data/history/{refreshed(codat)['id']}"
    assert data(codat, "GET", path).json()["status"] == "Complete"


def test_ordered_queue(codat: LocalCodat, data: Call) -> None:
    """A refresh stays Queued, for some seconds and then ends well, or for ever."""
    codat.order("refresh_stays_queued", seconds=600)
    codat.order("refresh_stays_queued")
    path = f"data/history/{data(codat, 'POST', QUEUE).json()['id']}"
    assert data(codat, "GET", path).json()["status"] == "Queued"
    codat.advance(seconds=599)
    assert data(codat, "GET", path).json()["status"] == "Queued"
    codat.advance(seconds=2)
    assert data(codat, "GET", path).json()["status"] == "Complete"
    path = f"data/history/{data(codat, 'POST', QUEUE).json()['id']}"
    codat.advance(minutes=24 * 60)
    assert data(codat, "GET", path).json()["status"] == "Queued"
    assert data(codat, "POST", QUEUE).status_code == 400


def test_ordered_for_all(codat: LocalCodat, data: Call) -> None:
    """An order for 'refresh_all' befalls that route's pulls, and no other's."""
    codat.order("refresh_fails", route="refresh_all", count=2)
    data(codat, "POST", "data/queue/invoices")
    data(codat, "POST", "data/all")
    codat.advance(seconds=1)
    history = data(codat, "GET", "data/history").json()["results"]
    assert [each["status"] for each in history] == ["Complete"] + 2 * ["FetchError"]
