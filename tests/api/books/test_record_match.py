"""The laws of knowing a record again by texts, amounts, dates and references."""

from typing import Any

import pytest

from airflow_provider_codat.api.books.comparison import NameMatch
from airflow_provider_codat.api.books.record_match import match_record
from airflow_provider_codat.api.data_types import DATA_TYPES
from airflow_provider_codat.api.models import Json

SAME, DIFFERENT, UNCLEAR = NameMatch.SAME, NameMatch.DIFFERENT, NameMatch.UNCLEAR
INVOICE: dict[str, Any] = {
    "invoiceNumber": "S-1001",
    "customerRef": {"id": "c-1"},
    "issueDate": "2026-03-02",
    "currency": "GBP",
    "totalAmount": 156.0,
}
NAMELESS = {**INVOICE, "invoiceNumber": None}

# What was asked for; what the record says otherwise; what that means.
INVOICES: dict[str, tuple[dict[str, Any], dict[str, Any], NameMatch]] = {
    "all the same": (INVOICE, {}, SAME),
    "its own time": (INVOICE, {"issueDate": "2026-03-02T00:00:00"}, SAME),
    "a number that was filled up": (INVOICE, {"totalAmount": 156}, SAME),
    "the number alone": (
        {"invoiceNumber": "S-1001"},
        {"customerRef": None},
        SAME,
    ),
    "another customer": (INVOICE, {"customerRef": {"id": "c-2"}}, DIFFERENT),
    "another number": (INVOICE, {"invoiceNumber": "S-2002"}, DIFFERENT),
    "a number that begins alike": (INVOICE, {"invoiceNumber": "S-10012"}, DIFFERENT),
    "another total": (INVOICE, {"totalAmount": 157}, UNCLEAR),
    "another number and total": (
        INVOICE,
        {"totalAmount": 157, "invoiceNumber": "S-2002"},
        DIFFERENT,
    ),
    "another total in another currency": (
        INVOICE,
        {"totalAmount": 180, "currency": "EUR"},
        SAME,
    ),
    "another sign": (INVOICE, {"totalAmount": -156}, SAME),
    "the day after, by a zone": (INVOICE, {"issueDate": "2026-03-03"}, SAME),
    "a day two days off": (INVOICE, {"issueDate": "2026-03-04"}, UNCLEAR),
    "a date that is none": (INVOICE, {"issueDate": "soon"}, SAME),
    "no number: the same customer, day and total": (NAMELESS, {}, SAME),
    "no number: a day off": (NAMELESS, {"issueDate": "2026-03-03"}, SAME),
    "no number: another total": (NAMELESS, {"totalAmount": 157}, DIFFERENT),
    "no number: another day": (NAMELESS, {"issueDate": "2026-04-02"}, DIFFERENT),
    "no number: another customer": (
        NAMELESS,
        {"customerRef": {"id": "c-2"}},
        DIFFERENT,
    ),
    "no number: a total in another currency": (
        NAMELESS,
        {"totalAmount": 180, "currency": "EUR"},
        UNCLEAR,
    ),
    "no number, no customer: day and total are never enough": (
        {**NAMELESS, "customerRef": None},
        {},
        UNCLEAR,
    ),
    "no number, no total: a customer has many": (
        {**NAMELESS, "totalAmount": None},
        {},
        UNCLEAR,
    ),
    "nothing that tells": ({"note": "x"}, {}, UNCLEAR),
}


@pytest.mark.parametrize(
    ("asked", "other", "how"), INVOICES.values(), ids=list(INVOICES)
)
def test_an_invoice(
    asked: dict[str, Any], other: dict[str, Any], how: NameMatch
) -> None:
    """It is ours by its number or its customer, and where nothing differs.

    Where the number is the same and an amount or a day is not, nobody can tell.
    """
    record = {**INVOICE, "id": "i-1", **other}
    assert match_record(asked, record, DATA_TYPES["invoices"]) is how


def entry(*amounts: float, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - of an entry
    lines = [{"netAmount": amount, "currency": "GBP"} for amount in amounts]
    return {
        "postedOn": "2026-03-31",
        "journalRef": {"id": "j-1"},
        "journalLines": lines,
        **more,
    }


ENTRIES: dict[str, tuple[dict[str, Any], dict[str, Any], NameMatch]] = {
    "the same": (entry(130, -130), entry(130, -130), SAME),
    "lines split otherwise": (entry(130, -130), entry(100, 30, -130), SAME),
    "cents that floats cannot add": (entry(0.1, 0.2, -0.3), entry(0.3, -0.3), SAME),
    "another sum": (entry(130, -130), entry(131, -131), DIFFERENT),
    "another day": (
        entry(130, -130),
        entry(130, -130, postedOn="2026-02-01"),
        DIFFERENT,
    ),
    "another journal": (
        entry(130, -130),
        entry(130, -130, journalRef={"id": "j-2"}),
        DIFFERENT,
    ),
    "no journal": (entry(130, -130, journalRef=None), entry(130, -130), UNCLEAR),
    "no lines": (entry(130, -130), entry(), UNCLEAR),
    "described alike": (
        entry(130, -130, journalRef=None, description="Flour"),
        entry(130, -130, description="FLOUR"),
        SAME,
    ),
}


@pytest.mark.parametrize(
    ("asked", "record", "how"), ENTRIES.values(), ids=list(ENTRIES)
)
def test_a_journal_entry(
    asked: dict[str, Any], record: dict[str, Any], how: NameMatch
) -> None:
    """Its amount is the sum of its debits, to the last digit."""
    assert match_record(asked, record, DATA_TYPES["journalEntries"]) is how


def transfer(amount: float, source: str, target: str) -> dict[str, Any]:
    return {
        "date": "2026-03-31",
        "from": {"accountRef": {"id": source}, "amount": amount, "currency": "GBP"},
        "to": {"accountRef": {"id": target}, "amount": amount, "currency": "GBP"},
    }


@pytest.mark.parametrize(
    ("record", "how"),
    [
        pytest.param(transfer(500, "1200", "1210"), SAME, id="the same"),
        pytest.param(transfer(501, "1200", "1210"), DIFFERENT, id="another amount"),
        pytest.param(transfer(500, "1210", "1200"), DIFFERENT, id="the other way"),
    ],
)
def test_a_transfer(record: dict[str, Any], how: NameMatch) -> None:
    """It is ours where both accounts and both amounts are."""
    asked = transfer(500, "1200", "1210")
    assert match_record(asked, record, DATA_TYPES["transfers"]) is how


@pytest.mark.parametrize("zone", ["+13:00", "-11:00", "Z", ""])
def test_a_day_is_that_of_the_records_zone(zone: str) -> None:
    """A moment that falls on the record's day, in the record's zone, is that day."""
    asked = {**NAMELESS, "issueDate": f"2026-03-02T23:30:00{zone}"}
    record = {**INVOICE, "issueDate": f"2026-03-02T00:00:00{zone}"}
    assert match_record(asked, record, DATA_TYPES["invoices"]) is SAME


@pytest.mark.parametrize("asked", [None, [], "S-1001", 7, True], ids=str)
def test_a_payload_that_is_no_object(asked: Json) -> None:
    """What has no properties cannot be told from any record."""
    for row in DATA_TYPES.values():
        assert match_record(asked, {"id": "x"}, row) is UNCLEAR


@pytest.mark.parametrize("row", DATA_TYPES.values(), ids=lambda row: row.name)
@pytest.mark.parametrize(
    "value", [None, True, 7, "x", [], [1], {}, {"id": []}], ids=str
)
def test_whatever_stands_there(row: Any, value: Json) -> None:  # noqa: ANN401 - a row
    """Software may say anything: it is compared, or it tells nothing."""
    names = (*row.identifying, *row.amounts, *row.dates, *row.references, "currency")
    record = {path.partition(".")[0].removesuffix("[]"): value for path in names}
    for asked in ({}, record, dict.fromkeys(record, "x")):
        assert match_record(asked, record, row) in set(NameMatch)
