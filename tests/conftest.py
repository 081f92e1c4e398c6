"""What holds for all tests: one way of drawing examples, on machines of any speed."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SCRIPTS = Path(__file__).parents[1] / "scripts"

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


@pytest.fixture(scope="session")
def servers() -> Iterator[Callable[[str], Any]]:
    """Start a database server once; skip the test where it is not installed."""
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.syspath_prepend(str(SCRIPTS))
        import local_databases  # noqa: PLC0415 - found by the line above

        started: dict[str, Any] = {}

        def server(kind: str) -> Any:  # noqa: ANN401 - scripts/local_databases.py
            if kind not in started:
                try:
                    runs = getattr(local_databases, kind)()
                    started[kind] = stack.enter_context(runs)
                except local_databases.NotInstalled as error:
                    pytest.skip(str(error))
            return started[kind]

        yield server
