"""What a person sees of a report, at two widths, in the light and in the dark."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest
from results import lines

from airflow_provider_codat.report.__main__ import main

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.slow, pytest.mark.ui]

ROOT = Path(__file__).parents[2]
ROWS, MANY = 5_000, 100_000
PORTAL = "https://app.codat.io/operations/{push_operation_key}"
Open = Callable[..., "Page"]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """Make the report of so many rows, once."""
    folder = tmp_path_factory.mktemp("reports")

    def made(rows: int) -> Path:
        path = folder / f"{rows}.html"
        if not path.exists():
            file = folder / f"{rows}.jsonl"
            file.write_text(lines(rows))
            title = ["--title", "Customers of 1 March", "--portal-url", PORTAL]
            limit = ["--requests-per-minute", "900"]
            assert main([str(file), "-o", str(path), *title, *limit]) == 0
        return path

    return made


@pytest.fixture
def opened(browser: "Browser", report: Callable[[int], Path]) -> Iterator[Open]:
    """Open a report as from a mail: from the disk, with nothing beside it."""
    contexts = []

    def do(
        rows: int = ROWS,
        width: int = 1280,
        scheme: Literal["light", "dark"] = "light",
    ) -> "Page":
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: pytest.fail(str(error)))
        page.goto(report(rows).as_uri())
        page.wait_for_selector("#window tbody tr[aria-rowindex]")
        return page

    yield do
    for context in contexts:
        context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_everybody_can_read_it(
    opened: Open, width: int, scheme: Literal["light", "dark"]
) -> None:
    """Contrast, labels and all else that axe asks of a page; nothing stands out."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = opened(width=width, scheme=scheme)
    found = axe.run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") == width
    if folder := os.environ.get("CODAT_UI_SCREENSHOTS"):
        name = f"report-{width}-{scheme}.png"
        page.screenshot(path=ROOT / folder / name, full_page=width > 400)


def test_search_and_sort(opened: Open) -> None:
    """A row is found by what stands in it; a click on a heading sorts, and back."""
    page = opened()
    found = page.locator("#found")
    assert found.inner_text() == "5,000 rows"
    page.fill("#search", "c-000123")
    assert found.inner_text() == "1 rows"
    page.fill("#search", "")
    page.select_option("#status", "Failed")
    assert found.inner_text() == "23 rows"
    page.select_option("#status", "")
    first = page.locator("#window tbody tr[aria-rowindex='2'] td").first
    row = page.get_by_role("button", name="row", exact=True)
    row.click()
    assert first.inner_text() == "1"
    row.click()
    assert first.inner_text() == "5000"
    assert page.locator("th[aria-sort=descending]").count() == 1
    link = page.locator("#window a").first
    assert (link.get_attribute("href") or "").startswith("https://app.codat.io/operat")


def test_a_hundred_thousand_rows(opened: Open) -> None:
    """Only what is to be seen is in the page; the last row is as near as the first."""
    page = opened(MANY)
    assert page.locator("#found").inner_text() == "100,000 rows"
    rows = page.locator("#window tbody tr[aria-rowindex]")
    assert rows.count() < 100
    page.evaluate("document.getElementById('window').scrollTop = 1e9")
    page.wait_for_selector(f"#window tr[aria-rowindex='{MANY + 1}']")
    assert rows.count() < 100
