"""The laws of the task that updates a customer, with a real local Codat.

A try is one ``execute``; between two of them the author, a person or Airflow may have
changed what Airflow lets them change.
"""

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_codat.api import (
    CodatError,
    CodatFaulted,
    NotFound,
    OutcomeUnknown,
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
from airflow_provider_codat.hooks.codat import CodatHook
from airflow_provider_codat.links.codat import CodatPushOperationLink
from airflow_provider_codat.operators.codat import UpdateAccountingCustomerOperator
from airflow_provider_codat.simulator import LocalCodat

LINK = CodatPushOperationLink().xcom_key
ADA = {"customerName": "Ada", "status": "Active", "contactName": "Ada Byron"}
WED = {**ADA, "contactName": "Lovelace"}
LATER = {**ADA, "contactName": "Countess"}

# conftest.py has them; it cannot be imported.
Attempt = Store = Any
Attempts = Callable[..., Attempt]


@pytest.fixture
def local_codat(start_codat: Callable[..., LocalCodat]) -> LocalCodat:
    """Serve a Codat that has read the one customer in the books."""
    codat = start_codat(refresh_seconds=0)
    fill(codat)
    return codat


def fill(codat: LocalCodat) -> None:
    """Create the customer, and have Codat read it."""
    hook = CodatHook()
    hook.create_customer(codat.company_id, codat.connection_id, ADA)
    codat.advance(seconds=1)
    hook.refresh(codat.company_id)
    codat.advance(seconds=1)
    hook.close()


@pytest.fixture
def attempt(local_codat: LocalCodat, first_try: Any) -> Attempts:  # noqa: ANN401 - a class of conftest.py
    """Make an attempt at updating the customer."""

    def make(customer: object = WED, **given: Any) -> Attempt:  # noqa: ANN401 - whatever the operator takes
        (record,) = local_codat.ledger()
        what = {"customer": customer, "customer_id": record.record_id}
        return first_try(local_codat, UpdateAccountingCustomerOperator, what)(**given)

    return make


def befall(codat: LocalCodat, kind: str, **fields: Any) -> None:  # noqa: ANN401 - as in order
    """Let an update meet with a misfortune."""
    codat.order(kind, route="update", **fields)


def contact(codat: LocalCodat) -> object:
    """Return what stands in the books, once all has ended."""
    codat.advance(seconds=1)
    (record,) = codat.ledger()
    return record.customer["contactName"]


def puts(codat: LocalCodat) -> list[Any]:
    """Return the updates that arrived."""
    return [entry for entry in codat.journal() if entry.method == "PUT"]


def test_the_record_has_the_values(
    attempt: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """The result names record and push operation; key and link are pushed."""
    made = attempt(store=store)
    result = made.execute()
    (record,) = local_codat.ledger()
    assert (result["status"], result["record_id"]) == ("Success", record.record_id)
    assert result["adopted"] is False
    assert contact(local_codat) == "Lovelace"
    assert made.xcoms["push_operation_key"] == result["push_operation_key"]
    assert local_codat.company_id in str(made.xcoms[LINK])
    assert store.kinds() == ["intent", "op", "end"]
    assert "Lovelace" not in str(store.cells)
    (put,) = puts(local_codat)
    assert put.idempotency_key is None


def test_a_retry_after_success_sends_nothing(
    attempt: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """A try that is repeated after its end returns what was returned."""
    made = attempt(store=store)
    result = made.execute()
    assert made.retried().execute() == result
    assert len(puts(local_codat)) == 1


def test_a_cleared_task_sends_again(
    attempt: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """Who clears a task wants the values to be there, whoever changed them since."""
    made = attempt(store=store, force_update="True")
    made.execute()
    (record,) = local_codat.ledger()
    local_codat.advance(seconds=1)
    local_codat.edit_in_software(record.record_id, contactName="Somebody")
    made.cleared().execute()
    assert contact(local_codat) == "Lovelace"
    assert len(puts(local_codat)) == 2


LOST: dict[str, tuple[dict[str, Any], type[CodatError]]] = {
    "reset": ({"kind": "reset_before_commit"}, Unreachable),
    "reset after the commit": ({"kind": "reset_after_commit"}, Unreachable),
    "no answer": ({"kind": "no_answer_before_commit"}, Unreachable),
    "cut": ({"kind": "cut_body"}, Unreachable),
    "gateway": ({"kind": "gateway_error_before_commit"}, CodatFaulted),
    "gateway after the commit": ({"kind": "gateway_error_after_commit"}, CodatFaulted),
    "500": ({"kind": "codat_error_before_commit"}, CodatFaulted),
    "500 after the commit": ({"kind": "codat_error_after_commit"}, CodatFaulted),
    "429": ({"kind": "too_many_requests", "retry_after": 9}, RateLimited),
}


@pytest.mark.parametrize("case", LOST)
@pytest.mark.parametrize("force", [True, False], ids=["forced", "not forced"])
def test_a_lost_answer_is_followed_by_the_values(
    attempt: Attempts, store: Store, local_codat: LocalCodat, case: str, *, force: bool
) -> None:
    """The next try sends again; if that is refused for the first, the books tell."""
    order, error = LOST[case]
    befall(local_codat, **order)
    made = attempt(store=store, force_update=force)
    made.fails(error)
    local_codat.advance(seconds=1)
    store.age(seconds=10)
    result = made.retried().execute()
    assert (result["status"], contact(local_codat)) == ("Success", "Lovelace")
    landed = "after the commit" in case or case == "cut"
    assert result["adopted"] is (landed and not force)
    assert len(puts(local_codat)) == 2
    assert bool(result["push_operation_key"])


def test_a_repetition_that_is_refused_at_once_is_held_against_the_books(
    start_codat: Callable[..., LocalCodat],
    first_try: Any,  # noqa: ANN401 - a class of conftest.py
    store: Store,
) -> None:
    """A 400 after a send that was carried out is no failure."""
    codat = start_codat(refresh_seconds=0, update_refusals="request")
    fill(codat)
    (record,) = codat.ledger()
    what = {"customer": WED, "customer_id": record.record_id}
    made = first_try(codat, UpdateAccountingCustomerOperator, what)(store=store)
    befall(codat, "reset_after_commit")
    made.fails(Unreachable)
    codat.advance(seconds=1)
    store.age(seconds=10)
    result = made.retried().execute()
    assert (result["adopted"], contact(codat)) == (True, "Lovelace")
    assert result["push_operation_key"]


def test_a_refusal_after_a_send_that_was_lost_on_its_way_is_one(
    attempt: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """Where the books show other values and no trace, Codat's refusal stands."""
    befall(local_codat, "reset_before_commit")
    made = attempt(store=store)
    made.fails(Unreachable)
    (record,) = local_codat.ledger()
    local_codat.edit_in_software(record.record_id, contactName="Somebody")
    local_codat.advance(seconds=1)
    store.age(seconds=10)
    made.retried().fails(PushFailed, "nothing was changed")
    assert contact(local_codat) == "Somebody"


def test_a_strangers_update_is_not_taken_for_ours(
    attempt: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """Where somebody updates the record at that time, nobody is told of a success."""
    befall(local_codat, "reset_before_commit")
    made = attempt(store=store)
    made.fails(Unreachable)
    hook = CodatHook()
    place = (local_codat.company_id, local_codat.connection_id)
    theirs = hook.update_customer(*place, made.given["customer_id"], LATER)
    hook.close()
    local_codat.advance(seconds=1)
    store.age(seconds=10)
    error = made.retried().fails(OutcomeUnknown, "contactName")
    assert error.candidates == (theirs["pushOperationKey"],)
    assert "Lovelace" not in str(error)
    assert "Countess" not in str(error)


ENDS: dict[str, tuple[dict[str, Any], type[CodatError]]] = {
    "Failed": ({"kind": "fail"}, PushFailed),
    "TimedOut": ({"kind": "timed_out"}, PushTimedOut),
    "still pending": ({"kind": "stay_pending"}, StillPending),
    "400": ({"kind": "codat_error_before_commit", "status": 400}, Refused),
    "404": ({"kind": "codat_error_before_commit", "status": 404}, NotFound),
}


def patience(kind: str) -> float:
    """Return how long to wait for what may never end."""
    return 0.3 if kind == "stay_pending" else 3600


@pytest.mark.parametrize("case", ENDS)
def test_how_an_update_may_end(
    attempt: Attempts, store: Store, local_codat: LocalCodat, case: str
) -> None:
    """Each end has its error, and the books are as they were."""
    order, error = ENDS[case]
    befall(local_codat, **order)
    made = attempt(store=store, completion_timeout_seconds=patience(order["kind"]))
    raised = made.fails(error)
    assert contact(local_codat) == "Ada Byron"
    assert "Lovelace" not in str(raised)
    assert len(puts(local_codat)) == 1


@pytest.mark.parametrize("kind", ["timed_out", "stay_pending", "fail"])
def test_a_cleared_task_sends_what_did_not_succeed(
    attempt: Attempts, store: Store, local_codat: LocalCodat, kind: str
) -> None:
    """A push operation that ended badly is sent anew for who clears; none is twice."""
    befall(local_codat, kind)
    made = attempt(store=store, completion_timeout_seconds=patience(kind))
    made.fails(
        {"timed_out": PushTimedOut, "stay_pending": StillPending}.get(kind, PushFailed)
    )
    again = made.cleared()
    if kind == "stay_pending":
        again.fails(StillPending)
        assert len(puts(local_codat)) == 1
    else:
        assert again.execute()["status"] == "Success"
        assert contact(local_codat) == "Lovelace"


def test_a_failure_without_a_reason_is_held_against_the_books(
    attempt: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """Where the record still has other values, the task fails and says so."""
    befall(local_codat, "fail_without_reason")
    attempt(store=store).fails(PushFailed, "has other values")
    assert contact(local_codat) == "Ada Byron"


def test_an_older_payload_is_not_written_over_a_newer_one(
    attempt: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """A payload that is under way is awaited before the author's next one is sent."""
    made = attempt(store=store, wait_for_completion=False, force_update=True)
    made.execute()
    result = made.retried(customer=LATER, wait_for_completion=True).execute()
    assert result["status"] == "Success"
    assert contact(local_codat) == "Countess"
    assert store.kinds() == ["intent", "op", "end", "intent", "op", "end"]


def test_a_new_payload_waits_for_a_request_that_may_still_act(
    attempt: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """Until a lost request is sure to act no more, another payload is not sent."""
    befall(local_codat, "reset_before_commit")
    patient = {"retry_budget_seconds": 0.01, "request_lifetime_seconds": 600}
    made = attempt(store=store, deferrable=True, hook_params=patient)
    made.fails(Unreachable)
    deferred = made.retried(customer=LATER).defers()
    assert deferred.method_name == "execute_again"
    assert len(puts(local_codat)) == 1
    store.age(minutes=11)
    again = made.retried(customer=LATER)
    left = again.defers()
    assert left.method_name == "execute_complete"
    assert again.resume(left)["status"] == "Success"
    assert contact(local_codat) == "Countess"


def test_a_deferred_update_ends_as_one_in_the_worker(
    attempt: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """Another process takes in what came of it, and keeps it."""
    made = attempt(store=store, deferrable=True)
    result = made.resume(made.defers())
    assert (result["status"], contact(local_codat)) == ("Success", "Lovelace")
    assert store.kinds() == ["intent", "op", "end"]
    assert made.retried().execute() == result


@pytest.mark.parametrize("customer", [LATER, None], ids=["another", "none"])
@pytest.mark.parametrize("kind", ["warn", "fail"])
def test_a_payload_that_is_another_one_after_a_pause(
    attempt: Attempts,
    store: Store,
    local_codat: LocalCodat,
    kind: str,
    customer: object,
) -> None:
    """What was sent ends as it would have; Codat's words on it are not shown."""
    befall(local_codat, kind, message="Lovelace is odd.")
    made = attempt(store=store, deferrable=True)
    deferred = made.defers()
    made.given["customer"] = customer
    if kind == "fail":
        error = made.fails(PushFailed, work=lambda: made.resume(deferred))
        told = str(error)
    else:
        told = str(made.resume(deferred))
        assert contact(local_codat) == "Lovelace"
    assert "odd" not in told


LISTED = ("customerName", "status", "contactName", "modifiedDate")
MODEL = {"type": "Object", "properties": {name: {"type": "String"} for name in LISTED}}


@pytest.mark.parametrize("kind", ["fail", "fail_without_reason"])
def test_a_deferred_update_is_known_again_by_what_the_model_lists(
    attempt: Attempts, store: Store, local_codat: LocalCodat, kind: str
) -> None:
    """A read-only property that was sent is not left out of what was sent."""
    befall(local_codat, kind, message="No such luck.")
    customer = {**WED, "modifiedDate": "2026-03-01T00:00:00Z"}
    made = attempt(
        customer, store=store, deferrable=True, validate="model", model=MODEL
    )
    deferred = made.defers()
    error = made.fails(PushFailed, work=lambda: made.resume(deferred))
    assert "earlier payload" not in str(error)


def test_a_deferred_update_ends_without_the_model(
    attempt: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """What came of it is told, though the model cannot be asked for any more."""
    made = attempt(store=store, deferrable=True, validate="model", model=MODEL)
    deferred = made.defers()
    made.given["model"] = None
    local_codat.order("codat_error_before_commit", route="options")
    assert made.resume(deferred)["status"] == "Success"


@pytest.mark.parametrize("durable", [True, False], ids=["a journal", "no journal"])
def test_a_deferred_update_that_fails(
    attempt: Attempts, store: Store, local_codat: LocalCodat, *, durable: bool
) -> None:
    """What Codat refused is told with its words, wherever it was awaited."""
    befall(local_codat, "fail", message="No such luck.")
    made = attempt(store=store if durable else None, deferrable=True)
    deferred = made.defers()
    error = made.fails(
        PushFailed, "nothing was changed", work=lambda: made.resume(deferred)
    )
    assert error.operation.status == "Failed"
    assert contact(local_codat) == "Ada Byron"


def test_without_a_store_a_later_try_sends_again(
    attempt: Attempts, local_codat: LocalCodat
) -> None:
    """What an unrecorded try may have done is read back from the books."""
    befall(local_codat, "reset_after_commit")
    made = attempt()
    made.fails(Unreachable)
    local_codat.advance(seconds=1)
    result = made.retried().execute()
    assert (result["adopted"], contact(local_codat)) == (True, "Lovelace")
    assert len(puts(local_codat)) == 2


def test_warnings_may_fail_the_task(
    attempt: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """A success with warnings fails the task that wants it so; the result is kept."""
    befall(local_codat, "warn", message="It is ignored.")
    made = attempt(store=store, fail_on_warning=True)
    made.fails(PushWarned)
    result: Any = made.xcoms["return_value"]
    assert result["status"] == "Success"


WRONG: dict[str, tuple[dict[str, Any], type[CodatError], str]] = {
    "blank id": ({"customer_id": " "}, SettingsInvalid, "customer_id"),
    "no id": ({"customer_id": None}, SettingsInvalid, "customer_id"),
    "a path": ({"customer_id": ".."}, SettingsInvalid, "customer_id"),
    "force": ({"force_update": "perhaps"}, SettingsInvalid, "force_update"),
    "company": ({"company_id": "1"}, SettingsInvalid, "company_id"),
    "minutes": ({"timeout_in_minutes": "-1"}, SettingsInvalid, "timeout_in_minutes"),
    "payload": ({"customer": {}}, PayloadInvalid, "status"),
    "secrets": (
        {"deferrable": True, "hook_params": {"headers": {"a": "b"}}},
        SettingsInvalid,
        "headers",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_arguments(
    attempt: Attempts, store: Store, local_codat: LocalCodat, case: str
) -> None:
    """What is wrong with an argument is told before anything is sent."""
    given, error, word = WRONG[case]
    what = {"customer": WED, **given}
    attempt(store=store, **what).fails(error, word)
    assert puts(local_codat) == []


def test_an_odd_id_arrives_as_it_is(
    attempt: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """The record's id is any text; Codat says that it has none such."""
    made = attempt(store=store, customer_id=" a/b?c ")
    made.fails(PushFailed)
    (put,) = puts(local_codat)
    assert put.path.endswith("/push/customers/a/b?c") or put.path.endswith("a%2Fb%3Fc")


def test_the_hook_updates_at_once(hook: CodatHook, local_codat: LocalCodat) -> None:
    """The low-level method sends the payload as it is, and does not wait."""
    (record,) = local_codat.ledger()
    place = (local_codat.company_id, local_codat.connection_id)
    operation = hook.update_customer(*place, record.record_id, WED, force_update=True)
    assert operation["status"] == "Pending"
    assert contact(local_codat) == "Lovelace"


def test_the_hook_does_not_call_a_repetition_refused(
    hook: CodatHook, local_codat: LocalCodat
) -> None:
    """A refusal after an answer was lost leaves open what the first send did."""
    (record,) = local_codat.ledger()
    befall(local_codat, "reset_after_commit")
    befall(local_codat, "codat_error_before_commit", status=400, skip=1)
    place = (local_codat.company_id, local_codat.connection_id)
    with pytest.raises(OutcomeUnknown) as raised:
        hook.update_customer(*place, record.record_id, WED)
    assert isinstance(raised.value.__cause__, Refused)
