"""Ordering misfortunes, and what becomes of push operations under them."""

from collections.abc import Callable
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_codat.simulator import LocalCodat, Misfortune
from airflow_provider_codat.simulator.misfortunes import Misfortunes

Call = Callable[..., requests.Response]
Start = Callable[..., LocalCodat]
Poll = Callable[..., dict[str, Any]]


def statuses(codat: LocalCodat, create: Call, names: str) -> list[int]:
    return [create(codat, name).status_code for name in names]


def test_count_and_skip(codat: LocalCodat, create: Call) -> None:
    """The first matching requests pass, the next count are hit, the rest pass."""
    codat.order("codat_error_before_commit", count=2, skip=1)
    assert statuses(codat, create, "abcd") == [200, 500, 500, 200]


def test_customer(codat: LocalCodat, create: Call) -> None:
    """Only requests about that very customer are hit."""
    codat.order("codat_error_before_commit", customer="b")
    assert statuses(codat, create, "aBbb") == [200, 200, 500, 200]


def test_customer_of_an_operation(codat: LocalCodat, create: Call, send: Call) -> None:
    """Reading an operation is about its customer."""
    made = {name: create(codat, name).json()["pushOperationKey"] for name in "ab"}
    codat.order("codat_error_before_commit", customer="b", route="get_push", count=2)
    path = f"/companies/{codat.company_id}/push/"
    assert send(codat, "GET", path + made["a"]).status_code == 200
    assert send(codat, "GET", path + made["b"]).status_code == 500


def test_body_that_is_no_customer(codat: LocalCodat, create: Call) -> None:
    """A body without a name is about no customer."""
    codat.order("codat_error_before_commit", customer="b")
    for body in (b"{", b"[]", b'{"customerName": 7}'):
        assert create(codat, body=body).status_code == 400
    assert create(codat, "b").status_code == 500


def test_in_order(codat: LocalCodat, create: Call) -> None:
    """Orders for the same requests are met in the order in which they were given."""
    codat.order("codat_error_before_commit", status=500)
    codat.order("codat_error_before_commit", status=503)
    assert statuses(codat, create, "abc") == [500, 503, 200]


def test_one_of_each_stage(codat: LocalCodat, create: Call) -> None:
    """A request may meet one misfortune on the wire and one of its outcome."""
    codat.order("fail")
    codat.order("gateway_error_after_commit")
    assert create(codat).status_code == 502
    assert codat.operations()[0]["status"] == "Failed"
    assert codat.journal()[0].misfortune == "gateway_error_after_commit+fail"


def test_clear(codat: LocalCodat, create: Call) -> None:
    """Cleared misfortunes do not come."""
    codat.order("codat_error_before_commit", count=9)
    codat.clear_misfortunes()
    assert statuses(codat, create, "ab") == [200, 200]


def test_replays_are_spared_work(codat: LocalCodat, create: Call) -> None:
    """An error of Codat's own befalls work, not an answer from its memory."""
    key = "11111111-2222-4333-8444-555555555555"
    create(codat, key=key)
    codat.order("codat_error_before_commit")
    assert create(codat, key=key).status_code == 200
    assert create(codat).status_code == 500


@given(st.integers(), st.floats(0, 1), st.integers(1, 40))
def test_probability_is_deterministic(seed: int, chance: float, many: int) -> None:
    """The same seed hits the same arrivals, every time."""

    def hits() -> list[bool]:
        orders = Misfortunes()
        orders.order(Misfortune("slow", probability=chance, seed=seed))
        return [orders.strike("work", "create", tuple) is not None for _ in range(many)]

    assert hits() == hits()


@given(st.integers())
def test_probability_bounds(seed: int) -> None:
    """Chance 1 hits all, 0 none; a count ends even the surest chance."""
    orders = Misfortunes()
    orders.order(Misfortune("slow", probability=0, seed=seed))
    orders.order(Misfortune("slow", probability=1, seed=seed, count=3))
    hits = [orders.strike("work", "create", tuple) for _ in range(5)]
    assert [hit is not None for hit in hits] == [True, True, True, False, False]


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "plague"},
        {"kind": "slow", "route": "nowhere"},
        {"kind": "fail", "route": "get_push"},
        {"kind": "fail", "route": "refresh"},
        {"kind": "refresh_fails", "route": "create"},
        {"kind": "slow", "probability": 2},
        {"kind": "slow", "count": 0},
        {"kind": "slow", "count": "many"},
        {"kind": "slow", "colour": "red"},
    ],
    ids=str,
)
def test_nonsense(codat: LocalCodat, fields: dict[str, Any]) -> None:
    """An order that makes no sense is refused when it is given."""
    with pytest.raises(ValueError, match=r"must|befalls|Unknown|supported"):
        codat.order(**fields)


def test_stay_pending(codat: LocalCodat, create: Call, poll: Poll) -> None:
    """Without seconds it never settles; only a deadline ends it, without a record."""
    codat.order("stay_pending", count=2)
    answer = create(codat)
    limited = create(codat, query="?timeoutInMinutes=10")
    codat.advance(minutes=24 * 60)
    assert poll(codat, answer)["status"] == "Pending"
    assert poll(codat, limited)["status"] == "TimedOut"
    assert codat.ledger() == []


@pytest.mark.parametrize(
    ("kind", "status", "records"),
    [
        ("stay_pending", "Success", 1),
        ("unknown_status", "Success", 1),
        ("warn", "Success", 1),
        ("fail", "Failed", 0),
        ("fail_with_record", "Failed", 1),
        ("fail_without_reason", "Failed", 0),
        ("timed_out", "TimedOut", 0),
    ],
)
def test_pending_for_a_while(
    codat: LocalCodat, create: Call, poll: Poll, kind: str, status: str, records: int
) -> None:
    """Every outcome can be kept waiting until the clock has moved, for one customer."""
    codat.order(kind, customer="slow", seconds=3600)
    assert create(codat, "quick").json()["status"] == "Success"
    answer = create(codat, "slow")
    codat.advance(minutes=59)
    assert poll(codat, answer)["statusCode"] == 202
    assert codat.counts_by_name() == {"quick": 1}
    codat.advance(minutes=1)
    assert poll(codat, answer)["status"] == status
    assert len(codat.ledger()) == 1 + records


@pytest.mark.parametrize(
    ("kind", "reasons", "records"),
    [
        ("fail", True, 0),
        ("fail_with_record", True, 1),
        ("fail_without_reason", False, 0),
    ],
)
def test_failures(
    codat: LocalCodat, create: Call, kind: str, reasons: bool, records: int
) -> None:
    """A failure has its reason and its record, or not, and the ledger agrees."""
    codat.order(kind)
    shown = create(codat).json()
    assert (shown["status"], shown["statusCode"]) == ("Failed", 400)
    assert bool(shown["errorMessage"]) == reasons
    assert ("validation" in shown) == reasons
    assert bool(shown["changes"]) == bool(records)
    assert len(codat.ledger()) == records
    if kind == "fail":
        assert shown["validation"]["errors"]


def test_timed_out(codat: LocalCodat, create: Call) -> None:
    """TimedOut without a record, for ever."""
    codat.order("timed_out")
    assert create(codat).json()["status"] == "TimedOut"
    codat.advance(minutes=24 * 60)
    assert codat.ledger() == []


def test_timed_out_then_lands(codat: LocalCodat, create: Call, poll: Poll) -> None:
    """TimedOut, and later the record stands in the books; the status stays."""
    codat.order("timed_out_then_lands", seconds=300)
    answer = create(codat)
    assert answer.json()["status"] == "TimedOut"
    assert codat.ledger() == []
    codat.advance(minutes=5)
    assert codat.counts_by_name() == {"Acme": 1}
    assert poll(codat, answer)["status"] == "TimedOut"


def test_unknown_status(codat: LocalCodat, create: Call, poll: Poll) -> None:
    """An invented status, for ever or for some seconds and then Success."""
    codat.order("unknown_status", message="Dreaming")
    codat.order("unknown_status", seconds=60)
    for_ever, for_a_while = create(codat, "a"), create(codat, "b")
    assert for_ever.json()["status"] == "Dreaming"
    assert for_a_while.json()["status"] == "UnderReview"
    codat.advance(minutes=1)
    assert poll(codat, for_ever)["status"] == "Dreaming"
    assert poll(codat, for_a_while)["status"] == "Success"
    assert codat.counts_by_name() == {"b": 1}


def test_warn(codat: LocalCodat, create: Call) -> None:
    """A success with a warning is a success."""
    codat.order("warn", message="Phone will be ignored.")
    shown = create(codat).json()
    assert shown["status"] == "Success"
    assert shown["validation"]["warnings"][0]["message"] == "Phone will be ignored."
    assert len(codat.ledger()) == 1
