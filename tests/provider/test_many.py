"""The laws of the operator for many customers, in one try of its task.

Codat is real as far as the operator can tell, Airflow is not there: a try is one
``execute``. What a later try does is in ``test_many_durable.py``.
"""

import base64
import gzip
import json
import threading
import zlib
from collections import UserList
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowSkipException, TaskInstanceKey

from airflow_provider_codat.api import (
    BatchFailed,
    BatchUnfinished,
    Busy,
    CodatError,
    JournalFailed,
    NotAuthorised,
    NotFound,
    PayloadInvalid,
    QuotaShort,
    RateLimited,
    SettingsInvalid,
)
from airflow_provider_codat.links.codat import CodatPushOperationLink, CodatReportLink
from airflow_provider_codat.simulator import LocalCodat
from airflow_provider_codat.triggers.codat import CodatPauseTrigger

LINK = CodatPushOperationLink().xcom_key
KEY = TaskInstanceKey("dag", "create", "run", 1)
PAUSE_IS_OVER = {"status": "pause is over"}
LINE = {
    "row",
    "item_key",
    "status",
    "record_id",
    "push_operation_key",
    "adopted",
    "sent_at",
    "warnings",
    "problems",
}

# conftest.py has them; it cannot be imported.
Attempt = Store = Any
Attempts = Callable[..., Attempt]


def name_of(number: int) -> str:
    return f"Customer {number:03}"


def rows(number: int, **more: object) -> list[dict[str, Any]]:
    """Return so many customers, each with a name of its own."""
    return [
        {"customerName": name_of(n), "status": "Active", **more}
        for n in range(1, number + 1)
    ]


def named(number: int) -> list[dict[str, Any]]:
    """Return so many customers, each with a key that Codat does not know."""
    return [{**row, "reference": f"R-{n}"} for n, row in enumerate(rows(number), 1)]


def invalid(number: int) -> list[dict[str, Any]]:
    """Return so many customers that the contract does not allow."""
    return rows(number, status="Dormant")


def creates(codat: LocalCodat) -> list[Any]:
    """Return the creates that arrived."""
    return [e for e in codat.journal() if e.path.endswith("/push/customers")]


def lists(codat: LocalCodat) -> int:
    """Return how often the list of push operations was asked for."""
    return codat.traffic().by_route.get("list_push", 0)


def statuses(result: Any) -> list[str]:  # noqa: ANN401 - what the operator returns
    return [line["status"] for line in result["results"]]


def once_each(number: int) -> dict[str, int]:
    """Return what the books hold when so many customers are there, each once."""
    return {name_of(n): 1 for n in range(1, number + 1)}


# --- what it is given


def as_json_lines(folder: Path, name: str) -> Path:
    text = "\n".join(json.dumps(row) for row in named(3)).encode()
    path = folder / name
    path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    return path


LISTS: dict[str, Callable[[], object]] = {
    "a list": lambda: named(3),
    "a tuple": lambda: tuple(named(3)),
    "what an XComArg becomes": lambda: UserList(named(3)),
    "a text of JSON": lambda: json.dumps(named(3)),
    "a text of JSON in blanks": lambda: f"\n {json.dumps(named(3))} \n",
    "a text of Python": lambda: repr(named(3)),
}


@pytest.mark.parametrize("case", LISTS)
def test_a_list_in_every_shape_is_created(
    attempt_many: Attempts, local_codat: LocalCodat, case: str
) -> None:
    """However a template or an XComArg has rendered it."""
    result = attempt_many(LISTS[case](), item_key="reference").execute()
    assert statuses(result) == ["Success"] * 3
    assert local_codat.counts_by_name() == once_each(3)


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.jsonl.gz"])
@pytest.mark.parametrize("shape", ["path", "text", "url", "object"])
def test_a_file_in_every_shape_is_created(
    attempt_many: Attempts,
    local_codat: LocalCodat,
    tmp_path: Path,
    name: str,
    shape: str,
) -> None:
    """Plain or packed, named in every way that Airflow has for a file."""
    from airflow.providers.common.compat.sdk import ObjectStoragePath  # noqa: PLC0415 - for this test alone

    path = as_json_lines(tmp_path, name)
    given = {
        "path": path,
        "text": f" {path}\n",
        "url": f"file://{path}",
        "object": ObjectStoragePath(f"file://{path}"),
    }[shape]
    result = attempt_many(customers_path=given, item_key="reference").execute()
    assert [line["item_key"] for line in result["results"]] == ["R-1", "R-2", "R-3"]
    assert local_codat.counts_by_name() == once_each(3)


NOT_ONE_SOURCE: dict[str, dict[str, Any]] = {
    "neither": {},
    "a rendered nothing": {"customers_path": "None"},
    "a blank path": {"customers_path": " "},
    "both": {"customers": rows(1), "customers_path": "/tmp/rows.jsonl"},
    "an empty list, and a path": {"customers": [], "customers_path": "/tmp/rows.jsonl"},
}


@pytest.mark.parametrize("case", NOT_ONE_SOURCE)
def test_it_takes_one_source(
    attempt_many: Attempts, local_codat: LocalCodat, case: str
) -> None:
    """Neither and both are refused before anything is asked of Codat."""
    made = attempt_many(**NOT_ONE_SOURCE[case])
    made.fails(SettingsInvalid, "give customers or customers_path")
    assert local_codat.journal() == []


@pytest.mark.parametrize("source", ["list", "file"])
def test_nothing_to_do(
    attempt_many: Attempts, local_codat: LocalCodat, tmp_path: Path, source: str
) -> None:
    """A night without rows skips the task, or ends it as it says; nothing is asked."""
    path = tmp_path / "rows.csv"
    path.write_text("customerName,status\n")
    given: dict[str, Any] = {"customers": []}
    if source == "file":
        given = {"customers_path": str(path)}
    with pytest.raises(AirflowSkipException, match="no rows"):
        attempt_many(**given).execute()
    attempt_many(**given, on_empty="fail").fails(BatchFailed, "no rows")
    result = attempt_many(**given, on_empty="succeed").execute()
    assert (result["rows"], result["counts"], result["results"]) == (0, {}, [])
    assert local_codat.journal() == []


def test_a_report_to_look_at(
    attempt_many: Attempts,
    local_codat: LocalCodat,
    tmp_path: Path,
    logged: Callable[..., list[str]],
) -> None:
    """A page tells of all rows, also when the task fails, and the link leads there."""
    path = tmp_path / "report.html"
    made = attempt_many(
        [*rows(2), *invalid(1)],
        on_invalid="skip",
        report_path=str(path),
        report_url="https://reports.example/1.html",
    )
    made.fails(BatchFailed, "1 of 3 rows")
    assert f"The report is in {path}" in logged()
    text = path.read_text()
    assert "<b>3</b> rows" in text
    assert "<b>2</b> in the books" in text
    assert "status: must be one of Active" in text
    assert local_codat.company_id in text
    assert name_of(1) not in text
    links = [
        link.get_link(made.operator, ti_key=KEY)
        for link in made.operator.operator_extra_links
    ]
    assert links[0].endswith(f"{local_codat.company_id}/summary")
    assert links[1] == made.xcoms[CodatReportLink().xcom_key]
    assert links[1] == "https://reports.example/1.html"


def test_a_task_asks_for_no_link_that_it_has_not_pushed(
    attempt_many: Attempts,
) -> None:
    """What failed before anything was sent has a link that is empty, and no error."""
    made = attempt_many(invalid(1))
    made.fails(BatchFailed)
    (link,) = made.operator.operator_extra_links
    # An XCom could be asked of nobody here: Airflow itself is not running.
    assert link.get_link(made.operator, ti_key=KEY) == ""


def test_no_place_for_a_report(
    attempt_many: Attempts, local_codat: LocalCodat, tmp_path: Path
) -> None:
    """A report that cannot be written is known before anything is sent."""
    (tmp_path / "file").touch()
    made = attempt_many(rows(1), report_path=str(tmp_path / "file" / "report.html"))
    made.fails(SettingsInvalid, "report_path names a file where a folder must be")
    assert local_codat.ledger() == []


def test_columns_of_a_table(
    attempt_many: Attempts, local_codat: LocalCodat, tmp_path: Path
) -> None:
    """A CSV as finance sends it becomes customers: named, nested, in its encoding."""
    path = tmp_path / "finance.csv"
    text = "No;Company;Street;E-Mail\n7;Müller & Söhne;Hauptstr. 1;a@b.example\n"
    path.write_bytes(text.encode("cp1252"))
    result = attempt_many(
        customers_path=str(path),
        item_key="No",
        encoding="cp1252",
        columns={
            "Company": "customerName",
            "Street": "addresses[0].line1",
            "E-Mail": "emailAddress",
        },
        constants={"status": "Active", "addresses[0].type": "Billing"},
    ).execute()
    assert [line["item_key"] for line in result["results"]] == ["7"]
    (record,) = local_codat.ledger()
    assert record.record["customerName"] == "Müller & Söhne"
    assert record.record["addresses"] == [{"type": "Billing", "line1": "Hauptstr. 1"}]


def test_what_is_empty_in_a_list(
    attempt_many: Attempts, local_codat: LocalCodat
) -> None:
    """Words for nothing are nothing in rows of every source, and are not sent."""
    row = {**rows(1)[0], "phone": "NULL", "taxNumber": "-"}
    attempt_many([row], null_values=["NULL", "-"]).execute()
    (record,) = local_codat.ledger()
    assert not {"phone", "taxNumber"} & record.record.keys()


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "on_empty": ({"on_empty": "shrug"}, "on_empty must be one of: skip, succeed, fail"),
    "columns": ({"columns": {"a": "custmerName"}}, "did you mean customerName"),
    "columns in words": ({"columns": "all"}, "columns: is not JSON"),
    "constants": ({"constants": ["Active"]}, "constants must be a mapping"),
    "null_values": ({"null_values": 3}, "null_values must be a list"),
    "input_format": ({"input_format": "xlsx"}, "input_format must be one of jsonl"),
    "encoding": ({"encoding": "utf-99"}, "encoding: 'utf-99'"),
    "delimiter": ({"delimiter": ";;"}, "delimiter must be one character"),
    "an object": ({"customers": {"customerName": "Ada"}}, "must be a list"),
    "a number": ({"customers": 3}, "must be a list"),
    "no such file": ({"customers_path": "/nowhere/rows.jsonl"}, "customers_path"),
    "validate": ({"validate": "strict"}, "validate must be"),
    "on_invalid": ({"on_invalid": "ignore"}, "on_invalid must be one of: fail, skip"),
    "on_quota": ({"on_quota": "hope"}, "on_quota must be one of: fail, partial, wait"),
    "max_failed below 0": ({"max_failed": -1}, "max_failed must be"),
    "max_failed in words": ({"max_failed": "some"}, "max_failed must be"),
    "max_failed is true": ({"max_failed": True}, "max_failed must be"),
    "max_failed is no number": ({"max_failed": float("nan")}, "max_failed must be"),
    "max_failed is 1.5": ({"max_failed": 1.5}, "max_failed must be whole"),
    "company_id": ({"company_id": "acme"}, "company_id"),
    "max_concurrency": ({"max_concurrency": 0}, "max_concurrency must be"),
    "requests_per_minute": ({"requests_per_minute": 0}, "requests_per_minute must be"),
    "poll_interval_seconds": ({"poll_interval_seconds": 0}, "poll_interval_seconds"),
    "completion_timeout_seconds": (
        {"completion_timeout_seconds": "soon"},
        "completion_timeout_seconds",
    ),
    "results_path is a folder": ({"results_path": "/"}, "results_path"),
    "unknown_resolution is a text": (
        {"unknown_resolution": "not_created"},
        "unknown_resolution must be an object",
    ),
    "unknown_resolution is a list": (
        {"unknown_resolution": '["R-1"]'},
        "unknown_resolution must be an object",
    ),
    "unknown_resolution is misspelt": (
        {"unknown_resolution": {"R-1": "not created"}},
        "not_created",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_argument_is_named(
    attempt_many: Attempts, store: Store, local_codat: LocalCodat, case: str
) -> None:
    """Nothing is created by a task whose author has mistaken himself."""
    given, words = WRONG[case]
    source = {} if "customers_path" in given else {"customers": rows(2)}
    attempt_many(**{**source, **given}, store=store).fails(SettingsInvalid, words)
    assert creates(local_codat) == []


@pytest.mark.parametrize("text", ["None", "[{"], ids=["none", "cut"])
def test_a_list_that_did_not_arrive_is_said(
    attempt_many: Attempts, local_codat: LocalCodat, text: str
) -> None:
    """What a template made of a missing XCom is no list without rows."""
    attempt_many(text).fails(PayloadInvalid)
    assert local_codat.journal() == []


def test_a_list_may_have_a_thousand_rows(
    attempt_many: Attempts, local_codat: LocalCodat
) -> None:
    """More belong into a file, as the message says."""
    attempt_many(rows(1001)).fails(SettingsInvalid, "customers_path")
    assert local_codat.journal() == []


# --- which row is which

KEYS: dict[str, tuple[str, object, str, bool]] = {
    "one that Codat knows": ("id", "C1", "C1", True),
    "one that it does not": ("reference", "R-1", "R-1", False),
    "a number": ("reference", 17, "17", False),
    "with blanks around": ("reference", " R 1 ", "R 1", False),
}


@pytest.mark.parametrize("case", KEYS)
def test_a_row_is_known_by_its_key(
    attempt_many: Attempts, local_codat: LocalCodat, case: str
) -> None:
    """What Codat's contract does not know of is not sent."""
    name, value, label, sent = KEYS[case]
    result = attempt_many(rows(1, **{name: value}), item_key=name).execute()
    [line] = result["results"]
    assert (line["item_key"], line["status"]) == (label, "Success")
    [create] = creates(local_codat)
    assert create.json() == {**rows(1)[0], **({name: value} if sent else {})}


BAD_KEYS: dict[str, tuple[list[dict[str, Any]], str]] = {
    "missing": ([*named(2), *rows(1)], "row 3.*is required"),
    "blank": ([*named(2), *rows(1, reference=" ")], "row 3.*is required"),
    "null": ([*named(2), *rows(1, reference=None)], "row 3.*is required"),
    "a share": ([*named(2), *rows(1, reference=1.5)], "row 3.*must be text"),
    "repeated": ([*named(2), *rows(1, reference="R-2")], "row 3.*that of row 2"),
}


@pytest.mark.parametrize("case", BAD_KEYS)
def test_a_key_that_names_no_row_is_an_error(
    attempt_many: Attempts, local_codat: LocalCodat, case: str
) -> None:
    """The rows are named, and nothing is sent."""
    given, words = BAD_KEYS[case]
    made = attempt_many(given, item_key="reference")
    made.fails(BatchFailed, f"1 of 3 rows are not valid(?s:.*){words}")
    assert local_codat.journal() == []


def test_equal_rows_are_two_records(
    attempt_many: Attempts, local_codat: LocalCodat
) -> None:
    """Without a key a row is its content, and how often that has occurred before."""
    result = attempt_many([*rows(2), *rows(1)]).execute()
    first, second, third = (line["item_key"] for line in result["results"])
    assert third == f"{first}#2"
    assert second not in first
    assert local_codat.counts_by_name() == {name_of(1): 2, name_of(2): 1}
    assert len({line["record_id"] for line in result["results"]}) == 3
    assert len({create.idempotency_key for create in creates(local_codat)}) == 3


# --- rows that are not valid


def test_one_invalid_row_keeps_all_from_being_sent(
    attempt_many: Attempts, local_codat: LocalCodat
) -> None:
    """Every invalid row is named, with all that is wrong; the others are not tried."""
    given = [*named(2), {"reference": "bad", "status": "Dormant", "phone": 5}]
    made = attempt_many([*given, "no object"], item_key="reference")
    error = made.fails(BatchFailed, "2 of 4 rows are not valid, and nothing was sent")
    assert "row 3 (bad): " in str(error)
    assert "status" in str(error)
    assert "phone" in str(error)
    assert "row 4: the payload: must be one object" in str(error)
    assert local_codat.journal() == []
    result = made.xcoms["return_value"]
    assert statuses(result) == ["NotSent", "NotSent", "Invalid", "Invalid"]
    assert result["counts"] == {"Invalid": 2, "NotSent": 2}
    assert len(result["results"][2]["problems"]) >= 2
    assert result["results"][3]["item_key"] == ""


def test_a_list_of_invalid_rows_stays_readable(
    attempt_many: Attempts, local_codat: LocalCodat
) -> None:
    """The error names twenty of them; the results, all."""
    made = attempt_many(invalid(23))
    error = made.fails(BatchFailed, "23 of 23 rows are not valid")
    assert str(error).count("\n  row ") == 20
    assert str(error).endswith("and 3 more rows")
    assert made.xcoms["return_value"]["counts"] == {"Invalid": 23}
    assert local_codat.journal() == []


def test_invalid_rows_may_be_left_out(
    attempt_many: Attempts, local_codat: LocalCodat
) -> None:
    """The others are created; what was left out counts as not in the books."""
    given = [*rows(3), {"status": "Dormant"}]
    made = attempt_many(given, on_invalid="skip")
    error = made.fails(BatchFailed, "1 of 4 rows are not in the books")
    assert "row 4 (" in str(error)
    assert "Invalid: " in str(error)
    assert statuses(made.xcoms["return_value"]) == [*["Success"] * 3, "Invalid"]
    assert local_codat.counts_by_name() == once_each(3)
    assert len(creates(local_codat)) == 3


# --- how many may be missing

BOUNDARIES: dict[str, tuple[float | str, int, int, bool]] = {
    "none": (0, 0, 5, True),
    "one too many": (0, 1, 5, False),
    "as many as allowed": (2, 2, 5, True),
    "one more than allowed": (2, 3, 5, False),
    "a rendered number": ("2", 2, 5, True),
    "exactly the share": (0.4, 2, 5, True),
    "above the share": (0.4, 3, 5, False),
    "a share of less than one row": (0.19, 1, 5, False),
    "a share that floats fall short of": (0.29, 29, 100, True),
    "just above it": (0.29, 30, 100, False),
    "a rendered share": ("0.4", 2, 5, True),
    "1 is one row": (1, 1, 5, True),
    "1.0 is one row, too": (1.0, 2, 5, False),
    "more than there are": (9, 5, 5, True),
}


@pytest.mark.parametrize("case", BOUNDARIES)
def test_max_failed_is_a_number_or_a_share(
    attempt_many: Attempts, local_codat: LocalCodat, case: str
) -> None:
    """Up to it the task succeeds, beyond it fails; one row beside it decides."""
    most, missing, total, succeeds = BOUNDARIES[case]
    given = [*invalid(missing), *rows(total - missing)]
    made = attempt_many(given, on_invalid="skip", max_failed=most)
    if succeeds:
        result = made.execute()
        assert result["counts"].get("Success", 0) == total - missing
    else:
        made.fails(BatchFailed, f"{missing} of {total} rows are not in the books")
    assert len(local_codat.ledger()) == total - missing


# --- what it tells


def test_the_result_tells_of_every_row(
    attempt_many: Attempts, local_codat: LocalCodat, store: Store
) -> None:
    """A dict of plain JSON with exactly the documented keys; the ledger agrees."""
    made = attempt_many(named(4), item_key="reference", store=store)
    result = made.execute()
    assert result == json.loads(json.dumps(result))
    lines = result.pop("results")
    assert result == {
        "company_id": local_codat.company_id,
        "connection_id": local_codat.connection_id,
        "rows": 4,
        "counts": {"Success": 4},
        "adopted": 0,
        "requests": len(local_codat.journal()),
        "results_path": None,
    }
    by_name = {record.name: record for record in local_codat.ledger()}
    assert lines == [
        {
            "row": n,
            "item_key": f"R-{n}",
            "status": "Success",
            "record_id": by_name[name_of(n)].record_id,
            "push_operation_key": by_name[name_of(n)].push_operation_key,
            "adopted": False,
            "sent_at": line["sent_at"],
            "warnings": [],
            "problems": [],
        }
        for n, line in enumerate(lines, 1)
    ]
    assert all(datetime.fromisoformat(line["sent_at"]).tzinfo for line in lines)
    assert made.xcoms.keys() == {LINK}
    assert made.xcoms[LINK].endswith(f"{local_codat.company_id}/summary")


def read_lines(path: Path) -> list[dict[str, Any]]:
    data = path.read_bytes()
    text = gzip.decompress(data) if path.suffix == ".gz" else data
    return [json.loads(line) for line in text.decode().splitlines()]


@pytest.mark.parametrize("name", ["results.jsonl", "a/new/folder/results.jsonl.gz"])
def test_the_results_file_equals_the_ledger(
    attempt_many: Attempts, local_codat: LocalCodat, tmp_path: Path, name: str
) -> None:
    """A line for each row, in the source's order, of those that failed, too."""
    path = tmp_path / name
    local_codat.order("fail", customer=name_of(3))
    made = attempt_many(rows(6), results_path=str(path))
    made.fails(BatchFailed, "1 of 6 rows")
    result = made.xcoms["return_value"]
    assert (result["results"], result["results_path"]) == (None, str(path))
    lines = read_lines(path)
    assert [line["row"] for line in lines] == list(range(1, 7))
    assert all(line.keys() == LINE for line in lines)
    told = {line["record_id"] for line in lines if line["status"] == "Success"}
    assert told == {record.record_id for record in local_codat.ledger()}
    assert len(told) == 5
    assert (lines[2]["status"], lines[2]["record_id"]) == ("Failed", None)
    assert lines[2]["problems"]


@pytest.mark.parametrize("number", [1000, 1001])
def test_the_return_value_holds_a_thousand_rows(
    attempt_many: Attempts, local_codat: LocalCodat, tmp_path: Path, number: int
) -> None:
    """For more there has to be a file; that is said before anything is sent."""
    path = tmp_path / "rows.jsonl"
    path.write_text('{"status": "Dormant"}\n' * number)
    given = {"customers_path": path, "on_invalid": "skip", "max_failed": number}
    if number > 1000:
        made = attempt_many(**given)
        made.fails(SettingsInvalid, "1,001 rows need results_path")
        assert made.xcoms == {}
        assert local_codat.journal() == []
        given["results_path"] = tmp_path / "results.jsonl"
    result = attempt_many(**given).execute()
    assert result["counts"] == {"Invalid": number}
    lines = result["results"] or read_lines(tmp_path / "results.jsonl")
    assert len(lines) == number


def test_old_results_are_replaced(
    attempt_many: Attempts, local_codat: LocalCodat, tmp_path: Path
) -> None:
    """Whatever the end, the file tells of this try; a try that did not begin, none."""
    path = tmp_path / "results.jsonl"
    path.write_text("of yesterday")
    attempt_many(rows(1), results_path=path, validate="?").fails(SettingsInvalid)
    assert path.read_text() == "of yesterday"
    attempt_many([*rows(1), {}], results_path=path).fails(BatchFailed)
    assert [line["status"] for line in read_lines(path)] == ["NotSent", "Invalid"]
    assert local_codat.journal() == []


# --- rows that Codat, or the software, refuses


def test_refused_rows_hold_up_no_others(
    attempt_many: Attempts, local_codat: LocalCodat
) -> None:
    """The task fails and lists them with Codat's reasons; the rest is in the books."""
    local_codat.order(
        "codat_error_before_commit", customer=name_of(2), status=400, message="Not so."
    )
    local_codat.order("fail", customer=name_of(5))
    made = attempt_many(named(6), item_key="reference")
    error = made.fails(BatchFailed, "2 of 6 rows are not in the books")
    assert "row 2 (R-2): Failed: " in str(error)
    assert "400" in str(error)
    assert "Not so." in str(error)
    assert "row 5 (R-5): Failed: " in str(error)
    result = made.xcoms["return_value"]
    assert result["counts"] == {"Success": 4, "Failed": 2}
    refused, failed = result["results"][1], result["results"][4]
    assert (refused["push_operation_key"], refused["record_id"]) == ("", None)
    assert failed["push_operation_key"] in {
        each["pushOperationKey"] for each in local_codat.operations()
    }
    expected = {n: c for n, c in once_each(6).items() if n[-1] not in "25"}
    assert local_codat.counts_by_name() == expected


WARNED = {"fails": True, "does not fail": False}


@pytest.mark.parametrize("case", WARNED)
def test_a_warning_is_told(
    attempt_many: Attempts, local_codat: LocalCodat, case: str
) -> None:
    """The record is in the books; ``fail_on_warning`` fails the task all the same."""
    local_codat.order("warn", customer=name_of(2), message="Mind the gap.")
    made = attempt_many(rows(3), fail_on_warning=WARNED[case])
    if WARNED[case]:
        made.fails(BatchFailed, "1 of 3 rows")
        result = made.xcoms["return_value"]
    else:
        result = made.execute()
    assert result["counts"] == {"Success": 3}
    told = [line["warnings"] for line in result["results"]]
    assert [len(each) for each in told] == [0, 1, 0]
    assert "Mind the gap." in told[1][0]


def test_not_waiting_ends_with_the_acceptance(
    attempt_many: Attempts, start_codat: Callable[..., LocalCodat]
) -> None:
    """The task succeeds once Codat has taken all; nothing is polled."""
    codat = start_codat(settle_seconds=60)
    result = attempt_many(rows(3), wait_for_completion=False).execute()
    assert statuses(result) == ["Pending"] * 3
    keys = [line["push_operation_key"] for line in result["results"]]
    assert sorted(keys) == sorted(e["pushOperationKey"] for e in codat.operations())
    assert lists(codat) == 1  # the one that tells the quota


@pytest.mark.parametrize("wait", [True, False])
def test_what_codat_knows_at_once_is_told(
    attempt_many: Attempts, start_codat: Callable[..., LocalCodat], wait: bool
) -> None:
    """Where the first reply is final, nothing more is asked, and a failure fails."""
    codat = start_codat(settle_seconds=0)
    codat.order("fail", customer=name_of(2))
    made = attempt_many(rows(3), wait_for_completion=wait)
    made.fails(BatchFailed, "1 of 3 rows")
    assert statuses(made.xcoms["return_value"]) == ["Success", "Failed", "Success"]
    assert len(codat.journal()) == 1 + 3


def test_what_does_not_end_in_time_is_pending(
    attempt_many: Attempts, local_codat: LocalCodat
) -> None:
    """The others are told of; another try may bring it to its end."""
    local_codat.order("stay_pending", customer=name_of(2))
    made = attempt_many(rows(3), completion_timeout_seconds=0.3)
    made.fails(BatchUnfinished, "completion_timeout_seconds")
    result = made.xcoms["return_value"]
    assert statuses(result) == ["Success", "Pending", "Success"]
    assert result["results"][1]["push_operation_key"]


# --- what nobody but Codat may read

PRIVATE = {
    "customerName": "Zephyrine Quillfeather",
    "contactName": "Thaddeus Bramblewick",
    "emailAddress": "thaddeus@bramblewick.example",
    "phone": "07700 900461",
    "taxNumber": "GB 4711 0815",
    "registrationNumber": "REG-55512",
    "addresses": [{"type": "Billing", "line1": "17 Nightjar Lane", "city": "Wexcombe"}],
}


def values(value: object) -> Iterator[str]:
    """Yield every text of a payload that is a customer's."""
    if isinstance(value, dict):
        for each in value.values():
            yield from values(each)
    elif isinstance(value, list):
        for each in value:
            yield from values(each)
    elif str(value) not in {"Billing", "Active", "None"}:
        yield str(value)


def unpacked(store: Store) -> str:
    """Return all that a store holds, windows as the JSON that they pack."""
    texts = []
    for key, cell in store.cells.items():
        value = json.loads(cell)
        packed = ".window." in key
        texts.append(str(zlib.decompress(base64.b64decode(value))) if packed else cell)
    return "\n".join(texts)


def test_no_value_of_a_customer_is_told_to_anybody(
    attempt_many: Attempts,
    local_codat: LocalCodat,
    store: Store,
    logged: Callable[..., list[str]],
) -> None:
    """Not in log, error, XCom or journal, though Codat quotes all of it."""
    given = [
        {
            **PRIVATE,
            "customerName": f"{PRIVATE['customerName']} {n}",
            "status": "Active",
        }
        for n in range(5)
    ]
    orders = ("fail", "warn", "codat_error_before_commit", "timed_out")
    for row, kind in zip(given, orders, strict=False):
        status = {"status": 400} if kind.startswith("codat") else {}
        words = {"message": "; ".join(values(row))}
        local_codat.order(kind, customer=row["customerName"], **words, **status)
    bad = {**PRIVATE, "status": "Bramblewickish", "phone": ["07700 900461"]}
    made = attempt_many([*given, bad], on_invalid="skip", store=store)
    error = made.fails(BatchFailed)
    result = made.xcoms["return_value"]
    assert result["counts"] == {"Success": 2, "Failed": 2, "Invalid": 1, "TimedOut": 1}
    assert "<customerName>" in str(error)
    told = [*logged(), str(error), repr(error), json.dumps(made.xcoms), unpacked(store)]
    private = {*values(PRIVATE), *values(given), "Bramblewickish"}
    found = {value for value in private for text in told if value in text}
    assert found == set()


def test_the_journal_names_no_row(
    attempt_many: Attempts, local_codat: LocalCodat, store: Store
) -> None:
    """A key may be a customer's own name: the store holds digests of it."""
    given = [{"reference": "Zephyrine Quillfeather", **row} for row in rows(1)]
    attempt_many(given, item_key="reference", store=store).execute()
    assert len(local_codat.ledger()) == 1
    kept = unpacked(store)
    assert local_codat.ledger()[0].record_id in kept
    assert "Quillfeather" not in kept


# --- the log


def test_the_log_tells_how_it_went(
    attempt_many: Attempts, local_codat: LocalCodat, logged: Callable[..., list[str]]
) -> None:
    """What was found before, and what came of it, each in a line."""
    given = [{**row, "isGood": True, "metadata": {}} for row in rows(3)]
    attempt_many(given).execute()
    assert logged("3 rows, 0 of them not valid")
    assert logged("Left out of the payloads, as Codat takes it in no write: metadata")
    assert logged("3 rows, row 1 the first: isGood: ")
    requests = len(local_codat.journal())
    assert logged(f"3 rows: 3 Success; {requests} requests")


# --- requests


def test_requests_are_one_for_each_row_and_a_few(
    attempt_many: Attempts, start_codat: Callable[..., LocalCodat]
) -> None:
    """One look at the list serves all rows, and the number is told."""
    codat = start_codat(settle_seconds=1)
    given = {"poll_interval_seconds": 1, "completion_timeout_seconds": 60}
    result = attempt_many(rows(60), **given).execute()
    traffic = codat.traffic()
    assert traffic.by_route == {"create": 60, "list_push": traffic.requests - 60}
    assert traffic.requests <= 60 + 8
    assert result["requests"] == traffic.requests


@pytest.mark.parametrize("how", ["argument", "hook_params"])
def test_no_more_requests_at_a_time_than_allowed(
    attempt_many: Attempts, start_codat: Callable[..., LocalCodat], how: str
) -> None:
    """All of them are used, and Codat has to refuse none."""
    codat = start_codat(latency_seconds=0.5, concurrency=3)
    limit = {"max_concurrency": 3}
    given = limit if how == "argument" else {"hook_params": limit}
    attempt_many(rows(12), **given).execute()
    traffic = codat.traffic()
    assert (traffic.most_at_a_time, traffic.refused) == (3, 0)


def test_a_share_of_the_requests_at_a_time(
    attempt_many: Attempts, start_codat: Callable[..., LocalCodat]
) -> None:
    """A task with two of a pool's six slots has a third of them under way."""
    codat = start_codat(latency_seconds=0.5, concurrency=3)
    params = {"pool_slots": 6, "max_concurrency": 9, "requests_per_minute": 100_000}
    attempt_many(rows(12), hook_params=params, pool_slots=2).execute()
    traffic = codat.traffic()
    assert (traffic.most_at_a_time, traffic.refused) == (3, 0)


@pytest.mark.parametrize("how", ["argument", "hook_params"])
def test_no_more_requests_a_minute_than_allowed(
    attempt_many: Attempts, local_codat: LocalCodat, store: Store, how: str
) -> None:
    """The look at the quota is one of them; the sixth waits for its minute."""
    # The task is broken off when it writes down what became of the first ones.
    store.refuse(after=4)
    limit = {"requests_per_minute": 5}
    given = limit if how == "argument" else {"hook_params": limit}
    attempt_many(rows(30), store=store, **given).fails(JournalFailed)
    assert local_codat.traffic().requests == 5


def test_a_limit_that_is_told_holds_all_back(
    attempt_many: Attempts, local_codat: LocalCodat
) -> None:
    """After a 429 nothing is sent until Codat wants to be asked again."""
    local_codat.order("too_many_requests", skip=3, retry_after=1)
    params = {"retry_budget_seconds": 60}
    made = attempt_many(rows(30), max_concurrency=2, hook_params=params)
    made.execute()
    assert local_codat.counts_by_name() == once_each(30)
    arrived = creates(local_codat)
    assert len(arrived) == 31
    [refused] = [entry for entry in arrived if entry.status == 429]
    until = refused.at + timedelta(seconds=1)
    early = [entry for entry in arrived if refused.at < entry.at < until]
    # Those that were already given to a thread.
    assert len(early) <= 2 + 3


# --- the day's quota


@pytest.fixture
def scarce(start_codat: Callable[..., LocalCodat]) -> LocalCodat:
    """Serve a Codat with 40 requests left for an hour, one of which tells of it."""
    codat = start_codat(daily_quota=1000)
    codat.set_quota(40, resets_in_seconds=3600)
    return codat


def renew(codat: LocalCodat) -> None:
    codat.set_quota(1000, resets_in_seconds=86_400)


def resets_at(codat: LocalCodat) -> datetime:
    return codat.traffic().first_at + timedelta(hours=1)


def test_what_does_not_fit_into_the_day_is_not_begun(
    attempt_many: Attempts, scarce: LocalCodat
) -> None:
    """How many are needed, how many there are, and until when, is in the message."""
    made = attempt_many(rows(60))
    error = made.fails(QuotaShort, "needs 68 requests for 60 rows, has 39 until ")
    told = datetime.fromtimestamp(error.until, resets_at(scarce).tzinfo)
    assert abs(told - resets_at(scarce)) < timedelta(seconds=2)
    assert f"{told:%Y-%m-%d %H:%M} UTC" in str(error)
    assert creates(scarce) == []
    assert made.xcoms["return_value"]["counts"] == {"NotSent": 60}


@pytest.mark.parametrize("policy", ["fail", "partial", "wait"])
def test_what_fits_into_the_day_is_sent(
    attempt_many: Attempts, scarce: LocalCodat, store: Store, policy: str
) -> None:
    """A quota that suffices is no matter, whatever is to be done about others."""
    attempt_many(rows(31), on_quota=policy, store=store).execute()
    assert scarce.counts_by_name() == once_each(31)


def test_a_part_may_be_sent(attempt_many: Attempts, scarce: LocalCodat) -> None:
    """It is settled within the quota; how many are left is said."""
    made = attempt_many(rows(60), on_quota="partial", max_failed=60)
    error = made.fails(BatchFailed, "29 rows did not fit into the day's quota")
    assert "29 of 60 rows are not in the books" in str(error)
    result = made.xcoms["return_value"]
    assert statuses(result) == ["Success"] * 31 + ["NotSent"] * 29
    assert scarce.counts_by_name() == once_each(31)
    assert scarce.traffic().refused == 0


def test_the_rest_may_wait_for_the_next_day(
    attempt_many: Attempts, scarce: LocalCodat, store: Store, tmp_path: Path
) -> None:
    """The task leaves its worker until then, and sends what it has not sent."""
    path = tmp_path / "results.jsonl"
    made = attempt_many(rows(60), on_quota="wait", store=store, results_path=path)
    deferred = made.defers()
    assert type(deferred.trigger) is CodatPauseTrigger
    until = resets_at(scarce).timestamp()
    assert deferred.trigger.until == pytest.approx(until, abs=2)
    assert scarce.counts_by_name() == once_each(31)
    written = [line["status"] for line in read_lines(path)]
    assert written == ["Success"] * 31 + ["NotSent"] * 29
    renew(scarce)
    result = made.resume(deferred, PAUSE_IS_OVER)
    assert result["counts"] == {"Success": 60}
    assert scarce.counts_by_name() == once_each(60)
    assert len(creates(scarce)) == 60


@pytest.mark.parametrize("days", [1, 2])
def test_it_waits_as_many_days_as_it_takes(
    attempt_many: Attempts, scarce: LocalCodat, store: Store, days: int
) -> None:
    """A quota that is short again is waited for again."""
    made = attempt_many(rows(31 * days + 5), on_quota="wait", store=store)
    deferred = made.defers()
    for day in range(1, days):
        scarce.set_quota(40, resets_in_seconds=3600)
        left = deferred
        deferred = made.defers(lambda left=left: made.resume(left, PAUSE_IS_OVER))
        assert len(scarce.ledger()) == 31 * (day + 1)
    renew(scarce)
    made.resume(deferred, PAUSE_IS_OVER)
    assert scarce.counts_by_name() == once_each(31 * days + 5)


def test_a_day_without_any_request_left_is_waited_out(
    attempt_many: Attempts, scarce: LocalCodat, store: Store
) -> None:
    """Codat does not even tell the quota then: until when, its 429 says."""
    scarce.set_quota(0)
    made = attempt_many(rows(3), on_quota="wait", store=store)
    deferred = made.defers()
    until = resets_at(scarce).timestamp()
    assert deferred.trigger.until == pytest.approx(until, abs=5)
    assert creates(scarce) == []
    renew(scarce)
    made.resume(deferred, PAUSE_IS_OVER)
    assert scarce.counts_by_name() == once_each(3)


@pytest.mark.parametrize("policy", ["fail", "partial"])
def test_a_day_without_any_request_left_is_told(
    attempt_many: Attempts, scarce: LocalCodat, policy: str
) -> None:
    """Airflow is told when to try again; the rows are not sent."""
    scarce.set_quota(0)
    made = attempt_many(rows(3), on_quota=policy)
    error = made.fails(RateLimited)
    assert error.until == pytest.approx(resets_at(scarce).timestamp(), abs=5)
    assert made.xcoms["return_value"]["counts"] == {"NotSent": 3}


@pytest.mark.parametrize("policy", ["fail", "partial", "wait"])
def test_a_quota_that_others_use_up_ends_the_try(
    attempt_many: Attempts, local_codat: LocalCodat, store: Store, policy: str
) -> None:
    """Not one request after another is refused; it goes on when Codat says so."""
    local_codat.order("too_many_requests", skip=9, count=500, retry_after=3600)
    made = attempt_many(rows(120), on_quota=policy, store=store, max_concurrency=2)
    if policy == "wait":
        until = made.defers().trigger.until
    else:
        until = made.fails(RateLimited, "rows are not in the books").until
    told = creates(local_codat)[-1].at.timestamp()
    assert until == pytest.approx(told + 3600, abs=10)
    assert len(creates(local_codat)) <= 9 + 2 + 3
    local_codat.clear_misfortunes()
    store.age(hours=1)
    made.retried().execute()
    assert local_codat.counts_by_name() == once_each(120)


@pytest.mark.parametrize("durable", [True, False])
def test_waiting_for_a_quota_needs_a_journal(
    attempt_many: Attempts, local_codat: LocalCodat, store: Store, durable: bool
) -> None:
    """A process that comes back has to know what it has sent; it says so at once."""
    given = {"store": None} if durable else {"store": store, "durable": False}
    made = attempt_many(rows(3), on_quota="wait", **given)
    made.fails(SettingsInvalid, 'on_quota="wait" needs a journal')
    assert local_codat.journal() == []


# --- what would be the same with every row

AT_THE_DOOR: dict[str, tuple[dict[str, Any], type[CodatError]]] = {
    "401": ({"status": 401}, NotAuthorised),
    "403": ({"status": 403}, NotAuthorised),
    "404": ({"status": 404}, NotFound),
}


@pytest.mark.parametrize("case", AT_THE_DOOR)
def test_a_wrong_key_or_company_is_noticed_before_the_first_row(
    attempt_many: Attempts, local_codat: LocalCodat, tmp_path: Path, case: str
) -> None:
    """One request tells; nothing is created, and the results say so."""
    order, kind = AT_THE_DOOR[case]
    local_codat.order("codat_error_before_commit", route="list_push", **order)
    path = tmp_path / "results.jsonl"
    made = attempt_many(rows(3), results_path=path)
    made.fails(kind)
    assert len(local_codat.journal()) == 1
    assert [line["status"] for line in read_lines(path)] == ["NotSent"] * 3
    assert made.xcoms["return_value"]["counts"] == {"NotSent": 3}


@pytest.mark.parametrize("status", [401, 402, 403, 404])
def test_what_all_rows_would_meet_stops_the_rest(
    attempt_many: Attempts, start_codat: Callable[..., LocalCodat], status: int
) -> None:
    """No storm of requests that are all refused; what was not sent is told."""
    codat = start_codat(settle_seconds=0)
    order = {"status": status, "skip": 9, "count": 500}
    codat.order("codat_error_before_commit", **order)
    made = attempt_many(rows(120), max_concurrency=2, max_failed=119)
    made.fails(BatchFailed, "Nothing more was sent: ")
    told = made.xcoms["return_value"]["counts"]
    assert told["Success"] == 9
    # Those that a thread had, or was about to have, when the first answer came.
    assert len(creates(codat)) <= 9 + 15
    assert told["NotSent"] == 120 - len(creates(codat))


# --- a task that is told to stop


def test_a_task_that_was_killed_before_it_began_sends_nothing(
    attempt_many: Attempts, local_codat: LocalCodat
) -> None:
    """Airflow may kill it while its file is being read."""
    made = attempt_many(rows(3))
    made.operator.on_kill()
    made.fails(Busy)
    assert local_codat.journal() == []


def test_after_a_kill_no_thread_begins_a_create(
    attempt_many: Attempts, start_codat: Callable[..., LocalCodat], store: Store
) -> None:
    """What is under way at Codat may end; the next try sends the others."""
    codat = start_codat(latency_seconds=0.02)
    made = attempt_many(rows(80), store=store, max_concurrency=2)
    over = threading.Event()
    known: list[int] = []

    def kill() -> None:
        while not creates(codat) and not over.wait(0.002):
            pass
        made.operator.on_kill()
        known.append(len(creates(codat)))

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        made.fails(BatchUnfinished)
    finally:
        over.set()
        killer.join()
    assert len(creates(codat)) <= known[0] + 2
    made.retried().execute()
    assert codat.counts_by_name() == once_each(80)
    assert len(creates(codat)) <= 80 + 2
