"""The laws of what a person is told whose webhooks are refused."""

import json

import pytest
from webhook_signing import OTHER, SECRET, signed

from airflow_provider_codat.api.webhooks.diagnosis import diagnosed

EVENT = {"eventType": "customers.write.successful", "payload": {"name": "Füllhorn"}}
COMPACT = json.dumps(EVENT, separators=(",", ":"), ensure_ascii=False).encode()


def said(headers: dict[str, str], body: bytes, *secrets: str, late: float = 0.0) -> str:
    now = float(headers.get("webhook-timestamp") or 0.0) + late
    right, lines = diagnosed(headers, body, secrets or (SECRET,), now)
    return f"{right}: {'; '.join(lines)}"


def test_right() -> None:
    """Which secret has signed is said, and not the secret."""
    words = said(signed(COMPACT), COMPACT, OTHER, SECRET)
    assert words.startswith("True: Secret 2 of 2 has signed this body")
    assert SECRET not in words


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        (COMPACT + b"\n", "without what stands around it"),
        (b"\xef\xbb\xbf" + COMPACT, "without what stands around it"),
        (json.dumps(EVENT).encode(), "its JSON written otherwise"),
        (json.dumps(EVENT, indent=2).encode(), "its JSON written otherwise"),
    ],
)
def test_changed_by_a_proxy(changed: bytes, why: str) -> None:
    """A body that was changed on its way is known for that, and how."""
    words = said(signed(COMPACT), changed)
    assert words.startswith("False: Secret 1 of 1")
    assert why in words
    assert "proxy" in words


def test_other_line_ends() -> None:
    """A body whose line ends a tool has changed is known for that."""
    body = json.dumps(EVENT, indent=1).encode() + b"\n."
    words = said(signed(body), body.replace(b"\n", b"\r\n"))
    assert "other line ends" in words


@pytest.mark.parametrize("late", [412.0, -412.0])
def test_clocks(late: float) -> None:
    """A webhook that is rightly signed and too old, or too young, says by how much."""
    words = said(signed(COMPACT), COMPACT, late=late)
    assert words.startswith("False")
    assert "412 s" in words
    assert "NTP" in words


def test_another_secret() -> None:
    """Where no secret has signed anything like it, it may be another endpoint's."""
    words = said(signed(COMPACT, OTHER), COMPACT)
    assert "another endpoint" in words


@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe", b"[" * 100_000, b'["\\ud800"]', b"9" * 5000]
)
def test_bodies_that_are_none(body: bytes) -> None:
    """A body that is no text, or no JSON, is told apart like any other."""
    assert "another endpoint" in said(signed(COMPACT), body)


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({}, "a header is missing"),
        ({**signed(), "webhook-timestamp": "soon"}, "no number of seconds"),
        ({**signed(), "webhook-timestamp": "1e300"}, "no number of seconds"),
    ],
)
def test_headers(headers: dict[str, str], why: str) -> None:
    """Headers that are missing, or none, are named."""
    right, lines = diagnosed(headers, COMPACT, [SECRET], 0.0)
    assert not right
    assert why in lines[0]
