"""What Airflow knows of a task's run, in the terms of an exactly-once write."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_codat.api.errors import SettingsInvalid
from airflow_provider_codat.api.http.response import CLOCK_SKEW_SECONDS

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperator, Context
    from airflow.sdk.types import Logger, RuntimeTaskInstanceProtocol

    from airflow_provider_codat.hooks.codat import CodatHook
    from airflow_provider_codat.journal.cells import Store


@dataclass(frozen=True, slots=True)
class TaskRun:
    """One try of a task, as its parts see it: they do not know the operator.

    :param store: where its journal is kept; None where there is none.
    """

    context: "Context"
    hook: "CodatHook"
    log: "Logger"
    store: "Store | None"

    @property
    def clear_count(self) -> int:
        """What changes when a task is cleared after it had ended, and not before."""
        return clear_count_of(self.context)


def clear_count_of(context: "Context") -> int:
    """Return what changes when a task is cleared after it had ended, and not before."""
    return int(context["ti"].max_tries)


def is_mapped(context: "Context") -> bool:
    """Whether the task is one of those that a mapped task became."""
    return context["ti"].map_index not in {None, -1}


def unseen_since(context: "Context") -> float | None:
    """Return since when tries of which nothing was written down may have sent.

    A later try counts as having been preceded by a send as old as the DAG run itself.

    :return: epoch seconds; None for a first try.
    """
    run = context["dag_run"]
    # In a run that was cleared, an item may have come to a new map index, with a first
    # try there.
    if context["ti"].try_number <= 1 and not run.clear_number:
        return None
    return _no_send_before(run)


def _no_send_before(run: Any) -> float:  # noqa: ANN401 - a DAG run of any Airflow
    """Return epoch seconds before which no try of this DAG run can have sent.

    When it was queued or started proves nothing: Clear resets both.
    """
    moments = [getattr(run, "run_after", None)]
    if moments == [None]:  # Airflow 2
        # A run starts after its logical date, and one that was scheduled after the end
        # of its interval. A run by hand may have any interval.
        manual = run.run_type == "manual"
        moments = [run.logical_date, None if manual else run.data_interval_end]
    # What is to come says nothing of when the run began.
    latest = time.time() + CLOCK_SKEW_SECONDS
    times = [moment.timestamp() for moment in moments if moment]
    return max((float(at) for at in times if at <= latest), default=0.0)


def item_of(ti: "RuntimeTaskInstanceProtocol", item_key: object) -> str | int:
    """Return what tells the records of one task apart.

    :param item_key: the author's name for it; without one it is the map index, -1 for
        a task that is not mapped.
    :raises SettingsInvalid: when the name is blank: items would share it unnoticed.
    """
    if item_key is not None:
        name = str(item_key).strip()
        if name in {"", "None"}:
            raise SettingsInvalid("item_key is given, but blank for this item")
        return name
    return -1 if ti.map_index is None else ti.map_index


def from_xcom(
    task: "BaseOperator", fields: Iterable[str], context: "Context"
) -> Iterator[object]:
    """Yield the values of fields that ``expand_kwargs`` took from an XCom."""
    mapped = context["dag"].get_task(task.task_id)
    mappings = getattr(getattr(mapped, "expand_input", None), "value", None)
    if mappings is None or are_written_down(mappings, context):
        return
    author = list(_authors_arguments(mapped))
    for name in fields:
        value = getattr(task, name, None)
        if not any(value is arguments.get(name) for arguments in author):
            yield value


def are_written_down(mappings: object, context: "Context") -> bool:
    """Whether what a task is mapped over stands in the DAG file, or is rendered once.

    :param mappings: what ``expand`` or ``expand_kwargs`` was given.
    """
    if isinstance(mappings, Mapping):
        return True  # by expand(), which Airflow renders once
    if not isinstance(mappings, Sequence):
        return False
    return isinstance(mappings[context["ti"].map_index or 0], Mapping)


def _authors_arguments(mapped: Any) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401 - Airflow's MappedOperator
    """Yield what the DAG file gives every one of the mapped tasks."""
    given = mapped.partial_kwargs
    yield given
    yield given.get("default_args") or {}
    level = mapped.task_group
    while level is not None:
        yield level.default_args or {}
        level = level.parent_group
    yield mapped.dag.default_args or {}
