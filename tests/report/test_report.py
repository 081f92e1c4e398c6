"""The laws of a report: what it counts, how it groups, and what it lets in."""

import gzip
import json
import re
import subprocess
import sys
import tracemalloc
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from results import FAILED, REASONS, lines, results

from airflow_provider_codat.report.__main__ import main
from airflow_provider_codat.report.figures import Figures, outcome_of
from airflow_provider_codat.report.page import About, _bars, page_of

if not all(map(find_spec, ("jinja2", "pygal"))):
    pytest.skip("the extra report is not installed", allow_module_level=True)

CANARY = "canary-7731"
BEYOND = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]


def figures_of(*rows: dict[str, Any], most: int = 100_000) -> Figures:
    figures = Figures(most)
    for row in rows:
        figures.add(outcome_of(row))
    return figures


def page(figures: Figures, **about: Any) -> str:  # noqa: ANN401 - of About
    return "\n".join(page_of(figures, About(**about)))


def embedded(text: str) -> list[list[Any]]:
    """Return the rows that stand in a page."""
    found = re.search(r'id="rows">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    rows: list[list[Any]] = json.loads(found[1])
    return rows


def failed(row: int, words: str, **more: object) -> dict[str, Any]:
    return {"row": row, "status": "Failed", "problems": [words], **more}


class TestFigures:
    """What is counted."""

    def test_reasons(self) -> None:
        """Rows of one reason stand together, whatever number or id is theirs."""
        figures = figures_of(*results())
        found = [(each.status, each.rows) for each in figures.reasons]
        assert found == [(status, count) for status, _, count in REASONS]
        assert all(each.what_to_do for each in figures.reasons)
        assert figures.tally.missing == FAILED
        assert (figures.tally.adopted, figures.warned) == (10, 12)

    def test_many_reasons(self) -> None:
        """A thousand reasons are the first fifty, and others."""
        rows = [failed(n, "x" * n) for n in range(1, 1000)]
        figures = figures_of(*rows)
        assert len(figures.reasons) == 51
        assert figures.reasons[0].words == "other reasons"
        assert sum(each.rows for each in figures.reasons) == 999

    def test_minutes(self) -> None:
        """Each minute has its rows, also one without any."""
        rows = [
            {"row": 1, "status": "Success", "sent_at": f"2026-03-01T02:{at}:30+00:00"}
            for at in ("00", "00", "02")
        ]
        counted = figures_of(*rows).minutes
        first = min(counted)
        assert counted == {first: 2, first + 2: 1}

    def test_what_is_left_out(self) -> None:
        """When there are too many rows, those that are in the books are left out."""
        rows = [{"row": n, "status": "Success"} for n in range(5)]
        figures = figures_of(*rows, failed(9, "x"), most=3)
        assert [each["row"] for each in figures.rows] == [9, 0, 1]
        assert "Here are 3 of 6 rows" in page(figures)

    def test_memory(self) -> None:
        """A million rows take no more than the table of 100,000."""
        row = {"row": 1, "status": "Success", "item_key": "C-1"}
        figures = Figures(1_000)
        tracemalloc.start()
        try:
            for _ in range(20_000):
                figures.add(outcome_of(row))
            assert tracemalloc.get_traced_memory()[1] < 2_000_000
        finally:
            tracemalloc.stop()

    @pytest.mark.parametrize(
        "value",
        [
            None,
            [],
            {},
            {"row": "1", "status": "Success"},
            {"row": 1},
            {"row": 1, "status": "Fine"},
            {"row": 1, "status": "Failed", "problems": "words"},
        ],
    )
    def test_no_result(self, value: object) -> None:
        """What is no line of results is refused."""
        with pytest.raises(ValueError, match="is no line of results"):
            outcome_of(value)

    @pytest.mark.parametrize(
        "at", ["", "soon", "2026-03-01T02:00:00", *BEYOND, 7, None]
    )
    def test_no_time(self, at: object) -> None:
        """A row without a time that can be read is not drawn, and nothing is lost."""
        figures = figures_of({"row": 1, "status": "Success", "sent_at": at})
        assert not figures.minutes
        assert "Rows over time" not in page(figures)


class TestPage:
    """What stands in the page."""

    def test_nothing_from_elsewhere(self) -> None:
        """No address is fetched: not of a script, a style, a font or a picture."""
        text = page(figures_of(*results(300)), requests_per_minute=900)
        assert "default-src 'none'" in text
        assert re.findall(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=", text) == []
        assert "@import" not in text
        assert "url(" not in text

    def test_everything_is_escaped(self) -> None:
        """Whatever a key or Codat's words hold, it is text."""
        evil = f"</script><script>alert('{CANARY}')</script><b>&amp;"
        text = page(
            figures_of(failed(1, evil, item_key=evil, record_id=evil)),
            title=evil,
            lines=[evil],
        )
        assert f"<script>alert('{CANARY}')" not in text
        ((_, key, _, words, record, *_),) = embedded(text)
        assert key == words == record == evil

    @pytest.mark.parametrize("link", ["javascript:alert(1)", "data:text/html,x", "/x"])
    def test_no_other_links(self, link: str) -> None:
        """A push operation leads to the web, or nowhere."""
        text = page(figures_of(failed(1, "x")), link=link)
        assert link not in text

    def test_no_traces(self, tmp_path: Path) -> None:
        """What draws it changes nothing in the worker's process: all is still found."""
        file, made = tmp_path / "results.jsonl", tmp_path / "report.html"
        file.write_text(lines(100))
        program = [
            "import sys",
            "from importlib.metadata import distribution",
            "from airflow_provider_codat.report.__main__ import main",
            "assert main(sys.argv[1:]) == 0",
            "assert 'pygal' in sys.modules",
            "assert not [f for f in sys.meta_path if 'pygal' in type(f).__module__]",
            "distribution('pytest')",
        ]
        done = subprocess.run(
            [sys.executable, "-c", "\n".join(program), str(file), "-o", str(made)],
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr

    def test_no_rows(self) -> None:
        """A report of nothing is one."""
        assert "<b>0</b> rows" in page(Figures())

    def test_long_runs(self) -> None:
        """A run of days is drawn in few bars."""
        rows = [
            {"row": n, "status": "Success", "sent_at": f"2026-03-{n:02}T02:00:00+00:00"}
            for n in range(1, 29)
        ]
        text = page(figures_of(*rows))
        assert "a bar is the mean of" in text
        assert text.count('class="bar"') <= 61

    def test_times_that_cannot_be(self) -> None:
        """A file that somebody has changed is drawn in as few bars, and soon."""
        rows = [
            {"row": 1, "status": "Success", "sent_at": "1970-01-01T00:00:00+00:00"},
            {"row": 2, "status": "Success", "sent_at": "9998-12-31T23:59:00+00:00"},
        ]
        text = page(figures_of(*rows))
        assert text.count('class="bar"') <= 61

    def test_bars_have_all_rows(self) -> None:
        """No row is left out of the drawing, whatever the minutes that a bar has."""
        for span in (1, 59, 60, 61, 299, 301, 86_399, 86_401):
            bars, width = _bars({7: 3, 7 + span: 4})
            assert sum(rate * width for _, rate in bars) == pytest.approx(7)
            assert len(bars) <= 60

    def test_the_limit(self) -> None:
        """It is drawn, and said."""
        text = page(figures_of(*results(3_000)), requests_per_minute=900)
        assert "limit 900" in text
        assert "the limit is 900 requests a minute" in text


class TestCommand:
    """``python -m airflow_provider_codat.report``."""

    @pytest.mark.parametrize("name", ["results.jsonl", "results.jsonl.gz"])
    def test_page(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
    ) -> None:
        """A file of results, packed or not, becomes a page."""
        file, output = tmp_path / name, tmp_path / "report.html"
        text = lines(300).encode()
        file.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
        assert main([str(file), "-o", str(output), "--title", "Ours"]) == 0
        assert capsys.readouterr().out == f"{output}: 300 rows, 40 not in the books\n"
        assert "<title>Ours</title>" in output.read_text()

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (None, "No such file"),
            (b"{", "line 1 is not JSON"),
            (b'{"customerName": "canary-7731"}', "line 1 is no line of results"),
            (b"\x1f\x8b\x08", "is not a whole gzip file"),
        ],
    )
    def test_bad_files(
        self,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        content: bytes | None,
        words: str,
    ) -> None:
        """What is no file of results is said to be none, and no page is written."""
        file, output = tmp_path / "results.jsonl", tmp_path / "report.html"
        if content is not None:
            file.write_bytes(content)
        assert main([str(file), "-o", str(output)]) == 2
        told = capsys.readouterr().err
        assert words in told
        assert CANARY not in told
        assert not output.exists()

    def test_nowhere(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """A page that cannot be written is named."""
        file = tmp_path / "results.jsonl"
        file.write_text(lines(100))
        assert main([str(file), "-o", str(tmp_path / "none" / "report.html")]) == 2
        assert "none/report.html" in capsys.readouterr().err
