"""One pace for all processes that name the same Redis.

The counting is that of the library ``limits``. Redis holds no payload and no key: when
requests were sent, for which company, and until when Codat wants to be let alone.
"""

import hashlib
import logging
import math
import random
import time
from collections import defaultdict, deque
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlsplit

from airflow_provider_codat.api.connection.settings import Settings
from airflow_provider_codat.api.errors import SettingsInvalid
from airflow_provider_codat.api.pace.rate_limit import WINDOW_SECONDS, Pace

try:
    from limits import RateLimitItemPerSecond
    from limits.errors import ConfigurationError, StorageError
    from limits.storage import RedisStorage, storage_from_string
    from limits.strategies import MovingWindowRateLimiter
    from redis.backoff import NoBackoff
    from redis.retry import Retry
except ImportError as error:
    raise SettingsInvalid(
        "shared_pace_url needs libraries that are not installed: "
        "pip install 'airflow-provider-codat[shared-pace]'"
    ) from error

log = logging.getLogger(__name__)

_AT_A_TIME = 10
"""How many requests Codat takes at a time for one company."""

_ABSENT_SECONDS = 30.0
"""How long a Redis that does not answer is not asked again."""

_REDIS_SECONDS = 2.0
"""How long Redis may take for an answer."""

_LONGEST_HOLD_SECONDS = 86_400
"""Codat's longest limit is that of a day."""

_FOR_EVER_SECONDS = 10 * 365 * 86_400

_SHORTEST_WINDOW_SECONDS = 4
_LEAST_USED = 0.995


class SharedPace(Pace):
    """One window for all requests to one Codat, and ten at a time for each company.

    Whoever waits asks again at a moment of his own, so that nobody is always late. What
    a process that was killed has held is free again after the time of one request.

    :param own: the pace of this process while Redis does not answer, and in the first
        minute of one that has forgotten what was sent.
    :param dice: gives a number from 0 up to 1.
    :raises SettingsInvalid: when the URL is none of a Redis.
    """

    def __init__(
        self,
        settings: Settings,
        own: Pace,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._own = own
        self._dice = dice
        self._storage = _storage(settings.shared_pace_url or "")
        self._limiter = MovingWindowRateLimiter(self._storage)
        self._host = urlsplit(settings.base_url).netloc
        self._window = _window(settings.requests_per_minute)
        self._born = f"codat/born/{self._host}"
        # A day's requests are counted by client, and not by address.
        client = hashlib.sha256(settings.credential.header.encode()).hexdigest()[:12]
        self._hold = f"codat/hold/{self._host}/{client}"
        allowed = settings.connect_timeout_seconds + settings.read_timeout_seconds
        self._slot_seconds = math.ceil(allowed)
        self._held: defaultdict[str, deque[tuple[str, float]]] = defaultdict(deque)
        self._absent_until = 0.0

    def acquire(self, company_id: str, now: float) -> float:
        """Take the next send, and return 0; or return how long to wait for it."""
        if now >= self._absent_until:
            try:
                return self._acquire(company_id, now)
            except StorageError as error:
                self._miss(now, error)
        return self._own.acquire(company_id, now)

    def release(self, company_id: str, limited_seconds: float) -> None:
        """Give back what was taken for a request; hold all back where Codat says so."""
        try:
            if limited_seconds > 0:
                self._hold_back(limited_seconds)
            if held := self._held[company_id]:
                # The oldest: what is left then outlasts what is still under way.
                slot, taken_at = held.popleft()
                if time.monotonic() < taken_at + self._slot_seconds:
                    self._storage.clear(slot)
        except StorageError as error:
            self._miss(time.time(), error)

    def _acquire(self, company_id: str, now: float) -> float:
        held_back = self._left(self._hold)
        if held_back > 0:
            return held_back + self._dice()
        if company_id and not self._take_slot(company_id):
            return self._soon()
        if (seconds := self._take_send(company_id, now)) > 0:
            self.release(company_id, 0.0)
        return seconds

    def _take_send(self, company_id: str, now: float) -> float:
        """Take a send of the window that all share."""
        if self._is_young():
            # What was sent before is forgotten: nobody may have more than a share.
            seconds = self._own.acquire(company_id, now)
            if seconds <= 0:
                self._limiter.hit(self._window, self._host)
            return seconds
        if self._limiter.hit(self._window, self._host):
            self._own.note(now)
            return 0.0
        opens_at, _ = self._limiter.get_window_stats(self._window, self._host)
        return max(0.0, opens_at - time.time()) + self._soon()

    def _soon(self) -> float:
        """Return when to ask again, at a moment of one's own."""
        return _SOON_SECONDS * (0.2 + 0.8 * self._dice())

    def _is_young(self) -> bool:
        """Whether Redis has known of the sends for less than a window."""
        left = self._left(self._born)
        if left <= 0:
            self._storage.incr(self._born, _FOR_EVER_SECONDS)
        return not 0 < left < _FOR_EVER_SECONDS - WINDOW_SECONDS

    def _left(self, key: str) -> float:
        """Return for how many seconds more Redis keeps a key; at most 0: not at all."""
        return self._storage.get_expiry(key) - time.time()

    def _take_slot(self, company_id: str) -> bool:
        """Take one of the company's slots that is free, if there is one."""
        first = int(_AT_A_TIME * self._dice())
        for number in range(first, first + _AT_A_TIME):
            slot = f"codat/slot/{self._host}/{company_id}/{number % _AT_A_TIME}"
            # It is gone by itself after the time of this request.
            if self._storage.incr(slot, self._slot_seconds) == 1:
                self._held[company_id].append((slot, time.monotonic()))
                return True
        return False

    def _hold_back(self, seconds: float) -> None:
        """Let nobody send, unless that was said already for longer."""
        wanted = min(math.ceil(seconds), _LONGEST_HOLD_SECONDS)
        if self._left(self._hold) < wanted:
            self._storage.clear(self._hold)
            self._storage.incr(self._hold, wanted)

    def _miss(self, now: float, error: StorageError) -> None:
        """Do without Redis for a while."""
        self._absent_until = now + _ABSENT_SECONDS
        log.warning(
            "shared_pace_url: Redis does not answer (%s): for %.0f s this process "
            "keeps to a share of its own",
            type(error.storage_error).__name__,
            _ABSENT_SECONDS,
        )


_SOON_SECONDS = 0.05


def _window(requests_per_minute: int) -> RateLimitItemPerSecond:
    """Return a short window that comes to so many requests a minute.

    Short, so that what is sent before Redis is lost and after it do not come to more
    than a minute's; as short as the whole numbers allow that a window has.
    """
    for seconds in range(_SHORTEST_WINDOW_SECONDS, int(WINDOW_SECONDS)):
        exact = requests_per_minute * seconds / WINDOW_SECONDS
        if int(exact) >= _LEAST_USED * exact:
            return RateLimitItemPerSecond(int(exact), seconds, namespace="codat")
    return RateLimitItemPerSecond(
        requests_per_minute, int(WINDOW_SECONDS), namespace="codat"
    )


def _storage(url: str) -> RedisStorage:
    """Return the Redis at a URL; it is not asked yet.

    :raises SettingsInvalid: when it is none.
    """
    options: dict[str, Any] = {
        "socket_timeout": _REDIS_SECONDS,
        "socket_connect_timeout": _REDIS_SECONDS,
        # A share of one's own is better than a wait.
        "retry": Retry(NoBackoff(), 0),
    }
    try:
        storage = storage_from_string(url, wrap_exceptions=True, **options)
    except (ConfigurationError, ValueError):
        raise SettingsInvalid(
            "shared_pace_url cannot be used: it has the form "
            "redis://user:password@host:6379/0, or rediss:// for TLS"
        ) from None
    return cast("RedisStorage", storage)
