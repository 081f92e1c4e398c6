"""The laws of what Codat says of a refresh, and of how fresh its copy is."""

import json
from typing import Any

import pytest

from airflow_provider_codat.api.books.pull_operations import (
    data_status_of,
    first_of,
    pull_operation,
    pull_operation_expected,
    pull_operation_of,
    pull_operations_of,
    running,
    succeeded,
)
from airflow_provider_codat.api.errors import Malformed, RefreshFailed
from airflow_provider_codat.api.http.request import Response
from airflow_provider_codat.api.models import PullOperation

COMPANY = "8a210b68-6988-11ed-a1eb-0242ac120002"
CONNECTION = "2e9d2c44-f675-40ba-8049-353bfcb5e171"
DATASET = "943accd0-4247-42d8-865b-363c8629e1da"
OTHER = "11111111-54c8-4e4c-9e0e-3a0f3f5d1c11"
QUEUED: dict[str, Any] = {
    "id": DATASET,
    "companyId": COMPANY,
    "connectionId": CONNECTION,
    "dataType": "customers",
    "status": "Queued",
    "requested": "2026-03-01T00:00:00.1234567Z",
    "progress": 10,
    "isCompleted": False,
    "isErrored": False,
}


def reply(value: object) -> Response:
    return Response(200, {}, json.dumps(value).encode(), 0.0)


def test_a_pull_operation_is_read() -> None:
    """Each documented property arrives under the field's own name."""
    assert pull_operation_of(reply(QUEUED)) == PullOperation(
        id=DATASET,
        company_id=COMPANY,
        connection_id=CONNECTION,
        data_type="customers",
        status="Queued",
        requested_at="2026-03-01T00:00:00.1234567Z",
        completed=False,
        errored=False,
        progress=10,
        raw=QUEUED,
    )


def test_ids_are_read_in_one_spelling() -> None:
    """What names the same company, connection or dataset compares equal."""
    shouted = {
        name: QUEUED[name].upper() for name in ("id", "companyId", "connectionId")
    }
    found = pull_operation({**QUEUED, **shouted})
    assert (found.id, found.company_id) == (DATASET, COMPANY)
    assert found.connection_id == CONNECTION


@pytest.mark.parametrize(
    ("name", "field", "otherwise"),
    [
        ("connectionId", "connection_id", ""),
        ("dataType", "data_type", ""),
        ("requested", "requested_at", ""),
        ("progress", "progress", None),
        ("isCompleted", "completed", False),
        ("isErrored", "errored", False),
    ],
)
@pytest.mark.parametrize("value", [None, [], {"a": 1}, "absent"], ids=str)
def test_what_does_not_identify_it_may_be_missing(
    name: str, field: str, otherwise: object, value: object
) -> None:
    """A property that is absent, null or odd does not make the rest unreadable."""
    body = {**QUEUED, name: value}
    if value == "absent":
        del body[name]
    assert getattr(pull_operation(body), field) == otherwise


@pytest.mark.parametrize("name", ["id", "companyId", "status"])
@pytest.mark.parametrize("value", [None, "", 7, {}, ["x"]], ids=str)
def test_what_identifies_it_must_be_there(name: str, value: object) -> None:
    """Without id, company or status it is no pull operation; no value is quoted."""
    with pytest.raises(Malformed, match="no pull operation") as raised:
        pull_operation({**QUEUED, name: value})
    assert "['x']" not in str(raised.value)


def test_only_the_expected_one_is_taken() -> None:
    """An answer about another company or dataset is not the one asked for."""
    assert pull_operation_expected(COMPANY)(reply(QUEUED)).id == DATASET
    assert pull_operation_expected(COMPANY, DATASET)(reply(QUEUED)).id == DATASET
    for expected in (
        pull_operation_expected(OTHER),
        pull_operation_expected(OTHER, DATASET),
        pull_operation_expected(COMPANY, OTHER),
    ):
        with pytest.raises(Malformed, match="another pull operation"):
            expected(reply(QUEUED))


def test_a_page_keeps_what_can_be_read() -> None:
    """One entry that is no pull operation does not hide the others."""
    page = {"results": [{"id": "junk"}, QUEUED, {}]}
    assert [each.id for each in pull_operations_of(reply(page))] == [DATASET]
    with pytest.raises(Malformed):
        pull_operations_of(reply({"results": None}))


@pytest.mark.parametrize(
    ("connections", "wanted", "at"),
    [
        ([OTHER, CONNECTION], CONNECTION, 1),
        ([OTHER, CONNECTION], None, 0),
        ([OTHER, ""], CONNECTION, 1),
        ([OTHER], CONNECTION, None),
        ([], None, None),
    ],
    ids=["named", "any", "unnamed there", "another's", "none"],
)
def test_the_first_of_a_connection(
    connections: list[str], wanted: str | None, at: int | None
) -> None:
    """One that names no connection may read any; one that names another does not."""
    listed = [pull_operation({**QUEUED, "connectionId": c}) for c in connections]
    assert first_of(wanted, listed) is (None if at is None else listed[at])


def test_those_that_run() -> None:
    """What has ended does not run, however it ended."""
    statuses = ["Complete", "Fetching", "AuthError", "Queued"]
    listed = [pull_operation({**QUEUED, "status": status}) for status in statuses]
    assert [each.status for each in running(listed)] == ["Fetching", "Queued"]


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        ("AuthError", "link it to its accounting software again"),
        ("autherror", "link it to its accounting software again"),
        ("Cancelled", "Refresh again"),
        ("FetchError", "refresh again later; Codat's support asks for this dataset id"),
        ("NotSupported", "does not offer this data type"),
        ("PermissionsError", "Somebody who may"),
        ("PrerequisiteNotMet", "Refresh that one first"),
        ("RateLimitError", "asked too often"),
        ("SomethingNew", "refresh again later"),
    ],
)
def test_a_failure_says_what_to_do(status: str, advice: str) -> None:
    """It names status and dataset, says what to do, and quotes no word of Codat's."""
    failed = pull_operation(
        {
            **QUEUED,
            "status": status,
            "isErrored": True,
            "errorMessage": "Fen Bakery is odd",
            "statusDescription": "Fen Bakery is odd",
        }
    )
    with pytest.raises(RefreshFailed) as raised:
        succeeded(failed)
    said = str(raised.value)
    assert raised.value.operation is failed
    assert f"pull operation {DATASET} of customers ended as {status}: " in said
    assert advice in said
    assert "Fen" not in said + repr(failed)


def test_a_success_is_returned() -> None:
    """What brought a fresh copy is no error."""
    done = pull_operation({**QUEUED, "status": "Complete", "isCompleted": True})
    assert succeeded(done) is done


def test_the_status_of_data_types() -> None:
    """It comes by data type, as Codat sent it; an empty one is an answer."""
    status = {"customers": {"dataType": "customers", "currentStatus": "Complete"}}
    assert data_status_of(reply(status)) == status
    assert data_status_of(reply({})) == {}


@pytest.mark.parametrize(
    "body", [[], None, "x", {"customers": None}, {"a": {}, "b": 1}], ids=str
)
def test_what_is_no_status_of_data_types(body: object) -> None:
    """Another server's JSON is not taken for it."""
    with pytest.raises(Malformed):
        data_status_of(reply(body))
