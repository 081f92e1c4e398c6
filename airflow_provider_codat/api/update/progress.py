"""How far an update has come, by its journal, and what the books say of the rest."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from airflow_provider_codat.api.create.intent import Done
from airflow_provider_codat.api.create.journal import Entry
from airflow_provider_codat.api.create.next_step import UNSEEN, Generation
from airflow_provider_codat.api.errors import Malformed, OutcomeUnknown, Refused
from airflow_provider_codat.api.http.exchange import (
    Conversation,
    DeferrablePause,
    Note,
    Patience,
)
from airflow_provider_codat.api.update.evidence import (
    Trail,
    at_rest,
    evidence,
    read_back,
)
from airflow_provider_codat.api.update.intent import Delete, Update
from airflow_provider_codat.api.update.journal import Calls, settled_at, window
from airflow_provider_codat.api.update.result import gone, older_may_land, updated

if TYPE_CHECKING:
    from airflow_provider_codat.api.models import Json


class UpdateProgress:
    """The journal of one update, as far as this process knows it.

    :param entries: what was written down before.
    """

    def __init__(
        self, wanted: Update, entries: tuple[Entry, ...], patience: Patience
    ) -> None:
        self.calls = Calls(entries)
        self._wanted = wanted
        self._patience = patience

    def entry(self) -> Entry:
        """Return a bare entry of the present call; what it says is to be filled in."""
        generation = self.calls.next_generation - 1
        now, clear_count = self._patience.clock(), self._wanted.clear_count
        return Entry("doubt", generation, now, clear_count)

    def add(self, entry: Entry) -> None:
        """Take in what was written down."""
        self.calls = Calls((*self.calls.entries, entry))

    def keep(self, entry: Entry) -> Conversation[None]:
        """Write an entry down, and know it from then on."""
        yield Note(entry)
        self.add(entry)

    def unseen(self, since: float, until: float) -> Conversation[None]:
        """Reckon with a call of which nothing was written down.

        :param since: epoch seconds before which it was not.
        :param until: epoch seconds after which it sent nothing.
        """
        digest, clear_count = self._wanted.digest, self._wanted.clear_count
        intent = Entry("intent", 0, since, clear_count, digest=digest)
        yield from self.keep(replace(intent, because=UNSEEN, until=until))

    def rest_until(self, moment: float, reason: str) -> Conversation[None]:
        """Wait, here or elsewhere."""
        if (seconds := moment - self._patience.clock()) > 0:
            yield DeferrablePause(seconds, reason)

    def let_older_rest(self) -> Conversation[None]:
        """Wait until no older payload can be written any more.

        :raises OutcomeUnknown: when Codat has given up one that may still be.
        :raises StillInProgress: when one goes on.
        """
        older = self.calls.older(self._wanted.digest)
        if not older:
            return
        yield from self._quiet(older, "An earlier try may have sent another payload")
        found = yield from at_rest(self._trail(older), self._patience)
        landing = [key for key, each in found.items() if each.status == "TimedOut"]
        if landing and older[-1].intent.clear_count == self._wanted.clear_count:
            raise older_may_land(landing)

    def ask_the_books(
        self,
        doubtful: Sequence[Generation],
        reason: str,
        refusal: BaseException | None,
        failed: str = "",
    ) -> Conversation[Done]:
        """Ask the push history, and the record, what came of what was sent.

        :param doubtful: the calls that may have changed the record.
        :param reason: why that is not known.
        :param refusal: what is raised when they have not.
        :param failed: the key of a push operation that has failed.
        :raises OutcomeUnknown: when the books do not tell.
        """
        wanted, done = self._wanted, self._wanted.words.done
        yield from self._quiet(doubtful, f"Whether the record was {done} is not known")
        try:
            found = yield from evidence(self._trail(doubtful, failed), self._patience)
        except Refused as error:
            words = f"the books cannot be asked: {wanted.redact(str(error))}"
            raise _unknown(wanted, reason, words, ()) from None
        if found.done:
            result = updated(wanted, found.adopted)
            key = result["push_operation_key"]
            end = replace(self.entry(), kind="end", operation_key=key)
            yield from self.keep(replace(end, result=cast("dict[str, Json]", result)))
            return Done(result)
        if not found.not_done:
            raise _unknown(wanted, reason, found.told(), tuple(found.operations))
        no = replace(self.entry(), kind="no", operation_key=failed)
        yield from self.keep(replace(no, because=f"the record {wanted.words.undone}"))
        raise refusal or Malformed(f"{reason}; the record was not {done}")

    def is_gone(self) -> Conversation[Done | None]:
        """Whether a record that is to be deleted is not there any more.

        A refusal proves nothing: it may be that of another record, or of a company.
        Where the books are not shown either, what was said first stands.
        """
        if not isinstance(self._wanted, Delete):
            return None
        try:
            found = yield from read_back(self._wanted, self._patience)
        except Refused:
            return None
        if isinstance(found, str) or not found.exactly:
            return None
        result = gone(self._wanted)
        end = replace(self.entry(), kind="end", result=cast("dict[str, Json]", result))
        yield from self.keep(end)
        return Done(result)

    def _quiet(self, calls: Sequence[Generation], reason: str) -> Conversation[None]:
        """Wait until all that was sent has acted or never will, and is listed."""
        lifetime = self._wanted.lifetime_seconds
        quiet = max(settled_at(each, lifetime) for each in calls)
        yield from self.rest_until(quiet + self._wanted.grace_seconds, reason)

    def _trail(self, calls: Sequence[Generation], failed: str = "") -> Trail:
        windows = tuple(window(each, self._wanted.lifetime_seconds) for each in calls)
        since = min(each.begin for each in windows)
        return Trail(
            update=self._wanted,
            windows=windows,
            settled=self.calls.settled() | {failed},
            accepted=self.calls.accepted(self._wanted.digest, since),
        )


def _unknown(
    wanted: Update, reason: str, told: str, candidates: tuple[str, ...]
) -> OutcomeUnknown:
    return OutcomeUnknown(
        f"{reason}\nWhether an earlier send has {wanted.words.done} the record is not "
        f"known: {told}. Look at the record; a task that is cleared sends it again",
        candidates=candidates,
        reason=reason,
    )
