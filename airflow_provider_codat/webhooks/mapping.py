"""What Codat's events are to Airflow: of which assets, and what they carry."""

from collections.abc import Iterator
from typing import Any

from airflow_provider_codat.api.webhooks.event import CodatEvent
from airflow_provider_codat.assets import event_uri, records_uri


def uris(event: CodatEvent) -> Iterator[str]:
    """Yield the assets that an event is of."""
    if not event.is_write:
        if event.company_id and event.data_type:
            yield records_uri(event.company_id, event.data_type)
        elif not event.data_type:
            of_company = "" if event.type.startswith("company.") else event.company_id
            yield event_uri(event.type, of_company)
    elif event.company_id and event.status == "Success":
        yield records_uri(event.company_id, event.data_type)
    elif event.company_id and event.status in {"Failed", "TimedOut"}:
        # By its status: Codat's own name of the event may say otherwise.
        yield event_uri(f"{event.data_type}.write.unsuccessful", event.company_id)


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
