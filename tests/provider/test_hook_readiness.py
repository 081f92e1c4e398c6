"""The laws of what the hook finds out before anything is written."""

from collections.abc import Callable, Iterator

import pytest

from airflow_provider_codat.api import (
    ConnectionUnusable,
    NotAuthorised,
    NotFound,
    PayloadInvalid,
    RefreshFailed,
    SettingsInvalid,
    StillInProgress,
)
from airflow_provider_codat.api.books.existing import Match
from airflow_provider_codat.hooks.codat import CodatHook
from airflow_provider_codat.simulator import (
    SECOND_COMPANY_ID,
    SECOND_CONNECTION_ID,
    THIRD_COMPANY_ID,
    LocalCodat,
)
from airflow_provider_codat.simulator.world import (
    COMMERCE_CONNECTION_ID,
    COMPANY_ID,
    DEAUTHORIZED_CONNECTION_ID,
    FOREIGN_API_KEY,
    LENIENT_CONNECTION_ID,
    OPTIONS_CONNECTION_ID,
    PENDING_CONNECTION_ID,
    READ_ONLY_CONNECTION_ID,
    STRICT_CONNECTION_ID,
    UNLINKED_CONNECTION_ID,
)

NOBODY = "11111111-1111-4111-8111-111111111111"
FEN = {"customerName": "Fen & Söhne", "emailAddress": "desk@fen.example"}


@pytest.fixture
def codat(start_codat: Callable[..., LocalCodat]) -> LocalCodat:
    """Serve a Codat whose refreshes have ended before they are answered."""
    return start_codat(settle_seconds=0, refresh_seconds=0)


@pytest.fixture
def hook() -> Iterator[CodatHook]:
    """Return a hook on whichever Codat runs, that gives up after a second."""
    made = CodatHook(retry_budget_seconds=1)
    yield made
    made.close()


def only_reads(codat: LocalCodat) -> bool:
    return {entry.method for entry in codat.journal()} <= {"GET"}


# --- the preflight


# A connection; what Codat tells of it; in how many remarks.
READY = {
    "Release": (LENIENT_CONNECTION_ID, "mqjo", "Release", False, 0),
    "lower case and offline": (STRICT_CONNECTION_ID, "hbql", "release", True, 1),
    "Beta": (OPTIONS_CONNECTION_ID, "gbol", "Beta", False, 1),
}


@pytest.mark.parametrize(
    ("connection_id", "key", "state", "offline", "remarks"), READY.values(), ids=READY
)
def test_a_connection_that_is_ready(
    connection_id: str,
    key: str,
    state: str,
    remarks: int,
    codat: LocalCodat,
    hook: CodatHook,
    *,
    offline: bool,
) -> None:
    """What Codat tells of it and its integration comes back; nothing is sent."""
    found = hook.check_can_create(COMPANY_ID, connection_id)
    assert (found.company_id, found.connection_id) == (COMPANY_ID, connection_id)
    assert (found.integration_key, found.feature_state) == (key, state)
    assert (found.status, found.supports_create) == ("Linked", True)
    assert found.is_offline is offline
    assert len(found.remarks) == remarks
    assert only_reads(codat)


UNUSABLE = {
    "Unlinked": (COMPANY_ID, UNLINKED_CONNECTION_ID, "unlinked it"),
    "PendingAuth": (THIRD_COMPANY_ID, PENDING_CONNECTION_ID, "finished linking"),
    "Deauthorized": (THIRD_COMPANY_ID, DEAUTHORIZED_CONNECTION_ID, "authorise it"),
    "of a shop": (THIRD_COMPANY_ID, COMMERCE_CONNECTION_ID, "accounting software"),
    "only read": (THIRD_COMPANY_ID, READ_ONLY_CONNECTION_ID, "cannot create customers"),
    "another company's": (COMPANY_ID, SECOND_CONNECTION_ID, "has no connection"),
    "nobody's": (COMPANY_ID, NOBODY, "has no connection"),
}


@pytest.mark.parametrize(
    ("company_id", "connection_id", "words"), UNUSABLE.values(), ids=UNUSABLE
)
def test_a_connection_that_nothing_can_be_written_through(
    company_id: str, connection_id: str, words: str, codat: LocalCodat, hook: CodatHook
) -> None:
    """The error says why, and shows no link that authorises somebody."""
    with pytest.raises(ConnectionUnusable, match=words) as raised:
        hook.check_can_create(company_id, connection_id)
    assert "link.invalid" not in str(raised.value)
    assert only_reads(codat)


def test_a_connection_without_a_key_is_known_by_its_integration(
    codat: LocalCodat, hook: CodatHook
) -> None:
    """Once it is linked again, it is found in the list of the integrations."""
    codat.set_connection_status(DEAUTHORIZED_CONNECTION_ID, "Linked")
    found = hook.check_can_create(THIRD_COMPANY_ID, DEAUTHORIZED_CONNECTION_ID)
    assert (found.integration_key, found.supports_create) == ("hbql", True)


def test_another_data_type_is_asked_for(codat: LocalCodat, hook: CodatHook) -> None:
    """A data type that nobody lists is a remark."""
    assert codat.url
    found = hook.check_can_create(COMPANY_ID, LENIENT_CONNECTION_ID, "unheardOf")
    assert found.supports_create is None
    assert found.remarks == (
        "Codat does not tell whether Local Sandbox can create unheardOf",
    )


def test_the_preflight_is_asked_again_through_an_outage(
    codat: LocalCodat, hook: CodatHook
) -> None:
    """A gateway's error on the way says nothing of a connection."""
    codat.order("gateway_error_before_commit", route="connection", status=503)
    codat.order("reset_before_commit", route="integration")
    assert hook.check_can_create(COMPANY_ID, LENIENT_CONNECTION_ID).supports_create


# --- the one connection


def test_the_one_connection_is_found(codat: LocalCodat, hook: CodatHook) -> None:
    """A company with one needs no connection_id, for the preflight neither."""
    assert hook.find_connection(SECOND_COMPANY_ID) == SECOND_CONNECTION_ID
    found = hook.check_can_create(SECOND_COMPANY_ID)
    assert (found.connection_id, found.supports_create) == (SECOND_CONNECTION_ID, True)
    assert only_reads(codat)


def test_one_is_left_when_others_are_not_linked(
    codat: LocalCodat, hook: CodatHook
) -> None:
    """What cannot be written through is not meant."""
    for connection_id in (STRICT_CONNECTION_ID, OPTIONS_CONNECTION_ID):
        codat.set_connection_status(connection_id, "Deauthorized")
    assert hook.find_connection(COMPANY_ID) == LENIENT_CONNECTION_ID


def test_several_connections_are_listed(codat: LocalCodat, hook: CodatHook) -> None:
    """The author chooses among those that are linked."""
    assert codat.url
    with pytest.raises(SettingsInvalid, match="3 linked") as raised:
        hook.find_connection(COMPANY_ID)
    listed = [LENIENT_CONNECTION_ID, STRICT_CONNECTION_ID, OPTIONS_CONNECTION_ID]
    assert all(connection_id in str(raised.value) for connection_id in listed)
    assert UNLINKED_CONNECTION_ID not in str(raised.value)
    assert "link.invalid" not in str(raised.value)


def test_no_connection_is_left(codat: LocalCodat, hook: CodatHook) -> None:
    """All are listed, each with its status."""
    codat.set_connection_status(SECOND_CONNECTION_ID, "Deauthorized")
    with pytest.raises(ConnectionUnusable) as raised:
        hook.find_connection(SECOND_COMPANY_ID)
    assert f"{SECOND_CONNECTION_ID}, Accounting, Deauthorized" in str(raised.value)


def test_a_company_that_nobody_knows(codat: LocalCodat, hook: CodatHook) -> None:
    """404 for a company is Codat's own error."""
    assert codat.url
    with pytest.raises(NotFound):
        hook.find_connection(NOBODY)
    with pytest.raises(NotFound):
        hook.check_can_create(NOBODY, LENIENT_CONNECTION_ID)


def test_a_wrong_key_is_no_matter_of_a_connection(
    codat: LocalCodat, connection: Callable[..., str]
) -> None:
    """401 and 403 are told as such."""
    hook = CodatHook(connection(host=codat.url, password=FOREIGN_API_KEY))
    with pytest.raises(NotAuthorised):
        hook.check_can_create(COMPANY_ID, LENIENT_CONNECTION_ID)
    hook.close()


# --- what is in the books


def test_whoever_put_it_there(codat: LocalCodat, hook: CodatHook) -> None:
    """Typed in by hand or pushed by another client: it is in the books."""
    typed = codat.typed_in(FEN).record_id
    codat.stranger_pushes({"customerName": "Moor", "status": "Active"})
    known = hook.existing_customers(codat.company_id, codat.connection_id)
    assert known.find({"customerName": "FEN, SÖHNE"}) == (
        Match(typed, ("customerName",)),
    )
    assert known.find({**FEN, "status": "Active"}) == (
        Match(typed, ("customerName", "emailAddress")),
    )
    assert len(known.find({"customerName": "moor"})) == 1
    assert known.find({"customerName": "Dale"}) == ()


def test_it_is_asked_for_once_for_many(codat: LocalCodat, hook: CodatHook) -> None:
    """One refresh and one list serve any number of customers."""
    for number in range(20):
        codat.typed_in({"customerName": f"Customer {number}"})
    known = hook.existing_customers(codat.company_id, codat.connection_id)
    asked = len(codat.journal())
    found = [bool(known.find({"customerName": f"customer {n}"})) for n in range(25)]
    assert found == [True] * 20 + [False] * 5
    assert len(codat.journal()) == asked
    assert [entry.method for entry in codat.journal()].count("POST") == 1


def test_a_customer_with_codats_own_signs(codat: LocalCodat, hook: CodatHook) -> None:
    """A name may hold what Codat's query language means something by."""
    name = "Fen && {Moor} || a=b"
    codat.typed_in({"customerName": name})
    known = hook.existing_customers(codat.company_id, codat.connection_id)
    assert known.find({"customerName": name})
    assert not known.find({"customerName": "Fen"})


def test_a_deleted_customer_is_not_there(codat: LocalCodat, hook: CodatHook) -> None:
    """An archived one is."""
    codat.typed_in({**FEN, "metadata": {"isDeleted": True}})
    codat.typed_in({"customerName": "Moor", "status": "Archived"})
    known = hook.existing_customers(codat.company_id, codat.connection_id)
    assert known.find(FEN) == ()
    assert known.find({"customerName": "Moor"})


def test_what_the_author_looks_by(codat: LocalCodat, hook: CodatHook) -> None:
    """Other properties, and no others, make two customers the same."""
    codat.typed_in({**FEN, "registrationNumber": "SC 123"})
    place = (codat.company_id, codat.connection_id)
    known = hook.existing_customers(*place, match_on=["registrationNumber"])
    [found] = known.find({"customerName": "Moor", "registrationNumber": "sc123"})
    assert found.matched_on == ("registrationNumber",)
    with pytest.raises(PayloadInvalid, match="needs one of registrationNumber"):
        known.find(FEN)
    asked = len(codat.journal())
    with pytest.raises(SettingsInvalid, match="match_on names 'name'"):
        hook.existing_customers(*place, match_on=["name"])
    assert len(codat.journal()) == asked


def test_without_a_refresh_the_copy_counts(codat: LocalCodat, hook: CodatHook) -> None:
    """It is as old as it is; where there is none, that is said."""
    place = (codat.company_id, codat.connection_id)
    with pytest.raises(StillInProgress, match="Call refresh"):
        hook.existing_customers(*place, refresh=False)
    hook.refresh(codat.company_id)
    codat.advance(seconds=60)
    codat.typed_in(FEN)
    assert hook.existing_customers(*place, refresh=False).find(FEN) == ()
    assert hook.existing_customers(*place).find(FEN)
    assert hook.existing_customers(*place, refresh=False).find(FEN)


def test_books_that_cannot_be_read(codat: LocalCodat, hook: CodatHook) -> None:
    """A failed refresh is no empty list, nor is one that does not end in time."""
    place = (codat.company_id, codat.connection_id)
    codat.order("refresh_fails", message="AuthError")
    with pytest.raises(RefreshFailed, match="no longer authorised"):
        hook.existing_customers(*place)


def test_books_that_take_too_long(
    start_codat: Callable[..., LocalCodat], hook: CodatHook
) -> None:
    """The time that the caller has ends the wait."""
    codat = start_codat(refresh_seconds=600)
    place = (codat.company_id, codat.connection_id)
    with pytest.raises(StillInProgress, match="deadline has passed"):
        hook.existing_customers(*place, timeout_seconds=0, poll_interval_seconds=0.1)


@pytest.mark.parametrize("wrong", ["", "not-a-uuid", None, 7])
@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda h, x: h.find_connection(x), id="find_connection"),
        pytest.param(lambda h, x: h.check_can_create(x, NOBODY), id="check"),
        pytest.param(lambda h, x: h.check_can_create(NOBODY, x or ""), id="connection"),
        pytest.param(lambda h, x: h.existing_customers(x, NOBODY), id="existing"),
        pytest.param(lambda h, x: h.existing_customers(NOBODY, x), id="and where"),
        pytest.param(
            lambda h, x: h.existing_customers(x, NOBODY, refresh=False), id="copy"
        ),
    ],
)
def test_ids_are_checked_first(
    wrong: object,
    call: Callable[[CodatHook, object], object],
    codat: LocalCodat,
    hook: CodatHook,
) -> None:
    """What is no UUID costs no request, and is not repeated in the error."""
    with pytest.raises(ValueError, match="must be a UUID") as raised:
        call(hook, wrong)
    assert "not-a-uuid" not in str(raised.value)
    assert codat.journal() == []
