"""What a record in the books is to become: of other values, or gone."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from airflow_provider_codat.api.books.comparison import Comparison, compared
from airflow_provider_codat.api.books.existing import is_deleted
from airflow_provider_codat.api.data_types import DataType
from airflow_provider_codat.api.http.request import Request, delete, update
from airflow_provider_codat.api.models import Destination, Json
from airflow_provider_codat.api.payload.canonical import canonical


class Words(NamedTuple):
    """How messages speak of it.

    :param action: what is done.
    :param done: what the record then is.
    :param undone: what is seen where it was not.
    """

    action: str
    done: str
    undone: str


_UPDATE = Words("an update", "changed", "has other values than the payload")
_DELETE = Words("a delete", "deleted", "is still there")


@dataclass(frozen=True)
class Update:
    """Values that a record is to have, and what to do where that is not plain.

    :param base_url: the base URL of Codat.
    :param record_id: as the accounting software spells it.
    :param payload: checked, as it is to be sent.
    :param force: whether to write over a change that Codat has not read yet.
    :param allow_sync: whether Codat is to renew its copy once it is written.
    :param redact: takes the payload's own values out of Codat's words.
    :param may_defer: whether a long wait may be broken off and taken up again.
    :param clear_count: counts how often the task was cleared after it had ended.
    :param grace_seconds: after which Codat lists whatever it has accepted.
    :param lifetime_seconds: after which a request without an answer acts no more.
    :param patience_seconds: how long to wait for the end of an earlier payload's push
        operation.
    :param poll_interval_seconds: the longest wait between two looks at it.
    :param change: Codat's word for that.
    """

    base_url: str
    destination: Destination
    data_type: DataType
    record_id: str
    payload: Json = field(repr=False)
    force: bool = False
    timeout_in_minutes: int | None = None
    allow_sync: bool | None = None
    redact: Callable[[str], str] = str
    may_defer: bool = False
    clear_count: int = 0
    grace_seconds: float = 60.0
    lifetime_seconds: float = 600.0
    patience_seconds: float = 3600.0
    poll_interval_seconds: float = 30.0
    words: Words = _UPDATE
    change: str = "Modified"

    @cached_property
    def request(self) -> Request:
        """The request that asks for it: the same bytes in every repetition."""
        return update(
            self.destination,
            self.data_type,
            self.record_id,
            self.body,
            force=self.force,
            timeout_in_minutes=self.timeout_in_minutes,
            allow_sync=self.allow_sync,
        )

    @cached_property
    def digest(self) -> str:
        """What tells whether another try wants the same."""
        what = json.dumps([self.base_url, self.request.path, self.force]).encode()
        return hashlib.sha256(what + self.body).hexdigest()

    @cached_property
    def body(self) -> bytes:
        """What is sent."""
        return canonical(self.payload)

    def compared(self, record: Mapping[str, Json] | None) -> Comparison | None:
        """Compare what is wanted with the record, as it was read back.

        :param record: None where Codat's copy has none.
        :return: None where that tells nothing.
        """
        return None if record is None else compared(self.payload, record)


@dataclass(frozen=True)
class Delete(Update):
    """A record that is to be gone."""

    payload: Json = None
    words: Words = _DELETE
    change: str = "Deleted"

    @cached_property
    def request(self) -> Request:
        """The request that asks for it: the same bytes in every repetition."""
        return delete(self.destination, self.data_type, self.record_id)

    @cached_property
    def body(self) -> bytes:
        """What is sent: nothing."""
        return b""

    def compared(self, record: Mapping[str, Json] | None) -> Comparison:
        """Compare what is wanted with the record, as it was read back."""
        if record is None or is_deleted(record):
            return Comparison(exactly=("the record",))
        return Comparison(differing=("the record",))
