"""The laws of a file that is attached: streamed, the same bytes each time, and once."""

import hashlib
import io
from collections.abc import Callable
from dataclasses import replace
from email import message_from_bytes
from functools import partial
from pathlib import Path
from typing import IO, Any

import pytest

from airflow_provider_codat.api.create.attachment import Attachment
from airflow_provider_codat.api.create.idempotency import following_key
from airflow_provider_codat.api.data_types import DATA_TYPES
from airflow_provider_codat.api.errors import Malformed
from airflow_provider_codat.api.http.multipart import multipart
from airflow_provider_codat.api.http.request import FileBody, Response
from airflow_provider_codat.api.models import Destination

COMPANY = "8a210b68-6988-11ed-a1eb-0242ac120002"
CONNECTION = "2e9d2c44-f675-40ba-8049-353bfcb5e171"
KEY = "4de6d5fd-8aea-5e5b-a460-bc6b3420717d"
FILE = b"%PDF-1.7 \x00\xff\r\n--" + KEY.encode() + b"-"
NAMES = [
    "receipt.pdf",
    "Rechnung für März.pdf",
    'a"b\\c.pdf',
    "領収書.pdf",
    "x\r\ny.pdf",
]


def body(name: str = "receipt.pdf", data: bytes = FILE) -> FileBody:
    return multipart(
        lambda: io.BytesIO(data),
        name=name,
        size=len(data),
        content_type="application/pdf",
        boundary=KEY,
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_form(name: str) -> None:
    """It is a form of one file, whatever that is called; its size is told before."""
    made = body(name)
    sent = b"".join(made.open())  # type: ignore[arg-type]
    assert len(sent) == made.size
    head = f"Content-Type: {made.content_type}\r\n\r\n".encode()
    [part] = message_from_bytes(head + sent).get_payload()  # type: ignore[misc]
    assert part.get_payload(decode=True) == FILE  # type: ignore[union-attr]
    assert part.get_content_type() == "application/pdf"  # type: ignore[union-attr]
    lines = sent.split(b"\r\n\r\n", 1)[0].split(b"\r\n")
    assert [line.split(b":")[0] for line in lines[1:]] == [
        b"Content-Disposition",
        b"Content-Type",
    ]


def test_it_is_never_whole_in_memory() -> None:
    """What is read at once is a part of the file, however large that is."""
    asked: list[int] = []

    class Large(io.RawIOBase):
        left = 50_000_000

        def read(self, size: int = -1) -> bytes:
            asked.append(size)
            given = min(size, self.left)
            self.left -= given
            return bytes(given)

    def opened() -> IO[bytes]:
        return Large()  # type: ignore[return-value]

    made = multipart(
        opened, name="x", size=50_000_000, content_type="x/y", boundary=KEY
    )
    assert sum(map(len, made.open())) == made.size
    assert 0 < max(asked) <= 1 << 20
    assert min(asked) > 0


@pytest.mark.parametrize("size", [len(FILE) - 1, len(FILE) + 1])
def test_a_file_that_changes_is_not_sent_to_its_end(size: int) -> None:
    """Nobody takes what is there now for the file that was looked at."""
    made = multipart(
        lambda: io.BytesIO(FILE), name="x", size=size, content_type="x/y", boundary=KEY
    )
    sent: list[bytes] = []
    with pytest.raises(OSError, match="changed"):
        sent.extend(made.open())
    assert f"--{KEY}--".encode() not in b"".join(sent)


def attachment(
    file: Callable[[str], FileBody] = lambda _: body(), data_type: str = "invoices"
) -> Attachment:
    return Attachment(
        base_url="https://api.codat.io",
        destination=Destination(COMPANY, CONNECTION),
        data_type=DATA_TYPES[data_type],
        payload={"sha256": hashlib.sha256(FILE).hexdigest()},
        key_of=partial(following_key, KEY),
        record_id="i/1",
        file=file,
    )


@pytest.mark.parametrize(
    "row", [r for r in DATA_TYPES.values() if r.attachments], ids=lambda row: row.name
)
def test_the_request(row: Any) -> None:  # noqa: ANN401 - a row
    """It names the record in its route, and is sent under a key."""
    request = attachment(data_type=row.name).request(KEY)
    assert (request.method, request.idempotency_key) == ("POST", KEY)
    end = f"/push/{row.segment}/i%2F1/{row.attachments}"
    assert request.path.endswith(end)


def test_every_repetition_is_the_same() -> None:
    """The bytes of a key are the same each time; another key has its own."""
    files: list[str] = []

    def made(key: str) -> FileBody:
        files.append(key)
        return body()

    wanted = attachment(made)
    first, again = wanted.request(KEY), wanted.request(KEY)
    assert isinstance(first.body, FileBody)
    assert isinstance(again.body, FileBody)
    assert first.body.open().read() == again.body.open().read()
    assert files == [KEY, KEY]


def test_what_is_attached_is_part_of_the_intent() -> None:
    """Another file, or another record, is another thing that is wanted."""
    one = attachment()
    others = [replace(one, payload={"sha256": "0"}), replace(one, record_id="i-2")]
    assert len({each.digest() for each in (one, *others)}) == 3


def answer(text: bytes, status: int = 200) -> Response:
    return Response(status, {}, text, 0.0)


PUSHED = (
    '{"pushOperationKey": "%s", "companyId": "%s", "dataConnectionKey": "%s", '
    '"dataType": "invoices", "status": "Pending", "requestedOnUtc": "2026-03-02"}'
)


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b'"taken"', b"OK", b'{"id": "a"}'])
def test_an_answer_may_be_anything(text: bytes) -> None:
    """Codat describes none: what it takes with a 2xx is attached."""
    taken = attachment().read(answer(text), 0.0)
    assert (taken.status, taken.key, taken.record_id) == ("Success", "", "i/1")


def test_a_push_operation_is_taken_for_one() -> None:
    """Where Codat names one, that is waited for."""
    text = (PUSHED % (KEY, COMPANY, CONNECTION)).encode()
    taken = attachment().read(answer(text), 0.0)
    assert (taken.status, taken.key) == ("Pending", KEY)


@pytest.mark.parametrize(
    "text",
    [
        b"<!doctype html><title>Sign in</title>",
        b"\n <html>",
        (PUSHED % (KEY, CONNECTION, COMPANY)).encode(),
    ],
    ids=["a page", "another page", "somebody else's"],
)
def test_what_is_not_ours_says_nothing(text: bytes) -> None:
    """A proxy's page, or another company's operation, is no yes."""
    with pytest.raises(Malformed):
        attachment().read(answer(text), 0.0)


def test_a_file_is_read_as_it_is(tmp_path: Path) -> None:
    """What is sent is the file to the last byte, closed when it is done."""
    path = tmp_path / "x.bin"
    path.write_bytes(bytes(range(256)) * 1000)
    opened: list[IO[bytes]] = []

    def opens() -> IO[bytes]:
        opened.append(path.open("rb"))
        return opened[-1]

    made = multipart(opens, name="x", size=256_000, content_type="x/y", boundary=KEY)
    stream = made.open()
    assert path.read_bytes() in stream.read(1 << 20) + b"".join(iter(stream.read, b""))
    stream.close()
    assert opened[0].closed
