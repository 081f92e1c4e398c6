"""What Codat has read of the accounting software: pull operations and their yield."""

import uuid
from collections import defaultdict
from collections.abc import Sequence

from airflow_provider_codat.simulator.books.books import Books
from airflow_provider_codat.simulator.books.pull_operations import (
    PullOperation,
    PullOutcome,
)
from airflow_provider_codat.simulator.books.revisions import Record, RecordKey
from airflow_provider_codat.simulator.books.software import as_read
from airflow_provider_codat.simulator.clock import utc_text
from airflow_provider_codat.simulator.replies import RefusedError
from airflow_provider_codat.simulator.settings import Settings
from airflow_provider_codat.simulator.world import Connection


class DataCache:
    """Keep pull operations in the order of their start, and what they have seen.

    :param books: what there is to read.
    :param settings: how long a refresh takes, and the software's style.
    """

    def __init__(self, books: Books, settings: Settings) -> None:
        self._books = books
        self._settings = settings
        self._by_company: defaultdict[str, list[PullOperation]] = defaultdict(list)

    def running(
        self, company_id: str, data_type: str, now: float
    ) -> PullOperation | None:
        """Return the operation of a data type that has not ended yet, or None."""
        for pull in self._of(company_id, data_type):
            if not pull.is_over(now):
                return pull
        return None

    def start(
        self,
        connections: Sequence[Connection],
        data_type: str,
        outcome: PullOutcome,
        now: float,
    ) -> PullOperation:
        """Start a pull operation.

        :param connections: what to read, all of one company.
        :param data_type: what to read of it.
        :param outcome: what becomes of it.
        :param now: the server's time.
        """
        pull = PullOperation(
            id=str(uuid.uuid4()),
            company_id=connections[0].company_id,
            connection_ids=tuple(each.id for each in connections),
            data_type=data_type,
            requested_at=now,
            lasts_seconds=self._settings.refresh_seconds,
            outcome=outcome,
        )
        self._by_company[pull.company_id].append(pull)
        return pull

    def has_changed(self, pull: PullOperation) -> bool:
        """Whether it has seen what the one before it had not."""
        before = [
            each
            for each in self._of(pull.company_id, pull.data_type)
            if each.requested_at < pull.requested_at
        ]
        since = before[-1].requested_at if before else 0.0
        seen = self._books.records(pull.requested_at)
        return any(
            each.data_type == pull.data_type
            and each.connection.id in pull.connection_ids
            and each.modified_at > since
            for each in seen
        )

    def history(self, company_id: str) -> Sequence[PullOperation]:
        """Return a company's pull operations, oldest first."""
        return self._by_company[company_id]

    def status(self, company_id: str, now: float) -> dict[str, dict[str, object]]:
        """Return the state of each data type that was ever pulled."""
        found: dict[str, dict[str, object]] = {}
        for pull in self._by_company[company_id]:
            state = found.setdefault(pull.data_type, {"dataType": pull.data_type})
            state["currentStatus"] = pull.status(now)
            state["latestSyncId"] = pull.id
            if pull.ends_at is not None and pull.is_complete(now):
                state["lastSuccessfulSync"] = utc_text(pull.ends_at)
                state["latestSuccessfulSyncId"] = pull.id
        return found

    def records(
        self, company_id: str, data_type: str, now: float
    ) -> list[tuple[Record, dict[str, object]]]:
        """Return the records that the last completed refresh has seen, oldest first.

        :return: each as it stands in the books, and as Codat shows it.
        :raises RefusedError: 409, before the first refresh has completed.
        """
        complete = self._complete(company_id, data_type, now)
        if not complete:
            running = self.running(company_id, data_type, now) is not None
            known = "is still syncing" if running else "has not been requested"
            raise RefusedError(409, f"The data set {known}.")
        return [
            (record, as_read(record, seen_at, self._settings.software_style))
            for record in self._books.pictured(_pictures(complete))
            if record.data_type == data_type
            and (seen_at := _seen_at(record, complete)) is not None
        ]

    def modified_at(self, company_id: str, key: RecordKey, now: float) -> float | None:
        """Return since when Codat's copy of a record is right; None: it has no copy."""
        taken_at = _pictures(self._complete(company_id, key[1], now)).get(key[0])
        copy = None if taken_at is None else self._books.record(key, taken_at)
        return None if copy is None else copy.modified_at

    def _complete(
        self, company_id: str, data_type: str, now: float
    ) -> list[PullOperation]:
        pulls = self._of(company_id, data_type)
        return [each for each in pulls if each.is_complete(now)]

    def _of(self, company_id: str, data_type: str) -> list[PullOperation]:
        pulls = self._by_company[company_id]
        return [each for each in pulls if each.data_type == data_type]


def _pictures(pulls: Sequence[PullOperation]) -> dict[str, float]:
    """Return when the last picture of each connection was taken."""
    return {key: pull.requested_at for pull in pulls for key in pull.connection_ids}


def _seen_at(record: Record, pulls: Sequence[PullOperation]) -> float | None:
    """Return when the first pull ended that saw the record as it now is."""
    for pull in pulls:
        if (
            record.connection.id in pull.connection_ids
            and record.modified_at <= pull.requested_at
        ):
            return pull.ends_at
    return None
