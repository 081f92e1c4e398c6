"""The windows of a journal that are settled: on the disk, but for the first few."""

from array import array
from tempfile import SpooledTemporaryFile
from weakref import finalize

from airflow_provider_codat.api.errors import JournalFailed

_IN_MEMORY_BYTES = 4 * 1024 * 1024
"""How much is kept in memory before a file takes it."""


class SettledWindows:
    """Texts by their numbers, of which a million rows' are 90 MB.

    The file has no name, and is gone with the process: what it holds is a copy of what
    the store has, read back when the task reports.
    """

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(_IN_MEMORY_BYTES)  # noqa: SIM115 - the next line closes it
        finalize(self, self._file.close)
        self._starts = array("Q")
        self._lengths = array("I")

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, number: int) -> str:
        self._file.seek(self._starts[number])
        return self._file.read(self._lengths[number]).decode()

    def __setitem__(self, number: int, text: str) -> None:
        """Keep a text, in place of what it was.

        :raises JournalFailed: when there is no room for it.
        """
        missing = number + 1 - len(self)
        self._starts.extend([0] * missing)
        self._lengths.extend([0] * missing)
        content = text.encode()
        try:
            self._starts[number] = self._file.seek(0, 2)
            self._lengths[number] = self._file.write(content)
        except OSError as error:
            raise JournalFailed(
                "the folder for temporary files (TMPDIR) cannot take the task's "
                f"windows: {type(error).__name__}. Nothing more was sent"
            ) from None
