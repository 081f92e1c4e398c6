"""The laws of asking the books: what is ours, what not, and what nobody can tell."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from airflow_provider_codat.api.create.conclude import conclude
from airflow_provider_codat.api.create.intent import Done, Write, Written
from airflow_provider_codat.api.create.journal import MemoryJournal, Past
from airflow_provider_codat.api.create.reconcile import CompanyBooks
from airflow_provider_codat.api.create.search import CLAIMS, Claims, Finding, Search
from airflow_provider_codat.api.create.submit import submit
from airflow_provider_codat.api.data_types import CUSTOMERS
from airflow_provider_codat.api.errors import (
    CodatError,
    CodatFaulted,
    Malformed,
    OutcomeUnknown,
    RateLimited,
    StillInProgress,
    Unreachable,
)
from airflow_provider_codat.api.http.exchange import Patience, drive
from airflow_provider_codat.api.http.request import NoAnswer, Reply, Request, Response
from airflow_provider_codat.api.http.transport import Transport
from airflow_provider_codat.api.models import Destination
from airflow_provider_codat.api.payload.redaction import redactor
from airflow_provider_codat.simulator import LocalCodat
from airflow_provider_codat.simulator.clock import utc_text

if TYPE_CHECKING:
    from tests.api.conftest import MovableClock

COMPANY = "8a210b68-6988-11ed-a1eb-0242ac120002"
CONNECTION = "2e9d2c44-f675-40ba-8049-353bfcb5e171"
ELSEWHERE = "11111111-54c8-4e4c-9e0e-3a0f3f5d1c11"
DATASET = str(UUID(int=0xC001))
A, B, C, D = (str(UUID(int=number)) for number in (0xA, 0xB, 0xC, 0xD))
OWNER = f"of {A} and {B}"  # the one that may claim them in all tests of this process
NAME = "Fen Bakery"
PAYLOAD: dict[str, Any] = {"customerName": NAME, "status": "Active"}
NOW = 1_772_323_200.0
SKEW = 300.0

# --- what Codat answers ---


def answer(status: int, body: object = b"", **headers: object) -> Response:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): str(value) for name, value in headers.items()}
    return Response(status, named, data, NOW)


def pushed(
    key: str = A, status: str = "Success", record: str | None = None, **more: object
) -> dict[str, object]:
    """Return a push operation in a list; its record's id is the end of its key."""
    reference = {"id": record or key[-1], "dataType": "customers"}
    return {
        "pushOperationKey": key,
        "companyId": COMPANY,
        "dataConnectionKey": CONNECTION,
        "dataType": "customers",
        "requestedOnUtc": utc_text(NOW),
        "status": status,
        "changes": [{"type": "Created", "recordRef": reference}],
        **more,
    }


def listed(*operations: object) -> Response:
    return answer(200, {"results": operations, "_links": {}})


def pull(status: str = "Complete") -> Response:
    return answer(
        200,
        {
            "id": DATASET,
            "companyId": COMPANY,
            "connectionId": CONNECTION,
            "dataType": "customers",
            "status": status,
            "requested": utc_text(NOW),
            "isCompleted": status == "Complete",
            "isErrored": "Error" in status,
        },
    )


def record(name: str = NAME, **more: object) -> Response:
    return answer(200, {"customerName": name, "id": "a", **more})


MISSING = answer(404, {"error": "Unknown.", "correlationId": "x"})
FAULT = answer(500, {"error": "Down.", "correlationId": "x"})
NOTHING = NoAnswer("the connection broke")
CLEAN = {"changes": None, "validation": {"errors": [{"message": "No."}]}}
NO_RECORD: dict[str, Any] = {"changes": None}


def search(**changes: Any) -> Search:  # noqa: ANN401 - any field
    """Look for what was sent a minute ago."""
    made = Search(
        destination=Destination(COMPANY, CONNECTION),
        data_type=CUSTOMERS,
        payload=PAYLOAD,
        windows=((NOW - 60.0, NOW - 60.0),),
        ours=frozenset(),
        expected=frozenset(),
        owner=OWNER,
        claims=CLAIMS,
    )
    return replace(made, **changes)


class Asking:
    """Asks the books against a script, and keeps in order what was asked."""

    def __init__(self, clock: "MovableClock", patience: Patience) -> None:
        clock.advance(NOW - clock())
        self.clock = clock
        self.patience = patience
        self.asked: list[str] = []
        self._replies: list[Reply] = []

    def __call__(self, wanted: Search, *replies: Reply) -> Finding:
        self._replies = list(replies)
        asking = CompanyBooks(self.patience).reconcile(wanted)
        found = drive(asking, self.send, self.clock.sleep)
        assert not self._replies, f"{len(self._replies)} replies were not asked for"
        return found

    def candidates(self, wanted: Search, *replies: Reply) -> tuple[str, ...]:
        self._replies = list(replies)
        asking = CompanyBooks(self.patience).candidates(wanted)
        return drive(asking, self.send, self.clock.sleep)

    def send(self, request: Request) -> Reply:
        assert self._replies, f"nobody expected {request}"
        *_, above, last = request.path.split("/")
        words = {"customers": f"READ {last}", "history": "PULL", "queue": "REFRESH"}
        lists = {"push": "LIST", "history": "PULLS", "customers": "CUSTOMERS"}
        self.asked.append(words.get(above) or lists[last])
        return self._replies.pop(0)


@pytest.fixture
def asking(clock: "MovableClock", patience: Callable[..., Patience]) -> Asking:
    return Asking(clock, patience())


def fresh() -> str:
    """Return the key of an operation that no other test has claimed."""
    return str(uuid4())


# --- which operations may be ours ---

FITS: dict[str, tuple[dict[str, object], dict[str, Any], bool]] = {
    "ours": ({}, {}, True),
    "in another spelling": ({"dataType": "Customers"}, {}, True),
    "without a data type": ({"dataType": None}, {}, True),
    "of another connection": ({"dataConnectionKey": ELSEWHERE}, {}, False),
    "of another data type": ({"dataType": "suppliers"}, {}, False),
    "known already": ({}, {"ours": frozenset({A})}, False),
    "failed without a record": ({"status": "Failed", **CLEAN}, {}, False),
    "failed with a record": (
        {"status": "Failed", "validation": CLEAN["validation"]},
        {},
        True,
    ),
    "failed without a reason": ({"status": "Failed", **NO_RECORD}, {}, True),
    "TimedOut": ({"status": "TimedOut", **NO_RECORD}, {}, True),
    "Pending": ({"status": "Pending", **NO_RECORD}, {}, True),
    "another word": ({"status": "UnderReview", **NO_RECORD}, {}, True),
    "without a time that can be read": ({"requestedOnUtc": "yesterday"}, {}, True),
    "as early as clocks may differ": (
        {"requestedOnUtc": utc_text(NOW - 60 - SKEW)},
        {},
        True,
    ),
    "earlier": ({"requestedOnUtc": utc_text(NOW - 61 - SKEW)}, {}, False),
    "as late as clocks may differ": (
        {"requestedOnUtc": utc_text(NOW - 60 + SKEW)},
        {},
        True,
    ),
    "later": ({"requestedOnUtc": utc_text(NOW - 59 + SKEW)}, {}, False),
    "in the first of two windows": (
        {"requestedOnUtc": utc_text(NOW - 5000)},
        {"windows": ((NOW - 5000, NOW - 4000), (NOW - 60, NOW))},
        True,
    ),
    "between two windows": (
        {"requestedOnUtc": utc_text(NOW - 2000)},
        {"windows": ((NOW - 5000, NOW - 4000), (NOW - 60, NOW))},
        False,
    ),
}


@pytest.mark.parametrize(("other", "changes", "fits"), FITS.values(), ids=FITS)
def test_which_operations_may_be_ours(
    other: dict[str, object], changes: dict[str, Any], asking: Asking, *, fits: bool
) -> None:
    """Place, data type and time decide; what is known not to be ours drops out."""
    found = asking.candidates(search(**changes), listed({**pushed(A), **other}))
    assert found == ((A,) if fits else ())


def test_one_look_names_the_candidates(asking: Asking) -> None:
    """What a person is told of comes from one look; nothing is refreshed for it."""
    found = asking.candidates(search(), listed(pushed(A), pushed(B, "Pending")))
    assert found == (A, B)
    assert asking.asked == ["LIST"]


# --- what the books tell ---

STRANGERS, OURS = record("Moor"), record(NAME.upper())
REFRESH = ["LIST", "LIST", "REFRESH"]
Finds = tuple[list[dict[str, object]], list[Reply], list[str], str | None, int]

# What is listed; what is answered then; what is asked; ours, "" for nothing there, None
# for what cannot be told; how many candidates.
FOUND: dict[str, Finds] = {
    "nothing": ([], [], ["LIST", "LIST"], "", 0),
    "ours": ([pushed(A)], [pull(), OURS], [*REFRESH, "READ a"], A, 0),
    "a stranger's": ([pushed(A)], [pull(), STRANGERS], [*REFRESH, "READ a"], "", 0),
    "ours among strangers'": (
        [pushed(A), pushed(B)],
        [pull(), STRANGERS, OURS],
        [*REFRESH, "READ a", "READ b"],
        B,
        0,
    ),
    "all strangers'": (
        [pushed(A), pushed(B)],
        [pull(), STRANGERS, STRANGERS],
        [*REFRESH, "READ a", "READ b"],
        "",
        0,
    ),
    "two alike": (
        [pushed(A), pushed(B)],
        [pull(), OURS, OURS],
        [*REFRESH, "READ a", "READ b"],
        None,
        2,
    ),
    "ours, and one not in the books": (
        [pushed(A), pushed(B)],
        [pull(), OURS, MISSING],
        [*REFRESH, "READ a", "READ b"],
        None,
        2,
    ),
    "not in the books": ([pushed(A)], [pull(), MISSING], [*REFRESH, "READ a"], None, 1),
    "shortened": ([pushed(A)], [pull(), record("Fen")], [*REFRESH, "READ a"], None, 1),
    "a stranger's, and a shortened one": (
        [pushed(A), pushed(B)],
        [pull(), STRANGERS, record("Fen")],
        [*REFRESH, "READ a", "READ b"],
        None,
        1,
    ),
    "ours, and TimedOut": (
        [pushed(A), pushed(B, "TimedOut", **NO_RECORD)],
        [pull(), OURS],
        [*REFRESH, "READ a"],
        None,
        2,
    ),
    "TimedOut alone": (
        [pushed(A, "TimedOut", **NO_RECORD)],
        [],
        ["LIST", "LIST"],
        None,
        1,
    ),
    "failed with a record": ([pushed(A, "Failed")], [], ["LIST", "LIST"], None, 1),
    "failed without a record": (
        [pushed(A, "Failed", **CLEAN)],
        [],
        ["LIST", "LIST"],
        "",
        0,
    ),
    "succeeded without a record": (
        [pushed(A, **NO_RECORD)],
        [],
        ["LIST", "LIST"],
        None,
        1,
    ),
    "more than are asked for singly": (
        [pushed(key) for key in (A, B, C, D)],
        [
            *(pull(), listed({"id": "a", **PAYLOAD}, {"id": "b", "customerName": "x"})),
            *(STRANGERS, STRANGERS),
        ],
        [*REFRESH, "CUSTOMERS", "READ c", "READ d"],
        A,
        0,
    ),
    "a refresh that fails": (
        [pushed(A), pushed(B)],
        [pull("FetchError")],
        REFRESH,
        None,
        2,
    ),
    "a refresh that takes its time": (
        [pushed(A)],
        [pull("Fetching"), pull("Fetching"), pull(), OURS],
        [*REFRESH, "PULL", "PULL", "READ a"],
        A,
        0,
    ),
}


@pytest.mark.parametrize(
    ("entries", "replies", "asked", "ours", "unclear"), FOUND.values(), ids=FOUND
)
def test_what_the_books_tell(
    entries: list[dict[str, object]],
    replies: list[Reply],
    asked: list[str],
    ours: str | None,
    unclear: int,
    asking: Asking,
) -> None:
    """Adopted is the only one that is equal, and only where nothing is left unclear."""
    both = listed(*entries)
    found = asking(search(), both, both, *replies)
    assert asking.asked == asked
    assert found.nothing is (ours == "")
    assert (found.operation.key if found.operation else "") == (ours or "")
    assert len(found.candidates) == unclear
    assert bool(found.reason) is (not ours)


def test_a_failed_refresh_says_what_to_do(asking: Asking) -> None:
    """Why nobody can tell is passed on: it may be mended by a person."""
    both = listed(pushed(fresh()))
    found = asking(search(), both, both, pull("AuthError"))
    assert "AuthError" in found.reason
    assert "no longer authorised" in found.reason


def test_a_refresh_that_runs_already_is_not_enough(asking: Asking) -> None:
    """What started before may not have seen our record: another one is started."""
    busy = answer(
        409, {"error": "DatasetAlreadyInProgressException", "statusCode": 409}
    )
    running = json.loads(pull("Fetching").body)
    pulls = answer(200, {"results": [running], "_links": {}})
    both = listed(pushed(key := fresh(), record="a"))
    found = asking(search(), both, both, busy, pulls, pull(), pull(), OURS)
    assert asking.asked == [*REFRESH, "PULLS", "PULL", "REFRESH", "READ a"]
    assert found.operation is not None
    assert found.operation.key == key


# --- when the list counts ---


def test_two_looks_have_to_agree(asking: Asking) -> None:
    """A list that still changes is asked for again, after a pause that grows.

    What the first look lacked counts, when it is older than something it had.
    """
    key = fresh()
    known = pushed(fresh(), record="b", requestedOnUtc=utc_text(NOW - 10))
    late = pushed(key, record="a", requestedOnUtc=utc_text(NOW - 20))
    whole = listed(known, late)
    found = asking(search(), listed(known), whole, whole, pull(), OURS, STRANGERS)
    assert found.operation is not None
    assert found.operation.key == key
    assert asking.clock.waits[:2] == [1.0, 1.5]


def test_a_busy_company_comes_to_rest(asking: Asking) -> None:
    """What others create from the second look on is not ours: it is not even read."""
    key = fresh()
    ours = pushed(key, record="a", requestedOnUtc=utc_text(NOW - 20))
    newest = pushed(fresh(), record="b", requestedOnUtc=utc_text(NOW - 10))
    later = pushed(fresh(), record="c", requestedOnUtc=utc_text(NOW - 9))
    lists = [listed(ours), listed(newest, ours), listed(later, newest, ours)]
    found = asking(search(), *lists, pull(), OURS, STRANGERS)
    assert asking.asked == ["LIST", *REFRESH, "READ a", "READ b"]
    assert found.operation is not None
    assert found.operation.key == key


def test_a_status_that_changes_is_a_change(asking: Asking) -> None:
    """The same operation with another status is another list."""
    key = fresh()
    lists = [
        listed(pushed(key, "TimedOut", **NO_RECORD)),
        listed(pushed(key, record="a")),
        listed(pushed(key, record="a")),
    ]
    assert asking(search(), *lists, pull(), OURS).operation is not None


def test_a_list_that_does_not_come_to_rest(asking: Asking) -> None:
    """After six looks that differ it is given up for now: another try asks again."""
    lists = [listed(pushed(fresh())) for _ in range(6)]
    with pytest.raises(StillInProgress, match="not known yet"):
        asking(search(), *lists)
    assert asking.asked == ["LIST"] * 6


def test_the_last_look_may_still_agree(asking: Asking) -> None:
    """The sixth look counts as every other does."""
    lists = [listed(pushed(fresh())) for _ in range(4)]
    assert asking(search(), *lists, listed(), listed()).nothing


def test_a_list_without_what_we_know_is_stale(asking: Asking) -> None:
    """A list that lacks an operation of ours may lack the one that is looked for."""
    known = {"ours": frozenset({B}), "expected": frozenset({B})}
    whole = listed(pushed(B))
    assert asking(search(**known), listed(), listed(), whole).nothing
    assert len(asking.asked) == 3
    with pytest.raises(StillInProgress, match="does not come to rest"):
        asking(search(**known), *[listed()] * 6)
    assert len(asking.asked) == 9


def test_what_is_not_expected_need_not_be_listed(asking: Asking) -> None:
    """An operation of ours from before the search is no sign of a stale list."""
    assert asking(search(ours=frozenset({B})), listed(), listed()).nothing


@pytest.mark.parametrize(
    "looks",
    [
        1,
        4,
        8,
    ],
)
def test_pending_operations_are_waited_for(looks: int, asking: Asking) -> None:
    """What has not ended may become ours, so its end is waited for."""
    key = fresh()
    waiting = listed(pushed(key, "Pending", **NO_RECORD))
    ended = listed(pushed(key, record="a"))
    found = asking(search(), *[waiting] * looks, ended, ended, pull(), OURS)
    assert found.operation is not None
    assert asking.asked == [*["LIST"] * (looks + 2), "REFRESH", "READ a"]
    assert max(asking.clock.waits) <= 30.0


def test_a_pending_operation_that_fails_drops_out(asking: Asking) -> None:
    """A stranger's that is refused in the end was never ours."""
    key = fresh()
    waiting = listed(pushed(key, "Pending", **NO_RECORD))
    failed = listed(pushed(key, "Failed", **CLEAN))
    assert asking(search(), waiting, waiting, failed, failed).nothing


def test_what_stays_pending_cannot_be_told(asking: Asking) -> None:
    """After five minutes it is named as what a person has to look at."""
    key = fresh()
    waiting = listed(pushed(key, "Pending", **NO_RECORD))
    found = asking(search(), *[waiting] * 18)
    assert (found.operation, found.nothing, found.candidates) == (None, False, (key,))
    assert SKEW < sum(asking.clock.waits) < SKEW + 31.0


def test_a_list_that_changes_with_something_pending(asking: Asking) -> None:
    """Strangers who write all the time do not hold the search up for ever."""
    key = fresh()
    lists = [
        listed(pushed(key, "Pending", **NO_RECORD), pushed(fresh())) for _ in range(18)
    ]
    with pytest.raises(StillInProgress, match="does not come to rest"):
        asking(search(), *lists)
    assert len(asking.asked) == 18


def test_the_list_is_read_as_far_back_as_may_matter() -> None:
    """It begins before the first send, by as much as clocks may differ."""
    windows = ((NOW - 60.0, NOW), (NOW - 9000.0, NOW - 4000.0))
    assert search(windows=windows).since == NOW - 9000.0 - SKEW


@pytest.mark.parametrize(
    ("replies", "kind"),
    [
        pytest.param([NOTHING] * 5, Unreachable, id="no answer"),
        pytest.param([FAULT] * 5, CodatFaulted, id="Codat's fault"),
        pytest.param([answer(429, retry_after=600)], RateLimited, id="429"),
        pytest.param(
            [*[listed(pushed(A))] * 2, pull("Fetching"), *[pull("Fetching")] * 80],
            StillInProgress,
            id="a refresh without end",
        ),
    ],
)
def test_books_that_cannot_be_asked_may_be_asked_later(
    replies: list[Reply], kind: type[CodatError], asking: Asking
) -> None:
    """What only keeps us from asking is told as such: another try may ask again."""
    with pytest.raises(CodatError) as raised:
        asking(search(), *replies)
    assert type(raised.value) is kind


def test_an_entry_that_cannot_be_read_is_no_answer(asking: Asking) -> None:
    """It may be the one that is looked for, so the list cannot say that nothing is."""
    with pytest.raises(Malformed):
        asking(search(), listed({"status": "Success"}))


def test_a_short_outage_is_bridged(asking: Asking) -> None:
    """Each look is as patient as every GET is."""
    assert asking(search(), NOTHING, listed(), FAULT, listed()).nothing


# --- one operation, one owner ---


def test_an_operation_has_one_owner() -> None:
    """Who claims it first has it, again and again; nobody else gets it."""
    key = fresh()
    claims = Claims()
    assert claims.is_free(key, "one")
    assert claims.claim(key, "one")
    assert claims.claim(key, "one")
    assert not claims.claim(key, "other")
    assert claims.is_free(key, "one")
    assert not claims.is_free(key, "other")
    assert claims.claim(fresh(), "other")


def test_an_operation_is_adopted_once(asking: Asking) -> None:
    """What one intent has is no candidate of another one; of its own it stays one."""
    both = listed(pushed(fresh(), record="a"))
    first, second = search(owner=fresh()), search(owner=fresh())
    assert asking(first, both, both, pull(), OURS).operation is not None
    assert asking(second, both, both).nothing
    assert asking(first, both, both, pull(), OURS).operation is not None


def test_an_operation_that_is_claimed_meanwhile_is_not_shared(asking: Asking) -> None:
    """Of two intents that find the same one at the same time, the first one has it."""
    key, owner = fresh(), fresh()
    both = listed(pushed(key, record="a"))
    conversation = CompanyBooks(asking.patience).reconcile(search(owner=owner))
    replies = [both, both, pull(), OURS]

    def send(_request: Request) -> Reply:
        if len(replies) == 1:
            assert CLAIMS.claim(key, "another")
        return replies.pop(0)

    found = drive(conversation, send, asking.clock.sleep)
    assert (found.operation, found.candidates) == (None, (key,))


# --- against a whole Codat ---


class Task:
    """One task that creates one customer in a simulated Codat, try after try."""

    def __init__(
        self, codat: LocalCodat, clock: "MovableClock", sender: Transport
    ) -> None:
        self.codat = codat
        self.clock = clock
        self.sender = sender
        self.journal = MemoryJournal()
        self.keys = [fresh() for _ in range(5)]
        self.payload = PAYLOAD

    def sleep(self, seconds: float) -> None:
        self.clock.sleep(seconds)
        self.codat.advance(seconds=seconds)

    def send(self, request: Request) -> Reply:
        reply = self.sender.send(request)
        if isinstance(reply, Response):
            return replace(reply, received_at=self.clock())
        return reply

    def __call__(self, patience: Patience, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any field
        write = Write(
            base_url="http://local",
            destination=Destination(self.codat.company_id, self.codat.connection_id),
            data_type=CUSTOMERS,
            payload=self.payload,
            key_of=self.keys.__getitem__,
            redact=redactor(self.payload),
            durable=True,
        )
        write = replace(write, **changes)
        past = Past(self.journal.read())
        done: Written | Done = drive(
            submit(write, past, patience),
            self.send,
            self.sleep,
            note=self.journal.append,
        )
        if isinstance(done, Done):
            return dict(done.result)
        ending = conclude(
            done, patience, redact=write.redact, clear_count=write.clear_count
        )
        return dict(drive(ending, self.send, self.sleep, note=self.journal.append))

    @property
    def kinds(self) -> list[str]:
        return [f"{each.kind} {each.generation}" for each in self.journal.read()]

    @property
    def creates(self) -> list[str | None]:
        return [
            each.idempotency_key
            for each in self.codat.journal()
            if each.method == "POST" and each.path.endswith("/push/customers")
        ]


@pytest.fixture
def task(
    codat: LocalCodat, clock: "MovableClock", transport: Callable[..., Transport]
) -> Task:
    return Task(codat, clock, transport(codat.url, read_timeout_seconds=20))


LONG_LOST: dict[str, int] = {"count": 99}
# What is ordered; the entries that are written; how many creates; whether adopted.
LOST: dict[str, tuple[list[tuple[str, dict[str, Any]]], list[str], int, bool]] = {
    "nothing": ([], ["intent 0", "op 0", "end 0"], 1, False),
    "Codat's fault after": (
        [("codat_error_after_commit", {})],
        ["intent 0", "5xx 0", "op 0", "end 0"],
        1,
        True,
    ),
    "Codat's fault before": (
        [("codat_error_before_commit", {})],
        ["intent 0", "5xx 0", "intent 1", "op 1", "end 1"],
        2,
        False,
    ),
    "Codat's fault before, twice": (
        [("codat_error_before_commit", {"count": 2})],
        ["intent 0", "5xx 0", "intent 1", "5xx 1", "intent 2", "op 2", "end 2"],
        3,
        False,
    ),
    "Codat's fault before, then after": (
        [("codat_error_before_commit", {}), ("codat_error_after_commit", {})],
        ["intent 0", "5xx 0", "intent 1", "5xx 1", "op 1", "end 1"],
        2,
        True,
    ),
    "silence, then Codat's fault from the memory": (
        [("reset_after_commit", {})],
        ["intent 0", "op 0", "end 0"],
        2,
        False,
    ),
    "always junk": (
        [("junk_body", LONG_LOST)],
        ["intent 0", "2xx 0", "2xx 0", "2xx 0", "op 0", "end 0"],
        3,
        True,
    ),
}


@pytest.mark.parametrize(
    ("orders", "kinds", "creates", "adopted"), LOST.values(), ids=LOST
)
def test_one_record_and_it_is_known_which(
    orders: list[tuple[str, dict[str, Any]]],
    kinds: list[str],
    creates: int,
    task: Task,
    patience: Callable[..., Patience],
    *,
    adopted: bool,
) -> None:
    """However the answer is lost, one record appears, and it is the one returned."""
    for kind, fields in orders:
        task.codat.order(kind, **fields)
    result = task(patience())
    (only,) = task.codat.ledger()
    assert result["record_id"] == only.record_id
    assert result["push_operation_key"] == only.push_operation_key
    assert result["adopted"] is adopted
    assert task.kinds == kinds
    assert len(task.creates) == creates
    assert NAME not in json.dumps([each.to_json() for each in task.journal.read()])


@pytest.mark.parametrize("style", ["verbatim", "trimmed", "upper", "split"])
def test_whatever_the_software_makes_of_a_name(
    style: Any,  # noqa: ANN401 - a literal
    clock: "MovableClock",
    patience: Callable[..., Patience],
    transport: Callable[..., Transport],
) -> None:
    """A record is known as ours in the spelling of the software, among strangers'."""
    with LocalCodat(
        settle_seconds=5,
        requests_per_minute=None,
        daily_quota=None,
        software_style=style,
    ) as codat:
        task = Task(codat, clock, transport(codat.url))
        task.payload = {**PAYLOAD, "customerName": "  Fen  Bakery & Söhne "}
        codat.stranger_pushes({"customerName": "Moor Bakery", "status": "Active"})
        codat.stranger_pushes(PAYLOAD | {"customerName": "Marsh"}, outcome="fail")
        codat.order("codat_error_after_commit")
        result = task(patience())
        (ours,) = [each for each in codat.ledger() if not each.stranger]
        assert (result["record_id"], result["adopted"]) == (ours.record_id, True)
        assert len(task.creates) == 1


@pytest.mark.parametrize(
    "seconds",
    [
        5,
        64,
        120,
    ],
)
def test_software_that_takes_its_time(
    seconds: float,
    clock: "MovableClock",
    patience: Callable[..., Patience],
    transport: Callable[..., Transport],
) -> None:
    """An operation that ends within five minutes of the look is found to be ours."""
    with LocalCodat(
        settle_seconds=seconds, requests_per_minute=None, daily_quota=None
    ) as codat:
        task = Task(codat, clock, transport(codat.url))
        codat.order("codat_error_after_commit")
        assert task(patience())["adopted"] is True
        assert len(codat.ledger()) == 1


def test_a_stranger_who_writes_the_same_leaves_it_unknown(
    task: Task, patience: Callable[..., Patience]
) -> None:
    """Two equal records of that time: neither is adopted, and no third is made."""
    task.codat.stranger_pushes(PAYLOAD)
    task.codat.order("codat_error_after_commit")
    with pytest.raises(OutcomeUnknown) as unknown:
        task(patience())
    assert set(unknown.value.candidates) == {
        each.push_operation_key for each in task.codat.ledger()
    }
    assert len(task.codat.ledger()) == 2
    assert len(task.creates) == 1


def test_what_was_typed_in_is_nobodys_push(
    task: Task, patience: Callable[..., Patience]
) -> None:
    """A record without a push operation is not taken for the one that we sent."""
    task.codat.typed_in(PAYLOAD)
    task.codat.order("codat_error_before_commit")
    result = task(patience())
    (ours,) = [each for each in task.codat.ledger() if not each.stranger]
    assert result["record_id"] == ours.record_id
    assert result["adopted"] is False


def test_a_later_try_finds_what_an_earlier_one_made(
    task: Task, patience: Callable[..., Patience]
) -> None:
    """After more than an hour the key is not sent again, and the books tell."""
    task.codat.order("reset_after_commit", count=99)
    with pytest.raises(Unreachable):
        task(patience())
    task.codat.clear_misfortunes()
    task.sleep(80 * 60)
    result = task(patience())
    assert result["adopted"] is True
    assert [result["record_id"]] == [each.record_id for each in task.codat.ledger()]
    assert len(set(task.creates)) == 1


def test_a_later_try_creates_what_no_earlier_one_made(
    task: Task, patience: Callable[..., Patience]
) -> None:
    """What never arrived is sent under a new key, once the books show nothing of it."""
    task.codat.order("reset_before_commit", count=99)
    with pytest.raises(Unreachable):
        task(patience())
    task.codat.clear_misfortunes()
    task.sleep(80 * 60)
    result = task(patience())
    assert result["adopted"] is False
    assert task.kinds == ["intent 0", "intent 1", "op 1", "end 1"]
    assert [result["record_id"]] == [each.record_id for each in task.codat.ledger()]


def test_a_list_that_lags_within_the_grace_is_waited_for(
    clock: "MovableClock",
    patience: Callable[..., Patience],
    transport: Callable[..., Transport],
) -> None:
    """What Codat lists late, but within the grace, is found all the same."""
    with LocalCodat(
        settle_seconds=0,
        requests_per_minute=None,
        daily_quota=None,
        list_lag_seconds=55,
    ) as codat:
        task = Task(codat, clock, transport(codat.url))
        codat.order("codat_error_after_commit")
        assert task(patience())["adopted"] is True
        assert len(codat.ledger()) == 1


@pytest.mark.parametrize("adopted", [False, True])
def test_two_equal_intents_do_not_share_a_record(
    task: Task, patience: Callable[..., Patience], *, adopted: bool
) -> None:
    """Two tasks with equal payloads are two intents: each of them gets its own."""
    if adopted:
        task.codat.order("codat_error_after_commit")
    assert task(patience())["adopted"] is adopted
    other = Task(task.codat, task.clock, task.sender)
    task.codat.order("codat_error_before_commit")
    second = other(patience())
    assert second["adopted"] is False
    first, last = task.codat.ledger()
    assert second["record_id"] == last.record_id != first.record_id


def test_a_clear_that_asks_for_another_creates_another(
    task: Task, patience: Callable[..., Patience]
) -> None:
    """Reuse returns what is there; create makes one more, and each Clear only one."""
    first = task(patience())
    assert task(patience(), clear_count=1) == first
    second = task(patience(), clear_count=1, on_clear="create")
    assert task(patience(), clear_count=1, on_clear="create") == second
    ids = [each.record_id for each in task.codat.ledger()]
    assert ids == [first["record_id"], second["record_id"]]


def test_a_new_generation_does_not_adopt_an_older_one(
    task: Task, patience: Callable[..., Patience]
) -> None:
    """What an earlier generation became is ours already, and not the one looked for."""
    first = task(patience())
    task.codat.order("codat_error_before_commit")
    second = task(patience(), clear_count=1, on_clear="create")
    assert second["adopted"] is False
    assert second["record_id"] != first["record_id"]
    assert len(task.codat.ledger()) == 2
