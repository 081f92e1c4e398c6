"""The laws of a task's journal: what a later try does with what an earlier one left.

A try is one ``execute``; between two of them the author, a person or Airflow may have
changed what Airflow lets them change. The ledger is counted after each.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_codat.api import (
    CodatError,
    JournalFailed,
    OutcomeUnknown,
    PayloadChanged,
    PayloadInvalid,
    PushFailed,
    PushTimedOut,
    PushWarned,
    RateLimited,
    Refused,
    SettingsInvalid,
    StillPending,
    Unreachable,
)
from airflow_provider_codat.links.codat import CodatPushOperationLink
from airflow_provider_codat.simulator import LocalCodat

LINK = CodatPushOperationLink().xcom_key
ADA = {"customerName": "Ada", "status": "Active"}
BERT = {"customerName": "Bert", "status": "Active"}
YOUNG, OLD = timedelta(minutes=74), timedelta(minutes=76)

# conftest.py has them; it cannot be imported.
Attempt = Store = Any
Attempts = Callable[..., Attempt]


@pytest.fixture
def local_codat(start_codat: Callable[..., LocalCodat]) -> LocalCodat:
    """Serve a Codat that reads the books at once."""
    return start_codat(refresh_seconds=0)


def keys(codat: LocalCodat) -> list[str | None]:
    """Return the keys of the creates that arrived."""
    found = [e for e in codat.journal() if e.path.endswith("/push/customers")]
    return [entry.idempotency_key for entry in found]


def records(codat: LocalCodat) -> list[str]:
    """Return the ids of the records, once what was accepted has ended."""
    codat.advance(seconds=1)
    return [record.record_id for record in codat.ledger()]


def counts(codat: LocalCodat) -> dict[str, int]:
    """Return how many records there are of each name, once all has ended."""
    codat.advance(seconds=1)
    return codat.counts_by_name()


# --- retries

RETRIED: dict[str, tuple[dict[str, Any], type[CodatError], type[CodatError] | None]] = {
    "reset": ({"kind": "reset_before_commit"}, Unreachable, None),
    "reset after the commit": ({"kind": "reset_after_commit"}, Unreachable, None),
    "no answer": ({"kind": "no_answer_before_commit"}, Unreachable, None),
    "no answer after the commit": (
        {"kind": "no_answer_after_commit"},
        Unreachable,
        None,
    ),
    "cut": ({"kind": "cut_body"}, Unreachable, None),
    "gateway": ({"kind": "gateway_error_before_commit"}, Unreachable, None),
    "gateway after the commit": (
        {"kind": "gateway_error_after_commit"},
        Unreachable,
        None,
    ),
    "429": ({"kind": "too_many_requests", "retry_after": 9}, RateLimited, None),
    "400": ({"kind": "codat_error_before_commit", "status": 400}, Refused, None),
    "Failed": ({"kind": "fail"}, PushFailed, None),
    "Failed without a reason": (
        {"kind": "fail_without_reason"},
        OutcomeUnknown,
        OutcomeUnknown,
    ),
    "Failed with a record": (
        {"kind": "fail_with_record"},
        OutcomeUnknown,
        OutcomeUnknown,
    ),
    "TimedOut": ({"kind": "timed_out"}, PushTimedOut, PushTimedOut),
    "TimedOut, and lands": (
        {"kind": "timed_out_then_lands", "seconds": 0.01},
        PushTimedOut,
        PushTimedOut,
    ),
    "500": ({"kind": "codat_error_after_commit"}, OutcomeUnknown, OutcomeUnknown),
}
NEW_KEY = {"400", "Failed"}
NO_RECORD = {"Failed without a reason", "TimedOut"}


@pytest.mark.parametrize("case", RETRIED)
def test_a_retry_goes_on_from_the_journal(
    attempt: Attempts, store: Store, local_codat: LocalCodat, case: str
) -> None:
    """An open send is repeated, a refused one begun anew, a doubtful one let be."""
    order, first_error, second_error = RETRIED[case]
    local_codat.order(**order)
    policy = "fail" if case == "500" else "reconcile"
    made = attempt(store=store, on_unknown_outcome=policy)
    made.fails(first_error)
    store.age(seconds=10)
    again = made.retried()
    if second_error:
        again.fails(second_error)
        assert len(keys(local_codat)) == 1
    else:
        assert [again.execute()["record_id"]] == records(local_codat)
        assert len(keys(local_codat)) == 2
    assert len(set(keys(local_codat))) == (2 if case in NEW_KEY else 1)
    assert len(records(local_codat)) == (0 if case in NO_RECORD else 1)


def test_a_push_operation_is_asked_for_again_and_not_made_again(
    attempt: Attempts, store: Store, start_codat: Callable[..., LocalCodat]
) -> None:
    """What a try waited for is in the journal: the next one waits for the same."""
    codat = start_codat(settle_seconds=60)
    made = attempt(store=store, completion_timeout_seconds=0.05)
    first = made.fails(StillPending)
    again = made.retried()
    assert again.fails(StillPending).operation.key == first.operation.key
    assert again.xcoms["push_operation_key"] == first.operation.key
    codat.advance(seconds=60)
    assert [again.retried().execute()["record_id"]] == records(codat)
    assert len(keys(codat)) == 1


def test_a_result_is_returned_again_in_the_same_life(
    attempt: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """A try that was killed after its end has succeeded; ``on_clear`` is not asked."""
    made = attempt(store=store, on_clear="create")
    result = made.execute()
    assert made.retried().execute() == result
    assert len(keys(local_codat)) == 1


def test_the_journal_outlives_the_age_of_a_run(
    attempt: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """A backfill's second try is not taken for a late one: its key is young."""
    local_codat.order("reset_after_commit")
    made = attempt(store=store, age=timedelta(days=900))
    made.fails(Unreachable)
    assert [made.retried().execute()["record_id"]] == records(local_codat)
    assert len(set(keys(local_codat))) == 1


@pytest.mark.parametrize(
    "wrong",
    [{"customer": {"status": "active"}}, {"company_id": "acme"}],
    ids=["payload", "argument"],
)
def test_a_try_that_sent_nothing_keeps_none_from_sending(
    attempt: Attempts, store: Store, local_codat: LocalCodat, wrong: dict[str, Any]
) -> None:
    """Five hours later it is sent all the same: the journal says that nothing was."""
    made = attempt(store=store, age=timedelta(hours=5), **wrong)
    kind = PayloadInvalid if "customer" in wrong else SettingsInvalid
    made.fails(kind)
    again = made.retried(customer=ADA, company_id=local_codat.company_id)
    assert [again.execute()["record_id"]] == records(local_codat)


def test_another_payload_is_not_sent_while_one_is_open(
    attempt: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """Two payloads would be two records, should the first have arrived."""
    local_codat.order("reset_after_commit")
    made = attempt(store=store)
    made.fails(Unreachable)
    again = made.retried(customer=BERT)
    error = again.fails(OutcomeUnknown, "may have sent another payload")
    assert error.candidates == (local_codat.operations()[0]["pushOperationKey"],)
    assert counts(local_codat) == {"Ada": 1}


def test_another_payload_has_a_key_of_its_own(
    attempt: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """A key that 429 has released is free, but not for other bytes."""
    local_codat.order("too_many_requests", retry_after=9)
    made = attempt(store=store)
    made.fails(RateLimited)
    made.retried(customer=BERT).fails(RateLimited)
    assert len(keys(local_codat)) == 1
    store.age(seconds=10)
    made.retried(customer=BERT).execute()
    assert counts(local_codat) == {"Bert": 1}
    assert len(set(keys(local_codat))) == 2


@pytest.mark.parametrize(
    ("outcome", "records_then"),
    [("stay_pending", {}), ("warn", {"Ada": 1}), ("fail", {"Bert": 1})],
)
def test_what_came_of_another_payload_decides(
    attempt: Attempts,
    store: Store,
    local_codat: LocalCodat,
    outcome: str,
    records_then: dict[str, int],
) -> None:
    """While it is open, or once it is a record, the mended one is not sent."""
    local_codat.order(outcome, **({} if outcome == "stay_pending" else {"seconds": 9}))
    made = attempt(store=store, completion_timeout_seconds=0.05)
    made.fails(StillPending)
    local_codat.advance(seconds=10)
    again = made.retried(customer=BERT, completion_timeout_seconds=10)
    if outcome == "fail":
        again.execute()
    else:
        error = again.fails(PayloadChanged, "from another payload, so nothing was sent")
        assert [error.record_id or "-"] == (records(local_codat) or ["-"])
    assert counts(local_codat) == records_then


# --- Clear: the task had ended, and max_tries has grown


def test_a_cleared_task_returns_the_same_record(
    attempt: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """Nothing is sent, nothing asked; result, key and link are there again."""
    made = attempt(store=store)
    result = made.execute()
    requests = len(local_codat.journal())
    again = made.cleared()
    assert again.execute() == result
    assert again.xcoms == made.xcoms
    assert set(again.xcoms) == {LINK, "push_operation_key"}
    assert len(local_codat.journal()) == requests


def test_a_cleared_task_warns_again(
    attempt: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """What ``fail_on_warning`` failed fails again, and its record is pushed again."""
    local_codat.order("warn")
    made = attempt(store=store, fail_on_warning=True)
    made.fails(PushWarned, "Phone is not supported")
    again = made.cleared()
    again.fails(PushWarned, "Phone is not supported")
    assert again.xcoms == made.xcoms
    assert made.cleared(fail_on_warning=False).execute() == made.xcoms["return_value"]
    assert len(keys(local_codat)) == 1


def test_a_cleared_task_with_another_payload_says_which_record_there_is(
    attempt: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """It is not for us to decide whether to mend that record or to add another."""
    made = attempt(store=store)
    result = made.execute()
    error = made.cleared(customer=BERT).fails(PayloadChanged, result["record_id"])
    assert error.record_id == result["record_id"]
    assert 'on_clear="create"' in str(error)
    assert counts(local_codat) == {"Ada": 1}


@pytest.mark.parametrize("customer", [ADA, BERT], ids=["the same", "another"])
def test_on_clear_creates_one_more_for_each_clear(
    attempt: Attempts, store: Store, local_codat: LocalCodat, customer: dict[str, str]
) -> None:
    """A retry of the cleared task is none: it returns the second record."""
    made = attempt(store=store, on_clear="create")
    first = made.execute()
    cleared = made.cleared(customer=customer)
    second = cleared.execute()
    assert cleared.retried().execute() == second
    third = cleared.retried().cleared().execute()
    made_ids = [each["record_id"] for each in (first, second, third)]
    assert records(local_codat) == made_ids
    assert len(set(keys(local_codat))) == 3


@pytest.mark.parametrize(
    ("order", "kind"),
    [
        ({"kind": "codat_error_before_commit", "status": 400}, Refused),
        ({"kind": "fail"}, PushFailed),
    ],
    ids=["refused", "Failed"],
)
def test_a_mended_payload_is_sent_after_a_clear(
    attempt: Attempts,
    store: Store,
    local_codat: LocalCodat,
    order: dict[str, Any],
    kind: type[CodatError],
) -> None:
    """What was refused has made nothing: the other payload goes out, by a new key."""
    local_codat.order(**order)
    made = attempt(store=store)
    made.fails(kind)
    assert [made.cleared(customer=BERT).execute()["record_id"]] == records(local_codat)
    assert counts(local_codat) == {"Bert": 1}
    assert len(set(keys(local_codat))) == 2


def test_what_was_marked_failed_goes_on_after_a_clear(
    attempt: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """Codat knows nothing of the mark: the push operation went on meanwhile."""
    local_codat.order("stay_pending", seconds=9)
    made = attempt(store=store, completion_timeout_seconds=0.05, on_clear="create")
    made.fails(StillPending)
    local_codat.advance(seconds=10)
    assert [made.cleared().execute()["record_id"]] == records(local_codat)
    assert len(keys(local_codat)) == 1


def test_another_run_is_another_intent(
    attempt: Attempts, new_store: Callable[[], Store], local_codat: LocalCodat
) -> None:
    """To ask for it in a new DAG run is to ask for another customer."""
    for run_id in ("manual__1", "manual__2"):
        attempt(store=new_store(), ti={"run_id": run_id}).execute()
    assert counts(local_codat) == {"Ada": 2}


# --- what a person found out


@pytest.fixture
def unknown(attempt: Attempts, store: Store, local_codat: LocalCodat) -> Attempt:
    """Return a failed try of which nobody knows what it made: it made nothing."""
    local_codat.order("codat_error_before_commit")
    made = attempt(store=store, on_unknown_outcome="fail")
    made.fails(OutcomeUnknown, "unknown_resolution .* clear this task")
    return made


def test_not_created_is_obeyed(unknown: Attempt, local_codat: LocalCodat) -> None:
    """Who says that there is no record is believed: it is created, by a new key."""
    result = unknown.cleared(unknown_resolution="not_created").execute()
    assert ([result["record_id"]], result["adopted"]) == (records(local_codat), False)
    assert len(set(keys(local_codat))) == 2


def test_a_record_id_is_obeyed(unknown: Attempt, local_codat: LocalCodat) -> None:
    """Who names the record has found it: it is the result, and nothing is sent."""
    cleared = unknown.cleared(unknown_resolution=" 4711 ")
    result = cleared.execute()
    assert (result["record_id"], result["adopted"]) == ("4711", True)
    assert result["status"] == "Success"
    assert set(cleared.xcoms) == {LINK, "push_operation_key"}
    assert cleared.cleared(unknown_resolution=None).execute() == result
    assert len(keys(local_codat)) == 1


@pytest.mark.parametrize("said", [None, "", " ", "None"], ids=repr)
def test_without_a_word_it_stays_unknown(
    unknown: Attempt, local_codat: LocalCodat, said: str | None
) -> None:
    """A Clear alone tells nothing about the books."""
    unknown.cleared(unknown_resolution=said).fails(OutcomeUnknown)
    assert len(keys(local_codat)) == 1


def test_a_misspelt_word_is_no_record(
    unknown: Attempt, store: Store, local_codat: LocalCodat
) -> None:
    """It is refused, nothing is sent, and the right word is still obeyed."""
    before = store.entries()
    wrong = unknown.cleared(unknown_resolution="Not Created")
    wrong.fails(SettingsInvalid, "not_created, spelt so")
    assert store.entries() == before
    wrong.cleared(unknown_resolution="not_created").execute()
    assert len(records(local_codat)) == 1


def test_the_same_word_is_obeyed_once(
    unknown: Attempt, local_codat: LocalCodat
) -> None:
    """It was said of the first doubt; the second one asks for a word of its own."""
    local_codat.order("codat_error_before_commit")
    second = unknown.cleared(unknown_resolution="not_created")
    second.fails(OutcomeUnknown, "not_created:2")
    third = second.cleared()
    third.fails(OutcomeUnknown, "not_created:2")
    assert len(set(keys(local_codat))) == 2
    third.cleared(unknown_resolution="not_created:2").execute()
    assert len(set(keys(local_codat))) == 3
    assert len(records(local_codat)) == 1


def test_a_task_of_the_first_version_goes_on(
    unknown: Attempt, store: Store, local_codat: LocalCodat
) -> None:
    """Its cells are what is written today, to the letter: so they are read, too."""
    cleared = unknown.cleared(unknown_resolution="not_created")
    result = cleared.execute()
    stored = store.entries()
    assert [(each["kind"], each.get("life", 0)) for each in stored] == [
        *[("intent", 0), ("5xx", 0), ("verdict", 1)],
        *[("intent", 1), ("op", 1), ("end", 1)],
    ]
    verdict = {"kind": "verdict", "generation": 0, "life": 1, "because": "not_created"}
    assert stored[2] == {**verdict, "at": stored[2]["at"]}
    assert cleared.retried().execute() == result
    assert len(set(keys(local_codat))) == 2


def test_a_word_from_before_is_not_obeyed(
    attempt: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """What stood there when nothing was unknown cannot have been said of it."""
    local_codat.order("codat_error_after_commit")
    said = {"on_unknown_outcome": "fail", "unknown_resolution": "not_created"}
    made = attempt(store=store, **said)
    made.fails(OutcomeUnknown)
    made.retried().fails(OutcomeUnknown)
    assert len(keys(local_codat)) == 1


def test_a_word_on_a_created_record_is_not_obeyed(
    attempt: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """There is a record, and it is known: whoever says otherwise is not asked."""
    made = attempt(store=store)
    result = made.execute()
    assert made.cleared(unknown_resolution="not_created").execute() == result
    assert len(keys(local_codat)) == 1


@pytest.mark.parametrize("kind", ["fail_without_reason", "timed_out"])
def test_a_doubtful_end_can_be_resolved(
    attempt: Attempts, store: Store, local_codat: LocalCodat, kind: str
) -> None:
    """Codat knows the push operation, but not whether there is a record."""
    local_codat.order(kind)
    made = attempt(store=store)
    made.fails(PushTimedOut if kind == "timed_out" else OutcomeUnknown)
    result = made.cleared(unknown_resolution="not_created").execute()
    assert [result["record_id"]] == records(local_codat)


# --- a journal that is gone


@pytest.mark.parametrize("age", [YOUNG, OLD], ids=["young", "old"])
@pytest.mark.parametrize("how", ["deleted", "clear_on_success"])
def test_a_journal_that_is_gone_is_missed(
    attempt: Attempts, store: Store, local_codat: LocalCodat, how: str, age: timedelta
) -> None:
    """Within 75 minutes of the run the same key is sent; after that, nothing is."""
    made = attempt(store=store, age=age)
    result = made.execute()
    store.cells.clear()
    again = made.retried() if how == "deleted" else made.cleared()
    if age is YOUNG:
        assert again.execute()["record_id"] == result["record_id"]
    else:
        again.fails(OutcomeUnknown, "of which nothing was written down")
    assert len(set(keys(local_codat))) == 1
    assert counts(local_codat) == {"Ada": 1}


def test_a_person_may_resolve_what_no_journal_tells(
    attempt: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """The doubt is written down, so that it can be resolved like any other."""
    lost = attempt(store=store, age=OLD, ti={"try_number": 2})
    lost.fails(OutcomeUnknown, "unknown_resolution")
    lost.cleared(unknown_resolution="not_created").execute()
    assert counts(local_codat) == {"Ada": 1}


def test_a_refusal_proves_nothing_when_the_journal_is_gone(
    attempt: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """An earlier try may have created it before Codat, or a firewall, said no."""
    attempt(store=store).execute()
    store.cells.clear()
    local_codat.order("gateway_error_before_commit", status=403)
    attempt(store=store, ti={"try_number": 2}).fails(OutcomeUnknown, "may exist")
    assert counts(local_codat) == {"Ada": 1}


# --- items of a mapped task


@pytest.mark.parametrize("age", [YOUNG, OLD], ids=["young", "old"])
def test_an_item_does_not_take_anothers_journal_for_its_own(
    attempt: Attempts, store: Store, local_codat: LocalCodat, age: timedelta
) -> None:
    """Where a list has changed, the store at an index holds another item's past."""
    first = attempt(store=store, age=age, item_key="C-1", ti={"map_index": 0})
    result = first.execute()
    other = first.retried(item_key="C-2", customer=BERT)
    if age is YOUNG:
        other.execute()
    else:
        # It may have been sent from another index, where its journal is.
        other.fails(OutcomeUnknown, "of which nothing was written down")
    assert other.retried(item_key="C-1", customer=ADA).execute() == result
    berts = {"Bert": 1} if age is YOUNG else {}
    assert counts(local_codat) == {"Ada": 1, **berts}


@pytest.mark.parametrize("age", [YOUNG, OLD], ids=["young", "old"])
def test_an_item_may_come_to_a_new_index_in_a_cleared_run(
    attempt: Attempts,
    new_store: Callable[[], Store],
    local_codat: LocalCodat,
    age: timedelta,
) -> None:
    """Its journal stays behind: the same key within 75 minutes, nothing after that."""
    first = attempt(store=new_store(), age=age, item_key="C-1", ti={"map_index": 0})
    first.execute()
    moved = first.cleared()
    moved.map_index, moved.try_number, moved.store = 3, 1, new_store()
    if age is YOUNG:
        assert [moved.execute()["record_id"]] == records(local_codat)
    else:
        moved.fails(OutcomeUnknown, "of which nothing was written down")
    assert len(set(keys(local_codat))) == 1
    assert counts(local_codat) == {"Ada": 1}


def test_an_item_at_a_new_index_of_a_new_run_is_sent(
    attempt: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """In a run that nobody has cleared a first try is a first try, however late."""
    attempt(store=store, age=OLD, item_key="C-1", ti={"map_index": 3}).execute()
    assert counts(local_codat) == {"Ada": 1}


def test_nothing_of_the_customer_is_in_the_journal(
    attempt: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """Neither the payload nor the item's name, which may be a customer's."""
    local_codat.order("warn", message="Northwind Traders has no phone.")
    customer = {**ADA, "customerName": "Northwind Traders"}
    named = {"item_key": "Northwind 4711", "ti": {"map_index": 0}}
    attempt(customer, store=store, **named).execute()
    assert store.kinds() == ["intent", "op", "end"]
    assert "Northwind" not in str(store.cells)


# --- when nobody knows

POLICIES: dict[str, tuple[bool, str, str, bool | None, int, int]] = {
    # durable, policy, order: adopted (None: it fails), keys, records
    "reconcile, nothing there": (True, "reconcile", "before", False, 2, 1),
    "reconcile, there": (True, "reconcile", "after", True, 1, 1),
    "fail, nothing there": (True, "fail", "before", None, 1, 0),
    "fail, there": (True, "fail", "after", None, 1, 1),
    "resend, nothing there": (True, "resend", "before", False, 2, 1),
    "resend, there": (True, "resend", "after", False, 2, 2),
    "no journal, reconcile, nothing there": (
        False,
        "reconcile",
        "before",
        None,
        1,
        0,
    ),
    "no journal, reconcile, there": (False, "reconcile", "after", True, 1, 1),
    "no journal, fail": (False, "fail", "after", None, 1, 1),
    "no journal, resend": (False, "resend", "before", None, 1, 0),
}


@pytest.mark.parametrize("case", POLICIES)
def test_each_policy_of_the_unknown(
    attempt: Attempts, store: Store, local_codat: LocalCodat, case: str
) -> None:
    """Only ``resend`` may make two; without a journal no second key is ever used."""
    durable, policy, moment, adopted, keys_sent, made_records = POLICIES[case]
    local_codat.order(f"codat_error_{moment}_commit")
    made = attempt(store=store, durable=durable, on_unknown_outcome=policy)
    if adopted is None:
        made.fails(OutcomeUnknown)
    else:
        result = made.execute()
        assert result["adopted"] is adopted
        assert result["record_id"] == records(local_codat)[-1]
    assert len(set(keys(local_codat))) == len(keys(local_codat)) == keys_sent
    assert len(records(local_codat)) == made_records


@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_old_send_is_looked_for_in_the_books(
    attempt: Attempts, store: Store, local_codat: LocalCodat, moment: str
) -> None:
    """After 75 minutes its key is not sent any more: the books tell what it made."""
    local_codat.order(f"reset_{moment}_commit")
    made = attempt(store=store)
    made.fails(Unreachable)
    store.age(minutes=76)
    result = made.retried().execute()
    assert result["adopted"] is (moment == "after")
    assert records(local_codat) == [result["record_id"]]
    assert len(set(keys(local_codat))) == (1 if moment == "after" else 2)


def test_what_was_adopted_stays_so(
    attempt: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """A later try, and one that lost the end, tell the same of the record."""
    local_codat.order("codat_error_after_commit")
    made = attempt(store=store)
    # try, intent, 5xx, op: the end is lost.
    store.refuse(after=4)
    made.fails(JournalFailed)
    store.mend()
    again = made.retried()
    result = again.execute()
    assert (result["adopted"], [result["record_id"]]) == (True, records(local_codat))
    assert again.cleared().execute() == result
    assert len(keys(local_codat)) == 1


# --- a store that does not answer


@pytest.mark.parametrize(
    ("kept", "sent", "sent_then"),
    [
        pytest.param(0, 0, 1, id="not the try"),
        pytest.param(1, 0, 1, id="not the intent"),
        pytest.param(2, 1, 2, id="not the push operation"),
        pytest.param(3, 1, 1, id="not the end"),
    ],
)
def test_what_cannot_be_written_down_is_not_done(
    attempt: Attempts,
    store: Store,
    local_codat: LocalCodat,
    kept: int,
    sent: int,
    sent_then: int,
) -> None:
    """Before the send, nothing is sent; after it, the next try repeats the key."""
    store.refuse(after=kept)
    made = attempt(store=store)
    made.fails(JournalFailed)
    assert len(keys(local_codat)) == sent
    store.mend()
    assert [made.retried().execute()["record_id"]] == records(local_codat)
    assert len(keys(local_codat)) == sent_then
    assert len(set(keys(local_codat))) == 1


@pytest.mark.parametrize("try_number", [1, 2])
def test_a_try_that_was_replaced_sends_nothing(
    attempt: Attempts, store: Store, local_codat: LocalCodat, try_number: int
) -> None:
    """Its store looks empty, and is not believed: it cannot be written to."""
    store.supersede()
    made = attempt(store=store, ti={"try_number": try_number})
    made.fails(JournalFailed, "replaced by")
    assert local_codat.journal() == []


# --- without one


def test_a_task_that_is_not_durable_keeps_nothing(
    attempt: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """Airflow's store stays empty; within 75 minutes the key is still the same."""
    local_codat.order("reset_after_commit")
    made = attempt(store=store, durable=False, age=YOUNG)
    made.fails(Unreachable)
    assert [made.retried().execute()["record_id"]] == records(local_codat)
    assert store.cells == {}
    late = made.retried()
    late.dag_run.run_after -= OLD - YOUNG
    late.fails(OutcomeUnknown, "in a new DAG run")
    assert len(set(keys(local_codat))) == 1
