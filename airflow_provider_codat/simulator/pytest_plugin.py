"""A pytest fixture; load it with ``-p`` or name it in ``pytest_plugins``."""

from collections.abc import Iterator

import pytest

from airflow_provider_codat.simulator.local import LocalCodat


@pytest.fixture
def local_codat() -> Iterator[LocalCodat]:
    """Serve a fresh Codat for one test; operations settle after 0.05 seconds."""
    with LocalCodat(settle_seconds=0.05) as codat:
        yield codat
