"""Pages: what a request asks for, and the envelope around the results."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from airflow_provider_codat.simulator.replies import RefusedError, Reply, json_text
from airflow_provider_codat.simulator.rules.query import (
    Kind,
    MalformedQueryError,
    Predicate,
    compile_query,
)

_LARGEST = 5000


@dataclass(frozen=True, slots=True)
class Page:
    """One page that is asked for.

    :param path: where, for the links.
    :param number: from 1.
    :param size: how many results.
    :param order_by: a field's name; "" where none was given.
    :param descending: whether the order is reversed.
    :param chosen: the query's test; None: there is no query.
    :param rest: the parameters that the links repeat.
    """

    path: str
    number: int
    size: int
    order_by: str
    descending: bool
    chosen: Predicate | None
    rest: tuple[tuple[str, str], ...]

    @property
    def start(self) -> int:
        """How many results stand before this page."""
        return (self.number - 1) * self.size

    def cut(self, total: int) -> range:
        """Return the positions of this page's results among all, in order."""
        return range(min(self.start, total), min(self.start + self.size, total))

    def envelope(self, texts: Iterable[bytes], total: int) -> Reply:
        """Answer with results that are JSON texts already."""
        tail = {
            "pageNumber": self.number,
            "pageSize": self.size,
            "totalResults": total,
            "_links": self._links(total),
        }
        body = b'{"results":[%b],%b' % (b",".join(texts), json_text(tail)[1:].encode())
        return Reply(200, body)

    def _links(self, total: int) -> dict[str, dict[str, str]]:
        links = {"self": {"href": self.path}, "current": self._link(self.number)}
        if self.start + self.size < total:
            links["next"] = self._link(self.number + 1)
        if self.number > 1:
            links["previous"] = self._link(self.number - 1)
        return links

    def _link(self, number: int) -> dict[str, str]:
        query = (("page", str(number)), ("pageSize", str(self.size)), *self.rest)
        return {"href": f"{self.path}?{urlencode(query)}"}


def _whole(params: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:12]) <= most):
        raise RefusedError(400, f"{name} must be a whole number from 1 to {most}.")
    return int(text)


def asked_page(
    path: str, params: Mapping[str, str], fields: Mapping[str, Kind]
) -> Page:
    """Read page, pageSize, query and orderBy.

    :param path: the request's path.
    :param params: its parameters.
    :param fields: what can be queried and ordered by.
    :raises RefusedError: 400, when one of them is malformed.
    """
    order_by = params.get("orderBy", "")
    name = order_by.removeprefix("-")
    if order_by and name not in fields:
        raise RefusedError(400, f"Could not resolve property {name} in orderBy.")
    query = params.get("query")
    try:
        chosen = compile_query(query, fields) if query else None
    except MalformedQueryError as error:
        raise RefusedError(400, str(error)) from None
    return Page(
        path=path,
        number=_whole(params, "page", 1, 2**31 - 1),
        size=_whole(params, "pageSize", 100, _LARGEST),
        order_by=name,
        descending=order_by.startswith("-"),
        chosen=chosen,
        rest=tuple((key, params[key]) for key in ("query", "orderBy") if key in params),
    )
