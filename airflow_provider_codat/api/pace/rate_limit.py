"""How fast Codat may be asked: so many requests in any 60 seconds.

Codat counts 1,000 requests a minute per address and may block without warning.
Source: https://docs.codat.io/using-the-api/rate-limits
"""

from collections import deque

WINDOW_SECONDS = 61.0
"""A second more than a minute: requests do not arrive as evenly as they are sent."""


class Pace:
    """Says when the next request may go out. It decides; it does not sleep.

    This one is of one process, and knows its latest sends.

    :param requests: how many sends any window may hold.
    """

    def __init__(self, requests: int, window_seconds: float = WINDOW_SECONDS) -> None:
        self._most = requests
        self._seconds = window_seconds
        self._sent_at: deque[float] = deque(maxlen=requests)

    def acquire(self, company_id: str, now: float) -> float:  # noqa: ARG002 - for those that are shared
        """Take the next send, and return 0; or return how long to wait for it.

        What was taken is sent at once.

        :param company_id: whose books are asked for; empty where nobody's are.
        :param now: epoch seconds.
        :return: seconds. More than a window only where Codat asked for it.
        """
        if len(self._sent_at) == self._most:
            # A clock that is set back holds nothing up for longer than the window.
            left = min(self._seconds, self._sent_at[0] + self._seconds - now)
            if left > 0:
                return left
        self.note(now)
        return 0.0

    def note(self, now: float) -> None:
        """Count a send that another pace has allowed."""
        self._sent_at.append(now)

    def release(self, company_id: str, limited_seconds: float) -> None:
        """Note that what was sent is answered.

        :param limited_seconds: for how long Codat does not want to be asked: it said
            429; else 0.
        """
