"""Whether a record in the books is the one that a payload asked for.

Accounting software does not give back what it was given: it trims, upper-cases, splits
and shortens names.
"""

import unicodedata
from collections.abc import Mapping
from difflib import SequenceMatcher
from enum import Enum, auto

from airflow_provider_codat.api.data_types import DataType
from airflow_provider_codat.api.models import Json


class NameMatch(Enum):
    """How a record compares with a payload."""

    SAME = auto()
    """All that identifies it, and that both have, is the same."""
    DIFFERENT = auto()
    """All that identifies it, and that both have, is different."""
    UNCLEAR = auto()
    """Neither can be said."""


def match_names(
    payload: Json, record: Mapping[str, Json], data_type: DataType
) -> NameMatch:
    """Compare a payload with a record that Codat read back from the software."""
    asked = payload if isinstance(payload, dict) else {}
    found = set()
    for name in data_type.identifying:
        wanted, got = words(asked.get(name)), words(record.get(name))
        if wanted and got:
            found.add(_compared(wanted, got))
    return found.pop() if len(found) == 1 else NameMatch.UNCLEAR


def _compared(wanted: list[str], got: list[str]) -> NameMatch:
    if wanted == got or "".join(wanted) == "".join(got):
        return NameMatch.SAME
    # Some software knows no accents.
    return (
        NameMatch.UNCLEAR if _near(_plain(wanted), _plain(got)) else NameMatch.DIFFERENT
    )


def _near(wanted: list[str], got: list[str]) -> bool:
    """Whether one text may be what software has made of the other."""
    short, long = sorted(("".join(wanted), "".join(got)), key=len)
    shortened = len(short) >= _SHORTEST_LIMIT and long.startswith(short)
    prefixed = short.isdigit() and long.endswith(short)
    split = set(wanted) <= set(got) or set(got) <= set(wanted)
    if shortened or prefixed or split:
        return True
    if _numbers(wanted) != _numbers(got):
        return False
    fewer, more = sorted((wanted, got), key=len)
    respelt = all(any(_alike(one, other) for other in more) for one in fewer)
    return respelt or _alike(short, long, 0.8)


def _alike(one: str, other: str, ratio: float = 0.6) -> bool:
    return SequenceMatcher(None, one, other).ratio() >= ratio


def _numbers(words: list[str]) -> list[str]:
    return sorted(word for word in words if any(c.isdigit() for c in word))


_SHORTEST_LIMIT = 15
"""No software is known that cuts names to fewer letters and digits than these."""


def words(value: Json) -> list[str]:
    """Return the words of a value, without what software is free to change."""
    text = unicodedata.normalize("NFKC", str(value or "")).casefold()
    text = unicodedata.normalize("NFKC", text)
    return "".join(c if _belongs_to_a_word(c) else " " for c in text).split()


def _belongs_to_a_word(character: str) -> bool:
    # Letters, marks, numbers: a vowel may be a mark.
    return unicodedata.category(character)[0] in "LMN"


def _plain(words: list[str]) -> list[str]:
    """Return words without marks."""
    apart = [unicodedata.normalize("NFKD", word) for word in words]
    bare = (
        "".join(c for c in word if unicodedata.category(c)[0] != "M") for word in apart
    )
    return [word for word in bare if word]
