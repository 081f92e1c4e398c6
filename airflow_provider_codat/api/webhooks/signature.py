"""Whether a webhook comes from Codat: the signature of Standard Webhooks.

Source: https://docs.codat.io/using-the-api/webhooks/create-consumer and
https://www.standardwebhooks.com
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from airflow_provider_codat.api.errors import Malformed

PREFIXES = ("webhook-", "svix-")
"""How the headers' names begin; Codat documents the first."""

PARTS = ("id", "timestamp", "signature")
_LONGEST = {"id": 256, "timestamp": 32, "signature": 4096}


@dataclass(frozen=True, slots=True)
class Signature:
    """What the headers of a webhook say.

    :param id: of the message: the same each time that it is sent.
    :param timestamp: epoch seconds of this sending, as text.
    :param signature: one or several, with blanks between them.
    """

    id: str
    timestamp: str
    signature: str = field(repr=False)


def signature_of(headers: Mapping[str, str]) -> Signature:
    """Return what the headers say.

    :param headers: by their names in lower case.
    :raises Malformed: when one is missing, or longer than any of Codat's.
    """
    for prefix in PREFIXES:
        found = {part: headers.get(f"{prefix}{part}", "") for part in PARTS}
        if all(found.values()):
            long = [part for part in PARTS if len(found[part]) > _LONGEST[part]]
            if long or not found["id"].isascii() or not found["id"].isprintable():
                raise Malformed("the headers of the signature are none of Codat's")
            return Signature(**found)
    missing = ", ".join(f"{PREFIXES[0]}{part}" for part in PARTS)
    raise Malformed(f"a header is missing: {missing}")


def is_signed(signature: Signature, body: bytes, secrets: Iterable[str]) -> bool:
    """Whether one of the secrets has signed the body, within five minutes of now."""
    headers = {f"webhook-{part}": getattr(signature, part) for part in PARTS}
    return any(_is_signed_by(secret, body, headers) for secret in secrets)


def _is_signed_by(secret: str, body: bytes, headers: dict[str, str]) -> bool:
    try:
        Webhook(secret).verify(body, headers, json_parse=False)
    except (WebhookVerificationError, ValueError, OverflowError):
        # ValueError: a body that is no text, a signature that is no base64.
        return False
    return True
