"""The law of which event of Codat's is of which asset, as docs/events.md tells it."""

import pytest

from airflow_provider_codat.api.webhooks.event import CodatEvent
from airflow_provider_codat.webhooks.mapping import extra_of, uri_of

COMPANY = "8a210b68-6988-11ed-a1eb-0242ac120002"
PLACE = f"codat://companies/{COMPANY}"


@pytest.mark.parametrize(
    ("event_type", "data_type", "status", "uri"),
    [
        ("invoices.write.successful", "invoices", "Success", f"{PLACE}/invoices"),
        ("invoices.write.unsuccessful", "invoices", "Success", f"{PLACE}/invoices"),
        (
            "invoices.write.unsuccessful",
            "invoices",
            "Failed",
            f"{PLACE}/events/invoices.write.unsuccessful",
        ),
        (
            "invoices.write.successful",
            "invoices",
            "TimedOut",
            f"{PLACE}/events/invoices.write.unsuccessful",
        ),
        ("invoices.write.successful", "invoices", "Pending", None),
        ("invoices.write.successful", "invoices", "", None),
        ("read.completed", "bills", "Complete", f"{PLACE}/bills"),
        ("read.completed.initial", "balanceSheet", "Complete", f"{PLACE}/balanceSheet"),
        ("connection.disconnected", "", "", f"{PLACE}/events/connection.disconnected"),
        ("some.thing.new", "", "", f"{PLACE}/events/some.thing.new"),
        ("company.created", "", "", "codat://events/company.created"),
    ],
)
def test_of_a_company(
    event_type: str, data_type: str, status: str, uri: str | None
) -> None:
    """An event of a company is of one asset, or of none; its status decides."""
    event = CodatEvent("e", event_type, COMPANY, data_type=data_type, status=status)
    assert uri_of(event) == uri


def test_of_no_company() -> None:
    """What is of no company has an asset of its own; a write of none has none."""
    limit = "client.rateLimit.reached"
    assert uri_of(CodatEvent("e", limit)) == f"codat://events/{limit}"
    write = CodatEvent("e", "bills.write.successful", data_type="bills")
    assert uri_of(write) is None


def test_what_it_carries() -> None:
    """An asset event has the ids that there are, and the message's own."""
    event = CodatEvent("e", "company.created", COMPANY)
    assert extra_of("msg_1", event) == {
        "codat_company_id": COMPANY,
        "event_type": "company.created",
        "webhook_id": "msg_1",
    }
