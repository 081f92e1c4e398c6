"""Updating or deleting one record in a company's books, of whatever data type."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Unpack

from airflow_provider_codat.api.create.intent import Done, Written
from airflow_provider_codat.api.create.journal import Entry, Past
from airflow_provider_codat.api.errors import CodatError, PayloadInvalid
from airflow_provider_codat.api.models import Destination, Json, Summary
from airflow_provider_codat.api.payload.canonical import read_payload
from airflow_provider_codat.api.payload.check import Check
from airflow_provider_codat.api.update.intent import Update
from airflow_provider_codat.operators.write import PayloadOperator, WriteRecordOperator
from airflow_provider_codat.tasks.destination import destination_of
from airflow_provider_codat.tasks.identity import TaskRun
from airflow_provider_codat.tasks.options import (
    PayloadKwargs,
    PayloadOptions,
    WriteOptions,
    read_options,
)
from airflow_provider_codat.tasks.payload_check import check_of, checked_payload
from airflow_provider_codat.tasks.task_journal import (
    TaskJournal,
    open_journal,
    reopen_journal,
)
from airflow_provider_codat.tasks.update import delete_of, record_id_of, update_of
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


class ChangeRecordOperator(WriteRecordOperator):
    """Changes one record that is in the books, or takes it out of them."""

    @abstractmethod
    def _wanted(
        self, context: "Context", journal: TaskJournal
    ) -> tuple[Update, WriteOptions]:
        """Return what is to be done, checked, and how."""

    @abstractmethod
    def _sent(
        self, context: "Context", place: Destination, journal: TaskJournal
    ) -> Update:
        """Return what an earlier part of this try has sent."""

    def record_id(self) -> str:
        """Return the id of the record in the accounting software.

        :raises SettingsInvalid: when it is none.
        """
        name = self.argument_of("record_id")
        return record_id_of(getattr(self, name), name)

    def _write(self, context: "Context") -> Summary:
        journal = open_journal(self._run_of(context), None)
        update, options = self._wanted(context, journal)
        growing = _GrowingJournal(journal, journal.past)
        action = update.words.action
        self._under_way = f"{action} of record {update.record_id} was under way"
        written = self.hook.submit_update(
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
        place, operation = self._seen(context, event)
        journal = reopen_journal(self._run_of(context), None, operation.key)
        update = replace(self._sent(context, place, journal), redact=self._redactor())
        growing = _GrowingJournal(journal, journal.past)
        return self._conclude(Written(0, operation), update, growing, context)

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


class UpdateRecordOperator(PayloadOperator[Summary], ChangeRecordOperator):
    """Updates one record; an operator of each data type says what it is given.

    A PUT leaves the same values however often it is sent, so one whose answer was lost
    is sent again. An older payload of this task is never written over a newer one. See
    ``docs/updating.md``.

    :param force_update: whether to write over what has changed in the software since
        Codat last read the record; without it such an update fails. (templated)
    :return: as the create's; ``adopted`` tells that the values were found in the books
        after an answer was lost, ``push_operation_key`` is empty where no push
        operation is known to have brought them.
    :raises PayloadInvalid: with every problem; nothing was sent.
    :raises Refused: nothing was changed.
    :raises PushFailed: with every reason that Codat gave.
    :raises PushTimedOut: Codat gave up waiting; the record may still be changed.
    :raises OutcomeUnknown: whether the record was changed is not known.
    """

    template_fields: Sequence[str] = (
        "company_id",
        "connection_id",
        "codat_conn_id",
        "record_id",
        "record",
        "force_update",
        "timeout_in_minutes",
        "model",
        "completion_timeout_seconds",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        "record": "json",
        "model": "json",
    }

    def __init__(
        self, *, force_update: bool | str = False, **kwargs: Unpack[PayloadKwargs]
    ) -> None:
        super().__init__(**kwargs)
        self.force_update = force_update

    def _wanted(
        self, context: "Context", journal: TaskJournal
    ) -> tuple[Update, WriteOptions]:
        run, options = self._run_of(context), read_options(PayloadOptions, self)
        if options.deferrable:
            check_no_secrets(self.hook_params)
        destination = destination_of(run, options)
        payload = checked_payload(run, options, destination, self.payload())
        return self._update(run, options, destination, payload, journal), options

    def _sent(
        self, context: "Context", place: Destination, journal: TaskJournal
    ) -> Update:
        run, options = self._run_of(context), read_options(PayloadOptions, self)
        payload = self._payload_sent(run, options, place)
        return self._update(run, options, place, payload, journal)

    def _update(
        self,
        run: TaskRun,
        options: PayloadOptions,
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

    def _payload_sent(
        self, run: TaskRun, options: PayloadOptions, destination: Destination
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
        check.exact(payload)
        return payload

    def _log_result(self, result: Summary) -> None:
        if result["status"] == "Success":
            self.log.info("Record %s is updated", result["record_id"])


class DeleteRecordOperator(ChangeRecordOperator):
    """Deletes one record; an operator of each data type says what it is given.

    A record that is gone is gone however often that is asked for, so a delete whose
    answer was lost is sent again. Where Codat refuses it, the books are read: a record
    that is not there any more is a success, which says so. See ``docs/deleting.md``.

    :return: as the create's, without the record's payload: ``status`` is ``Gone`` where
        the record was not there any more, and nothing was deleted.
    :raises NotFound: when there is no such company, connection or record, and the
        record is in the books all the same.
    :raises Refused: nothing was deleted.
    :raises PushFailed: with every reason that Codat gave; the record is still there.
    :raises PushTimedOut: Codat gave up waiting; the record may still be deleted.
    :raises OutcomeUnknown: whether the record was deleted is not known.
    """

    template_fields: Sequence[str] = (
        "company_id",
        "connection_id",
        "codat_conn_id",
        "record_id",
        "completion_timeout_seconds",
    )

    def payload(self) -> object:
        """Return what is sent: nothing."""
        return {}

    def _wanted(
        self, context: "Context", journal: TaskJournal
    ) -> tuple[Update, WriteOptions]:
        options = read_options(WriteOptions, self)
        if options.deferrable:
            check_no_secrets(self.hook_params)
        place = destination_of(self._run_of(context), options)
        return self._sent(context, place, journal), options

    def _sent(
        self, context: "Context", place: Destination, journal: TaskJournal
    ) -> Update:
        return delete_of(
            self._run_of(context),
            read_options(WriteOptions, self),
            place,
            record_id=self.record_id(),
            durable=journal.durable,
        )

    def _log_result(self, result: Summary) -> None:
        if result["status"] == "Success":
            self.log.info("Record %s is deleted", result["record_id"])
        elif result["status"] == "Gone":
            self.log.warning(
                "Record %s is not in the books: nothing was deleted by this task",
                result["record_id"],
            )
