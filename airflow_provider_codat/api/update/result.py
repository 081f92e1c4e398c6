"""What an update came to, or a delete: its result, and what is said without one."""

from collections.abc import Sequence

from airflow_provider_codat.api.create.settle import summary
from airflow_provider_codat.api.errors import OutcomeUnknown, PushFailed, PushTimedOut
from airflow_provider_codat.api.models import PushOperation, Summary
from airflow_provider_codat.api.update.intent import Update
from airflow_provider_codat.api.words import first_ones, quoted


def updated(
    wanted: Update, operation: PushOperation | None, *, status: str = "Success"
) -> Summary:
    """Return the result of an update that was found in the books.

    :param operation: that made the change, as far as it is known.
    :param status: where none is known.
    """
    if operation is not None:
        return succeeded(wanted, operation, adopted=True)
    return {
        "push_operation_key": "",
        "status": status,
        "record_id": wanted.record_id,
        "company_id": wanted.destination.company_id,
        "connection_id": wanted.destination.connection_id,
        "warnings": [],
        "requested_at": "",
        "completed_at": None,
        "adopted": status == "Success",
    }


def gone(wanted: Update) -> Summary:
    """Return the result of a delete whose record was not there any more."""
    return updated(wanted, None, status="Gone")


def succeeded(
    wanted: Update, operation: PushOperation, *, adopted: bool = False
) -> Summary:
    """Return the result of a push operation, whether it has ended or not."""
    result = summary(operation, wanted.redact, adopted=adopted)
    if operation.status == "Success" and result["record_id"] is None:
        result["record_id"] = wanted.record_id
    return result


def push_failed(wanted: Update, operation: PushOperation, *, clean: bool) -> PushFailed:
    """Return the error for an update that was refused.

    :param clean: whether Codat says that nothing was changed; else the record does.
    """
    redact = wanted.redact
    words = quoted(operation.error_message, redact)
    said = f". Codat says: {words}" if words else ""
    told = first_ones(operation.errors, lambda each: quoted(str(each), redact))
    reasons = "".join(f"\n  - {remark}" for remark in told)
    outcome = (
        f"nothing was {wanted.words.done}"
        if clean
        else f"the record was read back, and {wanted.words.undone}"
    )
    return PushFailed(
        f"push operation {operation.key} failed; {outcome}{said}{reasons}",
        operation=operation,
    )


def push_timed_out(wanted: Update, operation: PushOperation) -> PushTimedOut:
    """Return the error for an update that Codat stopped waiting for."""
    return PushTimedOut(
        f"push operation {operation.key} is TimedOut: Codat stopped waiting for the "
        f"accounting software. The record may still be {wanted.words.done}, so it is "
        "not sent again by this run; a task that is cleared sends it again",
        operation=operation,
    )


def older_may_land(keys: Sequence[str]) -> OutcomeUnknown:
    """Return the error for a payload that an older one might overtake."""
    return OutcomeUnknown(
        "this payload was not sent: an earlier try has sent another one, which may "
        f"still be written (push operation {', '.join(keys)} is TimedOut). Look at the "
        "record; a task that is cleared sends the new payload",
        candidates=keys,
    )


def sent_otherwise(reason: str, key: str) -> OutcomeUnknown:
    """Return the error for values that are not known any more."""
    return OutcomeUnknown(
        f"{reason}. Whether an earlier send has changed the record is not known, and "
        "cannot be: the payload is another one by now. Look at the record; a task that "
        "is cleared sends it as it is now",
        candidates=[key],
    )
