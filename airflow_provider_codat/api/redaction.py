"""Codat's words without the payload's values.

Codat and the software behind it like to quote what they refuse ("'Acme Ltd' already
exists"). Their words belong into the task log, a customer's data does not.
"""

from collections.abc import Callable, Iterator

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


def hiding(payload: Json) -> Callable[[str], str]:
    """Return a function that names a payload's values instead of quoting them.

    :param payload: what was sent. Texts of four characters and more are replaced by
        the name of their property, the longest first.
    """
    named = {text: name for text, name in _texts(payload, "payload") if _private(text)}
    longest_first = sorted(named, key=len, reverse=True)

    def hide(words: str) -> str:
        for text in longest_first:
            words = words.replace(text, f"<{named[text]}>")
        return words

    return hide


def _private(text: str) -> bool:
    """Whether a text is data rather than a word of the contract."""
    return len(text) >= _SHORTEST and text.lower() not in _CONTRACT


def _texts(value: Json, name: str) -> Iterator[tuple[str, str]]:
    """Yield each text of a payload with the name of the property that holds it."""
    if isinstance(value, str):
        yield value, name
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, name)
