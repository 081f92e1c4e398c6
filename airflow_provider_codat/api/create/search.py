"""What is looked for in the books, and what is found there."""

import math
import threading
from collections.abc import Container
from dataclasses import dataclass, field

from airflow_provider_codat.api.create.settle import created_nothing
from airflow_provider_codat.api.data_types import DataType
from airflow_provider_codat.api.http.response import CLOCK_SKEW_SECONDS, epoch_of
from airflow_provider_codat.api.models import Destination, Json, PushOperation


class Claims:
    """Push operations that belong to an intent.

    :ivar records: ids of records that belong to one, whatever made them.
    """

    def __init__(self) -> None:
        self.records: Container[str | None] = ()
        self._owners: dict[str, str] = {}
        self._claiming = threading.Lock()

    def claim(self, key: str, owner: str) -> bool:
        """Take a push operation for an intent's own; no other one then can.

        :param key: of the push operation.
        :param owner: names the intent.
        """
        with self._claiming:
            return self._owners.setdefault(key, owner) == owner

    def is_free(self, key: str, owner: str) -> bool:
        """Whether no other intent has taken a push operation."""
        return self._owners.get(key, owner) == owner


CLAIMS = Claims()
"""The claims of this process."""


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for.

    :param payload: that was sent.
    :param windows: of epoch seconds, from and to, in which it may have been accepted.
    :param ours: keys of push operations that are known not to be the one.
    :param expected: those of them that a list of that time has to name.
    :param owner: names the intent.
    :param claims: tell which push operations other intents have taken.
    :param promised: whether Codat said yes to it, unreadably.
    """

    destination: Destination
    data_type: DataType
    payload: Json = field(repr=False)
    windows: tuple[tuple[float, float], ...]
    ours: Container[str] = field(repr=False)
    expected: frozenset[str] = field(repr=False)
    owner: str
    claims: Claims = field(repr=False)
    promised: bool = False

    @property
    def since(self) -> float:
        """Epoch seconds before which nothing can be ours."""
        return min(begin for begin, _ in self.windows) - CLOCK_SKEW_SECONDS

    def fits(self, operation: PushOperation, newest: float = math.inf) -> bool:
        """Whether a push operation may be the one, by all that the list tells.

        :param newest: epoch seconds, by Codat's clock: after which none is.
        """
        return (
            operation.key not in self.ours
            and operation.connection_id == self.destination.connection_id
            and operation.data_type.lower() in {self.data_type.name.lower(), ""}
            and self.claims.is_free(operation.key, self.owner)
            and operation.record_id not in self.claims.records
            and not created_nothing(operation)
            and self._is_of_the_time(epoch_of(operation.requested_at), newest)
        )

    def _is_of_the_time(self, requested: float | None, newest: float) -> bool:
        return requested is None or any(
            begin - CLOCK_SKEW_SECONDS
            <= requested
            <= min(newest, end + CLOCK_SKEW_SECONDS)
            for begin, end in self.windows
        )


@dataclass(frozen=True, slots=True)
class Finding:
    """What the books tell.

    :param operation: the one that is ours, when that is known.
    :param nothing: whether nothing there can be ours.
    :param candidates: keys of those of which it cannot be told.
    """

    operation: PushOperation | None = None
    nothing: bool = False
    candidates: tuple[str, ...] = ()
    reason: str = ""
