"""The laws of windows that are kept on the disk, and not in memory."""

import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_codat.api.bulk.settled_windows import SettledWindows


@given(st.lists(st.tuples(st.integers(0, 9), st.text(max_size=20)), max_size=30))
def test_the_latest_text_of_each_is_kept(written: list[tuple[int, str]]) -> None:
    """Whatever is written in whatever order, each number has its latest text."""
    windows, expected = SettledWindows(), dict(written)
    for number, text in written:
        windows[number] = text
    assert len(windows) == max(expected, default=-1) + 1
    assert {number: windows[number] for number in expected} == expected


IN_ITS_OWN = """
import resource, sys
from airflow_provider_codat.api.bulk.settled_windows import SettledWindows
from airflow_provider_codat.api.errors import JournalFailed

def rss():
    with open("/proc/self/statm") as told:
        return int(told.read().split()[1]) * resource.getpagesize()

windows, text = SettledWindows(), "x" * 43_000
"""


def run(program: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-c", IN_ITS_OWN + program],
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout


def test_they_take_no_memory() -> None:
    """A million rows' windows, 86 MB, cost a process less than 16 MB."""
    program = """
before = rss()
for number in range(2_000):
    windows[number] = text
assert windows[1_999] == windows[0] == text
print((rss() - before) // 1_000_000)
"""
    assert int(run(program)) < 16


def test_a_disk_that_is_full() -> None:
    """Where they cannot be kept, the task says why, and sends nothing more."""
    program = """
resource.setrlimit(resource.RLIMIT_FSIZE, (5_000_000, 5_000_000))
try:
    for number in range(2_000):
        windows[number] = text
except JournalFailed as error:
    print(error)
"""
    told = run(program)
    assert "TMPDIR" in told
    assert "OSError" in told
