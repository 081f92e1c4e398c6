"""The laws of one pace for many processes, on a real Redis."""

import asyncio
import json
import logging
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import redis

from airflow_provider_codat.api.connection.credential import read_credential
from airflow_provider_codat.api.connection.settings import Settings
from airflow_provider_codat.api.errors import RateLimited, SettingsInvalid
from airflow_provider_codat.api.http.exchange import (
    Conversation,
    Patience,
    adrive,
    drive,
    get,
)
from airflow_provider_codat.api.http.request import Request
from airflow_provider_codat.api.http.response import json_of
from airflow_provider_codat.api.http.transport import Transport
from airflow_provider_codat.api.pace.chosen import pace_of
from airflow_provider_codat.api.pace.rate_limit import Pace
from airflow_provider_codat.api.pace.shared_redis import SharedPace

if TYPE_CHECKING:
    from tests.api.conftest import RawServer

A_COMPANY = "8a210b68-6988-11ed-a1eb-0242ac120002"
ANOTHER = "2e9d2c44-f675-40ba-8049-353bfcb5e171"
KEY = "bJdfN3UrP6zQmY8vT1xK5sWc0LhG7aEoR9iBt2Vq"
HOST = "127.0.0.1:8000"
# A window of 47 seconds: no machine is so slow.
PER_MINUTE, IN_A_WINDOW = 30, 23
AGED_SECONDS = 9 * 365 * 86_400


class Server:
    """A Redis of this test's own."""

    def __init__(self, started: Any) -> None:  # noqa: ANN401 - scripts/local_databases.py
        self._started = started
        self.url = f"redis://127.0.0.1:{started.connection['port']}/0"
        self.client = redis.from_url(self.url, decode_responses=True)

    def forget(self) -> None:
        self.client.flushall()

    def age(self) -> None:
        """Let it have known of all sends for longer than a minute."""
        self.client.set(f"LIMITS:codat/born/{HOST}", 1, ex=AGED_SECONDS)

    def kill(self) -> None:
        self._started.kill()

    def start(self) -> None:
        self._started.start()

    def freeze(self) -> None:
        self._started.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._started.process.send_signal(signal.SIGCONT)


@pytest.fixture
def server(servers: Callable[[str], Any]) -> Iterator[Server]:
    """Return a Redis that has been there for a while, and holds nothing."""
    found = Server(servers("redis"))
    found.forget()
    found.age()
    yield found
    found.thaw()


@pytest.fixture
def shared(server: Server) -> Settings:
    return Settings(
        base_url=f"http://{HOST}",
        credential=read_credential(KEY, "auto"),
        requests_per_minute=PER_MINUTE,
        shared_pace_url=server.url,
    )


def taken(*paces: Pace, company: str = "", most: int = 100) -> list[float]:
    """Take in turn until none gives any more; return what the refusals say."""
    for number in range(most):
        waits = [pace.acquire(company, time.time()) for pace in paces]
        if all(waits):
            return [float(number), *waits]
    raise AssertionError("nobody was refused")


def test_one_window_for_all(shared: Settings) -> None:
    """Two processes send together what one may, and each is told when more fits."""
    one, other = pace_of(shared), pace_of(shared)
    sent = 0
    waits: list[float] = []
    while len(waits) < 2:
        waits = []
        for pace in (one, other):
            seconds = pace.acquire("", time.time())
            sent += seconds == 0
            waits += [seconds] if seconds else []
    assert sent == IN_A_WINDOW
    assert all(0 < seconds <= 60 for seconds in waits)


@pytest.mark.parametrize("per_minute", [1, 7, 30, 60, 100, 600, 900, 915, 1000])
def test_every_limit_is_kept_and_used(per_minute: int, shared: Settings) -> None:
    """Whatever the limit, its window comes to no more than a minute's, and to most."""
    pace = SharedPace(replace(shared, requests_per_minute=per_minute), Pace(1))
    window = pace._window  # noqa: SLF001 - nothing else tells it without a minute's wait
    a_minute = window.amount / window.get_expiry() * 61
    assert 0.99 * per_minute <= a_minute <= per_minute


def test_ten_at_a_time_for_a_company(shared: Settings) -> None:
    """No more than ten of all processes are under way for one company."""
    one, other = pace_of(shared), pace_of(shared)
    for pace in (one, other) * 5:
        assert pace.acquire(A_COMPANY, time.time()) == 0.0
    for pace in (one, other):
        assert 0 < pace.acquire(A_COMPANY, time.time()) < 1
    assert one.acquire(ANOTHER, time.time()) == 0.0
    assert one.acquire("", time.time()) == 0.0
    other.release(A_COMPANY, 0.0)
    assert one.acquire(A_COMPANY, time.time()) == 0.0
    assert other.acquire(A_COMPANY, time.time()) > 0


def test_whoever_has_other_timeouts_shares_the_ten(shared: Settings) -> None:
    """The ten are those of a company, however patient a task is."""
    patient = pace_of(replace(shared, read_timeout_seconds=600.0))
    for _ in range(10):
        assert patient.acquire(A_COMPANY, time.time()) == 0.0
    assert pace_of(shared).acquire(A_COMPANY, time.time()) > 0


def test_a_refusal_takes_nothing(shared: Settings) -> None:
    """Who finds the window full holds none of the company's ten places."""
    one, other = pace_of(shared), pace_of(shared)
    for _ in range(IN_A_WINDOW):
        assert one.acquire("", time.time()) == 0.0
    for _ in range(20):
        # Longer than it would be if a place were missing.
        assert one.acquire(A_COMPANY, time.time()) > 1
        assert other.acquire(A_COMPANY, time.time()) > 1


def test_what_a_killed_process_holds_is_free_again(shared: Settings) -> None:
    """After the time that a request may take, its place is another one's."""
    hurried = replace(shared, connect_timeout_seconds=0.5, read_timeout_seconds=0.5)
    killed, other = pace_of(hurried), pace_of(shared)
    for _ in range(10):
        assert killed.acquire(A_COMPANY, time.time()) == 0.0
    for _ in range(10):
        while (seconds := other.acquire(A_COMPANY, time.time())) > 0:
            time.sleep(seconds)
    # It was not killed, only slow: what it gives back then is not its own any more.
    for _ in range(10):
        killed.release(A_COMPANY, 0.0)
    assert other.acquire(A_COMPANY, time.time()) > 0


def test_a_429_holds_all_back(shared: Settings) -> None:
    """What Codat asks of one, all heed who use its key; the longest wish counts."""
    one, other = pace_of(shared), pace_of(shared)
    assert one.acquire(A_COMPANY, time.time()) == 0.0
    one.release(A_COMPANY, 300.0)
    assert other.acquire(A_COMPANY, time.time()) > 290
    other.release("", 5.0)
    assert one.acquire("", time.time()) > 290
    other.release("", 10.0**12)
    assert 86_000 < one.acquire("", time.time()) <= 86_401
    stranger = replace(shared, credential=read_credential(KEY[::-1], "auto"))
    assert pace_of(stranger).acquire(A_COMPANY, time.time()) == 0.0


def absent_words(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [m for m in caplog.messages if "Redis does not answer" in m]


@pytest.mark.parametrize("how", ["killed", "frozen"])
@pytest.mark.parametrize("amid", ["the acquire", "the release"])
def test_without_redis(
    how: str,
    amid: str,
    shared: Settings,
    server: Server,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A Redis that is gone, or hangs, fails nothing and lifts no limit.

    Each process keeps to a share of its own, says so, and asks again after a while.
    """
    caplog.set_level(logging.WARNING)
    divided = replace(shared, pool_slots=3)
    pace, now = pace_of(divided), time.time()
    assert pace.acquire(A_COMPANY, now) == 0.0
    if how == "killed":
        server.kill()
    else:
        server.freeze()
    try:
        if amid == "the release":
            pace.release(A_COMPANY, 0.0)
        # A third of 30 is one in 6.1 seconds, and one was sent just now.
        assert 0 < pace.acquire(A_COMPANY, now + 1) <= 6.1
        assert pace.acquire(A_COMPANY, now + 7.2) == 0.0
        assert 0 < pace.acquire(A_COMPANY, now + 8) <= 6.1
        (said,) = absent_words(caplog)
        assert "share" in said
    finally:
        if how == "killed":
            server.start()
        else:
            server.thaw()
    server.age()
    assert pace.acquire(A_COMPANY, now + 40) == 0.0
    assert pace.acquire(A_COMPANY, now + 40) == 0.0
    assert len(absent_words(caplog)) == 1


def test_without_redis_and_without_a_pool(shared: Settings, server: Server) -> None:
    """Where nobody says how many tasks there are, a tenth of the limit is a share."""
    pace, now = pace_of(shared), time.time()
    server.kill()
    try:
        assert pace.acquire("", now) == 0.0
        assert pace.acquire("", now) == pytest.approx(61 / 3)
    finally:
        server.start()


def test_a_redis_that_has_forgotten(shared: Settings, server: Server) -> None:
    """Nobody may send more than a share until a minute's sends are known again.

    What was sent before Redis was started anew counts at Codat nevertheless.
    """
    divided = replace(shared, pool_slots=3)
    one, other = pace_of(divided), pace_of(divided)
    server.forget()
    for pace in (one, other):
        assert pace.acquire(A_COMPANY, time.time()) == 0.0
        assert 0 < pace.acquire(A_COMPANY, time.time()) <= 6.1
    server.age()
    # What was sent meanwhile is known.
    number, *_ = taken(one)
    assert number == IN_A_WINDOW - 2


def test_what_redis_is_told(shared: Settings, server: Server) -> None:
    """Redis learns when, for whom and to which host: nothing of the key."""
    pace = pace_of(shared)
    pace.acquire(A_COMPANY, time.time())
    pace.release(A_COMPANY, 60.0)
    pace.acquire(A_COMPANY, time.time())
    told = {}
    for key in server.client.scan_iter():
        kind = server.client.type(key)
        told[key] = (
            server.client.lrange(key, 0, -1)
            if kind == "list"
            else server.client.get(key)
        )
    words = json.dumps(told)
    assert HOST in words
    assert KEY[:8] not in words
    assert shared.credential.header.split()[1][:8] not in words
    assert all(server.client.ttl(key) > 0 for key in told)


@pytest.mark.parametrize(
    "url", ["redis://host:port", "redis://[::1", "redis://cache?socket_timeout=x"]
)
def test_a_url_that_is_none(url: str, shared: Settings) -> None:
    """A URL that cannot be used is named, and what stands in it is not repeated."""
    with pytest.raises(SettingsInvalid, match="shared_pace_url") as caught:
        pace_of(replace(shared, shared_pace_url=url))
    assert url not in str(caught.value)


def test_the_libraries_are_an_extra() -> None:
    """Without them the connection is told what to install, and others need them not."""
    program = (
        "import sys; sys.modules['limits'] = sys.modules['redis'] = None\n"
        "from airflow_provider_codat.api.connection.settings import read_settings\n"
        "from airflow_provider_codat.api.pace.chosen import pace_of\n"
        "def read(**extra):\n"
        "    return read_settings(host=None, schema=None, port=None, password='k',"
        " extra=extra)[0]\n"
        "pace_of(read())\n"
        "try:\n    pace_of(read(shared_pace_url='redis://cache'))\n"
        "except ValueError as error:\n    print(error)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "airflow-provider-codat[shared-pace]" in ran.stdout


HOG = """
import sys, time
from airflow_provider_codat.api.connection.settings import read_settings
from airflow_provider_codat.api.pace.chosen import pace_of
url, company, most, under_way = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
extra = {"shared_pace_url": url, "requests_per_minute": 915}
pace = pace_of(read_settings(host="127.0.0.1", schema="http", port=8000,
                             password="k", extra=extra)[0])
print("ready", flush=True)
sys.stdin.readline()
held = 0
for _ in range(most):
    while (seconds := pace.acquire(company, time.time())) > 0:
        time.sleep(seconds)
        if seconds < 1 and held:
            pace.release(company, 0.0)
            held -= 1
    print(time.time(), flush=True)
    held += 1
    if held >= under_way:
        pace.release(company, 0.0)
        held -= 1
"""


def test_nobody_starves(server: Server) -> None:
    """Beside three processes that send all they may, one that sends little gets by.

    And in any four seconds no more than sixty go out.
    """

    def started(*given: int) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-c", HOG, server.url, A_COMPANY, *map(str, given)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    hogs = [started(100_000, 10) for _ in range(3)]
    modest = started(10, 1)
    try:
        for process in (*hogs, modest):
            assert process.stdin is not None
            print(file=process.stdin, flush=True)
        # It ends, and none of the others does.
        modest_at = [float(line) for line in modest.communicate()[0].split()]
        assert len(modest_at) == 10
        assert [hog.poll() for hog in hogs] == [None] * 3
    finally:
        for process in (*hogs, modest):
            process.kill()
    sent = [float(line) for hog in hogs for line in hog.communicate()[0].split()]
    counted = Counter(int(at) for at in sorted([*sent, *modest_at]))
    assert max(counted.values()) <= 60
    at = sorted([*sent, *modest_at])
    # The clock is looked at a moment after the send was counted.
    for number, first in enumerate(at):
        assert sum(each < first + 3.5 for each in at[number : number + 80]) <= 60


LIMITED = b"HTTP/1.1 429 X\r\nRetry-After: 300\r\nContent-Length: 2\r\n\r\n{}"
ALL_RIGHT = b"HTTP/1.1 200 X\r\nContent-Length: 2\r\n\r\n{}"
COMPANY_GET = Request("GET", f"/companies/{A_COMPANY}/push")


def in_a_worker(asking: Conversation[Any], sender: Transport) -> object:
    return drive(asking, sender.send)


def in_a_triggerer(asking: Conversation[Any], sender: Transport) -> object:
    with ThreadPoolExecutor(1) as executor:
        return asyncio.run(adrive(asking, sender.send, executor))


@pytest.mark.parametrize("ask", [in_a_worker, in_a_triggerer])
def test_whoever_asks_takes_part(
    ask: Callable[[Conversation[Any], Transport], object],
    shared: Settings,
    raw_server: Callable[..., "RawServer"],
    transport: Callable[..., Transport],
) -> None:
    """Worker and triggerer take their turn, give it back, and tell of a 429.

    Another one that would have to wait for longer than it may is told until when, and
    sends nothing.
    """
    codat = raw_server((ALL_RIGHT,), (LIMITED,))
    one, other = pace_of(shared), pace_of(shared)
    sender = transport(codat.url)
    for _ in range(10):
        with suppress(RateLimited):
            ask(get(COMPANY_GET, json_of, Patience(0.0, one)), sender)
    assert one.acquire(A_COMPANY, time.time()) > 200
    begun = time.time()
    with pytest.raises(RateLimited, match="was not sent") as limited:
        ask(get(COMPANY_GET, json_of, Patience(100.0, other)), sender)
    assert begun + 200 < limited.value.until < begun + 400
    assert len(codat.requests) == 2
