"""What a report shows: counts, reasons, rows over time, and a table of rows."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from airflow_provider_codat.api.bulk.report import Outcome, Status, Tally, in_the_books

MOST_ROWS = 100_000
"""How many rows the table has; those that are not in the books come first."""

_MOST_REASONS = 50
_MOST_PLACES = 20
_LONGEST_REASON = 300
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
_OF_ONE_ROW = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d+(?=[^a-z0-9]|$)", re.IGNORECASE
)

WHAT_TO_DO: dict[Status, str] = {
    "Failed": "Mend the rows, or the books, and hand them over again.",
    "Invalid": "Mend the rows: nothing was sent for them.",
    "Changed": "They are in the books as they were before. Update them there, or in "
    "another DAG run.",
    "TimedOut": "They may still appear. Clear the task later: it asks again.",
    "Unknown": "Look into the books, say what you found with unknown_resolution, and "
    "clear the task.",
    "Pending": "They are accepted and have not ended. Clear the task later: it asks "
    "again.",
    "NotSent": "They were not tried. Clear the task: it sends them.",
}


@dataclass(slots=True)
class Reason:
    """Why rows are not in the books, or what is to be noted of them.

    :param words: of the first such row.
    :param places: the first rows: number and key.
    """

    status: Status
    words: str
    rows: int = 0
    places: list[str] = field(default_factory=list)

    @property
    def what_to_do(self) -> str:
        """What a person can do about it."""
        return WHAT_TO_DO.get(self.status, "")


class Figures:
    """Takes in what became of each row; what it keeps is bounded.

    :param most: how many rows the table may have.
    """

    def __init__(self, most: int = MOST_ROWS) -> None:
        self.tally = Tally(0)
        self.warned = 0
        self._most = most
        self._reasons: dict[tuple[Status, str], Reason] = {}
        self.minutes: Counter[int] = Counter()
        """How many rows were sent in each minute since 1970, UTC, in which any were."""
        self._missing: list[Outcome] = []
        self._others: list[Outcome] = []

    def add(self, outcome: Outcome) -> None:
        """Take in one more row."""
        self.tally.add(outcome)
        self.warned += bool(outcome["warnings"])
        if (sent_at := outcome.get("sent_at")) is not None:
            self.minutes[_minute(sent_at)] += 1
        if not in_the_books(outcome):
            self._note(outcome)
        rows = self._others if in_the_books(outcome) else self._missing
        if len(rows) < self._most:
            rows.append(outcome)

    @property
    def reasons(self) -> list[Reason]:
        """Why rows are not in the books, the most frequent reason first."""
        return sorted(self._reasons.values(), key=lambda each: -each.rows)

    @property
    def rows(self) -> list[Outcome]:
        """The rows of the table, those that are not in the books first."""
        room = self._most - len(self._missing)
        return [*self._missing, *self._others[: max(0, room)]]

    def shares(self) -> Iterable[tuple[Status, int, float]]:
        """Yield each status with its rows and their share."""
        for status, rows in self.tally.counts.items():
            yield status, rows, rows / self.tally.rows

    def _note(self, outcome: Outcome) -> None:
        words = " ".join("; ".join(outcome["problems"]).split())[:_LONGEST_REASON]
        status = outcome["status"]
        key = status, _OF_ONE_ROW.sub("#", words)
        if key not in self._reasons and len(self._reasons) >= _MOST_REASONS:
            key, words = (status, ""), "other reasons"
        reason = self._reasons.setdefault(key, Reason(status, words or status))
        reason.rows += 1
        if len(reason.places) < _MOST_PLACES:
            name = f" ({outcome['item_key']})" if outcome["item_key"] else ""
            reason.places.append(f"{outcome['row']:,}{name}")


def outcome_of(value: Any) -> Outcome:  # noqa: ANN401 - what a line of a file holds
    """Return a line of results, as far as a report needs it.

    :raises ValueError: when it is none.
    """
    if not isinstance(value, dict) or not isinstance(value.get("row"), int):
        raise ValueError("is no line of results: row is missing")  # noqa: TRY004 - as for what follows
    status = value.get("status")
    if status not in {*WHAT_TO_DO, "Success", "Exists"}:
        raise ValueError("is no line of results: status is none that is known")
    texts = [value.get("warnings") or [], value.get("problems") or []]
    if not all(isinstance(each, list) for each in texts):
        raise ValueError("is no line of results: warnings and problems are lists")
    warnings, problems = ([str(text) for text in each] for each in texts)
    record, sent_at = value.get("record_id"), value.get("sent_at")
    return {
        "row": value["row"],
        "item_key": str(value.get("item_key") or ""),
        "status": status,
        "record_id": None if record is None else str(record),
        "push_operation_key": str(value.get("push_operation_key") or ""),
        "adopted": value.get("adopted") is True,
        "sent_at": sent_at if isinstance(sent_at, str) and _is_time(sent_at) else None,
        "warnings": warnings,
        "problems": problems,
    }


def _is_time(text: str) -> bool:
    try:
        return _FIRST <= datetime.fromisoformat(text) < _LAST
    except (TypeError, ValueError):  # without a time zone, it cannot be compared
        return False


def _minute(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() // 60)
