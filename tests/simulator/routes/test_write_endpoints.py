"""Updates of customers: what a PUT does to the books, and what stops it."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
import requests

from airflow_provider_codat.simulator import LedgerRecord, LocalCodat

Call = Callable[..., requests.Response]
Start = Callable[..., LocalCodat]
Poll = Callable[..., dict[str, Any]]
ACME = {"customerName": "Acme", "status": "Active", "phone": "1", "taxNumber": "2"}
UPDATE = {"customerName": "Acme", "status": "Active", "phone": "3"}
STRICT = {"id": "FEN01", "customerName": "Fen", "status": "Active"}


@pytest.fixture
def known(create: Call, refreshed: Call) -> Callable[..., LedgerRecord]:
    """Create a customer that Codat has read, and return its record."""

    def do(codat: LocalCodat, **options: object) -> LedgerRecord:
        assert create(codat, **{"body": ACME, **options}).status_code == 200
        codat.advance(seconds=60)
        refreshed(codat)
        return codat.ledger()[-1]

    return do


Known = Callable[..., LedgerRecord]


def standing(codat: LocalCodat) -> dict[str, Any]:
    """Return the only customer in the books."""
    (record,) = codat.ledger()
    return dict(record.customer)


def test_the_record_changes_when_the_operation_succeeds(
    start: Start, known: Known, update: Call, poll: Poll
) -> None:
    """A pending update leaves the books alone; Success names the modified record."""
    codat = start(settle_seconds=30)
    record = known(codat)
    answer = update(codat, record.record_id, UPDATE)
    first = answer.json()
    assert answer.status_code == 200
    assert (first["status"], first["statusCode"]) == ("Pending", 202)
    assert first["changes"] is None
    assert codat.ledger() == [record]
    codat.advance(seconds=30)
    last = poll(codat, answer)
    assert (last["status"], last["statusCode"]) == ("Success", 200)
    reference = {"id": record.record_id, "dataType": "customers"}
    assert last["changes"] == [
        {"type": "Modified", "recordRef": reference, "attachmentId": None}
    ]
    (after,) = codat.ledger()
    assert after.customer == {**ACME, "phone": "3"}
    assert (record.updates, after.updates) == (0, 1)
    assert after.record_id == record.record_id
    assert after.push_operation_key == record.push_operation_key
    assert after.created_at == record.created_at == record.modified_at
    assert after.modified_at > after.created_at


def test_what_an_update_leaves_alone(
    codat: LocalCodat, known: Known, update: Call
) -> None:
    """Absent properties, the id, supplemental data and what is read only stay."""
    supplement = {"content": {"Extra": {"a": 1}}}
    body = {**ACME, "supplementalData": supplement}
    record = known(codat, body=body)
    change = {
        "status": "Archived",
        "id": "other",
        "metadata": {"isDeleted": True},
        "modifiedDate": "2001-01-01",
        "sourceModifiedDate": "2001-01-01",
        "supplementalData": {"content": {"Extra": {"a": 2}}},
        "taxNumber": None,
    }
    assert update(codat, record.record_id, change).json()["status"] == "Success"
    assert standing(codat) == {**body, "status": "Archived", "taxNumber": None}


def test_a_second_update_needs_a_pull(
    codat: LocalCodat, known: Known, update: Call, refreshed: Call
) -> None:
    """After an update the next one fails until the data has been pulled again."""
    record = known(codat)
    key = record.record_id

    def status() -> str:
        return update(codat, key, UPDATE).json()["status"]

    assert [status(), status(), status()] == ["Success", "Failed", "Failed"]
    refreshed(codat)
    assert [status(), status()] == ["Success", "Failed"]
    assert codat.ledger()[0].updates == 2


@pytest.mark.parametrize("forced", ["true", "True", "false", None])
def test_a_hand_in_the_software(
    codat: LocalCodat, known: Known, update: Call, forced: str | None
) -> None:
    """A record that was edited in the software is updated only when that is forced."""
    record = known(codat)
    edited = codat.edit_in_software(record.record_id, phone="by hand", contactName="B")
    assert edited.customer == {**ACME, "phone": "by hand", "contactName": "B"}
    assert codat.ledger() == [edited]
    assert edited.updates == 0
    query = "" if forced is None else f"?forceUpdate={forced}"
    shown = update(codat, record.record_id, UPDATE, query=query).json()
    if forced in {"true", "True"}:
        assert shown["status"] == "Success"
        assert standing(codat) == {**edited.customer, "phone": "3"}
        return
    assert (shown["status"], shown["statusCode"]) == ("Failed", 400)
    assert "pull the data again" in shown["errorMessage"]
    assert shown["validation"]["errors"][0]["message"] == shown["errorMessage"]
    assert shown["changes"] is None
    assert codat.ledger() == [edited]


def test_what_codat_has_never_read(
    codat: LocalCodat, create: Call, update: Call
) -> None:
    """A record of which Codat has no copy is updated only when that is forced."""
    create(codat)
    (record,) = codat.ledger()
    assert update(codat, record.record_id, UPDATE).json()["status"] == "Failed"
    forced = update(codat, record.record_id, UPDATE, query="?forceUpdate=true")
    assert forced.json()["status"] == "Success"


def test_two_updates_at_once(
    start: Start, known: Known, update: Call, poll: Poll
) -> None:
    """Of two updates under way at once the second finds the record changed."""
    codat = start(settle_seconds=30)
    key = known(codat).record_id
    first = update(codat, key, {**UPDATE, "phone": "first"})
    second = update(codat, key, {**UPDATE, "phone": "second"})
    codat.advance(seconds=31)
    statuses = [poll(codat, each)["status"] for each in (first, second)]
    assert statuses == ["Success", "Failed"]
    assert standing(codat)["phone"] == "first"


def test_a_refresh_of_another_connection(
    codat: LocalCodat, known: Known, update: Call, data: Call
) -> None:
    """A refresh renews the copies of the connections that it reads, and no others."""
    record = known(codat)
    codat.edit_in_software(record.record_id, phone="by hand")

    def status_and_phone(connection: str) -> tuple[str, str]:
        query = {"connectionId": codat.connections[connection]}
        data(codat, "POST", "data/queue/customers", params=query)
        codat.advance(seconds=1)
        shown = data(codat, "GET", f"data/customers/{record.record_id}").json()
        status = update(codat, record.record_id, UPDATE).json()["status"]
        return status, shown["phone"]

    assert status_and_phone("options") == ("Failed", "1")
    assert status_and_phone("lenient") == ("Success", "by hand")


def test_a_failed_refresh_renews_nothing(
    codat: LocalCodat, known: Known, update: Call, refreshed: Call
) -> None:
    """Only a refresh that is complete makes Codat's copy the software's again."""
    key = known(codat).record_id
    codat.edit_in_software(key, phone="by hand")
    codat.order("refresh_fails")
    refreshed(codat)
    assert update(codat, key, UPDATE).json()["status"] == "Failed"
    refreshed(codat)
    assert update(codat, key, UPDATE).json()["status"] == "Success"


@pytest.mark.parametrize("forced", ["", "?forceUpdate=true"])
def test_unknown_record(
    codat: LocalCodat, known: Known, update: Call, forced: str
) -> None:
    """An update of a record that is not there, or not there any more, fails."""
    record = known(codat)
    other = known(codat, connection="options")
    codat.edit_in_software(record.record_id, metadata={"isDeleted": True})
    for record_id in (str(uuid4()), other.record_id, record.record_id):
        shown = update(codat, record_id, UPDATE, query=forced).json()
        assert shown["status"] == "Failed"
        assert "No customer was found" in shown["errorMessage"]
    assert [each.updates for each in codat.ledger()] == [0, 0]


def test_refusals_of_the_request(start: Start, known: Known, update: Call) -> None:
    """By the other reading the request is refused at once, by 404 or 400."""
    codat = start(update_refusals="request")
    key = known(codat).record_id
    assert update(codat, str(uuid4()), UPDATE).status_code == 404
    assert update(codat, key, UPDATE).json()["status"] == "Success"
    count = len(codat.operations())
    answer = update(codat, key, UPDATE)
    assert answer.status_code == 400
    assert "pull the data again" in answer.json()["error"]
    assert len(codat.operations()) == count


def test_no_idempotency(codat: LocalCodat, known: Known, update: Call) -> None:
    """An Idempotency-Key on a PUT is ignored: each request is worked."""
    key = known(codat).record_id
    header = {"Idempotency-Key": "not even a GUID"}
    query = "?forceUpdate=true"
    answers = [
        update(codat, key, UPDATE, query=query, headers=header).json() for _ in "ab"
    ]
    assert len({each["pushOperationKey"] for each in answers}) == 2
    assert codat.ledger()[0].updates == 2
    assert not any(each.replayed for each in codat.journal())


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param({"customerName": "Acme"}, 400, id="contract"),
        pytest.param(b"{", 400, id="no JSON"),
        pytest.param(b"[]", 400, id="no object"),
    ],
)
def test_bad_bodies(
    codat: LocalCodat, known: Known, update: Call, body: object, status: int
) -> None:
    """What breaks Codat's contract is refused at once, as for creates."""
    key = known(codat).record_id
    count = len(codat.operations())
    assert update(codat, key, body).status_code == status
    assert len(codat.operations()) == count


@pytest.mark.parametrize(
    "query",
    [
        "?forceUpdate=perhaps",
        "?forceUpdate=",
        "?timeoutInMinutes=soon",
        "?allowSyncOnPushComplete=1",
    ],
)
def test_bad_parameters(
    codat: LocalCodat, known: Known, update: Call, query: str
) -> None:
    """A malformed query parameter is 400, and the books stay as they are."""
    record = known(codat)
    assert update(codat, record.record_id, UPDATE, query=query).status_code == 400
    assert codat.ledger() == [record]


def test_unlinked(codat: LocalCodat, update: Call) -> None:
    """A connection that is not linked takes no updates."""
    record = codat.typed_in(ACME, connection_id=codat.connections["unlinked"])
    answer = update(codat, record.record_id, UPDATE, connection="unlinked")
    assert answer.status_code == 400
    assert "not linked" in answer.json()["error"]


@pytest.mark.parametrize(
    ("change", "item_ids"),
    [
        pytest.param({"status": "Unknown"}, ["Status"], id="choice"),
        pytest.param({"customerName": "x" * 61}, ["CustomerName"], id="length"),
        pytest.param({"id": None}, ["Id"], id="required"),
    ],
)
def test_model(
    codat: LocalCodat,
    known: Known,
    update: Call,
    change: dict[str, Any],
    item_ids: list[str],
) -> None:
    """The integration's model binds an update as it binds a create."""
    record = known(codat, body=STRICT, connection="strict")
    sent = {**STRICT, **change}
    body = {name: value for name, value in sent.items() if value is not None}
    shown = update(codat, record.record_id, body, connection="strict").json()
    assert shown["status"] == "Failed"
    assert [each["itemId"] for each in shown["validation"]["errors"]] == item_ids
    assert codat.ledger() == [record]


def test_names_stay_unique(
    codat: LocalCodat, known: Known, update: Call, create: Call
) -> None:
    """An update takes no other's name, may keep its own, and frees the old one."""
    known(codat, name="Taken", body=None, connection="options")
    record = known(codat, name="Mine", body=None, connection="options")

    def status(name: str) -> str:
        body = {"customerName": name, "status": "Active"}
        query = "?forceUpdate=true"
        answer = update(codat, record.record_id, body, "options", query=query)
        return answer.json()["status"]

    assert [status(each) for each in ("TAKEN", "MINE", "New")] == [
        "Failed",
        "Success",
        "Success",
    ]
    assert create(codat, "mine", connection="options").json()["status"] == "Success"
    assert create(codat, "new", connection="options").json()["status"] == "Failed"
    assert codat.counts_by_name() == {"Taken": 1, "New": 1, "mine": 1}
    with pytest.raises(ValueError, match="exists already"):
        codat.edit_in_software(record.record_id, customerName="taken")


def test_encoded_id(codat: LocalCodat, known: Known, update: Call) -> None:
    """An id in the path is decoded: it may hold any character."""
    name = "A/B ?"
    codat.typed_in({**STRICT, "id": name}, connection_id=codat.connections["strict"])
    known(codat)
    body = {**STRICT, "phone": "9"}
    answer = update(codat, quote(name, safe=""), body, connection="strict")
    assert answer.json()["changes"][0]["recordRef"]["id"] == name


def test_early_change(start: Start, known: Known, update: Call) -> None:
    """Software that names its changes early says Modified while Pending."""
    codat = start(settle_seconds=30)
    record = known(codat, name="Early", body=None, connection="options")
    body = {"customerName": "Early", "status": "Active"}
    first = update(codat, record.record_id, body, connection="options").json()
    assert first["status"] == "Pending"
    assert first["changes"][0]["type"] == "Modified"
    assert first["changes"][0]["recordRef"] == {"dataType": "customers"}


@pytest.mark.parametrize(
    ("kind", "status", "updates"),
    [
        ("fail", "Failed", 0),
        ("fail_without_reason", "Failed", 0),
        ("fail_with_record", "Failed", 1),
        ("timed_out", "TimedOut", 0),
        ("warn", "Success", 1),
        ("stay_pending", "Pending", 0),
        ("unknown_status", "UnderReview", 0),
        ("codat_error_before_commit", None, 0),
        ("codat_error_after_commit", None, 1),
        ("gateway_error_before_commit", None, 0),
        ("gateway_error_after_commit", None, 1),
        ("too_many_requests", None, 0),
        ("slow", "Success", 1),
    ],
)
def test_misfortunes(
    codat: LocalCodat,
    known: Known,
    update: Call,
    kind: str,
    status: str | None,
    updates: int,
) -> None:
    """Misfortunes befall updates as they befall creates, when the route is named."""
    key = known(codat).record_id
    codat.order(kind, route="update", seconds=None if kind != "slow" else 0.01)
    answer = update(codat, key, UPDATE)
    assert (answer.json()["status"] if answer.ok else None) == status
    assert codat.ledger()[0].updates == updates


@pytest.mark.parametrize(
    ("kind", "updates"),
    [
        ("no_answer_before_commit", 0),
        ("no_answer_after_commit", 1),
        ("reset_before_commit", 0),
        ("reset_after_commit", 1),
    ],
)
def test_no_answer(
    codat: LocalCodat, known: Known, update: Call, kind: str, updates: int
) -> None:
    """A lost answer leaves the update undone before the commit, done after it."""
    key = known(codat).record_id
    codat.order(kind, route="update")
    with pytest.raises(requests.ConnectionError):
        update(codat, key, UPDATE)
    assert codat.ledger()[0].updates == updates


def test_time_out_lands(start: Start, update: Call, poll: Poll) -> None:
    """An update that has timed out changes the record all the same, later."""
    codat = start(settle_seconds=600)
    record = codat.typed_in(ACME)
    query = "?timeoutInMinutes=5&forceUpdate=true"
    answer = update(codat, record.record_id, UPDATE, query=query)
    codat.advance(minutes=6)
    assert poll(codat, answer)["status"] == "TimedOut"
    assert codat.ledger() == [record]
    codat.advance(minutes=5)
    assert poll(codat, answer)["status"] == "TimedOut"
    assert standing(codat)["phone"] == "3"


@pytest.mark.parametrize("by", ["name", "id"])
def test_misfortune_of_one_record(
    codat: LocalCodat, known: Known, update: Call, send: Call, by: str
) -> None:
    """A misfortune finds an update by the name that it sends or by the record's id."""
    key = known(codat).record_id
    other = known(codat).record_id
    named = {"name": "Acme & Co", "id": key}[by]
    for route in ("update", "get_push"):
        codat.order("gateway_error_before_commit", route=route, customer=named)
    body = {"customerName": "Acme & Co", "status": "Active"}
    assert update(codat, other, UPDATE).status_code == 200
    assert update(codat, key, body).status_code == 502
    operation = update(codat, key, body).json()["pushOperationKey"]
    path = f"/companies/{codat.company_id}/push/{operation}"
    assert send(codat, "GET", path).status_code == 502
    assert send(codat, "GET", path).status_code == 200


def test_counts_follow_an_update(codat: LocalCodat, known: Known, update: Call) -> None:
    """A record is counted under the name that it has now, and only once."""
    record = known(codat)
    body = {"customerName": "Renamed", "status": "Active"}
    update(codat, record.record_id, body)
    typed_in = codat.typed_in({"customerName": "By hand"})
    codat.edit_in_software(typed_in.record_id, customerName="Renamed too")
    assert codat.counts_by_name() == {"Renamed": 1, "Renamed too": 1}
    assert codat.duplicates() == {}


def test_edit_of_no_record(codat: LocalCodat) -> None:
    """A hand in the software changes only records that are there."""
    with pytest.raises(ValueError, match="record_id must be"):
        codat.edit_in_software(str(uuid4()), phone="1")
    with pytest.raises(ValueError, match="keeps its id"):
        codat.edit_in_software(codat.typed_in(ACME).record_id, id="other")


@pytest.mark.parametrize("by", ["push", "hand"])
def test_reading_back(
    codat: LocalCodat,
    known: Known,
    update: Call,
    data: Call,
    refreshed: Call,
    by: str,
) -> None:
    """What has changed is read back after the next refresh, with later dates."""
    record, other = known(codat), known(codat)
    path = f"data/customers/{record.record_id}"
    before = data(codat, "GET", path).json()
    codat.advance(minutes=10)
    if by == "push":
        update(codat, record.record_id, UPDATE)
    else:
        codat.edit_in_software(record.record_id, phone="3")
    assert data(codat, "GET", path).json() == before
    since = f"{codat.ledger()[0].modified_at:%Y-%m-%dT%H:%M:%S}Z"
    refreshed(codat)
    after = data(codat, "GET", path).json()
    assert {name for name in after if after[name] != before[name]} == {
        "phone",
        "modifiedDate",
        "sourceModifiedDate",
    }
    assert after["sourceModifiedDate"] == since.removesuffix("Z")
    assert after["modifiedDate"] > since
    query = {"query": f"modifiedDate>{since}"}
    found = data(codat, "GET", "data/customers", params=query).json()["results"]
    assert found == [after]
    assert other.record_id != record.record_id


def test_deleted_in_the_software(
    codat: LocalCodat, known: Known, data: Call, refreshed: Call
) -> None:
    """A record that a hand has deleted is shown as deleted after a refresh."""
    known(codat)
    codat.edit_in_software(codat.ledger()[0].record_id, metadata={"isDeleted": True})
    query = {"query": "metadata.isDeleted=true"}

    def found() -> list[dict[str, Any]]:
        return data(codat, "GET", "data/customers", params=query).json()["results"]

    assert found() == []
    refreshed(codat)
    assert [each["metadata"] for each in found()] == [{"isDeleted": True}]


def test_traffic(codat: LocalCodat, known: Known, update: Call) -> None:
    """Updates are counted on a route of their own."""
    update(codat, known(codat).record_id, UPDATE)
    assert codat.traffic().by_route["update"] == 1


def test_the_last_change_stands(codat: LocalCodat, known: Known, update: Call) -> None:
    """Changes count in the order in which they land, not in which they were sent."""
    key = known(codat).record_id
    codat.order("timed_out_then_lands", route="update", seconds=60)
    update(codat, key, {**UPDATE, "phone": "sent first"})
    update(codat, key, {**UPDATE, "phone": "lands first"})
    assert standing(codat)["phone"] == "lands first"
    codat.advance(seconds=60)
    assert standing(codat)["phone"] == "sent first"


def test_before_a_create_lands(codat: LocalCodat, create: Call, update: Call) -> None:
    """A record that has not landed yet cannot be updated, even by force."""
    codat.order("stay_pending", seconds=600)
    create(codat, body=STRICT, connection="strict")

    def status() -> str:
        query = "?forceUpdate=true"
        answer = update(codat, "FEN01", STRICT, connection="strict", query=query)
        return answer.json()["status"]

    assert status() == "Failed"
    codat.advance(seconds=600)
    assert status() == "Success"


def test_counts_before_an_update_lands(
    start: Start, known: Known, update: Call
) -> None:
    """A record is counted under its old name until the update has landed."""
    codat = start(settle_seconds=30)
    key = known(codat).record_id
    update(codat, key, {**UPDATE, "customerName": "Renamed"})
    assert codat.counts_by_name() == {"Acme": 1}
    codat.advance(seconds=30)
    assert codat.counts_by_name() == {"Renamed": 1}


def test_misfortune_before_verdict(
    codat: LocalCodat, known: Known, update: Call
) -> None:
    """What is ordered takes the place of the verdict that the record has changed."""
    key = known(codat).record_id
    codat.edit_in_software(key, phone="by hand")
    codat.order("stay_pending", route="update")
    statuses = [update(codat, key, UPDATE).json()["status"] for _ in "ab"]
    assert statuses == ["Pending", "Failed"]
