"""What the accounting software says once it looks at a record as a whole."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from airflow_provider_codat.simulator.replies import Issue, issue
from airflow_provider_codat.simulator.rules.contract import pascal
from airflow_provider_codat.simulator.rules.data_types import (
    ACCOUNTS,
    DataType,
    values_at,
)
from airflow_provider_codat.simulator.world import ACCOUNT_IDS

_CENT = 0.005


def unknown_references(
    data_type: DataType,
    body: Mapping[str, object],
    has: Callable[[Iterable[str], str], bool],
) -> Iterator[Issue]:
    """Yield an issue for each id that names no record.

    :param has: tells whether there is a record of one of some data types.
    """
    for path, kinds in (data_type.references or {}).items():
        for value in values_at(body, path):
            known = value in ACCOUNT_IDS and kinds == ACCOUNTS
            if not known and not has(kinds, str(value)):
                item = ".".join(map(pascal, path.replace("[]", "").split(".")))
                yield issue(item, f"{item} names no record.")


def off_totals(body: Mapping[str, object]) -> Iterator[Issue]:
    """Yield an issue for each total that its parts do not add up to."""
    lines, subtotal = body.get("lineItems"), body.get("subTotal")
    tax = body.get("taxAmount", body.get("totalTaxAmount"))
    total = body.get("totalAmount")
    if isinstance(lines, list) and lines and _is_number(subtotal):
        nets = [_net(line) for line in lines if isinstance(line, Mapping)]
        if _differ(nets, subtotal):
            yield issue("SubTotal", "The lines do not add up to it.")
    known = all(map(_is_number, (subtotal, tax, total)))
    if known and _differ([_number(subtotal), _number(tax)], total):
        yield issue("TotalAmount", "The document total is not valid.")


def _differ(parts: Iterable[float], total: object) -> bool:
    return abs(sum(parts) - _number(total)) >= _CENT


def _net(line: Mapping[str, object]) -> float:
    if _is_number(line.get("subTotal")):
        return _number(line["subTotal"])
    price, quantity = _number(line.get("unitAmount")), _number(line.get("quantity"))
    return price * quantity - _number(line.get("discountAmount"))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
