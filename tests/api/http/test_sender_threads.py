"""The laws of the threads that send."""

import threading
from collections.abc import Callable, Iterator

import pytest

from airflow_provider_codat.api.http.request import Reply, Request, Response
from airflow_provider_codat.api.http.sender_threads import (
    BROKEN,
    NOT_SENT,
    SenderThreads,
)

LONG_SECONDS = 10.0


def request(number: int = 0) -> Request:
    return Request("GET", f"/{number}", "", None)


class Line:
    """Stands for the network: a request waits until it is let through.

    :param open_: whether all are let through at once.
    """

    def __init__(self, *, open_: bool = False) -> None:
        self.made = 0
        self.sent: list[str] = []
        self.users: dict[int, set[int]] = {}
        self.most = 0
        self.begun = threading.Semaphore(0)
        self._through = threading.Semaphore(1_000 if open_ else 0)
        self._now = 0
        self._changing = threading.Lock()

    def new_send(self) -> Callable[[Request], Reply]:
        self.made += 1
        number = self.made

        def send(asked: Request) -> Reply:
            with self._changing:
                self._now += 1
                self.most = max(self.most, self._now)
                self.sent.append(asked.path)
                self.users.setdefault(number, set()).add(threading.get_ident())
            self.begun.release()
            assert self._through.acquire(timeout=LONG_SECONDS)
            with self._changing:
                self._now -= 1
            return Response(200, {}, asked.path.encode(), 0.0)

        return send

    def let_through(self, number: int = 1) -> None:
        self._through.release(number)

    def wait_until_begun(self, number: int) -> None:
        for _ in range(number):
            assert self.begun.acquire(timeout=LONG_SECONDS)


@pytest.fixture
def senders() -> Iterator[Callable[[Line, int], SenderThreads[int]]]:
    """Start threads; they are told to stop after the test."""
    started: list[SenderThreads[int]] = []

    def start(line: Line, count: int) -> SenderThreads[int]:
        made: SenderThreads[int] = SenderThreads(line.new_send, count)
        started.append(made)
        return made

    yield start
    for each in started:
        each.stop()


Start = Callable[[Line, int], SenderThreads[int]]


def taken(senders: SenderThreads[int], number: int) -> dict[int, Reply]:
    """Return so many replies, by their labels."""
    found = {}
    for _ in range(number):
        answered = senders.take(LONG_SECONDS)
        assert answered is not None
        found[answered[0]] = answered[1]
    return found


def test_so_many_at_a_time(senders: Start) -> None:
    """However many are given, no more requests are under way than there are threads."""
    line = Line()
    three = senders(line, 3)
    for number in range(10):
        three.give(number, request(number))
    line.wait_until_begun(3)
    assert three.under_way == 10
    line.let_through(10)
    assert taken(three, 10).keys() == set(range(10))
    assert line.most == 3
    assert three.under_way == 0


def test_replies_bear_their_labels(senders: Start) -> None:
    """Each reply comes back with the label of its own request."""
    four = senders(Line(open_=True), 4)
    for number in range(100):
        four.give(number, request(number))
    for number, reply in taken(four, 100).items():
        assert isinstance(reply, Response)
        assert reply.body == f"/{number}".encode()


def test_a_connection_for_each_thread(senders: Start) -> None:
    """What one thread sends with, no other one uses."""
    line = Line(open_=True)
    four = senders(line, 4)
    for number in range(100):
        four.give(number, request(number))
    taken(four, 100)
    assert line.made == 4
    assert all(len(threads) == 1 for threads in line.users.values())


def test_nothing_is_sent_after_the_stop(senders: Start) -> None:
    """After stop() no request is started; what was under way is answered as it is."""
    line = Line()
    one = senders(line, 1)
    for number in range(4):
        one.give(number, request(number))
    line.wait_until_begun(1)
    one.stop()
    line.let_through(4)
    replies = taken(one, 4)
    assert isinstance(replies.pop(0), Response)
    assert all(reply is NOT_SENT for reply in replies.values())
    assert line.sent == ["/0"]
    assert not NOT_SENT.sent


def test_nothing_comes_in_time(senders: Start) -> None:
    """Where no reply is there in time, nothing is returned, and nothing is lost."""
    line = Line()
    one = senders(line, 1)
    one.give(7, request())
    assert one.take(0.0) is None
    assert one.take(0.01) is None
    assert one.under_way == 1
    line.let_through()
    assert taken(one, 1).keys() == {7}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_breaks_down() -> None:
    """A request whose thread breaks down counts as sent, without an answer.

    Once no thread is left, whoever waits for replies is told so, and waits no more.
    """

    def broken(_: Request) -> Reply:
        raise MemoryError

    before = set(threading.enumerate())
    two: SenderThreads[int] = SenderThreads(lambda: broken, 2)
    threads = set(threading.enumerate()) - before
    two.give(1, request())
    two.give(2, request())
    replies = taken(two, 2)
    assert all(reply is BROKEN for reply in replies.values())
    assert BROKEN.sent
    for thread in threads:
        thread.join(LONG_SECONDS)
    with pytest.raises(RuntimeError, match="no thread"):
        two.take(0.0)
