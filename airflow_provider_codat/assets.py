"""A company's records of one data type as an asset, to write and to wait for."""

from typing import TYPE_CHECKING
from urllib.parse import SplitResult

from airflow.providers.common.compat.sdk import Asset

from airflow_provider_codat.api.data_types import CUSTOMERS, data_type_of
from airflow_provider_codat.api.models import checked_uuid

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Asset as AnyAsset


def records_asset(company_id: str, data_type: str) -> "AnyAsset":
    """Return the asset of a company's records of one data type.

    :param company_id: Codat's company, a UUID; no template.
    :param data_type: Codat's key, such as ``invoices``.
    :raises ValueError: when one of them is none.
    """
    company = checked_uuid(company_id, "company_id")
    return Asset(uri=f"codat://companies/{company}/{data_type_of(data_type).name}")


def customers_asset(company_id: str) -> "AnyAsset":
    """Return the asset of a company's customers.

    :param company_id: Codat's company, a UUID; no template.
    :raises ValueError: when it is none.
    """
    return records_asset(company_id, CUSTOMERS.name)


def sanitize_uri(uri: SplitResult) -> SplitResult:
    """Return the one spelling of such an asset's URI; Airflow asks for it.

    :raises ValueError: when it is no such URI.
    """
    head, *parts = uri.path.split("/")
    match uri.netloc, head, parts:
        case "companies", "", [company, data_type] if data_type.isalpha():
            company = checked_uuid(company, "company_id")
            return uri._replace(path=f"/{company}/{data_type}", query="")
    raise ValueError(
        "the URI must be codat://companies/<company_id>/<data type>, such as "
        ".../customers; records_asset() of airflow_provider_codat.assets returns one"
    )
