"""Why a webhook is refused: for a person who has it, and the secrets."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime

from standardwebhooks.webhooks import Webhook

from airflow_provider_codat.api.errors import Malformed
from airflow_provider_codat.api.webhooks.signature import Signature, signature_of

TOLERANCE_SECONDS = 300
"""How far the clocks of Codat and of the receiver may be apart."""


def diagnosed(
    headers: Mapping[str, str], body: bytes, secrets: Iterable[str], now: float
) -> tuple[bool, list[str]]:
    """Return whether the signature is right, and what there is to say of it.

    :param headers: by their names in lower case.
    :param now: epoch seconds at which it arrived.
    """
    try:
        signature = signature_of(headers)
        sent_at = datetime.fromtimestamp(float(signature.timestamp), UTC)
    except Malformed as error:
        return False, [f"{error}; a proxy must hand them on"]
    except (ValueError, OverflowError):
        return False, ["webhook-timestamp is no number of seconds since 1970"]
    listed = list(enumerate(secrets, 1))
    for words, variant in _variants(body):
        for number, secret in listed:
            if _has_signed(secret, signature, variant, sent_at):
                whose = f"Secret {number} of {len(listed)} has signed"
                if words:
                    return False, [_changed(whose, words)]
                right, age = _age(sent_at, now)
                return right, [f"{whose} this body", age]
    none = (
        f"None of the {len(listed)} secrets has signed this body. Either they are of "
        "another endpoint (Codat's Portal shows each endpoint's own), or body or "
        "webhook-id are not as Codat has sent them"
    )
    return False, [none]


def _changed(whose: str, words: str) -> str:
    return (
        f"{whose} this body {words}: it has been changed since. A proxy before Airflow "
        "must hand the body on byte by byte; so must what saved the file"
    )


def _age(sent_at: datetime, now: float) -> tuple[bool, str]:
    """Return whether a webhook is young enough, and how old it is."""
    seconds = now - sent_at.timestamp()
    where = "before" if seconds >= 0 else "after"
    words = f"It was sent {abs(seconds):,.0f} s {where} it arrived here"
    if abs(seconds) <= TOLERANCE_SECONDS:
        return True, words
    return False, (
        f"{words}; the receiver takes it within {TOLERANCE_SECONDS} s. If it was that "
        "late when it came, set the clock of the API server's machine (NTP); one that "
        "was saved grows old, and --arrived-at says when it came"
    )


def _has_signed(
    secret: str, signature: Signature, body: bytes, sent_at: datetime
) -> bool:
    try:
        right = Webhook(secret).sign(signature.id, sent_at, body.decode())
    except ValueError:
        return False
    return right in signature.signature.split(" ")


def _variants(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the body, and what it may have been before it was changed."""
    yield "", body
    yield "without what stands around it", body.removeprefix(b"\xef\xbb\xbf").strip()
    yield "with other line ends", body.replace(b"\r\n", b"\n")
    yield "with other line ends", body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    # ValueError: it is no JSON, or holds what is no text.
    with suppress(ValueError, RecursionError):
        value = json.loads(body)
        for written in _WRITERS:
            yield "with its JSON written otherwise", written(value).encode()


_WRITERS: tuple[Callable[[object], str], ...] = (
    lambda value: json.dumps(value, separators=(",", ":"), ensure_ascii=False),
    lambda value: json.dumps(value, separators=(",", ":")),
    lambda value: json.dumps(value, ensure_ascii=False),
    json.dumps,
    lambda value: json.dumps(value, indent=2, ensure_ascii=False),
)
