"""What the accounting software makes of the customers that it is given."""

from collections.abc import Callable, Mapping

from airflow_provider_codat.simulator.books.revisions import Record
from airflow_provider_codat.simulator.clock import moment
from airflow_provider_codat.simulator.rules.push_options import children
from airflow_provider_codat.simulator.settings import SoftwareStyle
from airflow_provider_codat.simulator.world import Connection

_NAMES = frozenset({"customerName", "contactName"})
# A record keeps its id; what is read only and the supplemental data no PUT changes.
_FIXED = frozenset(
    {"id", "metadata", "modifiedDate", "sourceModifiedDate", "supplementalData"}
)


def as_kept(
    connection: Connection, customer: Mapping[str, object]
) -> Mapping[str, object]:
    """Return a customer under the id that the accounting software keeps it by."""
    if connection.integration.unique != "id" or not customer.get("id"):
        return customer
    return {**customer, "id": str(customer["id"]).upper()}


def as_changed(customer: Mapping[str, object]) -> Mapping[str, object]:
    """Return what a customer that is sent as an update changes of the record."""
    return {name: value for name, value in customer.items() if name not in _FIXED}


def as_read(
    record: Record, modified_at: float, style: SoftwareStyle
) -> dict[str, object]:
    """Return a record as Codat shows it once it has read it.

    :param record: as it stands in the books.
    :param modified_at: when Codat took it into its memory.
    :param style: what the accounting software makes of names.
    """
    model = record.connection.integration.models.get("customers")
    kept = {
        name: _styled(name, value, style)
        for name, value in record.customer.items()
        # What the software has warned of it ignores, but for the contract's status.
        if model is None or name in children(model) or name == "status"
    }
    return {
        # What was typed in without one is in use.
        "status": "Active",
        **kept,
        "id": record.record_id,
        "modifiedDate": f"{moment(modified_at):%Y-%m-%dT%H:%M:%SZ}",
        "sourceModifiedDate": f"{moment(record.modified_at):%Y-%m-%dT%H:%M:%S}",
        "metadata": {"isDeleted": record.is_deleted},
    }


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
