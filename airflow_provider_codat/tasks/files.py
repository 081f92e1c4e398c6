"""Files of rows and of results: local, or in any store that Airflow reaches.

They are read and written as streams; results whose name ends in ``.gz`` are packed.
"""

import hashlib
import os
import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from gzip import GzipFile
from mimetypes import guess_type
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

from airflow.providers.common.compat.sdk import ObjectStoragePath

from airflow_provider_codat.api.errors import SettingsInvalid
from airflow_provider_codat.api.input.encodings import FileUnreadable
from airflow_provider_codat.api.input.file_rows import (
    AS_NAMED,
    FileFormat,
    rows_of_file,
)
from airflow_provider_codat.api.models import Json

if TYPE_CHECKING:
    Location: TypeAlias = str | os.PathLike[str] | ObjectStoragePath

_CHUNK_BYTES = 1 << 18
_LOCAL = frozenset({"", "file", "local"})
_AZURE = "apache-airflow-providers-microsoft-azure"
_PROVIDERS = {
    "s3": "apache-airflow-providers-amazon[s3fs]",
    "gs": "apache-airflow-providers-google",
    "gcs": "apache-airflow-providers-google",
    "abfs": _AZURE,
    "abfss": _AZURE,
    "adl": _AZURE,
}
_NOT_A_FOLDER = "names a file where a folder must be"
_REASONS: dict[type[Exception], str] = {
    FileNotFoundError: "names a file that this worker does not find",
    IsADirectoryError: "names a folder; a file is needed",
    NotADirectoryError: _NOT_A_FOLDER,
    FileExistsError: _NOT_A_FOLDER,
    PermissionError: "names a file that this worker may not use: see its permissions",
}


def rows_of(
    path: "Location", form: FileFormat = AS_NAMED, name: str = "customers_path"
) -> Iterator[object]:
    """Yield the rows of a file, see :func:`.rows_of_file`; each call opens it anew.

    :param form: what its name does not tell.
    :param name: of the argument, for messages.
    :raises SettingsInvalid: when it cannot be read, or holds no rows.
    """
    location = _location(path, name)
    opened: Callable[[str], IO[bytes]] = location.open  # Airflow's has no types
    with _explained(path, name), opened("rb") as file:
        yield from rows_of_file(file, location.name, form)


@dataclass(frozen=True, slots=True)
class FileSource:
    """A file that is to be sent as it is.

    :param name: without its folder.
    :param content_type: such as ``application/pdf``.
    :param size: in bytes.
    :param digest: SHA-256, in hexadecimal.
    :param open: opens it anew.
    """

    name: str
    content_type: str
    size: int
    digest: str
    open: Callable[[], IO[bytes]]

    def told(self) -> dict[str, Json]:
        """Return what tells it from another file."""
        return {"name": self.name, "type": self.content_type, "sha256": self.digest}


def file_source(
    path: "Location", most_bytes: int, name: str, content_type: str | None
) -> FileSource:
    """Read a file through, without keeping it, and return what tells it from another.

    :param most_bytes: how large it may be.
    :param name: of the argument, for messages.
    :param content_type: None: by its name.
    :raises SettingsInvalid: when it cannot be read, is empty or too large.
    """
    location = _location(path, name)
    opened: Callable[[str], IO[bytes]] = location.open  # Airflow's has no types
    size, digest = 0, hashlib.sha256()
    with _explained(path, name), opened("rb") as file:
        while (chunk := file.read(_CHUNK_BYTES)) and size <= most_bytes:
            size += len(chunk)
            digest.update(chunk)
    if not 0 < size <= most_bytes:
        what = f"larger than {most_bytes:,} bytes (max_bytes)" if size else "empty"
        raise SettingsInvalid(f"{name} names a file that is {what}: {shown(path)}")
    kind = content_type or guess_type(location.name)[0] or "application/octet-stream"
    return FileSource(
        location.name, kind, size, digest.hexdigest(), lambda: opened("rb")
    )


def written(path: "Location", lines: Iterable[str], name: str = "results_path") -> None:
    """Write a file, or replace it, as a whole.

    While it is being written, and when that fails, the old one stays.

    :param lines: without their ends.
    :param name: of the argument, for messages.
    :raises SettingsInvalid: when it cannot be written there.
    """
    location = _location(path, name)
    with _explained(path, name):
        if location.protocol in _LOCAL:
            final = _prepared(location)
            part = _neighbour(final)
            try:
                with part.open("wb") as file:
                    _pack(lines, file, final.name)
                    os.fsync(file.fileno())
                part.replace(final)
            finally:
                part.unlink(missing_ok=True)
        else:
            # A store's own file, closed by an error, keeps what was written so far.
            with NamedTemporaryFile() as file:
                _pack(lines, file, location.name)
                location.fs.put_file(file.name, location.path)


def exists(path: "Location", name: str) -> bool:
    """Whether there is such a file.

    :param name: of the argument, for messages.
    """
    with _explained(path, name):
        return bool(_location(path, name).exists())


def remove(path: "Location", name: str) -> None:
    """Remove a file, if it is there.

    :param name: of the argument, for messages.
    """
    with _explained(path, name):
        _location(path, name).unlink(missing_ok=True)


def check_writable(path: "Location", name: str = "results_path") -> None:
    """See early whether :func:`written` has a chance; a store is not asked.

    :raises SettingsInvalid: when it has none.
    """
    location = _location(path, name)
    if location.protocol in _LOCAL:
        with _explained(path, name):
            part = _neighbour(_prepared(location))
            part.touch()
            part.unlink()


def _pack(lines: Iterable[str], file: IO[bytes], name: str) -> None:
    packed = name.endswith(".gz")
    with (
        GzipFile(filename="", mode="wb", fileobj=file, mtime=0)
        if packed
        else nullcontext(file)
    ) as out:
        for line in lines:
            # Half of a surrogate pair, which Codat may say, is so escaped for JSON.
            out.write(line.encode(errors="backslashreplace") + b"\n")
    file.flush()


def _location(path: "Location", name: str) -> ObjectStoragePath:
    """Return the path, its file system found."""
    text = str(path).strip()
    if not text:
        raise SettingsInvalid(f"{name} is empty; give a path, such as s3://bucket/key")
    scheme = urlsplit(text).scheme
    try:
        location = ObjectStoragePath(text)
        location.fs  # noqa: B018 - looks for the provider and the connection
    except (ImportError, ValueError) as error:
        provider = _PROVIDERS.get(scheme, "the provider package that brings them")
        raise SettingsInvalid(
            f"{name}: this worker does not know {scheme}:// paths; install {provider}"
        ) from error
    return location


def _prepared(location: ObjectStoragePath) -> Path:
    """Return a local path whose folder exists."""
    final = Path(location.path)
    final.parent.mkdir(parents=True, exist_ok=True)
    if final.is_dir():
        raise IsADirectoryError
    return final


def _neighbour(final: Path) -> Path:
    return final.with_name(f".{final.name}.{secrets.token_hex(8)}.part")


@contextmanager
def _explained(path: "Location", name: str) -> Iterator[None]:
    """Say what is wrong with a path; what may pass by itself is raised as it is."""
    try:
        yield
    except FileUnreadable as error:
        raise SettingsInvalid(
            f"{name} names a file that {error}: {shown(path)}"
        ) from None
    except tuple(_REASONS) as error:
        reason = next(why for kind, why in _REASONS.items() if isinstance(error, kind))
        raise SettingsInvalid(f"{name} {reason}: {shown(path)}") from error


def shown(path: "Location") -> str:
    """Return a path for a message, without what stands before an @ in an address."""
    return re.sub(r"//[^/@]*@", "//", str(path))
