"""The laws of not being too fast."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_codat.api.http.rate_limit import WINDOW_SECONDS, Pace, Unpaced


@given(
    most=st.integers(1, 5),
    gaps=st.lists(st.floats(0, 90), max_size=40),
)
def test_no_minute_holds_more_sends_than_allowed(most: int, gaps: list[float]) -> None:
    """Whenever requests come up, any 60 seconds hold at most the allowed number."""
    pace, now, sent = Pace(most), 0.0, []
    for gap in gaps:
        now += gap
        now += pace.wait_seconds(now)
        pace.sent(now)
        sent.append(now)
    for first in sent:
        window = [at for at in sent if first <= at < first + WINDOW_SECONDS - 1e-6]
        assert len(window) <= most


@given(st.integers(1, 5), st.floats(0, 59.9))
def test_nobody_waits_without_need(most: int, gap: float) -> None:
    """The allowed number goes at once; the next waits until the minute is over."""
    pace = Pace(most)
    for _ in range(most):
        assert pace.wait_seconds(100.0) == 0.0
        pace.sent(100.0)
    assert pace.wait_seconds(100.0 + gap) == pytest.approx(WINDOW_SECONDS - gap)
    assert pace.wait_seconds(100.0 + WINDOW_SECONDS) == 0.0


def test_a_clock_that_is_set_back_holds_up_for_a_minute_at_most() -> None:
    """However far a clock is set back, no send waits for longer than the window."""
    pace = Pace(1)
    pace.sent(10_000.0)
    assert pace.wait_seconds(0.0) == WINDOW_SECONDS


@given(most=st.integers(1, 6), sent=st.integers(0, 6), about=st.integers(0, 8))
def test_what_is_about_to_be_sent_counts(most: int, sent: int, about: int) -> None:
    """Sends that may go, but are not noted yet, count as if they were."""
    pace = Pace(most)
    for _ in range(min(sent, most)):
        pace.sent(100.0)
    waits = pace.wait_seconds(100.0, about_to_send=about)
    assert (waits > 0) == (min(sent, most) + about >= most)
    assert waits in {0.0, WINDOW_SECONDS}


def test_what_is_about_to_be_sent_waits_for_the_older_ones() -> None:
    """One more fits once so many old sends are a minute old as it needs room for."""
    pace = Pace(3)
    for at in (100.0, 110.0, 120.0):
        pace.sent(at)
    waits = [pace.wait_seconds(130.0, about_to_send=number) for number in range(4)]
    left = [WINDOW_SECONDS - gone for gone in (30, 20, 10, 0)]
    assert waits == pytest.approx(left)


def test_no_pace() -> None:
    """Where somebody else keeps the pace, nothing is held up, however much is sent."""
    pace = Unpaced()
    for _ in range(5):
        assert pace.wait_seconds(100.0, about_to_send=3) == 0.0
        pace.sent(100.0)
