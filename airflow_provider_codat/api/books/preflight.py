"""Whether a connection can be written through, asked before anything is sent.

Source: https://docs.codat.io/platform-api#/operations/get-integration
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import count

from airflow_provider_codat.api.errors import (
    ConnectionUnusable,
    Malformed,
    NotFound,
    Refused,
    SettingsInvalid,
)
from airflow_provider_codat.api.http import request as codat_request
from airflow_provider_codat.api.http.exchange import Conversation, Patience, get
from airflow_provider_codat.api.http.paging import PageWalk, page_of
from airflow_provider_codat.api.http.request import Request, Response
from airflow_provider_codat.api.http.response import object_of
from airflow_provider_codat.api.models import Destination, Json, checked_uuid
from airflow_provider_codat.api.words import first_ones, printable

_PAGE_SIZE = 500


@dataclass(frozen=True, slots=True)
class Readiness:
    """What Codat tells of a connection that nothing is known to be wrong with.

    :param platform_name: the accounting software, as Codat names it; may be empty.
    :param integration_key: its four letters at Codat; empty where Codat names none.
    :param status: ``Linked``.
    :param is_offline: whether it runs on a computer of the company's; None where Codat
        does not tell.
    :param supports_create: whether it can create the data type; None where Codat does
        not tell.
    :param feature_state: Codat's word for that, such as ``Release`` or ``Beta``; empty
        where there is none.
    :param remarks: what the author should know, each in one sentence.
    """

    company_id: str
    connection_id: str
    platform_name: str
    integration_key: str
    status: str
    is_offline: bool | None
    supports_create: bool | None
    feature_state: str
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Connection:
    """What is read of a connection. Its authorisation link is not."""

    id: str
    integration_id: str
    integration_key: str
    platform_name: str
    source_type: str
    status: str

    @property
    def software(self) -> str:
        """The accounting software, as a message names it."""
        return self.platform_name or "the accounting software"

    @property
    def is_linked(self) -> bool:
        return self.status.lower() == "linked"

    @property
    def is_accounting(self) -> bool | None:
        """Whether it leads to accounting software; None where Codat does not tell."""
        kind = self.source_type.lower()
        return None if kind in {"", "unknown"} else kind == "accounting"

    def __str__(self) -> str:
        """Read as a name, an id, a type and a status."""
        name, kind = self.platform_name or "unnamed", self.source_type or "of no type"
        return f"{name}: {self.id}, {kind}, {self.status or 'without status'}"


def only_connection(company_id: str, patience: Patience) -> Conversation[str]:
    """Return the one connection of a company that can be written through.

    :raises ConnectionUnusable: when there is none; the message lists those there are.
    :raises SettingsInvalid: when there are several; the message lists them.
    """
    found = yield from _only_connection(
        checked_uuid(company_id, "company_id"), patience
    )
    return found.id


def can_create(
    company_id: str,
    connection_id: str | None,
    patience: Patience,
    *,
    data_type: str = "customers",
) -> Conversation[Readiness]:
    """Return what Codat tells of writing one data type through a connection.

    Only what Codat positively says forbids it. Where Codat does not tell, or does not
    let this key ask what an integration can do, that is a remark.

    :param connection_id: None: the company's only one, see :func:`only_connection`.
    :param data_type: Codat's key, such as ``customers``.
    :raises ConnectionUnusable: when the company has no such connection, or it is not
        linked, or no accounting one, or its software cannot create the data type.
    :raises NotFound: when there is no such company.
    """
    company = checked_uuid(company_id, "company_id")
    if connection_id is None:
        connection = yield from _only_connection(company, patience)
    else:
        connection = yield from _connection(
            Destination(company, connection_id), patience
        )
    _require_linked(connection)
    integration = yield from _integration(connection, patience)
    return _readiness(company, connection, integration, data_type)


def _readiness(
    company_id: str,
    connection: _Connection,
    integration: Mapping[str, Json],
    data_type: str,
) -> Readiness:
    """Judge what an integration can do.

    :raises ConnectionUnusable: when it cannot create the data type.
    """
    state = _state_of_creating(integration, data_type)
    if state.lower() in _UNSUPPORTED:
        raise ConnectionUnusable(
            f"{connection.software} cannot create {data_type} through Codat: its "
            f"integration says {state}. Another try would end the same"
        )
    offline = integration.get("isOfflineConnector")
    return Readiness(
        company_id=company_id,
        connection_id=connection.id,
        platform_name=connection.platform_name,
        integration_key=connection.integration_key or _text(integration, "key"),
        status=connection.status,
        is_offline=offline if isinstance(offline, bool) else None,
        supports_create=True if state.lower() in _SUPPORTED else None,
        feature_state=state,
        remarks=tuple(_remarks(connection, data_type, state, offline=offline is True)),
    )


def _only_connection(company_id: str, patience: Patience) -> Conversation[_Connection]:
    every = yield from _connections(company_id, patience)
    fit = [each for each in every if each.is_linked and each.is_accounting]
    if len(fit) == 1:
        try:
            checked_uuid(fit[0].id, "id")
        except ValueError as error:
            raise Malformed(f"the answer lists no connection: {error}") from None
        return fit[0]
    if fit:
        raise SettingsInvalid(
            f"the company has {len(fit)} linked accounting connections; name the one "
            f"to write through as connection_id:{_list_of(fit)}"
        )
    raise ConnectionUnusable(
        "the company has no linked accounting connection to write through. "
        f"Its connections:{_list_of(every)}"
    )


def _connection(
    destination: Destination, patience: Patience
) -> Conversation[_Connection]:
    """Return one connection, or say which ones there are."""

    def read(response: Response) -> _Connection:
        found = _read(object_of(response))
        if found.id != destination.connection_id or not found.status:
            raise Malformed("the answer does not describe the connection asked for")
        return found

    try:
        return (
            yield from get(codat_request.read_connection(destination), read, patience)
        )
    except NotFound as error:
        every = yield from _connections(destination.company_id, patience)
        raise ConnectionUnusable(
            f"the company has no connection {destination.connection_id}. "
            f"Its connections:{_list_of(every)}"
        ) from error


def _connections(
    company_id: str, patience: Patience
) -> Conversation[list[_Connection]]:
    """Return all of a company's connections, each once."""
    pages = partial(codat_request.list_connections, company_id, page_size=_PAGE_SIZE)
    found = yield from _listed(pages, patience)
    return list({each.id: each for each in map(_read, found)}.values())


def _integration(
    connection: _Connection, patience: Patience
) -> Conversation[dict[str, Json]]:
    """Return what Codat tells of a connection's software; empty where it does not."""
    key, integration_id = connection.integration_key, connection.integration_id
    # A key that may read its connections need not be allowed to read what there is.
    with suppress(Refused):
        if key.isascii() and key.isalnum():
            with suppress(NotFound):
                request = codat_request.read_integration(key)
                return (yield from get(request, object_of, patience))
        pages = partial(codat_request.list_integrations, page_size=_PAGE_SIZE)
        for each in (yield from _listed(pages, patience)):
            if (
                integration_id
                and _text(each, "integrationId").lower() == integration_id
            ):
                return each
    return {}


def _listed(
    pages: Callable[..., Request], patience: Patience
) -> Conversation[list[dict[str, Json]]]:
    """Return what stands on all pages of a list."""
    found: list[dict[str, Json]] = []
    walk = PageWalk()
    for number in count(1):
        listed = yield from get(pages(page=number), page_of, patience)
        found += listed.entries
        if not walk.goes_on(listed):
            break
    return found


def _read(value: Mapping[str, Json]) -> _Connection:
    """Read a connection leniently."""
    return _Connection(
        id=_text(value, "id").lower(),
        integration_id=_text(value, "integrationId").lower(),
        integration_key=_text(value, "integrationKey"),
        platform_name=_text(value, "platformName"),
        source_type=_text(value, "sourceType"),
        status=_text(value, "status"),
    )


def _text(value: Mapping[str, Json], name: str) -> str:
    found = value.get(name)
    return printable(" ".join(found.split())) if isinstance(found, str) else ""


def _list_of(connections: Iterable[_Connection]) -> str:
    lines = [f"\n  - {connection}" for connection in first_ones([*connections])]
    return "".join(lines) or " none"


_ADVICE = {
    "pendingauth": "the company has not finished linking its software. Send it its "
    "link again, from Codat's Portal, and wait until it has",
    "unlinked": "somebody has unlinked it. The company has to link its software again",
    "deauthorized": "the software takes Codat's authorisation no more: it ran out or "
    "was withdrawn. The company has to authorise it again",
}
_OTHERWISE = "only a connection that is Linked can be written through"


def _require_linked(connection: _Connection) -> None:
    """Refuse a connection that nothing can be written through."""
    if not connection.is_linked:
        advice = _ADVICE.get(connection.status.lower(), _OTHERWISE)
        raise ConnectionUnusable(
            f"the connection is {connection.status} ({connection}): {advice}"
        )
    if connection.is_accounting is False:
        raise ConnectionUnusable(
            f"the connection does not lead to accounting software ({connection})"
        )


_SUPPORTED = ("release", "beta", "alpha", "deprecated")
_UNSUPPORTED = ("notimplemented", "notsupported")


def _state_of_creating(integration: Mapping[str, Json], data_type: str) -> str:
    """Return Codat's word for creating a data type; empty where there is none.

    Codat spells the key ``dataType`` and ``datatype``, the words in either case. Where
    it says several, the most hopeful counts: only what is certain forbids a write.
    """

    def hopelessness(state: str) -> int:
        known = (*_SUPPORTED, "", *_UNSUPPORTED)
        return known.index(state.lower() if state.lower() in known else "")

    states = [
        str(feature.get("featurestate") or "")
        for each in _objects(integration.get("datatypeFeatures"))
        if str(each.get("datatype")).lower() == data_type.lower()
        for feature in _objects(each.get("supportedfeatures"))
        if str(feature.get("featuretype")).lower() == "post"
    ]
    return min(states, key=hopelessness, default="")


def _objects(value: Json) -> Iterator[dict[str, Json]]:
    """Yield the objects of a list, their names in lower case."""
    for each in value if isinstance(value, list) else ():
        if isinstance(each, dict):
            yield {name.lower(): item for name, item in each.items()}


def _remarks(
    connection: _Connection, data_type: str, state: str, *, offline: bool
) -> Iterator[str]:
    software = connection.software
    if connection.is_accounting is None:
        yield f"Codat does not tell whether {software} is accounting software"
    if state.lower() not in _SUPPORTED:
        yield f"Codat does not tell whether {software} can create {data_type}"
    elif state.lower() == "deprecated":
        yield (
            f"creating {data_type} in {software} is deprecated: Codat is going to "
            "take it away"
        )
    elif state.lower() != "release":
        yield f"creating {data_type} in {software} is in {state.lower()} at Codat"
    if offline:
        yield (
            f"{software} runs on a computer of the company's: a write waits until that "
            "is switched on. timeout_in_minutes says for how long"
        )
