"""The same controls for a simulated Codat in another process, over HTTP."""

import json
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from airflow_provider_codat.simulator.control.interface import CodatControls

_PATIENCE_SECONDS = 30.0
# A proxy of the environment must not stand between a test and its own machine.
_OPENER = build_opener(ProxyHandler({}))


class RemoteCodat(CodatControls):
    """Command a running simulator.

    :param url: its address, as its banner and ready file tell it.
    :raises ValueError: when the address is not one of HTTP.
    """

    def __init__(self, url: str) -> None:
        if not url.startswith("http://"):
            raise ValueError("url must start with http://.")
        self._url = url.rstrip("/")

    @property
    def url(self) -> str:
        """The address to send requests to."""
        return self._url

    def _perform(self, command: str, **arguments: object) -> Any:  # noqa: ANN401 - as declared
        request = Request(  # noqa: S310 - the scheme was checked
            f"{self._url}/_local/{command}",
            data=json.dumps(arguments).encode(),
            headers={"Content-Type": "application/json"},
            method="POST",
        )
        try:
            answer = _OPENER.open(request, timeout=_PATIENCE_SECONDS)
        except HTTPError as error:
            with error:
                raise ValueError(_reason(error.read())) from None
        with answer:
            return json.loads(answer.read())


def _reason(body: bytes) -> str:
    try:
        return str(json.loads(body)["error"])
    except (ValueError, KeyError, TypeError):
        return "This address does not answer as a local Codat."
