"""The routes that this Codat knows."""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal
from urllib.parse import unquote

_COMPANY = r"/companies/(?P<company>[^/]+)"
_CONNECTION = rf"{_COMPANY}/connections/(?P<connection>[^/]+)"
_DATA = rf"{_COMPANY}/data"
# A further route is a row here and a function of the same name in an endpoints module.
_TABLE = tuple(
    (name, method, re.compile(pattern))
    for name, method, pattern in (
        ("create", "POST", rf"{_CONNECTION}/push/customers"),
        ("update", "PUT", rf"{_CONNECTION}/push/customers/(?P<customer>[^/]+)"),
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
        ("list_customers", "GET", rf"{_DATA}/customers"),
        ("get_customer", "GET", rf"{_DATA}/customers/(?P<customer>[^/]+)"),
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
