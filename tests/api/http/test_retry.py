"""The laws of repeating: each status code, by each table, written out by hand."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_codat.api.http.retry import (
    KEY_LIFETIME_SECONDS,
    UNREADABLE_REPEATS,
    Answer,
    Sends,
    Verdict,
    after_get,
    after_post,
    after_single,
    backoff,
)

ACCEPT, REPEAT, LATER, WAIT, REFUSE, UNKNOWN = (
    Verdict.ACCEPT,
    Verdict.REPEAT,
    Verdict.REPEAT_LATER,
    Verdict.WAIT,
    Verdict.REFUSE,
    Verdict.UNKNOWN,
)
OK = set(range(200, 300))
INFORMATION, REDIRECTS = set(range(100, 200)), set(range(300, 400))
SPECIAL = {408, 409, 422, 429}
CLIENT_ERRORS = set(range(400, 500)) - SPECIAL
SERVER_ERRORS = set(range(500, 600))

FRESH = Sends(first_at=0.0)
UNRESOLVED = Sends(first_at=0.0, unresolved=True)

# Statuses; read as documented; Codat's own body; verdict on the first send; verdict
# after a send that may have created a record. None in a column: both.
POST = [
    (INFORMATION, False, None, REPEAT, REPEAT),
    (OK, True, None, ACCEPT, ACCEPT),
    (OK, False, None, REPEAT, REPEAT),
    (REDIRECTS, False, None, REPEAT, REPEAT),
    (CLIENT_ERRORS, False, None, REFUSE, UNKNOWN),
    ({408}, False, None, REPEAT, REPEAT),
    ({409}, False, None, WAIT, WAIT),
    ({422}, False, None, UNKNOWN, UNKNOWN),
    ({429}, False, None, LATER, LATER),
    (SERVER_ERRORS, False, True, UNKNOWN, UNKNOWN),
    (SERVER_ERRORS, False, False, REPEAT, REPEAT),
]
# Statuses; read as documented; Codat's opinion on a repetition; verdict.
GET = [
    (INFORMATION, False, None, REFUSE),
    (OK, True, "any", ACCEPT),
    (OK, False, "any", REPEAT),
    (REDIRECTS, False, None, REFUSE),
    (CLIENT_ERRORS | {409, 422}, False, None, REFUSE),
    (CLIENT_ERRORS | {409, 422}, False, False, REFUSE),
    (CLIENT_ERRORS | {409, 422}, False, True, REPEAT),
    ({408}, False, "any", REPEAT),
    ({429}, False, "any", LATER),
    (SERVER_ERRORS, False, None, REPEAT),
    (SERVER_ERRORS, False, True, REPEAT),
    (SERVER_ERRORS, False, False, REFUSE),
]
# Statuses; read as documented; verdict.
SINGLE = [
    (INFORMATION, False, UNKNOWN),
    (OK, True, ACCEPT),
    (OK, False, UNKNOWN),
    (REDIRECTS, False, UNKNOWN),
    (CLIENT_ERRORS | {409, 422}, False, REFUSE),
    ({408}, False, UNKNOWN),
    ({429}, False, LATER),
    (SERVER_ERRORS, False, UNKNOWN),
]
ALL = sorted(INFORMATION | OK | REDIRECTS | CLIENT_ERRORS | SPECIAL | SERVER_ERRORS)


def opinions(given_opinion: object) -> tuple[bool | None, ...]:
    return (None, True, False) if given_opinion == "any" else (given_opinion,)  # type: ignore[return-value] # a column of the table


def post_rows() -> Iterator[tuple[Answer, Verdict, Verdict]]:
    for statuses, readable, own, fresh, unresolved in POST:
        for status in statuses:
            for codats_own in (True, False) if own is None else (own,):
                for opinion in (None, True, False):
                    answer = Answer(
                        status,
                        codats_own=codats_own,
                        readable=readable,
                        can_be_retried=opinion,
                    )
                    yield answer, fresh, unresolved


@pytest.mark.parametrize("table", [POST, GET, SINGLE], ids=["POST", "GET", "single"])
def test_the_tables_of_this_test_leave_nothing_out(
    table: list[tuple[set[int]]],
) -> None:
    """Each status from 100 to 599 stands in each table."""
    assert list(range(100, 600)) == ALL
    assert sorted(set().union(*(row[0] for row in table))) == ALL


def test_every_answer_to_the_first_post() -> None:
    """A POST is repeated while nothing is known, and refused only when it is clear."""
    rows = list(post_rows())
    wrong = [
        (answer, found)
        for answer, verdict, _ in rows
        if (found := after_post(answer, FRESH)) is not verdict
    ]
    assert wrong == []


def test_every_answer_to_a_post_after_an_unresolved_one() -> None:
    """A refusal proves nothing once an earlier send may have created a record."""
    rows = list(post_rows())
    wrong = [
        (answer, found)
        for answer, _, verdict in rows
        if (found := after_post(answer, UNRESOLVED)) is not verdict
    ]
    assert wrong == []


def test_every_answer_to_a_get() -> None:
    """A GET is repeated where time may help, and where Codat says that it does."""
    for statuses, readable, opinion, verdict in GET:
        for status in statuses:
            for said in opinions(opinion):
                answer = Answer(status, readable=readable, can_be_retried=said)
                assert after_get(answer) is verdict, answer


def test_every_answer_to_a_request_without_a_key() -> None:
    """A PUT or DELETE is repeated only where it provably changed nothing."""
    for statuses, readable, verdict in SINGLE:
        for status in statuses:
            for own in (True, False):
                answer = Answer(status, readable=readable, codats_own=own)
                assert after_single(answer) is verdict, answer


@pytest.mark.parametrize(
    ("sent", "post", "get", "single"),
    [
        pytest.param(True, REPEAT, REPEAT, UNKNOWN, id="sent"),
        pytest.param(False, REPEAT, REPEAT, REPEAT, id="never sent"),
    ],
)
def test_no_answer(post: Verdict, get: Verdict, single: Verdict, *, sent: bool) -> None:
    """Silence repeats what may be repeated; a PUT only if it never left."""
    silence = Answer(None, sent=sent)
    assert after_post(silence, FRESH) is post
    assert after_post(silence, UNRESOLVED) is post
    assert after_get(silence) is get
    assert after_single(silence) is single


@pytest.mark.parametrize("status", [101, 200, 202, 204, 302, 307])
def test_what_cannot_be_read_is_asked_for_twice_more(status: int) -> None:
    """After two repetitions a 2xx that cannot be read leaves the outcome unknown."""
    answer, sends, verdicts = Answer(status), Sends(), []
    for _ in range(4):
        sends = sends.begun(0.0)
        verdicts.append(after_post(answer, sends))
        sends = sends.answered(answer)
    assert UNREADABLE_REPEATS == 2
    assert verdicts == [REPEAT, REPEAT, UNKNOWN, UNKNOWN]


def test_an_unreadable_answer_may_be_followed_by_a_readable_one() -> None:
    """Whatever came before, an answer that can be read is accepted."""
    sends = Sends(first_at=0.0, unresolved=True, unreadable=9)
    assert after_post(Answer(200, readable=True), sends) is ACCEPT


REFUSALS = [400, 401, 402, 403, 404, 405, 413, 451]
OPEN_ENDS = {
    "no answer": Answer(None),
    "408": Answer(408),
    "409": Answer(409),
    "a gateway": Answer(502),
    "unreadable": Answer(200),
    "a redirect": Answer(302),
}


@pytest.mark.parametrize("status", REFUSALS)
@pytest.mark.parametrize("before", OPEN_ENDS.values(), ids=OPEN_ENDS)
def test_a_refusal_after_an_open_end_proves_nothing(
    before: Answer, status: int
) -> None:
    """A rotated key or a firewall does not undo what may have been created."""
    sends = Sends().begun(0.0).answered(before)
    assert after_post(Answer(status, codats_own=True), sends.begun(1.0)) is UNKNOWN


@pytest.mark.parametrize("status", REFUSALS)
@pytest.mark.parametrize(
    "before",
    [Answer(429), Answer(None, sent=False)],
    ids=["429", "no connection"],
)
def test_a_refusal_after_a_closed_end_is_a_refusal(before: Answer, status: int) -> None:
    """What was turned away at the door cannot have created anything."""
    sends = Sends().begun(0.0).answered(before)
    assert after_post(Answer(status, codats_own=True), sends.begun(1.0)) is REFUSE


@pytest.mark.parametrize(
    ("age", "allowed"),
    [
        pytest.param(0.0, True, id="at once"),
        pytest.param(4500.0, True, id="at 75 minutes"),
        pytest.param(4500.001, False, id="a moment later"),
        pytest.param(5400.0, False, id="at 90 minutes"),
        pytest.param(-60.0, True, id="by a clock that went back"),
    ],
)
def test_no_unresolved_key_is_sent_after_75_minutes(
    age: float, *, allowed: bool
) -> None:
    """Codat keeps a key for 90 minutes; the margin is for clocks that differ."""
    assert KEY_LIFETIME_SECONDS == 4500
    first = 1_700_000_000.0
    sends = Sends(first_at=first, unresolved=True)
    assert sends.may_send(first + age) is allowed


def test_a_key_that_only_met_429_has_no_age() -> None:
    """Codat releases a key on 429, so it may be sent at any time."""
    sends = Sends().begun(0.0).answered(Answer(429))
    assert sends.may_send(KEY_LIFETIME_SECONDS * 100)


def test_a_key_that_was_never_sent_has_no_age() -> None:
    """The age of a key runs from its first send."""
    assert Sends().may_send(1e12)


answers = st.builds(
    Answer,
    status=st.none() | st.integers(100, 599),
    sent=st.booleans(),
    codats_own=st.booleans(),
)
moves = st.lists(st.tuples(st.floats(0, 3000), answers), max_size=12)


@given(moves)
def test_what_sends_remember(history: list[tuple[float, Answer]]) -> None:
    """A key ages from the first send that Codat may have acted on; that stays open."""
    sends, now, seen = Sends(), 1000.0, []
    for gap, answer in history:
        now += gap
        sends = sends.begun(now).answered(answer)
        seen.append((now, answer))
        open_ends = [at for at, a in seen if a.status != 429 and (a.status or a.sent)]
        assert sends.unresolved is bool(open_ends)
        assert sends.first_at == (open_ends or [now])[0]
        assert sends.unreadable == sum((a.status or 999) < 400 for _, a in seen)
        late = sends.first_at + KEY_LIFETIME_SECONDS + 0.5
        assert sends.may_send(late) is not sends.unresolved


@given(st.integers(0, 10_000), st.floats(0, 1, exclude_max=True))
def test_backoff_stays_within_its_bounds(attempt: int, die: float) -> None:
    """It doubles from half a second to half a minute; up to half of it is chance."""
    whole = min(30.0, 0.5 * 2.0 ** min(attempt, 100))
    assert whole / 2 <= backoff(attempt, lambda: die) <= whole


@given(st.integers(0, 100), st.floats(0.1, 20), st.floats(20, 100))
def test_backoff_takes_other_bounds(attempt: int, first: float, longest: float) -> None:
    """The first wait and the longest can be told."""
    seconds = backoff(
        attempt, lambda: 0.0, first_seconds=first, longest_seconds=longest
    )
    assert first / 2 <= seconds <= longest / 2


def test_backoff_scatters() -> None:
    """Tasks that failed together do not come back together."""
    assert backoff(3, lambda: 0.0) == 2.0
    assert backoff(3, lambda: 0.5) == 3.0
    assert backoff(3, lambda: 0.999) < 4.0
