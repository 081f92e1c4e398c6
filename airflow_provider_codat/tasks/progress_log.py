"""How far a batch is, in the task's log, now and then."""

import time
from collections.abc import Callable

from airflow_provider_codat.api.bulk.batch import Batch
from airflow_provider_codat.api.http.quota import quota_of

_EVERY_SECONDS = 30.0


class ProgressLog:
    """Writes a line every 30 seconds.

    :param log: writes a line.
    :param total: how many rows can be sent.
    """

    def __init__(self, log: Callable[..., None], total: int) -> None:
        self._log = log
        self._total = total
        self._next_at = time.monotonic() + _EVERY_SECONDS
        self._before = 0

    def __call__(self, batch: Batch) -> None:
        """Write a line, if it is time."""
        now = time.monotonic()
        if now < self._next_at:
            return
        self._next_at = now + _EVERY_SECONDS
        ended = batch.counts.ended
        done = sum(ended.values())
        per_minute = (done - self._before) * 60.0 / _EVERY_SECONDS
        self._before = done
        left = self._total - done
        self._log(
            "%d of %d rows done, %d of them in the books, %d failed, %d under way; "
            "%.0f rows a minute, %s left; quota left: %s",
            done,
            self._total,
            ended.get("Success", 0),
            done - ended.get("Success", 0) - ended.get("Pending", 0),
            batch.open,
            per_minute,
            f"about {left / per_minute:.0f} min" if per_minute else "unknown time",
            _quota(batch),
        )


def _quota(batch: Batch) -> str:
    latest = batch.crowd.latest
    return str((latest and quota_of(latest)) or "not known")
