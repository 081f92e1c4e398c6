"""Requests as they arrive, and the journal that keeps them."""

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import parse_qsl

from airflow_provider_codat.simulator.clock import utc_text
from airflow_provider_codat.simulator.routes.routes import Match, find


@dataclass
class Arrival:
    """One request, and what became of it.

    :param at: the server's time at which it was read.
    :param method: HTTP method.
    :param target: path with query, as sent.
    :param headers: as sent, Authorization included; the journal shows it redacted.
    :param body: exact bytes.
    :param address: the client's IP address.
    """

    at: float
    method: str
    target: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes
    address: str
    authorization: str | None = field(repr=False)
    idempotency_keys: tuple[str, ...]
    status: int | None = None
    misfortune: str | None = None
    replayed: bool = False
    path: str = field(init=False)
    query: str = field(init=False)
    match: Match = field(init=False)

    def __post_init__(self) -> None:
        self.path, _, self.query = self.target.partition("?")
        self.match = find(self.method, self.path)

    @cached_property
    def params(self) -> dict[str, str]:
        """The query's parameters, decoded."""
        return dict(parse_qsl(self.query, keep_blank_values=True))

    def body_name(self) -> str | None:
        """Return the customerName of the body, if it has one."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        name = value.get("customerName") if isinstance(value, dict) else None
        return name if isinstance(name, str) else None

    def struck_by(self, kind: str) -> None:
        """Note a misfortune; a request may meet one at each stage."""
        self.misfortune = f"{self.misfortune}+{kind}" if self.misfortune else kind

    def view(self) -> dict[str, object]:
        """Return the journal's entry as plain data; the body as lossless text."""
        keys = self.idempotency_keys
        return {
            "at": utc_text(self.at),
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "headers": {
                name: "[redacted]" if name.lower() == "authorization" else value
                for name, value in self.headers.items()
            },
            "body": self.body.decode(errors="surrogateescape"),
            "idempotency_key": keys[0] if keys else None,
            "status": self.status,
            "misfortune": self.misfortune,
            "replayed": self.replayed,
        }


class Journal:
    """Keep the arrivals in their order.

    :param limit: how many; None: all.
    """

    def __init__(self, limit: int | None) -> None:
        self._arrivals: deque[Arrival] = deque(maxlen=limit)

    def write(self, arrival: Arrival) -> None:
        """Note an arrival; its answer is added to it later."""
        self._arrivals.append(arrival)

    def entries(self) -> list[dict[str, object]]:
        """Return all entries as plain data, oldest first."""
        return [each.view() for each in self._arrivals]
