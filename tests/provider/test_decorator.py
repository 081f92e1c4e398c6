"""The laws of ``@task.codat_customer``: a function returns the customer."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowException

from airflow_provider_codat.api import PayloadChanged, PayloadInvalid, PushFailed
from airflow_provider_codat.decorators.codat import CodatCustomerDecoratedOperator
from airflow_provider_codat.operators.codat import CreateAccountingCustomerOperator
from airflow_provider_codat.simulator import LocalCodat

JSON = {
    "customerName": 'O\'Brien "& Söhne" {{ 7*7 }} {% raw %} 株式会社',
    "taxNumber": "007",
    "phone": "files/ledger.json",
    "status": "Active",
}
PLAIN = {"customerName": "Ångström's", "status": "Active"}
FEN = {"customerName": "Fen Bakery", "status": "Active"}
RunDag = Callable[..., Any]


class Source:
    """A function that an author decorates: it counts its calls.

    :param customers: what it returns, call by call; the last one ever after.
    """

    def __init__(self, *customers: object) -> None:
        self.customers = list(customers)
        self.calls = 0

    def __call__(self) -> object:
        self.calls += 1
        return self.customers[min(self.calls, len(self.customers)) - 1]


@pytest.fixture
def decorated(local_codat: LocalCodat, first_try: Any) -> Callable[..., Any]:  # noqa: ANN401 - conftest's
    """Make an attempt at creating what a function returns."""

    def make(source: Callable[..., object], **given: Any) -> Any:  # noqa: ANN401 - conftest's Attempt
        kind = CodatCustomerDecoratedOperator
        return first_try(local_codat, kind, {"python_callable": source})(**given)

    return make


def posts(codat: LocalCodat) -> list[Any]:
    """Return the creates that arrived."""
    return [e for e in codat.journal() if e.path.endswith("/push/customers")]


# --- the surface


def test_it_takes_what_the_operator_takes() -> None:
    """All arguments but the customer are rendered as those of the operator are."""
    given = set(CreateAccountingCustomerOperator.template_fields) - {"customer"}
    fields = CodatCustomerDecoratedOperator.template_fields
    assert set(fields) == {"op_args", "op_kwargs"} | given
    assert len(fields) == len(set(fields))


def test_a_customer_beside_the_function_is_refused() -> None:
    """Two customers for one task: the DAG file does not load."""
    with pytest.raises((TypeError, AirflowException), match="customer"):
        CodatCustomerDecoratedOperator(
            task_id="create", python_callable=Source(FEN), company_id="", customer=FEN
        )


def test_building_calls_nothing() -> None:
    """A DAG file that is parsed calls no function of an author's."""
    source = Source(FEN)
    CodatCustomerDecoratedOperator(
        task_id="create", python_callable=source, company_id="x"
    )
    assert source.calls == 0


# --- what the function returns


@pytest.mark.parametrize("durable", [True, False], ids=["durable", "not durable"])
def test_what_it_returns_is_created(
    decorated: Callable[..., Any],
    local_codat: LocalCodat,
    store: Any,  # noqa: ANN401 - conftest's Store
    durable: bool,
) -> None:
    """The result is the operator's; the function was called once."""
    source = Source(FEN)
    result = decorated(source, store=store, durable=durable).execute()
    [record] = local_codat.ledger()
    assert (result["status"], result["record_id"]) == ("Success", record.record_id)
    assert posts(local_codat)[0].json() == FEN
    assert source.calls == 1


WRONG: dict[str, tuple[object, str]] = {
    "nothing": (None, "the function returned nothing"),
    "number": (12, "must be an object"),
    "list": ([FEN], "must be an object"),
    "text": ("Fen Bakery", "neither JSON nor a Python literal"),
    "nothing inside": ({}, "status"),
    "what JSON cannot express": ({**FEN, "phone": object()}, "phone"),
}


@pytest.mark.parametrize(("returned", "words"), WRONG.values(), ids=WRONG)
def test_what_is_no_payload_is_refused(
    decorated: Callable[..., Any],
    local_codat: LocalCodat,
    returned: object,
    words: str,
) -> None:
    """It fails with what is wrong, and not with the value; nothing was sent."""
    error = decorated(Source(returned)).fails(PayloadInvalid, words)
    assert "Bakery" not in str(error)
    assert not local_codat.journal()


def test_an_error_of_the_function_is_its_own(
    decorated: Callable[..., Any], local_codat: LocalCodat
) -> None:
    """It is raised as it is: whether another try helps, the task's retries decide."""

    def build() -> object:
        raise ValueError("the source is not there")

    with pytest.raises(ValueError, match="the source is not there"):
        decorated(build).execute()
    assert not local_codat.journal()


def test_another_payload_on_a_retry_is_refused(
    decorated: Callable[..., Any],
    local_codat: LocalCodat,
    store: Any,  # noqa: ANN401 - conftest's Store
) -> None:
    """What may be in the books already is not created under another name."""
    source = Source(FEN, {**FEN, "customerName": "Fen Bakery Ltd"})
    local_codat.order("stay_pending")
    first = decorated(source, store=store, wait_for_completion=False)
    assert first.execute()["status"] == "Pending"
    first.retried().fails(PayloadChanged)
    assert len(posts(local_codat)) == 1


# --- without a worker


def test_a_wait_calls_nothing_again(
    decorated: Callable[..., Any],
    local_codat: LocalCodat,
    store: Any,  # noqa: ANN401 - conftest's Store
) -> None:
    """After the wait the result is taken in; the function has nothing to add."""
    source = Source(FEN)
    attempt = decorated(source, store=store, deferrable=True)
    result = attempt.resume(attempt.defers())
    assert result["status"] == "Success"
    assert source.calls == 1
    assert len(posts(local_codat)) == 1


def test_a_refusal_after_a_wait_is_told_without_the_values(
    decorated: Callable[..., Any],
    local_codat: LocalCodat,
    store: Any,  # noqa: ANN401 - conftest's Store
) -> None:
    """Codat's words are cleared of what the function returns, and not dropped."""
    source = Source(FEN)
    local_codat.order("fail", message="'Fen Bakery' is a name that is in use")
    attempt = decorated(source, store=store, deferrable=True)
    deferred = attempt.defers()
    error = attempt.fails(PushFailed, work=lambda: attempt.resume(deferred))
    assert "is a name that is in use" in str(error)
    assert "Fen Bakery" not in str(error)
    assert source.calls == 2


def test_its_trigger_carries_no_payload(
    decorated: Callable[..., Any],
    store: Any,  # noqa: ANN401 - conftest's Store
) -> None:
    """What a task that waits leaves in the database names no customer."""
    attempt = decorated(Source(FEN), store=store, deferrable=True)
    deferred = attempt.defers()
    assert "Fen" not in json.dumps([deferred.trigger.serialize(), deferred.kwargs])
    assert "Fen" not in json.dumps(store.cells)


# --- in real DAG runs

WAYS = {
    "argument": [PLAIN],
    "argument_from_xcom": [JSON],
    "overridden_company": [JSON],
    "text": [JSON],
    "deferrable": [JSON],
    "expand": [JSON, JSON],
    "expand_literal": [PLAIN, PLAIN],
    "expand_kwargs": [JSON, JSON],
    "stumbling": [JSON],
}


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_a_customer_arrives_exactly(
    run_dag: RunDag,
    local_codat: LocalCodat,
    logged: Callable[..., list[str]],
    capfd: pytest.CaptureFixture[str],
    way: str,
) -> None:
    """Nothing that is returned, or comes from an XCom, is a template; or in a log."""
    run = run_dag("tests/decorated.py", f"decorated_{way}")
    assert run.state == "success"
    assert [post.json() for post in posts(local_codat)] == WAYS[way]
    assert len(local_codat.ledger()) == len(WAYS[way])
    printed = capfd.readouterr()
    told = "\n".join([*logged(), printed.out, printed.err])
    assert "Push operation" in told
    assert not [name for name in ("Söhne", "Ångström") if name in told]


@pytest.mark.slow
def test_the_function_runs_once_in_a_try(
    run_dag: RunDag,
    local_codat: LocalCodat,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither parsing nor the way through the triggerer calls it again."""
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    assert run_dag("tests/decorated.py", "decorated_deferrable").state == "success"
    assert (tmp_path / "calls").read_text() == "called\n"
    assert len(posts(local_codat)) == 1


@pytest.mark.slow
def test_the_payload_is_kept_nowhere(run_dag: RunDag, local_codat: LocalCodat) -> None:
    """What is shown of the task are its arguments; XCom holds the result alone."""
    run = run_dag("tests/decorated.py", "decorated_text")
    [record] = local_codat.ledger()
    rendered = run.rendered()
    assert rendered["company_id"] == local_codat.company_id
    assert "customer" not in rendered
    assert "Brien" not in json.dumps([rendered, run.xcom()])
    assert run.xcom()["record_id"] == record.record_id


@pytest.mark.slow
def test_results_can_be_taken_apart(run_dag: RunDag, local_codat: LocalCodat) -> None:
    """With multiple_outputs each part of the result is an XCom of its own."""
    run = run_dag("tests/decorated.py", "decorated_multiple")
    assert run.state == "success"
    [record] = local_codat.ledger()
    assert run.xcom(task_id="told") == record.record_id
    assert run.xcom("status") == "Success"


@pytest.mark.slow
def test_an_item_key_may_name_the_arguments(
    run_dag: RunDag, local_codat: LocalCodat
) -> None:
    """What a mapped task is called with is known when the other arguments render."""
    run = run_dag("tests/decorated.py", "decorated_expand_with_item_key")
    assert run.state == "success"
    keys = [run.rendered(map_index=index)["item_key"] for index in (0, 1)]
    assert keys == ["Ångström's 1", "Ångström's 2"]
    assert len({post.idempotency_key for post in posts(local_codat)}) == 2


@pytest.mark.slow
def test_a_function_may_skip(run_dag: RunDag, local_codat: LocalCodat) -> None:
    """AirflowSkipException skips the task, as in any function; nothing was sent."""
    run = run_dag("tests/decorated.py", "decorated_skipping")
    assert run.task().state == "skipped"
    assert not local_codat.journal()


def test_a_try_that_the_function_ended_keeps_none_from_sending(
    decorated: Callable[..., Any],
    local_codat: LocalCodat,
    store: Any,  # noqa: ANN401 - conftest's
) -> None:
    """Hours later it is sent all the same: the journal says that nothing was."""
    made = decorated(Source(None, FEN), store=store, age=timedelta(hours=5))
    made.fails(PayloadInvalid)
    assert made.retried().execute()["status"] == "Success"
    assert len(posts(local_codat)) == 1
