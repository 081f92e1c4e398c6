"""What the accounting software makes of the records that it is given."""

from collections.abc import Callable, Mapping

from airflow_provider_codat.simulator.books.revisions import Record
from airflow_provider_codat.simulator.clock import moment
from airflow_provider_codat.simulator.rules.push_options import Node, children, choices
from airflow_provider_codat.simulator.settings import SoftwareStyle
from airflow_provider_codat.simulator.world import Connection

_NAMES = frozenset({"customerName", "contactName"})
# A record keeps its id; what is read only and the supplemental data no PUT changes.
_FIXED = frozenset(
    {"id", "metadata", "modifiedDate", "sourceModifiedDate", "supplementalData"}
)


def as_kept(connection: Connection, body: Mapping[str, object]) -> Mapping[str, object]:
    """Return a record under the id that the accounting software keeps it by."""
    if "id" not in connection.integration.unique or not body.get("id"):
        return body
    return {**body, "id": str(body["id"]).upper()}


def as_changed(body: Mapping[str, object]) -> Mapping[str, object]:
    """Return what an update changes of the record in the books."""
    return {name: value for name, value in body.items() if name not in _FIXED}


def as_read(
    record: Record, modified_at: float, style: SoftwareStyle
) -> dict[str, object]:
    """Return a record as Codat shows it once it has read it.

    :param record: as it stands in the books.
    :param modified_at: when Codat took it into its memory.
    :param style: what the accounting software makes of names.
    """
    model = record.connection.integration.models.get(record.data_type)
    kept = {
        name: _styled(name, value, style)
        for name, value in record.body.items()
        # What the software has warned of it ignores, but for the contract's status.
        if model is None or name in children(model) or name == "status"
    }
    return {
        **_in_use(model),
        **kept,
        "id": record.record_id,
        "modifiedDate": f"{moment(modified_at):%Y-%m-%dT%H:%M:%SZ}",
        "sourceModifiedDate": f"{moment(record.modified_at):%Y-%m-%dT%H:%M:%S}",
        "metadata": {"isDeleted": record.is_deleted},
    }


def _in_use(model: Node | None) -> dict[str, object]:
    """Return the status of what was typed in without one, where it has such a thing."""
    known = () if model is None else choices(children(model).get("status", {}))
    return {"status": "Active"} if model is None or "Active" in known else {}


def _styled(name: str, value: object, style: SoftwareStyle) -> object:
    if isinstance(value, str) and (name in _NAMES or style == "trimmed"):
        return _STYLES[style](value)
    return value


def _trimmed(text: str) -> str:
    return " ".join(text.split())


def _split(name: str) -> str:
    """Cut a name at its first blank, as FreshBooks does, and rejoin it with two."""
    first, blank, rest = name.partition(" ")
    return f"{first}  {rest}" if blank else name


_STYLES: dict[SoftwareStyle, Callable[[str], str]] = {
    "verbatim": str,
    "trimmed": _trimmed,
    "upper": str.upper,
    "split": _split,
}
