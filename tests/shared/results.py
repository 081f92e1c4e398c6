"""A file of results: 5,000 customers, of which 40 did not make it, for six reasons."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

BEGUN = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
REASONS = (
    ("Failed", "Codat says: Customer name {} is <b>in use</b> already", 14),
    ("Failed", "Codat says: Tax number {} is not valid", 9),
    ("Invalid", "status: must be one of Active, Archived, Unknown (case matters)", 8),
    ("Unknown", "nobody knows: no answer came, and the books were not read", 4),
    ("TimedOut", "the push operation timed out", 3),
    ("NotSent", "did not fit into the day's quota", 2),
)
FAILED = sum(count for *_, count in REASONS)
NOT_SENT = {"Invalid", "NotSent"}


def results(rows: int = 5_000) -> Iterator[dict[str, Any]]:
    """Yield the lines, always the same ones."""
    chance = random.Random(7)
    every = (reason[:2] for reason in REASONS for _ in range(reason[2]))
    missing = dict(zip(chance.sample(range(1, rows + 1), FAILED), every, strict=True))
    for row in range(1, rows + 1):
        status, words = missing.get(row, ("Success", ""))
        sent = status not in NOT_SENT
        yield {
            "row": row,
            "item_key": f"C-{row:06}",
            "status": status,
            "record_id": _id(chance) if status == "Success" else None,
            "push_operation_key": _id(chance) if sent else "",
            "adopted": row % 500 == 0,
            "sent_at": (BEGUN + timedelta(seconds=row / 14.6)).isoformat()
            if sent
            else None,
            "warnings": ["addresses[0].country: is unknown"] if row % 400 == 0 else [],
            "problems": [words.format(row)] if words else [],
        }


def lines(rows: int = 5_000) -> str:
    """Return them as a file holds them."""
    return "".join(f"{json.dumps(each)}\n" for each in results(rows))


def _id(chance: random.Random) -> str:
    return str(UUID(int=chance.getrandbits(128)))
