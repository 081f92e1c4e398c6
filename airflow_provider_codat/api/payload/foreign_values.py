"""Values of libraries that this package does not import, as Python's own.

They are known by what they can do, which is what each library documents: nobody who has
none of them pays for any.
"""

import dataclasses
from collections.abc import Callable, Mapping
from enum import Enum
from math import isnan
from typing import Any

_NUMBERS = "biu"
_FRACTIONS = "f"
_TEXTS = "U"


def own(value: object) -> object:
    """Return a value as one of Python's own; one that nobody knows, as it is.

    Enumerations become their values; dataclasses, attrs classes and pydantic models
    dicts of their fields, by alias where there is one; scalars of numpy numbers,
    booleans and text.
    """
    for is_one, convert in _KINDS:
        if is_one(value):
            return convert(value)
    return value


def is_missing(value: object) -> bool:
    """Whether it says that there is no value: pandas' ``NA`` and ``NaT``."""
    kind = type(value)
    of_pandas = kind.__module__.partition(".")[0] == "pandas"
    return of_pandas and kind.__name__ in {"NAType", "NaTType"}


def is_table(value: object) -> bool:
    """Whether it is a table of pandas, polars or pyarrow; ``len()`` counts its rows."""
    reads = any(hasattr(type(value), name) for name, _ in _TABLES)
    return reads and hasattr(value, "columns")


def table_rows(value: object) -> list[dict[str, object]]:
    """Return the rows of a table, see :func:`is_table`."""
    name, arguments = next(each for each in _TABLES if hasattr(value, each[0]))
    return [emptied(row) for row in getattr(value, name)(*arguments)]


_TABLES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("to_dicts", ()),  # polars
    ("to_pylist", ()),  # pyarrow
    ("to_dict", ("records",)),  # pandas
)


def emptied(row: Mapping[str, object]) -> dict[str, object]:
    """Return the row of a table with None in each cell that has nothing in it."""
    return {name: None if _is_absent(value) else value for name, value in row.items()}


def _is_absent(value: object) -> bool:
    nan = isinstance(value, float) and isnan(value)
    return value is None or nan or is_missing(value)


def _is_record(value: object) -> bool:
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


def _of_record(value: Any) -> object:  # noqa: ANN401 - any dataclass
    return {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}


def _of_attrs(value: Any) -> object:  # noqa: ANN401 - any attrs class
    return {each.name: getattr(value, each.name) for each in value.__attrs_attrs__}


def _is_scalar(value: object) -> bool:
    """Whether it is one number, boolean or text of numpy's."""
    kind = getattr(getattr(value, "dtype", None), "kind", None)
    of_kind = kind is not None and kind in _NUMBERS + _FRACTIONS + _TEXTS
    return of_kind and getattr(value, "shape", None) == () and hasattr(value, "item")


def _of_scalar(value: Any) -> object:  # noqa: ANN401 - any scalar
    # A short fraction, such as 0.1 of 32 bits, is what it is written as.
    return float(str(value)) if value.dtype.kind == _FRACTIONS else value.item()


def _is_plain_enum(value: object) -> bool:
    return isinstance(value, Enum) and not isinstance(value, str | int | float)


_KINDS: tuple[tuple[Callable[[object], bool], Callable[[Any], object]], ...] = (
    (_is_plain_enum, lambda value: value.value),
    (_is_record, _of_record),
    (lambda value: hasattr(type(value), "__attrs_attrs__"), _of_attrs),
    (
        lambda value: callable(getattr(type(value), "model_dump", None)),
        lambda value: value.model_dump(by_alias=True),
    ),
    (_is_scalar, _of_scalar),
)
