"""Whether a record in the books is the one that a payload has made.

Texts tell, as far as both have them: see :mod:`comparison`. Where a data type has
amounts, dates and references to other records, these tell, too. An amount and a date
alone are never enough: two payments of 100.00 on one day are the normal case.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, tzinfo
from decimal import Decimal

from airflow_provider_codat.api.books.comparison import NameMatch, matched_names
from airflow_provider_codat.api.data_types import DataType
from airflow_provider_codat.api.models import Json

SAME, DIFFERENT, UNCLEAR = NameMatch.SAME, NameMatch.DIFFERENT, NameMatch.UNCLEAR


def match_record(
    payload: Json, record: Mapping[str, Json], data_type: DataType
) -> NameMatch:
    """Compare a payload with a record that Codat read back from the software."""
    asked = payload if isinstance(payload, dict) else {}
    texts = set(matched_names(asked, record, data_type))
    references = set(_references(asked, record, data_type.references))
    if DIFFERENT in references:
        # No software is known that books a record on another customer or account.
        return DIFFERENT
    amounts = set(_amounts(asked, record, data_type.amounts))
    dates = set(_dates(asked, record, data_type.dates))
    differs = DIFFERENT in amounts | dates
    if texts:
        return UNCLEAR if differs and texts != {DIFFERENT} else _only(texts)
    if differs:
        return DIFFERENT
    known = SAME in references and amounts == {SAME}
    return SAME if known else UNCLEAR


def _only(found: set[NameMatch]) -> NameMatch:
    return next(iter(found)) if len(found) == 1 else UNCLEAR


def _references(
    asked: Mapping[str, Json], record: Mapping[str, Json], paths: Iterable[str]
) -> Iterator[NameMatch]:
    """Yield how ids of other records compare: they are never respelt."""
    for path in paths:
        wanted, got = _at(asked, path), _at(record, path)
        if wanted and got:
            same = str(wanted).casefold() == str(got).casefold()
            yield SAME if same else DIFFERENT


def _amounts(
    asked: Mapping[str, Json], record: Mapping[str, Json], paths: Iterable[str]
) -> Iterator[NameMatch]:
    """Yield how amounts compare: two differ only in the same currency and sign."""
    for path in paths:
        wanted, got = _amount(asked, path), _amount(record, path)
        if wanted is None or got is None:
            continue
        if wanted == got:
            yield SAME
        else:
            comparable = _currency(asked, path) == _currency(record, path)
            signs = (wanted < 0) == (got < 0)
            yield DIFFERENT if comparable and signs else UNCLEAR


def _dates(
    asked: Mapping[str, Json], record: Mapping[str, Json], paths: Iterable[str]
) -> Iterator[NameMatch]:
    """Yield how dates compare, by the day in the zone of the record.

    What stands a day apart may be the same moment in two zones.
    """
    for path in paths:
        wanted, got = _moment(_at(asked, path)), _moment(_at(record, path))
        if wanted is None or got is None:
            continue
        days = abs((_day(wanted, got.tzinfo) - got.date()).days)
        yield SAME if not days else UNCLEAR if days == 1 else DIFFERENT


def _day(moment: datetime, zone: tzinfo | None) -> date:
    return (moment.astimezone(zone) if moment.tzinfo and zone else moment).date()


def _moment(value: Json) -> datetime | None:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _at(record: Mapping[str, Json], path: str) -> Json:
    """Return the value that a path leads to; None where it ends before."""
    found: Json = dict(record)
    for step in path.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    return found


def _amount(record: Mapping[str, Json], path: str) -> Decimal | None:
    """Return the amount that a path leads to; that of a list is the sum above zero."""
    head, listed, tail = path.partition("[].")
    if not listed:
        return _decimal(_at(record, path))
    lines = _at(record, head)
    found = [
        amount
        for line in (lines if isinstance(lines, list) else [])
        if isinstance(line, dict) and (amount := _decimal(line.get(tail))) is not None
    ]
    return sum((each for each in found if each > 0), Decimal(0)) if found else None


def _decimal(value: Json) -> Decimal | None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return Decimal(str(value)) if number else None


def _currency(record: Mapping[str, Json], path: str) -> Json:
    """Return the currency of an amount: it stands beside it, in a list in each line."""
    head, listed, _ = path.partition("[].")
    if listed:
        lines = _at(record, head)
        every = {
            str(line.get("currency"))
            for line in (lines if isinstance(lines, list) else [])
            if isinstance(line, dict)
        }
        return min(every) if len(every) == 1 else None
    beside, _, _ = path.rpartition(".")
    return _at(record, f"{beside}.currency" if beside else "currency")
