"""Values that a record in the books is to have."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from airflow_provider_codat.api.data_types import DataType
from airflow_provider_codat.api.http.request import Request, update
from airflow_provider_codat.api.models import Destination, Json
from airflow_provider_codat.api.payload.canonical import canonical


@dataclass(frozen=True)
class Update:
    """Values that a record is to have, and what to do where that is not plain.

    :param base_url: the base URL of Codat.
    :param record_id: as the accounting software spells it.
    :param payload: checked, as it is to be sent.
    :param force: whether to write over a change that Codat has not read yet.
    :param redact: takes the payload's own values out of Codat's words.
    :param may_defer: whether a long wait may be broken off and taken up again.
    :param clear_count: counts how often the task was cleared after it had ended.
    :param grace_seconds: after which Codat lists whatever it has accepted.
    :param lifetime_seconds: after which a request without an answer acts no more.
    :param patience_seconds: how long to wait for the end of an earlier payload's push
        operation.
    :param poll_interval_seconds: the longest wait between two looks at it.
    """

    base_url: str
    destination: Destination
    data_type: DataType
    record_id: str
    payload: Json = field(repr=False)
    force: bool = False
    timeout_in_minutes: int | None = None
    redact: Callable[[str], str] = str
    may_defer: bool = False
    clear_count: int = 0
    grace_seconds: float = 60.0
    lifetime_seconds: float = 600.0
    patience_seconds: float = 3600.0
    poll_interval_seconds: float = 30.0

    @cached_property
    def request(self) -> Request:
        """The request that asks for it: the same bytes in every repetition."""
        return update(
            self.destination,
            self.data_type,
            self.record_id,
            canonical(self.payload),
            force=self.force,
            timeout_in_minutes=self.timeout_in_minutes,
        )

    @cached_property
    def digest(self) -> str:
        """What tells whether another try wants the same."""
        what = json.dumps([self.base_url, self.request.path, self.force]).encode()
        return hashlib.sha256(what + (self.request.body or b"")).hexdigest()
