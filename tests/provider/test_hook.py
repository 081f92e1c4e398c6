"""The laws of the hook: an Airflow connection becomes a client of Codat."""

import asyncio
import json
import logging
import re
import socket
import uuid
import warnings
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, quote

import pytest
from airflow.providers.common.compat.sdk import Connection, redact

from airflow_provider_codat.api import (
    NotFound,
    OutcomeUnknown,
    PayloadInvalid,
    RateLimited,
    Refused,
    SettingsInvalid,
    Unreachable,
)
from airflow_provider_codat.hooks.codat import CodatHook
from airflow_provider_codat.simulator import LocalCodat
from airflow_provider_codat.simulator.world import FOREIGN_API_KEY, authorization

KEY = "7d9f0f0c-54c8-4e4c-9e0e-3a0f3f5d1c11"
CUSTOMER = {"customerName": "Fen Bakery", "status": "Active"}
NOBODY = "11111111-1111-4111-8111-111111111111"


def refusing_url() -> str:
    """Return a URL on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def query_of(entry: Any) -> dict[str, str]:  # noqa: ANN401 - the simulator's journal entry
    return dict(parse_qsl(entry.query))


# --- in the triggerer


def test_the_reading_of_a_connection_is_not_broken_off(local_codat: LocalCodat) -> None:
    """Airflow's triggerer may cancel a trigger, and its answer is still read."""
    hook = CodatHook()

    async def main() -> None:
        task = asyncio.create_task(hook.aconnect())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})

    asyncio.run(main())
    assert vars(hook)["settings"].base_url == local_codat.url


# --- create_customer


def test_a_customer_is_created(hook: CodatHook, local_codat: LocalCodat) -> None:
    """The reply comes back as Codat sent it, and one record stands in the books."""
    place = (local_codat.company_id, local_codat.connection_id)
    reply = hook.create_customer(*place, CUSTOMER)
    assert reply["status"] == "Pending"
    assert reply["statusCode"] == 202
    assert reply["pushOperationKey"] == local_codat.operations()[0]["pushOperationKey"]
    [arrived] = local_codat.journal()
    assert arrived.json() == CUSTOMER
    assert uuid.UUID(arrived.idempotency_key)


def test_python_values_become_json(hook: CodatHook, local_codat: LocalCodat) -> None:
    """Decimals, dates and tuples of a customer reach Codat as exact JSON."""
    values = {"credit": Decimal("12.50"), "since": date(2024, 2, 29), "tags": ("a",)}
    customer = {**CUSTOMER, "supplementalData": {"content": {"crm": values}}}
    place = (local_codat.company_id, local_codat.connection_id)
    hook.create_customer(*place, customer)
    sent = local_codat.journal()[0].json()["supplementalData"]["content"]["crm"]
    assert sent == {"credit": 12.5, "since": "2024-02-29", "tags": ["a"]}


def test_the_timeout_is_on_the_wire(
    seed: Callable[..., dict[str, Any]], local_codat: LocalCodat
) -> None:
    """``timeout_in_minutes`` is Codat's ``timeoutInMinutes``; without it, nothing."""
    seed(timeout_in_minutes=7)
    seed()
    assert [query_of(entry) for entry in local_codat.journal()] == [
        {"timeoutInMinutes": "7"},
        {},
    ]


def test_a_second_call_is_a_second_customer_unless_it_has_the_same_key(
    seed: Callable[..., dict[str, Any]], local_codat: LocalCodat
) -> None:
    """Each call is an intent of its own; a key names one intent for all calls."""
    seed()
    seed()
    first = seed("With a key", idempotency_key=KEY)
    again = seed("With a key", idempotency_key=KEY)
    assert first["pushOperationKey"] == again["pushOperationKey"]
    keys = [entry.idempotency_key for entry in local_codat.journal()]
    assert len(set(keys[:2])) == 2
    assert keys[2:] == [KEY, KEY]
    assert len(local_codat.operations()) == 3


@pytest.mark.parametrize(
    "kind",
    [
        "no_answer_after_commit",
        "reset_after_commit",
        "cut_body",
        "junk_body",
        "gateway_error_after_commit",
        "gateway_error_before_commit",
        "reset_before_commit",
    ],
)
def test_a_mishap_on_the_wire_creates_nothing_twice(
    start_codat: Callable[..., LocalCodat], kind: str
) -> None:
    """What is repeated within a call has the same key: one record, whatever breaks."""
    codat = start_codat(settle_seconds=0)
    codat.order(kind)
    hook = CodatHook(retry_budget_seconds=5)
    hook.create_customer(codat.company_id, codat.connection_id, CUSTOMER)
    hook.close()
    assert codat.counts_by_name() == {"Fen Bakery": 1}
    assert len({entry.idempotency_key for entry in codat.journal()}) == 1


@pytest.mark.parametrize(
    ("order", "error"),
    [
        pytest.param(
            {"kind": "codat_error_before_commit", "status": 400}, Refused, id="400"
        ),
        pytest.param(
            {"kind": "codat_error_before_commit", "status": 404}, NotFound, id="404"
        ),
        pytest.param(
            {"kind": "codat_error_after_commit", "status": 500},
            OutcomeUnknown,
            id="500 of Codat's",
        ),
        pytest.param(
            {"kind": "too_many_requests", "retry_after": 60, "count": 9},
            RateLimited,
            id="429 for longer than the budget",
        ),
        pytest.param(
            {"kind": "reset_before_commit", "count": 99}, Unreachable, id="no answer"
        ),
    ],
)
def test_each_end_of_a_create_has_its_error(
    seed: Callable[..., dict[str, Any]],
    local_codat: LocalCodat,
    order: dict[str, Any],
    error: type[Exception],
) -> None:
    """The type of the error says what happened; none of them quotes the payload."""
    local_codat.order(**order)
    with pytest.raises(error) as raised:
        seed("Quotable Ltd")
    assert "Quotable" not in str(raised.value)


@pytest.mark.parametrize(
    "wrong", ["", "not-a-uuid", None, 7, "../companies", NOBODY[1:]]
)
@pytest.mark.parametrize(
    "call",
    [
        pytest.param(
            lambda h, c, x: h.create_customer(x, c.connection_id, CUSTOMER),
            id="create's company",
        ),
        pytest.param(
            lambda h, c, x: h.create_customer(c.company_id, x, CUSTOMER),
            id="create's connection",
        ),
        pytest.param(
            lambda h, c, x: h.create_customer(
                c.company_id, c.connection_id, CUSTOMER, idempotency_key=x or "?"
            ),
            id="create's key",
        ),
        pytest.param(
            lambda h, _, x: h.get_push_operation(x, NOBODY), id="operation's company"
        ),
        pytest.param(
            lambda h, c, x: h.get_push_operation(c.company_id, x), id="operation's key"
        ),
        pytest.param(lambda h, _, x: list(h.list_push_operations(x)), id="list"),
        pytest.param(
            lambda h, c, x: h.get_customer_model(x, c.connection_id), id="model"
        ),
    ],
)
def test_a_wrong_id_is_refused_before_anything_is_sent(
    hook: CodatHook,
    local_codat: LocalCodat,
    call: Callable[[CodatHook, LocalCodat, Any], object],
    wrong: object,
) -> None:
    """What is no UUID raises ``ValueError``, and Codat hears nothing of it."""
    with pytest.raises(ValueError, match="must be a UUID"):
        call(hook, local_codat, wrong)
    assert local_codat.journal() == []


def test_what_json_cannot_express_is_refused(
    hook: CodatHook, local_codat: LocalCodat
) -> None:
    """A payload that cannot be sent exactly is not sent at all."""
    place = (local_codat.company_id, local_codat.connection_id)
    with pytest.raises(PayloadInvalid, match="phone"):
        hook.create_customer(*place, {**CUSTOMER, "phone": {1, 2}})
    assert local_codat.journal() == []


# --- reading


def test_a_push_operation_is_read(
    hook: CodatHook, seed: Callable[..., dict[str, Any]], local_codat: LocalCodat
) -> None:
    """It comes as Codat shows it now."""
    key = seed()["pushOperationKey"]
    local_codat.advance(seconds=1)
    found = hook.get_push_operation(local_codat.company_id, key)
    assert found == local_codat.operations()[0]
    assert found["status"] == "Success"


def test_a_push_operation_that_is_not_there_is_not_found(
    hook: CodatHook, local_codat: LocalCodat
) -> None:
    """404 has its own error."""
    with pytest.raises(NotFound):
        hook.get_push_operation(local_codat.company_id, NOBODY)


def test_reading_survives_an_outage(
    hook: CodatHook, seed: Callable[..., dict[str, Any]], local_codat: LocalCodat
) -> None:
    """A GET is repeated through a gateway's error."""
    key = seed()["pushOperationKey"]
    local_codat.order("gateway_error_before_commit", route="get_push", status=503)
    found = hook.get_push_operation(local_codat.company_id, key)
    assert found["pushOperationKey"] == key


def test_all_pages_are_listed(
    hook: CodatHook, seed: Callable[..., dict[str, Any]], local_codat: LocalCodat
) -> None:
    """Every operation comes once, in the order asked for, page after page."""
    for number in range(5):
        seed(f"Customer {number}")
    listed = list(
        hook.list_push_operations(
            local_codat.company_id, order_by="-requestedOnUtc", page_size=2
        )
    )
    expected = [each["pushOperationKey"] for each in local_codat.operations()]
    assert [each["pushOperationKey"] for each in listed] == expected[::-1]
    asked = [query_of(e) for e in local_codat.journal() if e.method == "GET"]
    assert [each["page"] for each in asked] == ["1", "2", "3"]
    assert {each["pageSize"] for each in asked} == {"2"}
    assert {each["orderBy"] for each in asked} == {"-requestedOnUtc"}


def test_a_query_filters_the_list(
    hook: CodatHook, seed: Callable[..., dict[str, Any]], local_codat: LocalCodat
) -> None:
    """The query reaches Codat in its own language, encoded."""
    local_codat.order("fail")
    seed("Refused & Co")
    seed("Taken & Co")
    local_codat.advance(seconds=1)
    query = "status=Failed&&dataType=customers"
    [found] = hook.list_push_operations(local_codat.company_id, query=query)
    assert found["status"] == "Failed"
    assert f"query={quote(query, safe='')}" in local_codat.journal()[-1].query


def test_the_list_is_asked_for_as_it_is_read(
    hook: CodatHook, seed: Callable[..., dict[str, Any]], local_codat: LocalCodat
) -> None:
    """Who stops reading stops asking; an operation that moved on comes once."""
    for number in range(4):
        seed(f"Customer {number}")
    walk = hook.list_push_operations(
        local_codat.company_id, order_by="-requestedOnUtc", page_size=2
    )
    first = [next(walk), next(walk)]
    assert [e.method for e in local_codat.journal()].count("GET") == 1
    seed("Written meanwhile")  # everything moves one place down
    rest = list(walk)
    keys = [each["pushOperationKey"] for each in first + rest]
    assert len(keys) == len(set(keys)) == 4


@pytest.mark.parametrize("page_size", [0, -1, 5001])
def test_page_sizes_have_bounds(
    hook: CodatHook, local_codat: LocalCodat, page_size: int
) -> None:
    """Codat takes 1 to 5,000; anything else is refused before it is sent."""
    with pytest.raises(ValueError, match="page_size must be from 1 to 5000"):
        next(hook.list_push_operations(local_codat.company_id, page_size=page_size))
    assert local_codat.journal() == []


@pytest.mark.parametrize("page_size", [1, 5000])
def test_the_bounds_themselves_are_taken(
    hook: CodatHook, local_codat: LocalCodat, page_size: int
) -> None:
    """An empty list is an answer, too."""
    listed = hook.list_push_operations(local_codat.company_id, page_size=page_size)
    assert list(listed) == []


def test_the_model_of_customers_is_read(
    hook: CodatHook, local_codat: LocalCodat
) -> None:
    """What the connection's software wants comes as Codat describes it."""
    strict = local_codat.connections["strict"]
    model = hook.get_customer_model(local_codat.company_id, strict)
    assert model["properties"]["id"]["required"] is True


# --- run


def test_any_endpoint_can_be_read(hook: CodatHook, local_codat: LocalCodat) -> None:
    """Parameters that are None are left out, booleans are spelt as Codat spells."""
    params = {"page": 1, "pageSize": 2, "orderBy": None, "flag": True}
    answer = hook.run("get", "/companies", params=params)
    assert len(answer["results"]) == 2
    assert query_of(local_codat.journal()[0]) == {
        "page": "1",
        "pageSize": "2",
        "flag": "true",
    }


def test_any_endpoint_can_be_written_to(
    hook: CodatHook, local_codat: LocalCodat
) -> None:
    """A POST needs a key, and a repetition with it is answered from memory."""
    company, connection = local_codat.company_id, local_codat.connection_id
    path = f"/companies/{company}/connections/{connection}/push/customers"
    body = {**CUSTOMER, "phone": None}
    first = hook.run("POST", path, json=body, idempotency_key=KEY)
    again = hook.run("POST", path, json=body, idempotency_key=KEY)
    assert first["pushOperationKey"] == again["pushOperationKey"]
    assert local_codat.journal()[1].replayed
    assert local_codat.journal()[0].json() == body


@pytest.mark.parametrize(
    ("method", "key"),
    [
        pytest.param("POST", None, id="POST without a key"),
        pytest.param("PATCH", None, id="PATCH without a key"),
        pytest.param("GET", KEY, id="GET with a key"),
        pytest.param("PUT", KEY, id="PUT with a key"),
        pytest.param("DELETE", KEY, id="DELETE with a key"),
        pytest.param("POST", "abc", id="POST with no UUID"),
        pytest.param("BREW", None, id="unknown method"),
    ],
)
def test_methods_and_keys_belong_together(
    hook: CodatHook, local_codat: LocalCodat, method: str, key: str | None
) -> None:
    """A key is asked for where a repetition would write twice, and only there."""
    with pytest.raises(ValueError, match=r"key|method"):
        hook.run(method, "/companies", idempotency_key=key)
    assert local_codat.journal() == []


@pytest.mark.parametrize(
    "path",
    [
        "companies",
        "https://elsewhere.example/x",
        "/a/../b",
        "//a",
        "/a?b=1",
        "/a#b",
        "/",
    ],
)
def test_paths_stay_below_the_base_url(
    hook: CodatHook, local_codat: LocalCodat, path: str
) -> None:
    """Neither host nor query nor a climb can be smuggled into a path."""
    with pytest.raises(ValueError, match="path"):
        hook.run("GET", path)
    assert local_codat.journal() == []


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_refused_put_is_sent_once(
    hook: CodatHook, local_codat: LocalCodat, method: str
) -> None:
    """Without a key there is no second send: what is refused is refused."""
    with pytest.raises(Refused):
        hook.run(method, "/companies", json={"name": "x"} if method == "PUT" else None)
    assert [entry.method for entry in local_codat.journal()] == [method]


def test_a_put_that_broke_is_not_sent_again(
    hook: CodatHook, local_codat: LocalCodat
) -> None:
    """It may have been carried out; nobody here can tell."""
    local_codat.order("reset_after_commit", route="companies", count=2)
    local_codat.order("reset_after_commit", route="any", count=2)
    with pytest.raises(OutcomeUnknown):
        hook.run("PUT", "/companies", json={})
    assert len(local_codat.journal()) == 1


def test_no_content_is_none(connection: Callable[..., str], web_page: str) -> None:
    """A 204 has no body, and that is its answer."""
    hook = CodatHook(connection(host=web_page, password="a" * 40))
    assert hook.run("DELETE", "/companies/x") is None
    hook.close()


# --- test_connection


def test_a_good_connection_is_told(hook: CodatHook, local_codat: LocalCodat) -> None:
    """It says where, and asks for one company, once."""
    good, words = hook.test_connection()
    assert good
    assert local_codat.url in words
    [asked] = local_codat.journal()
    assert (asked.method, asked.path) == ("GET", "/companies")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"password": "w" * 40}, "refused the API key: .*401", id="401"),
        pytest.param(
            {"password": FOREIGN_API_KEY}, "refused the API key: .*403", id="403"
        ),
        pytest.param(
            {"host": "dead"}, "could not be reached: .*refused", id="dead port"
        ),
        pytest.param(
            {"host": "https://codat.invalid"}, "could not be reached: .*name", id="DNS"
        ),
        pytest.param({"host": "page"}, "does not answer as Codat does", id="web page"),
        pytest.param({"password": ""}, "not complete: the password", id="no key"),
        pytest.param({"password": None}, "not complete: the password", id="null key"),
        pytest.param(
            {"password": "two words"}, "not complete: the password", id="words"
        ),
        pytest.param({"host": "ftp://x"}, "not complete: host", id="wrong URL"),
        pytest.param(
            {"host": "http://codat.example"},
            "not complete: host .*plain http",
            id="http",
        ),
        pytest.param(
            {"extra": {"verify": "/nowhere.pem"}}, "not complete: verify", id="no file"
        ),
        pytest.param(
            {"extra": {"auth_format": "guess"}}, "not complete: auth_format", id="extra"
        ),
    ],
)
def test_a_bad_connection_is_explained(
    local_codat: LocalCodat,
    connection: Callable[..., str],
    web_page: str,
    spellings: Callable[[str], list[str]],
    monkeypatch: pytest.MonkeyPatch,
    fields: dict[str, Any],
    expected: str,
) -> None:
    """One line that says what is wrong and where; never an exception, never the key."""
    monkeypatch.setenv("NO_PROXY", "*")
    hosts = {"dead": refusing_url(), "page": web_page}
    given = {"host": local_codat.url, "password": local_codat.api_key, **fields}
    given["host"] = hosts.get(given["host"], given["host"])
    hook = CodatHook(connection(**given))
    good, words = hook.test_connection()
    hook.close()
    assert not good
    assert "\n" not in words
    assert re.search(expected, words), words
    for secret in spellings(given["password"] or "no such key"):
        assert secret not in words


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("redirect", "a redirect"),
        ("too_many_requests", "busy"),
        ("codat_error_before_commit", "500"),
        ("junk_body", "does not answer as Codat does"),
        ("reset_before_commit", "could not be reached"),
    ],
)
def test_a_server_in_trouble_is_explained(
    hook: CodatHook, local_codat: LocalCodat, kind: str, expected: str
) -> None:
    """The form shows what came of one request; nothing is repeated or followed."""
    local_codat.order(kind, route="companies", count=5)
    good, words = hook.test_connection()
    assert not good
    assert expected in words
    assert len(local_codat.journal()) == 1


def test_a_connection_that_is_not_there_is_explained() -> None:
    """Even what Airflow raises becomes words; another try of a task would not help."""
    good, words = CodatHook("codat_nowhere").test_connection()
    assert not good
    assert "there is no Airflow connection 'codat_nowhere'" in words
    with pytest.raises(SettingsInvalid):
        CodatHook("codat_nowhere").get_conn()


# --- settings


def test_overrides_win(local_codat: LocalCodat, connection: Callable[..., str]) -> None:
    """``hook_params``, and keywords above them, win over the connection's extras."""
    extra = {
        "read_timeout_seconds": 1,
        "connect_timeout_seconds": 1,
        "requests_per_minute": 1,
    }
    conn_id = connection(host=local_codat.url, password="k" * 40, extra=extra)
    hook = CodatHook(
        conn_id,
        hook_params={"connect_timeout_seconds": 2, "requests_per_minute": 2},
        requests_per_minute=3,
    )
    settings = hook.settings
    assert settings.read_timeout_seconds == 1
    assert settings.connect_timeout_seconds == 2
    assert settings.requests_per_minute == 3


def test_airflows_own_way_to_a_hook(local_codat: LocalCodat) -> None:
    """``Connection.get_hook`` returns ours, with ``hook_params`` passed on."""
    fields = json.loads(local_codat.airflow_connection())
    with warnings.catch_warnings():
        # To find a hook, Airflow 2 imports every provider, and all of Flask.
        warnings.simplefilter("ignore")
        found = Connection(conn_id="codat_default", **fields).get_hook(
            hook_params={"read_timeout_seconds": 5}
        )
    assert type(found) is CodatHook
    assert found.codat_conn_id == "codat_default"
    assert found.settings.read_timeout_seconds == 5


def test_an_override_that_nobody_knows_is_refused(local_codat: LocalCodat) -> None:
    """A misspelt override would have had no effect."""
    assert local_codat.url
    hook = CodatHook(hook_params={"read_timeout": 5})
    with pytest.raises(SettingsInvalid, match="did you mean 'read_timeout_seconds'"):
        _ = hook.settings


def test_an_extra_that_nobody_knows_is_warned_of(
    local_codat: LocalCodat,
    connection: Callable[..., str],
    logged: Callable[[str], list[str]],
) -> None:
    """It is no error: others may share the connection. Its value is not shown."""
    extra = {"retry_budget": "hunter2hunter2"}
    conn_id = connection(host=local_codat.url, password="k" * 40, extra=extra)
    hook = CodatHook(conn_id)
    assert hook.settings
    [line] = logged("unknown extra")
    assert "'retry_budget'; did you mean 'retry_budget_seconds'?" in line
    assert conn_id in line
    assert "hunter2" not in line


@pytest.mark.parametrize("form", ["raw", "encoded", "header", "whole line"])
def test_every_spelling_of_the_key_is_masked(
    local_codat: LocalCodat,
    connection: Callable[..., str],
    spellings: Callable[[str], list[str]],
    form: str,
) -> None:
    """Whichever form the user pasted, Airflow's masker knows all of them."""
    key = uuid.uuid4().hex + "Zz9_"
    raw, encoded, header = spellings(key)
    pasted = {
        "raw": raw,
        "encoded": encoded,
        "header": header,
        "whole line": f"Authorization: {header}",
    }[form]
    hook = CodatHook(connection(host=local_codat.url, password=pasted))
    assert hook.settings.credential.header == authorization(key)
    for secret in (raw, encoded, header, pasted):
        line = redact(f"GET /companies with {secret} failed")
        assert secret not in line
        assert "***" in line


def test_secret_headers_are_masked_and_sent(
    local_codat: LocalCodat, connection: Callable[..., str]
) -> None:
    """An extra header that sounds like a secret is one; plain ones stay readable."""
    secret = uuid.uuid4().hex
    extra = {"headers": {"X-Gateway-Token": secret, "X-Team": "ledger-team"}}
    conn_id = connection(
        host=local_codat.url, password=local_codat.api_key, extra=extra
    )
    hook = CodatHook(conn_id)
    assert hook.test_connection()[0]
    hook.close()
    assert secret not in redact(f"sent {secret}")
    assert "ledger-team" in redact("sent ledger-team")
    sent = {k.lower(): v for k, v in local_codat.journal()[0].headers.items()}
    assert sent["x-gateway-token"] == secret
    assert sent["x-team"] == "ledger-team"


def test_the_password_of_redis_is_masked(
    local_codat: LocalCodat, connection: Callable[..., str]
) -> None:
    """What opens the Redis by which the pace is shared is no less a secret."""
    secret = uuid.uuid4().hex
    extra = {"shared_pace_url": f"redis://worker:{secret}@cache:6379/1"}
    conn_id = connection(
        host=local_codat.url, password=local_codat.api_key, extra=extra
    )
    settings = CodatHook(conn_id).settings
    assert secret in str(settings.shared_pace_url)
    assert secret not in repr(settings)
    assert secret not in redact(f"asked {secret}")


def test_signing_secrets_are_masked(
    local_codat: LocalCodat, connection: Callable[..., str]
) -> None:
    """What Codat's webhooks are known by is no less a secret."""
    secret = f"whsec_{uuid.uuid4().hex}"
    extra = {"webhook_signing_secrets": secret}
    conn_id = connection(
        host=local_codat.url, password=local_codat.api_key, extra=extra
    )
    settings = CodatHook(conn_id).settings
    assert settings.webhook_signing_secrets == (secret,)
    assert secret not in repr(settings)
    assert secret not in redact(f"signed by {secret}")


def test_the_credential_shows_nowhere(
    hook: CodatHook, spellings: Callable[[str], list[str]], local_codat: LocalCodat
) -> None:
    """No representation of settings or session holds a spelling of the key."""
    shown = (
        f"{hook.settings!r} {hook.settings.credential!r} {hook.get_conn().headers!r}"
    )
    for secret in spellings(local_codat.api_key):
        assert secret not in shown


def test_the_session_is_signed_in_to_its_own_host_alone(
    hook: CodatHook, local_codat: LocalCodat, start_codat: Callable[..., LocalCodat]
) -> None:
    """``get_conn`` is authorised at Codat, follows no redirect, and leaks no key."""
    session = hook.get_conn()
    assert session is hook.get_conn()
    answer = session.get(f"{local_codat.url}/companies", timeout=5)
    assert answer.status_code == 200
    local_codat.order("redirect", route="companies")
    assert session.get(f"{local_codat.url}/companies", timeout=5).status_code == 302
    stranger = start_codat()
    assert session.get(f"{stranger.url}/companies", timeout=5).status_code == 401


URI_KEY = quote("LocalCodatInventedKeyNotASecret012345678", safe="")


@pytest.mark.parametrize(
    "declare",
    [
        pytest.param(lambda codat: codat.airflow_connection(), id="JSON"),
        pytest.param(
            lambda codat: json.dumps(
                {
                    "conn_type": "codat",
                    "host": "127.0.0.1",
                    "schema": "http",
                    "port": int(codat.url.rpartition(":")[2]),
                    "password": codat.api_key,
                    "extra": json.dumps({"read_timeout_seconds": 5}),
                }
            ),
            id="JSON in parts",
        ),
        pytest.param(
            lambda codat: (
                f"codat://:{URI_KEY}@127.0.0.1:{codat.url.rpartition(':')[2]}/http"
                "?read_timeout_seconds=5&verify=true"
            ),
            id="URI",
        ),
        pytest.param(
            lambda codat: f"codat://:{URI_KEY}@{quote(codat.url, safe='')}",
            id="URI with a URL as its host",
        ),
    ],
)
def test_connections_are_read_in_every_form(
    local_codat: LocalCodat,
    monkeypatch: pytest.MonkeyPatch,
    declare: Callable[[LocalCodat], str],
) -> None:
    """JSON or URI, a whole URL or its parts: the same Codat is reached."""
    monkeypatch.setenv("AIRFLOW_CONN_CODAT_DEFAULT", declare(local_codat))
    hook = CodatHook()
    assert hook.test_connection() == (
        True,
        f"Codat accepted the API key at {local_codat.url}",
    )
    hook.close()


def test_building_a_hook_reads_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """A DAG file may build one: the connection is read when it is needed."""
    with caplog.at_level(logging.DEBUG):
        hook = CodatHook("codat_nowhere", hook_params={"nonsense": 1})
    hook.close()
    assert not [r for r in caplog.records if "codat" in r.name]
