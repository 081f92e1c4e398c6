"""The journal that Airflow has: cells in a task's state store (Airflow 3.3 and later).

The store outlives retries, kills, deferrals and Clear. It knows no compare-and-set, so
each cell is written once: a try writes its number before it reads anything, which a
try that was superseded meanwhile cannot do any more.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_codat.api.create.journal import Entry, entry_of
from airflow_provider_codat.api.errors import JournalFailed
from airflow_provider_codat.api.models import Json

if TYPE_CHECKING:
    from datetime import timedelta

    from airflow.sdk.exceptions import AirflowRuntimeError

    NEVER_EXPIRE: Any = None
else:
    try:
        from airflow.sdk import NEVER_EXPIRE
        from airflow.sdk.exceptions import AirflowRuntimeError
    except ImportError:  # no Airflow below 3.3 has a state store
        NEVER_EXPIRE, AirflowRuntimeError = None, RuntimeError


class Store(Protocol):
    """What Airflow gives as ``context["task_state_store"]``."""

    def get(self, key: str, default: Json = None) -> Json:
        """Return a value; the default where there is none."""

    def set(
        self,
        key: str,
        value: Json,
        *,
        retention: "timedelta | None" = None,
    ) -> None:
        """Keep a value."""


class TaskStateJournal:
    """The journal of one task instance; of one item, where it has changed its item.

    Only the main thread of a task may use it.

    :param store: of the task instance.
    :param item: what the present try works for; its cells bear its name.
    """

    def __init__(self, store: Store, item: str = "") -> None:
        self._store = store
        self._item = item
        self._prefix = f"codat.{item}." if item else "codat."
        self._kept = 0

    def begin(self, try_number: int) -> bool:
        """Note that a try has begun, and for which item."""
        self._set(f"codat.try.{try_number}", self._item or _ONLY)
        before = (self._get(f"codat.try.{n}") for n in range(1, try_number))
        return all(found == (self._item or _ONLY) for found in before)

    def read(self) -> tuple[Entry, ...]:
        """Return all entries, in the order of writing."""
        entries = []
        for number in count():
            found = self._get(f"{self._prefix}{number}")
            if found is None:
                break
            entries.append(entry_of(found))
        self._kept = len(entries)
        return tuple(entries)

    def append(self, entry: Entry) -> None:
        """Keep one more entry."""
        self._set(f"{self._prefix}{self._kept}", entry.to_json())
        self._kept += 1

    def touch(self) -> None:
        """Write something that means nothing.

        :raises JournalFailed: when this try was replaced by another one.
        """
        self._set("codat.touched", value=True)

    def _get(self, key: str) -> Json:
        with _failing():
            return self._store.get(key)

    def _set(self, key: str, value: Json) -> None:
        with _failing():
            self._store.set(key, value, retention=NEVER_EXPIRE)


class TaskStateWindows(TaskStateJournal):
    """The journal of a task that writes many rows: windows of them, by their numbers.

    A window is written again and again, and by one try alone: one that was replaced
    cannot write any more.

    :param place: which books the rows go to; the cells bear its name.
    """

    def __init__(self, store: Store, place: str = "") -> None:
        super().__init__(store, place)

    def announce(self, try_number: int) -> None:
        """Note that a try has begun that does not know its place yet.

        It may end here, and then it has sent nothing.
        """
        if self._get(f"codat.try.{try_number}") is None:
            self._set(f"codat.try.{try_number}", _NOWHERE)

    def begin(self, try_number: int) -> bool:
        """Note that a try has begun, and for which place."""
        self._set(f"codat.try.{try_number}", self._item)
        before = (self._get(f"codat.try.{n}") for n in range(1, try_number))
        return all(found in {self._item, _NOWHERE} for found in before)

    def windows(self) -> Iterator[Json]:
        """Yield what earlier tries have written, in order."""
        for number in count():
            found = self._get(f"{self._prefix}window.{number}")
            if found is None:
                return
            yield found

    def keep_window(self, number: int, text: str) -> None:
        """Keep a window, in place of what it was."""
        self._set(f"{self._prefix}window.{number}", text)

    def source(self) -> str:
        """Return what tells the rows of earlier tries from others; may be empty."""
        return str(self._get(f"{self._prefix}source") or "")

    def keep_source(self, mark: str) -> None:
        """Keep what tells these rows from others."""
        self._set(f"{self._prefix}source", mark)


class TaskStateConnection:
    """The connection that a task has found for a company, for its later tries.

    :param store: of the task instance.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, company_id: str) -> str:
        """Return what was found before; empty where there is nothing."""
        with _failing():
            return str(self._store.get(f"codat.connection.{company_id}") or "")

    def keep(self, company_id: str, connection_id: str) -> None:
        """Keep what was found.

        :raises JournalFailed: when it was perhaps not kept.
        """
        name = f"codat.connection.{company_id}"
        with _failing():
            self._store.set(name, connection_id, retention=NEVER_EXPIRE)


_ONLY = "-"
_NOWHERE = "?"


@contextmanager
def _failing() -> Iterator[None]:
    """Tell what a store that does not answer means for the task."""
    try:
        yield
    except (AirflowRuntimeError, OSError, EOFError, RuntimeError) as error:
        raise JournalFailed(
            "Airflow's task state store did not keep, or give back, the task's "
            f"journal ({type(error).__name__}), so nothing more is sent. This try may "
            "have been replaced by another one, or Airflow's API server is not well"
        ) from error
