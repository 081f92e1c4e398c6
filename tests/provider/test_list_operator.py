"""The laws of the operator that writes Codat's copy of the customers to a file."""

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from airflow_provider_codat.api import (
    Busy,
    Malformed,
    NotFound,
    SettingsInvalid,
    StillInProgress,
)
from airflow_provider_codat.hooks.codat import CodatHook
from airflow_provider_codat.operators.read import ListAccountingCustomersOperator
from airflow_provider_codat.simulator import LocalCodat

# conftest.py has it; it cannot be imported.
Attempt = Any
Attempts = Callable[..., Attempt]
NOBODY = "11111111-1111-4111-8111-111111111111"


@pytest.fixture
def local_codat(start_codat: Callable[..., LocalCodat]) -> LocalCodat:
    """Serve a Codat whose refreshes have ended before they are answered."""
    return start_codat(refresh_seconds=0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "customers.jsonl"


@pytest.fixture
def listing(attempt: Attempts, local_codat: LocalCodat, path: Path) -> Attempts:
    """Make an attempt at a list."""

    def make(**given: object) -> Attempt:
        arguments = {
            "task_id": "list",
            "company_id": local_codat.company_id,
            "path": str(path),
            "hook_params": {"retry_budget_seconds": 0.01},
            **given,
        }
        return replace(attempt(), kind=ListAccountingCustomersOperator, given=arguments)

    return make


@pytest.fixture
def fill(local_codat: LocalCodat, hook: CodatHook) -> Callable[..., None]:
    """Type customers in, each seen by a refresh of its own."""

    def typed(*names: str, **fields: object) -> None:
        for name in names:
            local_codat.typed_in({"customerName": name, **fields})
            local_codat.advance(seconds=60)
            hook.refresh(local_codat.company_id)

    return typed


def lines_of(path: Path) -> list[dict[str, Any]]:
    text = path.read_text(encoding="utf-8")
    assert text == "" or text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


def names_of(path: Path) -> list[str]:
    return [line["customerName"] for line in lines_of(path)]


# --- what is written


def test_each_customer_is_a_line(
    listing: Attempts,
    fill: Callable[..., None],
    local_codat: LocalCodat,
    hook: CodatHook,
    path: Path,
) -> None:
    """They are as Codat sent them, over all pages, each property where it was."""
    fill("Ada", "Söhne & \u2028Co", "Fen")
    result = listing(page_size=2, company_id=local_codat.company_id.upper()).execute()
    sent = list(hook.list_customers(local_codat.company_id))
    lines = path.read_bytes().split(b"\n")
    assert [json.loads(line) for line in lines[:-1]] == sent
    assert [list(json.loads(line)) for line in lines[:-1]] == [list(e) for e in sent]
    assert result == {
        "company_id": local_codat.company_id,
        "path": str(path),
        "customers": 3,
        "modified_since": None,
    }
    pages = [e.query for e in local_codat.journal() if "pageSize=2" in e.query]
    assert len(pages) == 2


def test_a_packed_file_is_packed(
    listing: Attempts, fill: Callable[..., None], tmp_path: Path
) -> None:
    """A path that ends in .gz names a gzip file."""
    fill("Ada")
    packed = tmp_path / "new" / "customers.jsonl.gz"
    assert listing(path=str(packed)).execute()["customers"] == 1
    [line] = gzip.decompress(packed.read_bytes()).splitlines()
    assert json.loads(line)["customerName"] == "Ada"


def test_an_empty_list_is_an_empty_file(
    listing: Attempts, local_codat: LocalCodat, hook: CodatHook, path: Path
) -> None:
    """It replaces an older file: what it held is not in the list."""
    path.write_text("old")
    hook.refresh(local_codat.company_id)
    assert listing().execute()["customers"] == 0
    assert path.read_text() == ""


def test_a_query_is_obeyed(
    listing: Attempts, fill: Callable[..., None], path: Path
) -> None:
    """It reaches Codat in its own language."""
    fill("Ada", "Fen & Co")
    listing(query="customerName=Fen & Co").execute()
    assert names_of(path) == ["Fen & Co"]


@pytest.mark.parametrize("query", [None, "", "None"], ids=repr)
def test_a_query_that_rendered_to_nothing_is_none(
    query: str | None, listing: Attempts, fill: Callable[..., None], path: Path
) -> None:
    """Then all are listed."""
    fill("Ada")
    listing(query=query).execute()
    assert names_of(path) == ["Ada"]


def test_no_payload_is_logged(
    listing: Attempts, fill: Callable[..., None], logged: Callable[..., list[str]]
) -> None:
    """The log tells how many there are, and nothing of them."""
    fill("Fen Bakery")
    listing().execute()
    assert len(logged("Wrote 1 customers")) == 1
    assert logged("Fen") == []


# --- since when


@pytest.mark.parametrize(
    "spelt",
    [
        lambda moment: moment,
        str,
        lambda moment: moment.isoformat(),
        lambda moment: moment.isoformat().replace("+00:00", "Z"),
        lambda moment: f" {moment} ",
    ],
    ids=["datetime", "rendered", "ISO", "Z", "blanks"],
)
def test_only_what_has_changed_since(
    spelt: Callable[[datetime], object],
    listing: Attempts,
    fill: Callable[..., None],
    hook: CodatHook,
    local_codat: LocalCodat,
    path: Path,
) -> None:
    """A moment may be given as it is, or as Airflow renders it."""
    fill("Ada", "Fen")
    seen = next(hook.list_customers(local_codat.company_id))["modifiedDate"]
    since = datetime.fromisoformat(seen) + timedelta(seconds=1)
    result = listing(modified_since=spelt(since)).execute()
    assert names_of(path) == ["Fen"]
    assert datetime.fromisoformat(result["modified_since"]) == since


@pytest.mark.parametrize("nothing", [None, "", " ", "None"], ids=repr)
def test_no_moment_means_all(
    nothing: str | None, listing: Attempts, fill: Callable[..., None], path: Path
) -> None:
    """The first run has no predecessor, which renders so."""
    fill("Ada", "Fen")
    result = listing(modified_since=nothing).execute()
    assert names_of(path) == ["Ada", "Fen"]
    assert result["modified_since"] is None


# --- what is wrong


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"company_id": "Fen"}, "company_id must be a UUID"),
        ({"page_size": 0}, "page_size must be from 1 to 5000"),
        ({"page_size": 5001}, "page_size must be from 1 to 5000"),
        ({"path": ""}, "path is empty"),
        ({"path": "None"}, "path is empty"),
        ({"path": "/"}, "path names a folder"),
        ({"path": "fen://x/y"}, "path: this worker does not know fen:// paths"),
        ({"modified_since": "Fen"}, "modified_since must be a date and time"),
        ({"modified_since": "2026-03-01"}, "modified_since must have a time zone"),
        (
            {"modified_since": "2026-03-01 00:00:00"},
            "modified_since must have a time zone",
        ),
        (
            {"modified_since": datetime(2026, 3, 1)},  # noqa: DTZ001 - that is the case
            "modified_since must have a time zone",
        ),
    ],
    ids=str,
)
def test_a_wrong_argument_is_told_before_anything_is_sent(
    given: dict[str, Any], words: str, listing: Attempts, local_codat: LocalCodat
) -> None:
    """Its value is not repeated; Codat hears nothing."""
    error = listing(**given).fails(SettingsInvalid, words)
    assert "Fen" not in str(error)
    assert local_codat.journal() == []


def test_without_a_copy_a_refresh_has_to_come_first(
    listing: Attempts, path: Path
) -> None:
    """The error says so; a file that is there stays as it is."""
    path.write_text("old")
    listing().fails(StillInProgress, r"Call refresh .* first")
    assert path.read_text() == "old"


def test_a_company_that_is_not_there(listing: Attempts) -> None:
    """404 has its own error."""
    listing(company_id=NOBODY).fails(NotFound)


def test_a_short_outage_is_survived(
    listing: Attempts, fill: Callable[..., None], local_codat: LocalCodat, path: Path
) -> None:
    """A page is asked for again."""
    fill("Ada")
    local_codat.order("gateway_error_before_commit", route="list_customers")
    listing(hook_params={"retry_budget_seconds": 5}).execute()
    assert names_of(path) == ["Ada"]


def test_who_is_killed_sends_nothing_more(
    listing: Attempts, local_codat: LocalCodat
) -> None:
    """A task that is told to stop stops."""
    made = listing()
    made.operator.on_kill()
    made.fails(Busy, "told to stop")
    assert local_codat.journal() == []


# --- a copy that changes while it is read


class Copy:
    """A copy of the books that is renewed between two requests.

    :param names: of the customers.
    :param renewals: by the number of the page that was asked for, the first is 1, what
        the customers are from then on.
    :param broken_from: the first page that is none.
    """

    def __init__(
        self, names: str, renewals: dict[int, str], broken_from: int = 999
    ) -> None:
        self.names = names
        self.renewals = renewals
        self.broken_from = broken_from
        self.pages = 0
        self.renewed = 0

    def status(self) -> object:
        return {"customers": {"latestSuccessfulSyncId": f"sync {self.renewed}"}}

    def page(self, number: int, size: int) -> object:
        self.pages += 1
        if self.pages >= self.broken_from:
            return {}
        shown = self.names[(number - 1) * size : number * size]
        links = {"next": {"href": "/"}} if number * size < len(self.names) else {}
        if self.pages in self.renewals:
            self.names = self.renewals[self.pages]
            self.renewed += 1
        results = [
            {"id": each.lower(), "customerName": each, "metadata": self.metadata(each)}
            for each in shown
        ]
        return {"results": results, "_links": links}

    @staticmethod
    def metadata(name: str) -> object:
        """X was deleted; of Y and Z nobody knows."""
        return {"X": {"isDeleted": True}, "Y": None, "Z": {}}.get(
            name, {"isDeleted": False}
        )


@pytest.fixture
def serve(
    connection: Callable[..., str],
) -> Iterator[Callable[..., str]]:
    """Serve a copy; return the Airflow connection."""
    servers = []

    def start(copy: Copy) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                url = urlsplit(self.path)
                asked = {n: v[0] for n, v in parse_qs(url.query).items()}
                body = (
                    copy.status()
                    if url.path.endswith("/dataStatus")
                    else copy.page(int(asked["page"]), int(asked["pageSize"]))
                )
                data = json.dumps(body).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_args: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        servers.append((server, thread))
        url = f"http://127.0.0.1:{server.server_port}"
        return connection(host=url, password="a" * 40)

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("before", "after", "written"),
    [
        ("ABCD", "BCDE", "ABDEC"),
        ("ABCD", "EABCD", "ABCDE"),
        ("ABCD", "DCBA", "ABDC"),
        ("ABCD", "ABCD", "ABCD"),
        ("ABCD", "", "AB"),
    ],
    ids=["one goes, one comes", "one comes first", "turned", "the same", "all gone"],
)
def test_none_is_lost_and_none_comes_twice(
    before: str,
    after: str,
    written: str,
    listing: Attempts,
    serve: Callable[..., str],
    path: Path,
) -> None:
    """What moved to a page that was read before is found; what moved on is known."""
    copy = Copy(before, {1: after})
    result = listing(codat_conn_id=serve(copy), page_size=2).execute()
    assert "".join(names_of(path)) == written
    assert result["customers"] == len(written)


def test_a_copy_that_stays_is_read_once(
    listing: Attempts, serve: Callable[..., str]
) -> None:
    """Nothing is asked for twice for nothing."""
    copy = Copy("ABCD", {})
    listing(codat_conn_id=serve(copy), page_size=2).execute()
    assert copy.pages == 2


def test_a_copy_that_is_never_at_rest_is_not_listed(
    listing: Attempts, serve: Callable[..., str], path: Path
) -> None:
    """Nobody can tell that none was lost: it fails, and may be tried again."""
    path.write_text("old")
    copy = Copy("ABCD", dict.fromkeys(range(1, 99), "ABCD"))
    made = listing(codat_conn_id=serve(copy), page_size=2)
    made.fails(StillInProgress, "renewed during each of 5 readings")
    assert copy.pages == 10
    assert path.read_text() == "old"


def test_a_failure_on_the_way_leaves_the_old_file(
    listing: Attempts, serve: Callable[..., str], path: Path, tmp_path: Path
) -> None:
    """Half a list is no list: the old one stays, and nothing lies beside it."""
    path.write_text("old")
    conn_id = serve(Copy("ABCD", {}, broken_from=2))
    listing(codat_conn_id=conn_id, page_size=2).fails(Malformed)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("wanted", "written"), [(False, "AYZ"), (True, "AXYZ")])
def test_deleted_customers_are_left_out(
    listing: Attempts,
    serve: Callable[..., str],
    path: Path,
    written: str,
    *,
    wanted: bool,
) -> None:
    """Unless they are wanted; where Codat does not say, a customer is not deleted."""
    conn_id = serve(Copy("AXYZ", {}))
    result = listing(codat_conn_id=conn_id, include_deleted=wanted).execute()
    assert "".join(names_of(path)) == written
    assert result["customers"] == len(written)
