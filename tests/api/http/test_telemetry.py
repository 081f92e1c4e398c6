"""The laws of what is told to whoever keeps counts."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from airflow_provider_codat.api.bulk.journal_windows import RowJournal
from airflow_provider_codat.api.bulk.plan import BatchPlan
from airflow_provider_codat.api.bulk.polling import AwaitedRows
from airflow_provider_codat.api.bulk.row_progress import RowProgress
from airflow_provider_codat.api.create.intent import Write
from airflow_provider_codat.api.create.reconcile import report_finding
from airflow_provider_codat.api.create.search import Finding
from airflow_provider_codat.api.create.settle import settle
from airflow_provider_codat.api.data_types import CUSTOMERS
from airflow_provider_codat.api.errors import CodatError
from airflow_provider_codat.api.http import request as codat_request
from airflow_provider_codat.api.http.exchange import Patience, drive, get
from airflow_provider_codat.api.http.request import NoAnswer, Reply, Request, Response
from airflow_provider_codat.api.http.response import json_of
from airflow_provider_codat.api.http.telemetry import (
    NO_ANSWER,
    OTHER,
    ROUTES,
    Exchange,
    Told,
    report_end,
    route_of,
)
from airflow_provider_codat.api.models import Destination, PushOperation

if TYPE_CHECKING:
    from tests.api.conftest import MovableClock

COMPANY = "8a210b68-6988-11ed-a1eb-0242ac120002"
CONNECTION = "2e9d2c44-f675-40ba-8049-353bfcb5e171"
KEY = "7d9f0f0c-54c8-4e4c-9e0e-3a0f3f5d1c11"
PLACE = Destination(COMPANY, CONNECTION)
BIRD = "birdsong Ltd"


class Heard:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []

    def requested(self, exchange: Exchange) -> None:
        self.told.append(("requested", exchange.route, exchange.status))

    def repeated(self, exchange: Exchange) -> None:
        self.told.append(("repeated", exchange.route, exchange.status))

    def rate_limited(self, seconds: float) -> None:
        self.told.append(("rate_limited", seconds))

    def reconciled(self, told: Told) -> None:
        self.told.append(("reconciled", told))

    def push_ended(self, status: str, seconds: float) -> None:
        self.told.append(("push_ended", status, seconds))


@pytest.fixture
def heard() -> Heard:
    """Hear what is told."""
    return Heard()


def answer(status: int, body: bytes = b"{}", **headers: str) -> Response:
    return Response(status, headers, body, received_at=0.0)


def operation(status: str = "Pending", completed: str | None = None) -> PushOperation:
    return PushOperation(
        key=KEY,
        company_id=COMPANY,
        connection_id=CONNECTION,
        data_type="customers",
        status=status,
        requested_at="1970-01-01T00:01:00Z",
        completed_at=completed,
        record_id=None,
        error_message="",
        errors=(),
        warnings=(),
        raw={},
    )


def free(method: str, path: str) -> Request:
    return codat_request.free(
        method, path, params={"query": BIRD}, json_body=None, idempotency_key=None
    )


@pytest.mark.parametrize(
    ("request_", "route"),
    [
        (
            codat_request.create(PLACE, CUSTOMERS, b"", idempotency_key=KEY),
            "push/customers",
        ),
        (codat_request.update(PLACE, CUSTOMERS, BIRD, b""), "push/customers"),
        (codat_request.read_push_operation(COMPANY, KEY), "push/operation"),
        (
            codat_request.list_push_operations(
                COMPANY, page=1, page_size=1, query=BIRD, order_by=None
            ),
            "push",
        ),
        (codat_request.read_model(PLACE, CUSTOMERS), "options"),
        (
            codat_request.refresh(
                COMPANY, BIRD, connection_id=None, idempotency_key=KEY
            ),
            "data/queue",
        ),
        (codat_request.read_pull_operation(COMPANY, KEY), "data/history"),
        (
            codat_request.list_pull_operations(
                COMPANY, page=1, page_size=1, order_by=None
            ),
            "data/history",
        ),
        (codat_request.read_data_status(COMPANY), "dataStatus"),
        (
            codat_request.list_records(
                COMPANY,
                CUSTOMERS,
                connection_id=None,
                page=1,
                page_size=1,
                query=BIRD,
                order_by=None,
                modified_since=None,
            ),
            "data/customers",
        ),
        (
            codat_request.read_record(COMPANY, CUSTOMERS, BIRD, connection_id=None),
            "data/customers",
        ),
        (
            codat_request.read_record(COMPANY, CUSTOMERS, "a/../b", connection_id=None),
            "data/customers",
        ),
        (codat_request.list_connections(COMPANY, page=1, page_size=1), "connections"),
        (codat_request.read_connection(PLACE), "connections"),
        (codat_request.list_integrations(page=1, page_size=1), "integrations"),
        (codat_request.read_integration("gbol"), "integrations"),
        (codat_request.list_companies(), "companies"),
        (free("GET", f"/companies/{COMPANY}"), OTHER),
        (free("DELETE", f"/{BIRD}/{KEY}"), OTHER),
        (free("GET", f"/companies/{COMPANY}/push/{KEY}/{BIRD}"), OTHER),
    ],
    ids=lambda value: value if isinstance(value, str) else str(value.method),
)
def test_routes(request_: Request, route: str) -> None:
    """Each endpoint has one name of the list, and no part of a path is in it."""
    assert route_of(request_) == route
    assert route in ROUTES


@pytest.mark.parametrize(
    ("reply", "status", "status_class"),
    [
        (answer(200), "200", "2xx"),
        (answer(429), "429", "4xx"),
        (answer(503), "503", "5xx"),
        (NoAnswer("the connection was refused"), NO_ANSWER, NO_ANSWER),
    ],
    ids=["200", "429", "503", "none"],
)
def test_statuses(reply: Reply, status: str, status_class: str) -> None:
    """What came of a request is HTTP's number, or that nothing came."""
    exchange = Exchange.of(codat_request.list_companies(), reply)
    assert exchange == Exchange("companies", "GET", status)
    assert exchange.status_class == status_class


def test_a_request_that_is_repeated(
    patience: Callable[..., Patience], clock: "MovableClock", heard: Heard
) -> None:
    """Each send is told, each repetition before its wait, each 429 with its wait."""
    replies = iter([answer(503), answer(429, **{"retry-after": "7"}), answer(200)])
    told = replace(patience(), telemetry=heard)
    conversation = get(codat_request.list_companies(), json_of, told)
    drive(conversation, lambda _: next(replies), clock.sleep)
    assert heard.told == [
        ("requested", "companies", "503"),
        ("repeated", "companies", "503"),
        ("requested", "companies", "429"),
        ("rate_limited", 7.0),
        ("repeated", "companies", "429"),
        ("requested", "companies", "200"),
    ]


def test_a_request_that_is_given_up(
    patience: Callable[..., Patience], clock: "MovableClock", heard: Heard
) -> None:
    """The wait for which it is given up is told; no repetition is, as none comes."""
    told = replace(patience(budget_seconds=0.0), telemetry=heard)
    conversation = get(codat_request.list_companies(), json_of, told)
    limited = answer(429, **{"retry-after": "60"})
    with pytest.raises(CodatError):
        drive(conversation, lambda _: limited, clock.sleep)
    assert heard.told == [("requested", "companies", "429"), ("rate_limited", 60.0)]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (operation("Success", "1970-01-01T00:01:02.500Z"), ("Success", 2.5)),
        (operation("Failed", None), ("Failed", 40.0)),
        (operation("TimedOut", "no time"), ("TimedOut", 40.0)),
        (operation("Success", "1970-01-01T00:00:59Z"), ("Success", 0.0)),
        (operation("Pending", None), None),
        (replace(operation("Success"), requested_at="no time"), None),
    ],
    ids=["ended", "no end", "no time", "skewed", "pending", "no begin"],
)
def test_how_long_a_push_operation_took(
    given: PushOperation, told: tuple[str, float] | None, heard: Heard
) -> None:
    """By Codat's times where it gives them; never below 0; nothing is made up."""
    report_end(given, heard, now=100.0)
    assert heard.told == ([] if told is None else [("push_ended", *told)])


def test_who_waits_tells_the_end(
    patience: Callable[..., Patience], clock: "MovableClock", heard: Heard
) -> None:
    """A push operation that was waited for is told once, when it has ended."""
    ended = {
        "pushOperationKey": KEY,
        "companyId": COMPANY,
        "dataConnectionKey": CONNECTION,
        "dataType": "customers",
        "status": "Success",
        "requestedOnUtc": "1970-01-01T00:01:00Z",
        "completedOnUtc": "1970-01-01T00:01:09Z",
    }
    pending = {**ended, "status": "Pending", "completedOnUtc": None}
    bodies = (json.dumps(each).encode() for each in (pending, ended))
    told = replace(patience(), telemetry=heard)
    waiting = settle(
        operation(), told, poll_interval_seconds=1.0, deadline=clock() + 60
    )
    drive(waiting, lambda _: answer(200, next(bodies)), clock.sleep)
    ends = [told for told in heard.told if told[0] == "push_ended"]
    assert ends == [("push_ended", "Success", 9.0)]


def test_a_batch_tells_each_end_once(
    patience: Callable[..., Patience], heard: Heard
) -> None:
    """A row's push operation is told when the list shows its end, and not before."""
    write = Write("", PLACE, CUSTOMERS, {}, key_of=lambda _: KEY)
    plan = BatchPlan(
        COMPANY, rows=lambda: iter(()), write_of=lambda _: write, clear_count=0
    )
    awaited = AwaitedRows(plan, replace(patience(), telemetry=heard))
    case = RowProgress(0, write, RowJournal(b"item", b"digest"))
    awaited.expect(KEY, case, accepted_at=60.0, requested_at=60.0)
    ended = operation("Success", "1970-01-01T00:01:09Z")
    for seen in (operation(), ended, ended):
        list(awaited.ended({KEY: seen}))
    assert heard.told == [("push_ended", "Success", 9.0)]


@pytest.mark.parametrize(
    ("finding", "told"),
    [
        (Finding(operation=operation("Success")), "adopted"),
        (Finding(nothing=True), "absent"),
        (Finding(candidates=(KEY,)), "unclear"),
        (Finding(), "unclear"),
    ],
    ids=["found", "nothing", "candidates", "untold"],
)
def test_what_the_books_told(finding: Finding, told: str, heard: Heard) -> None:
    """Only what is known for sure is called adopted or absent."""
    report_finding(finding, heard)
    assert heard.told == [("reconciled", told)]
