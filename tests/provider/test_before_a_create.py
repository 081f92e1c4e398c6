"""The laws of what a task looks at before it sends anything for the first time.

Codat is real as far as the operators can tell, Airflow is not there: a try is one
``execute``. What a preflight finds out is in ``test_hook_readiness.py``, what a model
means in ``tests/api/payload/test_integration_model.py``.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_codat.api import (
    AlreadyExists,
    BatchFailed,
    BatchUnfinished,
    ConnectionUnusable,
    NotAuthorised,
    PayloadInvalid,
    QuotaShort,
    SettingsInvalid,
    Unreachable,
)
from airflow_provider_codat.api.http.quota import requests_for
from airflow_provider_codat.operators.codat import (
    CreateAccountingCustomersOperator,
    GetCustomerModelOperator,
)
from airflow_provider_codat.simulator import LocalCodat
from airflow_provider_codat.simulator.world import (
    SECOND_COMPANY_ID,
    SECOND_CONNECTION_ID,
)

# conftest.py has them; it cannot be imported.
Attempt = Store = FirstTry = Any
Attempts = Callable[..., Attempt]

ADA = {"customerName": "Ada Works", "emailAddress": "a@ada.example", "status": "Active"}


def creates(codat: LocalCodat) -> list[Any]:
    """Return the creates that arrived."""
    return [e for e in codat.journal() if e.path.endswith("/push/customers")]


def refreshes(codat: LocalCodat) -> int:
    """Return how often the books were asked to be read anew."""
    return codat.traffic().by_route.get("refresh", 0)


def there(codat: LocalCodat, name: str = "Ada Works", **more: object) -> str:
    """Put a customer into the books, as other hands do; return its id."""
    return codat.typed_in({"customerName": name, **more}).record_id


# --- the connection that is left out

SECOND = {"company_id": SECOND_COMPANY_ID, "connection_id": None}


def test_the_companys_one_connection_is_taken(
    attempt: Attempts, attempt_many: Attempts, local_codat: LocalCodat
) -> None:
    """The author need not know its id; the result, the log and the books name it."""
    assert attempt(**SECOND).execute()["connection_id"] == SECOND_CONNECTION_ID
    result = attempt_many([ADA], **SECOND).execute()
    assert result["connection_id"] == SECOND_CONNECTION_ID
    assert {r.connection_id for r in local_codat.ledger()} == {SECOND_CONNECTION_ID}


@pytest.mark.parametrize("many", [False, True])
def test_several_connections_are_a_question_to_the_author(
    attempt: Attempts, attempt_many: Attempts, local_codat: LocalCodat, many: bool
) -> None:
    """Nothing is guessed: the message names those that could be meant, and no link."""
    made = attempt_many([ADA]) if many else attempt()
    made = made.retried(connection_id=None)
    error = made.fails(SettingsInvalid)
    for connection_id in ("lenient", "strict", "options"):
        assert local_codat.connections[connection_id] in str(error)
    assert "link.invalid" not in str(error)
    assert creates(local_codat) == []


@pytest.mark.parametrize("blank", ["", "None", "  "])
def test_a_connection_that_rendered_to_nothing_is_no_connection_left_out(
    attempt: Attempts, local_codat: LocalCodat, blank: str
) -> None:
    """A template that came to nothing is a mistake, and not a wish."""
    attempt(company_id=SECOND_COMPANY_ID, connection_id=blank).fails(SettingsInvalid)
    assert local_codat.journal() == []


@pytest.mark.parametrize("many", [False, True])
def test_a_later_try_stays_with_the_connection(
    attempt: Attempts,
    attempt_many: Attempts,
    local_codat: LocalCodat,
    store: Store,
    many: bool,
) -> None:
    """Whatever becomes of it: over another one it would be another record."""
    local_codat.order("no_answer_after_commit")
    given = {**SECOND, "store": store}
    made = attempt_many([ADA], **given) if many else attempt(**given)
    made.fails(BatchUnfinished if many else Unreachable)
    local_codat.clear_misfortunes()
    local_codat.set_connection_status(SECOND_CONNECTION_ID, "Deauthorized")
    result = made.retried().execute()
    assert result["connection_id"] == SECOND_CONNECTION_ID
    assert len({entry.idempotency_key for entry in creates(local_codat)}) == 1
    assert len(local_codat.ledger()) == 1


def test_a_task_that_waits_does_not_look_for_its_connection_again(
    attempt: Attempts, local_codat: LocalCodat
) -> None:
    """It is told which record it became, whatever the company has linked since."""
    made = attempt(**SECOND, deferrable=True)
    deferred = made.defers()
    local_codat.set_connection_status(SECOND_CONNECTION_ID, "Unlinked")
    result = made.resume(deferred)
    (record,) = local_codat.ledger()
    assert result["record_id"] == record.record_id
    assert result["connection_id"] == SECOND_CONNECTION_ID


def test_a_connection_that_cannot_be_kept_is_not_written_over(
    attempt: Attempts, local_codat: LocalCodat, store: Store
) -> None:
    """A try that was replaced must not look for another connection than its heir."""
    store.supersede()
    store.refuse(after=0)
    with pytest.raises(Exception, match=r"did not keep|replaced by"):
        attempt(**SECOND, store=store).execute()
    assert creates(local_codat) == []


# --- preflight


@pytest.mark.parametrize("many", [False, True])
def test_a_connection_that_cannot_be_written_over_is_told_first(
    attempt: Attempts, attempt_many: Attempts, local_codat: LocalCodat, many: bool
) -> None:
    """Nothing is sent; of many, each row is reported as not sent."""
    unlinked = local_codat.connections["unlinked"]
    given = {"preflight": True, "connection_id": unlinked}
    made = attempt_many([ADA], **given) if many else attempt(**given)
    made.fails(ConnectionUnusable, "Unlinked")
    assert creates(local_codat) == []
    if many:
        assert made.xcoms["return_value"]["counts"] == {"NotSent": 1}


def test_a_fit_connection_is_written_over(
    attempt: Attempts, local_codat: LocalCodat
) -> None:
    """Preflight asks, and then the customer is created as without."""
    assert attempt(preflight=True).execute()["status"] == "Success"
    assert local_codat.traffic().by_route["integration"] == 1


def test_offline_software_is_told_of(
    attempt: Attempts, local_codat: LocalCodat, logged: Callable[..., list[str]]
) -> None:
    """Whoever waits for a desktop is told which argument ends that."""
    strict = local_codat.connections["strict"]
    desktop = {"id": "ADA1", "customerName": "Ada", "status": "Active"}
    attempt(desktop, connection_id=strict, preflight=True).execute()
    assert logged("timeout_in_minutes")


@pytest.mark.parametrize("many", [False, True])
def test_what_was_begun_is_ended_whatever_a_preflight_would_say(
    attempt: Attempts,
    attempt_many: Attempts,
    local_codat: LocalCodat,
    store: Store,
    many: bool,
) -> None:
    """A connection that was cut off meanwhile does not hide which record it became."""
    local_codat.order("stay_pending", seconds=1)
    given = {"preflight": True, "store": store, "completion_timeout_seconds": 0.1}
    made = attempt_many([ADA], **given) if many else attempt(**given)
    with pytest.raises(Exception, match=r"still Pending|not in the books"):
        made.execute()
    local_codat.set_connection_status(local_codat.connection_id, "Unlinked")
    local_codat.advance(seconds=2)
    result = made.retried(completion_timeout_seconds=10).execute()
    (record,) = local_codat.ledger()
    line = result["results"][0] if many else result
    assert line["record_id"] == record.record_id
    assert len(creates(local_codat)) == 1


# --- what is in the books already


def test_skip_returns_the_record_that_was_there(
    attempt: Attempts, local_codat: LocalCodat
) -> None:
    """A new DAG run for the same customer sends nothing, and is told its record."""
    first = attempt(ADA).execute()
    second = attempt(ADA, ti={"run_id": "manual__2"}, if_exists="skip")
    result = second.execute()
    assert (result["status"], result["record_id"]) == ("Exists", first["record_id"])
    assert result["push_operation_key"] == ""
    assert len(creates(local_codat)) == 1
    assert second.xcoms["push_operation_key"] == ""


def test_fail_names_the_record_that_was_there(
    attempt: Attempts, local_codat: LocalCodat
) -> None:
    """The task fails at once, and says which property was the same; not its value."""
    record_id = there(local_codat)
    error = attempt(ADA, if_exists="fail").fails(AlreadyExists)
    assert error.record_ids == (record_id,)
    assert "customerName" in str(error)
    assert record_id in str(error)
    assert "Ada" not in str(error)
    assert creates(local_codat) == []


def test_several_records_are_never_chosen_from(
    attempt: Attempts, local_codat: LocalCodat
) -> None:
    """Where two are like it, skip fails: the author can tell by which property."""
    ids = {
        there(local_codat),
        there(local_codat, "Other", emailAddress="a@ada.example"),
    }
    error = attempt(ADA, if_exists="skip").fails(AlreadyExists)
    assert set(error.record_ids) == ids
    found = attempt(ADA, if_exists="skip", match_on=["emailAddress"]).execute()
    assert found["record_id"] in ids
    assert creates(local_codat) == []


def test_a_customer_that_is_not_there_is_created(
    attempt: Attempts, local_codat: LocalCodat
) -> None:
    """With if_exists, what nobody has created before is created once."""
    there(local_codat, "Somebody Else")
    result = attempt(ADA, if_exists="skip").execute()
    assert result["status"] == "Success"
    assert local_codat.counts_by_name()["Ada Works"] == 1


def test_a_later_try_does_not_mistake_its_own_record_for_a_strangers(
    attempt: Attempts, local_codat: LocalCodat, store: Store
) -> None:
    """What an earlier try of the task has begun is gone on with, and not looked for."""
    local_codat.order("no_answer_after_commit")
    made = attempt(ADA, if_exists="fail", store=store)
    made.fails(Unreachable)
    local_codat.clear_misfortunes()
    before = refreshes(local_codat)
    result = made.retried().execute()
    assert result["status"] == "Success"
    assert refreshes(local_codat) == before
    assert len(local_codat.ledger()) == 1


def test_what_existed_is_looked_for_anew(
    attempt: Attempts, local_codat: LocalCodat, store: Store
) -> None:
    """A cleared task asks again, and without if_exists it creates."""
    there(local_codat)
    made = attempt(ADA, if_exists="skip", store=store)
    assert made.execute()["status"] == "Exists"
    again = made.cleared()
    assert again.execute()["status"] == "Exists"
    assert again.cleared(if_exists=None).execute()["status"] == "Success"
    assert local_codat.counts_by_name() == {"Ada Works": 2}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"if_exists": "ignore"}, "if_exists must be one of: skip, fail"),
        ({"if_exists": "skip", "match_on": ["addresses"]}, "match_on"),
        ({"if_exists": "skip", "match_on": []}, "match_on"),
    ],
)
def test_wrong_arguments_are_told(
    attempt: Attempts, local_codat: LocalCodat, given: dict[str, Any], words: str
) -> None:
    """Which one, and what would be right; nothing is sent."""
    attempt(ADA, **given).fails(SettingsInvalid, words)
    assert creates(local_codat) == []


def test_what_cannot_be_looked_for_is_not_sent(
    attempt: Attempts, local_codat: LocalCodat
) -> None:
    """A customer without any of the properties could be there already."""
    made = attempt({"status": "Active"}, if_exists="skip")
    made.fails(PayloadInvalid, "customerName")
    assert creates(local_codat) == []


# --- many of them


def rows(*names: str) -> list[dict[str, str]]:
    return [{"customerName": name, "status": "Active"} for name in names]


def test_rows_that_are_there_are_skipped_and_named(
    attempt_many: Attempts, local_codat: LocalCodat
) -> None:
    """Each row is told its record; the books are read once for all of them."""
    record_id = there(local_codat, "One")
    result = attempt_many(rows("One", "Two", "Three"), if_exists="skip").execute()
    assert result["counts"] == {"Success": 2, "Exists": 1}
    line = result["results"][0]
    assert (line["status"], line["record_id"]) == ("Exists", record_id)
    assert line["problems"] == []
    assert local_codat.counts_by_name() == {"One": 1, "Two": 1, "Three": 1}
    assert refreshes(local_codat) == 1


def test_rows_that_are_there_fail_the_task_when_that_is_wanted(
    attempt_many: Attempts, local_codat: LocalCodat, store: Store
) -> None:
    """The others are created all the same, and a retry changes nothing."""
    record_id = there(local_codat, "One")
    made = attempt_many(rows("One", "Two"), if_exists="fail", store=store)
    error = made.fails(BatchFailed)
    assert record_id in str(error)
    assert made.xcoms["return_value"]["counts"] == {"Success": 1, "Failed": 1}
    made.retried().fails(BatchFailed)
    assert local_codat.counts_by_name() == {"One": 1, "Two": 1}


def test_a_killed_batch_does_not_mistake_its_own_records(
    attempt_many: Attempts, local_codat: LocalCodat, store: Store
) -> None:
    """Rows that an earlier try has sent are successes, and not strangers."""
    local_codat.order("no_answer_after_commit", skip=1)
    given = {"if_exists": "skip", "store": store}
    made = attempt_many(rows("One", "Two", "Three"), **given)
    made.fails(BatchUnfinished)
    local_codat.clear_misfortunes()
    result = made.retried().execute()
    assert result["counts"] == {"Success": 3}
    assert local_codat.counts_by_name() == {"One": 1, "Two": 1, "Three": 1}


def test_results_of_a_later_try_still_name_what_existed(
    attempt_many: Attempts, local_codat: LocalCodat, store: Store
) -> None:
    """A row that was there stays told, and takes none of the quota's places."""
    there(local_codat, "One")
    made = attempt_many(rows("One", "Two"), if_exists="skip", store=store)
    made.execute()
    result = made.retried().execute()
    assert result["counts"] == {"Success": 1, "Exists": 1}
    assert len(creates(local_codat)) == 1


def test_rows_that_cannot_be_looked_for_are_invalid(
    attempt_many: Attempts, local_codat: LocalCodat
) -> None:
    """They are not sent, and the others are."""
    made = attempt_many([{"status": "Active"}, *rows("Two")], if_exists="skip")
    made.fails(BatchFailed, "customerName")
    assert made.xcoms["return_value"]["counts"] == {"Success": 1, "Invalid": 1}
    assert local_codat.counts_by_name() == {"Two": 1}


SHARED = [
    {"customerName": f"Firm {n:02}", "emailAddress": "a@b.example", "status": "Active"}
    for n in range(24)
]


def cut_by_quota(
    start_codat: Callable[..., LocalCodat],
    first_try: FirstTry,
    rows: list[dict[str, str]],
    **given: Any,  # noqa: ANN401 - whatever the operator takes
) -> tuple[LocalCodat, Attempt]:
    """Let a first try end at the day's quota; return it when there is more."""
    codat = start_codat(daily_quota=30)
    what = {"customers": rows}
    made = first_try(codat, CreateAccountingCustomersOperator, what)(
        on_quota="partial", **given
    )
    made.fails(BatchFailed)
    assert 0 < len(codat.ledger()) < len(rows)
    codat.set_quota(1000, limit=1000)
    return codat, made


def test_rows_of_a_batch_are_no_strangers_to_each_other(
    start_codat: Callable[..., LocalCodat], first_try: FirstTry, store: Store
) -> None:
    """What an earlier try of the batch has created is nothing to hold a row against."""
    given = {"if_exists": "skip", "store": store}
    codat, made = cut_by_quota(start_codat, first_try, SHARED, **given)
    assert made.retried().execute()["counts"] == {"Success": 24}
    assert len(codat.ledger()) == 24


def test_rows_that_were_begun_are_ended_though_no_more_can_be_sent(
    start_codat: Callable[..., LocalCodat], first_try: FirstTry, store: Store
) -> None:
    """A connection that was cut off ends the task, and hides no record of it."""
    given = {"preflight": True, "store": store}
    codat, made = cut_by_quota(start_codat, first_try, SHARED, **given)
    codat.order("stay_pending", seconds=5, count=99)
    codat.set_connection_status(codat.connection_id, "Unlinked")
    again = made.retried()
    again.fails(ConnectionUnusable)
    told = again.xcoms["return_value"]
    assert told["counts"]["Success"] == len(codat.ledger())
    assert told["counts"]["NotSent"] == 24 - len(codat.ledger())


def test_rows_that_exist_are_not_looked_for_again_by_a_retry(
    attempt_many: Attempts, local_codat: LocalCodat, store: Store
) -> None:
    """The books are read once for a task, until it is cleared."""
    there(local_codat, "One")
    made = attempt_many(rows("One", "Two"), if_exists="skip", store=store)
    made.execute()
    made = made.retried()
    assert made.execute()["counts"] == {"Success": 1, "Exists": 1}
    assert refreshes(local_codat) == 1
    made = made.cleared()
    assert made.execute()["counts"] == {"Success": 1, "Exists": 1}
    assert refreshes(local_codat) == 2
    assert len(creates(local_codat)) == 1


def test_a_batch_that_is_cleared_without_if_exists_creates_what_existed(
    attempt_many: Attempts, local_codat: LocalCodat, store: Store
) -> None:
    """What stood there before is no success of this task's."""
    there(local_codat, "One")
    made = attempt_many(rows("One"), if_exists="skip", store=store)
    assert made.execute()["counts"] == {"Exists": 1}
    assert made.cleared(if_exists=None).execute()["counts"] == {"Success": 1}
    assert local_codat.counts_by_name() == {"One": 2}


def test_a_look_that_spends_the_quota_sends_nothing(
    start_codat: Callable[..., LocalCodat], first_try: FirstTry
) -> None:
    """With on_quota="fail" all rows are sent, or none: the look counts, too."""
    codat = start_codat(daily_quota=100)
    codat.set_quota(requests_for(10) + 2)
    what = {"customers": SHARED[:10]}
    made = first_try(codat, CreateAccountingCustomersOperator, what)(if_exists="skip")
    made.fails(QuotaShort)
    assert refreshes(codat) == 1
    assert creates(codat) == []
    assert made.xcoms["return_value"]["counts"] == {"NotSent": 10}


# --- without a journal


def test_a_later_try_does_not_let_a_preflight_hide_what_may_exist(
    attempt: Attempts, local_codat: LocalCodat
) -> None:
    """Nobody knows what the first try has sent: the same key tells."""
    local_codat.order("no_answer_after_commit")
    made = attempt(ADA, preflight=True)
    made.fails(Unreachable)
    local_codat.clear_misfortunes()
    local_codat.set_connection_status(local_codat.connection_id, "Unlinked")
    result = made.retried(hook_params={}).execute()
    (record,) = local_codat.ledger()
    assert result["record_id"] == record.record_id


def test_a_later_try_says_that_the_record_may_be_its_own(
    attempt: Attempts, local_codat: LocalCodat
) -> None:
    """With if_exists="fail" it fails, and does not claim that nothing was sent."""
    local_codat.order("no_answer_after_commit")
    made = attempt(ADA, if_exists="fail")
    made.fails(Unreachable)
    local_codat.clear_misfortunes()
    local_codat.advance(minutes=1)  # it is in the books by then
    error = made.retried(hook_params={}).fails(
        AlreadyExists, "may be one of an earlier"
    )
    assert error.record_ids == tuple(r.record_id for r in local_codat.ledger())
    assert len(local_codat.ledger()) == 1


# --- the connection's own model

FOR_CLOUD = {"customerName": "Ada Works", "status": "Archived"}


@pytest.mark.parametrize("many", [False, True])
def test_the_integrations_model_is_asked_once(
    attempt: Attempts, attempt_many: Attempts, local_codat: LocalCodat, many: bool
) -> None:
    """What the software does not take is told before anything is sent."""
    given = {"connection_id": local_codat.connections["options"], "validate": "model"}
    made = attempt_many([FOR_CLOUD], **given) if many else attempt(FOR_CLOUD, **given)
    made.fails(BatchFailed if many else PayloadInvalid, "InActive")
    made.retried().fails(BatchFailed if many else PayloadInvalid, "InActive")
    assert local_codat.traffic().by_route["options"] == 1
    assert creates(local_codat) == []


def test_another_run_asks_for_the_model_anew(
    attempt: Attempts, local_codat: LocalCodat
) -> None:
    """A model may change from one day to the next."""
    for run_id in ("manual__11", "manual__12"):
        attempt(validate="model", ti={"run_id": run_id}).execute()
    assert local_codat.traffic().by_route["options"] == 2


@pytest.mark.parametrize(
    ("validate", "payload", "says"),
    [
        ("schema", {"status": "InActive"}, "one of Active, Archived, Unknown"),
        ("model", {"status": "Archived"}, "one of Active, InActive"),
        ("both", {"status": "InActive"}, "Codat's contract"),
        ("both", {"status": "Archived"}, "model"),
    ],
)
def test_each_check_says_who_objects(
    attempt: Attempts,
    local_codat: LocalCodat,
    validate: str,
    payload: dict[str, str],
    says: str,
) -> None:
    """The contract and the model disagree; the author sees which of them says no."""
    made = attempt(
        {"customerName": "Ada Works", **payload},
        connection_id=local_codat.connections["options"],
        validate=validate,
    )
    made.fails(PayloadInvalid, says)
    assert creates(local_codat) == []


def test_a_stored_model_costs_no_request(
    attempt: Attempts, local_codat: LocalCodat
) -> None:
    """As a dict, or as a text that an XCom has rendered to."""
    connection_id = local_codat.connections["options"]
    get = GetCustomerModelOperator(
        task_id="model", company_id=local_codat.company_id, connection_id=connection_id
    )
    model = get.execute({"ti": attempt(), "dag_run": None})
    for given in (model, json.dumps(model)):
        made = attempt(FOR_CLOUD, connection_id=connection_id)
        made.retried(validate="model", model=given).fails(PayloadInvalid, "InActive")
    assert local_codat.traffic().by_route["options"] == 1


def test_limits_in_prose_warn_or_fail(
    attempt: Attempts, local_codat: LocalCodat, logged: Callable[..., list[str]]
) -> None:
    """They are words that Codat may have wrong, so the author decides."""
    strict = local_codat.connections["strict"]
    desktop = {"id": "ADA1", "customerName": "A" * 61, "status": "Active"}
    given = {"connection_id": strict, "validate": "model"}
    attempt(desktop, **given, strict=True).fails(PayloadInvalid, "customerName")
    assert creates(local_codat) == []
    with pytest.raises(Exception, match="failed"):
        attempt(desktop, **given).execute()
    assert logged("Payload: customerName")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"validate": "Model"}, "validate"),
        ({"model": {"type": "Object"}}, 'validate="schema" does not look at it'),
        ({"validate": "model", "model": {}}, "model"),
        ({"validate": "both", "model": "not json"}, "model"),
        ({"validate": "both", "model": "[]"}, "model"),
    ],
)
def test_a_model_that_is_none_is_told(
    attempt: Attempts, local_codat: LocalCodat, given: dict[str, Any], words: str
) -> None:
    """Nothing passes a check that could not check."""
    attempt(ADA, **given).fails(SettingsInvalid, words)
    assert creates(local_codat) == []


# --- reading the model


def test_the_model_and_its_schema_are_there_for_others(
    attempt: Attempts, local_codat: LocalCodat
) -> None:
    """The return value is what Codat sent; the JSON Schema is pushed on request."""
    made = attempt()
    get = GetCustomerModelOperator(
        task_id="model",
        company_id=local_codat.company_id,
        connection_id=local_codat.connections["strict"],
        json_schema=True,
        strict=True,
    )
    model = get.execute(made.context)
    assert model["properties"]["id"]["required"] is True
    schema = made.xcoms["json_schema"]
    assert schema["required"] == ["id", "customerName"]
    assert schema["properties"]["customerName"]["maxLength"] == 60


def test_a_wrong_key_is_told_before_anything_is_sent(
    attempt: Attempts, local_codat: LocalCodat, connection: Callable[..., str]
) -> None:
    """Looking first does not hide what is wrong with the connection."""
    conn_id = connection(host=local_codat.url, password="wrong" * 8)
    for given in ({"preflight": True}, {"if_exists": "skip"}, {"validate": "model"}):
        attempt(codat_conn_id=conn_id, **given).fails(NotAuthorised)
    assert creates(local_codat) == []
