"""Customers that somebody else puts into the books."""

from collections.abc import Callable
from typing import Any

import pytest
import requests

from airflow_provider_codat.simulator import (
    OPTIONS_CONNECTION_ID,
    SECOND_COMPANY_ID,
    SECOND_CONNECTION_ID,
    STRICT_CONNECTION_ID,
    UNLINKED_CONNECTION_ID,
    CodatControls,
    LocalCodat,
    RemoteCodat,
)

Call = Callable[..., requests.Response]
Start = Callable[..., LocalCodat]
Listed = Callable[..., dict[str, Any]]
ACME = {"customerName": "Acme", "status": "Active"}


@pytest.fixture(params=["local", "remote"])
def controls(request: pytest.FixtureRequest, codat: LocalCodat) -> CodatControls:
    """Steer the same server in this process or over HTTP."""
    return codat if request.param == "local" else RemoteCodat(codat.url)


def test_pushed(controls: CodatControls, create: Call, listed: Listed) -> None:
    """A stranger's push is listed among ours, with a key of its own."""
    mine = create(controls).json()
    theirs = controls.stranger_pushes(ACME)
    assert theirs["status"] == "Success"
    assert theirs["dataConnectionKey"] == controls.connection_id
    assert [each["pushOperationKey"] for each in listed(controls)["results"]] == [
        mine["pushOperationKey"],
        theirs["pushOperationKey"],
    ]
    assert [each.stranger for each in controls.ledger()] == [False, True]
    record = controls.ledger()[1]
    assert record.push_operation_key == theirs["pushOperationKey"]
    assert record.record_id == theirs["changes"][0]["recordRef"]["id"]
    assert (record.idempotency_key, record.customer) == (None, ACME)


def test_typed_in(controls: CodatControls, create: Call, listed: Listed) -> None:
    """What is typed into the software stands there at once, and was never pushed."""
    create(controls)
    record = controls.typed_in(ACME)
    assert record == controls.ledger()[1]
    assert (record.push_operation_key, record.stranger) == (None, True)
    assert (record.connection_id, record.name) == (controls.connection_id, "Acme")
    assert listed(controls)["totalResults"] == len(controls.operations()) == 1


def test_counted(controls: CodatControls, create: Call) -> None:
    """The ledger counts what stands in the books, whoever put it there."""
    create(controls)
    controls.typed_in(ACME)
    controls.stranger_pushes(ACME)
    assert controls.counts_by_name() == {"Acme": 3}
    assert len(controls.duplicates()["Acme"]) == 3


def test_elsewhere(codat: LocalCodat, send: Call) -> None:
    """A stranger may use any connection of any company."""
    shown = codat.stranger_pushes(ACME, connection_id=SECOND_CONNECTION_ID)
    typed = codat.typed_in(ACME, connection_id=UNLINKED_CONNECTION_ID)
    assert shown["companyId"] == SECOND_COMPANY_ID
    path = f"/companies/{SECOND_COMPANY_ID}/push/{shown['pushOperationKey']}"
    assert send(codat, "GET", path).json() == shown
    assert typed.company_id == codat.company_id


def test_settles_and_lags_as_ours(start: Start, listed: Listed) -> None:
    """A stranger's push takes its time to settle and to be listed."""
    codat = start(settle_seconds=60, list_lag_seconds=30)
    assert codat.stranger_pushes(ACME)["status"] == "Pending"
    assert (listed(codat)["results"], codat.ledger()) == ([], [])
    codat.advance(seconds=30)
    assert listed(codat)["results"][0]["status"] == "Pending"
    codat.advance(seconds=30)
    assert listed(codat)["results"][0]["status"] == "Success"
    assert codat.counts_by_name() == {"Acme": 1}


@pytest.mark.parametrize(
    ("outcome", "status", "records"),
    [
        ("stay_pending", "Pending", 0),
        ("fail", "Failed", 0),
        ("timed_out_then_lands", "TimedOut", 1),
    ],
)
def test_outcome(
    controls: CodatControls, outcome: str, status: str, records: int
) -> None:
    """What becomes of a stranger's push can be chosen, and befalls no other."""
    shown = controls.stranger_pushes(ACME, outcome=outcome)
    assert shown["status"] == status
    controls.advance(seconds=1)
    assert len(controls.ledger()) == records
    assert controls.stranger_pushes(ACME)["status"] == "Success"


def test_outcome_for_a_while(controls: CodatControls) -> None:
    """A stranger's push may be pending for some seconds only."""
    controls.stranger_pushes(ACME, outcome="stay_pending", seconds=60)
    assert controls.ledger() == []
    controls.advance(seconds=60)
    assert controls.counts_by_name() == {"Acme": 1}


def test_ours_is_spared(codat: LocalCodat, create: Call) -> None:
    """A misfortune that is ordered for a request waits for ours."""
    codat.order("fail")
    assert codat.stranger_pushes(ACME)["status"] == "Success"
    assert create(codat).json()["status"] == "Failed"


def test_held_to_the_rules(codat: LocalCodat, create: Call) -> None:
    """The software's own rules hold for strangers: a name that they took is taken."""
    codat.typed_in(ACME, connection_id=OPTIONS_CONNECTION_ID)
    assert create(codat, connection="options").json()["status"] == "Failed"
    refused = codat.stranger_pushes(ACME, connection_id=OPTIONS_CONNECTION_ID)
    assert refused["status"] == "Failed"
    with pytest.raises(ValueError, match="exists already"):
        codat.typed_in(ACME, connection_id=OPTIONS_CONNECTION_ID)
    codat.typed_in({"id": "fen01"}, connection_id=STRICT_CONNECTION_ID)
    body = {"id": "fen02", "customerName": "Fen", "status": "Active"}
    codat.stranger_pushes(body, connection_id=STRICT_CONNECTION_ID)
    kept = codat.ledger()[1:]
    assert [each.record_id for each in kept] == ["FEN01", "FEN02"]
    assert [each.customer["id"] for each in kept] == ["FEN01", "FEN02"]


def test_not_validated(start: Start) -> None:
    """Where bodies are not validated, a stranger's is not either."""
    assert start(validate=False).stranger_pushes({"status": 1})["status"] == "Success"


@pytest.mark.parametrize(
    ("customer", "fields", "words"),
    [
        ({"status": "Dormant"}, {}, "not valid"),
        (ACME, {"connection_id": UNLINKED_CONNECTION_ID}, "not linked"),
        (ACME, {"connection_id": "nowhere"}, "connection_id must be"),
        (ACME, {"outcome": "slow"}, "outcome must be one of: stay_pending"),
    ],
    ids=["contract", "unlinked", "unknown-connection", "no-outcome"],
)
def test_refused(
    controls: CodatControls,
    customer: dict[str, str],
    fields: dict[str, str],
    words: str,
) -> None:
    """What Codat would not accept of a stranger is an error, and nothing is kept."""
    with pytest.raises(ValueError, match=words):
        controls.stranger_pushes(customer, **fields)
    assert (controls.operations(), controls.ledger()) == ([], [])
