"""The laws of a write that is never made twice, whatever happens on the way.

A model of Codat, of the accounting software and of their books stands here, with a
time of its own. Hypothesis decides what goes wrong. One task of one DAG run wants one
customer; it is retried, cleared, killed at any step and overtaken by itself.

The laws are numbered, and broken ones name their number:

1. One intent makes one record, and one more for each that a person has ordered. With
   ``on_unknown_outcome="fail"`` that holds however late Codat lists what it accepts,
   and whoever creates equal customers.
2. Success names a record of the intent's own; no push operation is claimed twice.
3. Nothing is sent without an intent of that key, destination and payload that is kept.
4. The same key is sent with the same path, query and body.
5. No key is sent when Codat may have forgotten it.
6. Another key is sent only when it is known what came of each key before it: by an
   answer, a person, or the books, which were looked at less than a minute ago.
7. After TimedOut, a failure without a reason, or a yes that could not be read, only a
   person can order another create.
8. All this holds while an overtaken try goes on, whose writing is not kept any more.

``CODAT_EXAMPLES`` tells how many stories are told; they are other ones each time then.
"""

import heapq
import json
import logging
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import partial
from itertools import count
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID, uuid5

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from airflow_provider_codat.api.client import (
    Conversation,
    Note,
    Patience,
    Pause,
    Rest,
    Send,
)
from airflow_provider_codat.api.errors import CodatError
from airflow_provider_codat.api.idempotency import following_key
from airflow_provider_codat.api.journal import Entry, Past, entry_of
from airflow_provider_codat.api.models import CUSTOMERS, Destination, Json
from airflow_provider_codat.api.order import Done, Write
from airflow_provider_codat.api.pace import Pace
from airflow_provider_codat.api.settle import Summary, settle
from airflow_provider_codat.api.wire import NoAnswer, Reply, Request, Response
from airflow_provider_codat.api.write import conclude, submit

COMPANY = "8a210b68-6988-11ed-a1eb-0242ac120002"
CONNECTION = "2e9d2c44-f675-40ba-8049-353bfcb5e171"
ELSEWHERE = "33333333-f675-40ba-8049-353bfcb5e171"
START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC).timestamp()

# What may be relied on: how long Codat keeps the answer to a key, how long a key is
# sent, how long a request may still act, and after how long Codat lists an operation.
MEMORY_SECONDS = 90 * 60
LIFETIME_SECONDS = 75 * 60
ACTS_WITHIN_SECONDS = 600.0
LISTED_WITHIN_SECONDS = 60.0
READ_TIMEOUT_SECONDS = 30.0

CUSTOMER: dict[str, Json] = {
    "customerName": "Northwind Traders of Bellingham",
    "emailAddress": "books@northwind.example",
    "status": "Active",
}
MENDED: dict[str, Json] = {**CUSTOMER, "emailAddress": "ledger@northwind.example"}

EXAMPLES = os.environ.get("CODAT_EXAMPLES")
PHASES = set(Phase) - {Phase.explain}
if os.environ.get("CODAT_NO_SHRINKING"):
    PHASES -= {Phase.shrink}
stories = settings(
    max_examples=int(EXAMPLES or 1500),
    derandomize=EXAMPLES is None,
    database=None,
    deadline=None,
    phases=tuple(PHASES),
    suppress_health_check=list(HealthCheck),
    print_blob=False,
    report_multiple_bugs=False,
)

# No two stories share one: a push operation belongs to an intent as long as a process
# lives.
_numbers = count(1)


def new_uuid() -> str:
    return str(uuid5(UUID(COMPANY), str(next(_numbers))))


class Chance:
    """Chooses, and remembers the story; the first of the choices is the harmless one.

    :param numbers: decide; when they are used up, nothing odd happens any more.
    :param instead: other choices than there usually are, for some of them.
    """

    def __init__(self, numbers: bytes, instead: Mapping[str, Sequence[Any]]) -> None:
        self._numbers = iter(numbers)
        self._instead = instead
        self.story: list[str] = []

    def __call__(self, what: str, *options: Any) -> Any:  # noqa: ANN401 - of any kind
        options = tuple(self._instead.get(what, options))
        chosen = options[next(self._numbers, 0) % len(options)]
        if chosen != options[0]:
            self.story.append(f"        {what}: {chosen}")
        return chosen

    def perhaps(self, what: str) -> bool:
        return bool(self(what, *range(2)))


@pytest.fixture(autouse=True, scope="module")
def quiet() -> Iterator[None]:
    """Log nothing: thousands of stories are told."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


# The model of Codat.


@dataclass(frozen=True)
class Fate:
    """What becomes of a push operation.

    :param record_after: seconds after its end at which there is a record; None: never.
    """

    status: str = "Success"
    errors: bool = False
    named: bool = False
    record_after: float | None = None


FATES = {
    "succeeds": Fate(named=True, record_after=0.0),
    "is refused": Fate("Failed", errors=True),
    "fails": Fate("Failed"),
    "fails, and there is a record": Fate("Failed", record_after=0.0),
    "is refused, and names a record": Fate(
        "Failed", errors=True, named=True, record_after=0.0
    ),
    "times out": Fate("TimedOut"),
    "times out, and lands": Fate("TimedOut", record_after=900.0),
}


@dataclass
class Operation:
    """A push operation, as Codat has it.

    :param maker: the idempotency key that made it; empty for a stranger's.
    """

    key: str
    maker: str
    connection: str
    data_type: str
    customer: dict[str, Json]
    requested: float
    listed_at: float
    fate: Fate
    ended: bool = False
    record: str = ""

    @property
    def status(self) -> str:
        return self.fate.status if self.ended else "Pending"

    def to_json(self, offset: float) -> dict[str, Json]:
        reference: dict[str, Json] = {"dataType": self.data_type}
        if self.ended and self.fate.named:
            reference["id"] = self.record
        errors: list[Json] = [{"itemId": "CustomerName", "message": "No."}]
        refused = self.ended and self.fate.errors
        return {
            "pushOperationKey": self.key,
            "companyId": COMPANY,
            "dataConnectionKey": self.connection,
            "dataType": self.data_type,
            "requestedOnUtc": _moment(self.requested + offset),
            "status": self.status,
            "statusCode": 200,
            "changes": [{"type": "Created", "recordRef": reference}],
            "validation": {"errors": errors if refused else [], "warnings": []},
        }


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


@dataclass
class Kept:
    """What Codat keeps for an idempotency key; it runs until there is a reply."""

    request: Request
    until: float
    reply: tuple[int, Json] | None = None


SOFTWARE: dict[str, Callable[[dict[str, Json]], dict[str, Json]]] = {
    "gives back what it got": dict,
    "upper-cases and pads": lambda c: {k: f" {str(v).upper()} " for k, v in c.items()},
    "cuts names": lambda c: {**c, "customerName": str(c["customerName"])[:20]},
    "keeps a cut name alone": lambda c: {"customerName": str(c["customerName"])[:20]},
    "reorders names": lambda c: {
        "customerName": ", ".join(reversed(str(c["customerName"]).split(" ", 1)))
    },
    "keeps no name": lambda c: {"status": c["status"]},
}

ODD: dict[str, tuple[int, bytes]] = {
    "gateway": (502, b"<html>Bad gateway"),
    "time-out": (408, b""),
    "firewall": (403, b"<html>Forbidden"),
    "redirect": (302, b""),
    "junk": (200, b"<html>Welcome"),
    "empty": (200, b""),
}
IN_PROGRESS = {"error": "DatasetAlreadyInProgressException: customers"}


@dataclass(frozen=True)
class Sent:
    """One POST that was sent, and how it was answered."""

    at: float
    request: Request
    answer: str

    @property
    def key(self) -> str:
        return str(self.request.idempotency_key)

    @property
    def may_have_acted(self) -> bool:
        return self.answer not in {"429", "refused connection"}


ARRIVALS = ("now", "never", "late", "slowly")


class Codat:
    """Codat, the software behind it, and its books."""

    def __init__(self, chance: Chance, lags: tuple[float, ...]) -> None:
        self.now = START
        self.sends: list[Sent] = []
        self.operations: list[Operation] = []
        self.books: dict[str, dict[str, Json]] = {}
        self._arriving: Counter[str] = Counter()
        self._working: Counter[str] = Counter()
        self.offset = chance("Codat's clock is ahead by", 0.0, -200.0, 200.0)
        self._chance = chance
        self._lags = lags
        self._first_fails = chance.perhaps("the first POST is answered by 500")
        software = chance("the software", *SOFTWARE)
        self._as_software_has_it = SOFTWARE[software]
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._kept: dict[str, Kept] = {}
        self._pulls: list[dict[str, Json]] = []
        self._copy: dict[str, dict[str, Json]] | None = None

    def at(self, moment: float, happens: Callable[[], None]) -> None:
        heapq.heappush(self._due, (moment, next(_numbers), happens))

    def wait(self, seconds: float) -> None:
        """Let time pass, and what is due happen."""
        until = self.now + seconds
        while self._due and self._due[0][0] <= until:
            moment, _, happens = heapq.heappop(self._due)
            self.now = max(self.now, moment)
            happens()
        self.now = until

    def ours(self, key: str = "") -> list[str]:
        """Return the records that an idempotency key, or any, has made."""
        made = [o for o in self.operations if o.maker and o.record]
        return [o.record for o in made if key in {"", o.maker}]

    def may_act(self, key: str) -> bool:
        """Whether what was sent with a key may still make a record."""
        kept = self._kept.get(key)
        answered = kept is not None and kept.reply is not None
        return bool(self._working[key] or (self._arriving[key] and not answered))

    def doubtful(self, key: str) -> bool:
        """Whether what a key has made ended so that there may be a record."""
        fates = [o.fate for o in self.operations if o.maker == key and o.ended]
        clean = [f.status == "Failed" and f.errors and not f.named for f in fates]
        return any(
            f.status != "Success" and not fine
            for f, fine in zip(fates, clean, strict=True)
        )

    def answer(self, request: Request) -> Reply:
        """Do what a request asks for, or something worse."""
        if creates(request):
            return self._answer_create(request)
        if request.method == "POST":
            return self._reply(*self._refresh())
        odd = self._chance("the answer to a GET", *["whole"] * 20, "none", "429", *ODD)
        if odd == "none":
            return NoAnswer("a reset")
        if odd == "429":
            return self._limited(5)
        if odd != "whole":
            return self._odd(odd)
        return self._reply(*self._read(request))

    def _answer_create(self, request: Request) -> Reply:
        kinds = ("none", "refused connection", "429", "401", "foreign", *ODD)
        often = (*["whole"] * 8, "none", "none", "429")
        odd = self._chance("the answer to the POST", *often, *kinds)
        self.sends.append(Sent(self.now, request, odd))
        match odd:
            case "whole":
                return self._reply(*self._arrive(request))
            case "refused connection":
                return NoAnswer("refused", sent=False)
            case "429":
                return self._limited(self._chance("Retry-After", 1, 300, 4600, 20_000))
            case "401":
                return self._reply(401, {"statusCode": 401, "error": "Which key?"})
            case "firewall":
                return self._odd(odd)
        self._arrive_somehow(request)
        if odd == "none":
            return NoAnswer("a reset")
        if odd == "foreign":
            made = self._operation("", {}, ELSEWHERE)
            return self._reply(200, made.to_json(self.offset))
        return self._odd(odd)

    def _arrive_somehow(self, request: Request) -> None:
        """Let a request whose answer does not come act in one of four ways."""
        arrives = self._chance("it arrives", *ARRIVALS)
        if arrives == "now":
            self._arrive(request)
        if arrives in {"late", "slowly"}:
            delay = self._chance(
                "acts after", 5.0, 100.0, ACTS_WITHIN_SECONDS, ACTS_WITHIN_SECONDS
            )
            self._arriving[str(request.idempotency_key)] += 1
            running = arrives == "slowly" and self._remembered(request) is None
            if running:
                until = self.now + MEMORY_SECONDS
                self._kept[str(request.idempotency_key)] = Kept(request, until)
            self.at(self.now + delay, partial(self._arrive_later, request, running))

    def _arrive_later(self, request: Request, running: bool) -> None:
        self._arriving[str(request.idempotency_key)] -= 1
        if running:
            self._kept.pop(str(request.idempotency_key))
        self._arrive(request)

    def _remembered(self, request: Request) -> Kept | None:
        kept = self._kept.get(str(request.idempotency_key))
        return kept if kept and kept.until >= self.now else None

    def _arrive(self, request: Request) -> tuple[int, Json]:
        """Act once for a key, as long as it is remembered."""
        if kept := self._remembered(request):
            if kept.request != request:
                return 422, {"statusCode": 422, "error": "Another body."}
            return kept.reply or (409, {"statusCode": 409, "error": "It runs."})
        first = not self._kept and self._first_fails
        usual = ["accepts"] * 4
        others = ("500", "accepts, and 500", "400")
        does = "500" if first else self._chance("Codat", *usual, *others)
        status, body = int(does[-3:]) if does != "accepts" else 200, None
        if does.startswith("accepts"):
            customer = json.loads(request.body or b"")
            made = self._operation(str(request.idempotency_key), customer, CONNECTION)
            body = made.to_json(self.offset)
        if status != 200:
            body = {"statusCode": status, "error": "No.", "correlationId": "a1"}
        until = self.now + MEMORY_SECONDS
        self._kept[str(request.idempotency_key)] = Kept(request, until, (status, body))
        return status, body

    def _operation(
        self,
        maker: str,
        customer: dict[str, Json],
        connection: str,
        data_type: str = "customers",
    ) -> Operation:
        """Accept a push operation, which ends some time."""
        fate = FATES[self._chance("the operation", *["succeeds"] * 5, *FATES)]
        seconds = self._chance("and ends after", 1.0, 0.0, 30.0, 400.0, 20_000.0)
        lag = self._chance("is listed after", *self._lags)
        made = Operation(
            new_uuid(),
            maker,
            connection,
            data_type,
            customer,
            self.now,
            self.now + lag,
            fate,
        )
        self.operations.append(made)
        self._working[maker] += 1
        self.at(self.now + seconds, partial(self._end, made))
        return made

    def _end(self, operation: Operation) -> None:
        operation.ended = True
        after = operation.fate.record_after
        if after:
            self.at(self.now + after, partial(self._land, operation))
        else:
            self._land(operation)

    def _land(self, operation: Operation) -> None:
        self._working[operation.maker] -= 1
        if operation.fate.record_after is not None:
            operation.record = str(next(_numbers))
            self.books[operation.record] = operation.customer

    def stranger(self, customer: dict[str, Json], connection: str, kind: str) -> None:
        """Let somebody else write into the same company."""
        self._operation("", customer, connection, kind)

    def _refresh(self) -> tuple[int, Json]:
        if self._pulls and not self._pulls[-1]["isCompleted"]:
            return 400, IN_PROGRESS
        pull: dict[str, Json] = {
            "id": new_uuid(),
            "companyId": COMPANY,
            "connectionId": CONNECTION,
            "dataType": "customers",
            "status": "Queued",
            "requested": _moment(self.now + self.offset),
            "isCompleted": False,
            "isErrored": False,
        }
        seen = {key: self._as_software_has_it(c) for key, c in self.books.items() if c}

        def complete() -> None:
            self._copy = {key: {"id": key, **each} for key, each in seen.items()}
            pull.update(status="Complete", isCompleted=True)

        self._pulls.append(pull)
        seconds = self._chance("the refresh takes", 1.0, 45.0)
        self.at(self.now + seconds, complete)
        return 200, dict(pull)

    def somebody_refreshes(self) -> None:
        """Let a refresh begin that shows the books of now."""
        self._refresh()

    def _read(self, request: Request) -> tuple[int, Json]:
        *above, last = request.path.removeprefix(f"/companies/{COMPANY}/").split("/")
        match "/".join(above), last:
            case "", "push":
                return 200, self._page(request)
            case "push", key:
                found = [
                    o.to_json(self.offset) for o in self.operations if o.key == key
                ]
                return (200, found[0]) if found else (404, {"statusCode": 404})
            case "data", "history":
                return 200, {"results": list(reversed(self._pulls))}
            case "data/history", key:
                return 200, next(p for p in self._pulls if p["id"] == key)
            case "data/customers", key if self._copy is not None:
                found = self._copy.get(key)
                return (200, found) if found else (404, {"statusCode": 404})
        return 409, {"statusCode": 409, "error": "Not synced yet."}

    def _page(self, request: Request) -> Json:
        asked = parse_qs(request.query)
        assert asked["orderBy"] == ["-requestedOnUtc"]
        assert asked["page"] == ["1"]
        shown = [o for o in reversed(self.operations) if o.listed_at <= self.now]
        results: list[Json] = [o.to_json(self.offset) for o in shown]
        return {"results": results, "totalResults": len(results), "_links": {}}

    def _limited(self, seconds: int) -> Response:
        return self._reply(429, {"statusCode": 429}, {"retry-after": str(seconds)})

    def _odd(self, kind: str) -> Response:
        status, body = ODD[kind]
        return Response(status, {"location": "/login"}, body, self.now)

    def _reply(
        self, status: int, body: Json, headers: dict[str, str] | None = None
    ) -> Response:
        date = datetime.fromtimestamp(self.now + self.offset, UTC)
        sent = {"date": format_datetime(date, usegmt=True), **(headers or {})}
        return Response(status, sent, json.dumps(body).encode(), self.now)


# The task, and what befalls it.

ANOTHER: dict[str, Json] = {
    "customerName": "Contoso Bakery",
    "emailAddress": "contoso@bakery.example",
    "status": "Active",
}
STRANGERS: dict[str, dict[str, Json]] = {
    "another": ANOTHER,
    "one much alike": {**ANOTHER, "customerName": "Northwind Traders"},
    "an equal one": CUSTOMER,
}
DIES = "dies before it is done"
DIES_AFTER = "dies once it is done"
LIVES_ON = "lives on, overtaken"


@dataclass(eq=False)
class Process:
    """One process that carries out a try.

    :param acknowledged: what it has read, or was told is kept.
    :param looked_at: when it last asked for what the books may tell.
    """

    write: Write
    conversation: Any
    acknowledged: list[Entry]
    reply: Reply | None = None
    looked_at: float = 0.0
    sent: set[str] = field(default_factory=set)
    burnt: set[str] = field(default_factory=set)


class Story:
    """One intent, from its first try to the end."""

    def __init__(self, chance: Chance) -> None:
        self.chance = chance
        self.policy = chance(
            "on_unknown_outcome", "reconcile", "reconcile", "fail", "resend"
        )
        self.on_clear = chance("on_clear", "reuse", "reuse", "create")
        self.durable = not chance("without a journal", 0, 0, 0, 1)
        self.may_rest = self.durable and chance.perhaps("may rest")
        lags = (0.0, 20.0, LISTED_WITHIN_SECONDS)
        self.codat = Codat(chance, (*lags, 4000.0) if self.policy == "fail" else lags)
        self.key = new_uuid()
        self.entries: list[Entry] = []
        self.ever: list[Entry] = []
        self.tries: set[int] = set()
        self.living: list[Process] = []
        self.number = self.life = self.ordered = 0
        self.verdict = ""
        self.payload = CUSTOMER
        self.timeout_in_minutes: int | None = None
        self.journal_whole = self.durable
        self.done = False
        self._asked_at: Counter[float] = Counter()
        self._steps = 0
        self._strangers()

    def _strangers(self) -> None:
        # Only who looks at no books need not care for equal customers.
        kinds = list(STRANGERS)[: 3 if self.policy == "fail" else 2]
        for _ in range(self.chance("strangers", 0, 0, 1, 2)):
            customer = STRANGERS[self.chance("a stranger creates", *kinds)]
            over = self.chance("over", CONNECTION, ELSEWHERE)
            kind = self.chance("as one of", "customers", "invoices")
            happens = partial(self.codat.stranger, customer, over, kind)
            self.codat.at(START + self.chance("after", 1.0, 200.0, 4900.0), happens)
        if self.chance.perhaps("somebody refreshes"):
            self.codat.at(START + 1.0, self.codat.somebody_refreshes)

    def tell(self) -> None:
        """Run try after try, and look at the books when all has come to rest."""
        self._run_try()
        for _ in range(self.chance("further tries", 0, 1, 2, 3, 4)):
            self._time_passes()
            self._run_try()
        self.codat.wait(3 * 86_400)
        self.check_books()

    def _time_passes(self) -> None:
        waits = (1.0, 0.0, 60.0) if self.living else (1.0, 300.0, 700.0, 3000.0)
        seconds = self.chance("later by", *waits, 0.0, 4600.0, 30_000.0)
        if not seconds and not self.living:
            # Just before the key of the latest intent is too old.
            at = [e.at for e in self.entries if e.kind == "intent"]
            too_old_at = max(at, default=0.0) + LIFETIME_SECONDS
            seconds = max(0.0, too_old_at - self.codat.now - 20)
        self.codat.wait(seconds)
        if self.done or self.chance("before the next try", *["", "", "cleared"]):
            self._clear()
        change = self.chance("and", *["nothing"] * 6, "mended", "wiped", "timeout")
        if change == "mended":
            self.payload = CUSTOMER if self.payload is MENDED else MENDED
        if change == "timeout":
            self.timeout_in_minutes = 5
        if change == "wiped" and not any(e.generation for e in self.entries):
            self.journal_whole = False
            self.entries, self.tries = [], set()

    def _clear(self) -> None:
        """Clear the task, after a person has looked at the books or not."""
        self.life += 1
        ours = self.codat.ours()
        self.ordered += bool(ours) and self.on_clear == "create" and self.durable
        ended = {e.result.get("record_id") for e in self.entries if e.kind == "end"}
        unclaimed = [record for record in ours if record not in ended]
        obeyed = any(e.because == self.verdict for e in self.entries)
        self.verdict = self.verdict if obeyed else ""
        if self.chance.perhaps("nobody has looked"):
            return
        keys = {e.key for e in self.entries if e.key}
        if unclaimed:
            self.verdict = unclaimed[0]
        elif not (self.living or any(map(self.codat.may_act, keys))):
            used = sum(entry.kind == "verdict" for entry in self.entries)
            self.verdict = f"not_created:{used + 1}" if used else "not_created"

    # A try.

    def _run_try(self) -> None:
        self.done = False
        self._steps = 0
        self.number += 1
        self._tell(f"try {self.number}, life {self.life}")
        whole = self.tries.issuperset(range(1, self.number))
        if self.durable:
            self.tries.add(self.number)
        unseen_since = None if whole else START
        while not self._run(self.begin(unseen_since)):
            unseen_since = None

    def begin(self, unseen_since: float | None) -> Process:
        """Begin a process that reads the journal, and goes on from there."""
        write = Write(
            origin="https://codat.invalid",
            destination=Destination(COMPANY, CONNECTION),
            data_type=CUSTOMERS,
            payload=self.payload,
            key_of=partial(following_key, self.key),
            timeout_in_minutes=self.timeout_in_minutes,
            durable=self.durable,
            may_rest=self.may_rest,
            life=self.life,
            verdict=self.verdict,
            on_unknown_outcome=self.policy,
            on_clear=self.on_clear,
            grace_seconds=LISTED_WITHIN_SECONDS,
            lifetime_seconds=ACTS_WITHIN_SECONDS,
        )
        read = tuple(
            entry_of(json.loads(json.dumps(e.to_json()))) for e in self.entries
        )
        begun = any(each.kind == "intent" for each in read)
        past = Past(read, None if begun else unseen_since)
        budget_seconds = self.budget_seconds = self.chance(
            "a call may take", 120.0, 120.0, 20_000.0
        )
        patience = Patience(
            budget_seconds, Pace(900), clock=self.clock, dice=lambda: 0.5
        )
        waits = not self.chance.perhaps("does not wait for its end")
        return Process(write, whole_try(write, past, patience, waits), list(read))

    def clock(self) -> float:
        self._asked_at[self.codat.now] += 1
        assert self._asked_at[self.codat.now] < 1000, "a try turns in a circle"
        return self.codat.now

    def _run(self, process: Process) -> bool:
        """Carry out a try; false when it is to be taken up in another process."""
        safe = not self.chance.perhaps("something befalls it")
        while True:
            asked = self.go_on(process)
            if asked is None:
                return True
            befalls = "" if safe else self._befalls(asked)
            if befalls == DIES:
                return True
            if self._leaves(asked):
                self.codat.wait(asked.seconds)
                return False
            if befalls == LIVES_ON:
                self.living.append(process)
                self._live_on(process, asked)
                return True
            self.do(process, asked)
            if befalls:
                return True

    def go_on(self, process: Process) -> Send | Note | Pause | None:
        """Return what a process wants to do next; None once it has ended."""
        try:
            asked = process.conversation.send(process.reply)
        except StopIteration as end:
            self._succeeded(end.value)
            return None
        except CodatError as error:
            self._tell(error)
            return None
        process.reply = None
        self._steps += 1
        assert self._steps < 2000, "a try does not come to an end"
        self._tell(asked)
        return asked

    def _befalls(self, asked: Send | Note | Pause) -> str:
        """Choose what befalls a process; nothing while it only reads."""
        if isinstance(asked, Send) and not creates(asked.request):
            return ""
        usual = [""] * (8 if isinstance(asked, Send | Note) else 30)
        ends = (DIES, DIES_AFTER, LIVES_ON)
        return self.chance("the process", *usual, *ends)

    def _leaves(self, asked: Send | Note | Pause) -> bool:
        """Whether the task leaves the worker, to go on in another process."""
        return isinstance(asked, Rest) and self.may_rest and asked.seconds > 10

    def do(self, process: Process, asked: Send | Note | Pause) -> None:
        match asked:
            case Note():
                self.keep(process, asked.entry)
            case Send():
                reply = self.send(process, asked.request)
                lost = isinstance(reply, NoAnswer) and reply.sent
                self.codat.wait(
                    self.chance("it took", 0.2, READ_TIMEOUT_SECONDS) if lost else 0.2
                )
                if isinstance(reply, Response):
                    reply = replace(reply, received_at=self.codat.now)
                process.reply = reply
            case Pause():
                self.codat.wait(asked.seconds)

    def _live_on(self, process: Process, asked: Send | Note | Pause | None) -> None:
        """Go on until the next wait, with what an overtaken process may still do."""
        self._tell("overtaken:")
        while asked := asked or self.go_on(process):
            if self._leaves(asked) or (isinstance(asked, Note) and self.durable):
                break
            if isinstance(asked, Pause):
                wakes_at = self.codat.now + asked.seconds
                self.codat.at(wakes_at, partial(self._live_on, process, None))
                return
            if isinstance(asked, Note):
                self.keep(process, asked.entry)
            if isinstance(asked, Send):
                process.reply = self.send(process, asked.request)
            asked = None
        self.living.remove(process)

    def _tell(self, asked: object) -> None:
        what = str(asked)
        match asked:
            case Note(entry):
                what = f"note {entry.kind} {entry.generation} {entry.because}"
            case Send(request):
                what = f"{request} {(request.idempotency_key or '')[:8]}"
            case Pause():
                what = f"{type(asked).__name__} {asked.seconds:.0f}: {asked.reason}"
        self.chance.story.append(f"{self.codat.now - START:7.0f} {what}")

    def send(self, process: Process, request: Request) -> Reply:
        if creates(request):
            self.check_send(process, request)
        if request.method == "GET" and "/push/" not in request.path:
            process.looked_at = self.codat.now
        reply = self.codat.answer(request)
        if creates(request) and isinstance(reply, Response) and reply.status == 500:
            process.burnt.add(str(request.idempotency_key))
        return reply

    def keep(self, process: Process, entry: Entry) -> None:
        if entry.kind == "intent":
            self.check_generation(process, entry)
        if self.durable:
            self.entries.append(entry)
        self.ever.append(entry)
        process.acknowledged.append(entry)

    # The laws.

    def check_send(self, process: Process, request: Request) -> None:
        key = str(request.idempotency_key)
        intents = [
            e for e in process.acknowledged if e.kind == "intent" and e.key == key
        ]
        assert intents, "3: a key was sent, and no intent is kept"
        asked = replace(process.write, payload=json.loads(request.body or b""))
        assert request.path == asked.request(key).path, "3: another destination"
        assert intents[-1].digest == asked.digest(), "3: another payload than intended"
        before = [s for s in self.codat.sends if s.key == key]
        if self.journal_whole:
            same = all(sent.request == request for sent in before)
            assert same, "4: the same key was sent with another request"
        acted = (s.at for s in before if s.may_have_acted)
        age = self.codat.now - min(acted, default=self.codat.now)
        assert age <= LIFETIME_SECONDS, f"5: a key of {age:.0f} s was sent"
        since = process.acknowledged[process.acknowledged.index(intents[-1]) :]
        burnt = [e for e in since if e.kind == "5xx"]
        burnt = burnt or key in process.burnt
        assert not burnt, "a key that was answered by 500 was sent again"
        if intents[-1].because == "reconciled" and key not in process.sent:
            age = self.codat.now - process.looked_at
            assert age < 60, f"6: what was looked at {age:.0f} s ago is relied on"
        process.sent.add(key)

    def check_generation(self, process: Process, intent: Entry) -> None:
        """Check what a new generation stands on."""
        for number in range(intent.generation):
            kinds = {e.kind for e in process.acknowledged if e.generation == number}
            told = kinds & {"no", "verdict", "end"}
            assert told or "2xx" not in kinds, "7: a yes is followed by a create"
            assert told or "op" not in kinds, "7: an operation is followed by a create"
            if self.policy == "resend":
                continue
            later = [e for e in process.acknowledged if e.generation > number]
            looked = self.codat.now - process.looked_at < 60
            looked = looked or any(e.because == "reconciled" for e in later)
            released = kinds == {"intent", "released"}
            fine = told or looked or released
            assert fine, f"6: nothing tells what came of generation {number}"
            if kinds & {"verdict", "end"}:
                continue
            key = process.write.key_of(number)
            assert not self.codat.may_act(key), f"6: generation {number} may still act"
            doubtful = self.codat.doubtful(key)
            assert not doubtful, "7: a doubtful end is followed by a create"

    def _succeeded(self, result: Summary) -> None:
        self._tell(result)
        self.done = True
        if result["status"] != "Success":
            return
        assert result["record_id"] in self.codat.ours(), "2: not a record of its own"
        self.check_books()

    def check_books(self) -> None:
        ours = self.codat.ours()
        if self.policy != "resend":
            assert len(ours) <= 1 + self.ordered, f"1: {len(ours)} records"
        for entry in self.ever:
            if entry.kind == "no" and self.journal_whole:
                made = self.codat.ours(following_key(self.key, entry.generation))
                assert not made, "a record was said not to exist"
        ends = [e for e in self.ever if e.kind == "end"]
        claims = {(e.operation_key, e.generation) for e in ends if e.operation_key}
        twice = len(claims) > len({key for key, _ in claims})
        assert not twice, "2: an operation was claimed twice"


def creates(request: Request) -> bool:
    return request.path.endswith("/push/customers")


def whole_try(
    write: Write, past: Past, patience: Patience, waits: bool
) -> Conversation[Summary]:
    """Do what a task does: submit, wait for the end, conclude."""
    written = yield from submit(write, past, patience)
    if isinstance(written, Done):
        return written.result
    operation = written.operation
    if waits:
        operation = yield from settle(
            operation,
            patience,
            poll_interval_seconds=60.0,
            deadline=patience.clock() + 900.0,
        )
    written = replace(written, operation=operation)
    return (yield from conclude(written, patience, hide=str, life=write.life))


AFTER_A_500: dict[str, tuple[Any, ...]] = {
    "on_unknown_outcome": ("reconcile",),
    "without a journal": (False,),
    "the first POST is answered by 500": (True,),
    "strangers": (0,),
    "the answer to the POST": ("whole", "whole", "none", "429"),
    "it arrives": ("never", "now", "late", "late"),
    "acts after": (ACTS_WITHIN_SECONDS,),
    "something befalls it": (True,),
    "further tries": (2, 3),
}


@contextmanager
def told(numbers: bytes, instead: Mapping[str, Sequence[Any]]) -> Iterator[Story]:
    """Begin a story; when it ends badly, show it."""
    chance = Chance(numbers, instead)
    try:
        yield Story(chance)
    except AssertionError as error:
        error.add_note("\n".join(chance.story))
        raise


any_numbers = st.binary(min_size=200, max_size=400)


@stories
@given(any_numbers)
def test_second_key(numbers: bytes) -> None:
    """A second key is sent only where the first has made no record, and never will."""
    with told(numbers, AFTER_A_500) as story:
        story.tell()


@stories
@given(any_numbers)
def test_exactly_once(numbers: bytes) -> None:
    """Whatever happens, laws 1 to 8 hold: one record is made, or a person is asked."""
    with told(numbers, {}) as story:
        story.tell()


@stories
@given(any_numbers)
def test_two_at_once(numbers: bytes) -> None:
    """Two tries that live at once, and keep no journal, make one record.

    They send the same key, whichever of them goes on at any moment.
    """
    with told(numbers, {"without a journal": (True,)}) as story:
        pair = [story.begin(None), story.begin(START)]
        while pair:
            process = pair[story.chance("goes on", *range(len(pair)))]
            asked = story.go_on(process)
            if asked is None:
                pair.remove(process)
            else:
                story.do(process, asked)
        story.codat.wait(3 * 86_400)
        story.check_books()
