"""A file as the body of a request: streamed, and never whole in memory."""

from collections.abc import Callable, Iterator
from io import BytesIO
from typing import IO, cast

from airflow_provider_codat.api.http.request import FileBody

_CHUNK_BYTES = 1 << 16
_CHANGED = "the file has changed since it was looked at"


def multipart(
    open_file: Callable[[], IO[bytes]],
    *,
    name: str,
    size: int,
    content_type: str,
    boundary: str,
) -> FileBody:
    """Return a form with one file.

    :param open_file: opens it anew for each send.
    :param name: of the file, as the receiver is told.
    :param size: of the file, in bytes.
    :param boundary: the same in each repetition, so that the bytes are the same.
    """
    # Slow to import, and needed by no DAG that is only being read.
    from urllib3.fields import RequestField  # noqa: PLC0415 - see above

    field = RequestField(name="file", data=b"", filename=name)
    field.make_multipart(content_type=content_type)
    head = f"--{boundary}\r\n{field.render_headers()}".encode()
    tail = f"\r\n--{boundary}--\r\n".encode()
    return FileBody(
        open=lambda: cast("IO[bytes]", _Joined(head, open_file(), tail, size)),
        size=len(head) + size + len(tail),
        content_type=f"multipart/form-data; boundary={boundary}",
    )


class _Joined:
    """Reads a head, a file and a tail, one after the other.

    :param size: of the file, as it was when it was told; of another size it is not sent
        to its end, so that nobody takes it for that one.
    """

    def __init__(self, head: bytes, file: IO[bytes], tail: bytes, size: int) -> None:
        self._parts: list[IO[bytes]] = [BytesIO(head), file, BytesIO(tail)]
        self._file = file
        self._left = size
        self._size = len(head) + size + len(tail)

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        while chunk := self.read(_CHUNK_BYTES):
            yield chunk

    def read(self, size: int = _CHUNK_BYTES) -> bytes:
        """Return some of what is left; nothing at its end."""
        while self._parts:
            if chunk := self._parts[0].read(size):
                return self._counted(chunk)
            if self._parts.pop(0) is self._file and self._left:
                raise OSError(_CHANGED)
        return b""

    def _counted(self, chunk: bytes) -> bytes:
        """Return what was read, unless the file has become larger."""
        if self._parts[0] is self._file:
            self._left -= len(chunk)
            if self._left < 0:
                raise OSError(_CHANGED)
        return chunk

    def close(self) -> None:
        """Close the file."""
        self._file.close()
