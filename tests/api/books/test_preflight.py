"""The laws of asking whether a connection can be written through."""

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_codat.api.books.preflight import (
    Readiness,
    can_create,
    only_connection,
)
from airflow_provider_codat.api.errors import (
    CodatError,
    CodatFaulted,
    ConnectionUnusable,
    Malformed,
    NotAuthorised,
    NotFound,
    RateLimited,
    SettingsInvalid,
    Unreachable,
)
from airflow_provider_codat.api.http.exchange import (
    Conversation,
    Patience,
    adrive,
    drive,
)
from airflow_provider_codat.api.http.request import NoAnswer, Reply, Request, Response
from airflow_provider_codat.api.pace.rate_limit import Pace

if TYPE_CHECKING:
    from tests.api.conftest import MovableClock

T = TypeVar("T")
COMPANY = "8a210b68-6988-11ed-a1eb-0242ac120002"
A, B, C = (f"2e9d2c44-f675-40ba-8049-353bfcb5e17{digit}" for digit in "abc")
INTEGRATION = "6f1c2b1e-5a34-4c1d-9f6b-0d4a5e7c8b10"
CONNECTIONS = f"/companies/{COMPANY}/connections"
SECRET = "https://link.invalid/start?otp=123456"


def connection(connection_id: str = A, **more: object) -> dict[str, Any]:
    """Return a connection as Codat shows it; None leaves a property out."""
    shown = {
        "id": connection_id,
        "integrationId": INTEGRATION,
        "integrationKey": "hbql",
        "sourceType": "Accounting",
        "platformName": "Ledger 50",
        "linkUrl": SECRET,
        "redirect": SECRET,
        "status": "Linked",
        "connectionInfo": {"secret": SECRET},
        **more,
    }
    return {name: value for name, value in shown.items() if value is not None}


def features(state: str, data_type: str = "customers") -> list[dict[str, Any]]:
    return [
        {
            "dataType": data_type,
            "supportedFeatures": [
                {"featureType": "Get", "featureState": "Release"},
                {"featureType": "Post", "featureState": state},
                {"featureType": "Put", "featureState": "NotImplemented"},
            ],
        }
    ]


def integration(**more: object) -> dict[str, Any]:
    return {
        "key": "hbql",
        "integrationId": INTEGRATION,
        "isOfflineConnector": False,
        "datatypeFeatures": features("Release"),
        **more,
    }


def answer(status: int, body: object = b"") -> Response:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status, {}, data, 0.0)


ABSENT = answer(404, {"error": "Not found.", "correlationId": "a1b2c3"})


class Server:
    """Answers GETs by their paths; a list, in pages; another reply, as it is.

    :param replies: by path. What is not named is absent.
    """

    def __init__(self, replies: dict[str, Any], page_size: int = 100) -> None:
        self._replies = replies
        self._page_size = page_size
        self.asked: list[str] = []

    def send(self, request: Request) -> Reply:
        assert (request.method, request.body, request.idempotency_key) == (
            "GET",
            None,
            None,
        )
        self.asked.append(request.path)
        reply = self._replies.get(request.path, ABSENT)
        if isinstance(reply, Response | NoAnswer):
            return reply
        if isinstance(reply, dict):
            return answer(200, reply)
        end = int(dict(parse_qsl(request.query))["page"]) * self._page_size
        links = {"next": {"href": "/more"}} if end < len(reply) else {}
        shown = reply[end - self._page_size : end]
        return answer(200, {"results": shown, "_links": links})


def company(*connections: dict[str, Any], **integrations: Any) -> dict[str, Any]:  # noqa: ANN401 - replies
    """Return the replies of a Codat with one company."""
    return {
        CONNECTIONS: list(connections),
        **{f"{CONNECTIONS}/{each['id']}": each for each in connections},
        **{f"/integrations/{key}": reply for key, reply in integrations.items()},
    }


Ask = Callable[[Conversation[T], Server], T]


@pytest.fixture(params=["drive", "adrive"])
def ask(request: pytest.FixtureRequest, clock: "MovableClock") -> Ask[Any]:
    """Carry out a conversation in a worker, or as a trigger does."""

    def asynchronously(conversation: Conversation[T], server: Server) -> T:
        with ThreadPoolExecutor(1) as executor:
            return asyncio.run(
                adrive(conversation, server.send, executor, clock.asleep)
            )

    if request.param == "adrive":
        return asynchronously
    return lambda conversation, server: drive(conversation, server.send, clock.sleep)


Patient = Callable[..., Patience]


def no_secret(words: object) -> bool:
    return "otp" not in str(words) and "link.invalid" not in str(words)


# --- a connection that is named


def test_what_codat_tells_of_a_connection(
    ask: Ask[Readiness], patience: Patient
) -> None:
    """Two GETs tell all; what is well has no remark."""
    server = Server(company(connection(), hbql=integration()))
    found = ask(can_create(COMPANY.upper(), A.upper(), patience()), server)
    assert found == Readiness(
        company_id=COMPANY,
        connection_id=A,
        platform_name="Ledger 50",
        integration_key="hbql",
        status="Linked",
        is_offline=False,
        supports_create=True,
        feature_state="Release",
        remarks=(),
    )
    assert server.asked == [f"{CONNECTIONS}/{A}", "/integrations/hbql"]


# What the connection says otherwise; what the error has to say.
UNUSABLE: dict[str, tuple[dict[str, object], str]] = {
    "PendingAuth": ({"status": "PendingAuth"}, "has not finished linking"),
    "Unlinked": ({"status": "Unlinked"}, "somebody has unlinked it"),
    "Deauthorized": ({"status": "Deauthorized"}, "authorise it again"),
    "in lower case": ({"status": "deauthorized"}, "authorise it again"),
    "another status": ({"status": "Paused"}, "only a connection that is Linked"),
    "Banking": ({"sourceType": "Banking"}, "not lead to accounting software"),
    "BankFeed": ({"sourceType": "BankFeed"}, "not lead to accounting software"),
    "Commerce": ({"sourceType": "Commerce"}, "not lead to accounting software"),
    "Expense": ({"sourceType": "Expense"}, "not lead to accounting software"),
    "Other": ({"sourceType": "Other"}, "not lead to accounting software"),
}


@pytest.mark.parametrize(("more", "words"), UNUSABLE.values(), ids=UNUSABLE)
def test_connections_that_nothing_can_be_written_through(
    more: dict[str, object], words: str, ask: Ask[Readiness], patience: Patient
) -> None:
    """Each has its own advice; the integration is not even asked for."""
    server = Server(company(connection(**more), hbql=integration()))
    with pytest.raises(ConnectionUnusable) as raised:
        ask(can_create(COMPANY, A, patience()), server)
    assert words in str(raised.value)
    assert "Ledger 50" in str(raised.value)
    assert A in str(raised.value)
    assert no_secret(raised.value)
    assert server.asked == [f"{CONNECTIONS}/{A}"]


@pytest.mark.parametrize(
    "more",
    [{"status": "LINKED", "sourceType": "accounting"}, {"status": "linked"}],
    ids=str,
)
def test_the_case_of_codats_words_is_its_own(
    more: dict[str, object], ask: Ask[Readiness], patience: Patient
) -> None:
    """Linked is linked in any case."""
    server = Server(company(connection(**more), hbql=integration()))
    assert ask(can_create(COMPANY, A, patience()), server).remarks == ()
    assert ask(only_connection(COMPANY, patience()), server) == A


@pytest.mark.parametrize("kind", [None, "Unknown", 7], ids=str)
def test_a_connection_of_no_known_type_is_let_pass(
    kind: object, ask: Ask[Readiness], patience: Patient
) -> None:
    """What Codat does not tell forbids nothing; it is a remark."""
    server = Server(company(connection(sourceType=kind), hbql=integration()))
    found = ask(can_create(COMPANY, A, patience()), server)
    assert found.remarks == (
        "Codat does not tell whether Ledger 50 is accounting software",
    )


def test_a_connection_of_another_company(
    ask: Ask[Readiness], patience: Patient
) -> None:
    """The error lists the connections that the company has."""
    server = Server(company(connection(A), connection(B, status="Unlinked")))
    with pytest.raises(ConnectionUnusable) as raised:
        ask(can_create(COMPANY, C, patience()), server)
    assert str(raised.value).splitlines() == [
        f"the company has no connection {C}. Its connections:",
        f"  - Ledger 50: {A}, Accounting, Linked",
        f"  - Ledger 50: {B}, Accounting, Unlinked",
    ]


def test_a_company_that_does_not_exist(ask: Ask[Any], patience: Patient) -> None:
    """404 for its list of connections is no matter of a connection."""
    for asking in (
        can_create(COMPANY, A, patience()),
        can_create(COMPANY, None, patience()),
        only_connection(COMPANY, patience()),
    ):
        with pytest.raises(NotFound):
            ask(asking, Server({}))


@pytest.mark.parametrize(
    "reply",
    [connection(B), connection(status=None), {"id": A}, {}, answer(200, [])],
    ids=["another", "without status", "nothing else", "nothing", "no object"],
)
def test_an_answer_that_describes_no_such_connection(
    reply: object, ask: Ask[Readiness], patience: Patient
) -> None:
    """It is not believed, whatever it says; another try may get a better one."""
    server = Server({f"{CONNECTIONS}/{A}": reply})
    with pytest.raises(Malformed):
        ask(can_create(COMPANY, A, patience(0)), server)


# --- what the integration can do


@pytest.mark.parametrize(
    "state", ["NotSupported", "NotImplemented", "notsupported", "notimplemented"]
)
def test_an_integration_that_cannot_create(
    state: str, ask: Ask[Readiness], patience: Patient
) -> None:
    """What Codat positively denies is an error, in Codat's own word."""
    known = integration(datatypeFeatures=features(state))
    server = Server(company(connection(), hbql=known))
    words = f"Ledger 50 cannot create customers through Codat.* says {state}"
    with pytest.raises(ConnectionUnusable, match=words):
        ask(can_create(COMPANY, A, patience()), server)


# Codat's word; whether it can; what the author should know.
STATES: dict[str, tuple[bool | None, str]] = {
    "Release": (True, ""),
    "release": (True, ""),
    "Beta": (True, "is in beta"),
    "Alpha": (True, "is in alpha"),
    "alpha": (True, "is in alpha"),
    "Deprecated": (True, "is deprecated"),
    "Retired": (None, "does not tell whether Ledger 50 can create customers"),
    "": (None, "does not tell whether Ledger 50 can create customers"),
}


@pytest.mark.parametrize("state", STATES)
def test_every_state_of_a_feature(
    state: str, ask: Ask[Readiness], patience: Patient
) -> None:
    """Alpha, Beta and Deprecated can be used, with a remark; so can what is unknown."""
    can, words = STATES[state]
    known = integration(datatypeFeatures=features(state))
    found = ask(
        can_create(COMPANY, A, patience()), Server(company(connection(), hbql=known))
    )
    assert (found.supports_create, found.feature_state) == (can, state)
    assert len(found.remarks) == bool(words)
    assert words in "".join(found.remarks)


LOWER = [
    {
        "datatype": "CUSTOMERS",
        "supportedfeatures": [{"featuretype": "post", "featurestate": "notsupported"}],
    }
]
EXAMPLE = [
    {
        "datatype": "customers",
        "supportedFeatures": [{"featureType": "post", "featureState": "beta"}],
    }
]


def test_keys_and_words_in_any_case(ask: Ask[Readiness], patience: Patient) -> None:
    """Codat's reference spells them in one way and its examples in another."""
    known = integration(datatypeFeatures=LOWER)
    with pytest.raises(ConnectionUnusable):
        ask(
            can_create(COMPANY, A, patience()),
            Server(company(connection(), hbql=known)),
        )
    known = integration(datatypeFeatures=EXAMPLE)
    server = Server(company(connection(), hbql=known))
    assert ask(can_create(COMPANY, A, patience()), server).feature_state == "beta"


@pytest.mark.parametrize(
    ("states", "told"),
    [
        (("NotSupported", "Release"), "Release"),
        (("Deprecated", "Beta"), "Beta"),
        (("NotImplemented", "Odd"), "Odd"),
    ],
)
def test_of_several_states_the_most_hopeful_counts(
    states: tuple[str, ...], told: str, ask: Ask[Readiness], patience: Patient
) -> None:
    """Only what is certain forbids a write."""
    listed = [each for state in states for each in features(state)]
    known = integration(datatypeFeatures=listed)
    server = Server(company(connection(), hbql=known))
    assert ask(can_create(COMPANY, A, patience()), server).feature_state == told


UNTOLD: dict[str, object] = {
    "another data type": features("NotSupported", "invoices"),
    "no creating": [{"dataType": "customers", "supportedFeatures": []}],
    "no features": [{"dataType": "customers"}],
    "null": None,
    "an empty list": [],
    "a text": "customers",
    "a list of texts": ["customers"],
    "features that are none": [
        {"dataType": "customers", "supportedFeatures": ["Post", None, {}]}
    ],
}


@pytest.mark.parametrize("listed", UNTOLD.values(), ids=UNTOLD)
def test_what_an_integration_does_not_list_is_unknown(
    listed: object, ask: Ask[Readiness], patience: Patient
) -> None:
    """A data type, or a feature, that is not listed forbids nothing: it is a remark."""
    known = integration(datatypeFeatures=listed)
    server = Server(company(connection(), hbql=known))
    found = ask(can_create(COMPANY, A, patience()), server)
    assert (found.supports_create, found.feature_state) == (None, "")
    assert found.remarks == (
        "Codat does not tell whether Ledger 50 can create customers",
    )


def test_another_data_type_can_be_asked_for(
    ask: Ask[Readiness], patience: Patient
) -> None:
    """Each has its own states."""
    listed = features("NotSupported") + features("Release", "chartOfAccounts")
    known = integration(datatypeFeatures=listed)
    asking = can_create(COMPANY, A, patience(), data_type="chartOfAccounts")
    assert ask(asking, Server(company(connection(), hbql=known))).supports_create


@pytest.mark.parametrize(
    ("offline", "told", "remarks"),
    [(True, True, 1), (False, False, 0), (None, None, 0), ("true", None, 0)],
)
def test_software_on_a_computer_of_the_companys(
    offline: object, told: object, remarks: int, ask: Ask[Readiness], patience: Patient
) -> None:
    """Writes wait while it is off; the remark names the argument that bounds this."""
    known = integration(isOfflineConnector=offline)
    found = ask(
        can_create(COMPANY, A, patience()), Server(company(connection(), hbql=known))
    )
    assert found.is_offline is told
    assert len(found.remarks) == remarks
    assert all("timeout_in_minutes" in remark for remark in found.remarks)


# --- which integration it is


OTHERS = [{"key": f"k{n:03}", "integrationId": str(n)} for n in range(250)]


@pytest.mark.parametrize("key", [None, "", "..", "a/b", "gone", 7], ids=str)
def test_an_integration_is_found_by_its_id(
    key: object, ask: Ask[Readiness], patience: Patient
) -> None:
    """Older connections have no key; all pages of the integrations are read."""
    known = integration(integrationId=INTEGRATION.upper())
    replies = company(connection(integrationKey=key))
    server = Server({**replies, "/integrations": [*OTHERS, known]})
    found = ask(can_create(COMPANY, A, patience()), server)
    assert found.supports_create
    assert found.integration_key == (key if key and key != 7 else "hbql")
    assert server.asked[-3:] == ["/integrations"] * 3


DENIED = answer(403, {"error": "Not for this key.", "correlationId": "a1b2c3"})


@pytest.mark.parametrize(
    ("more", "replies"),
    [
        pytest.param({"integrationKey": None}, {"/integrations": OTHERS}, id="absent"),
        pytest.param(
            {"integrationKey": None, "integrationId": None},
            {
                "/integrations": [
                    *OTHERS,
                    {"datatypeFeatures": features("NotSupported")},
                ]
            },
            id="neither key nor id",
        ),
        pytest.param({}, {"/integrations/hbql": DENIED}, id="not for this key"),
        pytest.param(
            {"integrationKey": None}, {"/integrations": DENIED}, id="no list for it"
        ),
        pytest.param({}, {"/integrations/hbql": answer(402)}, id="not in the plan"),
        pytest.param({}, {}, id="no such route"),
    ],
)
def test_an_integration_that_nobody_tells_of(
    more: dict[str, object],
    replies: dict[str, Any],
    ask: Ask[Readiness],
    patience: Patient,
) -> None:
    """A key that may write need not be allowed to ask; then nothing is known."""
    server = Server({**company(connection(**more)), **replies})
    found = ask(can_create(COMPANY, A, patience()), server)
    assert (found.supports_create, found.is_offline) == (None, None)
    assert found.remarks == (
        "Codat does not tell whether Ledger 50 can create customers",
    )


# --- the one connection


@pytest.mark.parametrize("page_size", [1, 2, 100])
def test_the_one_that_can_be_written_through(
    page_size: int, ask: Ask[str], patience: Patient
) -> None:
    """It is found among all the others, on whichever page it stands."""
    replies = company(
        connection(A, status="Unlinked"),
        connection(B, sourceType="Banking"),
        connection(C.upper()),
        hbql=integration(),
    )
    replies[CONNECTIONS].append(connection(C))  # a page may show it again
    server = Server(replies, page_size)
    assert ask(only_connection(COMPANY.upper(), patience()), server) == C
    found = ask(can_create(COMPANY, None, patience()), server)
    assert (found.connection_id, found.feature_state) == (C, "Release")


def test_none_that_can_be_written_through(ask: Ask[Any], patience: Patient) -> None:
    """All that the company has are listed: names, ids, types and statuses alone."""
    server = Server(
        company(
            connection(A, status="PendingAuth"),
            connection(B, sourceType="Commerce", platformName=None),
            connection(C, sourceType=None),
        )
    )
    for asking in (
        only_connection(COMPANY, patience()),
        can_create(COMPANY, None, patience()),
    ):
        with pytest.raises(ConnectionUnusable) as raised:
            ask(asking, server)
        first, *listed = str(raised.value).splitlines()
        assert first.endswith("connection to write through. Its connections:")
        assert listed == [
            f"  - Ledger 50: {A}, Accounting, PendingAuth",
            f"  - unnamed: {B}, Commerce, Linked",
            f"  - Ledger 50: {C}, of no type, Linked",
        ]


def test_a_company_without_connections(ask: Ask[str], patience: Patient) -> None:
    """It is said that there are none."""
    with pytest.raises(ConnectionUnusable, match="Its connections: none"):
        ask(only_connection(COMPANY, patience()), Server(company()))


def test_several_that_may_be_meant(ask: Ask[Any], patience: Patient) -> None:
    """Nobody guesses: the author has to name one of those that are listed."""
    replies = company(connection(A), connection(B, status="Unlinked"), connection(C))
    for asking in (
        only_connection(COMPANY, patience()),
        can_create(COMPANY, None, patience()),
    ):
        with pytest.raises(SettingsInvalid) as raised:
            ask(asking, Server(replies))
        first, *listed = str(raised.value).splitlines()
        assert "2 linked accounting connections" in first
        assert first.endswith("name the one to write through as connection_id:")
        assert listed == [
            f"  - Ledger 50: {A}, Accounting, Linked",
            f"  - Ledger 50: {C}, Accounting, Linked",
        ]
        assert no_secret(raised.value)


def test_a_name_of_several_lines_stands_on_one(
    ask: Ask[Any], patience: Patient
) -> None:
    """No name that Codat sends looks like another connection in the list."""
    replies = company(connection(A, platformName="Ledger\n  - 50"), connection(C))
    with pytest.raises(SettingsInvalid) as raised:
        ask(only_connection(COMPANY, patience()), Server(replies))
    assert len(str(raised.value).splitlines()) == 3


# --- what breaks on the way


BROKEN: dict[str, tuple[Reply, type[CodatError]]] = {
    "no answer": (NoAnswer("the connection broke"), Unreachable),
    "gateway": (answer(502, b"<html>"), CodatFaulted),
    "500": (answer(500, {"error": "Down."}), CodatFaulted),
    "429": (answer(429), RateLimited),
    "no JSON": (answer(200, b"<html>"), Malformed),
    "no list": (answer(200, {}), Malformed),
    "a list of texts": (answer(200, {"results": ["a"]}), Malformed),
    "an id that is none": (answer(200, {"results": [connection("a")]}), Malformed),
    "401": (answer(401), NotAuthorised),
}


@pytest.mark.parametrize(("reply", "kind"), BROKEN.values(), ids=BROKEN)
def test_a_list_of_connections_that_does_not_come(
    reply: Reply, kind: type[CodatError], ask: Ask[str], patience: Patient
) -> None:
    """It fails as any GET does: nobody takes silence for an empty list."""
    with pytest.raises(CodatError) as raised:
        ask(only_connection(COMPANY, patience(0)), Server({CONNECTIONS: reply}))
    assert type(raised.value) is kind


@pytest.mark.parametrize("how", ["no answer", "gateway", "500", "429", "no JSON"])
def test_an_integration_that_does_not_come(
    how: str, ask: Ask[Readiness], patience: Patient
) -> None:
    """What may pass is not taken for an answer: the task tries again."""
    reply, kind = BROKEN[how]
    server = Server(company(connection(), hbql=reply))
    with pytest.raises(CodatError) as raised:
        ask(can_create(COMPANY, A, patience(0)), server)
    assert type(raised.value) is kind


@pytest.mark.parametrize("wrong", ["", "7", None, "../companies"])
def test_ids_are_looked_at_first(wrong: Any, ask: Ask[Any], patience: Patient) -> None:  # noqa: ANN401 - anything
    """What is no UUID costs no request."""
    server = Server({})
    for asking in (
        only_connection(wrong, patience()),
        can_create(wrong, A, patience()),
        can_create(COMPANY, wrong or "x", patience()),
    ):
        with pytest.raises(ValueError, match="must be a UUID"):
            ask(asking, server)
    assert server.asked == []


ODD = st.recursive(
    st.sampled_from([None, True, 7, "", "customers", "Post"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "dataType",
                    "datatype",
                    "supportedFeatures",
                    "featureType",
                    "featureState",
                ]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(
    shown=st.fixed_dictionaries(
        dict.fromkeys(("platformName", "integrationKey", "integrationId"), ODD)
    ),
    told=st.fixed_dictionaries(
        dict.fromkeys(("datatypeFeatures", "isOfflineConnector", "key"), ODD)
    ),
)
def test_odd_replies_never_break_it(
    shown: dict[str, Any], told: dict[str, Any]
) -> None:
    """Whatever stands where something else is documented, it is an answer."""
    one = {**connection(), **shown}
    server = Server(
        {**company(one), "/integrations": [told, {**told, "integrationId": "1"}]}
    )
    patience = Patience(0, Pace(900), clock=lambda: 0.0, dice=lambda: 0.5)
    found = drive(can_create(COMPANY, A, patience), server.send)
    assert isinstance(found, Readiness)
    assert all(isinstance(remark, str) for remark in found.remarks)
