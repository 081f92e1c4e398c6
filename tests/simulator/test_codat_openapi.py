"""The simulator's replies against Codat's own API description.

That description is not part of this project. Name the directory that holds
Codat-Sync-Commerce-v1.json, Codat-Sync-Expenses.json and Codat-Platform.json in
CODAT_OPENAPI_DIR to run these.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from airflow_provider_codat.simulator import (
    FOREIGN_API_KEY,
    THIRD_COMPANY_ID,
    LocalCodat,
)
from airflow_provider_codat.simulator.replies import RefusedError
from airflow_provider_codat.simulator.rules.contract import check_customer
from airflow_provider_codat.simulator.world import authorization

Call = Callable[..., requests.Response]
Start = Callable[..., LocalCodat]
DIRECTORY = os.environ.get("CODAT_OPENAPI_DIR", "")
COMMERCE = "Codat-Sync-Commerce-v1.json"
EXPENSES = "Codat-Sync-Expenses.json"
PLATFORM = "Codat-Platform.json"
pytestmark = [
    pytest.mark.codat_openapi,
    pytest.mark.skipif(
        not DIRECTORY, reason="CODAT_OPENAPI_DIR does not name Codat's API description"
    ),
]
COMPANY = "/companies/{companyId}"
CONNECTION = f"{COMPANY}/connections/{{connectionId}}"
CREATE = (COMMERCE, f"{CONNECTION}/push/customers", "post")
UPDATE = (EXPENSES, f"{CONNECTION}/push/customers/{{customerId}}", "put")
ROUTES = {
    "get_push": (PLATFORM, f"{COMPANY}/push/{{pushOperationKey}}", "get"),
    "list_push": (PLATFORM, f"{COMPANY}/push", "get"),
    "options": (PLATFORM, f"{CONNECTION}/options/{{dataType}}", "get"),
    "companies": (PLATFORM, "/companies", "get"),
    "company": (PLATFORM, COMPANY, "get"),
    "connections": (PLATFORM, f"{COMPANY}/connections", "get"),
    "connection": (PLATFORM, CONNECTION, "get"),
    "integrations": (PLATFORM, "/integrations", "get"),
    "integration": (PLATFORM, "/integrations/{platformKey}", "get"),
    "refresh": (PLATFORM, f"{COMPANY}/data/queue/{{dataType}}", "post"),
    "list_pulls": (PLATFORM, f"{COMPANY}/data/history", "get"),
    "get_pull": (PLATFORM, f"{COMPANY}/data/history/{{datasetId}}", "get"),
    "data_status": (PLATFORM, f"{COMPANY}/dataStatus", "get"),
    "list_customers": (EXPENSES, f"{COMPANY}/data/customers", "get"),
    "get_customer": (EXPENSES, f"{COMPANY}/data/customers/{{customerId}}", "get"),
}


def with_null(node: object) -> object:
    """Turn 'nullable', which JSON Schema does not know, into a type."""
    if isinstance(node, list):
        return [with_null(each) for each in node]
    if not isinstance(node, dict):
        return node
    made = {key: with_null(value) for key, value in node.items()}
    if made.pop("nullable", None) is True and isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
        if isinstance(made.get("enum"), list):
            made["enum"] = [*made["enum"], None]
    return made


@pytest.fixture(scope="module")
def registry() -> Registry[Any]:
    """Codat's descriptions, each under its file name."""
    found: Registry[Any] = Registry()
    for name in (COMMERCE, EXPENSES, PLATFORM):
        contents = with_null(json.loads((Path(DIRECTORY) / name).read_text()))
        found = found.with_resource(name, DRAFT202012.create_resource(contents))
    return found


def validator(registry: Registry[Any], file: str, *steps: str) -> Draft202012Validator:
    """Validate against the schema at the end of some steps, through references."""
    reference, found = file, registry.contents(file)
    resolver = registry.resolver(file)
    for step in steps:
        found = found[step]
        reference += ("/" if "#" in reference else "#/") + step.replace("/", "~1")
        while "$ref" in found:
            reference = file + found["$ref"]
            found = resolver.lookup(found["$ref"]).contents
    return Draft202012Validator(
        {"$ref": reference.replace("{", "%7B").replace("}", "%7D")}, registry=registry
    )


def assert_documented(
    registry: Registry[Any], answer: requests.Response, route: tuple[str, str, str]
) -> None:
    file, path, method = route
    steps = ("paths", path, method, "responses", str(answer.status_code))
    check = validator(registry, file, *steps, "content", "application/json", "schema")
    problems = [
        f"{each.json_path}: {each.message}" for each in check.iter_errors(answer.json())
    ]
    assert problems == []


@pytest.mark.parametrize("connection", ["lenient", "options", "strict"])
@pytest.mark.parametrize("settle_seconds", [0, 60], ids=["settled", "pending"])
def test_operations(
    registry: Registry[Any],
    start: Start,
    create: Call,
    send: Call,
    connection: str,
    settle_seconds: float,
) -> None:
    """Accepted creates are documented replies, pending, successful and failed."""
    codat = start(settle_seconds=settle_seconds)
    answer = create(codat, connection=connection)
    assert_documented(registry, answer, CREATE)
    company = f"/companies/{codat.company_id}"
    key = answer.json()["pushOperationKey"]
    one = send(codat, "GET", f"{company}/push/{key}")
    assert_documented(registry, one, ROUTES["get_push"])
    page = send(codat, "GET", f"{company}/push?pageSize=1")
    assert_documented(registry, page, ROUTES["list_push"])


@pytest.mark.parametrize(
    "kind",
    [
        "fail",
        "fail_with_record",
        "fail_without_reason",
        "timed_out",
        "warn",
        "stay_pending",
    ],
)
def test_outcomes(
    registry: Registry[Any], codat: LocalCodat, create: Call, kind: str
) -> None:
    """Every ordered outcome but an invented status is a documented reply."""
    codat.order(kind)
    assert_documented(registry, create(codat), CREATE)


def test_unknown_status_is_undocumented(
    registry: Registry[Any], codat: LocalCodat, create: Call
) -> None:
    """An invented status is found out: the comparison is a real one."""
    codat.order("unknown_status")
    with pytest.raises(AssertionError, match="UnderReview"):
        assert_documented(registry, create(codat), CREATE)


@pytest.mark.parametrize("connection", ["lenient", "strict", "options", "unlinked"])
def test_reads(
    registry: Registry[Any], codat: LocalCodat, send: Call, connection: str
) -> None:
    """Companies, connections and models are documented replies."""
    company = f"/companies/{codat.company_id}"
    one = f"{company}/connections/{codat.connections[connection]}"
    paths = {
        "companies": "/companies",
        "company": company,
        "connections": f"{company}/connections",
        "connection": one,
        "options": f"{one}/options/customers",
    }
    for route, path in paths.items():
        assert_documented(registry, send(codat, "GET", path), ROUTES[route])


@pytest.mark.parametrize("connection", ["lenient", "options"])
@pytest.mark.parametrize("settle_seconds", [0, 60], ids=["settled", "pending"])
def test_updates(
    registry: Registry[Any],
    start: Start,
    update: Call,
    send: Call,
    connection: str,
    settle_seconds: float,
) -> None:
    """Updates are documented replies: pending, successful, failed, unknown."""
    codat = start(settle_seconds=settle_seconds)
    connection_id = codat.connections[connection]
    customer = {"customerName": "Acme", "status": "Active"}
    record = codat.typed_in(customer, connection_id=connection_id)
    rows = [
        (record.record_id, "?forceUpdate=true", "Success"),
        (record.record_id, "", "Failed"),
        ("nobody", "", "Failed"),
    ]
    for record_id, query, status in rows:
        answer = update(codat, record_id, customer, connection, query=query)
        assert_documented(registry, answer, UPDATE)
        codat.advance(seconds=settle_seconds)
        key = answer.json()["pushOperationKey"]
        one = send(codat, "GET", f"/companies/{codat.company_id}/push/{key}")
        assert one.json()["status"] == status
        assert_documented(registry, one, ROUTES["get_push"])


def test_refusals_of_updates(
    registry: Registry[Any], start: Start, update: Call
) -> None:
    """Refusals of updates are documented replies."""
    codat = start(update_refusals="request")
    customer = {"customerName": "Acme", "status": "Active"}
    key = codat.typed_in(customer).record_id
    answers = [
        update(codat, key, customer),
        update(codat, key, {"status": 1}),
        update(codat, key, customer, query="?forceUpdate=perhaps"),
        update(codat, key, customer, connection="unlinked"),
        update(codat, "nobody", customer),
    ]
    assert [each.status_code for each in answers] == [400, 400, 400, 400, 404]
    for each in answers:
        assert_documented(registry, each, UPDATE)


def restated(integration: dict[str, Any]) -> dict[str, Any]:
    """Return an integration in the one spelling that Codat's schema lets pass.

    It requires ``datatype``, describes ``dataType``, and lists values in capitals
    while its examples are in lower case: no reply can have it all.
    """
    words = ("Get", "Post", "Put", "Delete", "Release", "Beta")
    words += ("NotSupported", "NotImplemented", "UploadAttachment")
    capitals = {word.lower(): word for word in words}
    features = [
        {
            "datatype": each.get("dataType", each.get("datatype")),
            "supportedFeatures": [
                {name: capitals[value.lower()] for name, value in feature.items()}
                for feature in each["supportedFeatures"]
            ],
        }
        for each in integration["datatypeFeatures"]
    ]
    return {**integration, "datatypeFeatures": features}


def test_integrations(registry: Registry[Any], codat: LocalCodat, send: Call) -> None:
    """Integrations are documented, but for what the description has in two ways."""
    page = send(codat, "GET", "/integrations").json()
    file, path, method = ROUTES["integrations"]
    steps = ("paths", path, method, "responses", "200", "content")
    check = validator(registry, file, *steps, "application/json", "schema")
    page["results"] = [restated(each) for each in page["results"]]
    assert [each.message for each in check.iter_errors(page)] == []
    file, path, method = ROUTES["integration"]
    steps = ("paths", path, method, "responses", "200", "content")
    check = validator(registry, file, *steps, "application/json", "schema")
    for each in page["results"]:
        one = send(codat, "GET", f"/integrations/{each['key']}").json()
        assert not check.is_valid(one)
        assert [each.message for each in check.iter_errors(restated(one))] == []
    unknown = send(codat, "GET", "/integrations/nope")
    assert_documented(registry, unknown, ROUTES["integration"])
    refused = send(codat, "GET", "/integrations?query=x")
    assert_documented(registry, refused, ROUTES["integrations"])


def test_third_company(registry: Registry[Any], codat: LocalCodat, send: Call) -> None:
    """Connections of every status are documented replies, as is the lack of a model."""
    path = f"/companies/{THIRD_COMPANY_ID}/connections"
    page = send(codat, "GET", path)
    assert_documented(registry, page, ROUTES["connections"])
    for each in page.json()["results"]:
        one = send(codat, "GET", f"{path}/{each['id']}")
        assert_documented(registry, one, ROUTES["connection"])
        model = send(codat, "GET", f"{path}/{each['id']}/options/customers")
        assert_documented(registry, model, ROUTES["options"])


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (None, None),
        ("refresh_stays_queued", None),
        ("refresh_fails", None),
        ("refresh_fails", "AuthError"),
        ("refresh_fails", "NotSupported"),
    ],
)
def test_refreshes(
    registry: Registry[Any],
    codat: LocalCodat,
    data: Call,
    kind: str | None,
    message: str | None,
) -> None:
    """Pull operations are documented replies at the start, midway and at the end."""
    if kind is not None:
        codat.order(kind, message=message)
    started = data(codat, "POST", "data/queue/customers")
    assert_documented(registry, started, ROUTES["refresh"])
    paths = {
        "get_pull": f"data/history/{started.json()['id']}",
        "list_pulls": "data/history",
        "data_status": "dataStatus",
    }
    for _ in range(3):
        for route, path in paths.items():
            assert_documented(registry, data(codat, "GET", path), ROUTES[route])
        codat.advance(seconds=0.6)


@pytest.mark.parametrize("style", ["verbatim", "split"])
def test_customers(
    registry: Registry[Any],
    start: Start,
    create: Call,
    data: Call,
    refreshed: Call,
    style: str,
) -> None:
    """Customers are documented replies before the first refresh and after."""
    codat = start(software_style=style)
    paths = {"list_customers": "data/customers", "get_customer": "data/customers/1"}
    create(codat)
    create(codat, connection="options")
    record = codat.typed_in({"customerName": "Typed in"})
    for status in (409, 200):
        answers = {route: data(codat, "GET", path) for route, path in paths.items()}
        assert {each.status_code for each in answers.values()} == {status}
        for route, answer in answers.items():
            assert_documented(registry, answer, ROUTES[route])
        refreshed(codat)
        paths["get_customer"] = f"data/customers/{record.record_id}"


def test_refusals_of_data(
    registry: Registry[Any], codat: LocalCodat, data: Call, refreshed: Call
) -> None:
    """Refusals on the way to data are documented replies."""
    refreshed(codat)
    data(codat, "POST", "data/queue/customers")
    refused = [
        ("refresh", 400, "POST", "data/queue/customers"),
        ("refresh", 404, "POST", "data/queue/colours"),
        ("list_pulls", 400, "GET", "data/history?query=isCompleted=true"),
        ("get_pull", 404, "GET", f"data/history/{uuid4()}"),
        ("list_customers", 400, "GET", "data/customers?query=x"),
        ("get_customer", 404, "GET", "data/customers/nobody"),
    ]
    for route, status, method, path in refused:
        answer = data(codat, method, path)
        assert answer.status_code == status
        assert_documented(registry, answer, ROUTES[route])


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 503])
def test_errors(
    registry: Registry[Any], codat: LocalCodat, create: Call, send: Call, status: int
) -> None:
    """Errors are documented replies on the create and on the list."""
    codat.order("codat_error_before_commit", route="any", count=2, status=status)
    assert_documented(registry, create(codat), CREATE)
    answer = send(codat, "GET", f"/companies/{codat.company_id}/push")
    assert_documented(registry, answer, ROUTES["list_push"])


def test_refusals(
    registry: Registry[Any], codat: LocalCodat, create: Call, send: Call
) -> None:
    """Refusals of the simulator's own making are documented replies too."""
    answers = [
        create(codat, body={"status": 1, "addresses": [{}]}),
        create(codat, body=b"{"),
        create(codat, connection="unlinked"),
        create(codat, connection=str(uuid4())),
    ]
    foreign = {"Authorization": authorization(FOREIGN_API_KEY)}
    path = codat.journal()[0].path
    answers.append(send(codat, "POST", path, headers=foreign))
    answers.append(send(codat, "POST", path, headers={"Authorization": "Basic eA=="}))
    assert [each.status_code for each in answers] == [400, 400, 400, 404, 403, 401]
    for each in answers:
        assert_documented(registry, each, CREATE)


BODIES: list[dict[str, Any]] = [
    {},
    {"status": "Active"},
    {"status": "Dormant"},
    {"status": None},
    {"status": "Active", "surprise": 1},
    *(
        {"status": "Unknown", name: value}
        for name in (
            "id",
            "customerName",
            "contactName",
            "emailAddress",
            "defaultCurrency",
            "phone",
            "addresses",
            "contacts",
            "registrationNumber",
            "taxNumber",
            "metadata",
            "supplementalData",
            "modifiedDate",
            "sourceModifiedDate",
        )
        for value in (None, "x", 1, [], {})
    ),
    *(
        {"status": "Active", "addresses": [each]}
        for each in (
            {},
            {"type": "Billing"},
            {"type": "Home"},
            {"type": None},
            {"type": "Unknown", "line1": None, "city": "x"},
            {"type": "Unknown", "postalCode": 1},
        )
    ),
    *(
        {"status": "Active", "contacts": [each]}
        for each in (
            {},
            {"status": "Archived"},
            {"status": "Active", "phone": None, "name": None, "email": None},
            {"status": "Active", "phone": [{}]},
            {"status": "Active", "phone": [{"type": "Fax"}]},
            {"status": "Active", "phone": [{"type": "Fax", "number": None}]},
            {"status": "Active", "phone": [{"type": "Pager"}]},
            {"status": "Active", "address": {}},
            {"status": "Active", "address": {"type": "Delivery"}},
            {"status": "Active", "modifiedDate": None},
        )
    ),
    *(
        {"status": "Active", "metadata": {"isDeleted": each}}
        for each in (None, True, 1)
    ),
    *(
        {"status": "Active", "supplementalData": {"content": each}}
        for each in (
            None,
            {},
            {"Extra": {"a": [1]}},
            {"Extra": 1},
            {"Extra": None},
            [],
        )
    ),
]


@pytest.mark.parametrize("body", BODIES, ids=json.dumps)
def test_contract(registry: Registry[Any], body: dict[str, Any]) -> None:
    """The simulator's contract takes what Codat's description takes, and no more."""
    file, path, method = CREATE
    steps = ("paths", path, method, "requestBody", "content", "application/json")
    documented = validator(registry, file, *steps, "schema").is_valid(body)
    try:
        check_customer(body)
    except RefusedError:
        assert not documented
    else:
        assert documented
