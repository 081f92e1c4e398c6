"""Threads that send requests, so many at a time. They know Codat's HTTP and no more.

They take a plain request and give a plain reply: whatever talks to Airflow, decides or
writes down stays in the thread that owns them.
"""

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from airflow_provider_codat.api.http.request import NoAnswer, Reply, Request

T = TypeVar("T")


class SenderThreads(Generic[T]):
    """So many threads, each with a connection of its own.

    :param new_send: makes what one thread sends with; it never raises.
    :param count: how many requests there may be at a time.
    """

    def __init__(
        self,
        new_send: Callable[[], Callable[[Request], Reply]],
        count: int,
    ) -> None:
        self._stopped = False
        self._asked: SimpleQueue[tuple[T, Request] | None] = SimpleQueue()
        self._answered: SimpleQueue[tuple[T, Reply]] = SimpleQueue()
        self._under_way = 0
        # Daemons: a request that hangs holds up no process that is to end.
        self._threads = [
            threading.Thread(
                target=self._work,
                args=[new_send()],
                name=f"codat-{number}",
                daemon=True,
            )
            for number in range(count)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def under_way(self) -> int:
        """How many requests were given and are not answered."""
        return self._under_way

    def give(self, label: T, request: Request) -> None:
        """Let a request be sent.

        :param label: comes back with the reply.
        """
        self._under_way += 1
        self._asked.put((label, request))

    def take(self, timeout_seconds: float) -> tuple[T, Reply] | None:
        """Return a reply; None when none comes in time.

        :raises RuntimeError: when no thread is left that could send.
        """
        try:
            if timeout_seconds <= 0:
                answered = self._answered.get_nowait()
            else:
                answered = self._answered.get(timeout=timeout_seconds)
        except Empty:
            if not any(thread.is_alive() for thread in self._threads):
                raise RuntimeError("no thread is left that sends") from None
            return None
        self._under_way -= 1
        return answered

    def stop(self) -> None:
        """Start no send any more. What is under way is not waited for."""
        self._stopped = True
        for _ in self._threads:
            self._asked.put(None)

    def _work(self, send: Callable[[Request], Reply]) -> None:
        while (asked := self._asked.get()) is not None:
            label, request = asked
            reply: Reply = NOT_SENT
            try:
                if not self._stopped:
                    reply = BROKEN
                    reply = send(request)
            finally:
                self._answered.put((label, reply))


NOT_SENT = NoAnswer("it was not sent: the task was told to stop", sent=False)
BROKEN = NoAnswer("the thread that sent it broke down")
