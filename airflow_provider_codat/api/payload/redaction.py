"""Codat's words without the payload's values.

Codat and the software behind it like to quote what they refuse ("'Acme Ltd' already
exists"). Their words belong into the task log, a customer's data does not.
"""

import html
import json
import re
from collections.abc import Callable, Iterator
from functools import cache, partial

from airflow_provider_codat.api.models import Json

_SHORTEST = 4
"""Shorter values, such as currencies, are words of the contract, or unreadable gaps."""

_CONTRACT = frozenset(
    {
        "active",
        "archived",
        "billing",
        "delivery",
        "landline",
        "mobile",
        "primary",
        "unknown",
    }
)


def redactor(payload: Json) -> Callable[[str], str]:
    """Return a function that names a payload's values instead of quoting them.

    :param payload: what was sent, and is not changed any more. Values of four
        characters and more are replaced by the name of their property, the longest
        first; also in another case, with other spaces, or escaped for JSON or XML, as
        software likes to repeat them.
    """
    # Only once there are words: most records come into being without any.
    built = cache(partial(_replacing, payload))

    def redact(words: str) -> str:
        return built()(words)

    return redact


def _replacing(payload: Json) -> Callable[[str], str]:
    named = {
        spelling: name
        for text, name in _texts(payload, "payload")
        if _private(text)
        for spelling in (html.escape(text), json.dumps(text)[1:-1], text)
    }
    if not named:
        return str
    longest_first = sorted(named, key=len, reverse=True)
    names = [f"<{named[spelling]}>" for spelling in longest_first]
    # In one pass, so that no name that was put in is itself taken for a value.
    found = re.compile("|".join(map(_pattern, longest_first)), re.IGNORECASE)
    return lambda words: found.sub(lambda at: names[(at.lastindex or 1) - 1], words)


def _pattern(text: str) -> str:
    """Return a group that finds a text, however its words are spaced."""
    return "(" + r"\s+".join(map(re.escape, text.split())) + ")"


def _private(text: str) -> bool:
    """Whether a text is data rather than a word of the contract."""
    return len(text) >= _SHORTEST and text.lower() not in _CONTRACT


def _texts(value: Json, name: str) -> Iterator[tuple[str, str]]:
    """Yield each value of a payload with the name of the property that holds it."""
    if isinstance(value, str):
        yield value.strip(), name
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield json.dumps(value), name
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, name)
