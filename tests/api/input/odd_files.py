"""Files as real tools export them, and odd ones: what the page on files tells of."""

import csv
import gzip
import io
import json
from collections.abc import Callable
from typing import Any, NamedTuple

HEADER = "reference,customerName,emailAddress,status"
FEN = "C-1,Fen Bakery,fen@fen.example,Active"
ADA = "C-2,Ada Joinery,ada@ada.example,Active"
GOOD = f"{HEADER}\n{FEN}\n{ADA}\n"
JSON_LINES = "".join(
    json.dumps(dict(zip(HEADER.split(","), row.split(","), strict=True))) + "\n"
    for row in (FEN, ADA)
)
ITEMS = "name,code,isBillItem,isInvoiceItem,type,itemStatus,{}\n"
ITEM = "Bolt,B-1,{},true,Inventory,Active,{}\n"


class OddFile(NamedTuple):
    """A file, and how it is given to ``validate``.

    :param what: for the page.
    :param name: whose ending may tell the format.
    :param content: makes it.
    :param options: of the command line.
    """

    what: str
    name: str
    content: Callable[[], bytes]
    options: tuple[str, ...] = ()


def _text(text: str, encoding: str = "utf-8") -> Callable[[], bytes]:
    return lambda: text.encode(encoding)


def _invoices(*amounts: str) -> Callable[[], bytes]:
    header = "invoiceNumber,issueDate,status,totalAmount,totalTaxAmount,amountDue"
    rows = (f'I-{n},2026-03-01,Draft,"{each}",0,0' for n, each in enumerate(amounts))
    return _text("\n".join([header, *rows, ""]))


def _parquet(**columns: Any) -> Callable[[], bytes]:  # noqa: ANN401 - columns
    def made() -> bytes:
        import pyarrow as pa  # noqa: PLC0415 - for these alone
        from pyarrow.parquet import write_table  # noqa: PLC0415 - the same

        file = io.BytesIO()
        write_table(pa.table(columns), file)
        return file.getvalue()

    return made


def _large_cell() -> bytes:
    file = io.StringIO()
    csv.writer(file).writerows([["reference", "note"], ["C-1", "x" * 5_000_000]])
    return file.getvalue().encode()


INVOICES = ("--data-type", "invoices")
ODD_FILES = (
    OddFile("JSON lines", "a.jsonl", _text(JSON_LINES)),
    OddFile(
        "JSON lines, gzip of two members",
        "a.jsonl.gz",
        lambda: b"".join(
            gzip.compress(f"{line}\n".encode()) for line in JSON_LINES.splitlines()
        ),
    ),
    OddFile(
        "gzip, cut",
        "a.jsonl.gz",
        lambda: gzip.compress(JSON_LINES.encode())[:-9],
    ),
    OddFile("named `.gz`, and plain", "a.csv.gz", _text(GOOD)),
    OddFile("gzip that is not named so", "a.csv", lambda: gzip.compress(GOOD.encode())),
    OddFile(
        "a JSON list",
        "a.json",
        lambda: json.dumps([json.loads(x) for x in JSON_LINES.splitlines()]).encode(),
    ),
    OddFile("CSV", "a.csv", _text(GOOD)),
    OddFile(
        "CSV with a byte order mark, CRLF (Excel: *CSV UTF-8*)",
        "a.csv",
        _text(GOOD.replace("\n", "\r\n"), "utf-8-sig"),
    ),
    OddFile("CSV in UTF-16 with its mark", "a.csv", _text(GOOD, "utf-16")),
    OddFile("CSV in UTF-16, no mark", "a.csv", _text(GOOD, "utf-16-le")),
    OddFile(
        "the same, `encoding`",
        "a.csv",
        _text(GOOD, "utf-16-le"),
        ("--encoding", "utf-16-le"),
    ),
    OddFile(
        "CSV in Windows-1252",
        "a.csv",
        _text(GOOD.replace("Fen", "Müller"), "cp1252"),
    ),
    OddFile(
        "the same, `encoding`",
        "a.csv",
        _text(GOOD.replace("Fen", "Müller"), "cp1252"),
        ("--encoding", "cp1252"),
    ),
    OddFile("CSV with `;` (Excel in Europe)", "a.csv", _text(GOOD.replace(",", ";"))),
    OddFile("CSV with tabs", "a.tsv", _text(GOOD.replace(",", "\t"))),
    OddFile(
        "CSV with `sep=;` before the header",
        "a.csv",
        _text("sep=;\r\n" + GOOD.replace(",", ";")),
    ),
    OddFile(
        "a line break in a quoted cell",
        "a.csv",
        _text(GOOD.replace("Fen Bakery", '"Fen\nBakery"')),
    ),
    OddFile(
        "a quotation mark that is not closed",
        "a.csv",
        _text(GOOD.replace("Fen Bakery", '"Fen Bakery')),
    ),
    OddFile(
        "a column twice",
        "a.csv",
        _text(GOOD.replace("emailAddress", "customerName")),
    ),
    OddFile(
        "a row with a cell too many", "a.csv", _text(GOOD.replace("Ada J", "Ada, J"))
    ),
    OddFile(
        "empty rows and columns at the end (Excel)",
        "a.csv",
        _text("\n".join(f"{line}," for line in [HEADER, FEN, ADA, ",,,"]) + "\n"),
    ),
    OddFile("`1234.50` for an amount", "a.csv", _invoices("1234.50"), INVOICES),
    OddFile("`1,234.50` for an amount", "a.csv", _invoices("1,234.50"), INVOICES),
    OddFile(
        "`TRUE` for a boolean",
        "a.csv",
        _text(ITEMS.format("note") + ITEM.format("TRUE", "")),
        ("--data-type", "items", "--unknown-properties", "ignore"),
    ),
    OddFile(
        "`yes` for a boolean",
        "a.csv",
        _text(ITEMS.format("note") + ITEM.format("yes", "")),
        ("--data-type", "items", "--unknown-properties", "ignore"),
    ),
    OddFile(
        "a date as Excel shows it, `01/03/2026`",
        "a.csv",
        lambda: _invoices("1")().replace(b"2026-03-01", b"01/03/2026"),
        INVOICES,
    ),
    OddFile(
        "`NULL` in a cell, `null_values`",
        "a.csv",
        _text(GOOD.replace("ada@ada.example", "NULL")),
        ("--null-value", "NULL"),
    ),
    OddFile("empty", "a.csv", _text("")),
    OddFile("a header and no rows", "a.csv", _text(f"{HEADER}\n")),
    OddFile("a cell of 5 MB", "a.csv", _large_cell),
    OddFile("a CSV that is named otherwise", "a.txt", _text(GOOD)),
    OddFile("an Excel workbook", "a.csv", lambda: b"PK\x03\x04" + bytes(100)),
    OddFile(
        "Parquet with NaN and null",
        "a.parquet",
        _parquet(
            reference=["C-1", "C-2"],
            customerName=["Fen", "Ada"],
            status=["Active", "Active"],
            taxNumber=[float("nan"), None],
        ),
    ),
    OddFile(
        "Parquet, cut",
        "a.parquet",
        lambda: _parquet(reference=["C-1"], status=["Active"])()[:-20],
    ),
    OddFile("a key twice (`item_key`)", "a.csv", _text(GOOD.replace("C-2", "C-1"))),
    OddFile("an `email` column", "a.csv", _text(GOOD.replace("emailAddress", "email"))),
)
