"""What an Airflow connection says, read once and checked, field by field."""

import difflib
import json
import re
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_codat.api.connection.base_url import is_loopback, read_base_url
from airflow_provider_codat.api.connection.credential import Credential, read_credential
from airflow_provider_codat.api.connection.signing_secrets import read_signing_secrets
from airflow_provider_codat.api.errors import SettingsInvalid
from airflow_provider_codat.api.models import checked_uuid

DEFAULT_PORTAL_URL = "https://app.codat.io/companies/{company_id}/summary"

_PORTAL_FIELDS = {"company_id", "connection_id", "push_operation_key"}
_OWN_HEADERS = {
    "authorization",
    "content-length",
    "content-type",
    "host",
    "idempotency-key",
    "transfer-encoding",
}
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[\x20-\x7e]*")


@dataclass(frozen=True, slots=True)
class Settings:
    """Where Codat is, who asks, and how patiently.

    :param base_url: with schema, without a slash at the end.
    :param connect_timeout_seconds: for a connection to be made.
    :param read_timeout_seconds: for a whole answer to arrive, from the request
        sent to its last byte.
    :param retry_budget_seconds: how long one call may go on repeating and waiting.
    :param request_lifetime_seconds: after which a request that nobody answered acts
        no more.
    :param requests_per_minute: how many requests any 60 seconds may hold: of one task,
        or of all that share the pool, or the Redis.
    :param max_concurrency: how many requests of one task there may be at a time.
    :param max_response_bytes: how long an answer may be that is read, unpacked.
    :param pool_slots: how many slots the Airflow pool has in which all tasks run that
        share ``requests_per_minute``; None: each has all of it.
    :param task_slots: how many of them this task takes.
    :param shared_pace_url: the Redis by which processes share it.
    :param webhook_signing_secrets: by which Codat's webhooks are known.
    :param verify: whether to check Codat's certificate, or a file of authorities.
    :param headers: sent with every request, ``x-codat-client`` among them.
    """

    base_url: str
    credential: Credential = field(repr=False)
    connect_timeout_seconds: float = 10.0
    read_timeout_seconds: float = 30.0
    retry_budget_seconds: float = 120.0
    request_lifetime_seconds: float = 600.0
    requests_per_minute: int = 900
    max_concurrency: int = 10
    max_response_bytes: int = 64 * 1024 * 1024
    pool_slots: int | None = None
    task_slots: int = 1
    shared_pace_url: str | None = field(default=None, repr=False)
    webhook_signing_secrets: tuple[str, ...] = field(default=(), repr=False)
    client_certificate_path: str | None = None
    client_key_path: str | None = None
    verify: bool | str = True
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    portal_url_template: str = DEFAULT_PORTAL_URL

    def __post_init__(self) -> None:
        """Refuse a share of which nothing is left."""
        if self.share_of(self.requests_per_minute) < 1:
            raise SettingsInvalid(
                "pool_slots must not be more than requests_per_minute"
            )

    def share_of(self, whole: int) -> int:
        """Return how much of what a pool shares is this task's, in whole numbers."""
        slots = self.pool_slots or self.task_slots
        return whole * min(self.task_slots, slots) // slots

    @property
    def loopback(self) -> bool:
        """Whether Codat is on this machine: a simulator."""
        return is_loopback(urlsplit(self.base_url).hostname or "")

    def portal_url(self, **ids: str) -> str:
        """Return the page of the Portal for these ids."""
        return self.portal_url_template.format_map(ids)


def read_settings(
    *,
    host: str | None,
    schema: str | None,
    port: int | None,
    password: str | None,
    extra: Mapping[str, Any],
    overrides: Mapping[str, Any] = MappingProxyType({}),
) -> tuple[Settings, tuple[str, ...]]:
    """Read a connection's fields.

    :param extra: the connection's extras; an empty one counts as absent.
    :param overrides: extras given where the hook or operator was built.
    :return: the settings, and a warning for each extra that nobody knows.
    :raises SettingsInvalid: naming the field that is missing or malformed.
    """
    if unknown := [_unknown(name) for name in overrides if name not in _READERS]:
        raise SettingsInvalid(f"hook_params: {'; '.join(unknown)}")
    warnings = tuple(_unknown(name) for name in extra if name not in EXTRAS)
    known = {name: value for name, value in extra.items() if name in EXTRAS}
    merged = {**_present(known), **_present(overrides)}
    read = {n: reader(merged[n], n) for n, reader in _READERS.items() if n in merged}
    if "client_key_path" in read and "client_certificate_path" not in read:
        raise SettingsInvalid("client_key_path needs client_certificate_path")
    insecure = read.pop("allow_insecure_http", False)
    headers = dict(read.pop("headers", {}))
    if client_id := read.pop("client_id", None):
        headers["x-codat-client"] = client_id
    return Settings(
        base_url=read_base_url(host, schema, port, allow_insecure_http=insecure),
        credential=read_credential(password, read.pop("auth_format", "auto")),
        headers=headers,
        **read,
    ), warnings


def _present(values: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what a form leaves empty."""
    return {k: v for k, v in values.items() if v is not None and v != ""}


def _unknown(name: str) -> str:
    """Say that nobody knows an extra, and which one may have been meant."""
    near = difflib.get_close_matches(name, _READERS, n=1)
    return f"unknown extra {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")


def _text(value: Any, name: str) -> str:  # noqa: ANN401 - JSON can hold anything
    if not isinstance(value, str):
        raise SettingsInvalid(f"{name} must be a text")
    return value


def _seconds(value: Any, name: str) -> float:  # noqa: ANN401 - JSON can hold anything
    try:
        number = float(value) if not isinstance(value, bool) else -1.0
    except (TypeError, ValueError):
        number = -1.0
    # NaN fails both comparisons.
    if not 0 < number <= 86_400:  # noqa: PLR2004 - a day
        raise SettingsInvalid(f"{name} must be a number of seconds, up to a day")
    return number


def _count(value: Any, name: str) -> int:  # noqa: ANN401 - JSON can hold anything
    text = str(value)
    if not re.fullmatch(r"0*[1-9][0-9]{0,8}", text):
        raise SettingsInvalid(f"{name} must be a whole number above 0")
    return int(text)


def _flag(value: Any, name: str) -> bool:  # noqa: ANN401 - JSON can hold anything
    word = str(value).lower()
    if word not in {"true", "false"}:
        raise SettingsInvalid(f"{name} must be true or false")
    return word == "true"


def _verify(value: Any, name: str) -> bool | str:  # noqa: ANN401 - JSON can hold anything
    if str(value).lower() in {"true", "false"}:
        return _flag(value, name)
    return _text(value, name)


def _client_id(value: Any, name: str) -> str:  # noqa: ANN401 - JSON can hold anything
    try:
        return checked_uuid(value, name)
    except ValueError as error:
        raise SettingsInvalid(str(error)) from None


def _headers(value: Any, name: str) -> dict[str, str]:  # noqa: ANN401 - JSON can hold anything
    found = _object(value, name)
    for header, content in found.items():
        if not _is_header(header, content):
            raise SettingsInvalid(f"{name} must hold plain names and values only")
        if header.lower() in _OWN_HEADERS:
            raise SettingsInvalid(f"{name} must not set {header}: this package does")
    return {header: str(content) for header, content in found.items()}


def _object(value: Any, name: str) -> Mapping[str, Any]:  # noqa: ANN401 - the same
    """Return a JSON object, which may have come as text."""
    try:
        found = json.loads(value) if isinstance(value, str) else value
    except json.JSONDecodeError:
        found = None
    if not isinstance(found, Mapping):
        raise SettingsInvalid(f"{name} must be a JSON object")
    return {str(key): item for key, item in found.items()}


def _is_header(name: str, content: object) -> bool:
    return (
        isinstance(content, str | int | float)
        and _HEADER_NAME.fullmatch(name) is not None
        and _HEADER_VALUE.fullmatch(str(content)) is not None
    )


def _portal(value: Any, name: str) -> str:  # noqa: ANN401 - JSON can hold anything
    template = _text(value, name)
    try:
        parsed = [p[1:] for p in string.Formatter().parse(template) if p[1] is not None]
    except ValueError:
        parsed = [("{", None, None)]
    # With a conversion or a format, a field is not just its name.
    fields = {"".join(filter(None, parts)) for parts in parsed}
    if fields - _PORTAL_FIELDS or not template.startswith(("https://", "http://")):
        raise SettingsInvalid(
            f"{name} must be a URL in which only {{company_id}}, {{connection_id}} "
            "and {push_operation_key} stand for something"
        )
    return template


def _redis_url(value: Any, name: str) -> str:  # noqa: ANN401 - JSON can hold anything
    url = _text(value, name)
    if not url.startswith(("redis://", "rediss://")):
        raise SettingsInvalid(f"{name} must start with redis:// or rediss://")
    return url


_READERS: dict[str, Callable[[Any, str], Any]] = {
    "allow_insecure_http": _flag,
    "auth_format": _text,
    "client_certificate_path": _text,
    "client_id": _client_id,
    "client_key_path": _text,
    "connect_timeout_seconds": _seconds,
    "headers": _headers,
    "max_concurrency": _count,
    "max_response_bytes": _count,
    "pool_slots": _count,
    "portal_url_template": _portal,
    "read_timeout_seconds": _seconds,
    "requests_per_minute": _count,
    "retry_budget_seconds": _seconds,
    "request_lifetime_seconds": _seconds,
    "shared_pace_url": _redis_url,
    "task_slots": _count,
    "verify": _verify,
    "webhook_signing_secrets": read_signing_secrets,
}

EXTRAS = tuple(name for name in _READERS if name != "task_slots")
"""The names of the extras that a connection may have."""
