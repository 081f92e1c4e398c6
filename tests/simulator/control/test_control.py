"""Reading and steering a simulator, in this process or from another."""

import json
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import requests

from airflow_provider_codat.simulator import (
    COMPANY_ID,
    STRICT_CONNECTION_ID,
    CodatControls,
    LocalCodat,
    RemoteCodat,
)

Call = Callable[..., requests.Response]
Start = Callable[..., LocalCodat]


@pytest.fixture(params=["local", "remote"])
def controls(request: pytest.FixtureRequest, codat: LocalCodat) -> CodatControls:
    """Steer the same server in this process or over HTTP."""
    return codat if request.param == "local" else RemoteCodat(codat.url + "/")


def test_both_tell_the_same(codat: LocalCodat, create: Call) -> None:
    """Local and remote read the same ledger, journal and operations."""
    remote = RemoteCodat(codat.url)
    codat.order("codat_error_after_commit", customer="b")
    for name in "abb":
        create(
            codat, name, key="11111111-2222-4333-8444-55555555555" + str(ord(name) % 9)
        )
    create(codat, body=b"\xff\x00")
    assert remote.ledger() == codat.ledger()
    assert remote.journal() == codat.journal()
    assert remote.operations() == codat.operations()
    assert remote.counts_by_name() == codat.counts_by_name() == {"a": 1, "b": 1}
    assert remote.traffic() == codat.traffic()
    assert remote.duplicates() == codat.duplicates()
    assert remote.airflow_connection() == codat.airflow_connection()
    assert remote.connections == codat.connections
    assert (remote.url, remote.api_key) == (codat.url, codat.api_key)
    assert (remote.company_id, remote.connection_id) == (
        COMPANY_ID,
        codat.connection_id,
    )


def test_hand_in_the_software(controls: CodatControls, create: Call) -> None:
    """A hand changes a record of the books, and the change is read back in full."""
    create(controls)
    (before,) = controls.ledger()
    edited = controls.edit_in_software(before.record_id, phone="1", contacts=[{}])
    assert edited.customer == {**before.customer, "phone": "1", "contacts": [{}]}
    assert controls.ledger() == [edited]
    assert edited.created_at == before.created_at == before.modified_at
    assert edited.modified_at > before.modified_at


def test_connection_status(controls: CodatControls, create: Call) -> None:
    """A connection is cut and linked again, and an unknown one is refused."""
    controls.set_connection_status(controls.connection_id, "Deauthorized")
    assert create(controls).status_code == 400
    controls.set_connection_status(controls.connection_id, "Linked")
    assert create(controls).status_code == 200
    with pytest.raises(ValueError, match="connection_id must be"):
        controls.set_connection_status("elsewhere", "Linked")


def test_order_and_clear(controls: CodatControls, create: Call) -> None:
    """Misfortunes are ordered and cleared, and an order is answered in full."""
    ordered = controls.order("codat_error_before_commit", status=503, count=2)
    assert (ordered.kind, ordered.status, ordered.count, ordered.route) == (
        "codat_error_before_commit",
        503,
        2,
        "create",
    )
    assert create(controls).status_code == 503
    controls.clear_misfortunes()
    assert create(controls).status_code == 200


def test_reset(controls: CodatControls, create: Call, send: Call) -> None:
    """A reset forgets operations, records, journal, misfortunes, keys and the time."""
    key = "11111111-2222-4333-8444-555555555555"
    create(controls, key=key)
    controls.order("codat_error_before_commit")
    controls.advance(minutes=600)
    controls.reset()
    assert controls.ledger() == []
    assert controls.operations() == []
    assert controls.journal() == []
    first = create(controls, "Other", key=key)
    assert first.status_code == 200
    date = send(controls, "GET", "/companies").headers["Date"]
    assert first.headers["Date"][:22] <= date


def test_journal(controls: CodatControls, create: Call, send: Call) -> None:
    """The journal keeps each request exactly, but never the key."""
    body = b'{"status": "Active",  "customerName": "\xc3\xa9"}'
    create(controls, body=body, query="?timeoutInMinutes=5")
    send(controls, "GET", "/companies", headers={"authorization": "Basic secret"})
    first, second = controls.journal()
    assert (first.method, first.query, first.status) == (
        "POST",
        "timeoutInMinutes=5",
        200,
    )
    assert first.path.endswith("/push/customers")
    assert first.body == body
    assert first.json()["customerName"] == "é"
    assert first.idempotency_key is None
    assert (first.misfortune, first.replayed) == (None, False)
    assert first.at <= second.at
    assert first.at.tzinfo is not None
    for entry in (first, second):
        text = str(entry)
        assert "[redacted]" in text
        assert controls.api_key not in text
        assert "secret" not in text


def test_journal_limit(start: Start, send: Call) -> None:
    """The journal can be bounded; the oldest entries go first."""
    codat = start(journal_limit=2)
    for path in ("/a", "/b", "/c"):
        send(codat, "GET", path)
    assert [each.path for each in codat.journal()] == ["/b", "/c"]


def test_ledger(controls: CodatControls, create: Call) -> None:
    """A ledger record names who created it, where and when."""
    key = "11111111-2222-4333-8444-555555555555"
    shown = create(controls, key=key).json()
    (record,) = controls.ledger()
    assert record.company_id == controls.company_id
    assert record.connection_id == controls.connection_id
    assert record.customer == {"customerName": "Acme", "status": "Active"}
    assert record.push_operation_key == shown["pushOperationKey"]
    assert record.idempotency_key == key
    assert not record.stranger
    assert record.created_at == controls.ledger()[0].created_at
    assert record.name == "Acme"


def test_ledger_is_in_the_order_of_landing(codat: LocalCodat, create: Call) -> None:
    """A record that landed late stands last."""
    codat.order("timed_out_then_lands", seconds=60)
    create(codat, "late")
    create(codat, "early")
    codat.advance(minutes=2)
    assert [each.name for each in codat.ledger()] == ["early", "late"]


def test_duplicates_are_per_connection(codat: LocalCodat, create: Call) -> None:
    """One name on two connections is no duplicate."""
    create(codat)
    create(codat, connection="options")
    assert codat.counts_by_name() == {"Acme": 2}
    assert codat.duplicates() == {}


@pytest.mark.parametrize(("minutes", "seconds"), [(-1, 0), (1, -61)])
def test_clock_never_goes_back(
    controls: CodatControls, minutes: float, seconds: float
) -> None:
    """The clock moves forwards only."""
    with pytest.raises(ValueError, match="forwards"):
        controls.advance(minutes=minutes, seconds=seconds)


def test_airflow_connection(controls: CodatControls) -> None:
    """The connection's JSON holds what Airflow needs."""
    fields = json.loads(controls.airflow_connection())
    assert fields == {
        "conn_type": "codat",
        "host": controls.url,
        "password": controls.api_key,
    }


@pytest.mark.parametrize(
    ("command", "body"),
    [
        ("explode", "{}"),
        ("order", "{"),
        ("order", "[]"),
        ("order", "{}"),
        ("advance", '{"seconds": "many"}'),
        ("typed_in", "{}"),
        ("typed_in", '{"customer": {}}'),
        ("typed_in", f'{{"customer": "x", "connection_id": "{STRICT_CONNECTION_ID}"}}'),
        ("typed_in", '{"customer": {}, "connection_id": []}'),
        ("edit_in_software", "{}"),
        ("edit_in_software", '{"changes": {}}'),
        ("edit_in_software", '{"changes": [], "record_id": "1"}'),
        ("edit_in_software", '{"changes": {}, "record_id": "1"}'),
        ("set_connection_status", "{}"),
        ("set_connection_status", '{"connection_id": [], "status": "Linked"}'),
        ("set_connection_status", '{"connection_id": "1", "status": []}'),
        ("stranger_pushes", '{"customer": {"status": "Active"}, "colour": 1}'),
    ],
)
def test_bad_commands(codat: LocalCodat, command: str, body: str) -> None:
    """A command that makes no sense is 400 with a reason."""
    answer = requests.post(f"{codat.url}/_local/{command}", data=body, timeout=10)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_controls_are_not_journaled(codat: LocalCodat) -> None:
    """Reading the journal is not itself an arrival."""
    RemoteCodat(codat.url).journal()
    assert codat.journal() == []


def test_remote_refuses_other_schemes() -> None:
    """A remote simulator is spoken to over plain HTTP."""
    with pytest.raises(ValueError, match="http://"):
        RemoteCodat("file:///etc/passwd")


def test_remote_that_is_no_simulator() -> None:
    """An address where something else answers is told as such."""
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    with pytest.raises(ValueError, match="not answer as a local Codat"):
        RemoteCodat(f"http://127.0.0.1:{server.server_port}").ledger()
    thread.join()
    server.server_close()


def test_controls_are_for_this_machine_only(start: Start) -> None:
    """Bound to all addresses, Codat's routes answer anybody, the controls do not."""
    codat = start(host="0.0.0.0")
    port = codat.url.rpartition(":")[2]
    own = _own_address()
    if own is None:
        pytest.skip("this machine has no address but loopback")
    url = f"http://{own}:{port}"
    assert requests.get(f"{url}/companies", timeout=10).status_code == 401
    with pytest.raises(ValueError, match="Loopback only"):
        RemoteCodat(url).reset()


def _own_address() -> str | None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        address = str(probe.getsockname()[0])
    return None if address.startswith("127.") else address


def test_readable_after_the_end(create: Call) -> None:
    """What happened can still be read when the server has stopped."""
    with LocalCodat(settle_seconds=0) as codat:
        create(codat)
    assert codat.counts_by_name() == {"Acme": 1}
    with pytest.raises(requests.ConnectionError):
        create(codat)


def test_port_in_use(codat: LocalCodat) -> None:
    """A port that is taken is an error at the start, not a hang."""
    port = int(codat.url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        LocalCodat(port=port).start()


def test_fixed_port(send: Call) -> None:
    """A simulator can be started again on the port that it had."""
    with LocalCodat() as first:
        port = int(first.url.rpartition(":")[2])
    with LocalCodat(port=port) as second:
        assert second.url == first.url
        assert send(second, "GET", "/companies").status_code == 200


def test_log_lines(start: Start, create: Call) -> None:
    """A log line is method, path and status: no query, no body, no key."""
    lines: list[str] = []
    codat = start(log=lines.append)
    codat.order("reset_before_commit", skip=1)
    create(codat, "Hidden", query="?timeoutInMinutes=5")
    with pytest.raises(requests.ConnectionError):
        create(codat)
    path = codat.journal()[0].path
    assert lines == [f"POST {path} 200", f"POST {path} no answer"]
