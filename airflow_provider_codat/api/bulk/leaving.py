"""When a batch need not hold a worker: it only waits, and for long."""

import math

from airflow_provider_codat.api.bulk.plan import Away
from airflow_provider_codat.api.bulk.polling import Settling
from airflow_provider_codat.api.bulk.scheduler import Crowd
from airflow_provider_codat.api.http.exchange import Patience

_SHORT_SECONDS = 10.0
"""What is not worth leaving a worker for."""


def away(
    crowd: Crowd,
    settling: Settling,
    patience: Patience,
    latest_at: float,
) -> Away | None:
    """Return when to come back to a batch of which all was sent.

    :param latest_at: epoch seconds: when the latest push operation was accepted, or the
        try began.
    """
    if crowd.under_way or crowd.consulting:
        return None
    now = patience.clock()
    wakes_at = crowd.wakes_at or math.inf
    keys, since = settling.newest()
    if not keys:
        return Away(wakes_at) if wakes_at - now > _SHORT_SECONDS else None
    if now - latest_at < _SHORT_SECONDS:
        # Most push operations take no longer.
        return None
    return Away(min(wakes_at, settling.deadline()), keys, since)
