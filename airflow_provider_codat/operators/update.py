"""Updating one record in a company's books, of whatever data type."""

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Unpack

from airflow_provider_codat.api.create.intent import Done, Written
from airflow_provider_codat.api.create.journal import Entry, Past
from airflow_provider_codat.api.errors import CodatError, PayloadInvalid
from airflow_provider_codat.api.models import Destination, Json, Summary
from airflow_provider_codat.api.payload.canonical import read_payload
from airflow_provider_codat.api.payload.check import Check
from airflow_provider_codat.api.update.intent import Update
from airflow_provider_codat.operators.write import WriteRecordOperator
from airflow_provider_codat.tasks.destination import destination_of
from airflow_provider_codat.tasks.identity import TaskRun
from airflow_provider_codat.tasks.options import WriteKwargs, WriteOptions, read_options
from airflow_provider_codat.tasks.payload_check import check_of, checked_payload
from airflow_provider_codat.tasks.task_journal import (
    TaskJournal,
    open_journal,
    reopen_journal,
)
from airflow_provider_codat.tasks.update import update_of
from airflow_provider_codat.tasks.waiting import check_no_secrets

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


@dataclass(slots=True)
class _GrowingJournal:
    """A journal whose entries of this try are known, too."""

    journal: TaskJournal
    past: Past

    def note(self, entry: Entry) -> None:
        self.journal.note(entry)
        self.past = replace(self.past, entries=(*self.past.entries, entry))


class UpdateRecordOperator(WriteRecordOperator):
    """Updates one record; an operator of each data type says what it is given.

    :param force_update: whether to write over what has changed in the software since
        Codat last read the record; without it such an update fails. (templated)
    """

    def __init__(
        self, *, force_update: bool | str = False, **kwargs: Unpack[WriteKwargs]
    ) -> None:
        super().__init__(**kwargs)
        self.force_update = force_update

    @abstractmethod
    def record_id(self) -> str:
        """Return the id of the record in the accounting software.

        :raises SettingsInvalid: when it is none.
        """

    def _write(self, context: "Context") -> Summary:
        journal = open_journal(context, None, durable=self.durable)
        run, options = self._run_of(context), read_options(WriteOptions, self)
        if options.deferrable:
            check_no_secrets(self.hook_params)
        destination = destination_of(run, options)
        payload = checked_payload(run, options, destination, self.payload())
        update = self._update_of(run, options, destination, payload, journal)
        growing = _GrowingJournal(journal, journal.past)
        self._under_way = f"an update of record {update.record_id} was under way"
        written = self.hook.update(
            update,
            growing.past,
            note=growing.note,
            on_pause=self._on_deferrable_pause(context, may_defer=update.may_defer),
        )
        self._under_way = ""
        if isinstance(written, Done):
            self._push(written.result, context)
            return self._judged(written.result, context)
        written = self._awaited(written, options, update.redact, context)
        return self._conclude(written, update, growing, context)

    def _complete(self, context: "Context", event: object) -> Summary:
        destination, operation = self._seen(context, event)
        journal = reopen_journal(context, None, operation.key, durable=self.durable)
        run, options = self._run_of(context), read_options(WriteOptions, self)
        payload = self._sent(run, options, destination)
        update = self._update_of(run, options, destination, payload, journal)
        update = replace(update, redact=self._redactor())
        growing = _GrowingJournal(journal, journal.past)
        return self._conclude(Written(0, operation), update, growing, context)

    def _update_of(
        self,
        run: TaskRun,
        options: WriteOptions,
        destination: Destination,
        payload: Json,
        journal: TaskJournal,
    ) -> Update:
        return update_of(
            run,
            options,
            destination,
            payload,
            record_id=self.record_id(),
            force_update=self.force_update,
            durable=journal.durable,
        )

    def _sent(
        self, run: TaskRun, options: WriteOptions, destination: Destination
    ) -> Json:
        """Return the payload that was sent; None where it cannot be read any more."""
        try:
            given = read_payload(self.payload())
        except PayloadInvalid:
            return None
        try:
            check = check_of(run, options, destination)
        except CodatError:  # what became of it is told all the same
            check = Check(validate="off")
        payload, _ = check.without_read_only(given, options.read_only_fields)
        return payload

    def _conclude(
        self,
        written: Written,
        update: Update,
        journal: _GrowingJournal,
        context: "Context",
    ) -> Summary:
        """Return the result of a push operation, or raise what its end means."""
        result = self.hook.conclude_update(
            update,
            journal.past,
            written,
            note=journal.note,
            on_pause=self._on_deferrable_pause(context, may_defer=update.may_defer),
        )
        for warning in result["warnings"]:
            self.log.warning("Push operation %s: %s", written.operation.key, warning)
        if result["push_operation_key"] != written.operation.key:
            self._push(result, context)
        return self._judged(result, context)

    def _log_result(self, result: Summary) -> None:
        if result["status"] == "Success":
            self.log.info("Record %s is updated", result["record_id"])
