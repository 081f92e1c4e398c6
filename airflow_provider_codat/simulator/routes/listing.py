"""What can be listed: its fields, its choice by a query, its order."""

from collections.abc import Mapping, Sequence
from functools import cache

from airflow_provider_codat.simulator.books.operations import PushOperation
from airflow_provider_codat.simulator.replies import Reply, json_text
from airflow_provider_codat.simulator.routes.paging import Page
from airflow_provider_codat.simulator.rules.bodies import BODIES
from airflow_provider_codat.simulator.rules.query import Kind, lookup

OPERATION_FIELDS: dict[str, Kind] = {
    "requestedOnUtc": "date",
    "completedOnUtc": "date",
    "status": "text",
    "statusCode": "number",
    "dataType": "text",
    "companyId": "text",
    "dataConnectionKey": "text",
    "pushOperationKey": "text",
    "timeoutInMinutes": "number",
    "errorMessage": "text",
}
COMPANY_FIELDS: dict[str, Kind] = {
    "id": "text",
    "name": "text",
    "description": "text",
    "created": "date",
    "lastSync": "date",
}
CONNECTION_FIELDS: dict[str, Kind] = {
    "id": "text",
    "integrationId": "text",
    "integrationKey": "text",
    "sourceId": "text",
    "sourceType": "text",
    "platformName": "text",
    "status": "text",
    "created": "date",
    "lastSync": "date",
}
INTEGRATION_FIELDS: dict[str, Kind] = {
    "key": "text",
    "name": "text",
    "enabled": "text",
    "sourceId": "text",
    "sourceType": "text",
    "integrationId": "text",
    "isOfflineConnector": "text",
    "isBeta": "text",
}
PULL_FIELDS: dict[str, Kind] = {
    "id": "text",
    "companyId": "text",
    "connectionId": "text",
    "dataType": "text",
    "status": "text",
    "errorMessage": "text",
    "requested": "date",
    "completed": "date",
    "progress": "number",
}
_READ_FIELDS: dict[str, Kind] = {
    "modifiedDate": "date",
    "sourceModifiedDate": "date",
    "metadata.isDeleted": "text",
}


@cache
def record_fields(data_type: str) -> dict[str, Kind]:
    """Return what records of a data type can be queried by: no element of a list."""
    properties = BODIES[data_type]["properties"]
    assert isinstance(properties, dict)
    found: dict[str, Kind] = {"id": "text"}
    for name, schema in properties.items():
        kinds = [schema["type"]] if isinstance(schema.get("type"), str) else []
        kinds += schema["type"] if isinstance(schema.get("type"), list) else []
        if "number" in kinds:
            found[name] = "number"
        elif "string" in kinds or "enum" in schema:
            found[name] = "text"
        elif "object" in kinds and "id" in schema.get("properties", {}):
            found[f"{name}.id"] = "text"
    return {**found, **_READ_FIELDS}


def operations_page(
    page: Page, operations: Sequence[PushOperation], count: int, now: float
) -> Reply:
    """Answer with a page of push operations.

    :param page: which.
    :param operations: all of a company, oldest first.
    :param count: how many of them are listed yet.
    :param now: the server's time.
    """
    if page.chosen is not None or page.order_by not in {"", "requestedOnUtc"}:
        operations = _chosen(operations[:count], page, now)
        count = len(operations)
    elif page.descending:
        # Positions counted from the end: nothing is copied or sorted.
        texts = (operations[count - 1 - at].text(now) for at in page.cut(count))
        return page.envelope(texts, count)
    return page.envelope((operations[at].text(now) for at in page.cut(count)), count)


def views_page(page: Page, views: Sequence[Mapping[str, object]]) -> Reply:
    """Answer with a page of a few objects."""
    found = [each for each in views if page.chosen is None or page.chosen(each)]
    if page.order_by:
        found.sort(
            key=lambda each: _sortable(lookup(each, page.order_by)),
            reverse=page.descending,
        )
    texts = (json_text(found[at]).encode() for at in page.cut(len(found)))
    return page.envelope(texts, len(found))


def _chosen(
    operations: Sequence[PushOperation], page: Page, now: float
) -> list[PushOperation]:
    test = page.chosen
    found = [each for each in operations if test is None or test(each.view(now))]
    if page.order_by not in {"", "requestedOnUtc"}:
        found.sort(key=lambda each: _sortable(each.view(now).get(page.order_by)))
    if page.descending:
        found.reverse()
    return found


def _sortable(value: object) -> tuple[bool, object]:
    """Return a sort key; what is absent comes first."""
    return value is not None, value
