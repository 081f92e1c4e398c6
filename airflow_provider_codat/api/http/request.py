"""Codat's dialect of HTTP, going out: a value becomes a request.

Source: https://docs.codat.io/using-the-api/overview
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import IO
from urllib.parse import quote, urlencode

from airflow_provider_codat.api.data_types import DataType
from airflow_provider_codat.api.models import (
    Destination,
    Json,
    author_key,
    checked_uuid,
)
from airflow_provider_codat.api.payload.canonical import canonical


@dataclass(frozen=True, slots=True)
class Request:
    """One request, frozen: a repetition has the same bytes.

    :param path: percent-encoded, below the base URL.
    :param query: percent-encoded, without the question mark.
    :param body: JSON in UTF-8, or a file; None when there is none.
    :param idempotency_key: a UUID; POST and PATCH carry one.
    """

    method: str
    path: str
    query: str = ""
    body: "bytes | FileBody | None" = field(default=None, repr=False)
    idempotency_key: str | None = None

    @property
    def company_id(self) -> str:
        """Whose books are asked for; empty where nobody's are."""
        first, _, rest = self.path[1:].partition("/")
        return rest.partition("/")[0] if first == "companies" else ""

    def __str__(self) -> str:
        """Read as the method and the end of the path: no payload, no query."""
        above, *end = self.path.rsplit("/", 2)
        return f"{self.method} {'/'.join(['...' if above else '', *end])}"


@dataclass(frozen=True, slots=True)
class FileBody:
    """A file on its way, opened anew for each send: the same bytes every time.

    :param open: opens it.
    :param size: of all of it, in bytes.
    :param content_type: of the request.
    """

    open: Callable[[], IO[bytes]] = field(repr=False)
    size: int
    content_type: str


@dataclass(frozen=True, slots=True)
class Response:
    """An answer that arrived.

    :param headers: by their names in lower case.
    :param body: whole; empty where it was too long to be read.
    :param received_at: epoch seconds, by our clock.
    :param longer_than: how many bytes of a body were read that was too long; else 0.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    received_at: float
    longer_than: int = 0


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Nothing came that could be called an answer.

    :param detail: what happened, in a few words.
    :param sent: whether the request may have reached Codat.
    :param hopeless: whether a repetition would meet the same obstacle.
    """

    detail: str
    sent: bool = True
    hopeless: bool = False


Reply = Response | NoAnswer


def segments(*parts: str) -> str:
    """Build a path of percent-encoded segments.

    :raises ValueError: for a segment that would climb in the path, or is empty.
    """
    for part in parts:
        if part in {"", ".", ".."}:
            raise ValueError(f"{part!r} cannot be part of a Codat path")
    return "".join(f"/{quote(part, safe='')}" for part in parts)


def create(
    destination: Destination,
    data_type: DataType,
    body: bytes,
    *,
    idempotency_key: str,
    parent: str = "",
    timeout_in_minutes: int | None = None,
    allow_sync: bool | None = None,
) -> Request:
    """Ask Codat to create one record.

    :param parent: the id that stands before the last segment, see :class:`DataType`.
    :param allow_sync: whether Codat is to renew its copy once it is written.
    :raises ValueError: when the data type needs a parent, and none is given.
    """
    return Request(
        method="POST",
        path=_push(destination, data_type, parent=parent),
        query=_push_query(timeout_in_minutes, allow_sync),
        body=body,
        idempotency_key=idempotency_key,
    )


def update(
    destination: Destination,
    data_type: DataType,
    record_id: str,
    body: bytes,
    *,
    force: bool = False,
    timeout_in_minutes: int | None = None,
    allow_sync: bool | None = None,
) -> Request:
    """Ask Codat to change one record; a PUT has no idempotency key.

    :param record_id: as the accounting software spells it: any text.
    :param force: whether to write over a change that Codat has not read yet.
    :param allow_sync: whether Codat is to renew its copy once it is written.
    """
    return Request(
        method="PUT",
        path=_push(destination, data_type, record_id),
        query=_push_query(timeout_in_minutes, allow_sync, force=force),
        body=body,
    )


def delete(destination: Destination, data_type: DataType, record_id: str) -> Request:
    """Ask Codat to delete one record; a DELETE has no idempotency key.

    :param record_id: as the accounting software spells it: any text.
    """
    return Request("DELETE", _push(destination, data_type, record_id))


def attach(
    destination: Destination,
    data_type: DataType,
    record_id: str,
    file: "FileBody | None",
    *,
    idempotency_key: str,
) -> Request:
    """Ask Codat to attach a file to one record.

    :param record_id: as the accounting software spells it: any text.
    """
    return Request(
        method="POST",
        path=_push(destination, data_type, record_id, data_type.attachments),
        body=file,
        idempotency_key=idempotency_key,
    )


def _push(
    destination: Destination, data_type: DataType, *below: str, parent: str = ""
) -> str:
    """Return the path of a push."""
    company, connection = destination.company_id, destination.connection_id
    above = () if data_type.parent is None else (data_type.parent[0], parent)
    return segments(
        *("companies", company, "connections", connection, "push"),
        *(*above, data_type.segment, *below),
    )


def _push_query(
    timeout_in_minutes: int | None, allow_sync: bool | None, *, force: bool = False
) -> str:
    return _query(
        {
            "timeoutInMinutes": timeout_in_minutes,
            # Left out, it is false.
            "forceUpdate": force or None,
            "allowSyncOnPushComplete": allow_sync,
        }
    )


def read_push_operation(company_id: str, push_operation_key: str) -> Request:
    """Ask how one push operation stands."""
    company = checked_uuid(company_id, "company_id")
    key = checked_uuid(push_operation_key, "push_operation_key")
    return Request("GET", segments("companies", company, "push", key))


def list_push_operations(
    company_id: str,
    *,
    page: int,
    page_size: int,
    query: str | None,
    order_by: str | None,
) -> Request:
    """Ask for one page of a company's push operations."""
    company = checked_uuid(company_id, "company_id")
    path = segments("companies", company, "push")
    return Request("GET", path, _page(page, page_size, query, order_by))


def read_model(destination: Destination, data_type: DataType) -> Request:
    """Ask what a connection's software wants of one data type."""
    company, connection = destination.company_id, destination.connection_id
    return Request(
        "GET",
        segments(
            "companies", company, "connections", connection, "options", data_type.name
        ),
    )


def refresh(
    company_id: str,
    data_type: str,
    *,
    connection_id: str | None,
    idempotency_key: str,
) -> Request:
    """Ask Codat to bring its copy of one data type up to date.

    :param connection_id: of one connection alone; None: of all of the company's.
    """
    company = checked_uuid(company_id, "company_id")
    if connection_id is not None:
        connection_id = checked_uuid(connection_id, "connection_id")
    return Request(
        "POST",
        segments("companies", company, "data", "queue", data_type),
        _query({"connectionId": connection_id}),
        idempotency_key=author_key(idempotency_key),
    )


def read_pull_operation(company_id: str, dataset_id: str) -> Request:
    """Ask how one refresh stands."""
    company = checked_uuid(company_id, "company_id")
    dataset = checked_uuid(dataset_id, "dataset_id")
    return Request("GET", segments("companies", company, "data", "history", dataset))


def list_pull_operations(
    company_id: str, *, page: int, page_size: int, order_by: str | None
) -> Request:
    """Ask for one page of a company's refreshes."""
    company = checked_uuid(company_id, "company_id")
    path = segments("companies", company, "data", "history")
    return Request("GET", path, _page(page, page_size, None, order_by))


def read_data_status(company_id: str) -> Request:
    """Ask how fresh Codat's copy of each data type is."""
    company = checked_uuid(company_id, "company_id")
    return Request("GET", segments("companies", company, "dataStatus"))


def list_records(
    company_id: str,
    data_type: DataType,
    *,
    connection_id: str | None,
    page: int,
    page_size: int,
    query: str | None,
    order_by: str | None,
    modified_since: datetime | None,
) -> Request:
    """Ask for one page of Codat's copy of a company's records.

    :param connection_id: whose books they are in; it is not looked at where Codat's
        copy is that of all of the company's connections.
    :raises ValueError: when ``modified_since`` has no time zone, or the copy is that of
        one connection, and none is named.
    """
    path = _copy(company_id, data_type, connection_id)
    wanted = _modified(query, modified_since)
    return Request("GET", path, _page(page, page_size, wanted, order_by))


def read_record(
    company_id: str, data_type: DataType, record_id: str, *, connection_id: str | None
) -> Request:
    """Ask for Codat's copy of one record.

    :param record_id: as the accounting software spells it: any text.
    :param connection_id: see :func:`list_records`.
    """
    path = _copy(company_id, data_type, connection_id)
    return Request("GET", path + segments(record_id))


def _copy(company_id: str, data_type: DataType, connection_id: str | None) -> str:
    """Return the path of Codat's copy of the books."""
    above = segments("companies", checked_uuid(company_id, "company_id"))
    if data_type.of_connection:
        connection = checked_uuid(connection_id, "connection_id")
        above += segments("connections", connection)
    return above + segments("data", data_type.segment)


def list_connections(company_id: str, *, page: int, page_size: int) -> Request:
    """Ask for one page of a company's connections."""
    company = checked_uuid(company_id, "company_id")
    path = segments("companies", company, "connections")
    return Request("GET", path, _page(page, page_size, None, None))


def read_connection(destination: Destination) -> Request:
    """Ask how one connection stands."""
    company, connection = destination.company_id, destination.connection_id
    return Request("GET", segments("companies", company, "connections", connection))


def list_integrations(*, page: int, page_size: int) -> Request:
    """Ask for one page of the integrations that Codat has."""
    return Request("GET", "/integrations", _page(page, page_size, None, None))


def read_integration(platform_key: str) -> Request:
    """Ask what one integration can do.

    :param platform_key: its four letters, such as ``gbol``.
    """
    return Request("GET", segments("integrations", platform_key))


def list_companies() -> Request:
    """Ask for one company: cheap, and it shows whether the key is right."""
    return Request("GET", "/companies", _query({"page": 1, "pageSize": 1}))


def free(
    method: str,
    path: str,
    *,
    params: Mapping[str, object] | None,
    json_body: Json,
    idempotency_key: str | None,
) -> Request:
    """Build a request to any other endpoint.

    :raises ValueError: when the path is not one below the base URL, or a key is
        missing or given where Codat takes none.
    """
    verb = method.upper()
    if verb not in {"GET", "POST", "PUT", "PATCH", "DELETE"}:
        raise ValueError("method must be GET, POST, PUT, PATCH or DELETE")
    takes_key = verb in {"POST", "PATCH"}
    if takes_key != (idempotency_key is not None):
        raise ValueError(
            "POST and PATCH need an idempotency_key (str(uuid.uuid4()), made once and "
            "kept for every repetition); other methods take none"
        )
    if not path.startswith("/") or {"?", "#", "\\"} & set(path):
        raise ValueError(
            "path must start with / and hold neither a host nor a query; "
            "a query goes into params"
        )
    return Request(
        verb,
        segments(*path.removeprefix("/").split("/")),
        _query(params or {}),
        None if json_body is None else canonical(json_body),
        None if idempotency_key is None else author_key(idempotency_key),
    )


def _page(page: int, page_size: int, query: str | None, order_by: str | None) -> str:
    return _query(
        {"page": page, "pageSize": page_size, "query": query, "orderBy": order_by}
    )


def _modified(query: str | None, since: datetime | None) -> str | None:
    """Join a query with the moment since which a record must have changed."""
    if since is None:
        return query
    if since.utcoffset() is None:
        raise ValueError(
            "modified_since must have a time zone, such as "
            "datetime(2026, 3, 1, tzinfo=UTC): without one it is no moment"
        )
    # Whole seconds, cut off: rather a record too many than one too few.
    moment = since.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds")
    changed = f"modifiedDate>={moment}Z"
    if not query:
        return changed
    # && binds its neighbours before || does.
    return f"{{{query}}}&&{changed}" if "||" in query else f"{query}&&{changed}"


def _query(params: Mapping[str, object]) -> str:
    """Encode a query: without what is None, booleans as Codat spells them.

    A list becomes its name, repeated with each of its items.
    """
    pairs = [
        (name, str(item).lower() if isinstance(item, bool) else str(item))
        for name, value in params.items()
        for item in (value if isinstance(value, list | tuple) else [value])
        if item is not None
    ]
    return urlencode(pairs, quote_via=quote)
