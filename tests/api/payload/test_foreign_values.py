"""The laws of what other libraries' values become, with those libraries."""

import datetime as dt
import enum
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from airflow_provider_codat.api.bulk.rows import rows_of_list
from airflow_provider_codat.api.errors import PayloadInvalid, SettingsInvalid
from airflow_provider_codat.api.input.columns import Cells
from airflow_provider_codat.api.payload.json_values import to_json


class Colour(enum.Enum):
    RED = "Red"
    NESTED = ("a", 1)


@dataclass(frozen=True)
class Address:
    line1: str
    since: dt.date


@dataclass
class Customer:
    name: str
    addresses: list[Address] = field(default_factory=list)
    colour: Colour = Colour.RED


def test_dataclass_and_enum() -> None:
    """A dataclass becomes its fields, an enumeration its value, however deep."""
    customer = Customer("Fen", [Address("Mill Lane", dt.date(2026, 3, 1))])
    assert to_json({"customer": customer, "other": Colour.NESTED}) == {
        "customer": {
            "name": "Fen",
            "addresses": [{"line1": "Mill Lane", "since": "2026-03-01"}],
            "colour": "Red",
        },
        "other": ["a", 1],
    }
    assert to_json(customer)["name"] == "Fen"  # type: ignore[index, call-overload]


def test_what_a_field_cannot_be() -> None:
    """What a field holds is judged like any value, and told by its place."""
    with pytest.raises(PayloadInvalid) as raised:
        to_json([Customer("Fen", addresses=[{1, 2}])])  # type: ignore[list-item]
    (problem,) = raised.value.problems
    assert problem.path == "[0].addresses[0]"
    assert "set is not JSON" in problem.message


def test_a_class_is_no_record() -> None:
    """A class, of which there is no instance, is refused."""
    with pytest.raises(PayloadInvalid, match="type is not JSON"):
        to_json({"a": Customer})


def test_a_dataclass_that_holds_itself() -> None:
    """A value that holds itself is refused, and not walked for ever."""
    customer = Customer("Fen")
    customer.addresses.append(customer)  # type: ignore[arg-type]
    with pytest.raises(PayloadInvalid, match="contains itself"):
        to_json(customer)


def test_attrs() -> None:
    """An attrs class becomes its fields."""
    attrs = pytest.importorskip("attrs")

    @attrs.define
    class Line:
        amount: Decimal
        note: str | None = None

    assert to_json([Line(Decimal("1.50"))]) == [{"amount": 1.5, "note": None}]


def test_pydantic() -> None:
    """A pydantic model becomes its fields, by their aliases where there are some."""
    pydantic = pytest.importorskip("pydantic")

    class Line(pydantic.BaseModel):
        amount: Decimal

    class Invoice(pydantic.BaseModel):
        number: str = pydantic.Field(alias="invoiceNumber")
        lines: list[Line]

    invoice = Invoice(invoiceNumber="S-1", lines=[Line(amount=Decimal("1.10"))])
    expected = {"invoiceNumber": "S-1", "lines": [{"amount": 1.1}]}
    assert to_json(invoice) == expected


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda np: np.int64(3), 3),
        (lambda np: np.uint8(200), 200),
        (lambda np: np.bool_(1), True),
        (lambda np: np.float64(0.1), 0.1),
        (lambda np: np.float32(0.1), 0.1),
        (lambda np: np.str_("Fen"), "Fen"),
        (lambda np: np.array(7), 7),
    ],
)
def test_numpy(make: Any, expected: object) -> None:  # noqa: ANN401 - of a library that may be missing
    """Scalars of numpy become numbers, booleans and text, as they are written."""
    value = to_json({"a": make(pytest.importorskip("numpy"))})["a"]  # type: ignore[index, call-overload]
    assert (value, type(value)) == (expected, type(expected))


@pytest.mark.parametrize(
    "make",
    [
        lambda np: np.float32("nan"),
        lambda np: np.float64("inf"),
        lambda np: np.datetime64("2026-03-01", "ns"),
        lambda np: np.complex64(1),
        lambda np: np.array([1, 2]),
    ],
)
def test_numpy_that_has_no_one_meaning(make: Any) -> None:  # noqa: ANN401 - the same
    """What is no finite number, or no single one, is refused."""
    with pytest.raises(PayloadInvalid):
        to_json({"a": make(pytest.importorskip("numpy"))})


def test_pandas_missing() -> None:
    """What pandas says is missing is left out of an object; a list cannot do that."""
    pd = pytest.importorskip("pandas")
    assert to_json({"a": pd.NA, "b": pd.NaT, "c": 1}) == {"c": 1}
    with pytest.raises(PayloadInvalid, match="has no value"):
        to_json([pd.NA])
    with pytest.raises(PayloadInvalid, match="finite"):
        to_json({"a": float("nan")})


def test_data_frame_of_pandas() -> None:
    """A DataFrame is its rows; what is missing in one is a cell with nothing in it."""
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(
        {
            "customerName": ["Fen", "Ada"],
            "registrationNumber": [None, "7"],
            "creditLimit": [1.5, float("nan")],
            "since": [pd.Timestamp("2026-03-01", tz="UTC"), pd.NaT],
            "count": pd.array([3, pd.NA], dtype="Int64"),
        }
    )
    rows = rows_of_list(frame)
    assert all(isinstance(row, Cells) for row in rows)
    assert [to_json(row.values) for row in rows if isinstance(row, Cells)] == [
        {
            "customerName": "Fen",
            "registrationNumber": None,
            "creditLimit": 1.5,
            "since": "2026-03-01T00:00:00Z",
            "count": 3,
        },
        {
            "customerName": "Ada",
            "registrationNumber": "7",
            "creditLimit": None,
            "since": None,
            "count": None,
        },
    ]


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_other_tables(library: str) -> None:
    """Tables of polars and pyarrow are their rows, likewise."""
    module = pytest.importorskip(library)
    columns = {"name": ["Fen", "Ada"], "limit": [1.5, None]}
    make = module.DataFrame if library == "polars" else module.table
    rows = rows_of_list(make(columns))
    assert rows == [
        Cells(1, {"name": "Fen", "limit": 1.5}),
        Cells(2, {"name": "Ada", "limit": None}),
    ]


def test_a_table_that_is_too_long_is_not_read() -> None:
    """It is refused by its length: millions of rows do not become dicts first."""

    class Table:
        columns = ("a",)

        def __len__(self) -> int:
            return 5_000_000

        def to_dicts(self) -> list[dict[str, object]]:
            raise AssertionError("it was read")

    with pytest.raises(SettingsInvalid, match="5,000,000 rows"):
        rows_of_list(Table())


def test_a_table_that_is_too_long() -> None:
    """A table may have as many rows as a list."""
    pd = pytest.importorskip("pandas")
    with pytest.raises(SettingsInvalid, match="11 rows"):
        rows_of_list(pd.DataFrame({"a": range(11)}), limit=10)
