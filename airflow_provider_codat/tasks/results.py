"""What a task tells while it works, and once it has succeeded.

Whoever waits for its outlets is told by the method that returns: what is said before a
deferral is lost.
"""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import Asset, AssetAlias

from airflow_provider_codat.api.bulk.batch import Batch
from airflow_provider_codat.api.http.quota import quota_of
from airflow_provider_codat.api.models import Summary
from airflow_provider_codat.assets import records_asset

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperator, Context

    from airflow_provider_codat.api.data_types import DataType


_PROGRESS_EVERY_SECONDS = 30.0


def emit_asset_event(
    task: "BaseOperator", data_type: "DataType", result: Summary, context: "Context"
) -> None:
    """Say with a task's asset events which record it has written."""
    about = {
        "push_operation_key": result["push_operation_key"],
        "status": result["status"],
        "record_id": result["record_id"],
        "adopted": result["adopted"],
    }
    _add_to_outlets(task, data_type, result, about, context)


def emit_asset_events(
    task: "BaseOperator",
    data_type: "DataType",
    result: Mapping[str, Any],
    context: "Context",
) -> None:
    """Say with a task's asset events how many records it has written."""
    about = {
        "rows": result["rows"],
        "adopted": result["adopted"],
        "results_path": result["results_path"],
        # Flat: Airflow 2 takes no dict in the event of an alias.
        **result["counts"],
    }
    _add_to_outlets(task, data_type, result, about, context)


def _add_to_outlets(
    task: "BaseOperator",
    data_type: "DataType",
    result: Mapping[str, Any],
    about: Mapping[str, Any],
    context: "Context",
) -> None:
    extra = {
        "codat_company_id": result["company_id"],
        "codat_connection_id": result["connection_id"],
        **about,
    }
    for outlet in task.outlets:
        if isinstance(outlet, AssetAlias):
            asset = records_asset(result["company_id"], data_type.name)
            context["outlet_events"][outlet].add(asset, extra=extra)
        elif isinstance(outlet, Asset):
            context["outlet_events"][outlet].extra.update(extra)


class ProgressLog:
    """Writes a line every 30 seconds.

    :param log: writes a line.
    :param total: how many rows can be sent.
    """

    def __init__(self, log: Callable[..., None], total: int) -> None:
        self._log = log
        self._total = total
        self._next_at = time.monotonic() + _PROGRESS_EVERY_SECONDS
        self._before = 0

    def __call__(self, batch: Batch) -> None:
        """Write a line, if it is time."""
        now = time.monotonic()
        if now < self._next_at:
            return
        self._next_at = now + _PROGRESS_EVERY_SECONDS
        ended = batch.counts.ended
        done = sum(ended.values())
        per_minute = (done - self._before) * 60.0 / _PROGRESS_EVERY_SECONDS
        self._before = done
        left = self._total - done
        self._log(
            "%d of %d rows done, %d of them in the books, %d failed, %d under way; "
            "%.0f rows a minute, %s left; quota left: %s",
            done,
            self._total,
            ended.get("Success", 0),
            done - ended.get("Success", 0) - ended.get("Pending", 0),
            batch.open,
            per_minute,
            f"about {left / per_minute:.0f} min" if per_minute else "unknown time",
            _quota(batch),
        )


def _quota(batch: Batch) -> str:
    latest = batch.scheduler.latest
    return str((latest and quota_of(latest)) or "not known")
