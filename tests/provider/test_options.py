"""The laws of the operators' switches: written once, known to all who need to know."""

import inspect
import re
from datetime import datetime
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowException, BaseOperator

from airflow_provider_codat.operators import codat, create, create_many, update
from airflow_provider_codat.operators.codat_operator import CodatOperator, documented
from airflow_provider_codat.tasks import options

OPERATORS = [getattr(codat, name) for name in codat.__all__]
WRITERS = {
    create.CreateRecordOperator: options.CreateRecordKwargs,
    create_many.CreateRecordsOperator: options.CreateRecordsKwargs,
    update.UpdateRecordOperator: options.UpdateKwargs,
}
PLACE = {
    "company_id": "8a210b68-6988-11ed-a1eb-0242ac120002",
    "connection_id": "2e9d2c44-f675-40ba-8049-353bfcb5e171",
}
ADA = {"customerName": "Ada", "status": "Active"}


def names_of(kind: type) -> set[str]:
    """Return the names of a TypedDict."""
    return set(kind.__annotations__)


def parameters_of(kind: type) -> dict[str, inspect.Parameter]:
    given = inspect.signature(kind).parameters
    return {name: each for name, each in given.items() if name != "kwargs"}


def test_airflows_own_arguments_are_known() -> None:
    """Whatever this Airflow takes for a task, a type checker lets an author give."""
    taken = set(inspect.signature(BaseOperator.__init__).parameters)
    known = names_of(options.CodatKwargs) | {"self", "kwargs", "args"}
    known.add("task_concurrency")  # deprecated in Airflow 2, and gone from 3
    assert taken <= known, taken - known


@pytest.mark.parametrize(("kind", "names"), WRITERS.items(), ids=lambda k: k.__name__)
def test_type_checkers_know_each_switch(kind: type[Any], names: type) -> None:
    """What an operator takes, and what its data types' operators may hand it, agree."""

    class Whole(kind):
        """Takes nothing more."""

    taken = set(parameters_of(documented(Whole)))
    assert taken == names_of(names) - names_of(options.TaskKwargs)


@pytest.mark.parametrize("kind", OPERATORS, ids=lambda each: each.__name__)
def test_each_argument_is_described_once(kind: type[CodatOperator]) -> None:
    """A docstring has all that an operator takes, in the order of its signature."""
    told = re.findall(r"^:param (\w+):", kind.__doc__ or "", re.MULTILINE)
    assert told == list(parameters_of(kind))


@pytest.mark.parametrize("kind", OPERATORS, ids=lambda each: each.__name__)
def test_what_is_rendered_is_told(kind: type[CodatOperator]) -> None:
    """Whether an argument may be a template stands with it, and is true."""
    text = kind.__doc__ or ""
    described = re.split(r"^:(?:param|return|raises)\b", text, flags=re.MULTILINE)
    names = [each.split(":")[0].strip() for each in described if "(templated)" in each]
    assert set(names) == set(kind.template_fields)


def test_a_switch_may_be_a_default_of_the_dag() -> None:
    """Airflow's default_args reach a switch, in whichever class it is taken."""
    defaults = {**PLACE, "deferrable": True, "if_exists": "skip", "strict": True}
    start = datetime(2024, 1, 1)  # noqa: DTZ001 - Airflow takes it as UTC
    with DAG("a_dag", schedule=None, start_date=start, default_args=defaults):
        made = codat.CreateAccountingCustomerOperator(task_id="one", customer=ADA)
    found = (made.company_id, made.deferrable, made.if_exists, made.strict)
    assert found == (PLACE["company_id"], True, "skip", True)


def test_a_switch_may_be_given_to_partial() -> None:
    """A mapped task takes each switch; a name that is none is refused at once."""
    with DAG("a_dag", schedule=None, start_date=datetime(2024, 1, 1)):  # noqa: DTZ001 - the same
        codat.CreateAccountingCustomerOperator.partial(
            task_id="many", **PLACE, deferrable=True, on_clear="create", retries=3
        ).expand(customer=[ADA])
        with pytest.raises(TypeError, match="defferable"):
            codat.CreateAccountingCustomerOperator.partial(
                task_id="wrong", **PLACE, defferable=True
            )


def test_a_required_argument_is_asked_for() -> None:
    """Without a company the DAG file is refused, and not the task."""
    kind: Any = codat.CreateAccountingCustomerOperator
    with pytest.raises((TypeError, AirflowException), match="company_id"):
        kind(task_id="one", customer=ADA)
    required = {"company_id", "task_id"}
    assert options.WriteKwargs.__required_keys__ == required
