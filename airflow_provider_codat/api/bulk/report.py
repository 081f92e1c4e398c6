"""What became of each row: lines for a program, and a list for people."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, TypedDict, get_args

Status: TypeAlias = Literal[
    "Success",
    "Exists",
    "Failed",
    "Invalid",
    "Changed",
    "TimedOut",
    "Unknown",
    "Pending",
    "NotSent",
]

MOST_LISTED = 20
"""Rows that a listing names."""

_STATUSES: tuple[Status, ...] = get_args(Status)
_THERE: frozenset[Status] = frozenset({"Success", "Exists"})
_LONGEST_REASON = 500


class Outcome(TypedDict):
    """What became of one row: a line of the results, in this order.

    - ``row``: its number in the source, from 1.
    - ``item_key``: what the author calls it, or the digest of its body; empty where
      it could not be identified.
    - ``status``: ``Success``: it is in the books. ``Exists``: such a record was there
      before, and nothing was sent. ``Failed``: refused, nothing was created.
      ``Invalid``: nothing was sent. ``Changed``: an earlier try created it from another
      payload. ``TimedOut``: it may still appear. ``Unknown``: it may exist, and is not
      sent again. ``Pending``: accepted, not ended. ``NotSent``: not tried.
    - ``record_id``: which record it became; None where there is none that is known.
    - ``push_operation_key``: may be empty.
    - ``adopted``: whether it was found in the books, after the answer was lost.
    - ``sent_at``: when its create was sent, in ISO 8601, UTC; None where none was.
    - ``warnings`` and ``problems``: free of the row's values.
    """

    row: int
    item_key: str
    status: Status
    record_id: str | None
    push_operation_key: str
    adopted: bool
    sent_at: str | None
    warnings: list[str]
    problems: list[str]


def line_of(outcome: Outcome) -> str:
    """Return a line of the results, without its end."""
    return json.dumps(outcome, ensure_ascii=False)


def in_the_books(outcome: Outcome) -> bool:
    """Whether the row, or one like it that was there before, is in the books."""
    return outcome["status"] in _THERE


def listing(outcomes: Iterable[Outcome], most: int = MOST_LISTED) -> str:
    """Return a readable list of the rows that are not in the books, and why.

    :param outcomes: in the order of the source; the others are left out.
    :param most: how many rows are named. The rest is counted.
    :returns: a line for each reason; empty when all rows are in the books.
    """
    tally = Tally(most)
    for outcome in outcomes:
        tally.add(outcome)
    return tally.listing()


class Tally:
    """Counts outcomes, and keeps those that a listing names; it stays small.

    :param most: how many rows the listing names.
    """

    def __init__(self, most: int = MOST_LISTED) -> None:
        self.rows = 0
        self.adopted = 0
        self._statuses: Counter[Status] = Counter()
        self._most = most
        self._named = 0
        self._reasons: dict[str, _Rows] = {}
        self._unnamed = 0

    @property
    def counts(self) -> dict[Status, int]:
        """How many rows have each status; those that occur, success first."""
        return {s: self._statuses[s] for s in _STATUSES if self._statuses[s]}

    @property
    def missing(self) -> int:
        """How many rows are not in the books."""
        return self.rows - sum(self._statuses[status] for status in _THERE)

    def add(self, outcome: Outcome) -> None:
        """Take in what became of one more row."""
        self.rows += 1
        self.adopted += outcome["adopted"]
        self._statuses[outcome["status"]] += 1
        if not in_the_books(outcome):
            self._list(outcome)

    def listing(self) -> str:
        """Return what :func:`listing` returns of the outcomes so far."""
        told = [f"  {rows}: {reason}" for reason, rows in self._reasons.items()]
        if self._unnamed:
            told.append(f"  and {_counted(self._unnamed, 'more row')}")
        return "\n".join(told)

    def _list(self, outcome: Outcome) -> None:
        reason = _reason(outcome)
        rows = self._reasons.get(reason)
        if self._named < self._most:
            self._named += 1
            self._reasons.setdefault(reason, _Rows()).places.append(_place(outcome))
        elif rows:
            rows.more += 1
        else:
            self._unnamed += 1


@dataclass(slots=True)
class _Rows:
    """Rows of one reason.

    :param more: how many there are beyond those that are named.
    """

    places: list[str] = field(default_factory=list)
    more: int = 0

    def __str__(self) -> str:
        *others, last = [*self.places, *([f"{self.more:,} more"] if self.more else [])]
        if not others:
            return f"row {last}"
        return f"rows {', '.join(others)} and {last}"


def _place(outcome: Outcome) -> str:
    key = outcome["item_key"]
    return f"{outcome['row']} ({key})" if key else f"{outcome['row']}"


def _reason(outcome: Outcome) -> str:
    problems = "; ".join(outcome["problems"])
    reason = f"{outcome['status']}: {problems}" if problems else outcome["status"]
    reason = " ".join(reason.split())  # one line, whatever Codat said
    if len(reason) <= _LONGEST_REASON:
        return reason
    return f"{reason[:_LONGEST_REASON]}..."


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' if number != 1 else ''}"
