"""What Airflow should do with a task that ended in an error of Codat's.

What will happen again fails the task at once; what may pass uses the task's retries.
From Airflow 3.3 on a retry policy decides, which an author can replace. Earlier
versions know one way to fail at once: ``AirflowFailException``.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_codat.api.errors import (
    BatchUnfinished,
    Busy,
    CodatError,
    CodatFaulted,
    JournalFailed,
    Malformed,
    RateLimited,
    RefreshFailed,
    Unreachable,
)

if TYPE_CHECKING:
    from airflow.sdk import RetryPolicy
    from airflow.sdk.definitions.retry_policy import RetryDecision

    HAS_RETRY_POLICIES = True
else:
    try:
        from airflow.providers.common.compat.sdk import RetryDecision, RetryPolicy

        HAS_RETRY_POLICIES = True
    except ImportError:
        RetryPolicy = object
        HAS_RETRY_POLICIES = False

_PASSING = (BatchUnfinished, Busy, CodatFaulted, JournalFailed, Malformed, Unreachable)


def may_pass(error: BaseException) -> bool:
    """Whether another try of the task may end better."""
    if isinstance(error, RefreshFailed):
        return error.passing
    return isinstance(error, _PASSING)


class CodatRetryPolicy(RetryPolicy):
    """Fails at once what will fail again, and waits as long as Codat asks for.

    The operators carry it by default (Airflow 3.3 and later); ``retry_policy=``, of a
    task or in ``default_args``, replaces it.
    """

    def evaluate(
        self,
        exception: BaseException,
        try_number: int,  # noqa: ARG002 - Airflow's signature
        max_tries: int,  # noqa: ARG002 - Airflow's signature
        context: Any = None,  # noqa: ANN401, ARG002 - Airflow's signature
    ) -> "RetryDecision":
        """Decide on one failure; what is not Codat's is left to the task."""
        if isinstance(exception, RateLimited):
            seconds = max(0.0, exception.until - time.time())
            return RetryDecision.retry(
                delay=timedelta(seconds=seconds), reason="Codat asks to come back later"
            )
        if isinstance(exception, CodatError) and not may_pass(exception):
            kind = type(exception).__name__
            return RetryDecision.fail(reason=f"{kind}: another try would end the same")
        return RetryDecision.default()


@contextmanager
def failing_at_once() -> Iterator[None]:
    """Below Airflow 3.3, keep what will fail again from using up the retries.

    On every version, tell the error's code: by it the docs say what to do.
    """
    try:
        yield
    except CodatError as error:
        told = in_words(error)
        if HAS_RETRY_POLICIES or may_pass(error):
            raise
        raise AirflowFailException(told) from error


def in_words(error: CodatError) -> str:
    """Return an error with its name and its code, for one of Airflow's own errors."""
    error.tell_code()
    return f"{type(error).__name__}: {error}"
