"""When the list is asked for: seldom while rows are sent, soon when all have been."""

import statistics
from collections import deque

from airflow_provider_codat.api.create.settle import FIRST_POLL_SECONDS

_SLOWER = 1.5
_REMEMBERED = 200
_MARGIN_SECONDS = 0.3
_LEAST_SECONDS = 0.5


class Rhythm:
    """The moments at which push operations are looked for.

    Every look costs a request. While rows are still being sent, looks only tell how it
    goes; after the last one, the first look comes when nearly all can have ended, by
    how long others took.

    :param longest_seconds: between two looks.
    :ivar looked_at: epoch seconds: when the list was read for the last time.
    """

    def __init__(self, longest_seconds: float) -> None:
        self._longest = longest_seconds
        self._seconds = min(FIRST_POLL_SECONDS, longest_seconds)
        self._took: deque[float] = deque(maxlen=_REMEMBERED)
        self._latest = 0.0
        self.looked_at = 0.0
        self._all_sent = False
        self.due_at: float | None = None

    def accepted(self, now: float) -> None:
        """Note that Codat has accepted one more; epoch seconds."""
        self._latest = now
        if self.due_at is None:
            self.due_at = now + self._seconds

    def took(self, seconds: float) -> None:
        """Note how long a push operation took, by Codat's clock."""
        self._took.append(max(0.0, seconds))

    def crowded(self, now: float) -> None:
        """Note that many wait; those that have ended by now are to be let go."""
        if self.due_at is not None and self._took:
            self.due_at = min(self.due_at, max(now, self.looked_at + self._usual()))

    def looked(self, now: float) -> None:
        """Note that the list was read; the next look comes later."""
        self.looked_at = now
        self._seconds = min(self._longest, self._seconds * _SLOWER)
        self.due_at = now + self._seconds

    def all_sent(self, now: float) -> None:
        """Note that nothing more is sent: from here on, looks are for the last ones."""
        if self._all_sent:
            return
        self._all_sent = True
        usual = self._usual()
        self._seconds = min(self._longest, max(1.0, usual / 2))
        self.due_at = max(now, self._latest + usual + _MARGIN_SECONDS)

    def _usual(self) -> float:
        """Return how long push operations take, as far as is known."""
        usual = statistics.median(self._took) if self._took else FIRST_POLL_SECONDS
        return min(self._longest, max(_LEAST_SECONDS, usual))
