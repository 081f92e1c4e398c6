"""Codat's three limits: at a time per company, per minute and address, per day."""

import math
from collections import Counter

from airflow_provider_codat.simulator.clock import http_date, moment
from airflow_provider_codat.simulator.replies import Reply, error_reply
from airflow_provider_codat.simulator.settings import DOCUMENTED, Settings

_DAY = 86_400
_MINUTE = 60
_TOO_MANY = "You have made too many requests in a given amount of time; retry later."


def too_many(now: float, wait_seconds: float | None, style: str) -> Reply:
    """Answer 429.

    :param now: the server's time.
    :param wait_seconds: what Retry-After says; None: the header is left out.
    :param style: "seconds" or "http-date".
    """
    if wait_seconds is None:
        return error_reply(429, _TOO_MANY)
    whole = max(0, math.ceil(wait_seconds))
    value = http_date(now + whole) if style == "http-date" else str(whole)
    return error_reply(429, _TOO_MANY, headers={"Retry-After": value})


class Limits:
    """Count requests and refuse the surplus.

    :param settings: the limits, each may be None.
    :param companies: how many companies the documented daily quota counts.
    """

    def __init__(self, settings: Settings, companies: int) -> None:
        self._settings = settings
        self._documented = 1000 * (1 + companies)
        quota = settings.daily_quota
        self._quota = self._documented if quota == DOCUMENTED else quota
        self._today = 0
        self._resets_at = 0
        self._reset_text = ""
        self._minute = -1
        self._by_address: Counter[str] = Counter()
        self._running: Counter[str] = Counter()

    def headers(self, now: float) -> dict[str, str]:
        """Return the three X-Rate-Limit headers of every reply."""
        self._turn_day(now)
        limit = self._limit
        left = limit if self._quota is None else max(0, limit - self._today)
        return {
            "X-Rate-Limit-Limit": str(limit),
            "X-Rate-Limit-Remaining": str(left),
            "X-Rate-Limit-Reset": self._reset_text,
        }

    def over_minute(self, address: str, now: float) -> Reply | None:
        """Count a request of an address; 429 when its minute is spent."""
        most = self._settings.requests_per_minute
        if most is None:
            return None
        minute = int(now // _MINUTE)
        if minute != self._minute:
            self._minute = minute
            self._by_address.clear()
        self._by_address[address] += 1
        if self._by_address[address] <= most:
            return None
        return self._refuse(now, (minute + 1) * _MINUTE - now)

    def over_day(self, now: float) -> Reply | None:
        """Count a request of the client; 429 when its day is spent."""
        self._turn_day(now)
        self._today += 1
        if self._quota is None or self._today <= self._quota:
            return None
        return self._refuse(now, self._resets_at - now)

    @property
    def _limit(self) -> int:
        """The day's quota, or the documented one where there is none."""
        return self._documented if self._quota is None else self._quota

    def set_quota(
        self,
        now: float,
        left: int | None,
        limit: int | None = None,
        resets_in_seconds: float | None = None,
    ) -> None:
        """Set what is left of the day's requests.

        :param now: the server's time.
        :param left: how many; None: there is no quota from now on.
        :param limit: the quota from now on; None: as it was, or the documented one.
        :param resets_in_seconds: when it is full again; None: as it was.
        :raises ValueError: where that is more than the quota, or in the past.
        """
        if limit is None:
            limit = self._limit
        if left is not None and not 0 <= left <= limit:
            raise ValueError(f"left must lie between 0 and the quota of {limit}.")
        if (resets_in_seconds or 0) < 0:
            raise ValueError("resets_in_seconds must be at least 0.")
        self._turn_day(now)
        self._quota, self._today = None, 0
        if left is not None:
            self._quota, self._today = limit, limit - left
        if resets_in_seconds is not None:
            # What is told has no fractions: who comes at that second is served.
            self._reset_at(math.ceil(now + resets_in_seconds))

    def enter(self, company_id: str, now: float) -> Reply | None:
        """Take one of the company's places; 429 when none is free."""
        most = self._settings.concurrency
        if most is not None and self._running[company_id] >= most:
            return self._refuse(now, 1)
        self._running[company_id] += 1
        return None

    def leave(self, company_id: str) -> None:
        """Give a place back."""
        self._running[company_id] -= 1

    def _turn_day(self, now: float) -> None:
        if now >= self._resets_at:
            self._today = 0
            self._reset_at((int(now // _DAY) + 1) * _DAY)

    def _reset_at(self, until: int) -> None:
        self._resets_at = until
        self._reset_text = f"{moment(until):%Y-%m-%dT%H:%M:%SZ}"

    def _refuse(self, now: float, wait_seconds: float) -> Reply:
        return too_many(now, wait_seconds, self._settings.retry_after_format)
