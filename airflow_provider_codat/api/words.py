"""Words that come from elsewhere, made fit for a log and a database: short, and plain.

Codat hands on what the accounting software says, and between it and us may stand
anybody's proxy.
"""

import unicodedata
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")

MOST_CHARACTERS = 4_000
"""How long a text may be that goes into a message, a log or an XCom."""

MOST_ITEMS = 20
"""How many items of a list are named there."""

_ROOM = 40
_MOST_READ = 16 * MOST_CHARACTERS


def shortened(text: str, most: int = MOST_CHARACTERS) -> str:
    """Return a text, cut where it is too long; it says how much is missing."""
    if len(text) <= most:
        return text
    kept = most - _ROOM
    return f"{text[:kept]}... and {len(text) - kept:,} more characters"


def printable(text: str) -> str:
    """Return a text in one line, with escapes for all that is not to be seen.

    Line breaks would forge a line of the log, ANSI escapes speak to the terminal, and
    marks of direction turn words about.
    """
    text = shortened(text)
    if text.isprintable():
        return text
    # Escapes are longer than what they stand for.
    return shortened("".join(map(_visible, text)))


def _visible(character: str) -> str:
    if character.isprintable() or unicodedata.category(character) == "Zs":
        return character
    return character.encode("unicode_escape").decode()


def quoted(text: str, redact: Callable[[str], str] = str) -> str:
    """Return Codat's words as they may be shown.

    :param redact: takes the payload's own values out of them.
    """
    return printable(redact(text[:_MOST_READ]))


def first_ones(items: Sequence[T], show: Callable[[T], str] = str) -> list[str]:
    """Return the first of many as text, and how many more there are.

    :param show: makes one of them a text.
    """
    named = [show(each) for each in items[:MOST_ITEMS]]
    more = len(items) - len(named)
    return [*named, f"and {more:,} more"] if more else named
