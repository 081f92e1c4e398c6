"""The laws of telling many: which record belongs to which create, and which to none."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs
from uuid import UUID, uuid5

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from airflow_provider_codat.api.books.comparison import NameMatch
from airflow_provider_codat.api.books.record_match import match_record
from airflow_provider_codat.api.create.matching import Suspects, matched
from airflow_provider_codat.api.create.reconcile import candidates, reconcile
from airflow_provider_codat.api.create.search import Claims, Finding, Search
from airflow_provider_codat.api.data_types import CUSTOMERS
from airflow_provider_codat.api.http.exchange import Patience, drive
from airflow_provider_codat.api.http.request import Reply, Request, Response
from airflow_provider_codat.api.http.response import push_operation
from airflow_provider_codat.api.models import Destination, Json
from airflow_provider_codat.api.pace.rate_limit import Pace
from airflow_provider_codat.simulator.clock import utc_text

if TYPE_CHECKING:
    from tests.api.conftest import MovableClock

COMPANY = "8a210b68-6988-11ed-a1eb-0242ac120002"
CONNECTION = "2e9d2c44-f675-40ba-8049-353bfcb5e171"
SECOND = "11111111-54c8-4e4c-9e0e-3a0f3f5d1c11"
NOW = 1_772_323_200.0
SKEW = 300.0
WINDOW = (NOW - 60.0, NOW)


def key_of(name: str) -> str:
    """Return the key of the push operation that a test calls so."""
    return str(uuid5(UUID(int=0), name))


def search(payload: Json, owner: str, claims: Claims, **changes: Any) -> Search:  # noqa: ANN401 - any field
    made = Search(
        destination=Destination(COMPANY, CONNECTION),
        data_type=CUSTOMERS,
        payload=payload,
        windows=(WINDOW,),
        ours=frozenset(),
        expected=frozenset(),
        owner=owner,
        claims=claims,
    )
    return replace(made, **changes)


def pushed(
    name: str,
    status: str = "Success",
    at: float = NOW,
    connection: str = CONNECTION,
    **more: object,
) -> dict[str, Any]:
    """Return a push operation as Codat lists it; its record's id is its name."""
    reference = {"id": name, "dataType": "customers"}
    return {
        "pushOperationKey": key_of(name),
        "companyId": COMPANY,
        "dataConnectionKey": connection,
        "dataType": "customers",
        "requestedOnUtc": utc_text(at),
        "status": status,
        "changes": [{"type": "Created", "recordRef": reference}],
        **more,
    }


# --- who gets what, once everything was compared ---

# What is looked for: its payload, a blank, the equal records, and after ~ those that
# are unclear; with ! Codat said yes to it. What it gets: the letter of a record, ""
# for nothing, and for what cannot be told all suspects after a question mark.
MATCHES: dict[str, tuple[list[str], list[str]]] = {
    "one, and nothing": (["p "], [""]),
    "one, and its record": (["p A"], ["A"]),
    "one, and two records": (["p AB"], ["?AB"]),
    "one, and an unclear one": (["p ~A"], ["?A"]),
    "one, its record and an unclear one": (["p A~B"], ["?AB"]),
    "two equal, and nothing": (["p ", "p "], ["", ""]),
    "two equal, and one record": (["p A", "p A"], ["A", ""]),
    "two equal, and two records": (["p AB", "p AB"], ["A", "B"]),
    "two equal, and three records": (["p ABC", "p ABC"], ["?ABC", "?ABC"]),
    "two equal, and an unclear one": (["p ~A", "p ~A"], ["?A", "?A"]),
    "two equal, one record and an unclear one": (["p A~B", "p A~B"], ["?AB", "?AB"]),
    "three equal, and two records": (["p AB"] * 3, ["A", "B", ""]),
    "those first that Codat said yes to": (["p A", "p! A", "p A"], ["", "A", ""]),
    "different ones": (["p A", "q B", "r "], ["A", "B", ""]),
    "different ones, one of them unclear": (["p A", "q ~B"], ["A", "?B"]),
    "different ones, one of them twice": (["p AB", "q C"], ["?AB", "C"]),
    "what is unclear belongs to another": (["p A", "q ~A"], ["A", ""]),
    "what is unclear belongs to another, in turn": (["q ~A", "p A"], ["", "A"]),
    "each is like the other's": (["p A~B", "q B~A"], ["A", "B"]),
    "three in a ring": (["p A~B", "q B~C", "r C~A"], ["A", "B", "C"]),
    "a chain": (["r ~B", "q B~A", "p A"], ["", "B", "A"]),
    "a chain that hangs on what nobody has": (
        ["p A~B", "q B~C", "r ~C"],
        ["?AB", "?BC", "?C"],
    ),
    "two of each, like the other's": (
        ["p A~B", "p A~B", "q B~A", "q B~A"],
        ["A", "", "B", ""],
    ),
    "a record that equals two": (["p A", "q A"], ["?A", "?A"]),
    "two records that equal two": (["p AB", "q AB"], ["?AB", "?AB"]),
    "a record that equals two, and one of its own": (["p AB", "q B"], ["?AB", "?B"]),
    "what is unclear equals two others": (["p A", "q A", "r ~A"], ["?A", "?A", "?A"]),
    "what is unclear is one of too many": (["p AB", "q ~A"], ["?AB", "?A"]),
    "what is left of the suspects is named": (["p AB~C", "q C"], ["?AB", "C"]),
    "equal, at other times": (["p A", "p B", "p "], ["A", "B", ""]),
    "equal, at times that overlap": (["p A", "p AB"], ["?A", "?AB"]),
    "equal, when another's is taken away": (["p A", "p A~B", "q B"], ["A", "", "B"]),
}


def suspects_of(text: str) -> Suspects:
    head, _, rest = text.partition(" ")
    same, _, unclear = rest.partition("~")
    payload = head[0].encode()
    return Suspects(payload, tuple(map(key_of, same)), tuple(map(key_of, unclear)))


def match(texts: Sequence[str], claims: Claims) -> list[Finding]:
    """Match what a table writes down."""
    names = "".join(texts)
    found = {key_of(n): push_operation(pushed(n)) for n in names if n.isupper()}
    searches = [
        search({}, f"owner {number}", claims, promised="!" in text)
        for number, text in enumerate(texts)
    ]
    return matched(searches, [suspects_of(text) for text in texts], found)


def said(finding: Finding, names: str = "ABC") -> str:
    """Write a finding as the tables do, and see that it says one thing alone."""
    letters = {key_of(name): name for name in names}
    operation = finding.operation
    ways = [operation is not None, finding.nothing, bool(finding.candidates)]
    assert sum(ways) == 1, finding
    assert bool(finding.reason) is (operation is None)
    if operation is not None:
        return letters[operation.key]
    unclear = "".join(letters[key] for key in finding.candidates)
    return f"?{unclear}" if unclear else ""


@pytest.mark.parametrize(("texts", "expected"), MATCHES.values(), ids=MATCHES)
def test_who_gets_what(texts: list[str], expected: list[str]) -> None:
    """One operation has one owner; nothing is said only where nothing is left over."""
    assert list(map(said, match(texts, Claims()))) == expected
    backwards = list(map(said, match(texts[::-1], Claims())))
    assert Counter(backwards) == Counter(expected), "the order must not matter"


@pytest.mark.parametrize(
    ("texts", "taken", "expected"),
    [
        pytest.param(["p A"], "A", ["?A"], id="one"),
        pytest.param(["p AB", "p AB"], "A", ["?A", "B"], id="two of one kind"),
        pytest.param(["p A", "p A"], "A", ["?A", ""], id="one of two"),
        pytest.param(["p A", "q ~A", "r B"], "A", ["?A", "", "B"], id="of many"),
    ],
)
def test_what_another_has_taken_is_not_adopted(
    texts: list[str], taken: str, expected: list[str]
) -> None:
    """What was claimed since the list was read is named, and nobody else gets it."""
    claims = Claims()
    assert claims.claim(key_of(taken), "somebody else")
    assert list(map(said, match(texts, claims))) == expected


def test_what_is_adopted_is_claimed() -> None:
    """Who adopts an operation has it from then on; what is not told stays free."""
    claims = Claims()
    match(["p A", "q BC"], claims)
    assert not claims.is_free(key_of("A"), "owner 1")
    assert claims.is_free(key_of("B"), "anybody")
    assert claims.is_free(key_of("C"), "anybody")


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        pytest.param(
            ["p AB~C"],
            "2 of the push operations of that time made an equal record, and of 1 it "
            "cannot be told",
            id="one",
        ),
        pytest.param(
            ["p A", "q A", "r B"],
            "1 of the push operations of that time made an equal record, and of 0 it "
            "cannot be told; 2 records are looked for that are equal to these",
            id="shared",
        ),
    ],
)
def test_why_it_cannot_be_told(texts: list[str], words: str) -> None:
    """A person is told how many suspects there are, and how many look for the same."""
    assert match(texts, Claims())[0].reason == words


# --- in conversation with Codat ---

FEN: dict[str, Json] = {"customerName": "Fen Bakery", "emailAddress": "fen@x.example"}
FEN_BY_PHONE: dict[str, Json] = {**FEN, "phone": "01632 960000"}
MOOR: dict[str, Json] = {"customerName": "Moor & Sons", "emailAddress": "m@y.example"}
FEN_LIMITED: dict[str, Json] = {**FEN, "customerName": "Fen Bakery Ltd"}


class Books:
    """Answers as Codat does from a list of push operations and their records.

    :param clock: what moves on while a conversation waits.
    """

    def __init__(self, clock: "Callable[[], float]") -> None:
        self.clock = clock
        self.entries: list[dict[str, Any]] = []
        self.records: dict[str, dict[str, Any]] = {}
        self.refused: set[str] = set()
        self.asked: list[str] = []

    def add(
        self,
        name: str,
        customer: dict[str, Json] | None,
        **changes: Any,  # noqa: ANN401 - any field
    ) -> str:
        """Add an operation and, unless it is None, its record; return its key."""
        self.entries.append(pushed(name, **changes))
        if customer is not None:
            modified = self.entries[-1]["requestedOnUtc"]
            self.records[name] = {**customer, "id": name, "modified": modified}
        return key_of(name)

    def send(self, request: Request) -> Reply:
        *_, above, last = request.path.split("/")
        query = {name: each[0] for name, each in parse_qs(request.query).items()}
        match above, last:
            case _, "push":
                assert query["page"] == "1"
                self.asked.append("LIST")
                return self.answer({"results": self.entries, "_links": {}})
            case "queue", "customers":
                self.asked.append(f"REFRESH {query['connectionId'][:2]}")
                return self.answer(self.refreshed(query["connectionId"]))
            case "data", "customers":
                self.asked.append("CUSTOMERS")
                since = query["query"].removeprefix("modifiedDate>=")
                shown = [r for r in self.records.values() if r["modified"] >= since]
                return self.answer({"results": shown, "_links": {}})
        self.asked.append(f"READ {last}")
        return self.answer(self.records.get(last))

    def refreshed(self, connection: str) -> dict[str, object]:
        status = "FetchError" if connection in self.refused else "Complete"
        return {
            "id": key_of("refresh"),
            "companyId": COMPANY,
            "connectionId": connection,
            "dataType": "customers",
            "status": status,
            "requested": utc_text(NOW),
            "isCompleted": status == "Complete",
            "isErrored": status != "Complete",
        }

    def answer(self, body: object) -> Response:
        missing = {"statusCode": 404, "error": "Unknown.", "correlationId": "x"}
        data = json.dumps(body or missing).encode()
        return Response(200 if body else 404, {}, data, self.clock())


class Asking:
    """Asks the books for many at once."""

    def __init__(self, clock: "MovableClock", patience: Patience) -> None:
        clock.advance(NOW - clock())
        self.clock = clock
        self.patience = patience
        self.books = Books(clock)
        self.claims = Claims()

    def wanted(self, payload: Json, **changes: Any) -> Search:  # noqa: ANN401 - any field
        return search(payload, str(object()), self.claims, **changes)

    def __call__(self, *searches: Search) -> list[Finding]:
        asking = reconcile(searches, self.patience)
        return drive(asking, self.books.send, self.clock.sleep)


@pytest.fixture
def asking(clock: "MovableClock", patience: Callable[..., Patience]) -> Asking:
    return Asking(clock, patience())


def test_many_are_told_at_the_price_of_one(asking: Asking) -> None:
    """Two walks, one refresh and one reading back serve all that is in doubt."""
    for name, customer in [("A", FEN), ("B", MOOR), ("C", FEN), ("D", FEN)]:
        asking.books.add(name, customer)
    found = asking(*map(asking.wanted, [FEN, MOOR, FEN, FEN, FEN]))
    assert [said(each, "ABCD") for each in found] == ["A", "B", "C", "D", ""]
    assert asking.books.asked == ["LIST", "LIST", "REFRESH 2e", "CUSTOMERS"]


def test_each_connection_is_refreshed_for_itself(asking: Asking) -> None:
    """A copy that cannot be renewed leaves only those unknown that are in it."""
    asking.books.add("A", FEN)
    asking.books.add("B", FEN, connection=SECOND)
    there = Destination(COMPANY, SECOND)
    asking.books.refused = {SECOND}
    lost = asking.wanted(FEN, destination=there)
    # Nothing that is listed there is of the time of this one.
    early = {"windows": ((NOW - 9000.0, NOW - 8000.0),)}
    asking.books.add("C", None, at=NOW - 8500.0, status="TimedOut")
    searches = [lost, asking.wanted(FEN), asking.wanted(FEN, **early)]
    found = asking(*searches, replace(searches[-1], destination=there))
    assert list(map(said, found)) == ["?B", "A", "?C", ""]
    assert ["FetchError" in each.reason for each in found] == [True, *[False] * 3]
    assert asking.books.asked == [*["LIST"] * 2, "REFRESH 11", "REFRESH 2e", "READ A"]


def test_nothing_is_refreshed_where_nothing_can_be_read(asking: Asking) -> None:
    """A refresh is started for records alone."""
    asking.books.add("A", None, status="TimedOut")
    found = asking(asking.wanted(FEN), asking.wanted(MOOR))
    assert list(map(said, found)) == ["?A", "?A"]
    assert asking.books.asked == ["LIST", "LIST"]


def test_each_looks_at_its_own_time_alone(asking: Asking) -> None:
    """The earliest sets how far back the list is read; nobody has what is not of its.

    An unclear one of another time does not keep anybody from being told.
    """
    early = (NOW - 9000.0, NOW - 8000.0)
    asking.books.add("A", FEN)
    asking.books.add("B", FEN, at=NOW - 8500.0)
    asking.books.add("C", None, at=NOW - 8600.0, status="TimedOut")
    for name in "DE":
        asking.books.add(name, MOOR, at=NOW - 8400.0)
    found = asking(asking.wanted(FEN), asking.wanted(FEN, windows=(early,)))
    assert list(map(said, found)) == ["A", "?BC"]
    assert asking.books.asked[-2:] == ["REFRESH 2e", "CUSTOMERS"]


def test_the_list_has_to_name_what_any_expects(asking: Asking) -> None:
    """A list that lacks what one of them knows is out of date for all of them."""
    late = asking.books.add("B", MOOR)
    entry = asking.books.entries.pop()
    asking.books.add("A", FEN)
    ours = frozenset({late})
    knowing = asking.wanted(MOOR, ours=ours, expected=ours)
    searches = [asking.wanted(FEN, ours=ours), knowing]
    asked = asking.books.asked
    conversation = reconcile(searches, asking.patience)

    def send(request: Request) -> Reply:
        if len(asked) == 3:
            asking.books.entries.append(entry)
        return asking.books.send(request)

    found = drive(conversation, send, asking.clock.sleep)
    assert asked.count("LIST") == 4
    assert list(map(said, found)) == ["A", ""]


def test_what_a_batch_knows_is_nobodys(asking: Asking) -> None:
    """What is ours may be anything that holds keys; nothing in it is a suspect."""
    ours = {asking.books.add("A", FEN): "a row that is done"}
    found = asking(asking.wanted(FEN, ours=ours), asking.wanted(MOOR, ours=ours))
    assert list(map(said, found)) == ["", ""]
    assert asking.books.asked == ["LIST", "LIST"]


def test_the_suspects_of_many_are_named_from_one_look(asking: Asking) -> None:
    """Each is told what fits it, by the list alone."""
    asking.books.add("A", FEN)
    asking.books.add("B", FEN, connection=SECOND)
    there = Destination(COMPANY, SECOND)
    searches = [asking.wanted(FEN), asking.wanted(FEN, destination=there)]
    looking = candidates(searches, asking.patience)
    found = drive(looking, asking.books.send, asking.clock.sleep)
    assert found == [(key_of("A"),), (key_of("B"),)]
    assert asking.books.asked == ["LIST"]


# --- drawn at random ---

BODIES = [FEN, FEN_BY_PHONE, FEN_LIMITED, MOOR]
TIMES = [(NOW - 100.0, NOW - 90.0), (NOW - 800.0, NOW - 700.0), (NOW - 800.0, NOW)]
FATES = ["made", "made", "not made", "TimedOut", "not in the books", "upper-cased"]


@dataclass(frozen=True)
class Row:
    """A row whose answer was lost, or a stranger's create.

    :param body: which of the bodies it sends.
    :param time: in which of the windows.
    :param late: whether Codat took it at the end of the window.
    """

    body: int
    time: int
    late: bool
    fate: str


def rows(bodies: int = len(BODIES), times: int = len(TIMES)) -> st.SearchStrategy[Row]:
    return st.builds(
        Row,
        st.integers(0, bodies - 1),
        st.integers(0, times - 1),
        st.booleans(),
        st.sampled_from(FATES),
    )


def told(
    looked_for: Sequence[Row], strangers: Sequence[Row]
) -> tuple[list[Search], list[Finding], Books]:
    """Let Codat take what was sent, in the order of time, and ask for what is lost."""
    now = [NOW]
    books, claims = Books(lambda: now[0]), Claims()
    for number, row in enumerate([*looked_for, *strangers]):
        if row.fate == "not made":
            continue
        customer = dict(BODIES[row.body])
        if row.fate == "upper-cased":
            customer["customerName"] = str(customer["customerName"]).upper()
        kept = row.fate not in {"TimedOut", "not in the books"}
        status = "TimedOut" if row.fate == "TimedOut" else "Success"
        at = TIMES[row.time][row.late]
        books.add(str(number), customer if kept else None, status=status, at=at)
    searches = [
        search(BODIES[row.body], f"{number}", claims, windows=(TIMES[row.time],))
        for number, row in enumerate(looked_for)
    ]
    patience = Patience(120.0, Pace(900), clock=books.clock, dice=lambda: 0.5)

    def sleep(seconds: float) -> None:
        now[0] += seconds

    found = drive(reconcile(searches, patience), books.send, sleep)
    return searches, found, books


def compared(one: Search, books: Books, how: NameMatch) -> set[str]:
    """Return the keys of what fits a search, and compares so with it."""
    found = set()
    for entry in books.entries:
        operation = push_operation(entry)
        record = books.records.get(str(operation.record_id))
        if operation.status != "Success" or record is None:
            is_so = how is NameMatch.UNCLEAR
        else:
            is_so = match_record(one.payload, record, CUSTOMERS) is how
        free = replace(one, claims=Claims())
        if is_so and free.fits(operation):
            found.add(operation.key)
    return found


drawn = settings(
    max_examples=500,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
MADE = Row(0, 0, late=False, fate="made")
LOST = replace(MADE, fate="not made")


@drawn
@given(st.lists(rows(), min_size=1, max_size=7), st.lists(rows(), max_size=3))
@example([MADE, replace(MADE, body=1)], [])
@example([LOST, MADE], [MADE])
def test_whatever_is_drawn(looked_for: list[Row], strangers: list[Row]) -> None:
    """No two have one operation, and none is missed: nothing is created twice.

    What is adopted is equal. Nothing is said only where each equal record belongs to
    somebody, and so does each that is unclear. Of equal rows, as many are left to be
    created anew as were not created, or fewer.
    """
    searches, found, books = told(looked_for, strangers)
    adopted = [each.operation.key for each in found if each.operation]
    assert len(adopted) == len(set(adopted)), "one operation has two owners"
    for one, finding in zip(searches, found, strict=True):
        same = compared(one, books, NameMatch.SAME)
        unclear = compared(one, books, NameMatch.UNCLEAR)
        if finding.operation:
            assert finding.operation.key in same
        if finding.nothing:
            assert same | unclear <= set(adopted), "a record is left over"
        if finding.candidates:
            assert set(finding.candidates) == (same | unclear) - set(adopted)
    made = Counter(row.body for row in looked_for if row.fate != "not made")
    anew = Counter(
        row.body for row, each in zip(looked_for, found, strict=True) if each.nothing
    )
    sought = Counter(row.body for row in looked_for)
    assert all((made + anew)[body] <= sought[body] for body in sought)


@drawn
@given(st.data(), st.lists(rows(), min_size=2, max_size=7))
def test_the_order_does_not_matter(data: st.DataObject, looked_for: list[Row]) -> None:
    """Of equal rows equally many get a record, nothing, or no word."""
    searches, found, books = told(looked_for, [])
    order = data.draw(st.permutations(range(len(searches))))
    claims = Claims()
    shuffled = [replace(searches[number], claims=claims) for number in order]
    patience = Patience(120.0, Pace(900), clock=books.clock, dice=lambda: 0.5)
    again = drive(reconcile(shuffled, patience), books.send, lambda _seconds: None)
    before = zip(looked_for, found, strict=True)
    after = zip((looked_for[number] for number in order), again, strict=True)
    assert by_body(before) == by_body(after)


def by_body(found: Iterable[tuple[Row, Finding]]) -> Counter[tuple[int, str]]:
    return Counter((row.body, said_shortly(each)) for row, each in found)


def said_shortly(finding: Finding) -> str:
    return "record" if finding.operation else "nothing" if finding.nothing else "?"


@drawn
@given(
    st.lists(
        st.tuples(st.sampled_from([0, 2, 3]), st.booleans()), min_size=1, max_size=9
    )
)
def test_what_can_be_told_is_told(drawn_rows: list[tuple[int, bool]]) -> None:
    """Where every record can be read, and all were sent at one time, all is told.

    That one of them resembles another keeps nobody from being told.
    """
    looked_for = [
        Row(body, 0, late=False, fate="made" if made else "not made")
        for body, made in drawn_rows
    ]
    _, found, _ = told(looked_for, [])
    words = {"made": "record", "not made": "nothing"}
    expected = Counter((row.body, words[row.fate]) for row in looked_for)
    assert by_body(zip(looked_for, found, strict=True)) == expected


@drawn
@given(rows(), st.lists(rows(), max_size=4))
def test_one_alone_is_told_as_it_always_was(row: Row, strangers: list[Row]) -> None:
    """Adopted is the only one that is equal, and only where nothing is left unclear."""
    (one,), (finding,), books = told([row], strangers)
    same = compared(one, books, NameMatch.SAME)
    unclear = compared(one, books, NameMatch.UNCLEAR)
    assert finding.nothing is (not same | unclear)
    assert bool(finding.operation) is (len(same) == 1 and not unclear)
