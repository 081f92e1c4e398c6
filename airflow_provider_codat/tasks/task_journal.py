"""The journal of a task, opened: what earlier tries left, and where to write."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import conf

from airflow_provider_codat.api.create.intent import Written
from airflow_provider_codat.api.create.journal import Entry, Past
from airflow_provider_codat.api.create.next_step import generations
from airflow_provider_codat.api.models import Json, PushOperation
from airflow_provider_codat.journal.cells import (
    Store,
    TaskStateJournal,
    TaskStateWindows,
)
from airflow_provider_codat.tasks.identity import TaskRun, is_mapped, unseen_since

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


@dataclass(frozen=True, slots=True)
class TaskJournal:
    """A journal, as far as there is one.

    :param durable: whether it outlives the process.
    :param note: keeps an entry.
    """

    past: Past
    durable: bool
    note: Callable[[Entry], None]

    def written(self, operation: PushOperation) -> Written:
        """Return the write that a push operation belongs to."""
        for entry in reversed(self.past.entries):
            if entry.kind == "op" and entry.operation_key == operation.key:
                adopted = entry.because == "adopted"
                return Written(entry.generation, operation, adopted=adopted)
        return Written(0, operation)


def store_of(context: "Context", journal_conn_id: str | None) -> Store | None:
    """Return where a task's journal is kept; None where there is no place for it.

    :param journal_conn_id: names the database; None for the one that Airflow's
        configuration names, if any, and else Airflow's own store.
    :raises SettingsInvalid: when no journal can be kept there.
    """
    conn_id = journal_conn_id or conf.get("codat", "journal_conn_id", fallback="")
    if not conn_id:
        store: Store | None = context.get("task_state_store")
        return store
    # SQLAlchemy is loaded where it is needed, and by no DAG file.
    from airflow_provider_codat.journal.sql import store_in  # noqa: PLC0415 - see above

    ti = context["ti"]
    map_index = -1 if ti.map_index is None else ti.map_index
    return store_in(
        conn_id, (ti.dag_id, ti.run_id, ti.task_id, map_index), ti.try_number
    )


def open_journal(run: TaskRun, item_key: object) -> TaskJournal:
    """Open a task's journal for a new try; the try is noted before anything is read.

    :param item_key: the author's name for what this task works for, if any.
    """
    context, journal = run.context, _journal(run, item_key)
    if journal is None:
        return TaskJournal(Past((), unseen_since(context)), durable=False, note=_forget)
    whole = journal.begin(context["ti"].try_number)
    entries = journal.read()
    moved = item_key is not None and _may_have_moved(context)
    known = bool(generations(entries)) or (whole and not moved)
    unseen = None if known else unseen_since(context)
    return TaskJournal(Past(entries, unseen), durable=True, note=journal.append)


def reopen_journal(run: TaskRun, item_key: object, operation_key: str) -> TaskJournal:
    """Open a task's journal again, within the same try.

    A journal that does not know the push operation was not there when the task left
    its worker, or is gone since: nothing is added to it. To a try that was replaced it
    looks the same.

    :raises JournalFailed: when this try was replaced.
    """
    journal = _journal(run, item_key)
    if journal is not None:
        entries = journal.read()
        if any(entry.operation_key == operation_key for entry in entries):
            return TaskJournal(Past(entries), durable=True, note=journal.append)
        journal.touch()
    return TaskJournal(Past(), durable=False, note=_forget)


@dataclass(frozen=True, slots=True)
class BatchTaskJournal:
    """The journal of many rows, as far as there is one.

    :param windows: what earlier tries have written.
    :param keep: keeps one of them.
    :param durable: whether it outlives the process.
    :param unseen_since: epoch seconds since when a try that left no journal may have
        sent any of the rows; None when none can have.
    """

    windows: Iterable[Json]
    keep: Callable[[int, str], None]
    unseen_since: float | None
    durable: bool


def announce_try(run: TaskRun) -> None:
    """Note that a try has begun, before anything can end it.

    :raises JournalFailed: when it cannot be written, so nothing may be sent.
    """
    if run.store is not None:
        TaskStateWindows(run.store).announce(run.context["ti"].try_number)


def open_batch_journal(
    run: TaskRun, place: str, source: str, *, keyed: bool
) -> BatchTaskJournal:
    """Open the journal of a task that writes many rows, for a new try.

    :param place: which books the rows go to.
    :param source: tells one source of rows from another.
    :param keyed: whether the author names the rows.
    """
    context = run.context
    if run.store is None:
        return BatchTaskJournal(
            (), _forget_window, unseen_since(context), durable=False
        )
    journal = TaskStateWindows(run.store, place)
    whole = journal.begin(context["ti"].try_number)
    windows = journal.windows()
    moved = keyed and _may_have_moved(context)
    known = whole and (not moved or journal.source() == source)
    unseen = None if known else unseen_since(context)
    if known:
        journal.keep_source(source)
    return BatchTaskJournal(windows, journal.keep_window, unseen, durable=True)


def _may_have_moved(context: "Context") -> bool:
    """Whether what has a name may have come from another map index.

    In a run that was cleared it may; its journal is there.
    """
    return is_mapped(context) and bool(context["dag_run"].clear_number)


def _journal(run: TaskRun, item_key: object) -> TaskStateJournal | None:
    if run.store is None:
        return None
    # An item's name may be a customer's, and may hold what a key of the store may not.
    named = "" if item_key is None else str(item_key).strip()
    digest = hashlib.sha256(named.encode()).hexdigest()
    return TaskStateJournal(run.store, digest[:16] if named else "")


def _forget(_entry: Entry) -> None:
    """Keep nothing: there is no store."""


def _forget_window(_number: int, _text: str) -> None:
    """Keep nothing: there is no store."""
