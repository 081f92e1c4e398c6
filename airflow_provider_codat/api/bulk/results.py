"""What became of every row of a source, in its order, by the journal of a batch."""

from collections.abc import Iterable, Iterator

from airflow_provider_codat.api.bulk.journal import BatchJournal
from airflow_provider_codat.api.bulk.journal_windows import RowJournal
from airflow_provider_codat.api.bulk.report import Outcome, Status
from airflow_provider_codat.api.bulk.row import Rejected, Row


def outcomes(
    rows: Iterable[Row | Rejected], journal: BatchJournal
) -> Iterator[Outcome]:
    """Yield what became of each row.

    :param rows: of the source, in the order in which the batch has taken them up.
    """
    begun = journal.in_order()
    following = next(begun, None)
    for row in rows:
        if isinstance(row, Rejected):
            yield _invalid(row, journal.found(row.item))
        elif following is not None and following.item == row.item:
            yield _outcome(row, following)
            following = next(begun, None)
        elif (found := journal.found(row.item)) is not None:
            yield _outcome(row, found)
        else:
            yield _nothing(row.number, row.label, "NotSent", [])


def _invalid(row: Rejected, found: RowJournal | None) -> Outcome:
    """Return what became of a row that cannot be sent, and perhaps was, before."""
    problems = [str(problem) for problem in row.problems]
    if found is None or not found.may_have_created:
        return _nothing(row.number, row.label, "Invalid", problems)
    outcome = _outcome(row, found)
    outcome["status"] = "Changed" if found.ended else outcome["status"]
    outcome["problems"] += problems
    return outcome


def _outcome(row: Row | Rejected, found: RowJournal) -> Outcome:
    status: Status = found.status or found.open_status
    in_the_books = status in {"Success", "Exists"}
    ended = found.ended
    record = ended.result.get("record_id") if ended else None
    adopted = any(e.because == "adopted" for e in found.entries if e.kind == "op")
    return {
        "row": row.number,
        "item_key": row.label,
        "status": status,
        "record_id": str(record) if record is not None else None,
        "push_operation_key": found.operation_key,
        "adopted": adopted or bool(ended and ended.result.get("adopted")),
        "warnings": list(found.said) if in_the_books else [],
        "problems": [] if in_the_books else list(found.said),
    }


def _nothing(number: int, label: str, status: Status, problems: list[str]) -> Outcome:
    return {
        "row": number,
        "item_key": label,
        "status": status,
        "record_id": None,
        "push_operation_key": "",
        "adopted": False,
        "warnings": [],
        "problems": problems,
    }
