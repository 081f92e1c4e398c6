"""The laws of a batch, over real HTTP and with real threads."""

import math
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

import pytest

from airflow_provider_codat.api.bulk.batch import Batch
from airflow_provider_codat.api.bulk.journal import BatchJournal, outcomes
from airflow_provider_codat.api.bulk.journal_windows import RowJournal
from airflow_provider_codat.api.bulk.plan import BatchPlan
from airflow_provider_codat.api.bulk.reconcile import BatchClaims, reconcile_batch
from airflow_provider_codat.api.bulk.report import Outcome
from airflow_provider_codat.api.bulk.row_progress import RowProgress
from airflow_provider_codat.api.bulk.rows import Row, Rows, Rules
from airflow_provider_codat.api.bulk.scheduler import (
    ReconcileRequest,
    RunningConversation,
    Scheduler,
)
from airflow_provider_codat.api.create.idempotency import following_key
from airflow_provider_codat.api.create.intent import Write
from airflow_provider_codat.api.create.journal import Past
from airflow_provider_codat.api.create.search import Claims, Search
from airflow_provider_codat.api.create.submit import submit
from airflow_provider_codat.api.data_types import CUSTOMERS
from airflow_provider_codat.api.errors import (
    JournalFailed,
    NotAuthorised,
    RateLimited,
)
from airflow_provider_codat.api.http.exchange import Note, Patience, Send, Turn, drive
from airflow_provider_codat.api.http.sender_threads import SenderThreads
from airflow_provider_codat.api.http.transport import Transport
from airflow_provider_codat.api.models import Destination, Json
from airflow_provider_codat.api.pace.rate_limit import Pace
from airflow_provider_codat.api.payload.check import Check
from airflow_provider_codat.simulator import LocalCodat

if TYPE_CHECKING:
    from tests.api.conftest import MovableClock

AT_A_TIME = 4


def customers(number: int) -> list[Json]:
    return [
        {"customerName": f"Bakery No. {n}", "status": "Active"} for n in range(number)
    ]


@dataclass
class Task:
    """A task with many rows, try after try, against the simulator."""

    codat: LocalCodat
    transport: Callable[..., Transport]
    url: str = ""
    rows: list[Json] = field(default_factory=lambda: customers(20))
    texts: dict[int, str] = field(default_factory=dict)
    clear_count: int = 0
    most: int | None = None
    wait: bool = True
    said: dict[str, str] = field(default_factory=dict)
    keeps_up_to: int = 10_000
    fields: dict[str, Any] = field(default_factory=dict)
    switches: dict[str, Any] = field(default_factory=dict)
    batch: Any = None

    def run(self) -> list[Outcome]:
        """Carry out one try; return the report."""
        rows = Rows(lambda: self.rows, Rules(check=Check(validate="off")))
        rows.survey()
        journal = BatchJournal([self.texts[n] for n in sorted(self.texts)], self.keep)
        pace = Pace(10_000)
        senders: SenderThreads[RunningConversation] = SenderThreads(
            self._new_send, AT_A_TIME
        )
        switches = {"completion_timeout_seconds": 20.0, **self.switches}
        plan = BatchPlan(
            company_id=self.codat.company_id,
            rows=rows.read,
            write_of=self.write_of,
            clear_count=self.clear_count,
            most=self.most,
            wait=self.wait,
            poll_interval_seconds=0.1,
            grace_seconds=0.0,
            **switches,
        )
        patience = Patience(60.0, pace, dice=lambda: 0.0)
        scheduler = Scheduler(senders, pace, self.codat.company_id, AT_A_TIME)
        self.batch = Batch(plan, journal, scheduler, patience)
        assert self.batch.run() is None
        return list(outcomes(rows.read(), journal))

    def _new_send(self) -> Any:  # noqa: ANN401 - what a thread sends with
        return self.transport(self.url or self.codat.url, **self.fields).send

    def keep(self, number: int, text: str) -> None:
        if self.keeps_up_to <= 0:
            raise JournalFailed("it was perhaps not kept")
        self.keeps_up_to -= 1
        self.texts[number] = text

    def write_of(self, row: Row) -> Write:
        key = str(uuid5(UUID(self.codat.company_id), row.item.hex()))
        return Write(
            base_url=self.codat.url,
            destination=Destination(self.codat.company_id, self.codat.connection_id),
            data_type=CUSTOMERS,
            payload=row.payload,
            key_of=partial(following_key, key),
            durable=True,
            clear_count=self.clear_count,
            resolution=self.said.get(row.label, ""),
            grace_seconds=0.0,
            lifetime_seconds=0.0,
        )

    def report(self) -> list[Outcome]:
        """Return what is reported by a try that sends nothing."""
        rows = Rows(lambda: self.rows, Rules(check=Check(validate="off")))
        rows.survey()
        texts: list[Json] = [self.texts[number] for number in sorted(self.texts)]
        return list(outcomes(rows.read(), BatchJournal(texts, self.keep)))

    def posts(self) -> int:
        """Return how many creates have arrived."""
        return sum(entry.method == "POST" for entry in self.codat.journal())

    def records(self) -> list[str]:
        return [record.record_id for record in self.codat.ledger()]


@pytest.fixture
def task(codat: LocalCodat, transport: Callable[..., Transport]) -> Task:
    """Give a task with twenty rows."""
    return Task(codat, transport)


def statuses(report: list[Outcome]) -> dict[str, int]:
    return dict(Counter(line["status"] for line in report))


def test_each_row_becomes_a_record(task: Task) -> None:
    """Each row, equal ones too, becomes one record, and the report names it."""
    task.rows = [*customers(30), *customers(10)]
    report = task.run()
    assert statuses(report) == {"Success": 40}
    assert [line["row"] for line in report] == list(range(1, 41))
    assert sorted(str(e["record_id"]) for e in report) == sorted(task.records())
    names = {record.record_id: record.name for record in task.codat.ledger()}
    for row, line in zip(task.rows, report, strict=True):
        assert isinstance(row, dict)
        assert names[str(line["record_id"])] == row["customerName"]
    assert task.posts() == 40


def test_another_try_sends_nothing(task: Task) -> None:
    """A try after one that brought all rows into the books sends no create at all."""
    first = task.run()
    again = task.run()
    assert again == first
    assert task.posts() == 20
    task.clear_count += 1
    assert task.run() == first
    assert task.posts() == 20


@pytest.mark.parametrize(
    "kind",
    [
        "reset_before_commit",
        "reset_after_commit",
        "gateway_error_before_commit",
        "gateway_error_after_commit",
        "junk_body",
        "too_many_requests",
    ],
)
def test_misfortunes_on_the_way(task: Task, kind: str) -> None:
    """Whatever befalls some answers, each row becomes one record."""
    fields = {"retry_after": 1} if kind == "too_many_requests" else {}
    task.codat.order(kind, route="create", count=5, **fields)
    report = task.run()
    assert statuses(report) == {"Success": 20}
    assert sorted(str(e["record_id"]) for e in report) == sorted(task.records())


def test_a_refused_row(task: Task) -> None:
    """A row that Codat refuses is reported, and hurts no other one.

    It is not sent again before the task is cleared; then it is.
    """
    plan: dict[str, Any] = {"customer": "Bakery No. 7", "status": 400}
    task.codat.order("codat_error_before_commit", **plan)
    report = task.run()
    assert statuses(report) == {"Success": 19, "Failed": 1}
    assert report[7]["status"] == "Failed"
    assert report[7]["problems"]
    assert "Bakery" not in str(report[7]["problems"])
    sent = task.posts()
    assert task.run() == report
    assert task.posts() == sent
    task.clear_count += 1
    assert statuses(task.run()) == {"Success": 20}
    assert task.posts() == sent + 1
    assert len(task.records()) == 20


def test_a_push_operation_that_fails(task: Task) -> None:
    """A row whose push operation failed is sent again once the task was cleared."""
    task.codat.order("fail", customer="Bakery No. 3")
    report = task.run()
    assert statuses(report) == {"Success": 19, "Failed": 1}
    assert report[3]["push_operation_key"]
    assert task.run() == report
    task.clear_count += 1
    assert statuses(task.run()) == {"Success": 20}
    assert len(task.records()) == 20


def test_a_push_operation_that_times_out(task: Task) -> None:
    """A row that timed out is looked at once more, and never sent again."""
    task.codat.order("timed_out", customer="Bakery No. 3")
    report = task.run()
    assert statuses(report) == {"Success": 19, "TimedOut": 1}
    looks = sum(entry.method == "GET" for entry in task.codat.journal())
    assert looks >= 2
    task.clear_count += 1
    assert statuses(task.run()) == {"Success": 19, "TimedOut": 1}
    assert task.posts() == 20


def test_a_wrong_key_stops_all(task: Task) -> None:
    """When Codat refuses the API key, the rest is not sent: it would end the same."""
    task.rows = customers(100)
    task.fields = {"password": "wrong"}
    report = task.run()
    assert isinstance(task.batch.stopped, NotAuthorised)
    assert task.posts() <= 2 * AT_A_TIME + 3
    assert set(statuses(report)) == {"Failed", "NotSent"}
    task.fields = {}
    task.clear_count += 1
    assert statuses(task.run()) == {"Success": 100}
    assert len(task.records()) == 100


def test_a_long_wait_stops_all(task: Task) -> None:
    """When Codat asks to come back much later, nothing waits for that, or is lost."""
    task.rows = customers(100)
    # To all from then on, as Codat does: else who is quick sends more meanwhile.
    task.codat.order(
        "too_many_requests", route="create", retry_after=7200, skip=10, count=100
    )
    began = time.monotonic()
    report = task.run()
    assert time.monotonic() - began < 600
    assert isinstance(task.batch.stopped, RateLimited)
    assert task.posts() <= 10 + 2 * AT_A_TIME + 3
    assert "NotSent" in statuses(report)
    assert sum(line["status"] == "NotSent" for line in report) >= 80
    assert len(task.records()) <= 10


def test_nothing_is_sent_that_is_not_written(task: Task) -> None:
    """Where the journal cannot be written, nothing is sent."""
    task.keeps_up_to = 0
    with pytest.raises(JournalFailed):
        task.run()
    assert task.posts() == 0
    task.keeps_up_to = 10_000
    assert statuses(task.run()) == {"Success": 20}
    assert len(task.records()) == 20


def test_a_journal_that_breaks_off(task: Task) -> None:
    """A try that goes on after the journal broke off makes no row twice."""
    task.keeps_up_to = 1
    with pytest.raises(JournalFailed):
        task.run()
    task.keeps_up_to = 10_000
    assert statuses(task.run()) == {"Success": 20}
    assert len(task.records()) == 20


def test_what_fits(task: Task) -> None:
    """Rows beyond those that may be sent are left out; a later try sends them."""
    task.most = 8
    report = task.run()
    assert statuses(report) == {"Success": 8, "NotSent": 12}
    assert task.batch.counts.held_back == 12
    task.most = None
    assert statuses(task.run()) == {"Success": 20}
    assert task.posts() == 20


def test_without_waiting(task: Task) -> None:
    """Where it is not waited for, rows are pending once they are accepted.

    A later try that waits sees what became of them.
    """
    task.wait = False
    task.codat.order("stay_pending", seconds=0.1, count=20)
    assert statuses(task.run()) == {"Pending": 20}
    task.wait = True
    assert statuses(task.run()) == {"Success": 20}
    assert task.posts() == 20


def test_an_error_of_codats_own(task: Task) -> None:
    """After errors of Codat's own, the books tell which rows were created."""
    task.codat.order("codat_error_after_commit", count=2)
    task.codat.order("codat_error_before_commit", count=2)
    report = task.run()
    assert statuses(report) == {"Success": 20}
    assert sum(line["adopted"] for line in report) == 2
    assert sorted(str(e["record_id"]) for e in report) == sorted(task.records())
    assert task.posts() >= 20 + 2


def test_rows_that_come_and_go(task: Task) -> None:
    """Rows may be inserted, and put in another order: none is made twice."""
    first = {line["item_key"]: line["record_id"] for line in task.run()}
    task.rows = [*customers(25)][::-1]
    report = task.run()
    assert statuses(report) == {"Success": 25}
    known = {line["item_key"]: line["record_id"] for line in report}
    assert known | first == known
    assert len(task.records()) == 25


def test_rows_that_a_try_did_not_come_to(task: Task) -> None:
    """Of rows that an earlier try left open, a try that sends nothing says no more.

    Whatever was said of them before they were sent anew is out of date.
    """
    plan: dict[str, Any] = {"customer": "Bakery No. 7", "status": 400}
    task.codat.order("codat_error_before_commit", **plan)
    task.rows = customers(8)
    assert statuses(task.run()) == {"Success": 7, "Failed": 1}
    task.rows = customers(12)
    task.clear_count += 1
    task.keeps_up_to = 2
    with pytest.raises(JournalFailed):
        task.run()
    assert len(task.records()) > 7
    # Two more windows could be written: with the intents, and not with what came.
    told = [line["status"] for line in task.report()]
    assert told[:7] == ["Success"] * 7
    assert set(told[7:]) <= {"Unknown", "Pending"}


def search(task: Task, name: str, owner: str) -> Search:
    now = time.time()
    return Search(
        destination=Destination(task.codat.company_id, task.codat.connection_id),
        data_type=CUSTOMERS,
        payload={"customerName": name, "status": "Active"},
        windows=((now - 60, now + 60),),
        ours=frozenset(),
        expected=frozenset(),
        owner=owner,
        claims=Claims(),
    )


@pytest.mark.parametrize("others_in_doubt", [False, True])
def test_what_another_row_may_have_made(task: Task, others_in_doubt: bool) -> None:
    """What may be that of a row in doubt that is not asked for, is given to nobody.

    Nor is anything said of rows that are equal to the one that it fits.
    """
    task.codat.stranger_pushes({"customerName": "Bakery No. 1", "status": "Active"})
    names = ["Bakery No. 1", "Bakery No. 1", "Elm Opticians"]
    requests = [
        ReconcileRequest(0.0, "", search(task, name, str(number)))
        for number, name in enumerate(names)
    ]
    asking = reconcile_batch(
        requests,
        Patience(60.0, Pace(10_000)),
        BatchClaims(BatchJournal([], task.keep)),
        [],
        time.time() - 60 if others_in_doubt else math.inf,
    )
    first, second, third = drive(asking, task.transport(task.codat.url).send)
    assert third.nothing
    if others_in_doubt:
        assert not first.nothing
        assert not second.nothing
        assert first.operation is second.operation is None
        assert len(first.candidates) == len(second.candidates) == 1
    else:
        assert first.operation is not None
        assert second.nothing


@pytest.mark.parametrize("seconds", [1.0, 20_000.0])
def test_an_intent_whose_turn_is_long_in_coming(
    task: Task,
    clock: "MovableClock",
    seconds: float,
) -> None:
    """What is sent long after it was intended, is intended anew before.

    A later try reckons from the intent how old the key is, and how long it may act.
    """
    write = task.write_of(Row(1, b"8 bytes.", "1", b"a digest", task.rows[0]))
    case = RowProgress(1, write, RowJournal(b"8 bytes.", b"a digest"))
    conversation = submit(write, Past(), Patience(60.0, Pace(900), clock=clock))
    step = next(conversation)
    while isinstance(step, Note):
        case.keep(step.entry)
        clock.advance(seconds)
        seconds = 0.0
        step = conversation.send(None)
    assert isinstance(step, Turn)
    assert isinstance(conversation.send(0.0), Send)
    (intent,) = case.journal.entries
    assert clock() - intent.at <= 60


def test_more_rows_than_may_be_under_way(task: Task) -> None:
    """Where as many rows wait as may, they are settled, and others take their place."""
    task.switches = {"most_open": 3, "chunk": 2, "low": 1}
    assert statuses(task.run()) == {"Success": 20}
    assert len(task.records()) == 20


def test_rows_that_never_end_make_room(task: Task) -> None:
    """The time to wait passes for those that are under way, and the task ends."""
    task.codat.order("stay_pending", count=1000)
    task.switches = {"most_open": 3, "chunk": 2, "low": 1}
    task.switches["completion_timeout_seconds"] = 0.3
    assert statuses(task.run()) == {"Pending": 20}
    assert task.posts() == 20


def test_an_outage_takes_up_no_more_rows(task: Task) -> None:
    """Where nothing but faults comes back, a few rows meet them, and not all."""
    task.rows = customers(100)
    task.codat.order("codat_error_before_commit", route="create", count=10_000)
    task.switches = {"chunk": 2, "low": 1}
    report = statuses(task.run())
    assert report["NotSent"] > 50
    assert task.records() == []
    assert task.batch.stopped is not None
