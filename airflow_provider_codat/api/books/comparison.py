"""Whether a record in the books is that of a payload, and whether it holds its values.

Software trims, splits and respells what it is given: so there is a third answer,
nobody can tell. A payload speaks of nothing but what it holds; what it leaves out may
be anything.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import Enum, auto

from airflow_provider_codat.api.data_types import DataType
from airflow_provider_codat.api.models import Json
from airflow_provider_codat.api.payload.canonical import READ_ONLY


class NameMatch(Enum):
    """How a record compares with a payload."""

    SAME = auto()
    """All that identifies it, and that both have, is the same."""
    DIFFERENT = auto()
    """All that identifies it, and that both have, is different."""
    UNCLEAR = auto()
    """Neither can be said."""


def matched_names(
    payload: Json, record: Mapping[str, Json], data_type: DataType
) -> Iterator[NameMatch]:
    """Yield how each identifying text compares that both have."""
    asked = payload if isinstance(payload, dict) else {}
    for name in data_type.identifying:
        wanted, got = words(asked.get(name)), words(record.get(name))
        if wanted and got:
            found = _compared(wanted, got)
            if found is NameMatch.SAME and name in data_type.codes:
                # 1-11 and 11-1 are two numbers of the same digits.
                found = _code_match(str(asked[name]), str(record[name]))
            yield found


def _code_match(wanted: str, got: str) -> NameMatch:
    same = " ".join(wanted.split()).casefold() == " ".join(got.split()).casefold()
    return NameMatch.SAME if same else NameMatch.UNCLEAR


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
    if any((shortened, prefixed, split)):
        return True
    if _numbers(wanted) != _numbers(got):
        return False
    return _respelt(*sorted((wanted, got), key=len)) or _alike(short, long, 0.8)


def _respelt(fewer: list[str], more: list[str]) -> bool:
    return all(any(_alike(one, other) for other in more) for one in fewer)


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


_NEVER_UPDATED = frozenset({*READ_ONLY, "id", "supplementalData"})
"""What a PUT does not change, and what names the record."""

_CODES = frozenset({"status", "type", "defaultCurrency"})
"""Words of the contract: they are the same or different, and never respelt."""


class FieldMatch(Enum):
    """How one value of a payload compares with the record."""

    EXACTLY = auto()
    """The record has it, letter for letter but for blanks."""
    RESPELT = auto()
    """The record has its words, with other capitals or punctuation."""
    NOT = auto()
    """The record has something else."""
    UNCLEAR = auto()
    """None of these can be said."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a record says of a payload, by paths such as ``addresses[0].city``.

    :param exactly: values that the record has.
    :param respelt: values whose words it has.
    :param differing: values in whose place it has others.
    :param unclear: values of which it does not tell.
    """

    exactly: tuple[str, ...] = ()
    respelt: tuple[str, ...] = ()
    differing: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()

    def matches(self, *, respelt: bool) -> bool:
        """Whether the record has every value of the payload.

        :param respelt: whether the software may have respelt them. Who only mends the
            spelling of a name would see an update that was never made.
        """
        others = self.differing or self.unclear or (self.respelt and not respelt)
        return bool(self.exactly or self.respelt) and not others


def compared(payload: Json, record: Mapping[str, Json]) -> Comparison:
    """Compare each value of a payload with a record that was read back."""
    wanted = payload if isinstance(payload, dict) else {}
    asked = {n: v for n, v in wanted.items() if n not in _NEVER_UPDATED}
    found: dict[FieldMatch, list[str]] = {held: [] for held in FieldMatch}
    for path, held in _members(asked, record, ""):
        found[held].append(path)
    return Comparison(
        exactly=tuple(found[FieldMatch.EXACTLY]),
        respelt=tuple(found[FieldMatch.RESPELT]),
        differing=tuple(found[FieldMatch.NOT]),
        unclear=tuple(found[FieldMatch.UNCLEAR]),
    )


def _members(
    wanted: Mapping[str, Json], got: Mapping[str, Json], above: str
) -> Iterator[tuple[str, FieldMatch]]:
    for name, value in wanted.items():
        if name not in READ_ONLY:
            yield from _values(name, value, got.get(name), f"{above}{name}")


def _values(
    name: str, wanted: Json, got: Json, path: str
) -> Iterator[tuple[str, FieldMatch]]:
    voids = (_void(wanted), _void(got))
    if any(voids):
        # Whether a null clears a value, Codat does not say.
        yield path, FieldMatch.EXACTLY if all(voids) else FieldMatch.UNCLEAR
    elif isinstance(wanted, dict) and isinstance(got, dict):
        yield from _members(wanted, got, f"{path}.")
    elif isinstance(wanted, list) and isinstance(got, list):
        yield from _elements(name, wanted, got, path)
    else:
        yield path, _scalar(name, wanted, got)


def _void(value: Json) -> bool:
    return value is None or value in ("", [], {})


def _elements(
    name: str, wanted: list[Json], got: list[Json], path: str
) -> Iterator[tuple[str, FieldMatch]]:
    """Compare lists whose order means nothing; software may keep fewer, or more.

    Who takes an element away would find all the others in the record before that, too.
    """
    pairs = _paired(wanted, got)
    if len(wanted) != len(got) or pairs is None:
        yield path, FieldMatch.UNCLEAR
        return
    for number, (one, other) in enumerate(pairs):
        yield from _values(name, one, other, f"{path}[{number}]")


def _paired(wanted: list[Json], got: list[Json]) -> list[tuple[Json, Json]] | None:
    """Return which element stands for which; None where that cannot be told.

    Their type tells, where no two have the same; one alone needs nothing to tell.
    """
    if len(wanted) == len(got) == 1:
        return [(wanted[0], got[0])]
    mine, theirs = list(map(_type, wanted)), list(map(_type, got))
    if Counter(mine) == Counter(theirs) and len(set(mine) - {""}) == len(mine):
        return [(one, got[theirs.index(_type(one))]) for one in wanted]
    return [(one, one) for one in wanted] if _same_elements(wanted, got) else None


def _same_elements(wanted: list[Json], got: list[Json]) -> bool:
    return all(one in got for one in wanted) and all(one in wanted for one in got)


def _type(value: Json) -> str:
    return str(value.get("type") or "") if isinstance(value, dict) else ""


def _scalar(name: str, wanted: Json, got: Json) -> FieldMatch:
    if isinstance(wanted, dict | list) or isinstance(got, dict | list):
        return FieldMatch.UNCLEAR
    one, other = " ".join(str(wanted).split()), " ".join(str(got).split())
    if one == other:
        return FieldMatch.EXACTLY
    if name in _CODES:
        return _code(one.casefold(), other.casefold())
    asked, found = words(one), words(other)
    like = _compared(asked, found) if asked and found else NameMatch.UNCLEAR
    return {
        NameMatch.SAME: FieldMatch.RESPELT,
        NameMatch.DIFFERENT: FieldMatch.NOT,
        NameMatch.UNCLEAR: FieldMatch.UNCLEAR,
    }[like]


def _code(one: str, other: str) -> FieldMatch:
    if one == other:
        return FieldMatch.RESPELT
    # "Unknown" asks for nothing, and says as little.
    return FieldMatch.UNCLEAR if "unknown" in (one, other) else FieldMatch.NOT
