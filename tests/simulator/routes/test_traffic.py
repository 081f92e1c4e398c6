"""What the simulator tells about its traffic without a journal."""

import socket
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import pytest
import requests

from airflow_provider_codat.simulator import CodatControls, LocalCodat, RemoteCodat
from airflow_provider_codat.simulator.routes.arrivals import TrafficMeter

Call = Callable[..., requests.Response]
Start = Callable[..., LocalCodat]


@pytest.fixture(params=["local", "remote"])
def light(request: pytest.FixtureRequest, start: Start) -> CodatControls:
    """Steer a server without journal in this process or over HTTP."""
    codat = start(journal_limit=0, validate=False)
    return codat if request.param == "local" else RemoteCodat(codat.url)


def test_counts(light: CodatControls, create: Call, send: Call) -> None:
    """Each request is counted by its route, though the journal has no room for it."""
    create(light, body={"anything": 1})
    create(light, "B")
    for path in (f"/companies/{light.company_id}/push", "/nothing"):
        send(light, "GET", path)
    seen = light.traffic()
    assert light.journal() == []
    assert seen.requests == 4
    assert seen.by_route == {"create": 2, "list_push": 1, "": 1}
    assert seen.refused == 0
    assert seen.most_in_a_minute == 4
    assert seen.most_in_a_minute_by_address == {"127.0.0.1": 4}
    assert seen.each_minute == (4,)


def test_nothing_yet(light: CodatControls) -> None:
    """Before the first request there is no time, and asking is no request."""
    for _ in range(2):
        seen = light.traffic()
    assert (seen.first_at, seen.last_at, seen.seconds) == (None, None, 0)
    assert (seen.requests, seen.most_at_a_time, seen.most_in_a_minute) == (0, 0, 0)
    assert seen.each_minute == ()


def test_times_are_of_the_movable_clock(light: CodatControls, send: Call) -> None:
    """First and last are by the server's clock, and so are the minutes."""
    first = send(light, "GET", "/companies")
    light.advance(minutes=2)
    last = send(light, "GET", "/companies")
    seen = light.traffic()
    assert seen.first_at is not None
    assert seen.last_at is not None
    for answer, at in ((first, seen.first_at), (last, seen.last_at)):
        date = parsedate_to_datetime(answer.headers["Date"])
        assert abs(at - date) < timedelta(seconds=2)
    assert 120 <= seen.seconds < 180
    assert seen.each_minute == (1, 0, 1)
    assert seen.most_in_a_minute == 1


def test_refused(light: CodatControls, create: Call, send: Call) -> None:
    """A 429 is counted wherever it comes from; another refusal is none."""
    light.order("too_many_requests")
    light.order("codat_error_before_commit", status=429, skip=1)
    light.order("codat_error_before_commit", status=500)
    assert [create(light).status_code for _ in range(4)] == [429, 500, 429, 200]
    light.set_quota(0)
    assert send(light, "GET", "/companies").status_code == 429
    assert light.traffic().refused == 3


def test_without_an_answer(light: CodatControls, create: Call) -> None:
    """A request that is cut off is counted, and is over."""
    light.order("reset_after_commit")
    with pytest.raises(requests.ConnectionError):
        create(light)
    create(light)
    seen = light.traffic()
    assert (seen.requests, seen.most_at_a_time) == (2, 1)


def test_reset_of_the_numbers(light: CodatControls, create: Call) -> None:
    """The traffic is counted anew, and nothing else is forgotten."""
    create(light, "A")
    light.reset_traffic()
    assert light.traffic().requests == 0
    assert light.counts_by_name() == {"A": 1}
    create(light, "B")
    assert light.traffic().requests == 1
    light.reset()
    assert light.traffic().requests == 0


def test_most_at_a_time(start: Start, create: Call) -> None:
    """The most that were under way at once; after a reset, those that still are."""
    codat = start(concurrency=2, journal_limit=0)
    codat.order("slow", count=2, seconds=4)
    running = [threading.Thread(target=create, args=(codat, str(at))) for at in (1, 2)]
    for each in running:
        each.start()
    while codat.traffic().requests < 2:
        time.sleep(0.01)
    assert create(codat).status_code == 429
    assert codat.traffic().most_at_a_time == 3
    codat.reset_traffic()
    assert codat.traffic().most_at_a_time == 2
    for each in running:
        each.join()
    codat.reset_traffic()
    assert codat.traffic().most_at_a_time == 0


def test_by_address(start: Start) -> None:
    """Each client address has a number of its own."""
    codat = start()
    where = urlsplit(codat.url)
    assert where.hostname is not None
    assert where.port is not None
    for address, times in (("127.0.0.1", 1), ("127.0.0.2", 2)):
        for _ in range(times):
            with socket.create_connection(
                (where.hostname, where.port), timeout=10, source_address=(address, 0)
            ) as opened:
                opened.sendall(b"GET /companies HTTP/1.1\r\nHost: local\r\n\r\n")
                assert opened.recv(12) == b"HTTP/1.1 401"
    seen = codat.traffic()
    assert seen.most_in_a_minute_by_address == {"127.0.0.1": 1, "127.0.0.2": 2}
    assert seen.most_in_a_minute == 3


@pytest.mark.parametrize(
    ("times", "most"),
    [
        pytest.param([0, 59.9], 2, id="within"),
        pytest.param([0, 60], 1, id="sixty seconds apart"),
        pytest.param([0, 30, 59, 61, 62], 4, id="across two minutes"),
        pytest.param([0, 0, 0, 200, 201], 3, id="the first was the worst"),
    ],
)
def test_any_sixty_seconds(times: list[float], most: int) -> None:
    """The window slides: it is not the clock's minute."""
    meter = TrafficMeter()
    for at in times:
        meter.begin(1_800_000_030 + at, "127.0.0.1", "create")
        meter.end(200)
    assert meter.view()["most_in_a_minute"] == most
    assert meter.view()["most_in_a_minute_by_address"] == {"127.0.0.1": most}
