"""The nouns of a conversation with Codat: small, frozen, checked when they are made."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, TypedDict
from uuid import UUID

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

DATA_TYPE_NAME = re.compile(r"[A-Za-z][A-Za-z-]{0,49}")
"""How a data type of Codat's may be called, also one that is only read."""

EVENT_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,99}")
"""How what happens at Codat may be called, such as ``connection.disconnected``."""

_STATUSES = {s.lower(): s for s in ("Pending", "Success", "Failed", "TimedOut")}
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def checked_uuid(value: object, name: str) -> str:
    """Return the canonical spelling of a UUID, or say which argument is not one.

    :param value: what the author gave; surrounding white space is dropped.
    :param name: the argument's name, for the message.
    :raises ValueError: when it is no UUID in the 8-4-4-4-12 form. The value itself
        is not repeated: something else may have been pasted in its place.
    """
    text = str(value).strip() if isinstance(value, str | UUID) else ""
    if not _UUID.fullmatch(text):
        raise ValueError(
            f"{name} must be a UUID such as 8a210b68-6988-11ed-a1eb-0242ac120002; "
            f"{_described(value)} was given"
        )
    return text.lower()


def status_of_push(text: str) -> str:
    """Return Codat's word for what became of a write, in Codat's own spelling."""
    return _STATUSES.get(text.lower(), text)


def _described(value: object) -> str:
    """Say what kind of thing stands where a UUID was wanted, and no more."""
    if isinstance(value, str):
        return f"a text of {len(value)} characters" if value else "an empty text"
    return type(value).__name__


def author_key(value: str) -> str:
    """Return an author's own key as it is to be sent: verbatim, but for white space.

    It may have been used before, elsewhere, and nobody says that Codat takes two
    spellings of a GUID for one key.

    :raises ValueError: when it is not a GUID, which Codat demands.
    """
    checked_uuid(value, "idempotency_key")
    return str(value).strip()


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a payload: where, which rule, what would be right.

    :param path: such as ``addresses[0].type``; empty for the payload itself.
    :param rule: the JSON Schema keyword, ``unknown`` for a property that is
        not listed, ``decimals`` or ``ignored`` for what a model says in prose, or
        ``json`` for what JSON cannot express.
    :param message: what would be right. Never the value that was found.
    :param severity: ``error`` forbids the request, ``warning`` does not.
    :param by: who objects, where there are several who may.
    """

    path: str
    rule: str
    message: str
    severity: Literal["error", "warning"] = "error"
    by: str = ""

    def __str__(self) -> str:
        """Read as one line: the place, what would be right, and who says so."""
        whose = f" ({self.by})" if self.by else ""
        return f"{self.path or 'the payload'}: {self.message}{whose}"


@dataclass(frozen=True, slots=True)
class Destination:
    """The books that a record is to appear in.

    :param company_id: Codat's company, a UUID.
    :param connection_id: that company's connection to its software, a UUID.
    """

    company_id: str
    connection_id: str

    def __post_init__(self) -> None:
        """Refuse what Codat would refuse, before anything is sent."""
        for name in ("company_id", "connection_id"):
            object.__setattr__(self, name, checked_uuid(getattr(self, name), name))


@dataclass(frozen=True, slots=True)
class Remark:
    """One of Codat's own remarks on a push operation or a refusal.

    :param item: the field that it is about, as Codat spells it; may be empty.
    :param text: Codat's words.
    """

    item: str
    text: str

    def __str__(self) -> str:
        """Read as one line."""
        return f"{self.item}: {self.text}" if self.item else self.text


@dataclass(frozen=True, slots=True)
class PushOperation:
    """What Codat says of one write, read leniently from its reply.

    Source: https://docs.codat.io/using-the-api/push

    :param key: names the operation, a UUID.
    :param status: ``Pending``, ``Success``, ``Failed``, ``TimedOut`` or a word that
        is not documented.
    :param record_id: the record that was created; None while there is none.
    :param raw: the reply as Codat sent it.
    """

    key: str
    company_id: str
    connection_id: str
    data_type: str
    status: str
    requested_at: str
    completed_at: str | None
    record_id: str | None
    # Codat may quote the payload in these: they are not for a log.
    error_message: str = field(repr=False)
    errors: tuple[Remark, ...] = field(repr=False)
    warnings: tuple[Remark, ...] = field(repr=False)
    raw: Mapping[str, Json] = field(repr=False)

    @property
    def ended(self) -> bool:
        """Whether Codat will change its mind no more.

        A status that is not documented counts as not ended: it is asked again.
        """
        return self.status in {"Success", "Failed", "TimedOut"}


class Summary(TypedDict):
    """What came of one write.

    ``status`` is Codat's word for its push operation, or ``Exists`` where such a record
    was in the books before, and nothing was sent.
    """

    push_operation_key: str
    status: str
    record_id: str | None
    company_id: str
    connection_id: str
    warnings: list[str]
    requested_at: str
    completed_at: str | None
    adopted: bool


@dataclass(frozen=True, slots=True)
class PullOperation:
    """What Codat says of one refresh of its copy of the books, read leniently.

    Source: https://docs.codat.io/platform-api#/operations/get-pull-operation

    :param id: names the operation, a UUID; Codat calls it a dataset, too.
    :param connection_id: the connection that is read; empty where Codat names none.
    :param status: such as ``Queued``, ``Fetching``, ``Complete`` or ``AuthError``.
    :param completed: whether Codat calls it completed, which it does of success alone.
    :param errored: whether Codat calls it errored.
    :param progress: Codat's number for how far it is; None where there is none.
    :param raw: the reply as Codat sent it.
    """

    id: str
    company_id: str
    connection_id: str
    data_type: str
    status: str
    requested_at: str
    completed: bool
    errored: bool
    progress: int | None
    # Codat may quote the books in its words: they are not for a log.
    raw: Mapping[str, Json] = field(repr=False)

    @property
    def failed(self) -> bool:
        """Whether it ended, and not with a fresh copy."""
        return self.errored or self.status.lower() in _FAILED_PULLS

    @property
    def ended(self) -> bool:
        """Whether Codat will change its mind no more.

        A status that is not documented counts as not ended: it is asked again.
        """
        return self.completed or self.failed or self.status.lower() == "complete"


_FAILED_PULLS = {
    "autherror",
    "cancelled",
    "fetcherror",
    "internalerror",
    "maperror",
    "notsupported",
    "permissionserror",
    "prerequisitenotmet",
    "processingerror",
    "ratelimiterror",
    "validationerror",
}
