"""The laws of the operators that are told which data type they write."""

import json
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from payloads import bodies, typed_in

from airflow_provider_codat.api import (
    NotFound,
    OutcomeUnknown,
    PayloadInvalid,
    PushFailed,
    SettingsInvalid,
)
from airflow_provider_codat.assets import customers_asset, records_asset
from airflow_provider_codat.decorators.codat import CodatRecordDecoratedOperator
from airflow_provider_codat.hooks.codat import CodatHook
from airflow_provider_codat.operators import codat as operators
from airflow_provider_codat.simulator import LocalCodat

Attempts = Callable[..., Any]
COMPANY_ID = "8a210b68-6988-11ed-a1eb-0242ac120002"


@pytest.fixture
def attempt(local_codat: LocalCodat, first_try: Any) -> Attempts:  # noqa: ANN401 - a class
    """Make a first try of an operator, by its name."""

    def make(name: str, /, *, store: object = None, **what: Any) -> Any:  # noqa: ANN401 - of an operator
        return first_try(local_codat, getattr(operators, name), what)(store=store)

    return make


def invoice(codat: LocalCodat, name: str = "S-1") -> dict[str, Any]:
    return bodies(name, typed_in(codat))["invoices"]


def pushes(codat: LocalCodat) -> list[Any]:
    return [e for e in codat.journal() if "/push/" in e.path and e.method != "GET"]


# --- create


def test_amounts_arrive_exact(local_codat: LocalCodat, attempt: Attempts) -> None:
    """Text, Decimal and numbers: the same cents stand in the books."""
    body = invoice(local_codat)
    line = {**body["lineItems"][0], "unitAmount": "12.50", "subTotal": Decimal("50.00")}
    given = {**body, "lineItems": [line], "totalAmount": "60.00"}
    result = attempt(
        "CreateAccountingRecordOperator", data_type="invoices", record=given
    ).execute()
    made = local_codat.ledger()[-1]
    assert (made.record_id, made.data_type) == (result["record_id"], "invoices")
    assert made.record["totalAmount"] == 60
    assert made.record["lineItems"][0]["unitAmount"] == 12.5


def test_all_mistakes_with_their_paths(
    local_codat: LocalCodat, attempt: Attempts
) -> None:
    """Nothing is sent, every mistake is told with its path, and no value is."""
    body = invoice(local_codat)
    lines = [*body["lineItems"] * 3, {"unitAmount": 0.1 + 0.2, "quantity": "a few"}]
    given = {**body, "lineItems": lines, "status": "Canary"}
    error = attempt("CreateAccountingInvoiceOperator", invoice=given).fails(
        PayloadInvalid
    )
    paths = [problem.path for problem in error.problems]
    assert paths == ["lineItems[3].unitAmount", "lineItems[3].quantity", "status"]
    assert not [w for w in ("Canary", "a few", "0.30") if w in str(error)]
    assert pushes(local_codat) == []


def test_what_books_refuse_is_a_warning(
    local_codat: LocalCodat, attempt: Attempts, logged: Callable[..., list[str]]
) -> None:
    """A total that does not add up is told in the log, and the record is sent."""
    given = {**invoice(local_codat), "totalTaxAmount": 9.99}
    error = attempt("CreateAccountingInvoiceOperator", invoice=given).fails(PushFailed)
    assert "TotalAmount" in str(error)
    assert logged("totalAmount: subtotal and tax do not add up to it")


def test_a_key_that_is_not_in_the_table(
    local_codat: LocalCodat, attempt: Attempts, logged: Callable[..., list[str]]
) -> None:
    """It is sent, unchecked, and the log says so; Codat answers for itself."""
    attempt(
        "CreateAccountingRecordOperator", data_type="salesOrders", record={"a": "1"}
    ).fails(NotFound)
    [sent] = pushes(local_codat)
    assert sent.path.endswith("/push/salesOrders")
    assert sent.json() == {"a": "1"}
    assert logged("salesOrders is no data type that is known")


@pytest.mark.parametrize("name", ["", "../push", "sales orders"])
def test_what_is_no_key(attempt: Attempts, name: str) -> None:
    """The DAG file does not load with it."""
    with pytest.raises(ValueError, match="such as invoices"):
        attempt("CreateAccountingRecordOperator", data_type=name, record={})


@pytest.mark.parametrize(
    ("name", "given", "word"),
    [
        ("Transfer", {"timeout_in_minutes": 5}, "timeout_in_minutes"),
        ("Invoice", {"allow_sync_on_push_complete": True}, "allow_sync_on_push"),
    ],
)
def test_a_switch_that_codat_does_not_have(
    local_codat: LocalCodat,
    attempt: Attempts,
    name: str,
    given: dict[str, Any],
    word: str,
) -> None:
    """Nothing is sent where Codat would ignore what the author asks for."""
    what = {name.lower(): {}}
    error = attempt(f"CreateAccounting{name}Operator", **what, **given).fails(
        SettingsInvalid
    )
    assert word in str(error)
    assert pushes(local_codat) == []


def test_many_of_a_file(
    local_codat: LocalCodat, attempt: Attempts, tmp_path: Path
) -> None:
    """Rows of any data type are written from a file of JSON lines."""
    ids = typed_in(local_codat)
    rows = [bodies(f"P-{n}", ids)["payments"] for n in range(5)]
    path = tmp_path / "payments.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    result = attempt(
        "CreateAccountingRecordsOperator", data_type="payments", records_path=str(path)
    ).execute()
    assert result["rows"] == 5
    assert local_codat.counts_by_type()["payments"] == 5


def test_the_decorator(local_codat: LocalCodat, first_try: Any) -> None:  # noqa: ANN401 - a class
    """What a function returns is written as the data type that it is told."""
    body = bodies("P-1", typed_in(local_codat))["payments"]
    what = {"data_type": "payments", "python_callable": lambda: body}
    result = first_try(local_codat, CodatRecordDecoratedOperator, what)().execute()
    assert local_codat.ledger()[-1].record_id == result["record_id"]
    assert local_codat.counts_by_type()["payments"] == 1


def test_if_exists(local_codat: LocalCodat, attempt: Attempts) -> None:
    """An invoice of the same number that is there is found, and none is sent."""
    body = invoice(local_codat)
    there = local_codat.typed_in(body, data_type="invoices").record_id
    result = attempt(
        "CreateAccountingInvoiceOperator", invoice=body, if_exists="skip"
    ).execute()
    assert (result["status"], result["record_id"]) == ("Exists", there)
    assert pushes(local_codat) == []


# --- delete


def test_what_is_gone_is_a_success_that_says_so(
    local_codat: LocalCodat, attempt: Attempts, logged: Callable[..., list[str]]
) -> None:
    """A second delete, and one of what was never there, end well and say so."""
    there = local_codat.typed_in(invoice(local_codat), data_type="invoices").record_id
    delete = partial(attempt, "DeleteAccountingInvoiceOperator")
    assert delete(invoice_id=there).execute()["status"] == "Success"
    for gone in (there, "never-there"):
        result = delete(invoice_id=gone).execute()
        assert (result["status"], result["record_id"]) == ("Gone", gone)
        assert logged(f"Record {gone} is not in the books")


def test_a_delete_that_is_refused(
    local_codat: LocalCodat, attempt: Attempts, hook: CodatHook
) -> None:
    """The record is still there, and the task says why."""
    there = local_codat.typed_in(invoice(local_codat), data_type="invoices").record_id
    local_codat.order("fail", route="delete", record=there, message="It is locked.")
    error = attempt("DeleteAccountingInvoiceOperator", invoice_id=there).fails(
        PushFailed
    )
    assert "nothing was deleted" in str(error)
    hook.refresh(local_codat.company_id, "invoices")
    local_codat.advance(minutes=5)
    read = hook.get_record("invoices", local_codat.company_id, there)
    assert read["id"] == there


def test_books_that_are_not_shown(local_codat: LocalCodat, attempt: Attempts) -> None:
    """Where nobody may read them, the task says what became of the delete."""
    there = local_codat.typed_in(invoice(local_codat), data_type="invoices").record_id
    local_codat.order("fail", route="delete", record=there, message="It is locked.")
    local_codat.order("gateway_error_before_commit", status=403, route="get_record")
    error = attempt("DeleteAccountingInvoiceOperator", invoice_id=there).fails(
        PushFailed
    )
    assert "nothing was deleted" in str(error)


# --- attach


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a small PDF."""
    path = tmp_path / "S-1.pdf"
    path.write_bytes(b"%PDF-1.7 " + bytes(range(256)))
    return path


def upload(attempt: Attempts, record_id: str, path: object, **given: Any) -> Any:  # noqa: ANN401 - an attempt
    given = {"data_type": "invoices", **given}
    return attempt(
        "UploadAccountingAttachmentOperator",
        record_id=record_id,
        file_path=str(path),
        **given,
    )


def test_a_file_is_attached(
    local_codat: LocalCodat,
    attempt: Attempts,
    file: Path,
    logged: Callable[..., list[str]],
) -> None:
    """It stands beside its record, under its name and of its type, to the last byte."""
    there = local_codat.typed_in(invoice(local_codat), data_type="invoices").record_id
    result = upload(attempt, there, file).execute()
    assert (result["status"], result["record_id"]) == ("Success", there)
    [found] = local_codat.attachments()
    assert (found["record_id"], found["name"]) == (there, "S-1.pdf")
    assert found["content_type"] == "application/pdf"
    assert found["size"] == file.stat().st_size
    assert logged("Sending a file to company")


def test_a_cleared_task_attaches_nothing_twice(
    local_codat: LocalCodat,
    attempt: Attempts,
    file: Path,
    store: Any,  # noqa: ANN401 - a store
) -> None:
    """It returns what it returned; ``on_clear="create"`` attaches once more."""
    there = local_codat.typed_in(invoice(local_codat), data_type="invoices").record_id
    first = upload(attempt, there, file)
    first.store = store
    result = first.execute()
    again = first.cleared()
    assert again.execute() == result
    assert len(local_codat.attachments()) == 1
    again.cleared(on_clear="create").execute()
    assert len(local_codat.attachments()) == 2


BAD_FILES: dict[str, tuple[dict[str, Any], bytes | None, str]] = {
    "too large": ({"max_bytes": 100}, bytes(101), "larger than 100 bytes"),
    "empty": ({}, b"", "empty"),
    "not there": ({}, None, "does not find"),
    "of no such data type": ({"data_type": "payments"}, b"x", "take no files"),
}


@pytest.mark.parametrize(
    ("given", "content", "word"), BAD_FILES.values(), ids=list(BAD_FILES)
)
def test_what_cannot_be_attached(
    local_codat: LocalCodat,
    attempt: Attempts,
    tmp_path: Path,
    given: dict[str, Any],
    content: bytes | None,
    word: str,
) -> None:
    """It is told before anything is sent."""
    path = tmp_path / "x.pdf"
    if content is not None:
        path.write_bytes(content)
    error = upload(attempt, "i-1", path, **given).fails(SettingsInvalid)
    assert word in str(error)
    assert pushes(local_codat) == []


def test_a_lost_answer_is_not_sent_under_another_key(
    local_codat: LocalCodat, attempt: Attempts, file: Path
) -> None:
    """Where nobody can know, the task says so; a later try sends nothing."""
    there = local_codat.typed_in(invoice(local_codat), data_type="invoices").record_id
    local_codat.order("codat_error_after_commit", route="attach", record=there)
    first = upload(attempt, there, file)
    first.fails(OutcomeUnknown)
    assert len(pushes(local_codat)) == 1
    local_codat.advance(seconds=5)
    assert len(local_codat.attachments()) == 1


# --- read


def test_reading(local_codat: LocalCodat, hook: CodatHook, tmp_path: Path) -> None:
    """Records of any readable data type are listed into a file, and read by an id."""
    there = local_codat.typed_in(invoice(local_codat), data_type="invoices").record_id
    hook.refresh(local_codat.company_id, "invoices")
    local_codat.advance(minutes=5)
    path = tmp_path / "invoices.jsonl"
    place = {"task_id": "read", "company_id": local_codat.company_id}
    listed = operators.ListAccountingRecordsOperator(
        **place, data_type="invoices", path=str(path)
    ).execute({})
    assert listed["records"] == 1
    assert json.loads(path.read_text(encoding="utf-8"))["id"] == there
    read = operators.GetAccountingRecordOperator(
        **place, data_type="invoices", record_id=there
    ).execute({})
    assert read["id"] == there
    with pytest.raises(Exception, match="cannot be read"):
        operators.ListAccountingRecordsOperator(
            **place, data_type="bankTransactions", path=str(path)
        ).execute({})


# --- assets


def test_assets() -> None:
    """Each data type of a company has an asset of its own."""
    uri = f"codat://companies/{COMPANY_ID}/invoices"
    assert records_asset(COMPANY_ID, "invoices").uri == uri
    assert records_asset(COMPANY_ID, "customers") == customers_asset(COMPANY_ID)
    with pytest.raises(ValueError, match="such as invoices"):
        records_asset(COMPANY_ID, "../x")
