"""What arrived, in numbers: cheap enough to count a hundred thousand requests."""

from collections import Counter, defaultdict, deque

from airflow_provider_codat.simulator.clock import utc_text

_WINDOW_SECONDS = 60
_TOO_MANY_REQUESTS = 429


class _Window:
    """The most requests that fell into any 60 seconds."""

    def __init__(self) -> None:
        self._times: deque[float] = deque()
        self.most = 0

    def note(self, now: float) -> None:
        times = self._times
        times.append(now)
        while times[0] <= now - _WINDOW_SECONDS:
            times.popleft()
        self.most = max(self.most, len(times))


class TrafficMeter:
    """Count requests as they come and go, without keeping them."""

    def __init__(self) -> None:
        self._running = 0
        self.reset()

    def reset(self) -> None:
        """Count anew; what is still running is running still."""
        self._first_at: float | None = None
        self._last_at: float | None = None
        self._requests = 0
        self._refused = 0
        self._most_at_a_time = self._running
        self._window = _Window()
        self._by_address: defaultdict[str, _Window] = defaultdict(_Window)
        self._by_route: Counter[str] = Counter()
        self._each_minute: Counter[int] = Counter()

    def begin(self, now: float, address: str, route: str | None) -> None:
        """Count a request that has arrived.

        :param now: the server's time.
        :param address: the client's IP address.
        :param route: its route; None: an unknown one.
        """
        if self._first_at is None:
            self._first_at = now
        self._last_at = now
        self._requests += 1
        self._running += 1
        self._most_at_a_time = max(self._most_at_a_time, self._running)
        self._window.note(now)
        self._by_address[address].note(now)
        self._by_route[route or ""] += 1
        self._each_minute[int((now - self._first_at) // _WINDOW_SECONDS)] += 1

    def end(self, status: int | None) -> None:
        """Count the answer to a request that has begun.

        :param status: of the answer; None: there was none.
        """
        self._running -= 1
        self._refused += status == _TOO_MANY_REQUESTS

    def view(self) -> dict[str, object]:
        """Return the numbers as plain data."""
        minutes = max(self._each_minute, default=-1) + 1
        return {
            "first_at": None if self._first_at is None else utc_text(self._first_at),
            "last_at": None if self._last_at is None else utc_text(self._last_at),
            "requests": self._requests,
            "refused": self._refused,
            "most_at_a_time": self._most_at_a_time,
            "most_in_a_minute": self._window.most,
            "most_in_a_minute_by_address": {
                address: window.most for address, window in self._by_address.items()
            },
            "by_route": dict(self._by_route),
            "each_minute": [self._each_minute[at] for at in range(minutes)],
        }
