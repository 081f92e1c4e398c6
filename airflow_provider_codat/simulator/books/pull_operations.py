"""Pull operations: how Codat reads the accounting software, once asked to.

As with push operations, everything about one is decided when it starts, and what it
shows is a function of the clock.
"""

from dataclasses import dataclass

from airflow_provider_codat.simulator.clock import utc_text
from airflow_provider_codat.simulator.misfortunes import Misfortune
from airflow_provider_codat.simulator.rules.data_types import DATA_TYPES as WRITTEN

# Whether "refresh all" fetches it: Codat's setting "fetch on first link".
DATA_TYPES = {"company": True} | {row.key: row.on_link for row in WRITTEN.values()}
_STAGES = (
    "Initial",
    "Queued",
    "Fetching",
    "MapQueued",
    "Mapping",
    "ProcessingQueued",
    "Processing",
    "ValidationQueued",
    "Validating",
)


@dataclass(frozen=True, slots=True)
class PullOutcome:
    """What will become of a pull operation.

    :param status: its last status; None: it never ends.
    :param queued_seconds: how long it stays Queued before anything else happens.
    :param error_message: the ended operation's ``errorMessage``.
    """

    status: str | None = "Complete"
    queued_seconds: float = 0.0
    error_message: str | None = None


def pull_outcome(misfortune: Misfortune | None) -> PullOutcome:
    """Return the outcome that a misfortune orders, or the usual one."""
    if misfortune is None:
        return PullOutcome()
    if misfortune.kind == "refresh_fails":
        status = misfortune.message or "FetchError"
        return PullOutcome(status, error_message="The software could not be read.")
    if misfortune.seconds is None:
        return PullOutcome(None)
    return PullOutcome(queued_seconds=misfortune.seconds)


@dataclass(frozen=True, slots=True)
class PullOperation:
    """One reading of one data type.

    :param connection_ids: what is read; the first is the one that it shows.
    :param requested_at: when it started, and took its picture of the books.
    :param lasts_seconds: how long it takes, once it is no longer queued.
    """

    id: str
    company_id: str
    connection_ids: tuple[str, ...]
    data_type: str
    requested_at: float
    lasts_seconds: float
    outcome: PullOutcome

    @property
    def _begins_at(self) -> float | None:
        """When it is no longer queued; None: never."""
        if self.outcome.status is None:
            return None
        return self.requested_at + self.outcome.queued_seconds

    @property
    def ends_at(self) -> float | None:
        """When the last status is reached; None: never."""
        begins_at = self._begins_at
        return None if begins_at is None else begins_at + self.lasts_seconds

    def is_over(self, now: float) -> bool:
        """Tell whether the last status has been reached."""
        return self.ends_at is not None and now >= self.ends_at

    def is_complete(self, now: float) -> bool:
        """Tell whether it has ended well."""
        return self.outcome.status == "Complete" and self.is_over(now)

    def status(self, now: float) -> str:
        """Return its status at a time."""
        return self._state(now)[0]

    def view(self, now: float) -> dict[str, object]:
        """Return it as Codat shows it at a time."""
        status, progress = self._state(now)
        over = self.is_over(now)
        shown: dict[str, object] = {
            "id": self.id,
            "companyId": self.company_id,
            "connectionId": self.connection_ids[0],
            "dataType": self.data_type,
            "status": status,
            "statusDescription": None,
            "errorMessage": self.outcome.error_message if over else None,
            "requested": utc_text(self.requested_at),
            "progress": progress,
            "isCompleted": self.is_complete(now),
            # Codat's own query for failed ones leaves NotSupported out.
            "isErrored": over and status not in {"Complete", "NotSupported"},
        }
        if over and self.ends_at is not None:
            shown["completed"] = utc_text(self.ends_at)
        return shown

    def _state(self, now: float) -> tuple[str, int]:
        """Return status and progress, in per cent."""
        begins_at = self._begins_at
        if begins_at is None or now < begins_at:
            return "Queued", 0
        if self.is_over(now):
            assert self.outcome.status is not None
            return self.outcome.status, 100
        done = (now - begins_at) / self.lasts_seconds
        return _STAGES[int(done * len(_STAGES))], int(100 * done)
