"""The end of one request's time, whatever the other side does.

Time-outs of a socket run anew with every byte. Here one thread, for all requests of
the process, shuts the socket of the one whose whole answer is overdue; the connections
of ``urllib3`` show theirs.
"""

import os
import socket
import threading
import time
from contextlib import suppress
from typing import Any, Self

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util.ssltransport import SSLTransport

_POOL_SIZE = 10
"""Codat takes at most ten requests at a time for one company."""


class Deadline:
    """The end of the request that this thread sends within it.

    :param seconds: from now.
    """

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self.monotonic_until = time.monotonic() + seconds
        self._socket: socket.socket | None = None

    def __enter__(self) -> Self:
        """Let the time run."""
        _watcher.add(self)
        _calls.deadline = self
        return self

    def __exit__(self, *_: object) -> None:
        """Let the socket be, from now on."""
        _calls.deadline = None
        _watcher.remove(self)

    def watch(self, connection: HTTPConnection) -> None:
        """Take the connection on which the request goes out.

        :raises TimeoutError: when the time is over, so that nothing is sent late.
        """
        # The socket itself: http.client forgets the one that is to be closed after
        # the answer while the answer is still being read.
        own: Any = connection.sock
        # TLS inside the TLS of a proxy is not a socket, and cannot be shut.
        self._socket = own.socket if isinstance(own, SSLTransport) else own
        if self.passed:
            raise TimeoutError

    def end(self) -> None:
        """Shut the socket, and let no other be used."""
        self.passed = True
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


class _Watcher:
    """Ends the deadlines that pass, in a thread that lives while there are any.

    It sleeps until the earliest of those that it saw, even when that one has been
    met since: so a request neither starts a thread nor, as a rule, wakes it.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew after a fork, which copies neither the thread nor who waits."""
        # Reentrant, as a signal's handler may send while its thread is in here.
        self._changed = threading.Condition(threading.RLock())
        self._running: set[Deadline] = set()
        self._sleeps_until = 0.0
        self._thread: threading.Thread | None = None

    def add(self, deadline: Deadline) -> None:
        """Let a deadline run."""
        with self._changed:
            if self._thread is None:
                thread = threading.Thread(
                    target=self._watch, name="codat-deadlines", daemon=True
                )
                thread.start()
                self._thread = thread
            self._running.add(deadline)
            if deadline.monotonic_until < self._sleeps_until:
                self._changed.notify()

    def remove(self, deadline: Deadline) -> None:
        """Do not end a deadline any more, nor remember it."""
        with self._changed:
            self._running.discard(deadline)

    def _watch(self) -> None:
        with self._changed:
            while self._running:
                self._sleeps_until = min(each.monotonic_until for each in self._running)
                self._changed.wait(self._sleeps_until - time.monotonic())
                self._end_overdue()
            self._thread = None

    def _end_overdue(self) -> None:
        now = time.monotonic()
        for deadline in [d for d in self._running if d.monotonic_until <= now]:
            self._running.remove(deadline)
            deadline.end()


_watcher = _Watcher()
os.register_at_fork(after_in_child=_watcher.forget)


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
