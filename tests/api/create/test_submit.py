"""The laws of one write: what is written down and sent, in which order, row by row."""

import json
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from airflow_provider_codat.api.create.conclude import conclude
from airflow_provider_codat.api.create.idempotency import following_key
from airflow_provider_codat.api.create.intent import Done, Write, Written
from airflow_provider_codat.api.create.journal import Entry, Kind, MemoryJournal, Past
from airflow_provider_codat.api.create.next_step import UNSEEN
from airflow_provider_codat.api.create.search import CLAIMS, Claims, Finding, Search
from airflow_provider_codat.api.create.submit import submit
from airflow_provider_codat.api.data_types import CUSTOMERS
from airflow_provider_codat.api.errors import (
    CodatError,
    JournalFailed,
    NotAuthorised,
    NotFound,
    OutcomeUnknown,
    PayloadChanged,
    PaymentRequired,
    PushFailed,
    PushTimedOut,
    RateLimited,
    Refused,
    StillInProgress,
    Unreachable,
)
from airflow_provider_codat.api.http.exchange import (
    Conversation,
    DeferrablePause,
    Patience,
    drive,
)
from airflow_provider_codat.api.http.request import NoAnswer, Reply, Request, Response
from airflow_provider_codat.api.http.response import push_operation
from airflow_provider_codat.api.http.retry import KEY_LIFETIME_SECONDS
from airflow_provider_codat.api.models import Destination, Summary, author_key
from airflow_provider_codat.api.payload.canonical import canonical
from airflow_provider_codat.api.payload.redaction import redactor
from airflow_provider_codat.simulator.clock import utc_text

if TYPE_CHECKING:
    from airflow_provider_codat.api.create.reconcile import Books
    from tests.api.conftest import MovableClock

COMPANY = "8a210b68-6988-11ed-a1eb-0242ac120002"
CONNECTION = "2e9d2c44-f675-40ba-8049-353bfcb5e171"
ELSEWHERE = "11111111-54c8-4e4c-9e0e-3a0f3f5d1c11"
KEYS = [str(UUID(int=0xA000 + generation)) for generation in range(9)]
OPERATION = str(UUID(int=0xB001))
STRANGER = str(UUID(int=0xB002))
DATASET = str(UUID(int=0xC001))
NAME = "Fen Bakery"
PAYLOAD: dict[str, Any] = {"customerName": NAME, "status": "Active"}
NOW = 1_772_323_200.0
RECORD = [{"type": "Created", "recordRef": {"id": "7", "dataType": "customers"}}]

WRITE = Write(
    base_url="https://api.codat.io",
    destination=Destination(COMPANY, CONNECTION),
    data_type=CUSTOMERS,
    payload=PAYLOAD,
    key_of=KEYS.__getitem__,
    redact=redactor(PAYLOAD),
    durable=True,
)
SAME = WRITE.digest()

# --- what Codat answers, at whichever time it is asked ---

Answering = Callable[[float], Reply]


def answer(status: int, body: object = b"", **headers: object) -> Answering:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): str(value) for name, value in headers.items()}
    return lambda now: Response(status, named, data, now)


def pushed(
    status: str = "Pending", key: str = OPERATION, **more: object
) -> dict[str, object]:
    return {
        "pushOperationKey": key,
        "companyId": COMPANY,
        "dataConnectionKey": CONNECTION,
        "dataType": "customers",
        "requestedOnUtc": utc_text(NOW),
        "status": status,
        "changes": RECORD if status == "Success" else None,
        **more,
    }


def at_codat(status: str = "Pending", **more: object) -> Answering:
    """Answer with a push operation, as it stands now."""
    return lambda now: answer(
        200, {"requestedOnUtc": utc_text(now), **pushed(status), **more}
    )(now)


def accepted(code: int = 200, **more: object) -> Answering:
    """Answer with a push operation that was requested just now."""
    return lambda now: answer(
        code, {**pushed(), "requestedOnUtc": utc_text(now), **more}
    )(now)


def listed(*operations: object) -> Answering:
    return answer(200, {"results": operations, "_links": {}})


def read_back(record: dict[str, Any]) -> list[Answering]:
    """Answer to a refresh that ends at once, and then to a look at a record."""
    pull = {
        "id": DATASET,
        "companyId": COMPANY,
        "connectionId": CONNECTION,
        "dataType": "customers",
        "status": "Complete",
        "requested": utc_text(NOW),
        "isCompleted": True,
    }
    return [answer(200, pull), answer(200, record)]


def error(status: int, **more: object) -> Answering:
    body = {"error": f"'{NAME}' is odd.", "correlationId": "a1b2c3", **more}
    return answer(status, body)


def no_answer(_now: float) -> Reply:
    return NoAnswer("the connection broke")


def no_connection(_now: float) -> Reply:
    return NoAnswer("the connection was refused", sent=False)


OK, EMPTY = accepted(), listed()
GATEWAY, FAULT, MISSING = answer(502, b"<html>"), error(500), error(404)
FORBIDDEN = error(403, error="Forbidden.")
SHORT, LONG = answer(429, retry_after=3), answer(429, retry_after=600)
JUNK = answer(200, b"<html>")
CLEAN = {"validation": {"errors": [{"itemId": "Name", "message": f"'{NAME}' is odd"}]}}
FAILED = at_codat("Failed", **CLEAN)

# --- what earlier tries wrote down ---


def entry(kind: Kind, generation: int = 0, age: float = 60.0, **more: Any) -> Entry:  # noqa: ANN401 - any field
    fields: dict[str, Any] = {}
    if kind == "intent":
        fields = {"key": KEYS[generation], "digest": SAME, "because": "first"}
    return Entry(kind, generation, NOW - age, **{**fields, **more})


RESULT = {"push_operation_key": OPERATION, "status": "Success", "record_id": "7"}
INTENT = entry("intent")
OTHER = entry("intent", digest="other")
OLD = entry("intent", age=KEY_LIFETIME_SECONDS + 1)
OP = entry("op", operation_key=OPERATION)
END = entry("end", operation_key=OPERATION, result=RESULT)
NO = entry("no", because="refused by 402")
SECOND = entry("intent", 1, because="reconciled")


class Trying:
    """Carries out writes against a script, and keeps in order all that happens."""

    def __init__(self, clock: "MovableClock", patience: Patience) -> None:
        clock.advance(NOW - clock())
        self.clock = clock
        self.patience = patience
        self.journal = MemoryJournal()
        self.happened: list[str] = []
        self.requests: list[Request] = []
        self.seconds_to_note = 0.0
        self.fails_at: int | None = None
        self.books: Books | None = None
        self._replies: list[Answering] = []

    @property
    def notes(self) -> tuple[Entry, ...]:
        return self.journal.read()

    @property
    def creates(self) -> list[Request]:
        return [each for each in self.requests if each.idempotency_key in KEYS]

    def past(self, *entries: Entry) -> None:
        for each in entries:
            self.journal.append(each)

    def __call__(
        self, *replies: Answering, unseen_since: float | None = None, **changes: object
    ) -> Written | Done:
        self._replies = list(replies)
        write = replace(WRITE, **changes)
        past = Past(self.journal.read(), unseen_since)
        result = drive(
            submit(write, past, self.patience, self.books),
            self.send,
            self.clock.sleep,
            note=self.note,
            on_pause=self.on_pause,
        )
        assert not self._replies, f"{len(self._replies)} replies were not asked for"
        return result

    def end(self, written: Written, clear_count: int = 0) -> Summary:
        redact = redactor(PAYLOAD)
        ending = conclude(
            written, self.patience, redact=redact, clear_count=clear_count
        )
        return drive(ending, self.send, self.clock.sleep, note=self.note)

    def send(self, request: Request) -> Reply:
        self.requests.append(request)
        self.happened.append(self._named(request))
        assert self._replies, f"nobody expected {request}"
        return self._replies.pop(0)(self.clock())

    def note(self, kept: Entry) -> None:
        self.happened.append(f"{kept.kind} {kept.generation}")
        if self.fails_at == len(self.notes):
            raise JournalFailed("the store is gone")
        self.clock.advance(self.seconds_to_note)
        self.journal.append(kept)

    def on_pause(self, step: DeferrablePause) -> None:
        self.happened.append(f"rest {step.seconds:.0f}")
        self.clock.advance(step.seconds)

    @staticmethod
    def _named(request: Request) -> str:
        if request.idempotency_key in KEYS:
            return f"POST {KEYS.index(request.idempotency_key)}"
        if request.method == "POST":
            return "REFRESH"
        *_, above, last = request.path.split("/")
        return {"push": "LOOK", "customers": f"READ {last}"}.get(above, "LIST")


@pytest.fixture
def trying(clock: "MovableClock", patience: Callable[..., Patience]) -> Trying:
    return Trying(clock, patience())


def told(*texts: object) -> str:
    return "\n".join(map(str, texts))


def check(trying: Trying, happens: list[str], log: pytest.LogCaptureFixture) -> None:
    """See what happened, and that no key was sent with other bytes, nor a name told."""
    assert trying.happened == happens
    sent = {(e.idempotency_key, e.path, e.query, e.body) for e in trying.creates}
    assert len(sent) == len({key for key, *_ in sent})
    assert {e.body for e in trying.creates} <= {canonical(PAYLOAD)}
    kept = [json.dumps(each.to_json()) for each in trying.notes]
    assert NAME.lower() not in told(log.text, *kept).lower()


def raised_by(
    trying: Trying,
    kind: type[CodatError],
    replies: list[Answering],
    **changes: Any,  # noqa: ANN401 - any field
) -> CodatError:
    with pytest.raises(CodatError) as raised:
        trying(*replies, **changes)
    assert type(raised.value) is kind
    assert NAME.lower() not in str(raised.value).lower()
    return raised.value


NOTHING = [EMPTY, EMPTY]
ANEW = [*NOTHING, OK]
FIRST = ["intent 0", "POST 0"]
LOOKS = ["LIST", "LIST"]
AGAIN = [*LOOKS, "intent 1", "POST 1", "op 1"]
MADE = OPERATION

Row = tuple[list[Answering], list[str], str | type[CodatError]]

# Codat's answers, one after the other; what happens; the push operation, or an error.
ANSWERS: dict[str, Row] = {
    "200": ([OK], [*FIRST, "op 0"], MADE),
    "200, ended": ([accepted(status="Success")], [*FIRST, "op 0"], MADE),
    "202": ([accepted(202)], [*FIRST, "op 0"], MADE),
    **{
        f"{name}, then 200": (
            [reply, OK],
            [*FIRST, "2xx 0", "POST 0", "op 0"],
            MADE,
        )
        for name, reply in {
            "unreadable": JUNK,
            "204": answer(204),
            "102": answer(102),
            "a redirect": answer(302, location="/x"),
            "another company": accepted(companyId=ELSEWHERE),
            "another connection": accepted(dataConnectionKey=ELSEWHERE),
            "another data type": accepted(dataType="suppliers"),
            "another time": accepted(requestedOnUtc=utc_text(NOW - 3600)),
            "no time": accepted(requestedOnUtc="yesterday"),
            "no key": accepted(pushOperationKey=None),
        }.items()
    },
    "unreadable thrice": (
        [JUNK, JUNK, JUNK, *NOTHING],
        [*FIRST, "2xx 0", "POST 0", "2xx 0", "POST 0", "2xx 0", "rest 60", *LOOKS],
        OutcomeUnknown,
    ),
    "unreadable, then Codat's fault": (
        [JUNK, FAULT, *NOTHING],
        [*FIRST, "2xx 0", "POST 0", "5xx 0", "rest 60", *LOOKS],
        OutcomeUnknown,
    ),
    "unreadable, then 400": (
        [JUNK, error(400), EMPTY],
        [*FIRST, "2xx 0", "POST 0", "LIST"],
        OutcomeUnknown,
    ),
    "unreadable thrice, then adopted": (
        [
            *(JUNK, JUNK, JUNK),
            *[listed(pushed("Success"))] * 2,
            *read_back({"id": "7", **PAYLOAD}),
        ],
        [
            *(*FIRST, "2xx 0", "POST 0", "2xx 0", "POST 0", "2xx 0", "rest 60"),
            *(*LOOKS, "REFRESH", "READ 7", "op 0"),
        ],
        MADE,
    ),
    **{
        f"{name}, then 200": ([reply, OK], [*FIRST, "POST 0", "op 0"], MADE)
        for name, reply in {
            "no answer": no_answer,
            "no connection": no_connection,
            "408": answer(408),
            "408 of Codat's": error(408),
            "a gateway": GATEWAY,
            "409": error(409),
            "a short 429": SHORT,
        }.items()
    },
    "never an answer": (
        [no_answer] * 5,
        ["intent 0", *["POST 0"] * 5],
        Unreachable,
    ),
    "never a connection": (
        [no_connection] * 5,
        ["intent 0", *["POST 0"] * 5],
        Unreachable,
    ),
    "always a gateway": ([GATEWAY] * 5, ["intent 0", *["POST 0"] * 5], Unreachable),
    "always 409": ([error(409)] * 5, ["intent 0", *["POST 0"] * 5], StillInProgress),
    **{
        f"Codat's {status}": (
            [error(status), *ANEW],
            [*FIRST, "5xx 0", "rest 60", *AGAIN],
            MADE,
        )
        for status in (500, 502, 503, 504)
    },
    "no answer, then Codat's fault": (
        [no_answer, FAULT, *ANEW],
        # The ten minutes run from the moment at which the silence was noticed.
        [*FIRST, "POST 0", "5xx 0", "rest 660", *AGAIN],
        MADE,
    ),
    "409, then Codat's fault": (
        [error(409), FAULT, *ANEW],
        [*FIRST, "POST 0", "5xx 0", "rest 660", *AGAIN],
        MADE,
    ),
    "no connection, then Codat's fault": (
        [no_connection, FAULT, *ANEW],
        [*FIRST, "POST 0", "5xx 0", "rest 60", *AGAIN],
        MADE,
    ),
    "429, then Codat's fault": (
        [SHORT, FAULT, *ANEW],
        [*FIRST, "POST 0", "5xx 0", "rest 60", *AGAIN],
        MADE,
    ),
    "Codat's fault twice": (
        [FAULT, *NOTHING, FAULT, *NOTHING, OK],
        [
            *(*FIRST, "5xx 0", "rest 60", *LOOKS),
            *("intent 1", "POST 1", "5xx 1", "rest 60", *LOOKS),
            *("intent 2", "POST 2", "op 2"),
        ],
        MADE,
    ),
    "Codat's fault, then 400": (
        [FAULT, *NOTHING, error(400)],
        [*FIRST, "5xx 0", "rest 60", *LOOKS, "intent 1", "POST 1", "no 1"],
        Refused,
    ),
    "Codat's fault, then never an answer": (
        [FAULT, *NOTHING, *[no_answer] * 5],
        [*FIRST, "5xx 0", "rest 60", *LOOKS, "intent 1", *["POST 1"] * 5],
        Unreachable,
    ),
    "silence and Codat's fault, then a long 429": (
        [no_answer, FAULT, *NOTHING, LONG],
        [
            *(*FIRST, "POST 0", "5xx 0", "rest 660", *LOOKS),
            *("intent 1", "POST 1", "released 1"),
        ],
        RateLimited,
    ),
    "a long 429": ([LONG], [*FIRST, "released 0"], RateLimited),
    "a short 429, then a long one": (
        [SHORT, LONG],
        [*FIRST, "POST 0", "released 0"],
        RateLimited,
    ),
    "no connection, then a long 429": (
        [no_connection, LONG],
        [*FIRST, "POST 0", "released 0"],
        RateLimited,
    ),
    **{
        f"{name}, then a long 429": (
            [reply, LONG],
            [*FIRST, "POST 0", "limited 0"],
            RateLimited,
        )
        for name, reply in {
            "no answer": no_answer,
            "a gateway": GATEWAY,
            "409": error(409),
        }.items()
    },
    "unreadable, then a long 429": (
        [JUNK, LONG],
        [*FIRST, "2xx 0", "POST 0", "limited 0"],
        RateLimited,
    ),
    "422": ([error(422), EMPTY], [*FIRST, "LIST"], OutcomeUnknown),
    **{
        str(status): ([error(status)], [*FIRST, "no 0"], kind)
        for status, kind in {
            400: Refused,
            401: NotAuthorised,
            402: PaymentRequired,
            403: NotAuthorised,
            404: NotFound,
            451: Refused,
        }.items()
    },
    "429, then 403": ([SHORT, error(403)], [*FIRST, "POST 0", "no 0"], NotAuthorised),
    "no connection, then 403": (
        [no_connection, error(403)],
        [*FIRST, "POST 0", "no 0"],
        NotAuthorised,
    ),
    **{
        f"{name}, then 403": (
            [reply, error(403), EMPTY],
            [*FIRST, "POST 0", "LIST"],
            OutcomeUnknown,
        )
        for name, reply in {
            "no answer": no_answer,
            "a gateway": GATEWAY,
            "408": answer(408),
            "409": error(409),
        }.items()
    },
}


@pytest.mark.parametrize(("replies", "happens", "end"), ANSWERS.values(), ids=ANSWERS)
def test_every_answer_to_a_create(
    replies: list[Answering],
    happens: list[str],
    end: str | type[CodatError],
    trying: Trying,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The intent is written before the send, and what an answer means before more."""
    caplog.set_level(logging.DEBUG)
    if isinstance(end, str):
        written = trying(*replies)
        assert isinstance(written, Written)
        assert written.operation.key == end
        assert trying.notes[-1].operation_key == end
    else:
        raised_by(trying, end, replies)
    check(trying, happens, caplog)


# The journal; what this try wants otherwise; Codat's answers; what happens; its end.
Resumed = tuple[
    tuple[Entry, ...],
    dict[str, Any],
    list[Answering],
    list[str],
    str | type[CodatError] | None,
]
CLEARED: dict[str, Any] = {"clear_count": 1}
CREATE: dict[str, Any] = {"clear_count": 1, "on_clear": "create"}
NOT_CREATED: dict[str, Any] = {"clear_count": 1, "resolution": "not_created"}
RECORD_42: dict[str, Any] = {"clear_count": 1, "resolution": "42"}
ONWARD = ["intent 1", "POST 1", "op 1"]
OF_OTHERS = pushed("Success", STRANGER)

RESUMED: dict[str, Resumed] = {
    "none": ((), {}, [OK], [*FIRST, "op 0"], MADE),
    "none, cleared": ((), CLEARED, [OK], [*FIRST, "op 0"], MADE),
    "none, no store": ((), {"durable": False}, [OK], [*FIRST, "op 0"], MADE),
    "unseen, 200": (
        (),
        {"unseen_since": NOW - KEY_LIFETIME_SECONDS},
        [accepted(requestedOnUtc=utc_text(NOW - 4000))],
        [*FIRST, "op 0"],
        MADE,
    ),
    "unseen, 403": (
        (),
        {"unseen_since": NOW - 60},
        [error(403), EMPTY],
        [*FIRST, "LIST"],
        OutcomeUnknown,
    ),
    "unseen, Codat's fault": (
        (),
        {"unseen_since": NOW - 60},
        [FAULT, EMPTY],
        [*FIRST, "5xx 0", "LIST"],
        OutcomeUnknown,
    ),
    "unseen, 429": (
        (),
        {"unseen_since": NOW - 60},
        [LONG],
        [*FIRST, "limited 0"],
        RateLimited,
    ),
    "unseen, too old": (
        (),
        {"unseen_since": NOW - KEY_LIFETIME_SECONDS - 1},
        [EMPTY],
        ["intent 0", "LIST"],
        OutcomeUnknown,
    ),
    "unseen, no store, too old": (
        (),
        {"unseen_since": NOW - 9999, "durable": False},
        [EMPTY],
        ["intent 0", "LIST"],
        OutcomeUnknown,
    ),
    "unseen before, 200": (
        (entry("intent", because=UNSEEN),),
        {"unseen_since": NOW - 60},
        [OK],
        ["POST 0", "op 0"],
        MADE,
    ),
    "not created": (
        (INTENT, entry("5xx")),
        NOT_CREATED,
        [OK],
        ["resolution 0", *ONWARD],
        MADE,
    ),
    "not created, other digest": (
        (OTHER,),
        NOT_CREATED,
        [OK],
        ["resolution 0", *ONWARD],
        MADE,
    ),
    "not created, a second time": (
        (INTENT, entry("resolution", because="not_created"), SECOND),
        {"clear_count": 2, "resolution": "not_created:2"},
        [OK],
        ["resolution 1", "intent 2", "POST 2", "op 2"],
        MADE,
    ),
    "not created, said before": (
        (OLD,),
        {"resolution": "not_created", "on_unknown_outcome": "fail"},
        [EMPTY],
        ["stale_resolution 0", "LIST"],
        OutcomeUnknown,
    ),
    "a record": ((INTENT,), RECORD_42, [], ["end 0"], None),
    "a record, after a 404": (
        (INTENT, OP),
        RECORD_42,
        [MISSING],
        ["LOOK", "end 0"],
        None,
    ),
    "not created, after a 404": (
        (INTENT, OP),
        NOT_CREATED,
        [MISSING, OK],
        ["LOOK", "resolution 0", *ONWARD],
        MADE,
    ),
    "a record, after TimedOut": (
        (INTENT, OP),
        RECORD_42,
        [at_codat("TimedOut")],
        ["LOOK", "end 0"],
        None,
    ),
    "not created, after TimedOut": (
        (INTENT, OP),
        NOT_CREATED,
        [at_codat("TimedOut"), OK],
        ["LOOK", "resolution 0", *ONWARD],
        MADE,
    ),
    "not created, after it failed oddly": (
        (INTENT, OP),
        NOT_CREATED,
        [at_codat("Failed"), OK],
        ["LOOK", "resolution 0", *ONWARD],
        MADE,
    ),
    "not created, but Codat knows better": (
        (INTENT, OP),
        NOT_CREATED,
        [at_codat("Success")],
        ["LOOK"],
        MADE,
    ),
    "not created, but pending": ((INTENT, OP), NOT_CREATED, [OK], ["LOOK"], MADE),
    "end": ((INTENT, OP, END), {}, [], [], None),
    "end, cleared": ((INTENT, OP, END), CLEARED, [], [], None),
    "end, cleared, create": ((INTENT, OP, END), CREATE, [OK], ONWARD, MADE),
    "end, other digest": ((OTHER, OP, END), {}, [], [], PayloadChanged),
    "end, other digest, create": ((OTHER, OP, END), CREATE, [OK], ONWARD, MADE),
    "op, Pending": ((INTENT, OP), {}, [at_codat()], ["LOOK"], MADE),
    "op, another word": ((INTENT, OP), {}, [at_codat("UnderReview")], ["LOOK"], MADE),
    "op, Success": ((INTENT, OP), {}, [at_codat("Success")], ["LOOK"], MADE),
    "op, Failed": ((INTENT, OP), {}, [FAILED], ["LOOK"], MADE),
    "op, failed oddly": ((INTENT, OP), {}, [at_codat("Failed")], ["LOOK"], MADE),
    "op, TimedOut": ((INTENT, OP), CREATE, [at_codat("TimedOut")], ["LOOK"], MADE),
    "op, 404": ((INTENT, OP), CLEARED, [MISSING], ["LOOK"], OutcomeUnknown),
    "op, 403": ((INTENT, OP), {}, [FORBIDDEN], ["LOOK"], OutcomeUnknown),
    "op, then somebody else's": (
        (INTENT, OP),
        {},
        [at_codat(pushOperationKey=STRANGER), at_codat("Success")],
        ["LOOK", "LOOK"],
        MADE,
    ),
    "op, never to be read": (
        (INTENT, OP),
        {},
        [no_answer] * 5,
        ["LOOK"] * 5,
        Unreachable,
    ),
    "op, other digest, Success": (
        (OTHER, OP),
        {},
        [at_codat("Success")],
        ["LOOK", "end 0"],
        PayloadChanged,
    ),
    "op, other digest, Success, create": (
        (OTHER, OP),
        CREATE,
        [at_codat("Success")],
        ["LOOK", "end 0"],
        PayloadChanged,
    ),
    "op, other digest, Pending": (
        (OTHER, OP),
        {},
        [at_codat()],
        ["LOOK"],
        PayloadChanged,
    ),
    "op, other digest, Failed": (
        (OTHER, OP),
        {},
        [FAILED, OK],
        ["LOOK", "no 0", *ONWARD],
        MADE,
    ),
    "op, other digest, TimedOut": (
        (OTHER, OP),
        {},
        [at_codat("TimedOut")],
        ["LOOK"],
        MADE,
    ),
    "no": ((INTENT, NO), {}, [OK], ONWARD, MADE),
    "no, other digest": ((OTHER, NO), CLEARED, [OK], ONWARD, MADE),
    "no, by its operation": ((INTENT, OP, NO), {}, [OK], ONWARD, MADE),
    "released": (
        (INTENT, entry("released", until=NOW - 1)),
        {},
        [OK],
        [*FIRST, "op 0"],
        MADE,
    ),
    "released, of long ago": (
        (OLD, entry("released", until=NOW - 1)),
        {},
        [OK],
        [*FIRST, "op 0"],
        MADE,
    ),
    "released, other digest": (
        (OTHER, entry("released", until=NOW - 1)),
        {},
        [OK],
        ONWARD,
        MADE,
    ),
    "released, not yet": (
        (INTENT, entry("released", until=NOW + 9)),
        {},
        [OK],
        ["rest 9", *FIRST, "op 0"],
        MADE,
    ),
    "released, not for long": (
        (INTENT, entry("released", until=NOW + 999)),
        {},
        [],
        [],
        RateLimited,
    ),
    "released, not for long, may rest": (
        (INTENT, entry("released", until=NOW + 999)),
        {"may_defer": True},
        [OK],
        ["rest 999", *FIRST, "op 0"],
        MADE,
    ),
    "unresolved": ((INTENT,), {}, [OK], ["POST 0", "op 0"], MADE),
    "unresolved, at 75 minutes": (
        (entry("intent", age=KEY_LIFETIME_SECONDS),),
        {},
        [OK],
        ["POST 0", "op 0"],
        MADE,
    ),
    "unresolved, and 400": (
        (INTENT,),
        {},
        [error(400), EMPTY],
        ["POST 0", "LIST"],
        OutcomeUnknown,
    ),
    "unresolved, and a long 429": (
        (INTENT,),
        {},
        [LONG],
        ["POST 0", "limited 0"],
        RateLimited,
    ),
    "unresolved, and Codat's fault": (
        (INTENT,),
        {},
        [FAULT, *ANEW],
        ["POST 0", "5xx 0", "rest 660", *AGAIN],
        MADE,
    ),
    "unresolved, limited": (
        (INTENT, entry("limited", until=NOW + 9)),
        {},
        [OK],
        ["rest 9", "POST 0", "op 0"],
        MADE,
    ),
    "unresolved, two yes": (
        (INTENT, entry("2xx"), entry("2xx")),
        {},
        [JUNK, *NOTHING],
        ["POST 0", "2xx 0", "rest 660", *LOOKS],
        OutcomeUnknown,
    ),
    "unresolved, three yes": (
        (INTENT, *[entry("2xx")] * 3),
        {},
        NOTHING,
        LOOKS,
        OutcomeUnknown,
    ),
    "unresolved, other digest": (
        (OTHER,),
        {},
        [listed(OF_OTHERS)],
        ["LIST"],
        OutcomeUnknown,
    ),
    "unresolved, other digest, create": (
        (OTHER, entry("5xx")),
        CREATE,
        [EMPTY],
        ["LIST"],
        OutcomeUnknown,
    ),
    "Codat's fault": ((INTENT, entry("5xx")), {}, ANEW, AGAIN, MADE),
    "Codat's fault, just now": (
        (INTENT, entry("5xx", age=20)),
        {},
        ANEW,
        ["rest 40", *AGAIN],
        MADE,
    ),
    "Codat's fault, after silence": (
        (INTENT, entry("5xx", age=20, until=NOW - 30)),
        {},
        ANEW,
        ["rest 630", *AGAIN],
        MADE,
    ),
    "after 75 minutes": ((OLD,), {}, ANEW, ["rest 659", *AGAIN], MADE),
    "after 86 minutes": ((entry("intent", age=5161),), {}, ANEW, AGAIN, MADE),
    "after 86 minutes, limited": (
        (entry("intent", age=5161), entry("limited", until=NOW + 700)),
        {},
        ANEW,
        ["rest 700", *AGAIN],
        MADE,
    ),
    "a later generation": (
        (INTENT, entry("5xx"), SECOND),
        {},
        [*NOTHING, OK],
        ["doubt 1", "rest 960", *LOOKS, "intent 2", "POST 2", "op 2"],
        MADE,
    ),
    "a later generation, doubted": (
        (INTENT, entry("5xx"), SECOND, entry("doubt", 1, until=NOW - 60)),
        {},
        [*NOTHING, OK],
        ["rest 600", *LOOKS, "intent 2", "POST 2", "op 2"],
        MADE,
    ),
    "a later generation, released": (
        (INTENT, NO, SECOND, entry("released", 1, until=NOW - 1)),
        {},
        [OK],
        ONWARD,
        MADE,
    ),
}


@pytest.mark.parametrize(
    ("journal", "changes", "replies", "happens", "end"), RESUMED.values(), ids=RESUMED
)
def test_every_journal_is_gone_on_from(
    journal: tuple[Entry, ...],
    changes: dict[str, Any],
    replies: list[Answering],
    happens: list[str],
    end: str | type[CodatError] | None,
    trying: Trying,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whatever an earlier try left, a later one goes on so that none appears twice."""
    caplog.set_level(logging.DEBUG)
    trying.past(*journal)
    if isinstance(end, type):
        raised_by(trying, end, replies, **changes)
    else:
        written = trying(*replies, **changes)
        if end is None:
            assert isinstance(written, Done)
        else:
            assert isinstance(written, Written)
            assert written.operation.key == end
    check(trying, happens, caplog)


# --- what is written ---


def test_an_intent_says_all_that_a_later_try_needs(trying: Trying) -> None:
    """Key, query and digest are kept as they were sent; payload and name are not."""
    trying(OK, timeout_in_minutes=3, clear_count=2)
    assert trying.notes == (
        Entry(
            "intent",
            0,
            NOW,
            clear_count=2,
            key=KEYS[0],
            query="timeoutInMinutes=3",
            digest=SAME,
            because="first",
        ),
        Entry("op", 0, NOW, clear_count=2, operation_key=OPERATION),
    )
    assert trying.creates == [
        Request(
            "POST",
            f"/companies/{COMPANY}/connections/{CONNECTION}/push/customers",
            "timeoutInMinutes=3",
            canonical(PAYLOAD),
            KEYS[0],
        )
    ]


def test_what_was_sent_once_is_frozen(trying: Trying) -> None:
    """A later try sends key and query of the intent, whatever it would choose now."""
    frozen = replace(INTENT, key=KEYS[8], query="timeoutInMinutes=3")
    trying.past(frozen)
    trying(OK, timeout_in_minutes=9)
    (request,) = trying.creates
    assert (request.idempotency_key, request.query) == (KEYS[8], "timeoutInMinutes=3")


def test_a_new_generation_asks_anew(trying: Trying) -> None:
    """It has its own key, and the query of the present try."""
    trying.past(replace(INTENT, query="timeoutInMinutes=3"), NO)
    trying(OK, timeout_in_minutes=9)
    (request,) = trying.creates
    assert (request.idempotency_key, request.query) == (KEYS[1], "timeoutInMinutes=9")
    assert trying.notes[2].because == "no"


def test_a_released_key_starts_its_clock_anew(trying: Trying) -> None:
    """After hours of 429 a key is as good as new, and 75 minutes run from then on."""
    trying.past(OLD, entry("released", until=NOW - 1))
    raised_by(trying, Unreachable, [no_answer] * 5)
    assert trying.notes[-1] == replace(INTENT, at=NOW, because="released")
    trying.clock.advance(KEY_LIFETIME_SECONDS - 60)
    trying(OK)
    assert trying.happened[-2:] == ["POST 0", "op 0"]


def test_what_may_have_been_sent_unseen_is_as_old_as_it_may_be(trying: Trying) -> None:
    """The age of a key that an unrecorded try may have sent runs from that try."""
    trying(OK, unseen_since=NOW - 999)
    assert (trying.notes[0].at, trying.notes[0].because) == (NOW - 999, UNSEEN)


def test_the_journal_goes_before_an_unrecorded_try(trying: Trying) -> None:
    """Where something was written down, that counts, and no guess about the time."""
    trying.past(INTENT, OP, END)
    assert isinstance(trying(unseen_since=NOW - 60), Done)
    assert trying.happened == []


@pytest.mark.parametrize(
    ("replies", "until"),
    [
        pytest.param([FAULT], 0.0, id="no silence"),
        pytest.param([no_connection, FAULT], 0.0, id="no connection"),
        pytest.param([no_answer, FAULT], NOW, id="silence"),
        pytest.param([GATEWAY, JUNK, FAULT], NOW, id="a gateway"),
        pytest.param([no_answer, SHORT, FAULT], NOW, id="silence, then 429"),
    ],
)
def test_silence_before_an_answer_is_remembered(
    replies: list[Answering], until: float, trying: Trying
) -> None:
    """With an answer stands since when a send before it may still be acting."""
    raised_by(trying, OutcomeUnknown, [*replies, EMPTY], on_unknown_outcome="fail")
    assert trying.notes[-1].kind == "5xx"
    assert trying.notes[-1].until == until


def test_what_an_earlier_try_sent_counts_as_unanswered(trying: Trying) -> None:
    """An intent that is found may have been sent up to the moment of taking over."""
    trying.past(INTENT)
    raised_by(trying, OutcomeUnknown, [FAULT, EMPTY], on_unknown_outcome="fail")
    assert trying.notes[-1].until == NOW


@pytest.mark.parametrize(
    ("replies", "kind", "until"),
    [
        pytest.param([LONG], "released", NOW + 600, id="released"),
        pytest.param([no_answer, LONG], "limited", NOW + 600.375, id="limited"),
    ],
)
def test_a_limit_is_kept_with_its_time(
    replies: list[Answering], kind: str, until: float, trying: Trying
) -> None:
    """The journal and the error name the same moment."""
    limited = raised_by(trying, RateLimited, replies)
    assert isinstance(limited, RateLimited)
    assert (trying.notes[-1].kind, trying.notes[-1].until) == (kind, until)
    assert limited.until == until


@pytest.mark.parametrize("status", [400, 402, 403, 404])
def test_a_refusal_is_kept_with_its_status(status: int, trying: Trying) -> None:
    """Why there is no record stands in the journal, without Codat's words."""
    with pytest.raises(Refused):
        trying(error(status))
    assert trying.notes[-1] == Entry("no", 0, NOW, because=f"refused by {status}")


@pytest.mark.parametrize("number", range(8))
def test_what_cannot_be_written_forbids_the_send(number: int, trying: Trying) -> None:
    """When the journal fails, nothing more is sent, whatever was to be written."""
    replies = [FAULT, *NOTHING, LONG, FAULT, *NOTHING, OK]
    changes = {"may_defer": True}
    trying(*replies, **changes)
    whole = trying.happened
    assert len(trying.notes) == 8
    other = Trying(trying.clock, trying.patience)
    other.fails_at = number
    with pytest.raises(JournalFailed, match="the store is gone"):
        other(*replies, **changes)
    assert other.happened == whole[: len(other.happened)]
    assert other.happened[-1] == "{0.kind} {0.generation}".format(trying.notes[number])
    assert len(other.notes) == number


# --- deferrable pauses ---


def test_a_long_limit_is_rested_where_that_may_be(trying: Trying) -> None:
    """Who may rest comes back by itself; the clock of a released key starts anew."""
    trying(LONG, OK, may_defer=True)
    assert trying.happened == [
        *("intent 0", "POST 0", "released 0", "rest 600"),
        *("intent 0", "POST 0", "op 0"),
    ]
    assert [each.at for each in trying.notes if each.kind == "intent"] == [
        NOW,
        NOW + 600,
    ]


def test_a_long_limit_after_silence_keeps_the_key_ageing(trying: Trying) -> None:
    """A key that may have been heard is sent again, but its clock runs on."""
    trying(no_answer, LONG, OK, may_defer=True)
    assert trying.happened == [
        *("intent 0", "POST 0", "POST 0", "limited 0", "rest 600"),
        *("POST 0", "op 0"),
    ]


def test_a_key_that_grows_old_in_a_rest_leads_to_the_books(trying: Trying) -> None:
    """Before each send the age is looked at, also within one call."""
    hours = answer(429, retry_after=2 * 3600)
    trying(no_answer, hours, *ANEW, may_defer=True)
    assert trying.happened == [
        *("intent 0", "POST 0", "POST 0", "limited 0", "rest 7200"),
        *AGAIN,
    ]


def test_no_call_goes_on_sending_for_long(trying: Trying) -> None:
    """Who replaces a process that lives on has to know how long that one sends."""
    trying.patience = replace(trying.patience, budget_seconds=9999.0)
    error = raised_by(trying, RateLimited, [no_answer, answer(429, retry_after=301)])
    assert isinstance(error, RateLimited)
    assert trying.happened == [*FIRST, "POST 0", "limited 0"]


@pytest.mark.parametrize("may_defer", [False, True])
def test_a_limit_on_the_books_is_a_limit(trying: Trying, *, may_defer: bool) -> None:
    """A 429 to a look at the books is waited for as one to a create is."""
    trying.past(INTENT, entry("5xx"))
    if may_defer:
        trying(LONG, *ANEW, may_defer=True)
        assert trying.happened == ["LIST", "rest 600", *AGAIN]
    else:
        raised_by(trying, RateLimited, [LONG])
        assert trying.happened == ["LIST"]
    assert "limited" not in {each.kind for each in trying.notes}


def test_a_rest_is_never_negative(trying: Trying) -> None:
    """A limit that ends while it is written down is not rested for."""
    trying.patience = replace(trying.patience, budget_seconds=0.0)
    trying.seconds_to_note = 1.0
    trying(answer(429, retry_after=0), OK, may_defer=True)
    assert [what for what in trying.happened if "rest -" in what] == []


def test_a_resend_is_not_early(trying: Trying) -> None:
    """Codat's wish not to be asked holds for a new key, too."""
    trying.past(OLD, entry("limited", until=NOW + 9))
    trying(OK, on_unknown_outcome="resend")
    assert trying.happened == ["rest 9", *ONWARD]


# --- policies ---

POLICIES: dict[str, Resumed] = {
    "fail": (
        (INTENT, entry("5xx")),
        {"on_unknown_outcome": "fail"},
        [EMPTY],
        ["LIST"],
        OutcomeUnknown,
    ),
    "fail, too old": (
        (OLD,),
        {"on_unknown_outcome": "fail"},
        [EMPTY],
        ["LIST"],
        OutcomeUnknown,
    ),
    "fail, but young": (
        (INTENT,),
        {"on_unknown_outcome": "fail"},
        [OK],
        ["POST 0", "op 0"],
        MADE,
    ),
    "fail, a later generation": (
        (INTENT, NO, SECOND),
        {"on_unknown_outcome": "fail"},
        [EMPTY],
        ["LIST"],
        OutcomeUnknown,
    ),
    "resend": (
        (INTENT, entry("5xx")),
        {"on_unknown_outcome": "resend"},
        [OK],
        ONWARD,
        MADE,
    ),
    "resend, after a yes": (
        (OLD, entry("2xx")),
        {"on_unknown_outcome": "resend"},
        [EMPTY],
        ["LIST"],
        OutcomeUnknown,
    ),
    "resend, no store": (
        (INTENT, entry("5xx")),
        {"on_unknown_outcome": "resend", "durable": False},
        [EMPTY],
        ["LIST"],
        OutcomeUnknown,
    ),
    "resend, other digest": (
        (OTHER, entry("5xx")),
        {"on_unknown_outcome": "resend"},
        [EMPTY],
        ["LIST"],
        OutcomeUnknown,
    ),
    "reconcile, no store": (
        (),
        {"durable": False},
        [FAULT, *NOTHING],
        [*FIRST, "5xx 0", "rest 60", *LOOKS],
        OutcomeUnknown,
    ),
    "reconcile, after a yes": (
        (OLD, entry("2xx")),
        {},
        NOTHING,
        ["rest 659", *LOOKS],
        OutcomeUnknown,
    ),
    "reconcile, longer grace": (
        (INTENT, entry("5xx")),
        {"grace_seconds": 300.0},
        ANEW,
        ["rest 240", *AGAIN],
        MADE,
    ),
    "reconcile, longer life of a request": (
        (INTENT, entry("5xx", until=NOW - 60)),
        {"lifetime_seconds": 1200.0},
        ANEW,
        ["rest 1200", *AGAIN],
        MADE,
    ),
    "reconcile, found": (
        (INTENT, entry("5xx")),
        {},
        [
            *[listed(pushed("Success", changes=RECORD))] * 2,
            *read_back({"id": "7", "customerName": NAME.upper()}),
        ],
        [*LOOKS, "REFRESH", "READ 7", "op 0"],
        MADE,
    ),
    "reconcile, a stranger's": (
        (INTENT, entry("5xx")),
        {},
        [
            *[listed(OF_OTHERS)] * 2,
            *read_back({"id": "7", "customerName": "Moor"}),
            OK,
        ],
        [*LOOKS, "REFRESH", "READ 7", *ONWARD],
        MADE,
    ),
    "reconcile, cannot tell": (
        (INTENT, entry("5xx")),
        {},
        [*[listed(pushed("TimedOut", STRANGER))] * 2],
        LOOKS,
        OutcomeUnknown,
    ),
    "reconcile, what was answered has no window": (
        (
            *(entry("intent", age=9000), entry("op", age=9000, operation_key=MADE)),
            *(entry("no", age=8000), SECOND, entry("5xx", 1)),
        ),
        {},
        [*[listed({**OF_OTHERS, "requestedOnUtc": utc_text(NOW - 9000)})] * 2, OK],
        [*LOOKS, "intent 2", "POST 2", "op 2"],
        MADE,
    ),
    "reconcile, a list without an operation of ours": (
        (
            *(entry("intent", age=300), entry("5xx", age=290)),
            *(entry("intent", 1, age=200), entry("op", 1, 190, operation_key=MADE)),
            *(entry("no", 1, 180), entry("intent", 2, 100), entry("5xx", 2, 90)),
        ),
        {},
        [EMPTY] * 6,
        LOOKS * 3,
        StillInProgress,
    ),
    "reconcile, no rest in the list": (
        (INTENT, entry("5xx")),
        {},
        [*[listed(OF_OTHERS), EMPTY] * 3],
        LOOKS * 3,
        StillInProgress,
    ),
}


@pytest.mark.parametrize(
    ("journal", "changes", "replies", "happens", "end"), POLICIES.values(), ids=POLICIES
)
def test_every_policy(
    journal: tuple[Entry, ...],
    changes: dict[str, Any],
    replies: list[Answering],
    happens: list[str],
    end: str | type[CodatError],
    trying: Trying,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A new generation needs a policy, a journal, and books that show nothing."""
    caplog.set_level(logging.DEBUG)
    trying.past(*journal)
    if isinstance(end, str):
        written = trying(*replies, **changes)
        assert isinstance(written, Written)
        assert written.operation.key == end
        assert written.adopted is ("READ 7" in happens and "POST 1" not in happens)
        assert (trying.notes[-1].because == "adopted") is written.adopted
    else:
        raised_by(trying, end, replies, **changes)
    check(trying, happens, caplog)


def test_a_list_without_rest_is_asked_for_by_the_next_try(trying: Trying) -> None:
    """Nothing was decided and nothing written down, so all that can be done is left."""
    trying.past(INTENT, entry("5xx"))
    raised_by(trying, StillInProgress, [listed(OF_OTHERS), EMPTY] * 3)
    assert trying.notes == (INTENT, entry("5xx"))
    written = trying(*ANEW)
    assert isinstance(written, Written)
    assert trying.happened == [*LOOKS * 4, "intent 1", "POST 1", "op 1"]


def test_books_that_cannot_be_read_leave_the_candidates_unknown(
    trying: Trying, caplog: pytest.LogCaptureFixture
) -> None:
    """What a person is told does not hang on one more answer of Codat's."""
    trying.past(OTHER)
    unknown = raised_by(trying, OutcomeUnknown, [error(403)])
    assert isinstance(unknown, OutcomeUnknown)
    assert unknown.candidates == ()
    assert "none known" in str(unknown)
    assert "may be ours is not known" in caplog.text


@pytest.mark.parametrize("durable", [True, False])
@pytest.mark.parametrize("replies", [[FORBIDDEN], [EMPTY, FORBIDDEN]], ids=len)
def test_books_that_are_refused_leave_the_outcome_unknown(
    replies: list[Answering], trying: Trying, *, durable: bool
) -> None:
    """Refused says that nothing was created; here a record may exist."""
    raised_by(trying, OutcomeUnknown, [FAULT, *replies], durable=durable)


# --- books that others look into, too ---


class SharedBooks:
    """Says of every search what it was told to, and keeps what was asked."""

    def __init__(self, finding: Finding) -> None:
        self.claims = Claims()
        self.asked: list[Search] = []
        self._finding = finding

    def reconcile(self, search: Search) -> Conversation[Finding]:
        """Return the finding."""
        self.asked.append(search)
        yield from ()
        return self._finding

    def candidates(self, search: Search) -> Conversation[tuple[str, ...]]:
        """Return the suspects of the finding."""
        self.asked.append(search)
        yield from ()
        return self._finding.candidates


BY_PERSON = Finding(candidates=(STRANGER,), reason="two are alike")
OURS = Finding(operation=push_operation(pushed("Success")))
GONE = Finding(nothing=True, reason="the books do not show it")
SHARED: dict[
    str, tuple[tuple[Entry, ...], Finding, list[Answering], list[str], bool]
] = {
    "found": ((INTENT, entry("5xx")), OURS, [], ["op 0"], False),
    "not there": ((INTENT, entry("5xx")), GONE, [OK], ONWARD, False),
    "found, after a yes": ((OLD, entry("2xx")), OURS, [], ["rest 659", "op 0"], True),
}


@pytest.mark.parametrize(
    ("journal", "finding", "replies", "happens", "promised"),
    SHARED.values(),
    ids=SHARED,
)
def test_the_books_that_are_given_are_asked(
    journal: tuple[Entry, ...],
    finding: Finding,
    replies: list[Answering],
    happens: list[str],
    trying: Trying,
    *,
    promised: bool,
) -> None:
    """What they find is relied on; nothing is looked up past them."""
    trying.past(*journal)
    trying.books = books = SharedBooks(finding)
    written = trying(*replies)
    assert isinstance(written, Written)
    assert written.adopted is (finding is OURS)
    assert trying.happened == happens
    (search,) = books.asked
    assert (search.payload, search.promised) == (PAYLOAD, promised)
    assert search.claims is books.claims


@pytest.mark.parametrize("policy", ["reconcile", "fail"])
def test_the_suspects_of_the_given_books_are_named(policy: str, trying: Trying) -> None:
    """A person is told what they name, whether or not they were asked closely."""
    trying.past(INTENT, entry("5xx"))
    trying.books = books = SharedBooks(BY_PERSON)
    unknown = raised_by(trying, OutcomeUnknown, [], on_unknown_outcome=policy)
    assert isinstance(unknown, OutcomeUnknown)
    assert unknown.candidates == (STRANGER,)
    assert len(books.asked) == 1


def test_what_is_accepted_is_claimed_in_the_given_books(trying: Trying) -> None:
    """No search of theirs finds it from then on; others have claims of their own."""
    trying.books = books = SharedBooks(GONE)
    key = str(UUID(int=0xB003))
    trying(accepted(pushOperationKey=key))
    assert not books.claims.is_free(key, "another")
    assert CLAIMS.is_free(key, "another")


# --- what a person is told ---

UNKNOWNS: dict[str, tuple[tuple[Entry, ...], dict[str, Any], list[Answering], str]] = {
    "422": ((), {}, [error(422)], "used before with another body"),
    "a refusal after silence": ((), {}, [no_answer, error(403)], "may not do this"),
    "Codat's fault": (
        (),
        {"on_unknown_outcome": "fail"},
        [FAULT],
        "Codat answered 500. Codat says: '<customerName>' is odd.",
    ),
    "other digest": ((OTHER,), {}, [], "another payload for this customer"),
    "too old": (
        (OLD,),
        {"on_unknown_outcome": "fail"},
        [],
        "an earlier try may have created it",
    ),
    "unseen": (
        (),
        {"unseen_since": NOW - 60},
        [FAULT],
        "of which nothing was written down, may have sent it",
    ),
    "unseen, too old": (
        (),
        {"unseen_since": NOW - KEY_LIFETIME_SECONDS - 60},
        [],
        "of which nothing was written down, may have sent it, longer ago than",
    ),
}


@pytest.mark.parametrize("durable", [True, False])
@pytest.mark.parametrize(
    ("journal", "changes", "replies", "why"), UNKNOWNS.values(), ids=UNKNOWNS
)
def test_an_unknown_outcome_says_what_to_do(
    journal: tuple[Entry, ...],
    changes: dict[str, Any],
    replies: list[Answering],
    why: str,
    trying: Trying,
    *,
    durable: bool,
) -> None:
    """Why, what may exist, where to look, and what to say then: all of it is told."""
    trying.past(*journal)
    changes = {**changes, "durable": durable}
    unknown = raised_by(
        trying, OutcomeUnknown, [*replies, listed(OF_OTHERS)], **changes
    )
    assert isinstance(unknown, OutcomeUnknown)
    assert unknown.candidates == (STRANGER,)
    reason, _, advice = str(unknown).rpartition("\n")
    assert why in reason
    for part in (
        "A customer may exist, and it will not be sent again",
        f"Push operations that may have made it: {STRANGER}",
        "Codat's Portal (since 2026-0",
        f"idempotency key {KEYS[0]}",
    ):
        assert part in advice
    assert ("unknown_resolution" in advice) is durable
    again = "or clear it as it is, and the books are asked again"
    policy = changes.get("on_unknown_outcome", "reconcile")
    assert advice.endswith(again) is (durable and policy == "reconcile")
    assert ("new DAG run, and for it alone" in advice) is not durable


EARLIER = "This tells nothing of an earlier request, whose outcome is open"


@pytest.mark.parametrize(
    ("replies", "lines"),
    [
        pytest.param([no_answer, error(400)], [EARLIER], id="a refusal after silence"),
        pytest.param([no_answer, error(422)], [], id="another body after silence"),
        pytest.param([error(422)], [], id="another body"),
        pytest.param([no_answer, FAULT], [], id="Codat's fault after silence"),
    ],
)
def test_a_refusal_tells_nothing_of_an_earlier_request(
    replies: list[Answering], lines: list[str], trying: Trying
) -> None:
    """Codat's no would be misread without that: it is the silence that is unclear."""
    policy = {"on_unknown_outcome": "fail"}
    unknown = raised_by(trying, OutcomeUnknown, [*replies, EMPTY], **policy)
    _, *more, _ = str(unknown).split("\n")
    assert more == lines


@pytest.mark.parametrize(
    ("count", "end"),
    [pytest.param(5, "", id="5"), (6, " and 1 more"), (12, " and 7 more")],
)
def test_few_candidates_are_named(trying: Trying, count: int, end: str) -> None:
    """A message is for a person to read; the error has all of them."""
    keys = tuple(str(UUID(int=0xD000 + number)) for number in range(count))
    trying.past(OTHER)
    there = listed(*(pushed("Success", key) for key in keys))
    unknown = raised_by(trying, OutcomeUnknown, [there])
    assert isinstance(unknown, OutcomeUnknown)
    assert unknown.candidates == keys
    assert f"may have made it: {', '.join(keys[:5])}{end}. Look" in str(unknown)


def test_an_unrecorded_try_may_have_sent_it_at_any_time(trying: Trying) -> None:
    """When it may have begun is known, and not when it sent: till now all may be it."""
    replies = [listed(OF_OTHERS)]
    unknown = raised_by(trying, OutcomeUnknown, replies, unseen_since=NOW - 9999)
    assert isinstance(unknown, OutcomeUnknown)
    assert unknown.candidates == (STRANGER,)


def test_a_word_that_was_used_up_is_not_asked_for_again(trying: Trying) -> None:
    """Each resolution is obeyed once, so the next one has to read otherwise."""
    trying.past(INTENT, entry("5xx"))
    for clear_count, word in enumerate(
        ["not_created", "not_created:2", "not_created:3"], 1
    ):
        policy: dict[str, Any] = {
            "on_unknown_outcome": "fail",
            "clear_count": clear_count,
        }
        before = raised_by(trying, OutcomeUnknown, [EMPTY], **policy)
        assert f"the record's id, or {word})" in str(before)
        raised_by(trying, OutcomeUnknown, [FAULT, EMPTY], resolution=word, **policy)
        assert trying.happened[-3:] == [
            f"POST {clear_count}",
            f"5xx {clear_count}",
            "LIST",
        ]


def test_a_resolution_is_obeyed_once(trying: Trying) -> None:
    """The same words, left standing, do not create another one at the next Clear."""
    trying.past(INTENT, entry("5xx"))
    policy: dict[str, Any] = {"on_unknown_outcome": "fail", "resolution": "not_created"}
    raised_by(trying, OutcomeUnknown, [FAULT, EMPTY], clear_count=1, **policy)
    raised_by(trying, OutcomeUnknown, [EMPTY], clear_count=2, **policy)
    assert Counter(trying.happened)["resolution 0"] == 1
    assert Counter(trying.happened)["POST 2"] == 0


@pytest.mark.parametrize(
    ("journal", "replies", "operation"),
    [
        pytest.param((INTENT,), [], "", id="no operation"),
        pytest.param((INTENT, OP), [MISSING], OPERATION, id="an operation"),
    ],
)
def test_a_record_that_a_person_names_is_returned(
    journal: tuple[Entry, ...],
    replies: list[Answering],
    operation: str,
    trying: Trying,
) -> None:
    """It is returned as adopted, now and in every later try, and nothing is sent."""
    trying.past(*journal)
    done = trying(*replies, **RECORD_42)
    assert done == Done(
        {
            "push_operation_key": operation,
            "status": "Success",
            "record_id": "42",
            "company_id": COMPANY,
            "connection_id": CONNECTION,
            "warnings": [],
            "requested_at": "",
            "completed_at": None,
            "adopted": True,
        }
    )
    assert trying(**RECORD_42) == done
    assert trying(clear_count=2) == done
    assert trying.creates == []


def test_what_is_done_is_said_and_not_sent(
    trying: Trying, caplog: pytest.LogCaptureFixture
) -> None:
    """A later try returns what the first returned, and the log says that it does."""
    caplog.set_level(logging.INFO)
    trying.past(INTENT, OP, END)
    assert trying() == Done(RESULT)  # type: ignore[arg-type] # as far as it matters here
    assert "record 7; nothing is sent" in caplog.text


@pytest.mark.parametrize(
    ("journal", "replies", "record_id", "part"),
    [
        pytest.param((OTHER, END), [], "7", "made record 7", id="end"),
        pytest.param(
            (OTHER, replace(END, result={"record_id": None})),
            [],
            None,
            "(not named)",
            id="end without a record",
        ),
        pytest.param(
            (OTHER, OP), [at_codat("Success")], "7", "made record 7", id="op, Success"
        ),
        pytest.param((OTHER, OP), [OK], None, OPERATION, id="op, Pending"),
    ],
)
def test_another_payload_is_not_sent_over_the_first(
    journal: tuple[Entry, ...],
    replies: list[Answering],
    record_id: str | None,
    part: str,
    trying: Trying,
) -> None:
    """PayloadChanged names what the first payload became, and both ways out."""
    trying.past(*journal)
    changed = raised_by(trying, PayloadChanged, replies)
    assert isinstance(changed, PayloadChanged)
    assert changed.record_id == record_id
    for words in (part, "nothing was sent", "new DAG run", 'on_clear="create"'):
        assert words in str(changed)


def test_an_operation_that_codat_forgot_is_named(trying: Trying) -> None:
    """What was accepted may be a record: its operation is what a person looks for."""
    trying.past(INTENT, OP)
    unknown = raised_by(trying, OutcomeUnknown, [MISSING])
    assert isinstance(unknown, OutcomeUnknown)
    assert unknown.candidates == (OPERATION,)
    assert "was accepted, but cannot be asked for" in str(unknown)


# --- what came of it ---

ENDS: dict[str, tuple[Answering, list[str], type[CodatError] | None]] = {
    "Success": (at_codat("Success"), ["end 0"], None),
    "Success without a record": (at_codat("Success", changes=None), ["end 0"], None),
    "Pending": (at_codat(), [], None),
    "another word": (at_codat("UnderReview"), [], None),
    "failed cleanly": (FAILED, ["no 0"], PushFailed),
    "failed without a reason": (at_codat("Failed"), [], OutcomeUnknown),
    "failed with a record": (
        at_codat("Failed", changes=RECORD, **CLEAN),
        [],
        OutcomeUnknown,
    ),
    "TimedOut": (at_codat("TimedOut"), [], PushTimedOut),
}


@pytest.mark.parametrize(("reply", "happens", "end"), ENDS.values(), ids=ENDS)
def test_every_end_of_a_push_operation(
    reply: Answering,
    happens: list[str],
    end: type[CodatError] | None,
    trying: Trying,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Only success is written as an end, and only a clean failure as a no."""
    trying.past(INTENT, OP)
    written = trying(reply, clear_count=3)
    assert isinstance(written, Written)
    if end is None:
        result = trying.end(written, clear_count=3)
        assert result["push_operation_key"] == OPERATION
        assert result["adopted"] is False
    else:
        with pytest.raises(CodatError) as raised:
            trying.end(written, clear_count=3)
        assert type(raised.value) is end
        assert NAME not in str(raised.value)
        assert "Name" not in str(raised.value) or "<customerName>" in str(raised.value)
    check(trying, ["LOOK", *happens], caplog)
    if happens:
        assert trying.notes[-1].clear_count == 3
        assert trying.notes[-1].operation_key == OPERATION


def test_what_has_ended_is_returned_ever_after(trying: Trying) -> None:
    """A later try gets the very summary that the first one returned."""
    written = trying(accepted(status="Success", changes=RECORD), timeout_in_minutes=3)
    assert isinstance(written, Written)
    first = trying.end(written)
    assert first["record_id"] == "7"
    assert trying() == Done(first)
    assert [each.kind for each in trying.notes] == ["intent", "op", "end"]


def test_what_failed_cleanly_may_be_asked_for_anew(trying: Trying) -> None:
    """A later try has another key: the first one's answer would only be repeated."""
    written = trying(accepted(status="Failed", **CLEAN))
    assert isinstance(written, Written)
    with pytest.raises(PushFailed):
        trying.end(written)
    trying(OK)
    assert trying.happened == [*FIRST, "op 0", "no 0", *ONWARD]


@pytest.mark.parametrize("clear_count", [0, 1, 2])
def test_what_timed_out_is_never_sent_again(clear_count: int, trying: Trying) -> None:
    """TimedOut is asked for again in every later try, and answered by no new send."""
    trying.past(INTENT, OP)
    for policy in ("reconcile", "resend", "fail"):
        written = trying(
            at_codat("TimedOut"),
            clear_count=clear_count,
            on_clear="create",
            on_unknown_outcome=policy,
        )
        assert isinstance(written, Written)
        with pytest.raises(PushTimedOut):
            trying.end(written, clear_count)
    assert trying.happened == ["LOOK"] * 3


def test_what_was_adopted_says_so_for_ever(trying: Trying) -> None:
    """An adopted operation stays one in a later try, and in what the task returns."""
    trying.past(INTENT, replace(OP, because="adopted"))
    written = trying(at_codat("Success"))
    assert isinstance(written, Written)
    assert trying.end(written)["adopted"] is True
    done = trying()
    assert isinstance(done, Done)
    assert done.result["adopted"] is True


@pytest.mark.parametrize(
    ("reply", "end"),
    [
        pytest.param(at_codat("Failed", errorMessage="Moor"), OutcomeUnknown, id="odd"),
        pytest.param(
            at_codat("Failed", changes=RECORD, errorMessage="Moor", **CLEAN),
            OutcomeUnknown,
            id="with a record",
        ),
        pytest.param(at_codat("TimedOut"), PushTimedOut, id="TimedOut"),
    ],
)
def test_words_on_another_payload_are_not_shown(
    reply: Answering, end: type[CodatError], trying: Trying
) -> None:
    """Codat may quote a payload that is not at hand, so nothing of it is repeated."""
    trying.past(OTHER, OP)
    written = trying(reply)
    assert isinstance(written, Written)
    assert written.changed
    with pytest.raises(CodatError) as raised:
        trying.end(written)
    assert type(raised.value) is end
    assert "Moor" not in str(raised.value)
    assert NAME not in str(raised.value)


def test_warnings_on_another_payload_are_not_kept(trying: Trying) -> None:
    """What the journal keeps of another payload's end quotes nothing of it."""
    trying.past(OTHER, OP)
    warned = {"warnings": [{"message": "Moor is long"}]}
    raised_by(trying, PayloadChanged, [at_codat("Success", validation=warned)])
    assert trying.notes[-1].result["record_id"] == "7"
    assert "Moor" not in json.dumps(trying.notes[-1].to_json())


# --- keys and digests ---


def test_what_makes_another_payload() -> None:
    """Origin, company, connection and body count; time-out, key and try do not."""
    others = [
        replace(WRITE, base_url="https://codat.example"),
        replace(WRITE, destination=Destination(ELSEWHERE, CONNECTION)),
        replace(WRITE, destination=Destination(COMPANY, ELSEWHERE)),
        replace(WRITE, payload={**PAYLOAD, "phone": "1"}),
    ]
    assert len({SAME, *(each.digest() for each in others)}) == 5
    equal = [
        replace(
            WRITE, timeout_in_minutes=9, clear_count=4, resolution="7", durable=False
        ),
        replace(WRITE, key_of=lambda _: ELSEWHERE),
        replace(WRITE, payload=dict(reversed(PAYLOAD.items()))),
    ]
    assert {each.digest() for each in equal} == {SAME}
    assert NAME not in SAME


def test_a_write_is_what_it_was_made_of() -> None:
    """What was asked of it before changes neither what it equals, nor its requests."""
    asked, fresh = replace(WRITE), replace(WRITE)
    first = asked.request(KEYS[0])
    assert first.body == canonical(PAYLOAD)
    assert asked.digest() == SAME
    assert (asked, repr(asked)) == (fresh, repr(fresh))
    assert asked.request(KEYS[1]) == replace(first, idempotency_key=KEYS[1])
    other = replace(asked, timeout_in_minutes=7, payload={"customerName": "Moor"})
    assert other.request(KEYS[0]).body == b'{"customerName":"Moor"}'
    assert other.request(KEYS[0]).query == "timeoutInMinutes=7"


def test_keys_of_an_authors_key() -> None:
    """Generation 0 is the author's key verbatim; each later one has its own."""
    first = author_key(f" {ELSEWHERE.upper()} ")
    keys = [following_key(first, generation) for generation in range(4)]
    assert keys[0] == ELSEWHERE.upper()
    assert len({str(UUID(key)) for key in keys}) == 4
    assert keys == [following_key(first, generation) for generation in range(4)]
    assert following_key(COMPANY, 1) != following_key(CONNECTION, 1)


@pytest.mark.parametrize("reused", [False, True])
def test_a_key_that_was_used_before_may_answer_with_its_past(
    trying: Trying, *, reused: bool
) -> None:
    """Where somebody may have sent a key before, an operation of then is the one."""
    earlier = accepted(requestedOnUtc=utc_text(NOW - 80 * 60))
    if reused:
        trying(earlier, reused_key=True)
        assert trying.happened == [*FIRST, "op 0"]
    else:
        trying(earlier, OK)
        assert trying.happened == [*FIRST, "2xx 0", "POST 0", "op 0"]
