"""The laws of what a webhook tells."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_codat.api.errors import Malformed
from airflow_provider_codat.api.webhooks.event import CodatEvent, events_of

COMPANY = "8a210b68-6988-11ed-a1eb-0242ac120002"
CONNECTION = "2e9d2c44-f675-40ba-8049-353bfcb5e171"
KEY = "bdbf4d41-f4b1-4ac2-9a6f-a5c1d2e3f405"


def told(event_type: str, **payload: object) -> tuple[CodatEvent, ...]:
    event = {
        "id": "ba29118f-5406-4e59-b05c-ba307ca38d01",
        "eventType": event_type,
        "generatedDate": "2026-03-01T12:00:00Z",
        "payload": payload,
    }
    return events_of(json.dumps(event).encode())


def write(
    event_type: str = "customers.write.successful", **fields: object
) -> CodatEvent:
    company = {"id": COMPANY.upper(), "name": "Never told"}
    payload = {"id": KEY, "type": "Create", "referenceCompany": company}
    payload |= {"connectionId": CONNECTION, "status": "Success", "record": {"id": "C7"}}
    (event,) = told(event_type, **{**payload, **fields})
    return event


def test_a_write() -> None:
    """A write tells company, connection, operation, record and status; no name."""
    event = write()
    assert event == CodatEvent(
        id="ba29118f-5406-4e59-b05c-ba307ca38d01",
        type="customers.write.successful",
        company_id=COMPANY,
        connection_id=CONNECTION,
        data_type="customers",
        push_operation_key=KEY,
        record_id="C7",
        status="Success",
        generated_at="2026-03-01T12:00:00Z",
    )
    assert "Never" not in repr(event)


@pytest.mark.parametrize("status", ["Success", "Failed", "TimedOut", "Pending"])
@pytest.mark.parametrize("name", ["successful", "unsuccessful"])
def test_the_status_decides(status: str, name: str) -> None:
    """What became of a write is in its status, in any case, not in the event's name."""
    event = write(f"invoices.write.{name}", status=status.upper())
    assert (event.status, event.data_type) == (status, "invoices")


@pytest.mark.parametrize(
    "odd",
    [
        {"record": None, "connectionId": None, "id": "no uuid"},
        {"record": "C7", "connectionId": 7, "id": {}},
        {"record": {"id": 7}, "connectionId": [], "id": None},
    ],
)
def test_what_is_missing_in_a_write(odd: dict[str, object]) -> None:
    """What is missing, or something else than Codat documents, is left out."""
    event = write(**odd)
    found = (event.record_id, event.connection_id, event.push_operation_key)
    assert found == ("", "", "")
    assert event.status == "Success"


def read(name: str, **fields: object) -> dict[str, object]:
    return {
        "connectionId": CONNECTION,
        "dataType": name,
        "recordsModified": True,
        "status": "Complete",
        **fields,
    }


@pytest.mark.parametrize("event_type", ["read.completed", "read.completed.initial"])
def test_a_read(event_type: str) -> None:
    """A read tells each data type that changed, once, and those alone."""
    events = told(
        event_type,
        referenceCompany={"id": COMPANY},
        dataTypes=[
            read("customers"),
            read("invoices", recordsModified=False),
            read("bills", status="FetchError"),
            read("banking-accounts"),
            read("items", connectionId=KEY),
            read("items"),
            read("not/one"),
            "nothing",
        ],
    )
    found = [(e.data_type, e.connection_id, e.status) for e in events]
    assert found == [
        ("customers", CONNECTION, "Complete"),
        ("banking-accounts", CONNECTION, "Complete"),
        ("items", "", "Complete"),
    ]
    assert {e.company_id for e in events} == {COMPANY}


def test_a_read_that_does_not_say_what_changed() -> None:
    """Where Codat does not say whether records changed, they may have."""
    silent = {"dataType": "customers", "status": "Complete"}
    (event,) = told("read.completed", dataTypes=[silent])
    assert event.data_type == "customers"


def test_a_connection() -> None:
    """What happens to a connection tells its id and status, and no link."""
    connection = {"id": CONNECTION, "status": "Deauthorized", "linkUrl": "https://x/y"}
    company = {"id": COMPANY}
    (event,) = told(
        "connection.disconnected", referenceCompany=company, connection=connection
    )
    assert (event.connection_id, event.status) == (CONNECTION, "Deauthorized")
    assert "https" not in repr(event)


def test_a_company() -> None:
    """What happens to a company is of the company that its payload is."""
    (event,) = told("company.created", id=COMPANY, redirect="https://link/secret")
    assert event.company_id == COMPANY
    assert "secret" not in repr(event)


def test_the_day_s_limit() -> None:
    """What is of no company is told, whatever its dates are like."""
    (event,) = told("client.rateLimit.reached", expiryDate="2026-03-01T23:59:99Z")
    assert (event.type, event.company_id) == ("client.rateLimit.reached", "")


def test_an_unknown_type() -> None:
    """A type that nobody knows yet is kept as it is."""
    (event,) = told("bankFeeds.sync.began", referenceCompany={"id": COMPANY})
    assert (event.type, event.company_id) == ("bankFeeds.sync.began", COMPANY)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        b'{"eventType": "a.b"}',
        b'{"eventType": "a.b", "payload": []}',
        b'{"eventType": "a b", "payload": {}}',
        b'{"eventType": "a/../b", "payload": {}}',
        b'{"eventType": 7, "payload": {}}',
        b'{"eventType": "' + b"a" * 101 + b'", "payload": {}}',
    ],
)
def test_no_event(body: bytes) -> None:
    """What is no event is refused."""
    with pytest.raises(Malformed, match="webhook"):
        events_of(body)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["id", "referenceCompany", "record", "dataTypes", "dataType", "status"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(
    st.sampled_from(["customers.write.successful", "read.completed", "company.x", "a"]),
    json_values,
)
def test_any_payload(event_type: str, payload: object) -> None:
    """Any payload is read, or refused; an event has nothing but short texts."""
    body = json.dumps({"eventType": event_type, "payload": payload}).encode()
    try:
        events = events_of(body)
    except Malformed:
        return
    for event in events:
        assert all(
            isinstance(value, str) and len(value) <= 1000 and value.isprintable()
            for value in (getattr(event, name) for name in event.__dataclass_fields__)
        )
