"""Write the table of versions from what nox has seen on each of them.

    python compatibility.py [RESULTS [PAGE ...]]

RESULTS is the folder with a file for each version. What has no file has no row: one
that was left standing would speak of another package.
"""

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / ".nox" / "results"
PAGES = (ROOT / "README.md", ROOT / "docs" / "compatibility.md")
BEGIN, END = "<!-- compatibility: begin -->\n", "<!-- compatibility: end -->\n"
COLUMNS = {
    "operators": "operators, sensor",
    "deferrable": "deferrable",
    "journal": "journal in Airflow",
    "journal_of_ones_own": "journal in your database",
    "retry_policy": "retry policy",
    "form": "connection form",
    "decorator": "`@task`",
    "assets": "asset events",
    "webhooks": "webhooks",
}


def main(results: str = str(RESULTS), *pages: str) -> None:
    """Rewrite the table in each page, or end with what is missing."""
    files = sorted(Path(results).glob("*.json"))
    seen = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    if not seen:
        sys.exit(f"Nothing was seen: no JSON in {results}")
    if len(packages := {each["package"] for each in seen}) > 1:
        sys.exit(f"They are of several packages: {', '.join(sorted(packages))}")
    for page in map(Path, pages or PAGES):
        text = page.read_text(encoding="utf-8")
        page.write_text(rewritten(text, table(seen)), encoding="utf-8")


def table(seen: list[dict[str, Any]]) -> str:
    """Return the table in Markdown, the newest version first."""
    titles = ["Airflow", "Python", *COLUMNS.values(), "tests"]
    rows = [
        [each["airflow"], each["python"], *cells(each)]
        for each in sorted(seen, key=newness, reverse=True)
    ]
    lines = [titles, ["---"] * len(titles), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def newness(seen: dict[str, Any]) -> list[list[int]]:
    """Return what sorts versions: of Airflow, then of Python."""
    versions = (seen["airflow"], seen["python"])
    return [[int(part) for part in version.split(".")] for version in versions]


def cells(seen: dict[str, Any]) -> list[str]:
    """Return what was seen, and how the tests ended."""
    parts = ["yes" if seen[name] else "no" for name in COLUMNS]
    ((kind, counts),) = seen["tests"].items()
    words = ", ".join(f"{count:,} {end}" for end, count in counts.items() if count)
    return [*parts, f"{kind}: {words}"]


def rewritten(page: str, table: str) -> str:
    """Return a page with the table between its marks."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        sys.exit("The page has no place for the table")
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


if __name__ == "__main__":
    main(*sys.argv[1:])
