"""One task that wants one record, and all that befalls it; the laws that it keeps.

Hypothesis decides what goes wrong with the Codat of ``codat_model.py``. One task of one
DAG run wants one record, of any data type; it is retried, cleared, killed at any step
and overtaken by itself.

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
"""

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from codat_model import (
    ACTS_WITHIN_SECONDS,
    COMPANY,
    CONNECTION,
    ELSEWHERE,
    LIFETIME_SECONDS,
    LISTED_WITHIN_SECONDS,
    READ_TIMEOUT_SECONDS,
    START,
    Chance,
    Codat,
    body_of,
    creates,
    new_uuid,
)

from airflow_provider_codat.api.create.conclude import conclude
from airflow_provider_codat.api.create.idempotency import following_key
from airflow_provider_codat.api.create.intent import Done, Write
from airflow_provider_codat.api.create.journal import (
    Entry,
    Journal,
    MemoryJournal,
    Past,
    entry_of,
)
from airflow_provider_codat.api.create.settle import settle
from airflow_provider_codat.api.create.submit import submit
from airflow_provider_codat.api.data_types import DATA_TYPES
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
from airflow_provider_codat.api.http.request import NoAnswer, Reply, Request, Response
from airflow_provider_codat.api.models import Destination, Summary
from airflow_provider_codat.api.pace.rate_limit import Pace

NAME = "Northwind Traders of Bellingham"
# What a stranger's record is called; nothing else of it is ours, unless it is equal.
STRANGERS = {
    "another": "Contoso Bakery",
    "one much alike": "Northwind Traders",
    "an equal one": NAME,
}


# The task, and what befalls it.

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
    journal: Journal
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
        self.may_defer = self.durable and chance.perhaps("may rest")
        lags = (0.0, 20.0, LISTED_WITHIN_SECONDS)
        lags = (*lags, 4000.0) if self.policy == "fail" else lags
        self.row = DATA_TYPES[chance("the data type", *DATA_TYPES)]
        self.codat = Codat(chance, lags, self.row)
        self.key = new_uuid()
        self.journal = MemoryJournal()
        self.entries: list[Entry] = []
        self.ever: list[Entry] = []
        self.living: list[Process] = []
        self.number = self.clear_count = self.ordered = 0
        self.resolution = ""
        self.wanted = body_of(self.row, NAME)
        others = dict.fromkeys(self.row.identifying[1:2], "mended")
        self.mended = {**self.wanted, **others, "note": "mended"}
        self.payload = self.wanted
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
            name = STRANGERS[self.chance("a stranger creates", *kinds)]
            record = body_of(self.row, name, 1 if name == NAME else 2)
            over = self.chance("over", CONNECTION, ELSEWHERE)
            kind = self.chance("as one of", self.row.name, "salesOrders")
            happens = partial(self.codat.stranger, record, over, kind)
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
            back = self.payload is self.mended
            self.payload = self.wanted if back else self.mended
        if change == "timeout":
            self.timeout_in_minutes = 5
        if change == "wiped" and not any(e.generation for e in self.entries):
            self.journal_whole = False
            self.entries = []
            self.wipe_journal()

    def _clear(self) -> None:
        """Clear the task, after a person has looked at the books or not."""
        self.clear_count += 1
        ours = self.codat.ours()
        self.ordered += bool(ours) and self.on_clear == "create" and self.durable
        ended = {e.result.get("record_id") for e in self.entries if e.kind == "end"}
        unclaimed = [record for record in ours if record not in ended]
        obeyed = any(e.because == self.resolution for e in self.entries)
        self.resolution = self.resolution if obeyed else ""
        if self.chance.perhaps("nobody has looked"):
            return
        keys = {e.key for e in self.entries if e.key}
        if unclaimed:
            self.resolution = unclaimed[0]
        elif not (self.living or any(map(self.codat.may_act, keys))):
            used = sum(entry.kind == "resolution" for entry in self.entries)
            self.resolution = f"not_created:{used + 1}" if used else "not_created"

    # A try.

    def open_journal(self) -> Journal:
        """Return the journal for one more process of the present try."""
        return self.journal

    def wipe_journal(self) -> None:
        """Let nothing be left of it."""
        self.journal = MemoryJournal()

    def refused(self, process: Process, entry: Entry) -> None:
        """Let an overtaken process write, which it cannot any more."""

    def _run_try(self) -> None:
        self.done = False
        self._steps = 0
        self.number += 1
        self._tell(f"try {self.number}, clear {self.clear_count}")
        whole = self.durable and self.open_journal().begin(self.number)
        unseen_since = None if whole or self.number == 1 else START
        while not self._run(self.begin(unseen_since)):
            unseen_since = None

    def begin(self, unseen_since: float | None) -> Process:
        """Begin a process that reads the journal, and goes on from there."""
        write = Write(
            base_url="https://codat.invalid",
            destination=Destination(COMPANY, CONNECTION),
            data_type=self.row,
            payload=self.payload,
            key_of=partial(following_key, self.key),
            timeout_in_minutes=self.timeout_in_minutes,
            durable=self.durable,
            may_defer=self.may_defer,
            clear_count=self.clear_count,
            resolution=self.resolution,
            on_unknown_outcome=self.policy,
            on_clear=self.on_clear,
            grace_seconds=LISTED_WITHIN_SECONDS,
            lifetime_seconds=ACTS_WITHIN_SECONDS,
        )
        journal = self.open_journal()
        read = tuple(
            entry_of(json.loads(json.dumps(e.to_json()))) for e in journal.read()
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
        conversation = whole_try(write, past, patience, waits)
        return Process(write, conversation, list(read), journal)

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
            while isinstance(asked, Turn):
                seconds = asked.pace.acquire(asked.company_id, asked.now)
                asked = process.conversation.send(seconds)
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
        return (
            isinstance(asked, DeferrablePause) and self.may_defer and asked.seconds > 10
        )

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
            if self._leaves(asked):
                break
            if isinstance(asked, Note) and self.durable:
                self.refused(process, asked.entry)
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
            process.journal.append(entry)
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
            told = kinds & {"no", "resolution", "end"}
            assert told or "2xx" not in kinds, "7: a yes is followed by a create"
            assert told or "op" not in kinds, "7: an operation is followed by a create"
            if self.policy == "resend":
                continue
            later = [e for e in process.acknowledged if e.generation > number]
            looked = self.codat.now - process.looked_at < 60
            looked = looked or any(e.because == "reconciled" for e in later)
            released = kinds - {"stale_resolution"} == {"intent", "released"}
            fine = told or looked or released
            assert fine, f"6: nothing tells what came of generation {number}"
            if kinds & {"resolution", "end"}:
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
    return (
        yield from conclude(
            written, patience, redact=str, clear_count=write.clear_count
        )
    )
