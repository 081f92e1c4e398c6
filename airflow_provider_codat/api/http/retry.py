"""The tables that decide what to do on each answer. Pure: values in, a value out.

A GET may be repeated freely. A POST is repeated with the same idempotency key and
the same bytes, and only while Codat is sure to remember the key. A PUT that updates a
record may be repeated, too: it leaves the same values.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum, auto

KEY_MEMORY_SECONDS = 90 * 60
"""How long Codat keeps the first reply to a key, and repeats it."""

KEY_LIFETIME_SECONDS = 75 * 60
"""How long after its first send a key is sent again.

The rest of Codat's memory is a margin for clocks that differ.
"""

UNREADABLE_REPEATS = 2
"""How often a 2xx that cannot be read is asked for again."""


class Verdict(Enum):
    """What to do on an answer."""

    ACCEPT = auto()
    """It is what was asked for."""
    REPEAT = auto()
    """Send the same again, backing off."""
    REPEAT_LATER = auto()
    """Send the same again, not before ``Retry-After``."""
    WAIT = auto()
    """An earlier request still runs: wait for it, then send the same again."""
    REFUSE = auto()
    """It was refused, and nothing was created by it."""
    UNKNOWN = auto()
    """A record may exist: send nothing more."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the tables need to know of an answer.

    :param status: the HTTP status; None when there was no answer.
    :param sent: whether the request may have reached Codat. False only when there
        was provably no connection.
    :param codats_own: whether a body of Codat's came with an error, so that it was
        not a gateway that spoke.
    :param readable: whether a 2xx says what is documented, and of what was asked.
    :param can_be_retried: Codat's own opinion; None where it has none.
    """

    status: int | None
    sent: bool = True
    codats_own: bool = False
    readable: bool = False
    can_be_retried: bool | None = None


@dataclass(frozen=True, slots=True)
class Sends:
    """What is known of the sends of one key so far.

    :param first_at: epoch seconds of the first send, or a moment before it.
    :param unresolved: whether one of them may have created a record.
    :param unreadable: how many were answered by a 2xx that could not be read.
    """

    first_at: float | None = None
    unresolved: bool = False
    unreadable: int = 0

    def may_send(self, now: float) -> bool:
        """Whether Codat surely still remembers the key, or never acted on it.

        :param now: epoch seconds.
        """
        if self.first_at is None or now - self.first_at <= KEY_LIFETIME_SECONDS:
            return True
        return not self.unresolved

    def begun(self, now: float) -> "Sends":
        """Note that a send is about to start; the key's age runs from here.

        It starts anew as long as Codat acted on no send: a 429 releases the key.
        """
        if self.first_at is not None and self.unresolved:
            return self
        return replace(self, first_at=now)

    def answered(self, answer: Answer) -> "Sends":
        """Note what an answer leaves open."""
        status = answer.status
        settled = (status is None and not answer.sent) or status == 429  # noqa: PLR2004 - HTTP's own number
        unreadable = status is not None and status < 400  # noqa: PLR2004 - the same
        return replace(
            self,
            unresolved=self.unresolved or not settled,
            unreadable=self.unreadable + unreadable,
        )


def after_get(answer: Answer) -> Verdict:
    """Decide on the answer to a GET, which may always be repeated."""
    match answer.status:
        case None | 408:
            return Verdict.REPEAT
        case 429:
            return Verdict.REPEAT_LATER
        case status if 200 <= status < 300:  # noqa: PLR2004 - HTTP's own numbers
            return Verdict.ACCEPT if answer.readable else Verdict.REPEAT
        case status if status >= 500:  # noqa: PLR2004 - the same
            may_repeat = answer.can_be_retried is not False
        case _:
            may_repeat = bool(answer.can_be_retried)
    return Verdict.REPEAT if may_repeat else Verdict.REFUSE


def after_post(answer: Answer, sends: Sends) -> Verdict:
    """Decide on the answer to a POST that carries an idempotency key.

    :param sends: what the sends *before* this one had left open.
    """
    match answer.status:
        case None | 408:
            return Verdict.REPEAT
        case 429:
            return Verdict.REPEAT_LATER
        case 409:
            return Verdict.WAIT
        case 422:
            # Our keys meet it only if somebody else has used them.
            return Verdict.UNKNOWN
        case status if status < 400:  # noqa: PLR2004 - HTTP's own number
            return _after_success(answer, sends)
        case status if status >= 500:  # noqa: PLR2004 - the same
            return _after_fault(answer)
        case _:
            return _after_refusal(sends)


def after_update(answer: Answer, sends: Sends) -> Verdict:
    """Decide on the answer to a PUT that leaves the same values when it is repeated.

    Only a refusal may mean something else then: a send whose answer was lost may have
    changed the record, and a second one is refused for that.

    :param sends: what the sends *before* this one had left open.
    """
    match answer.status:
        case None | 408:
            return Verdict.REPEAT
        case 429:
            return Verdict.REPEAT_LATER
        case status if status < 400:  # noqa: PLR2004 - HTTP's own number
            return _after_success(answer, sends)
        case status if status >= 500:  # noqa: PLR2004 - the same
            return Verdict.REPEAT
        case _:
            return _after_refusal(sends)


def _after_fault(answer: Answer) -> Verdict:
    """Decide on a 5xx.

    Codat's own error is replayed under this key for 90 minutes; a gateway's says
    nothing of what Codat did.
    """
    return Verdict.UNKNOWN if answer.codats_own else Verdict.REPEAT


def _after_refusal(sends: Sends) -> Verdict:
    """Decide on a 4xx: of a send before it, which had no answer, it tells nothing."""
    return Verdict.UNKNOWN if sends.unresolved else Verdict.REFUSE


def _after_success(answer: Answer, sends: Sends) -> Verdict:
    """Decide on a 2xx, or a redirect (which is never followed)."""
    if answer.readable:
        return Verdict.ACCEPT
    return Verdict.REPEAT if sends.unreadable < UNREADABLE_REPEATS else Verdict.UNKNOWN


def after_single(answer: Answer) -> Verdict:
    """Decide on the answer to a PUT or DELETE, which carries no key.

    It is repeated only where it provably changed nothing. A redirect and a 408 prove
    nothing, as with a POST.
    """
    match answer.status:
        case None:
            return Verdict.UNKNOWN if answer.sent else Verdict.REPEAT
        case 429:
            return Verdict.REPEAT_LATER
        case status if 400 <= status < 500 and status != 408:  # noqa: PLR2004 - HTTP's own numbers
            return Verdict.REFUSE
        case _:
            return Verdict.ACCEPT if answer.readable else Verdict.UNKNOWN


def backoff(
    attempt: int,
    dice: Callable[[], float],
    *,
    first_seconds: float = 0.5,
    longest_seconds: float = 30.0,
) -> float:
    """Return how long to wait before sending again, in seconds.

    It doubles from attempt to attempt; half of it is left to chance, so that tasks
    which failed together do not come back together.

    :param attempt: 0 after the first failure.
    :param dice: gives a number from 0 up to 1.
    """
    whole = min(longest_seconds, first_seconds * (1 << min(attempt, 16)))
    return whole * (0.5 + dice() / 2)
