"""The laws of the key: one per intent, the same in every try."""

from dataclasses import fields, replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_codat.api.create.idempotency import Intent, derived_key
from airflow_provider_codat.api.data_types import CUSTOMERS, DataType
from airflow_provider_codat.api.models import Destination, author_key

INTENT = Intent(
    base_url="https://api.codat.io",
    destination=Destination(
        "8a210b68-6988-11ed-a1eb-0242ac120002", "2e9d2c44-f675-40ba-8049-353bfcb5e171"
    ),
    data_type=CUSTOMERS,
    dag_id="billing",
    run_id="scheduled__2026-03-01T00:00:00+00:00",
    task_id="create_customer",
    item=-1,
)
OTHER: dict[str, Any] = {
    "base_url": "https://codat.example",
    "destination": Destination(
        INTENT.destination.connection_id, INTENT.destination.company_id
    ),
    "data_type": DataType(name="suppliers", segment="suppliers", record="supplier"),
    "dag_id": "ledger",
    "run_id": "manual__2026-03-01T00:00:00+00:00",
    "task_id": "create_customer_again",
    "item": 0,
}


def test_the_key_of_an_intent_never_changes() -> None:
    """A release that derived another key would create every customer anew."""
    assert derived_key(INTENT) == "4de6d5fd-8aea-5e5b-a460-bc6b3420717d"


def test_a_key_is_a_guid() -> None:
    """Codat takes nothing else as a key."""
    assert str(UUID(derived_key(INTENT))) == derived_key(INTENT)


@pytest.mark.parametrize("name", OTHER)
def test_every_part_of_an_intent_counts(name: str) -> None:
    """Intents that differ in one thing have different keys."""
    other = replace(INTENT, **{name: OTHER[name]})
    assert derived_key(other) != derived_key(INTENT)


def test_every_part_of_a_destination_counts() -> None:
    """The same record in other books is another intent."""
    company, connection = str(uuid4()), str(uuid4())
    places = [
        INTENT.destination,
        replace(INTENT.destination, company_id=company),
        replace(INTENT.destination, connection_id=connection),
    ]
    keys = {derived_key(replace(INTENT, destination=place)) for place in places}
    assert len(keys) == len(places)


def test_no_part_of_an_intent_is_a_try_or_a_payload() -> None:
    """A later try, and a payload that was mended, are the same intent."""
    names = {field.name for field in fields(Intent)}
    assert names == set(OTHER)


def test_every_generation_has_its_own_key() -> None:
    """What is known not to have been created is created under a new key."""
    keys = {derived_key(INTENT, generation) for generation in range(50)}
    assert len(keys) == 50
    assert derived_key(INTENT) == derived_key(INTENT, 0)


def test_an_authors_item_is_not_a_map_index() -> None:
    """An item_key that looks like a number is not the mapped task of that number."""
    text, number = replace(INTENT, item="3"), replace(INTENT, item=3)
    assert derived_key(text) != derived_key(number)


@given(st.lists(st.text(), min_size=3, max_size=3), st.data())
def test_names_do_not_run_into_each_other(
    names: list[str], data: st.DataObject
) -> None:
    """Moving a border between two names makes another intent, and another key."""
    whole = "".join(names)
    cuts = sorted(data.draw(st.tuples(*[st.integers(0, len(whole))] * 2)))
    others = [whole[: cuts[0]], whole[cuts[0] : cuts[1]], whole[cuts[1] :]]
    keys = [
        derived_key(replace(INTENT, dag_id=dag, run_id=run, task_id=task))
        for dag, run, task in (names, others)
    ]
    assert (keys[0] == keys[1]) == (names == others)


@pytest.mark.parametrize(
    ("given_key", "sent"),
    [
        pytest.param(
            "7d9f0f0c-54c8-4e4c-9e0e-3a0f3f5d1c11",
            "7d9f0f0c-54c8-4e4c-9e0e-3a0f3f5d1c11",
            id="plain",
        ),
        pytest.param(
            "7D9F0F0C-54C8-4E4C-9E0E-3A0F3F5D1C11",
            "7D9F0F0C-54C8-4E4C-9E0E-3A0F3F5D1C11",
            id="upper case stays: Codat may compare letter by letter",
        ),
        pytest.param(
            " 7d9f0f0c-54c8-4e4c-9e0e-3a0f3f5d1c11\n",
            "7d9f0f0c-54c8-4e4c-9e0e-3a0f3f5d1c11",
            id="white space of a template",
        ),
    ],
)
def test_an_authors_key_is_sent_as_it_was_given(given_key: str, sent: str) -> None:
    """An author's key is sent verbatim: it may have been used elsewhere before."""
    assert author_key(given_key) == sent


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "order-4711",
        "7d9f0f0c54c84e4c9e0e3a0f3f5d1c11",
        "{7d9f0f0c-54c8-4e4c-9e0e-3a0f3f5d1c11}",
        "7d9f0f0c-54c8-4e4c-9e0e-3a0f3f5d1c1g",
        "7d9f0f0c-54c8-4e4c-9e0e-3a0f3f5d1c11\nX-Other: 1",
        None,
        4711,
    ],
    ids=["empty", "words", "no hyphens", "braces", "g", "header", "none", "number"],
)
def test_an_authors_key_must_be_a_guid(wrong: object) -> None:
    """A key that Codat would not honour is refused, by its argument's name."""
    with pytest.raises(ValueError, match="idempotency_key must be a UUID") as refused:
        author_key(wrong)  # type: ignore[arg-type] # that is what is tested
    assert "4711" not in str(refused.value)
