"""The books, asked once for all rows of a batch whose outcome is not known."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from airflow_provider_codat.api.claims import Claims
from airflow_provider_codat.api.client import Conversation, Patience
from airflow_provider_codat.api.crowd import Consult
from airflow_provider_codat.api.reconcile import candidates, reconcile
from airflow_provider_codat.api.search import Finding, Search


class BatchClaims(Claims):
    """The push operations of a batch: those that its journal names.

    They are looked up when the books are asked: to hold them all the time would take
    more memory than all the rest.

    :param operation_keys: gives them, of all rows.
    """

    def __init__(self, operation_keys: Callable[[], Iterable[str]]) -> None:
        super().__init__()
        self._operation_keys = operation_keys
        self._taken: set[str] = set()

    def look_up(self) -> None:
        """Read anew which push operations belong to a row."""
        self._taken = set(self._operation_keys())

    def claim(self, key: str, owner: str) -> bool:  # noqa: ARG002 - as in Claims
        """Take a push operation; whether nobody had it is known since the look-up."""
        taken = key in self._taken
        self._taken.add(key)
        return not taken

    def is_free(self, key: str, owner: str) -> bool:  # noqa: ARG002 - as in Claims
        """Whether no row has taken a push operation."""
        return key not in self._taken

    def forget(self) -> None:
        """Keep no keys until the next look-up."""
        self._taken = set()


class BatchBooks:
    """Where a row asks: it waits until the books are asked for all."""

    def __init__(self, claims: BatchClaims) -> None:
        self.claims = claims

    def reconcile(self, search: Search) -> Conversation[Finding]:
        """Wait for what the books tell."""
        finding: Finding = yield Consult(0.0, _WAITS, search)
        return finding

    def candidates(self, search: Search) -> Conversation[tuple[str, ...]]:
        """Wait for what the list tells."""
        finding: Finding = yield Consult(0.0, _WAITS, search, closely=False)
        return finding.candidates


_WAITS = "The books are asked for all rows together"


def consulted(
    consults: Sequence[Consult],
    patience: Patience,
    claims: BatchClaims,
    latest: Iterable[str],
) -> Conversation[list[Finding]]:
    """Ask the books for many rows.

    :param latest: push operations that a list of now has to name, or is out of date.
    :return: a finding for each, in their order.
    """
    claims.look_up()
    expected = frozenset(latest)
    closely = [
        replace(each.search, expected=each.search.expected | expected)
        for each in consults
        if each.closely
    ]
    compared = iter((yield from reconcile(closely, patience)) if closely else [])
    listed = [each.search for each in consults if not each.closely]
    named = iter((yield from candidates(listed, patience)) if listed else [])
    claims.forget()
    return [
        next(compared) if each.closely else Finding(candidates=next(named))
        for each in consults
    ]
