"""The laws of not being too fast."""

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from airflow_provider_codat.api.connection.settings import Settings, read_settings
from airflow_provider_codat.api.pace.chosen import pace_of
from airflow_provider_codat.api.pace.rate_limit import WINDOW_SECONDS, Pace

COMPANY = "8a210b68-6988-11ed-a1eb-0242ac120002"


@given(
    most=st.integers(1, 5),
    gaps=st.lists(st.floats(0, 90), max_size=40),
)
def test_no_minute_holds_more_sends_than_allowed(most: int, gaps: list[float]) -> None:
    """Whenever requests come up, any 60 seconds hold at most the allowed number."""
    pace, now, sent = Pace(most), 0.0, []
    for gap in gaps:
        now += gap
        while (seconds := pace.acquire(COMPANY, now)) > 0:
            now += seconds
        sent.append(now)
    for first in sent:
        window = [at for at in sent if first <= at < first + WINDOW_SECONDS - 1e-6]
        assert len(window) <= most


@given(st.integers(1, 5), st.floats(0, 59.9))
def test_nobody_waits_without_need(most: int, gap: float) -> None:
    """The allowed number goes at once; the next waits until the minute is over."""
    pace = Pace(most)
    for _ in range(most):
        assert pace.acquire(COMPANY, 100.0) == 0.0
    assert pace.acquire(COMPANY, 100.0 + gap) == pytest.approx(WINDOW_SECONDS - gap)
    assert pace.acquire(COMPANY, 100.0 + WINDOW_SECONDS) == 0.0


def test_a_clock_that_is_set_back_holds_up_for_a_minute_at_most() -> None:
    """However far a clock is set back, no send waits for longer than the window."""
    pace = Pace(1)
    assert pace.acquire(COMPANY, 10_000.0) == 0.0
    assert pace.acquire(COMPANY, 0.0) == WINDOW_SECONDS


def settings(**overrides: object) -> Settings:
    read, _ = read_settings(
        host=None,
        schema=None,
        port=None,
        password="key",
        extra={},
        overrides=overrides,
    )
    return read


@hypothesis_settings(max_examples=20)
@given(
    per_minute=st.integers(10, 1000),
    pool=st.integers(1, 10),
    gaps=st.lists(st.floats(0, 3), min_size=90, max_size=90),
)
def test_tasks_that_fill_a_pool_share_the_minute(
    per_minute: int, pool: int, gaps: list[float]
) -> None:
    """Any 60 seconds of all tasks that a pool holds have no more than its minute.

    Also where one of them follows another one that ended a moment ago.
    """
    sent = []
    for _ in range(pool):
        now = 0.0
        for number, gap in enumerate(gaps):
            if number % 30 == 0:
                pace = pace_of(
                    settings(requests_per_minute=per_minute, pool_slots=pool)
                )
            now += gap if number % 7 == 0 else 0.0
            while (seconds := pace.acquire(COMPANY, now)) > 0:
                now += seconds
            sent.append(now)
    sent.sort()
    followed = 2 * pool * max(1, per_minute // pool // 61)
    for first in sent[::10]:
        window = [at for at in sent if first <= at < first + 60]
        assert len(window) <= per_minute + followed


@pytest.mark.parametrize(
    ("slots", "seconds"), [(1, 61 / 15), (2, 61 / 30), (4, 61 / 60), (9, 61 / 60)]
)
def test_a_share_is_that_of_the_slots(slots: int, seconds: float) -> None:
    """Who takes s of a pool's n slots takes s/n of the minute, and no more than all."""
    pace = pace_of(settings(requests_per_minute=60, pool_slots=4, task_slots=slots))
    assert pace.acquire(COMPANY, 100.0) == 0.0
    assert pace.acquire(COMPANY, 100.0) == pytest.approx(seconds)


@given(slots=st.integers(1, 1000))
def test_the_smallest_share_is_one(slots: int) -> None:
    """A pool of as many slots as requests leaves one to each, whatever their number."""
    pace = pace_of(settings(requests_per_minute=slots, pool_slots=slots))
    assert pace.acquire(COMPANY, 100.0) == 0.0
    assert pace.acquire(COMPANY, 100.0) == pytest.approx(WINDOW_SECONDS)
