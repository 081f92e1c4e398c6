"""Tables of the guides that tests write, and hold the guides to."""

import os
from collections.abc import Sequence
from pathlib import Path


def check_table(page: Path, name: str, lines: Sequence[str]) -> None:
    """Expect a table between the marks of a page; CODAT_DOCS_TABLES=1 writes it anew.

    :param name: of the marks.
    """
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(begin)
    wanted = "".join([before, begin, *lines, end, rest.partition(end)[2]])
    if os.environ.get("CODAT_DOCS_TABLES"):
        page.write_text(wanted, encoding="utf-8")
    assert text == wanted
