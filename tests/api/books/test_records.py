"""The laws of reading back: push operations, refreshes, and Codat's copy."""

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl
from uuid import UUID, uuid4

import pytest

from airflow_provider_codat.api.books.push_history import recent_push_operations
from airflow_provider_codat.api.books.records import (
    cached,
    read_record,
    refreshed,
    started,
)
from airflow_provider_codat.api.data_types import CUSTOMERS
from airflow_provider_codat.api.errors import (
    CodatError,
    CodatFaulted,
    Malformed,
    NotAuthorised,
    NotFound,
    PaymentRequired,
    RateLimited,
    RefreshFailed,
    Refused,
    StillInProgress,
    Unreachable,
)
from airflow_provider_codat.api.http.exchange import Conversation, Patience, drive
from airflow_provider_codat.api.http.request import NoAnswer, Reply, Request, Response
from airflow_provider_codat.api.http.request import read_record as record_request
from airflow_provider_codat.api.http.response import object_of
from airflow_provider_codat.api.http.transport import Transport
from airflow_provider_codat.api.models import Destination, Json, PullOperation
from airflow_provider_codat.api.pace.rate_limit import Pace
from airflow_provider_codat.simulator import LocalCodat

if TYPE_CHECKING:
    from tests.api.conftest import MovableClock

T = TypeVar("T")
COMPANY = "8a210b68-6988-11ed-a1eb-0242ac120002"
CONNECTION = "2e9d2c44-f675-40ba-8049-353bfcb5e171"
PLACE = Destination(COMPANY, CONNECTION)
OTHER = "11111111-54c8-4e4c-9e0e-3a0f3f5d1c11"
A, B, C = (str(UUID(int=number)) for number in (0xA, 0xB, 0xC))
SINCE = datetime(2026, 3, 1, tzinfo=UTC).timestamp()
HISTORY = f"GET /companies/{COMPANY}/data/history"
REFRESH = f"POST /companies/{COMPANY}/data/queue/customers"


def answer(status: int, body: object = b"", **headers: object) -> Response:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): str(value) for name, value in headers.items()}
    return Response(status, named, data, 0.0)


def page(*entries: object, more: bool = False) -> Response:
    links = {"next": {"href": "/more"}} if more else {}
    return answer(200, {"results": entries, "_links": links})


def push(number: int, requested: str = "2026-03-01T00:00:00Z", **more: object) -> Json:
    return {
        "pushOperationKey": str(UUID(int=number)),
        "companyId": COMPANY,
        "dataConnectionKey": CONNECTION,
        "dataType": "customers",
        "requestedOnUtc": requested,
        "status": "Success",
        **more,
    }


def pull(dataset: str, status: str = "Fetching", **more: object) -> dict[str, Any]:
    return {
        "id": dataset,
        "companyId": COMPANY,
        "connectionId": CONNECTION,
        "dataType": "customers",
        "status": status,
        "requested": "2026-03-01T00:00:00Z",
        "isCompleted": status == "Complete",
        "isErrored": "Error" in status,
        **more,
    }


def at_codat(dataset: str, status: str = "Fetching", **more: object) -> Response:
    return answer(200, pull(dataset, status, **more))


IN_PROGRESS = (
    "DatasetAlreadyInProgressException: Cannot queue customers sync for "
    f"{COMPANY} as previous sync {A} is still in progress"
)
BUSY = answer(409, {"error": "Already running.", "correlationId": "a1b2c3"})
FAULT = answer(500, {"error": "Down.", "correlationId": "a1b2c3"})
GATEWAY = answer(502, b"<html>")
NOTHING = NoAnswer("the connection broke")


class Script:
    """Answers each request with the next reply, and has an answer for no other."""

    def __init__(self, *replies: Reply) -> None:
        self._replies = list(replies)
        self.requests: list[Request] = []

    def send(self, request: Request) -> Reply:
        self.requests.append(request)
        assert self._replies, f"nobody expected {request}"
        return self._replies.pop(0)

    @property
    def asked(self) -> list[str]:
        assert not self._replies
        return [f"{each.method} {each.path}" for each in self.requests]

    @property
    def queries(self) -> list[dict[str, str]]:
        return [dict(parse_qsl(each.query)) for each in self.requests]


@pytest.fixture
def carry(clock: "MovableClock") -> Callable[[Conversation[Any], Script], Any]:
    """Carry out a conversation against a script, in the time of the clock."""
    return lambda conversation, script: drive(conversation, script.send, clock.sleep)


Carry = Callable[[Conversation[Any], Script], Any]
Patient = Callable[..., Patience]


def fresh_keys() -> Callable[[], str]:
    """Return a maker of keys that nobody else has."""
    numbers = count(1)
    return lambda: str(UUID(int=next(numbers)))


# --- the push history


def test_the_history_is_walked_as_far_as_it_is_recent(
    carry: Carry, patience: Patient
) -> None:
    """Newest first, page by page, until something on a page is older; no further."""
    script = Script(
        page(push(4, "2026-03-02T00:00:00Z"), push(3), more=True),
        page(push(2), push(1, "2026-02-28T23:59:59.999Z"), more=True),
    )
    walk = recent_push_operations(COMPANY, patience(), since=SINCE, page_size=2)
    found = carry(walk, script)
    assert [UUID(key).int for key in found] == [4, 3, 2]
    assert all(operation.key == key for key, operation in found.items())
    assert script.asked == [f"GET /companies/{COMPANY}/push"] * 2
    assert script.queries == [
        {"page": "1", "pageSize": "2", "orderBy": "-requestedOnUtc"},
        {"page": "2", "pageSize": "2", "orderBy": "-requestedOnUtc"},
    ]


@pytest.mark.parametrize(
    "last", [page(push(1)), page(more=True)], ids=["no further page", "an empty page"]
)
def test_the_history_may_end_first(
    last: Response, carry: Carry, patience: Patient
) -> None:
    """Where nothing is older the walk ends with the list."""
    script = Script(page(push(2), more=True), last)
    found = carry(recent_push_operations(COMPANY, patience(), since=SINCE), script)
    assert str(UUID(int=2)) in found
    assert len(script.asked) == 2


def test_a_time_that_cannot_be_read_counts_as_recent(
    carry: Carry, patience: Patient
) -> None:
    """It may be the one that is looked for: it is kept, and does not end the walk."""
    script = Script(page(push(2, "yesterday"), push(1, ""), more=True), page())
    found = carry(recent_push_operations(COMPANY, patience(), since=SINCE), script)
    assert [UUID(key).int for key in found] == [2, 1]
    assert len(script.asked) == 2


def test_what_moves_to_the_next_page_counts_once(
    carry: Carry, patience: Patient
) -> None:
    """An operation that is seen again is the one that was seen first."""
    script = Script(
        page(push(3, status="Success"), push(2, status="Pending"), more=True),
        page(push(2, status="Failed"), push(1)),
    )
    found = carry(recent_push_operations(COMPANY, patience(), since=SINCE), script)
    assert [UUID(key).int for key in found] == [3, 2, 1]
    assert found[str(UUID(int=2))].status == "Pending"


def test_entries_that_cannot_be_read_are_counted(
    carry: Carry, patience: Patient, caplog: pytest.LogCaptureFixture
) -> None:
    """They are left out, and the log says how many; what they hold is not told."""
    junk = {"customerName": "Fen Bakery", "requestedOnUtc": "2020-01-01T00:00:00Z"}
    script = Script(page(junk, push(2), more=True), page({}, push(1), junk))
    found = carry(recent_push_operations(COMPANY, patience(), since=SINCE), script)
    assert [UUID(key).int for key in found] == [2, 1]
    assert "that cannot be read: 3" in caplog.text
    assert "Fen" not in caplog.text
    caplog.clear()
    carry(recent_push_operations(COMPANY, patience(), since=SINCE), Script(page()))
    assert caplog.text == ""


@pytest.mark.parametrize(
    "reply", [FAULT, GATEWAY, NOTHING, answer(200, b"<html>"), answer(200, {})], ids=str
)
def test_a_page_is_asked_for_again(
    reply: Reply, carry: Carry, patience: Patient
) -> None:
    """What breaks on the way to a page does not lose it."""
    script = Script(page(push(2), more=True), reply, page(push(1)))
    found = carry(recent_push_operations(COMPANY, patience(), since=SINCE), script)
    assert len(found) == 2
    assert [each["page"] for each in script.queries] == ["1", "2", "2"]


# --- starting a refresh


def test_a_refresh_is_started(carry: Carry, patience: Patient) -> None:
    """One POST without a body, with a key, and for one connection if one is named."""
    for connection in (None, CONNECTION.upper()):
        script = Script(at_codat(A, "Queued"))
        found = carry(
            started(
                COMPANY.upper(),
                "customers",
                patience(),
                keys=fresh_keys(),
                connection_id=connection,
            ),
            script,
        )
        assert (found.id, found.status) == (A, "Queued")
        assert script.asked == [REFRESH]
        assert script.requests[0].body is None
        assert script.requests[0].idempotency_key == str(UUID(int=1))
        assert script.queries == [{"connectionId": CONNECTION} if connection else {}]


@pytest.mark.parametrize(
    ("reply", "same"),
    [
        pytest.param(NOTHING, True, id="no answer"),
        pytest.param(NoAnswer("refused", sent=False), True, id="no connection"),
        pytest.param(GATEWAY, True, id="gateway"),
        pytest.param(answer(408), True, id="408"),
        pytest.param(answer(429), True, id="429"),
        pytest.param(answer(429, {"error": "Slow."}), True, id="429 of Codat's"),
        pytest.param(FAULT, False, id="500 of Codat's"),
        pytest.param(answer(503, {"error": "Later."}), False, id="503 of Codat's"),
        pytest.param(
            answer(400, {"error": "Odd.", "canBeRetried": "True"}), False, id="400"
        ),
        pytest.param(answer(200, b"<html>"), False, id="junk"),
        pytest.param(answer(200, {"id": 7}), False, id="no pull operation"),
        pytest.param(at_codat(B, companyId=OTHER), False, id="another company's"),
    ],
)
def test_a_refresh_is_repeated_under_the_right_key(
    reply: Reply, carry: Carry, patience: Patient, *, same: bool
) -> None:
    """A lost answer comes again to the same key; an answer of Codat's stays the same.

    So what Codat has answered is asked under another key.
    """
    script = Script(reply, at_codat(A))
    asking = started(COMPANY, "customers", patience(60), keys=fresh_keys())
    assert carry(asking, script).id == A
    first, second = (each.idempotency_key for each in script.requests)
    assert (first == second) is same


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        pytest.param(NOTHING, Unreachable, id="no answer"),
        pytest.param(FAULT, CodatFaulted, id="500 of Codat's"),
        pytest.param(GATEWAY, CodatFaulted, id="gateway"),
        pytest.param(answer(429, retry_after=900), RateLimited, id="429"),
        pytest.param(answer(200, b"<html>"), Malformed, id="junk"),
        pytest.param(answer(302), Refused, id="redirect"),
        pytest.param(answer(400, {"error": "Odd."}), Refused, id="400"),
        pytest.param(answer(401), NotAuthorised, id="401"),
        pytest.param(answer(402), PaymentRequired, id="402"),
        pytest.param(answer(404), NotFound, id="404"),
    ],
)
def test_a_refresh_that_cannot_be_started(
    reply: Reply, kind: type[CodatError], carry: Carry, patience: Patient
) -> None:
    """It fails as a GET does: nobody is sent to look for a record."""
    asking = started(COMPANY, "customers", patience(0), keys=fresh_keys())
    with pytest.raises(CodatError) as raised:
        carry(asking, Script(reply))
    assert type(raised.value) is kind
    assert "record may" not in str(raised.value)


@pytest.mark.parametrize(
    "reply",
    [
        BUSY,
        answer(409),
        *(answer(status, {"error": IN_PROGRESS}) for status in (400, 409, 500)),
        answer(400, {"error": IN_PROGRESS, "canBeRetried": "True"}),
    ],
    ids=["409", "409 without words", "400", "409 in words", "500", "asks for more"],
)
def test_a_refresh_that_runs_already_is_returned(
    reply: Reply, carry: Carry, patience: Patient
) -> None:
    """It is no error, whatever the status; the history tells which one it is."""
    history = page(
        {"junk": True},
        pull(OTHER, dataType="suppliers"),
        pull(C, "Complete"),
        pull(A, "Queued", dataType="Customers"),
        pull(B),
    )
    script = Script(reply, history)
    asking = started(COMPANY, "customers", patience(), keys=fresh_keys())
    assert carry(asking, script).id == A
    assert script.asked == [REFRESH, HISTORY]
    assert script.queries[1] == {
        "page": "1",
        "pageSize": "100",
        "orderBy": "-requested",
    }


def test_another_error_text_is_not_a_running_refresh(
    carry: Carry, patience: Patient
) -> None:
    """Only the exception's own name, at the start, tells that a refresh runs."""
    script = Script(answer(400, {"error": f"Not a {IN_PROGRESS}"}))
    with pytest.raises(Refused):
        carry(started(COMPANY, "customers", patience(), keys=fresh_keys()), script)


def test_a_running_refresh_that_has_gone_is_followed_by_ours(
    carry: Carry, patience: Patient, clock: "MovableClock"
) -> None:
    """Where the history names none that runs, it is started again, under a new key."""
    script = Script(BUSY, page(pull(B, "Complete")), at_codat(A))
    asking = started(COMPANY, "customers", patience(), keys=fresh_keys())
    assert carry(asking, script).id == A
    assert script.asked == [REFRESH, HISTORY, REFRESH]
    keys = [each.idempotency_key for each in script.requests if each.body is None]
    assert keys[0] != keys[2]
    assert len(clock.waits) == 1


def test_a_running_refresh_of_another_connection_is_not_ours(
    carry: Carry, patience: Patient
) -> None:
    """It is waited for within the budget, and then told as still running."""
    elsewhere = page(pull(B, connectionId=OTHER))
    script = Script(*[BUSY, elsewhere] * 4)
    asking = started(
        COMPANY, "customers", patience(3), keys=fresh_keys(), connection_id=CONNECTION
    )
    with pytest.raises(StillInProgress, match="another refresh of customers"):
        carry(asking, script)
    assert script.asked == [REFRESH, HISTORY] * 4


def test_a_connection_is_known_in_any_spelling(carry: Carry, patience: Patient) -> None:
    """Whoever writes a connection in capitals means the same one."""
    asking = started(
        COMPANY,
        "customers",
        patience(),
        keys=fresh_keys(),
        connection_id=CONNECTION.upper(),
    )
    assert carry(asking, Script(BUSY, page(pull(A)))).id == A


# --- waiting for a refresh


@pytest.fixture
def refresh(
    carry: Carry, patience: Patient, clock: "MovableClock"
) -> Callable[..., PullOperation]:
    """Refresh against a script, for ten minutes at most."""

    def do(
        script: Script,
        *,
        seconds: float = 600.0,
        budget: float = 2.0,
        interval: float = 15.0,
    ) -> PullOperation:
        waiting = refreshed(
            COMPANY,
            CONNECTION,
            CUSTOMERS,
            patience(budget),
            keys=fresh_keys(),
            deadline=clock() + seconds,
            poll_interval_seconds=interval,
        )
        ended: PullOperation = carry(waiting, script)
        return ended

    return do


Refresh = Callable[..., PullOperation]


def test_a_refresh_is_waited_for(refresh: Refresh, clock: "MovableClock") -> None:
    """Started once, for the connection; looked at soon, and then less and less."""
    script = Script(
        at_codat(A, "Initial"),
        *[at_codat(A)] * 6,
        at_codat(A, "Complete"),
    )
    assert refresh(script).id == A
    assert script.asked == [REFRESH, *[f"{HISTORY}/{A}"] * 7]
    assert script.queries[0] == {"connectionId": CONNECTION}
    assert clock.waits == [2.0, 3.0, 4.5, 6.75, 10.125, 15.0, 15.0]


def test_a_short_interval_is_kept(refresh: Refresh, clock: "MovableClock") -> None:
    """An interval below two seconds is the first wait, too."""
    refresh(Script(at_codat(A), at_codat(A), at_codat(A, "Complete")), interval=0.5)
    assert clock.waits == [0.5, 0.5]


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "Complete"},
        {"status": "COMPLETE", "isCompleted": False},
        {"status": "Complete", "isCompleted": None, "isErrored": None},
        {"status": "AfterwardsComplete", "isCompleted": True},
    ],
    ids=["documented", "shouted", "word alone", "flag alone"],
)
def test_how_success_may_be_told(fields: dict[str, Any], refresh: Refresh) -> None:
    """By its status, in any case, or by Codat's own summary; it is asked no more."""
    ended = refresh(Script(answer(200, {**pull(A), **fields})))
    assert not ended.failed


def test_a_status_that_is_not_documented_is_asked_again(refresh: Refresh) -> None:
    """A word that nobody knows is no end."""
    script = Script(at_codat(A, "Polishing"), at_codat(A, "Complete"))
    assert refresh(script).status == "Complete"


def test_a_refresh_that_runs_already_is_followed_by_another(
    refresh: Refresh,
) -> None:
    """It began before us, so it may not show what we wrote: ours comes after it."""
    script = Script(
        BUSY,
        page(pull(A), pull(C, "Complete")),
        at_codat(A, "Complete"),
        at_codat(B),
        at_codat(B, "Complete"),
    )
    assert refresh(script).id == B
    history_a, history_b = f"{HISTORY}/{A}", f"{HISTORY}/{B}"
    assert script.asked == [REFRESH, HISTORY, history_a, REFRESH, history_b]
    keys = [each.idempotency_key for each in script.requests if each.method == "POST"]
    assert len(set(keys)) == 2


@pytest.mark.parametrize("status", ["AuthError", "FetchError", "Cancelled"])
def test_how_an_earlier_refresh_ended_does_not_matter(
    status: str, refresh: Refresh
) -> None:
    """Its failure is not ours."""
    script = Script(BUSY, page(pull(A)), at_codat(A, status), at_codat(B, "Complete"))
    assert refresh(script).id == B


def test_a_later_refresh_of_somebody_else_will_do(refresh: Refresh) -> None:
    """What started after this call began shows what we wrote, whoever started it."""
    script = Script(
        BUSY,
        page(pull(A)),
        at_codat(A, "Complete"),
        BUSY,
        page(pull(B), pull(A, "Complete")),
        at_codat(B, "Complete"),
    )
    assert refresh(script).id == B
    assert script.asked.count(REFRESH) == 2


@pytest.mark.parametrize(
    "fields",
    [{"connectionId": OTHER}, {"dataType": "suppliers"}],
    ids=["connection", "data type"],
)
def test_a_later_refresh_of_something_else_will_not_do(
    fields: dict[str, Any], refresh: Refresh
) -> None:
    """Another connection's books, or other records, do not show what we wrote."""
    script = Script(
        BUSY,
        page(pull(A)),
        at_codat(A, "Complete"),
        BUSY,
        page(pull(B, "Complete", **fields), pull(A, "Complete")),
        at_codat(C, "Complete"),
    )
    assert refresh(script).id == C


def test_a_running_refresh_that_the_history_does_not_name(
    refresh: Refresh, clock: "MovableClock"
) -> None:
    """Then there is nothing to look at: it is asked for again after the interval."""
    script = Script(BUSY, page(), BUSY, page(), at_codat(A, "Complete"))
    assert refresh(script).id == A
    assert clock.waits == [15.0, 15.0]


def test_a_refresh_that_the_history_names_late_is_not_taken_for_a_later_one(
    refresh: Refresh,
) -> None:
    """It kept ours from starting, so it began before us, whenever it is listed."""
    script = Script(
        BUSY,
        page(pull(C, "Complete")),
        BUSY,
        page(pull(A), pull(C, "Complete")),
        at_codat(A, "Complete"),
        at_codat(B, "Complete"),
    )
    assert refresh(script).id == B


FAILURES = [
    "FetchError",
    "MapError",
    "InternalError",
    "ProcessingError",
    "ValidationError",
    "AuthError",
    "Cancelled",
    "NotSupported",
    "RateLimitError",
    "PermissionsError",
    "PrerequisiteNotMet",
]


@pytest.mark.parametrize("status", [*FAILURES, "fetcherror"])
@pytest.mark.parametrize("flag", [True, False], ids=["errored", "word alone"])
def test_a_refresh_that_fails(status: str, refresh: Refresh, *, flag: bool) -> None:
    """Each end but success is an error that names it; nothing is asked again."""
    script = Script(at_codat(A), at_codat(A, status, isErrored=flag, isCompleted=False))
    with pytest.raises(RefreshFailed, match=f"{A} of customers ended as {status}: "):
        refresh(script)
    assert len(script.asked) == 2


def test_an_errored_refresh_is_not_a_success(refresh: Refresh) -> None:
    """Where Codat's two summaries contradict each other, the worse one counts."""
    with pytest.raises(RefreshFailed):
        refresh(Script(at_codat(A, "Complete", isErrored=True)))


@pytest.mark.parametrize(
    ("replies", "said"),
    [
        pytest.param([at_codat(A)] * 9, f"Pull operation {A} is Fetching", id="ours"),
        pytest.param(
            [BUSY, page(pull(B)), *[at_codat(B, "Queued")] * 8],
            f"Pull operation {B} is Queued",
            id="an earlier one",
        ),
        pytest.param(
            [BUSY, page()] * 9, "another refresh of customers is running", id="unnamed"
        ),
    ],
)
def test_the_deadline_is_kept(
    replies: list[Reply], said: str, refresh: Refresh, clock: "MovableClock"
) -> None:
    """At the deadline it is looked at once more, and then told as still running."""
    began = clock()
    with pytest.raises(StillInProgress, match="the deadline has passed") as raised:
        refresh(Script(*replies), seconds=20)
    assert clock() - began == pytest.approx(20.0)
    assert str(raised.value).startswith(said)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (FAULT, CodatFaulted),
        (NOTHING, Unreachable),
        (answer(200, b"<html>"), Malformed),
        (at_codat(B, "Complete"), Malformed),
        (answer(429, retry_after=100), RateLimited),
    ],
    ids=["Codat's fault", "no answer", "junk", "another dataset", "429"],
)
@pytest.mark.parametrize("first", [True, False], ids=["at the start", "meanwhile"])
def test_an_outage_does_not_outlive_the_deadline(
    reply: Reply,
    kind: type[CodatError],
    refresh: Refresh,
    clock: "MovableClock",
    *,
    first: bool,
) -> None:
    """It is waited out within the budget, and never beyond the deadline."""
    if first and kind is Malformed:
        reply = answer(200, b"<html>")
    began = clock()
    replies = [] if first else [at_codat(A)]
    with pytest.raises(kind):
        refresh(Script(*replies, *[reply] * 50), seconds=30, budget=120)
    assert clock() - began <= 30.001


def test_a_short_outage_is_survived(refresh: Refresh) -> None:
    """Each request is repeated within its budget."""
    script = Script(NOTHING, at_codat(A), FAULT, at_codat(B), at_codat(A, "Complete"))
    assert refresh(script).id == A


@pytest.mark.parametrize("wrong", ["", "x", None, "../x"])
def test_a_wrong_id_is_refused_before_anything_is_sent(
    wrong: Any,  # noqa: ANN401 - whatever an author may give
    carry: Carry,
    patience: Patient,
) -> None:
    """What is no UUID raises ValueError, and Codat hears nothing of it."""
    for ids in ((wrong, CONNECTION), (COMPANY, wrong)):
        waiting = refreshed(
            *ids, CUSTOMERS, patience(), keys=fresh_keys(), deadline=0.0
        )
        with pytest.raises(ValueError, match="must be a UUID"):
            carry(waiting, Script())
    with pytest.raises(ValueError, match="must be a UUID"):
        carry(recent_push_operations(wrong, patience(), since=0.0), Script())


# --- Codat's copy


def test_a_customer_is_read(carry: Carry, patience: Patient) -> None:
    """It comes as Codat sent it; the id is any text, and stays one segment."""
    customer = {"id": "a/../b ü", "customerName": "Fen Bakery"}
    script = Script(answer(200, customer))
    assert (
        carry(read_record(PLACE, CUSTOMERS, "a/../b ü", patience()), script) == customer
    )
    [request] = script.asked
    assert request == f"GET /companies/{COMPANY}/data/customers/a%2F..%2Fb%20%C3%BC"


def test_a_customer_that_is_not_there(carry: Carry, patience: Patient) -> None:
    """A 404 is an answer: there is none."""
    script = Script(answer(404, {"error": "Unknown.", "correlationId": "a"}))
    assert carry(read_record(PLACE, CUSTOMERS, "7", patience()), script) is None


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (answer(401), NotAuthorised),
        (FAULT, CodatFaulted),
        (NOTHING, Unreachable),
        (answer(200, []), Malformed),
        (BUSY, StillInProgress),
    ],
    ids=["401", "500", "no answer", "no object", "409"],
)
def test_only_a_404_means_that_there_is_no_customer(
    reply: Reply, kind: type[CodatError], carry: Carry, patience: Patient
) -> None:
    """Whatever else keeps it from being read is an error, and not an absence."""
    with pytest.raises(kind):
        carry(read_record(PLACE, CUSTOMERS, "7", patience(0)), Script(reply))


@pytest.mark.parametrize(
    "reply",
    [BUSY, answer(409, {"error": "Not synchronised.", "canBeRetried": "True"})],
    ids=["409", "409 that may be repeated"],
)
def test_a_copy_that_was_never_made(
    reply: Reply, carry: Carry, patience: Patient
) -> None:
    """The error says that a refresh has to come first, and keeps Codat's own words."""
    asking = cached(
        record_request(COMPANY, CUSTOMERS, "7", connection_id=None),
        object_of,
        patience(0),
    )
    with pytest.raises(StillInProgress, match="Call refresh") as raised:
        carry(asking, Script(reply))
    assert "Codat answered 409" in str(raised.value)


# --- against a simulated Codat

# What is ordered of the simulator; what becomes of the refresh.
ORDERS: dict[str, tuple[dict[str, Any] | None, type[CodatError] | None]] = {
    "nothing": (None, None),
    "fails": ({"kind": "refresh_fails"}, RefreshFailed),
    "unauthorised": ({"kind": "refresh_fails", "message": "AuthError"}, RefreshFailed),
    "unsupported": (
        {"kind": "refresh_fails", "message": "NotSupported"},
        RefreshFailed,
    ),
    "late": ({"kind": "refresh_stays_queued", "seconds": 30}, None),
    "never": ({"kind": "refresh_stays_queued"}, StillInProgress),
    "answer lost": ({"kind": "reset_after_commit", "route": "refresh"}, None),
    "fault": ({"kind": "codat_error_after_commit", "route": "refresh"}, None),
    "look lost": ({"kind": "reset_after_commit", "route": "get_pull"}, None),
    "look faulty": ({"kind": "codat_error_before_commit", "route": "get_pull"}, None),
}


@pytest.mark.parametrize(("order", "kind"), ORDERS.values(), ids=ORDERS)
@pytest.mark.parametrize("runs", [False, True], ids=["idle", "while another runs"])
def test_what_was_written_is_in_the_copy_after_a_refresh(
    order: dict[str, Any] | None,
    kind: type[CodatError] | None,
    clock: "MovableClock",
    patience: Patient,
    transport: Callable[..., Transport],
    *,
    runs: bool,
) -> None:
    """Whoever gets the refresh that was asked for finds the record in the copy."""
    with LocalCodat(
        settle_seconds=0,
        refresh_seconds=10,
        requests_per_minute=None,
        daily_quota=None,
    ) as codat:
        sender = transport(codat.url)

        def sleep(seconds: float) -> None:
            clock.sleep(seconds)
            codat.advance(seconds=seconds)

        def carried(conversation: Conversation[T]) -> T:
            return drive(conversation, sender.send, sleep)

        keys = fresh_keys()
        if runs:
            company = codat.company_id
            carried(started(company, "customers", patience(), keys=keys))
            sleep(5)
        if order is not None:
            codat.order(**order)
        record = codat.typed_in({"customerName": "Fen Bakery"}).record_id
        waiting = refreshed(
            codat.company_id,
            codat.connection_id,
            CUSTOMERS,
            patience(),
            keys=keys,
            deadline=clock() + 120,
        )
        if kind is not None:
            with pytest.raises(kind):
                carried(waiting)
            return
        carried(waiting)
        found = carried(
            read_record(
                Destination(codat.company_id, codat.connection_id),
                CUSTOMERS,
                record,
                patience(),
            )
        )
        assert found is not None
        assert found["customerName"] == "Fen Bakery"


def test_many_may_refresh_at_a_time(transport: Callable[..., Transport]) -> None:
    """Each of them finds what it wrote, and they share refreshes where they can."""
    writers = 8
    with LocalCodat(
        refresh_seconds=2,
        requests_per_minute=None,
        daily_quota=None,
        concurrency=None,
    ) as codat:

        def write(number: int) -> bool:
            sender = transport(codat.url)
            patience = Patience(30.0, Pace(60_000))
            record = codat.typed_in({"customerName": f"Customer {number}"}).record_id
            waiting = refreshed(
                codat.company_id,
                codat.connection_id,
                CUSTOMERS,
                patience,
                keys=lambda: str(uuid4()),
                deadline=time.time() + 120,
                poll_interval_seconds=0.02,
            )
            drive(waiting, sender.send)
            reading = read_record(
                Destination(codat.company_id, codat.connection_id),
                CUSTOMERS,
                record,
                patience,
            )
            return drive(reading, sender.send) is not None

        with ThreadPoolExecutor(writers) as threads:
            assert list(threads.map(write, range(writers))) == [True] * writers
        begun = [
            entry
            for entry in codat.journal()
            if entry.method == "POST" and entry.status == 200
        ]
        assert len(begun) < writers
