"""What a payload is held against, as the author wants it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_codat.api.errors import PayloadInvalid, SettingsInvalid
from airflow_provider_codat.api.models import Destination, Json
from airflow_provider_codat.api.payload.canonical import read_payload
from airflow_provider_codat.api.payload.check import Check, Validate
from airflow_provider_codat.tasks.arguments import argument, one_of

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_codat.operators.write import WriteOperator

_MOST_MODELS = 32
_models: dict[tuple[str, ...], Mapping[str, Json]] = {}


def check_of(
    task: "WriteOperator[Any]", destination: Destination, context: "Context"
) -> Check:
    """Return what a task's payloads are held against.

    The connection's own model is asked for where it is needed and was not given; once
    for each DAG run in a process.

    :raises SettingsInvalid: naming the argument that is wrong.
    """
    validate = one_of(Validate, task.validate, "validate")
    needed = validate in {"model", "both"}
    if task.model is not None and not needed:
        raise SettingsInvalid(
            f'model is given, but validate="{validate}" does not look at it: set '
            'validate="both" or validate="model"'
        )
    if not needed:
        model = None
    elif task.model is None:
        model = _asked(task, destination, context)
    else:
        model = _read(task.model)
    check: Check = argument(
        Check,
        data_type=task.data_type.name,
        validate=validate,
        unknown_properties=task.unknown_properties,
        strict=task.strict,
        model=model,
    )
    return check


def _read(value: object) -> Mapping[str, Json]:
    """Read a model that the author has stored."""
    try:
        model = read_payload(value)
    except PayloadInvalid as invalid:
        reasons = "; ".join(problem.message for problem in invalid.problems)
        raise SettingsInvalid(f"model: {reasons}") from None
    if not isinstance(model, dict) or "type" not in model:
        raise SettingsInvalid(
            "model must be what GetCustomerModelOperator returns: an object with type "
            "and properties"
        )
    return model


def _asked(
    task: "WriteOperator[Any]", destination: Destination, context: "Context"
) -> Mapping[str, Json]:
    """Return the connection's own model, from Codat or from memory."""
    company_id, connection_id = destination.company_id, destination.connection_id
    ti, url = context["ti"], task.hook.settings.base_url
    key = (url, company_id, connection_id, task.data_type.name, ti.dag_id, ti.run_id)
    if key not in _models:
        if len(_models) >= _MOST_MODELS:
            _models.clear()
        _models[key] = task.hook.get_customer_model(company_id, connection_id)
    return _models[key]
