"""Reads the limits that a model states in prose, such as a longest length.

Codat's models have no field for a limit: it stands in a remark. A remark is understood
only as a whole, since one that goes on ("... if the currency is GBP") is a condition.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple, TypeGuard

from airflow_provider_codat.api.models import Json

_LONGEST_REMARK = 200
_NUMBERS = "zero|one|two|three|four|five|six|seven|eight|nine|ten"
_DECIMALS = "decimals"
_IGNORED = "ignored"
_APART = frozenset({_DECIMALS, _IGNORED})  # JSON Schema has no keyword for these


class Rule(NamedTuple):
    """What one remark asks for, or one half of it.

    :param keyword: JSON Schema's, or a word of ours where it has none.
    :param limit: as JSON Schema gives it.
    :param words: the remark itself.
    """

    keyword: str
    limit: Any
    words: str

    @property
    def message(self) -> str:
        """Say what is wrong, in the integration's words."""
        words = self.words[:_LONGEST_REMARK]
        if self.keyword == _IGNORED:
            return f'has no effect: "{words}"'
        return f'must satisfy "{words}"'

    def broken_by(self, value: Json) -> bool:
        """Whether a value is not as asked; false for a type that is not asked about."""
        return _BROKEN[self.keyword](value, self.limit)


def rules_of(remarks: Iterable[str]) -> tuple[Rule, ...]:
    """Return what is understood of a node's remarks."""
    return tuple(
        Rule(keyword, limit, remark)
        for remark in remarks
        for keyword, limit in _understood(remark)
    )


def as_keywords(rules: Iterable[Rule]) -> dict[str, Any]:
    """Return rules as JSON Schema; of two alike, the narrower."""
    keywords: dict[str, Any] = {}
    for keyword, limit, _ in rules:
        if keyword == "pattern" and keyword in keywords:
            keywords.setdefault("allOf", []).append({keyword: limit})
        elif keyword not in _APART:
            narrower = max if keyword.startswith("min") else min
            keywords[keyword] = narrower(keywords.get(keyword, limit), limit)
    return keywords


def _understood(remark: str) -> Iterable[tuple[str, Any]]:
    text = " ".join(remark.lower().split()).rstrip(" .")
    for phrase, keywords in _PHRASES:
        found = phrase.fullmatch(text) if len(text) <= _LONGEST_REMARK else None
        if found:
            numbers = [_number(word) for word in found.groups() if word]
            return keywords(*numbers).items()
    return ()


def _number(word: str) -> int:
    words = _NUMBERS.split("|")
    return words.index(word) if word in words else int(word.replace(",", ""))


def _phrase(text: str) -> re.Pattern[str]:
    """Make a phrase of a text with the words in capitals replaced."""
    for name, pattern in _PARTS.items():
        text = text.replace(name, pattern)
    # What is not there is not checked, so that "if provided" is no condition.
    return re.compile(f"(?:if (?:included|provided|set|supplied),? )?{text}")


def _at_most(most: int) -> Mapping[str, Any]:
    return {"maxLength": most}


def _below(above: int) -> Mapping[str, Any]:
    return {"maxLength": max(above - 1, 0)}


def _at_least(least: int) -> Mapping[str, Any]:
    return {"minLength": least}


def _between(least: int, most: int) -> Mapping[str, Any]:
    return {"minLength": least, "maxLength": most}


def _exactly(length: int) -> Mapping[str, Any]:
    return {"minLength": length, "maxLength": length}


def _key(most: int) -> Mapping[str, Any]:
    return {"maxLength": most, "pattern": r"^\S*$"}


def _letters(count: int) -> Mapping[str, Any]:
    return {"pattern": f"^[A-Za-z]{{{count}}}$"}


def _digits(count: int) -> Mapping[str, Any]:
    return {"pattern": f"^[0-9]{{{count}}}$"}


def _latin() -> Mapping[str, Any]:
    # It stands on postal codes, which have digits: it means no other alphabets.
    return {"pattern": r"^[\x00-\x7F]*$"}


def _positive() -> Mapping[str, Any]:
    return {"exclusiveMinimum": 0}


def _not_negative() -> Mapping[str, Any]:
    return {"minimum": 0}


def _precise(most: int) -> Mapping[str, Any]:
    return {_DECIMALS: most}


def _few(most: int) -> Mapping[str, Any]:
    return {"maxItems": most}


def _idle() -> Mapping[str, Any]:
    return {_IGNORED: True}


_PARTS = {
    "LENGTH": "NUMBER char(?:acter)?s?(?: long| in length)?",
    "NUMBER": f"([0-9]{{1,3}}(?:,[0-9]{{3}}){{1,2}}|[0-9]{{1,7}}|{_NUMBERS})",
    # One property's name, as "the tax number": no condition, no sum of several.
    "NAME": "(?:(?:the |this )(?:WORD ){1,4}|WORD )?",
    "WORD": "(?!(?:if|when|where|for|only|unless|once|as|and|or|also|with|total) )"
    "[a-z0-9/'-]+",
    "MUST": "(?:must|should)",
    "ZERO": "(?:zero|0)",
    "TAKEN": "(?:included|provided|supplied)(?: in the [a-z]+ array)?",
}

_MEANINGS: Mapping[Callable[..., Mapping[str, Any]], tuple[str, ...]] = {
    # Of texts.
    _at_most: (
        "max(?:imum)?(?: of)? LENGTH",
        "NAMEmax(?:imum)? length(?: is)?(?: of)? LENGTH",
        "NAMEMUST (?:not be|be no|be not) (?:longer|greater|more) than LENGTH",
        "NAME(?:MUST|can|may) ?not exceed LENGTH",
        "NAME(?:MUST|can|may) (?:not )?(?:contain|have) no more than LENGTH",
        "NAMEMUST not (?:contain|have) more than LENGTH",
        "NAME(?:MUST|can|may) (?:have|be) (?:a maximum(?: length)? of|up to) LENGTH",
        "NAME(?:MUST|can|may) be at most LENGTH",
    ),
    _below: ("NAMEMUST be (?:less|fewer|shorter) than LENGTH",),
    _between: ("NAMEMUST (?:have a length|be) between NUMBER and LENGTH",),
    _exactly: ("NAMEMUST (?:have a length of|be)(?: exactly)? LENGTH",),
    _at_least: ("NAMEMUST (?:have|be|contain) (?:at least|a minimum of) LENGTH",),
    _key: ("NAMEMUST be unique, contain no spaces and have a maximum of LENGTH",),
    _letters: ("NAMEMUST be an? NUMBER letter (?:country )?iso code",),
    _digits: ("NAMEMUST be an? NUMBER digit number",),
    _latin: ("only english alphabet characters are permitted",),
    # Of numbers.
    _positive: ("NAMEMUST be greater than ZERO",),
    _not_negative: (
        "NAMEMUST not be negative",
        "NAMEMUST be greater than or equal to ZERO",
    ),
    _precise: (
        "precision must be (?:a )?maximum of NUMBER decimal places?",
        "NAME(?:MUST|can|may) have (?:a maximum of|up to) NUMBER decimal places?",
    ),
    # Of lists, and of anything.
    _few: ("(?:only|a maximum of|up to) NUMBER [a-z]+ (?:can|may) be TAKEN",),
    _idle: (
        "(?:(?:this )?(?:field|property|value) )?(?:is|will be) ignored",
        "(?:is )?not supported,? and (?:is|will be) ignored",
    ),
}

_PHRASES = tuple(
    (_phrase(text), keywords) for keywords, texts in _MEANINGS.items() for text in texts
)


def _is_number(value: Json) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _decimals(number: float) -> int:
    exponent = Decimal(repr(number)).normalize().as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


_BROKEN: dict[str, Callable[[Json, Any], bool]] = {
    "maxLength": lambda value, most: isinstance(value, str) and len(value) > most,
    "minLength": lambda value, least: isinstance(value, str) and len(value) < least,
    "pattern": lambda value, text: (
        # A "$" would let a line's end pass.
        isinstance(value, str) and not re.fullmatch(text, value)
    ),
    "maxItems": lambda value, most: isinstance(value, list) and len(value) > most,
    "minimum": lambda value, least: _is_number(value) and value < least,
    "exclusiveMinimum": lambda value, least: _is_number(value) and value <= least,
    _DECIMALS: lambda value, most: _is_number(value) and _decimals(value) > most,
    _IGNORED: lambda value, _: value is not None,
}
