"""How many requests are left of the day, by what Codat says with every answer.

Source: https://docs.codat.io/using-the-api/rate-limits
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from airflow_provider_codat.api.http.request import Response
from airflow_provider_codat.api.http.response import epoch_of

_PER_HUNDRED = 1
_AT_LEAST = 8


@dataclass(frozen=True, slots=True)
class Quota:
    """The requests of a day.

    :param left: how many may still be sent.
    :param until: epoch seconds at which the quota is renewed.
    """

    left: int
    until: float

    def __str__(self) -> str:
        """Read as what is left, and until when."""
        return f"{self.left:,} until {moment(self.until)}"


def quota_of(response: Response) -> Quota | None:
    """Return what an answer says of the quota; None where it says nothing."""
    left = response.headers.get("x-rate-limit-remaining", "").strip()
    if not left.isascii() or not left.isdigit():
        return None
    reset = epoch_of(response.headers.get("x-rate-limit-reset", "").strip())
    return Quota(int(left), _midnight(response.received_at) if reset is None else reset)


def moment(at: float) -> str:
    """Write a time for a person."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"


def requests_for(rows: int) -> int:
    """Return how many requests it takes to send rows and see what came of them."""
    return rows + overhead(rows)


def overhead(rows: int) -> int:
    """Return how many requests are kept for looking at the list."""
    return _AT_LEAST + rows * _PER_HUNDRED // 100 if rows else 0


def _midnight(now: float) -> float:
    """Return when the day ends in UTC, which is when Codat renews the quota."""
    day = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0)
    return (day + timedelta(days=1)).timestamp()
