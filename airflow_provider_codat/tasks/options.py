"""The switches of an operator: by name for whoever writes a DAG, and read and checked.

The names stand here, for editors and type checkers (PEP 692): an operator of a data
type adds its own and hands over the others. What they are is told where they are taken,
in ``operators/``. What is read is a frozen value, which the other modules of this
package are given in place of the operator.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Required, TypeAlias, TypedDict, TypeVar

from airflow_provider_codat.api.create.intent import IfExists, OnUnknownOutcome
from airflow_provider_codat.api.create.next_step import OnClear
from airflow_provider_codat.api.data_types import DataType
from airflow_provider_codat.api.errors import SettingsInvalid
from airflow_provider_codat.api.input.file_rows import InputFormat
from airflow_provider_codat.api.models import checked_uuid
from airflow_provider_codat.api.payload.check import Validate
from airflow_provider_codat.api.payload.contract import UnknownProperties
from airflow_provider_codat.tasks.arguments import (
    argument,
    one_of,
    rendered_text,
    seconds,
    share_or_number,
    whole_minutes,
)

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import (
        DAG,
        ObjectStoragePath,
        RetryPolicy,
        TaskGroup,
    )

OnEmpty: TypeAlias = Literal["skip", "succeed", "fail"]
OnInvalid: TypeAlias = Literal["fail", "skip"]
OnQuota: TypeAlias = Literal["fail", "partial", "wait"]


class TaskKwargs(TypedDict, total=False):
    """What Airflow takes for every task, in any version from 2.11 on."""

    task_id: Required[str]
    owner: str
    email: str | Sequence[str] | None
    email_on_retry: bool
    email_on_failure: bool
    retries: int | None
    retry_delay: timedelta | float
    retry_exponential_backoff: float
    max_retry_delay: timedelta | float | None
    start_date: datetime | None
    end_date: datetime | None
    depends_on_past: bool
    ignore_first_depends_on_past: bool
    wait_for_past_depends_before_skipping: bool
    wait_for_downstream: bool
    dag: "DAG | None"
    params: Any
    default_args: dict[str, Any] | None
    priority_weight: int
    weight_rule: Any
    queue: str
    pool: str | None
    pool_slots: int
    sla: timedelta | None
    execution_timeout: timedelta | None
    on_execute_callback: Any
    on_failure_callback: Any
    on_success_callback: Any
    on_retry_callback: Any
    on_skipped_callback: Any
    pre_execute: Any
    post_execute: Any
    trigger_rule: str
    resources: dict[str, Any] | None
    run_as_user: str | None
    map_index_template: str | None
    max_active_tis_per_dag: int | None
    max_active_tis_per_dagrun: int | None
    executor: str | None
    executor_config: dict[str, Any] | None
    do_xcom_push: bool
    multiple_outputs: bool
    inlets: Any
    outlets: Any
    task_group: "TaskGroup | None"
    doc: str | None
    doc_md: str | None
    doc_json: str | None
    doc_yaml: str | None
    doc_rst: str | None
    task_display_name: str | None
    logger_name: str | None
    allow_nested_operators: bool
    render_template_as_native_obj: bool | None


class CodatKwargs(TaskKwargs, total=False):
    """What every operator takes that talks to Codat."""

    codat_conn_id: str
    hook_params: Mapping[str, Any] | None
    retry_policy: "RetryPolicy | None"


class WriteKwargs(CodatKwargs, total=False):
    """What every operator takes that writes into a company's books."""

    company_id: Required[str]
    connection_id: str | None
    wait_for_completion: bool
    poll_interval_seconds: float
    completion_timeout_seconds: float | str
    fail_on_warning: bool
    deferrable: bool
    durable: bool
    journal_conn_id: str | None
    reconcile_grace_seconds: float


class PayloadKwargs(WriteKwargs, total=False):
    """What every operator takes that writes payloads."""

    timeout_in_minutes: int | str | None
    allow_sync_on_push_complete: bool | None
    validate: Validate
    strict: bool
    model: Mapping[str, Any] | str | None
    unknown_properties: UnknownProperties
    hints: bool
    read_only_fields: Collection[str]


class CreateKwargs(PayloadKwargs, total=False):
    """What every operator takes that creates records."""

    item_key: str | None
    preflight: bool
    if_exists: IfExists | None
    match_on: Collection[str] | None
    on_unknown_outcome: OnUnknownOutcome
    on_clear: OnClear


class CreateRecordKwargs(CreateKwargs, total=False):
    """What every operator takes that creates one record."""

    idempotency_key: str | None
    unknown_resolution: str | None


class CreateRecordsKwargs(CreateKwargs, total=False):
    """What every operator takes that creates many records."""

    columns: Mapping[str, str] | str | None
    constants: Mapping[str, Any] | str | None
    null_values: Collection[str]
    input_format: InputFormat | None
    encoding: str | None
    delimiter: str | None
    on_empty: OnEmpty
    on_invalid: OnInvalid
    max_failed: float | str
    results_path: "str | ObjectStoragePath | None"
    report_path: "str | ObjectStoragePath | None"
    report_url: str | None
    max_concurrency: int | None
    requests_per_minute: int | None
    on_quota: OnQuota
    unknown_resolution: Mapping[str, str] | str | None


class UpdateKwargs(PayloadKwargs, total=False):
    """What every operator takes that updates a record."""

    force_update: bool | str


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOptions:
    """How a task writes into a company's books, checked.

    :param company_id: Codat's company, a UUID.
    :param connection_id: the connection that the author named, a UUID; None when it is
        to be found.
    """

    data_type: DataType
    company_id: str
    connection_id: str | None
    wait_for_completion: bool
    poll_interval_seconds: float
    completion_timeout_seconds: float
    fail_on_warning: bool
    deferrable: bool
    reconcile_grace_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PayloadOptions(WriteOptions):
    """How a task writes payloads, checked.

    :param model: as the author gave it.
    """

    timeout_in_minutes: int | None
    allow_sync_on_push_complete: bool | None
    validate: Validate
    strict: bool
    model: Mapping[str, Any] | str | None
    unknown_properties: UnknownProperties
    hints: bool
    read_only_fields: Collection[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateOptions(PayloadOptions):
    """How a task creates records, checked.

    :param match_on: the properties by which a record is known again.
    """

    preflight: bool
    if_exists: IfExists | None
    match_on: Collection[str] | None
    on_unknown_outcome: OnUnknownOutcome
    on_clear: OnClear


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateManyOptions(CreateOptions):
    """How a task creates many records, checked.

    :param item_key: the property that names a row; empty: its content does.
    :param columns: as the author gave them, and so are constants and null_values.
    :param max_failed: how many rows may be missing from the books, or which share.
    :param results_path: where the results are written; empty for nowhere.
    :param report_path: where the page of them is written; empty for nowhere.
    :param report_url: where a browser finds that page; empty for nowhere.
    """

    item_key: str
    columns: Mapping[str, str] | str | None
    constants: Mapping[str, Any] | str | None
    null_values: Collection[str]
    input_format: InputFormat | None
    encoding: str | None
    delimiter: str | None
    on_empty: OnEmpty
    on_invalid: OnInvalid
    on_quota: OnQuota
    max_failed: float
    results_path: str
    report_path: str
    report_url: str


Options = TypeVar("Options", bound=WriteOptions)


def read_options(kind: type[Options], task: object) -> Options:
    """Read the switches of a task, once it was rendered.

    :param kind: one of the classes above.
    :param task: has them as attributes.
    :raises SettingsInvalid: naming the one that is wrong.
    """
    options = kind(
        **{
            each.name: _READERS.get(each.name, _as_it_is)(
                getattr(task, each.name), each.name
            )
            for each in fields(kind)
        }
    )
    for name, is_taken in (
        ("timeout_in_minutes", options.data_type.takes_timeout),
        ("allow_sync_on_push_complete", options.data_type.takes_sync),
    ):
        if getattr(options, name, None) is not None and not is_taken:
            records = options.data_type.records
            raise SettingsInvalid(f"{name}: Codat has no such switch for {records}")
    return options


def _as_it_is(value: object, _name: str) -> object:
    return value


def _uuid(value: object, name: str) -> str:
    return argument(checked_uuid, value, name)


def _unless_none(read: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    return lambda value, name: None if value is None else read(value, name)


_READERS: Mapping[str, Callable[[Any, str], Any]] = {
    "company_id": _uuid,
    "connection_id": _unless_none(_uuid),
    "timeout_in_minutes": whole_minutes,
    "validate": partial(one_of, Validate),
    "poll_interval_seconds": seconds,
    "completion_timeout_seconds": seconds,
    "reconcile_grace_seconds": seconds,
    "if_exists": _unless_none(partial(one_of, IfExists)),
    "on_unknown_outcome": partial(one_of, OnUnknownOutcome),
    "on_clear": partial(one_of, OnClear),
    "item_key": rendered_text,
    "on_empty": partial(one_of, OnEmpty),
    "on_invalid": partial(one_of, OnInvalid),
    "on_quota": partial(one_of, OnQuota),
    "max_failed": share_or_number,
    "results_path": rendered_text,
    "report_path": rendered_text,
    "report_url": rendered_text,
}
