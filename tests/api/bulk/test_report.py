"""The laws of the report on many rows."""

import json
import tracemalloc
from collections.abc import Sequence

import pytest

from airflow_provider_codat.api.bulk.report import (
    Outcome,
    Status,
    Tally,
    in_the_books,
    line_of,
    listing,
)


def outcome(
    row: int,
    status: Status = "Success",
    *problems: str,
    item_key: str = "",
    adopted: bool = False,
) -> Outcome:
    return Outcome(
        row=row,
        item_key=item_key,
        status=status,
        record_id="17" if status == "Success" else None,
        push_operation_key="",
        adopted=adopted,
        warnings=[],
        problems=list(problems),
    )


def test_a_line() -> None:
    """A line of the results is one JSON object, its fields in the documented order."""
    line = line_of(outcome(17, "Failed", "a\nb", "é", item_key="C-0017"))
    assert line == (
        '{"row": 17, "item_key": "C-0017", "status": "Failed", "record_id": null, '
        '"push_operation_key": "", "adopted": false, "warnings": [], '
        '"problems": ["a\\nb", "é"]}'
    )
    assert json.loads(line) == outcome(17, "Failed", "a\nb", "é", item_key="C-0017")


@pytest.mark.parametrize(
    ("status", "there"),
    [
        ("Success", True),
        ("Failed", False),
        ("Invalid", False),
        ("Changed", False),
        ("TimedOut", False),
        ("Unknown", False),
        ("Pending", False),
        ("NotSent", False),
    ],
)
def test_what_is_in_the_books(status: Status, *, there: bool) -> None:
    """Only a row that was created as it was handed over is in the books."""
    assert in_the_books(outcome(1, status)) is there
    assert bool(listing([outcome(1, status)])) is not there


def test_counts() -> None:
    """Each status that occurs is counted, success first; adopted rows, too."""
    tally = Tally()
    assert (tally.counts, tally.missing, tally.listing()) == ({}, 0, "")
    tally.add(outcome(1, "NotSent"))
    tally.add(outcome(2, "Failed"))
    tally.add(outcome(3, adopted=True))
    tally.add(outcome(4))
    tally.add(outcome(5, "Failed"))
    assert list(tally.counts.items()) == [("Success", 2), ("Failed", 2), ("NotSent", 1)]
    assert (tally.rows, tally.adopted, tally.missing) == (5, 1, 3)


@pytest.mark.parametrize(
    ("outcomes", "lines"),
    [
        pytest.param([outcome(1), outcome(2)], [], id="all are there"),
        pytest.param(
            [outcome(3, "Failed", "taxNumber: is too long", item_key="C-3")],
            ["row 3 (C-3): Failed: taxNumber: is too long"],
            id="one",
        ),
        pytest.param([outcome(3, "NotSent")], ["row 3: NotSent"], id="no reason"),
        pytest.param(
            [outcome(3, "Failed", "a", "b")], ["row 3: Failed: a; b"], id="two reasons"
        ),
        pytest.param(
            [outcome(3, "Failed", " a\n  b ")], ["row 3: Failed: a b"], id="one line"
        ),
        pytest.param(
            [
                outcome(1, "Failed", "a", item_key="x"),
                outcome(2, "Failed", "b"),
                outcome(3),
                outcome(4, "Failed", "a", item_key="y"),
                outcome(5, "Unknown", "a"),
                outcome(6, "Failed", "a"),
            ],
            [
                "rows 1 (x), 4 (y) and 6: Failed: a",
                "row 2: Failed: b",
                "row 5: Unknown: a",
            ],
            id="grouped",
        ),
    ],
)
def test_a_listing(outcomes: Sequence[Outcome], lines: list[str]) -> None:
    """Rows that are not in the books are named, those of one reason together."""
    assert listing(outcomes) == "\n".join(f"  {line}" for line in lines)


def test_a_long_listing() -> None:
    """Beyond the rows that are named, the rest is counted, by its reason if known."""
    outcomes = [outcome(n, "Failed", "ab"[n % 2]) for n in range(1, 7)]
    outcomes += [outcome(n, "Invalid", str(n)) for n in range(7, 9)]
    assert listing(outcomes, most=3).splitlines() == [
        "  rows 1, 3 and 1 more: Failed: b",
        "  rows 2 and 2 more: Failed: a",
        "  and 2 more rows",
    ]
    assert listing(outcomes[:7], most=6).splitlines()[-1] == "  and 1 more row"
    many = [outcome(n, "NotSent") for n in range(1, 5001)]
    assert listing(many).endswith(" 19, 20 and 4,980 more: NotSent")


def test_a_long_reason() -> None:
    """A long reason is cut: the results have the whole of it."""
    assert listing([outcome(1, "Failed", "x" * 1000)]) == (
        f"  row 1: Failed: {'x' * 492}..."
    )


def test_a_tally_stays_small() -> None:
    """However many rows fail for reasons of their own, a tally keeps the first few."""
    tally = Tally()
    tracemalloc.start()
    try:
        for n in range(20_000):
            tally.add(outcome(n, "Failed", f"reason {n}"))
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()
    assert tally.listing().endswith("  and 19,980 more rows")
