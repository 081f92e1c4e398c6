"""The laws of going on: what each journal means for the next step, row by row."""

from dataclasses import replace
from itertools import product
from typing import Any, get_args

import pytest

from airflow_provider_codat.api.create.journal import Entry, Kind
from airflow_provider_codat.api.create.next_step import (
    STALE,
    UNSEEN,
    CurrentTry,
    Generation,
    Move,
    Step,
    generations,
    may_apply,
    next_step,
)
from airflow_provider_codat.api.http.retry import KEY_LIFETIME_SECONDS, Sends

NOW = 1_772_323_200.0
CURRENT = CurrentTry(
    digest="same", clear_count=0, on_clear="reuse", resolution="", begun_at=NOW - 5.0
)


def entry(kind: Kind, generation: int = 0, age: float = 60.0, **more: Any) -> Entry:  # noqa: ANN401 - any field
    fields = {"digest": "same", "because": "first"} if kind == "intent" else {}
    return Entry(kind, generation, NOW - age, **{**fields, **more})


def sent(age: float = 60.0, unreadable: int = 0) -> Sends:
    """Return what is open after an intent of that age."""
    return Sends(NOW - age, unresolved=True, unreadable=unreadable)


INTENT = entry("intent")
OLD = entry("intent", age=KEY_LIFETIME_SECONDS + 1)
OTHER = entry("intent", digest="other")
END, OP, NO = entry("end"), entry("op"), entry("no")
FAULT, YES, DOUBT = entry("5xx"), entry("2xx"), entry("doubt", 1)
RELEASED = entry("released", until=NOW + 30.0)
LIMITED = entry("limited", until=NOW + 20.0)
SECOND = entry("intent", 1, because="no")
FRESH_SECOND = entry("intent", 1, age=1.0, because="reconciled")
UNSEEN_INTENT = entry("intent", because=UNSEEN)
CLEARED: dict[str, Any] = {"clear_count": 1}
ANEW: dict[str, Any] = {"clear_count": 1, "on_clear": "create"}
SAID: dict[str, Any] = {"clear_count": 1, "resolution": "not_created"}

# The journal; what the present try wants otherwise; the next step.
ROWS: dict[str, tuple[tuple[Entry, ...], dict[str, Any], Step]] = {
    "nothing": ((), {}, Step(Move.SEND, because="first")),
    "nothing, cleared": ((), CLEARED, Step(Move.SEND, because="first")),
    "nothing but what has no intent": ((OP, END), {}, Step(Move.SEND, because="first")),
    "end": ((INTENT, OP, END), {}, Step(Move.RETURN)),
    "end, cleared": ((INTENT, OP, END), CLEARED, Step(Move.RETURN)),
    "end, cleared, create": (
        (INTENT, OP, END),
        ANEW,
        Step(Move.SEND, 1, "cleared"),
    ),
    "end, not cleared, create": (
        (INTENT, OP, END),
        {"on_clear": "create"},
        Step(Move.RETURN),
    ),
    "end of this life, create": (
        (INTENT, replace(END, clear_count=1)),
        ANEW,
        Step(Move.RETURN),
    ),
    "end of a later generation": (
        (INTENT, NO, SECOND, entry("end", 1)),
        {},
        Step(Move.RETURN, 1),
    ),
    "end, other digest": ((OTHER, OP, END), {}, Step(Move.PAYLOAD_CHANGED)),
    "end, other digest, cleared": ((OTHER, END), CLEARED, Step(Move.PAYLOAD_CHANGED)),
    "end, other digest, create": (
        (OTHER, END),
        ANEW,
        Step(Move.SEND, 1, "cleared"),
    ),
    "end, and a resolution": ((INTENT, END), SAID, Step(Move.RETURN)),
    "op": ((INTENT, OP), {}, Step(Move.POLL)),
    "op, other digest": ((OTHER, OP), {}, Step(Move.POLL)),
    "op, of long ago": ((OLD, OP), CLEARED, Step(Move.POLL)),
    "op, create": ((INTENT, OP), ANEW, Step(Move.POLL)),
    "op, after all else": (
        (INTENT, YES, FAULT, LIMITED, OP),
        {},
        Step(Move.POLL),
    ),
    "op, and a resolution": ((INTENT, OP), SAID, Step(Move.POLL)),
    "op of a later generation": (
        (INTENT, NO, SECOND, entry("op", 1)),
        {},
        Step(Move.POLL, 1),
    ),
    "no": ((INTENT, NO), {}, Step(Move.SEND, 1, "no")),
    "no, cleared": ((INTENT, NO), CLEARED, Step(Move.SEND, 1, "no")),
    "no, other digest": ((OTHER, NO), {}, Step(Move.SEND, 1, "no")),
    "no, after its operation failed": ((INTENT, OP, NO), {}, Step(Move.SEND, 1, "no")),
    "no, of long ago": ((OLD, NO), {}, Step(Move.SEND, 1, "no")),
    "no twice": (
        (INTENT, NO, SECOND, entry("no", 1)),
        {},
        Step(Move.SEND, 2, "no"),
    ),
    "a resolution, obeyed": (
        (INTENT, entry("resolution", because="not_created")),
        {},
        Step(Move.SEND, 1, "resolution"),
    ),
    "a resolution, other digest": (
        (OTHER, entry("resolution", because="not_created")),
        {},
        Step(Move.SEND, 1, "resolution"),
    ),
    "a resolution on an operation": (
        (INTENT, OP, entry("resolution", because="not_created")),
        {},
        Step(Move.SEND, 1, "resolution"),
    ),
    "released": (
        (INTENT, RELEASED),
        {},
        Step(Move.SEND, 0, "released", not_before=NOW + 30.0),
    ),
    "released, long ago": (
        (OLD, replace(RELEASED, until=NOW - 9.0)),
        {},
        Step(Move.SEND, 0, "released", not_before=NOW - 9.0),
    ),
    "released, other digest": (
        (OTHER, RELEASED),
        {},
        Step(Move.SEND, 1, "released", not_before=NOW + 30.0),
    ),
    "released, then sent again": (
        (INTENT, RELEASED, entry("intent", age=2.0, because="released")),
        {},
        Step(Move.SEND, sends=sent(2.0)),
    ),
    "released, a later generation": (
        (INTENT, NO, SECOND, entry("released", 1, until=NOW - 9.0)),
        {},
        Step(Move.SEND, 1, "released", not_before=NOW - 9.0),
    ),
    "unresolved": ((INTENT,), {}, Step(Move.SEND, sends=sent())),
    "unresolved, cleared": ((INTENT,), CLEARED, Step(Move.SEND, sends=sent())),
    "unresolved, create": ((INTENT,), ANEW, Step(Move.SEND, sends=sent())),
    "unresolved, limited": (
        (INTENT, LIMITED),
        {},
        Step(Move.SEND, sends=sent(), not_before=NOW + 20.0),
    ),
    "unresolved, limited twice": (
        (INTENT, LIMITED, replace(LIMITED, until=NOW + 1.0)),
        {},
        Step(Move.SEND, sends=sent(), not_before=NOW + 20.0),
    ),
    "unresolved, one yes": (
        (INTENT, YES),
        {},
        Step(Move.SEND, sends=sent(unreadable=1)),
    ),
    "unresolved, two yes": (
        (INTENT, YES, YES),
        {},
        Step(Move.SEND, sends=sent(unreadable=2)),
    ),
    "unresolved, three yes": ((INTENT, YES, YES, YES), {}, Step(Move.RECONCILE)),
    "at 75 minutes": (
        (entry("intent", age=KEY_LIFETIME_SECONDS),),
        {},
        Step(Move.SEND, sends=sent(KEY_LIFETIME_SECONDS)),
    ),
    "after 75 minutes": ((OLD,), {}, Step(Move.RECONCILE)),
    "after 75 minutes, limited": (
        (OLD, LIMITED),
        {},
        Step(Move.RECONCILE, not_before=NOW + 20.0),
    ),
    "Codat's own fault": ((INTENT, FAULT), {}, Step(Move.RECONCILE)),
    "unresolved, other digest": (
        (OTHER,),
        {},
        Step(Move.GIVE_UP, 0, "another payload"),
    ),
    "Codat's own fault, other digest": (
        (OTHER, FAULT),
        {},
        Step(Move.GIVE_UP, 0, "another payload"),
    ),
    "after 75 minutes, other digest": (
        (replace(OLD, digest="other"),),
        {},
        Step(Move.GIVE_UP, 0, "another payload"),
    ),
    "a later generation of this process": (
        (INTENT, FAULT, FRESH_SECOND),
        {},
        Step(Move.SEND, 1, sends=sent(1.0)),
    ),
    "a later generation of another process": (
        (INTENT, NO, SECOND),
        {"found": (INTENT, NO, SECOND)},
        Step(Move.RECONCILE, 1, STALE),
    ),
    "a later generation, limited": (
        (INTENT, NO, SECOND, entry("limited", 1, until=NOW + 9.0)),
        {"found": (INTENT, NO, SECOND)},
        Step(Move.RECONCILE, 1, STALE, not_before=NOW + 9.0),
    ),
    "a later generation, doubted before": (
        (INTENT, NO, SECOND, DOUBT),
        {},
        Step(Move.RECONCILE, 1),
    ),
    "a later generation, doubted by this process": (
        (INTENT, FAULT, FRESH_SECOND, DOUBT),
        {},
        Step(Move.RECONCILE, 1),
    ),
    "a later generation, Codat's own fault": (
        (INTENT, NO, SECOND, entry("5xx", 1)),
        {},
        Step(Move.RECONCILE, 1),
    ),
    "a later generation, after 75 minutes": (
        (INTENT, NO, replace(SECOND, at=NOW - 9999.0)),
        {},
        Step(Move.RECONCILE, 1),
    ),
    "a later generation, other digest": (
        (INTENT, NO, replace(SECOND, digest="other")),
        {},
        Step(Move.GIVE_UP, 1, "another payload"),
    ),
    "unseen": ((UNSEEN_INTENT,), {}, Step(Move.SEND, sends=sent())),
    "unseen, Codat's own fault": (
        (UNSEEN_INTENT, FAULT),
        {},
        Step(Move.GIVE_UP, 0, "of which nothing was written down, may have sent it"),
    ),
    "unseen, after 75 minutes": (
        (replace(OLD, because=UNSEEN),),
        {},
        Step(Move.GIVE_UP, 0, "longer ago than Codat surely remembers its key"),
    ),
    "a resolution": ((INTENT,), SAID, Step(Move.APPLY_RESOLUTION)),
    "a resolution on Codat's own fault": (
        (INTENT, FAULT),
        SAID,
        Step(Move.APPLY_RESOLUTION),
    ),
    "a resolution on another payload": ((OTHER,), SAID, Step(Move.APPLY_RESOLUTION)),
    "a resolution on what was released": (
        (INTENT, RELEASED),
        SAID,
        Step(Move.APPLY_RESOLUTION),
    ),
    "a resolution on a later generation": (
        (INTENT, NO, SECOND),
        SAID,
        Step(Move.APPLY_RESOLUTION, 1),
    ),
    "a resolution on what was unseen": (
        (UNSEEN_INTENT,),
        SAID,
        Step(Move.APPLY_RESOLUTION),
    ),
    "a resolution without a Clear": (
        (INTENT,),
        {"resolution": "not_created"},
        Step(Move.SEND, sends=sent()),
    ),
    "a resolution that was obeyed": (
        (INTENT, entry("resolution", because="not_created"), SECOND, DOUBT),
        SAID,
        Step(Move.RECONCILE, 1),
    ),
    "a second resolution": (
        (INTENT, entry("resolution", because="not_created"), SECOND, DOUBT),
        {"clear_count": 2, "resolution": "not_created:2"},
        Step(Move.APPLY_RESOLUTION, 1),
    ),
}


@pytest.mark.parametrize(("journal", "changes", "step"), ROWS.values(), ids=ROWS)
def test_every_row_of_the_table(
    journal: tuple[Entry, ...], changes: dict[str, Any], step: Step
) -> None:
    """What was written down decides how a write goes on, and with which key."""
    found = next_step(journal, replace(CURRENT, **changes), NOW)
    if step.move is Move.GIVE_UP:
        assert step.because in found.because
        found = replace(found, because=step.because)
    assert found == step


@pytest.mark.parametrize("age", [0.0, 1.0, 74 * 60.0, 4500.0, 4501.0, 7200.0, 86_400.0])
@pytest.mark.parametrize(
    "journal",
    [(), (YES,), (FAULT,), (LIMITED,), (YES, YES), (YES, LIMITED, YES)],
    ids=lambda journal: "-".join(each.kind for each in journal) or "intent",
)
def test_no_unresolved_key_is_sent_after_75_minutes(
    age: float, journal: tuple[Entry, ...]
) -> None:
    """Whatever else stands in the journal, an old key leads to the books."""
    step = next_step((entry("intent", age=age), *journal), CURRENT, NOW)
    assert (step.move is Move.SEND) is (age <= 4500.0 and FAULT not in journal)
    assert step.move is Move.RECONCILE or step.sends.first_at == NOW - age


KINDS = [kind for kind in get_args(Kind) if kind != "intent"]


@pytest.mark.parametrize(("first", "second"), [*product(KINDS, KINDS)])
def test_a_new_generation_needs_an_answer(first: Kind, second: Kind) -> None:
    """The table begins anew only after no, a resolution, a release, or a Clear."""
    journal = (INTENT, entry(first, because="x"), entry(second, because="y"))
    kinds = {first, second}
    for digest, clear_count in product(("same", "other"), (0, 1)):
        current = replace(
            CURRENT, digest=digest, clear_count=clear_count, on_clear="create"
        )
        step = next_step(journal, current, NOW)
        if step.generation:
            assert step.move is Move.SEND
            assert kinds & {"no", "resolution", "released", "end"}
            assert "released" not in step.because or digest == "other"
            assert "end" not in kinds or clear_count == 1
        if "op" in kinds and not kinds & {"no", "resolution", "end"}:
            assert step.move is Move.POLL


def test_the_table_is_not_moved_by_old_generations() -> None:
    """Only the latest generation decides, whatever stands in the ones before."""
    steps = set()
    for kind in KINDS:
        step = next_step((INTENT, entry(kind), SECOND, DOUBT), CURRENT, NOW)
        steps.add((step.move, step.generation))
    assert steps == {(Move.RECONCILE, 1)}


# --- verdicts ---


@pytest.mark.parametrize(
    ("entries", "resolution", "clear_count", "obeyed"),
    [
        pytest.param((INTENT,), "7", 1, True, id="said after a Clear"),
        pytest.param((INTENT,), "", 1, False, id="nothing said"),
        pytest.param((INTENT,), "7", 0, False, id="stood there before"),
        pytest.param((), "7", 1, False, id="nothing to say it of"),
        pytest.param(
            (INTENT, entry("end", because="7")), "7", 1, False, id="obeyed as a record"
        ),
        pytest.param(
            (INTENT, entry("resolution", because="7")), "7", 1, False, id="obeyed"
        ),
        pytest.param(
            (INTENT, entry("no", because="7")), "7", 1, True, id="another's words"
        ),
        pytest.param(
            (INTENT, entry("doubt", clear_count=1)),
            "7",
            1,
            False,
            id="this life wrote since",
        ),
        pytest.param(
            (entry("intent", clear_count=1), entry("doubt")),
            "7",
            1,
            True,
            id="the last counts",
        ),
    ],
)
def test_when_a_person_is_obeyed(
    entries: tuple[Entry, ...], resolution: str, clear_count: int, *, obeyed: bool
) -> None:
    """A resolution counts once, and only when it was given after the task had ended."""
    current = replace(CURRENT, resolution=resolution, clear_count=clear_count)
    assert may_apply(entries, current) is obeyed


# --- generations ---


def test_a_journal_is_arranged_by_generations() -> None:
    """Each generation has its own intent and what followed it, in order."""
    journal = (entry("no", 7), INTENT, FAULT, FRESH_SECOND, YES, DOUBT)
    assert generations(journal) == (
        Generation(INTENT, (FAULT, YES)),
        Generation(FRESH_SECOND, (DOUBT,)),
    )


def test_a_new_intent_begins_its_generation_anew() -> None:
    """What was written before a key was released says nothing of it afterwards."""
    again = entry("intent", age=1.0, because="released")
    assert generations((INTENT, LIMITED, RELEASED, again)) == (Generation(again),)


def test_the_latest_entry_of_a_kind_counts() -> None:
    """An entry that was written twice is the later one."""
    later = entry("limited", until=NOW + 99.0)
    generation = Generation(INTENT, (LIMITED, later, YES))
    assert generation.get("limited") is later
    assert generation.get("op") is None
    assert generation.not_before == NOW + 99.0
    assert Generation(INTENT, (YES,)).not_before == 0.0


@pytest.mark.parametrize("kind", KINDS)
def test_what_resolves_a_generation(kind: Kind) -> None:
    """Only what names its end, or the operation that will, resolves a send."""
    answers = {"op", "no", "end", "resolution", "released"}
    assert Generation(INTENT, (YES, entry(kind))).unresolved is (kind not in answers)
