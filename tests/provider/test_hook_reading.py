"""The laws of reading back through the hook: Codat's copy of the books."""

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import pytest

from airflow_provider_codat.api import (
    NotFound,
    Refused,
    StillInProgress,
    Unreachable,
)
from airflow_provider_codat.hooks.codat import CodatHook
from airflow_provider_codat.simulator import LocalCodat

NOBODY = "11111111-1111-4111-8111-111111111111"


@pytest.fixture
def codat(start_codat: Callable[..., LocalCodat]) -> LocalCodat:
    """Serve a Codat whose refreshes have ended before they are answered."""
    return start_codat(settle_seconds=0, refresh_seconds=0)


@pytest.fixture
def slow(start_codat: Callable[..., LocalCodat]) -> LocalCodat:
    """Serve a Codat whose refreshes end when the test moves the clock."""
    return start_codat(settle_seconds=0, refresh_seconds=600)


@pytest.fixture
def hook() -> Iterator[CodatHook]:
    """Return a hook on whichever Codat runs, that gives up after a second."""
    made = CodatHook(retry_budget_seconds=1)
    yield made
    made.close()


def query_of(entry: Any) -> dict[str, str]:  # noqa: ANN401 - the simulator's journal entry
    return dict(parse_qsl(entry.query))


def named(customers: Any) -> list[str]:  # noqa: ANN401 - any iterable of customers
    return [customer["customerName"] for customer in customers]


def fill(codat: LocalCodat, hook: CodatHook, *names: str) -> list[str]:
    """Type customers in, each seen by a refresh of its own; return their ids."""
    ids = []
    for name in names:
        ids.append(codat.typed_in({"customerName": name}).record_id)
        hook.refresh(codat.company_id)
        codat.advance(seconds=60)
    return ids


# --- refresh


def test_a_refresh_is_started_and_followed(slow: LocalCodat, hook: CodatHook) -> None:
    """It comes back as Codat sent it, and its id tells how it goes on."""
    begun = hook.refresh(slow.company_id)
    assert (begun["dataType"], begun["isCompleted"]) == ("customers", False)
    now = hook.get_pull_operation(slow.company_id, begun["id"])
    assert (now["id"], now["isCompleted"]) == (begun["id"], False)
    slow.advance(seconds=601)
    then = hook.get_pull_operation(slow.company_id, begun["id"])
    assert (then["status"], then["isCompleted"]) == ("Complete", True)
    posted = slow.journal()[0]
    assert (posted.method, query_of(posted)) == ("POST", {})
    assert uuid.UUID(posted.idempotency_key)


def test_a_refresh_that_runs_already_is_returned(
    slow: LocalCodat, hook: CodatHook
) -> None:
    """A second call is no error, and no second refresh until the first has ended."""
    first = hook.refresh(slow.company_id)
    again = hook.refresh(slow.company_id)
    assert again["id"] == first["id"]
    slow.advance(seconds=601)
    assert hook.refresh(slow.company_id)["id"] != first["id"]
    keys = [each.idempotency_key for each in slow.journal() if each.method == "POST"]
    assert len(set(keys)) == 3


def test_data_type_and_connection_are_on_the_wire(
    codat: LocalCodat, hook: CodatHook
) -> None:
    """Another data type, of one connection alone, is asked for by Codat's names."""
    strict = codat.connections["strict"]
    begun = hook.refresh(codat.company_id, "suppliers", connection_id=strict)
    assert (begun["dataType"], begun["connectionId"]) == ("suppliers", strict)
    [posted] = codat.journal()
    assert posted.path.endswith("/data/queue/suppliers")
    assert query_of(posted) == {"connectionId": strict}


def test_a_refresh_of_another_connection_is_not_the_one(
    slow: LocalCodat, hook: CodatHook
) -> None:
    """It keeps ours from starting, and is not handed out as ours."""
    hook.refresh(slow.company_id, connection_id=slow.connections["strict"])
    with pytest.raises(StillInProgress, match="another refresh of customers"):
        hook.refresh(slow.company_id, connection_id=slow.connection_id)


@pytest.mark.parametrize(
    "kind",
    [
        "reset_before_commit",
        "reset_after_commit",
        "cut_body",
        "gateway_error_before_commit",
        "gateway_error_after_commit",
        "junk_body",
        "codat_error_before_commit",
        "codat_error_after_commit",
    ],
)
def test_a_mishap_does_not_keep_a_refresh_from_running(
    slow: LocalCodat, kind: str
) -> None:
    """Whatever breaks on the way, one refresh runs in the end, and it is returned."""
    slow.order(kind, route="refresh")
    hook = CodatHook(retry_budget_seconds=5)
    begun = hook.refresh(slow.company_id)
    listed = hook.run("GET", f"/companies/{slow.company_id}/data/history")
    hook.close()
    assert [each["id"] for each in listed["results"]] == [begun["id"]]


def test_a_refresh_that_is_never_answered(slow: LocalCodat, hook: CodatHook) -> None:
    """The error sends nobody to look for a record: none can have been made."""
    slow.order("reset_before_commit", route="refresh", count=99)
    with pytest.raises(Unreachable) as raised:
        hook.refresh(slow.company_id)
    assert "idempotency key" not in str(raised.value)


def test_a_data_type_that_nobody_knows(codat: LocalCodat, hook: CodatHook) -> None:
    """What Codat refuses has its error, and is asked for once."""
    with pytest.raises(Refused):
        hook.refresh(codat.company_id, "unheardOf")
    assert len(codat.journal()) == 1


def test_a_failed_refresh_can_be_seen(codat: LocalCodat, hook: CodatHook) -> None:
    """How it ended comes as Codat shows it."""
    codat.order("refresh_fails", message="AuthError")
    begun = hook.refresh(codat.company_id)
    found = hook.get_pull_operation(codat.company_id, begun["id"])
    assert (found["status"], found["isErrored"]) == ("AuthError", True)


def test_a_refresh_that_is_not_there_is_not_found(
    codat: LocalCodat, hook: CodatHook
) -> None:
    """404 has its own error."""
    with pytest.raises(NotFound):
        hook.get_pull_operation(codat.company_id, NOBODY)


# --- the copy


def test_how_fresh_the_copy_is(slow: LocalCodat, hook: CodatHook) -> None:
    """A data type appears with its first refresh; what Codat leaves out stays out."""
    assert hook.get_data_status(slow.company_id) == {}
    begun = hook.refresh(slow.company_id)
    status = hook.get_data_status(slow.company_id)["customers"]
    assert status["latestSyncId"] == begun["id"]
    assert "lastSuccessfulSync" not in status
    slow.advance(seconds=601)
    status = hook.get_data_status(slow.company_id)["customers"]
    assert status["currentStatus"] == "Complete"
    assert status["latestSuccessfulSyncId"] == begun["id"]


@pytest.mark.parametrize(
    "read",
    [
        pytest.param(lambda h, c: list(h.list_customers(c.company_id)), id="list"),
        pytest.param(lambda h, c: h.get_customer(c.company_id, "1"), id="one"),
    ],
)
def test_before_the_first_refresh_there_is_no_copy(
    slow: LocalCodat,
    hook: CodatHook,
    read: Callable[[CodatHook, LocalCodat], object],
) -> None:
    """The error says to refresh first, and to wait for it; it is not asked again."""
    with pytest.raises(StillInProgress, match=r"Call refresh .* wait until"):
        read(hook, slow)
    hook.refresh(slow.company_id)
    with pytest.raises(StillInProgress, match=r"Call refresh .* wait until"):
        read(hook, slow)
    assert [each.method for each in slow.journal()] == ["GET", "POST", "GET"]


def test_what_was_written_is_seen_after_a_refresh(
    codat: LocalCodat, hook: CodatHook
) -> None:
    """The record is found under the id that its push operation names."""
    pushed = codat.stranger_pushes({"customerName": "Fen Bakery", "status": "Active"})
    record_id = codat.ledger()[0].record_id
    assert pushed["pushOperationKey"]
    hook.refresh(codat.company_id)
    found = hook.get_customer(codat.company_id, record_id)
    assert (found["id"], found["customerName"]) == (record_id, "Fen Bakery")
    assert list(hook.list_customers(codat.company_id)) == [found]


def test_a_record_later_than_the_refresh_is_not_found(
    codat: LocalCodat, hook: CodatHook
) -> None:
    """The copy is as old as the last refresh."""
    fill(codat, hook, "Early")
    late = codat.typed_in({"customerName": "Late"}).record_id
    with pytest.raises(NotFound):
        hook.get_customer(codat.company_id, late)
    assert named(hook.list_customers(codat.company_id)) == ["Early"]


def test_an_empty_copy_is_an_answer(codat: LocalCodat, hook: CodatHook) -> None:
    """No customers is not the same as no copy."""
    hook.refresh(codat.company_id)
    assert list(hook.list_customers(codat.company_id)) == []


def test_all_pages_of_customers_are_listed(codat: LocalCodat, hook: CodatHook) -> None:
    """Every customer comes once, in the order asked for, page after page."""
    names = [f"Customer {number}" for number in range(5)]
    fill(codat, hook, *names)
    asked = len(codat.journal())
    listed = hook.list_customers(
        codat.company_id, order_by="-customerName", page_size=2
    )
    assert named(listed) == names[::-1]
    queries = [query_of(each) for each in codat.journal()[asked:]]
    assert [each["page"] for each in queries] == ["1", "2", "3"]
    assert {each["pageSize"] for each in queries} == {"2"}
    assert {each["orderBy"] for each in queries} == {"-customerName"}


def test_customers_that_move_come_once(codat: LocalCodat, hook: CodatHook) -> None:
    """Who stops reading stops asking; a customer that moved on comes once."""
    fill(codat, hook, "A", "B", "C", "D")
    asked = len(codat.journal())
    walk = hook.list_customers(codat.company_id, order_by="-modifiedDate", page_size=2)
    first = [next(walk), next(walk)]
    assert len(codat.journal()) == asked + 1
    fill(codat, hook, "E")  # everything moves one place down
    assert named([*first, *walk]) == ["D", "C", "B", "A"]


class _Nameless(BaseHTTPRequestHandler):
    """Answers every GET with three customers, two of them equal, none with an id."""

    def do_GET(self) -> None:
        results = [{"customerName": "A"}, {"customerName": "B"}, {"customerName": "A"}]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"results": results}).encode())

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


def test_customers_without_an_id_are_told_apart(
    connection: Callable[..., str],
) -> None:
    """What lacks an id is not taken for everything else that lacks one."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Nameless) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        hook = CodatHook(connection(host=url, password="a" * 40))
        listed = named(hook.list_customers(NOBODY))
        hook.close()
        server.shutdown()
        thread.join()
    assert listed == ["A", "B"]


def test_a_query_filters_the_customers(codat: LocalCodat, hook: CodatHook) -> None:
    """The query reaches Codat in its own language, encoded."""
    fill(codat, hook, "Fen & Söhne", "Moor & Co")
    query = "customerName=Fen & Söhne"
    assert named(hook.list_customers(codat.company_id, query=query)) == ["Fen & Söhne"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (None, ["B", "C"]),
        ("customerName!=C", ["B"]),
        ("customerName=A||customerName=C", ["C"]),
    ],
    ids=["alone", "with a query", "with an or"],
)
def test_customers_that_changed_since(
    query: str | None, found: list[str], codat: LocalCodat, hook: CodatHook
) -> None:
    """Moment and query both have to hold, in whatever zone the moment is given."""
    fill(codat, hook, "A")
    [first] = hook.list_customers(codat.company_id)
    codat.advance(seconds=60)
    fill(codat, hook, "B", "C")
    seen = datetime.fromisoformat(first["modifiedDate"])
    since = (seen + timedelta(seconds=1)).astimezone(timezone(timedelta(hours=9)))
    listed = hook.list_customers(codat.company_id, query=query, modified_since=since)
    assert named(listed) == found


def test_a_moment_without_a_zone_is_refused(codat: LocalCodat, hook: CodatHook) -> None:
    """It would mean another moment on another worker; nothing is sent."""
    moment = datetime.now(UTC).replace(tzinfo=None)
    with pytest.raises(ValueError, match="modified_since must have a time zone"):
        list(hook.list_customers(codat.company_id, modified_since=moment))
    assert codat.journal() == []


@pytest.mark.parametrize("page_size", [0, -1, 5001])
def test_page_sizes_of_customers_have_bounds(
    codat: LocalCodat, hook: CodatHook, page_size: int
) -> None:
    """Codat takes 1 to 5,000; anything else is refused before it is sent."""
    with pytest.raises(ValueError, match="page_size must be from 1 to 5000"):
        next(hook.list_customers(codat.company_id, page_size=page_size))
    assert codat.journal() == []


@pytest.mark.parametrize(
    ("customer_id", "segment"),
    [
        ("EILBDVJVNUAGVKRQ", "EILBDVJVNUAGVKRQ"),
        ("a/../b", "a%2F..%2Fb"),
        ("Bäckerei 7", "B%C3%A4ckerei%207"),
        ("50%?#", "50%25%3F%23"),
    ],
)
def test_a_customers_id_is_any_text(
    customer_id: str, segment: str, codat: LocalCodat, hook: CodatHook
) -> None:
    """It stays one segment of the path, whatever stands in it."""
    hook.refresh(codat.company_id)
    with pytest.raises(NotFound):
        hook.get_customer(codat.company_id, customer_id)
    [*_, asked] = codat.journal()
    assert asked.path == f"/companies/{codat.company_id}/data/customers/{segment}"


def test_an_id_with_a_slash_is_found(codat: LocalCodat, hook: CodatHook) -> None:
    """Software that names its customers so is read like any other."""
    strict = codat.connections["strict"]
    record = codat.typed_in(
        {"id": "A/1 Ü", "customerName": "Fen Bakery"}, connection_id=strict
    )
    hook.refresh(codat.company_id, connection_id=strict)
    found = hook.get_customer(codat.company_id, record.record_id)
    assert (record.record_id, found["id"]) == ("A/1 Ü", "A/1 Ü")


def test_reading_the_copy_survives_an_outage(
    codat: LocalCodat, hook: CodatHook
) -> None:
    """A page is asked for again through a gateway's error."""
    fill(codat, hook, "Fen Bakery")
    codat.order("gateway_error_before_commit", route="list_customers", status=503)
    assert named(hook.list_customers(codat.company_id)) == ["Fen Bakery"]


@pytest.mark.parametrize("wrong", ["", "not-a-uuid", None, 7, "../companies"])
@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda h, _, x: h.refresh(x), id="refresh"),
        pytest.param(
            lambda h, c, x: h.refresh(c.company_id, connection_id=x or "?"),
            id="refresh's connection",
        ),
        pytest.param(lambda h, _, x: h.get_pull_operation(x, NOBODY), id="pull"),
        pytest.param(
            lambda h, c, x: h.get_pull_operation(c.company_id, x), id="dataset"
        ),
        pytest.param(lambda h, _, x: h.get_data_status(x), id="data status"),
        pytest.param(lambda h, _, x: list(h.list_customers(x)), id="list"),
        pytest.param(lambda h, _, x: h.get_customer(x, "1"), id="customer's company"),
    ],
)
def test_a_wrong_id_is_refused_before_anything_is_sent(
    codat: LocalCodat,
    hook: CodatHook,
    call: Callable[[CodatHook, LocalCodat, Any], object],
    wrong: object,
) -> None:
    """What is no UUID raises ``ValueError``, and Codat hears nothing of it."""
    with pytest.raises(ValueError, match="must be a UUID"):
        call(hook, codat, wrong)
    assert codat.journal() == []


@pytest.mark.parametrize("climbing", ["", ".", ".."])
def test_a_customers_id_does_not_climb(
    climbing: str, codat: LocalCodat, hook: CodatHook
) -> None:
    """No id leads to another place of the API."""
    with pytest.raises(ValueError, match="cannot be part of a Codat path"):
        hook.get_customer(codat.company_id, climbing)
    assert codat.journal() == []
