"""The connection's form: its fields for Airflow before 3.2, and the words of its Test.

Later versions read the fields from the provider info; so do these functions, so that
there is one source.
"""

from typing import Any

from airflow_provider_codat.api.errors import (
    Busy,
    CodatError,
    NotAuthorised,
    SettingsInvalid,
    Unreachable,
)
from airflow_provider_codat.get_provider_info import get_provider_info


def field_behaviour() -> dict[str, Any]:
    """Return labels and placeholders of the standard fields, and which are hidden."""
    behaviour = _connection_type()["ui-field-behaviour"]
    return {name.replace("-", "_"): value for name, value in behaviour.items()}


def widgets() -> dict[str, Any]:
    """Return a form field for each extra, by its name."""
    # Neither is part of Airflow 3.2 and later.
    from flask_appbuilder.fieldwidgets import BS3TextFieldWidget  # noqa: PLC0415 - see above
    from wtforms import BooleanField, StringField  # noqa: PLC0415 - see above

    return {
        name: BooleanField(field["label"], description=field["description"])
        if "boolean" in field["schema"]["type"]
        else StringField(
            field["label"],
            widget=BS3TextFieldWidget(),
            description=field["description"],
        )
        for name, field in _connection_type()["conn-fields"].items()
    }


def explained(error: Exception, place: str) -> str:
    """Tell a wrong key from a host that is away and from one that is not Codat.

    :param place: the base URL that was asked.
    """
    first = str(error).partition("\n")[0]
    match error:
        case SettingsInvalid():
            return f"The connection is not complete: {first}"
        case NotAuthorised():
            return f"Codat refused the API key: {first}"
        case Unreachable():
            return f"{place} could not be reached: {first}"
        case Busy():
            return f"Codat is there, but busy: {first}"
        case CodatError():
            return f"{place} does not answer as Codat does: {first}"
        case _:
            return f"The connection could not be read: {type(error).__name__}"


def _connection_type() -> dict[str, Any]:
    """Return what the provider info says of the connection."""
    found: dict[str, Any] = get_provider_info()["connection-types"][0]
    return found
