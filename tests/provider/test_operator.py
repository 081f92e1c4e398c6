"""The laws of the operator, try by try, without Airflow's database."""

import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from importlib.metadata import version
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException

from airflow_provider_codat.api import (
    AlreadyExists,
    Busy,
    CodatError,
    CodatFaulted,
    ConnectionUnusable,
    JournalFailed,
    Malformed,
    NotAuthorised,
    OutcomeUnknown,
    PayloadInvalid,
    PaymentRequired,
    PushFailed,
    PushTimedOut,
    PushWarned,
    RateLimited,
    Refused,
    SettingsInvalid,
    StillInProgress,
    StillPending,
    Unreachable,
)
from airflow_provider_codat.failures import (
    HAS_RETRY_POLICIES,
    CodatRetryPolicy,
    failing_at_once,
    may_pass,
)
from airflow_provider_codat.links.codat import CodatPushOperationLink
from airflow_provider_codat.operators.codat import CreateAccountingCustomerOperator
from airflow_provider_codat.simulator import LocalCodat

AIRFLOW = tuple(int(part) for part in version("apache-airflow").split(".")[:2])
KEY = "7d9f0f0c-54c8-4e4c-9e0e-3a0f3f5d1c11"
LINK = CodatPushOperationLink().xcom_key
ADA = {"customerName": "Ada", "status": "Active"}

Attempts = Callable[..., Any]


def posts(codat: LocalCodat) -> list[Any]:
    """Return the creates that arrived."""
    return [e for e in codat.journal() if e.path.endswith("/push/customers")]


# --- what it returns


def test_the_result_tells_which_record_it_became(
    attempt: Attempts, local_codat: LocalCodat
) -> None:
    """A dict of plain JSON with exactly the documented keys."""
    result = attempt().execute()
    [record] = local_codat.ledger()
    [operation] = local_codat.operations()
    assert result == {
        "push_operation_key": record.push_operation_key,
        "status": "Success",
        "record_id": record.record_id,
        "company_id": local_codat.company_id,
        "connection_id": local_codat.connection_id,
        "warnings": [],
        "requested_at": operation["requestedOnUtc"],
        "completed_at": operation["completedOnUtc"],
        "adopted": False,
    }


def test_not_waiting_ends_with_the_acceptance(
    attempt: Attempts, start_codat: Callable[..., LocalCodat]
) -> None:
    """The task succeeds once Codat has taken it; nothing is polled."""
    codat = start_codat(settle_seconds=60)
    made = attempt(wait_for_completion=False)
    result = made.execute()
    assert (result["status"], result["record_id"]) == ("Pending", None)
    assert result["completed_at"] is None
    assert [entry.method for entry in codat.journal()] == ["POST"]
    assert made.xcoms[LINK].endswith(f"{codat.company_id}/summary")


@pytest.mark.parametrize("wait", [True, False])
def test_an_immediate_success_is_the_result(
    attempt: Attempts, start_codat: Callable[..., LocalCodat], wait: bool
) -> None:
    """Where the first reply is final, nothing more is asked."""
    codat = start_codat(settle_seconds=0)
    result = attempt(wait_for_completion=wait).execute()
    assert result["record_id"] == codat.ledger()[0].record_id
    assert len(codat.journal()) == 1


@pytest.mark.parametrize("wait", [True, False])
def test_an_immediate_failure_fails(
    attempt: Attempts, start_codat: Callable[..., LocalCodat], wait: bool
) -> None:
    """A refusal in the first reply fails the task even where it would not wait."""
    codat = start_codat(settle_seconds=0)
    codat.order("fail")
    attempt(wait_for_completion=wait).fails(PushFailed)
    assert len(codat.journal()) == 1
    assert codat.ledger() == []


def test_an_undocumented_status_is_waited_out(
    attempt: Attempts, local_codat: LocalCodat, logged: Callable[..., list[str]]
) -> None:
    """It is no end: it is asked again, and said in the log."""
    local_codat.order("unknown_status", seconds=0.3)
    assert attempt().execute()["status"] == "Success"
    assert logged("a status that is not documented")


# --- how it ends badly


def test_every_reason_of_a_failure_is_told(
    attempt: Attempts, local_codat: LocalCodat
) -> None:
    """All of Codat's validation errors are in the message, with the operation."""
    strict = local_codat.connections["strict"]
    customer = {
        **ADA,
        "id": "has spaces and is long",
        "addresses": [
            {"type": "Billing", "line1": "1 High Street"},
            {"type": "Delivery", "line1": "2 High Street"},
        ],
    }
    error = attempt(customer, connection_id=strict).fails(PushFailed)
    [operation] = local_codat.operations()
    reasons = operation["validation"]["errors"]
    assert len(reasons) >= 3
    for reason in reasons:
        assert f"{reason['itemId']}: {reason['message']}" in str(error)
    assert operation["pushOperationKey"] in str(error)
    assert local_codat.ledger() == []


@pytest.mark.parametrize(
    ("order", "kind", "words"),
    [
        pytest.param({"kind": "timed_out"}, PushTimedOut, "may still appear", id="out"),
        pytest.param(
            {"kind": "fail_without_reason"}, OutcomeUnknown, "may exist", id="no reason"
        ),
        pytest.param(
            {"kind": "fail_with_record"}, OutcomeUnknown, "may exist", id="half done"
        ),
        pytest.param(
            {"kind": "codat_error_before_commit", "status": 402},
            PaymentRequired,
            "402",
            id="402",
        ),
    ],
)
def test_each_bad_end_says_what_to_do(
    attempt: Attempts,
    local_codat: LocalCodat,
    order: dict[str, Any],
    kind: type[CodatError],
    words: str,
) -> None:
    """Where a record may exist the message says so, and nothing is sent again."""
    local_codat.order(**order)
    attempt().fails(kind, words)
    assert len({entry.idempotency_key for entry in posts(local_codat)}) == 1


UNREADABLE = {
    "500": ({"kind": "codat_error_after_commit"}, "answered 500"),
    "junk": ({"kind": "junk_body", "count": 9}, "is not JSON"),
    "foreign": (
        {"kind": "junk_body", "junk": "foreign", "count": 9},
        "another push operation than ours",
    ),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_was_created_unseen_is_found_in_the_books(
    attempt: Attempts, start_codat: Callable[..., LocalCodat], case: str
) -> None:
    """The answer did not tell: the record that is there is ours, and said to be."""
    codat = start_codat(settle_seconds=0.05, refresh_seconds=0)
    codat.order(**UNREADABLE[case][0])
    made = attempt()
    result = made.execute()
    [record] = codat.ledger()
    assert (result["record_id"], result["adopted"]) == (record.record_id, True)
    assert made.xcoms["push_operation_key"] == record.push_operation_key
    assert len({entry.idempotency_key for entry in posts(codat)}) == 1


@pytest.mark.parametrize("case", UNREADABLE)
def test_where_the_books_are_not_to_be_asked_it_stays_unknown(
    attempt: Attempts, local_codat: LocalCodat, case: str
) -> None:
    """The message says what was answered, and names the push operation to look at."""
    order, words = UNREADABLE[case]
    local_codat.order(**order)
    error = attempt(on_unknown_outcome="fail").fails(OutcomeUnknown, words)
    assert error.candidates == (local_codat.operations()[0]["pushOperationKey"],)
    assert "may exist" in str(error)
    assert len({entry.idempotency_key for entry in posts(local_codat)}) == 1


def test_what_timed_out_and_landed_is_a_success(
    attempt: Attempts, local_codat: LocalCodat
) -> None:
    """A second look decides: Codat's deadline stops nobody at the desktop."""
    local_codat.order("timed_out_then_lands", seconds=0.01)
    attempt().fails(PushTimedOut)
    assert local_codat.counts_by_name() == {"Ada": 1}
    assert len(posts(local_codat)) == 1


def test_our_own_deadline_leaves_it_going_on(
    attempt: Attempts, local_codat: LocalCodat
) -> None:
    """The link is already there, and a later try finds the same push operation."""
    local_codat.order("stay_pending")
    made = attempt(completion_timeout_seconds=0.3)
    error = made.fails(StillPending, "goes on at Codat")
    assert isinstance(error, StillPending)
    assert made.xcoms[LINK]
    again = attempt(completion_timeout_seconds=0.3, ti={"try_number": 2})
    later = again.fails(StillPending)
    assert isinstance(later, StillPending)
    assert error.operation.key == later.operation.key
    assert len(local_codat.operations()) == 1


@pytest.mark.parametrize("failing", [True, False])
def test_warnings_are_logged_and_returned(
    attempt: Attempts,
    local_codat: LocalCodat,
    logged: Callable[..., list[str]],
    failing: bool,
) -> None:
    """With ``fail_on_warning`` the result is pushed before the task fails."""
    local_codat.order("warn")
    made = attempt(fail_on_warning=failing)
    if failing:
        error = made.fails(PushWarned, "is in the books")
        assert "Phone is not supported" in str(error)
        result = made.xcoms["return_value"]
    else:
        result = made.execute()
    assert result["warnings"] == ["Phone: Phone is not supported, and will be ignored."]
    assert result["record_id"] == local_codat.ledger()[0].record_id
    assert logged("Phone is not supported, and will be ignored.")


# --- what it checks first


def test_all_problems_are_told_at_once(
    attempt: Attempts, local_codat: LocalCodat
) -> None:
    """Five mistakes, five lines, no value of theirs, and nothing sent."""
    customer = {
        "customerName": 4711,
        "status": "active",
        "addresses": [{"line1": "12 Secret Lane"}],
        "contacts": [{"status": "Active", "phone": [{"type": "Home"}]}],
        "defaultCurrency": None,
    }
    error = attempt(customer).fails(PayloadInvalid, "5 problems; nothing was sent")
    assert isinstance(error, PayloadInvalid)
    assert [problem.path for problem in error.problems] == [
        "customerName",
        "status",
        "addresses[0].type",
        "contacts[0].phone[0].type",
        "defaultCurrency",
    ]
    for value in ("4711", "'active'", "Secret", "Home"):
        assert value not in str(error)
    assert local_codat.journal() == []


@pytest.mark.parametrize(
    ("customer", "words"),
    [
        pytest.param(
            {**ADA, "taxNumber": Decimal("12.50")},
            "taxNumber: must be text or null; a number was given",
            id="number for text",
        ),
        pytest.param(
            {**ADA, "phone": {"a", "b"}}, "phone: .*make it a list", id="a set"
        ),
        pytest.param("None", "gave nothing", id="None rendered by Jinja"),
        pytest.param("", "gave nothing", id="empty text"),
        pytest.param("{'customerName': ", "neither JSON nor a Python", id="cut short"),
        pytest.param('["a"]', "must be an object", id="a list"),
        pytest.param(
            '{"status": "Active", "status": "Active"}', "more than once", id="twice"
        ),
        pytest.param({**ADA, "phone": float("nan")}, "finite number", id="NaN"),
    ],
)
def test_what_is_no_customer_is_explained(
    attempt: Attempts, local_codat: LocalCodat, customer: object, words: str
) -> None:
    """Whatever arrives in its place, the message says what would be right."""
    attempt(customer).fails(PayloadInvalid, words)
    assert local_codat.journal() == []


def test_values_arrive_exactly(attempt: Attempts, local_codat: LocalCodat) -> None:
    """Decimals, dates and leading zeros survive; texts are never touched."""
    customer = {
        "customerName": 'O\'Brien "& Söhne" 株式会社 {{ 7*7 }}',
        "taxNumber": "007",
        "phone": None,
        "status": "Active",
        "addresses": ({"type": "Billing", "line1": "ledger.json"},),
        "supplementalData": {
            "content": {"crm": {"a": Decimal("12.50"), "b": date(2024, 2, 29)}}
        },
    }
    attempt(customer).execute()
    assert posts(local_codat)[0].json() == {
        **customer,
        "addresses": [{"type": "Billing", "line1": "ledger.json"}],
        "supplementalData": {"content": {"crm": {"a": 12.5, "b": "2024-02-29"}}},
    }


@pytest.mark.parametrize(
    ("policy", "sent", "warned"),
    [("warn", True, True), ("fail", False, False), ("ignore", True, False)],
)
def test_unknown_properties(
    attempt: Attempts,
    local_codat: LocalCodat,
    logged: Callable[..., list[str]],
    policy: str,
    sent: bool,
    warned: bool,
) -> None:
    """They are warned of with the name that may be meant, refused, or let pass."""
    made = attempt({**ADA, "emailAdress": "a@b.example"}, unknown_properties=policy)
    words = "emailAdress: unknown property; did you mean emailAddress?"
    if sent:
        made.execute()
        assert posts(local_codat)[0].json()["emailAdress"] == "a@b.example"
    else:
        made.fails(PayloadInvalid, "did you mean emailAddress")
        assert local_codat.journal() == []
    assert bool(logged(words)) is warned


def test_validation_can_be_off(
    attempt: Attempts, start_codat: Callable[..., LocalCodat]
) -> None:
    """What Codat's contract forbids is then sent as it is; JSON it must be still."""
    codat = start_codat(validate=False)
    attempt({"status": "Customary"}, validate="off").execute()
    assert posts(codat)[0].json() == {"status": "Customary"}
    attempt({"status": {1}}, validate="off").fails(PayloadInvalid)


READ_ONLY_CUSTOMER = {
    **ADA,
    "id": "A1",
    "modifiedDate": "2024-01-01T00:00:00Z",
    "metadata": {"isDeleted": False},
    "contacts": [{"status": "Active", "modifiedDate": "2024-01-01T00:00:00Z"}],
}


@pytest.mark.parametrize(
    ("given", "left_out"),
    [
        pytest.param(
            {}, "contacts[0].modifiedDate, metadata, modifiedDate", id="default"
        ),
        pytest.param({"read_only_fields": ["id"]}, "id", id="one's own"),
        pytest.param({"read_only_fields": ()}, "", id="none"),
    ],
)
def test_read_only_properties_are_left_out(
    attempt: Attempts,
    local_codat: LocalCodat,
    logged: Callable[..., list[str]],
    given: dict[str, Any],
    left_out: str,
) -> None:
    """What Codat shows but takes in no write is dropped, and the log names it."""
    made = attempt(READ_ONLY_CUSTOMER, **given)
    made.execute()
    lines = logged("Left out of the payload")
    assert [line.partition(": ")[2] for line in lines] == (
        [f"{left_out} (read_only_fields)"] if left_out else []
    )
    sent = posts(local_codat)[0].json()
    assert ("metadata" in sent) is ("metadata" not in left_out)
    assert ("id" in sent) is (left_out != "id")
    assert made.operator.customer is READ_ONLY_CUSTOMER
    assert "metadata" in READ_ONLY_CUSTOMER


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"company_id": "acme"}, "company_id must be a UUID"),
        ({"connection_id": ""}, "connection_id must be a UUID"),
        ({"connection_id": "None"}, "connection_id must be a UUID"),
        ({"idempotency_key": "1"}, "idempotency_key must be a UUID"),
        ({"timeout_in_minutes": "soon"}, "timeout_in_minutes must be"),
        ({"timeout_in_minutes": -1}, "timeout_in_minutes must be"),
        ({"timeout_in_minutes": "0"}, "timeout_in_minutes must be"),
        ({"timeout_in_minutes": 0}, "timeout_in_minutes must be"),
        ({"timeout_in_minutes": 1.5}, "timeout_in_minutes must be"),
        ({"completion_timeout_seconds": 0}, "completion_timeout_seconds must be"),
        ({"completion_timeout_seconds": "x"}, "completion_timeout_seconds must be"),
        ({"completion_timeout_seconds": "nan"}, "completion_timeout_seconds must be"),
        ({"poll_interval_seconds": 0}, "poll_interval_seconds must be"),
        ({"poll_interval_seconds": None}, "poll_interval_seconds must be"),
        ({"validate": "strictly"}, "validate must be"),
        ({"unknown_properties": "shout"}, "unknown_properties must be"),
        ({"on_unknown_outcome": "guess"}, "on_unknown_outcome must be one of"),
        ({"on_unknown_outcome": None}, "on_unknown_outcome must be one of"),
        ({"on_clear": "again"}, "on_clear must be one of"),
        ({"reconcile_grace_seconds": 0}, "reconcile_grace_seconds must be"),
        ({"unknown_resolution": "none"}, "unknown_resolution must be not_created"),
        ({"unknown_resolution": "Not created"}, "unknown_resolution must be"),
        ({"unknown_resolution": "not-created"}, "unknown_resolution must be"),
        ({"unknown_resolution": "NOT_CREATED:2"}, "unknown_resolution must be"),
        ({"unknown_resolution": "no"}, "unknown_resolution must be"),
        ({"hook_params": {"timeout": 1}}, "hook_params: unknown extra 'timeout'"),
        ({"hook_params": {"read_timeout_seconds": 0}}, "read_timeout_seconds must be"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, dict) else "",
)
def test_a_wrong_argument_sends_nothing(
    attempt: Attempts, local_codat: LocalCodat, given: dict[str, Any], words: str
) -> None:
    """It is named, it costs no retry, and Codat hears nothing."""
    made = attempt(**given)
    made.fails(SettingsInvalid, words)
    assert local_codat.journal() == []
    assert made.xcoms == {}


@pytest.mark.parametrize(
    ("given", "query"),
    [
        ({}, ""),
        ({"timeout_in_minutes": None}, ""),
        ({"timeout_in_minutes": "None"}, ""),
        ({"timeout_in_minutes": " "}, ""),
        ({"timeout_in_minutes": 30}, "timeoutInMinutes=30"),
        ({"timeout_in_minutes": "30"}, "timeoutInMinutes=30"),
        ({"completion_timeout_seconds": "60"}, ""),
    ],
    ids=str,
)
def test_numbers_may_have_been_rendered(
    attempt: Attempts, local_codat: LocalCodat, given: dict[str, Any], query: str
) -> None:
    """A template makes text of numbers, and ``None`` or nothing of what is not set."""
    attempt(**given).execute()
    assert posts(local_codat)[0].query == query


# --- the link


def test_the_link_is_there_before_the_wait(
    attempt: Attempts, local_codat: LocalCodat
) -> None:
    """It is pushed at the acceptance, with the key; a refused create has none."""
    template = (
        "https://portal.example/{company_id}/{connection_id}/{push_operation_key}"
    )
    local_codat.order("fail")
    params = {"portal_url_template": template}
    made = attempt(hook_params=params)
    made.fails(PushFailed)
    key = local_codat.operations()[0]["pushOperationKey"]
    place = f"{local_codat.company_id}/{local_codat.connection_id}"
    assert made.xcoms == {
        LINK: f"https://portal.example/{place}/{key}",
        "push_operation_key": key,
    }

    local_codat.order("codat_error_before_commit", status=400)
    refused = attempt(hook_params=params, ti={"run_id": "another"})
    refused.fails(Refused)
    assert refused.xcoms == {}


# --- the idempotency key and later tries

ANOTHER = {
    "a later try": ({"try_number": 3}, {}, True),
    "a mended payload": ({}, {"customer": {**ADA, "phone": "1"}}, True),
    "another DAG": ({"dag_id": "b"}, {}, False),
    "another run": ({"run_id": "manual__2"}, {}, False),
    "another task": ({}, {"task_id": "create_too"}, False),
    "another map index": ({"map_index": 1}, {}, False),
    "map index 0": ({"map_index": 0}, {}, False),
    "an item key": ({}, {"item_key": "C-1"}, False),
    "an item key like the map index": ({}, {"item_key": "-1"}, False),
    "another connection": (
        {},
        {"connection_id": "0a5c1e11-7a2b-4d8e-9c3f-1b2d3e4f5b02"},
        False,
    ),
    "ids in capitals": (
        {},
        {"company_id": "0A5C1E11-7A2B-4D8E-9C3F-1B2D3E4F5A01"},
        True,
    ),
}


@pytest.mark.parametrize("case", ANOTHER)
def test_one_key_for_one_intent(
    attempt: Attempts,
    start_codat: Callable[..., LocalCodat],
    case: str,
) -> None:
    """DAG, run, task and item make the key; neither the try nor the payload does."""
    ti, given, same = ANOTHER[case]
    codat = start_codat(settle_seconds=0)
    customer = given.pop("customer", ADA) if "customer" in given else ADA
    codat.order("gateway_error_before_commit", count=9)
    for made in (attempt(ADA), attempt(customer, ti=ti, **given)):
        with pytest.raises(CodatError):
            made.execute()
    first, second = (entry.idempotency_key for entry in posts(codat)[:2])
    assert (first == second) is same
    assert uuid.UUID(first)


def test_an_item_key_stays_when_the_list_changes(
    attempt: Attempts, local_codat: LocalCodat
) -> None:
    """The same item at another place of the list is the same intent."""
    for index in (0, 5):
        attempt(item_key="C-1", ti={"map_index": index}).execute()
    assert local_codat.counts_by_name() == {"Ada": 1}


def test_without_item_key_the_index_is_the_name(
    attempt: Attempts, local_codat: LocalCodat
) -> None:
    """Where no item key is given, the map index tells the items apart."""
    for index in (0, 1):
        attempt(item_key=None, ti={"map_index": index}).execute()
    assert local_codat.counts_by_name() == {"Ada": 2}


def test_an_authors_own_key_is_used(attempt: Attempts, local_codat: LocalCodat) -> None:
    """Two tasks with the same key of the author's make one customer."""
    for task_id in ("one", "two"):
        attempt(task_id=task_id, idempotency_key=KEY).execute()
    assert [entry.idempotency_key for entry in posts(local_codat)] == [KEY, KEY]
    assert local_codat.counts_by_name() == {"Ada": 1}


@pytest.mark.parametrize(
    "kind",
    ["reset_after_commit", "no_answer_after_commit", "gateway_error_after_commit"],
)
def test_a_young_retry_creates_nothing_twice(
    attempt: Attempts, local_codat: LocalCodat, kind: str
) -> None:
    """Within 75 minutes the key is sent again, and Codat remembers it."""
    local_codat.order(kind)
    age = timedelta(minutes=74)
    with pytest.raises(Unreachable, match="creates nothing twice"):
        attempt(age=age).execute()
    result = attempt(age=age, ti={"try_number": 2}).execute()
    assert local_codat.counts_by_name() == {"Ada": 1}
    assert result["record_id"] == local_codat.ledger()[0].record_id
    assert posts(local_codat)[1].replayed


OLD = timedelta(minutes=76)
RUNS = {
    "run_after": lambda at: {"run_after": at},
    "logical date": lambda at: {"run_after": None, "logical_date": at},
    "data interval's end": lambda at: {
        "run_after": None,
        "logical_date": at - timedelta(days=1),
        "data_interval_end": at,
    },
    "by hand, for an interval that is not over": lambda at: {
        "run_after": None,
        "logical_date": at,
        "data_interval_end": at + timedelta(days=1),
        "run_type": "manual",
    },
}


@pytest.mark.parametrize("shape", RUNS)
def test_an_old_retry_sends_nothing(
    attempt: Attempts, local_codat: LocalCodat, shape: str
) -> None:
    """After that an earlier try may have created it, and the key may be forgotten."""
    made = attempt(ti={"try_number": 2})
    for name, value in RUNS[shape](datetime.now(UTC) - OLD).items():
        setattr(made.dag_run, name, value)
    error = made.fails(OutcomeUnknown, "nothing was written down, may have sent it")
    assert "in a new DAG run" in str(error)
    assert posts(local_codat) == []
    for name, value in RUNS[shape](datetime.now(UTC)).items():
        setattr(made.dag_run, name, value)
    made.execute()
    assert len(posts(local_codat)) == 1


def test_a_first_try_in_a_cleared_run_is_none(
    attempt: Attempts, local_codat: LocalCodat
) -> None:
    """In a list that has changed, an item may come to an index nobody has tried yet."""
    made = attempt(item_key="C-1", age=OLD, ti={"map_index": 3})
    made.dag_run.clear_number = 1
    made.fails(OutcomeUnknown, "nothing was written down, may have sent it")
    assert posts(local_codat) == []


@pytest.mark.parametrize("item_key", ["", " ", "None"], ids=repr)
def test_a_blank_item_key_names_nothing(
    attempt: Attempts, local_codat: LocalCodat, item_key: str
) -> None:
    """Two items that share a blank name would share one customer."""
    attempt(item_key=item_key).fails(SettingsInvalid, "item_key")
    assert local_codat.journal() == []


def test_an_authors_key_may_have_been_used_before(
    attempt: Attempts, local_codat: LocalCodat
) -> None:
    """Codat answers with the operation of then, and it is taken as ours."""
    first = attempt(idempotency_key=KEY).execute()
    local_codat.advance(minutes=70)
    again = attempt(idempotency_key=KEY).execute()
    assert again["push_operation_key"] == first["push_operation_key"]
    assert local_codat.counts_by_name() == {"Ada": 1}


def test_a_first_try_is_never_too_old(
    attempt: Attempts, local_codat: LocalCodat
) -> None:
    """A backfill runs for days long past; nobody has sent anything before."""
    attempt(age=timedelta(days=900)).execute()
    assert local_codat.counts_by_name() == {"Ada": 1}


def test_a_refusal_after_an_open_send_is_not_believed(
    attempt: Attempts, local_codat: LocalCodat
) -> None:
    """A 400 on a later try says nothing of what an earlier one has done."""
    local_codat.order("codat_error_before_commit", status=400)
    made = attempt(ti={"try_number": 2})
    made.fails(OutcomeUnknown, "may exist")


# --- what Airflow does with an error

PASSING = {
    "Unreachable": Unreachable("x"),
    "RateLimited": RateLimited("x", until=0.0),
    "StillInProgress": StillInProgress("x"),
    "CodatFaulted": CodatFaulted("x", status=500),
    "Malformed": Malformed("x"),
    "JournalFailed": JournalFailed("x"),
}
FINAL = {
    "SettingsInvalid": SettingsInvalid("x"),
    "PayloadInvalid": PayloadInvalid([]),
    "Refused": Refused("x", status=400),
    "NotAuthorised": NotAuthorised("x", status=401),
    "OutcomeUnknown": OutcomeUnknown("x"),
    "ConnectionUnusable": ConnectionUnusable("x"),
    "AlreadyExists": AlreadyExists("x", record_ids=["1"]),
}
NOT_OURS = {"ValueError": ValueError("x"), "KeyError": KeyError("x")}


@pytest.mark.parametrize("name", [*PASSING, *FINAL, *NOT_OURS])
def test_only_what_may_pass_uses_up_retries(name: str) -> None:
    """Before Airflow 3.3 the rest fails at once; from then on a policy decides."""
    error = {**PASSING, **FINAL, **NOT_OURS}[name]
    at_once = name in FINAL and not HAS_RETRY_POLICIES
    with (
        pytest.raises(AirflowFailException if at_once else type(error)) as raised,
        failing_at_once(),
    ):
        raise error
    assert (raised.value.__cause__ is error) is at_once
    assert may_pass(error) is (name in PASSING)


def test_retry_policies_are_used_where_there_are_some() -> None:
    """They came with Airflow 3.3."""
    assert HAS_RETRY_POLICIES is (AIRFLOW >= (3, 3))


@pytest.mark.skipif(not HAS_RETRY_POLICIES, reason="came with Airflow 3.3")
@pytest.mark.parametrize(
    ("name", "action"),
    [
        *((name, "retry" if name == "RateLimited" else "default") for name in PASSING),
        *((name, "fail") for name in FINAL),
        *((name, "default") for name in NOT_OURS),
    ],
)
def test_the_policy_decides_by_the_error(name: str, action: str) -> None:
    """What will happen again fails; what is not Codat's is left to the task."""
    error = {**PASSING, **FINAL, **NOT_OURS}[name]
    decision = CodatRetryPolicy().evaluate(error, 1, 3)
    assert decision.action.value == action


@pytest.mark.skipif(not HAS_RETRY_POLICIES, reason="came with Airflow 3.3")
@pytest.mark.parametrize("ahead", [90, -90])
def test_the_policy_waits_as_long_as_codat_asks(ahead: float) -> None:
    """A limit that is over in 90 seconds is waited for, whatever retry_delay says."""
    began = datetime.now(UTC).timestamp()
    until = began + ahead
    decision = CodatRetryPolicy().evaluate(RateLimited("x", until=until), 1, 3)
    assert decision.retry_delay is not None
    passed = datetime.now(UTC).timestamp() - began
    seconds = decision.retry_delay.total_seconds()
    assert max(0, ahead - passed) <= seconds <= max(0, ahead)


class Patient(CodatRetryPolicy):
    """An author's own."""


@pytest.mark.skipif(not HAS_RETRY_POLICIES, reason="came with Airflow 3.3")
def test_the_policy_can_be_replaced(attempt: Attempts) -> None:
    """By an argument, or by ``default_args``; ours is only the default."""
    assert type(attempt().operator.retry_policy) is CodatRetryPolicy
    assert type(attempt(retry_policy=Patient()).operator.retry_policy) is Patient
    with DAG("a_dag", schedule=None, default_args={"retry_policy": Patient()}):
        assert type(attempt().operator.retry_policy) is Patient
    mapped = CreateAccountingCustomerOperator.partial(
        task_id="create", company_id="a", connection_id="b", retry_policy=Patient()
    ).expand(customer=[ADA])
    assert type(mapped.partial_kwargs["retry_policy"]) is Patient


# --- what Airflow asks of an operator


def test_building_one_only_remembers(attempt: Attempts) -> None:
    """It happens whenever the DAG file is read: nothing is checked or connected."""
    operator = attempt("{{ nonsense", company_id="?", codat_conn_id="nowhere").operator
    assert operator.customer == "{{ nonsense"
    assert "hook" not in vars(operator)


def test_the_fields_are_templates_and_the_payload_shows_as_json() -> None:
    """No extension is a file: an address that ends in .json is an address."""
    kind = CreateAccountingCustomerOperator
    assert set(kind.template_fields) == {
        "company_id",
        "connection_id",
        "codat_conn_id",
        "customer",
        "item_key",
        "timeout_in_minutes",
        "idempotency_key",
        "completion_timeout_seconds",
        "unknown_resolution",
        "model",
    }
    assert tuple(kind.template_ext) == ()
    assert kind.template_fields_renderers == {"customer": "json", "model": "json"}
    assert [type(link) for link in kind.operator_extra_links] == [
        CodatPushOperationLink
    ]


def test_on_kill_says_what_goes_on(
    attempt: Attempts, local_codat: LocalCodat, logged: Callable[..., list[str]]
) -> None:
    """Nothing can cancel a push operation; the log names the one that goes on."""
    attempt().operator.on_kill()
    assert not logged("Killed")
    made = attempt(completion_timeout_seconds=0.2)
    local_codat.order("stay_pending")
    made.fails(StillPending)
    made.operator.on_kill()
    [line] = logged("Killed while push operation")
    assert local_codat.operations()[0]["pushOperationKey"] in line
    done = attempt(ti={"run_id": "another"})
    done.execute()
    done.operator.on_kill()
    assert len(logged("Killed")) == 1


# What befalls the create; after which entry of the journal Airflow kills the task; what
# has arrived at Codat by then, and is not to become more.
KILLED: dict[str, tuple[str | None, str, list[str]]] = {
    "before it is sent": (None, "intent", []),
    "before the books are asked": ("codat_error_before_commit", "5xx", ["POST"]),
    "once it is accepted": (None, "op", ["POST"]),
}


@pytest.mark.parametrize("case", KILLED)
def test_after_a_kill_nothing_more_is_sent(
    attempt: Attempts,
    start_codat: Callable[..., LocalCodat],
    new_store: Callable[[], Any],
    logged: Callable[..., list[str]],
    case: str,
) -> None:
    """Airflow goes on with ``execute`` after it; the next try makes the one record."""
    order, killed_at, arrived = KILLED[case]
    codat = start_codat(refresh_seconds=0)
    if order:
        codat.order(order)
    store = new_store()
    keep = store.set

    def keep_and_kill(key: str, value: Any, **given: object) -> None:  # noqa: ANN401 - as in Airflow
        keep(key, value, **given)
        if isinstance(value, dict) and value["kind"] == killed_at:
            made.operator.on_kill()

    store.set = keep_and_kill
    made = attempt(store=store)
    made.fails(Busy, "told to stop")
    assert [entry.method for entry in codat.journal()] == arrived
    assert len(logged("Killed while a create (idempotency key")) == 1

    store.set = keep
    result = made.retried().execute()
    assert [result["record_id"]] == [record.record_id for record in codat.ledger()]


# What befalls the create; what has arrived at Codat when Airflow kills the task.
KILLED_IN_A_CALL: dict[str, tuple[str, list[str]]] = {
    "the first create": ("gateway_error_before_commit", ["POST"]),
    "a create that was repeated": ("gateway_error_before_commit", ["POST", "POST"]),
    "a look at the push operation": ("stay_pending", ["POST", "GET"]),
}


@pytest.mark.parametrize("case", KILLED_IN_A_CALL)
def test_after_a_kill_in_a_call_nothing_is_repeated(
    attempt: Attempts, start_codat: Callable[..., LocalCodat], case: str
) -> None:
    """What is under way is answered, and that was the last request."""
    order, arrived = KILLED_IN_A_CALL[case]
    lines: list[str] = []

    def kill_in_time(line: str) -> None:
        # Codat has taken the request and not answered it yet.
        lines.append(line)
        if len(lines) == len(arrived):
            made.operator.on_kill()

    codat = start_codat(log=kill_in_time)
    codat.order(order, count=9)
    made = attempt(hook_params={"retry_budget_seconds": 30})
    made.fails(Busy, "told to stop")
    assert [line.split()[0] for line in lines] == arrived
