"""What became of an update whose answer was lost: the push history, and the record.

A repeated PUT may be refused because the first one was carried out: it has changed the
moment at which the software last saw the record change. So a refusal, after a send
whose outcome is open, is held against what can be seen.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import uuid4

from airflow_provider_codat.api.books.comparison import Comparison
from airflow_provider_codat.api.books.push_history import (
    Agreement,
    is_pending,
    recent_push_operations,
)
from airflow_provider_codat.api.books.records import read_record, refreshed
from airflow_provider_codat.api.errors import RefreshFailed
from airflow_provider_codat.api.http.exchange import Conversation, Patience
from airflow_provider_codat.api.http.response import CLOCK_SKEW_SECONDS, epoch_of
from airflow_provider_codat.api.models import PushOperation
from airflow_provider_codat.api.update.intent import Update
from airflow_provider_codat.api.update.journal import Window

log = logging.getLogger(__name__)

_REFRESH_SECONDS = 900.0
_KINDS = frozenset({"Created", "Modified", "Deleted", "AttachmentUploaded"})
"""What a push operation may do to a record, in Codat's words."""


@dataclass(frozen=True, slots=True)
class Trail:
    """Where an update whose answer was lost would show in the push history.

    :param windows: in which it may have been accepted.
    :param settled: keys of push operations whose end is known.
    :param accepted: keys that a list of that time has to name.
    """

    update: Update
    windows: tuple[Window, ...]
    settled: frozenset[str] = frozenset()
    accepted: frozenset[str] = frozenset()

    def fits(self, operation: PushOperation) -> bool:
        """Whether a push operation may be the one, by all that the list tells."""
        update = self.update
        record = (operation.record_id or update.record_id).casefold()
        return (
            operation.key not in self.settled
            and operation.connection_id == update.destination.connection_id
            and operation.data_type.lower() in {update.data_type.name.lower(), ""}
            and record == update.record_id.casefold()
            and self._is_of_the_kind(operation)
            and not refused(operation)
            and self._is_of_the_time(epoch_of(operation.requested_at))
        )

    def _is_of_the_kind(self, operation: PushOperation) -> bool:
        """Whether Codat calls it nothing else; what it leaves out may be anything."""
        changes = operation.raw.get("changes")
        listed = changes if isinstance(changes, list) else []
        kinds = {str(each.get("type")) for each in listed if isinstance(each, dict)}
        return not kinds or not kinds <= _KINDS - {self.update.change}

    def _is_of_the_time(self, requested: float | None) -> bool:
        return requested is None or any(
            each.contains(requested) for each in self.windows
        )


def refused(operation: PushOperation) -> bool:
    """Whether a push operation ended without a change, for sure."""
    return operation.status == "Failed" and bool(operation.errors)


def at_rest(trail: Trail, patience: Patience) -> Conversation[dict[str, PushOperation]]:
    """Return the push operations that may be the one, once all of them have ended.

    Two looks at the list have to agree; one that lacks keys of ours is out of date.

    :return: by their keys; empty: what was sent was never accepted.
    :raises StillInProgress: when they do not come to rest.
    """
    looks = Agreement(patience)
    since = min(each.begin for each in trail.windows) - CLOCK_SKEW_SECONDS
    while True:
        listed = yield from recent_push_operations(
            trail.update.destination.company_id,
            patience,
            since=since,
            strict=True,
        )
        found = {key: each for key, each in listed.items() if trail.fits(each)}
        pending = is_pending(found)
        if looks.agrees(found) and not pending and trail.accepted <= listed.keys():
            return found
        yield looks.pause(
            "push operations that may be an earlier send of this task's do not "
            f"come to rest: {', '.join(sorted(found)) or 'the list changes'}",
            pending=pending,
        )


@dataclass(frozen=True, slots=True)
class Evidence:
    """What can be seen of an update whose answer was lost.

    :param operations: that may be it, by their keys; all have ended.
    :param comparison: of the record with the payload.
    :param obstacle: why the record could not be read; empty when it could.
    """

    operations: Mapping[str, PushOperation]
    comparison: Comparison
    obstacle: str = ""

    @property
    def adopted(self) -> PushOperation | None:
        """The push operation that made the change, as far as that is known."""
        done = [o for o in self.operations.values() if o.status == "Success"]
        return max(done, key=lambda o: o.requested_at, default=None)

    @property
    def done(self) -> bool:
        """Whether the record has the values.

        Respelt values count where the history names a push operation that may have
        brought them.
        """
        return self.comparison.matches(respelt=self.adopted is not None)

    @property
    def not_done(self) -> bool:
        """Whether nothing was changed: no trace of it, and the record shows others."""
        return not self.operations and bool(self.comparison.differing)

    def told(self) -> str:
        """Say why neither is known; paths of the payload, and no values."""
        if self.obstacle:
            return self.obstacle
        found = self.comparison
        parts = [
            f"{words}: {', '.join(paths)}"
            for words, paths in (
                ("it has other values than the payload", found.differing),
                ("it has them spelt otherwise", found.respelt),
                ("it does not tell", found.unclear),
            )
            if paths
        ]
        return "the record was read back; " + ("; ".join(parts) or "it tells nothing")


def evidence(trail: Trail, patience: Patience) -> Conversation[Evidence]:
    """Look at the push history, and at the record.

    What was sent may act no more.

    :raises Refused: when Codat may not be asked.
    """
    operations = yield from at_rest(trail, patience)
    log.info("Push operations that may have made this change: %d", len(operations))
    found = yield from read_back(trail.update, patience)
    if isinstance(found, str):
        return Evidence(operations, Comparison(), found)
    return Evidence(operations, found)


def read_back(update: Update, patience: Patience) -> Conversation[Comparison | str]:
    """Compare what is wanted with the record, as the software has it now.

    :return: or why the record could not be read.
    """
    place = update.destination
    try:
        yield from refreshed(
            place.company_id,
            place.connection_id,
            update.data_type,
            patience,
            keys=lambda: str(uuid4()),
            deadline=patience.clock() + _REFRESH_SECONDS,
        )
    except RefreshFailed as error:
        return f"the books cannot be read: {error}"
    record = yield from read_record(place, update.data_type, update.record_id, patience)
    return update.compared(record) or "Codat's copy has no such record"
