"""A session of ``requests`` that is signed in to one Codat, and to nothing else."""

import os
import ssl
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase

from airflow_provider_codat.api.connection.settings import Settings
from airflow_provider_codat.api.errors import SettingsInvalid
from airflow_provider_codat.api.http.deadline import DeadlineAdapter


class _CodatAuth(AuthBase):
    """Puts the credential on requests to Codat, and on no others.

    A header of the session would be replaced by a ``.netrc``, and would go wherever
    the session is sent.
    """

    def __init__(self, settings: Settings) -> None:
        self._place = _place(settings.base_url)
        self._headers = {
            **settings.headers,
            "Authorization": settings.credential.header,
        }

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if _place(request.url or "") == self._place:
            request.headers.update(self._headers)
        return request


def _place(url: str) -> tuple[str, str, int]:
    """Return what of a URL decides where a request goes."""
    parts = urlsplit(url)
    port = parts.port or {"https": 443}.get(parts.scheme, 80)
    return parts.scheme, parts.hostname or "", port


class _Session(requests.Session):
    """A session that follows no redirect: neither a key nor a POST travels on."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Say that there is nowhere to go."""

    def merge_environment_settings(
        self,
        url: Any,  # noqa: ANN401 - as in Session
        proxies: Any,  # noqa: ANN401 - the same
        stream: Any,  # noqa: ANN401 - the same
        verify: Any,  # noqa: ANN401 - the same
        cert: Any,  # noqa: ANN401 - the same
    ) -> Any:  # noqa: ANN401 - the same
        """Let REQUESTS_CA_BUNDLE count only where the connection says nothing."""
        said = self.verify if verify is None else verify
        return super().merge_environment_settings(url, proxies, stream, said, cert)


def new_session(settings: Settings) -> requests.Session:
    """Return a session that is signed in to Codat.

    :raises SettingsInvalid: when a certificate file is not there, or is none.
    """
    session = _Session()
    session.mount("https://", DeadlineAdapter())
    session.mount("http://", DeadlineAdapter())
    session.auth = _CodatAuth(settings)
    session.verify = settings.verify
    session.cert = _certificate(settings)
    if isinstance(settings.verify, str) and not os.path.isdir(settings.verify):  # noqa: PTH112 - a path as text, for requests
        _check(_tls().load_verify_locations, settings.verify, "verify")
    # Without TLS a proxy would read the key; and nothing stands before loopback.
    session.trust_env = settings.base_url.startswith("https") and not settings.loopback
    return session


def _certificate(settings: Settings) -> str | tuple[str, str] | None:
    """Return the client's certificate in the form that ``requests`` takes."""
    certificate, key = settings.client_certificate_path, settings.client_key_path
    if certificate is None:
        return None
    _check(_tls().load_verify_locations, certificate, "client_certificate_path")
    # The password, so that nobody asks for one at a terminal: requests knows none.
    load = partial(_tls().load_cert_chain, certificate, password="")
    if key is None:
        _check(load, certificate, "client_certificate_path (without client_key_path)")
        return certificate
    _check(load, key, "client_key_path")
    return certificate, key


def _tls() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _check(load: Callable[[str], None], path: str, name: str) -> None:
    """Load a file as it will be loaded for each connection, or name its field."""
    try:
        load(path)
    except FileNotFoundError:
        raise SettingsInvalid(
            f"{name} names a file that is not there: {path}"
        ) from None
    except OSError:  # an ssl.SSLError, too
        raise SettingsInvalid(
            f"{name} names a file that cannot be used: {path}. It must be readable, in "
            "PEM format and without a password; a key must fit its certificate"
        ) from None
