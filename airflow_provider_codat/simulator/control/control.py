"""What a test may order and read: commands in plain data, local or over HTTP."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from airflow_provider_codat.simulator.books.books import Order
from airflow_provider_codat.simulator.books.outcomes import decided
from airflow_provider_codat.simulator.books.revisions import Record
from airflow_provider_codat.simulator.books.software import as_kept
from airflow_provider_codat.simulator.misfortunes import (
    STAGES,
    Misfortune,
    misfortune_from,
)
from airflow_provider_codat.simulator.replies import RefusedError
from airflow_provider_codat.simulator.rules.contract import check_record
from airflow_provider_codat.simulator.rules.data_types import DATA_TYPES, DataType
from airflow_provider_codat.simulator.service import Codat

# Plain data of a caller: what does not fit a command is a TypeError there.
Arguments = Mapping[str, Any]


class ControlError(ValueError):
    """A command is unknown or its arguments make no sense."""


class Control:
    """Carry out commands on one Codat.

    :param codat: the state to command.
    """

    def __init__(self, codat: Codat) -> None:
        self._codat = codat
        self._commands: dict[str, Callable[[Arguments], object]] = {
            "order": self._order,
            "clear_misfortunes": self._clear_misfortunes,
            "stranger_pushes": self._stranger_pushes,
            "typed_in": self._typed_in,
            "edit_in_software": self._edit_in_software,
            "set_connection_status": self._set_connection_status,
            "ledger": self._ledger,
            "counts_by_name": self._counts_by_name,
            "counts_by_type": self._counts_by_type,
            "attachments": self._attachments,
            "journal": self._journal,
            "traffic": self._traffic,
            "reset_traffic": self._reset_traffic,
            "operations": self._operations,
            "settle_creates": self._settle_creates,
            "webhooks": self._webhooks,
            "send_webhook": self._send_webhook,
            "advance": self._advance,
            "set_quota": self._set_quota,
            "reset": self._reset,
        }

    def perform(self, command: str, arguments: object) -> object:
        """Carry out one command.

        :param command: its name.
        :param arguments: its arguments, an object of JSON values.
        :returns: a value of plain data.
        :raises ControlError: when the command is unknown or an argument is wrong.
        """
        action = self._commands.get(command)
        if action is None:
            raise ControlError(f"command must be one of: {', '.join(self._commands)}.")
        if not isinstance(arguments, dict):
            raise ControlError("The arguments must be a JSON object.")
        try:
            return action(arguments)
        except TypeError as error:
            raise ControlError(str(error)) from error

    def _order(self, arguments: Arguments) -> object:
        misfortune = misfortune_from(arguments)
        self._codat.misfortunes.order(misfortune)
        return asdict(misfortune)

    def _clear_misfortunes(self, _arguments: Arguments) -> object:
        self._codat.misfortunes.clear()
        return None

    def _stranger_pushes(self, arguments: Arguments) -> object:
        return push_as_stranger(self._codat, **_record_of(arguments))

    def _typed_in(self, arguments: Arguments) -> object:
        return type_in(self._codat, **_record_of(arguments)).view()

    def _edit_in_software(self, arguments: Arguments) -> object:
        if not isinstance(arguments.get("changes"), dict):
            raise ControlError("changes must be a JSON object.")
        return edit_record(self._codat, **arguments).view()

    def _set_connection_status(self, arguments: Arguments) -> object:
        self._codat.companies.set_status(**arguments)
        return None

    def _ledger(self, _arguments: Arguments) -> object:
        records = self._codat.books.records(self._codat.clock.now())
        return [each.view() for each in records]

    def _counts_by_name(self, _arguments: Arguments) -> object:
        return self._codat.books.counts_by_name(self._codat.clock.now())

    def _counts_by_type(self, _arguments: Arguments) -> object:
        return self._codat.books.counts_by_type(self._codat.clock.now())

    def _attachments(self, _arguments: Arguments) -> object:
        return self._codat.books.files(self._codat.clock.now())

    def _traffic(self, _arguments: Arguments) -> object:
        return self._codat.traffic.view()

    def _reset_traffic(self, _arguments: Arguments) -> object:
        self._codat.traffic.reset()
        return None

    def _journal(self, _arguments: Arguments) -> object:
        return self._codat.journal.entries()

    def _operations(self, _arguments: Arguments) -> object:
        return self._codat.books.operations(self._codat.clock.now())

    def _settle_creates(self, _arguments: Arguments) -> object:
        return self._codat.books.settle_creates(self._codat.clock.now())

    def _webhooks(self, _arguments: Arguments) -> object:
        return [each.view() for each in self._codat.outbox.messages]

    def _send_webhook(self, arguments: Arguments) -> object:
        if not isinstance(arguments.get("payload"), dict):
            raise ControlError("payload must be a JSON object.")
        return self._codat.outbox.send(**arguments).view()

    def _advance(self, arguments: Arguments) -> object:
        seconds = arguments.get("seconds")
        if not isinstance(seconds, (int, float)):
            raise ControlError("seconds must be a number.")
        self._codat.clock.advance(seconds)
        return None

    def _set_quota(self, arguments: Arguments) -> object:
        self._codat.limits.set_quota(self._codat.clock.now(), **arguments)
        return None

    def _reset(self, _arguments: Arguments) -> object:
        self._codat.reset()
        return None


def _record_of(arguments: Arguments) -> dict[str, Any]:
    """Return the arguments of a command about a record, its data type found."""
    found = {"data_type": "customers", **arguments}
    if not isinstance(found.get("customer"), dict):
        raise ControlError("customer must be a JSON object.")
    if found["data_type"] not in DATA_TYPES:
        raise ControlError(f"data_type must be one of: {', '.join(DATA_TYPES)}.")
    found["data_type"] = DATA_TYPES[found["data_type"]]
    found["body"] = found.pop("customer")
    return found


def push_as_stranger(
    codat: Codat,
    data_type: DataType,
    body: dict[str, object],
    connection_id: str,
    outcome: str | None,
    seconds: float | None,
) -> Mapping[str, object]:
    """Push a record as another client of the API, and return the push operation.

    :param codat: where.
    :param body: of the request.
    :param connection_id: of any company.
    :param outcome: a kind of misfortune that befalls an accepted record, or None.
    :param seconds: of that misfortune.
    :raises ValueError: when Codat would not accept it.
    """
    connection = codat.companies.connection(connection_id)
    if data_type.key not in connection.integration.models:
        raise ValueError(f"The software takes no {data_type.key} by way of Codat.")
    if connection.status != "Linked":
        raise ValueError("The connection is not linked: cannot write.")
    validate = codat.settings.validate
    if validate:
        _check(data_type.key, body)
    now = codat.clock.now()
    misfortune = _misfortune(outcome, seconds)
    order = Order(
        connection=connection,
        data_type=data_type,
        body=as_kept(connection, body),
        outcome=decided(connection, data_type.key, body, misfortune, validate=validate),
        timeout_minutes=None,
        stranger=True,
    )
    return codat.books.accept(order, now).view(now)


def type_in(
    codat: Codat, data_type: DataType, body: dict[str, object], connection_id: str
) -> Record:
    """Type a record straight into the accounting software.

    :param codat: where.
    :param body: what the record says.
    :param connection_id: of any company, linked or not.
    :raises ValueError: when the software refuses it.
    """
    connection = codat.companies.connection(connection_id)
    kept = as_kept(connection, body)
    return codat.books.type_in(connection, data_type, kept, codat.clock.now())


def edit_record(codat: Codat, record_id: str, changes: dict[str, object]) -> Record:
    """Change a record by hand, in the accounting software.

    :param codat: where.
    :param record_id: which record, of any connection.
    :param changes: properties and what they are from now on; a record keeps its id.
    :raises ValueError: when there is no such record, or the software refuses it.
    """
    if "id" in changes:
        raise ValueError("A record keeps its id.")
    now = codat.clock.now()
    for record in codat.books.records(now):
        if record.record_id == record_id:
            return codat.books.edit(record, changes, now)
    raise ValueError("record_id must be that of a record in the books.")


def _check(data_type: str, body: dict[str, object]) -> None:
    try:
        check_record(data_type, body)
    except RefusedError as refusal:
        raise ValueError(str(refusal)) from refusal


def _misfortune(outcome: str | None, seconds: float | None) -> Misfortune | None:
    if outcome is None:
        return None
    if STAGES.get(outcome) != "outcome":
        kinds = [kind for kind, stage in STAGES.items() if stage == "outcome"]
        raise ValueError(f"outcome must be one of: {', '.join(kinds)}.")
    return Misfortune(outcome, seconds=seconds)
