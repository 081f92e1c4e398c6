"""The docs as a site: found by search, and readable, with no other server to ask."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.slow, pytest.mark.ui]

SITE = Path(__file__).parents[2] / "build" / "site"
if not (SITE / "search.html").exists():
    pytest.skip("`make docs` has not built the site", allow_module_level=True)


@pytest.fixture
def page(browser: "Browser") -> Iterator["Page"]:
    """Open a page in a browser that can reach no other machine."""
    context = browser.new_context(offline=True)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize(
    ("words", "leads_to"),
    [
        ("CODAT-E07", "reference/errors.html"),
        ("CreateAccountingInvoiceOperator", "data-types.html"),
        ("on_quota", "bulk.html"),
        ("killed worker", "exactly-once.html"),
    ],
)
def test_search(page: "Page", words: str, leads_to: str) -> None:
    """What somebody looks for is among the first that are found."""
    page.goto((SITE / "index.html").as_uri())
    page.fill("input[name=q]", words)
    page.press("input[name=q]", "Enter")
    # Before that, it shows one after another.
    page.wait_for_selector(".search-summary:has-text('Search finished')")
    links = page.eval_on_selector_all(
        "#search-results ul.search li a", "all => all.slice(0, 8).map(a => a.href)"
    )
    assert any(leads_to in link for link in links), links


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["exactly-once", "waiting"])
def test_diagrams_can_be_read(
    browser: "Browser", name: str, scheme: Literal["light", "dark"]
) -> None:
    """A diagram, which is drawn in black, is there, and on white in the dark, too."""
    with browser.new_context(offline=True, color_scheme=scheme) as context:
        page = context.new_page()
        page.goto((SITE / f"{name}.html").as_uri())
        diagram = page.locator("img[src*=svgbob]").first
        assert diagram.evaluate("e => e.complete && e.naturalWidth") > 0
        paper = "e => getComputedStyle(e).backgroundColor"
        assert diagram.evaluate(paper) == "rgb(255, 255, 255)"
