"""The laws of the operator in real DAG runs: templates, mapping, retries, XComs."""

import csv
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_codat.links.codat import CodatPushOperationLink
from airflow_provider_codat.simulator import LocalCodat
from airflow_provider_codat.simulator.world import FOREIGN_API_KEY

pytestmark = pytest.mark.slow

AIRFLOW = tuple(int(part) for part in version("apache-airflow").split(".")[:2])
LINK = CodatPushOperationLink().xcom_key
RESULT_KEYS = {
    "push_operation_key",
    "status",
    "record_id",
    "company_id",
    "connection_id",
    "warnings",
    "requested_at",
    "completed_at",
    "adopted",
}
RunDag = Callable[..., Any]


def posts(codat: LocalCodat) -> list[Any]:
    """Return the creates that arrived."""
    return [e for e in codat.journal() if e.path.endswith("/push/customers")]


def shown_link(run: Any) -> str:  # noqa: ANN401 - conftest's FinishedRun
    """Return the link as the web page gets it: Airflow 2 asks, Airflow 3 has stored."""
    if AIRFLOW < (3, 0):
        link = CodatPushOperationLink()
        return link.get_link(run.task().task, ti_key=run.task().key)
    return str(run.xcom(LINK))


# --- every way of handing a customer over

FROM_XCOM = 'O\'Brien "& Söhne" {{ 7*7 }} {% raw %} 株式会社 مؤسسة'
LITERAL = 'O\'Brien "& Söhne" 49 株式会社'
PARAM = 'Zoë\'s "Ångström" & Sons'
REST = {
    "taxNumber": "007",
    "registrationNumber": None,
    "phone": "01234",
    "status": "Active",
    "addresses": [{"type": "Billing", "line1": "files/ledger.json", "line2": "None"}],
    "supplementalData": {
        "content": {"crm": {"credit": 12.5, "since": "2024-02-29", "kept": True}}
    },
}

WAYS = {
    "literal": LITERAL,
    "jinja_leaf": PARAM,
    "task_output": FROM_XCOM,
    "operator_output": FROM_XCOM,
    "xcom_leaf": FROM_XCOM,
    "tojson": FROM_XCOM,
    "repr": FROM_XCOM,
    "json_in_the_file": PARAM,
    "json_from_a_task": FROM_XCOM,
    "json_output": FROM_XCOM,
    "native": FROM_XCOM,
    "native_task_output": FROM_XCOM,
}
MAPPED_WAYS = {
    "expand_literal": LITERAL,
    "expand_xcom": FROM_XCOM,
    "expand_texts": FROM_XCOM,
    "expand_list_of_xcoms": FROM_XCOM,
    "expand_xcom_mapped": FROM_XCOM,
    "expand_item_key": FROM_XCOM,
    "expand_kwargs_xcom": FROM_XCOM,
    "expand_kwargs_xcom_mapped": FROM_XCOM,
    "expand_kwargs_literal": LITERAL,
    "expand_kwargs_list_of_xcoms": FROM_XCOM,
    "expand_kwargs_xcom_with_template": FROM_XCOM,
    "expand_kwargs_in_group": FROM_XCOM,
    "in_mapped_group": FROM_XCOM,
}


@pytest.mark.parametrize("way", WAYS)
def test_a_customer_arrives_exactly(
    run_dag: RunDag, local_codat: LocalCodat, way: str
) -> None:
    """Types, leading zeros, braces of an XCom and file names arrive as they are."""
    run = run_dag("tests/ways.py", f"way_{way}")
    assert run.state == "success"
    [post] = posts(local_codat)
    assert post.json() == {**REST, "customerName": WAYS[way]}
    assert post.query == "timeoutInMinutes=12"
    [record] = local_codat.ledger()
    result = run.xcom()
    assert set(result) == RESULT_KEYS
    assert result["record_id"] == record.record_id
    assert run.xcom(LINK).endswith(f"{local_codat.company_id}/summary")


@pytest.mark.parametrize("way", MAPPED_WAYS)
def test_mapped_customers_arrive_exactly(
    run_dag: RunDag, local_codat: LocalCodat, way: str
) -> None:
    """Two of a mapped task, equal but for their place: two records, two keys."""
    run = run_dag("tests/ways.py", f"way_{way}")
    assert run.state == "success"
    expected = {**REST, "customerName": MAPPED_WAYS[way]}
    assert [post.json() for post in posts(local_codat)] == [expected, expected]
    assert {post.query for post in posts(local_codat)} == {"timeoutInMinutes=12"}
    assert len({post.idempotency_key for post in posts(local_codat)}) == 2
    task_id = "group.create" if way.endswith("_group") else "create"
    results = [run.xcom(task_id=task_id, map_index=index) for index in (0, 1)]
    assert {result["record_id"] for result in results} == {
        record.record_id for record in local_codat.ledger()
    }


ITEM_KEYS = {
    "expand_item_key": ["1 {{ 7*7 }}", "2 {{ 7*7 }}"],
    "expand_kwargs_xcom": ["1 {{ 7*7 }}", "2 {{ 7*7 }}"],
    "expand_kwargs_literal": [f"{PARAM} 0", f"{PARAM} 1"],
    "expand_kwargs_xcom_with_template": [f"{PARAM} 0", f"{PARAM} 1"],
}


@pytest.mark.parametrize("way", ITEM_KEYS)
def test_item_keys_are_rendered_as_their_author_is_an_author(
    run_dag: RunDag, local_codat: LocalCodat, way: str
) -> None:
    """Templates of the DAG file are rendered; what came from an XCom never is."""
    run = run_dag("tests/ways.py", f"way_{way}")
    shown = [run.rendered(map_index=index)["item_key"] for index in (0, 1)]
    assert shown == ITEM_KEYS[way]
    assert len(local_codat.ledger()) == 2


def test_equal_item_keys_are_one_customer(
    run_dag: RunDag, local_codat: LocalCodat
) -> None:
    """Who names two items alike says that they are the same."""
    run = run_dag("tests/ways.py", "way_equal_item_keys")
    assert run.state == "success"
    assert len(posts(local_codat)) == 2
    assert len(local_codat.ledger()) == 1
    results = [run.xcom(map_index=index) for index in (0, 1)]
    assert results[0]["record_id"] == results[1]["record_id"]


@pytest.mark.skipif(AIRFLOW < (3, 0), reason="Airflow 2 keeps it to its web page")
def test_a_mapped_task_can_be_named_after_its_customer(run_dag: RunDag) -> None:
    """``map_index_template`` sees the rendered item key and customer."""
    run = run_dag("tests/ways.py", "way_expand_kwargs_xcom")
    shown = [run.task(map_index=index).rendered_map_index for index in (0, 1)]
    assert shown == [f"{number} {{{{ 7*7 }}}}: {FROM_XCOM}" for number in (1, 2)]


def test_the_rendered_customer_is_kept_as_json(run_dag: RunDag) -> None:
    """Airflow shows what was rendered: the operator leaves the field alone."""
    run = run_dag("tests/ways.py", "way_json_output")
    assert run.rendered()["customer"] == {**REST, "customerName": FROM_XCOM}


# --- the examples


def test_the_example_creates_its_customer(
    run_dag: RunDag, local_codat: LocalCodat
) -> None:
    """Company and connection come from the environment."""
    run = run_dag("examples/codat_create_customer.py", "codat_create_customer")
    assert run.state == "success"
    assert local_codat.counts_by_name() == {"Larkspur Stationery Ltd": 1}
    result = run.xcom(task_id="create_customer")
    assert result["record_id"] == local_codat.ledger()[0].record_id


def test_the_example_takes_what_it_is_asked(
    run_dag: RunDag, local_codat: LocalCodat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever triggers it may name another connection and another customer."""
    monkeypatch.setenv("CODAT_COMPANY_ID", "not this one")
    monkeypatch.setenv("CODAT_CONNECTION_ID", "")
    conf = {
        "company_id": local_codat.company_id,
        "connection_id": local_codat.connections["options"],
        "customer_name": "{{ 7*7 }} & Söhne",
    }
    run = run_dag("examples/codat_create_customer.py", "codat_create_customer", conf)
    assert run.state == "success"
    [record] = local_codat.ledger()
    assert record.connection_id == local_codat.connections["options"]
    assert record.customer["customerName"] == "{{ 7*7 }} & Söhne"


def test_the_csv_example_creates_every_row_once(
    run_dag: RunDag, local_codat: LocalCodat, tmp_path: Path
) -> None:
    """Every script arrives, braces and names of files included."""
    source = Path(__file__).parents[2] / "dags" / "data" / "customers.csv"
    with source.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    chosen = [rows[1], rows[9], rows[13], rows[-1]]
    shorter = tmp_path / "customers.csv"
    with shorter.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(chosen)
    run = run_dag(
        "examples/codat_create_customers_from_csv.py",
        "codat_create_customers_from_csv",
        {"csv_path": str(shorter)},
    )
    assert run.state == "success"
    assert local_codat.counts_by_name() == dict.fromkeys([r["name"] for r in chosen], 1)
    by_name = {record.name: record.customer for record in local_codat.ledger()}
    last = by_name[rows[-1]["name"]]
    assert "{{" in str(last["customerName"])
    assert last["addresses"][0]["line2"] == "files/ledger.json"
    assert by_name[rows[9]["name"]]["taxNumber"] == rows[9]["tax_number"]


# --- retries, in a real DAG run

FINAL = {
    "400": {"kind": "codat_error_before_commit", "status": 400},
    "403": {"kind": "codat_error_before_commit", "status": 403},
    "Failed": {"kind": "fail"},
    "Failed with a record": {"kind": "fail_with_record"},
    "TimedOut": {"kind": "timed_out"},
}


@pytest.mark.parametrize("case", FINAL)
def test_what_will_happen_again_uses_up_no_retries(
    run_dag: RunDag, local_codat: LocalCodat, case: str
) -> None:
    """With three retries to spare: one try, one request, and the task has failed."""
    local_codat.order(**FINAL[case])
    run = run_dag("tests/attempts.py", "attempts_usual")
    assert run.state == "failed"
    assert run.tries() == 1
    assert len(posts(local_codat)) == 1


def test_what_nobody_knows_uses_up_no_retries(
    run_dag: RunDag, local_codat: LocalCodat
) -> None:
    """Where the books are not to be asked, another try would know no more."""
    local_codat.order("codat_error_after_commit")
    run = run_dag("tests/attempts.py", "attempts_cautious")
    assert (run.state, run.tries()) == ("failed", 1)
    assert len(posts(local_codat)) == 1


def test_what_was_created_unseen_is_adopted(
    run_dag: RunDag, local_codat: LocalCodat
) -> None:
    """Codat's own 500 hides a record: the first try finds it in the books."""
    local_codat.order("codat_error_after_commit")
    run = run_dag("tests/attempts.py", "attempts_usual")
    assert (run.state, run.tries()) == ("success", 1)
    [record] = local_codat.ledger()
    result = run.xcom()
    assert (result["record_id"], result["adopted"]) == (record.record_id, True)
    assert len(posts(local_codat)) == 1


def test_a_wrong_key_uses_up_no_retries(
    run_dag: RunDag, local_codat: LocalCodat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """401 is told at once; nobody waits for a key to become right."""
    wrong = local_codat.airflow_connection().replace(local_codat.api_key, "w" * 40)
    monkeypatch.setenv("AIRFLOW_CONN_CODAT_DEFAULT", wrong)
    run = run_dag("tests/attempts.py", "attempts_usual")
    assert (run.state, run.tries()) == ("failed", 1)
    assert [post.status for post in posts(local_codat)] == [401]
    assert FOREIGN_API_KEY not in wrong


def test_an_invalid_payload_uses_up_no_retries(
    run_dag: RunDag, local_codat: LocalCodat
) -> None:
    """Nothing is sent, one try is enough, and the link is empty but not ``None``."""
    run = run_dag("tests/attempts.py", "attempts_usual", {"status": "active"})
    assert (run.state, run.tries()) == ("failed", 1)
    assert local_codat.journal() == []
    assert run.xcom() is None
    assert shown_link(run) == ""


PASSING = {
    "503 of a gateway": {"kind": "gateway_error_before_commit", "status": 503},
    "503 after the commit": {"kind": "gateway_error_after_commit", "status": 503},
    "reset": {"kind": "reset_before_commit"},
    "reset after the commit": {"kind": "reset_after_commit"},
    "no answer": {"kind": "no_answer_after_commit"},
    "429": {"kind": "too_many_requests", "retry_after": 1},
}


@pytest.mark.parametrize("case", PASSING)
def test_what_passes_is_tried_again_and_makes_one_record(
    run_dag: RunDag, local_codat: LocalCodat, case: str
) -> None:
    """Two failed tries, one record: every try sent the same key and the same bytes."""
    local_codat.order(**PASSING[case], count=2)
    run = run_dag("tests/attempts.py", "attempts_usual")
    assert run.state == "success"
    assert run.tries() == 3
    assert local_codat.counts_by_name() == {"Ada": 1}
    assert len({post.idempotency_key for post in posts(local_codat)}) == 1
    assert len({post.body for post in posts(local_codat)}) == 1
    assert run.xcom()["record_id"] == local_codat.ledger()[0].record_id
    assert run.xcom(LINK)


def test_retries_end(run_dag: RunDag, local_codat: LocalCodat) -> None:
    """An outage that lasts uses up what the author has allowed, and no more."""
    local_codat.order("gateway_error_before_commit", count=99)
    run = run_dag("tests/attempts.py", "attempts_usual")
    assert (run.state, run.tries()) == ("failed", 4)
    assert len(posts(local_codat)) == 4
    assert local_codat.ledger() == []


OLD = timedelta(minutes=76)


def run_of_long_ago() -> dict[str, datetime]:
    """Return what makes a DAG run an old one, as a backfill's is."""
    name = "execution_date" if AIRFLOW < (3, 0) else "run_after"
    return {name: datetime.now(UTC) - OLD}


def test_a_retry_of_an_old_run_sends_nothing(
    run_dag: RunDag, local_codat: LocalCodat
) -> None:
    """Without a journal: Codat may have forgotten what was sent 76 minutes ago."""
    local_codat.order("reset_after_commit")
    run = run_dag("tests/attempts.py", "attempts_not_durable", **run_of_long_ago())
    assert (run.state, run.tries()) == ("failed", 2)
    assert len(posts(local_codat)) == 1
    assert local_codat.counts_by_name() == {"Ada": 1}


@pytest.mark.skipif(AIRFLOW < (3, 3), reason="state stores came with Airflow 3.3")
def test_a_retry_of_an_old_run_goes_on_from_the_journal(
    run_dag: RunDag, local_codat: LocalCodat
) -> None:
    """However old the run is: the first try's send is young, and written down."""
    local_codat.order("reset_after_commit")
    run = run_dag("tests/attempts.py", "attempts_usual", **run_of_long_ago())
    assert (run.state, run.tries()) == ("success", 2)
    assert len({post.idempotency_key for post in posts(local_codat)}) == 1
    assert local_codat.counts_by_name() == {"Ada": 1}


@pytest.mark.skipif(AIRFLOW < (3, 3), reason="retry policies came with Airflow 3.3")
def test_a_limit_is_waited_for(run_dag: RunDag, local_codat: LocalCodat) -> None:
    """Not ten minutes, as retry_delay says, but until Codat wants to be asked."""
    local_codat.order("too_many_requests", retry_after=3)
    began = time.monotonic()
    run = run_dag("tests/attempts.py", "attempts_patient")
    assert (run.state, run.tries()) == ("success", 2)
    assert 3 <= time.monotonic() - began < 600
    assert local_codat.counts_by_name() == {"Ada": 1}


@pytest.mark.skipif(AIRFLOW < (3, 3), reason="retry policies came with Airflow 3.3")
@pytest.mark.parametrize("where", ["the_task", "default_args"])
def test_an_authors_policy_replaces_ours(
    run_dag: RunDag, local_codat: LocalCodat, where: str
) -> None:
    """Given to the task or in ``default_args``, it decides alone."""
    local_codat.order("reset_before_commit")
    run = run_dag("tests/attempts.py", f"attempts_policy_of_{where}")
    assert (run.state, run.tries()) == ("failed", 1)


# --- without a worker


def test_a_deferred_task_creates_its_customer(
    run_dag: RunDag, local_codat: LocalCodat
) -> None:
    """Airflow stores its trigger, and what that tells; nothing is lost on the way."""
    run = run_dag("tests/attempts.py", "attempts_deferrable")
    assert (run.state, run.tries()) == ("success", 1)
    [record] = local_codat.ledger()
    result = run.xcom()
    assert set(result) == RESULT_KEYS
    assert result["record_id"] == record.record_id
    assert run.xcom("push_operation_key") == record.push_operation_key
    assert shown_link(run).endswith(f"{local_codat.company_id}/summary")
    assert len(posts(local_codat)) == 1


@pytest.mark.parametrize("kind", ["fail", "fail_with_record", "timed_out"])
def test_a_deferred_task_that_failed_uses_up_no_retries(
    run_dag: RunDag, local_codat: LocalCodat, kind: str
) -> None:
    """Three retries to spare, and one try: another would end the same."""
    local_codat.order(kind)
    run = run_dag("tests/attempts.py", "attempts_deferrable")
    assert (run.state, run.tries()) == ("failed", 1)
    assert len(posts(local_codat)) == 1


def test_a_deferred_task_that_is_tried_again_waits_for_the_same(
    run_dag: RunDag, local_codat: LocalCodat
) -> None:
    """Two tries, both out of time: one push operation, and the link leads to it."""
    local_codat.order("stay_pending")
    run = run_dag("tests/attempts.py", "attempts_deferrable_out_of_time")
    assert (run.state, run.tries()) == ("failed", 2)
    assert len(local_codat.operations()) == 1
    assert len(posts(local_codat)) == (1 if AIRFLOW >= (3, 3) else 2)
    assert shown_link(run).endswith(f"{local_codat.company_id}/summary")


def test_deferred_mapped_tasks_create_each_its_own(
    run_dag: RunDag, local_codat: LocalCodat
) -> None:
    """Each waits for its own push operation, and returns its own record."""
    run = run_dag("tests/attempts.py", "attempts_mapped_deferrable")
    assert run.state == "success"
    by_id = {record.record_id: record.name for record in local_codat.ledger()}
    results = [run.xcom(map_index=index) for index in (0, 1)]
    assert [by_id[each["record_id"]] for each in results] == ["Ada", "Bert"]
    assert len(posts(local_codat)) == 2


@pytest.mark.skipif(AIRFLOW < (3, 3), reason="state stores came with Airflow 3.3")
def test_a_pause_needs_no_worker(run_dag: RunDag, local_codat: LocalCodat) -> None:
    """A limit of more than ten seconds is waited out within the same try."""
    local_codat.order("too_many_requests", retry_after=11)
    run = run_dag("tests/attempts.py", "attempts_deferrable")
    assert (run.state, run.tries()) == ("success", 1)
    assert len({post.idempotency_key for post in posts(local_codat)}) == 1
    assert local_codat.counts_by_name() == {"Ada": 1}


# --- what stays behind


def test_not_waiting_returns_the_operation(
    run_dag: RunDag, local_codat: LocalCodat
) -> None:
    """A later task may wait for it: its key is in XCom."""
    run = run_dag("tests/attempts.py", "attempts_not_waiting")
    assert run.state == "success"
    result = run.xcom()
    assert (result["status"], result["record_id"]) == ("Pending", None)
    assert [e.method for e in local_codat.journal()] == ["POST"]
    assert uuid.UUID(result["push_operation_key"])


def test_a_warning_that_fails_leaves_the_result(
    run_dag: RunDag, local_codat: LocalCodat
) -> None:
    """The record is in the books: its id must not be lost with the task."""
    local_codat.order("warn")
    run = run_dag("tests/attempts.py", "attempts_failing_on_warning")
    assert (run.state, run.tries()) == ("failed", 1)
    result = run.xcom()
    assert result["record_id"] == local_codat.ledger()[0].record_id
    assert result["warnings"] == ["Phone: Phone is not supported, and will be ignored."]


def test_the_link_survives_a_wait_that_fails(
    run_dag: RunDag, local_codat: LocalCodat
) -> None:
    """Each try pushes it anew, as Airflow wipes XComs before a try."""
    local_codat.order("stay_pending")
    run = run_dag("tests/attempts.py", "attempts_out_of_time")
    assert (run.state, run.tries()) == ("failed", 2)
    assert shown_link(run).endswith(f"{local_codat.company_id}/summary")
    assert len(local_codat.operations()) == 1
    assert len({post.idempotency_key for post in posts(local_codat)}) == 1


def test_another_run_is_another_customer(
    run_dag: RunDag, local_codat: LocalCodat
) -> None:
    """The same DAG run twice is two intents."""
    for _ in range(2):
        assert run_dag("tests/attempts.py", "attempts_usual").state == "success"
    assert local_codat.counts_by_name() == {"Ada": 2}
