"""The laws of what is left of the day."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_codat.api.http.quota import (
    Quota,
    moment,
    overhead,
    quota_of,
    requests_for,
)
from airflow_provider_codat.api.http.request import Response

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC).timestamp()
MIDNIGHT = datetime(2026, 3, 3, tzinfo=UTC).timestamp()
LEFT, RESET = "x-rate-limit-remaining", "x-rate-limit-reset"


def answer(headers: dict[str, str]) -> Response:
    return Response(200, headers, b"", NOON)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param({LEFT: "1940"}, Quota(1940, MIDNIGHT), id="no reset: midnight"),
        pytest.param({LEFT: " 0 "}, Quota(0, MIDNIGHT), id="nothing left"),
        pytest.param(
            {LEFT: "7", RESET: "2026-03-02T15:00:00Z"},
            Quota(7, NOON + 3 * 3600),
            id="a moment",
        ),
        pytest.param(
            {LEFT: "7", RESET: "2026-03-02T15:00:00.0000000"},
            Quota(7, NOON + 3 * 3600),
            id="a moment without a zone is UTC",
        ),
        pytest.param({LEFT: "7", RESET: "soon"}, Quota(7, MIDNIGHT), id="words"),
        pytest.param({LEFT: "7", RESET: ""}, Quota(7, MIDNIGHT), id="empty"),
        pytest.param({}, None, id="no headers"),
        pytest.param({RESET: "2026-03-02T15:00:00Z"}, None, id="a reset alone"),
        pytest.param({LEFT: "many"}, None, id="no number"),
        pytest.param({LEFT: "-1"}, None, id="below zero"),
        pytest.param({LEFT: "1.5"}, None, id="a fraction"),
        pytest.param({LEFT: "٣"}, None, id="foreign digits"),
    ],
)
def test_headers(headers: dict[str, str], expected: Quota | None) -> None:
    """What the headers say is taken; what cannot be read says nothing.

    A quota whose renewal is not told is renewed when the day ends in UTC.
    """
    assert quota_of(answer(headers)) == expected


@given(st.text(), st.text())
def test_any_headers(left: str, reset: str) -> None:
    """Whatever stands in the headers, reading them breaks nothing."""
    quota = quota_of(answer({LEFT: left, RESET: reset}))
    assert quota is None or quota.left >= 0


def test_in_words() -> None:
    """A quota reads as what is left, and until when."""
    assert str(Quota(1940, MIDNIGHT)) == "1,940 until 2026-03-03 00:00 UTC"
    assert moment(NOON) == "2026-03-02 12:00 UTC"


@given(st.integers(0, 100_000))
def test_requests_for_rows(rows: int) -> None:
    """Rows take a request each, and a few more; nothing takes none."""
    assert requests_for(rows) == rows + overhead(rows)
    assert requests_for(0) == 0
    assert overhead(rows) <= 8 + rows / 100
    assert not rows or overhead(rows) >= 8
