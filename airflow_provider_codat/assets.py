"""Assets to write and to wait for: a company's records, and what happens at Codat."""

from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from airflow.providers.common.compat.sdk import Asset

from airflow_provider_codat.api.data_types import CUSTOMERS, data_type_of
from airflow_provider_codat.api.models import (
    DATA_TYPE_NAME,
    EVENT_TYPE,
    checked_uuid,
)

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Asset as AnyAsset


def records_asset(company_id: str, data_type: str) -> "AnyAsset":
    """Return the asset of a company's records of one data type.

    :param company_id: Codat's company, a UUID; no template.
    :param data_type: Codat's key, such as ``invoices``.
    :raises ValueError: when one of them is none.
    """
    return Asset(uri=records_uri(company_id, data_type_of(data_type).name))


def customers_asset(company_id: str) -> "AnyAsset":
    """Return the asset of a company's customers.

    :param company_id: Codat's company, a UUID; no template.
    :raises ValueError: when it is none.
    """
    return records_asset(company_id, CUSTOMERS.name)


def event_asset(event_type: str, company_id: str = "") -> "AnyAsset":
    """Return the asset of what happens at Codat, such as a connection that breaks.

    :param event_type: Codat's, such as ``connection.disconnected``, or
        ``invoices.write.unsuccessful``.
    :param company_id: Codat's company, a UUID; no template. Empty for what is of none:
        ``client.rateLimit.*``, and ``company.*``, whose companies are new.
    :raises ValueError: when one of them is none.
    """
    return Asset(uri=event_uri(event_type, company_id))


def records_uri(company_id: str, data_type: str) -> str:
    """Return the URI of a company's records of any data type that Codat reads.

    :raises ValueError: when one of them is none.
    """
    return _uri(
        f"codat://companies/{checked_uuid(company_id, 'company_id')}/{data_type}"
    )


def event_uri(event_type: str, company_id: str = "") -> str:
    """Return the URI of what happens at Codat.

    :raises ValueError: when one of them is none.
    """
    company = checked_uuid(company_id, "company_id") if company_id else ""
    place = f"companies/{company}/events" if company else "events"
    return _uri(f"codat://{place}/{event_type}")


def _uri(text: str) -> str:
    return sanitize_uri(urlsplit(text)).geturl()


def openlineage_names(uri: str) -> tuple[str, str]:
    """Return the namespace and the name that OpenLineage gives to an asset of Codat's.

    Together they are the URI.
    """
    scheme, _, path = uri.partition("://")
    place, _, name = path.partition("/")
    return f"{scheme}://{place}", name


def to_openlineage(asset: "AnyAsset", _lineage_context: object) -> object:
    """Return an asset of Codat's as OpenLineage's dataset; Airflow's provider asks."""
    from openlineage.client.event_v2 import Dataset  # noqa: PLC0415 - of that provider

    return Dataset(*openlineage_names(asset.uri))


def sanitize_uri(uri: SplitResult) -> SplitResult:
    """Return the one spelling of such an asset's URI; Airflow asks for it.

    :raises ValueError: when it is no such URI.
    """
    head, *parts = uri.path.split("/")
    match uri.netloc, head, parts:
        case "companies", "", [company, data_type] if DATA_TYPE_NAME.fullmatch(
            data_type
        ):
            path = f"/{checked_uuid(company, 'company_id')}/{data_type}"
            return uri._replace(path=path, query="")
        case "companies", "", [company, "events", name] if EVENT_TYPE.fullmatch(name):
            path = f"/{checked_uuid(company, 'company_id')}/events/{name}"
            return uri._replace(path=path, query="")
        case "events", "", [name] if EVENT_TYPE.fullmatch(name):
            return uri._replace(query="")
    raise ValueError(
        "the URI must be codat://companies/<company_id>/<data type>, such as "
        ".../customers, or codat://companies/<company_id>/events/<event type>; "
        "records_asset() and event_asset() of airflow_provider_codat.assets return one"
    )
