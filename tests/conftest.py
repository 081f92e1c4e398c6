"""What holds for all tests: one way of drawing examples, on machines of any speed."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

# How long an example takes says what the machine is doing, and nothing of our code.
settings.register_profile(
    "any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any-machine")


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Have Hypothesis make its tables of characters once, before tests draw texts.

    Where it finds none in its folder, the first draw makes them: for seconds, and in
    each of the processes that run tests. Last, as Hypothesis draws nothing earlier.
    """
    if not hasattr(session.config, "workerinput"):
        draw_a_text()


@settings(max_examples=1, database=None)
@given(st.text(min_size=1))
def draw_a_text(_text: str) -> None:
    """Draw, and look at nothing."""
