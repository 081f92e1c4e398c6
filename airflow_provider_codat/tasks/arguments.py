"""Arguments of an operator: what is wrong with one fails the task at once."""

import difflib
from collections.abc import Callable
from typing import Any, TypeVar, get_args

from airflow_provider_codat.api.create.intent import NOT_CREATED
from airflow_provider_codat.api.errors import SettingsInvalid

T = TypeVar("T")


def argument(read: Callable[..., T], *given: object, **options: object) -> T:
    """Read an argument; one that is wrong fails the task at once."""
    try:
        return read(*given, **options)
    except ValueError as error:
        raise SettingsInvalid(str(error)) from error


def seconds(value: float | str, name: str) -> float:
    """Read a duration, which may have been rendered.

    :param name: of the argument, for the message.
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = 0.0
    if not 0 < number < float("inf"):
        raise SettingsInvalid(f"{name} must be a number of seconds above 0")
    return number


def whole_minutes(value: int | str | None, name: str) -> int | None:
    """Read a number of minutes, which may have been rendered; None when there is none.

    :param name: of the argument, for the message.
    """
    text = "" if value is None else str(value).strip()
    if text in {"", "None"}:
        return None
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise SettingsInvalid(f"{name} must be a whole number of minutes above 0")
    return int(text)


def one_of(choices: Any, value: T, name: str) -> T:  # noqa: ANN401 - a Literal has no type
    """Return a word that is one of the choices.

    :param choices: a ``Literal``.
    :param name: of the argument, for the message.
    """
    words = get_args(choices)
    if value not in words:
        raise SettingsInvalid(f"{name} must be one of: {', '.join(words)}")
    return value


def resolution(value: object) -> str:
    """Read what a person says of an unknown outcome; empty when nothing is said."""
    text = "" if value is None else str(value).strip()
    if text in {"", "None"}:
        return ""
    word = text.partition(":")[0].strip().lower().replace("-", "_").replace(" ", "_")
    if word == NOT_CREATED and text.partition(":")[0] == NOT_CREATED:
        return text
    near = difflib.get_close_matches(word, [NOT_CREATED], cutoff=0.7)
    if near or word in {"none", "no", "null"}:
        raise SettingsInvalid(
            f"unknown_resolution must be {NOT_CREATED}, spelt so, or a record's id"
        )
    return text
