"""The laws of many rows that are never made twice, whatever happens on the way.

Hypothesis decides what goes wrong with the Codat of ``codat_model.py``. One task of one
DAG run wants up to twelve records of a data type, some of them equal. It is retried,
cleared and killed at any step; its list is changed in between. No thread is started:
what is in flight acts, and is answered, in the order that Hypothesis chooses.

The laws are numbered, and broken ones name their number:

1. Each row makes one record, and one more for each time that a person has ordered it.
2. The report is the ledger, one to one: success names a record of the row's own, none
   is named twice, and a record that no row names is that of a row of which the report
   says that it may exist, or that an earlier payload made it.
3. Nothing is sent without an intent of that key and payload that is kept.
4. The same key is sent with the same path, query and body.
5. No key is sent when Codat may have forgotten it.
6. Another key of a row is sent only when nothing that was sent before may still act,
   or has ended so that there may be a record; unless a person has said so.
7. Left alone for long enough, every row is in the books that nobody has refused, where
   the books can be read.

Equal rows may stand in for each other: whose record is whose, nobody can tell.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID, uuid5

import codat_model as model
from codat_model import (
    COMPANY,
    CONNECTION,
    START,
    Chance,
    Codat,
    Operation,
    body_of,
    creates,
    new_uuid,
    told,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_codat.api.bulk.batch import Batch
from airflow_provider_codat.api.bulk.journal import BatchJournal, outcomes
from airflow_provider_codat.api.bulk.journal_windows import RowJournal, decoded
from airflow_provider_codat.api.bulk.plan import BatchPlan, Deferral
from airflow_provider_codat.api.bulk.report import Outcome
from airflow_provider_codat.api.bulk.rows import Row, Rows, Rules
from airflow_provider_codat.api.bulk.scheduler import RunningConversation, Scheduler
from airflow_provider_codat.api.create.idempotency import following_key
from airflow_provider_codat.api.create.intent import Write
from airflow_provider_codat.api.data_types import DATA_TYPES
from airflow_provider_codat.api.errors import JournalFailed
from airflow_provider_codat.api.http.exchange import Patience
from airflow_provider_codat.api.http.request import NoAnswer, Reply, Request, Response
from airflow_provider_codat.api.models import Destination, Json
from airflow_provider_codat.api.pace.rate_limit import Pace
from airflow_provider_codat.api.payload.canonical import canonical
from airflow_provider_codat.api.payload.check import Check

# A story of many rows takes longer than one of a single write.
stories = settings(model.stories, max_examples=int(model.EXAMPLES or 300))

NAMES = [
    "Alder Bakery of Bellingham",
    "Birch & Daughters, Shipwrights",
    "Cedar Street Clinic",
    "Dogwood Typewriters",
    "Elm Optics of the North",
    "Fir Island Ferries",
    "Gorse Hill Gardens",
    "Hazelnut Trading Post",
    "Ironwood Forge",
    "Juniper Press",
    "Kapok Mattresses",
    "Larch Lamps and Lanterns",
    "Mulberry Silks",
    "Nutmeg Kitchens",
]
MAY_EXIST = {"Unknown", "TimedOut", "Pending", "Changed"}
DIES = "dies before it is kept"
DIES_AFTER = "dies once it is kept"
FAILS = "is not there"
FAILS_AFTER = "keeps it, and says that it did not"
LONGEST_IDLE_SECONDS = 20.0


class Killed(BaseException):
    """The process is gone."""


class Wire:
    """Stands for the threads that send: requests in flight, and their answers."""

    def __init__(self, story: "Story") -> None:
        self._story = story
        self._in_flight: list[tuple[RunningConversation, Reply, float]] = []
        self._idle_seconds = 0.5
        self._takes = 0
        self._stopped = False

    @property
    def under_way(self) -> int:
        return len(self._in_flight)

    def give(self, running: RunningConversation, request: Request) -> None:
        assert not self._stopped, "something is sent after the stop"
        story = self._story
        self._idle_seconds = 0.5
        now = story.codat.now
        reply = story.send(request)
        lost = isinstance(reply, NoAnswer) and reply.sent
        seconds = story.chance("it took", 0.2, 30.0) if lost else 0.2
        self._in_flight.append((running, reply, now + seconds))

    def take(self, timeout_seconds: float) -> tuple[RunningConversation, Reply] | None:
        story, codat = self._story, self._story.codat
        self._takes += 1
        assert self._takes < 6000, "a try does not come to an end"
        if not self._in_flight:
            if timeout_seconds > 0:
                codat.wait(max(timeout_seconds, self._idle_seconds))
                self._idle_seconds = min(LONGEST_IDLE_SECONDS, 2 * self._idle_seconds)
            return None
        if timeout_seconds <= 0 and not story.chance.perhaps(
            "two answers come at once"
        ):
            return None
        story.perhaps_dies("with requests in flight")
        which = story.chance("the next answer is that of", *range(self.under_way))
        running, reply, at = self._in_flight.pop(which)
        codat.wait(max(0.05, at - codat.now))
        if isinstance(reply, Response):
            reply = replace(reply, received_at=codat.now)
        return running, reply

    def stop(self) -> None:
        self._stopped = True


class Story:
    """One task with many rows, from its first try to the end."""

    def __init__(self, chance: Chance) -> None:
        self.chance = chance
        self.policy = chance("on_unknown_outcome", *["reconcile"] * 4, "fail")
        self.on_clear = chance("on_clear", "reuse", "reuse", "reuse", "create")
        self.keyed = chance.perhaps("the rows have names")
        self.may_defer = chance.perhaps("the task may leave its worker")
        self.most_at_a_time = chance("at a time", 10, 3, 1)
        self.row = DATA_TYPES[chance("the data type", *DATA_TYPES)]
        lags = (0.0, 20.0, model.LISTED_WITHIN_SECONDS)
        self.codat = Codat(chance, lags, self.row)
        self.base = UUID(new_uuid())
        self.texts: dict[int, str] = {}
        self.kept: dict[bytes, RowJournal] = {}
        self.keys: dict[str, tuple[bytes, int]] = {}
        self.ever: dict[bytes, bytes] = {}
        self.same: dict[bytes, bytes] = {}
        self.ordered: Counter[bytes] = Counter()
        self.said: dict[str, str] = {}
        self.report: list[Outcome] | None = None
        self.reported: list[Row] = []
        self.clear_count = self.number = 0
        self.safe = True
        self.unseen_since: float | None = None
        self._names = iter(enumerate(NAMES, 1))
        self._numbers = iter(range(1, 100))
        self.source: list[dict[str, Json]] = []
        self._source_before = self.source
        for _ in range(chance("rows", 3, 1, 2, 4, 6, 9, 12)):
            self.source.append(self._new_row())
        for _ in range(chance("strangers", 0, 0, 1, 2)):
            record = body_of(self.row, "Quince Removals", 100)
            kind = self.row.name
            happens = partial(self.codat.stranger, record, CONNECTION, kind)
            self.codat.at(START + chance("after", 1.0, 200.0, 4900.0), happens)

    def _new_row(self) -> dict[str, Json]:
        """Return another row; it may be equal to one that is there."""
        row: dict[str, Json] = {}
        if self.keyed:
            row["reference"] = f"C-{next(self._numbers)}"
        equal = self.chance("a row is equal to one before", "no", "no", "yes")
        if equal == "yes" and self.source:
            twin = self.source[self.chance("which", *range(len(self.source)))]
            return {**twin, **row}
        number, name = next(self._names, (99, "Oak"))
        return {**row, **body_of(self.row, name, number)}

    def tell(self) -> None:
        """Run try after try, and look at the books when all has come to rest."""
        self.run_try()
        for _ in range(self.chance("further tries", 0, 1, 2, 3, 4)):
            self.time_passes()
            self.run_try()
        self.codat.wait(3 * 86_400)
        self.check_books()

    def calm_down(self) -> None:
        """Let nothing go wrong any more, and try again until it is done."""
        self.chance.calm = True
        for _ in range(3):
            self.clear_count += 1
            self.said = {}
            self.run_try()
            self.codat.wait(3 * 3600)

    def time_passes(self) -> None:
        codat = self.codat
        seconds = self.chance(
            "later by", 1.0, 300.0, 700.0, 3000.0, 0.0, 4600.0, 10_800.0
        )
        if not seconds:
            # Just before the key of the latest intent is too old.
            at = [
                e.at
                for row in self.kept.values()
                for e in row.entries
                if e.kind == "intent"
            ]
            too_old_at = max(at, default=0.0) + model.LIFETIME_SECONDS
            seconds = max(1.0, too_old_at - codat.now - 20)
        codat.wait(seconds)
        self.check_books()
        if self.chance("before the next try", "", "", "cleared"):
            self.clear()
        self._edit()

    def _edit(self) -> None:
        """Let somebody change the list."""
        self._source_before = list(self.source)
        edits = ("inserted", "reordered", "changed", "removed")
        edit = self.chance("a row is", *["as it was"] * 4, *edits)
        place = self.chance("at", *range(len(self.source)))
        match edit:
            case "inserted":
                self.source.insert(place, self._new_row())
            case "reordered":
                self.source = [*self.source[place:], *self.source[:place]][::-1]
            case "changed" if self.keyed:
                second = self.chance("to", "second", "first")
                others = dict.fromkeys(self.row.identifying[1:2], second)
                changed = {**self.source[place], **others, "note": second}
                self.source[place] = changed
            case "removed" if len(self.source) > 1:
                self.source.pop(place)

    def clear(self) -> None:
        """Clear the task, after a person has looked at the books or not."""
        self.clear_count += 1
        if self.on_clear == "create":
            self.ordered.update(
                self.group(self.ever[item])
                for item, row in self.kept.items()
                if row.ended and item in self.ever
            )
        self.said = {}
        if self.report is None or self.chance.perhaps("nobody has looked"):
            return
        held = {
            e.operation_key: item
            for item, row in self.kept.items()
            for e in row.entries
        }
        named = {r.ended.result.get("record_id") for r in self.kept.values() if r.ended}
        free = {
            record: made
            for record, made in self.ours().items()
            if record not in named
            and held.get(made.key, self._maker(made)) == self._maker(made)
        }
        for row, line in zip(self.reported, self.report, strict=True):
            if line["status"] in {"Unknown", "TimedOut"}:
                self._say(row, free)

    def _maker(self, made: Operation) -> bytes:
        """Return the row that a push operation is of."""
        return self.keys[made.maker][0]

    def _say(self, row: Row, free: dict[str, Operation]) -> None:
        """Let a person say what became of a row; equal ones are told by their keys."""
        for record, made in free.items():
            if self._maker(made) == row.item:
                self.said[row.label] = record
                return
        keys = [key for key, (item, _) in self.keys.items() if item == row.item]
        if not any(map(self.codat.may_act, keys)):
            entries = self.kept[row.item].entries if row.item in self.kept else ()
            used = sum(
                entry.kind in {"resolution", "stale_resolution"} for entry in entries
            )
            said = f"not_created:{used + 1}" if used else "not_created"
            self.said[row.label] = said

    # A try.

    def run_try(self) -> None:
        self.number += 1
        self.safe = not self.chance.perhaps("something befalls it")
        self.tell_of(
            f"try {self.number}, clear {self.clear_count}, of {len(self.source)} rows"
        )
        self.report = None
        rows = self._opened()
        for row in self.rows():
            self._know(row)
        try:
            while (deferral := self._run(rows)) is not None:
                self.tell_of(f"is deferred until {deferral.until - START:.0f}")
                share = self.chance("comes back after", 1.0, 0.3)
                self.codat.wait(max(1.0, share * (deferral.until - self.codat.now)))
        except (Killed, JournalFailed) as error:
            self.tell_of(repr(error))
        self.check_books()

    def _opened(self) -> Rows:
        source = list(self.source)
        named = "reference" if self.keyed else None
        rules = Rules(item_key=named, check=Check(validate="off"))
        return Rows(lambda: source, rules)

    def rows(self) -> list[Row]:
        """Return the rows as they are now."""
        opened = self._opened()
        opened.survey()
        return [row for row in opened.read() if isinstance(row, Row)]

    def _know(self, row: Row) -> None:
        """Take in a row; what it was before is of one group with what it is."""
        body = canonical(row.payload)
        before = self.ever.get(row.item, body)
        self.same[self.group(before)] = self.group(body)
        self.ever[row.item] = body

    def group(self, body: bytes) -> bytes:
        """Return what stands for all bodies whose rows cannot be told apart."""
        while (other := self.same.get(body, body)) != body:
            body = other
        return body

    def _run(self, rows: Rows) -> Deferral | None:
        """Carry out one process; return when it is to be taken up in another one."""
        survey = rows.survey()
        texts = [self.texts[number] for number in range(len(self.texts))]
        journal = BatchJournal(texts, self.keep)
        if not self.keyed and (missing := journal.missing(survey.items)):
            self.tell_of(f"refused: {len(missing)} rows are gone; they are put back")
            self.source = self._source_before
            return None
        budget_seconds = self.chance("a call may take", 120.0, 120.0, 20_000.0)
        pace = Pace(self.chance("requests a minute", 900, 20))
        patience = Patience(
            budget_seconds, pace, clock=lambda: self.codat.now, dice=lambda: 0.5
        )
        codat_request: Any = Wire(self)
        plan = BatchPlan(
            company_id=COMPANY,
            rows=rows.read,
            write_of=self.write_of,
            clear_count=self.clear_count,
            unseen_since=self.unseen_since,
            most=self.chance("rows that fit", None, None, None, 2),
            wait=not self.chance.perhaps("it is not waited for"),
            may_defer=self.may_defer,
            poll_interval_seconds=60.0,
            completion_timeout_seconds=900.0,
            grace_seconds=model.LISTED_WITHIN_SECONDS,
        )
        scheduler = Scheduler(
            codat_request, pace, COMPANY, self.most_at_a_time, clock=patience.clock
        )
        batch = Batch(plan, journal, scheduler, patience, self._went_on)
        deferral = batch.run()
        if deferral is None:
            self.tell_of(f"stopped: {batch.stopped!r:.80}" if batch.stopped else "done")
            self.report = list(outcomes(rows.read(), journal))
            self.reported = self.rows()
            for line in self.report:
                self.tell_of(
                    f"{line['row']} {line['item_key'][:6]}: {line['status']} "
                    f"{line['record_id']} {' '.join(line['problems'])[:100]}"
                )
        return deferral

    def _went_on(self, _batch: Batch) -> None:
        self.perhaps_dies("between two turns", often=40)

    def write_of(self, row: Row) -> Write:
        return Write(
            base_url="https://codat.invalid",
            destination=Destination(COMPANY, CONNECTION),
            data_type=self.row,
            payload=row.payload,
            key_of=partial(self.key_of, row.item),
            durable=True,
            clear_count=self.clear_count,
            resolution=self.said.get(row.label, ""),
            on_unknown_outcome=self.policy,
            on_clear=self.on_clear,
            grace_seconds=model.LISTED_WITHIN_SECONDS,
            lifetime_seconds=model.ACTS_WITHIN_SECONDS,
        )

    def key_of(self, item: bytes, generation: int) -> str:
        key = following_key(str(uuid5(self.base, item.hex())), generation)
        self.keys[key] = (item, generation)
        return key

    def perhaps_dies(self, where: str, often: int = 12) -> None:
        if not self.safe and self.chance(f"it dies {where}", *[0] * often, 1):
            raise Killed(where)

    def keep(self, number: int, text: str) -> None:
        """Keep a window, unless something befalls the process or the store."""
        self.codat.wait(0.015)
        ends = (DIES, DIES_AFTER, FAILS, FAILS_AFTER)
        befalls = "" if self.safe else self.chance("the store", *[""] * 12, *ends)
        if befalls in {DIES, FAILS}:
            raise Killed(befalls) if befalls == DIES else JournalFailed(befalls)
        assert number <= len(self.texts), "a window is skipped"
        assert len(text) < 65_536, "a window is larger than a value may be"
        self.texts[number] = text
        for row in decoded(number, text).rows:
            self.kept[row.item] = row
        if befalls:
            raise Killed(befalls) if befalls == DIES_AFTER else JournalFailed(befalls)

    def send(self, request: Request) -> Reply:
        key = (request.idempotency_key or "")[:8]
        if creates(request):
            self.check_send(request)
        reply: Reply = self.codat.answer(request)
        status = reply.status if isinstance(reply, Response) else "no answer"
        self.tell_of(f"{request} {key} -> {status}")
        return reply

    def tell_of(self, what: str) -> None:
        self.chance.story.append(f"{self.codat.now - START:7.0f} {what}")

    # The laws.

    def check_send(self, request: Request) -> None:
        key = str(request.idempotency_key)
        item, generation = self.keys[key]
        kept = self.kept[item].entries if item in self.kept else ()
        intents = [e for e in kept if e.kind == "intent" and e.generation == generation]
        assert intents, "3: a key was sent, and no intent is kept"
        blank = Write(
            "https://codat.invalid",
            Destination(COMPANY, CONNECTION),
            self.row,
            json.loads(request.body or b""),
            key_of=str,
        )
        same = intents[-1].digest[:16] == blank.digest()[:16]
        assert same, "3: another payload than intended"
        since = kept[kept.index(intents[-1]) :]
        burnt = any(e.kind == "5xx" for e in since)
        assert not burnt, "a key that was answered by 500 was sent again"
        before = [s for s in self.codat.sends if s.key == key]
        same = all(sent.request == request for sent in before)
        assert same, "4: the same key was sent with another request"
        acted = (s.at for s in before if s.may_have_acted)
        age = self.codat.now - min(acted, default=self.codat.now)
        assert age <= model.LIFETIME_SECONDS, f"5: a key of {age:.0f} s was sent"
        for number in range(generation):
            self._check_earlier(item, number)

    def _check_earlier(self, item: bytes, generation: int) -> None:
        """Check what a later generation of a row stands on."""
        entries = self.kept[item].entries
        kinds = {e.kind for e in entries if e.generation == generation}
        if kinds & {"resolution", "end"}:
            return
        key = self.key_of(item, generation)
        assert not self.codat.may_act(key), f"6: generation {generation} may still act"
        doubtful = self.codat.doubtful(key)
        assert not doubtful, "6: a doubtful end is followed by a create"

    def ours(self) -> dict[str, Operation]:
        """Return the push operations that have made a record, by these."""
        return {o.record: o for o in self.codat.operations if o.maker and o.record}

    def check_books(self) -> None:
        """Compare the books with the rows, and with the latest report."""
        ours = self.ours()
        made = Counter(self.group(canonical(o.customer)) for o in ours.values())
        rows = Counter(map(self.group, self.ever.values()))
        for group, number in made.items():
            most = rows[group] + self._ordered(group)
            assert number <= most, f"1: {number} records for {most} rows"
        if self.report is not None:
            self._check_report(self.report, ours, made)

    def _ordered(self, group: bytes) -> int:
        return sum(n for body, n in self.ordered.items() if self.group(body) == group)

    def _check_report(
        self,
        report: Sequence[Outcome],
        ours: Mapping[str, Operation],
        made: Counter[bytes],
    ) -> None:
        named = [str(e["record_id"]) for e in report if e["status"] == "Success"]
        assert len(set(named)) == len(named), "2: a record is named twice"
        foreign = set(named) - set(ours)
        assert not foreign, "2: a record is named that is none of ours"
        left = made - Counter(self.group(canonical(ours[r].customer)) for r in named)
        labels = [line["item_key"] for line in report]
        items = {row.label: row for row in self.reported}
        assert labels == list(items), "2: the report has other rows than the source"
        for line in report:
            row = items[line["item_key"]]
            body = canonical(row.payload)
            if line["status"] == "Success" and not line["adopted"]:
                record = ours[str(line["record_id"])]
                same = canonical(record.customer) == body
                assert same, "2: the record was made of another row"
            if line["status"] in MAY_EXIST:
                left[self.group(body)] -= 1
        gone = set(self.ever) - {row.item for row in items.values()}
        left.subtract(self.group(self.ever[item]) for item in gone)
        for group, number in left.items():
            most = self._ordered(group)
            assert number <= most, "2: a record is of no row that may have one"


IN_DOUBT: dict[str, tuple[Any, ...]] = {
    "on_unknown_outcome": ("reconcile",),
    "on_clear": ("reuse",),
    "rows": (3, 2, 4, 6),
    "a row is equal to one before": ("yes", "yes", "no"),
    "strangers": (0,),
    "the answer to the POST": (
        "whole",
        "whole",
        "none",
        "none",
        "gateway",
        "401",
        "429",
    ),
    "Retry-After": (1, 300, 4600),
    "it arrives": ("now", "never", "late"),
    "the answer to a GET": ("whole",),
    "Codat": ("accepts", "accepts", "500", "accepts, and 500"),
    "the operation": ("succeeds",),
    "and ends after": (1.0,),
    "something befalls it": (False, True),
    "further tries": (2, 3, 4),
    "requests a minute": (900,),
}
READABLE = [row.name for row in DATA_TYPES.values() if row.is_readable]
BELIEVED: dict[str, tuple[Any, ...]] = {
    "the data type": tuple(READABLE),
    **IN_DOUBT,
    "the software": ("gives back what it got", "upper-cases and pads"),
    "a row is equal to one before": ("no",),
    "the operation": (*["succeeds"] * 4, "is refused"),
    "a row is": (*["as it was"] * 4, "inserted", "reordered"),
    "Retry-After": (1, 300, 4600, 20_000),
}


any_numbers = st.binary(min_size=300, max_size=700)


@stories
@given(any_numbers)
def test_exactly_once(numbers: bytes) -> None:
    """Whatever happens, laws 1 to 6 hold for each row of a batch."""
    with told(Story, numbers, {}) as story:
        story.tell()


@stories
@given(any_numbers)
def test_rows_in_doubt(numbers: bytes) -> None:
    """Laws 1 to 6 hold where many answers are lost, and many of the rows are equal."""
    with told(Story, numbers, IN_DOUBT) as story:
        story.tell()


@stories
@given(any_numbers)
def test_every_row_gets_there(numbers: bytes) -> None:
    """Law 7: once nothing goes wrong any more, every row is in the books by and by."""
    with told(Story, numbers, BELIEVED) as story:
        story.tell()
        story.calm_down()
        missing = [e for e in story.report or [] if e["status"] != "Success"]
        assert story.report is not None, "7: there is no report"
        assert not missing, f"7: not in the books: {missing}"
