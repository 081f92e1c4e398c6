"""Which record belongs to which create, where the answers of several were lost."""

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace

from airflow_provider_codat.api.create.search import Finding, Search
from airflow_provider_codat.api.models import PushOperation

NOTHING = Finding(nothing=True, reason="the books do not show it")


@dataclass(frozen=True, slots=True)
class Suspects:
    """The push operations that may be the one that a search looks for.

    Searches whose suspects are equal can stand in for each other.

    :param payload: in its one spelling.
    :param same: keys of those that made an equal record.
    :param unclear: keys of those of which that cannot be told.
    :param reason: why not, where that is not for their records.
    """

    payload: bytes
    same: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()
    reason: str = ""

    def without(self, keys: Container[str]) -> "Suspects":
        """Return those that are left when some belong to others."""
        return replace(
            self,
            same=tuple(key for key in self.same if key not in keys),
            unclear=tuple(key for key in self.unclear if key not in keys),
        )


def matched(
    searches: Sequence[Search],
    suspects: Sequence[Suspects],
    found: Mapping[str, PushOperation],
) -> list[Finding]:
    """Return a finding for each search; no two of them have the same operation.

    :param suspects: of each search.
    :param found: all suspects, by their keys.
    """
    findings: dict[int, Finding] = {}
    open_: dict[int, Suspects] = dict(enumerate(suspects))
    while told := _told(open_):
        for group, members in told.items():
            findings |= _shared_out(group, members, searches, found)
        taken = {key for group in told for key in group.same}
        # Without what others have taken, more can stand in for each other.
        open_ = {n: s.without(taken) for n, s in open_.items() if n not in findings}
    findings |= {number: _untold(each, open_) for number, each in open_.items()}
    return [findings[number] for number in range(len(searches))]


def _told(suspects: Mapping[int, Suspects]) -> dict[Suspects, list[int]]:
    """Return the groups of searches of which it is plain what became of them.

    An equal record belongs to those that it equals, whomever else it resembles; when
    it equals others, too, nobody can tell. So a group is plain when whatever may be
    theirs and is no equal record belongs to another plain group, and there are no more
    equal records than members. Then exactly so many of them were created, and the rest
    were not: which ones does not matter, as they are equal.
    """
    groups: dict[Suspects, list[int]] = {}
    for number, each in suspects.items():
        groups.setdefault(each, []).append(number)
    plain = _uncontested(groups)
    before = 0
    while before != len(plain):
        before = len(plain)
        owned = {key for group in plain for key in group.same}
        plain = {group for group in plain if owned.issuperset(group.unclear)}
    return {group: members for group, members in groups.items() if group in plain}


def _uncontested(groups: Mapping[Suspects, list[int]]) -> set[Suspects]:
    """Return the groups whose equal records equal nobody else, and are not too many."""
    sought = Counter(key for group in groups for key in group.same)
    return {
        group
        for group, members in groups.items()
        if len(group.same) <= len(members) and all(sought[k] == 1 for k in group.same)
    }


def _shared_out(
    group: Suspects,
    members: Sequence[int],
    searches: Sequence[Search],
    found: Mapping[str, PushOperation],
) -> dict[int, Finding]:
    """Give each of the equal records to a search, as far as they go.

    Those come first that Codat said yes to: their records are there.
    """
    findings = dict.fromkeys(members, NOTHING)
    first = sorted(members, key=lambda number: not searches[number].promised)
    for key, number in zip(group.same, first, strict=False):
        search = searches[number]
        if search.claims.claim(key, search.owner):
            findings[number] = Finding(operation=found[key])
        else:
            findings[number] = _untold(replace(group, same=(key,)), {})
    return findings


def _untold(suspects: Suspects, others: Mapping[int, Suspects]) -> Finding:
    """Name the suspects of a search of which it cannot be told what became of it."""
    same, unclear = suspects.same, suspects.unclear
    reason = suspects.reason or (
        f"{len(same)} of the push operations of that time made an equal record, "
        f"and of {len(unclear)} it cannot be told"
    )
    equal = set(same)
    rivals = sum(not equal.isdisjoint(each.same) for each in others.values())
    if rivals > 1:
        reason += f"; {rivals} records are looked for that are equal to these"
    return Finding(candidates=(*same, *unclear), reason=reason)
