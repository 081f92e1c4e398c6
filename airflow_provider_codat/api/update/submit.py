"""One update from intent to outcome: the latest values win, and success is true.

A PUT leaves the same values however often it is carried out. So an answer that was lost
is met by sending it again. Three things are guarded: an older payload of the task must
not act after a newer one; a refusal of a repeated send proves nothing until the books
were asked; and nothing is called done, or not done, that nobody can tell.
"""

import logging
from dataclasses import replace
from typing import cast

from airflow_provider_codat.api.books.push_history import known_push_operation
from airflow_provider_codat.api.create.attempt import LONGEST_CALL_SECONDS
from airflow_provider_codat.api.create.conclude import PUSH_FAILED, concealed
from airflow_provider_codat.api.create.intent import Done, Written
from airflow_provider_codat.api.create.journal import Entry, Kind, Past
from airflow_provider_codat.api.create.next_step import Generation
from airflow_provider_codat.api.create.settle import settle, summary
from airflow_provider_codat.api.errors import (
    CodatError,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Refused,
)
from airflow_provider_codat.api.http.exchange import Conversation, Patience, update
from airflow_provider_codat.api.http.response import epoch_of
from airflow_provider_codat.api.http.retry import Answer, Sends, Verdict
from airflow_provider_codat.api.models import Json, PushOperation, Summary
from airflow_provider_codat.api.update.evidence import refused
from airflow_provider_codat.api.update.intent import Update
from airflow_provider_codat.api.update.journal import Move
from airflow_provider_codat.api.update.progress import UpdateProgress
from airflow_provider_codat.api.update.result import (
    older_may_land,
    push_failed,
    push_timed_out,
    sent_otherwise,
    succeeded,
)

log = logging.getLogger(__name__)

_MOST_DEFERRALS = 20
"""How often one task may be asked to come back later before that uses up a retry."""


def submit_update(
    wanted: Update, past: Past, patience: Patience
) -> Conversation[Written | Done]:
    """Bring an update to where Codat has accepted it, or nothing more may be done.

    It does not wait for its push operation to end.

    :param past: what earlier tries wrote down.
    :raises Refused: nothing was changed.
    :raises RateLimited: come back later.
    :raises Unreachable: no answer; another try repeats it.
    :raises OutcomeUnknown: whether the record was changed is not known.
    """
    return _Updating(wanted, past, patience).submitted()


def conclude_update(
    wanted: Update, past: Past, written: Written, patience: Patience
) -> Conversation[Summary]:
    """Write down what came of an accepted update, and return it.

    :param past: all that was written down, in this try, too.
    :raises PushFailed: the record was not changed.
    :raises PushTimedOut: it may still be changed.
    :raises OutcomeUnknown: whether it was changed is not known.
    """
    return _Updating(wanted, past, patience).concluded(written)


class _Updating:
    """One update in one process."""

    def __init__(self, wanted: Update, past: Past, patience: Patience) -> None:
        self._wanted = wanted
        self._unseen_since = past.unseen_since
        self._patience = patience
        self._known = UpdateProgress(wanted, past.entries, patience)
        self._unanswered_at = 0.0

    def submitted(self) -> Conversation[Written | Done]:
        if not self._known.calls.all and self._unseen_since is not None:
            yield from self._known.unseen(self._unseen_since, self._patience.clock())
        clear_count = self._wanted.clear_count
        while True:
            try:
                return (yield from self._go())
            except RateLimited as error:
                deferrals = self._known.calls.deferrals(clear_count)
                if not self._wanted.may_defer or deferrals > _MOST_DEFERRALS:
                    raise
                yield from self._known.rest_until(error.until, str(error))

    def _go(self) -> Conversation[Written | Done]:
        calls = self._known.calls
        match calls.next_move(self._wanted.digest, self._wanted.clear_count):
            case Move.RETURN:
                end = calls.all[-1].get("end")
                log.info("An earlier try has done it; nothing is sent")
                return Done(cast("Summary", end.result if end else {}))
            case Move.POLL:
                return (yield from self._poll(calls.all[-1]))
        return (yield from self._send())

    def _poll(self, call: Generation) -> Conversation[Written | Done]:
        """Ask for the push operation that an earlier try was given."""
        wanted, op = self._wanted, call.accepted
        key, cleared = op.operation_key, op.clear_count != wanted.clear_count
        log.info("An earlier try was given push operation %s: asking for it", key)
        company = wanted.destination.company_id
        try:
            operation = yield from known_push_operation(company, key, self._patience)
        except Refused as error:
            if isinstance(error, NotFound) and cleared:
                return (yield from self._send())
            raise OutcomeUnknown(
                f"push operation {key} was accepted, but cannot be asked for, so the "
                f"record may be {wanted.words.done}: {wanted.redact(str(error))}",
                candidates=[key],
            ) from None
        if call.intent.digest != wanted.digest:
            return (yield from self._after_older(operation, cleared=cleared))
        if cleared and operation.ended and operation.status != "Success":
            # Who clears a task whose update did not succeed orders another one.
            yield from self._conclude_older(operation)
            return (yield from self._send())
        return Written(call.intent.generation, operation)

    def _after_older(
        self, operation: PushOperation, *, cleared: bool
    ) -> Conversation[Written | Done]:
        """Wait until an older payload was written, or was not; then send this one."""
        log.info("Push operation %s is of an earlier payload: awaited", operation.key)
        operation = yield from settle(
            operation,
            self._patience,
            poll_interval_seconds=self._wanted.poll_interval_seconds,
            deadline=self._patience.clock() + self._wanted.patience_seconds,
        )
        if operation.status == "TimedOut" and not cleared:
            raise older_may_land([operation.key])
        yield from self._conclude_older(operation)
        return (yield from self._send())

    def _conclude_older(self, operation: PushOperation) -> Conversation[None]:
        """Take in what came of an earlier call, where that is plain."""
        entry = replace(self._known.entry(), operation_key=operation.key)
        if operation.status == "Success":
            result = cast("dict[str, Json]", summary(operation, concealed))
            yield from self._known.keep(replace(entry, kind="end", result=result))
        elif refused(operation):
            yield from self._known.keep(replace(entry, kind="no", because=PUSH_FAILED))

    def _send(self) -> Conversation[Written | Done]:
        """Send it, and write down what the answer means."""
        yield from self._wait_until(self._known.calls.not_before)
        yield from self._known.let_older_rest()
        wanted, known = self._wanted, self._known
        again = bool(known.calls.doubtful(wanted.digest))
        yield from self._intend(again=again)
        budget = min(self._patience.budget_seconds, LONGEST_CALL_SECONDS)
        try:
            operation = yield from update(
                wanted.request,
                wanted.destination,
                wanted.data_type,
                replace(self._patience, budget_seconds=budget),
                sends=Sends(unresolved=again),
                noted=self._noted,
                redact=wanted.redact,
            )
        except CodatError as error:
            yield from self._not_accepted(error)
            if isinstance(error, NotFound) and (done := (yield from known.is_gone())):
                return done
            if not isinstance(error, OutcomeUnknown):
                raise
            doubtful, refusal = known.calls.doubtful(wanted.digest), error.__cause__
            return (yield from known.ask_the_books(doubtful, error.reason, refusal))
        op = replace(known.entry(), kind="op", operation_key=operation.key)
        yield from known.keep(replace(op, until=self._unanswered_at))
        return Written(op.generation, operation)

    def _wait_until(self, moment: float) -> Conversation[None]:
        words = "Codat has asked to come back later"
        if moment - self._patience.clock() > self._patience.budget_seconds:
            raise RateLimited(words, until=moment)
        yield from self._known.rest_until(moment, words)

    def _intend(self, *, again: bool) -> Conversation[None]:
        """Write down what is about to be sent."""
        wanted, place = self._wanted, self._wanted.destination
        self._unanswered_at = 0.0
        log.info(
            "Sending %s of %s to company %s over connection %s%s",
            wanted.words.action,
            wanted.data_type.a_record,
            place.company_id,
            place.connection_id,
            " again: what came of an earlier send is not known" if again else "",
        )
        number = self._known.calls.next_generation
        intent = Entry("intent", number, self._patience.clock(), wanted.clear_count)
        query, digest = wanted.request.query, wanted.digest
        yield from self._known.keep(replace(intent, query=query, digest=digest))

    def _noted(self, verdict: Verdict, answer: Answer, at: float) -> Entry | None:
        """Return what an answer means for the journal, if anything."""
        entry = replace(self._known.entry(), at=at)
        if verdict in {Verdict.REPEAT, Verdict.UNKNOWN} and _may_act_later(answer):
            self._unanswered_at = at
        kind = _kind_of(verdict, answer)
        if kind is None or (kind == "5xx" and self._known.calls.all[-1].get("5xx")):
            return None
        because = f"refused by {answer.status}" if kind == "no" else entry.because
        entry = replace(entry, kind=kind, because=because)
        self._known.add(entry)
        return entry

    def _not_accepted(self, error: CodatError) -> Conversation[None]:
        """Write down how a call ended that was not accepted."""
        if not self._known.calls.all[-1].get("no"):
            yield from self._known.keep(
                replace(self._known.entry(), until=self._unanswered_at)
            )
        if isinstance(error, RateLimited):
            limited = replace(self._known.entry(), kind="limited", until=error.until)
            yield from self._known.keep(limited)

    def concluded(self, written: Written) -> Conversation[Summary]:
        operation, calls = written.operation, self._known.calls.all
        if calls and calls[-1].intent.digest != self._wanted.digest:
            self._wanted = replace(self._wanted, redact=concealed)
        result = succeeded(self._wanted, operation)
        if operation.status == "Failed":
            return (yield from self._failed(operation))
        if operation.status == "TimedOut":
            raise push_timed_out(self._wanted, operation)
        if operation.status == "Success":
            kept = cast("dict[str, Json]", result)
            end = replace(self._known.entry(), kind="end", operation_key=operation.key)
            yield from self._known.keep(replace(end, result=kept))
        return result

    def _failed(self, operation: PushOperation) -> Conversation[Summary]:
        """Tell a refusal from a failure that is one of a repetition alone."""
        wanted, known, key = self._wanted, self._known, operation.key
        if not known.calls.all:
            # Whoever sent it wrote nothing down, and is gone.
            at = epoch_of(operation.requested_at) or self._patience.clock()
            yield from known.unseen(at - LONGEST_CALL_SECONDS, at)
        clean, digest = refused(operation), known.calls.all[-1].intent.digest
        error = push_failed(wanted, operation, clean=clean)
        doubtful = known.calls.doubtful(digest, key if clean else "")
        if not doubtful:
            if done := (yield from known.is_gone()):
                return done.result
            no = replace(known.entry(), kind="no", operation_key=key)
            yield from known.keep(replace(no, because=PUSH_FAILED))
            raise error
        reason = f"push operation {key} failed"
        if digest != wanted.digest:
            raise sent_otherwise(reason, key)
        done = yield from known.ask_the_books(doubtful, reason, error, key)
        return done.result


def _kind_of(verdict: Verdict, answer: Answer) -> Kind | None:
    """Return what an answer is called in the journal; None where it is not noted."""
    status = answer.status or 0
    if verdict is Verdict.REFUSE:
        return "no"
    if 0 < status < 400:  # noqa: PLR2004 - HTTP's own number
        return "2xx"
    return "5xx" if status >= 500 and answer.codats_own else None  # noqa: PLR2004 - the same


def _may_act_later(answer: Answer) -> bool:
    """Whether what was sent may be on its way yet: nobody has answered for Codat."""
    refused = 400 <= (answer.status or 0) < 500 and answer.status != 408  # noqa: PLR2004 - HTTP's own numbers
    return answer.sent and not answer.codats_own and not refused
