"""The laws of a batch that waits without a worker, and of one in a real DAG run.

What a task leaves behind is its journal: whoever comes back, the same process or
another, goes on from there, and sends nothing twice.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowTaskTimeout

from airflow_provider_codat.api import (
    Busy,
    CodatError,
    JournalFailed,
    SettingsInvalid,
    SourceChanged,
)
from airflow_provider_codat.operators.codat import CreateAccountingCustomersOperator
from airflow_provider_codat.simulator import LocalCodat
from airflow_provider_codat.triggers.codat import (
    CodatPauseTrigger,
    CodatPushOperationTrigger,
)

PAUSE_IS_OVER = {"status": "pause is over"}
HOUR = 3600

# conftest.py has them; it cannot be imported.
Attempt = Store = Any
Attempts = Callable[..., Attempt]


def name_of(number: int) -> str:
    return f"Customer {number:03}"


def rows(number: int) -> list[dict[str, Any]]:
    """Return so many customers, each with a name of its own."""
    return [
        {"customerName": name_of(n), "status": "Active"} for n in range(1, number + 1)
    ]


def once_each(number: int) -> dict[str, int]:
    return {name_of(n): 1 for n in range(1, number + 1)}


def creates(codat: LocalCodat) -> int:
    return sum(e.path.endswith("/push/customers") for e in codat.journal())


def event(status: str, error: str = "", *keys: str) -> dict[str, Any]:
    """Return an event as the trigger tells it of operations that have not ended."""
    pending = {
        "status": "Pending",
        "record_id": None,
        "requested_at": "2026-01-01T00:00:00Z",
        "completed_at": None,
        "has_remarks": False,
    }
    return {
        "status": status,
        "push_operations": dict.fromkeys(keys, pending),
        "error": error,
        "message": "what happened" if error else "",
    }


# --- while push operations take their time


@dataclass
class Left:
    """A task that has left its worker; all has ended at Codat since."""

    codat: LocalCodat
    made: Attempt
    deferred: Any
    store: Store
    requests: int

    def copy(self, new_store: Callable[[], Store], **changed: object) -> Attempt:
        """Return the try as another process finds it, with a journal of its own."""
        store = new_store()
        store.cells = dict(self.store.cells)
        given = {**self.made.given, **changed}
        return replace(self.made, given=given, store=store, xcoms={})


@pytest.fixture(scope="module")
def left(
    first_try: Callable[..., Any], new_store: Callable[[], Store]
) -> Iterator[Left]:
    """Let a task send sixty rows and leave: once, for that takes ten seconds."""
    limits = {"requests_per_minute": None, "daily_quota": None, "concurrency": None}
    codat = LocalCodat(settle_seconds=HOUR, refresh_seconds=0, **limits)
    with pytest.MonkeyPatch.context() as patch, codat:
        patch.setenv("AIRFLOW_CONN_CODAT_DEFAULT", codat.airflow_connection())
        make = first_try(codat, CreateAccountingCustomersOperator, {})
        store = new_store()
        made = make(
            customers=rows(60),
            store=store,
            deferrable=True,
            poll_interval_seconds=0.5,
            completion_timeout_seconds=2 * HOUR,
        )
        deferred = made.defers()
        requests = len(codat.journal())
        codat.advance(seconds=HOUR)
        yield Left(codat, made, deferred, store, requests)


@pytest.mark.slow
def test_it_leaves_once_all_rows_are_sent(left: Left) -> None:
    """The trigger is told a few push operations, not all; the journal has the rest."""
    assert creates(left.codat) == 60
    assert left.codat.counts_by_name() == once_each(60)
    assert "return_value" not in left.made.xcoms
    assert type(left.deferred.trigger) is CodatPushOperationTrigger
    assert left.deferred.method_name == "execute_complete"
    _, stored = left.deferred.trigger.serialize()
    keys = {each["pushOperationKey"] for each in left.codat.operations()}
    assert set(stored["push_operation_keys"]) < keys
    assert 1 <= len(stored["push_operation_keys"]) <= 20
    assert len(json.dumps([stored, left.deferred.kwargs])) < 5000
    until = datetime.now(UTC).timestamp() + 2 * HOUR
    assert stored["deadline"] == pytest.approx(until, abs=300)
    assert left.deferred.timeout > timedelta(seconds=HOUR)


@pytest.mark.slow
def test_it_comes_back_and_tells_of_every_row(
    left: Left, new_store: Callable[[], Store]
) -> None:
    """The trigger's own event brings it back; nothing is sent again."""
    result = left.copy(new_store).resume(left.deferred)
    assert result["counts"] == {"Success": 60}
    told = {line["record_id"] for line in result["results"]}
    assert told == {record.record_id for record in left.codat.ledger()}
    assert creates(left.codat) == 60


COMES_BACK = {
    "ended": event("ended"),
    "the deadline": event("deadline"),
    "one that nobody can ask for": event("error", "OutcomeUnknown"),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", COMES_BACK)
def test_what_the_trigger_has_seen_is_seen_again(
    left: Left, new_store: Callable[[], Store], case: str
) -> None:
    """It knew a few rows: of all of them Codat is asked anew."""
    result = left.copy(new_store).resume(left.deferred, COMES_BACK[case])
    assert result["counts"] == {"Success": 60}
    assert creates(left.codat) == 60


@pytest.mark.slow
def test_another_process_may_go_on(left: Left, new_store: Callable[[], Store]) -> None:
    """A task that was killed while it was away is not sent a second time."""
    result = left.copy(new_store).retried().execute()
    assert result["counts"] == {"Success": 60}
    assert creates(left.codat) == 60


ERRORS: dict[str, type[CodatError]] = {
    "KeyError": Busy,
    "SettingsInvalid": SettingsInvalid,
    "NotAuthorised": CodatError,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ERRORS)
def test_an_error_of_the_wait_is_the_tasks(
    left: Left, new_store: Callable[[], Store], name: str
) -> None:
    """What is known of the rows is told all the same, and nothing is sent."""
    made = left.copy(new_store)
    told = event("error", name)
    made.fails(
        ERRORS[name], "what happened", work=lambda: made.resume(left.deferred, told)
    )
    assert made.xcoms["return_value"]["counts"] == {"Pending": 60}
    assert creates(left.codat) == 60


GARBAGE: dict[str, object] = {
    "none": None,
    "empty": {},
    "another status": event("merged"),
    "an error without a name": event("error"),
    "a pause's": PAUSE_IS_OVER,
}


@pytest.mark.slow
@pytest.mark.parametrize("case", GARBAGE)
@pytest.mark.parametrize("method", ["execute_complete", "execute_again"])
def test_an_event_that_cannot_be_read_fails(
    left: Left, new_store: Callable[[], Store], case: str, method: str
) -> None:
    """Whatever it is, nothing is sent or asked."""
    if (case, method) == ("a pause's", "execute_again"):
        pytest.skip("that is what this one waits for")
    made = left.copy(new_store)
    before = len(left.codat.journal())
    go_on = getattr(made.operator, method)
    made.fails(
        CodatError,
        "event could not be read",
        work=lambda: go_on(made.context, GARBAGE[case]),
    )
    assert len(left.codat.journal()) == before


@pytest.mark.slow
def test_a_try_that_was_replaced_while_away_ends_nothing(
    left: Left, new_store: Callable[[], Store]
) -> None:
    """Its journal is closed to it: it does not say that it has succeeded."""
    made = left.copy(new_store)
    made.store.supersede()
    told = event("ended")
    made.fails(JournalFailed, work=lambda: made.resume(left.deferred, told))
    assert made.xcoms == {}
    assert creates(left.codat) == 60


@pytest.mark.slow
def test_rows_that_are_changed_while_it_is_away_are_not_sent(
    left: Left, new_store: Callable[[], Store]
) -> None:
    """Coming back is no other than trying again."""
    made = left.copy(new_store, customers=[*rows(59), *rows(1)])
    told = event("ended")
    made.fails(SourceChanged, work=lambda: made.resume(left.deferred, told))
    assert creates(left.codat) == 60


@pytest.mark.slow
@pytest.mark.parametrize(
    "told", [event("deadline"), event("ended")], ids=["late", "in time"]
)
def test_execution_timeout_holds_while_nobody_works(
    left: Left, new_store: Callable[[], Store], told: dict[str, Any]
) -> None:
    """Airflow does not watch over it then."""
    made = left.copy(new_store, execution_timeout=timedelta(minutes=1))
    made.start_date = datetime.now(UTC) - timedelta(minutes=2)
    with pytest.raises(AirflowTaskTimeout, match="execution_timeout has passed"):
        made.resume(left.deferred, told)
    assert creates(left.codat) == 60


@pytest.mark.slow
def test_the_list_serves_all_rows(left: Left) -> None:
    """While it waits in its worker, too: looks come less and less often."""
    assert left.requests - 60 <= 25


# --- pauses


@pytest.fixture
def doubtful(
    attempt_many: Attempts, store: Store, start_codat: Callable[..., LocalCodat]
) -> Callable[..., Attempt]:
    """Make an attempt at three rows; of the second the books have to tell."""
    codat = start_codat(refresh_seconds=0)
    codat.order("codat_error_after_commit", customer=name_of(2))

    def make(**given: object) -> Attempt:
        made = attempt_many(
            rows(3), store=store, deferrable=True, reconcile_grace_seconds=60, **given
        )
        made.codat = codat
        return made

    return make


@pytest.mark.parametrize("how", ["resumed", "a new try"])
def test_the_books_are_waited_for_elsewhere(
    doubtful: Callable[..., Attempt], store: Store, how: str
) -> None:
    """After the grace period the record is adopted; nothing is sent again."""
    made = doubtful()
    deferred = made.defers()
    assert type(deferred.trigger) is CodatPauseTrigger
    assert deferred.method_name == "execute_again"
    left_seconds = deferred.trigger.until - datetime.now(UTC).timestamp()
    assert left_seconds == pytest.approx(60, abs=10)
    store.age(seconds=61)
    if how == "resumed":
        result = made.resume(deferred, PAUSE_IS_OVER)
    else:
        result = made.retried().execute()
    assert (result["counts"], result["adopted"]) == ({"Success": 3}, 1)
    assert made.codat.counts_by_name() == once_each(3)
    assert creates(made.codat) == 3


def test_a_pause_that_ends_early_is_taken_up_again(
    doubtful: Callable[..., Attempt],
) -> None:
    """It is the journal that knows until when, not the trigger."""
    made = doubtful()
    first = made.defers()
    second = made.defers(lambda: made.resume(first, PAUSE_IS_OVER))
    assert second.trigger.until == pytest.approx(first.trigger.until, abs=5)
    assert creates(made.codat) == 3


def test_execution_timeout_ends_a_pause(doubtful: Callable[..., Attempt]) -> None:
    """The task fails when its time is over, not when the pause is."""
    began = datetime.now(UTC) - timedelta(seconds=50)
    made = doubtful(execution_timeout=timedelta(minutes=1), ti={"start_date": began})
    deferred = made.defers()
    assert deferred.trigger.until == pytest.approx(began.timestamp() + 60)
    deferred.kwargs["must_end_at"] -= 10
    with pytest.raises(AirflowTaskTimeout):
        made.resume(deferred, PAUSE_IS_OVER)
    assert creates(made.codat) == 3


@pytest.mark.slow
def test_without_a_journal_it_waits_in_its_worker(
    attempt_many: Attempts, start_codat: Callable[..., LocalCodat]
) -> None:
    """A process that knows what it has sent keeps it: it cannot tell another."""
    codat = start_codat(refresh_seconds=0, settle_seconds=12)
    made = attempt_many(rows(3), deferrable=True, completion_timeout_seconds=60)
    assert made.execute()["counts"] == {"Success": 3}
    assert codat.counts_by_name() == once_each(3)


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_secret_is_not_left_with_a_trigger(
    attempt_many: Attempts, store: Store, deferrable: bool, local_codat: LocalCodat
) -> None:
    """Airflow keeps what a trigger is told in its database, for all to read."""
    params = {"headers": {"X-Secret": "hunter2hunter2"}}
    made = attempt_many(rows(1), store=store, deferrable=deferrable, hook_params=params)
    if deferrable:
        made.fails(SettingsInvalid, "headers in hook_params may hold secrets")
        assert local_codat.journal() == []
    else:
        made.execute()


# --- in a DAG run

REFERENCES = ["R-1", "R-2", "R-3"]
NAMES = ["Ada {{ 7*7 }}", "株式会社", 'B "& Söhne"']


@pytest.mark.slow
@pytest.mark.parametrize("way", ["list_from_a_task", "text_from_a_task"])
def test_rows_of_a_task_arrive_exactly(
    run_dag: Callable[..., Any], local_codat: LocalCodat, way: str
) -> None:
    """What comes from an XCom is no template; the return value is an XCom."""
    run = run_dag("tests/many.py", f"many_{way}")
    assert run.state == "success"
    assert sorted(record.name or "" for record in local_codat.ledger()) == sorted(NAMES)
    result = run.xcom()
    assert [line["item_key"] for line in result["results"]] == REFERENCES
    told = {line["record_id"] for line in result["results"]}
    assert told == {record.record_id for record in local_codat.ledger()}


@pytest.mark.slow
@pytest.mark.parametrize("most", [0, 1])
def test_files_of_a_run_are_templates(
    run_dag: Callable[..., Any], local_codat: LocalCodat, tmp_path: Path, most: int
) -> None:
    """Of a task that failed the results are there, too: in the file, and as XCom."""
    text = [
        json.dumps({"customerName": name, "status": "Active", "reference": key})
        for name, key in zip(NAMES, REFERENCES, strict=True)
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(text))
    local_codat.order("fail", customer=NAMES[1])
    conf = {"folder": str(tmp_path), "max_failed": most}
    run = run_dag("tests/many.py", "many_file_of_params", conf)
    assert run.state == ("success" if most else "failed")
    result = run.xcom()
    assert result["counts"] == {"Success": 2, "Failed": 1}
    assert result["results_path"] == str(tmp_path / "create.jsonl")
    lines = (tmp_path / "create.jsonl").read_text().splitlines()
    told = [(line["item_key"], line["status"]) for line in map(json.loads, lines)]
    assert told == list(zip(REFERENCES, ["Success", "Failed", "Success"], strict=True))
