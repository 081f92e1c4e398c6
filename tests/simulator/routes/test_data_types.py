"""The laws of the local Codat for every data type: one table decides, and no name."""

import json
import os
import uuid
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import payloads
import pytest
import requests
from jsonschema import Draft202012Validator

from airflow_provider_codat.simulator import LocalCodat
from airflow_provider_codat.simulator.rules.bodies import BODIES
from airflow_provider_codat.simulator.rules.data_types import DATA_TYPES, DataType

Call = Callable[..., requests.Response]
ROWS = tuple(DATA_TYPES.values())
PDF = b"%PDF-1.7 a receipt"
# Of several descriptions of Codat's, the newest that is alive.
DESCRIBED = {
    "chartOfAccounts": "commerce-v1.accounts",
    "bankAccounts": "expenses.bankAccounts",
    "bankTransactions": "bank-feeds.bankAccounts-accountId-bankTransactions",
    "billCreditNotes": "payables-v1.billCreditNotes",
    "billPayments": "payables-v1.billPayments",
    "bills": "payables-v1.bills",
    "creditNotes": "commerce-v1.creditNotes",
    "customers": "expenses.customers",
    "directCosts": "accounting-2023.directCosts",
    "directIncomes": "commerce-v1.directIncomes",
    "invoices": "commerce-v1.invoices",
    "items": "accounting-2023.items",
    "journalEntries": "commerce-v1.journalEntries",
    "journals": "payables-v1.journals",
    "payments": "commerce-v1.payments",
    "purchaseOrders": "accounting-2023.purchaseOrders",
    "suppliers": "expenses.suppliers",
    "transfers": "accounting-2023.transfers",
}


def named(*rows: DataType) -> list[Any]:
    return [pytest.param(row, id=row.key) for row in rows]


class Shop:
    """One local Codat, with the records that others refer to."""

    def __init__(self, codat: LocalCodat, send: Call, connection: str) -> None:
        self.codat = codat
        self._send = send
        self._connection = codat.connections[connection]
        self.ids = {
            kind: codat.typed_in(
                record, data_type=kind, connection_id=self._connection
            ).record_id
            for kind, record in payloads.REFERRED_TO.items()
        }

    def body(self, row: DataType, name: str = "R-1") -> dict[str, Any]:
        return payloads.bodies(name, self.ids)[row.key]

    def path(self, row: DataType, *rest: str) -> str:
        above = f"{row.above}/{self.ids['bankAccounts']}/" if row.above else ""
        company = f"/companies/{self.codat.company_id}"
        end = "/".join([f"{above}{row.segment}", *rest])
        return f"{company}/connections/{self._connection}/push/{end}"

    def push(
        self, method: str, row: DataType, *rest: str, query: str = "", **options: object
    ) -> requests.Response:
        keyed = {"Idempotency-Key": str(uuid.uuid4())} if method == "POST" else {}
        return self._send(
            self.codat, method, self.path(row, *rest) + query, headers=keyed, **options
        )

    def create(
        self, row: DataType, body: object = None, query: str = ""
    ) -> requests.Response:
        value = self.body(row) if body is None else body
        return self.push("POST", row, query=query, data=json.dumps(value))

    def copy(self, row: DataType) -> list[dict[str, Any]]:
        """Refresh, and return what Codat then shows."""
        company = f"/companies/{self.codat.company_id}"
        self._send(self.codat, "POST", f"{company}/data/queue/{row.key}")
        below = f"/connections/{self._connection}" if row.by_connection else ""
        path = f"{company}{below}/data/{row.segment}"
        return list(self._send(self.codat, "GET", path).json()["results"])


@pytest.fixture
def shop(start: Callable[..., LocalCodat], send: Call) -> Callable[..., Shop]:
    """Open a shop: a local Codat that settles and refreshes at once."""

    def open_(connection: str = "lenient", **settings: object) -> Shop:
        return Shop(start(refresh_seconds=0, **settings), send, connection)

    return open_


def errors(operation: dict[str, Any]) -> list[str]:
    return [each["itemId"] for each in operation["validation"]["errors"]]


@pytest.mark.parametrize("row", named(*ROWS))
def test_each_is_created_once(shop: Callable[..., Shop], row: DataType) -> None:
    """A body of each data type becomes one record of it, and Codat names it."""
    here = shop()
    before = here.codat.counts_by_type().get(row.key, 0)
    operation = here.create(row).json()
    assert (operation["status"], operation["dataType"]) == ("Success", row.key)
    assert here.codat.counts_by_type()[row.key] == before + 1
    [change] = operation["changes"]
    record = here.codat.ledger()[-1]
    assert change["recordRef"] == {"id": record.record_id, "dataType": row.key}
    assert (record.data_type, record.record) == (row.key, here.body(row))


@pytest.mark.parametrize("row", named(*(row for row in ROWS if not row.above)))
def test_each_is_read_back(shop: Callable[..., Shop], row: DataType) -> None:
    """After a refresh of its data type, and not before, Codat shows a record."""
    here = shop()
    here.create(row)
    record = here.codat.ledger()[-1]
    [shown] = [each for each in here.copy(row) if each["id"] == record.record_id]
    assert {**record.record, **shown} == shown
    assert shown["metadata"] == {"isDeleted": False}


@pytest.mark.parametrize("row", named(*(row for row in ROWS if row.updates)))
def test_each_update(shop: Callable[..., Shop], row: DataType) -> None:
    """A PUT changes a record, where Codat has one for the data type."""
    here = shop()
    here.create(row)
    record_id = here.codat.ledger()[-1].record_id
    changed = here.body(row, "R-2")
    done = here.push("PUT", row, record_id, query="?forceUpdate=true", json=changed)
    assert done.json()["changes"][0]["type"] == "Modified"
    assert here.codat.ledger()[-1].record == changed


@pytest.mark.parametrize("style", ["marked", "gone"])
@pytest.mark.parametrize("row", named(*(row for row in ROWS if row.deletes)))
def test_each_delete(shop: Callable[..., Shop], row: DataType, style: str) -> None:
    """A DELETE takes a record away, in one of two ways; the next one is 404."""
    here = shop(deleted_style=style)
    here.create(row)
    record_id = here.codat.ledger()[-1].record_id
    done = here.push("DELETE", row, record_id)
    assert done.json()["changes"][0]["type"] == "Deleted"
    assert row.key not in here.codat.counts_by_type()
    shown = [each["metadata"]["isDeleted"] for each in here.copy(row)]
    assert shown == ([True] if style == "marked" else [])
    assert here.push("DELETE", row, record_id).status_code == 404


@pytest.mark.parametrize("row", named(*(row for row in ROWS if row.files)))
def test_each_attachment(shop: Callable[..., Shop], row: DataType) -> None:
    """A form with one file attaches it, and the push operation names it."""
    here = shop()
    here.create(row)
    record_id = here.codat.ledger()[-1].record_id
    files = {"file": ("a receipt.pdf", PDF, "application/pdf")}
    done = here.push("POST", row, record_id, row.files, files=files).json()
    [change], [file] = done["changes"], here.codat.attachments()
    assert change["type"] == "AttachmentUploaded"
    assert change["attachmentId"] == file["attachment_id"]
    assert (file["record_id"], file["data_type"]) == (record_id, row.key)
    assert (file["name"], file["size"]) == ("a receipt.pdf", len(PDF))
    assert file["sha256"] == sha256(PDF).hexdigest()


@pytest.mark.parametrize(
    ("form", "status"),
    [
        pytest.param({"json": {}}, 400, id="no form"),
        pytest.param({"files": {"note": (None, "x")}}, 400, id="no file"),
        pytest.param(
            {"files": [("a", ("a", b"1")), ("b", ("b", b"2"))]}, 400, id="two files"
        ),
        pytest.param({"files": {"a": ("a", b"x" * 2000)}}, 413, id="too large"),
    ],
)
def test_no_attachment(
    shop: Callable[..., Shop], form: dict[str, Any], status: int
) -> None:
    """Anything but one file of a fair size is refused."""
    here, row = shop(largest_file_bytes=1000), DATA_TYPES["bills"]
    here.create(row)
    record_id = here.codat.ledger()[-1].record_id
    done = here.push("POST", row, record_id, row.files, **form)
    assert done.status_code == status
    assert here.codat.attachments() == []


@pytest.mark.parametrize("row", named(*ROWS))
def test_other_methods(shop: Callable[..., Shop], row: DataType) -> None:
    """What Codat does not have for a data type is 404 or 405."""
    here = shop()
    missing = {404, 405}
    if not row.updates:
        assert here.push("PUT", row, "1", json={}).status_code in missing
    if not row.deletes:
        assert here.push("DELETE", row, "1").status_code in missing
    if not row.files:
        assert here.push("POST", row, "1", "attachment").status_code in missing


@pytest.mark.parametrize("row", named(*(row for row in ROWS if row.references)))
def test_unknown_references(shop: Callable[..., Shop], row: DataType) -> None:
    """An id that names no record of the connection fails the push, and says where."""
    here = shop()
    strange = json.dumps(here.body(row))
    for record_id in here.ids.values():
        strange = strange.replace(record_id, str(uuid.uuid4()))
    operation = here.create(row, json.loads(strange)).json()
    if row.above:  # the path and the body name different accounts
        assert operation["statusCode"] == 400
        return
    assert operation["status"] in {"Failed", "Success"}
    assert (operation["status"] == "Failed") == (strange != json.dumps(here.body(row)))
    if operation["status"] == "Failed":
        assert all(each.endswith(".Id") for each in errors(operation))


def test_references_may_go_unchecked(shop: Callable[..., Shop]) -> None:
    """Where the setting says so, an unknown id is taken."""
    here, row = shop(check_references=False), DATA_TYPES["payments"]
    body = {**here.body(row), "customerRef": {"id": "nobody"}}
    assert here.create(row, body).json()["status"] == "Success"


@pytest.mark.parametrize(
    ("change", "about"),
    [
        ({"totalAmount": 60.01}, ["TotalAmount"]),
        ({"subTotal": 49.0, "totalAmount": 59.0}, ["SubTotal"]),
        ({}, []),
    ],
)
def test_totals(
    shop: Callable[..., Shop], change: dict[str, float], about: list[str]
) -> None:
    """Lines and tax add up to the totals, to the cent, or the push fails."""
    here, row = shop(), DATA_TYPES["bills"]
    operation = here.create(row, {**here.body(row), **change}).json()
    assert errors(operation) == about
    lenient = shop(check_totals=False)
    loose = lenient.create(row, {**lenient.body(row), **change}).json()
    assert loose["status"] == "Success"


def test_numbers_are_unique_where_the_software_says_so(
    shop: Callable[..., Shop],
) -> None:
    """A second invoice of the same number fails there, and nowhere else."""
    row = DATA_TYPES["invoices"]
    strict, lenient = shop("options"), shop()
    assert [strict.create(row).json()["status"] for _ in "ab"] == ["Success", "Failed"]
    assert [lenient.create(row).json()["status"] for _ in "ab"] == ["Success"] * 2


def test_a_sync_is_asked_for(shop: Callable[..., Shop], send: Call) -> None:
    """allowSyncOnPushComplete=true brings the record into Codat's copy by itself."""
    here, row = shop(), DATA_TYPES["suppliers"]
    here.create(row, query="?allowSyncOnPushComplete=true")
    path = f"/companies/{here.codat.company_id}/data/suppliers"
    shown = send(here.codat, "GET", path).json()["results"]
    assert "R-1" in {each["supplierName"] for each in shown}


@pytest.mark.parametrize("row", named(*ROWS))
def test_misfortunes_know_every_record(
    shop: Callable[..., Shop], row: DataType
) -> None:
    """An order that names a record strikes it, of whatever data type."""
    here = shop()
    name = here.ids["bankAccounts"] if row.above else "R-1"
    here.codat.order("fail", record="somebody else")
    here.codat.order("fail", record=name, message="Not today.")
    operation = here.create(row).json()
    assert operation["validation"]["errors"][0]["message"] == "Not today."


@pytest.mark.codat_openapi
@pytest.mark.parametrize("row", named(*ROWS))
def test_bodies_are_codats(row: DataType) -> None:
    """The contract of a body takes and refuses what Codat's description does."""
    folder = os.environ.get("CODAT_OPENAPI_DIR")
    path = Path(folder or "") / f"../schemas/{DESCRIBED[row.key]}.create.json"
    if not folder or not path.is_file():
        pytest.skip("CODAT_OPENAPI_DIR names no folder with Codat's schemas beside it")
    theirs = json.loads(path.read_text(encoding="utf-8"))
    assert shape(BODIES[row.key]) == shape(theirs)
    Draft202012Validator.check_schema(BODIES[row.key])


def shape(schema: Any) -> object:  # noqa: ANN401 - any schema
    """Return what a schema accepts, whatever it is spelt like."""
    if "enum" in schema:
        return frozenset(map(str, schema["enum"]))
    kinds = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    below = schema.get("properties", {})
    return (
        frozenset(kinds),
        frozenset(schema.get("required") or ()),
        frozenset((name, shape(each)) for name, each in below.items()),
        shape(schema["items"]) if "items" in schema else None,
        schema.get("additionalProperties") is False,
        *(schema.get(word) for word in ("minLength", "maxLength", "maxItems")),
    )
