"""The laws of ``create_story`` with the journal in a SQL database.

Each process opens it anew, and one that was replaced tries to read and to write
whenever the one in its place does something.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from codat_model import EXAMPLES, Chance, stories, told
from create_story import Process, Story
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_codat.api import JournalFailed
from airflow_provider_codat.api.create.journal import Entry, Journal
from airflow_provider_codat.api.http.exchange import Note, Pause, Send
from airflow_provider_codat.journal.cells import TaskStateJournal
from airflow_provider_codat.journal.database import Database, open_database
from airflow_provider_codat.journal.sql import SqlStore, TaskKey
from airflow_provider_codat.journal.tables import Wanted, purge

LATE = Entry("end", 9, 0.0, operation_key="late", result={"record_id": "late"})


class SqlStory(Story):
    """A story whose journal is in a database."""

    def __init__(self, chance: Chance, database: Database) -> None:
        super().__init__(chance)
        self.database = database
        self.task = TaskKey("dag", "run", self.key, -1)
        self.opened = 0
        self.journals: list[Journal] = []

    def open_journal(self) -> Journal:
        """Take over from whoever has it."""
        if not self.durable:
            return super().open_journal()
        self.opened += 1
        store = SqlStore(self.database, self.task, self.number, str(self.opened))
        journal = TaskStateJournal(store)
        journal.read()
        self.journals = [*self.journals[-1:], journal]
        return journal

    def wipe_journal(self) -> None:
        """Delete it, as a person may."""
        now = datetime.now(UTC).replace(tzinfo=None)
        purge(self.database, Wanted(*self.task), now, also_open=True)
        self.journals = []

    def do(self, process: Process, asked: Send | Note | Pause) -> None:
        """Let who was replaced write, before and after the other one does something."""
        self.late_words()
        super().do(process, asked)
        self.late_words()

    def late_words(self) -> None:
        for late in self.journals[:-1]:
            with pytest.raises(JournalFailed):
                late.append(LATE)
            with pytest.raises(JournalFailed):
                late.read()

    def refused(self, process: Process, entry: Entry) -> None:
        """Tell an overtaken process that its entry was not kept."""
        if process.journal in self.journals[-1:]:
            return  # nobody has taken over yet
        with pytest.raises(JournalFailed):
            process.journal.append(entry)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Keep a journal in SQLite."""
    path = tmp_path_factory.mktemp("journal") / "journal.db"
    with pytest.MonkeyPatch.context() as patch:
        fields = {"conn_type": "sqlite", "host": str(path)}
        patch.setenv("AIRFLOW_CONN_JOURNAL", json.dumps(fields))
        yield open_database("journal")


# Each of them asks a database some hundred times.
@settings(stories, max_examples=int(EXAMPLES or 1500) // 10)
@given(numbers=st.binary(min_size=200, max_size=400))
def test_exactly_once(database: Database, numbers: bytes) -> None:
    """Laws 1 to 8, whatever happens; an overtaken try writes nothing at any point."""
    with told(lambda chance: SqlStory(chance, database), numbers, {}) as story:
        story.tell()
        if story.durable:
            kept = story.open_journal().read()
            assert [e.to_json() for e in kept] == [e.to_json() for e in story.entries]
