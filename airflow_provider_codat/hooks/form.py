"""The connection's form, as Airflow before 3.2 asks for it.

Later versions read it from the provider info; so do these functions, so that there is
one source.
"""

from typing import Any

from airflow_provider_codat.get_provider_info import get_provider_info


def field_behaviour() -> dict[str, Any]:
    """Return labels and placeholders of the standard fields, and which are hidden."""
    behaviour = _connection_type()["ui-field-behaviour"]
    return {name.replace("-", "_"): value for name, value in behaviour.items()}


def widgets() -> dict[str, Any]:
    """Return a form field for each extra, by its name."""
    # Neither is part of Airflow 3.2 and later.
    from flask_appbuilder.fieldwidgets import BS3TextFieldWidget  # noqa: PLC0415
    from wtforms import BooleanField, StringField  # noqa: PLC0415

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


def _connection_type() -> dict[str, Any]:
    """Return what the provider info says of the connection."""
    found: dict[str, Any] = get_provider_info()["connection-types"][0]
    return found
