"""The sensor that waits for push operations, whoever started them."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from airflow.providers.common.compat.sdk import (
    AirflowSensorTimeout,
    AirflowSkipException,
    BaseSensorOperator,
    PokeReturnValue,
    conf,
)

from airflow_provider_codat.api.books.push_status import (
    PushStatus,
    poll,
    report_ended,
    requested_since,
)
from airflow_provider_codat.api.create.settle import judged, summary
from airflow_provider_codat.api.errors import (
    Busy,
    CodatError,
    OutcomeUnknown,
    PayloadInvalid,
    PushEnded,
    PushTimedOut,
    RateLimited,
    SettingsInvalid,
)
from airflow_provider_codat.api.http.exchange import Patience, drive
from airflow_provider_codat.api.http.response import CLOCK_SKEW_SECONDS
from airflow_provider_codat.api.models import PushOperation, Summary, checked_uuid
from airflow_provider_codat.api.pace.chosen import pace_of
from airflow_provider_codat.api.payload.canonical import read_payload
from airflow_provider_codat.failures import (
    HAS_RETRY_POLICIES,
    CodatRetryPolicy,
    failing_at_once,
    in_words,
    may_pass,
)
from airflow_provider_codat.hooks.codat import CodatHook
from airflow_provider_codat.metrics import AIRFLOW
from airflow_provider_codat.tasks.arguments import argument
from airflow_provider_codat.tasks.waiting import task_params
from airflow_provider_codat.triggers.codat import CodatPushOperationTrigger
from airflow_provider_codat.triggers.event import PushOperationsEvent

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context, RetryPolicy

    from airflow_provider_codat.api.http.transport import Transport


Results: TypeAlias = list[Summary] | Summary
"""What the sensor returns: of several push operations, or of one alone."""

_LIST_SECONDS = 86_400.0
"""How far the list is read back for an operation of which nothing is known yet."""

_SETTLED_SECONDS = 10.0
"""How long Airflow may take to see that the worker of a deferred task has ended."""

_LATE_SECONDS = 300.0
"""How long after its deadline a trigger that says nothing is given up."""


class CodatPushOperationSensor(BaseSensorOperator):
    """Waits until push operations of one company have all succeeded.

    One that ended otherwise fails the task at once, with Codat's own reasons. The
    sensor knows no payload, so they are shown as they are: they may quote values of the
    record. What only keeps Codat from answering, such as an outage, is waited out.

    In all modes ``timeout`` and ``soft_fail`` mean what they mean for every sensor.

    :param company_id: Codat's company, a UUID. (templated)
    :param push_operation_keys: a key, or a list of keys; also what
        :class:`airflow_provider_codat.operators.codat.CreateAccountingCustomerOperator`
        returns, one or a list of them; or a text that renders to JSON or to a Python
        literal of these. (templated)
    :param codat_conn_id: the Airflow connection. (templated)
    :param deferrable: whether to wait in the triggerer, where any number of waits for
        one company cost as many requests as one; by default as Airflow's
        ``[operators] default_deferrable`` says. ``poke_interval`` is then the longest
        pause between two looks.
    :param hook_params: extras of the connection, overridden for this task; without
        ``headers`` where the task is deferrable.
    :param retry_policy: Airflow's (3.3 and later);
        :class:`airflow_provider_codat.failures.CodatRetryPolicy` by default.
    :return: for each key a dict as the operator returns it; for a single key that was
        not in a list, the dict alone.
    :raises PushFailed: with every reason that Codat gave.
    :raises PushTimedOut: Codat gave up waiting; the record may still appear.
    :raises OutcomeUnknown: a record may exist.
    """

    template_fields: Sequence[str] = (
        "company_id",
        "push_operation_keys",
        "codat_conn_id",
    )
    template_ext: Sequence[str] = ()
    ui_color = "#e6f2ef"

    def __init__(
        self,
        *,
        company_id: str,
        push_operation_keys: str | Mapping[str, Any] | Sequence[Any],
        codat_conn_id: str = CodatHook.default_conn_name,
        deferrable: bool = conf.getboolean(
            "operators", "default_deferrable", fallback=False
        ),
        hook_params: Mapping[str, Any] | None = None,
        retry_policy: "RetryPolicy | None" = None,
        **kwargs: Any,  # noqa: ANN401 - Airflow's own parameters
    ) -> None:
        if HAS_RETRY_POLICIES:
            kwargs["retry_policy"] = retry_policy or CodatRetryPolicy()
        super().__init__(**kwargs)
        self.company_id = company_id
        self.push_operation_keys = push_operation_keys
        self.codat_conn_id = codat_conn_id
        self.deferrable = deferrable
        self.hook_params = hook_params
        self._seen: dict[str, PushStatus] = {}
        self._not_before = 0.0

    @cached_property
    def hook(self) -> CodatHook:
        """The hook that knows the connection."""
        params = task_params(self.hook_params, self.pool_slots)
        return CodatHook(self.codat_conn_id, hook_params=params)

    @cached_property
    def _transport(self) -> "Transport":
        # Here, so that a DAG file can be parsed without importing requests.
        from airflow_provider_codat.api.http.transport import Transport  # noqa: PLC0415 - see above

        return Transport(self.hook.settings)

    @cached_property
    def _patience(self) -> Patience:
        settings = self.hook.settings
        return Patience(
            settings.retry_budget_seconds, pace_of(settings), telemetry=AIRFLOW
        )

    def execute(self, context: "Context") -> Results:
        """Wait, and return which records they became."""
        try:
            if not self.deferrable:
                waited: Results = super().execute(context)
                return waited
            with failing_at_once(), self._softly():
                self._check_no_secrets()
            results = self._results(context)
            if results is None:
                self._defer(context)
            return results
        finally:
            self._close()

    def poke(self, context: "Context") -> PokeReturnValue:
        """Look once."""
        results = self._results(context)
        return PokeReturnValue(is_done=results is not None, xcom_value=results)

    def execute_complete(self, context: "Context", event: object = None) -> Results:
        """Go on where the trigger has ended: look again, as Codat's words stay there.

        :raises AirflowSensorTimeout: when they have not ended in time.
        """
        with failing_at_once(), self._softly():
            told = PushOperationsEvent.from_json(event)
            if told.status == "error":
                raise told.failure
        try:
            results = self._results(context)
        finally:
            self._close()
        if results is not None:
            return results
        if told.status == "deadline":
            raise AirflowSensorTimeout(
                f"not all push operations have ended within {self.timeout:g} seconds; "
                "they go on at Codat"
            )
        with failing_at_once(), self._softly():
            raise Busy("the push operations have ended, but cannot be read now")

    def _results(self, context: "Context") -> Results | None:
        """Look once; None as long as not all have ended."""
        with failing_at_once(), self._softly():
            keys, alone = push_operation_keys(self.push_operation_keys)
            if time.time() >= self._not_before:
                self._look(keys, context)
            if not self.deferrable and not self._open(keys):
                # Deferred, it was told in the triggerer.
                report_ended(self._seen, self._patience)
            found = self._succeeded(keys)
            if len(found) < len(keys):
                return None
            results = [summary(operation) for operation in found]
            return results[0] if alone else results

    def _close(self) -> None:
        if "_transport" in self.__dict__:
            self._transport.close()

    def _defer(self, context: "Context") -> NoReturn:
        keys = self._open(push_operation_keys(self.push_operation_keys)[0])
        self.defer(
            trigger=CodatPushOperationTrigger(
                codat_conn_id=self.codat_conn_id,
                company_id=self.company_id,
                push_operation_keys=keys,
                requested_since=self._since(keys, context),
                deadline=time.time() + self.timeout,
                poll_interval_seconds=self.poke_interval,
                hook_params=task_params(self.hook_params, self.pool_slots),
                not_before=self._not_before,
                begin_at=time.time() + min(_SETTLED_SECONDS, self.poke_interval),
            ),
            method_name="execute_complete",
            timeout=timedelta(seconds=self.timeout + _LATE_SECONDS),
        )

    def _look(self, keys: Sequence[str], context: "Context") -> None:
        """Read how those that have not ended stand; leave it, while that may pass."""
        open_keys = self._open(keys)
        found: dict[str, PushStatus] = {}
        asking = poll(
            argument(checked_uuid, self.company_id, "company_id"),
            open_keys,
            self._patience,
            since=self._since(open_keys, context),
            found=found,
        )
        try:
            drive(asking, self._transport.send)
        except CodatError as error:
            if not may_pass(error):
                raise
            if isinstance(error, RateLimited):
                self._not_before = error.until
            self.log.warning("Push operations are asked for again: %s", error)
        self._seen.update(found)

    def _check_no_secrets(self) -> None:
        if "headers" in (self.hook_params or {}):
            raise SettingsInvalid(
                "headers in hook_params may hold secrets, and a deferred task's "
                "arguments are stored: put them into the connection's extras, or set "
                "deferrable=False"
            )

    def _open(self, keys: Sequence[str]) -> list[str]:
        """Return the keys of those that were not seen at their end."""
        statuses = {key: self._seen.get(key) for key in keys}
        return [
            key
            for key, push_status in statuses.items()
            if not isinstance(push_status, PushOperation) or not push_status.ended
        ]

    def _since(self, keys: Sequence[str], context: "Context") -> float:
        """Return epoch seconds: how far to read Codat's list back.

        It decides what a look costs, not what is found: most push operations are of
        this DAG run, and what is older is asked for by its key.
        """
        run: Any = context["dag_run"]
        begun = getattr(run, "run_after", None) or run.data_interval_end
        day_ago = time.time() - _LIST_SECONDS
        since = max(begun.timestamp(), day_ago) if begun else day_ago
        seen = {k: s for k, s in self._seen.items() if isinstance(s, PushOperation)}
        return requested_since(keys, seen, since - CLOCK_SKEW_SECONDS)

    def _succeeded(self, keys: Sequence[str]) -> list[PushOperation]:
        """Return those that have succeeded, or raise what became of the others."""
        found, errors = [], []
        for key in keys:
            push_status = self._seen.get(key)
            try:
                if isinstance(push_status, OutcomeUnknown):
                    raise push_status
                if push_status is not None and push_status.ended:
                    found.append(judged(push_status))
            except (PushEnded, OutcomeUnknown) as error:
                errors.append(error)
        if errors:
            raise _together(errors)
        return found

    def _get_next_poke_interval(
        self,
        started_at: datetime | float,
        run_duration: Callable[[], float],
        poke_count: int,
    ) -> float:
        """Return how long to wait; as long as Codat asks for, within the timeout."""
        seconds = super()._get_next_poke_interval(started_at, run_duration, poke_count)
        asked = self._not_before - time.time()
        return max(seconds, min(asked, self.timeout - run_duration()))

    @contextmanager
    def _softly(self) -> Iterator[None]:
        """Skip instead of failing where the author wants that.

        Airflow sees to it for its own errors alone.
        """
        try:
            yield
        except CodatError as error:
            if self.never_fail or (self.soft_fail and not may_pass(error)):
                raise AirflowSkipException(in_words(error)) from error
            raise


def _together(errors: Sequence[PushEnded | OutcomeUnknown]) -> CodatError:
    """Return one error that says what all of them say, and leaves as much open."""
    if len(errors) == 1:
        return errors[0]
    words = "\n".join(str(error) for error in errors)
    ended = [error for error in errors if isinstance(error, PushEnded)]
    if len(ended) < len(errors):
        return OutcomeUnknown(words)
    late = [error for error in ended if isinstance(error, PushTimedOut)]
    worst = [*late, *ended][0]
    return type(worst)(words, operation=worst.operation)


_NAME = "push_operation_keys"


def push_operation_keys(value: object) -> tuple[list[str], bool]:
    """Return the keys that an argument holds, and whether it is one alone.

    :raises SettingsInvalid: when it holds anything else.
    """
    given = _from_text(value) if isinstance(value, str) else value
    alone = isinstance(given, str | Mapping)
    items = [given] if alone else given
    if not isinstance(items, Sequence):
        raise SettingsInvalid(f"{_NAME} must be a key or a list of keys")
    return [argument(checked_uuid, _key(item), _NAME) for item in items], alone


def _from_text(text: str) -> object:
    """Return what a template has rendered: a key, or JSON, or a Python literal."""
    try:
        return checked_uuid(text, _NAME)
    except ValueError:
        pass
    try:
        return read_payload(text)
    except PayloadInvalid as error:
        reasons = "; ".join(problem.message for problem in error.problems)
    raise SettingsInvalid(f"{_NAME}: {reasons}")


def _key(item: object) -> object:
    """Return the key in what the operator returns, or the key itself."""
    return item.get("push_operation_key") if isinstance(item, Mapping) else item
