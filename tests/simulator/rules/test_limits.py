"""Codat's limits and the headers about them."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from airflow_provider_codat.simulator import (
    SECOND_COMPANY_ID,
    CodatControls,
    LocalCodat,
    RemoteCodat,
)

Call = Callable[..., requests.Response]
Start = Callable[..., LocalCodat]


def test_headers_on_every_reply(start: Start, send: Call) -> None:
    """Each reply tells the date, the daily quota, what is left, when it is reset."""
    codat = start(daily_quota="documented")
    left = []
    for path in ("/companies", "/nothing", "/companies/x"):
        answer = send(codat, "GET", path)
        assert answer.headers["X-Rate-Limit-Limit"] == "4000"
        reset = datetime.fromisoformat(answer.headers["X-Rate-Limit-Reset"])
        date = parsedate_to_datetime(answer.headers["Date"])
        assert timedelta(0) < reset - date <= timedelta(days=1)
        assert reset.time() == datetime.min.replace(tzinfo=UTC).time()
        left.append(int(answer.headers["X-Rate-Limit-Remaining"]))
    assert left == [3999, 3998, 3997]


def test_date_follows_the_clock(codat: LocalCodat, send: Call) -> None:
    """The Date header tells the movable clock's time."""
    before = parsedate_to_datetime(send(codat, "GET", "/companies").headers["Date"])
    codat.advance(minutes=90)
    after = parsedate_to_datetime(send(codat, "GET", "/companies").headers["Date"])
    moved = after - before
    assert timedelta(minutes=90) <= moved < timedelta(minutes=91)


def test_no_quota(start: Start, send: Call) -> None:
    """Without a quota the documented one is told and never shrinks."""
    codat = start(daily_quota=None)
    for _ in range(2):
        headers = send(codat, "GET", "/companies").headers
        assert headers["X-Rate-Limit-Remaining"] == headers["X-Rate-Limit-Limit"]


def test_daily_quota(start: Start, create: Call) -> None:
    """Beyond the quota all is 429 until midnight UTC; the key stays free."""
    codat = start(daily_quota=1)
    assert create(codat, "A").status_code == 200
    key = "11111111-2222-4333-8444-555555555555"
    refused = create(codat, "B", key=key)
    assert refused.status_code == 429
    assert refused.headers["X-Rate-Limit-Remaining"] == "0"
    wait = int(refused.headers["Retry-After"])
    reset = datetime.fromisoformat(refused.headers["X-Rate-Limit-Reset"])
    date = parsedate_to_datetime(refused.headers["Date"])
    assert abs((reset - date).total_seconds() - wait) <= 2
    codat.advance(seconds=wait)
    assert create(codat, "C", key=key).status_code == 200
    assert codat.counts_by_name() == {"A": 1, "C": 1}


@pytest.fixture(params=["local", "remote"])
def limited(request: pytest.FixtureRequest, start: Start) -> CodatControls:
    """Steer a server with a quota in this process or over HTTP."""
    codat = start(daily_quota=5000)
    return codat if request.param == "local" else RemoteCodat(codat.url)


def _quota(answer: requests.Response) -> tuple[int, int, datetime]:
    names = ("Limit", "Remaining", "Reset")
    limit, left, reset = (answer.headers[f"X-Rate-Limit-{name}"] for name in names)
    return int(limit), int(left), datetime.fromisoformat(reset)


def test_quota_set_while_it_runs(limited: CodatControls, send: Call) -> None:
    """What is left can be set; the request that asks for it is the next to count."""
    send(limited, "GET", "/companies")
    limited.set_quota(1941)
    limit, left, reset = _quota(send(limited, "GET", "/companies"))
    assert (limit, left) == (5000, 1940)
    assert reset.time() == datetime.min.replace(tzinfo=UTC).time()


def test_quota_is_full_again_at_midnight(limited: CodatControls, send: Call) -> None:
    """A quota that was set holds until 00:00 UTC, its limit on the next day too."""
    limited.set_quota(0, limit=7)
    refused = send(limited, "GET", "/companies")
    assert (refused.status_code, _quota(refused)[:2]) == (429, (7, 0))
    limited.advance(seconds=int(refused.headers["Retry-After"]))
    assert _quota(send(limited, "GET", "/companies"))[:2] == (7, 6)


def test_quota_that_is_full_again_soon(limited: CodatControls, send: Call) -> None:
    """Who comes at the second that X-Rate-Limit-Reset names is served, not earlier."""
    limited.set_quota(0, limit=7, resets_in_seconds=30)
    refused = send(limited, "GET", "/companies")
    _, _, reset = _quota(refused)
    date = parsedate_to_datetime(refused.headers["Date"])
    assert timedelta(seconds=29) < reset - date <= timedelta(seconds=32)
    wait = int(refused.headers["Retry-After"])
    limited.advance(seconds=wait - 5)
    assert send(limited, "GET", "/companies").status_code == 429
    limited.advance(seconds=5)
    served = send(limited, "GET", "/companies")
    assert (served.status_code, _quota(served)[:2]) == (200, (7, 6))
    assert _quota(served)[2].time() == datetime.min.replace(tzinfo=UTC).time()


def test_no_quota_from_now_on(limited: CodatControls, send: Call) -> None:
    """A quota can be taken away, and brought back at the documented number."""
    limited.set_quota(0)
    assert send(limited, "GET", "/companies").status_code == 429
    limited.set_quota(None)
    assert send(limited, "GET", "/companies").status_code == 200
    limited.set_quota(2)
    assert _quota(send(limited, "GET", "/companies"))[:2] == (4000, 1)


@pytest.mark.parametrize(
    "fields",
    [
        {"left": 5001},
        {"left": -1},
        {"left": 8, "limit": 7},
        {"left": 1, "resets_in_seconds": -1},
        {"left": "many"},
    ],
)
def test_quota_that_makes_no_sense(
    limited: CodatControls, send: Call, fields: dict[str, Any]
) -> None:
    """A quota that makes no sense is refused, and nothing has changed."""
    with pytest.raises(ValueError, match=r"must|not supported"):
        limited.set_quota(**fields)
    assert _quota(send(limited, "GET", "/companies"))[:2] == (5000, 4999)


def test_unauthorised_spends_no_quota(start: Start, send: Call) -> None:
    """A refused key does not spend the client's quota."""
    codat = start(daily_quota=1)
    wrong = {"Authorization": "Basic eA=="}
    assert send(codat, "GET", "/companies", headers=wrong).status_code == 401
    assert send(codat, "GET", "/companies").status_code == 200


def test_per_minute(start: Start, send: Call) -> None:
    """Beyond the minute's number all is 429; the next minute is new."""
    codat = start(requests_per_minute=2)
    _to_the_start_of_a_minute(codat, send)
    wrong = {"Authorization": "Basic eA=="}
    assert send(codat, "GET", "/companies", headers=wrong).status_code == 401
    refused = send(codat, "GET", "/companies", headers=wrong)
    assert refused.status_code == 429
    wait = int(refused.headers["Retry-After"])
    assert 0 < wait <= 60
    codat.advance(seconds=wait)
    assert send(codat, "GET", "/companies").status_code == 200


def _to_the_start_of_a_minute(codat: LocalCodat, send: Call) -> None:
    date = parsedate_to_datetime(send(codat, "GET", "/companies").headers["Date"])
    codat.advance(seconds=60 - date.second)
    assert send(codat, "GET", "/companies").status_code == 200


def test_retry_after_as_date(start: Start, send: Call) -> None:
    """Retry-After can be written as an HTTP date."""
    codat = start(daily_quota=0, retry_after_format="http-date")
    answer = send(codat, "GET", "/companies")
    until = parsedate_to_datetime(answer.headers["Retry-After"])
    reset = datetime.fromisoformat(answer.headers["X-Rate-Limit-Reset"])
    assert abs(until - reset) <= timedelta(seconds=2)


def test_concurrency_per_company(start: Start, create: Call, send: Call) -> None:
    """A company's surplus of running requests is 429; another company is free."""
    codat = start(concurrency=2)
    codat.order("slow", count=2, seconds=4)
    running = [threading.Thread(target=create, args=(codat, str(at))) for at in (1, 2)]
    for each in running:
        each.start()
    while len(codat.journal()) < 2:
        time.sleep(0.01)
    refused = send(codat, "GET", f"/companies/{codat.company_id}/push")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    assert send(codat, "GET", f"/companies/{SECOND_COMPANY_ID}").status_code == 200
    for each in running:
        each.join()
    assert send(codat, "GET", f"/companies/{codat.company_id}").status_code == 200


def test_latency(start: Start, send: Call) -> None:
    """Each request can be made to take its time."""
    codat = start(latency_seconds=0.1)
    begun = time.monotonic()
    send(codat, "GET", "/companies")
    assert time.monotonic() - begun >= 0.1


@pytest.mark.parametrize("limit", ["daily_quota", "requests_per_minute", "concurrency"])
def test_each_can_be_off(start: Start, send: Call, limit: str) -> None:
    """Each limit can be None."""
    codat = start(**{limit: None})
    assert send(codat, "GET", f"/companies/{codat.company_id}").status_code == 200
