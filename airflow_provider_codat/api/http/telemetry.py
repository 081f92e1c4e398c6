"""What is counted of the talk with Codat, for whoever keeps the counts.

Nothing here names a company, a record or a key: a route is one of a closed list.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, Protocol, TypeAlias

from airflow_provider_codat.api.data_types import DATA_TYPES
from airflow_provider_codat.api.http.request import NoAnswer, Reply, Request
from airflow_provider_codat.api.http.response import epoch_of
from airflow_provider_codat.api.models import PushOperation

Told: TypeAlias = Literal["adopted", "absent", "unclear"]
"""What the books told of a create whose answer was lost."""

NO_ANSWER = "no_answer"
OTHER = "other"

_ANY = "[^/]+"
_COMPANY = f"/companies/{_ANY}"
_CONNECTION = f"{_COMPANY}/connections/{_ANY}"
# What stands below another record comes first: that one's own route begins like it.
_PUSHED = "|".join(
    f"{each.parent[0]}/{_ANY}/{each.segment}" if each.parent else each.segment
    for each in sorted(DATA_TYPES.values(), key=lambda each: each.parent is None)
)

_ROUTES = [
    (re.compile(path), name)
    for path, name in (
        (f"{_CONNECTION}/push/({_PUSHED})(?:/{_ANY}){{0,2}}", "push/{}"),
        (f"{_CONNECTION}/options/{_ANY}", "options"),
        (f"{_COMPANY}/push/{_ANY}", "push/operation"),
        (f"{_COMPANY}/push", "push"),
        (f"{_COMPANY}/data/queue/{_ANY}", "data/queue"),
        (f"{_COMPANY}/data/history(?:/{_ANY})?", "data/history"),
        (f"{_COMPANY}(?:/connections/{_ANY})?/data/({_PUSHED})(?:/{_ANY})?", "data/{}"),
        (f"{_COMPANY}/dataStatus", "dataStatus"),
        (f"{_COMPANY}/connections(?:/{_ANY})?", "connections"),
        (f"/integrations(?:/{_ANY})?", "integrations"),
        ("/companies", "companies"),
    )
]

ROUTES = (
    *(
        name.format(segment)
        for _, name in _ROUTES
        for segment in (
            [each.segment for each in DATA_TYPES.values()] if "{" in name else [""]
        )
    ),
    OTHER,
)
"""All the names that a route can have."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what came of it, without a word of either.

    :param route: one of :data:`ROUTES`.
    :param status: of HTTP, or :data:`NO_ANSWER`.
    """

    route: str
    method: str
    status: str

    @classmethod
    def of(cls, request: Request, reply: Reply) -> "Exchange":
        """Return what may be told of a request."""
        status = NO_ANSWER if isinstance(reply, NoAnswer) else str(reply.status)
        return cls(route_of(request), request.method, status)

    @property
    def status_class(self) -> str:
        """``2xx`` to ``5xx``, or :data:`NO_ANSWER`."""
        return self.status if self.status == NO_ANSWER else f"{self.status[0]}xx"


def route_of(request: Request) -> str:
    """Return the name of the endpoint that a request asks."""
    return _named(request.path)


@lru_cache
def _named(asked: str) -> str:
    for path, name in _ROUTES:
        if found := path.fullmatch(asked):
            return name.format(*(each.rpartition("/")[2] for each in found.groups()))
    return OTHER


class Telemetry(Protocol):
    """Is told what happens. It must neither raise nor wait."""

    def requested(self, exchange: Exchange) -> None:
        """Count a request that was sent."""

    def repeated(self, exchange: Exchange) -> None:
        """Count what is about to be sent once more."""

    def rate_limited(self, seconds: float) -> None:
        """Take how long nothing is sent after Codat said that it is too much."""

    def reconciled(self, told: Told) -> None:
        """Count a create of which the books were asked."""

    def push_ended(self, status: str, seconds: float) -> None:
        """Take how long a push operation took.

        :param status: ``Success``, ``Failed`` or ``TimedOut``.
        """


class Unheard:
    """Telemetry that nobody keeps."""

    def requested(self, exchange: Exchange) -> None:
        """Do nothing."""

    def repeated(self, exchange: Exchange) -> None:
        """Do nothing."""

    def rate_limited(self, seconds: float) -> None:
        """Do nothing."""

    def reconciled(self, told: Told) -> None:
        """Do nothing."""

    def push_ended(self, status: str, seconds: float) -> None:
        """Do nothing."""


UNHEARD = Unheard()


def report_end(operation: PushOperation, telemetry: Telemetry, now: float) -> None:
    """Tell how long a push operation took, if it has ended and says when it began.

    :param now: epoch seconds, for one that does not say when it ended.
    """
    began = epoch_of(operation.requested_at)
    if not operation.ended or began is None:
        return
    ended = epoch_of(operation.completed_at or "")
    seconds = (now if ended is None else ended) - began
    # Two clocks may differ.
    telemetry.push_ended(operation.status, max(0.0, seconds))
