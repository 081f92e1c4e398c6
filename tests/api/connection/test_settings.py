"""The laws of a connection's fields: read once, checked, each error named."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import pytest
from webhook_signing import OTHER, SECRET

from airflow_provider_codat.api.connection.base_url import (
    DEFAULT_BASE_URL,
    read_base_url,
)
from airflow_provider_codat.api.connection.settings import (
    EXTRAS,
    Settings,
    read_settings,
)
from airflow_provider_codat.api.errors import SettingsInvalid

KEY = "bJdfN3UrP6zQmY8vT1xK5sWc0LhG7aEoR9iBt2Vq"
CLIENT_ID = "8a210b68-6988-11ed-a1eb-0242ac120002"


def read(
    extra: Mapping[str, Any] | None = None, **given: object
) -> tuple[Settings, tuple[str, ...]]:
    connection: dict[str, Any] = {
        "host": None,
        "schema": None,
        "port": None,
        "password": KEY,
    }
    return read_settings(**{**connection, **given}, extra=extra or {})


@pytest.mark.parametrize(
    ("host", "schema", "port", "base_url"),
    [
        pytest.param(None, None, None, "https://api.codat.io", id="nothing"),
        pytest.param("  ", "", None, "https://api.codat.io", id="spaces"),
        pytest.param("api.codat.io", None, None, "https://api.codat.io", id="host"),
        pytest.param("api.codat.io", "https", 443, "https://api.codat.io", id="all"),
        pytest.param(
            "codat.example", None, 8443, "https://codat.example:8443", id="port"
        ),
        pytest.param(
            "codat.example:8443",
            None,
            None,
            "https://codat.example:8443",
            id="port in the host",
        ),
        pytest.param(
            "codat.example:8443",
            None,
            8443,
            "https://codat.example:8443",
            id="the same port twice",
        ),
        pytest.param(
            "https://api.codat.io", None, None, "https://api.codat.io", id="URL"
        ),
        pytest.param(
            "https://api.codat.io/",
            "http",
            None,
            "https://api.codat.io",
            id="a URL outdoes the schema",
        ),
        pytest.param(
            "HTTPS://API.Codat.IO", None, None, "https://api.codat.io", id="upper case"
        ),
        pytest.param(
            "https://gate.example/codat/v1/",
            None,
            None,
            "https://gate.example/codat/v1",
            id="path prefix",
        ),
        pytest.param(
            "https://gate.example/codat",
            None,
            8443,
            "https://gate.example:8443/codat",
            id="prefix and port",
        ),
        pytest.param("127.0.0.1", "http", 8000, "http://127.0.0.1:8000", id="loopback"),
        pytest.param(
            "http://localhost:8000", None, None, "http://localhost:8000", id="localhost"
        ),
        pytest.param(
            "http://[::1]:8000", None, None, "http://[::1]:8000", id="IPv6 URL"
        ),
        pytest.param(
            "[2001:db8::1]",
            None,
            8000,
            "https://[2001:db8::1]:8000",
            id="IPv6 in brackets",
        ),
        pytest.param(
            "::1",
            "http",
            8000,
            "http://[::1]:8000",
            id="IPv6 as Airflow reads it from a URI",
        ),
        pytest.param(
            "bücher.example",
            None,
            None,
            "https://xn--bcher-kva.example",
            id="international",
        ),
    ],
)
def test_base_url(
    host: str | None, schema: str | None, port: int | None, base_url: str
) -> None:
    """Host, schema and port, in whatever field they stand, make one base URL."""
    assert read_base_url(host, schema, port) == base_url


@pytest.mark.parametrize(
    "host",
    [
        "http://api.codat.io",
        "http://10.0.0.7:8000",
        "http://127.0.0.1.example",
        "http://localhost.example",
        "http://notlocalhost",
        "http://below.localhost",
        "http://[2001:db8::1]",
    ],
)
def test_plain_http_stays_on_this_machine(host: str) -> None:
    """The key is never sent readable to another machine, unless it is allowed."""
    with pytest.raises(SettingsInvalid, match="allow_insecure_http"):
        read(host=host)
    settings, _ = read({"allow_insecure_http": "true"}, host=host)
    assert settings.base_url == host
    assert not settings.loopback


def test_the_schema_field_cannot_weaken_it_either() -> None:
    """Plain http is refused also when the schema field asks for it."""
    with pytest.raises(SettingsInvalid, match="plain http"):
        read(host="api.codat.io", schema="http")


@pytest.mark.parametrize(
    ("host", "port"),
    [
        pytest.param("ftp://api.codat.io", None, id="another scheme"),
        pytest.param("https://", None, id="no host"),
        pytest.param("https:///companies", None, id="only a path"),
        pytest.param("api codat io", None, id="spaces"),
        pytest.param("api.codat.io\n.evil.example", None, id="line break"),
        pytest.param("api.codat.io:port", None, id="port that is no number"),
        pytest.param("api.codat.io:99999", None, id="port too high"),
        pytest.param("api.codat.io:0", None, id="port 0"),
        pytest.param("https://[::1", None, id="half a bracket"),
        pytest.param("api..codat.io", None, id="an empty label"),
        pytest.param("a" * 64 + ".example", None, id="a label too long"),
        pytest.param("api.codat.io:8443", 443, id="two ports"),
        pytest.param("https://user@api.codat.io", None, id="user"),
        pytest.param("https://:pass@api.codat.io", None, id="password"),
        pytest.param("https://api.codat.io?key=1", None, id="query"),
        pytest.param("https://api.codat.io#top", None, id="fragment"),
    ],
)
def test_what_is_no_base_url_names_the_host(host: str, port: int | None) -> None:
    """A host that cannot be asked is found before anything is sent."""
    with pytest.raises(SettingsInvalid, match="host"):
        read(host=host, port=port)


VALID: dict[str, list[Any]] = {
    "allow_insecure_http": [(True, None), ("True", None), ("false", None)],
    "auth_format": [("raw", None), ("auto", None)],
    "client_certificate_path": [("/etc/codat.pem", "/etc/codat.pem")],
    "client_id": [(CLIENT_ID, None), (CLIENT_ID.upper(), None)],
    "client_key_path": [("/etc/codat.key", "/etc/codat.key")],
    "connect_timeout_seconds": [(5, 5.0), ("0.5", 0.5), (86_400, 86_400.0)],
    "headers": [
        ({"X-Team": "billing"}, {"X-Team": "billing"}),
        ('{"X-Team": "billing"}', {"X-Team": "billing"}),
        ({"X-Number": 7}, {"X-Number": "7"}),
        ({}, {}),
    ],
    "portal_url_template": [
        (
            "https://portal.example/{company_id}/{connection_id}/{push_operation_key}",
            "https://portal.example/{company_id}/{connection_id}/{push_operation_key}",
        ),
        ("http://portal.example/{{x}}", "http://portal.example/{{x}}"),
    ],
    "read_timeout_seconds": [(60, 60.0), ("60", 60.0)],
    "request_lifetime_seconds": [(60, 60.0), ("60", 60.0)],
    "max_concurrency": [(4, 4), ("4", 4), (1, 1)],
    "max_response_bytes": [(4096, 4096), ("4096", 4096)],
    "pool_slots": [(4, 4), ("4", 4), (1, 1)],
    "requests_per_minute": [(100, 100), ("100", 100), (1, 1)],
    "retry_budget_seconds": [(600, 600.0), ("600", 600.0)],
    "shared_pace_url": [
        ("redis://cache:6379/0", "redis://cache:6379/0"),
        ("rediss://:secret@cache", "rediss://:secret@cache"),
    ],
    "verify": [
        (True, True),
        ("true", True),
        (False, False),
        ("False", False),
        ("/etc/ca.pem", "/etc/ca.pem"),
    ],
    "webhook_signing_secrets": [
        (SECRET, (SECRET,)),
        ([SECRET, OTHER], (SECRET, OTHER)),
        (f"{SECRET} {OTHER}", (SECRET, OTHER)),
    ],
}
MALFORMED: dict[str, list[Any]] = {
    "allow_insecure_http": ["yes", 1, 0, []],
    "auth_format": ["base64", 7, {}],
    "client_certificate_path": [7, True, []],
    "client_id": ["billing", 7, True],
    "client_key_path": [7, True, []],
    "connect_timeout_seconds": [0, -1, "soon", True, [], "nan", "inf", 86_401],
    "headers": [
        "X-Team: billing",
        "[]",
        [],
        7,
        {"X Team": "billing"},
        {"": "billing"},
        {"X-Team:": "billing"},
        {"X-Team": "billing\r\nX-Other: 1"},
        {"X-Team\r\nX-Other": "1"},
        {"X-Team": "bücher"},
        {"X-Team": "\x00"},
        {"X-Team": None},
        {"X-Team": ["billing"]},
    ],
    "portal_url_template": [
        "portal.example/{company_id}",
        "javascript:alert(1)",
        "https://portal.example/{company}",
        "https://portal.example/{}",
        "https://portal.example/{0}",
        "https://portal.example/{company_id",
        "https://portal.example/{company_id.__class__}",
        "https://portal.example/{company_id!z}",
        "https://portal.example/{company_id:d}",
        "https://portal.example/{company_id:{secret}}",
        7,
    ],
    "read_timeout_seconds": [0, -1, "soon", True, {}, "nan", "inf", 86_401],
    "request_lifetime_seconds": [0, -1, "soon", True, [], "nan", "inf", 86_401],
    "max_concurrency": [0, -1, "many", True, 1.5, []],
    "max_response_bytes": [0, -1, "many", True, 1.5, []],
    "pool_slots": [0, -1, "many", True, 1.5, [], 901],
    "requests_per_minute": [0, -1, "many", True, 1.5, "1.5", "٣", [], "9" * 5000],
    "retry_budget_seconds": [0, -1, "soon", True, [], "nan", "inf", 86_401],
    "shared_pace_url": ["cache:6379", "http://cache", 7, []],
    "verify": [7, [], {}],
    "webhook_signing_secrets": ["secret", "whsec_", 7, [], {}],
}


def rows(table: Mapping[str, list[Any]]) -> list[Any]:
    return [
        pytest.param(name, value, id=f"{name}={str(value)[:40]!r}")
        for name in table
        for value in table[name]
    ]


def companions(name: str) -> dict[str, str]:
    """Give an extra what it cannot be without."""
    return {"client_certificate_path": "/c"} if name == "client_key_path" else {}


@pytest.mark.parametrize("table", [VALID, MALFORMED], ids=["valid", "malformed"])
def test_every_extra_is_in_these_tables(table: Mapping[str, object]) -> None:
    """No extra goes untested."""
    assert sorted(table) == sorted(EXTRAS)


@pytest.mark.parametrize(("name", "pair"), rows(VALID))
def test_a_valid_extra_is_read(name: str, pair: tuple[object, object]) -> None:
    """An extra is taken as JSON gives it, and as a form or a URI does: as text."""
    value, expected = pair
    settings, warnings = read({**companions(name), name: value})
    assert warnings == ()
    if expected is not None:
        assert getattr(settings, name) == expected
        assert type(getattr(settings, name)) is type(expected)


@pytest.mark.parametrize(("name", "value"), rows(MALFORMED))
def test_a_malformed_extra_is_named(name: str, value: object) -> None:
    """The error names the extra, so that it can be found in the form."""
    with pytest.raises(SettingsInvalid, match=name):
        read({**companions(name), name: value})


@pytest.mark.parametrize("name", EXTRAS)
@pytest.mark.parametrize("empty", [None, ""], ids=["none", "empty"])
def test_an_empty_extra_counts_as_absent(name: str, empty: str | None) -> None:
    """A form sends each of its fields, also those that nobody filled in."""
    assert read({name: empty}) == read()


def test_defaults() -> None:
    """Without extras, Codat itself is asked, patiently and within its limits."""
    settings, warnings = read()
    assert warnings == ()
    assert {f.name: getattr(settings, f.name) for f in fields(settings)} == {
        "base_url": DEFAULT_BASE_URL,
        "credential": settings.credential,
        "connect_timeout_seconds": 10.0,
        "read_timeout_seconds": 30.0,
        "retry_budget_seconds": 120.0,
        "request_lifetime_seconds": 600.0,
        "requests_per_minute": 900,
        "max_concurrency": 10,
        "max_response_bytes": 64 * 1024 * 1024,
        "pool_slots": None,
        "task_slots": 1,
        "shared_pace_url": None,
        "webhook_signing_secrets": (),
        "client_certificate_path": None,
        "client_key_path": None,
        "verify": True,
        "headers": {},
        "portal_url_template": "https://app.codat.io/companies/{company_id}/summary",
    }
    assert not settings.loopback


@pytest.mark.parametrize(
    ("name", "warning"),
    [
        ("read_timeout", "'read_timeout'; did you mean 'read_timeout_seconds'?"),
        ("Headers", "'Headers'; did you mean 'headers'?"),
        ("colour", "unknown extra 'colour'"),
    ],
)
def test_an_unknown_extra_is_a_warning(name: str, warning: str) -> None:
    """An extra that nobody knows does no harm; the warning names the nearest one."""
    settings, warnings = read({name: "x"})
    assert settings == read()[0]
    assert len(warnings) == 1
    assert warnings[0].endswith(warning)


def test_an_unknown_override_is_an_error() -> None:
    """A DAG author's mistake is not passed over in silence."""
    with pytest.raises(
        SettingsInvalid, match=r"hook_params.*'verfy'; did you mean 'verify'\?"
    ):
        read(overrides={"verfy": False})


def test_an_override_outdoes_the_connection() -> None:
    """What is given at the hook counts; what it leaves empty does not."""
    extra = {"read_timeout_seconds": 60, "connect_timeout_seconds": 3}
    overrides = {"read_timeout_seconds": 5, "connect_timeout_seconds": None}
    settings, _ = read(extra, overrides=overrides)
    assert settings.read_timeout_seconds == 5.0
    assert settings.connect_timeout_seconds == 3.0


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "authorization",
        "Content-Type",
        "Content-Length",
        "Transfer-Encoding",
        "HOST",
        "idempotency-key",
    ],
)
def test_headers_of_ours_cannot_be_replaced(name: str) -> None:
    """What makes a request safe, or whole, is not the connection's to say."""
    with pytest.raises(SettingsInvalid, match=f"must not set {name}"):
        read({"headers": {name: "x"}})


def test_the_client_id_is_a_header() -> None:
    """A client with mutual TLS says on each request who it is."""
    settings, _ = read({"client_id": CLIENT_ID, "headers": {"X-Team": "billing"}})
    assert settings.headers == {"X-Team": "billing", "x-codat-client": CLIENT_ID}


def test_a_client_key_needs_its_certificate() -> None:
    """A key alone identifies nobody."""
    with pytest.raises(SettingsInvalid, match="client_key_path needs"):
        read({"client_key_path": "/etc/codat.key"})


def test_the_password_is_read_by_the_extras_format() -> None:
    """auth_format reaches the reader of the password."""
    settings, _ = read({"auth_format": "encoded"})
    assert settings.credential.header == f"Basic {KEY}"


def test_settings_do_not_show_their_secrets() -> None:
    """The representation of settings holds neither key nor headers."""
    settings, _ = read({"headers": {"X-Token": "canary-7731"}})
    for secret in (*settings.credential.secrets, "canary-7731"):
        assert secret not in repr(settings)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("http://127.0.0.1", True),
        ("http://127.8.8.8", True),
        ("http://localhost", True),
        ("https://localhost:8443", True),
        ("http://[::1]", True),
        ("https://api.codat.io", False),
        ("https://10.0.0.1", False),
        ("https://localhost.example", False),
    ],
)
def test_loopback_is_told_by_name_or_address(host: str, *, loopback: bool) -> None:
    """Only what is surely this machine counts as this machine."""
    assert read(host=host)[0].loopback is loopback


def test_the_portal_url() -> None:
    """The page of the Portal takes the ids it asks for, and leaves out the others."""
    ids = {"company_id": "c", "connection_id": "k", "push_operation_key": "p"}
    assert read()[0].portal_url(**ids) == "https://app.codat.io/companies/c/summary"
    template = (
        "https://portal.example/{company_id}/{connection_id}#{push_operation_key}"
    )
    settings, _ = read({"portal_url_template": template})
    assert settings.portal_url(**ids) == "https://portal.example/c/k#p"
