"""The laws of a batch's journal: what a later try does with what an earlier one left.

A try is one ``execute`` with the rows as they are then. The ledger is counted after
each: no row is there twice, and none is lost.
"""

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_codat.api import (
    BatchFailed,
    BatchUnfinished,
    CodatError,
    JournalFailed,
    QuotaShort,
    SourceChanged,
)
from airflow_provider_codat.simulator import LocalCodat

YOUNG, OLD = timedelta(minutes=74), timedelta(minutes=76)

# conftest.py has them; it cannot be imported.
Attempt = Store = Any
Attempts = Callable[..., Attempt]


@pytest.fixture
def local_codat(start_codat: Callable[..., LocalCodat]) -> LocalCodat:
    """Serve a Codat that reads the books at once."""
    return start_codat(refresh_seconds=0)


def name_of(number: int) -> str:
    return f"Customer {number:03}"


def rows(*numbers: int, **more: object) -> list[dict[str, Any]]:
    """Return customers of these numbers, each with a name of its own."""
    return [{"customerName": name_of(n), "status": "Active", **more} for n in numbers]


def named(*numbers: int, **more: object) -> list[dict[str, Any]]:
    """Return the same, each with a key that Codat does not know."""
    return [{**rows(n, **more)[0], "reference": f"R-{n}"} for n in numbers]


def once_each(*numbers: int) -> dict[str, int]:
    return {name_of(n): 1 for n in numbers}


def creates(codat: LocalCodat) -> list[str]:
    """Return the names of the creates that arrived."""
    found = [e for e in codat.journal() if e.path.endswith("/push/customers")]
    return [entry.json()["customerName"] for entry in found]


def statuses(made: Attempt) -> dict[str, str]:
    """Return what a try that failed told of its rows, by their keys."""
    result: Any = made.xcoms["return_value"]
    return {line["item_key"]: line["status"] for line in result["results"]}


def line_of(result: Any, key: str) -> dict[str, Any]:  # noqa: ANN401 - what the operator returns
    [line] = [each for each in result["results"] if each["item_key"] == key]
    return dict(line)


@pytest.fixture(params=[True, False], ids=["item_key", "no item_key"])
def keyed(request: pytest.FixtureRequest, attempt_many: Attempts) -> Attempts:
    """Make an attempt whose rows have names, and one whose have none."""

    def make(numbers: tuple[int, ...], **given: object) -> Attempt:
        if request.param:
            return attempt_many(named(*numbers), item_key="reference", **given)
        return attempt_many(rows(*numbers), **given)

    return make


# --- killed and retried

SIXTY = tuple(range(1, 61))


@pytest.mark.parametrize("keeps", [False, True], ids=["not kept", "kept"])
@pytest.mark.parametrize("writes", range(7))
def test_killed_at_any_write_each_row_is_there_once(
    keyed: Attempts,
    store: Store,
    start_codat: Callable[..., LocalCodat],
    writes: int,
    keeps: bool,
) -> None:
    """Whether the store has kept the last write, or not, the next try knows enough."""
    codat = start_codat(settle_seconds=1.5, refresh_seconds=0)
    store.refuse(after=writes, kept=keeps)
    made = keyed(SIXTY, store=store)
    try:
        made.execute()
    except JournalFailed:
        assert "return_value" not in made.xcoms
    store.mend()
    result = made.retried().execute()
    assert result["counts"] == {"Success": 60}
    assert codat.counts_by_name() == once_each(*SIXTY)
    told = {line["record_id"] for line in result["results"]}
    assert told == {record.record_id for record in codat.ledger()}


def test_it_is_killed_again_and_again(
    keyed: Attempts, store: Store, start_codat: Callable[..., LocalCodat]
) -> None:
    """Each try leaves more behind than it has found, and so it comes to an end."""
    codat = start_codat(settle_seconds=1.5, refresh_seconds=0)
    made = keyed(SIXTY, store=store)
    # A try keeps its number, where it writes to, what the rows come from, and one thing
    # that it has learnt.
    store.refuse(after=3, kept=True)
    made.fails(JournalFailed)
    assert creates(codat) == []
    made = made.retried()
    store.refuse(after=3, kept=True)
    made.fails(JournalFailed)
    # How many are sent before what came of the first is written, the machine decides.
    sent = creates(codat)
    assert len(sent) == len(set(sent)) > 0
    for _ in range(3):
        made = made.retried()
        store.refuse(after=3, kept=True)
        with suppress(JournalFailed):
            made.execute()
    store.mend()
    assert made.retried().execute()["counts"] == {"Success": 60}
    assert codat.counts_by_name() == once_each(*SIXTY)


ANSWERS_LOST: dict[str, dict[str, Any]] = {
    "reset": {"kind": "reset_before_commit"},
    "reset after the commit": {"kind": "reset_after_commit"},
    "no answer after the commit": {"kind": "no_answer_after_commit"},
    "cut": {"kind": "cut_body"},
    "gateway": {"kind": "gateway_error_before_commit"},
    "gateway after the commit": {"kind": "gateway_error_after_commit"},
}


@pytest.mark.parametrize("case", ANSWERS_LOST)
def test_a_row_whose_answer_was_lost_is_taken_up_by_the_next_try(
    keyed: Attempts, store: Store, local_codat: LocalCodat, case: str
) -> None:
    """Its key is sent again, and no other row is."""
    local_codat.order(customer=name_of(2), **ANSWERS_LOST[case])
    made = keyed((1, 2, 3), store=store)
    made.fails(BatchUnfinished, "1 of 3 rows")
    assert sorted(statuses(made).values()) == ["Success", "Success", "Unknown"]
    assert made.retried().execute()["counts"] == {"Success": 3}
    assert local_codat.counts_by_name() == once_each(1, 2, 3)
    assert sorted(creates(local_codat)) == sorted(
        [*map(name_of, (1, 2, 3)), name_of(2)]
    )


def test_what_codat_has_made_under_an_error_is_adopted(
    keyed: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """The books tell which record it is; its line says so."""
    local_codat.order("codat_error_after_commit", customer=name_of(2))
    result = keyed((1, 2, 3), store=store).execute()
    assert (result["counts"], result["adopted"]) == ({"Success": 3}, 1)
    assert [line["adopted"] for line in result["results"]] == [False, True, False]
    told = [line["record_id"] for line in result["results"]]
    by_name = {record.name: record.record_id for record in local_codat.ledger()}
    assert told == [by_name[name_of(n)] for n in (1, 2, 3)]


def test_a_try_that_was_replaced_sends_nothing(
    keyed: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """Its store looks empty to it, as if nothing had been sent: it does not believe."""
    made = keyed((1, 2), store=store)
    made.execute()
    store.supersede()
    made.retried().fails(JournalFailed)
    assert len(creates(local_codat)) == 2


def test_two_tries_at_a_time_make_each_row_once(
    keyed: Attempts,
    new_store: Callable[[], Store],
    start_codat: Callable[..., LocalCodat],
) -> None:
    """The first ends at its next write, whatever it has under way."""
    codat = start_codat(latency_seconds=0.02, refresh_seconds=0)
    first_store, second_store = new_store(), new_store()
    second_store.cells = first_store.cells
    numbers = tuple(range(1, 121))
    # The second waits for what the first has under way at Codat.
    params = {"retry_budget_seconds": 30, "request_lifetime_seconds": 1}
    made = keyed(numbers, store=first_store, max_concurrency=2, hook_params=params)
    ended: list[BaseException] = []

    def work() -> None:
        try:
            made.execute()
        except CodatError as error:
            ended.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    while len(codat.operations()) < 5:
        pass
    first_store.supersede()
    again = made.retried()
    again.store = second_store
    result = again.execute()
    thread.join()
    assert [type(error) for error in ended] == [JournalFailed]
    assert result["counts"] == {"Success": 120}
    assert codat.counts_by_name() == once_each(*numbers)


def test_a_store_that_holds_something_else_stops_the_task(
    keyed: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """What cannot be read may be rows that were sent."""
    made = keyed((1, 2), store=store)
    made.execute()
    [window] = [key for key in store.cells if ".window." in key]
    store.cells[window] = json.dumps("no window")
    made.retried().fails(JournalFailed, "cannot be read")
    assert len(creates(local_codat)) == 2


# --- rows that ended in an error

ENDED = {
    "refused": {"kind": "codat_error_before_commit", "status": 400},
    "failed": {"kind": "fail"},
}


@pytest.mark.parametrize("case", ENDED)
def test_a_refused_row_is_tried_again_when_the_task_was_cleared(
    keyed: Attempts, store: Store, local_codat: LocalCodat, case: str
) -> None:
    """And it alone; a retry, which nobody has asked for, sends nothing."""
    local_codat.order(customer=name_of(2), **ENDED[case])
    made = keyed((1, 2, 3), store=store)
    made.fails(BatchFailed, "row 2 ")
    told = statuses(made)
    again = made.retried()
    again.fails(BatchFailed, "row 2 ")
    assert statuses(again) == told
    assert len(creates(local_codat)) == 3
    result = again.cleared().execute()
    assert result["counts"] == {"Success": 3}
    assert creates(local_codat)[3:] == [name_of(2)]
    assert local_codat.counts_by_name() == once_each(1, 2, 3)


@pytest.mark.parametrize("case", ENDED)
def test_the_reason_of_a_refusal_is_told_again(
    keyed: Attempts, store: Store, local_codat: LocalCodat, case: str
) -> None:
    """A retry asks nothing of Codat, and lists what the first try has listed."""
    local_codat.order(customer=name_of(2), message="Not so.", **ENDED[case])
    made = keyed((1, 2, 3), store=store)
    made.fails(BatchFailed, "Not so.")
    again = made.retried()
    again.fails(BatchFailed, "Not so.")
    first, second = made.xcoms["return_value"], again.xcoms["return_value"]
    assert first["results"] == second["results"]
    assert second["requests"] == 1


def test_cleared_rows_need_their_share_of_the_quota(
    keyed: Attempts, store: Store, start_codat: Callable[..., LocalCodat]
) -> None:
    """A row that failed counts among those to be sent, though Codat has accepted it."""
    codat = start_codat(daily_quota=1000, refresh_seconds=0)
    codat.order("fail", count=30)
    made = keyed(tuple(range(1, 31)), store=store)
    made.fails(BatchFailed, "30 of 30 rows")
    codat.set_quota(20, resets_in_seconds=3600)
    made.cleared().fails(QuotaShort, "needs 38 requests for 30 rows, has 19")
    made.retried().fails(BatchFailed, "30 of 30 rows")
    assert len(creates(codat)) == 30


def test_created_anew_rows_need_their_share_of_the_quota(
    keyed: Attempts, store: Store, start_codat: Callable[..., LocalCodat]
) -> None:
    """All of them are sent, where Clear is to create; none, where it is not."""
    codat = start_codat(daily_quota=1000, refresh_seconds=0)
    made = keyed(tuple(range(1, 31)), store=store)
    made.execute()
    codat.set_quota(20, resets_in_seconds=3600)
    made.cleared(on_clear="create").fails(QuotaShort, "needs 38 requests")
    assert made.cleared().execute()["counts"] == {"Success": 30}
    assert len(creates(codat)) == 30


# --- rows that were changed

MOVED: dict[str, tuple[int, ...]] = {
    "reordered": (3, 1, 2),
    "inserted before": (9, 1, 2, 3),
    "inserted between": (1, 8, 2, 9, 3),
    "appended": (1, 2, 3, 9),
}


@pytest.mark.parametrize("case", MOVED)
@pytest.mark.parametrize("how", ["retried", "cleared"])
def test_a_row_is_known_wherever_it_stands(
    keyed: Attempts, store: Store, local_codat: LocalCodat, case: str, how: str
) -> None:
    """New ones are created, old ones are not; the results are in the new order."""
    local_codat.order("fail", customer=name_of(2))
    made = keyed((1, 2, 3), store=store)
    made.fails(BatchFailed)
    after = keyed(MOVED[case]).given["customers"]
    again = getattr(made, how)(customers=after)
    if how == "retried":
        again.fails(BatchFailed, f"1 of {len(after)} rows")
        result = again.xcoms["return_value"]
    else:
        result = again.execute()
    there = {*MOVED[case]} - ({2} if how == "retried" else set())
    assert local_codat.counts_by_name() == once_each(*there)
    by_name = {record.name: record.record_id for record in local_codat.ledger()}
    assert [line["record_id"] for line in result["results"]] == [
        by_name.get(row["customerName"]) for row in after
    ]


def test_equal_rows_keep_their_records_in_another_order(
    attempt_many: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """Which of two equal rows is the first, nobody can tell, and nobody has to."""
    made = attempt_many(rows(1, 1, 2), store=store)
    result = made.execute()
    again = made.retried(customers=rows(2, 1, 1)).execute()
    told, repeated = (
        {line["item_key"]: line["record_id"] for line in each["results"]}
        for each in (result, again)
    )
    assert told == repeated
    assert local_codat.counts_by_name() == {name_of(1): 2, name_of(2): 1}


def test_a_changed_row_with_a_key_is_told(
    attempt_many: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """Its record is from another payload: its id is named, and nothing is sent."""
    made = attempt_many(named(1, 2), item_key="reference", store=store)
    record_id = line_of(made.execute(), "R-2")["record_id"]
    changed = [*named(1), *named(2, phone="07700 900461")]
    again = made.retried(customers=changed)
    again.fails(BatchFailed, r"row 2 \(R-2\): Changed: ")
    line = line_of(again.xcoms["return_value"], "R-2")
    assert (line["status"], line["record_id"]) == ("Changed", record_id)
    assert len(creates(local_codat)) == 2


@pytest.mark.parametrize("how", ["retried", "cleared"])
def test_a_changed_row_without_a_key_stops_the_task(
    attempt_many: Attempts, store: Store, local_codat: LocalCodat, how: str
) -> None:
    """It would be created anew: neither it nor a new one is sent."""
    made = attempt_many(rows(1, 2), store=store)
    made.execute()
    changed = [*rows(1), *rows(2, phone="07700 900461"), *rows(3)]
    again = getattr(made, how)(customers=changed)
    again.fails(SourceChanged, "1 rows that an earlier try(?s:.*)nothing was sent")
    assert again.xcoms["return_value"]["counts"] == {"Success": 1, "NotSent": 2}
    assert len(creates(local_codat)) == 2
    assert made.retried().execute()["counts"] == {"Success": 2}


@pytest.mark.parametrize("case", ENDED)
@pytest.mark.parametrize("key", ["reference", None])
def test_a_row_that_came_to_nothing_may_be_mended(
    attempt_many: Attempts,
    store: Store,
    local_codat: LocalCodat,
    case: str,
    key: str | None,
) -> None:
    """After Clear the mended row is created: what was refused stands in no way."""
    local_codat.order(customer=name_of(2), **ENDED[case])
    make = named if key else rows
    made = attempt_many(make(1, 2), item_key=key, store=store)
    made.fails(BatchFailed)
    mended = [*make(1), *make(2, phone="07700 900461")]
    result = made.cleared(customers=mended).execute()
    assert result["counts"] == {"Success": 2}
    assert local_codat.counts_by_name() == once_each(1, 2)
    [record] = [each for each in local_codat.ledger() if each.name == name_of(2)]
    assert record.customer["phone"] == "07700 900461"


# --- rows of which nobody knows


@pytest.fixture
def in_doubt(
    attempt_many: Attempts, store: Store, local_codat: LocalCodat
) -> Callable[[str], Attempt]:
    """Make an attempt at three rows, the second of which ends in doubt."""

    def make(kind: str) -> Attempt:
        local_codat.order(kind, customer=name_of(2))
        made = attempt_many(
            named(1, 2, 3),
            item_key="reference",
            store=store,
            on_unknown_outcome="fail",
        )
        made.fails(BatchFailed, "1 of 3 rows are not in the books")
        return made

    return make


DOUBTS = {
    "timed_out": "TimedOut",
    "codat_error_after_commit": "Unknown",
    "fail_without_reason": "Unknown",
}


@pytest.mark.parametrize("kind", DOUBTS)
def test_a_row_in_doubt_is_never_sent_again(
    in_doubt: Callable[[str], Attempt], local_codat: LocalCodat, kind: str
) -> None:
    """Neither by a retry nor after Clear: it may be in the books."""
    made = in_doubt(kind)
    expected = {"R-1": "Success", "R-2": DOUBTS[kind], "R-3": "Success"}
    assert statuses(made) == expected
    for again in (made.retried(), made.cleared()):
        again.fails(BatchFailed, f"row 2 .R-2.: {DOUBTS[kind]}: ")
        assert statuses(again) == expected
    assert len(creates(local_codat)) == 3


VERDICTS: dict[str, Callable[[str], object]] = {
    "a mapping": lambda said: {"R-2": said},
    "a text of JSON": lambda said: json.dumps({"R-2": said}),
}


@pytest.mark.parametrize("case", VERDICTS)
@pytest.mark.parametrize("kind", DOUBTS)
@pytest.mark.parametrize("said", ["not_created", "4711"])
def test_a_person_may_say_what_came_of_it(
    in_doubt: Callable[[str], Attempt],
    local_codat: LocalCodat,
    case: str,
    kind: str,
    said: str,
) -> None:
    """What was not created is sent once more; what was, is that record."""
    made = in_doubt(kind)
    again = made.cleared(unknown_resolution=VERDICTS[case](said))
    result = again.execute()
    assert result["counts"] == {"Success": 3}
    line = line_of(result, "R-2")
    sent = creates(local_codat)[3:]
    if said == "not_created":
        assert sent == [name_of(2)]
        assert line["record_id"] in {each.record_id for each in local_codat.ledger()}
    else:
        assert sent == []
        assert (line["record_id"], line["adopted"]) == ("4711", True)
    assert again.retried().execute()["results"] == result["results"]
    assert len(creates(local_codat)) == 3 + len(sent)


def test_a_word_is_obeyed_after_clear_alone(
    in_doubt: Callable[[str], Attempt], local_codat: LocalCodat
) -> None:
    """What stands there in a retry was not said of what nobody knew yet."""
    made = in_doubt("codat_error_after_commit")
    made.retried(unknown_resolution={"R-2": "not_created"}).fails(BatchFailed)
    assert len(creates(local_codat)) == 3


def test_the_books_are_asked_in_place_of_a_person(
    attempt_many: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """Where nothing in them is ours, the row is sent once more in the same try."""
    local_codat.order("codat_error_before_commit", customer=name_of(2), status=500)
    result = attempt_many(rows(1, 2, 3), store=store).execute()
    assert result["counts"] == {"Success": 3}
    assert creates(local_codat).count(name_of(2)) == 2
    assert local_codat.counts_by_name() == once_each(1, 2, 3)


# --- Clear


def test_a_cleared_task_returns_the_same_records(
    keyed: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """Nothing is sent; the results are there again."""
    made = keyed((1, 2, 3), store=store)
    result = made.execute()
    again = made.cleared().execute()
    assert again["results"] == result["results"]
    assert again["requests"] == 1
    assert len(creates(local_codat)) == 3


def test_a_cleared_task_may_create_anew(
    keyed: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """As often as it is cleared, and not when it is retried."""
    made = keyed((1, 2), store=store, on_clear="create")
    made.execute()
    made.retried().execute()
    assert set(local_codat.counts_by_name().values()) == {1}
    again = made.cleared()
    result = again.execute()
    again.retried().execute()
    assert local_codat.counts_by_name() == {name_of(1): 2, name_of(2): 2}
    told = {line["record_id"] for line in result["results"]}
    assert told == {each.record_id for each in local_codat.ledger()[2:]}


def test_what_was_pending_is_waited_for_again(
    keyed: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """A later try sends nothing, and learns what became of it."""
    local_codat.order("stay_pending", customer=name_of(2), seconds=60)
    made = keyed((1, 2), store=store, completion_timeout_seconds=0.3)
    made.fails(BatchUnfinished, "1 of 2 rows")
    assert sorted(statuses(made).values()) == ["Pending", "Success"]
    local_codat.advance(seconds=61)
    assert made.retried().execute()["counts"] == {"Success": 2}
    assert len(creates(local_codat)) == 2


def test_what_was_not_waited_for_may_be_waited_for_later(
    keyed: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """A cleared task whose author waits now tells of the same push operations."""
    made = keyed((1, 2), store=store, wait_for_completion=False)
    pending = made.execute()
    settled = made.cleared(wait_for_completion=True).execute()
    keys = [
        [line["push_operation_key"] for line in each["results"]]
        for each in (pending, settled)
    ]
    assert keys[0] == keys[1]
    assert settled["counts"] == {"Success": 2}
    assert len(creates(local_codat)) == 2


# --- without a journal


@pytest.fixture(params=["no store", "not durable"])
def forgetful(
    request: pytest.FixtureRequest, keyed: Attempts, store: Store
) -> Attempts:
    """Make an attempt that leaves nothing behind."""

    def make(numbers: tuple[int, ...], **given: object) -> Attempt:
        if request.param == "no store":
            return keyed(numbers, **given)
        return keyed(numbers, store=store, durable=False, **given)

    return make


def test_without_a_journal_keys_are_repeated(
    forgetful: Attempts, local_codat: LocalCodat
) -> None:
    """Within 75 minutes Codat tells of the same records; nothing is made twice."""
    local_codat.order("reset_after_commit", customer=name_of(2))
    made = forgetful((1, 2, 3), age=YOUNG)
    made.fails(BatchUnfinished, "1 of 3 rows")
    assert made.retried().execute()["counts"] == {"Success": 3}
    assert local_codat.counts_by_name() == once_each(1, 2, 3)
    assert sorted(creates(local_codat)) == sorted(2 * [*map(name_of, (1, 2, 3))])


@pytest.mark.parametrize("how", ["retried", "cleared"])
def test_without_a_journal_what_is_old_is_not_sent(
    forgetful: Attempts, local_codat: LocalCodat, how: str
) -> None:
    """Codat may have forgotten the keys: a person has to look."""
    made = forgetful((1, 2, 3), age=OLD)
    made.execute()
    again = getattr(made, how)()
    again.fails(BatchFailed, "3 of 3 rows")
    assert set(statuses(again).values()) == {"Unknown"}
    assert len(creates(local_codat)) == 3


@pytest.mark.parametrize("how", ["retried", "cleared"])
def test_a_try_that_left_no_journal_is_not_forgotten(
    keyed: Attempts, store: Store, local_codat: LocalCodat, how: str
) -> None:
    """A journal that begins with the second try does not say that nothing was sent."""
    made = keyed((1, 2), store=store, durable=False, age=OLD)
    made.execute()
    again = getattr(made, how)(durable=True)
    again.fails(BatchFailed, "2 of 2 rows")
    assert set(statuses(again).values()) == {"Unknown"}
    assert len(creates(local_codat)) == 2


def test_a_journal_outlives_the_memory_of_keys(
    keyed: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """A week later what is done is known, and what is new is sent."""
    made = keyed((1, 2), store=store, age=timedelta(days=7))
    made.execute()
    store.age(days=7)
    after = keyed((1, 2, 3)).given["customers"]
    assert made.retried(customers=after).execute()["counts"] == {"Success": 3}
    assert creates(local_codat) == [*creates(local_codat)[:2], name_of(3)]


def test_a_run_that_was_killed_long_ago_is_looked_up(
    keyed: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """Rows that may have been sent are looked for in the books, not sent blindly."""
    local_codat.order("reset_after_commit", customer=name_of(1))
    local_codat.order("reset_before_commit", customer=name_of(2))
    made = keyed((1, 2), store=store)
    made.fails(BatchUnfinished, "2 of 2 rows")
    store.age(minutes=76)
    assert made.retried().execute()["counts"] == {"Success": 2}
    assert local_codat.counts_by_name() == once_each(1, 2)


# --- mapped tasks


def test_equal_rows_of_two_mapped_tasks_are_two_records(
    attempt_many: Attempts, new_store: Callable[[], Store], local_codat: LocalCodat
) -> None:
    """Without names, each of the tasks has its own rows."""
    for index in (0, 1):
        made = attempt_many(rows(1), store=new_store(), ti={"map_index": index})
        made.execute()
    assert local_codat.counts_by_name() == {name_of(1): 2}


def test_a_name_is_one_record_in_all_mapped_tasks(
    attempt_many: Attempts, new_store: Callable[[], Store], local_codat: LocalCodat
) -> None:
    """Its key is the same, so Codat makes it once."""
    told = []
    for index in (0, 1):
        made = attempt_many(
            named(1),
            item_key="reference",
            store=new_store(),
            ti={"map_index": index},
        )
        told.append(line_of(made.execute(), "R-1")["record_id"])
    assert told[0] == told[1]
    assert local_codat.counts_by_name() == once_each(1)


@pytest.mark.parametrize("index", [0, 1], ids=["the same", "another"])
def test_a_named_row_may_come_to_another_map_index(
    attempt_many: Attempts,
    new_store: Callable[[], Store],
    local_codat: LocalCodat,
    index: int,
) -> None:
    """After Clear its journal may be where it was: it is not taken for a new row."""
    made = attempt_many(
        named(1),
        item_key="reference",
        store=new_store(),
        age=OLD,
        ti={"map_index": 0},
    )
    made.execute()
    again = made.cleared()
    if index == 0:
        assert again.execute()["counts"] == {"Success": 1}
    else:
        again = replace(again, map_index=1, try_number=1, store=new_store())
        again.fails(BatchFailed, "1 of 1 rows")
        assert statuses(again) == {"R-1": "Unknown"}
    assert len(creates(local_codat)) == 1


def test_rows_of_another_task_of_the_run_have_keys_of_their_own(
    attempt_many: Attempts, new_store: Callable[[], Store], local_codat: LocalCodat
) -> None:
    """The same list in two tasks is two lists."""
    for task_id in ("monday", "tuesday"):
        attempt_many(rows(1), store=new_store(), task_id=task_id).execute()
    assert local_codat.counts_by_name() == {name_of(1): 2}


@pytest.mark.parametrize(
    "wrong",
    [
        {"company_id": "acme"},
        {"connection_id": None},
        {"customers": [{"status": "active"}]},
        {"max_failed": "some"},
        {"validate": "model", "model": "no model"},
    ],
    ids=["company", "connection", "rows", "argument", "model"],
)
def test_a_try_that_sent_nothing_keeps_none_from_sending(
    attempt_many: Attempts,
    store: Store,
    local_codat: LocalCodat,
    wrong: dict[str, Any],
) -> None:
    """Five hours later all is sent: the journal says that nothing was."""
    right = {
        "customers": rows(1, 2),
        "company_id": local_codat.company_id,
        "connection_id": local_codat.connection_id,
        "max_failed": 0,
        "validate": "schema",
        "model": None,
    }
    made = attempt_many(store=store, age=timedelta(hours=5), **{**right, **wrong})
    with pytest.raises(Exception, match=r"."):
        made.execute()
    assert creates(local_codat) == []
    result = made.retried(**right).execute()
    assert result["counts"] == {"Success": 2}


def test_a_try_that_sent_is_not_taken_for_one_that_did_not(
    attempt_many: Attempts, store: Store
) -> None:
    """A try that was resumed has announced itself once, and keeps its place."""
    made = attempt_many(rows(1), store=store)
    made.execute()
    made.execute()  # as after a deferral: the same try
    kept = [json.loads(v) for k, v in store.cells.items() if k == "codat.try.1"]
    assert kept
    assert "?" not in kept
