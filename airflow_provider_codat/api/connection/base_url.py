"""Where Codat is: the host, schema and port of a connection become one base URL."""

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from airflow_provider_codat.api.errors import SettingsInvalid

DEFAULT_BASE_URL = "https://api.codat.io"

_BARE_IPV6 = re.compile(r"[0-9A-Fa-f.]*:[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*")


def read_base_url(
    host: str | None,
    schema: str | None,
    port: int | None,
    *,
    allow_insecure_http: bool = False,
) -> str:
    """Put the base URL together from a host, or a whole URL, and what is with it.

    :raises SettingsInvalid: when it is no URL of a server, or plain ``http`` to
        another machine: the key would be readable on the way.
    """
    text = (host or "").strip() or DEFAULT_BASE_URL
    if _BARE_IPV6.fullmatch(text):
        text = f"[{text}]"  # as Airflow reads it from a URI
    url = _split(text if "://" in text else f"{schema or 'https'}://{text}")
    if url.scheme == "http" and not allow_insecure_http:
        _check_loopback(url)
    return f"{url.scheme}://{_place(url, port)}{url.path.rstrip('/')}"


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its name or address alone."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _split(text: str) -> SplitResult:
    """Take a base URL apart, or say that it is none."""
    try:
        url = urlsplit(text)
        usable = _usable(url) and not re.search(r"\s", text)
    except ValueError:
        usable = False
    if not usable:
        raise SettingsInvalid(
            "host of the Codat connection must be a host name or a URL such as "
            f"{DEFAULT_BASE_URL}"
        )
    if any((url.username, url.password, url.query, url.fragment)):
        raise SettingsInvalid(
            "host of the Codat connection must carry no user, password, query or "
            "fragment; the API key belongs into the password field"
        )
    return url


def _usable(url: SplitResult) -> bool:
    """Whether it names a web server.

    :raises ValueError: when the port is none, or the name cannot be looked up.
    """
    name = url.hostname or ""
    name.encode("idna")
    return bool(name) and url.port != 0 and url.scheme in {"http", "https"}


def _check_loopback(url: SplitResult) -> None:
    if not is_loopback(url.hostname or ""):
        raise SettingsInvalid(
            "host of the Codat connection is plain http, on which anybody can read "
            "the API key: use https, or set the extra allow_insecure_http for a "
            "simulator on another machine"
        )


def _place(url: SplitResult, port: int | None) -> str:
    """Return host and port as they stand in a URL, in one spelling only."""
    if url.port and port and url.port != port:
        raise SettingsInvalid(
            "host and port of the Codat connection name different ports"
        )
    name = (url.hostname or "").encode("idna").decode()
    shown = f"[{name}]" if ":" in name else name
    number = url.port or port
    usual = {None, {"https": 443, "http": 80}[url.scheme]}
    return shown if number in usual else f"{shown}:{number}"
