"""The laws of telling whether a record in the books is the one that was asked for."""

import random
from typing import Any

import pytest

from airflow_provider_codat.api.books.comparison import NameMatch
from airflow_provider_codat.api.books.record_match import match_record
from airflow_provider_codat.api.data_types import CUSTOMERS, DataType
from airflow_provider_codat.api.models import Json

SAME, DIFFERENT, UNCLEAR = NameMatch.SAME, NameMatch.DIFFERENT, NameMatch.UNCLEAR
NAME = "Fen & Söhne Bakery Ltd."

# What was asked for as a name; what is read back; what that means.
NAMES: dict[str, tuple[Json, Json, NameMatch]] = {
    "verbatim": (NAME, NAME, SAME),
    "upper case": (NAME, NAME.upper(), SAME),
    "lower case": (NAME, NAME.lower(), SAME),
    "a sharp s in upper case": ("Straße", "STRASSE", SAME),
    "trimmed": (f"  {NAME} ", NAME, SAME),
    "blanks joined": ("Fen   Bakery", "Fen Bakery", SAME),
    "split and rejoined by two": ("Fen Bakery", "Fen  Bakery", SAME),
    "a blank that does not break": ("Fen Bakery", "Fen\N{NO-BREAK SPACE}Bakery", SAME),
    "full width": ("Fen Bakery", "\uff26\uff45\uff4e Bakery", SAME),
    "another composition": ("S\u00f6hne", "So\u0308hne", SAME),
    "no punctuation": (NAME, "Fen Söhne Bakery Ltd", SAME),
    "blanks gone": ("Fen Bakery", "FenBakery", SAME),
    "a number": (4711, "4711", SAME),
    "another name": ("Fen Bakery", "Moor Bakery", DIFFERENT),
    "another number": ("Fen Bakery 1", "Moor Bakery 2", DIFFERENT),
    "one letter": ("Fen Bakery", "Fan Bakery", UNCLEAR),
    "a short beginning": ("Fenbakeryontheouse", "Fenb", DIFFERENT),
    "a beginning of 14": ("abcdefghijklmn" + 19 * "z", "abcdefghijklmn", DIFFERENT),
    "a beginning of 15": ("abcdefghijklmnopq", "abcdefghijklmno", UNCLEAR),
    "more at the end": ("abcdefghijklmno", "abcdefghijklmnopq", UNCLEAR),
    "an end of 15": (26 * "z" + "cdefghijklmnopq", "cdefghijklmnopq", DIFFERENT),
    "respelt": ("Ørsted & Müller Ltd", "Orsted Mueller Limited", UNCLEAR),
    "a damaged letter": ("Müller", "M?ller", UNCLEAR),
    "a number longer": ("Customer 1", "Customer 10", DIFFERENT),
    "the next number": ("Customer 1", "Customer 2", DIFFERENT),
    "no prefix": ("GB 1234567", "1234567", UNCLEAR),
    "shortened by a word": ("Fen Bakery", "Fen", UNCLEAR),
    "lengthened by a word": ("Fen", "Fen Bakery", UNCLEAR),
    "another order": ("Fen Bakery", "Bakery, Fen", UNCLEAR),
    "none in the books": ("Fen Bakery", None, UNCLEAR),
    "an empty one": ("Fen Bakery", "", UNCLEAR),
    "none asked for": (None, "Fen Bakery", UNCLEAR),
    "signs alone": ("***", "!!!", UNCLEAR),
    "signs against a name": ("***", "Fen", UNCLEAR),
    "nothing on either side": (None, None, UNCLEAR),
}


@pytest.mark.parametrize(("asked", "read", "how"), NAMES.values(), ids=NAMES)
def test_every_way_in_which_software_keeps_a_name(
    asked: Json, read: Json, how: NameMatch
) -> None:
    """Its spelling counts for nothing; a part of it, or another order, says nothing."""
    payload, record = {"customerName": asked}, {"customerName": read, "id": "7"}
    assert match_record(payload, record, CUSTOMERS) is how
    turned = match_record({"customerName": read}, {"customerName": asked}, CUSTOMERS)
    assert turned is how


# Two names of each script that differ in a mark alone.
MARKED = {"Hindi": ("कमल", "कमला"), "Thai": ("ก่า", "ก้า"), "Arabic": ("عَلم", "عِلم")}


@pytest.mark.parametrize(("one", "other"), MARKED.values(), ids=MARKED)
def test_a_vowel_or_a_tone_is_part_of_a_name(one: str, other: str) -> None:
    """What is written as a mark tells two names apart, as a letter does."""
    how = match_record({"customerName": one}, {"customerName": other}, CUSTOMERS)
    assert how is not SAME


ASKED = {
    "id": "fen-1",
    "customerName": "Fen Bakery",
    "emailAddress": "desk@fen.example",
    "taxNumber": "GB 123 4567",
    "phone": "01223 1",
}
# What the record says otherwise, None where it lacks it; what that means.
RECORDS: dict[str, tuple[dict[str, Any], NameMatch]] = {
    "all the same": ({}, SAME),
    "otherwise spelled": (
        {"id": "FEN1", "emailAddress": "DESK@FEN.EXAMPLE", "taxNumber": "gb1234567"},
        SAME,
    ),
    "what identifies nobody": ({"phone": "999", "status": "Archived"}, SAME),
    "no e-mail": ({"emailAddress": None}, SAME),
    "the e-mail alone": ({"id": None, "customerName": "", "taxNumber": None}, SAME),
    "another id, which proves nothing": ({"id": "42"}, SAME),
    "another name": ({"customerName": "Moor Bakery"}, UNCLEAR),
    "another e-mail": ({"emailAddress": "desk@moor.example"}, UNCLEAR),
    "another tax number": ({"taxNumber": "GB 765 4321"}, UNCLEAR),
    "a shortened name": ({"customerName": "Fen"}, UNCLEAR),
    "nothing in common": (
        {
            "id": "42",
            "customerName": "Moor",
            "emailAddress": "a@moor.example",
            "taxNumber": "1",
        },
        DIFFERENT,
    ),
    "another name and nothing else": (
        {"id": None, "customerName": "Moor", "emailAddress": None, "taxNumber": None},
        DIFFERENT,
    ),
    "nothing at all": (dict.fromkeys(ASKED), UNCLEAR),
}

PARTLY = {
    "its own id, and a shortened name": {
        "id": "42",
        "customerName": "Fen",
        "taxNumber": None,
    },
    "a tax number without its country, and a shortened name": {
        "id": None,
        "customerName": "Fen",
        "taxNumber": "1234567",
    },
}


@pytest.mark.parametrize("other", PARTLY.values(), ids=PARTLY)
def test_a_stranger_is_one_by_all_that_is_known(other: dict[str, Any]) -> None:
    """Software that gives its own ids and shortens names may well have made it ours."""
    bare: Json = {**ASKED, "emailAddress": None}
    assert match_record(bare, {**ASKED, **other}, CUSTOMERS) is UNCLEAR


@pytest.mark.parametrize(("other", "how"), RECORDS.values(), ids=RECORDS)
def test_all_that_identifies_a_customer_counts(
    other: dict[str, Any], how: NameMatch
) -> None:
    """It is ours when all that both have is the same, a stranger's when nothing is."""
    assert match_record(ASKED, {**ASKED, **other}, CUSTOMERS) is how


@pytest.mark.parametrize("name", CUSTOMERS.identifying)
def test_each_identifying_property_is_looked_at(name: str) -> None:
    """Any one of them tells a stranger from ours, where there is nothing else."""
    assert match_record({name: "a1"}, {name: "A-1"}, CUSTOMERS) is SAME
    assert match_record({name: "a1"}, {name: "b2"}, CUSTOMERS) is DIFFERENT


@pytest.mark.parametrize("payload", [None, [], "Fen", 7], ids=str)
def test_a_payload_that_is_no_object_is_like_nothing(payload: Json) -> None:
    """What has no properties cannot be told from any record."""
    assert match_record(payload, {"customerName": "Fen"}, CUSTOMERS) is UNCLEAR


def test_what_nothing_identifies_is_never_told_apart() -> None:
    """A data type without identifying properties is not adopted, nor made again."""
    nameless = DataType("journals", "journals", "journal")
    assert match_record(ASKED, ASKED, nameless) is UNCLEAR
    assert match_record(ASKED, {"customerName": "Moor"}, nameless) is UNCLEAR


def test_every_mixture_of_likenesses() -> None:
    """Same and different together say nothing, however many fields there are."""
    values = {SAME: "fen bakery", DIFFERENT: "moor", UNCLEAR: "fen"}
    dice = random.Random(7)
    for _ in range(200):
        drawn = {name: dice.choice(list(values)) for name in CUSTOMERS.identifying}
        payload: Json = dict.fromkeys(drawn, "Fen Bakery")
        record: dict[str, Json] = {name: values[how] for name, how in drawn.items()}
        found = match_record(payload, record, CUSTOMERS)
        if SAME in drawn.values():
            assert found is (SAME if set(drawn.values()) == {SAME} else UNCLEAR)
        elif set(drawn.values()) == {DIFFERENT}:
            assert found is DIFFERENT
        elif set(drawn.values()) == {UNCLEAR}:
            assert found is UNCLEAR
