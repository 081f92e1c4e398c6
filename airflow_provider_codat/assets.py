"""A company's customers as an asset: what tasks write, and other DAGs wait for."""

from typing import TYPE_CHECKING
from urllib.parse import SplitResult

from airflow.providers.common.compat.sdk import Asset

from airflow_provider_codat.api.models import checked_uuid

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Asset as AnyAsset


def customers_asset(company_id: str) -> "AnyAsset":
    """Return the asset of a company's customers.

    :param company_id: Codat's company, a UUID; no template.
    :raises ValueError: when it is none.
    """
    company = checked_uuid(company_id, "company_id")
    return Asset(uri=f"codat://companies/{company}/customers")


def sanitize_uri(uri: SplitResult) -> SplitResult:
    """Return the one spelling of such an asset's URI; Airflow asks for it.

    :raises ValueError: when it is no such URI.
    """
    head, *parts = uri.path.split("/")
    match uri.netloc, head, parts:
        case "companies", "", [company, "customers"]:
            company = checked_uuid(company, "company_id")
            return uri._replace(path=f"/{company}/customers", query="")
    raise ValueError(
        "the URI must be codat://companies/<company_id>/customers; customers_asset() "
        "of airflow_provider_codat.assets returns such an asset"
    )
