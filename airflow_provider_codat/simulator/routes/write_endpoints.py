"""What Codat answers where a record is created, updated or deleted, or gets a file."""

from collections.abc import Callable, Mapping
from email import message_from_bytes
from email.message import Message
from hashlib import sha256

from airflow_provider_codat.simulator.books.books import Books, Order
from airflow_provider_codat.simulator.books.cache import DataCache
from airflow_provider_codat.simulator.books.operations import Outcome
from airflow_provider_codat.simulator.books.outcomes import (
    decided,
    misfortunate,
    not_updated,
    refused,
)
from airflow_provider_codat.simulator.books.pull_operations import PullOutcome
from airflow_provider_codat.simulator.books.references import (
    off_totals,
    unknown_references,
)
from airflow_provider_codat.simulator.books.software import as_changed, as_kept
from airflow_provider_codat.simulator.misfortunes import Misfortune, Stage
from airflow_provider_codat.simulator.replies import Issue, RefusedError, Reply
from airflow_provider_codat.simulator.routes.arrivals import Arrival
from airflow_provider_codat.simulator.routes.lookup import Companies, not_supported
from airflow_provider_codat.simulator.rules.contract import check_record, parse_record
from airflow_provider_codat.simulator.rules.data_types import DataType
from airflow_provider_codat.simulator.settings import Settings
from airflow_provider_codat.simulator.world import Connection

_INT32 = 2**31 - 1
_CHANGED = (
    "The record has changed in the accounting software since it was last read: "
    "pull the data again, or set forceUpdate."
)


class WriteEndpoints:
    """Accept records, and what is to become of them.

    :param companies: whose records they are.
    :param books: where push operations are kept.
    :param cache: what Codat has read of the software.
    :param settings: whether bodies are checked, and how updates are refused.
    :param now: tells the server's time.
    :param strike: tells what befalls a request at a stage.
    """

    def __init__(
        self,
        companies: Companies,
        books: Books,
        cache: DataCache,
        settings: Settings,
        now: Callable[[], float],
        strike: Callable[[Stage, Arrival], Misfortune | None],
    ) -> None:
        self._companies = companies
        self._books = books
        self._cache = cache
        self._settings = settings
        self._now = now
        self._strike = strike
        self.by_name: dict[str, Callable[[Arrival], Reply]] = {
            "create": self.create,
            "update": self.update,
            "delete": self.delete,
            "attach": self.attach,
        }

    def create(self, arrival: Arrival) -> Reply:
        """Accept a record."""
        connection, data_type = self._writable(arrival), arrival.match.data_type
        timeout = _timeout_minutes(arrival.params, data_type)
        body = self._body(arrival)
        _check_parent(arrival, body)
        keys = arrival.idempotency_keys
        order = Order(
            connection=connection,
            data_type=data_type,
            body=as_kept(connection, body),
            outcome=self._decided(arrival, connection, body),
            timeout_minutes=timeout,
            idempotency_key=keys[0] if keys else None,
        )
        return self._accept(arrival, order)

    def update(self, arrival: Arrival) -> Reply:
        """Accept an update of a record."""
        connection, data_type = self._writable(arrival), arrival.match.data_type
        timeout = _timeout_minutes(arrival.params, data_type)
        forced = _is_true(arrival.params, "forceUpdate", default=False)
        body = self._body(arrival)
        refusal = self._refusal(arrival, connection, forced=forced)
        if refusal is not None and self._settings.update_refusals == "request":
            raise refusal
        order = Order(
            connection=connection,
            data_type=data_type,
            body=as_changed(body),
            outcome=self._decided(arrival, connection, body, refusal),
            timeout_minutes=timeout,
            record_id=arrival.match.ids["record"],
            change="Modified",
        )
        return self._accept(arrival, order)

    def delete(self, arrival: Arrival) -> Reply:
        """Accept that a record is to be deleted."""
        connection, data_type = self._writable(arrival), arrival.match.data_type
        refusal = self._refusal(arrival, connection, forced=True)
        if refusal is not None:
            raise refusal
        removes = self._settings.deleted_style == "gone"
        order = Order(
            connection=connection,
            data_type=data_type,
            body={} if removes else {"metadata": {"isDeleted": True}},
            outcome=self._struck(arrival) or Outcome(),
            timeout_minutes=None,
            record_id=arrival.match.ids["record"],
            change="Deleted",
            removes=removes,
        )
        return self._accept(arrival, order)

    def attach(self, arrival: Arrival) -> Reply:
        """Accept a file for a record."""
        connection, data_type = self._writable(arrival), arrival.match.data_type
        file = _file_of(arrival)
        if len(arrival.body) > self._settings.largest_file_bytes:
            raise RefusedError(413, "The file is too large.")
        refusal = self._refusal(arrival, connection, forced=True)
        if refusal is not None:
            raise refusal
        order = Order(
            connection=connection,
            data_type=data_type,
            body={},
            outcome=self._struck(arrival) or Outcome(),
            timeout_minutes=None,
            record_id=arrival.match.ids["record"],
            change="AttachmentUploaded",
            file=file,
        )
        return self._accept(arrival, order)

    def _writable(self, arrival: Arrival) -> Connection:
        connection = self._companies.connection_of(arrival)
        key = arrival.match.data_type.key
        if key not in connection.integration.models:
            raise not_supported(key, connection.integration)
        if connection.status != "Linked":
            raise RefusedError(
                400, f"Data connection {connection.id} is not linked: cannot write."
            )
        return connection

    def _accept(self, arrival: Arrival, order: Order) -> Reply:
        now = self._now()
        operation = self._books.accept(order, now)
        asked = arrival.params.get("allowSyncOnPushComplete") == "true"
        if asked and operation.lands_at is not None:
            # Codat reads the books again once the record is there.
            self._cache.start(
                [order.connection],
                order.data_type.key,
                PullOutcome(),
                operation.lands_at,
            )
        return Reply(200, operation.text(now))

    def _body(self, arrival: Arrival) -> dict[str, object]:
        body = parse_record(arrival.body)
        if self._settings.validate:
            check_record(arrival.match.data_type.key, body)
        return body

    def _struck(self, arrival: Arrival) -> Outcome | None:
        """Return what a misfortune makes of a write, if one befalls it."""
        misfortune = self._strike("outcome", arrival)
        return None if misfortune is None else misfortunate(misfortune)

    def _decided(
        self,
        arrival: Arrival,
        connection: Connection,
        body: Mapping[str, object],
        refusal: RefusedError | None = None,
    ) -> Outcome:
        struck = self._struck(arrival)
        if struck is not None:
            return struck
        if refusal is not None:
            return not_updated(str(refusal))
        data_type, settings = arrival.match.data_type, self._settings
        found: list[Issue] = []
        if settings.check_references:
            settled = self._books.settle_at(self._now())
            found += unknown_references(
                data_type,
                body,
                lambda kinds, record_id: self._books.has(
                    connection.id, kinds, record_id, settled
                ),
            )
        if settings.check_totals:
            found += off_totals(body)
        if found:
            return refused(*found)
        return decided(
            connection, data_type.key, body, None, validate=settings.validate
        )

    def _refusal(
        self, arrival: Arrival, connection: Connection, *, forced: bool
    ) -> RefusedError | None:
        """Return why a record cannot be changed, or None.

        The software is asked when the operation settles: of two updates under way at
        once, the second finds the record changed by the first.
        """
        now, record_id = self._now(), arrival.match.ids["record"]
        key = (connection.id, arrival.match.data_type.key, record_id)
        record = self._books.record(key, self._books.settle_at(now))
        if record is None or record.is_deleted:
            noun = arrival.match.data_type.key.removesuffix("s")
            return RefusedError(404, f"No {noun} was found with ID {record_id}")
        known = self._cache.modified_at(connection.company_id, key, now)
        if forced or known == record.modified_at:
            return None
        return RefusedError(400, _CHANGED)


def _check_parent(arrival: Arrival, body: Mapping[str, object]) -> None:
    """Refuse a body that names another account than the path."""
    parent = arrival.match.ids.get("parent")
    if parent is not None and body.get("accountId", parent) != parent:
        raise RefusedError(400, "accountId must be that of the path.")


def _file_of(arrival: Arrival) -> dict[str, object]:
    """Return what is kept of the one file in a form.

    :raises RefusedError: 400, when there is no form, or not one file in it.
    """
    kind = next(
        (v for k, v in arrival.headers.items() if k.lower() == "content-type"), ""
    )
    head = f"Content-Type: {kind}\r\n\r\n".encode()
    form = message_from_bytes(head + arrival.body)
    parts = form.get_payload() if form.is_multipart() else []
    files = [
        each for each in parts if isinstance(each, Message) and each.get_filename()
    ]
    if len(files) != 1:
        raise RefusedError(400, "The form must have one file.")
    content = files[0].get_payload(decode=True)
    data = content if isinstance(content, bytes) else b""
    return {
        "name": files[0].get_filename(),
        "content_type": files[0].get_content_type(),
        "size": len(data),
        "sha256": sha256(data).hexdigest(),
    }


def _is_true(params: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = params.get(name, str(default)).lower()
    if text not in {"true", "false"}:
        raise RefusedError(400, f"{name} must be true or false.")
    return text == "true"


def _timeout_minutes(params: Mapping[str, str], data_type: DataType) -> int | None:
    if data_type.syncs:
        _is_true(params, "allowSyncOnPushComplete", default=True)
    text = params.get("timeoutInMinutes")
    if text is None or not data_type.times_out:
        return None
    if not (text.isascii() and text.isdigit() and int(text[:12]) <= _INT32):
        raise RefusedError(400, "timeoutInMinutes must be a whole number.")
    return int(text)
