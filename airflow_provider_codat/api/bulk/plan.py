"""What is wanted of a batch, and how far it is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from airflow_provider_codat.api.bulk.rows import Rejected, Row
from airflow_provider_codat.api.create.intent import Write
from airflow_provider_codat.api.errors import CodatError, SourceChanged


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """What is wanted of a batch.

    :param rows: gives the rows that can be sent, and the others, in their order.
    :param write_of: makes a row's write.
    :param unseen_since: epoch seconds since when a try that left no journal may have
        sent rows; None when none can have.
    :param begun_at: epoch seconds: when this try of the task has begun.
    :param most: how many rows may be sent in this try; None for all.
    :param wait: whether to wait until the rows are in the books.
    :param may_defer: whether a long wait may be spent elsewhere.
    :param chunk: how many rows are taken up at once: their intents are one write.
    :param low: how many rows may be left to be sent when others have to be ready.
    :param most_open: how many rows may be under way: memory does not grow with rows.
    :param write_seconds: how long what is learnt may wait to be written down.
    """

    company_id: str
    rows: Callable[[], Iterator[Row | Rejected]]
    write_of: Callable[[Row], Write]
    clear_count: int
    begun_at: float = 0.0
    unseen_since: float | None = None
    most: int | None = None
    wait: bool = True
    may_defer: bool = False
    poll_interval_seconds: float = 30.0
    completion_timeout_seconds: float = 3600.0
    grace_seconds: float = 60.0
    chunk: int = 200
    low: int = 40
    most_open: int = 5000
    write_seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class Deferral:
    """Nothing is to be done before a moment.

    :param until: epoch seconds.
    :param operation_keys: of push operations; earlier, once they have ended.
    :param since: epoch seconds before which none of them was requested.
    """

    until: float
    operation_keys: tuple[str, ...] = ()
    since: float = 0.0


@dataclass(slots=True)
class Counts:
    """How far a batch is.

    :param held_back: how many rows were left out because ``most`` were sent.
    :param sent: how many rows had something to send.
    :param ended: how many rows came to something in this try, by status.
    :param passing: how many rows ended in what may pass.
    :param setbacks: how many of these followed each other.
    """

    held_back: int = 0
    sent: int = 0
    ended: dict[str, int] = field(default_factory=dict)
    passing: int = 0
    setbacks: int = 0


def unchanged(
    rows: Iterator[Row | Rejected], stop: Callable[[CodatError], None]
) -> Iterator[Row | Rejected]:
    """Yield rows, until one is not what it was when it was checked."""
    try:
        yield from rows
    except SourceChanged as error:
        stop(error)
