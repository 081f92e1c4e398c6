"""The laws of when the list is asked for."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_codat.api.bulk.polling import PollSchedule

moments = st.floats(0, 1e6)


def due(schedule: PollSchedule) -> float:
    assert schedule.due_at is not None
    return schedule.due_at


def test_nothing_to_look_for() -> None:
    """As long as nothing was accepted, the list is not asked for."""
    schedule = PollSchedule(30.0)
    assert schedule.due_at is None
    schedule.many_are_waiting(5.0)
    assert schedule.due_at is None


@given(st.lists(st.floats(0, 10), min_size=1, max_size=20), st.floats(1, 60))
def test_looks_grow_rarer(gaps: list[float], longest: float) -> None:
    """The first look is due after two seconds; each wait is half as long again.

    None is longer than the interval, and what is accepted meanwhile changes nothing.
    """
    schedule = PollSchedule(longest)
    schedule.accepted(100.0)
    waits = [due(schedule) - 100.0]
    for gap in gaps:
        now = due(schedule) + gap
        schedule.accepted(now)
        schedule.polled(now)
        waits.append(due(schedule) - now)
    assert waits[0] == pytest.approx(min(2.0, longest))
    for before, after in itertools.pairwise(waits):
        assert after == pytest.approx(min(longest, before * 1.5), abs=1e-6)


@given(st.lists(st.floats(0.0, 200.0), max_size=30), st.floats(1, 60))
def test_the_last_ones(took: list[float], longest: float) -> None:
    """Once all was sent, a look is due when most of the others would have ended.

    It is never later than the interval after the last one was accepted, and never later
    than the slowest of the others took.
    """
    schedule = PollSchedule(longest)
    schedule.accepted(100.0)
    for seconds in took:
        schedule.took(seconds)
    schedule.all_sent(100.0)
    wait = due(schedule) - 100.0
    assert 0.0 < wait <= min(longest, max([0.5, *took] if took else [2.0])) + 0.2
    ended = [seconds <= wait for seconds in took]
    assert sum(ended) >= 0.85 * len(took) or wait >= longest


def test_all_sent_is_said_once() -> None:
    """That all was sent changes the schedule once; then looks grow rarer again."""
    schedule = PollSchedule(30.0)
    schedule.accepted(100.0)
    schedule.all_sent(100.0)
    schedule.polled(110.0)
    before = due(schedule)
    schedule.all_sent(110.0)
    assert due(schedule) == before > 110.0


def test_many_that_wait_are_looked_at_sooner() -> None:
    """When many wait, a look is due as soon as others usually have ended."""
    schedule = PollSchedule(30.0)
    schedule.accepted(100.0)
    for _ in range(20):
        schedule.polled(100.0)
    assert due(schedule) == 130.0
    schedule.took(4.0)
    schedule.many_are_waiting(101.0)
    assert due(schedule) == 104.0
    schedule.many_are_waiting(120.0)
    assert due(schedule) == 104.0


def test_odd_durations() -> None:
    """A duration below zero, from clocks that differ, makes no look due in the past."""
    schedule = PollSchedule(30.0)
    schedule.accepted(100.0)
    schedule.took(-50.0)
    schedule.all_sent(100.0)
    assert due(schedule) >= 100.0
