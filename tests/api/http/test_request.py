"""The laws of what goes out: these bytes, and no others."""

import json
import os
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

import pytest
import requests
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

import airflow_provider_codat
from airflow_provider_codat.api.data_types import CUSTOMERS, DataType
from airflow_provider_codat.api.http import request as codat_request
from airflow_provider_codat.api.http.request import Request, create, free, segments
from airflow_provider_codat.api.http.transport import Transport
from airflow_provider_codat.api.models import Destination, Json
from airflow_provider_codat.api.payload.canonical import canonical
from airflow_provider_codat.simulator import LocalCodat

if TYPE_CHECKING:
    from tests.api.conftest import RawServer

COMPANY = "8a210b68-6988-11ed-a1eb-0242ac120002"
CONNECTION = "2e9d2c44-f675-40ba-8049-353bfcb5e171"
DESTINATION = Destination(COMPANY, CONNECTION)
KEY = "7d9f0f0c-54c8-4e4c-9e0e-3a0f3f5d1c11"
API_KEY = "bJdfN3UrP6zQmY8vT1xK5sWc0LhG7aEoR9iBt2Vq"
CUSTOMER: Json = {"status": "Active", "customerName": "Bäckerei Fen", "phone": None}


def test_a_create_byte_for_byte(
    raw_server: Callable[..., "RawServer"], transport: Callable[..., Transport]
) -> None:
    """Method, path, query, each header and the body of a create are these."""
    server = raw_server((b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",))
    request = create(
        DESTINATION,
        CUSTOMERS,
        canonical(CUSTOMER),
        idempotency_key=KEY,
        timeout_in_minutes=15,
    )
    transport(
        server.url,
        password=API_KEY,
        client_id=COMPANY,
        headers={"X-Team": "billing"},
    ).send(request)
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    first, *lines = head.decode("ascii").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    assert first == (
        "POST /companies/8a210b68-6988-11ed-a1eb-0242ac120002/connections/"
        "2e9d2c44-f675-40ba-8049-353bfcb5e171/push/customers?timeoutInMinutes=15 "
        "HTTP/1.1"
    )
    assert body == (
        b'{"customerName":"B\xc3\xa4ckerei Fen","phone":null,"status":"Active"}'
    )
    assert len(lines) == len(headers)
    assert headers == {
        "Host": f"127.0.0.1:{server.port}",
        "User-Agent": f"airflow-provider-codat/{airflow_provider_codat.__version__} "
        f"requests/{requests.__version__}",
        "Accept": "application/json",
        "Accept-Encoding": requests.utils.default_headers()["Accept-Encoding"],
        "Connection": "keep-alive",
        "Content-Type": "application/json",
        "Content-Length": "63",
        "Idempotency-Key": "7d9f0f0c-54c8-4e4c-9e0e-3a0f3f5d1c11",
        "X-Team": "billing",
        "x-codat-client": "8a210b68-6988-11ed-a1eb-0242ac120002",
        "Authorization": "Basic "
        "YkpkZk4zVXJQNnpRbVk4dlQxeEs1c1djMExoRzdhRW9SOWlCdDJWcQ==",
    }


@pytest.mark.parametrize("prefix", ["", "/codat/v1"], ids=["none", "two"])
def test_a_get_carries_no_body_and_no_key(
    prefix: str,
    raw_server: Callable[..., "RawServer"],
    transport: Callable[..., Transport],
) -> None:
    """A GET says only what is asked for, below the base URL's own path."""
    server = raw_server((b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",))
    transport(server.url + prefix).send(codat_request.read_push_operation(COMPANY, KEY))
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(f"GET {prefix}/companies/{COMPANY}/push/{KEY} HTTP".encode())
    assert body == b""
    names = {line.split(b":")[0].lower() for line in head.split(b"\r\n")[1:]}
    assert not {b"content-type", b"content-length", b"idempotency-key"} & names


REQUESTS = {
    "create": (
        create(DESTINATION, CUSTOMERS, b"{}", idempotency_key=KEY),
        ("POST", f"/companies/{COMPANY}/connections/{CONNECTION}/push/customers", ""),
    ),
    "another data type": (
        create(
            DESTINATION,
            DataType("chartOfAccounts", "accounts", "account"),
            b"{}",
            idempotency_key=KEY,
        ),
        ("POST", f"/companies/{COMPANY}/connections/{CONNECTION}/push/accounts", ""),
    ),
    "push operation": (
        codat_request.read_push_operation(COMPANY.upper(), f" {KEY}"),
        ("GET", f"/companies/{COMPANY}/push/{KEY}", ""),
    ),
    "push operations": (
        codat_request.list_push_operations(
            COMPANY,
            page=2,
            page_size=50,
            query="status=Failed&&dataType=customers",
            order_by="-requestedOnUtc",
        ),
        (
            "GET",
            f"/companies/{COMPANY}/push",
            (
                "page=2&pageSize=50&query=status%3DFailed%26%26dataType%3Dcustomers"
                "&orderBy=-requestedOnUtc"
            ),
        ),
    ),
    "push operations in any order": (
        codat_request.list_push_operations(
            COMPANY, page=1, page_size=100, query=None, order_by=None
        ),
        ("GET", f"/companies/{COMPANY}/push", "page=1&pageSize=100"),
    ),
    "model": (
        codat_request.read_model(DESTINATION, CUSTOMERS),
        ("GET", f"/companies/{COMPANY}/connections/{CONNECTION}/options/customers", ""),
    ),
    "companies": (
        codat_request.list_companies(),
        ("GET", "/companies", "page=1&pageSize=1"),
    ),
    "refresh": (
        codat_request.refresh(
            COMPANY.upper(),
            "customers",
            connection_id=CONNECTION.upper(),
            idempotency_key=KEY,
        ),
        (
            "POST",
            f"/companies/{COMPANY}/data/queue/customers",
            f"connectionId={CONNECTION}",
        ),
    ),
    "refresh of a whole company": (
        codat_request.refresh(
            COMPANY, "banking-accounts", connection_id=None, idempotency_key=KEY
        ),
        ("POST", f"/companies/{COMPANY}/data/queue/banking-accounts", ""),
    ),
    "pull operation": (
        codat_request.read_pull_operation(COMPANY.upper(), f" {KEY}"),
        ("GET", f"/companies/{COMPANY}/data/history/{KEY}", ""),
    ),
    "pull operations": (
        codat_request.list_pull_operations(
            COMPANY, page=1, page_size=9, order_by="-requested"
        ),
        (
            "GET",
            f"/companies/{COMPANY}/data/history",
            "page=1&pageSize=9&orderBy=-requested",
        ),
    ),
    "data status": (
        codat_request.read_data_status(COMPANY.upper()),
        ("GET", f"/companies/{COMPANY}/dataStatus", ""),
    ),
    "customers": (
        codat_request.list_records(
            COMPANY.upper(),
            CUSTOMERS,
            connection_id=None,
            page=2,
            page_size=50,
            query="customerName=Fen & Co",
            order_by="-modifiedDate",
            modified_since=None,
        ),
        (
            "GET",
            f"/companies/{COMPANY}/data/customers",
            (
                "page=2&pageSize=50&query=customerName%3DFen%20%26%20Co"
                "&orderBy=-modifiedDate"
            ),
        ),
    ),
    "customer": (
        codat_request.read_record(
            COMPANY.upper(), CUSTOMERS, "../Bäckerei 7", connection_id=None
        ),
        ("GET", f"/companies/{COMPANY}/data/customers/..%2FB%C3%A4ckerei%207", ""),
    ),
}


@pytest.mark.parametrize(("request_", "sent"), REQUESTS.values(), ids=REQUESTS)
def test_each_question(request_: Request, sent: tuple[str, str, str]) -> None:
    """Each question has its documented method, path and query."""
    assert (request_.method, request_.path, request_.query) == sent
    assert (request_.idempotency_key is None) is (request_.method == "GET")


MOMENT = datetime(2026, 3, 1, 12, 30, 59, 999_999, tzinfo=UTC)


@pytest.mark.parametrize(
    ("query", "since", "sent"),
    [
        (None, MOMENT, "modifiedDate>=2026-03-01T12:30:59Z"),
        ("", MOMENT, "modifiedDate>=2026-03-01T12:30:59Z"),
        ("a=1", MOMENT, "a=1&&modifiedDate>=2026-03-01T12:30:59Z"),
        ("a=1&&b=2", MOMENT, "a=1&&b=2&&modifiedDate>=2026-03-01T12:30:59Z"),
        ("a=1||b=2", MOMENT, "{a=1||b=2}&&modifiedDate>=2026-03-01T12:30:59Z"),
        (
            None,
            MOMENT.astimezone(timezone(timedelta(hours=-5))),
            "modifiedDate>=2026-03-01T12:30:59Z",
        ),
        ("a=1", None, "a=1"),
        (None, None, None),
    ],
    ids=["alone", "empty", "and", "and and", "or", "another zone", "no time", "none"],
)
def test_a_moment_joins_the_query(
    query: str | None, since: datetime | None, sent: str | None
) -> None:
    """Both have to hold; the moment is in UTC, and rather earlier than later."""
    request = codat_request.list_records(
        COMPANY,
        CUSTOMERS,
        connection_id=None,
        page=1,
        page_size=1,
        query=query,
        order_by=None,
        modified_since=since,
    )
    assert dict(parse_qsl(request.query)).get("query") == sent


def test_a_moment_without_a_zone_is_refused() -> None:
    """It would be another moment on another machine; the message says so."""
    with pytest.raises(ValueError, match="modified_since must have a time zone"):
        codat_request.list_records(
            COMPANY,
            CUSTOMERS,
            connection_id=None,
            page=1,
            page_size=1,
            query=None,
            order_by=None,
            modified_since=MOMENT.replace(tzinfo=None),
        )


def refresh(
    company: str = COMPANY,
    data_type: str = "customers",
    connection: str | None = None,
    key: str = KEY,
) -> Request:
    return codat_request.refresh(
        company, data_type, connection_id=connection, idempotency_key=key
    )


WRONG_IDS: dict[str, tuple[Callable[[], Request], str]] = {
    "refresh's company": (lambda: refresh(company="x"), "company_id"),
    "refresh's connection": (lambda: refresh(connection=""), "connection_id"),
    "refresh's key": (lambda: refresh(key="x"), "key"),
    "refresh's data type": (lambda: refresh(data_type=".."), "path"),
    "pull operation's company": (
        lambda: codat_request.read_pull_operation("x", KEY),
        "company_id",
    ),
    "pull operation": (
        lambda: codat_request.read_pull_operation(COMPANY, "x"),
        "dataset_id",
    ),
    "pull operations' company": (
        lambda: codat_request.list_pull_operations(
            "x", page=1, page_size=1, order_by=None
        ),
        "company_id",
    ),
    "status of a company": (lambda: codat_request.read_data_status("x"), "company_id"),
    "customer's company": (
        lambda: codat_request.read_record("x", CUSTOMERS, "7", connection_id=None),
        "company_id",
    ),
    "customer that climbs": (
        lambda: codat_request.read_record(COMPANY, CUSTOMERS, "..", connection_id=None),
        "path",
    ),
    "no customer": (
        lambda: codat_request.read_record(COMPANY, CUSTOMERS, "", connection_id=None),
        "path",
    ),
}


@pytest.mark.parametrize(("question", "name"), WRONG_IDS.values(), ids=WRONG_IDS)
def test_nothing_is_read_back_of_what_is_no_id(
    question: Callable[[], Request], name: str
) -> None:
    """An id that is none, or would climb, is refused before it becomes a path."""
    with pytest.raises(ValueError, match=name):
        question()


@pytest.mark.parametrize("name", ["company_id", "push_operation_key"])
def test_no_question_is_asked_about_what_is_no_id(name: str) -> None:
    """An id that is none is refused before it becomes part of a path."""
    ids = {"company_id": COMPANY, "push_operation_key": KEY, name: "../apiKeys"}
    with pytest.raises(ValueError, match=name):
        codat_request.read_push_operation(**ids)


@pytest.mark.parametrize(
    ("part", "encoded"),
    [
        ("EILBDVJVNUAGVKRQ", "EILBDVJVNUAGVKRQ"),
        ("a b", "a%20b"),
        ("a/b", "a%2Fb"),
        ("a%2Fb", "a%252Fb"),
        ("a?b#c", "a%3Fb%23c"),
        ("é", "%C3%A9"),
        ("a\r\nb", "a%0D%0Ab"),
        ("...", "..."),
        ("-._~", "-._~"),
    ],
)
def test_a_segment_stays_one_segment(part: str, encoded: str) -> None:
    """An id, which may be any text, can neither end its segment nor the path."""
    assert segments("companies", part) == f"/companies/{encoded}"


@pytest.mark.parametrize("part", ["", ".", ".."])
def test_a_segment_does_not_climb(part: str) -> None:
    """No id leads to another place of the API."""
    with pytest.raises(ValueError, match="cannot be part of a Codat path"):
        segments("companies", part, "push")
    with pytest.raises(ValueError, match="cannot be part of a Codat path"):
        ask("GET", f"/companies/{part}/push")


def ask(
    method: str = "GET",
    path: str = "/companies",
    *,
    params: dict[str, object] | None = None,
    json_body: Json = None,
    idempotency_key: str | None = None,
) -> Request:
    return free(
        method,
        path,
        params=params,
        json_body=json_body,
        idempotency_key=idempotency_key,
    )


def test_a_free_request() -> None:
    """Any endpoint can be asked, with the same care as a create."""
    asked = ask(
        "post",
        "/companies/a b/data/queue/customers",
        params={"connectionId": CONNECTION, "full": True, "tags": None, "n": 0},
        json_body={"b": 1, "a": "é"},
        idempotency_key=KEY,
    )
    assert asked == Request(
        method="POST",
        path="/companies/a%20b/data/queue/customers",
        query=f"connectionId={CONNECTION}&full=true&n=0",
        body='{"a":"é","b":1}'.encode(),
        idempotency_key=KEY,
    )


def test_booleans_and_nothing_in_a_query() -> None:
    """A query spells booleans as Codat does, and leaves out what is None."""
    asked = ask(params={"a": True, "b": False, "c": None, "d": "", "e": "x y&z=+"})
    assert asked.query == "a=true&b=false&d=&e=x%20y%26z%3D%2B"


def test_a_list_in_a_query() -> None:
    """A list in a query becomes its name, repeated with each item."""
    assert ask(params={"tags": ["uid=1", "uid=2"]}).query == "tags=uid%3D1&tags=uid%3D2"


@pytest.mark.parametrize("method", ["POST", "PATCH", "patch"])
def test_what_could_create_twice_needs_a_key(method: str) -> None:
    """A POST or PATCH without a key could not be repeated; the message says how."""
    with pytest.raises(ValueError, match=r"need an idempotency_key.*made once"):
        ask(method)
    assert ask(method, idempotency_key=KEY).idempotency_key == KEY


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_other_methods_take_no_key(method: str) -> None:
    """Codat honours a key on POST and PATCH alone; elsewhere it is a false hope."""
    with pytest.raises(ValueError, match="other methods take none"):
        ask(method, idempotency_key=KEY)
    assert ask(method).idempotency_key is None


def test_a_free_key_is_a_guid_sent_verbatim() -> None:
    """A key that is no GUID is refused; one that is goes out letter by letter."""
    with pytest.raises(ValueError, match="idempotency_key must be a UUID"):
        ask("POST", idempotency_key="order-4711")
    assert ask("POST", idempotency_key=KEY.upper()).idempotency_key == KEY.upper()


@pytest.mark.parametrize("method", ["HEAD", "TRACE", "CONNECT", "GET /x", ""])
def test_only_methods_of_codats(method: str) -> None:
    """What Codat has no endpoint for is not sent."""
    with pytest.raises(ValueError, match="method must be"):
        ask(method)


@pytest.mark.parametrize(
    "path",
    [
        "companies",
        "https://evil.example/companies",
        "//evil.example/companies",
        "/companies?page=1",
        "/companies#top",
        "/companies\\..\\apiKeys",
        "/",
        "/companies/",
        "",
    ],
)
def test_a_free_path_stays_below_the_base_url(path: str) -> None:
    """No path names a host, climbs, or smuggles a query in."""
    with pytest.raises(ValueError, match="path"):
        ask(path=path)


def test_a_request_reads_without_payload_and_query() -> None:
    """A request can be logged: its text holds no body, no query and no company."""
    request = create(DESTINATION, CUSTOMERS, b'{"a":"canary"}', idempotency_key=KEY)
    assert str(request) == "POST .../push/customers"
    assert str(codat_request.list_companies()) == "GET /companies"
    assert "canary" not in repr(request)
    assert "canary" not in repr(codat_request.Response(200, {}, b"canary", 0.0))


DIRECTORY = os.environ.get("CODAT_OPENAPI_DIR", "")
COMMERCE, PLATFORM = "Codat-Sync-Commerce-v1.json", "Codat-Platform.json"
CREATE = (
    COMMERCE,
    "/companies/{companyId}/connections/{connectionId}/push/customers",
    "create-accounting-customer",
)
OPERATIONS = {
    "create": CREATE,
    "push operation": (
        PLATFORM,
        "/companies/{companyId}/push/{pushOperationKey}",
        "get-push-operation",
    ),
    "push operations": (
        PLATFORM,
        "/companies/{companyId}/push",
        "get-company-push-history",
    ),
    "model": (
        PLATFORM,
        "/companies/{companyId}/connections/{connectionId}/options/{dataType}",
        "get-create-update-model-options-by-data-type",
    ),
    "companies": (PLATFORM, "/companies", "list-companies"),
}
documented = pytest.mark.skipif(
    not DIRECTORY, reason="CODAT_OPENAPI_DIR does not name Codat's API description"
)


def description(file: str) -> dict[str, Any]:
    """Read one of Codat's descriptions, 'nullable' turned into a type."""

    def with_null(node: dict[str, Any]) -> dict[str, Any]:
        if node.pop("nullable", None) is True and isinstance(node.get("type"), str):
            node["type"] = [node["type"], "null"]
        return node

    text = (Path(DIRECTORY) / file).read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text, object_hook=with_null)
    return found


def validator(file: str, pointer: str) -> Draft202012Validator:
    resource = DRAFT202012.create_resource(description(file))
    registry: Registry[Any] = Registry().with_resource(file, resource)
    return Draft202012Validator({"$ref": f"{file}#{pointer}"}, registry=registry)


def resolved(described: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """Follow references."""
    while "$ref" in node:
        steps = node["$ref"].removeprefix("#/").split("/")
        node = described
        for step in steps:
            name = step.replace("~1", "/").replace("~0", "~")
            node = node[int(name) if isinstance(node, list) else unquote(name)]
    return node


@pytest.mark.codat_openapi
@documented
@pytest.mark.parametrize("name", OPERATIONS)
def test_questions_are_those_of_codats_own_description(name: str) -> None:
    """Method, path and query parameters are documented under the operation's name."""
    request = REQUESTS[name][0]
    file, path, operation_id = OPERATIONS[name]
    described = description(file)
    item = described["paths"][path]
    operation = item[request.method.lower()]
    assert operation["operationId"] == operation_id
    assert re.fullmatch(re.sub(r"\{\w+\}", r"[^/]+", path), request.path)
    listed = [*item.get("parameters", []), *operation.get("parameters", [])]
    known = {resolved(described, each)["name"] for each in listed}
    pairs = [pair.partition("=")[0] for pair in request.query.split("&") if pair]
    assert set(pairs) <= known
    assert "timeoutInMinutes" in known or name != "create"


@pytest.mark.codat_openapi
@documented
@pytest.mark.parametrize("query", [None, 30], ids=["no query", "timeout"])
def test_a_create_and_its_answer_fit_codats_own_description(
    query: int | None, codat: LocalCodat, transport: Callable[..., Transport]
) -> None:
    """What arrives at the simulator, and what it answers, satisfies both schemas."""
    destination = Destination(codat.company_id, codat.connection_id)
    contact: Json = {"name": "Ada", "status": "Active", "phone": [{"type": "Primary"}]}
    customer: Json = {"customerName": "Fen", "status": "Active", "contacts": [contact]}
    reply = transport(codat.url).send(
        create(
            destination,
            CUSTOMERS,
            canonical(customer),
            idempotency_key=KEY,
            timeout_in_minutes=query,
        )
    )
    assert isinstance(reply, codat_request.Response)
    arrived = codat.journal()[0]
    file, path, _ = CREATE
    place = path.replace("/", "~1").replace("{", "%7B").replace("}", "%7D")
    schema = "content/application~1json/schema"
    operation = f"/paths/{place}/post"
    asked = validator(file, f"{operation}/requestBody/{schema}")
    answered = validator(file, f"{operation}/responses/200/{schema}")
    assert [e.message for e in asked.iter_errors(arrived.json())] == []
    assert [e.message for e in answered.iter_errors(json.loads(reply.body))] == []
    assert arrived.headers["Content-Type"] == "application/json"
