"""The laws of assets: what a task that has written tells those who wait for it."""

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from airflow.providers.common.compat.sdk import Asset

from airflow_provider_codat.assets import (
    customers_asset,
    event_asset,
    sanitize_uri,
)
from airflow_provider_codat.simulator import LocalCodat

AIRFLOW = tuple(int(part) for part in version("apache-airflow").split(".")[:2])
COMPANY_ID = "8a210b68-6988-11ed-a1eb-0242ac120002"
URI = f"codat://companies/{COMPANY_ID}/customers"
DAGS = Path(__file__).parent / "dags" / "outlets.py"
ADA = {"customerName": "Ada", "status": "Active"}
RunDag = Callable[..., Any]
Events = Callable[[], list[tuple[str, dict[str, Any]]]]


# --- the asset


@pytest.mark.parametrize("spelling", [COMPANY_ID, COMPANY_ID.upper()])
def test_a_company_has_one_asset(spelling: str) -> None:
    """However the id is spelt, those who write and those who wait mean the same."""
    asset = customers_asset(spelling)
    assert asset.uri == URI
    assert asset == customers_asset(COMPANY_ID)


@pytest.mark.parametrize("company_id", ["", "{{ params.company_id }}", "Fen Bakery"])
def test_an_asset_needs_an_id(company_id: str) -> None:
    """A template would never be rendered: it is refused when the DAG file loads."""
    with pytest.raises(ValueError, match="company_id must be a UUID"):
        customers_asset(company_id)


ODD = {
    "upper case": URI.replace(COMPANY_ID, COMPANY_ID.upper()),
    "upper-case scheme": URI.replace("codat:", "CODAT:"),
    "a slash at its end": f"{URI}/",
    "a query": f"{URI}?page=1",
}


@pytest.mark.parametrize("uri", ODD.values(), ids=ODD)
def test_a_uri_has_one_spelling(uri: str) -> None:
    """Airflow asks the package how a codat:// URI is written, whoever writes it."""
    assert Asset(uri=uri).uri == URI


@pytest.mark.parametrize(
    "uri",
    [
        "codat://companies",
        "codat://companies/customers",
        "codat://companies/{{ params.company_id }}/customers",
        f"codat://company/{COMPANY_ID}/customers",
        f"codat://companies/{COMPANY_ID}/-suppliers",
        f"codat://companies/{COMPANY_ID}/events/a b",
        f"codat://companies/{COMPANY_ID}/events/",
        "codat://events/7",
        "codat://events",
        f"codat://companies/{COMPANY_ID}/customers/1",
    ],
)
def test_other_uris_are_refused(uri: str) -> None:
    """An asset that no task of ours would ever tell of is a mistake."""
    with pytest.raises(ValueError, match=r"company|codat://"):
        sanitize_uri(urlsplit(uri))


@pytest.mark.parametrize(
    ("asset", "uri"),
    [
        (event_asset("company.created"), "codat://events/company.created"),
        (
            event_asset("customers.write.unsuccessful", COMPANY_ID.upper()),
            f"codat://companies/{COMPANY_ID}/events/customers.write.unsuccessful",
        ),
        (
            Asset(uri=f"codat://companies/{COMPANY_ID}/banking-accounts/"),
            f"codat://companies/{COMPANY_ID}/banking-accounts",
        ),
    ],
)
def test_what_happens_at_codat(asset: Any, uri: str) -> None:  # noqa: ANN401 - an asset of any Airflow
    """What happens at Codat has a URI of its own, of a company or of none."""
    assert asset.uri == uri


@pytest.mark.parametrize("wrong", [("a b",), ("",), ("x/y",), ("a.b", "acme")])
def test_no_event(wrong: tuple[str, ...]) -> None:
    """What names no event, or no company, is an error where the DAG is written."""
    with pytest.raises(ValueError, match=r"codat://|company_id"):
        event_asset(*wrong)


@pytest.mark.skipif(AIRFLOW < (3, 0), reason="Airflow 2 warns, and takes it")
def test_a_dag_file_with_another_uri_does_not_load() -> None:
    """Airflow says what is wrong with it when the file is parsed."""
    with pytest.raises(ValueError, match="must be a UUID"):
        Asset(uri="codat://companies/{{ params.company_id }}/customers")


# --- the events, in real DAG runs


@pytest.fixture
def events(database: None, run_dag: RunDag) -> Events:
    """Return the asset events that came since, oldest first: URI and extra."""
    assert database is None
    assert run_dag
    from airflow.utils.session import create_session  # noqa: PLC0415 - with a database

    if AIRFLOW < (3, 0):
        from airflow.models.dagbag import DagBag  # noqa: PLC0415 - with a database
        from airflow.models.dataset import DatasetEvent as Event  # noqa: PLC0415 - Airflow 2's

        DagBag(DAGS).sync_to_db()  # whose dag.test() does not
    else:
        from airflow.models.asset import AssetEvent as Event  # noqa: PLC0415 - Airflow 3's

    def rows(session: Any) -> list[Any]:  # noqa: ANN401 - SQLAlchemy's
        return list(session.query(Event).order_by(Event.id))

    with create_session() as session:
        before = len(rows(session))

    def since() -> list[tuple[str, dict[str, Any]]]:
        with create_session() as session:
            return [
                ((e.dataset if AIRFLOW < (3, 0) else e.asset).uri, dict(e.extra))
                for e in rows(session)[before:]
            ]

    return since


def of_a_record(codat: LocalCodat, xcom: dict[str, Any]) -> dict[str, Any]:
    """Return what the events of a task that has written one record carry."""
    told = ("push_operation_key", "status", "record_id", "adopted")
    return {
        "codat_company_id": codat.company_id,
        "codat_connection_id": codat.connection_id,
        **{name: xcom[name] for name in told},
    }


def sent_by_ours(found: list[tuple[str, dict[str, Any]]]) -> list[Any]:
    """Return the events without what Airflow adds about itself."""
    own = ("from_trigger", "from_rest_api")
    return [
        (uri, {k: v for k, v in extra.items() if k not in own}) for uri, extra in found
    ]


@pytest.mark.slow
@pytest.mark.parametrize("way", ["one", "deferrable", "not_waiting", "decorated"])
def test_an_event_tells_of_the_record(
    run_dag: RunDag, local_codat: LocalCodat, events: Events, way: str
) -> None:
    """Each outlet has one event, however the task has waited, and whoever it was."""
    run = run_dag("tests/outlets.py", f"outlets_{way}")
    assert run.state == "success"
    extra = of_a_record(local_codat, run.xcom())
    assert extra["status"] == ("Pending" if way == "not_waiting" else "Success")
    author = {"written_by": "the author"} if way == "decorated" else {}
    uri = customers_asset(local_codat.company_id).uri
    found = sent_by_ours(events())
    assert len(found) == 2
    assert dict(found) == {"codat_tests_own": {**extra, **author}, uri: extra}


@pytest.mark.slow
def test_what_was_there_is_told_as_such(
    run_dag: RunDag,
    local_codat: LocalCodat,
    events: Events,
) -> None:
    """With if_exists nothing is written, and the record is as good: Exists."""
    record_id = local_codat.typed_in(ADA).record_id
    run = run_dag("tests/outlets.py", "outlets_existing")
    assert run.state == "success"
    extra = of_a_record(local_codat, run.xcom())
    assert (extra["status"], extra["record_id"]) == ("Exists", record_id)
    assert dict(sent_by_ours(events()))["codat_tests_own"] == extra


@pytest.mark.slow
def test_an_update_tells_of_its_record(
    run_dag: RunDag,
    local_codat: LocalCodat,
    events: Events,
) -> None:
    """What was changed is told in the same words as what was created."""
    record_id = local_codat.typed_in(ADA).record_id
    run = run_dag("tests/outlets.py", "outlets_update", {"customer_id": record_id})
    assert run.state == "success"
    extra = of_a_record(local_codat, run.xcom())
    assert (extra["status"], extra["record_id"]) == ("Success", record_id)
    assert dict(sent_by_ours(events()))["codat_tests_own"] == extra


@pytest.mark.slow
@pytest.mark.parametrize(
    ("way", "counts"),
    [
        ("many", {"rows": 3, "Success": 2, "Exists": 1}),
        ("many_deferrable", {"rows": 2, "Success": 2}),
        ("not_all", {"rows": 2, "Success": 1, "Failed": 1}),
    ],
)
def test_an_event_counts_the_rows(
    run_dag: RunDag,
    local_codat: LocalCodat,
    events: Events,
    way: str,
    counts: dict[str, int],
) -> None:
    """A task that writes many tells of all of them at once, and of none by name."""
    if way == "many":
        local_codat.typed_in(ADA)
    if way == "not_all":
        local_codat.order("fail", customer="Bob")
    run = run_dag("tests/outlets.py", f"outlets_{way}")
    assert run.state == "success"
    extra = {
        "codat_company_id": local_codat.company_id,
        "codat_connection_id": local_codat.connection_id,
        "adopted": 0,
        "results_path": None,
        **counts,
    }
    uri = customers_asset(local_codat.company_id).uri
    found = sent_by_ours(events())
    assert len(found) == 2
    assert dict(found) == {"codat_tests_own": extra, uri: extra}


@pytest.mark.slow
@pytest.mark.parametrize("way", ["one", "deferrable", "many"])
def test_a_task_that_fails_tells_nothing(
    run_dag: RunDag, local_codat: LocalCodat, events: Events, way: str
) -> None:
    """What waits for customers is not started by one that is not in the books."""
    local_codat.order("fail")
    assert run_dag("tests/outlets.py", f"outlets_{way}").state == "failed"
    assert events() == []
