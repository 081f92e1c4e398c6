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
        raise SettingsInvalid(str(error)) from None


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
    text = rendered_text(value)
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise SettingsInvalid(f"{name} must be a whole number of minutes above 0")
    return int(text)


def rendered_text(value: object, _name: str = "") -> str:
    """Read a text that may have been rendered; empty when there is none."""
    text = "" if value is None else str(value).strip()
    return "" if text == "None" else text


def share_or_number(value: float | str, name: str) -> float:
    """Read a number of rows, or a share of them below 1, which may have been rendered.

    :param name: of the argument, for the message.
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1.0
    if isinstance(value, bool) or not 0 <= number < float("inf"):
        raise SettingsInvalid(f"{name} must be a number of rows, or a share below 1")
    if number > 1 and number != int(number):
        raise SettingsInvalid(f"{name} must be whole, or a share below 1")
    return number


def yes_or_no(value: object, name: str) -> bool:
    """Read a switch, which may have been rendered.

    :param name: of the argument, for the message.
    """
    word = str(value).strip().lower()
    if word not in {"true", "false"}:
        raise SettingsInvalid(f"{name} must be true or false")
    return word == "true"


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
    text = rendered_text(value)
    if not text:
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
