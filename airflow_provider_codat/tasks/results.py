"""What a task that has succeeded tells those who wait for its outlets.

It is told by the method that returns: what is said before a deferral is lost.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import Asset, AssetAlias

from airflow_provider_codat.api.models import Summary
from airflow_provider_codat.assets import customers_asset

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperator, Context


def emit_asset_event(task: "BaseOperator", result: Summary, context: "Context") -> None:
    """Say with a task's asset events which record it has written."""
    about = {
        "push_operation_key": result["push_operation_key"],
        "status": result["status"],
        "record_id": result["record_id"],
        "adopted": result["adopted"],
    }
    _tell(task, result["company_id"], result["connection_id"], about, context)


def emit_asset_events(
    task: "BaseOperator", result: Mapping[str, Any], context: "Context"
) -> None:
    """Say with a task's asset events how many records it has written."""
    about = {
        "rows": result["rows"],
        "adopted": result["adopted"],
        "results_path": result["results_path"],
        # Flat: Airflow 2 takes no dict in the event of an alias.
        **result["counts"],
    }
    _tell(task, result["company_id"], result["connection_id"], about, context)


def _tell(
    task: "BaseOperator",
    company_id: str,
    connection_id: str,
    about: Mapping[str, Any],
    context: "Context",
) -> None:
    extra = {
        "codat_company_id": company_id,
        "codat_connection_id": connection_id,
        **about,
    }
    for outlet in task.outlets:
        if isinstance(outlet, AssetAlias):
            asset = customers_asset(company_id)
            context["outlet_events"][outlet].add(asset, extra=extra)
        elif isinstance(outlet, Asset):
            context["outlet_events"][outlet].extra.update(extra)
