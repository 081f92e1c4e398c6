"""The memory behind Codat's Idempotency-Key header.

The first reply of a key is kept for 90 minutes and answered again, errors included,
except 429, which releases the key. The same key with another request is 422, and 409
while the first is still running.
"""

import re
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from typing import Literal

from airflow_provider_codat.simulator.replies import Reply, error_reply

KEPT_SECONDS = 90 * 60.0
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def is_guid(value: str) -> bool:
    """Tell whether a text is a GUID in its usual form, with hyphens, unbraced."""
    return _GUID.fullmatch(value) is not None


@dataclass(slots=True)
class Claim:
    """What is known about one key."""

    key: str
    fingerprint: bytes
    claimed_at: float
    reply: Reply | None = None


@dataclass(frozen=True, slots=True)
class Replay:
    """The kept reply of an earlier request."""

    reply: Reply


class IdempotencyCache:
    """Remember the first reply of each key.

    :param scope: what a repeat is compared by: the whole "request" or its "body".
    """

    def __init__(self, scope: Literal["request", "body"]) -> None:
        self._scope = scope
        # In the order of arrival, so that what is too old stands at the front.
        self._claims: OrderedDict[str, Claim] = OrderedDict()

    def fingerprint(self, method: str, target: str, body: bytes) -> bytes:
        """Return what a repeat must equal.

        :param method: HTTP method.
        :param target: path with query.
        :param body: exact bytes.
        """
        head = f"{method} {target}\n".encode() if self._scope == "request" else b""
        return sha256(head + body).digest()

    def claim(self, key: str, fingerprint: bytes, now: float) -> Claim | Replay | Reply:
        """Take a key for a first request, or answer in its place.

        :returns: a Claim to be settled later, the Replay of a kept reply, or the
            refusal, 409 or 422.
        """
        self._forget_old(now)
        key = key.lower()
        known = self._claims.get(key)
        if known is None:
            made = self._claims[key] = Claim(key, fingerprint, now)
            return made
        if known.fingerprint != fingerprint:
            return error_reply(
                422, "The Idempotency-Key was used with another request."
            )
        if known.reply is None:
            return error_reply(
                409, "A request with this Idempotency-Key is still in progress."
            )
        return Replay(known.reply)

    def settle(self, claim: Claim, reply: Reply) -> None:
        """Keep the first reply of a key; 429 releases the key."""
        claim.reply = reply
        # After a reset of the simulator the claim may belong to another life.
        if (
            reply.status == HTTPStatus.TOO_MANY_REQUESTS
            and self._claims.get(claim.key) is claim
        ):
            del self._claims[claim.key]

    def _forget_old(self, now: float) -> None:
        while self._claims:
            oldest = next(iter(self._claims.values()))
            if now - oldest.claimed_at < KEPT_SECONDS:
                return
            self._claims.popitem(last=False)
