"""How fresh Codat's copy of the books is, and how a refresh of it stands.

Source: https://docs.codat.io/platform-api#/operations/get-pull-operation
"""

from collections.abc import Callable, Iterable, Mapping

from airflow_provider_codat.api.errors import Malformed, RefreshFailed
from airflow_provider_codat.api.http.paging import page_of
from airflow_provider_codat.api.http.request import Response
from airflow_provider_codat.api.http.response import object_of
from airflow_provider_codat.api.models import Json, PullOperation, checked_uuid
from airflow_provider_codat.api.words import printable


def pull_operation_of(response: Response) -> PullOperation:
    """Return the pull operation that a 2xx describes.

    :raises Malformed: when it lacks what every pull operation has.
    """
    return pull_operation(object_of(response))


def pull_operation(value: Mapping[str, Json]) -> PullOperation:
    """Read a pull operation leniently, but for what identifies it.

    :raises Malformed: when its id, company or status is missing.
    """

    def text(name: str) -> str:
        found = value.get(name)
        return printable(found) if isinstance(found, str) else ""

    try:
        dataset, company = (
            checked_uuid(value.get(name), name) for name in ("id", "companyId")
        )
    except ValueError as error:
        raise Malformed(f"the answer is no pull operation: {error}") from None
    if not text("status"):
        raise Malformed("the answer is no pull operation: status is missing")
    progress = value.get("progress")
    return PullOperation(
        id=dataset,
        company_id=company,
        connection_id=text("connectionId").lower(),
        data_type=text("dataType"),
        status=text("status"),
        requested_at=text("requested"),
        completed=value.get("isCompleted") is True,
        errored=value.get("isErrored") is True,
        progress=progress if isinstance(progress, int) else None,
        raw=value,
    )


def pull_operation_expected(
    company_id: str, dataset_id: str | None = None
) -> Callable[[Response], PullOperation]:
    """Return a reader that takes no other pull operation than the one asked for."""

    def read(response: Response) -> PullOperation:
        found = pull_operation_of(response)
        if found.company_id != company_id or dataset_id not in {None, found.id}:
            raise Malformed("the answer describes another pull operation than ours")
        return found

    return read


def pull_operations_of(response: Response) -> list[PullOperation]:
    """Return the pull operations of a page; what is none is left out.

    :raises Malformed: when it is no page.
    """
    found = []
    for entry in page_of(response).entries:
        try:
            found.append(pull_operation(entry))
        except Malformed:
            continue
    return found


def data_status_of(response: Response) -> dict[str, dict[str, Json]]:
    """Return how fresh Codat's copy is, by data type.

    :raises Malformed: when it is something else.
    """
    value = object_of(response)
    found = {name: each for name, each in value.items() if isinstance(each, dict)}
    if len(found) != len(value):
        raise Malformed("the answer is no status of data types")
    return found


def running(operations: Iterable[PullOperation]) -> list[PullOperation]:
    """Return those that have not ended."""
    return [each for each in operations if not each.ended]


def first_of(
    connection_id: str | None, operations: Iterable[PullOperation]
) -> PullOperation | None:
    """Return the first that reads a connection, or any where none is named."""
    wanted = {"", connection_id}
    for each in operations:
        if connection_id is None or each.connection_id in wanted:
            return each
    return None


def succeeded(operation: PullOperation) -> PullOperation:
    """Return a pull operation that brought a fresh copy.

    :raises RefreshFailed: for one that ended in another way; it says what to do.
    """
    if not operation.failed:
        return operation
    advice = _ADVICE.get(operation.status.lower(), _OTHERWISE)
    raise RefreshFailed(
        f"pull operation {operation.id} of {operation.data_type} ended as "
        f"{operation.status}: {advice}",
        operation=operation,
        passing=operation.status.lower() not in _LASTING,
    )


_LASTING = {"autherror", "notsupported", "permissionserror", "prerequisitenotmet"}
_OTHERWISE = "refresh again later; Codat's support asks for this dataset id"
_UNREADABLE = f"Codat could not read the accounting software; {_OTHERWISE}"
_UNFITTING = f"Codat could not make its own data of what it has read; {_OTHERWISE}"
_ADVICE = {
    "autherror": "the connection is no longer authorised. The company must link it to "
    "its accounting software again",
    "cancelled": "somebody stopped it. Refresh again",
    "fetcherror": _UNREADABLE,
    "internalerror": f"Codat itself failed; {_OTHERWISE}",
    "maperror": _UNFITTING,
    "notsupported": "this accounting software does not offer this data type",
    "permissionserror": "whoever linked the connection may not read this in the "
    "accounting software. Somebody who may has to link it again",
    "prerequisitenotmet": "it rests on another data type. Refresh that one first",
    "processingerror": _UNFITTING,
    "ratelimiterror": "the accounting software has been asked too often. Refresh "
    "again later",
    "validationerror": _UNFITTING,
}
