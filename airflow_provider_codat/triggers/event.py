"""What a trigger tells the task that waits for it: plain data, checked on arrival."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import isfinite
from typing import Any, Literal, Self

from airflow_provider_codat.api import errors
from airflow_provider_codat.api.errors import (
    Busy,
    CodatError,
    OutcomeUnknown,
    SettingsInvalid,
)
from airflow_provider_codat.api.models import PushOperation, checked_uuid


@dataclass(frozen=True, slots=True)
class PushOperationState:
    """How a push operation was last seen.

    Codat's words are not in it: they may quote a customer, and Airflow keeps events in
    its database.

    :param has_remarks: whether there are such words: errors, warnings or a message.
    """

    status: str
    record_id: str | None
    requested_at: str
    completed_at: str | None
    has_remarks: bool

    @classmethod
    def of(cls, operation: PushOperation) -> Self:
        """Return what of a push operation travels."""
        words = operation.errors or operation.warnings or operation.error_message
        return cls(
            status=operation.status,
            record_id=operation.record_id,
            requested_at=operation.requested_at,
            completed_at=operation.completed_at,
            has_remarks=bool(words),
        )


UNSEEN = PushOperationState(
    status="",
    record_id=None,
    requested_at="",
    completed_at=None,
    has_remarks=False,
)
"""Of a push operation that could not be read in time."""


@dataclass(frozen=True, slots=True)
class PushOperationsEvent:
    """What came of waiting for push operations.

    :param status: ``ended``: all of them have; ``deadline``: not all of them in time;
        ``error``: they are waited for no more.
    :param push_operations: how each was last seen, by its key.
    :param error: the name of the error's class; empty when there is none.
    :param message: the error's words.
    """

    status: Literal["ended", "deadline", "error"]
    push_operations: Mapping[str, PushOperationState] = field(default_factory=dict)
    error: str = ""
    message: str = ""

    @property
    def failure(self) -> CodatError:
        """The error for the task to raise.

        One that is not of this package ended the wait, not the push operations: the
        task's next try may wait again.
        """
        return _failure(self.error, self.message)

    def to_json(self) -> dict[str, Any]:
        """Return the event as plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Read an event.

        :raises CodatError: when it is anything but what :meth:`to_json` returns.
        """
        match value:
            case {
                "status": "ended" | "deadline" | "error" as status,
                "push_operations": dict(operations),
                "error": str(error),
                "message": str(message),
                **others,
            } if not others and (status == "error") == bool(error):
                states = {_key(key): _state(each) for key, each in operations.items()}
                return cls(status, states, error, message)
        raise _unreadable("push operations go")


@dataclass(frozen=True, slots=True)
class PullOperationEvent:
    """What came of waiting for a refresh, and what the task needs to go on.

    How the refresh stands is asked anew: nothing that Codat says of it travels.

    :param status: ``ended``: it has; ``deadline``: not in time; ``error``: it is
        waited for no more.
    :param dataset_id: the pull operation's id.
    :param fresh: see :class:`airflow_provider_codat.api.books.records.Refresh`.
    :param newest: the same.
    :param deadline: epoch seconds: of the task's whole wait.
    :param error: the name of the error's class; empty when there is none.
    :param message: the error's words.
    """

    status: Literal["ended", "deadline", "error"]
    dataset_id: str
    fresh: bool
    newest: str
    deadline: float
    error: str = ""
    message: str = ""

    @property
    def failure(self) -> CodatError:
        """The error for the task to raise."""
        return _failure(self.error, self.message)

    def to_json(self) -> dict[str, Any]:
        """Return the event as plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Read an event.

        :raises CodatError: when it is anything but what :meth:`to_json` returns.
        """
        match value:
            case {
                "status": "ended" | "deadline" | "error" as status,
                "dataset_id": str(dataset_id),
                "fresh": bool(fresh),
                "newest": str(newest),
                "deadline": float(deadline),
                "error": str(error),
                "message": str(message),
                **others,
            } if not others and (status == "error") == bool(error):
                if _is_uuid(dataset_id) and isfinite(deadline):
                    return cls(
                        status, dataset_id, fresh, newest, deadline, error, message
                    )
        raise _unreadable("pull operation goes")


def _is_uuid(text: str) -> bool:
    try:
        checked_uuid(text, "dataset_id")
    except ValueError:
        return False
    return True


def _failure(name: str, message: str) -> CodatError:
    match name:
        case "OutcomeUnknown":
            return OutcomeUnknown(message)
        case "SettingsInvalid":
            return SettingsInvalid(message)
        case _ if name in _OURS:
            return CodatError(f"{name}: {message}")
        case _:
            return Busy(message or "nobody waits any more")


_OURS = {
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, CodatError)
}


def event_of_error(
    error: BaseException,
    push_operations: Mapping[str, PushOperationState] | None = None,
) -> PushOperationsEvent:
    """Return the event that says that nobody waits any more.

    What is not an error of this package may quote anything, so it is only named.
    """
    kind = type(error).__name__
    words = (
        str(error)
        if isinstance(error, CodatError)
        else f"waiting in the triggerer was broken off by {kind}, see the triggerer's "
        "log. The push operations go on at Codat"
    )
    return PushOperationsEvent("error", push_operations or {}, kind, words)


def _key(value: object) -> str:
    if not isinstance(value, str):
        raise _unreadable("push operations go")
    return value


def _state(value: object) -> PushOperationState:
    match value:
        case {
            "status": str(status),
            "record_id": str() | None as record_id,
            "requested_at": str(requested_at),
            "completed_at": str() | None as completed_at,
            "has_remarks": bool(has_remarks),
            **others,
        } if not others:
            return PushOperationState(
                status, record_id, requested_at, completed_at, has_remarks
            )
    raise _unreadable("push operations go")


def _unreadable(what_goes: str) -> CodatError:
    """Return the error for an event that is not ours; it may quote anything."""
    return CodatError(
        "the trigger's event could not be read; another version of this provider may "
        f"have sent it. The {what_goes} on at Codat"
    )
