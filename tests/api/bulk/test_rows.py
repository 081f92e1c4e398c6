"""The laws of reading, checking and telling apart the rows of a list or a file."""

import json
import tracemalloc
from collections import UserList
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from functools import partial
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_codat.api.bulk.digests import Digests
from airflow_provider_codat.api.bulk.rows import (
    Rejected,
    Row,
    Rows,
    Rules,
    rows_of_list,
)
from airflow_provider_codat.api.errors import (
    PayloadInvalid,
    SettingsInvalid,
    SourceChanged,
)
from airflow_provider_codat.api.input.file_rows import lines
from airflow_provider_codat.api.payload.canonical import READ_ONLY, canonical
from airflow_provider_codat.api.payload.check import Check

CANARY = "canary-7731"
GOOD = b'{"status": "Active"}'
PLAIN = Rules()
BY_REFERENCE = Rules(item_key="reference")
BY_ID = Rules(item_key="id")

Found = Row | Rejected

customers = st.lists(
    st.fixed_dictionaries(
        {"status": st.sampled_from(["Active", "Archived"])},
        optional={"customerName": st.sampled_from(["A", "B"])},
    ),
    min_size=1,
    max_size=12,
)


def named(*names: object) -> list[object]:
    return [{"status": "Active", "customerName": name} for name in names]


def keyed(*references: object) -> list[object]:
    return [{"status": "Active", "reference": each} for each in references]


def of(values: Sequence[object], rules: Rules = PLAIN) -> Rows:
    return Rows(lambda: values, rules)


def of_lines(*raw: bytes, rules: Rules = PLAIN) -> Rows:
    return Rows(lambda: lines(raw), rules)


def read(values: Sequence[object], rules: Rules = PLAIN) -> list[Found]:
    rows = of(values, rules)
    rows.survey()
    return list(rows.read())


def items(found: Iterable[Found]) -> list[bytes]:
    return [row.item for row in found if isinstance(row, Row)]


def told(rows: Rows) -> list[tuple[int, list[str]]]:
    """Return the number and the problems of each row that cannot be sent."""
    return [
        (each.number, [str(problem) for problem in each.problems])
        for each in rows.survey().rejected
    ]


class TestIdentity:
    """Which row is which, wherever it stands."""

    @given(customers, st.randoms())
    def test_order(self, values: list[object], dice: Random) -> None:
        """A list in another order has the same items."""
        shuffled = list(values)
        dice.shuffle(shuffled)
        assert sorted(items(read(values))) == sorted(items(read(shuffled)))

    @given(customers, st.integers(0, 12))
    def test_insertion(self, values: list[object], place: int) -> None:
        """A row that is inserted changes the item of no other row."""
        before = items(read(values))
        after = items(read([*values[:place], *named("new"), *values[place:]]))
        after.pop(min(place, len(values)))
        assert after == before

    @given(customers)
    def test_distinct(self, values: list[object]) -> None:
        """No two rows have one item, and the same list always has the same items."""
        found = items(read(values))
        assert len(set(found)) == len(values)
        assert found == items(read(values))

    def test_equal_rows(self) -> None:
        """Equal bodies are told apart by their count, in label and item."""
        first, other, second, third = read(named("A", "B", "A", "A"))
        assert first.label == first.digest.hex() != other.label
        assert second.label == f"{first.label}#2"
        assert third.label == f"{first.label}#3"
        assert first.digest == second.digest == third.digest

    def test_namespaces(self) -> None:
        """A key is never taken for the digest of a body, even if it is spelt so."""
        by_body = read(named("A"))[0]
        (by_key,) = read(keyed(by_body.label), BY_REFERENCE)
        assert by_key.label == by_body.label
        assert by_key.item != by_body.item

    def test_frozen(self) -> None:
        """Items are the same in every version: a retry may run on another one."""
        (by_body,) = read([{"status": "Active"}])
        (by_key,) = read(keyed("C-1"), BY_REFERENCE)
        assert by_body.label == "e17bac1fe2043688"
        assert by_body.item.hex() == "ed55deeba7a29c62"
        assert by_key.item.hex() == "b26ddb7b594afa09"

    def test_body(self) -> None:
        """The digest is of the body as it is sent, however the row was written."""
        (plain,) = read([{"status": "Active", "customerName": "Zoë"}])
        rows = of_lines(
            '{"customerName": "Zoë", "modifiedDate": "x", "status": "Active"}'.encode()
        )
        assert rows.survey().left_out == ("modifiedDate",)
        (line,) = rows.read()
        assert (line.item, line.digest) == (plain.item, plain.digest)
        assert canonical(line.payload) == canonical(plain.payload)

    def test_key_outlives_the_body(self) -> None:
        """With a key, a row that is mended keeps its item, and not its digest."""
        (before,) = read(keyed("C-1"), BY_REFERENCE)
        changed = {"status": "Archived", "reference": "C-1"}
        (after,) = read([changed], BY_REFERENCE)
        assert after.item == before.item
        assert after.digest != before.digest

    def test_nothing_is_shown(self) -> None:
        """A row's values do not appear where it is printed."""
        assert CANARY not in repr(read(named(CANARY)))


class TestKey:
    """The property that identifies a row."""

    def test_unknown_to_codat(self) -> None:
        """A key that Codat's contract does not know is not sent."""
        (row,) = read(keyed("C-1"), Rules(item_key="reference", read_only_fields=()))
        assert row.payload == {"status": "Active"}

    def test_known_to_codat(self) -> None:
        """A key that Codat's contract knows is sent like any property."""
        (row,) = read([{"status": "Active", "id": "7"}], BY_ID)
        assert row.payload == {"status": "Active", "id": "7"}

    def test_read_only(self) -> None:
        """A property that is left out may identify a row all the same."""
        rules = Rules(item_key="modifiedDate")
        (row,) = read([{"status": "Active", "modifiedDate": "2026-01-01"}], rules)
        assert (row.label, row.payload) == ("2026-01-01", {"status": "Active"})

    def test_only_at_the_top(self) -> None:
        """A property of the same name deeper in the row stays."""
        value = {"status": "Active", "reference": 1, "contacts": [{"reference": 2}]}
        (row,) = read([value], Rules(item_key="reference", check=Check(validate="off")))
        assert row.payload == {"status": "Active", "contacts": [{"reference": 2}]}

    @pytest.mark.parametrize(
        ("value", "label"),
        [
            pytest.param("C-0017", "C-0017", id="text"),
            pytest.param("  C 17\n", "C 17", id="white space around it"),
            pytest.param(17, "17", id="number"),
            pytest.param(0, "0", id="zero"),
            pytest.param(Decimal(17), "17", id="number of a database"),
            pytest.param(UUID(int=1), str(UUID(int=1)), id="UUID"),
            pytest.param("Zoë ✓", "Zoë ✓", id="not ASCII"),
        ],
    )
    def test_good(self, value: object, label: str) -> None:
        """Text and whole numbers are keys."""
        (row,) = read(keyed(value), BY_REFERENCE)
        assert row.label == label

    @pytest.mark.parametrize(
        ("value", "message"),
        [
            pytest.param(None, "is required", id="null"),
            pytest.param("", "is required", id="empty"),
            pytest.param(" \t", "is required", id="blank"),
            pytest.param(1.5, "must be text or a whole number", id="fraction"),
            pytest.param(True, "must be text or a whole number", id="boolean"),
            pytest.param([CANARY], "must be text or a whole number", id="list"),
            pytest.param("a\nb", "must be up to 250 printable", id="line break"),
            pytest.param(CANARY * 50, "must be up to 250 printable", id="long"),
            pytest.param(10**300, "must be up to 250 printable", id="huge"),
        ],
    )
    def test_bad(self, value: object, message: str) -> None:
        """Anything else is a problem of the row, which has no label then."""
        rows = of([*keyed("C-1", value), {"status": "Active"}], BY_REFERENCE)
        (number, (problem,)), (missing, _) = told(rows)
        assert (number, missing) == (2, 3)
        assert problem.startswith(f"reference: {message}")
        assert CANARY not in problem
        assert [each.label for each in rows.survey().rejected] == ["", ""]

    @pytest.mark.parametrize(
        "values",
        [
            pytest.param(("C-1", "C-2", "C-1"), id="text"),
            pytest.param((" C-1", "C-2", "C-1 "), id="white space"),
            pytest.param((1, 2, "1"), id="number and text"),
        ],
    )
    def test_repeated(self, values: tuple[object, ...]) -> None:
        """A repeated key is a problem of the later row, which names the first."""
        assert told(of(keyed(*values), BY_REFERENCE)) == [
            (3, ["reference: is that of row 1, too: each row must have its own"])
        ]

    def test_repeated_among_the_invalid(self) -> None:
        """A key is taken even by a row that cannot be sent, and by no third one."""
        values = [{"reference": "C-1"}, *keyed("C-1", "C-1")]
        said = told(of(values, BY_REFERENCE))
        assert [number for number, _ in said] == [1, 2, 3]
        assert all("is that of row 1, too" in each for _, (each,) in said[1:])

    def test_all_at_once(self) -> None:
        """A bad key does not hide what else is wrong with the row."""
        ((_, found),) = told(of([{"status": "active"}], BY_REFERENCE))
        assert [each.partition(":")[0] for each in found] == ["reference", "status"]


class TestSurvey:
    """The first pass, which checks every row."""

    def test_counts(self) -> None:
        """All rows and the invalid ones are counted; the first 20 of these are kept."""
        survey = of([{}] * 25 + named("A")).survey()
        assert (survey.total, survey.invalid) == (26, 25)
        assert [each.number for each in survey.rejected] == list(range(1, 21))

    def test_items(self) -> None:
        """Each item leads to its row, the invalid ones included; others to none."""
        rows = of([*keyed("C-1", "C-2"), {"reference": "C-3"}], BY_REFERENCE)
        survey = rows.survey()
        first, second, third = rows.read()
        assert isinstance(third, Rejected)
        assert third.label == "C-3"
        assert [survey.items.get(row.item) for row in (first, second)] == [1, 2]
        assert len(survey.items) == 3
        assert bytes(8) not in survey.items

    def test_warnings(self) -> None:
        """A warning that many rows share is one, with its count and the first row."""
        contacts = [{"status": "Active", "emial": CANARY}] * 2
        odd = {"status": "Active", "contacts": contacts}
        survey = of([*named("A"), odd, odd]).survey()
        (warned,) = survey.warnings
        assert (warned.path, warned.rows, warned.first) == ("contacts[].emial", 2, 2)
        assert warned.message == "unknown property; did you mean email?"
        assert survey.invalid == 0

    def test_warnings_are_bounded(self) -> None:
        """Properties that are named anew in each row do not fill the memory."""
        values = [{"status": "Active", f"x{n}": 1} for n in range(80)]
        assert len(of(values + values).survey().warnings) == 50
        assert of(values + values).survey().warnings[0].rows == 2

    def test_unknown_properties(self) -> None:
        """What an unknown property becomes is the author's choice; a key is none."""
        strict = Rules(item_key="reference", check=Check(unknown_properties="fail"))
        rows = of([*keyed("C-1"), {"status": "Active", "reference": 2, "x": 1}], strict)
        assert told(rows) == [(2, ["x: unknown property"])]

    def test_left_out(self) -> None:
        """What is left out is told without indexes; it may be sent on request."""
        value = {"status": "Active", "modifiedDate": "2026-01-01"}
        value["contacts"] = [{"status": "Active", "modifiedDate": "2026"}] * 2
        assert of([value]).survey().left_out == (
            "contacts[].modifiedDate",
            "modifiedDate",
        )
        kept = Rules(read_only_fields=())
        assert of([value], kept).survey().left_out == ()
        assert read([value], kept)[0].payload == value
        assert READ_ONLY[1] not in read([value])[0].payload

    def test_without_the_contract(self) -> None:
        """What is not held against the contract must be one object, and no more."""
        rows = of([{"anything": 1}, 5], Rules(check=Check(validate="off")))
        ((number, _),) = told(rows)
        assert number == 2

    def test_again(self) -> None:
        """A survey can be made again, of what is there by then."""
        values = keyed("C-1", "C-2")
        rows = of(values, BY_REFERENCE)
        rows.survey()
        values[:] = keyed("C-0", "C-2", "C-1")
        assert (rows.survey().total, rows.survey().invalid) == (3, 0)
        assert len(list(rows.read())) == 3

    @pytest.mark.parametrize(
        "rows",
        [
            pytest.param(of([]), id="list"),
            pytest.param(of_lines(), id="file"),
            pytest.param(of_lines(b"\n", b" \r\n", b"\xef\xbb\xbf"), id="blank lines"),
        ],
    )
    def test_no_rows(self, rows: Rows) -> None:
        """That there is nothing to do is no error: what it means, the task decides."""
        assert rows.survey().total == 0
        assert list(rows.read()) == []

    def test_a_data_type_without_contract(self) -> None:
        """A data type that cannot be checked is refused before anything is read."""
        with pytest.raises(ValueError, match="no schema"):
            of(named("A"), Rules(Check(data_type="loans"))).survey()

    @pytest.mark.parametrize("item_key", [None, "reference"], ids=["body", "key"])
    def test_memory(self, item_key: str | None) -> None:
        """Only digests are kept: 100,000 rows would fit into 15 MB."""
        count = 10_000
        rows = Rows(
            partial(_many, count), Rules(item_key=item_key, check=Check(validate="off"))
        )
        tracemalloc.start()
        try:
            assert rows.survey().invalid == 0
            assert sum(1 for _ in rows.read()) == count
            assert tracemalloc.get_traced_memory()[1] < count * 150
        finally:
            tracemalloc.stop()


def _many(count: int) -> Iterator[object]:
    return ({"reference": n, "customerName": f"Customer {n}"} for n in range(count))


class TestRead:
    """A later pass, in which rows are sent."""

    VALUES: tuple[object, ...] = (
        *named("A", "A"),
        {"status": "active"},
        5,
        *named("B"),
    )

    @pytest.mark.parametrize("item_key", [None, "reference"], ids=["body", "key"])
    def test_same(self, item_key: str | None) -> None:
        """Each pass gives the same rows, and rejects the same for the same reasons."""
        values = [*self.VALUES, *keyed("C-1", "C-1", "C-2", None)]
        rows = of(values, Rules(item_key=item_key))
        survey = rows.survey()
        found = list(rows.read())
        assert found == list(rows.read())
        assert [each.number for each in found] == list(range(1, 10))
        rejected = [each for each in found if isinstance(each, Rejected)]
        assert tuple(rejected) == survey.rejected
        assert len(items(found)) == survey.total - survey.invalid

    @pytest.mark.parametrize("item_key", [None, "reference"], ids=["body", "key"])
    @pytest.mark.parametrize(
        ("after", "number"),
        [
            pytest.param([("C-1", "A"), ("C-2", "X")], 2, id="another body"),
            pytest.param([("C-1", "A"), ("C-9", "X")], 2, id="another row"),
            pytest.param([("C-1", "A"), ("C-9", "B")], 2, id="another key"),
            pytest.param([("C-2", "B"), ("C-1", "A")], 1, id="another order"),
            pytest.param([("C-1", "A")], 2, id="one less"),
            pytest.param([("C-1", "A"), ("C-2", "B"), ("C-3", "C")], 3, id="one more"),
            pytest.param([("C-1", "A"), ("C-1", "A")], 2, id="repeated"),
            pytest.param([("C-1", "A"), (None, [])], 2, id="invalid by now"),
            pytest.param([], 1, id="nothing left"),
        ],
    )
    def test_changed(
        self, item_key: str | None, after: list[tuple[object, object]], number: int
    ) -> None:
        """A source that is not what was checked is not read on."""
        source = [("C-1", "A"), ("C-2", "B")]
        rows = Rows(
            lambda: (
                {"status": "Active", "reference": key, "customerName": name}
                for key, name in source
            ),
            Rules(item_key=item_key),
        )
        rows.survey()
        source[:] = after
        reading = rows.read()
        for _ in range(number - 1):
            next(reading)
        with pytest.raises(SourceChanged, match=f"row {number} is not what"):
            next(reading)

    def test_mended(self) -> None:
        """A row that was rejected and is valid by now was never checked as such."""
        values: list[object] = [{"status": "active"}]
        rows = of(values)
        rows.survey()
        values[:] = named("A")
        with pytest.raises(SourceChanged, match="row 1 is not what"):
            next(rows.read())

    def test_one_at_a_time(self) -> None:
        """No row is read before it is asked for."""
        taken: list[int] = []

        def source() -> Iterator[object]:
            for number, value in enumerate(named("A", "B", "C")):
                taken.append(number)
                yield value

        rows = Rows(source, Rules())
        rows.survey()
        taken.clear()
        next(rows.read())
        assert taken == [0]


class TestLines:
    """The lines of a file, good and bad."""

    def test_layout(self) -> None:
        """Blank lines, Windows' line ends and byte order marks make no difference."""
        raw = (b"\xef\xbb\xbf" + GOOD, b"\n", b" \t\r\n", GOOD + b"\r\n", GOOD)
        rows = of_lines(*raw)
        rows.survey()
        assert items(rows.read()) == items(read([{"status": "Active"}] * 3))

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            pytest.param(
                b'{"status": "canary-7731}',
                "line 3: is not JSON: Unterminated string starting at column 12; "
                "each line must be one JSON object",
                id="cut",
            ),
            pytest.param(
                b"customerName,canary-7731",
                "line 3: is not JSON: Expecting value at column 1; "
                "each line must be one JSON object",
                id="CSV",
            ),
            pytest.param(
                b"  customerName\r\n",
                "line 3: is not JSON: Expecting value at column 3; "
                "each line must be one JSON object",
                id="indented",
            ),
            pytest.param(
                GOOD + GOOD,
                "line 3: is not JSON: Extra data at column 21; "
                "each line must be one JSON object",
                id="two in a line",
            ),
            pytest.param(
                b'["canary-7731"]',
                'line 3: must be one object, such as {"customerName": ...}',
                id="list",
            ),
            pytest.param(
                b"null",
                'line 3: must be one object, such as {"customerName": ...}',
                id="null",
            ),
            pytest.param(
                b'{"customerName": "canary-7731 \xe9"}',
                "line 3: is not UTF-8 at byte 31; write the file in UTF-8",
                id="Latin-1",
            ),
            pytest.param(
                b'{"status": "Active", "status": "canary-7731"}',
                "status: stands more than once in the same object",
                id="repeated name",
            ),
            pytest.param(
                b'{"status": "Active", "phone": NaN}',
                "phone: is beyond the numbers that JSON readers share; send it as text",
                id="NaN",
            ),
            pytest.param(
                b'{"status": "Active", "phone": 1e999}',
                "phone: is beyond the numbers that JSON readers share; send it as text",
                id="huge number",
            ),
            pytest.param(
                b'{"a":' * 100_000,
                "line 3: is nested too deeply to be read; "
                "each line must be one JSON object",
                id="deep",
            ),
        ],
    )
    def test_bad(self, line: bytes, message: str) -> None:
        """A bad line is a problem of its row; it is named, and never quoted."""
        rows = of_lines(GOOD, b"\n", line, GOOD)
        assert told(rows) == [(2, [message])]
        assert [type(each) for each in rows.read()] == [Row, Rejected, Row]


class TestList:
    """The rows of an argument, as templates and XComs bring them."""

    ROWS = ({"status": "Active"}, {"status": "Archived"})

    @pytest.mark.parametrize(
        "value",
        [
            pytest.param(list(ROWS), id="list"),
            pytest.param(ROWS, id="tuple"),
            pytest.param(UserList(ROWS), id="lazy sequence"),
            pytest.param(json.dumps(ROWS), id="JSON"),
            pytest.param(repr(list(ROWS)), id="rendered"),
        ],
    )
    def test_good(self, value: object) -> None:
        """A list may come as a sequence or as text."""
        assert rows_of_list(value) == list(self.ROWS)

    def test_rows_are_judged_one_by_one(self) -> None:
        """A bad row in a text of JSON is that row's problem alone."""
        text = '[{"status": "Active"}, {"status": "a", "status": "Active"}, [1], NaN]'
        assert [number for number, _ in told(of(rows_of_list(text)))] == [2, 3, 4]

    @pytest.mark.parametrize(
        ("value", "message"),
        [
            pytest.param({"customerName": CANARY}, "one object was given", id="dict"),
            pytest.param('{"a": "canary-7731"}', "one object was given", id="text"),
            pytest.param(b"[]", "bytes was given", id="bytes"),
            pytest.param(iter(ROWS), "tuple_iterator was given", id="generator"),
            pytest.param(5, "int was given", id="number"),
            pytest.param('"canary-7731"', "str was given", id="text in text"),
        ],
    )
    def test_no_list(self, value: object, message: str) -> None:
        """What is no list is named, and not shown."""
        with pytest.raises(SettingsInvalid, match=message) as caught:
            rows_of_list(value)
        assert CANARY not in str(caught.value)

    @pytest.mark.parametrize("value", [None, "", "None"], ids=["None", "empty", "text"])
    def test_nothing(self, value: object) -> None:
        """When nothing arrived, it is said that the task before gave nothing."""
        with pytest.raises(PayloadInvalid, match="the task before gave nothing"):
            rows_of_list(value)

    def test_unreadable(self) -> None:
        """A text that is no list is refused without being quoted."""
        with pytest.raises(PayloadInvalid, match="neither JSON nor") as caught:
            rows_of_list(f"[{CANARY}")
        assert CANARY not in str(caught.value)

    def test_limit(self) -> None:
        """A longer list is refused with what to do instead."""
        assert len(rows_of_list([{}] * 1000)) == 1000
        with pytest.raises(SettingsInvalid, match=r"1,001 rows.*customers_path"):
            rows_of_list([{}] * 1001)
        with pytest.raises(SettingsInvalid, match="up to 2"):
            rows_of_list("[1, 2, 3]", limit=2)


class TestDigests:
    """A compact dict."""

    @given(
        st.lists(
            st.tuples(
                # Few last bytes, so that many digests want the same slot.
                st.builds(
                    lambda n, end: n.to_bytes(7) + bytes([end]),
                    st.integers(0, 3),
                    st.sampled_from([0, 1, 255]),
                ),
                st.integers(1, 2**32 - 1),
            )
        )
    )
    def test_like_a_dict(self, pairs: list[tuple[bytes, int]]) -> None:
        """It holds what a dict would hold."""
        compact, plain = Digests(), dict[bytes, int]()
        for digest, number in pairs:
            assert (digest in compact) == (digest in plain)
            assert compact.setdefault(digest, 7) == plain.setdefault(digest, 7)
            compact[digest] = plain[digest] = number
        assert len(compact) == len(plain)
        assert all(compact.get(each) == number for each, number in plain.items())

    def test_growth(self) -> None:
        """It grows, and loses nothing, also where all digests want one slot."""
        digests = [(n << 40).to_bytes(8) for n in range(1100)]
        compact = Digests()
        for number, digest in enumerate(digests, 1):
            compact[digest] = number
        assert [compact.get(each) for each in digests] == list(range(1, 1101))
        assert compact.get(b"absent!!") == 0
