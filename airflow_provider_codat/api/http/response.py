"""Codat's dialect of HTTP, coming in: a response becomes a value or an error.

Source: https://docs.codat.io/using-the-api/errors
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

from airflow_provider_codat.api.data_types import DataType
from airflow_provider_codat.api.errors import (
    CodatError,
    IdempotencyConflict,
    Malformed,
    NotAuthorised,
    NotFound,
    PaymentRequired,
    Refused,
    StillInProgress,
)
from airflow_provider_codat.api.http.request import NoAnswer, Reply, Request, Response
from airflow_provider_codat.api.http.retry import Answer
from airflow_provider_codat.api.models import (
    Destination,
    Json,
    PushOperation,
    Remark,
    checked_uuid,
    status_of_push,
)
from airflow_provider_codat.api.words import (
    MOST_ITEMS,
    first_ones,
    printable,
    quoted,
    shortened,
)

CLOCK_SKEW_SECONDS = 5 * 60
"""How far two clocks may differ before a time counts as another time."""

LIMITED_SECONDS = 10.0
"""How long to hold back after a 429 that does not say how long."""

_LONGEST_SECONDS = 365 * 86_400.0
"""What is longer is a mistake, and may be more than a date can hold."""


def classified(reply: Reply, *, readable: bool) -> Answer:
    """Reduce a reply to what the tables of ``retry.py`` ask for."""
    if isinstance(reply, NoAnswer):
        return Answer(status=None, sent=reply.sent)
    message = _error_message(reply)
    opinion = str(message.get("canBeRetried", "")).lower()
    return Answer(
        status=reply.status,
        codats_own=bool(message),
        readable=readable,
        can_be_retried={"true": True, "yes": True, "false": False, "no": False}.get(
            opinion
        ),
    )


def json_of(response: Response) -> Json:
    """Return the JSON of a 2xx; None when it has no body.

    :raises Malformed: when it is not JSON, or too long.
    """
    if response.longer_than:
        raise Malformed(
            f"the answer ({response.status}) is longer than {response.longer_than} "
            "bytes (max_response_bytes of the connection), and was not read"
        )
    if not response.body:
        return None
    try:
        value: Json = json.loads(response.body)
    except (ValueError, RecursionError):
        raise Malformed(
            f"the answer ({response.status}, {len(response.body)} bytes) is not JSON"
        ) from None
    return value


def object_of(response: Response) -> dict[str, Json]:
    """Return the JSON object of a 2xx.

    :raises Malformed: when it is something else.
    """
    value = json_of(response)
    if not isinstance(value, dict):
        raise Malformed("the answer is not a JSON object")
    return value


def push_operation_of(response: Response) -> PushOperation:
    """Return the push operation that a 2xx describes.

    :raises Malformed: when it lacks what every push operation has.
    """
    return push_operation(object_of(response))


def push_operation(value: Mapping[str, Json]) -> PushOperation:
    """Read a push operation leniently, but for what identifies it.

    :raises Malformed: when key, company, connection, time or status is missing.
    """
    try:
        key, company, connection = (
            checked_uuid(value.get(name), name)
            for name in ("pushOperationKey", "companyId", "dataConnectionKey")
        )
    except ValueError as error:
        raise Malformed(f"the answer is no push operation: {error}") from None
    status, requested = value.get("status"), value.get("requestedOnUtc")
    if not isinstance(status, str) or not isinstance(requested, str):
        raise Malformed("the answer is no push operation: status or time is missing")
    data_type, validation = value.get("dataType"), value.get("validation")
    remarks = validation if isinstance(validation, dict) else {}
    return PushOperation(
        key=key,
        company_id=company,
        connection_id=connection,
        data_type=_text(data_type) or "",
        status=status_of_push(printable(status)),
        requested_at=printable(requested),
        completed_at=_text(value.get("completedOnUtc")),
        record_id=_record_id(value.get("changes"), data_type),
        error_message=str(value.get("errorMessage") or ""),
        errors=_remarks(remarks.get("errors")),
        warnings=_remarks(remarks.get("warnings")),
        raw=value,
    )


def _record_id(changes: Json, data_type: Json) -> str | None:
    """Return the id of the record that was created, or else changed, if there is one.

    Where Codat names no data type, of the operation or of a record, it is ours.
    """
    found = [
        (change.get("type") != "Created", printable(str(reference["id"])))
        for change in (changes if isinstance(changes, list) else [])
        if isinstance(change, dict)
        and isinstance(reference := change.get("recordRef"), dict)
        and reference.get("id")
        and _same_type(reference.get("dataType"), data_type)
    ]
    # min() returns the first of equals.
    return min(found, key=lambda each: each[0])[1] if found else None


def _same_type(one: Json, other: Json) -> bool:
    return not one or not other or str(one).lower() == str(other).lower()


def _remarks(values: Json) -> tuple[Remark, ...]:
    """Read Codat's remarks, whatever is missing in them."""
    return tuple(
        Remark(item=str(v.get("itemId") or ""), text=str(v.get("message") or ""))
        for v in (values if isinstance(values, list) else [])
        if isinstance(v, dict)
    )


def epoch_of(text: str) -> float | None:
    """Return the epoch seconds of a time of Codat's, which is in UTC if silent."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
    except (ValueError, OverflowError):
        return None


def is_ours(
    operation: PushOperation,
    response: Response,
    *,
    destination: Destination,
    data_type: DataType,
    first_sent_at: float,
) -> bool:
    """Whether a push operation can be the one that was asked for.

    :param first_sent_at: epoch seconds; it was not requested before.
    """
    place = (operation.company_id, operation.connection_id)
    if place != (destination.company_id, destination.connection_id):
        return False
    requested = epoch_of(operation.requested_at)
    if not _same_type(operation.data_type, data_type.name) or requested is None:
        return False
    # Codat's clock may differ from ours; the Date header tells by how much.
    offset = _date(response, "date", response.received_at) - response.received_at
    earliest = first_sent_at - CLOCK_SKEW_SECONDS
    latest = response.received_at + CLOCK_SKEW_SECONDS
    return earliest <= requested - offset <= latest


def _date(response: Response, header: str, otherwise: float) -> float:
    """Return the epoch seconds that a header names."""
    try:
        return _epoch(response.headers[header])
    except (KeyError, ValueError, OverflowError):
        return otherwise


@lru_cache(maxsize=8)
def _epoch(date: str) -> float:
    """Return the epoch seconds of a date of HTTP's; many answers have the same."""
    moment = parsedate_to_datetime(date)
    # Without a zone it is UTC, wherever this machine stands.
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()


def already_in_progress(response: Response) -> bool:
    """Whether a refresh was not started because one of its data type still runs.

    Codat documents the words, and no status.
    Source: https://docs.codat.io/using-the-api/queueing-data-syncs
    """
    words = str(_error_message(response).get("error") or "")
    return response.status == 409 or words.startswith(  # noqa: PLR2004 - HTTP's own number
        "DatasetAlreadyInProgressException"
    )


def retry_after_seconds(response: Response) -> float | None:
    """Return for how long Codat does not want to be asked, never less.

    It comes as seconds or as an HTTP date; without it, ``X-Rate-Limit-Reset`` tells
    when an exhausted quota is renewed.
    """
    text = response.headers.get("retry-after", "").strip()
    if text.replace(".", "", 1).isdigit() and text.isascii():
        return min(float(text), _LONGEST_SECONDS)
    now = response.received_at
    until = _date(response, "retry-after", 0.0)
    if not until and response.headers.get("x-rate-limit-remaining") == "0":
        reset = response.headers.get("x-rate-limit-reset", "")
        until = epoch_of(reset) or _date(response, "x-rate-limit-reset", 0.0)
    if not until:
        return None
    # Whichever clock says longer: to come late is allowed, to come early is not.
    seconds = max(0.0, until - now, until - _date(response, "date", now))
    return min(seconds, _LONGEST_SECONDS)


def limited_seconds(reply: Reply) -> float:
    """Return for how long nobody is to ask after a 429; 0 after anything else."""
    if not isinstance(reply, Response) or reply.status != 429:  # noqa: PLR2004 - HTTP's own number
        return 0.0
    asked = retry_after_seconds(reply)
    return LIMITED_SECONDS if asked is None else asked


def _error_message(response: Response) -> dict[str, Json]:
    """Return the body that Codat's own errors have; empty for anything else."""
    if response.status < 400:  # noqa: PLR2004 - HTTP's own number
        return {}
    try:
        value = json.loads(response.body)
    except (ValueError, RecursionError):
        return {}
    known = {"statusCode", "service", "error", "correlationId", "validation"}
    return value if isinstance(value, dict) and known & set(value) else {}


def correlation_id(response: Response) -> str:
    """Return what Codat's support asks for; empty when there is none."""
    return printable(str(_error_message(response).get("correlationId") or ""))


_REFUSALS: dict[int, tuple[type[Refused], str]] = {
    400: (Refused, "the request is not valid"),
    401: (
        NotAuthorised,
        "the API key is wrong: check the API key (password) of the Airflow connection",
    ),
    402: (PaymentRequired, "the Codat plan does not cover this"),
    403: (
        NotAuthorised,
        "the API key is outdated, belongs to another client, or may not do this",
    ),
    404: (
        NotFound,
        "no such company, connection or record, or its software lacks this data type",
    ),
    422: (
        IdempotencyConflict,
        "the idempotency key was used before with another body",
    ),
}


def _text(value: Json) -> str | None:
    return printable(value) if isinstance(value, str) else None


def described(response: Response, redact: Callable[[str], str] = str) -> str:
    """Say what an error answer says, in one line.

    :param redact: takes the payload's own values out of Codat's words.
    """
    message, status = _error_message(response), response.status
    parts = [f"Codat answered {status}" if message else f"the answer was {status}"]
    _, words = _REFUSALS.get(status, (Refused, ""))
    parts.append(words and f": {words}")
    if text := message.get("error"):
        parts.append(f". Codat says: {quoted(str(text), redact)}")
    if 300 <= status < 400:  # noqa: PLR2004 - HTTP's own numbers
        parts.append(
            ", a redirect, which is never followed: check the base URL (host) of the "
            "connection"
        )
    said = first_ones(
        _validation_errors(response), lambda remark: quoted(str(remark), redact)
    )
    parts.extend(f"\n  - {words}" for words in said)
    if response.longer_than:
        parts.append(f" (longer than {response.longer_than} bytes, and not read)")
    elif not message:
        parts.append(" (no words of Codat's: a gateway, a firewall or another server)")
    if found := correlation_id(response):
        parts.append(f" (correlation id {found})")
    return shortened("".join(parts))


def refusal(
    response: Response, request: Request, redact: Callable[[str], str] = str
) -> CodatError:
    """Return the error that a 4xx, or a redirect, stands for.

    :param redact: takes the payload's own values out of Codat's words.
    """
    words = f"{request}: {described(response, redact)}"
    if response.status == 409:  # noqa: PLR2004 - HTTP's own number
        return StillInProgress(words)
    kind, _ = _REFUSALS.get(response.status, (Refused, ""))
    return kind(
        words,
        status=response.status,
        correlation_id=correlation_id(response),
        remarks=[
            Remark(item=printable(remark.item), text=quoted(remark.text, redact))
            for remark in _validation_errors(response)[:MOST_ITEMS]
        ],
    )


def _validation_errors(response: Response) -> tuple[Remark, ...]:
    validation = _error_message(response).get("validation")
    errors = validation.get("errors") if isinstance(validation, dict) else None
    return _remarks(errors)
