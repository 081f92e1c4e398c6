"""The laws of the hook's writing and reading of every data type."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from payloads import bodies, typed_in

from airflow_provider_codat.api import NotFound, Refused
from airflow_provider_codat.api.data_types import DATA_TYPES, DataType
from airflow_provider_codat.hooks.codat import CodatHook
from airflow_provider_codat.simulator import LocalCodat


@pytest.fixture
def codat(start_codat: Callable[..., LocalCodat]) -> LocalCodat:
    """Serve a Codat whose operations have ended before they are answered."""
    return start_codat(settle_seconds=0, refresh_seconds=0)


@pytest.fixture
def hook(codat: LocalCodat) -> Iterator[CodatHook]:
    """Return a hook that gives up after a second."""
    assert codat.url
    made = CodatHook(retry_budget_seconds=1)
    yield made
    made.close()


def those(**having: object) -> list[Any]:
    return [
        pytest.param(row, id=row.name)
        for row in DATA_TYPES.values()
        if all(getattr(row, name) == value for name, value in having.items())
    ]


def place(codat: LocalCodat) -> tuple[str, str]:
    return codat.company_id, codat.connection_id


def created(codat: LocalCodat, hook: CodatHook, row: DataType) -> tuple[str, Any]:
    """Create a record of a data type, and have it read; return its id and its body."""
    body = bodies("A-1", typed_in(codat))[row.name]
    operation = hook.create(row.name, *place(codat), body)
    assert operation["status"] == "Success", operation
    of = {"connection_id": codat.connection_id} if row.of_connection else {}
    hook.refresh(codat.company_id, row.name, **of)
    return codat.ledger()[-1].record_id, body


@pytest.mark.parametrize("row", those())
def test_create(codat: LocalCodat, hook: CodatHook, row: DataType) -> None:
    """What is handed over stands in the books, once."""
    record_id, body = created(codat, hook, row)
    [made] = [r for r in codat.ledger() if r.push_operation_key]
    assert (made.record_id, made.data_type) == (record_id, row.name)
    assert body.items() <= made.record.items()


@pytest.mark.parametrize("row", those(is_readable=True))
def test_reading(codat: LocalCodat, hook: CodatHook, row: DataType) -> None:
    """It is listed, read by its id, and found by what it is known by."""
    record_id, body = created(codat, hook, row)
    of = {"connection_id": codat.connection_id} if row.of_connection else {}
    listed = [r["id"] for r in hook.list_records(row.name, codat.company_id, **of)]
    assert record_id in listed
    read = hook.get_record(row.name, codat.company_id, record_id, **of)
    assert read["id"] == record_id
    there = hook.existing_records(row.name, *place(codat))
    assert [match.record_id for match in there.find(body)] == [record_id]


@pytest.mark.parametrize("row", those(can_update=True))
def test_update(codat: LocalCodat, hook: CodatHook, row: DataType) -> None:
    """Other values are written into the record that is named."""
    record_id, body = created(codat, hook, row)
    name = row.identifying[0]
    operation = hook.update(
        row.name, *place(codat), record_id, {**body, name: "A-2"}, force_update=True
    )
    assert operation["status"] == "Success"
    assert codat.ledger()[-1].record[name] == "A-2"


@pytest.mark.parametrize("row", those(can_delete=True))
def test_delete(codat: LocalCodat, hook: CodatHook, row: DataType) -> None:
    """The record that is named is gone, and there is no other to delete."""
    record_id, _ = created(codat, hook, row)
    assert hook.delete(row.name, *place(codat), record_id)["status"] == "Success"
    assert codat.ledger()[-1].record["metadata"]["isDeleted"] is True


@pytest.mark.parametrize("row", those())
def test_model(codat: LocalCodat, hook: CodatHook, row: DataType) -> None:
    """What the software wants of it is an object of properties."""
    model = hook.get_model(row.name, *place(codat))
    assert model["type"] == "Object"
    assert model["properties"]


def test_what_cannot_be_read_is_told(codat: LocalCodat, hook: CodatHook) -> None:
    """No request asks for what no copy shows."""
    before = len(codat.journal())
    with pytest.raises(ValueError, match="cannot be read"):
        hook.get_record("bankTransactions", codat.company_id, "7")
    with pytest.raises(ValueError, match="connection_id"):
        hook.get_record("transfers", codat.company_id, "7")
    assert len(codat.journal()) == before


def test_an_unknown_data_type(codat: LocalCodat, hook: CodatHook) -> None:
    """Codat is asked for a key that is not in the table, and answers for itself."""
    with pytest.raises((NotFound, Refused)):
        hook.create("salesOrders", *place(codat), {"a": 1})
    [sent] = [e for e in codat.journal() if e.method == "POST"]
    assert sent.path.endswith("/push/salesOrders")


@pytest.mark.parametrize("name", ["", "../customers", "sales orders"])
def test_what_is_no_data_type(codat: LocalCodat, hook: CodatHook, name: str) -> None:
    """Nothing is sent for what is no key at all."""
    with pytest.raises(ValueError, match="data_type"):
        hook.create(name, *place(codat), {})
    assert codat.journal() == []
