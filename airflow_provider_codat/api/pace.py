"""How fast Codat may be asked: so many requests in any 60 seconds.

Codat counts 1,000 requests a minute per address and may block without warning.
Source: https://docs.codat.io/using-the-api/rate-limits
"""

from collections import deque

WINDOW_SECONDS = 60.0


class Pace:
    """The log of the latest sends. It decides; it does not sleep.

    :param requests_per_minute: how many sends any 60 seconds may hold.
    """

    def __init__(self, requests_per_minute: int) -> None:
        self._most = requests_per_minute
        self._sent_at: deque[float] = deque(maxlen=requests_per_minute)

    def wait_seconds(self, now: float) -> float:
        """Return how long the next send has to wait.

        :param now: seconds, of the same clock as in :meth:`sent`.
        """
        if len(self._sent_at) < self._most:
            return 0.0
        # A clock that is set back holds nothing up for longer than the window.
        left = self._sent_at[0] + WINDOW_SECONDS - now
        return min(WINDOW_SECONDS, max(0.0, left))

    def sent(self, now: float) -> None:
        """Note a send."""
        self._sent_at.append(now)
