"""The memory behind the Idempotency-Key header."""

import threading
import time
import uuid
from collections.abc import Callable
from http.client import HTTPConnection

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_codat.simulator import API_KEY, LocalCodat
from airflow_provider_codat.simulator.replies import Reply
from airflow_provider_codat.simulator.rules.idempotency import (
    Claim,
    IdempotencyCache,
    Replay,
)
from airflow_provider_codat.simulator.world import authorization

Call = Callable[..., requests.Response]
Start = Callable[..., LocalCodat]
KEY = "11111111-2222-4333-8444-555555555555"


def test_replay_is_byte_identical(start: Start, create: Call) -> None:
    """A repeated key gets the first reply's bytes, even after the operation settled."""
    codat = start(settle_seconds=30)
    first = create(codat, key=KEY)
    codat.advance(minutes=5)
    again = create(codat, key=KEY)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.json()["status"] == "Pending"
    assert codat.counts_by_name() == {"Acme": 1}
    assert [each.replayed for each in codat.journal()] == [False, True]


def test_key_is_not_case_sensitive(codat: LocalCodat, create: Call) -> None:
    """A GUID is the same in either case."""
    key = "abcdefab-cdef-4bcd-8fab-cdefabcdefab"
    assert create(codat, key=key).content == create(codat, key=key.upper()).content


@pytest.mark.parametrize(
    "key", ["x", "1" * 32, "{11111111-2222-4333-8444-555555555555}", KEY + "0"]
)
def test_not_a_guid(codat: LocalCodat, create: Call, key: str) -> None:
    """A key that is no GUID is 400, and nothing happens."""
    assert create(codat, key=key).status_code == 400
    assert codat.operations() == []


def test_forgotten_after_90_minutes(codat: LocalCodat, create: Call) -> None:
    """A key is remembered for 90 minutes from its first request, then creates again."""
    create(codat, key=KEY)
    codat.advance(minutes=89)
    create(codat, key=KEY)
    assert codat.counts_by_name() == {"Acme": 1}
    codat.advance(minutes=1)
    create(codat, key=KEY)
    assert codat.counts_by_name() == {"Acme": 2}


def test_other_body(codat: LocalCodat, create: Call) -> None:
    """The same key with another body is 422; the first reply stays remembered."""
    first = create(codat, key=KEY)
    assert create(codat, "Other", key=KEY).status_code == 422
    assert create(codat, key=KEY).content == first.content
    assert codat.counts_by_name() == {"Acme": 1}


@pytest.mark.parametrize(
    ("scope", "status"), [("request", 422), ("body", 200)], ids=["request", "body"]
)
def test_scope(start: Start, create: Call, scope: str, status: int) -> None:
    """Path and query belong to the comparison, unless only the body is compared."""
    codat = start(idempotency_scope=scope)
    create(codat, key=KEY)
    for change in ({"query": "?timeoutInMinutes=5"}, {"connection": "options"}):
        assert create(codat, key=KEY, **change).status_code == status
    assert len(codat.operations()) == 1


def test_in_progress(codat: LocalCodat, create: Call) -> None:
    """The same key while the first request is running is 409, later a replay."""
    codat.order("slow", seconds=4)
    answers: list[requests.Response] = []
    first = threading.Thread(target=lambda: answers.append(create(codat, key=KEY)))
    first.start()
    while not codat.journal():
        time.sleep(0.01)
    assert create(codat, key=KEY).status_code == 409
    assert create(codat, "Other", key=KEY).status_code == 422
    first.join()
    assert create(codat, key=KEY).content == answers[0].content
    assert codat.counts_by_name() == {"Acme": 1}


def test_client_that_leaves(codat: LocalCodat, create: Call) -> None:
    """A client that gives up waiting does not stop Codat: the key holds the reply."""
    codat.order("slow", seconds=10)
    with pytest.raises(requests.Timeout):
        create(codat, key=KEY, timeout=(60, 0.1))
    while not codat.journal():
        time.sleep(0.01)
    assert create(codat, key=KEY).status_code == 409
    while (answer := create(codat, key=KEY)).status_code == 409:
        time.sleep(0.02)
    assert answer.status_code == 200
    assert codat.counts_by_name() == {"Acme": 1}


@pytest.mark.parametrize("status", [400, 409, 422, 500, 503])
@pytest.mark.parametrize("when", ["before", "after"])
def test_errors_are_replayed(
    codat: LocalCodat, create: Call, status: int, when: str
) -> None:
    """Every reply but 429 is remembered, errors too, whether or not it committed."""
    codat.order(f"codat_error_{when}_commit", status=status)
    first = create(codat, key=KEY)
    again = create(codat, key=KEY)
    assert first.status_code == again.status_code == status
    assert first.content == again.content
    assert len(codat.ledger()) == (when == "after")
    codat.advance(minutes=90)
    assert create(codat, key=KEY).status_code == 200


def test_contract_errors_are_replayed(codat: LocalCodat, create: Call) -> None:
    """A 400 for the body is remembered like any other reply."""
    first = create(codat, body={}, key=KEY)
    again = create(codat, body={}, key=KEY)
    assert again.status_code == 400
    assert again.content == first.content


@pytest.mark.parametrize(
    "kind",
    ["too_many_requests", "codat_error_before_commit"],
    ids=["codat", "platform"],
)
def test_429_releases_the_key(codat: LocalCodat, create: Call, kind: str) -> None:
    """A 429 is not remembered: the key may be used again, even with another body."""
    codat.order(kind, status=429, retry_after=3)
    refused = create(codat, key=KEY)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "3")
    assert create(codat, "Other", key=KEY).status_code == 200
    assert codat.counts_by_name() == {"Other": 1}


def test_429_to_a_repeat(codat: LocalCodat, create: Call) -> None:
    """A 429 to a repeat does not make Codat forget the first reply."""
    first = create(codat, key=KEY)
    codat.order("too_many_requests")
    assert create(codat, key=KEY).status_code == 429
    assert create(codat, key=KEY).content == first.content


def test_authorisation_comes_first(codat: LocalCodat, create: Call, send: Call) -> None:
    """401 is neither answered from the memory nor kept there."""
    create(codat, key=KEY)
    path = codat.journal()[0].path
    wrong = {"Authorization": authorization("x" * 40)}
    for key in (KEY, str(uuid.uuid4())):
        headers = {**wrong, "Idempotency-Key": key}
        assert send(codat, "POST", path, headers=headers).status_code == 401
        assert create(codat, key=key).status_code == 200


def test_two_headers(codat: LocalCodat) -> None:
    """Two Idempotency-Key headers are 400."""
    connection = codat.connection_id
    path = f"/companies/{codat.company_id}/connections/{connection}/push/customers"
    lines = [("Idempotency-Key", KEY), ("Idempotency-Key", str(uuid.uuid4()))]
    assert _post_lines(codat.url, path, lines) == 400


def _post_lines(url: str, path: str, lines: list[tuple[str, str]]) -> int:
    connection = HTTPConnection(url.removeprefix("http://"), timeout=10)
    connection.putrequest("POST", path)
    for name, value in [("Authorization", authorization(API_KEY)), *lines]:
        connection.putheader(name, value)
    connection.putheader("Content-Length", "2")
    connection.endheaders(b"{}")
    status = connection.getresponse().status
    connection.close()
    return status


def test_get_ignores_the_key(codat: LocalCodat, send: Call) -> None:
    """The header means nothing on GET, whatever it holds."""
    headers = {"Idempotency-Key": "x"}
    assert send(codat, "GET", "/companies", headers=headers).status_code == 200


STEPS = st.lists(
    st.tuples(
        st.sampled_from("ab"),
        st.sampled_from([b"1", b"2"]),
        st.sampled_from([200, 400, 429, 500]),
        st.integers(0, 60).map(lambda minutes: minutes * 60.0),
    ),
    max_size=12,
)


@given(STEPS)
def test_against_a_plain_model(steps: list[tuple[str, bytes, int, float]]) -> None:
    """In any history a key runs anew only if new, released or 90 minutes old."""
    cache = IdempotencyCache("request")
    known: dict[str, tuple[float, bytes, int]] = {}
    now = 0.0
    for key, body, status, wait in steps:
        now += wait
        known = {each: kept for each, kept in known.items() if now - kept[0] < 5400}
        answer = cache.claim(key, cache.fingerprint("POST", "/", body), now)
        if key not in known:
            assert isinstance(answer, Claim)
            cache.settle(answer, Reply(status, body))
            if status != 429:
                known[key] = (now, body, status)
        elif known[key][1] == body:
            assert answer == Replay(Reply(known[key][2], body))
        else:
            assert isinstance(answer, Reply)
            assert answer.status == 422
