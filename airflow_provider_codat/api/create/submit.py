"""One write from intent to outcome: never two records for one intent.

The order in which things are written down and sent is what keeps that promise. The
intent comes before its first send, and what an answer means comes before anything else
is done about it. So whatever is lost, the journal holds enough to go on from, or to
know that nobody can tell: :func:`next_step` decides, here and in a later try.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from airflow_provider_codat.api.books.push_history import known_push_operation
from airflow_provider_codat.api.create.attempt import LONGEST_CALL_SECONDS, Attempt
from airflow_provider_codat.api.create.conclude import PUSH_FAILED, concealed
from airflow_provider_codat.api.create.history import (
    History,
    payload_changed,
    settled_at,
)
from airflow_provider_codat.api.create.intent import (
    NOT_CREATED,
    Done,
    Match,
    Write,
    Written,
)
from airflow_provider_codat.api.create.journal import Entry, Past
from airflow_provider_codat.api.create.next_step import (
    STALE,
    UNSEEN,
    CurrentTry,
    Move,
    Step,
    is_used_up,
    may_apply,
    next_step,
)
from airflow_provider_codat.api.create.reconcile import (
    Books,
    CompanyBooks,
    report_finding,
)
from airflow_provider_codat.api.create.search import Finding
from airflow_provider_codat.api.create.settle import created_nothing, summary
from airflow_provider_codat.api.errors import (
    AlreadyExists,
    CodatFaulted,
    NotFound,
    RateLimited,
    Refused,
)
from airflow_provider_codat.api.http.exchange import (
    Conversation,
    DeferrablePause,
    Patience,
)
from airflow_provider_codat.api.models import Json, PushOperation, Summary

log = logging.getLogger(__name__)

_MOST_NAMED = 5
_MOST_DEFERRALS = 20
"""How often one task may be asked to come back later before that uses up a retry."""


def submit(
    write: Write, past: Past, patience: Patience, books: Books | None = None
) -> Conversation[Written | Done]:
    """Bring a write to where Codat has accepted it, or nothing more may be done.

    It does not wait for the push operation to end.

    :param past: what earlier tries wrote down.
    :param books: where it is looked for when its answer was lost; by default, for it
        alone.
    :raises Refused: nothing was created.
    :raises PayloadChanged: an earlier try has created a record from another payload.
    :raises RateLimited: come back later.
    :raises Unreachable: no answer; another try may repeat it.
    :raises OutcomeUnknown: a record may exist; nothing is sent until a person, or the
        books, tell.
    """
    return _Submission(write, past, patience, books or CompanyBooks(patience)).run()


class _Submission:
    """The state of one call of :func:`submit`: the journal, as far as it is known."""

    def __init__(
        self, write: Write, past: Past, patience: Patience, books: Books
    ) -> None:
        self._write = write
        self._past = past
        self._patience = patience
        self._books = books
        self._history = History(write, past.entries)
        self._current = CurrentTry(
            digest=write.digest(),
            clear_count=write.clear_count,
            on_clear=write.on_clear,
            resolution=write.resolution,
            begun_at=patience.clock(),
            found=past.entries,
        )
        self._followed = 0
        self._attempt = Attempt(write, self._current, self._history, patience, books)

    def run(self) -> Conversation[Written | Done]:
        yield from self._note_stale_resolution()
        if not self._history.begun and (there := (yield from self._there_before())):
            return there
        while True:
            step = next_step(
                self._history.entries, self._current, self._patience.clock()
            )
            try:
                written = yield from self._go(step)
            except RateLimited as error:
                if not self._may_come_back():
                    raise
                seconds = max(0.0, error.until - self._patience.clock())
                yield DeferrablePause(seconds, str(error))
            else:
                if written is not None:
                    return written

    def _may_come_back(self) -> bool:
        """Whether the task may wait for Codat without using up a retry."""
        again = self._history.deferrals() <= _MOST_DEFERRALS
        return self._write.may_defer and again

    def _note_stale_resolution(self) -> Conversation[None]:
        """Note a person's word that was there before anything was in doubt.

        It cannot have been said of what is in doubt later.
        """
        said, entries = self._write.resolution, self._history.entries
        if not said or not self._write.durable:
            return
        if is_used_up(entries, said):
            log.log(
                self._write.warning_level,
                "unknown_resolution %s stood there before, and is not obeyed",
                said,
            )
        elif not (self._history.in_doubt and may_apply(entries, self._current)):
            now, clear_count = self._patience.clock(), self._write.clear_count
            yield from self._attempt.note(
                Entry("stale_resolution", 0, now, clear_count, because=said)
            )

    def _there_before(self) -> Conversation[Done | None]:
        """Look for such a record among those that were in the books before."""
        since = self._past.unseen_since
        result = existed(self._write, unseen=since is not None)
        if result is None:
            if since is not None:
                yield from self._attempt.intend(0, UNSEEN, since)
            return None
        entry = Entry("existed", 0, self._patience.clock(), self._write.clear_count)
        kept = cast("dict[str, Json]", result)
        yield from self._attempt.note(replace(entry, result=kept))
        return Done(result)

    def _go(self, step: Step) -> Conversation[Written | Done | None]:
        """Do what a step asks for; None to ask the table again."""
        match step.move:
            case Move.SEND:
                return (yield from self._attempt.attempt(step))
            case Move.POLL:
                return (yield from self._poll(step))
            case Move.APPLY_RESOLUTION:
                return (yield from self._apply_resolution(step.generation))
            case Move.RECONCILE:
                return (yield from self._reconcile(step))
            case Move.RETURN:
                return self._history.done(step.generation)
            case Move.PAYLOAD_CHANGED:
                raise self._history.changed(step.generation)
        found = yield from self._attempt.candidates()
        raise self._history.unknown(step.because, found)

    def _poll(self, step: Step) -> Conversation[Written | Done | None]:
        """Ask for the push operation that an earlier try was waiting for."""
        generation = self._history.generation(step.generation)
        key = generation.accepted.operation_key
        seen = yield from self._asked(key)
        in_doubt = _in_doubt(seen)
        if in_doubt and may_apply(self._history.entries, self._current):
            return (yield from self._apply_resolution(step.generation))
        if isinstance(seen, Refused):
            reason = f"push operation {key} was accepted, but cannot be asked for"
            words = self._write.redact(str(seen))
            raise self._history.unknown(f"{reason}: {words}", (key,))
        adopted = generation.accepted.because == "adopted"
        changed = generation.intent.digest != self._current.digest
        if changed and not in_doubt:
            yield from self._ended_otherwise(step.generation, seen, adopted)
            return None
        return Written(step.generation, seen, adopted=adopted, changed=changed)

    def _asked(self, key: str) -> Conversation[PushOperation | Refused]:
        """Return how a push operation stands, or why Codat does not tell."""
        log.log(
            self._write.info_level,
            "An earlier try was given push operation %s: asking for it",
            key,
        )
        company = self._write.destination.company_id
        try:
            return (yield from known_push_operation(company, key, self._patience))
        except Refused as error:
            return error

    def _ended_otherwise(
        self, generation: int, operation: PushOperation, adopted: bool
    ) -> Conversation[None]:
        """Take in what came of another payload, and go on from there."""
        if not operation.ended:
            raise payload_changed(None, f"push operation {operation.key}")
        entry = Entry("no", generation, self._patience.clock(), self._write.clear_count)
        entry = replace(entry, operation_key=operation.key, because=PUSH_FAILED)
        if operation.status == "Success":
            result = cast(
                "dict[str, Json]", summary(operation, concealed, adopted=adopted)
            )
            entry = replace(entry, kind="end", because="", result=result)
        yield from self._attempt.note(entry)

    def _apply_resolution(self, generation: int) -> Conversation[Done | None]:
        """Do once what a person says who has looked."""
        said = self._write.resolution
        log.log(
            self._write.warning_level, "unknown_resolution is obeyed, once: %s", said
        )
        now, clear_count = self._patience.clock(), self._write.clear_count
        entry = Entry("resolution", generation, now, clear_count, because=said)
        if said.split(":")[0] == NOT_CREATED:
            yield from self._attempt.note(entry)
            return None
        accepted = self._history.generation(generation).accepted
        result: Summary = {
            "push_operation_key": accepted.operation_key,
            "status": "Success",
            "record_id": said,
            "company_id": self._write.destination.company_id,
            "connection_id": self._write.destination.connection_id,
            "warnings": [],
            "requested_at": "",
            "completed_at": None,
            "adopted": True,
        }
        kept = cast("dict[str, Json]", result)
        yield from self._attempt.note(replace(entry, kind="end", result=kept))
        return Done(result)

    def _reconcile(self, step: Step) -> Conversation[Written | None]:
        """Ask the books what became of the sends of all generations."""
        policy = self._write.on_unknown_outcome
        may_follow = self._write.durable and not self._history.said_yes
        if policy == "resend" and may_follow:
            return (yield from self._follow(step, "resend", most=1))
        if policy != "reconcile":
            found = yield from self._attempt.candidates()
            raise self._history.unknown(self._history.reason(), found)
        yield from self._wait_until_settled(step)
        finding = yield from self._finding()
        if finding.operation is not None:
            return (yield from self._adopt(step.generation, finding.operation))
        if not finding.nothing or not may_follow:
            reason = f"{self._history.reason()}; {finding.reason}"
            raise self._history.unknown(reason, finding.candidates)
        log.log(
            self._write.info_level,
            "Nothing in the books can be this record: it was not created",
        )
        return (yield from self._follow(step, "reconciled", most=3))

    def _finding(self) -> Conversation[Finding]:
        """Return what the books tell of what nothing else tells of."""
        search = self._history.search(self._patience.clock(), self._books.claims)
        try:
            finding = yield from self._books.reconcile(search)
        except Refused as error:
            words = self._write.redact(str(error))
            reason = f"{self._history.reason()}; the books cannot be asked: {words}"
            raise self._history.unknown(reason, ()) from None
        report_finding(finding, self._patience.telemetry)
        return finding

    def _follow(
        self, step: Step, because: str, *, most: int
    ) -> Conversation[Written | None]:
        """Send it anew; how often in one try, is limited: retries have a pace."""
        if self._followed >= most:
            words = f"{self._history.reason()}; it was sent anew before in this try"
            raise CodatFaulted(words, status=500)
        self._followed += 1
        following = replace(step, move=Move.SEND, because=because)
        following = replace(following, generation=step.generation + 1)
        return (yield from self._attempt.attempt(following))

    def _adopt(
        self, generation: int, operation: PushOperation
    ) -> Conversation[Written]:
        """Take an operation that was found for the one whose answer was lost."""
        log.log(
            self._write.warning_level,
            "The answer was lost; push operation %s made this record: it is adopted",
            operation.key,
        )
        return (yield from self._attempt.accepted(generation, operation, adopted=True))

    def _wait_until_settled(self, step: Step) -> Conversation[None]:
        """Wait until whatever was sent has acted or never will, and is listed."""
        if step.because == STALE:
            now = self._patience.clock()
            last = now + LONGEST_CALL_SECONDS
            doubt = Entry(
                "doubt", step.generation, now, self._write.clear_count, until=last
            )
            yield from self._attempt.note(doubt)
        quiet = max(
            settled_at(each, self._write.lifetime_seconds)
            for each in self._history.open()
        )
        ready_at = max(quiet + self._write.grace_seconds, step.not_before)
        if (seconds := ready_at - self._patience.clock()) > 0:
            reason = f"{self._history.reason()}. Whether it was created is not known"
            yield DeferrablePause(
                seconds, f"{reason}; the books are asked after a pause"
            )


def _in_doubt(seen: PushOperation | Refused) -> bool:
    """Whether nobody but a person can tell what became of a push operation."""
    if isinstance(seen, Refused):
        return isinstance(seen, NotFound)
    failed = seen.ended and seen.status != "Success"
    return failed and not created_nothing(seen)


def existed(write: Write, *, unseen: bool) -> Summary | None:
    """Return what a task returns whose record was in the books before; else None.

    :param unseen: whether a try that left no journal may have created it.
    :raises AlreadyExists: when that is to fail the task, or several are like it.
    """
    found = write.existing(write.payload) if write.existing else ()
    if not found:
        return None
    matched = ", ".join(dict.fromkeys(name for m in found for name in m.matched_on))
    what = f"{write.data_type.record} with the same {matched}"
    if write.if_exists == "fail" or len(_ids(found)) > 1:
        raise _already(write, what, _ids(found), unseen=unseen)
    record_id = found[0].record_id
    log.log(
        write.info_level,
        "The books hold a %s: record %s; nothing is sent",
        what,
        record_id,
    )
    return {
        "push_operation_key": "",
        "status": "Exists",
        "record_id": record_id,
        "company_id": write.destination.company_id,
        "connection_id": write.destination.connection_id,
        "warnings": [],
        "requested_at": "",
        "completed_at": None,
        "adopted": False,
    }


def _ids(found: Sequence[Match]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(match.record_id for match in found))


def _already(
    write: Write, what: str, ids: tuple[str, ...], *, unseen: bool
) -> AlreadyExists:
    """Return the error that names the records that were there."""
    nothing = "Nothing was sent"
    if unseen:
        nothing = (
            "It may be one of an earlier try of this task, of which nothing was "
            "written down; this one has sent nothing"
        )
    if len(ids) == 1:
        return AlreadyExists(
            f"the books hold a {what} already: record {ids[0]}. {nothing} "
            '(if_exists="fail")',
            record_ids=ids,
        )
    listed = ", ".join(ids[:_MOST_NAMED]) + ", ..." * (len(ids) > _MOST_NAMED)
    advice = "Fewer properties in match_on may tell them apart"
    return AlreadyExists(
        f"the books hold {len(ids)} records of a {what}: {listed}. {nothing}. "
        + ("" if write.if_exists == "fail" else advice),
        record_ids=ids,
    )
