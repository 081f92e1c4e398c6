"""The simulator's clock: real time plus whatever a test has added to it."""

import time
from datetime import UTC, datetime
from email.utils import formatdate
from functools import lru_cache


class MovableClock:
    """Tell the time; a test may move it forwards, never backwards."""

    def __init__(self) -> None:
        # Anchored on the monotonic clock: a step of the machine's wall clock
        # must not reorder push operations.
        self._anchor = time.time() - time.monotonic()
        self._ahead = 0.0

    def now(self) -> float:
        """Return seconds since the epoch."""
        return self._anchor + time.monotonic() + self._ahead

    def advance(self, seconds: float) -> None:
        """Move the clock forwards.

        :param seconds: how far; zero is allowed.
        :raises ValueError: when ``seconds`` is negative.
        """
        if seconds < 0:
            raise ValueError("The clock moves forwards only: seconds must be >= 0.")
        self._ahead += seconds


def moment(at: float) -> datetime:
    """Return the aware UTC datetime of an epoch time."""
    return datetime.fromtimestamp(at, UTC)


def utc_text(at: float) -> str:
    """Write an epoch time as Codat does: UTC, seven digits of a second, ``Z``."""
    second, micros = divmod(round(at * 1_000_000), 1_000_000)
    return f"{_second_text(second)}.{micros:06d}0Z"


@lru_cache(maxsize=64)
def _second_text(second: int) -> str:
    return f"{moment(second):%Y-%m-%dT%H:%M:%S}"


def http_date(at: float) -> str:
    """Write an epoch time as an HTTP date."""
    return formatdate(at, usegmt=True)
