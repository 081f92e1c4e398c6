"""What one exchange came to, put into words and errors."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from airflow_provider_codat.api.errors import (
    CodatError,
    CodatFaulted,
    Malformed,
    OutcomeUnknown,
    RateLimited,
    StillInProgress,
    Unreachable,
)
from airflow_provider_codat.api.http.request import NoAnswer, Reply, Request, Response
from airflow_provider_codat.api.http.response import (
    classified,
    correlation_id,
    described,
    refusal,
)
from airflow_provider_codat.api.http.retry import (
    KEY_LIFETIME_SECONDS,
    Answer,
    Sends,
    Verdict,
)

T = TypeVar("T")


_EARLIER = "This tells nothing of an earlier request, whose outcome is open"


@dataclass(slots=True)
class Outcome:
    """The latest reply to a request, and what is known of its sends.

    :param redact: takes the payload's own values out of Codat's words.
    """

    request: Request
    sends: Sends
    redact: Callable[[str], str]
    _reply: Reply = field(default_factory=lambda: NoAnswer("nothing was sent yet"))
    _fault: str = ""

    def begin(self, now: float) -> None:
        """Note that it is about to be sent.

        :param now: epoch seconds.
        :raises OutcomeUnknown: when Codat may have forgotten its key.
        """
        if self.request.idempotency_key and not self.sends.may_send(now):
            raise self._too_old()
        self.sends = self.sends.begun(now)

    def take(
        self, reply: Reply, read: Callable[[Response, float], T]
    ) -> tuple[T | None, Answer]:
        """Take a reply: return what it says, where it can be read."""
        self._reply, self._fault = reply, ""
        value: T | None = None
        readable = isinstance(reply, Response) and 200 <= reply.status < 300  # noqa: PLR2004 - HTTP's own numbers
        if isinstance(reply, Response) and readable:
            try:
                value = read(reply, self.sends.first_at or 0.0)
            except Malformed as error:
                self._fault, readable = str(error), False
        return value, classified(reply, readable=readable)

    @property
    def hopeless(self) -> bool:
        """Whether a repetition would meet the same obstacle."""
        return isinstance(self._reply, NoAnswer) and self._reply.hopeless

    def said(self) -> str:
        """Say in one line what came of the latest send."""
        if isinstance(self._reply, NoAnswer):
            return f"{self.request}: no answer: {self._reply.detail}"
        words = self._fault or described(self._reply, self.redact)
        return f"{self.request}: {words}"

    def ended(self, verdict: Verdict) -> CodatError:
        """Return the error for a request that is not to be sent again."""
        if verdict is Verdict.UNKNOWN:
            status = self._reply.status if isinstance(self._reply, Response) else 0
            refused = 400 <= status < 500  # noqa: PLR2004 - HTTP's own numbers
            reason = self.said()
            if refused and status != 422:  # noqa: PLR2004 - the same
                reason += f"\n{_EARLIER}"
            return OutcomeUnknown(
                f"{reason}\n{self._what_may_exist()}",
                books_may_tell=not refused,
                reason=reason,
            )
        if not isinstance(self._reply, Response):
            return Unreachable(self.said())
        if self._reply.status >= 500:  # noqa: PLR2004 - HTTP's own number
            return self._faulted(self.said(), self._reply)
        return refusal(self._reply, self.request, self.redact)

    def given_up(self, until: float) -> CodatError:
        """Return the error for a request that the call has no more time for.

        :param until: epoch seconds at which it would have been sent again.
        """
        words = f"{self.said()}{self._may_be_repeated()}"
        if not isinstance(self._reply, Response):
            return Unreachable(words)
        match self._reply.status:
            case 429:
                return RateLimited(words, until=until)
            case 409:
                return StillInProgress(words)
            case status if status < 400:  # noqa: PLR2004 - HTTP's own number
                keyed = self.request.idempotency_key is not None
                return self.ended(Verdict.UNKNOWN) if keyed else Malformed(words)
            case _ if self.request.idempotency_key is None:
                return self._faulted(words, self._reply)
            case _:
                return Unreachable(words)

    def _faulted(self, words: str, reply: Response) -> CodatFaulted:
        found = correlation_id(reply)
        return CodatFaulted(words, status=reply.status, correlation_id=found)

    def _too_old(self) -> OutcomeUnknown:
        minutes = KEY_LIFETIME_SECONDS // 60
        reason = (
            f"{self.request} was not sent: an earlier try may have sent it more than "
            f"{minutes} minutes ago, and Codat may have forgotten its idempotency key"
        )
        return OutcomeUnknown(
            f"{reason}\n{self._what_may_exist()}", books_may_tell=True, reason=reason
        )

    def _may_be_repeated(self) -> str:
        """Tell whether, and until when, a repetition is safe."""
        if self.request.idempotency_key is None or not self.sends.unresolved:
            return ""
        until = (self.sends.first_at or 0.0) + KEY_LIFETIME_SECONDS
        moment = datetime.fromtimestamp(until, UTC)
        return (
            "\nCodat may have acted on it. A repetition with the same idempotency key "
            f"({self.request.idempotency_key}) creates nothing twice until "
            f"{moment:%Y-%m-%d %H:%M} UTC"
        )

    def _what_may_exist(self) -> str:
        """Tell what a person has to look for."""
        since = datetime.fromtimestamp(self.sends.first_at or 0.0, UTC)
        return (
            "A record may exist, and it will not be sent again. Look at the push "
            f"history of the company in Codat's Portal since {since:%Y-%m-%d %H:%M} "
            f"UTC (idempotency key {self.request.idempotency_key or 'none'}), and in "
            "the books. If it is not there, ask for it anew, and for it alone: in "
            "Airflow by a new DAG run"
        )
