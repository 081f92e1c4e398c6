"""Writes a task's journal until it is replaced, and goes on with the next task.

``test_sql_store.py`` starts it, and replaces it. A line ``wrote`` is a write that
was acknowledged; what else is printed is Airflow's.
"""

import sys
import time
from itertools import count

from airflow_provider_codat.api import JournalFailed
from airflow_provider_codat.journal.sql import store_in


def main(conn_id: str, run_id: str, tasks: int) -> None:
    """Write for so many tasks, the first try of each."""
    for task in range(tasks):
        store = store_in(conn_id, ("dag", run_id, f"task_{task}", -1), 1)
        for number in count():
            begun = time.monotonic()
            try:
                store.set(f"codat.{number}", {"number": number})
            except JournalFailed as error:
                words = "replaced" if "was replaced" in str(error) else error
                print(words, flush=True)  # noqa: T201 - the test reads it
                break
            print("wrote", number, flush=True)  # noqa: T201 - the test reads it
            # SQLite serves whoever asks in the right moment: leave it some.
            time.sleep(time.monotonic() - begun)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
