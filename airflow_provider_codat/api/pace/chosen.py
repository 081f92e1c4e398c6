"""Which pace a connection asks for: one of its own, a share, or one with others."""

from dataclasses import replace

from airflow_provider_codat.api.connection.settings import Settings
from airflow_provider_codat.api.pace.rate_limit import WINDOW_SECONDS, Pace


def pace_of(settings: Settings) -> Pace:
    """Return the pace that a connection asks for.

    :raises SettingsInvalid: when it is to be shared, and cannot be.
    """
    if settings.shared_pace_url is None:
        return _own_pace(settings)
    # Here: its libraries are an extra.
    from airflow_provider_codat.api.pace.shared_redis import SharedPace  # noqa: PLC0415 - see above

    alone = replace(settings, pool_slots=settings.pool_slots or _MANY)
    return SharedPace(settings, _own_pace(alone))


def _own_pace(settings: Settings) -> Pace:
    """Return the pace of one process: the whole, or its share of it.

    A share is used evenly, about a second's at a time: so a try that follows another
    one, or a trigger that follows its task, has no second share of the same minute.
    """
    if settings.pool_slots is None:
        return Pace(settings.requests_per_minute)
    share = settings.share_of(settings.requests_per_minute)
    burst = max(1, int(share / WINDOW_SECONDS))
    return Pace(burst, burst * WINDOW_SECONDS / share)


_MANY = 10
"""How many tasks may be at work at a time, where nobody says."""
