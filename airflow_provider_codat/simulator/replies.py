"""Replies as values, and Codat's error body."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

JSON_TYPE = "application/json; charset=utf-8"
# Made once: json.dumps makes one for each call that asks for anything unusual.
_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)
Issue = dict[str, str]


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP reply.

    :param status: HTTP status.
    :param body: exact bytes.
    :param content_type: value of the Content-Type header.
    :param headers: further headers.
    :param from_codat: False for a reply of something that stands before Codat.
    """

    status: int
    body: bytes
    content_type: str = JSON_TYPE
    headers: Mapping[str, str] = field(default_factory=dict)
    from_codat: bool = True


def json_text(value: object) -> str:
    """Write a value as compact JSON."""
    return _ENCODER.encode(value)


def json_reply(value: object) -> Reply:
    """Answer 200 with a JSON value."""
    return Reply(200, json_text(value).encode())


def issue(item_id: str, message: str, validator: str = "Customer") -> Issue:
    """Return one entry of ``validation.errors`` or ``validation.warnings``."""
    return {"itemId": item_id, "message": message, "validatorName": validator}


def error_reply(
    status: int,
    text: str,
    *,
    errors: Sequence[Issue] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """Answer with Codat's error body.

    :param status: HTTP status, repeated in the body.
    :param text: the ``error`` text.
    :param errors: entries of ``validation.errors``; None: ``validation`` is null.
    :param headers: further headers.
    """
    validation = None if errors is None else {"errors": list(errors), "warnings": []}
    value = {
        "statusCode": status,
        "service": "PublicApi",
        "error": text,
        "correlationId": uuid.uuid4().hex,
        "validation": validation,
        "canBeRetried": "Unknown",
        "detailedErrorCode": 0,
    }
    return Reply(status, json_text(value).encode(), headers=headers or {})


class RefusedError(Exception):
    """Codat refuses the request; carries the reply."""

    def __init__(
        self, status: int, text: str, *, errors: Sequence[Issue] | None = None
    ) -> None:
        super().__init__(text)
        self.reply = error_reply(status, text, errors=errors)
