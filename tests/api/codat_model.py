"""A model of Codat, of the accounting software and of their books.

It has a time of its own, and Hypothesis decides what goes wrong. What the laws of one
write, and of many, are told with stands here.

``CODAT_EXAMPLES`` tells how many stories are told; they are other ones each time then.
"""

import heapq
import json
import logging
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import partial
from itertools import count
from typing import Any, TypeVar
from urllib.parse import parse_qs
from uuid import UUID, uuid5

from hypothesis import HealthCheck, Phase, settings

from airflow_provider_codat.api.data_types import CUSTOMERS, DataType
from airflow_provider_codat.api.http.request import NoAnswer, Reply, Request, Response
from airflow_provider_codat.api.models import Json

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

EXAMPLES = os.environ.get("CODAT_EXAMPLES")
PHASES = set(Phase) - {Phase.explain}
if os.environ.get("CODAT_NO_SHRINKING"):
    PHASES -= {Phase.shrink}
stories = settings(
    max_examples=int(EXAMPLES or 1500),
    derandomize=EXAMPLES is None,
    database=None,
    phases=tuple(PHASES),
    suppress_health_check=list(HealthCheck),
    print_blob=False,
    report_multiple_bugs=False,
)

Story = TypeVar("Story")

# No two stories share one: a push operation belongs to an intent as long as a process
# lives.
numbers = count(1)


def new_uuid() -> str:
    return str(uuid5(UUID(COMPANY), str(next(numbers))))


class Chance:
    """Chooses, and remembers the story; the first of the choices is the harmless one.

    :param numbers: decide; when they are used up, nothing odd happens any more.
    :param instead: other choices than there usually are, for some of them.
    :ivar calm: whether nothing odd happens any more.
    """

    def __init__(self, numbers: bytes, instead: Mapping[str, Sequence[Any]]) -> None:
        self._numbers = iter(numbers)
        self._instead = instead
        self.story: list[str] = []
        self.calm = False

    def __call__(self, what: str, *options: Any) -> Any:  # noqa: ANN401 - of any kind
        options = tuple(self._instead.get(what, options))
        number = 0 if self.calm else next(self._numbers, 0)
        chosen = options[number % len(options)]
        if chosen != options[0]:
            self.story.append(f"        {what}: {chosen}")
        return chosen

    def perhaps(self, what: str) -> bool:
        return bool(self(what, *range(2)))


@contextmanager
def told(
    story: Callable[[Chance], Story],
    numbers: bytes,
    instead: Mapping[str, Sequence[Any]],
) -> Iterator[Story]:
    """Begin a story; log nothing, as there are thousands; show one that ends badly."""
    chance = Chance(numbers, instead)
    logging.disable(logging.CRITICAL)
    try:
        yield story(chance)
    except AssertionError as error:
        error.add_note("\n".join(chance.story))
        raise
    finally:
        logging.disable(logging.NOTSET)


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


def body_of(row: DataType, name: str, number: int = 1) -> dict[str, Json]:
    """Return a payload of a data type: all that tells one of its records from another.

    :param name: the first of its texts.
    :param number: by which all else differs.
    """
    made: dict[str, Json] = {"status": "Active"}
    for text in row.identifying:
        first = text == row.identifying[0]
        made[text] = name if first else f"{text} {number} of {name}"
    for path in row.amounts:
        _put(made, path, 100.0 * number)
    for path in row.dates:
        _put(made, path, f"2026-03-{4 * number:02}")
    for path in row.references:
        _put(made, path, f"reference {number}")
    if row.parent:
        made[row.parent[1]] = f"account {number}"
    return made


def _put(record: dict[str, Json], path: str, value: Json) -> None:
    """Let a path lead to a value; one through a list, to a list of it and a balance."""
    head, listed, tail = path.partition("[].")
    if listed:
        assert isinstance(value, float)
        record[head] = [{tail: value}, {tail: -value}]
        return
    *above, last = path.split(".")
    for step in above:
        below = record.setdefault(step, {})
        assert isinstance(below, dict)
        record = below
    record[last] = value


Change = Callable[[dict[str, Json], DataType], dict[str, Json]]


def _named(change: Callable[[str], str], *, alone: bool = False) -> Change:
    """Return what software makes of a record that keeps another name of it.

    :param alone: whether it keeps nothing else that is a text.
    """

    def changed(record: dict[str, Json], row: DataType) -> dict[str, Json]:
        names = row.identifying
        kept = {k: v for k, v in record.items() if not (alone and k in names)}
        new = {n: change(str(record[n])) for n in names[:1] if n in record}
        return {**kept, **new}

    return changed


SOFTWARE: dict[str, Change] = {
    "gives back what it got": lambda c, _: dict(c),
    "upper-cases and pads": lambda c, row: {
        k: f" {str(v).upper()} " if k in row.identifying else v for k, v in c.items()
    },
    "cuts names": _named(lambda name: name[:20]),
    "keeps a cut name alone": _named(lambda name: name[:20], alone=True),
    "reorders names": _named(
        lambda name: ", ".join(reversed(name.split(" ", 1))), alone=True
    ),
    "keeps no name": lambda c, row: {
        k: v for k, v in c.items() if k not in row.identifying
    },
}

ODD: dict[str, tuple[int, bytes]] = {
    "gateway": (502, b"<html>Bad gateway"),
    "time-out": (408, b""),
    "firewall": (403, b"<html>Forbidden"),
    "redirect": (302, b""),
    "junk": (200, b"<html>Welcome"),
    "empty": (200, b""),
}
IN_PROGRESS = {"error": "DatasetAlreadyInProgressException: it runs"}


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

    def __init__(
        self, chance: Chance, lags: tuple[float, ...], row: DataType = CUSTOMERS
    ) -> None:
        self.now = START
        self._row = row
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
        heapq.heappush(self._due, (moment, next(numbers), happens))

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
        data_type: str = "",
    ) -> Operation:
        """Accept a push operation, which ends some time."""
        fate = FATES[self._chance("the operation", *["succeeds"] * 5, *FATES)]
        seconds = self._chance("and ends after", 1.0, 0.0, 30.0, 400.0, 20_000.0)
        lag = self._chance("is listed after", *self._lags)
        made = Operation(
            new_uuid(),
            maker,
            connection,
            data_type or self._row.name,
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
            operation.record = str(next(numbers))
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
            "dataType": self._row.name,
            "status": "Queued",
            "requested": _moment(self.now + self.offset),
            "isCompleted": False,
            "isErrored": False,
        }
        seen = {
            key: self._as_software_has_it(each, self._row)
            for key, each in self.books.items()
            if each
        }

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
        path = request.path.removeprefix(f"/companies/{COMPANY}/")
        if self._row.of_connection and "/data/" in path:
            path = path.removeprefix(f"connections/{CONNECTION}/")
        *above, last = path.split("/")
        if last == self._row.segment and above == ["data"] and self._copy is not None:
            return 200, {"results": list(self._copy.values()), "_links": {}}
        if above == ["data", self._row.segment] and self._copy is not None:
            found = self._copy.get(last)
            return (200, found) if found else (404, {"statusCode": 404})
        match "/".join(above), last:
            case "", "push":
                return 200, self._page(request)
            case "push", key:
                shown = [
                    o.to_json(self.offset) for o in self.operations if o.key == key
                ]
                return (200, shown[0]) if shown else (404, {"statusCode": 404})
            case "data", "history":
                return 200, {"results": list(reversed(self._pulls))}
            case "data/history", key:
                return 200, next(p for p in self._pulls if p["id"] == key)
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


def creates(request: Request) -> bool:
    return request.method == "POST" and "/push/" in request.path
