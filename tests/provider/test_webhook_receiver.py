"""The laws of the receiver: what is taken, what is refused, and at what cost.

It is served by a real server; what is told goes into real databases.
"""

import base64
import hashlib
import hmac
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import pytest

AIRFLOW = tuple(int(part) for part in version("apache-airflow").split(".")[:2])
pytestmark = pytest.mark.skipif(AIRFLOW < (3,), reason="Airflow 2 has no assets")

HERE = Path(__file__).parent
SECRET = "whsec_TG9jYWxDb2RhdEludmVudGVkU2VjcmV0MDE="
COMPANY = "8a210b68-6988-11ed-a1eb-0242ac120002"
EVENT = {
    "id": "ba29118f-5406-4e59-b05c-ba307ca38d01",
    "eventType": "company.created",
    "payload": {"id": COMPANY},
}
BODY = json.dumps(EVENT).encode()
START_SECONDS = 300


class Prompt(http.client.HTTPConnection):
    """A connection whose body does not wait for word that its head has arrived."""

    def connect(self) -> None:
        super().connect()
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def signature(body: bytes = BODY, message: str = "msg_1") -> dict[str, str]:
    at = str(int(time.time()))
    signed = f"{message}.{at}.".encode() + body
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    digest = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return {
        "webhook-id": message,
        "webhook-timestamp": at,
        "webhook-signature": f"v1,{digest}",
    }


@contextmanager
def serving(folder: Path, **env: str) -> Iterator[tuple[int, psutil.Process]]:
    """Serve the receiver in a process of its own; yield its port and process."""
    program = "airflow_provider_codat.webhooks.receiver:application"
    command = [sys.executable, "-m", "uvicorn", "--factory", program]
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--port", "0", "--no-access-log"],
            env={**os.environ, **env},
            stdout=output,
            stderr=output,
        )
    deadline = time.monotonic() + START_SECONDS
    try:
        while not (found := re.search(r"running on http://\S+:(\d+)", log.read_text())):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield int(found[1]), psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(scope="module")
def receiver(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[int, psutil.Process, Path]]:
    """Serve a receiver whose connections are in environment variables."""
    folder = tmp_path_factory.mktemp("receiver")
    secrets = {"webhook_signing_secrets": f"{SECRET} whsec_{'A' * 32}"}
    connections = {
        "CODAT_DEFAULT": {"conn_type": "codat", "extra": secrets},
        "CODAT_WITHOUT": {"conn_type": "codat", "password": "k"},
        "HTTP": {"conn_type": "http", "extra": secrets},
        "CODAT_ODD": {
            "conn_type": "codat",
            "extra": {"webhook_signing_secrets": "whsec_?"},
        },
    }
    env = {f"AIRFLOW_CONN_{n}": json.dumps(each) for n, each in connections.items()}
    env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = f"sqlite:///{folder / 'airflow.db'}"
    told(folder, env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"], 1)
    with serving(folder, **env) as (port, process):
        yield port, process, folder / "log"


Post = Callable[..., int]


@pytest.fixture
def post(receiver: tuple[int, psutil.Process, Path]) -> Iterator[Post]:
    """Send one request; return the status."""
    port, _, log = receiver
    connections: list[http.client.HTTPConnection] = []

    def do(
        body: bytes | Iterator[bytes] = BODY,
        headers: dict[str, str] | None = None,
        conn_id: str = "codat_default",
        method: str = "POST",
    ) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", port, START_SECONDS)
        connections.append(connection)
        sent = signature(body) if headers is None else headers
        connection.request(method, f"/webhooks/{conn_id}", body, sent)
        answer = connection.getresponse()
        words = answer.read()
        assert words in (b"", b"Not Found", b"Method Not Allowed")
        return answer.status

    yield do
    for each in connections:
        each.close()
    assert "Traceback" not in log.read_text()


def test_what_nobody_waits_for(post: Post) -> None:
    """A signed event of which no DAG has heard is taken, each time."""
    assert [post(), post()] == [204, 204]


@pytest.mark.parametrize(
    "conn_id", ["nobody", "codat_without", "http", "codat_odd", "x" * 300, "a%2fb"]
)
def test_nothing_is_there(post: Post, conn_id: str) -> None:
    """Where a connection has no signing secrets, nothing seems to be there."""
    assert post(conn_id=conn_id) == 404


@pytest.mark.parametrize("missing", ["id", "timestamp", "signature"])
def test_headers_are_missing(post: Post, missing: str) -> None:
    """Without its signature no body is looked at."""
    headers = signature()
    del headers[f"webhook-{missing}"]
    assert post(headers=headers) == 401


def test_another_body(post: Post) -> None:
    """What was not signed is refused."""
    assert post(BODY + b" ", headers=signature(BODY)) == 401


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"\xff", b"[" * 200_000])
def test_no_event(post: Post, body: bytes) -> None:
    """What is signed and no event is refused, however it is made."""
    assert post(body) == (401 if body == b"\xff" else 400)


@pytest.mark.parametrize(
    "length", ["Content-Length: 300000", "Transfer-Encoding: chunked"]
)
def test_too_long(receiver: tuple[int, psutil.Process, Path], length: str) -> None:
    """What is longer than any webhook is refused, also where it tells no length."""
    lines = [f"{name}: {value}" for name, value in signature().items()]
    head = ["POST /webhooks/codat_default HTTP/1.1", "Host: here", length, *lines]
    with socket.create_connection(("127.0.0.1", receiver[0])) as connection:
        connection.sendall("\r\n".join([*head, "", ""]).encode())
        with suppress(OSError):
            for _ in range(300):
                connection.sendall(b"3e8\r\n" + b" " * 1000 + b"\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_other_methods(post: Post, method: str) -> None:
    """Nothing but POST is answered."""
    assert post(method=method) == 405


def test_a_flood(receiver: tuple[int, psutil.Process, Path]) -> None:
    """10,000 requests of nobody's cost neither memory nor lines of the log."""
    port, process, log = receiver
    connection = Prompt("127.0.0.1", port, timeout=START_SECONDS)
    statuses: Counter[int] = Counter()

    def send(number: int) -> None:
        name = "codat_default" if number % 2 else f"junk_{number}"
        headers = {**signature(message=f"msg_{number}"), "webhook-signature": "v1,AA"}
        body = BODY * (number % 5)
        connection.request("POST", f"/webhooks/{name}", body, headers)
        answer = connection.getresponse()
        answer.read()
        statuses[answer.status] += 1

    for number in range(500):
        send(number)
    before, lines = process.memory_info().rss, len(log.read_text().splitlines())
    for number in range(500, 10_000):
        send(number)
    connection.close()
    assert statuses == {401: 5000, 404: 5000}
    assert process.memory_info().rss - before < 20 * 1024 * 1024
    assert len(log.read_text().splitlines()) - lines < 20


def told(folder: Path, url: str, count: int) -> dict[str, Any]:
    """Tell events to an Airflow database in a process of its own."""
    done = subprocess.run(
        [sys.executable, str(HERE / "tell_events.py"), str(count)],
        env={**os.environ, "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": url}
        | {"AIRFLOW_HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_each_message_once(
    kind: str, servers: Callable[[str], Any], tmp_path: Path
) -> None:
    """A message that comes several times, and at once, makes one event of an asset.

    So does one push operation of which two messages tell. Which, is told by ids alone.
    """
    count = 40
    found = told(tmp_path, _url(kind, servers, tmp_path), count)
    assert found["outcomes"] == {"told": count, "repeated": 2 * count}
    assert found["others"] == {
        "a write": "told",
        "the same by another message": "repeated",
        "of which no DAG has heard": "nobody",
        "of nothing": "nobody",
        "an id with a wildcard": "told",
        "an id that begins another": "nobody",
    }
    events = [(name, extra["webhook_id"]) for name, extra in found["events"]]
    assert len(events) == len(set(events)) == 3 * (count + 1) + 2
    (written, *_) = [e for _, e in found["events"] if e["webhook_id"] == "msg_write"]
    assert written.pop("push_operation_key")
    assert written == {
        "codat_company_id": COMPANY,
        "record_id": "C7",
        "status": "Success",
        "event_type": "customers.write.successful",
        "webhook_id": "msg_write",
    }


def _url(kind: str, servers: Callable[[str], Any], folder: Path) -> str:
    if kind == "sqlite":
        return f"sqlite:///{folder / 'airflow.db'}"
    place = servers(kind).connection
    names = {"user": place["login"], "dbname": place["schema"], "port": place["port"]}
    with closing(psycopg2.connect(host="127.0.0.1", **names)) as database:
        database.autocommit = True
        database.cursor().execute("CREATE DATABASE told")
    user = f"{place['login']}@127.0.0.1:{place['port']}"
    return f"postgresql+psycopg2://{user}/told"
