"""The laws of an update: the latest values win, and what is said of it is true.

The second half lets Hypothesis decide what goes wrong with a model of Codat's PUT and
DELETE. One task of one DAG run wants one record, of any data type, to have certain
values, or to be gone; it is retried, cleared, and killed at any step; its author
changes the values, and others write, too. The laws, which broken ones name by number:

1. Who is told of a success finds the values in the record at that time, or others wrote
   over them since.
2. Once a payload was sent, no earlier one of the task is written any more, unless
   Codat had stopped waiting for it, and a person has cleared the task since.
3. Who is told that nothing was changed is told the truth, then and for ever.
4. There is never more than one request of a try under way, and each is preceded by an
   intent with its digest that is kept.
"""

import heapq
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import count
from typing import Any

import codat_model as model
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_codat.api.books.comparison import compared
from airflow_provider_codat.api.create.intent import Done
from airflow_provider_codat.api.create.journal import Entry, Past, entry_of
from airflow_provider_codat.api.create.settle import settle
from airflow_provider_codat.api.data_types import CUSTOMERS, DATA_TYPES, DataType
from airflow_provider_codat.api.errors import CodatError
from airflow_provider_codat.api.http.exchange import (
    Conversation,
    DeferrablePause,
    Note,
    Patience,
    Pause,
    Send,
    Turn,
)
from airflow_provider_codat.api.http.request import (
    NoAnswer,
    Reply,
    Request,
    Response,
    update,
)
from airflow_provider_codat.api.http.retry import Answer, Sends, Verdict, after_update
from airflow_provider_codat.api.models import Destination, Json, Summary
from airflow_provider_codat.api.pace.rate_limit import Pace
from airflow_provider_codat.api.update.intent import Delete, Update
from airflow_provider_codat.api.update.journal import Calls, Move
from airflow_provider_codat.api.update.submit import conclude_update, submit_update

COMPANY, CONNECTION, START = model.COMPANY, model.CONNECTION, model.START
PLACE = Destination(COMPANY, CONNECTION)


# --- the request

REQUESTS = {
    "plain": ("7", {}, "/7", ""),
    "forced": ("7", {"force": True}, "/7", "forceUpdate=true"),
    "in time": ("7", {"timeout_in_minutes": 5}, "/7", "timeoutInMinutes=5"),
    "an odd id": ("a/b c?", {}, "/a%2Fb%20c%3F", ""),
}


@pytest.mark.parametrize("case", REQUESTS)
def test_the_request(case: str) -> None:
    """A PUT names the record in its path, whatever it is called, and has no key."""
    record, options, end, query = REQUESTS[case]
    request = update(PLACE, CUSTOMERS, record, b"{}", **options)
    above = f"/companies/{COMPANY}/connections/{CONNECTION}/push/customers"
    assert (request.method, request.path) == ("PUT", above + end)
    assert (request.query, request.idempotency_key) == (query, None)


# --- the table

REPEAT, LATER, ACCEPT = Verdict.REPEAT, Verdict.REPEAT_LATER, Verdict.ACCEPT
REFUSE, UNKNOWN = Verdict.REFUSE, Verdict.UNKNOWN
# Statuses; readable; verdict on a first send, and after one whose outcome is open.
TABLE = [
    ({*range(100, 400)} - {*range(200, 300)}, False, REPEAT, REPEAT),
    ({*range(200, 300)}, True, ACCEPT, ACCEPT),
    ({*range(200, 300)}, False, REPEAT, REPEAT),
    ({*range(400, 500)} - {408, 429}, False, REFUSE, UNKNOWN),
    ({408}, False, REPEAT, REPEAT),
    ({429}, False, LATER, LATER),
    ({*range(500, 600)}, False, REPEAT, REPEAT),
]


def test_every_answer_to_an_update() -> None:
    """A PUT is repeated while nothing is known; a refusal counts on a first send."""
    assert sorted(set().union(*(row[0] for row in TABLE))) == list(range(100, 600))
    for statuses, readable, first, later in TABLE:
        for status in statuses:
            for own in (True, False):
                answer = Answer(status, readable=readable, codats_own=own)
                assert after_update(answer, Sends()) is first, answer
                assert after_update(answer, Sends(unresolved=True)) is later, answer
    for sent in (True, False):
        assert after_update(Answer(None, sent=sent), Sends()) is REPEAT


def test_an_update_that_is_answered_unreadably_is_repeated_twice() -> None:
    """After two repetitions a 2xx that cannot be read leaves the outcome open."""
    answer, sends, verdicts = Answer(200), Sends(), []
    for _ in range(3):
        verdicts.append(after_update(answer, sends))
        sends = sends.answered(answer)
    assert verdicts == [REPEAT, REPEAT, UNKNOWN]


# --- the comparison

FULL: dict[str, Json] = {
    "customerName": "Fen Bakery Ltd.",
    "phone": "+44 20 7946 0000",
    "status": "Active",
    "addresses": [
        {"type": "Billing", "line1": "1 High Street", "city": "Ely"},
        {"type": "Delivery", "line1": "9 Dock Road"},
    ],
}
BILLING, DELIVERY = FULL["addresses"]  # type: ignore[misc] # the list above
COMPARED: dict[str, tuple[dict[str, Json], dict[str, tuple[str, ...]]]] = {
    "the same": (FULL, {}),
    "more than was asked for": ({**FULL, "id": "7", "taxNumber": "GB1"}, {}),
    "in another order": ({**FULL, "addresses": [DELIVERY, BILLING]}, {}),
    "respelt": (
        {**FULL, "customerName": "FEN BAKERY LTD"},
        {"respelt": ("customerName",)},
    ),
    "another name": (
        {**FULL, "customerName": "Contoso"},
        {"differing": ("customerName",)},
    ),
    "cut": ({**FULL, "customerName": "Fen Bakery"}, {"unclear": ("customerName",)}),
    "archived": ({**FULL, "status": "Archived"}, {"differing": ("status",)}),
    "of no known status": ({**FULL, "status": "Unknown"}, {"unclear": ("status",)}),
    "without a phone": ({**FULL, "phone": None}, {"unclear": ("phone",)}),
    "without addresses": ({**FULL, "addresses": []}, {"unclear": ("addresses",)}),
    "another city": (
        {**FULL, "addresses": [{**BILLING, "city": "Leeds"}, DELIVERY]},
        {"differing": ("addresses[0].city",)},
    ),
    "an address less": (
        {**FULL, "addresses": [BILLING]},
        {"unclear": ("addresses",)},
    ),
    "an address more": (
        {**FULL, "addresses": [BILLING, DELIVERY, {"type": "Unknown"}]},
        {"unclear": ("addresses",)},
    ),
    "two of one type": (
        {**FULL, "addresses": [BILLING, {**BILLING, "line1": "2"}]},
        {"unclear": ("addresses",)},
    ),
    "something else entirely": ({**FULL, "phone": ["1"]}, {"unclear": ("phone",)}),
}


@pytest.mark.parametrize("case", COMPARED)
def test_a_record_is_compared_value_by_value(case: str) -> None:
    """What is the same, respelt or different is told by path; the rest is unclear."""
    record, expected = COMPARED[case]
    found = compared(FULL, record)
    told = {n: getattr(found, n) for n in ("respelt", "differing", "unclear")}
    assert {name: paths for name, paths in told.items() if paths} == expected
    assert found.matches(respelt=False) is (not expected)
    assert found.matches(respelt=True) is (expected.keys() <= {"respelt"})


NOT_COMPARED = {
    "id": "other",
    "metadata": {"isDeleted": True},
    "modifiedDate": "2020-01-01",
    "sourceModifiedDate": "2020-01-01",
    "supplementalData": {"content": {"a": {"b": 1}}},
}


@pytest.mark.parametrize("name", NOT_COMPARED)
def test_what_an_update_does_not_change_is_not_compared(name: str) -> None:
    """Read-only properties, the id and supplemental data say nothing of an update."""
    payload = {**FULL, name: NOT_COMPARED[name]}
    assert compared(payload, FULL).matches(respelt=False)


@pytest.mark.parametrize("payload", [{}, None, {"id": "7"}, []], ids=repr)
def test_a_payload_without_values_is_never_found(payload: Json) -> None:
    """Where nothing can be compared, nothing is called done."""
    assert not compared(payload, FULL).matches(respelt=True)


# --- the journal


def call(*since: Entry, number: int = 0, digest: str = "A", at: float = 0.0) -> Any:  # noqa: ANN401 - entries
    return [Entry("intent", number, at, digest=digest), *since]


END, NO, OP = (Entry("end", 0, 1.0), Entry("no", 0, 1.0), Entry("op", 0, 1.0))
MOVES: dict[str, tuple[list[Entry], Move]] = {
    "nothing": ([], Move.SEND),
    "no answer": (call(), Move.SEND),
    "accepted": (call(OP), Move.POLL),
    "refused": (call(NO), Move.SEND),
    "failed": (call(OP, NO), Move.SEND),
    "done": (call(OP, END), Move.RETURN),
    "done with other values": (call(OP, END, digest="B"), Move.SEND),
    "done, and cleared": (call(OP, replace(END, clear_count=1)), Move.SEND),
    "done, but others since": (
        call(OP, END) + call(number=1, digest="B"),
        Move.SEND,
    ),
}


@pytest.mark.parametrize("case", MOVES)
def test_how_an_update_goes_on(case: str) -> None:
    """What is done is returned, what was accepted is asked for, the rest is sent."""
    entries, move = MOVES[case]
    assert Calls(entries).next_move("A", 0) is move


# --- Codat's PUT, in a time of its own

VALUES = ("Alder", "Birch", "Cedar")
GONE = ""
"""What stands in the place of a record that was deleted."""
UPDATED = [row for row in DATA_TYPES.values() if row.can_update]
DELETED = [row for row in DATA_TYPES.values() if row.can_delete]
STRANGERS = ("Dogwood", "Alder")
PAYLOAD_CHANGED = "The record has changed: pull it first."
SHOWN: dict[str, Callable[[str], Json]] = {
    "gives back what it got": str,
    "upper-cases": str.upper,
    "does not show it": lambda _: None,
}
ODD = {
    "408": (408, b""),
    "gateway": (502, b"<html>"),
    "500": (500, b'{"statusCode": 500, "error": "No."}'),
    "junk": (200, b"<html>"),
    "redirect": (302, b""),
}


@dataclass
class Push:
    """A push operation that changes the record.

    :param sent_at: when its request was sent; of a stranger's, -1.
    """

    key: str
    value: str
    sent_at: float
    requested: float
    status: str = "Pending"
    errors: tuple[str, ...] = ()

    def to_json(self, data_type: str) -> dict[str, Json]:
        errors: list[Json] = [{"itemId": "", "message": e} for e in self.errors]
        done = self.status == "Success"
        reference: Json = {"dataType": data_type, "id": "7"}
        kind = "Modified" if self.value else "Deleted"
        changes: Json = [{"type": kind, "recordRef": reference}]
        return {
            "pushOperationKey": self.key,
            "companyId": COMPANY,
            "dataConnectionKey": CONNECTION,
            "dataType": data_type,
            "requestedOnUtc": moment(self.requested),
            "status": self.status,
            "statusCode": 200,
            "changes": changes if done else None,
            "validation": {"errors": errors, "warnings": []},
        }


@dataclass(frozen=True)
class Writing:
    """A value that came into the books.

    :param sent_at: when its request was sent; of a stranger's, -1.
    :param given_up: whether Codat had stopped waiting for it.
    """

    at: float
    value: str
    sent_at: float
    given_up: bool = False


def moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


class Codat:
    """Codat's PUT, its push history, its copy, and the one record."""

    def __init__(self, chance: Any, row: DataType) -> None:  # noqa: ANN401 - a Chance
        self.now = START
        self.row = row
        self.chance = chance
        self.pushes: list[Push] = []
        self.writings = [Writing(START, "Zelkova", -1.0)]
        self.sent: list[tuple[float, str]] = []
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self._shown = SHOWN[chance("the software", *SHOWN)]
        self._copied, self._copied_at = "Zelkova", START
        self._pull: dict[str, Json] | None = None

    def at(self, when: float, happens: Callable[[], None]) -> None:
        heapq.heappush(self._due, (when, next(self._numbers), happens))

    def wait(self, seconds: float) -> None:
        until = self.now + seconds
        while self._due and self._due[0][0] <= until:
            when, _, happens = heapq.heappop(self._due)
            self.now = max(self.now, when)
            happens()
        self.now = until

    def write(self, value: str, sent_at: float, *, given_up: bool = False) -> None:
        if not self.is_gone:
            self.writings.append(Writing(self.now, value, sent_at, given_up))

    @property
    def is_gone(self) -> bool:
        return self.writings[-1].value == GONE

    def answer(self, request: Request) -> Reply:
        if request.method in {"PUT", "DELETE"}:
            return self._change(request)
        if request.method == "POST":
            return self._refresh()
        odd = self.chance("the answer to a GET", *["whole"] * 12, "none", "408")
        if odd == "none":
            return NoAnswer("a reset")
        return self._odd(odd) if odd in ODD else self._read(request)

    def _change(self, request: Request) -> Reply:
        deletes = request.method == "DELETE"
        value = GONE if deletes else str(json.loads(request.body or b"")["note"])
        forced = deletes or "forceUpdate=true" in request.query
        self.sent.append((self.now, value))
        arrives = partial(self._accept, value, forced, self.now)
        often = (*["whole"] * 4, "none", "none", "refused connection", "429", "400")
        odd = self.chance("the answer to the PUT", *often, *ODD)
        match odd:
            case "whole":
                if self.is_gone and self.chance.perhaps("404 for what is gone"):
                    return self._reply(404, {"statusCode": 404, "error": "Gone."})
                push = arrives()
                return self._reply(200, push.to_json(self.row.name))
            case "refused connection":
                return NoAnswer("refused", sent=False)
            case "429":
                wait = self.chance("Retry-After", 1, 200, 5000)
                return self._reply(429, {}, {"retry-after": str(wait)})
            case "400":
                return self._reply(400, {"statusCode": 400, "error": PAYLOAD_CHANGED})
        when = self.chance("it arrives", "now", "never", "late", "late")
        # What has an answer does not act after it.
        if when == "late" and odd != "500":
            seconds = self.chance("acts after", 5.0, 100.0, 600.0)
            self.at(self.now + seconds, lambda: bool(arrives()))
        elif when != "never":
            arrives()
        return NoAnswer("a reset") if odd == "none" else self._odd(odd)

    def _accept(self, value: str, forced: bool, sent_at: float) -> Push:
        push = Push(model.new_uuid(), value, sent_at, self.now)
        self.pushes.append(push)
        fates = (*["succeeds"] * 5, "is refused", "fails", "fails, and writes")
        fate = self.chance("the operation", *fates, "times out", "times out, and lands")
        seconds = self.chance("and ends after", 1.0, 40.0, 250.0, 2000.0)
        self.at(self.now + seconds, partial(self._end, push, fate, forced))
        return push

    def _end(self, push: Push, fate: str, forced: bool) -> None:
        changed = self.writings[-1].at > self._copied_at and not forced
        if self.is_gone and fate == "succeeds":
            push.status, push.errors = "Failed", ("There is no such record.",)
        elif fate == "succeeds" and not changed:
            push.status = "Success"
            self.write(push.value, push.sent_at)
        elif fate in {"succeeds", "is refused"}:
            push.status, push.errors = "Failed", (PAYLOAD_CHANGED,)
        elif fate.startswith("times out"):
            push.status = "TimedOut"
            if fate.endswith("lands"):
                late = partial(self.write, push.value, push.sent_at, given_up=True)
                self.at(self.now + 900, late)
        else:
            push.status = "Failed"
            if fate.endswith("writes"):
                self.write(push.value, push.sent_at)

    def _refresh(self) -> Reply:
        pull: dict[str, Json] = {
            "id": model.new_uuid(),
            "companyId": COMPANY,
            "connectionId": CONNECTION,
            "dataType": self.row.name,
            "status": "Complete",
            "requested": moment(self.now),
            "isCompleted": True,
            "isErrored": False,
        }
        self._pull = pull
        self._copied, self._copied_at = self.writings[-1].value, self.now
        return self._reply(200, pull)

    def _read(self, request: Request) -> Reply:
        *_, above, last = request.path.split("/")
        match above, last:
            case _, "push":
                name = self.row.name
                results: list[Json] = [p.to_json(name) for p in reversed(self.pushes)]
                return self._reply(200, {"results": results, "_links": {}})
            case "push", key:
                found = next(p for p in self.pushes if p.key == key)
                return self._reply(200, found.to_json(self.row.name))
            case "history", _:
                return self._reply(200, self._pull)
        if self._copied == GONE and self.chance.perhaps("the copy forgets it"):
            return self._reply(404, {"statusCode": 404, "error": "No such record."})
        record = {"id": "7", "note": self._shown(self._copied), "status": "Active"}
        metadata: Json = {"isDeleted": self._copied == GONE}
        return self._reply(200, {**record, "metadata": metadata})

    def _odd(self, kind: str) -> Response:
        status, body = ODD[kind]
        return Response(status, {}, body, self.now)

    def _reply(
        self, status: int, body: Json, headers: dict[str, str] | None = None
    ) -> Response:
        return Response(status, headers or {}, json.dumps(body).encode(), self.now)


# --- the task, and what befalls it


@dataclass(frozen=True)
class Claim:
    """What a try has told: that it succeeded, or that nothing was changed."""

    at: float
    value: str
    since: float


def _ended(entry: Entry, latest: int) -> bool:
    """Whether an entry tells what came of a call; of one before the latest, if not."""
    return entry.kind == "end" or (entry.kind == "no" and entry.generation < latest)


class Story:
    """One update, or one delete, from its first try to the end."""

    def __init__(self, chance: Any) -> None:  # noqa: ANN401 - a Chance
        self.chance = chance
        self.deletes = chance("the wish", "an update", "a delete") == "a delete"
        names = [row.name for row in (DELETED if self.deletes else UPDATED)]
        self.codat = Codat(chance, DATA_TYPES[chance("the data type", *names)])
        self.entries: list[Entry] = []
        self.number = self.clear_count = 0
        self.value = GONE if self.deletes else VALUES[0]
        self.force = chance.perhaps("force_update")
        self.may_defer = chance.perhaps("may rest")
        self.nothing_changed: list[Claim] = []
        self.cleared: list[float] = []
        self._steps = 0
        for _ in range(chance("strangers", 0, 1, 2)):
            after = chance("a stranger comes after", 0.5, 30.0, 700.0)
            self.codat.at(START + after, self._stranger)

    def _stranger(self) -> None:
        other = GONE if self.deletes else STRANGERS[1]
        value = self.chance("a stranger writes", STRANGERS[0], other)
        if self.chance.perhaps("through Codat"):
            push = Push(model.new_uuid(), value, -1.0, self.codat.now, "Success")
            self.codat.pushes.append(push)
        self.codat.write(value, -1.0)

    def tell(self) -> None:
        self._run_try()
        for _ in range(self.chance("further tries", 0, 1, 2, 3)):
            waits = (1.0, 250.0, 650.0, 3000.0)
            self.codat.wait(self.chance("later by", *waits))
            if self.chance.perhaps("cleared"):
                self.clear_count += 1
                self.cleared.append(self.codat.now)
            if not self.deletes:
                same = (self.value, self.value)
                self.value = self.chance("the values", *same, *VALUES)
            self._run_try()
        self.codat.wait(86_400)
        self.check_order()
        self.check_claims()

    def _run_try(self) -> None:
        self.number += 1
        self._tell(f"try {self.number}, clear {self.clear_count}, {self.value}")
        self._steps = 0
        while not self._run():
            pass

    def _run(self) -> bool:
        """Carry out a try; false when it is to be taken up in another process."""
        safe = not self.chance.perhaps("something befalls it")
        conversation, reply = self._begin(), None
        while True:
            try:
                asked = conversation.send(reply)
                if isinstance(asked, Turn):
                    asked = conversation.send(0.0)
            except StopIteration as end:
                self._succeeded(end.value)
                return True
            except CodatError as error:
                self._failed(error)
                return True
            self._steps += 1
            assert self._steps < 3000, "a try turns in a circle"
            self._tell(asked)
            dies = "" if safe else self.chance("it dies", *[""] * 9, "now", "after")
            if dies == "now":
                return True
            if (
                isinstance(asked, DeferrablePause)
                and self.may_defer
                and asked.seconds > 10
            ):
                self.codat.wait(asked.seconds)
                return False
            reply = self._do(asked)
            if dies:
                return True

    def _do(self, asked: Send | Note | Pause) -> Reply | None:
        match asked:
            case Note():
                self.entries.append(asked.entry)
            case Pause():
                self.codat.wait(asked.seconds)
            case Send():
                if asked.request.method in {"PUT", "DELETE"}:
                    self.check_send(asked.request)
                reply = self.codat.answer(asked.request)
                lost = isinstance(reply, NoAnswer) and reply.sent
                self.codat.wait(30.0 if lost else 0.2)
                if isinstance(reply, Response):
                    reply = replace(reply, received_at=self.codat.now)
                return reply
        return None

    def _begin(self) -> Any:  # noqa: ANN401 - a conversation
        common: dict[str, Any] = {
            "base_url": "https://codat.invalid",
            "destination": PLACE,
            "data_type": self.codat.row,
            "record_id": "7",
            "may_defer": self.may_defer,
            "clear_count": self.clear_count,
            "patience_seconds": 900.0,
        }
        payload: Json = {"note": self.value, "status": "Active"}
        wanted = (
            Delete(**common)
            if self.deletes
            else Update(**common, payload=payload, force=self.force)
        )
        self.wanted = wanted
        read = tuple(
            entry_of(json.loads(json.dumps(e.to_json()))) for e in self.entries
        )
        patience = Patience(
            120.0, Pace(900), clock=lambda: self.codat.now, dice=lambda: 0.5
        )
        return whole_try(wanted, read, patience)

    def _tell(self, asked: object) -> None:
        what = str(asked)
        match asked:
            case Note(entry):
                what = f"note {entry.kind} {entry.generation} {entry.because}"
            case Send(request):
                what = str(request)
            case Pause():
                what = f"{type(asked).__name__} {asked.seconds:.0f}: {asked.reason}"
        self.chance.story.append(f"{self.codat.now - START:7.0f} {what}")

    def _succeeded(self, result: Summary) -> None:
        self._tell(f"done: {result['push_operation_key'][:8]} {result['adopted']}")
        if result["status"] == "Gone":
            assert self.deletes
            assert self.codat.is_gone, "1: it was not gone"
            return
        assert result["status"] == "Success"
        if result["push_operation_key"] and not result["adopted"]:
            key = result["push_operation_key"]
            (push,) = [p for p in self.codat.pushes if p.key == key]
            told = (push.status, push.value)
            assert told == ("Success", self.value), "1: it was another one"
        others = [at for at, value in self.codat.sent if value != self.value]
        since = max(others, default=START)
        writings = self.codat.writings
        ends = [*(w.at for w in writings[1:]), self.codat.now + 1]
        held = [
            w
            for w, end in zip(writings, ends, strict=True)
            if w.value == self.value and end > since
        ]
        assert held, "1: the record did not have the values"

    def _failed(self, error: CodatError) -> None:
        self._tell(f"{type(error).__name__}: {error}")
        refused = type(error).__name__ in {"Refused", "StillInProgress"}
        refused = refused and "Codat answered" in str(error)
        nothing = f"nothing was {self.wanted.words.done}"
        if nothing in str(error) or refused:
            # What came of earlier calls is not what is spoken of.
            latest = max((e.generation for e in self.entries), default=0)
            since = max((e.at for e in self.entries if _ended(e, latest)), default=0.0)
            self.nothing_changed.append(Claim(self.codat.now, self.value, since))

    # The laws.

    def check_send(self, request: Request) -> None:
        intents = [e for e in self.entries if e.kind == "intent"]
        assert intents[-1].digest == self.wanted.digest, "4: no such intent"
        assert request == self.wanted.request

    def check_order(self) -> None:
        for writing in self.codat.writings:
            if writing.sent_at < 0:
                continue
            newer = [
                at
                for at, value in self.codat.sent
                if writing.sent_at < at < writing.at and value != writing.value
            ]
            ordered = writing.given_up and any(
                at > writing.sent_at for at in self.cleared
            )
            assert not newer or ordered, "2: an older payload came after a newer one"

    def check_claims(self) -> None:
        for claim in self.nothing_changed:
            wrote = [
                w
                for w in self.codat.writings
                if w.value == claim.value and claim.since <= w.sent_at <= claim.at
            ]
            assert not wrote, "3: it was changed"


def whole_try(
    wanted: Update, entries: tuple[Entry, ...], patience: Patience
) -> Conversation[Summary]:
    """Do what a task does: submit, wait for the end, conclude."""
    known = list(entries)
    written = yield from noting(submit_update(wanted, Past(entries), patience), known)
    if isinstance(written, Done):
        return written.result
    operation = yield from settle(
        written.operation,
        patience,
        poll_interval_seconds=60.0,
        deadline=patience.clock() + 900.0,
    )
    written = replace(written, operation=operation)
    past = Past(tuple(known))
    return (yield from noting(conclude_update(wanted, past, written, patience), known))


def noting(conversation: Conversation[Any], known: list[Entry]) -> Conversation[Any]:
    """Carry on a conversation, and know what it has written down."""
    reply = None
    while True:
        try:
            asked = conversation.send(reply)
        except StopIteration as end:
            return end.value
        reply = yield asked
        if isinstance(asked, Note):
            known.append(asked.entry)


@pytest.fixture(autouse=True, scope="module")
def quiet() -> Iterator[None]:
    """Log nothing: thousands of stories are told."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


STORIES: dict[str, dict[str, tuple[Any, ...]]] = {
    "anything": {},
    "lost answers, and a change": {
        "the answer to the PUT": ("none", "whole", "none", "400"),
        "the wish": ("an update",),
        "the values": (*VALUES, *VALUES),
        "further tries": (2, 3),
    },
    "a delete": {"the wish": ("a delete",)},
    "a delete, and lost answers": {
        "the wish": ("a delete",),
        "the answer to the PUT": ("none", "400", "500", "whole"),
        "further tries": (1, 2),
    },
    "refused repetitions": {
        "the answer to the PUT": ("none", "400", "500", "whole"),
        "further tries": (1, 2),
        "force_update": (False,),
    },
}


@pytest.mark.parametrize("kind", STORIES)
@model.stories
@given(numbers=st.binary(min_size=60, max_size=200))
def test_the_latest_values_win(kind: str, numbers: bytes) -> None:
    """Whatever happens, laws 1 to 4 hold."""
    chance = model.Chance(numbers, STORIES[kind])
    try:
        Story(chance).tell()
    except AssertionError as error:
        error.add_note("\n".join(chance.story))
        raise
