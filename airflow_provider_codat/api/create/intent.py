"""One record that is wanted in the books, and what Codat made of it."""

import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, Protocol

from airflow_provider_codat.api.create.next_step import OnClear
from airflow_provider_codat.api.data_types import DataType
from airflow_provider_codat.api.http.request import Request, Response, create
from airflow_provider_codat.api.models import Destination, Json, PushOperation, Summary
from airflow_provider_codat.api.payload.canonical import canonical

OnUnknownOutcome = Literal["reconcile", "fail", "resend"]
IfExists = Literal["skip", "fail"]

NOT_CREATED = "not_created"
"""What a person says who has looked, and found no record."""


class Match(Protocol):
    """A record that was in the books before, and is like a payload."""

    @property
    def record_id(self) -> str:
        """The record's id in the accounting software."""

    @property
    def matched_on(self) -> tuple[str, ...]:
        """The properties that are the same."""


@dataclass(frozen=True)
class Write:
    """One record that is wanted in the books, and what to do where that is not plain.

    :param base_url: the base URL of Codat.
    :param payload: checked, as it is to be sent.
    :param key_of: gives the idempotency key of a generation.
    :param allow_sync: whether Codat is to renew its copy once it is written.
    :param reused_key: whether somebody else may have sent these keys before.
    :param redact: takes the payload's own values out of Codat's words.
    :param durable: whether the journal outlives this process.
    :param may_defer: whether a long wait may be broken off and taken up again.
    :param clear_count: counts how often the task was cleared after it had ended.
    :param resolution: what a person says came of it: ``not_created`` or a record's id.
    :param grace_seconds: after which Codat lists whatever it has accepted.
    :param lifetime_seconds: after which a request without an answer acts no more.
    :param existing: finds records like a payload among those that were in the books
        before; None where nobody has looked.
    :param if_exists: what to do where such a record is among it.
    :param quiet: whether it is one of so many that nobody wants to read of its steps.
    """

    base_url: str
    destination: Destination
    data_type: DataType
    payload: Json = field(repr=False)
    key_of: Callable[[int], str]
    timeout_in_minutes: int | None = None
    allow_sync: bool | None = None
    reused_key: bool = False
    redact: Callable[[str], str] = str
    durable: bool = False
    may_defer: bool = False
    clear_count: int = 0
    resolution: str = ""
    on_unknown_outcome: OnUnknownOutcome = "reconcile"
    on_clear: OnClear = "reuse"
    grace_seconds: float = 60.0
    lifetime_seconds: float = 600.0
    existing: Callable[[Json], Sequence[Match]] | None = None
    if_exists: IfExists | None = None
    quiet: bool = False

    @property
    def info_level(self) -> int:
        """The log level of its steps."""
        return logging.DEBUG if self.quiet else logging.INFO

    @property
    def warning_level(self) -> int:
        """The log level of what is out of the ordinary."""
        return logging.DEBUG if self.quiet else logging.WARNING

    @property
    def thing(self) -> str:
        """What is written, for messages."""
        return self.data_type.a_record

    @cached_property
    def body(self) -> bytes:
        """What is sent: the same bytes in every repetition."""
        return canonical(self.payload)

    def request(self, key: str) -> Request:
        """Return the request that creates it."""
        return replace(self._keyless, idempotency_key=key)

    @cached_property
    def _keyless(self) -> Request:
        # It is asked for several times, and costs more than all the rest of a send.
        return create(
            self.destination,
            self.data_type,
            self.body,
            idempotency_key="",
            parent=self.data_type.parent_of(self.payload),
            timeout_in_minutes=self.timeout_in_minutes,
            allow_sync=self.allow_sync,
        )

    @property
    def read(self) -> Callable[[Response, float], PushOperation] | None:
        """Reads the answer; None: it has to be a push operation that creates it."""
        return None

    def digest(self) -> str:
        """Return what tells whether another try wants the same record."""
        place = json.dumps([self.base_url, self._keyless.path]).encode()
        return hashlib.sha256(place + self.body).hexdigest()


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
