"""Misfortunes that a test or a user orders: what befalls which request, how often."""

import random
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from typing import Any, Literal, TypedDict, get_args

Stage = Literal["wire", "work", "outcome", "refresh", "webhook"]
Route = Literal[
    "create",
    "update",
    "delete",
    "attach",
    "get_push",
    "list_push",
    "options",
    "companies",
    "company",
    "connections",
    "connection",
    "integrations",
    "integration",
    "refresh",
    "refresh_all",
    "list_pulls",
    "get_pull",
    "data_status",
    "list_customers",
    "get_customer",
    "list_records",
    "get_record",
    "webhook",
    "any",
]
Junk = Literal["text", "shape", "foreign"]

# What happens before or around Codat, seen by every request, repeats included.
_WIRE = (
    "no_answer_before_commit",
    "no_answer_after_commit",
    "reset_before_commit",
    "reset_after_commit",
    "drip",
    "drip_headers",
    "cut_body",
    "junk_body",
    "too_many_requests",
    "gateway_error_before_commit",
    "gateway_error_after_commit",
    "redirect",
)
# What happens while Codat works: a repeat answered from its memory is spared.
_WORK = ("slow", "codat_error_before_commit", "codat_error_after_commit")
# What becomes of a push operation that Codat has accepted.
_OUTCOME = (
    "stay_pending",
    "fail",
    "fail_with_record",
    "fail_without_reason",
    "timed_out",
    "timed_out_then_lands",
    "unknown_status",
    "warn",
)
# What becomes of a pull operation that Codat has started.
_REFRESH = ("refresh_fails", "refresh_stays_queued")
# What becomes of a message that Codat sends by itself.
_WEBHOOK = (
    "webhook_twice",
    "webhook_late",
    "webhook_wrong_signature",
    "webhook_old_timestamp",
    "webhook_cut_body",
)
STAGES: dict[str, Stage] = {
    **dict.fromkeys(_WIRE, "wire"),
    **dict.fromkeys(_WORK, "work"),
    **dict.fromkeys(_OUTCOME, "outcome"),
    **dict.fromkeys(_REFRESH, "refresh"),
    **dict.fromkeys(_WEBHOOK, "webhook"),
}
# A customer is a record, too.
_OF_ALL = {"list_customers": "list_records", "get_customer": "get_record"}
ROUTES: frozenset[str] = frozenset(get_args(Route))
# The routes that each stage can strike; the first is meant where none is named.
_STRUCK: dict[Stage, tuple[Route, ...]] = {
    "wire": get_args(Route),
    "work": get_args(Route),
    "outcome": ("create", "update", "delete", "attach", "any"),
    "refresh": ("refresh", "refresh_all", "any"),
    "webhook": ("webhook",),
}


class MisfortuneFields(TypedDict, total=False):
    """The fields of :class:`Misfortune` but its kind, as keyword arguments."""

    count: int | None
    customer: str | None
    record: str | None
    route: Route | None
    skip: int
    probability: float | None
    seed: int
    seconds: float | None
    status: int | None
    retry_after: float | None
    retry_after_format: Literal["seconds", "http-date"] | None
    message: str | None
    location: str
    junk: Junk


@dataclass(frozen=True, slots=True)
class Misfortune:
    """One order of trouble.

    :param kind: one of the documented kinds.
    :param count: how many requests it befalls; None: 1, or without end where
        ``probability`` is given.
    :param customer: befall only requests about the customer of exactly this name, or
        about the record of this id.
    :param record: the same for a record of any data type, by its name or number.
    :param route: befall only this route; "any": all; None: "create", or "refresh" for
        what becomes of a pull operation.
    :param skip: let the first matching requests through.
    :param probability: befall each matching request with this chance.
    :param seed: of the dice behind ``probability``: the same seed befalls the same
        arrivals.
    :param seconds: how long, in real seconds on the wire and on the movable clock for
        outcomes; None: the kind's own default.
    :param status: HTTP status of an error or redirect; None: the kind's own default.
    :param retry_after: seconds that a 429 tells to wait; None: no such header.
    :param retry_after_format: how that is written; None: as the server is set.
    :param message: text of an error, warning or junk body, or the status where it is
        invented or that of a pull operation.
    :param location: where a redirect points.
    :param junk: what a junk body is: "text", JSON of a wrong "shape", or a valid push
        operation that is "foreign": of another company and connection.
    :raises ValueError: where a field makes no sense.
    """

    kind: str
    count: int | None = None
    customer: str | None = None
    record: str | None = None
    route: Route | None = None
    skip: int = 0
    probability: float | None = None
    seed: int = 0
    seconds: float | None = None
    status: int | None = None
    retry_after: float | None = 1.0
    retry_after_format: Literal["seconds", "http-date"] | None = None
    message: str | None = None
    location: str = "http://127.0.0.1:9/elsewhere"
    junk: Junk = "text"

    def __post_init__(self) -> None:
        if self.kind not in STAGES:
            raise ValueError(f"kind must be one of: {', '.join(STAGES)}.")
        struck = _STRUCK[self.stage]
        if self.route is None:
            # The usual way to fill a field of a frozen value.
            object.__setattr__(self, "route", struck[0])
        if self.route not in ROUTES:
            raise ValueError(f"route must be one of: {', '.join(sorted(ROUTES))}.")
        if self.route not in struck:
            raise ValueError(f"{self.kind} befalls only: {', '.join(struck)}.")
        self._check_numbers()

    def _check_numbers(self) -> None:
        if (self.count is not None and self.count < 1) or self.skip < 0:
            raise ValueError("count must be at least 1, skip at least 0.")
        if self.probability is not None and not 0 <= self.probability <= 1:
            raise ValueError("probability must lie between 0 and 1.")

    @property
    def stage(self) -> Stage:
        """Where it strikes: on the wire, at Codat's work, or at what comes of it."""
        return STAGES[self.kind]

    def befalls(
        self, stage: Stage, route: str | None, names: Callable[[], Container[object]]
    ) -> bool:
        """Whether it is ordered for a request, see :meth:`Misfortunes.strike`."""
        if self.stage != stage:
            return False
        if self.route not in (route, _OF_ALL.get(route or ""), "any"):
            return False
        about = self.customer or self.record
        return about is None or about in names()

    def pause(self, default: float) -> float:
        """Return ``seconds``, or the kind's own default."""
        return default if self.seconds is None else self.seconds


def misfortune_from(fields: Mapping[str, Any]) -> Misfortune:
    """Build an order from plain data, checked on arrival.

    :raises ValueError: where a field is unknown or makes no sense.
    """
    unknown = set(fields) - {each.name for each in dataclass_fields(Misfortune)}
    if unknown or "kind" not in fields:
        raise ValueError(f"Unknown or missing fields: {sorted(unknown) or ['kind']}.")
    return Misfortune(**fields)


class _Ordered:
    """One order and what is left of it."""

    def __init__(self, order: Misfortune) -> None:
        self.order = order
        self._skip = order.skip
        self._left = order.count
        if order.count is None and order.probability is None:
            self._left = 1
        self._dice = random.Random(order.seed)  # noqa: S311 - dice of a test

    def spent(self) -> bool:
        return self._left == 0

    def strikes(self) -> bool:
        """Count one matching request; tell whether it is hit."""
        if self._skip > 0:
            self._skip -= 1
            return False
        chance = self.order.probability
        if chance is not None and self._dice.random() >= chance:
            return False
        if self._left is not None:
            self._left -= 1
        return True


class Misfortunes:
    """All orders, oldest first; each request meets at most one of each stage."""

    def __init__(self) -> None:
        self._orders: list[_Ordered] = []

    def order(self, misfortune: Misfortune) -> None:
        """Add an order."""
        self._orders.append(_Ordered(misfortune))

    @property
    def are_ordered(self) -> bool:
        """Whether any are still to come."""
        return bool(self._orders)

    def clear(self) -> None:
        """Forget all orders."""
        self._orders.clear()

    def strike(
        self, stage: Stage, route: str | None, names: Callable[[], Container[object]]
    ) -> Misfortune | None:
        """Return what befalls a request at a stage, or None.

        :param stage: which stage the request has reached.
        :param route: its route; None: an unknown one.
        :param names: tells what the customer goes by; asked only when an order wants
            it.
        """
        return self._strike(lambda order: order.befalls(stage, route, names))

    def strike_webhook(self, kind: str) -> Misfortune | None:
        """Return what befalls a message that is sent, of one kind, or None."""
        return self._strike(lambda order: order.kind == kind)

    def _strike(self, befalls: Callable[[Misfortune], bool]) -> Misfortune | None:
        for ordered in self._orders:
            if befalls(ordered.order) and ordered.strikes():
                if ordered.spent():
                    self._orders.remove(ordered)
                return ordered.order
        return None
