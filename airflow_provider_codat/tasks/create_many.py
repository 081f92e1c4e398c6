"""What a task is asked to create many of: its arguments, read and checked."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from airflow_provider_codat.api.bulk.digests import Digests
from airflow_provider_codat.api.bulk.row import Row, Rules
from airflow_provider_codat.api.bulk.rows import Rows, lines, rows_of_list
from airflow_provider_codat.api.create.idempotency import derived_key
from airflow_provider_codat.api.create.intent import Write
from airflow_provider_codat.api.errors import SettingsInvalid
from airflow_provider_codat.api.models import Destination
from airflow_provider_codat.api.payload.redaction import redactor
from airflow_provider_codat.tasks.arguments import one_of, resolution
from airflow_provider_codat.tasks.create import intent_of
from airflow_provider_codat.tasks.destination import destination_of
from airflow_provider_codat.tasks.files import lines_of
from airflow_provider_codat.tasks.payload_check import check_of

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_codat.operators.create_many import CreateRecordsOperator

OnInvalid: TypeAlias = Literal["fail", "skip"]
OnQuota: TypeAlias = Literal["fail", "partial", "wait"]


@dataclass(frozen=True, slots=True)
class Given:
    """The arguments of a task that creates many records.

    :param path: of the file that the rows are in; empty for a list.
    :param item_key: the property that names a row; None: its content does.
    :param results_path: where the results are written; empty for nowhere.
    """

    destination: Destination
    path: str
    rows: Rows
    item_key: str | None
    on_invalid: OnInvalid
    on_quota: OnQuota
    max_failed: float
    results_path: str

    def allowed(self, total: int) -> int:
        """Return how many rows may be missing from the books."""
        # 29% of 100 rows are 29, which the product of floats falls short of.
        allowed = Decimal(str(self.max_failed))
        return int(allowed * total if allowed < 1 else allowed)

    def source(self, items: Digests) -> str:
        """Return what tells this source of rows from another.

        :param items: of its rows.
        """
        return items.fingerprint()


def given(task: "CreateRecordsOperator", context: "Context") -> Given:
    """Read a task's arguments.

    :raises SettingsInvalid: naming the one that is wrong.
    """
    rows, path = task.records(), _text(task.records_path())
    if (rows is None) == (not path):
        names = " or ".join(task.sources)
        raise SettingsInvalid(f"give {names}: one of them, and not both")
    if path and path == _text(task.results_path):
        raise SettingsInvalid(
            f"results_path would replace the file of {task.sources[1]}"
        )
    item_key = _text(task.item_key) or None
    destination = destination_of(task, context)
    check = check_of(task, destination, context)
    return Given(
        destination=destination,
        path=path,
        rows=Rows(
            _opening(rows, path, task.sources[1]),
            Rules(check, item_key, task.read_only_fields),
        ),
        item_key=item_key,
        on_invalid=one_of(OnInvalid, task.on_invalid, "on_invalid"),
        on_quota=one_of(OnQuota, task.on_quota, "on_quota"),
        max_failed=_max_failed(task.max_failed),
        results_path=_text(task.results_path),
    )


def _opening(rows: object, path: str, name: str) -> Callable[[], Iterable[object]]:
    """Return what opens the source, again and again."""
    if path:
        return lambda: lines(lines_of(path, name))
    listed = rows_of_list(rows)
    return lambda: listed


def _text(value: object) -> str:
    """Read a text that may have been rendered; empty when there is none."""
    text = "" if value is None else str(value).strip()
    return "" if text == "None" else text


def _max_failed(value: float | str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1.0
    if isinstance(value, bool) or not 0 <= number < float("inf"):
        raise SettingsInvalid("max_failed must be a number of rows, or a share below 1")
    if number > 1 and number != int(number):
        raise SettingsInvalid("max_failed must be whole, or a share below 1")
    return number


def writes_of(
    task: "CreateRecordsOperator",
    blank: Write,
    item_key: str | None,
    context: "Context",
) -> Callable[[Row], Write]:
    """Return what makes the write of a row.

    :param blank: what all of them have in common.
    """
    intent = intent_of(task, blank.destination, "", context)
    said = _resolutions(task.unknown_resolution)
    # Without names, equal rows of two mapped tasks are two records.
    place = "" if item_key else f"row of {context['ti'].map_index}: "

    def write_of(row: Row) -> Write:
        named = replace(intent, item=f"{place}{row.label}")
        return replace(
            blank,
            payload=row.payload,
            key_of=partial(derived_key, named),
            redact=redactor(row.payload),
            resolution=said.get(row.label, ""),
            quiet=True,
        )

    return write_of


def _resolutions(value: object) -> Mapping[str, str]:
    """Read what a person says of rows, by their keys."""
    if isinstance(value, str):
        try:
            value = json.loads(value) if _text(value) else {}
        except ValueError:
            value = "no JSON"
    if value is None:
        value = {}
    if not isinstance(value, Mapping):
        raise SettingsInvalid(
            "unknown_resolution must be an object: of the item_key of each row in "
            'question, "not_created" or a record id'
        )
    return {str(key): resolution(word) for key, word in value.items()}


def place_of(task: "CreateRecordsOperator", destination: Destination) -> str:
    """Return what tells the books of this task from others."""
    names: list[Any] = [
        task.hook.settings.base_url,
        destination.company_id,
        destination.connection_id,
        task.data_type.name,
    ]
    return hashlib.sha256(json.dumps(names).encode()).hexdigest()[:16]
