"""What one webhook tells: a few ids and a status, and nothing of a record.

Source: https://docs.codat.io/using-the-api/webhooks/event-types
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from airflow_provider_codat.api.errors import Malformed
from airflow_provider_codat.api.models import (
    DATA_TYPE_NAME,
    EVENT_TYPE,
    Json,
    checked_uuid,
    status_of_push,
)
from airflow_provider_codat.api.words import printable

MOST_BYTES = 256 * 1024
"""How long a webhook may be. One of a read of all data types has about 20 KiB."""

_WRITE = re.compile(r"([A-Za-z-]+)\.write\.[A-Za-z]+")
_READ = re.compile(r"read\.completed(?:\..+)?")
_LONGEST_TEXT = 200


@dataclass(frozen=True, slots=True)
class CodatEvent:
    """One thing that happened at Codat.

    :param id: Codat's, of the event.
    :param type: Codat's name of it, such as ``customers.write.successful``; one that
        this package does not know is kept as it is.
    :param company_id: empty where it is of no company.
    :param connection_id: the same of a connection.
    :param data_type: what was written, or read anew; else empty.
    :param push_operation_key: of a write.
    :param record_id: of a write that succeeded.
    :param status: of a write: ``Success``, ``Failed``, ``TimedOut`` or ``Pending``. It
        decides; Codat's name of the event may say otherwise. Of a read: ``Complete``.
    :param generated_at: Codat's time, as text.
    """

    id: str
    type: str
    company_id: str = ""
    connection_id: str = ""
    data_type: str = ""
    push_operation_key: str = ""
    record_id: str = ""
    status: str = ""
    generated_at: str = ""

    @property
    def is_write(self) -> bool:
        """Whether it is the end of a push operation."""
        return _WRITE.fullmatch(self.type) is not None


def events_of(body: bytes) -> tuple[CodatEvent, ...]:
    """Return what a webhook tells; of a read, for each data type that has changed.

    :raises Malformed: when it is no event.
    """
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise Malformed("the webhook is no JSON") from None
    if not isinstance(value, dict):
        raise Malformed("the webhook is no JSON object")
    name, payload = value.get("eventType"), value.get("payload")
    if not isinstance(name, str) or not EVENT_TYPE.fullmatch(name):
        raise Malformed("the webhook names no event type")
    if not isinstance(payload, dict):
        raise Malformed("the webhook has no payload")
    event = CodatEvent(
        id=_text(value, "id"),
        type=name,
        company_id=_uuid(_object(payload, "referenceCompany"), "id"),
        generated_at=_text(value, "generatedDate"),
    )
    if event.is_write:
        return (_write(event, payload),)
    if _READ.fullmatch(name):
        return _reads(event, payload)
    return (_other(event, payload),)


def _write(event: CodatEvent, payload: Mapping[str, Json]) -> CodatEvent:
    return replace(
        event,
        connection_id=_uuid(payload, "connectionId"),
        data_type=event.type.partition(".")[0],
        push_operation_key=_uuid(payload, "id"),
        record_id=_text(_object(payload, "record"), "id"),
        status=status_of_push(_text(payload, "status")),
    )


def _reads(event: CodatEvent, payload: Mapping[str, Json]) -> tuple[CodatEvent, ...]:
    """Return an event for each data type of which Codat's copy is another now."""
    listed = payload.get("dataTypes")
    connections: dict[str, set[str]] = {}
    for each in listed if isinstance(listed, list) else []:
        if isinstance(each, dict) and _has_changed(each):
            name = _text(each, "dataType")
            connections.setdefault(name, set()).add(_uuid(each, "connectionId"))
    return tuple(
        replace(
            event,
            data_type=name,
            connection_id=found.pop() if len(found) == 1 else "",
            status="Complete",
        )
        for name, found in connections.items()
    )


def _has_changed(read: Mapping[str, Json]) -> bool:
    complete = _text(read, "status").lower() in {"complete", ""}
    named = DATA_TYPE_NAME.fullmatch(_text(read, "dataType")) is not None
    return complete and named and read.get("recordsModified") is not False


def _other(event: CodatEvent, payload: Mapping[str, Json]) -> CodatEvent:
    connection = _object(payload, "connection")
    of_company = event.type.startswith("company.")
    return replace(
        event,
        company_id=_uuid(payload, "id") if of_company else event.company_id,
        connection_id=_uuid(connection, "id"),
        status=_text(connection, "status"),
    )


def _object(value: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _text(value: Mapping[str, Json], name: str) -> str:
    found = value.get(name)
    return printable(found[:_LONGEST_TEXT]) if isinstance(found, str) else ""


def _uuid(value: Mapping[str, Json], name: str) -> str:
    try:
        return checked_uuid(value.get(name), name)
    except ValueError:
        return ""
