"""Requests as they arrive: which route each is on, the journal, and the numbers."""

import json
import re
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Literal
from urllib.parse import parse_qsl, unquote

from airflow_provider_codat.simulator.clock import utc_text
from airflow_provider_codat.simulator.rules.data_types import (
    BY_SEGMENT,
    CUSTOMERS,
    DATA_TYPES,
    DataType,
    name_of,
)

_COMPANY = r"/companies/(?P<company>[^/]+)"
_CONNECTION = rf"{_COMPANY}/connections/(?P<connection>[^/]+)"
_DATA = rf"{_COMPANY}/data"
_PUSH = rf"{_CONNECTION}/push"
_RECORD = r"(?P<record>[^/]+)"


def _among(chosen: Callable[[DataType], bool]) -> str:
    """Return a pattern of the segments of some data types."""
    found = "|".join(row.segment for row in DATA_TYPES.values() if chosen(row))
    return f"(?P<segment>{found})"


def _named(row: DataType) -> str:
    return _among(lambda each: each is row)


_OF_COMPANY = _among(lambda row: not row.by_connection)
_OF_CONNECTION = _among(lambda row: row.by_connection and not row.above)
# A further route is a row here and a function of the same name in an endpoints module.
_TABLE = tuple(
    (name, method, re.compile(pattern))
    for name, method, pattern in (
        ("create", "POST", rf"{_PUSH}/{_among(lambda row: not row.above)}"),
        *(
            ("create", "POST", rf"{_PUSH}/{row.above}/(?P<parent>[^/]+)/{_named(row)}")
            for row in DATA_TYPES.values()
            if row.above
        ),
        ("update", "PUT", rf"{_PUSH}/{_among(lambda row: row.updates)}/{_RECORD}"),
        ("delete", "DELETE", rf"{_PUSH}/{_among(lambda row: row.deletes)}/{_RECORD}"),
        *(
            ("attach", "POST", rf"{_PUSH}/{_named(row)}/{_RECORD}/{row.files}")
            for row in DATA_TYPES.values()
            if row.files
        ),
        ("get_push", "GET", rf"{_COMPANY}/push/(?P<operation>[^/]+)"),
        ("list_push", "GET", rf"{_COMPANY}/push"),
        ("options", "GET", rf"{_CONNECTION}/options/(?P<data_type>[^/]+)"),
        ("companies", "GET", r"/companies"),
        ("company", "GET", _COMPANY),
        ("connections", "GET", rf"{_COMPANY}/connections"),
        ("connection", "GET", _CONNECTION),
        ("integrations", "GET", r"/integrations"),
        ("integration", "GET", r"/integrations/(?P<platform>[^/]+)"),
        ("refresh", "POST", rf"{_DATA}/queue/(?P<data_type>[^/]+)"),
        ("refresh_all", "POST", rf"{_DATA}/all"),
        ("list_pulls", "GET", rf"{_DATA}/history"),
        ("get_pull", "GET", rf"{_DATA}/history/(?P<dataset>[^/]+)"),
        ("data_status", "GET", rf"{_COMPANY}/dataStatus"),
        ("list_customers", "GET", rf"{_DATA}/{_named(CUSTOMERS)}"),
        ("get_customer", "GET", rf"{_DATA}/{_named(CUSTOMERS)}/{_RECORD}"),
        ("list_records", "GET", rf"{_DATA}/{_OF_COMPANY}"),
        ("get_record", "GET", rf"{_DATA}/{_OF_COMPANY}/{_RECORD}"),
        ("list_records", "GET", rf"{_CONNECTION}/data/{_OF_CONNECTION}"),
        ("get_record", "GET", rf"{_CONNECTION}/data/{_OF_CONNECTION}/{_RECORD}"),
    )
)


@dataclass(frozen=True, slots=True)
class Match:
    """What a method and path lead to.

    :param name: the route's name; None: there is none.
    :param problem: 404 unknown path, 405 known path with another method, 0 neither.
    :param ids: the variable parts of the path.
    """

    name: str | None
    problem: Literal[0, 404, 405] = 0
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def data_type(self) -> DataType:
        """The data type that the path names; customers where it names none."""
        return BY_SEGMENT.get(self.ids.get("segment", ""), CUSTOMERS)


@lru_cache(maxsize=512)
def find(method: str, path: str) -> Match:
    """Find the route of a request.

    :param method: HTTP method.
    :param path: path as sent, without query: an id may hold an encoded slash.
    """
    problem: Literal[404, 405] = 404
    for name, known_method, pattern in _TABLE:
        found = pattern.fullmatch(path)
        if found is None:
            continue
        if method == known_method:
            ids = {key: unquote(value) for key, value in found.groupdict().items()}
            return Match(name, ids=ids)
        problem = 405
    return Match(None, problem)


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
        """Return what a person calls the record of the body by, if anything."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return name_of(self.match.data_type, value) if isinstance(value, dict) else None

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


_WINDOW_SECONDS = 60
_TOO_MANY_REQUESTS = 429


class _Window:
    """The most requests that fell into any 60 seconds."""

    def __init__(self) -> None:
        self._times: deque[float] = deque()
        self.most = 0

    def note(self, now: float) -> None:
        times = self._times
        times.append(now)
        while times[0] <= now - _WINDOW_SECONDS:
            times.popleft()
        self.most = max(self.most, len(times))


class TrafficMeter:
    """Count requests as they come and go, without keeping them."""

    def __init__(self) -> None:
        self._running = 0
        self.reset()

    def reset(self) -> None:
        """Count anew; what is still running is running still."""
        self._first_at: float | None = None
        self._last_at: float | None = None
        self._requests = 0
        self._refused = 0
        self._most_at_a_time = self._running
        self._window = _Window()
        self._by_address: defaultdict[str, _Window] = defaultdict(_Window)
        self._by_route: Counter[str] = Counter()
        self._each_minute: Counter[int] = Counter()

    def begin(self, now: float, address: str, route: str | None) -> None:
        """Count a request that has arrived.

        :param now: the server's time.
        :param address: the client's IP address.
        :param route: its route; None: an unknown one.
        """
        if self._first_at is None:
            self._first_at = now
        self._last_at = now
        self._requests += 1
        self._running += 1
        self._most_at_a_time = max(self._most_at_a_time, self._running)
        self._window.note(now)
        self._by_address[address].note(now)
        self._by_route[route or ""] += 1
        self._each_minute[int((now - self._first_at) // _WINDOW_SECONDS)] += 1

    def end(self, status: int | None) -> None:
        """Count the answer to a request that has begun.

        :param status: of the answer; None: there was none.
        """
        self._running -= 1
        self._refused += status == _TOO_MANY_REQUESTS

    def view(self) -> dict[str, object]:
        """Return the numbers as plain data."""
        minutes = max(self._each_minute, default=-1) + 1
        return {
            "first_at": None if self._first_at is None else utc_text(self._first_at),
            "last_at": None if self._last_at is None else utc_text(self._last_at),
            "requests": self._requests,
            "refused": self._refused,
            "most_at_a_time": self._most_at_a_time,
            "most_in_a_minute": self._window.most,
            "most_in_a_minute_by_address": {
                address: window.most for address, window in self._by_address.items()
            },
            "by_route": dict(self._by_route),
            "each_minute": [self._each_minute[at] for at in range(minutes)],
        }
