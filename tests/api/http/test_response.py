"""The laws of reading what comes in: lenient in form, strict in what identifies."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_codat.api import errors
from airflow_provider_codat.api.data_types import CUSTOMERS
from airflow_provider_codat.api.errors import Malformed, Refused, StillInProgress
from airflow_provider_codat.api.http.request import NoAnswer, Request, Response
from airflow_provider_codat.api.http.response import (
    already_in_progress,
    classified,
    correlation_id,
    described,
    epoch_of,
    is_ours,
    json_of,
    object_of,
    push_operation,
    push_operation_of,
    refusal,
    retry_after_seconds,
)
from airflow_provider_codat.api.http.retry import Answer
from airflow_provider_codat.api.models import Destination, Remark
from airflow_provider_codat.api.payload.redaction import redactor

COMPANY = "8a210b68-6988-11ed-a1eb-0242ac120002"
CONNECTION = "2e9d2c44-f675-40ba-8049-353bfcb5e171"
KEY = "7d9f0f0c-54c8-4e4c-9e0e-3a0f3f5d1c11"
OTHER = "11111111-54c8-4e4c-9e0e-3a0f3f5d1c11"
NOW = 1_772_323_200.0  # 2026-03-01T00:00:00Z
YEAR = 365 * 86_400
PENDING: dict[str, Any] = {
    "companyId": COMPANY,
    "pushOperationKey": KEY,
    "dataConnectionKey": CONNECTION,
    "requestedOnUtc": "2026-03-01T00:00:00.1234567Z",
    "status": "Pending",
    "statusCode": 202,
    "dataType": "customers",
}
REQUEST = Request("POST", "/companies/x/push/customers", idempotency_key=KEY)


def reply(
    status: int = 200, body: object = b"", *, at: float = NOW, **headers: str
) -> Response:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, named, data, at)


def http_date(moment: float) -> str:
    return format_datetime(datetime.fromtimestamp(moment, UTC), usegmt=True)


def test_a_pending_operation() -> None:
    """An operation that has just been accepted reads with nothing but its place."""
    read = push_operation(PENDING)
    assert (read.key, read.company_id, read.connection_id) == (KEY, COMPANY, CONNECTION)
    assert (read.status, read.ended, read.data_type) == ("Pending", False, "customers")
    assert (read.record_id, read.completed_at, read.error_message) == (None, None, "")
    assert (read.errors, read.warnings) == ((), ())
    assert read.requested_at == PENDING["requestedOnUtc"]
    assert read.raw == PENDING


@pytest.mark.parametrize(
    "more",
    [
        {"changes": None, "validation": None, "errorMessage": None},
        {"validation": {}, "changes": []},
        {"validation": {"errors": None, "warnings": None}, "completedOnUtc": None},
        {"validation": [], "changes": {}, "dataType": None},
        {"validation": {"errors": "none", "warnings": [None, "x", 7]}},
        {"changes": [None, 7, {}, {"recordRef": None}, {"recordRef": {}}]},
        {"changes": [{"type": "Created", "recordRef": {"dataType": "customers"}}]},
        {"changes": [{"recordRef": {"id": None, "dataType": "customers"}}]},
        {"dataType": ["customers"], "changes": [{"recordRef": {"dataType": []}}]},
        {"changes": [{"recordRef": {"id": "7", "dataType": {"name": "customers"}}}]},
        {"completedOnUtc": 7, "unheardOf": {"x": [1]}},
    ],
    ids=[
        "nulls", "empty", "nulls within", "wrong containers", "wrong remarks",
        "wrong changes", "no id yet", "null id", "lists for names",
        "an object for a name", "unknown fields",
    ],
)  # fmt: skip
def test_what_is_missing_or_odd_is_not_there(more: dict[str, Any]) -> None:
    """Nothing but what identifies an operation can make it unreadable."""
    read = push_operation({**PENDING, **more})
    assert read.record_id is None
    assert (read.errors, read.warnings, read.completed_at) == ((), (), None)


@pytest.mark.parametrize(
    "name",
    ["pushOperationKey", "companyId", "dataConnectionKey", "status", "requestedOnUtc"],
)
@pytest.mark.parametrize("value", [None, 7, [], "absent"], ids=str)
def test_what_identifies_an_operation_must_be_there(name: str, value: object) -> None:
    """Without key, place, time or status, it is no push operation."""
    body = {**PENDING, name: value}
    if value == "absent":
        del body[name]
    with pytest.raises(Malformed, match="no push operation"):
        push_operation(body)


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("Success", "Success"),
        ("success", "Success"),
        ("PENDING", "Pending"),
        ("failed", "Failed"),
        ("timedout", "TimedOut"),
        ("Timedout", "TimedOut"),
        ("UnderReview", "UnderReview"),
        ("Unknown", "Unknown"),
    ],
)
def test_a_status_in_any_case(said: str, read: str) -> None:
    """Case does not matter; a word that is not documented stays as it is."""
    assert push_operation({**PENDING, "status": said}).status == read


def change(record: object, data_type: object = "customers") -> dict[str, object]:
    return {"type": "Created", "recordRef": {"id": record, "dataType": data_type}}


@pytest.mark.parametrize(
    ("changes", "record"),
    [
        ([change("7")], "7"),
        ([change(7)], "7"),
        ([change("7", None)], "7"),
        ([{"recordRef": {"id": "7"}}], "7"),
        ([change("9", "suppliers"), change("7")], "7"),
        ([change("", "customers"), change("7"), change("8")], "7"),
        ([change("9", "suppliers")], None),
        ([change("")], None),
    ],
    ids=[
        "one", "a number", "null type", "no type", "several", "several of the type",
        "only others", "empty id",
    ],
)  # fmt: skip
def test_the_record_is_the_one_of_the_data_type(
    changes: list[Any], record: str | None
) -> None:
    """Of several changes, the first of our data type names the record."""
    assert push_operation({**PENDING, "changes": changes}).record_id == record


def test_remarks_are_read() -> None:
    """Errors and warnings are read with their field, whatever they lack."""
    remark = {"itemId": "CustomerName", "message": "is taken", "validatorName": "V"}
    body = {
        **PENDING,
        "status": "Failed",
        "errorMessage": "An error occurred.",
        "completedOnUtc": "2026-03-01T00:00:02Z",
        "validation": {"errors": [remark, {"message": "bad"}], "warnings": [{}]},
    }
    read = push_operation(body)
    assert read.errors == (Remark("CustomerName", "is taken"), Remark("", "bad"))
    assert read.warnings == (Remark("", ""),)
    assert read.error_message == "An error occurred."
    assert read.completed_at == "2026-03-01T00:00:02Z"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(st.text(max_size=5), below, max_size=3)
    ),
    max_leaves=8,
)
odd_operations = st.fixed_dictionaries(
    {},
    optional={
        **{name: st.just(value) | json_values for name, value in PENDING.items()},
        "changes": json_values
        | st.lists(
            st.fixed_dictionaries(
                {
                    "recordRef": st.fixed_dictionaries(
                        {"id": json_values, "dataType": json_values}
                    )
                }
            ),
            max_size=2,
        ),
        "validation": json_values
        | st.fixed_dictionaries({"errors": json_values, "warnings": json_values}),
        "errorMessage": json_values,
    },
)


@given(odd_operations)
def test_any_object_is_read_or_malformed(body: dict[str, Any]) -> None:
    """No JSON object, however odd, is answered by anything but these two."""
    for value in (body, {**PENDING, **body}):
        try:
            read = push_operation(value)
        except Malformed:
            continue
        assert is_ours(
            read,
            reply(),
            destination=Destination(COMPANY, CONNECTION),
            data_type=CUSTOMERS,
            first_sent_at=NOW,
        ) in {True, False}


@pytest.mark.parametrize(
    "body",
    [b"<html>Welcome</html>", b"{", b"\xff\xfe\xfa", b'"', b"[" * 100_000, b"1" * 5000],
    ids=["HTML", "cut", "bytes", "half a text", "too deep", "a number too long"],
)
def test_what_is_not_json(body: bytes) -> None:
    """A body that is no JSON is malformed, and is not quoted."""
    with pytest.raises(Malformed) as refused:
        json_of(reply(200, body))
    assert "Welcome" not in str(refused.value)
    assert f"(200, {len(body)} bytes)" in str(refused.value)


@pytest.mark.parametrize("value", [None, [], "text", 7, True], ids=str)
def test_what_is_no_object(value: object) -> None:
    """Where an object is documented, any other JSON is malformed."""
    for read in (object_of, push_operation_of):
        with pytest.raises(Malformed):
            read(reply(200, value))


def test_an_empty_body_is_nothing() -> None:
    """A 204 has no body, and that is an answer; a push operation is never empty."""
    assert json_of(reply(204)) is None
    assert json_of(reply(200, b"\xef\xbb\xbf{}")) == {}
    with pytest.raises(Malformed):
        push_operation_of(reply(200))


@pytest.mark.parametrize(
    ("data_type", "changes", "record"),
    [
        (None, [("Created", "customers", "1")], "1"),
        ("customers", [("Created", None, "1")], "1"),
        ("customers", [("Created", "Customers", "1")], "1"),
        ("customers", [("Created", "suppliers", "1")], None),
        ("customers", [("Modified", "customers", "1")], "1"),
        (
            "customers",
            [("Modified", "customers", "1"), ("Created", "customers", "2")],
            "2",
        ),
    ],
    ids=str,
)
def test_which_record_it_became(
    data_type: str | None, changes: list[tuple[str, str | None, str]], record: object
) -> None:
    """Of our data type, where one is named; the created before the changed."""
    found = push_operation(
        {
            "pushOperationKey": KEY,
            "companyId": KEY,
            "dataConnectionKey": KEY,
            "status": "Success",
            "requestedOnUtc": "2026-03-01T00:00:00Z",
            "dataType": data_type,
            "changes": [
                {"type": kind, "recordRef": {"id": number, "dataType": of}}
                for kind, of, number in changes
            ],
        }
    )
    assert found.record_id == record


def test_a_push_operation_can_be_shown() -> None:
    """Codat's words, which may quote the payload, are in no repr."""
    words = "Acme is taken"
    found = push_operation(
        {
            "pushOperationKey": KEY,
            "companyId": KEY,
            "dataConnectionKey": KEY,
            "status": "Failed",
            "requestedOnUtc": "2026-03-01T00:00:00Z",
            "errorMessage": words,
            "validation": {"errors": [{"itemId": "Name", "message": words}]},
        }
    )
    assert "Acme" not in repr(found)
    assert found.error_message == words


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-03-01T00:00:00Z", NOW),
        ("2026-03-01T00:00:00", NOW),
        ("2026-03-01", NOW),
        ("2026-03-01T01:00:00+01:00", NOW),
        ("2026-02-28T19:00:00-05:00", NOW),
        ("2026-03-01T00:00:00.9235368Z", NOW + 0.923536),
        ("2026-03-01T00:00:00.5", NOW + 0.5),
        ("0001-01-01T00:00:00", -62_135_596_800.0),
        ("0001-01-01T00:00:00+14:00", -62_135_647_200.0),
        ("2026-03-01T23:59:99Z", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_times(text: str, seconds: float | None) -> None:
    """Codat's spellings of a time are read; without a zone, it is in UTC."""
    assert epoch_of(text) == (seconds and pytest.approx(seconds, abs=1e-6))


def ours(body: dict[str, Any], first_sent_at: float = NOW, **headers: Any) -> bool:  # noqa: ANN401 - texts
    return is_ours(
        push_operation(body),
        reply(at=NOW + 60, **headers),
        destination=Destination(COMPANY.upper(), CONNECTION),
        data_type=CUSTOMERS,
        first_sent_at=first_sent_at,
    )


def at(moment: float) -> dict[str, Any]:
    text = datetime.fromtimestamp(moment, UTC).isoformat()
    return {**PENDING, "requestedOnUtc": text}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, True),
        ({"companyId": COMPANY.upper()}, True),
        ({"dataType": None}, True),
        ({"dataType": ""}, True),
        ({"status": "Success"}, True),
        ({"companyId": OTHER}, False),
        ({"dataConnectionKey": OTHER}, False),
        ({"companyId": CONNECTION, "dataConnectionKey": COMPANY}, False),
        ({"dataType": "suppliers"}, False),
        ({"requestedOnUtc": "yesterday"}, False),
        ({"requestedOnUtc": "0001-01-01T00:00:00"}, False),
    ],
    ids=str,
)
def test_ours_by_place_and_type(body: dict[str, Any], *, expected: bool) -> None:
    """Another company, connection, data type or unreadable time is not ours."""
    assert ours({**PENDING, **body}) is expected


@pytest.mark.parametrize(
    ("requested", "expected"),
    [
        (NOW - 301, False),
        (NOW - 299, True),
        (NOW, True),
        (NOW + 60, True),
        (NOW + 359, True),
        (NOW + 361, False),
    ],
)
def test_ours_by_time(requested: float, *, expected: bool) -> None:
    """Requested between first send and answer, five minutes of doubt on each side."""
    assert ours(at(requested)) is expected


def test_ours_by_a_long_way() -> None:
    """A key sent an hour ago may be answered by an operation as old, and not older."""
    assert ours(at(NOW - 3600), first_sent_at=NOW - 3600)
    assert not ours(at(NOW - 4000), first_sent_at=NOW - 3600)


@pytest.mark.parametrize("hours", [-26, -1, 1, 26])
def test_ours_by_codats_own_clock(hours: int) -> None:
    """A clock that differs, ours or Codat's, is told by the Date header."""
    offset = hours * 3600
    date = http_date(NOW + 60 + offset)
    assert ours(at(NOW + 30 + offset), date=date)
    assert not ours(at(NOW + 30), date=date)
    assert not ours(at(NOW + 30 + offset), date="nonsense")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "7"}, 7.0),
        ({"retry_after": " 7 "}, 7.0),
        ({"retry_after": "0"}, 0.0),
        ({"retry_after": "1.5"}, 1.5),
        ({"retry_after": http_date(NOW + 90)}, 90.0),
        ({"retry_after": http_date(NOW - 90)}, 0.0),
        ({"retry_after": "Sunday, 01-Mar-26 00:01:30 GMT"}, 90.0),
        ({"retry_after": "Sun Mar  1 00:01:30 2026"}, 90.0),
        ({"retry_after": "Sun, 01 Mar 2026 00:01:30 -0000"}, 90.0),
        ({"retry_after": "9" * 400}, YEAR),
        ({"retry_after": "Fri, 31 Dec 9999 23:59:59 GMT"}, YEAR),
        ({}, None),
        ({"retry_after": ""}, None),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "-5"}, None),
        ({"retry_after": "1e3"}, None),
        ({"retry_after": "٣"}, None),
        ({"retry_after": "."}, None),
        (
            {
                "x_rate_limit_remaining": "0",
                "x_rate_limit_reset": "2026-03-01T06:00:00Z",
            },
            21_600.0,
        ),
        (
            {
                "x_rate_limit_remaining": "0",
                "x_rate_limit_reset": http_date(NOW + 21_600),
            },
            21_600.0,
        ),
        (
            {
                "retry_after": "soon",
                "x_rate_limit_remaining": "0",
                "x_rate_limit_reset": "2026-03-02",
            },
            86_400.0,
        ),
        (
            {
                "retry_after": "7",
                "x_rate_limit_remaining": "0",
                "x_rate_limit_reset": "2026-03-02",
            },
            7.0,
        ),
        ({"x_rate_limit_remaining": "5", "x_rate_limit_reset": "2026-03-02"}, None),
        ({"x_rate_limit_remaining": "0", "x_rate_limit_reset": "later"}, None),
        ({"x_rate_limit_remaining": "0"}, None),
        ({"x_rate_limit_reset": "2026-03-02"}, None),
    ],
    ids=lambda value: str(value)[:80],
)
def test_retry_after(headers: dict[str, Any], seconds: float | None) -> None:
    """Seconds, any form of HTTP date, else the renewal of a spent quota; or unknown."""
    assert retry_after_seconds(reply(429, **headers)) == seconds


@pytest.fixture(params=["UTC", "America/New_York", "Asia/Tokyo"])
def zone(request: pytest.FixtureRequest) -> Iterator[str]:
    """Let the machine stand somewhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield request.param
    time.tzset()


@pytest.mark.usefixtures("zone")
def test_a_date_without_a_zone_is_in_utc() -> None:
    """Where the worker stands does not change when it may come back."""
    date = "Sun Mar  1 00:01:30 2026"
    assert retry_after_seconds(reply(429, retry_after=date)) == 90.0
    assert ours(at(NOW + 3600), date="Sun Mar  1 01:01:00 2026")


@given(
    wait=st.integers(0, 10**6),
    skew=st.integers(-(10**6), 10**6),
)
def test_retry_after_is_never_undercut(wait: int, skew: int) -> None:
    """However wrong our clock, we never come earlier than Codat asks."""
    codats_now = NOW + skew
    headers: dict[str, Any] = {
        "retry_after": http_date(codats_now + wait),
        "date": http_date(codats_now),
    }
    seconds = retry_after_seconds(reply(429, **headers))
    assert seconds is not None
    assert seconds >= wait
    spent: dict[str, Any] = {
        "x_rate_limit_remaining": "0",
        "x_rate_limit_reset": headers["retry_after"],
        "date": headers["date"],
    }
    assert (retry_after_seconds(reply(429, **spent)) or 0) >= wait


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_garbage_breaks_the_reading_of_headers(retry: str, other: str) -> None:
    """Whatever the headers hold, a wait comes out, or none."""
    headers: dict[str, Any] = {
        "retry_after": retry,
        "date": other,
        "x_rate_limit_remaining": "0",
        "x_rate_limit_reset": other,
    }
    seconds = retry_after_seconds(reply(429, **headers))
    assert seconds is None or 0.0 <= seconds <= YEAR


ERROR = {
    "statusCode": 429,
    "service": "PublicApi",
    "error": "Something is wrong with Fen Bakery.",
    "correlationId": "a1b2c3",
    "validation": {"errors": [{"itemId": "Name", "message": "Fen Bakery is taken"}]},
    "canBeRetried": "Unknown",
    "detailedErrorCode": 0,
}
HTML = b"<html><body>502 Bad Gateway</body></html>"


@pytest.mark.parametrize(
    ("said", "opinion"),
    [
        ("True", True),
        ("yes", True),
        ("FALSE", False),
        ("No", False),
        ("Unknown", None),
        ("", None),
        (None, None),
        (True, True),
        (False, False),
        (7, None),
    ],
)
def test_codats_opinion_on_a_repetition(said: object, *, opinion: bool | None) -> None:
    """Yes and true, no and false, in any case; anything else is no opinion."""
    answer = classified(reply(500, {**ERROR, "canBeRetried": said}), readable=False)
    assert answer.can_be_retried is opinion


@pytest.mark.parametrize(
    ("given_reply", "answer"),
    [
        (reply(500, ERROR), Answer(500, codats_own=True)),
        (reply(500, {"error": "x"}), Answer(500, codats_own=True)),
        (reply(502, HTML), Answer(502)),
        (reply(502, b""), Answer(502)),
        (reply(502, {}), Answer(502)),
        (reply(502, ["error"]), Answer(502)),
        (reply(502, {"message": "x"}), Answer(502)),
        (reply(502, b"[" * 100_000), Answer(502)),
        (reply(200, ERROR), Answer(200)),
        (NoAnswer("x"), Answer(None)),
        (NoAnswer("x", sent=False), Answer(None, sent=False)),
    ],
    ids=[
        "Codat", "Codat, sparing", "gateway", "empty", "empty object", "list",
        "another API", "too deep", "a 2xx", "no answer", "not sent",
    ],
)  # fmt: skip
def test_what_the_tables_see(given_reply: Response | NoAnswer, answer: Answer) -> None:
    """A gateway is told from Codat by the body; the HTTP status is the one trusted."""
    assert classified(given_reply, readable=False) == answer


@pytest.mark.parametrize(
    ("given_reply", "words"),
    [
        pytest.param(
            reply(400, ERROR),
            "Codat answered 400: the request is not valid. Codat says: Something is "
            "wrong with <customerName>.\n  - Name: <customerName> is taken "
            "(correlation id a1b2c3)",
            id="Codat's own",
        ),
        pytest.param(
            reply(418, {"error": "No tea."}),
            "Codat answered 418. Codat says: No tea.",
            id="a status of no fame",
        ),
        pytest.param(
            reply(502, HTML),
            "the answer was 502 (no words of Codat's: a gateway, a firewall or another "
            "server)",
            id="gateway",
        ),
        pytest.param(
            reply(302, HTML, location="https://evil.example/?otp=canary"),
            "the answer was 302, a redirect, which is never followed: check the base "
            "URL (host) of the connection (no words of Codat's: a gateway, a firewall "
            "or another server)",
            id="redirect",
        ),
    ],
)
def test_an_answer_in_words(given_reply: Response, words: str) -> None:
    """An error says what, why and the id that support asks for, and no value."""
    redact = redactor({"customerName": "Fen Bakery"})
    assert described(given_reply, redact) == words


@pytest.mark.parametrize(
    ("status", "kind", "advice"),
    [
        (400, errors.Refused, "not valid"),
        (401, errors.NotAuthorised, "of the Airflow connection"),
        (402, errors.PaymentRequired, "plan"),
        (403, errors.NotAuthorised, "outdated, belongs to another client"),
        (404, errors.NotFound, "no such company, connection or record"),
        (405, errors.Refused, "405"),
        (409, errors.StillInProgress, "409"),
        (422, errors.IdempotencyConflict, "used before with another body"),
        (451, errors.Refused, "451"),
        (302, errors.Refused, "base URL"),
    ],
)
def test_refusals(status: int, kind: type[Exception], advice: str) -> None:
    """Each refusal has its type, and says what to look at."""
    error = refusal(reply(status, ERROR), REQUEST, redactor({"x": "Fen Bakery"}))
    assert type(error) is kind
    assert advice in str(error)
    assert str(error).startswith(f"{REQUEST}: ")
    assert "Fen" not in str(error)
    if status >= 400:
        assert "a1b2c3" in str(error)


def test_a_refusal_carries_what_a_program_needs() -> None:
    """Status, correlation id and remarks can be read without taking words apart."""
    error = refusal(reply(400, ERROR), REQUEST, redactor({"x": "Fen Bakery"}))
    assert isinstance(error, Refused)
    assert (error.status, error.correlation_id) == (400, "a1b2c3")
    assert error.remarks == (Remark("Name", "<x> is taken"),)
    assert not isinstance(error, StillInProgress)


@pytest.mark.parametrize(
    "validation", [None, [], {}, {"errors": None}, {"errors": [None]}, "x"], ids=str
)
def test_an_error_without_validation(validation: object) -> None:
    """Validation may be missing in every way."""
    said = described(reply(400, {**ERROR, "validation": validation}))
    assert "\n" not in said


def test_correlation_ids() -> None:
    """The id is Codat's or there is none."""
    assert correlation_id(reply(500, ERROR)) == "a1b2c3"
    assert correlation_id(reply(500, {**ERROR, "correlationId": None})) == ""
    assert correlation_id(reply(500, HTML)) == ""


RUNS_ALREADY = "DatasetAlreadyInProgressException: Cannot queue customers sync"


@pytest.mark.parametrize(
    ("response", "runs"),
    [
        pytest.param(reply(409), True, id="409"),
        pytest.param(reply(409, {"error": "Wait."}), True, id="409 of Codat's"),
        pytest.param(reply(400, {"error": RUNS_ALREADY}), True, id="400 that says so"),
        pytest.param(reply(500, {"error": RUNS_ALREADY}), True, id="500 that says so"),
        pytest.param(reply(400, {"error": "No."}), False, id="another 400"),
        pytest.param(reply(400, {"error": f"Not {RUNS_ALREADY}"}), False, id="within"),
        pytest.param(reply(400, {"error": None}), False, id="no words"),
        pytest.param(reply(400, RUNS_ALREADY.encode()), False, id="a gateway's words"),
        pytest.param(reply(200, {"error": RUNS_ALREADY}), False, id="a success"),
    ],
)
def test_a_refresh_that_runs_already_is_known(
    response: Response, *, runs: bool
) -> None:
    """By the status for conflicts, or by the exception that Codat names."""
    assert already_in_progress(response) is runs


def hostile(number: int = 10_000) -> dict[str, Any]:
    """Return an error that says far too much, and more than it shows."""
    return {
        "statusCode": 400,
        "error": "\x1b[31mNo.\n2026-03-01 INFO - Success " + "x" * 2_000_000,
        "correlationId": "a1b2c3\r\n" + "y" * 100_000,
        "validation": {
            "errors": [
                {"itemId": f"lines[{n}]\n", "message": f"no {n}\u2028{'z' * 5_000}"}
                for n in range(number)
            ]
        },
    }


def test_an_error_of_megabytes() -> None:
    """Whatever an error says, its message is short, and no line of it is forged."""
    error = refusal(reply(400, hostile(100)), REQUEST, redactor({"a": "Fen Bakery"}))
    assert len(str(error)) <= 4_000
    assert "\x1b" not in str(error)
    assert "\n2026" not in str(error)
    assert "\\n2026-03-01 INFO" in str(error)
    assert isinstance(error, Refused)
    assert len(error.remarks) == 20
    assert all(len(each.text) <= 4_000 for each in error.remarks)
    assert all(str(each).isprintable() for each in error.remarks)
    assert len(error.correlation_id) <= 4_000


def test_ten_thousand_validation_errors() -> None:
    """Of many reasons the first ones are told, and how many there are besides."""
    body = {
        "statusCode": 400,
        "error": "No.",
        "validation": {"errors": [{"message": f"no {n}"} for n in range(10_000)]},
    }
    told = described(reply(400, body))
    assert told.count("\n  - ") == 21
    assert "and 9,980 more" in told


def test_an_operation_that_says_too_much() -> None:
    """What identifies a push operation, or stands in a result, cannot forge a line."""
    body = {
        **PENDING,
        "status": "Waiting\n" + "x" * 100_000,
        "requestedOnUtc": "2026-03-01\x1b[2J",
        "completedOnUtc": "never\n",
        "dataType": "customers\r",
        "changes": [{"type": "Created", "recordRef": {"id": "7\n8"}}],
    }
    read = push_operation(body)
    shown = (read.status, read.requested_at, read.completed_at, read.data_type)
    assert all(str(each).isprintable() and len(str(each)) <= 4_000 for each in shown)
    assert read.raw == body
