"""The laws of columns: which property each becomes, as what, and what is refused."""

from decimal import Decimal
from typing import Any

import pytest

from airflow_provider_codat.api.bulk.digests import Digests
from airflow_provider_codat.api.bulk.rows import Reader, Row, Rows, Rules
from airflow_provider_codat.api.errors import SettingsInvalid
from airflow_provider_codat.api.input.columns import Cells, Columns, read_columns
from airflow_provider_codat.api.input.property_paths import paths_of, route_of
from airflow_provider_codat.api.input.suggestion import suggestion
from airflow_provider_codat.api.payload.check import Check

CANARY = "canary-7731"
ALL = {
    "company": "customerName",
    "street": "addresses[0].line1",
    "ship_street": "addresses[1].line1",
    "mobile": "contacts[0].phone[0].number",
}
FIXED = {
    "status": "Active",
    "addresses[0].type": "Billing",
    "addresses[1].type": "Delivery",
    "contacts[0].status": "Active",
    "contacts[0].phone[0].type": "Mobile",
}


def columns_of(
    mapping: object = None,
    constants: object = None,
    *,
    nulls: object = (),
    key: str | None = None,
    **check: Any,  # noqa: ANN401 - of Check
) -> Columns:
    return read_columns(Check(**check), mapping, constants, nulls, key)


def payload(columns: Columns, **values: Any) -> Any:  # noqa: ANN401 - JSON
    made, problems = columns.payload_of(values)
    assert problems == ()
    return made


def told(columns: Columns, **values: Any) -> list[str]:  # noqa: ANN401 - JSON
    """Return all that is said of a row."""
    rules = Rules(columns.check, columns.item_key, columns=columns)
    row = Reader(rules, Digests()).attempt(1, Cells(1, values))
    return [str(problem) for problem in row.problems(rules)]


class TestPlaces:
    """Where a value goes."""

    def test_everything_at_its_place(self) -> None:
        """Cells are nested as their paths say, with the constants beside them."""
        made = payload(
            columns_of(ALL, FIXED),
            company="Fen",
            street="Main 1",
            ship_street="Dock 2",
            mobile="07",
        )
        assert made == {
            "customerName": "Fen",
            "status": "Active",
            "addresses": [
                {"type": "Billing", "line1": "Main 1"},
                {"type": "Delivery", "line1": "Dock 2"},
            ],
            "contacts": [
                {"status": "Active", "phone": [{"type": "Mobile", "number": "07"}]}
            ],
        }

    def test_no_constants_alone(self) -> None:
        """An address of which only its type would be left is none; others move up."""
        made = payload(columns_of(ALL, FIXED), company="Fen", ship_street="Dock 2")
        assert made == {
            "customerName": "Fen",
            "status": "Active",
            "addresses": [{"type": "Delivery", "line1": "Dock 2"}],
        }

    def test_constants_that_no_column_completes(self) -> None:
        """What is wholly constant is in every row."""
        made = payload(columns_of(None, {"addresses[0].type": "Billing"}))
        assert made == {"addresses": [{"type": "Billing"}]}

    def test_named_like_a_property(self) -> None:
        """A column that is named like a property, or its path, needs no mapping."""
        made = payload(
            columns_of(), **{"customerName": "Fen", "addresses[0].city": "Z"}
        )
        assert made == {"customerName": "Fen", "addresses": [{"city": "Z"}]}

    def test_mapped_to_what_a_column_is_named(self) -> None:
        """A mapping goes before a name: no property is written by two columns."""
        columns = columns_of({"company": "customerName"})
        made, problems = columns.payload_of({"customerName": "A", "company": "B"})
        assert made == {"customerName": "B"}
        assert [each.path for each in problems] == ["column 'customerName'"]

    def test_whole_objects(self) -> None:
        """A column may hold an object or a list, as JSON or as what it is."""
        columns = columns_of({"all": "addresses"})
        wanted = {"addresses": [{"type": "Billing"}]}
        assert payload(columns, all='[{"type": "Billing"}]') == wanted
        assert payload(columns, all=[{"type": "Billing"}]) == wanted
        assert "must be JSON" in told(columns, all=CANARY)[0]

    def test_item_key(self) -> None:
        """The column that identifies a row is not sent, unless it is a property."""
        assert payload(columns_of(key="no"), no="7", customerName="A") == {
            "customerName": "A"
        }
        assert payload(columns_of({"no": "id"}, key="no"), no="7") == {"id": "7"}

    def test_a_property_as_key(self) -> None:
        """What identifies a row may be named as the property that a column becomes."""
        columns = columns_of({"no": "id"}, key="id")
        rules = Rules(columns.check, "id", columns=columns)
        row = Reader(rules, Digests()).attempt(1, Cells(1, {"no": "7"})).row
        assert row is not None
        assert row.label == "7"

    def test_supplemental_data(self) -> None:
        """Where the contract lists no names, any name goes."""
        path = "supplementalData.content.terms.days"
        made = payload(columns_of({"d": path}), d=30)
        assert made == {"supplementalData": {"content": {"terms": {"days": 30}}}}

    def test_what_the_integration_takes(self) -> None:
        """A property that only the model lists may be mapped, too."""
        model = {"type": "Object", "properties": {"vatStatus": {"type": "String"}}}
        columns = columns_of({"v": "vatStatus"}, validate="model", model=model)
        assert payload(columns, v="x") == {"vatStatus": "x"}

    def test_an_unknown_data_type(self) -> None:
        """Of a data type that nobody knows, every path is taken."""
        columns = columns_of({"a": "b[0].c"}, data_type="timesheets", validate="off")
        assert payload(columns, a=1, d=2) == {"b": [{"c": 1}], "d": 2}


class TestRefused:
    """A mapping that cannot be meant fails before anything is read."""

    @pytest.mark.parametrize(
        ("mapping", "constants", "words"),
        [
            ({"a": "custmerName"}, None, "did you mean customerName?"),
            ({"a": "address.line1"}, None, r"did you mean addresses\[0\].line1?"),
            ({"a": "zip"}, None, r"did you mean addresses\[0\].postalCode?"),
            ({"a": "addresses.line1"}, None, "is no property of customers"),
            ({"a": "addresses[0"}, None, "is no property"),
            ({"a": ""}, None, "is no property"),
            ({"a": 3}, None, "is no property"),
            ({"a": "addresses[100].line1"}, None, "is no property"),
            ({"a": "customerName.first"}, None, "is no property"),
            (None, {"state": "Active"}, "constants: 'state' is no property"),
            (None, {"status": {1}}, "constants: set is not JSON"),
            ({"a": "status"}, {"status": "Active"}, "status is given twice"),
            ({"a": "phone", "b": "phone"}, None, "phone is given twice"),
            (
                {"a": "addresses", "b": "addresses[0].line1"},
                None,
                r"addresses is given, and addresses\[0\].line1",
            ),
            (
                {"a": "addresses[1].line1"},
                None,
                r"addresses\[1\] is named, and the element before it is not",
            ),
            (dict.fromkeys(map(str, range(1001)), "phone"), None, "up to 1,000"),
        ],
    )
    def test_refused(self, mapping: object, constants: object, words: str) -> None:
        """What is wrong with it is said, and what is near."""
        with pytest.raises(SettingsInvalid, match=words):
            columns_of(mapping, constants)

    def test_a_column_that_is_not_there(self) -> None:
        """A column that the table does not have is named, with the near one."""
        with pytest.raises(SettingsInvalid, match=r"'compny'; did you mean 'company'"):
            told(columns_of({"compny": "customerName"}), company="Fen")
        with pytest.raises(SettingsInvalid, match=r"'x'\. There are: company$"):
            told(columns_of({"x": "customerName"}), company="Fen")


class TestValues:
    """Text becomes what the contract wants, exactly or not at all."""

    @pytest.mark.parametrize(
        ("text", "number"),
        [("1234.50", 1234.5), ("-7", -7), (" 0.10 ", 0.1), ("1e2", 100), (".5", 0.5)],
    )
    def test_numbers(self, text: str, number: float) -> None:
        """Digits, a point and an exponent are a number, whatever stands around them."""
        columns = columns_of({"amount": "totalAmount"}, data_type="invoices")
        assert payload(columns, amount=text) == {"totalAmount": number}

    @pytest.mark.parametrize(
        "text", ["1,234.50", "1.234,50", "1 234", "12%", "£12", "0x1", "nan", "١٢", "-"]
    )
    def test_no_numbers(self, text: str) -> None:
        """What could be read in two ways is not read in one."""
        columns = columns_of({"amount": "totalAmount"}, data_type="invoices")
        found = [each for each in told(columns, amount=text) if "totalAmount:" in each]
        assert len(found) == 1
        assert "a number such as 1234.50" in found[0]
        assert "(column 'amount')" in found[0]

    def test_more_digits_than_a_number_keeps(self) -> None:
        """Nothing is rounded."""
        columns = columns_of({"amount": "totalAmount"}, data_type="invoices")
        (found,) = [
            each
            for each in told(columns, amount="0.12345678901234567890")
            if "totalAmount:" in each
        ]
        assert "more digits" in found

    @pytest.mark.parametrize(
        ("value", "wanted"),
        [("TRUE", True), ("false", False), (1, True), (0, False), (True, True)],
    )
    def test_booleans(self, value: object, wanted: bool) -> None:
        """The two words in any case, and 0 and 1 of a database, are booleans."""
        columns = columns_of({"bill": "isBillItem"}, data_type="items", validate="off")
        assert payload(columns, bill=value) == {"isBillItem": wanted}

    def test_no_boolean(self) -> None:
        """Any other word is refused."""
        columns = columns_of({"bill": "isBillItem"}, data_type="items")
        assert any(
            "must be true or false" in each for each in told(columns, bill="yes")
        )

    def test_numbers_that_are_text(self) -> None:
        """A whole number is the text of its digits; a fraction is not guessed at."""
        columns = columns_of({"vat": "taxNumber"})
        assert payload(columns, vat=1234) == {"taxNumber": "1234"}
        assert any(each.startswith("taxNumber: ") for each in told(columns, vat=1234.5))

    def test_absent(self) -> None:
        """Cells with nothing in them, and the texts that stand for it, are left out."""
        columns = columns_of(nulls=["NULL", "-"])
        made = payload(columns, customerName="A", phone=None, taxNumber="NULL")
        assert made == {"customerName": "A"}

    def test_no_message_repeats_a_value(self) -> None:
        """What stands in a cell does not stand in the log."""
        columns = columns_of(
            {"a": "totalAmount", "b": "lineItems"}, data_type="invoices"
        )
        assert CANARY not in str(told(columns, a=CANARY, b=CANARY, c=CANARY))


class TestProblems:
    """A problem names the column that it comes from."""

    def test_by_column(self) -> None:
        """The column is named beside the property, wherever the row has put it."""
        columns = columns_of(ALL | {"state": "status"}, {"addresses[1].type": "Home"})
        found = told(
            columns,
            company="Fen",
            state="on",
            street=None,
            ship_street="x",
            mobile=None,
        )
        assert any(
            each.startswith("status: must be one of") and "(column 'state')" in each
            for each in found
        )
        # That address is the first one of this row.
        assert any(each.startswith("addresses[0].type: must be one") for each in found)

    @pytest.mark.parametrize(
        ("policy", "words"),
        [
            ("warn", "column 'zip': is no property of customers, and is left out"),
            ("fail", "column 'zip': is no property of customers, and is left out"),
        ],
    )
    def test_other_columns(self, policy: Any, words: str) -> None:  # noqa: ANN401 - a choice
        """One that becomes nothing is told of, or forbids the row, by its near name."""
        columns = columns_of(unknown_properties=policy)
        found = told(columns, status="Active", zip="1000")
        hint = '; did you mean columns={"zip": "addresses[0].postalCode"}?'
        assert found == [words + hint]

    def test_ignored(self) -> None:
        """Who wants to hear nothing of other columns hears nothing."""
        columns = columns_of(unknown_properties="ignore")
        assert told(columns, status="Active", zip="1000") == []


def test_every_path_is_its_own() -> None:
    """Each property that is listed can be mapped, and is found again."""
    for data_type in ("customers", "invoices", "journalEntries", "bankTransactions"):
        for path in paths_of(data_type):
            assert route_of(path) is not None
            columns_of({"a": path}, data_type=data_type)


class TestSuggestion:
    """A mapping that somebody did not have to write."""

    def test_customers(self) -> None:
        """By spelling, by what others call it, and with what is required beside it."""
        made = suggestion(
            ["Company", "E-Mail", "VAT", "Zip", "Street", "Since", "phone"], Check()
        )
        assert made.mapping() == {
            "columns": {
                "Company": "customerName",
                "E-Mail": "emailAddress",
                "VAT": "taxNumber",
                "Zip": "addresses[0].postalCode",
                "Street": "addresses[0].line1",
                "phone": "phone",
            },
            "constants": {"status": "Active", "addresses[0].type": "Billing"},
        }
        assert made.unknown == ["Since"]

    @pytest.mark.parametrize("data_type", ["customers", "invoices", "bills", "items"])
    def test_it_is_taken(self, data_type: str) -> None:
        """What is proposed is a mapping that is taken."""
        names = [
            "Name",
            "Invoice No",
            "Date",
            "Due",
            "Amount",
            "Tax",
            "Currency",
            "Qty",
        ]
        made = suggestion(names, Check(data_type=data_type))
        assert columns_of(made.columns, made.constants, data_type=data_type).mapping


def test_decimals_of_a_database() -> None:
    """What arrives as a Decimal is the number that it is."""
    columns = columns_of({"amount": "totalAmount"}, data_type="invoices")
    rules = Rules(columns.check, columns=columns)
    cells = Cells(1, {"amount": Decimal("12.50")})
    assert Reader(rules, Digests()).attempt(1, cells).payload == {"totalAmount": 12.5}


@pytest.mark.parametrize("empty_first", [True, False])
def test_what_a_row_becomes_is_its_own(empty_first: bool) -> None:
    """A row is the same each time that it is read, whatever stands in the others."""
    columns = columns_of(None, {"status": "Active", "addresses[0].type": "Billing"})
    rows = [
        Cells(1, {"customerName": "A", "addresses[0].line1": None}),
        Cells(2, {"customerName": "B", "addresses[0].line1": "Main 1"}),
    ]
    if not empty_first:
        rows.reverse()
    source = Rows(lambda: rows, Rules(columns.check, columns=columns))
    assert source.survey().invalid == 0
    read = [row.payload for row in source.read() if isinstance(row, Row)]
    assert {"customerName": "A", "status": "Active"} in read
    assert len(read) == 2


def test_rows_with_other_columns_each() -> None:
    """Of objects, each of which has its own names, each is read by its own."""
    columns = columns_of(None, {"addresses[0].type": "Billing"})
    assert payload(columns, phone="7") == {
        "phone": "7",
        "addresses": [{"type": "Billing"}],
    }
    payload(columns, **{"addresses[0].city": "Ely"})
    assert payload(columns, phone="7")["addresses"] == [{"type": "Billing"}]


def test_two_columns_at_one_place() -> None:
    """Neither of two columns swallows the other: the row is refused."""
    found = told(columns_of(), addresses="[]", **{"addresses[0].line1": "x"})
    assert "column 'addresses[0].line1': stands where another column stands" in (
        " ".join(found)
    )
