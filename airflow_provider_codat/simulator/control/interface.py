"""What a test sees of a simulated Codat, in this process or in another."""

import json
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Unpack

from airflow_provider_codat.simulator import world
from airflow_provider_codat.simulator.control.records import (
    JournalEntry,
    LedgerRecord,
    Traffic,
    journal_entry,
    ledger_record,
    traffic,
)
from airflow_provider_codat.simulator.misfortunes import (
    Misfortune,
    MisfortuneFields,
    misfortune_from,
)
from airflow_provider_codat.simulator.settings import WEBHOOK_SECRET


class CodatControls(ABC):
    """Order misfortunes, move the clock, read ledger and journal."""

    api_key: str = world.API_KEY
    company_id: str = world.COMPANY_ID
    connection_id: str = world.LENIENT_CONNECTION_ID
    webhook_secret: str = WEBHOOK_SECRET

    @property
    @abstractmethod
    def url(self) -> str:
        """The address to send requests to, without a slash at its end."""

    @abstractmethod
    def _perform(self, command: str, **arguments: object) -> Any:  # noqa: ANN401 - each command returns its own plain data
        """Carry out one command at the server."""

    @property
    def connections(self) -> dict[str, str]:
        """The default company's connection ids: lenient, strict, options, unlinked."""
        return dict(world.CONNECTIONS)

    def order(self, kind: str, **fields: Unpack[MisfortuneFields]) -> Misfortune:
        """Order a misfortune.

        :param kind: what happens.
        :param fields: as in :class:`Misfortune`.
        :raises ValueError: where a field makes no sense.
        """
        return misfortune_from(self._perform("order", kind=kind, **fields))

    def clear_misfortunes(self) -> None:
        """Forget all misfortunes that are still to come."""
        self._perform("clear_misfortunes")

    def stranger_pushes(
        self,
        customer: Mapping[str, Any],
        *,
        data_type: str = "customers",
        connection_id: str | None = None,
        outcome: str | None = None,
        seconds: float | None = None,
    ) -> dict[str, Any]:
        """Push a customer, or another record, as another client of the API would.

        :param customer: the body.
        :param data_type: Codat's key of what it is.
        :param connection_id: of any company; None: :attr:`connection_id`.
        :param outcome: a kind of misfortune that befalls an accepted customer, such as
            ``"stay_pending"``; None: the integration's own verdict.
        :param seconds: of that misfortune.
        :returns: the push operation as Codat shows it at first.
        :raises ValueError: when Codat would not accept it.
        """
        return dict(
            self._perform(
                "stranger_pushes",
                customer=dict(customer),
                data_type=data_type,
                connection_id=connection_id or self.connection_id,
                outcome=outcome,
                seconds=seconds,
            )
        )

    def typed_in(
        self,
        customer: Mapping[str, Any],
        *,
        data_type: str = "customers",
        connection_id: str | None = None,
    ) -> LedgerRecord:
        """Type a customer, or another record, straight into the software.

        There is no push operation.

        :param customer: what the record says.
        :param data_type: Codat's key of what it is.
        :param connection_id: of any company; None: :attr:`connection_id`.
        :raises ValueError: when the software refuses it.
        """
        record = self._perform(
            "typed_in",
            customer=dict(customer),
            data_type=data_type,
            connection_id=connection_id or self.connection_id,
        )
        return ledger_record(record)

    def edit_in_software(self, record_id: str, **changes: object) -> LedgerRecord:
        """Change a record by a hand in the software: there is no push operation.

        :param record_id: which one.
        :param changes: its properties from now on; the others stay as they are.
        :raises ValueError: when there is none, or the software refuses it.
        """
        record = self._perform("edit_in_software", record_id=record_id, changes=changes)
        return ledger_record(record)

    def set_connection_status(self, connection_id: str, status: str) -> None:
        """Link a connection, or cut it; :meth:`reset` makes it what it was.

        :param connection_id: of any company.
        :param status: ``"PendingAuth"``, ``"Linked"``, ``"Unlinked"`` or
            ``"Deauthorized"``.
        :raises ValueError: where there is no such connection or status.
        """
        self._perform(
            "set_connection_status", connection_id=connection_id, status=status
        )

    def ledger(self) -> list[LedgerRecord]:
        """Return what really stands in the books, oldest first."""
        return [ledger_record(each) for each in self._perform("ledger")]

    def counts_by_name(self) -> dict[str, int]:
        """Return how many records stand in the books under each name, or number."""
        return dict(self._perform("counts_by_name"))

    def counts_by_type(self) -> dict[str, int]:
        """Return how many records of each data type stand in the books."""
        return dict(self._perform("counts_by_type"))

    def attachments(self) -> list[dict[str, Any]]:
        """Return the files that are attached to records, oldest first.

        :returns: of each ``record_id``, ``data_type``, ``attachment_id``, ``name``,
            ``content_type``, ``size`` and ``sha256``.
        """
        return [dict(each) for each in self._perform("attachments")]

    def duplicates(self) -> dict[str, list[LedgerRecord]]:
        """Return the records of each name that stands twice on one connection."""
        found: defaultdict[tuple[str, str], list[LedgerRecord]] = defaultdict(list)
        for record in self.ledger():
            found[record.connection_id, record.name or ""].append(record)
        return {name: each for (_, name), each in found.items() if len(each) > 1}

    def journal(self) -> list[JournalEntry]:
        """Return every request that arrived, oldest first."""
        return [journal_entry(each) for each in self._perform("journal")]

    def traffic(self) -> Traffic:
        """Return how many requests arrived, when, and how many at a time.

        Counted since the start or :meth:`reset_traffic`, also what the journal has no
        room for.
        """
        return traffic(self._perform("traffic"))

    def reset_traffic(self) -> None:
        """Count the traffic anew."""
        self._perform("reset_traffic")

    def webhooks(self) -> list[dict[str, Any]]:
        """Return what was sent by itself, or will be, oldest first.

        :returns: of each message ``id``, ``event_type``, ``event``, ``is_over`` and
            ``statuses``: what was answered to each sending, None for no answer.
        """
        return [dict(each) for each in self._perform("webhooks")]

    def send_webhook(
        self, event_type: str, payload: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Send an event that nothing here causes, such as a broken connection.

        :param event_type: Codat's, such as ``connection.disconnected``.
        :param payload: of the event.
        :returns: the message, as in :meth:`webhooks`.
        """
        sent = self._perform(
            "send_webhook", event_type=event_type, payload=dict(payload)
        )
        return dict(sent)

    def operations(self) -> list[dict[str, Any]]:
        """Return all push operations as Codat shows them now, oldest first."""
        return [dict(each) for each in self._perform("operations")]

    def settle_creates(self) -> int:
        """End the creates that are pending, apart from those that never end.

        :returns: how many there were.
        """
        return int(self._perform("settle_creates"))

    def advance(self, *, minutes: float = 0, seconds: float = 0) -> None:
        """Move the server's clock forwards.

        :raises ValueError: when the sum is negative.
        """
        self._perform("advance", seconds=60 * minutes + seconds)

    def set_quota(
        self,
        left: int | None,
        *,
        limit: int | None = None,
        resets_in_seconds: float | None = None,
    ) -> None:
        """Set what is left of the day's requests.

        :param left: how many; None: there is no quota from now on.
        :param limit: the quota of this day and the next ones; None: as it was, or the
            documented one where there was none.
        :param resets_in_seconds: when it is full again, rounded up to a whole second of
            the server's clock; after that at 00:00 UTC. None: as it was.
        :raises ValueError: where that is more than the quota, or in the past.
        """
        self._perform(
            "set_quota", left=left, limit=limit, resets_in_seconds=resets_in_seconds
        )

    def reset(self) -> None:
        """Forget everything, as if the server had just started."""
        self._perform("reset")

    def airflow_connection(self) -> str:
        """Return the JSON text of the Airflow connection to this server."""
        fields = {"conn_type": "codat", "host": self.url, "password": self.api_key}
        return json.dumps(fields)
