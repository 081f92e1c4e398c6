"""The laws of reading a payload and of making it JSON."""

import copy
import enum
import json
import math
from collections import OrderedDict, UserDict, namedtuple
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal, localcontext
from types import MappingProxyType
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_codat.api.errors import PayloadInvalid
from airflow_provider_codat.api.payload.canonical import (
    READ_ONLY,
    canonical,
    parse_json,
    read_payload,
    to_json,
    without,
)
from airflow_provider_codat.api.payload.json_values import MAX_DEPTH, at

CANARY = "canary-7731"

Pair = namedtuple("Pair", "first second")  # noqa: PYI024 - the untyped kind is meant


class Status(enum.StrEnum):
    ACTIVE = "Active"


class MixedStatus(str, enum.Enum):  # noqa: UP042 - its str() is not its value
    ACTIVE = "Active"


class Marked(str):
    """Says something else than it is, as markup may."""

    __slots__ = ()

    def __str__(self) -> str:
        return "&lt;"

    def strip(self, chars: str | None = None, /) -> str:
        return f"&lt;{chars}"


class Plain(enum.Enum):
    SECRET = CANARY


class Level(enum.IntEnum):
    HIGH = 3


class NotATime(datetime):
    """Calls itself a datetime and is none, as pandas' NaT does."""

    def isoformat(self, sep: str = "T", timespec: str = "auto") -> str:
        return f"NaT{sep[:0]}{timespec[:0]}"


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(-1e15, 1e15)  # from 1e16 on, repr() writes a whole number
    | st.text(),
    lambda below: (
        st.lists(below, max_size=4) | st.dictionaries(st.text(), below, max_size=4)
    ),
    max_leaves=20,
)


def problems_of(act: Callable[[], object]) -> list[tuple[str, str]]:
    """Return the paths and messages with which a call is refused."""
    with pytest.raises(PayloadInvalid) as caught:
        act()
    assert all(p.rule == "json" for p in caught.value.problems)
    assert all(p.severity == "error" for p in caught.value.problems)
    assert caught.value.__context__ is None, "a context would show in the log"
    return [(p.path, p.message) for p in caught.value.problems]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param({"a": (1, 2)}, {"a": [1, 2]}, id="tuple"),
        pytest.param(Pair(1, 2), [1, 2], id="named tuple"),
        pytest.param(OrderedDict(a=1), {"a": 1}, id="ordered dict"),
        pytest.param(UserDict({"a": 1}), {"a": 1}, id="mapping"),
        pytest.param(MappingProxyType({"a": 1}), {"a": 1}, id="mapping proxy"),
        pytest.param({Status.ACTIVE: 1}, {"Active": 1}, id="StrEnum as a name"),
        pytest.param(Status.ACTIVE, "Active", id="StrEnum"),
        pytest.param(MixedStatus.ACTIVE, "Active", id="str and Enum"),
        pytest.param(Marked("<"), "<", id="subclass of str"),
        pytest.param(Level.HIGH, 3, id="IntEnum"),
        pytest.param(Plain.SECRET, CANARY, id="Enum"),
        pytest.param(Decimal(7), 7, id="whole Decimal"),
        pytest.param(Decimal("1E+3"), 1000, id="Decimal with an exponent"),
        pytest.param(Decimal(9007199254740993), 9007199254740993, id="beyond 2^53"),
        pytest.param(Decimal("7.00"), 7.0, id="Decimal with fraction digits"),
        pytest.param(Decimal("0.1"), 0.1, id="Decimal that a float keeps"),
        pytest.param(date(2022, 10, 23), "2022-10-23", id="date"),
        pytest.param(
            datetime(2021, 11, 15, 6, tzinfo=UTC), "2021-11-15T06:00:00Z", id="UTC"
        ),
        pytest.param(
            datetime(2021, 11, 15, 6),  # noqa: DTZ001 - naive is what is tested
            "2021-11-15T06:00:00",
            id="no zone",
        ),
        pytest.param(
            datetime(2021, 11, 15, 1, tzinfo=timezone(timedelta(hours=-5))),
            "2021-11-15T01:00:00-05:00",
            id="offset",
        ),
        pytest.param(
            UUID("8A210B68-6988-11ED-A1EB-0242AC120002"),
            "8a210b68-6988-11ed-a1eb-0242ac120002",
            id="UUID",
        ),
    ],
)
def test_exact_conversion(value: object, expected: object) -> None:
    """What has an exact counterpart in JSON becomes that, of the plain type."""
    result = to_json(value)
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param({CANARY}, "make it a list", id="set"),
        pytest.param(frozenset({CANARY}), "make it a list", id="frozenset"),
        pytest.param(CANARY.encode(), "bytes is not JSON; decode", id="bytes"),
        pytest.param(time(7, 7), "time is not JSON; send it as text", id="time"),
        pytest.param(timedelta(1), "send it as text", id="timedelta"),
        pytest.param(7j, "complex is not JSON; make it", id="complex"),
        pytest.param(problems_of, "function is not JSON; make it", id="function"),
        pytest.param(math.nan, "finite", id="NaN"),
        pytest.param(-math.inf, "finite", id="infinity"),
        pytest.param(10**400, "send it as text", id="int beyond a double"),
        pytest.param(Decimal("NaN"), "send it as text", id="Decimal NaN"),
        pytest.param(Decimal("sNaN"), "send it as text", id="Decimal signalling NaN"),
        pytest.param(Decimal("1E+999999"), "send it as text", id="huge Decimal"),
        pytest.param(Decimal("1E-999999"), "send it as text", id="tiny Decimal"),
        pytest.param(
            Decimal("0.12345678901234567890"), "send it as text", id="many digits"
        ),
        pytest.param(f"{CANARY}\ud800", "surrogate", id="lone surrogate"),
        pytest.param({7731: 1}, "must be text, not int", id="name that is no text"),
        pytest.param(NotATime(2020, 1, 1, tzinfo=UTC), "no moment", id="NaT"),
    ],
)
def test_inexact_is_refused(value: object, message: str) -> None:
    """What JSON cannot say exactly is refused; the message teaches, and hides."""
    [(path, text)] = problems_of(lambda: to_json({"field": value}))
    assert path == "field"
    assert message in text
    assert CANARY not in text
    assert "7731" not in text


def test_all_at_once() -> None:
    """Every problem is told at once, each with its path, in the document's order."""
    value = {
        "addresses": [{"type": {1}}, {"type": b""}],
        "other name": math.inf,
        "half\ud800": 1,
        "contacts": ({"phone": [Decimal("sNaN")]},),
    }
    assert [path for path, _ in problems_of(lambda: to_json(value))] == [
        "addresses[0].type",
        "addresses[1].type",
        '["other name"]',
        '["half\\ud800"]',
        "contacts[0].phone[0]",
    ]


def test_cycle_is_refused() -> None:
    """A structure that contains itself is a problem, with the place where it closes."""
    value: dict[str, object] = {"a": {}}
    value["a"] = {"b": [value]}
    [(path, text)] = problems_of(lambda: to_json(value))
    assert (path, text) == ("a.b[0]", "contains itself")


def test_shared_is_no_cycle() -> None:
    """The same object in two places is written twice."""
    address = {"type": "Billing"}
    assert to_json([address, address]) == [address, address]


@pytest.mark.parametrize("kind", [list, tuple, dict])
def test_depth_is_bounded(kind: type) -> None:
    """Nesting as deep as allowed passes, one level more is a problem."""

    def nested(levels: int) -> object:
        value: object = 1
        for _ in range(levels):
            value = {"a": value} if kind is dict else kind([value])
        return value

    to_json(nested(MAX_DEPTH))
    for levels in (MAX_DEPTH + 1, 100_000):
        [(_, text)] = problems_of(lambda levels=levels: to_json(nested(levels)))
        assert "levels deep" in text


@given(json_values)
def test_json_is_left_alone(value: object) -> None:
    """JSON stays as it is, and the input is never changed."""
    before = copy.deepcopy(value)
    result = to_json(value)
    assert result == value == before
    assert read_payload(json.dumps([value])) == [value]
    assert read_payload(repr([value])) == [value]


@given(st.decimals() | st.decimals(allow_nan=False, places=2))
def test_decimals_are_never_rounded(number: Decimal) -> None:
    """What becomes of a Decimal, written down again, is that Decimal."""
    try:
        result = to_json(number)
    except PayloadInvalid:
        return
    assert Decimal(json.dumps(result)) == number


def test_decimals_heed_no_context() -> None:
    """The author's decimal context does not change what is sent."""
    with localcontext() as context:
        context.prec = 2
        assert to_json(Decimal("12345.67")) == 12345.67


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"status": "Active", "n": [1, null, true]}', id="JSON"),
        pytest.param('\n  {"status":"Active","n":[1,null,true]}\n', id="blanks"),
        pytest.param("{'status': 'Active', 'n': [1, None, True]}", id="Python"),
        pytest.param("\n {'status': 'Active', 'n': (1, None, True)}\n", id="tuple"),
        pytest.param(
            Marked('{"status": "Active", "n": [1, null, true]}'), id="subclass"
        ),
    ],
)
def test_texts_are_read(text: str) -> None:
    """JSON and Python's way of writing the same are read to the same value."""
    assert read_payload(text) == {"status": "Active", "n": [1, None, True]}


@pytest.mark.parametrize("nothing", [None, "None", " None\n", "null", "", "  "])
def test_nothing_arrived(nothing: object) -> None:
    """Where the upstream gave nothing, the message says how to wire it."""
    [(path, text)] = problems_of(lambda: read_payload(nothing))
    assert path == ""
    assert ".output" in text


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(CANARY, id="word"),
        pytest.param("{'a': datetime.date(2020, 1, 1)}", id="repr of a date"),
        pytest.param(f"{{'a': Decimal('{CANARY}')}}", id="repr of a Decimal"),
        pytest.param(f'{{"a": "{CANARY}"', id="cut JSON"),
        pytest.param("{{ ti.xcom_pull() }}", id="not rendered"),
        pytest.param("{[]: 1}", id="list as a key"),
        pytest.param("{'a': nan}", id="repr of NaN"),
        pytest.param("__import__('os').getcwd()", id="code"),
        pytest.param("\0", id="null character"),
        pytest.param("-" * 50_000 + "1", id="deep sum"),
        pytest.param("(" * 500, id="parentheses"),
    ],
)
def test_unreadable_text(text: str) -> None:
    """Text that is neither form is refused, and the message names the two ways out."""
    [(path, message)] = problems_of(lambda: read_payload(text))
    assert path == ""
    assert "XComArg" in message
    assert "| tojson" in message
    assert CANARY not in message


@given(st.text() | st.text("{}[]()'\":, 1eE+-.jNTnul\\", max_size=30))
def test_no_text_escapes(text: str) -> None:
    """Any text is read or refused; nothing else comes out."""
    try:
        read_payload(text)
    except PayloadInvalid:
        return


@pytest.mark.parametrize(
    ("text", "path"),
    [
        pytest.param('{"a": {"b": 1, "b": 1}}', "a.b", id="repeated name"),
        pytest.param('[{"a": 1, "a": 2, "c": 3}]', "[0].a", id="in a list"),
        pytest.param('{"a": NaN}', "a", id="NaN"),
        pytest.param('{"a": -Infinity}', "a", id="infinity"),
        pytest.param('{"a": 1e400}', "a", id="beyond a double"),
        pytest.param('{"a": 1e99999999999999999999}', "a", id="beyond a Decimal"),
        pytest.param('{"a": 0.12345678901234567890}', "a", id="too many digits"),
        pytest.param(f'{{"a": {"9" * 5000}}}', "a", id="thousands of digits"),
        pytest.param('{"a": "\\ud800"}', "a", id="lone surrogate"),
        pytest.param("{'a': 1, 'a': 2}", "", id="repeated key in Python"),
        pytest.param("[" * 100_000, "", id="absurd depth"),
    ],
)
def test_json_is_read_strictly(text: str, path: str) -> None:
    """Nothing in a text is lost, rounded or guessed without a word."""
    [(found, message)] = problems_of(lambda: read_payload(text))
    assert found == path
    assert "XComArg" not in message


@pytest.mark.parametrize(
    ("text", "where"),
    [
        pytest.param('{"a" 1}', "at column 6", id="one line"),
        pytest.param('{"a": 1,\n "b" 2}', "at line 2 column 6", id="two lines"),
        pytest.param(f'"{CANARY}', "at column 1", id="cut text"),
        pytest.param(f"'{CANARY}'", "at column 1", id="Python is not JSON"),
    ],
)
def test_broken_json_is_located(text: str, where: str) -> None:
    """A text that is not JSON is told with the place, not with its content."""
    [(path, message)] = problems_of(lambda: parse_json(text))
    assert path == ""
    assert message.startswith("is not JSON: ")
    assert message.endswith(where)
    assert CANARY not in message


@given(json_values)
def test_canonical_is_unique(value: object) -> None:
    """Equal values give equal bytes, and the bytes say the value again."""
    written = canonical(to_json(value))
    assert json.loads(written) == value
    assert canonical(json.loads(written)) == written


def test_canonical_form() -> None:
    """Names sorted, no blanks, UTF-8 as it is."""
    value = to_json({"b": "Zoë & Söhne", "a": [1, None, 1.5], "": True})
    assert canonical(value) == '{"":true,"a":[1,null,1.5],"b":"Zoë & Söhne"}'.encode()


@pytest.mark.parametrize("value", [math.nan, math.inf, "\ud800"])
def test_canonical_refuses(value: float | str) -> None:
    """What is no JSON is not written."""
    with pytest.raises(ValueError, match=r"compliant|surrogates"):
        canonical(value)


CUSTOMER = {
    "id": "7",
    "metadata": {},
    "modifiedDate": "2020-01-01",
    "contacts": [{"modifiedDate": "x", "id": "8"}, None, {"name": "Ada"}],
    "supplementalData": {"content": {"o": {"metadata": "mine"}}},
    "addresses": [{"type": "Billing", "metadata": {}}],
}


def test_read_only_properties_are_left_out() -> None:
    """Only the top and the contacts lose properties, all told, nothing mutated."""
    before = copy.deepcopy(CUSTOMER)
    kept, left_out = without(to_json(CUSTOMER), READ_ONLY)
    assert left_out == ("contacts[0].modifiedDate", "metadata", "modifiedDate")
    assert kept == {
        "id": "7",
        "contacts": [{"id": "8"}, None, {"name": "Ada"}],
        "supplementalData": {"content": {"o": {"metadata": "mine"}}},
        "addresses": [{"type": "Billing", "metadata": {}}],
    }
    assert before == CUSTOMER


def test_names_are_the_callers() -> None:
    """``id`` goes only where it is named; no names, no change; a text is one name."""
    assert without({"data": 1, "metadata": 1}, "metadata")[1] == ("metadata",)
    assert without(to_json(CUSTOMER), ["id"])[1] == ("contacts[0].id", "id")
    assert without(to_json(CUSTOMER), ()) == (CUSTOMER, ())


@given(json_values)
def test_without_takes_anything(value: object) -> None:
    """What is not an object is returned as it is, and nothing raises."""
    kept, left_out = without(to_json(value), READ_ONLY)
    assert bool(left_out) == (kept != value)


@given(st.text() | st.text("a", min_size=100))
def test_path_is_one_short_line(name: str) -> None:
    """Whatever a property is called, its path is short and printable ASCII."""
    path = at("contacts[0]", name)
    assert path.startswith("contacts[0]")
    assert path.isascii()
    assert "\n" not in path
    assert len(path) < 1000
