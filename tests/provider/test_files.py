"""The laws of reading rows from files, and of writing results into them."""

import gzip
import itertools
import json
import os
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from airflow_provider_codat.api.bulk.rows import Row, Rows, Rules
from airflow_provider_codat.api.errors import SettingsInvalid
from airflow_provider_codat.api.input.file_rows import FileFormat, Line
from airflow_provider_codat.tasks.files import check_writable, rows_of, written

try:
    from airflow.sdk.io import attach
except ImportError:
    from airflow.io.store import attach

CANARY = "canary-7731"
_NOISE = os.urandom(5000).hex().encode()
NAMES = [
    pytest.param("rows.jsonl", id="plain"),
    pytest.param("rows.jsonl.gz", id="gzip"),
]


class LockedFileSystem(MemoryFileSystem):
    """A store that lets nobody in, as one does whose connection lacks the right."""

    store: dict[str, Any] = {}  # noqa: RUF012 - fsspec's own shape

    def _open(self, path: str, *_: object, **__: object) -> Any:  # noqa: ANN401 - fsspec's
        raise PermissionError(path)


class FailingFileSystem(MemoryFileSystem):
    """A store whose uploads break."""

    store: dict[str, Any] = {}  # noqa: RUF012 - fsspec's own shape

    def put_file(self, *_: object, **__: object) -> None:
        raise OSError("the connection was lost")


def lines_of(path: str | Path) -> Iterator[bytes]:
    """Read the lines of a file, whatever its name is."""
    for row in rows_of(path, FileFormat("jsonl")):
        assert isinstance(row, Line)
        yield row.text


@pytest.fixture(autouse=True)
def stores() -> Iterator[None]:
    """Let Airflow know memory://, and two bad ones as connections of it."""
    attach("memory", fs=MemoryFileSystem())
    attach("memory", "locked", fs=LockedFileSystem())
    attach("memory", "failing", fs=FailingFileSystem())
    yield
    MemoryFileSystem.store.clear()


@pytest.fixture(params=["plain path", "file://", "memory://"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Name a folder, in each way in which one can be named."""
    return {
        "plain path": str(tmp_path),
        "file://": f"file://{tmp_path}",
        "memory://": "memory://bucket/folder",
    }[request.param]


class TestRoundTrip:
    """What is written can be read."""

    @pytest.mark.parametrize("name", NAMES)
    def test_round_trip(self, folder: str, name: str) -> None:
        """Lines come back as they were written, as often as they are asked for."""
        path = f"{folder}/new/{name}"
        given = ["a", "Zoë", "x" * 700_000, "last"]
        written(path, iter(given))
        assert [line.decode() for line in lines_of(path)] == given
        assert [line.decode() for line in lines_of(path)] == given

    @pytest.mark.parametrize("name", NAMES)
    def test_replaced(self, folder: str, name: str) -> None:
        """A later try's results replace those of an earlier one."""
        path = f"{folder}/{name}"
        written(path, ["a", "b", "c"])
        written(path, ["d"])
        assert list(lines_of(path)) == [b"d"]

    def test_nothing(self, folder: str) -> None:
        """An empty file has no lines."""
        written(f"{folder}/rows.jsonl.gz", [])
        assert list(lines_of(f"{folder}/rows.jsonl.gz")) == []

    @pytest.mark.parametrize("name", ["a b?c#d@e.jsonl", "ü%20.jsonl", "-"])
    def test_odd_names(self, tmp_path: Path, name: str) -> None:
        """A local file may have any name."""
        for path in (
            str(tmp_path / name),
            tmp_path / name,
            f"file://{tmp_path}/{name}",
        ):
            written(path, ["a"])
            assert list(lines_of(path)) == [b"a"]
        assert [each.name for each in tmp_path.iterdir()] == [name]

    def test_gzip_is_gzip(self, tmp_path: Path) -> None:
        """A compressed file is what other programs read, and always the same."""
        one, other = tmp_path / "1.gz", tmp_path / "2.gz"
        written(one, ["a", "b"])
        written(other, ["a", "b"])
        assert gzip.decompress(one.read_bytes()) == b"a\nb\n"
        assert one.read_bytes() == other.read_bytes()
        assert one.read_bytes()[4:8] == bytes(4), "the time is part of the file"

    def test_half_a_surrogate_pair(self, tmp_path: Path) -> None:
        """A text that is none, if Codat said it, does not spoil the results."""
        line = json.dumps({"problems": ["a\ud800b"]}, ensure_ascii=False)
        written(tmp_path / "results.jsonl", [line])
        (read,) = lines_of(tmp_path / "results.jsonl")
        assert json.loads(read) == {"problems": ["a\ud800b"]}

    def test_others_may_read_the_results(self, tmp_path: Path) -> None:
        """A file of results has the rights that the process gives to any file."""
        (tmp_path / "plain").touch()
        written(tmp_path / "results.jsonl", ["a"])
        rights = [path.stat().st_mode for path in tmp_path.iterdir()]
        assert rights[0] == rights[1]

    def test_as_streams(self, tmp_path: Path) -> None:
        """Neither side holds the whole file in memory."""
        path = tmp_path / "rows.jsonl.gz"
        tracemalloc.start()
        try:
            written(path, itertools.repeat("x" * 1000, 20_000))
            assert sum(1 for _ in lines_of(path)) == 20_000
            assert tracemalloc.get_traced_memory()[1] < 4_000_000
        finally:
            tracemalloc.stop()

    def test_rows(self, tmp_path: Path) -> None:
        """Rows can be read from a file, and again."""
        path = tmp_path / "rows.jsonl.gz"
        path.write_bytes(gzip.compress(b'\xef\xbb\xbf{"status": "Active"}\r\n\r\n[]'))
        rows = Rows(lambda: rows_of(path), Rules())
        (rejected,) = rows.survey().rejected
        assert str(rejected.problems[0]).startswith("line 3: must be one object")
        assert [isinstance(row, Row) for row in rows.read()] == [True, False]


class TestBadFiles:
    """What cannot be read is explained, and never quoted."""

    @pytest.mark.parametrize(
        "content",
        [
            pytest.param(gzip.compress(_NOISE)[:-1], id="last byte missing"),
            pytest.param(gzip.compress(_NOISE)[:2000], id="cut"),
            pytest.param(gzip.compress(b"a\n")[:5], id="cut in its head"),
            pytest.param(gzip.compress(b"a\n")[:-8] + bytes(8), id="wrong sum"),
            pytest.param(gzip.compress(b"a\n")[:10] + b"\xff" * 99, id="garbage"),
            pytest.param(b'{"customerName": "canary-7731"}\n', id="not compressed"),
        ],
    )
    def test_gzip(self, folder: str, content: bytes) -> None:
        """A file that is not a whole gzip file is refused, wherever it is broken."""
        path = f"{folder}/rows.jsonl.gz"
        written(f"{folder}/x", ["x"])  # makes the folder
        _put(path, content)
        with pytest.raises(
            SettingsInvalid, match=r"is (no|not a whole) gzip file"
        ) as caught:
            list(lines_of(path))
        assert str(caught.value).startswith("customers_path ")
        assert CANARY not in str(caught.value)

    @pytest.mark.parametrize("name", NAMES)
    def test_long_line(self, tmp_path: Path, name: str) -> None:
        """A file in one line, such as a JSON array, is not taken into memory."""
        written(tmp_path / name, ["a", "", "[" + "0," * 600_000, "b"])
        reading = lines_of(tmp_path / name)
        assert next(reading) == b"a"
        with pytest.raises(SettingsInvalid, match="line 3 that is longer than 1,000,0"):
            next(reading)

    @pytest.mark.parametrize(
        ("path", "message"),
        [
            pytest.param("{}/none.jsonl", "that this worker does not find", id="none"),
            pytest.param("{}", "names a folder; a file is needed", id="folder"),
            pytest.param(
                "{}/file/rows", "names a file where a folder must be", id="not a folder"
            ),
            pytest.param(
                "memory://bucket/none", "that this worker does not find", id="no key"
            ),
            pytest.param(
                "memory://locked@bucket/rows", "see its permissions", id="locked"
            ),
            pytest.param("", "is empty; give a path", id="empty"),
            pytest.param("  ", "is empty; give a path", id="blank"),
        ],
    )
    def test_not_found(self, tmp_path: Path, path: str, message: str) -> None:
        """A path that leads to no file is explained."""
        (tmp_path / "file").touch()
        with pytest.raises(SettingsInvalid, match=message):
            list(lines_of(path.format(tmp_path)))

    @pytest.mark.parametrize(
        ("path", "provider"),
        [
            ("s3://conn@bucket/key", r"apache-airflow-providers-amazon\[s3fs\]"),
            ("gs://bucket/key", "apache-airflow-providers-google"),
            ("abfs://bucket/key", "apache-airflow-providers-microsoft-azure"),
            ("nobodys://bucket/key", "the provider package that brings them"),
        ],
    )
    @pytest.mark.parametrize(
        "use",
        [
            pytest.param(lambda path: list(lines_of(path)), id="read"),
            pytest.param(lambda path: written(path, ["a"]), id="write"),
            pytest.param(check_writable, id="check"),
        ],
    )
    def test_no_provider(
        self, use: Callable[[str], object], path: str, provider: str
    ) -> None:
        """Where a provider package is missing, it is named."""
        with pytest.raises(SettingsInvalid, match=f"install {provider}"):
            use(path)

    def test_no_secrets(self) -> None:
        """What stands before an @, which may be a password, is not shown."""
        attach("memory", f"user:{CANARY}", fs=LockedFileSystem())
        with pytest.raises(SettingsInvalid, match=r": memory://bucket/rows$"):
            list(lines_of(f"memory://user:{CANARY}@bucket/rows"))


class TestBadResults:
    """A file of results is there as a whole, or not at all."""

    @pytest.mark.parametrize("name", NAMES)
    def test_half_written(self, folder: str, name: str) -> None:
        """When the lines break off, the old file stays, and nothing lies beside it."""
        path = f"{folder}/{name}"
        written(path, ["old"])
        before = _listed(folder)
        with pytest.raises(ZeroDivisionError):
            written(path, (str(1 // n) for n in range(1, -1, -1)))
        assert list(lines_of(path)) == [b"old"]
        assert _listed(folder) == before

    def test_nothing_half_written(self, folder: str) -> None:
        """When the lines break off, no new file appears."""
        written(f"{folder}/other", ["x"])  # makes the folder
        before = _listed(folder)
        with pytest.raises(ZeroDivisionError):
            written(f"{folder}/rows.jsonl", (str(1 // n) for n in range(1, -1, -1)))
        assert _listed(folder) == before

    def test_broken_upload(self) -> None:
        """An error that may pass is not explained away: Airflow tries again."""
        with pytest.raises(OSError, match="the connection was lost"):
            written("memory://failing@bucket/rows", ["a"])

    @pytest.mark.parametrize(
        ("path", "message"),
        [
            pytest.param("{}", "names a folder; a file is needed", id="folder"),
            pytest.param(
                "{}/file/rows", "names a file where a folder must be", id="not a folder"
            ),
            pytest.param(
                "{}/file/a/rows", "names a file where a folder must be", id="nor here"
            ),
            pytest.param("", "is empty; give a path", id="empty"),
        ],
    )
    @pytest.mark.parametrize(
        "use",
        [
            pytest.param(lambda path: written(path, ["a"]), id="write"),
            pytest.param(check_writable, id="check"),
        ],
    )
    def test_nowhere(
        self, tmp_path: Path, use: Callable[[str], object], path: str, message: str
    ) -> None:
        """A path that cannot be written is explained, before or afterwards."""
        (tmp_path / "file").touch()
        with pytest.raises(SettingsInvalid, match=message) as caught:
            use(path.format(tmp_path))
        assert str(caught.value).startswith("results_path ")

    def test_check(self, folder: str) -> None:
        """To see whether a file can be written changes no file, and leaves none."""
        path = f"{folder}/new/rows.jsonl"
        check_writable(path)
        with pytest.raises(SettingsInvalid, match="does not find"):
            list(lines_of(path))
        written(path, ["old"])
        check_writable(path)
        assert list(lines_of(path)) == [b"old"]
        assert len(_listed(f"{folder}/new")) == 1

    def test_locked(self) -> None:
        """A store that lets nobody write is explained."""
        with pytest.raises(SettingsInvalid, match="see its permissions"):
            written("memory://locked@bucket/rows", ["a"])

    @pytest.mark.skipif(os.geteuid() == 0, reason="everything is allowed to root")
    def test_permissions(self, tmp_path: Path) -> None:
        """A folder that may not be written is found early."""
        tmp_path.chmod(0o500)
        with pytest.raises(SettingsInvalid, match="see its permissions"):
            check_writable(tmp_path / "rows.jsonl")


def _local(path: str) -> Path:
    return Path(path.removeprefix("file://"))


def _put(path: str, content: bytes) -> None:
    if path.startswith("memory://"):
        MemoryFileSystem().pipe_file(path, content)
    else:
        _local(path).write_bytes(content)


def _listed(folder: str) -> list[str]:
    if folder.startswith("memory://"):
        return sorted(MemoryFileSystem().ls(folder, detail=False))
    return sorted(path.name for path in _local(folder).iterdir())
