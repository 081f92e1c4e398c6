"""The laws of a list in pages: read to its end, and not for ever."""

import json
from itertools import count

import pytest

from airflow_provider_codat.api.errors import Malformed
from airflow_provider_codat.api.http.paging import Page, PageWalk, page_of
from airflow_provider_codat.api.http.request import Response


def reply(status: int, body: object) -> Response:
    return Response(status, {}, json.dumps(body).encode(), 0.0)


@pytest.mark.parametrize("value", [None, [], "text", 7, True], ids=str)
def test_what_is_no_object(value: object) -> None:
    """Where a page is documented, any other JSON is malformed."""
    with pytest.raises(Malformed):
        page_of(reply(200, value))


@pytest.mark.parametrize(
    ("body", "page"),
    [
        ({"results": [{"a": 1}]}, ([{"a": 1}], False)),
        ({"results": [], "pageNumber": 0, "pageSize": 0}, ([], False)),
        ({"results": [], "_links": {"next": {"href": "/x?page=2"}}}, ([], True)),
        ({"results": [], "_links": {"next": None}}, ([], False)),
        ({"results": [], "_links": None}, ([], False)),
        ({"totalResults": 0}, ([], False)),
    ],
    ids=["one", "odd numbers", "more", "no more", "null links", "nothing"],
)
def test_pages(body: object, page: tuple[list[object], bool]) -> None:
    """A page has its results, and a link if another follows."""
    assert page_of(reply(200, body))[:2] == page


@pytest.mark.parametrize("results", [None, {}, "x", [1], [{}, None]], ids=str)
def test_what_is_no_page(results: object) -> None:
    """A list of anything but objects is malformed."""
    with pytest.raises(Malformed, match="no list of results"):
        page_of(reply(200, {"results": results}))


@pytest.mark.parametrize(
    "body", [{}, {"message": "hello"}, {"totalResults": 3}], ids=str
)
def test_another_servers_json_is_no_page(body: object) -> None:
    """What has no list, and does not say that there is nothing, is not Codat's."""
    with pytest.raises(Malformed, match="no list of results"):
        page_of(reply(200, body))


@pytest.mark.parametrize(
    ("told", "total"), [(7, 7), (0, 0), (None, None), ("7", None), ([], None)]
)
def test_the_total(told: object, total: int | None) -> None:
    """How many there are is known where the page tells it as a number."""
    page = page_of(reply(200, {"results": [{}], "totalResults": told}))
    assert page.total == total


def page(*names: object, more: bool = True, total: int | None = None) -> Page:
    return Page([{"id": str(name)} for name in names], more, total)


def walked(pages: "object") -> int:
    """Walk over pages; return how many were asked for."""
    walk = PageWalk()
    for number, each in enumerate(pages, 1):  # type: ignore[call-overload] # an iterable
        if not walk.goes_on(each):
            return number
    raise AssertionError("another page was asked for")


def test_to_the_end() -> None:
    """A list is walked to the page that names no next one, or is empty."""
    pages = [page(n, n + 1) for n in range(0, 1000, 2)]
    assert walked([*pages, page(1000, more=False)]) == 501
    assert walked([*pages, page()]) == 501


def test_what_comes_meanwhile() -> None:
    """Entries that come while it is walked move others on: that ends nothing."""
    moving = [page(n, n + 1, total=10 + n) for n in range(400)]
    assert walked([*moving, page(more=False)]) == 401


@pytest.mark.parametrize("period", [1, 2, 7])
def test_pages_that_repeat(period: int) -> None:
    """A list whose pages come again is given up soon, and says why."""
    endless = (page(n % period, "x") for n in count())
    with pytest.raises(Malformed, match="would never end"):
        walked(endless)
    assert next(endless) == page((period + 6) % period, "x")


def test_entries_without_a_name_repeat() -> None:
    """What has no id is told apart by all that it says."""
    endless = (Page([{"a": 1, "b": [2]}], more=True) for _ in count())
    with pytest.raises(Malformed, match="would never end"):
        walked(endless)


@pytest.mark.parametrize(("total", "most"), [(3, 1_003), (100_000, 110_000)])
def test_more_than_the_first_page_told(total: int, most: int) -> None:
    """A list that goes on with ever new entries ends where it is far too long."""
    asked = []

    def endless() -> "object":
        for number in count():
            asked.append(number)
            entries = [{"id": f"{number} {n}"} for n in range(100)]
            yield Page(entries, more=True, total=total if number == 0 else 10**9)

    with pytest.raises(Malformed, match="does not end"):
        walked(endless())
    assert len(asked) * 100 in range(most, most + 200)
