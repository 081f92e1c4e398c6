"""What Codat can write: a row for each data type."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DataType:
    """One row of the table of what can be written.

    :param name: Codat's key, such as ``customers``, in options and replies.
    :param segment: the last segment of the push route.
    :param record: what one of them is called, for messages.
    :param identifying: the properties by which one is told from another.
    """

    name: str
    segment: str
    record: str
    identifying: tuple[str, ...] = ()


CUSTOMERS = DataType(
    name="customers",
    segment="customers",
    record="customer",
    identifying=("customerName", "emailAddress", "taxNumber"),
)
