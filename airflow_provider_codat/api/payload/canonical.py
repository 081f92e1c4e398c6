"""What XCom delivers becomes one JSON value, which is written the same way always."""

import ast
import json
from collections import Counter
from collections.abc import Collection, Iterable
from contextlib import suppress
from decimal import Decimal, InvalidOperation

from airflow_provider_codat.api.errors import PayloadInvalid
from airflow_provider_codat.api.models import Json, Problem
from airflow_provider_codat.api.payload.json_values import Repeated, at, to_json

__all__ = ["READ_ONLY", "canonical", "parse_json", "read_payload", "to_json", "without"]

READ_ONLY = ("metadata", "modifiedDate", "sourceModifiedDate")
"""What Codat shows of a record and does not let be written.

``id`` is not among them: Codat's reference calls it read-only as well, yet Sage 50
requires it.
"""

_NOTHING = frozenset({"", "None", "null"})
_GAVE_NOTHING = (
    "the task before gave nothing; make it an upstream task of this one, for example "
    "by passing its .output, and see that it returns the payload"
)
_UNREADABLE = (
    "is text that is neither JSON nor a Python literal; pass the task's output itself "
    "(an XComArg, such as task.output), or render it with `| tojson`"
)
_REPEATS = "is a Python literal in which a dict repeats a key"
_SAFE_DIGITS = 15
"""So many characters of a number hold no more than a float does."""
_TOO_DEEP = "is nested too deeply to be read"


def read_payload(value: object) -> Json:
    """Return what a templated argument holds, as JSON.

    :param value: a mapping or a list, or a text: JSON, else a Python literal, which
        is what Jinja makes of ``{{ ti.xcom_pull(...) }}``. The value is not changed.
    :raises PayloadInvalid: when nothing arrived, when the text cannot be read, or
        when JSON cannot express what it holds exactly, see :func:`to_json`.
    """
    if value is None:
        raise _invalid(_GAVE_NOTHING)
    return to_json(_from_text(value) if isinstance(value, str) else value)


def parse_json(text: str) -> object:
    """Return what a JSON text says, for :func:`to_json` to judge.

    Numbers are read as ``Decimal``, an object that repeats a name as ``Repeated``.

    :raises PayloadInvalid: when the text is not JSON. The message tells the place,
        and repeats nothing of the text.
    """
    text = text.rstrip()  # what is cut short is then located where it stops
    try:
        return _loads(text)
    except json.JSONDecodeError as error:
        line = f"line {error.lineno} " if "\n" in text else ""
        what = error.msg.removesuffix(" at")  # some of them end so
        reason = f"is not JSON: {what} at {line}column {error.colno}"
    # Raised out here so that the error, which carries the text, is not its context.
    raise _invalid(reason)


def canonical(value: Json) -> bytes:
    """Return the one way in which a value is written: equal values, equal bytes.

    Names are sorted by code point, no blanks, UTF-8.

    :raises ValueError: for what is not JSON; :func:`to_json` returns none such.
    """
    text = json.dumps(
        value,
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
    )
    return text.encode()


def without(value: Json, names: Collection[str]) -> tuple[Json, tuple[str, ...]]:
    """Return a customer without the named properties, and what was left out.

    :param value: the customer; what is not an object is returned as it is.
    :param names: dropped at the top and in each of ``contacts``, see
        :data:`READ_ONLY`.
    :returns: a copy, and the sorted paths, such as ``contacts[0].modifiedDate``.
    """
    dropped = frozenset([names] if isinstance(names, str) else names)
    left_out: list[str] = []

    def kept(item: Json, path: str) -> Json:
        if not isinstance(item, dict):
            return item
        left_out.extend(at(path, name) for name in item if name in dropped)
        return {name: below for name, below in item.items() if name not in dropped}

    customer = kept(value, "")
    if isinstance(customer, dict) and isinstance(
        contacts := customer.get("contacts"), list
    ):
        customer["contacts"] = [
            kept(contact, at("contacts", number))
            for number, contact in enumerate(contacts)
        ]
    return customer, tuple(sorted(left_out))


def _from_text(value: str) -> object:
    text = str.__str__(value).strip()
    if text in _NOTHING:
        raise _invalid(_GAVE_NOTHING)
    with suppress(json.JSONDecodeError):
        return _loads(text)
    try:
        tree = ast.parse(text, mode="eval")
        literal: object = ast.literal_eval(tree)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        reason = _UNREADABLE
    else:
        if not any(_repeats_a_key(node) for node in ast.walk(tree)):
            return literal
        reason = _REPEATS
    # Raised out here: a SyntaxError as its context would print the text in the log.
    raise _invalid(reason)


def _loads(text: str) -> object:
    """Return what a JSON text says, with nothing rounded and nothing lost."""
    with suppress(RecursionError):
        return json.loads(
            text,
            parse_float=_fraction,
            parse_int=_whole,
            parse_constant=Decimal,  # NaN and the infinities, which to_json refuses
            object_pairs_hook=_object,
        )
    raise _invalid(_TOO_DEEP)


def _fraction(digits: str) -> float | Decimal:
    exact = len(digits) <= _SAFE_DIGITS and "e" not in digits and "E" not in digits
    return float(digits) if exact else _number(digits)


def _whole(digits: str) -> int | Decimal:
    return int(digits) if len(digits) <= _SAFE_DIGITS else _number(digits)


def _number(digits: str) -> Decimal:
    try:
        return Decimal(digits)
    except InvalidOperation:  # an exponent of twenty digits
        return Decimal("NaN")


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    read = dict(pairs)
    if len(read) == len(pairs):
        return read
    return Repeated(pairs, _repeated(name for name, _ in pairs))


def _repeats_a_key(node: ast.AST) -> bool:
    return isinstance(node, ast.Dict) and bool(
        _repeated(ast.dump(key) for key in node.keys if key)
    )


def _repeated(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name for name, times in Counter(names).items() if times > 1)


def _invalid(message: str) -> PayloadInvalid:
    return PayloadInvalid([Problem("", "json", message)])
