"""The books, asked once for all rows of a batch whose outcome is not known."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import replace

from airflow_provider_codat.api.bulk.journal import BatchJournal
from airflow_provider_codat.api.bulk.scheduler import ReconcileRequest
from airflow_provider_codat.api.create.reconcile import candidates, reconcile
from airflow_provider_codat.api.create.search import Claims, Finding, Search
from airflow_provider_codat.api.http.exchange import Conversation, Patience
from airflow_provider_codat.api.http.response import CLOCK_SKEW_SECONDS, epoch_of
from airflow_provider_codat.api.models import PushOperation
from airflow_provider_codat.api.payload.canonical import canonical


class BatchClaims(Claims):
    """The push operations of a batch: those that its journal names.

    They are looked up when the books are asked: to hold them all the time would take
    more memory than all the rest.
    """

    def __init__(self, journal: BatchJournal) -> None:
        super().__init__()
        self._journal = journal
        self._taken: set[str] = set()
        self._looking = False

    def look_up(self) -> None:
        """Read anew which push operations belong to a row."""
        self._looking = True
        self._taken = set(self._journal.operation_keys())
        self.records = set(self._journal.given_records())

    def claim(self, key: str, owner: str) -> bool:  # noqa: ARG002 - as in Claims
        """Take a push operation; whether nobody had it is known since the look-up."""
        if not self._looking:
            return True  # it stands in the journal from now on
        taken = key in self._taken
        self._taken.add(key)
        return not taken

    def is_free(self, key: str, owner: str) -> bool:  # noqa: ARG002 - as in Claims
        """Whether no row has taken a push operation."""
        return key not in self._taken

    def others_since(self, asked_for: Container[bytes]) -> float:
        """Return since when rows may have been created that are in doubt, too.

        :param asked_for: the items of rows that are not meant.
        :return: epoch seconds; infinite where there are none.
        """
        return self._journal.in_doubt_since(asked_for)

    def forget(self) -> None:
        """Keep no keys until the next look-up."""
        self._looking = False
        self._taken, self.records = set(), ()


class BatchBooks:
    """Where a row asks: it waits until the books are asked for all."""

    def __init__(self, claims: BatchClaims) -> None:
        self.claims = claims

    def reconcile(self, search: Search) -> Conversation[Finding]:
        """Wait for what the books tell."""
        finding: Finding = yield ReconcileRequest(0.0, _WAITS, search)
        return finding

    def candidates(self, search: Search) -> Conversation[tuple[str, ...]]:
        """Wait for what the list tells."""
        finding: Finding = yield ReconcileRequest(0.0, _WAITS, search, closely=False)
        return finding.candidates


_WAITS = "The books are asked for all rows together"


def reconcile_batch(
    requests: Sequence[ReconcileRequest],
    patience: Patience,
    claims: BatchClaims,
    latest: Iterable[tuple[str, float]],
    others_since: float,
) -> Conversation[list[Finding]]:
    """Ask the books for many rows.

    :param latest: push operations that a list of now has to name, or is out of date;
        and when they were requested, or a moment before, by Codat's clock.
    :param others_since: epoch seconds since when rows may have been created that are in
        doubt, too, and are not asked for.
    :return: a finding for each, in their order.
    """
    claims.look_up()
    closely = _expecting([r.search for r in requests if r.closely], latest)
    listed = [each.search for each in requests if not each.closely]
    findings = (yield from reconcile(closely, patience)) if closely else []
    compared = iter(_uncontested(closely, findings, others_since))
    named = iter((yield from candidates(listed, patience)) if listed else [])
    claims.forget()
    return [
        next(compared) if each.closely else Finding(candidates=next(named))
        for each in requests
    ]


def _expecting(
    searches: Sequence[Search], latest: Iterable[tuple[str, float]]
) -> list[Search]:
    """Return searches that know which push operations the list has to name."""
    # The list is read no further back.
    since = min((search.since for search in searches), default=0.0)
    expected = frozenset(key for key, requested_at in latest if requested_at >= since)
    return [replace(each, expected=each.expected | expected) for each in searches]


def _uncontested(
    searches: Sequence[Search], findings: Sequence[Finding], others_since: float
) -> list[Finding]:
    """Return findings, without what another row may have made.

    The other one's key may be sent again, and would then be answered with it. Equal
    rows stand in for each other: of none of them can it be told.
    """
    contested: dict[bytes, list[str]] = {}
    for search, finding in zip(searches, findings, strict=True):
        operation = finding.operation
        if operation and _is_since(operation, others_since):
            keys = contested.setdefault(canonical(search.payload), [])
            keys.append(operation.key)
    payloads = [canonical(search.payload) for search in searches] if contested else []
    reason = "the books show one that another row may have made, in doubt, too"
    untold = {
        number: Finding(candidates=tuple(contested[payload]), reason=reason)
        for number, payload in enumerate(payloads)
        if payload in contested
    }
    return [untold.get(number, finding) for number, finding in enumerate(findings)]


def _is_since(operation: PushOperation, moment: float) -> bool:
    requested = epoch_of(operation.requested_at)
    return requested is None or requested >= moment - CLOCK_SKEW_SECONDS
