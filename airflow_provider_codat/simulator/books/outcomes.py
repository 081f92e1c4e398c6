"""Deciding what becomes of an accepted record."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace

from airflow_provider_codat.simulator.books.operations import Outcome
from airflow_provider_codat.simulator.books.requirements import unsupported, violations
from airflow_provider_codat.simulator.misfortunes import Misfortune
from airflow_provider_codat.simulator.replies import Issue, issue
from airflow_provider_codat.simulator.world import Connection

_SUCCESS = Outcome()


def refused(*errors: Issue) -> Outcome:
    """Return the outcome of a record that the accounting software refuses."""
    return _without_record(
        "Failed",
        error_message=_downstream("The record was refused."),
        errors=errors,
    )


def not_updated(message: str) -> Outcome:
    """Return the outcome of an update that does not get as far as the record."""
    return _without_record(
        "Failed", error_message=message, errors=(issue("Id", message),)
    )


def decided(
    connection: Connection,
    data_type: str,
    body: Mapping[str, object],
    misfortune: Misfortune | None,
    *,
    validate: bool,
) -> Outcome:
    """Return what becomes of an accepted record.

    :param misfortune: what befalls it, in place of the integration's own verdict.
    :param validate: whether the integration holds it against its model.
    """
    if misfortune is not None:
        return misfortunate(misfortune)
    return ordinary(connection, data_type, body) if validate else _SUCCESS


def ordinary(
    connection: Connection, data_type: str, body: Mapping[str, object]
) -> Outcome:
    """Return the outcome that the integration's own rules lead to."""
    broken = violations(connection.integration, data_type, body)
    if broken:
        return refused(*broken)
    warnings = tuple(unsupported(connection.integration, data_type, body))
    return Outcome(warnings=warnings) if warnings else _SUCCESS


def misfortunate(misfortune: Misfortune) -> Outcome:
    """Return the outcome that a misfortune orders."""
    made = _MADE[misfortune.kind](misfortune)
    if misfortune.kind == "timed_out_then_lands":
        return made
    return replace(made, waits_seconds=misfortune.pause(0.0))


def _without_record(
    status: str | None,
    *,
    error_message: str | None = None,
    errors: tuple[Issue, ...] | None = None,
) -> Outcome:
    return Outcome(
        status,
        lands_seconds=None,
        shows_record=False,
        error_message=error_message,
        errors=errors,
    )


def _downstream(message: str) -> str:
    return (
        "An error occurred in a downstream service. "
        f"Correlation ID: {uuid.uuid4().hex}. Message: {message}"
    )


def _fail(order: Misfortune) -> Outcome:
    return refused(issue("CustomerName", order.message or "Ordered by a test."))


def _fail_with_record(order: Misfortune) -> Outcome:
    text = _downstream(order.message or "The record was written incompletely.")
    return Outcome("Failed", error_message=text)


def _lands_late(order: Misfortune) -> Outcome:
    return Outcome("TimedOut", lands_seconds=order.pause(0.1), shows_record=False)


def _waiting(order: Misfortune) -> Outcome:
    return _without_record(None) if order.seconds is None else Outcome()


def _unknown_status(order: Misfortune) -> Outcome:
    return replace(_waiting(order), waiting_word=order.message or "UnderReview")


def _warn(order: Misfortune) -> Outcome:
    text = order.message or "Phone is not supported, and will be ignored."
    return Outcome(warnings=(issue("Phone", text),))


_MADE: dict[str, Callable[[Misfortune], Outcome]] = {
    "stay_pending": _waiting,
    "fail": _fail,
    "fail_with_record": _fail_with_record,
    "fail_without_reason": lambda _order: _without_record("Failed"),
    "timed_out": lambda _order: _without_record("TimedOut"),
    "timed_out_then_lands": _lands_late,
    "unknown_status": _unknown_status,
    "warn": _warn,
}
