"""One record that is wanted in the books, and what Codat made of it."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from airflow_provider_codat.api.models import (
    DataType,
    Destination,
    Json,
    PushOperation,
)
from airflow_provider_codat.api.payload import canonical
from airflow_provider_codat.api.resume import OnClear
from airflow_provider_codat.api.settle import Summary
from airflow_provider_codat.api.wire import Request, create

OnUnknownOutcome = Literal["reconcile", "fail", "resend"]

NOT_CREATED = "not_created"
"""What a person says who has looked, and found no record."""


@dataclass(frozen=True, slots=True)
class Write:
    """One record that is wanted in the books, and what to do where that is not plain.

    :param origin: the base URL of Codat.
    :param payload: checked, as it is to be sent.
    :param key_of: gives the idempotency key of a generation.
    :param reused_key: whether somebody else may have sent these keys before.
    :param hide: takes the payload's own values out of Codat's words.
    :param durable: whether the journal outlives this process.
    :param may_rest: whether a long wait may be broken off and taken up again.
    :param life: counts how often the task was cleared after it had ended.
    :param verdict: what a person says came of it: ``not_created`` or a record's id.
    :param grace_seconds: after which Codat lists whatever it has accepted.
    :param lifetime_seconds: after which a request without an answer acts no more.
    """

    origin: str
    destination: Destination
    data_type: DataType
    payload: Json = field(repr=False)
    key_of: Callable[[int], str]
    timeout_in_minutes: int | None = None
    reused_key: bool = False
    hide: Callable[[str], str] = str
    durable: bool = False
    may_rest: bool = False
    life: int = 0
    verdict: str = ""
    on_unknown_outcome: OnUnknownOutcome = "reconcile"
    on_clear: OnClear = "reuse"
    grace_seconds: float = 60.0
    lifetime_seconds: float = 600.0

    def request(self, key: str) -> Request:
        """Return the request that creates it."""
        return create(
            self.destination,
            self.data_type,
            canonical(self.payload),
            idempotency_key=key,
            timeout_in_minutes=self.timeout_in_minutes,
        )

    def digest(self) -> str:
        """Return what tells whether another try wants the same record."""
        request = self.request(self.key_of(0))
        place = json.dumps([self.origin, request.path]).encode()
        return hashlib.sha256(place + (request.body or b"")).hexdigest()


@dataclass(frozen=True, slots=True)
class Written:
    """A write that Codat has accepted.

    :param operation: as it was last seen.
    :param adopted: whether it was found in the books, after the answer was lost.
    :param changed: whether an earlier try sent it, with another payload.
    """

    generation: int
    operation: PushOperation
    adopted: bool = False
    changed: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """A write that an earlier try, or a person, has ended.

    :param result: what the task returns.
    """

    result: Summary
