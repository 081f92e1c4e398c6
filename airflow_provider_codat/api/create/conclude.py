"""What came of an accepted write: written down, and returned or raised."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from airflow_provider_codat.api.create.intent import Written
from airflow_provider_codat.api.create.journal import Entry
from airflow_provider_codat.api.create.settle import created_nothing, judged, summary
from airflow_provider_codat.api.http.exchange import Conversation, Note, Patience
from airflow_provider_codat.api.models import Summary

if TYPE_CHECKING:
    from airflow_provider_codat.api.models import Json

PUSH_FAILED = "its push operation failed"
"""Why there is no record, in the journal."""


def conclude(
    written: Written,
    patience: Patience,
    *,
    redact: Callable[[str], str],
    clear_count: int,
) -> Conversation[Summary]:
    """Write down what came of an accepted write, and return it.

    :param redact: takes the payload's own values out of Codat's words.
    :param clear_count: counts how often the task was cleared after it had ended.
    :raises PushFailed: nothing was created.
    :raises PushTimedOut: a record may still appear.
    :raises OutcomeUnknown: a record may exist.
    """
    operation = written.operation
    redact = concealed if written.changed else redact
    result = summary(operation, redact, adopted=written.adopted)
    entry = Entry("end", written.generation, patience.clock(), clear_count)
    entry = replace(entry, operation_key=operation.key)
    if operation.status == "Success":
        yield Note(replace(entry, result=cast("dict[str, Json]", result)))
    elif created_nothing(operation):
        yield Note(replace(entry, kind="no", because=PUSH_FAILED))
    if operation.ended:
        judged(operation, redact=redact)
    return result


def concealed(_words: str) -> str:
    """Show none of Codat's words: they may quote a payload that is not known here."""
    return "(Codat's words on an earlier payload are not shown)"
