"""Every data type in real DAG runs, and what becomes of it when things go wrong."""

import json
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from payloads import bodies, typed_in

from airflow_provider_codat.api.data_types import DATA_TYPES, DataType
from airflow_provider_codat.api.payload.contract import contract
from airflow_provider_codat.hooks.codat import CodatHook
from airflow_provider_codat.simulator import LocalCodat
from airflow_provider_codat.simulator.misfortunes import Route

# Each task of dag.test() takes seconds, and on a busy machine many.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
AIRFLOW = tuple(int(part) for part in version("apache-airflow").split(".")[:2])
RunDag = Callable[..., Any]
# What Codat, or the wire, does to the first request.
FAULTS: dict[str, dict[str, Any]] = {
    "reset before": {"kind": "reset_before_commit"},
    "reset after": {"kind": "reset_after_commit"},
    "slow": {"kind": "slow", "seconds": 2},
    "500 before": {"kind": "codat_error_before_commit"},
    "500 after": {"kind": "codat_error_after_commit"},
    "503": {"kind": "gateway_error_before_commit", "status": 503},
    "429": {"kind": "too_many_requests", "retry_after": 1},
    "cut": {"kind": "cut_body"},
    "junk": {"kind": "junk_body"},
}
CASES = ["", *FAULTS]


def that(**having: object) -> list[Any]:
    """Return the data types whose rows say something."""
    return [
        pytest.param(row, id=row.name)
        for row in DATA_TYPES.values()
        if all(getattr(row, name) is value for name, value in having.items())
    ]


@pytest.fixture
def run(
    run_dag: RunDag, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, DataType, list[dict[str, Any]]], Any]:
    """Run the DAG that writes a data type; return the run."""

    def do(action: str, row: DataType, wanted: list[dict[str, Any]]) -> Any:  # noqa: ANN401 - a DAG run
        monkeypatch.setenv("CODAT_WANTED", json.dumps({row.name: wanted}))
        return run_dag("tests/data_types.py", f"{action}_{row.name}")

    return do


def payloads(codat: LocalCodat, row: DataType) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return a payload for each case, and what its record is called."""
    made, ids = {}, typed_in(codat)
    for case in CASES:
        name = f"{row.record} {case or 'plain'}"
        account = codat.typed_in({"accountName": name}, data_type="bankAccounts")
        ids["bankAccounts"] = account.record_id
        body = bodies(name, ids)[row.name]
        # Transactions have no name but that of their account.
        made[case] = (row.parent_of(body) or name, body)
    return made


def results(run: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - a DAG run
    return [run.xcom(task_id="write", map_index=each) for each in range(len(CASES))]


@pytest.mark.skipif(AIRFLOW < (3, 3), reason="without a journal, a 500 is not known")
@pytest.mark.parametrize("row", that())
def test_create(
    row: DataType, local_codat: LocalCodat, run: Callable[..., Any]
) -> None:
    """Whatever befalls the request: one record each, and the task tells which.

    Where the books do not show them, nobody can know what came of a 500: nothing is
    sent twice, and the task says so. Unless Codat lists no push operation that may be
    its own, as before the first of them: then it was not created.
    """
    wanted = payloads(local_codat, row)
    before = {record.record_id for record in local_codat.ledger()}
    for case, order in FAULTS.items():
        local_codat.order(**order, record=wanted[case][0])
    done = run("create", row, [{row.argument: body} for _, body in wanted.values()])
    found = [r for r in local_codat.ledger() if r.record_id not in before]
    told = results(done)
    unknown = {c for c, result in zip(CASES, told, strict=True) if not result}
    assert unknown <= (set() if row.is_readable else {"500 before", "500 after"})
    assert row.is_readable or "500 after" in unknown
    assert len(found) == len(CASES) - ("500 before" in unknown)
    assert {record.data_type for record in found} == {row.name}
    struck = [entry for entry in local_codat.journal() if entry.misfortune]
    assert len(struck) == len(FAULTS)
    adopted = {c for c, r in zip(CASES, told, strict=True) if r and r["adopted"]}
    assert adopted == {"500 after"} - unknown
    assert (done.state == "success") is row.is_readable
    named = [result["record_id"] for result in told if result]
    assert len(named) == len(CASES) - len(unknown) == len(set(named))
    assert set(named) <= {record.record_id for record in found}


@pytest.fixture
def records(
    local_codat: LocalCodat, hook: CodatHook
) -> Callable[[DataType], dict[str, Any]]:
    """Put a record for each case into the books; return the payload and the id."""

    def put(row: DataType) -> dict[str, tuple[dict[str, Any], str]]:
        wanted = payloads(local_codat, row)
        there = {
            case: (body, local_codat.typed_in(body, data_type=row.name).record_id)
            for case, (_, body) in wanted.items()
        }
        # Codat refuses to change what it has not seen.
        place = (
            {"connection_id": local_codat.connection_id} if row.of_connection else {}
        )
        hook.refresh(local_codat.company_id, row.name, **place)
        local_codat.advance(minutes=1)
        return there

    return put


def strike(
    codat: LocalCodat,
    route: Route,
    records: dict[str, tuple[dict[str, Any], str]],
) -> None:
    """Let something befall the first request about each record but one."""
    for case, order in FAULTS.items():
        codat.order(**order, route=route, record=records[case][1])


def free_text(row: DataType) -> str:
    """Return a property that a person writes into."""
    known = contract(row.name)["properties"]
    return next(name for name in ("note", "phone", "institution") if name in known)


def identity(row: DataType) -> str:
    return f"{row.record.replace(' ', '_')}_id"


@pytest.mark.parametrize("row", that(can_update=True))
def test_update(
    row: DataType,
    local_codat: LocalCodat,
    records: Callable[[DataType], Any],
    run: Callable[..., Any],
) -> None:
    """Whatever befalls the request: the record has the values, and none is new."""
    there = records(row)
    before = len(local_codat.ledger())
    strike(local_codat, "update", there)
    text = free_text(row)
    wanted = [
        {identity(row): record_id, row.argument: {**body, text: "07"}}
        for body, record_id in there.values()
    ]
    done = run("update", row, wanted)
    assert done.state == "success"
    ledger = {record.record_id: record for record in local_codat.ledger()}
    assert len(ledger) == before
    for _, record_id in there.values():
        assert ledger[record_id].record[text] == "07"
    told = [(result["status"], result["record_id"]) for result in results(done)]
    assert told == [("Success", record_id) for _, record_id in there.values()]


@pytest.mark.parametrize("row", that(can_delete=True))
def test_delete(
    row: DataType,
    local_codat: LocalCodat,
    records: Callable[[DataType], Any],
    run: Callable[..., Any],
) -> None:
    """Whatever befalls the request: the record is gone, and nothing else is.

    The local software keeps what was deleted, and marks it.
    """
    there = records(row)
    before = len(local_codat.ledger())
    strike(local_codat, "delete", there)
    done = run("delete", row, [{identity(row): each} for _, each in there.values()])
    assert done.state == "success"
    ledger = local_codat.ledger()
    assert len(ledger) == before
    marked = {
        r.record_id for r in ledger if (r.record.get("metadata") or {}).get("isDeleted")
    }
    assert marked == {record_id for _, record_id in there.values()}
    told = [(result["status"], result["record_id"]) for result in results(done)]
    assert told == [("Success", record_id) for _, record_id in there.values()]


@pytest.mark.parametrize("row", [p for p in that() if p.values[0].attachments])
def test_attach(
    row: DataType,
    local_codat: LocalCodat,
    records: Callable[[DataType], Any],
    run: Callable[..., Any],
    tmp_path: Path,
) -> None:
    """Whatever befalls the request: the file is attached once, to the last byte.

    What came of a 500 is not known: the file is not sent twice, and the task says so.
    """
    there = records(row)
    strike(local_codat, "attach", there)
    file = tmp_path / "receipt.pdf"
    file.write_bytes(b"%PDF-1.7 " + bytes(range(256)) * 400)
    wanted = [
        {"record_id": record_id, "file_path": str(file)}
        for _, record_id in there.values()
    ]
    done = run("attach", row, wanted)
    told = results(done)
    unknown = {"500 before", "500 after"}
    assert {c for c, result in zip(CASES, told, strict=True) if not result} == unknown
    attached = [each["record_id"] for each in local_codat.attachments()]
    expected = [each for case, (_, each) in there.items() if case != "500 before"]
    assert sorted(attached) == sorted(expected)
