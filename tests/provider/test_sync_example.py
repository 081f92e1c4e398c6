"""The laws of the example DAG that keeps the books as one's own data, in real runs."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_codat.simulator import LocalCodat

pytestmark = pytest.mark.slow

NAME = "codat_sync_customers"
SOURCE = Path(__file__).parents[2] / "dags" / "data" / "customers.csv"
Run = Callable[..., Any]


@pytest.fixture
def local_codat(start_codat: Callable[..., LocalCodat]) -> LocalCodat:
    """Serve a Codat that takes a moment to read the books."""
    return start_codat(refresh_seconds=0.1)


@pytest.fixture
def rows(tmp_path: Path) -> list[dict[str, str]]:
    """Write a shorter file of customers."""
    with SOURCE.open(encoding="utf-8", newline="") as file:
        given = list(csv.DictReader(file))
    with (tmp_path / "customers.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, given[0])
        writer.writeheader()
        writer.writerows(given[:4])
    return given[:4]


@pytest.fixture
def run_example(
    run_dag: Callable[..., Any], rows: list[dict[str, str]], tmp_path: Path
) -> Run:
    """Run the example on the shorter file."""
    assert rows

    def run(**conf: object) -> Any:  # noqa: ANN401 - conftest's FinishedRun
        given = {"csv_path": str(tmp_path / "customers.csv"), "folder": str(tmp_path)}
        return run_dag(f"examples/{NAME}.py", NAME, {**given, **conf})

    return run


def typed_in(codat: LocalCodat, row: dict[str, str], **fields: str) -> str:
    """Type a customer of the file in; return its record's id."""
    customer = {
        "customerName": row["name"],
        "contactName": row["contact"],
        "emailAddress": row["email"],
        "phone": row["phone"],
        "status": "Active",
        **fields,
    }
    return codat.typed_in(customer).record_id


def told(codat: LocalCodat) -> dict[str, tuple[str, str]]:
    """Return record and e-mail address of each name in the books."""
    found = {
        str(record.name): (record.record_id, str(record.customer["emailAddress"]))
        for record in codat.ledger()
    }
    assert len(found) == len(codat.ledger())
    return found


def sent(codat: LocalCodat) -> list[str]:
    """Return which requests have written, oldest first."""
    writes = [e for e in codat.journal() if "/push/customers" in e.path]
    return [f"{e.method} {e.path.rpartition('/')[2]}" for e in writes]


def test_the_books_come_to_what_the_data_says(
    run_example: Run, local_codat: LocalCodat, rows: list[dict[str, str]]
) -> None:
    """What differs is updated, what lacks is created, all else is left alone."""
    right, wrong, *_ = rows
    same = typed_in(local_codat, right)
    changed = typed_in(local_codat, wrong, emailAddress="old@example.com")
    strange = local_codat.typed_in(
        {"customerName": "Somebody Else", "emailAddress": "e@example.com"}
    ).record_id
    run = run_example()
    assert run.state == "success"
    books = told(local_codat)
    assert books.pop("Somebody Else") == (strange, "e@example.com")
    assert {name: email for name, (_, email) in books.items()} == {
        row["name"]: row["email"] for row in rows
    }
    assert (books[right["name"]][0], books[wrong["name"]][0]) == (same, changed)
    assert sorted(sent(local_codat)) == [
        "POST customers",
        "POST customers",
        f"PUT {changed}",
    ]


def test_a_second_run_writes_nothing(run_example: Run, local_codat: LocalCodat) -> None:
    """What the first one has done is in the copy that the second one reads."""
    assert run_example().state == "success"
    before = told(local_codat), sent(local_codat)
    assert run_example().state == "success"
    assert (told(local_codat), sent(local_codat)) == before


def test_what_is_not_listed_is_not_created_twice(
    run_example: Run, local_codat: LocalCodat, rows: list[dict[str, str]]
) -> None:
    """A customer that has not changed since is not in the file, but in the books."""
    ids = [typed_in(local_codat, row) for row in rows[:2]]
    run = run_example(modified_since="2999-01-01T00:00:00+00:00")
    assert run.state == "success"
    assert run.xcom(task_id="list_customers")["customers"] == 0
    books = told(local_codat)
    assert [books[row["name"]][0] for row in rows[:2]] == ids
    assert len(books) == len(rows)
