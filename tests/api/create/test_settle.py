"""The laws of waiting for a push operation, and of what its end means."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from airflow_provider_codat.api.create.settle import (
    created_nothing,
    judged,
    recalled,
    settle,
    summary,
)
from airflow_provider_codat.api.data_types import CUSTOMERS
from airflow_provider_codat.api.errors import (
    CodatError,
    OutcomeUnknown,
    PushFailed,
    PushTimedOut,
    PushWarned,
    StillPending,
)
from airflow_provider_codat.api.http.exchange import Patience, create, drive
from airflow_provider_codat.api.http.request import Request, Response
from airflow_provider_codat.api.http.request import create as create_request
from airflow_provider_codat.api.http.retry import Sends
from airflow_provider_codat.api.http.transport import Transport
from airflow_provider_codat.api.models import Destination, Json, PushOperation, Remark
from airflow_provider_codat.api.payload.canonical import canonical
from airflow_provider_codat.api.payload.redaction import redactor
from airflow_provider_codat.simulator import LocalCodat

if TYPE_CHECKING:
    from tests.api.conftest import MovableClock, RawServer

COMPANY = "8a210b68-6988-11ed-a1eb-0242ac120002"
CONNECTION = "2e9d2c44-f675-40ba-8049-353bfcb5e171"
KEY = "7d9f0f0c-54c8-4e4c-9e0e-3a0f3f5d1c11"
OTHER = "11111111-54c8-4e4c-9e0e-3a0f3f5d1c11"
NAME = "Fen Bakery"
RECORD = [{"type": "Created", "recordRef": {"id": "7", "dataType": "customers"}}]

Script = tuple[bytes | float | str, ...]


def operation(status: str = "Pending", **changes: Any) -> PushOperation:  # noqa: ANN401 - any field
    made = PushOperation(
        key=KEY,
        company_id=COMPANY,
        connection_id=CONNECTION,
        data_type="customers",
        status=status,
        requested_at="2026-03-01T00:00:00Z",
        completed_at=None,
        record_id=None,
        error_message="",
        errors=(),
        warnings=(),
        raw={},
    )
    return replace(made, **changes)


def http(status: int, body: object = b"", **headers: object) -> tuple[bytes]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    head = "\r\n".join([f"HTTP/1.1 {status} X", f"Content-Length: {len(data)}", *lines])
    return (head.encode() + b"\r\n\r\n" + data,)


def at_codat(status: str, **more: object) -> tuple[bytes]:
    body = {
        "pushOperationKey": KEY,
        "companyId": COMPANY,
        "dataConnectionKey": CONNECTION,
        "dataType": "customers",
        "requestedOnUtc": "2026-03-01T00:00:00Z",
        "status": status,
        **more,
    }
    return http(200, body)


PENDING, SUCCESS = at_codat("Pending"), at_codat("Success", changes=RECORD)
TIMED_OUT = at_codat("TimedOut")
FAILED = at_codat("Failed", validation={"errors": [{"message": "No."}]})
FAULT = http(500, {"error": "Down.", "correlationId": "a1b2c3"})
MISSING = http(404, {"error": "Unknown.", "correlationId": "a1b2c3"})


@pytest.fixture
def settling(
    raw_server: Callable[..., "RawServer"],
    transport: Callable[..., Transport],
    clock: "MovableClock",
    patience: Callable[..., Patience],
) -> Callable[..., tuple[PushOperation, "RawServer"]]:
    """Settle an operation against scripted answers, for ten minutes at most."""

    def do(
        *scripts: Script,
        first: PushOperation | None = None,
        interval: float = 15.0,
        seconds: float = 600.0,
        budget: float = 2.0,
    ) -> tuple[PushOperation, "RawServer"]:
        server = raw_server(*scripts)
        sender = transport(server.url, read_timeout_seconds=20)
        waiting = settle(
            operation() if first is None else first,
            patience(budget),
            poll_interval_seconds=interval,
            deadline=clock() + seconds,
        )
        return drive(waiting, sender.send, clock.sleep), server

    return do


Settling = Callable[..., tuple[PushOperation, "RawServer"]]


def test_waits_grow_up_to_the_interval(
    settling: Settling, clock: "MovableClock"
) -> None:
    """First after two seconds, then by half more, up to the interval."""
    ended, server = settling(*[PENDING] * 7, SUCCESS)
    assert ended.record_id == "7"
    assert clock.waits == [2.0, 3.0, 4.5, 6.75, 10.125, 15.0, 15.0, 15.0]
    assert len(server.requests) == 8
    assert server.requests[0].startswith(
        f"GET /companies/{COMPANY}/push/{KEY} HTTP".encode()
    )


def test_a_short_interval_is_kept_from_the_start(
    settling: Settling, clock: "MovableClock"
) -> None:
    """An interval below two seconds is the first wait, too."""
    settling(PENDING, PENDING, SUCCESS, interval=0.5)
    assert clock.waits == [0.5, 0.5, 0.5]


@pytest.mark.parametrize("status", ["Success", "Failed"])
def test_what_has_ended_is_not_asked_for(status: str, settling: Settling) -> None:
    """An operation that ended in the first reply costs no request."""
    first = operation(status)
    ended, server = settling(PENDING, first=first)
    assert ended is first
    assert server.requests == []


def test_the_deadline_is_kept(settling: Settling, clock: "MovableClock") -> None:
    """At the deadline the last look is taken, and then it is told as still pending."""
    began = clock()
    with pytest.raises(StillPending) as pending:
        settling(PENDING, seconds=20)
    assert clock() - began == pytest.approx(20.0)
    assert pending.value.operation.key == KEY
    for part in (KEY, "completion_timeout_seconds", "nothing can cancel", "offline"):
        assert part in str(pending.value).replace("Offline", "offline")


@pytest.mark.parametrize(
    "answer",
    [FAULT, http(502, b"<html>"), ("reset",), http(200, b"<html>"), http(409)],
    ids=["Codat's fault", "gateway", "reset", "junk", "409"],
)
def test_an_outage_is_waited_out(answer: Script, settling: Settling) -> None:
    """What only keeps us from asking does not end the waiting."""
    ended, _ = settling(*[answer] * 12, PENDING, *[answer] * 5, SUCCESS)
    assert ended.status == "Success"


@pytest.mark.parametrize(
    "answer",
    [FAULT, ("reset",), http(200, b"<html>"), http(409), http(429, Retry_After=500)],
    ids=["Codat's fault", "reset", "junk", "409", "429"],
)
def test_an_outage_does_not_outlive_the_deadline(
    answer: Script, settling: Settling, clock: "MovableClock"
) -> None:
    """A deadline is a deadline, also while Codat cannot be asked."""
    began = clock()
    with pytest.raises(StillPending):
        settling(answer, seconds=30, budget=120)
    assert clock() - began <= 30.001


def test_a_long_limit_is_waited_for(settling: Settling, clock: "MovableClock") -> None:
    """After a 429 nothing is asked before Codat wants to be asked."""
    ended, server = settling(http(429, Retry_After=100), SUCCESS, budget=2)
    assert ended.status == "Success"
    assert clock.waits[0] == 2.0
    assert sum(clock.waits[1:]) >= 100.0
    assert len(server.requests) == 2


def test_a_status_that_is_not_documented_is_asked_for_again(
    settling: Settling, clock: "MovableClock", caplog: pytest.LogCaptureFixture
) -> None:
    """A word that nobody knows is no end; the log says that it is odd."""
    caplog.set_level("INFO")
    ended, _ = settling(at_codat("UnderReview"), PENDING, SUCCESS)
    assert ended.status == "Success"
    assert "is UnderReview, a status that is not documented" in caplog.text
    with pytest.raises(StillPending, match="is still UnderReview"):
        settling(at_codat("UnderReview"), seconds=10)
    assert clock.waits


@pytest.mark.parametrize(
    ("answers", "status"),
    [
        ([SUCCESS], "Success"),
        ([FAILED], "Failed"),
        ([TIMED_OUT], "TimedOut"),
        ([PENDING], "Pending"),
        ([FAULT], "TimedOut"),
        ([http(429, Retry_After=500)], "TimedOut"),
    ],
    ids=["Success", "Failed", "TimedOut", "Pending", "fault", "429"],
)
def test_timed_out_is_read_once_more(
    answers: list[Script], status: str, settling: Settling
) -> None:
    """Codat's own deadline stops nobody: it is looked at once more, and no more."""
    ended, server = settling(*answers, first=operation("TimedOut"), budget=0)
    assert ended.status == status
    assert len(server.requests) == 1


def test_timed_out_while_waiting_is_read_once_more(settling: Settling) -> None:
    """An operation that times out before our eyes may land a moment later."""
    ended, server = settling(PENDING, TIMED_OUT, SUCCESS)
    assert ended.record_id == "7"
    assert len(server.requests) == 3


@pytest.mark.parametrize("status", ["Pending", "TimedOut"])
def test_an_operation_that_codat_forgot(status: str, settling: Settling) -> None:
    """It was accepted, so a 404 does not mean that there is no record."""
    with pytest.raises(OutcomeUnknown, match="accepted") as unknown:
        settling(MISSING, first=operation(status))
    assert unknown.value.candidates == (KEY,)
    assert KEY in str(unknown.value)


@pytest.mark.parametrize("status", [302, 400, 401, 402, 403, 404, 451])
def test_a_refusal_meanwhile_does_not_undo_the_acceptance(
    status: int, settling: Settling
) -> None:
    """What was accepted may become a record, whoever may no longer ask for it."""
    with pytest.raises(OutcomeUnknown, match="was accepted") as unknown:
        settling(http(status, {"error": "No.", "correlationId": "x"}))
    assert unknown.value.candidates == (KEY,)


@pytest.mark.parametrize("name", ["pushOperationKey", "companyId"])
def test_somebody_elses_operation_is_not_ours(name: str, settling: Settling) -> None:
    """An answer about another operation neither succeeds nor fails for ours."""
    foreign = at_codat("Success", **{"changes": RECORD, name: OTHER})
    ended, server = settling(foreign, PENDING, SUCCESS)
    assert ended.key == KEY
    assert len(server.requests) == 3


WARNING, ERROR = Remark("Phone", "is ignored"), Remark("Name", f"'{NAME}' is taken")
SAID = "An error occurred."
# The operation; whether warnings are to fail; what it means; what is said.
ENDS: dict[str, tuple[PushOperation, bool, type[CodatError] | None, list[str]]] = {
    "Success": (operation("Success", record_id="7"), True, None, []),
    "Success without a record": (operation("Success"), False, None, []),
    "warnings": (
        operation("Success", record_id="7", warnings=(WARNING,)),
        False,
        None,
        [],
    ),
    "warnings that fail": (
        operation("Success", record_id="7", warnings=(WARNING, WARNING)),
        True,
        PushWarned,
        ["record 7 is in the books", "\n  - Phone: is ignored\n  - Phone"],
    ),
    "failed cleanly": (
        operation("Failed", errors=(ERROR, WARNING), error_message=SAID),
        False,
        PushFailed,
        ["no record was created", SAID, "\n  - Name: '<customerName>' is taken\n  -"],
    ),
    "failed cleanly, silently": (
        operation("Failed", errors=(ERROR,)),
        False,
        PushFailed,
        ["failed; no record was created\n  - Name"],
    ),
    "failed with a record": (
        operation("Failed", errors=(ERROR,), record_id="7"),
        False,
        OutcomeUnknown,
        ["names record 7", "A record may exist", "Name: '<customerName>'"],
    ),
    "failed without a reason": (
        operation("Failed"),
        False,
        OutcomeUnknown,
        ["without a validation error", "A record may exist"],
    ),
    "failed with words alone": (
        operation("Failed", error_message=f"{SAID} {NAME}"),
        False,
        OutcomeUnknown,
        ["without a validation error", f"{SAID} <customerName>"],
    ),
    "failed with warnings alone": (
        operation("Failed", warnings=(WARNING,)),
        False,
        OutcomeUnknown,
        ["without a validation error"],
    ),
    "timed out": (
        operation("TimedOut"),
        False,
        PushTimedOut,
        ["may still appear", "not sent again"],
    ),
    "timed out with errors": (
        operation("TimedOut", errors=(ERROR,)),
        False,
        PushTimedOut,
        ["may still appear"],
    ),
    "timed out, then pending": (operation("Pending"), False, PushTimedOut, []),
}


@pytest.mark.parametrize(("ended", "strict", "kind", "words"), ENDS.values(), ids=ENDS)
def test_what_an_end_means(
    ended: PushOperation,
    kind: type[CodatError] | None,
    words: list[str],
    *,
    strict: bool,
) -> None:
    """Success is returned; each other end is an error that says what may exist."""
    redact = redactor({"customerName": NAME})
    if kind is None:
        assert judged(ended, redact=redact, fail_on_warning=strict) is ended
        return
    with pytest.raises(CodatError) as raised:
        judged(ended, redact=redact, fail_on_warning=strict)
    assert type(raised.value) is kind
    said = str(raised.value)
    assert KEY in said
    assert NAME not in said
    assert [part for part in words if part not in said] == []
    if kind is OutcomeUnknown:
        assert raised.value.candidates == (KEY,)  # type: ignore[attr-defined] # it is one
    else:
        assert raised.value.operation is ended  # type: ignore[attr-defined] # as every other


@pytest.mark.parametrize(
    ("ended", "kind"), [row[::2] for row in ENDS.values()], ids=ENDS
)
def test_what_created_nothing(
    ended: PushOperation, kind: type[CodatError] | None
) -> None:
    """Only what is told as a clean failure is known to have made no record."""
    assert created_nothing(ended) is (kind is PushFailed)


@pytest.mark.parametrize("adopted", [False, True])
def test_a_summary_is_plain_and_tells_whose_it_is(*, adopted: bool) -> None:
    """What a later task gets is JSON, quotes no payload, and says what was adopted."""
    ended = operation(
        "Success", record_id="7", warnings=(Remark("Name", f"{NAME} is long"),)
    )
    told = summary(ended, redactor({"customerName": NAME}), adopted=adopted)
    assert json.loads(json.dumps(told)) == {
        "push_operation_key": KEY,
        "status": "Success",
        "record_id": "7",
        "company_id": COMPANY,
        "connection_id": CONNECTION,
        "warnings": ["Name: <customerName> is long"],
        "requested_at": "2026-03-01T00:00:00Z",
        "completed_at": None,
        "adopted": adopted,
    }
    again = summary(recalled(told), adopted=adopted)
    assert again == told


@pytest.mark.parametrize("status", ["Pending", "Failed", "TimedOut"])
def test_a_summary_names_no_record_that_may_not_be(status: str) -> None:
    """Whatever Codat names before success is not told as the record."""
    assert summary(operation(status, record_id="7"))["record_id"] is None


# What is ordered of the simulator; what becomes of it; records in the books.
OUTCOMES: dict[str, tuple[str | None, dict[str, Any], type[CodatError] | None, int]] = {
    "success": (None, {}, None, 1),
    "warn": ("warn", {}, PushWarned, 1),
    "stay pending": ("stay_pending", {}, StillPending, 0),
    "fail": ("fail", {}, PushFailed, 0),
    "fail with record": ("fail_with_record", {}, OutcomeUnknown, 1),
    "fail without reason": ("fail_without_reason", {}, OutcomeUnknown, 0),
    "timed out": ("timed_out", {}, PushTimedOut, 0),
    "timed out, then lands": ("timed_out_then_lands", {}, PushTimedOut, 1),
    "unknown status": ("unknown_status", {}, StillPending, 0),
    "unknown, then success": ("unknown_status", {"seconds": 30}, None, 1),
}


@pytest.mark.parametrize(
    ("kind", "fields", "end", "records"), OUTCOMES.values(), ids=OUTCOMES
)
def test_every_outcome_of_a_simulated_push(
    kind: str | None,
    fields: dict[str, Any],
    end: type[CodatError] | None,
    records: int,
    clock: "MovableClock",
    patience: Callable[..., Patience],
    transport: Callable[..., Transport],
) -> None:
    """From create to end, in a Codat that settles after ten seconds."""
    payload: Json = {"customerName": NAME, "status": "Active"}
    with LocalCodat(
        settle_seconds=10, requests_per_minute=None, daily_quota=None
    ) as codat:
        if kind is not None:
            codat.order(kind, **fields)
        place = Destination(codat.company_id, codat.connection_id)
        sender = transport(codat.url)

        def send(request: Request) -> Any:  # noqa: ANN401 - a reply
            reply = sender.send(request)
            assert isinstance(reply, Response)
            return replace(reply, received_at=clock())

        def sleep(seconds: float) -> None:
            clock.sleep(seconds)
            codat.advance(seconds=seconds)

        key = str(uuid4())
        request = create_request(
            place, CUSTOMERS, canonical(payload), idempotency_key=key
        )
        making = create(request, place, CUSTOMERS, patience(), sends=Sends())
        accepted = drive(making, send, sleep)
        assert not accepted.ended
        deadline = clock() + 120
        waiting = settle(
            accepted, patience(), poll_interval_seconds=15, deadline=deadline
        )

        def outcome() -> PushOperation:
            ended = drive(waiting, send, sleep)
            return judged(ended, redact=redactor(payload), fail_on_warning=True)

        if end is None:
            record = outcome().record_id
            assert [each.record_id for each in codat.ledger()] == [record]
        else:
            with pytest.raises(CodatError) as raised:
                outcome()
            assert type(raised.value) is end
        assert len(codat.ledger()) == records
        posts = [entry for entry in codat.journal() if entry.method == "POST"]
        assert len(posts) == 1


def test_a_result_is_bounded() -> None:
    """Of 10,000 warnings a result has 20, in one line each, and counts the others."""
    said = tuple(Remark(f"a[{n}]\n", f"\x1b[1m{n}" * 2_000) for n in range(10_000))
    told = summary(operation("Success", warnings=said))["warnings"]
    assert len(told) == 21
    assert told[-1] == "and 9,980 more"
    assert all(each.isprintable() and len(each) <= 4_000 for each in told)
    with pytest.raises(PushFailed) as failed:
        judged(operation("Failed", errors=said, error_message="\n" * 5_000))
    assert len(str(failed.value)) <= 4_000
    assert "\x1b" not in str(failed.value)
