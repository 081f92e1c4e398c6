"""From an accepted push operation to its end, and what that end means."""

from collections.abc import Callable
from dataclasses import replace

from airflow_provider_codat.api.books.push_history import known_push_operation
from airflow_provider_codat.api.errors import (
    Busy,
    CodatFaulted,
    Malformed,
    OutcomeUnknown,
    PushFailed,
    PushTimedOut,
    PushWarned,
    RateLimited,
    Refused,
    StillPending,
    Unreachable,
)
from airflow_provider_codat.api.http.exchange import Conversation, Patience, Pause
from airflow_provider_codat.api.http.telemetry import report_end
from airflow_provider_codat.api.models import PushOperation, Remark, Summary
from airflow_provider_codat.api.words import first_ones, quoted

FIRST_POLL_SECONDS = 2.0
"""How long after the create its push operation is asked for, for the first time."""

_SLOWER = 1.5


def settle(
    operation: PushOperation,
    patience: Patience,
    *,
    poll_interval_seconds: float,
    deadline: float,
) -> Conversation[PushOperation]:
    """Wait until a push operation has ended.

    The waits begin with two seconds and grow by half up to the interval. What only
    keeps us from asking, such as an outage, is waited out until the deadline.

    :param deadline: epoch seconds.
    :raises StillPending: when it has not ended by then; it goes on at Codat.
    :raises OutcomeUnknown: when Codat knows it no more.
    """
    seconds = min(FIRST_POLL_SECONDS, poll_interval_seconds)
    while not operation.ended:
        left = deadline - patience.clock()
        if left <= 0:
            raise still_pending(operation)
        yield Pause(min(seconds, left), _waiting(operation))
        operation = yield from _poll(operation, patience, deadline)
        seconds = min(poll_interval_seconds, seconds * _SLOWER)
    if operation.status == "TimedOut":
        # It may have landed since: Codat's deadline stops nobody.
        yield Pause(seconds, _waiting(operation))
        operation = yield from _poll(operation, patience, deadline)
    report_end(operation, patience.telemetry, patience.clock())
    return operation


def _poll(
    operation: PushOperation, patience: Patience, deadline: float
) -> Conversation[PushOperation]:
    """Read a push operation; what it was, while it cannot be read."""
    left = max(0.0, deadline - patience.clock())
    hurried = replace(patience, budget_seconds=min(patience.budget_seconds, left))
    try:
        company, key = operation.company_id, operation.key
        return (yield from known_push_operation(company, key, hurried))
    except Refused as error:
        raise OutcomeUnknown(
            f"push operation {operation.key} was accepted, but cannot be asked for any "
            f"more, so a record may exist: {error}",
            candidates=[operation.key],
        ) from error
    except RateLimited as error:
        seconds = max(0.0, min(error.until, deadline) - patience.clock())
        yield Pause(seconds, str(error))
    except (Busy, CodatFaulted, Malformed, Unreachable) as error:
        yield Pause(0.0, f"{error}; push operation {operation.key} is asked for again")
    return operation


def _waiting(operation: PushOperation) -> str:
    known = operation.status in {"Pending", "TimedOut"}
    remark = "" if known else ", a status that is not documented"
    return f"Push operation {operation.key} is {operation.status}{remark}"


def still_pending(operation: PushOperation) -> StillPending:
    """Return the error for a push operation that has not ended in time."""
    return StillPending(
        f"push operation {operation.key} is still {operation.status} after "
        "completion_timeout_seconds. It goes on at Codat, nothing can cancel it, and "
        "the record may still appear. Offline software (Sage 50, QuickBooks Desktop) "
        "keeps it waiting while the desktop is off: set timeout_in_minutes",
        operation=operation,
    )


def judged(
    operation: PushOperation,
    *,
    redact: Callable[[str], str] = str,
    fail_on_warning: bool = False,
) -> PushOperation:
    """Return a push operation that succeeded; raise what any other end means.

    :param redact: takes the payload's own values out of Codat's words.
    :raises PushFailed: when it was refused, with every reason that Codat gave.
    :raises PushTimedOut: when Codat gave up waiting.
    :raises PushWarned: when it succeeded with warnings that are to fail the task.
    :raises OutcomeUnknown: when it failed in a way that leaves open whether there is
        a record.
    """
    match operation.status:
        case "Success" if operation.warnings and fail_on_warning:
            raise PushWarned(
                f"record {operation.record_id} is in the books (push operation "
                f"{operation.key}), with warnings, and fail_on_warning is set:"
                f"{_listed(operation.warnings, redact)}",
                operation=operation,
            )
        case "Success":
            return operation
        case "Failed":
            raise _failed(operation, redact)
        case _:
            raise PushTimedOut(
                f"push operation {operation.key} is TimedOut: Codat stopped waiting "
                "for the accounting software. The record may still appear, so it is "
                f"not sent again. {_LOOK}",
                operation=operation,
            )


_LOOK = (
    "Look for it in the books, and say what you found in the unknown_resolution of the "
    "task that created it"
)


MEND = "Mend what that names, and clear the task: then it is sent anew"
"""What a task is told whose record was refused."""


def created_nothing(operation: PushOperation) -> bool:
    """Whether a push operation ended without a record, for sure."""
    refused = bool(operation.errors) and operation.record_id is None
    return operation.status == "Failed" and refused


def _failed(
    operation: PushOperation, redact: Callable[[str], str]
) -> PushFailed | OutcomeUnknown:
    """Tell a clean refusal from a failure that may have left a record behind."""
    words = quoted(operation.error_message, redact)
    said = f". Codat says: {words}" if words else ""
    reasons = _listed(operation.errors, redact)
    if created_nothing(operation):
        return PushFailed(
            f"push operation {operation.key} failed; no record was created"
            f"{said}{reasons}\n{MEND}",
            operation=operation,
        )
    record = operation.record_id
    return OutcomeUnknown(
        f"push operation {operation.key} failed"
        + (f", and names record {record}" if record else " without a validation error")
        + f"{said}{reasons}\nA record may exist, and it is not sent again. {_LOOK}",
        candidates=[operation.key],
    )


def _listed(remarks: tuple[Remark, ...], redact: Callable[[str], str]) -> str:
    return "".join(f"\n  - {words}" for words in _first_of(remarks, redact))


def _first_of(remarks: tuple[Remark, ...], redact: Callable[[str], str]) -> list[str]:
    return first_ones(remarks, lambda remark: quoted(str(remark), redact))


def summary(
    operation: PushOperation,
    redact: Callable[[str], str] = str,
    *,
    adopted: bool = False,
) -> Summary:
    """Return what a later task needs to know of a push operation, as plain JSON.

    :param redact: takes the payload's own values out of Codat's words.
    :param adopted: whether it was found in the books, and taken for ours, after the
        answer to the create was lost.
    """
    return {
        "push_operation_key": operation.key,
        "status": operation.status,
        "record_id": operation.record_id if operation.status == "Success" else None,
        "company_id": operation.company_id,
        "connection_id": operation.connection_id,
        "warnings": _first_of(operation.warnings, redact),
        "requested_at": operation.requested_at,
        "completed_at": operation.completed_at,
        "adopted": adopted,
    }


def recalled(result: Summary) -> PushOperation:
    """Return the push operation that a summary speaks of, as far as it does."""
    return PushOperation(
        key=result["push_operation_key"],
        company_id=result["company_id"],
        connection_id=result["connection_id"],
        data_type="",
        status=result["status"],
        requested_at=result["requested_at"],
        completed_at=result["completed_at"],
        record_id=result["record_id"],
        error_message="",
        errors=(),
        warnings=tuple(Remark("", text) for text in result["warnings"]),
        raw={},
    )
