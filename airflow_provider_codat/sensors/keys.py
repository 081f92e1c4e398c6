"""Arguments of a sensor, as upstream tasks and templates give them."""

from collections.abc import Mapping, Sequence

from airflow_provider_codat.api.errors import PayloadInvalid, SettingsInvalid
from airflow_provider_codat.api.models import checked_uuid
from airflow_provider_codat.api.payload.canonical import read_payload

_NAME = "push_operation_keys"


def push_operation_keys(value: object) -> tuple[list[str], bool]:
    """Return the keys that an argument holds, and whether it is one alone.

    :raises SettingsInvalid: when it holds anything else.
    """
    given = _from_text(value) if isinstance(value, str) else value
    alone = isinstance(given, str | Mapping)
    items = [given] if alone else given
    if not isinstance(items, Sequence):
        raise SettingsInvalid(f"{_NAME} must be a key or a list of keys")
    return [uuid_of(_key(item), _NAME) for item in items], alone


def _from_text(text: str) -> object:
    """Return what a template has rendered: a key, or JSON, or a Python literal."""
    try:
        return checked_uuid(text, _NAME)
    except ValueError:
        pass
    try:
        return read_payload(text)
    except PayloadInvalid as error:
        reasons = "; ".join(problem.message for problem in error.problems)
    raise SettingsInvalid(f"{_NAME}: {reasons}")


def _key(item: object) -> object:
    """Return the key in what the operator returns, or the key itself."""
    return item.get("push_operation_key") if isinstance(item, Mapping) else item


def uuid_of(value: object, name: str) -> str:
    """Return a UUID in its canonical spelling.

    :param name: of the argument, for the message.
    :raises SettingsInvalid: when it is none.
    """
    try:
        return checked_uuid(value, name)
    except ValueError as error:
        raise SettingsInvalid(str(error)) from error
