"""What Codat tells, as Airflow's asset events: each of them once.

The events and what remembers them are one row, so they are written in one transaction.
The asset's own row is locked meanwhile: who comes with the same message waits, and then
finds it told.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeAlias

from airflow.assets.manager import asset_manager
from airflow.models.asset import AssetDagRunQueue, AssetEvent, AssetModel
from airflow.utils.session import create_session
from sqlalchemy import Text, cast, or_, select, update
from sqlalchemy.orm import Session

from airflow_provider_codat.api.webhooks.event import CodatEvent
from airflow_provider_codat.webhooks.mapping import extra_of, uri_of

Told: TypeAlias = Literal["told", "repeated", "nobody"]
"""What became of a webhook: DAGs may start; it was told before; nobody waits for it."""

REMEMBERED = timedelta(days=7)
"""For how long a message is known again. Codat repeats it for about 28 hours."""


def tell(message_id: str, events: Iterable[CodatEvent]) -> Told:
    """Make asset events of a message, in one transaction.

    :param message_id: is the same each time that Codat sends it.
    :raises sqlalchemy.exc.SQLAlchemyError: when they cannot be written; none of them
        is, then.
    """
    told = []
    with create_session(scoped=False) as session:
        # In one order, so that no two wait for each other.
        of_uris = {uri: event for event in events if (uri := uri_of(event))}
        for uri, event in sorted(of_uris.items()):
            extra = extra_of(message_id, event)
            for asset in _locked(session, uri):
                known = _is_known(session, asset, extra)
                told.append(known)
                if not known:
                    _renew_queue(session, asset)
                    asset_manager.register_asset_change(
                        asset=asset, extra=extra, session=session, source_is_api=True
                    )
                    # Up to this event, where there was an entry before it.
                    _renew_queue(session, asset)
    if not told:
        return "nobody"
    return "repeated" if all(told) else "told"


def _locked(session: Session, uri: str) -> list[AssetModel]:
    """Return the assets of a URI, and let nobody else tell of them meanwhile."""
    of_uri = AssetModel.uri == uri
    # All databases lock a row that is updated, and SQLite knows no other way.
    unchanged = (
        update(AssetModel).where(of_uri).values(updated_at=AssetModel.updated_at)
    )
    session.execute(unchanged, execution_options={"synchronize_session": False})
    return list(session.scalars(select(AssetModel).where(of_uri)))


def _renew_queue(session: Session, asset: AssetModel) -> None:
    """Let the DAGs that an asset has queued run for all events up to now.

    The scheduler starts a run for the events up to the moment of an entry of the queue,
    and deletes it; Airflow leaves an entry as it is when another event comes. Those
    that come meanwhile would wait for the next event: of many in a second, most.

    An entry that is locked by the scheduler is waited for, and is gone then; one that
    is locked here, the scheduler leaves alone.
    """
    entries = update(AssetDagRunQueue).where(AssetDagRunQueue.asset_id == asset.id)
    renewed = entries.values(created_at=datetime.now(UTC))
    session.execute(renewed, execution_options={"synchronize_session": False})


def _is_known(session: Session, asset: AssetModel, extra: dict[str, Any]) -> bool:
    """Whether an asset was told before: of the message, or by our own task."""
    text = cast(AssetEvent.extra, Text)
    ids = {extra["webhook_id"], extra.get("push_operation_key") or extra["webhook_id"]}
    written = [text.contains(json.dumps(each), autoescape=True) for each in ids]
    found = session.scalars(
        select(AssetEvent.extra).where(
            AssetEvent.asset_id == asset.id,
            AssetEvent.timestamp >= datetime.now(UTC) - REMEMBERED,
            or_(*written),
        )
    )
    return any(_is_same(before, extra) for before in found)


def _is_same(before: dict[str, Any], extra: dict[str, Any]) -> bool:
    if before.get("webhook_id") == extra["webhook_id"]:
        return True
    of_one = ("push_operation_key", "status")
    return "push_operation_key" in extra and all(
        before.get(name) == extra.get(name) for name in of_one
    )
