"""What a file is, by its first bytes: packed or not, and how its text is coded."""

import codecs
from collections.abc import Iterator
from contextlib import contextmanager
from gzip import BadGzipFile, GzipFile
from typing import IO, cast
from zlib import error as ZlibError  # noqa: N812 - an exception

_GZIP = b"\x1f\x8b"
_HEAD_BYTES = 4096
# UTF-32's marks begin like UTF-16's.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
PARQUET = b"PAR1"
_OTHERS = (
    (PARQUET, "a Parquet file; name it .parquet"),
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook; save the sheet as CSV UTF-8"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook; save the sheet as CSV UTF-8"),
    (b"Obj\x01", "an Avro file; write Parquet, CSV or JSON lines"),
    (b"ORC", "an ORC file; write Parquet, CSV or JSON lines"),
    (b"%PDF", "a PDF; its rows must be written as CSV"),
    (b"BZh", "a bzip2 file; gzip is unpacked"),
    (b"\xfd7zXZ", "an xz file; gzip is unpacked"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file; gzip is unpacked"),
)
_CUT = "is not a whole gzip file; write it anew"


class FileUnreadable(ValueError):
    """A file that holds no rows; the text goes on after the file's name."""


@contextmanager
def unpacked(file: IO[bytes], name: str) -> Iterator[IO[bytes]]:
    """Yield what is in a file, wherever one may begin to read: of gzip, what is packed.

    :param file: can be looked ahead in, or gone back in.
    :param name: one that ends in ``.gz`` promises gzip.
    :raises FileUnreadable: when what was packed is not whole.
    """
    begins = head_of(file)
    if begins.startswith(_GZIP):
        try:
            with GzipFile(fileobj=file) as plain:
                yield cast("IO[bytes]", plain)
        except (BadGzipFile, EOFError, ZlibError):
            raise FileUnreadable(_CUT) from None
        return
    if begins and name.endswith(".gz"):
        raise FileUnreadable("is no gzip file, though its name ends in .gz")
    yield file


def head_of(file: IO[bytes]) -> bytes:
    """Return the first bytes of a file, which is then read from its beginning."""
    if (peek := getattr(file, "peek", None)) is not None:
        seen: bytes = peek(_HEAD_BYTES)
        return seen[:_HEAD_BYTES]
    head = file.read(_HEAD_BYTES)
    file.seek(0)
    return head


def encoding_of(head: bytes, given: str | None) -> str:
    """Return how a text is coded, by its byte order mark, else as it was given.

    :param given: None: UTF-8.
    :raises FileUnreadable: when it is no text, or in another coding without a mark.
    """
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    for begins, what in _OTHERS:
        if head.startswith(begins):
            raise FileUnreadable(f"is {what}")
    if given is None and b"\0" in head:
        for part, encoding in ((head[1::2], "utf-16-le"), (head[::2], "utf-16-be")):
            if part.count(0) > len(part) / 2:
                raise FileUnreadable(
                    "looks like UTF-16 without a byte order mark; give "
                    f'encoding="{encoding}"'
                )
        raise FileUnreadable("is no text: it has bytes of 0")
    return given or "utf-8"


def is_utf_8(encoding: str) -> bool:
    """Whether it is UTF-8, with or without a mark."""
    return codecs.lookup(encoding).name in {"utf-8", "utf-8-sig"}


def undecodable(error: UnicodeDecodeError, where: str) -> FileUnreadable:
    """Return the error for a text that is not coded as it should be.

    :param where: such as ``at line 3``.
    """
    if is_utf_8(error.encoding):
        return FileUnreadable(
            f"is not UTF-8 {where}; write it in UTF-8, or say what it is, such as "
            'encoding="cp1252" (Windows, Western Europe)'
        )
    return FileUnreadable(f"is not {error.encoding} {where}; see encoding")
