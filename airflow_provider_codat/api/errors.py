"""What can go wrong between a payload and the books.

::

    CodatError
    ├─ SettingsInvalid              a connection's field, or an argument, is wrong
    ├─ PayloadInvalid(problems)     nothing was sent
    ├─ PayloadChanged(record_id)    an earlier try created it from another payload
    ├─ JournalFailed                the journal cannot be kept; nothing more was sent
    ├─ Unreachable                  no answer
    ├─ Refused(status)              Codat said no, and will again
    │  ├─ NotAuthorised  401 403
    │  ├─ PaymentRequired  402
    │  ├─ NotFound  404
    │  └─ IdempotencyConflict  422
    ├─ Busy                         ask later
    │  ├─ RateLimited(until)  429
    │  ├─ StillInProgress  409
    │  └─ StillPending(operation)   the push operation has not ended in time
    ├─ CodatFaulted                 5xx
    ├─ Malformed                    a 2xx that does not say what Codat documents
    ├─ RefreshFailed(operation)     Codat's copy of the books is not up to date
    ├─ ConnectionUnusable           nothing can be written through the connection
    ├─ AlreadyExists(record_ids)    it was in the books before; nothing was sent
    ├─ OutcomeUnknown               a record may exist; nobody here can tell
    ├─ QuotaShort(until)            today's requests do not suffice; nothing was sent
    ├─ SourceChanged                the rows are not those that were there before
    ├─ BatchFailed                  rows of many are not in the books
    │  └─ BatchUnfinished           another try may bring them there
    └─ PushEnded(operation)
       ├─ PushFailed
       ├─ PushTimedOut              may still land
       └─ PushWarned                it is in the books; warnings were to fail the task

A type says what happened. What to do about it within a call is decided in
``retry.py``; what Airflow should do with the task, in ``failures.py``. No message
carries a payload, a key or an authorisation link.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from airflow_provider_codat.api.models import (
    Problem,
    PullOperation,
    PushOperation,
    Remark,
)
from airflow_provider_codat.api.words import first_ones, shortened


class CodatError(Exception):
    """Anything that this package raises about Codat.

    Its message is cut after 4,000 characters: Airflow keeps it in its database. A code
    stays what it is, whatever a release does to names and messages.
    """

    code: ClassVar[str] = "CODAT-E00"

    def __init__(self, *args: object) -> None:
        super().__init__(*(shortened(a) if isinstance(a, str) else a for a in args))

    def tell_code(self) -> None:
        """Put the code before the message: the docs have a section of that name."""
        told = str(self)
        if not told.startswith(f"[{self.code}]"):
            self.args = (f"[{self.code}] {told}",)

    def __reduce__(self) -> tuple[Any, ...]:
        """Cross a process: restored from what it says and carries, not made anew."""
        return _restored, (type(self), self.args), self.__dict__


def _restored(kind: type[CodatError], args: tuple[object, ...]) -> CodatError:
    """Return an error that is yet to be given its attributes."""
    return kind.__new__(kind, *args)


class SettingsInvalid(CodatError, ValueError):
    """A field of the connection, or an argument, is missing or malformed."""

    code = "CODAT-E01"


class PayloadInvalid(CodatError, ValueError):
    """The payload cannot be accepted; nothing was sent.

    :param problems: every problem that was found, not the first alone.
    """

    code = "CODAT-E02"

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        numbered = [*enumerate(self.problems, 1)]
        named = first_ones(numbered, lambda each: f"{each[0]}. {each[1]}")
        lines = "\n".join(f"  {line}" for line in named)
        super().__init__(
            f"the payload has {count} problem{'s' if count != 1 else ''}; "
            f"nothing was sent:\n{lines}"
        )


class PayloadChanged(CodatError):
    """An earlier try sent another payload, and its record is in the books.

    :param record_id: that record; None where Codat did not name it.
    """

    code = "CODAT-E03"

    def __init__(self, message: str, *, record_id: str | None) -> None:
        self.record_id = record_id
        super().__init__(message)


class JournalFailed(CodatError):
    """The journal could not be written or read, so nothing more was sent."""

    code = "CODAT-E04"


class Unreachable(CodatError):
    """No answer came: no connection, a reset, a time-out, or a cut body."""

    code = "CODAT-E05"


class Refused(CodatError):
    """Codat said no, and would say it again to the same request.

    :param status: the HTTP status.
    :param correlation_id: what Codat's support asks for; may be empty.
    :param remarks: Codat's validation errors.
    """

    code = "CODAT-E06"

    def __init__(
        self,
        message: str,
        *,
        status: int,
        correlation_id: str = "",
        remarks: Sequence[Remark] = (),
    ) -> None:
        self.status = status
        self.correlation_id = correlation_id
        self.remarks = tuple(remarks)
        super().__init__(message)


class NotAuthorised(Refused):
    """401 or 403: the key is wrong, outdated, or may not do this."""

    code = "CODAT-E07"


class PaymentRequired(Refused):
    """402: the plan does not cover it."""

    code = "CODAT-E08"


class NotFound(Refused):
    """404: no such company, connection or record, or the software lacks the type."""

    code = "CODAT-E09"


class IdempotencyConflict(Refused):
    """422: the idempotency key was used before with another body."""

    code = "CODAT-E10"


class Busy(CodatError):
    """Not now; the same question may be asked again later."""

    code = "CODAT-E11"


class RateLimited(Busy):
    """429, for longer than this call may wait.

    :param until: epoch seconds before which Codat is not to be asked again.
    """

    code = "CODAT-E12"

    def __init__(self, message: str, *, until: float) -> None:
        self.until = until
        moment = datetime.fromtimestamp(until, UTC)
        super().__init__(f"{message}; not before {moment:%Y-%m-%d %H:%M:%S} UTC")


class StillInProgress(Busy):
    """409: an earlier request with the same key, or a synchronisation, still runs."""

    code = "CODAT-E13"


class StillPending(Busy):
    """The push operation has not ended by our deadline; it goes on at Codat.

    :param operation: as it was last seen.
    """

    code = "CODAT-E14"

    def __init__(self, message: str, *, operation: PushOperation) -> None:
        self.operation = operation
        super().__init__(message)


class CodatFaulted(CodatError):
    """5xx: Codat, or a gateway before it, failed.

    :param status: the HTTP status.
    :param correlation_id: what Codat's support asks for; may be empty.
    """

    code = "CODAT-E15"

    def __init__(self, message: str, *, status: int, correlation_id: str = "") -> None:
        self.status = status
        self.correlation_id = correlation_id
        super().__init__(message)


class Malformed(CodatError):
    """A reply that does not say what Codat documents."""

    code = "CODAT-E16"


class RefreshFailed(CodatError):
    """Codat could not bring its copy of the books up to date.

    :param operation: the pull operation, as it was last seen.
    :param passing: whether another refresh may end better.
    """

    code = "CODAT-E17"

    def __init__(
        self, message: str, *, operation: PullOperation, passing: bool = False
    ) -> None:
        self.operation = operation
        self.passing = passing
        super().__init__(message)


class ConnectionUnusable(CodatError):
    """Nothing can be written through the company's connection, as it is."""

    code = "CODAT-E18"


class AlreadyExists(CodatError):
    """Such a record was in the books before, so nothing was sent.

    :param record_ids: of all that are like it.
    """

    code = "CODAT-E19"

    def __init__(self, message: str, *, record_ids: Sequence[str]) -> None:
        self.record_ids = tuple(record_ids)
        super().__init__(message)


class OutcomeUnknown(CodatError):
    """A record may exist, and nothing that was seen tells. Nothing is sent again.

    :param candidates: keys of push operations that may be the one; may be empty.
    :param books_may_tell: whether a look at the books might settle it.
    :param reason: why nothing tells; the first part of the message.
    """

    code = "CODAT-E20"

    def __init__(
        self,
        message: str,
        *,
        candidates: Sequence[str] = (),
        books_may_tell: bool = False,
        reason: str = "",
    ) -> None:
        self.candidates = tuple(candidates)
        self.reason = reason or message
        self.books_may_tell = books_may_tell
        super().__init__(message)


class QuotaShort(CodatError):
    """The requests that are left of the day do not suffice.

    :param until: epoch seconds at which the quota is renewed.
    """

    code = "CODAT-E21"

    def __init__(self, message: str, *, until: float) -> None:
        self.until = until
        super().__init__(message)


class SourceChanged(CodatError):
    """The rows are not those that were read, or sent, before."""

    code = "CODAT-E22"


class BatchFailed(CodatError):
    """More rows are not in the books than ``max_failed`` allows."""

    code = "CODAT-E23"


class BatchUnfinished(BatchFailed):
    """The same, and another try may bring some of them there."""

    code = "CODAT-E24"


class PushEnded(CodatError):
    """The push operation ended, and not as the author wished.

    :param operation: as it was last seen.
    """

    code = "CODAT-E25"

    def __init__(self, message: str, *, operation: PushOperation) -> None:
        self.operation = operation
        super().__init__(message)


class PushFailed(PushEnded):
    """Codat, or the accounting software behind it, refused the record."""

    code = "CODAT-E26"


class PushTimedOut(PushEnded):
    """Codat gave up waiting. The record may still appear; it is never sent again."""

    code = "CODAT-E27"


class PushWarned(PushEnded):
    """The record is in the books, with warnings that the author wants to fail on."""

    code = "CODAT-E28"
