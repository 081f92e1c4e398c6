"""How fast Codat may be asked: so many requests in any 60 seconds.

Codat counts 1,000 requests a minute per address and may block without warning.
Source: https://docs.codat.io/using-the-api/rate-limits
"""

from collections import deque

WINDOW_SECONDS = 61.0
"""A second more than a minute: requests do not arrive as evenly as they are sent."""


class Pace:
    """The log of the latest sends. It decides; it does not sleep.

    :param requests_per_minute: how many sends any 60 seconds may hold.
    """

    def __init__(self, requests_per_minute: int) -> None:
        self._most = requests_per_minute
        self._sent_at: deque[float] = deque(maxlen=requests_per_minute)

    def wait_seconds(self, now: float, *, about_to_send: int = 0) -> float:
        """Return how long the next send has to wait.

        :param now: seconds, of the same clock as in :meth:`sent`.
        :param about_to_send: how many may go, but are not noted yet.
        """
        # The send that has to be a minute old before one more fits.
        oldest = len(self._sent_at) + about_to_send - self._most
        if oldest < 0:
            return 0.0
        if oldest >= len(self._sent_at):
            return WINDOW_SECONDS
        # A clock that is set back holds nothing up for longer than the window.
        left = self._sent_at[oldest] + WINDOW_SECONDS - now
        return min(WINDOW_SECONDS, max(0.0, left))

    def sent(self, now: float) -> None:
        """Note a send."""
        self._sent_at.append(now)


class Unpaced(Pace):
    """No pace of its own: whoever sends keeps one for many conversations."""

    def __init__(self) -> None:
        super().__init__(1)

    def wait_seconds(self, now: float, *, about_to_send: int = 0) -> float:  # noqa: ARG002 - as in Pace
        """Let it go at once."""
        return 0.0

    def sent(self, now: float) -> None:
        """Note nothing."""
