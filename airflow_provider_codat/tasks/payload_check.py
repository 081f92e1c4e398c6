"""What a payload is held against, as the author wants it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from airflow_provider_codat.api.data_types import DATA_TYPES
from airflow_provider_codat.api.errors import PayloadInvalid, SettingsInvalid
from airflow_provider_codat.api.models import Destination, Json
from airflow_provider_codat.api.payload.canonical import read_payload
from airflow_provider_codat.api.payload.check import Check, checked
from airflow_provider_codat.tasks.arguments import argument

if TYPE_CHECKING:
    from airflow_provider_codat.tasks.identity import TaskRun
    from airflow_provider_codat.tasks.options import PayloadOptions

_MOST_MODELS = 32
_models: dict[tuple[str, ...], Mapping[str, Json]] = {}


def checked_payload(
    run: "TaskRun", options: "PayloadOptions", destination: Destination, payload: object
) -> Json:
    """Return a payload as it is to be sent.

    The rendered field itself stays as it is: Airflow shows it.

    :raises PayloadInvalid: with every problem.
    """
    found = argument(
        checked,
        payload,
        check_of(run, options, destination),
        read_only_fields=options.read_only_fields,
    )
    if found.left_out:
        run.log.info(
            "Left out of the payload, as Codat takes it in no write: %s "
            "(read_only_fields)",
            ", ".join(found.left_out),
        )
    for problem in found.problems:
        if problem.severity == "warning":
            run.log.warning("Payload: %s", problem)
    if found.errors:
        raise PayloadInvalid(found.errors)
    return found.payload


def check_of(
    run: "TaskRun", options: "PayloadOptions", destination: Destination
) -> Check:
    """Return what a task's payloads are held against.

    The connection's own model is asked for where it is needed and was not given; once
    for each DAG run in a process.

    :raises SettingsInvalid: naming the argument that is wrong.
    """
    validate, name = options.validate, options.data_type.name
    if name not in DATA_TYPES and validate in {"schema", "both"}:
        # Codat may have it by now.
        validate = "off" if validate == "schema" else "model"
        run.log.warning("%s is no data type that is known: no contract for it", name)
    needed = validate in {"model", "both"}
    if options.model is not None and not needed:
        raise SettingsInvalid(
            f'model is given, but validate="{options.validate}" does not look at it: '
            'set validate="both" or validate="model"'
        )
    if not needed:
        model = None
    elif options.model is None:
        model = _asked(run, options, destination)
    else:
        model = _read(options.model)
    check: Check = argument(
        Check,
        data_type=name,
        validate=validate,
        unknown_properties=options.unknown_properties,
        hints=options.hints,
        strict=options.strict,
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
            "model must be what GetRecordModelOperator returns: an object with type "
            "and properties"
        )
    return model


def _asked(
    run: "TaskRun", options: "PayloadOptions", destination: Destination
) -> Mapping[str, Json]:
    """Return the connection's own model, from Codat or from memory."""
    company_id, connection_id = destination.company_id, destination.connection_id
    ti, url, name = (
        run.context["ti"],
        run.hook.settings.base_url,
        options.data_type.name,
    )
    key = (url, company_id, connection_id, name, ti.dag_id, ti.run_id)
    if key not in _models:
        if len(_models) >= _MOST_MODELS:
            _models.clear()
        _models[key] = run.hook.get_model(name, company_id, connection_id)
    return _models[key]
