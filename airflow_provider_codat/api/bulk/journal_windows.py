"""The journal of many rows, in windows: so many rows are one value of a store.

What is the same for nearly all rows is written in columns: an intent, the push
operation that Codat accepted, the record that it became. What is out of the ordinary
keeps its entries as they are. No payload, no name: a row is known by eight bytes of a
digest.
"""

import base64
import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple, TypeAlias
from uuid import UUID

from airflow_provider_codat.api.bulk.report import Status
from airflow_provider_codat.api.create.journal import Entry, entry_of
from airflow_provider_codat.api.create.next_step import generations
from airflow_provider_codat.api.errors import JournalFailed
from airflow_provider_codat.api.models import Json

MOST_ROWS = 500
"""How many rows a window holds."""

_LARGEST = 60_000
"""How many characters one value may have: Airflow's store keeps up to 65,535 bytes."""

_LENGTHS = (500, 120, 0)
"""To how many characters the words on a row are cut, where there is no room."""

_Document: TypeAlias = "dict[str, Any]"


_NOTHING = {"existed", "no", "released"}
"""The entries after which nothing of ours is in the books."""


@dataclass(slots=True)
class RowJournal:
    """What is known of one row, and what was said of it.

    :param item: eight bytes that name the row.
    :param digest: the first eight bytes of the write's digest.
    :param entries: its journal; without keys, which follow from the item.
    :param status: what came of it, for the report; empty while that is open.
    :param remarks: why it is not in the books, or what is to be noted of it.
    :param window: the number of the window that it stands in.
    """

    item: bytes
    digest: bytes
    window: int = 0
    entries: tuple[Entry, ...] = ()
    status: Status | Literal[""] = ""
    remarks: tuple[str, ...] = ()

    @property
    def operation_key(self) -> str:
        """The latest push operation; empty where there is none."""
        return next(
            (e.operation_key for e in reversed(self.entries) if e.operation_key), ""
        )

    @property
    def sent_at(self) -> float | None:
        """When its latest key was sent for the first time; None where none was."""
        intents = (e.at for e in reversed(self.entries) if e.kind == "intent")
        return next(intents, None)

    @property
    def adopted(self) -> bool:
        """Whether its push operation was found, after the answer was lost."""
        return any(e.kind == "op" and e.because == "adopted" for e in self.entries)

    @property
    def may_have_created(self) -> bool:
        """Whether it was sent, and not for nothing for sure."""
        return bool(self.entries) and self.entries[-1].kind not in _NOTHING

    @property
    def ended(self) -> Entry | None:
        """The entry that says which record it became, or which was there before."""
        if self.entries and self.entries[-1].kind == "existed":
            return self.entries[-1]
        return next((e for e in reversed(self.entries) if e.kind == "end"), None)

    @property
    def open_status(self) -> Status:
        """What its entries tell while nothing has come of it."""
        last = generations(self.entries)[-1:]
        if last and last[0].unresolved:
            return "Unknown"
        waits = last and last[0].get("op") and not last[0].get("no")
        return "Pending" if waits else "NotSent"


@dataclass(slots=True)
class Window:
    """Rows that are written down together.

    :param number: counts the windows of one journal.
    :param dirty: whether something is known that is not written down.
    """

    number: int
    rows: list[RowJournal] = field(default_factory=list)
    dirty: bool = False

    def encoded(self) -> str:
        """Return what a store keeps: text of less than 64 KB."""
        for longest in _LENGTHS:
            text = _packed(_document(self.rows, longest))
            if len(text) <= _LARGEST:
                break
        return text


def decoded(number: int, text: Json) -> Window:
    """Read a window back.

    :raises JournalFailed: when it is none: somebody else wrote it, or a later version.
    """
    try:
        document = json.loads(zlib.decompress(base64.b64decode(str(text))))
        return Window(number, _rows(document, number))
    except (ValueError, LookupError, TypeError, zlib.error) as error:
        raise JournalFailed(
            f"window {number} of the task's journal cannot be read "
            f"({type(error).__name__}), so nothing was sent; it was changed by hand, "
            "or written by a later version of this package"
        ) from None


def _packed(document: _Document) -> str:
    text = json.dumps(document, separators=(",", ":"))
    return base64.b64encode(zlib.compress(text.encode(), 1)).decode()


def _document(rows: list[RowJournal], longest: int) -> _Document:
    """Return what the rows have in common, the columns, and the exceptions."""
    first = next((r.entries[0] for r in rows if r.entries), Entry("intent", 0, 0.0))
    # To the millisecond, as all times: what is read back is written the same again.
    first = replace(first, at=round(first.at, 3))
    columns = [_column(row, first) for row in rows]
    return {
        "at": first.at,
        "life": first.clear_count,
        "query": first.query,
        "items": b"".join(row.item for row in rows).hex(),
        "digests": b"".join(row.digest for row in rows).hex(),
        **_in_columns(rows, columns),
        **_exceptions(rows, columns, longest),
    }


def _in_columns(rows: list[RowJournal], columns: list["_Column"]) -> _Document:
    """Return what is the same for nearly all rows, one value for each."""
    return {
        "done": "".join(str(int(row.status == "Success")) for row in rows),
        "after": [column.after for column in columns],
        "operations": [column.operation for column in columns],
        "records": [column.record for column in columns],
    }


def _exceptions(
    rows: list[RowJournal], columns: list["_Column"], longest: int
) -> _Document:
    """Return what the columns do not hold, by the place of its row in the window."""
    others, statuses, said = {}, {}, {}
    for number, (row, column) in enumerate(zip(rows, columns, strict=True)):
        place = str(number)
        if column.after is None:
            others[place] = [_compact(e, row.digest.hex()) for e in row.entries]
        if row.status not in _PLAIN:
            statuses[place] = row.status
        if row.remarks:
            said[place] = [words[:longest] for words in row.remarks if longest]
    return {"others": others, "statuses": statuses, "said": said}


class _Column(NamedTuple):
    """What of an ordinary row is written down; nothing of another one.

    :param after: seconds after the first row of the window.
    """

    after: float | None = None
    operation: str = ""
    record: Json = 0


def _column(row: RowJournal, first: Entry) -> _Column:
    if not _is_ordinary(row, first):
        return _Column()
    after = round(round(row.entries[0].at, 3) - first.at, 3)
    record = row.ended.result.get("record_id") if row.ended else _NONE
    return _Column(after, row.operation_key.replace("-", ""), record)


_PLAIN = {"", "Success"}
_DONE: dict[str, Literal["Success", ""]] = {"0": "", "1": "Success"}
_NONE = 0
"""Stands where there is no record; a record without an id is null."""


def _is_ordinary(row: RowJournal, first: Entry) -> bool:
    """Whether the columns can hold all that matters of a row's entries."""
    if [e.kind for e in row.entries] not in _ORDINARY:
        return False
    intent, *answers = row.entries
    begun = (intent.generation, intent.clear_count, intent.because, intent.query)
    told = {(e.generation, e.clear_count, e.because, e.operation_key) for e in answers}
    # A result with warnings says more than the columns hold.
    plain = row.ended is None or set(row.ended.result) == {"record_id"}
    return (
        plain
        and begun == (0, first.clear_count, "first", first.query)
        and intent.digest[:16] == row.digest.hex()
        and told <= {(0, first.clear_count, "", row.operation_key)}
    )


_ORDINARY: list[list[str]] = [["intent"], ["intent", "op"], ["intent", "op", "end"]]


def _compact(entry: Entry, digest: str) -> dict[str, Json]:
    """Return an entry without what follows from its row.

    :param digest: of the row.
    """
    own = "" if entry.digest[:16] == digest else entry.digest[:16]
    at, until = round(entry.at, 3), round(entry.until, 3)
    value = replace(entry, key="", digest=own, at=at, until=until).to_json()
    return {_SHORT.get(name, name): each for name, each in value.items()}


_SHORT = {"generation": "g", "operation_key": "op"}
_LONG = {short: name for name, short in _SHORT.items()}


def _rows(document: _Document, window: int) -> list[RowJournal]:
    items, digests = (bytes.fromhex(document[name]) for name in ("items", "digests"))
    rows = []
    for number in range(len(document["after"])):
        eight = slice(8 * number, 8 * number + 8)
        row = RowJournal(items[eight], digests[eight], window)
        done: Literal["Success", ""] = (
            "Success" if document["done"][number] == "1" else ""
        )
        row.status = document["statuses"].get(str(number), done)
        row.remarks = tuple(document["said"].get(str(number), ()))
        row.entries = _entries(document, number, row.digest)
        rows.append(row)
    return rows


def _entries(document: _Document, number: int, digest: bytes) -> tuple[Entry, ...]:
    """Return the journal of one row."""
    after = document["after"][number]
    if after is None:
        others = document["others"][str(number)]
        return tuple(_whole(each, digest.hex()) for each in others)
    at, clear_count = float(document["at"]) + after, int(document["life"])
    intent = Entry(
        "intent", 0, at, clear_count, query=document["query"], because="first"
    )
    intent = replace(intent, digest=digest.hex())
    operation, record = document["operations"][number], document["records"][number]
    return tuple(_ordinary(intent, operation, record))


def _whole(value: dict[str, Json], digest: str) -> Entry:
    entry = entry_of({_LONG.get(name, name): each for name, each in value.items()})
    own = entry.kind == "intent" and not entry.digest
    return replace(entry, digest=digest) if own else entry


def _ordinary(intent: Entry, operation: str, record: Json) -> Iterable[Entry]:
    """Yield the entries of an ordinary row."""
    yield intent
    if not operation:
        return
    key = str(UUID(operation))
    yield Entry("op", 0, intent.at, intent.clear_count, operation_key=key)
    if record != _NONE:
        end = Entry("end", 0, intent.at, intent.clear_count, operation_key=key)
        yield replace(end, result={"record_id": record})
