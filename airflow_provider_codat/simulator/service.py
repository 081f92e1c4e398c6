"""One simulated Codat: all its state, and the order in which it treats a request."""

import asyncio
from http import HTTPStatus

from airflow_provider_codat.simulator.books.books import Books
from airflow_provider_codat.simulator.books.cache import DataCache
from airflow_provider_codat.simulator.clock import MovableClock
from airflow_provider_codat.simulator.misfortunes import Misfortune, Misfortunes, Stage
from airflow_provider_codat.simulator.replies import Reply, error_reply
from airflow_provider_codat.simulator.routes.arrivals import (
    Arrival,
    Journal,
    TrafficMeter,
)
from airflow_provider_codat.simulator.routes.data_endpoints import DataEndpoints
from airflow_provider_codat.simulator.routes.endpoints import Endpoints
from airflow_provider_codat.simulator.routes.lookup import Companies
from airflow_provider_codat.simulator.routes.write_endpoints import WriteEndpoints
from airflow_provider_codat.simulator.rules.data_types import DATA_TYPES, name_of
from airflow_provider_codat.simulator.rules.idempotency import (
    IdempotencyCache,
    Replay,
    is_guid,
)
from airflow_provider_codat.simulator.rules.limits import Limits, too_many
from airflow_provider_codat.simulator.settings import Settings
from airflow_provider_codat.simulator.webhooks import Outbox
from airflow_provider_codat.simulator.world import refusal_status

_REFUSALS = {
    401: "Unauthorized",
    403: "You are using an outdated API key or a key not associated with "
    "that resource.",
    404: "The requested route does not exist.",
    405: "The method is not allowed on this route.",
}
_KEYED_METHODS = frozenset({"POST", "PATCH"})


class Codat:
    """Answer requests as Codat would; knows nothing of sockets.

    :param settings: its switches.
    """

    clock: MovableClock
    companies: Companies
    books: Books
    limits: Limits
    misfortunes: Misfortunes
    journal: Journal
    traffic: TrafficMeter
    outbox: Outbox
    _cache: IdempotencyCache
    _endpoints: Endpoints

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.reset()

    def reset(self) -> None:
        """Forget everything: the books, the journal, what was ordered, the time."""
        settings = self.settings
        self.clock = MovableClock()
        self.companies = Companies()
        self.books = Books(settings.settle_seconds, settings.list_lag_seconds)
        self.limits = Limits(settings, len(self.companies.all()))
        self.misfortunes = Misfortunes()
        self.journal = Journal(settings.journal_limit)
        self.traffic = TrafficMeter()
        self._cache = IdempotencyCache(settings.idempotency_scope)
        cache = DataCache(self.books, settings)
        companies, now, strike = self.companies, self.clock.now, self.strike
        outbox_parts = (self.books, cache, self.clock, self.misfortunes)
        self.outbox = Outbox(*outbox_parts, settings.webhook_secret)
        data = DataEndpoints(companies, cache, now, strike)
        writes = WriteEndpoints(companies, self.books, cache, settings, now, strike)
        self._endpoints = Endpoints(
            companies, self.books, now, {**data.by_name, **writes.by_name}
        )

    def strike(self, stage: Stage, arrival: Arrival) -> Misfortune | None:
        """Return what befalls a request at a stage, and note it in the journal."""
        if not self.misfortunes.are_ordered:
            return None
        found = self.misfortunes.strike(
            stage, arrival.match.name, lambda: self._record_names(arrival)
        )
        if found is not None:
            arrival.struck_by(found.kind)
        return found

    async def answer(self, arrival: Arrival) -> Reply:
        """Answer one request."""
        refusal = self._refuse(arrival)
        if refusal is not None:
            return refusal
        company_id = arrival.match.ids.get("company", "")
        limits = self.limits
        busy = limits.enter(company_id, self.clock.now()) if company_id else None
        if busy is not None:
            return busy
        try:
            return await self._answer_once(arrival)
        finally:
            if company_id:
                limits.leave(company_id)

    def _refuse(self, arrival: Arrival) -> Reply | None:
        now = self.clock.now()
        hasty = self.limits.over_minute(arrival.address, now)
        if hasty is not None:
            return hasty
        status = refusal_status(
            arrival.authorization, with_colon=self.settings.accept_key_with_colon
        )
        if status is not None:
            return error_reply(status, _REFUSALS[status])
        spent = self.limits.over_day(now)
        if spent is not None:
            return spent
        problem = arrival.match.problem
        return error_reply(problem, _REFUSALS[problem]) if problem else None

    async def _answer_once(self, arrival: Arrival) -> Reply:
        """Answer from the memory of the Idempotency-Key, or work and remember."""
        keys = arrival.idempotency_keys
        if not keys or arrival.method not in _KEYED_METHODS:
            return await self._work(arrival)
        if len(keys) > 1 or not is_guid(keys[0]):
            return error_reply(400, "Idempotency-Key must be one GUID.")
        cache = self._cache
        seen = cache.fingerprint(arrival.method, arrival.target, arrival.body)
        claim = cache.claim(keys[0], seen, self.clock.now())
        if isinstance(claim, Replay):
            arrival.replayed = True
            return claim.reply
        if isinstance(claim, Reply):
            return claim
        reply = await self._work(arrival)
        cache.settle(claim, reply)
        return reply

    async def _work(self, arrival: Arrival) -> Reply:
        # A reset while this request waits must not let it write into the new life.
        endpoints = self._endpoints
        if self.settings.latency_seconds:
            await asyncio.sleep(self.settings.latency_seconds)
        misfortune = self.strike("work", arrival)
        if misfortune is None:
            return endpoints.answer(arrival)
        if misfortune.kind == "slow":
            await asyncio.sleep(misfortune.pause(1.0))
            return endpoints.answer(arrival)
        if misfortune.kind == "codat_error_after_commit":
            endpoints.answer(arrival)
        return self._own_error(misfortune)

    def _own_error(self, order: Misfortune) -> Reply:
        if order.status == HTTPStatus.TOO_MANY_REQUESTS:
            style = order.retry_after_format or self.settings.retry_after_format
            return too_many(self.clock.now(), order.retry_after, style)
        text = order.message or "There is a problem with our server."
        return error_reply(order.status or 500, text)

    def _record_names(self, arrival: Arrival) -> set[object]:
        """Return the name of the record that a request is about, and its id."""
        ids = arrival.match.ids
        if "operation" not in ids:
            return {arrival.body_name(), ids.get("record")}
        operation = self.books.get(ids["company"].lower(), ids["operation"])
        if operation is None:
            return set()
        name = name_of(DATA_TYPES[operation.data_type], operation.body)
        return {name, operation.record_id}
