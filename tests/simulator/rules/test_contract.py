"""Which bodies Codat takes at all."""

from collections.abc import Callable
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_codat.simulator import LocalCodat
from airflow_provider_codat.simulator.replies import RefusedError
from airflow_provider_codat.simulator.rules.contract import (
    check_customer,
    parse_customer,
)

Call = Callable[..., requests.Response]


def status_of(action: Callable[[], object]) -> int:
    try:
        action()
    except RefusedError as refusal:
        return refusal.reply.status
    return 200


FULL: dict[str, Any] = {
    "customerName": "Fen & Sons",
    "contactName": None,
    "emailAddress": "fen@example.com",
    "defaultCurrency": "GBP",
    "addresses": [{"type": "Billing", "line1": "1 Quay", "city": None}],
    "contacts": [
        {
            "status": "Active",
            "name": "Ada Fen",
            "phone": [{"type": "Mobile", "number": "01"}],
            "address": {"type": "Delivery"},
            "modifiedDate": "2026-01-01",
        }
    ],
    "status": "Active",
    "metadata": {"isDeleted": None},
    "supplementalData": {"content": {"Extra": {"field": 1}}},
    "modifiedDate": "2026-01-01T00:00:00",
    "somethingElse": [1],
}


@pytest.mark.parametrize("body", [{"status": "Unknown"}, FULL], ids=["least", "full"])
def test_accepted(codat: LocalCodat, create: Call, body: dict[str, Any]) -> None:
    """Status alone is enough, and unknown properties are no error."""
    assert create(codat, body=body).json()["status"] == "Success"
    assert codat.ledger()[0].customer == body


@pytest.mark.parametrize(
    ("change", "item_id"),
    [
        ({"status": None}, "Status"),
        ({"status": "Asleep"}, "Status"),
        ({"id": 7}, "Id"),
        ({"defaultCurrency": None}, "DefaultCurrency"),
        ({"customerName": 7}, "CustomerName"),
        ({"addresses": [{}]}, "Addresses[0].Type"),
        ({"addresses": [{"type": "Home"}]}, "Addresses[0].Type"),
        ({"addresses": {}}, "Addresses"),
        ({"contacts": [{"name": "A"}]}, "Contacts[0].Status"),
        (
            {"contacts": [{"status": "Active", "phone": [{"number": "1"}]}]},
            "Contacts[0].Phone[0].Type",
        ),
        ({"contacts": [{"status": "Active", "address": None}]}, "Contacts[0].Address"),
        ({"metadata": None}, "Metadata"),
        ({"supplementalData": {"content": {"Extra": 1}}}, None),
    ],
)
def test_refused(
    codat: LocalCodat, create: Call, change: dict[str, Any], item_id: str | None
) -> None:
    """A body against the contract is 400 and names each item, but no value of it."""
    answer = create(
        codat, body={"customerName": "Secret", "status": "Active", **change}
    )
    errors = answer.json()["validation"]["errors"]
    assert answer.status_code == 400
    assert len(errors) == 1
    assert set(errors[0]) == {"itemId", "message", "validatorName"}
    assert item_id in {None, errors[0]["itemId"]}
    assert "Secret" not in answer.text
    assert codat.operations() == []


def test_missing_status(codat: LocalCodat, create: Call) -> None:
    """Status is the one required property."""
    errors = create(codat, body={"customerName": "A"}).json()["validation"]["errors"]
    assert [each["itemId"] for each in errors] == ["Status"]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000], ids=repr
)
def test_not_an_object(codat: LocalCodat, create: Call, body: bytes) -> None:
    """What is no JSON object is 400."""
    answer = create(codat, body=body)
    assert answer.status_code == 400
    assert answer.json()["validation"] is None


def test_too_large(codat: LocalCodat, create: Call) -> None:
    """A body beyond a megabyte is 413, in Codat's words."""
    answer = create(codat, name="x" * 2_000_000)
    assert answer.status_code == 413
    assert answer.json()["statusCode"] == 413


def test_light_mode(start: Callable[..., LocalCodat], create: Call) -> None:
    """Without validation any JSON object is accepted, by every linked connection."""
    codat = start(validate=False)
    for connection in ("lenient", "strict", "options"):
        answer = create(codat, body={"status": 7}, connection=connection)
        assert answer.json()["status"] == "Success"
    assert create(codat, body=b"[]").status_code == 400


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["status", "type", "addresses", "contacts", "phone"])
                | st.text(max_size=4),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_any_json(value: object) -> None:
    """Whatever JSON comes is accepted or refused with 400: nothing else happens."""
    if not isinstance(value, dict):
        return
    status = status_of(lambda: check_customer(value))
    assert status in {200, 400}
    if status == 200:
        assert value["status"] in {"Unknown", "Active", "Archived"}


@given(st.binary(max_size=40))
def test_any_bytes(body: bytes) -> None:
    """Whatever bytes come are an object or refused with 400."""
    assert status_of(lambda: parse_customer(body)) in {200, 400}
