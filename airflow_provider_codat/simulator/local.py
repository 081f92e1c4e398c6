"""A simulated Codat in a thread of this process, on a real socket."""

import asyncio
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, Unpack

from airflow_provider_codat.simulator.control.control import Control
from airflow_provider_codat.simulator.control.interface import CodatControls
from airflow_provider_codat.simulator.server.server import Server
from airflow_provider_codat.simulator.service import Codat
from airflow_provider_codat.simulator.settings import Settings, SettingsFields

_PATIENCE_SECONDS = 30.0


class LocalCodat(CodatControls):
    """Serve a fresh Codat for the length of a ``with`` block.

    The state can still be read after the block.

    :param host: address to bind to.
    :param port: 0: any free one.
    :param log: takes one line per request: method, path, status; None: no log.
    :param settings: as in :class:`Settings`.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        log: Callable[[str], None] | None = None,
        **settings: Unpack[SettingsFields],
    ) -> None:
        self._host = host
        self._port = port
        self._log = log
        self._codat = Codat(Settings(**settings))
        self._control = Control(self._codat)
        self._ready = threading.Event()
        self._problem: OSError | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The address to send requests to."""
        return f"http://{self._host}:{self._port}"

    def start(self) -> None:
        """Start to listen; returns when requests are answered.

        :raises OSError: when the port cannot be had.
        """
        self._ready.clear()
        self._problem = None
        self._thread = threading.Thread(
            target=self._run, name="local-codat", daemon=True
        )
        self._thread.start()
        self._ready.wait(_PATIENCE_SECONDS)
        if self._problem is not None:
            self._thread.join()
            raise self._problem

    def stop(self) -> None:
        """Stop to listen and close all connections; harmless when not started."""
        if self._loop is not None and self._stopping is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
        if self._thread is not None:
            self._thread.join(_PATIENCE_SECONDS)
        self._thread = None

    def _run(self) -> None:
        # Not the process's loop policy: another loop hides the socket to be reset.
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        server = Server(self._codat, self._log)
        self._stopping = asyncio.Event()
        try:
            self._port = await server.start(self._host, self._port)
            self._loop = asyncio.get_running_loop()
            self._ready.set()
            await self._stopping.wait()
        except OSError as error:
            self._problem = error
        finally:
            self._loop = None
            await server.stop()
            self._ready.set()

    def _perform(self, command: str, **arguments: object) -> Any:  # noqa: ANN401 - as declared
        loop = self._loop
        if loop is None:
            return self._control.perform(command, arguments)

        # In the server's own thread: nothing else touches its state.
        async def ask() -> object:
            return self._control.perform(command, arguments)

        asked = asyncio.run_coroutine_threadsafe(ask(), loop)
        return asked.result(_PATIENCE_SECONDS)
