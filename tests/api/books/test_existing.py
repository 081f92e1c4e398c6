"""The laws of telling whether a customer is in the books already."""

import json
import unicodedata
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_codat.api.books.existing import (
    Existing,
    Match,
    checked_match_on,
    copied,
    existing,
)
from airflow_provider_codat.api.data_types import CUSTOMERS
from airflow_provider_codat.api.errors import (
    PayloadInvalid,
    RefreshFailed,
    SettingsInvalid,
    StillInProgress,
)
from airflow_provider_codat.api.http.exchange import Conversation, Patience, drive
from airflow_provider_codat.api.http.request import Reply, Request, Response
from airflow_provider_codat.api.models import Destination, Json
from airflow_provider_codat.api.pace.rate_limit import Pace

if TYPE_CHECKING:
    from tests.api.conftest import MovableClock

COMPANY = "8a210b68-6988-11ed-a1eb-0242ac120002"
PLACE = Destination(COMPANY, "2e9d2c44-f675-40ba-8049-353bfcb5e171")
DATASET = str(UUID(int=0xA))
FEN = {
    "id": "1",
    "customerName": "Fen & Söhne Bakery Ltd.",
    "emailAddress": "desk@fen.example",
    "taxNumber": "GB 123 4567",
}
Customer = dict[str, Any]
MATCH_ON = CUSTOMERS.identifying


def books(*records: Customer, match_on: tuple[str, ...] = MATCH_ON) -> Existing:
    made = Existing(match_on)
    for record in records:
        made.add(record)
    return made


def ids(found: tuple[Match, ...]) -> list[str]:
    return [match.record_id for match in found]


# --- what is the same


# A property; what is asked for; what the books say; whether that is the same.
SPELLINGS: dict[str, tuple[str, Json, Json, bool]] = {
    "verbatim": ("customerName", "Fen", "Fen", True),
    "upper case": ("customerName", "Straße", "STRASSE", True),
    "blanks around": ("customerName", " Fen ", "Fen", True),
    "blanks within": ("customerName", "Fen  Bakery", "FenBakery", True),
    "signs": ("customerName", "Fen & Söhne, Ltd.", "Fen Söhne Ltd", True),
    "full width": ("customerName", "\uff26\uff45\uff4e", "Fen", True),
    "another composition": ("customerName", "S\u00f6hne", "So\u0308hne", True),
    "a number": ("customerName", 4711, "4711", True),
    "half a character": ("customerName", "Fen \ud83c", "Fen \ud83c", True),
    "another name": ("customerName", "Fen", "Moor", False),
    "a part of it": ("customerName", "Fen Bakery", "Fen", False),
    "a mark that tells": ("customerName", "कमल", "कमला", False),
    "a tax number in groups": ("taxNumber", "GB 123 4567", "gb1234567", True),
    "a tax number without its country": ("taxNumber", "GB1234567", "1234567", False),
    "an e-mail in capitals": ("emailAddress", " A@B.Example", "a@b.example", True),
    "an e-mail without its dot": ("emailAddress", "a.b@d.at", "ab@d.at", False),
    "an e-mail with a plus": ("emailAddress", "a+b@d.at", "a.b@d.at", False),
    "e-mail, half a sign": ("emailAddress", "a\ud83c@d.at", "A\ud83c@d.at", True),
    "an id in capitals": ("id", "fen-1", "FEN-1", True),
    "an id without its sign": ("id", "fen-1", "FEN1", False),
    "an id without its blank": ("id", "fen 1", "fen1", False),
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "asked", "read", "same"), SPELLINGS.values(), ids=SPELLINGS
)
def test_every_way_in_which_a_value_is_kept(
    name: str, asked: Json, read: Json, *, same: bool
) -> None:
    """Software respells names and numbers, and of e-mail and id only the case."""
    for payload, record in ((asked, read), (read, asked)):
        found = books({"id": "7", name: record}, match_on=(name,)).find({name: payload})
        assert bool(found) is same


BLANK = {
    "none": None,
    "an empty text": "",
    "white space": " \t\N{NO-BREAK SPACE}",
    "signs": "-",
    "signs of an e-mail": "@.",
}


@pytest.mark.parametrize("name", MATCH_ON)
@pytest.mark.parametrize("blank", BLANK.values(), ids=BLANK)
def test_what_is_blank_is_never_the_same(blank: Json, name: str) -> None:
    """Two customers without an e-mail are two customers."""
    asked = {"customerName": "Moor", "taxNumber": "9", "emailAddress": "a@moor.example"}
    payload = {**asked, name: blank}
    assert books({**FEN, name: blank}).find(payload) == ()


def test_properties_are_not_mixed_up() -> None:
    """A name that somebody has as a tax number is not that customer."""
    record = {"id": "7", "customerName": "4711"}
    assert books(record).find({"taxNumber": "4711"}) == ()


def test_one_equal_property_is_enough() -> None:
    """All that are equal are named, in the order in which they are looked for."""
    asked = {"taxNumber": "GB1234567", "customerName": "FEN SÖHNE BAKERY LTD"}
    assert books(FEN).find({**asked, "emailAddress": "a@moor.example"}) == (
        Match("1", ("customerName", "taxNumber")),
    )
    assert books(FEN).find({"taxNumber": "GB1234567"}) == (Match("1", ("taxNumber",)),)


def test_only_what_the_author_names_is_compared() -> None:
    """An equal name is no match where customers are told apart by their e-mail."""
    made = books(FEN, match_on=("emailAddress",))
    asked = {**FEN, "emailAddress": "other@fen.example"}
    assert made.find(asked) == ()
    assert ids(made.find({"emailAddress": "DESK@fen.example"})) == ["1"]


def test_all_records_are_found_the_most_alike_first() -> None:
    """Two that are equally like it come in the order of the books."""
    made = books(
        {"id": "a", "customerName": "Fen"},
        {"id": "b", "customerName": "Moor"},
        {"id": "c", "customerName": "FEN", "taxNumber": "1"},
        {"id": "d", "taxNumber": "1"},
    )
    found = made.find({"customerName": "fen", "taxNumber": "1"})
    assert ids(found) == ["c", "a", "d"]


DELETED: dict[str, tuple[Customer, bool]] = {
    "deleted": ({"metadata": {"isDeleted": True}}, False),
    "not deleted": ({"metadata": {"isDeleted": False}}, True),
    "nobody tells": ({"metadata": {"isDeleted": None}}, True),
    "no metadata": ({"metadata": None}, True),
    "archived": ({"status": "Archived"}, True),
}


@pytest.mark.parametrize(("more", "counts"), DELETED.values(), ids=DELETED)
def test_what_is_deleted_does_not_count(more: Customer, *, counts: bool) -> None:
    """An archived customer is in the books; a deleted one is not."""
    assert bool(books({**FEN, **more}).find(FEN)) is counts


@pytest.mark.parametrize(("record_id", "told"), [(None, ""), ("", ""), (42, "42")])
def test_a_record_without_an_id_counts(record_id: Json, told: str) -> None:
    """It is there, whatever it is called."""
    assert ids(books({**FEN, "id": record_id}).find(FEN)) == [told]


def test_a_record_that_comes_twice_is_one() -> None:
    """Pages may show it twice."""
    assert ids(books(FEN, FEN).find(FEN)) == ["1"]


@pytest.mark.parametrize(
    "payload",
    [None, [], "Fen", 7, {}, {"phone": "1"}, {"customerName": " "}, {"taxNumber": "!"}],
    ids=repr,
)
def test_what_cannot_be_looked_for(payload: Json) -> None:
    """A payload without any of the properties is an error, not a new customer."""
    with pytest.raises(PayloadInvalid, match="needs one of customerName, emailAddress"):
        books(FEN).find(payload)


def test_nothing_of_a_customer_is_kept() -> None:
    """What is remembered shows ids, and no name."""
    assert "Fen" not in repr(vars(books(FEN)))
    assert "fen" not in repr(vars(books(FEN)))


# --- match_on


@pytest.mark.parametrize(
    "match_on",
    [("customerName",), ["id"], {"phone": 1}, ("registrationNumber", "contactName")],
    ids=str,
)
def test_texts_that_an_author_may_write_can_be_looked_for(match_on: Any) -> None:  # noqa: ANN401 - any collection
    """They come back as given."""
    assert checked_match_on(match_on) == tuple(match_on)


def test_a_property_that_is_named_twice_counts_once() -> None:
    """It would be compared twice otherwise."""
    assert checked_match_on(("id", "phone", "id")) == ("id", "phone")


WRONG: dict[str, tuple[Any, str]] = {
    "no property": (("name",), "'name'"),
    "one among others": (("customerName", "email"), "names 'email'"),
    "a list": (("addresses",), "'addresses'"),
    "a choice": (("status",), "'status'"),
    "what Codat writes": (("modifiedDate",), "'modifiedDate'"),
    "a path": (("contacts[0].name",), "contacts"),
    "nothing": ((), "must be a list of names"),
    "a text": ("customerName", "must be a list of names"),
    "no text": ((None,), "None"),
}


@pytest.mark.parametrize(("match_on", "words"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_looked_for_is_named(match_on: Any, words: str) -> None:  # noqa: ANN401 - anything
    """A slip in match_on would otherwise let every customer pass as new."""
    with pytest.raises(SettingsInvalid) as raised:
        Existing(match_on)
    assert words in str(raised.value)
    assert "customerName" in str(raised.value)


# --- the same as the long way round


VALUES = st.sampled_from([None, "", "-", "Fen", "fen ", "F.E.N", "a@b", "A@B", "a b"])
PROPERTIES = st.fixed_dictionaries(dict.fromkeys((*MATCH_ON, "id"), VALUES))
RECORDS = st.builds(
    lambda record, deleted: {**record, "metadata": {"isDeleted": deleted}},
    PROPERTIES,
    st.booleans(),
)


def plain(name: str, value: str | None) -> str:
    """Spell a value as it is compared: written without a look at the code."""
    text = unicodedata.normalize("NFKC", value or "").casefold()
    letters = "".join(c for c in text if c.isalnum())
    return text.strip() if letters and name in {"id", "emailAddress"} else letters


@given(
    records=st.lists(RECORDS, max_size=12),
    payload=PROPERTIES,
    match_on=st.lists(st.sampled_from([*MATCH_ON, "id"]), min_size=1, unique=True),
)
def test_it_agrees_with_the_comparison_of_each_with_each(
    records: list[Customer], payload: Customer, match_on: list[str]
) -> None:
    """What is found is what a look at every record finds, by the same properties."""
    made = books(*records, match_on=tuple(match_on))
    expected: dict[str, set[str]] = {}
    for record in records:
        same = {
            name
            for name in match_on
            if plain(name, payload[name])
            and plain(name, payload[name]) == plain(name, record[name])
        }
        if same and not record["metadata"]["isDeleted"]:
            expected.setdefault(record["id"] or "", set()).update(same)
    if not any(plain(name, payload[name]) for name in match_on):
        with pytest.raises(PayloadInvalid):
            made.find(payload)
        return
    found = made.find(payload)
    assert {each.record_id: set(each.matched_on) for each in found} == expected
    assert len(found) == len(expected)
    sizes = [len(each.matched_on) for each in found]
    assert sizes == sorted(sizes, reverse=True)


# --- reading the copy


def answer(status: int, body: object) -> Response:
    return Response(status, {}, json.dumps(body).encode(), 0.0)


class Copy:
    """Codat's copy of the customers, that changes between two pages.

    :param names: of its customers, the latest change first; a name is an id, too.
    :param page_size: the most that a page holds, whatever is asked for.
    :param links: whether a page names the next one.
    :param counts: whether a page tells how many there are.
    """

    def __init__(
        self, names: str, page_size: int, *, links: bool = True, counts: bool = True
    ) -> None:
        self.names = list(names)
        self.before_request: dict[int, Callable[[list[str]], None]] = {}
        self.requests: list[Request] = []
        self._page_size, self._links, self._counts = page_size, links, counts

    def send(self, request: Request) -> Reply:
        self.requests.append(request)
        assert request.path == f"/companies/{COMPANY}/data/customers"
        self.before_request.get(len(self.requests), lambda _: None)(self.names)
        query = dict(parse_qsl(request.query))
        assert query["orderBy"] == "-modifiedDate"
        end = int(query["page"]) * self._page_size
        shown = self.names[end - self._page_size : end]
        body: Customer = {
            "results": [{"id": each, "customerName": each} for each in shown]
        }
        if self._links and end < len(self.names):
            body["_links"] = {"next": {"href": "/more"}}
        if self._counts:
            body["totalResults"] = len(self.names)
        return answer(200, body)


@pytest.fixture
def read(
    clock: "MovableClock", patience: Callable[..., Patience]
) -> Callable[[Copy], str]:
    """Read a copy; return the names in it that are found."""

    def do(copy: Copy) -> str:
        known = drive(copied(PLACE, CUSTOMERS, patience()), copy.send, clock.sleep)
        return "".join(c for c in "ABCDEFGHIJ" if known.find({"customerName": c}))

    return do


Read = Callable[[Copy], str]


@pytest.mark.parametrize(
    ("names", "requests"), [("", 1), ("A", 1), ("AB", 1), ("ABC", 2), ("ABCDE", 3)]
)
def test_all_pages_are_read_once(names: str, requests: int, read: Read) -> None:
    """A copy that does not change is walked once, in pages of a thousand."""
    copy = Copy(names, 2)
    assert read(copy) == names
    pages = [dict(parse_qsl(each.query)) for each in copy.requests]
    assert [page["page"] for page in pages] == [str(n + 1) for n in range(requests)]
    assert {page["pageSize"] for page in pages} == {"1000"}


@pytest.mark.parametrize(
    ("switches", "walks"),
    [
        pytest.param({"links": False}, 1, id="no page names the next"),
        pytest.param({"counts": False}, 2, id="no page tells how many there are"),
    ],
)
def test_a_list_that_tells_less_is_read_all_the_same(
    switches: dict[str, bool], walks: int, read: Read
) -> None:
    """One of the two is enough; without a number a second walk has to show the same."""
    copy = Copy("ABCDE", 2, **switches)
    assert read(copy) == "ABCDE"
    assert len(copy.requests) == walks * 3


# What happens before the second of three pages of ABCDE, two on each.
CHANGES: dict[str, Callable[[list[str]], None]] = {
    "one before is taken out": lambda names: names.remove("A"),
    "one is new": lambda names: names.insert(0, "F"),
    "one for another": lambda names: names.__setitem__(0, "F"),
    "one to come is changed": lambda names: names.insert(0, names.pop()),
    "one before is changed": lambda names: names.insert(0, names.pop(1)),
    "another order": lambda names: names.sort(reverse=True),
    "the first is the last": lambda names: names.append(names.pop(0)),
}


@pytest.mark.parametrize(
    ("at", "counts"),
    [(2, True), (2, False), (5, False)],
    ids=["counted", "not counted", "in the second walk"],
)
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_moves_to_another_page_is_seen(
    change: Callable[[list[str]], None], at: int, read: Read, *, counts: bool
) -> None:
    """Whatever is in the copy from the first page to the last is found."""
    copy = Copy("ABCDE", 2, counts=counts)
    copy.before_request[at] = change
    found = read(copy)
    assert set("ABCDE") & set(copy.names) <= set(found)
    assert set(found) <= {*"ABCDE", *copy.names}


def put_in(names: list[str], number: int) -> None:
    names.insert(0, f"new {number}")


def change(names: list[str], number: int) -> None:
    names.insert(0, names.pop(number % len(names)))


def take_out(names: list[str], number: int) -> None:
    names.pop(number % len(names))


@given(
    page_size=st.integers(2, 3),
    changes=st.lists(
        st.tuples(
            st.integers(1, 8),
            st.sampled_from([put_in, change, take_out]),
            st.integers(0, 7),
        ),
        max_size=6,
    ),
)
def test_nothing_passes_by_unseen(
    page_size: int, changes: list[tuple[int, Callable[[list[str], int], None], int]]
) -> None:
    """However the copy changes while it is read, what stays in it is found.

    Or else it is said that the copy does not rest.
    """
    copy = Copy("ABCDEFG", page_size)
    for request in range(1, 9):
        due = [(do, number) for at, do, number in changes if at == request]
        copy.before_request[request] = lambda names, due=due: [
            do(names, number) for do, number in due if names
        ]
    patience = Patience(1, Pace(900), clock=lambda: 0.0, dice=lambda: 0.5)
    known = drive(copied(PLACE, CUSTOMERS, patience), copy.send)
    stayed = [name for name in "ABCDEFG" if name in copy.names]
    assert all(known.find({"customerName": name}) for name in stayed)


def test_a_copy_that_never_rests_is_not_believed(read: Read) -> None:
    """Where each walk differs from those before, one may always have passed unseen."""
    copy = Copy("ABCDE", 2)
    for number in range(2, 200):
        copy.before_request[number] = lambda names: names.insert(0, f"n{len(names)}")
    with pytest.raises(StillInProgress, match="read 5 times and changed each time"):
        read(copy)


def test_a_list_shorter_than_it_says_is_not_believed(read: Read) -> None:
    """Where a thousand are announced and two shown, the others are not absent."""
    copy = Copy("AB", 2)
    send = copy.send

    def boast(request: Request) -> Reply:
        reply = send(request)
        assert isinstance(reply, Response)
        return answer(200, {**json.loads(reply.body), "totalResults": 1000})

    copy.send = boast  # type: ignore[method-assign] # the test's own server
    with pytest.raises(StillInProgress):
        read(copy)


@pytest.mark.parametrize(
    ("total", "walks"),
    [(2, 1), ("2", 2), (None, 2), (True, 2), (-1, 2), ([2], 2)],
    ids=repr,
)
def test_two_records_with_one_id_are_both_found(
    total: Json, walks: int, clock: "MovableClock", patience: Callable[..., Patience]
) -> None:
    """A company's list has those of all of its connections, each with its own ids.

    A number of records that is none makes a second walk, and no mistake.
    """
    records = [{"id": "1", "customerName": name} for name in ("Fen", "Moor")]
    page = answer(200, {"results": records, "totalResults": total})
    sent: list[Request] = []

    def send(request: Request) -> Reply:
        sent.append(request)
        return page

    known = drive(copied(PLACE, CUSTOMERS, patience()), send, clock.sleep)
    assert ids(known.find({"customerName": "Fen"})) == ["1"]
    assert ids(known.find({"customerName": "Moor"})) == ["1"]
    assert len(sent) == walks


# --- with a refresh before


def pull(status: str) -> Response:
    return answer(
        200,
        {
            "id": DATASET,
            "companyId": COMPANY,
            "connectionId": PLACE.connection_id,
            "dataType": "customers",
            "status": status,
            "isCompleted": status == "Complete",
            "isErrored": "Error" in status,
        },
    )


def looked(
    patience: Patience, *, match_on: tuple[str, ...] = MATCH_ON, seconds: float = 60
) -> Conversation[Existing]:
    return existing(
        PLACE,
        CUSTOMERS,
        patience,
        match_on=match_on,
        keys=lambda: str(UUID(int=1)),
        deadline=patience.clock() + seconds,
    )


def test_the_books_are_read_once_the_refresh_has_ended(
    clock: "MovableClock", patience: Callable[..., Patience]
) -> None:
    """The copy is asked for what the connection's books hold now."""
    asked: list[str] = []
    page = answer(200, {"results": [FEN], "totalResults": 1})
    replies = [pull("Fetching"), pull("Mapping"), pull("Complete"), page]

    def send(request: Request) -> Reply:
        asked.append(f"{request.method} {request.path}?{request.query}")
        return replies.pop(0)

    known = drive(looked(patience()), send, clock.sleep)
    assert ids(known.find(FEN)) == ["1"]
    data = f"/companies/{COMPANY}/data"
    assert asked == [
        f"POST {data}/queue/customers?connectionId={PLACE.connection_id}",
        *[f"GET {data}/history/{DATASET}?"] * 2,
        f"GET {data}/customers?page=1&pageSize=1000&orderBy=-modifiedDate",
    ]


@pytest.mark.parametrize(
    ("status", "error"),
    [("AuthError", RefreshFailed), ("Queued", StillInProgress)],
)
def test_books_that_cannot_be_read_are_not_empty(
    status: str,
    error: type[Exception],
    clock: "MovableClock",
    patience: Callable[..., Patience],
) -> None:
    """A refresh that fails, or does not end in time, never means an empty list."""
    with pytest.raises(error):
        drive(looked(patience()), lambda _: pull(status), clock.sleep)


def test_a_slip_in_match_on_costs_no_request(
    clock: "MovableClock", patience: Callable[..., Patience]
) -> None:
    """It is told before anything is sent."""
    sent: list[Request] = []
    with pytest.raises(SettingsInvalid):
        drive(looked(patience(), match_on=("name",)), sent.append, clock.sleep)  # type: ignore[arg-type] # nothing is to be sent
    assert sent == []
