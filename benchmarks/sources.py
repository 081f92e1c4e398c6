"""How much memory the rows of a source take, from the first look to the last.

Each source is a process of its own. Counted is the peak of its resident memory above
what it had after its imports and a first small table: for a file until its rows have
been checked, for a query until they lie in the staging folder, too. Beside them stands
what one would write instead, ``pandas``, which checks nothing.

``--rows`` and ``--only`` measure less, and write nothing.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "sources.json"
PAGE = ROOT / "docs" / "files.md"
BEGIN, END = "<!-- sources: begin -->\n", "<!-- sources: end -->"
SIZES = (100_000, 1_000_000)
WARM = 2_000
TITLES = {
    "postgres": "a query in Postgres, `SqlToCodatOperator`",
    "parquet": "Parquet",
    "csv": "CSV",
    "jsonl": "JSON lines",
    "pandas.read_sql": "`pandas.read_sql` and `to_dict`",
    "pandas.read_parquet": "`pandas.read_parquet` and `to_dict`",
}
HEADER = ("no", "company", "email", "street", "zip", "city")


def rows(number: int) -> Iterator[tuple[object, ...]]:
    """Yield the rows of a table of customers."""
    for n in range(number):
        yield n, f"Fen {n:07}", f"f{n}@fen.example", f"Main {n}", 1000 + n % 9000, "Ely"


# --- in a process of its own


def main_of_one(source: str, place: str, number: int) -> None:
    """Print how much memory a source takes, in MiB."""
    use = USES[source]
    use(place, WARM)
    before = peak_kib()
    if (counted := use(place, number)) != number:
        raise SystemExit(f"{source}: {counted:,} rows were read, and not {number:,}")
    print((peak_kib() - before) / 1024)


def peak_kib() -> int:
    """Return the most that was resident; what ``getrusage`` tells is the parent's."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    raise RuntimeError("Linux alone tells the peak of a process")


def check(path: str) -> int:
    """Check the rows of a file, as the operator does."""
    from airflow_provider_codat.tasks.files import rows_of  # noqa: PLC0415 - counted

    return survey(partial(rows_of, path))


def survey(opening: Callable[[], Any]) -> int:
    """Check rows; return how many they are."""
    from airflow_provider_codat.api.bulk.rows import Rows, Rules  # noqa: PLC0415 - counted

    columns = mapping()
    rules = Rules(columns.check, "no", columns=columns, tabular=True)
    made = Rows(opening, rules).survey()
    return made.total - made.invalid


def mapping() -> Any:  # noqa: ANN401 - Columns
    """Return what becomes of the columns."""
    from airflow_provider_codat.api.input.columns import read_columns  # noqa: PLC0415 - counted
    from airflow_provider_codat.api.payload.check import Check  # noqa: PLC0415 - counted

    names = {
        "company": "customerName",
        "email": "emailAddress",
        "street": "addresses[0].line1",
        "zip": "addresses[0].postalCode",
        "city": "addresses[0].city",
    }
    fixed = {"status": "Active", "addresses[0].type": "Billing"}
    return read_columns(Check(), names, fixed, (), "no")


class Hook:
    """What stands for a hook of a database: its connection."""

    def __init__(self, url: str) -> None:
        self.url = url

    def get_conn(self) -> Any:  # noqa: ANN401 - a driver's
        """Connect."""
        import psycopg2  # noqa: PLC0415 - counted

        return psycopg2.connect(self.url)


def staged(url: str, number: int) -> int:
    """Take the rows of a query to a file, and check them."""
    from airflow_provider_codat.api.input.file_rows import FileFormat  # noqa: PLC0415 - counted
    from airflow_provider_codat.tasks.staging import stage_rows, staged_rows  # noqa: PLC0415 - counted

    with TemporaryDirectory() as folder:
        path = f"{folder}/rows.jsonl.gz"
        sql = f"SELECT * FROM customers ORDER BY no LIMIT {number}"  # noqa: S608 - a number
        stage_rows(path, Hook(url), sql, None, mapping())
        form = FileFormat()
        return survey(partial(staged_rows, path, form, "staging_path"))


def pandas_sql(url: str, number: int) -> int:
    """Read the rows of a query as one would otherwise."""
    import pandas as pd  # noqa: PLC0415 - counted
    from sqlalchemy import create_engine  # noqa: PLC0415 - counted

    sql = f"SELECT * FROM customers ORDER BY no LIMIT {number}"  # noqa: S608 - a number
    with create_engine(url).connect() as connection:
        return len(pd.read_sql(sql, connection).to_dict("records"))


def pandas_parquet(folder: str, number: int) -> int:
    """Read the rows of a Parquet file as one would otherwise."""
    import pandas as pd  # noqa: PLC0415 - counted

    return len(pd.read_parquet(f"{folder}/{number}.parquet").to_dict("records"))


USES: dict[str, Callable[[str, int], int]] = {
    "postgres": staged,
    "parquet": lambda folder, number: check(f"{folder}/{number}.parquet"),
    "csv": lambda folder, number: check(f"{folder}/{number}.csv"),
    "jsonl": lambda folder, number: check(f"{folder}/{number}.jsonl"),
    "pandas.read_sql": pandas_sql,
    "pandas.read_parquet": pandas_parquet,
}


# --- all of them


def measured(sizes: list[int], only: list[str]) -> dict[str, dict[str, float]]:
    """Return the MiB of each source by the number of its rows."""
    from local_databases import postgres  # noqa: PLC0415 - scripts/, found by main

    found: dict[str, dict[str, float]] = {}
    with postgres() as server, TemporaryDirectory() as folder:
        url = f"postgresql://airflow@127.0.0.1:{server.connection['port']}/postgres"
        fill(url, max(sizes))
        for number in (WARM, *sizes):
            write(Path(folder), number)
        for source in only:
            place = url if source in {"postgres", "pandas.read_sql"} else folder
            for number in sizes:
                command = [
                    sys.executable,
                    __file__,
                    "--one",
                    source,
                    place,
                    str(number),
                ]
                done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
                mib = round(float(done.stdout.splitlines()[-1]), 1)
                found.setdefault(source, {})[str(number)] = mib
                print(f"{source}, {number:,} rows: {mib} MiB", flush=True)
    return found


def fill(url: str, number: int) -> None:
    """Make the table in Postgres."""
    import psycopg2  # noqa: PLC0415 - not for those that measure

    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE customers AS SELECT n AS no, 'Fen ' || lpad(n::text, 7, '0') "
            "AS company, 'f' || n || '@fen.example' AS email, 'Main ' || n AS street, "
            "1000 + n %% 9000 AS zip, 'Ely' AS city FROM generate_series(1, %s) AS n",
            [number],
        )
        cursor.execute("ALTER TABLE customers ADD PRIMARY KEY (no)")


def write(folder: Path, number: int) -> None:
    """Write the same rows as files."""
    import csv  # noqa: PLC0415 - not for those that measure

    import pyarrow as pa  # noqa: PLC0415 - the same
    from pyarrow.parquet import write_table  # noqa: PLC0415 - the same

    with (folder / f"{number}.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([HEADER, *rows(number)])
    with (folder / f"{number}.jsonl").open("w", encoding="utf-8") as file:
        for row in rows(number):
            file.write(json.dumps(dict(zip(HEADER, row, strict=True))) + "\n")
    columns = zip(HEADER, zip(*rows(number), strict=True), strict=True)
    table = pa.table({name: list(values) for name, values in columns})
    write_table(table, folder / f"{number}.parquet", row_group_size=50_000)


def rewritten(page: str, found: dict[str, dict[str, float]]) -> str:
    """Return the page with the table of what was measured."""
    lines = [
        "| rows | "
        + " | ".join(f"{int(n):,}" for n in next(iter(found.values())))
        + " |",
        "|---|" + "---:|" * len(next(iter(found.values()))),
        *(
            f"| {TITLES[source]} | "
            + " | ".join(f"{mib:,.0f} MiB" for mib in by_rows.values())
            + " |"
            for source, by_rows in found.items()
        ),
    ]
    before, _, rest = page.partition(BEGIN)
    return before + BEGIN + "\n".join(lines) + "\n" + END + rest.partition(END)[2]


def main() -> None:
    """Measure all, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, action="append")
    parser.add_argument("--only", choices=[*USES], action="append")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        source, place, number = options.one
        main_of_one(source, place, int(number))
        return
    sys.path.insert(0, str(ROOT / "scripts"))
    found = measured(options.rows or list(SIZES), options.only or list(USES))
    if options.rows or options.only:
        return
    RESULTS.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(rewritten(page, found), encoding="utf-8")


if __name__ == "__main__":
    main()
