"""The end of one request's time, whatever the other side does.

Time-outs of a socket run anew with every byte. Here a timer shuts the socket when the
whole answer is overdue; the connections of ``urllib3`` show it theirs.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

_POOL_SIZE = 10
"""Codat takes at most ten requests at a time for one company."""


class Deadline:
    """The end of one request's time.

    :param seconds: from its start.
    """

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def watch(self, connection: HTTPConnection) -> None:
        """Take the connection on which the request goes out.

        :raises TimeoutError: when the time is over, so that nothing is sent late.
        """
        # The socket itself: http.client forgets the one that is to be closed after
        # the answer while the answer is still being read.
        self._socket = connection.sock
        if self.passed:
            raise TimeoutError

    def start(self) -> None:
        """Let the time run."""
        self._timer.start()

    def stop(self) -> None:
        """Let the socket be, from now on."""
        self._timer.cancel()

    def _end(self) -> None:
        self.passed = True
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


class _Calls(threading.local):
    """The deadline of the request that this thread is sending."""

    deadline: Deadline | None = None


_calls = _Calls()


class _Watched(HTTPConnection):
    """A connection that shows itself to the deadline of the request it carries."""

    def connect(self) -> None:
        """Connect, and show the socket."""
        super().connect()
        self._show()

    def putrequest(
        self,
        method: str,
        url: str,
        skip_host: bool = False,
        skip_accept_encoding: bool = False,
    ) -> None:
        """Show the socket of a connection that was kept alive, then begin."""
        self._show()
        super().putrequest(method, url, skip_host, skip_accept_encoding)

    def _show(self) -> None:
        if _calls.deadline is not None:
            _calls.deadline.watch(self)


class _WatchedTls(_Watched, HTTPSConnection):
    """The same, over TLS."""


class _WatchedPool(HTTPConnectionPool):
    ConnectionCls = _Watched


class _WatchedTlsPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedTls


class DeadlineAdapter(HTTPAdapter):
    """Keeps connections alive, repeats nothing by itself, and honours deadlines."""

    def __init__(self) -> None:
        super().__init__(pool_maxsize=_POOL_SIZE, max_retries=0)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:  # noqa: ANN401 - as in HTTPAdapter
        """Let a proxy's connections honour deadlines, too."""
        manager = super().proxy_manager_for(proxy, **proxy_kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager


_POOLS = {"http": _WatchedPool, "https": _WatchedTlsPool}


@contextmanager
def within(seconds: float) -> Iterator[Deadline]:
    """Let the requests of this thread end by a deadline."""
    deadline = Deadline(seconds)
    _calls.deadline = deadline
    deadline.start()
    try:
        yield deadline
    finally:
        deadline.stop()
        _calls.deadline = None
