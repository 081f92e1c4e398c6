"""What Codat takes, and books refuse later: warnings, and never errors.

No message repeats a value of the payload.
"""

from collections.abc import Iterator
from datetime import datetime
from functools import cache
from itertools import product
from math import fsum
from unicodedata import category

from airflow_provider_codat.api.data_types import DATA_TYPES
from airflow_provider_codat.api.models import Json
from airflow_provider_codat.api.payload.contract import Finding, Route
from airflow_provider_codat.api.payload.formats import TEXTS, places

_HALF_A_CENT = 0.005
_NAMES = frozenset({"customerName", "supplierName", "contactName", "name"})
_EMAILS = frozenset({"emailAddress", "email"})
_OF_ONE_LINE = _NAMES | _EMAILS
_LINE_ENDS = str.maketrans("", "", "\r\n\t")


def hints(payload: Json, data_type: str, *, lengths: bool = True) -> list[Finding]:
    """Return what is likely to be a mistake.

    :param lengths: also names that are too long for the strictest software known.
    """
    found = [_hint(route, words) for route, words in _texts(payload, ())]
    if lengths and isinstance(payload, dict):
        found += [
            _hint((name,), words) for name, words in _too_long(payload, data_type)
        ]
    found += [
        _hint(place.route, words)
        for place in places(payload, data_type, TEXTS)
        if (words := _of_format(place.format, place.holder[place.name]))
    ]
    if isinstance(payload, dict):
        found += [_hint((name,), words) for name, words in _totals(payload)]
    return found


def _hint(route: Route, words: str) -> Finding:
    return Finding(route, "hint", words, "warning")


def _of_format(what: str, value: Json) -> str:
    if not isinstance(value, str):
        return ""
    if what == "currency" and value not in _currencies():
        spelt = value.upper() in _currencies()
        return f"is no currency of ISO 4217{': it is in capitals' if spelt else ''}"
    if what == "date" and not _is_date(value):
        return "is no date such as 2026-03-01 or 2026-03-01T09:00:00Z"
    return ""


def _texts(value: Json, route: Route) -> Iterator[tuple[Route, str]]:
    """Yield what is odd about the texts of a payload, at every depth."""
    if isinstance(value, dict):
        for name, item in value.items():
            if not isinstance(item, str):
                yield from _texts(item, (*route, name))
            elif words := _odd(name, item):
                yield (*route, name), words
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _texts(item, (*route, number))


def _odd(name: str, text: str) -> str:
    of_one_line = name in _OF_ONE_LINE
    if name in _EMAILS and text.strip() and "@" not in text:
        return "is no e-mail address: it has no @"
    if of_one_line and text != text.strip():
        return "begins or ends with white space"
    if not text.isprintable() and _has_controls(text, of_one_line):
        return "has control characters, which books refuse or lose"
    return ""


def _has_controls(text: str, of_one_line: bool) -> bool:
    # Not what is written for the eye, such as joiners and marks of direction.
    shown = text if of_one_line else text.translate(_LINE_ENDS)
    return any(category(each) == "Cc" for each in shown)


def _too_long(payload: dict[str, Json], data_type: str) -> Iterator[tuple[str, str]]:
    row = DATA_TYPES.get(data_type)
    for name, most, software in row.longest if row else ():
        value = payload.get(name)
        if isinstance(value, str) and len(value) > most:
            yield name, f"is longer than {most} characters, which {software} refuses"


@cache
def _currencies() -> frozenset[str]:
    # Slow to import, and needed by no DAG that is only being read.
    from iso4217 import Currency  # noqa: PLC0415 - see above

    return frozenset(currency.code for currency in Currency)


def _is_date(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _totals(payload: dict[str, Json]) -> Iterator[tuple[str, str]]:
    """Yield the totals that do not add up, and lists of lines that are empty."""
    for name in ("lineItems", "journalLines"):
        if payload.get(name, 0) in ([], None):
            yield name, "is empty: books hold no such record without lines"
    if _is_off(_number(payload.get("subTotal")), _sums_of_lines(payload)):
        yield "subTotal", "the lines do not add up to it"
    if _is_off(_number(payload.get("totalAmount")), _sums_of_totals(payload)):
        yield "totalAmount", "subtotal and tax do not add up to it"
    balance = _sum(payload.get("journalLines"), "netAmount")
    if balance is not None and abs(balance) >= _HALF_A_CENT:
        yield "journalLines", "debits and credits are not equal"


def _is_off(total: float | None, sums: list[float]) -> bool:
    """Whether a total is none of what may be meant, to the cent."""
    if total is None or not sums:
        return False
    return all(abs(total - each) >= _HALF_A_CENT for each in sums)


def _sums_of_totals(payload: dict[str, Json]) -> list[float]:
    """Return what the total may be: discounts may be part of the subtotal, or not."""
    subtotal = _number(payload.get("subTotal"))
    tax = _number(payload.get("taxAmount", payload.get("totalTaxAmount")))
    if subtotal is None or tax is None:
        return []
    more = (
        _number(payload.get("additionalTaxAmount")) or 0.0,
        -(_number(payload.get("totalDiscount")) or 0.0),
        -(_sum(payload.get("withholdingTax"), "amount") or 0.0),
    )
    choices = product(*((0.0, each) if each else (0.0,) for each in more))
    return [subtotal + tax + fsum(each) for each in choices]


def _sums_of_lines(payload: dict[str, Json]) -> list[float]:
    lines = payload.get("lineItems")
    if not isinstance(lines, list) or not lines:
        return []
    nets = [_net(line) for line in lines]
    known = [net for net in nets if net is not None]
    if len(known) < len(nets):
        return []
    discount = _number(payload.get("totalDiscount")) or 0.0
    return [fsum(known), fsum(known) - discount]


def _net(line: Json) -> float | None:
    """Return what a line comes to without tax; None where it does not tell."""
    if not isinstance(line, dict):
        return None
    net, total = _number(line.get("subTotal")), _number(line.get("totalAmount"))
    if net is not None:
        return net
    if total is not None and (tax := _number(line.get("taxAmount"))) is not None:
        return total - tax
    price, quantity = _number(line.get("unitAmount")), _number(line.get("quantity"))
    if price is None or quantity is None or line.get("discountPercentage"):
        return None
    return price * quantity - (_number(line.get("discountAmount")) or 0.0)


def _sum(lines: Json, name: str) -> float | None:
    """Return the sum over all lines; None where one of them does not tell."""
    if not isinstance(lines, list) or not lines:
        return None
    each = [
        _number(line.get(name)) if isinstance(line, dict) else None for line in lines
    ]
    known = [number for number in each if number is not None]
    return fsum(known) if len(known) == len(each) else None


def _number(value: Json) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)
