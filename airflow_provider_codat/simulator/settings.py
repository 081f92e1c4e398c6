"""What can be set about one simulated Codat."""

from dataclasses import dataclass
from typing import Literal, TypedDict

WEBHOOK_SECRET = "whsec_TG9jYWxDb2RhdEludmVudGVkU2VjcmV0MDE="  # noqa: S105 - invented
DOCUMENTED: Literal["documented"] = "documented"
SoftwareStyle = Literal["verbatim", "trimmed", "upper", "split"]
UpdateRefusals = Literal["operation", "request"]
DeletedStyle = Literal["marked", "gone"]


class SettingsFields(TypedDict, total=False):
    """The fields of :class:`Settings`, as keyword arguments."""

    settle_seconds: float
    list_lag_seconds: float
    refresh_seconds: float
    latency_seconds: float
    requests_per_minute: int | None
    daily_quota: int | Literal["documented"] | None
    concurrency: int | None
    validate: bool
    retry_after_format: Literal["seconds", "http-date"]
    accept_key_with_colon: bool
    idempotency_scope: Literal["request", "body"]
    software_style: SoftwareStyle
    update_refusals: UpdateRefusals
    deleted_style: DeletedStyle
    check_references: bool
    check_totals: bool
    largest_file_bytes: int
    journal_limit: int | None
    webhook_url: str | None
    webhook_secret: str


@dataclass(frozen=True, slots=True)
class Settings:
    """The switches of one simulated Codat; the defaults are Codat's own rules.

    :param settle_seconds: seconds from acceptance of a push operation to its final
        status, on the movable clock; 0: the first reply is already final.
    :param list_lag_seconds: seconds until an accepted operation appears in the list.
    :param refresh_seconds: seconds from the start of a pull operation to its last
        status, on the movable clock; 0: the first reply is already final.
    :param latency_seconds: real seconds that Codat works on each request.
    :param requests_per_minute: requests per address and minute; None: no limit.
    :param daily_quota: requests per UTC day; "documented": 1000 * (1 + companies);
        None: no limit.
    :param concurrency: requests at a time per company; None: no limit.
    :param validate: check bodies against the contract and the integration's model.
    :param retry_after_format: how Retry-After is written: "seconds" or "http-date".
    :param accept_key_with_colon: also accept ``base64(key + ":")``, which Codat does
        not document.
    :param idempotency_scope: what a repeated Idempotency-Key is compared by: the
        whole "request" (method, path, query, body) or the "body" alone.
    :param software_style: what the accounting software makes of a name: it keeps it
        "verbatim"; "trimmed" of blanks at the ends and repeated ones, as all its texts;
        in "upper" case; or "split" at the first blank and rejoined with two.
    :param update_refusals: how an update of a record that is not there, or that has
        changed since Codat last read it, is refused: by an "operation" that ends
        Failed, or the "request" itself by 404 or 400.
    :param deleted_style: what a deleted record is: "marked" as deleted, or "gone".
    :param check_references: whether ids of other records have to name one, of the same
        connection, when the push operation ends.
    :param check_totals: whether lines and tax have to add up to the totals then.
    :param largest_file_bytes: how large a request with an attachment may be.
    :param webhook_url: to which its events are sent; None: it sends none.
    :param webhook_secret: by which they are signed: ``whsec_`` and base64.
    :param journal_limit: how many arrivals the journal keeps; None: all.
    """

    settle_seconds: float = 1.0
    list_lag_seconds: float = 0.0
    refresh_seconds: float = 1.0
    latency_seconds: float = 0.0
    requests_per_minute: int | None = 1000
    daily_quota: int | Literal["documented"] | None = DOCUMENTED
    concurrency: int | None = 10
    validate: bool = True
    retry_after_format: Literal["seconds", "http-date"] = "seconds"
    accept_key_with_colon: bool = False
    idempotency_scope: Literal["request", "body"] = "request"
    software_style: SoftwareStyle = "verbatim"
    update_refusals: UpdateRefusals = "operation"
    deleted_style: DeletedStyle = "marked"
    check_references: bool = True
    check_totals: bool = True
    largest_file_bytes: int = 20_000_000
    journal_limit: int | None = 100_000
    webhook_url: str | None = None
    webhook_secret: str = WEBHOOK_SECRET
