"""What Codat's events are to Airflow: of which assets, and what they carry."""

from typing import Any

from airflow_provider_codat.api.webhooks.event import CodatEvent
from airflow_provider_codat.assets import event_uri, records_uri


def uri_of(event: CodatEvent) -> str | None:
    """Return the asset that an event is of; None where there is none."""
    if event.data_type and not event.company_id:
        return None
    if event.is_write:
        return _uri_of_write(event)
    if event.data_type:
        return records_uri(event.company_id, event.data_type)
    # What happens to companies is of none: nobody knows the next one's id.
    anyones = event.type.startswith("company.")
    return event_uri(event.type, "" if anyones else event.company_id)


def _uri_of_write(event: CodatEvent) -> str | None:
    """Decide by the status: Codat's own name of the event may say otherwise."""
    if event.status == "Success":
        return records_uri(event.company_id, event.data_type)
    if event.status in {"Failed", "TimedOut"}:
        return event_uri(f"{event.data_type}.write.unsuccessful", event.company_id)
    return None


def extra_of(message_id: str, event: CodatEvent) -> dict[str, Any]:
    """Return what an asset event carries: ids and a status."""
    about = {
        "codat_company_id": event.company_id,
        "codat_connection_id": event.connection_id,
        "push_operation_key": event.push_operation_key,
        "record_id": event.record_id,
        "status": event.status,
        "event_type": event.type,
        "generated_at": event.generated_at,
        "webhook_id": message_id,
    }
    return {name: value for name, value in about.items() if value}
