"""The pages of a list, walked to its end, and no further.

Source: https://docs.codat.io/using-the-api/paging
"""

from typing import NamedTuple

from airflow_provider_codat.api.errors import Malformed
from airflow_provider_codat.api.http.request import Response
from airflow_provider_codat.api.http.response import object_of
from airflow_provider_codat.api.models import Json

_NEW_MEANWHILE = 1_000
"""How many entries may have come, at the least, while a list is walked."""

_MOST_REPEATED = 5
"""How many pages may show what an earlier one has shown: entries that come meanwhile
move others to the next page."""


class Page(NamedTuple):
    """One page of a list.

    :param more: whether it names a next one.
    :param total: how many entries there are on all pages; None where it does not tell.
    """

    entries: list[dict[str, Json]]
    more: bool
    total: int | None = None


def page_of(response: Response) -> Page:
    """Return one page of a list.

    :raises Malformed: when it is no page.
    """
    value = object_of(response)
    total = value.get("totalResults")
    # An empty page may come without a list, but tells that there is nothing.
    results = value.get("results", [] if total == 0 else None)
    if not isinstance(results, list) or not all(isinstance(r, dict) for r in results):
        raise Malformed("the answer has no list of results")
    links = value.get("_links")
    more = isinstance(links, dict) and bool(links.get("next"))
    entries = [r for r in results if isinstance(r, dict)]
    return Page(entries, more, total if isinstance(total, int) else None)


class PageWalk:
    """One walk over the pages of a list."""

    def __init__(self) -> None:
        self._pages: set[int] = set()
        self._repeated = 0
        self._entries = 0
        self._most: int | None = None

    def goes_on(self, page: Page) -> bool:
        """Take in a page; return whether another one is to be asked for.

        :raises Malformed: when the list does not come to an end: its pages were there
            before, or there are far more entries than the first page has told.
        """
        if not page.more or not page.entries:
            return False
        self._check_new(page)
        self._check_length(page)
        return True

    def _check_new(self, page: Page) -> None:
        names = (e.get("id") or e.get("pushOperationKey") or e for e in page.entries)
        shown = hash(tuple(map(str, names)))
        self._repeated += shown in self._pages
        if self._repeated > _MOST_REPEATED:
            raise Malformed("pages of the list bring nothing new: it would never end")
        self._pages.add(shown)

    def _check_length(self, page: Page) -> None:
        self._entries += len(page.entries)
        if self._most is None and page.total is not None:
            self._most = page.total + max(_NEW_MEANWHILE, page.total // 10)
        if self._most is not None and self._entries > self._most:
            raise Malformed(
                f"the list does not end: {self._entries} entries have come, and its "
                "first page told of far fewer"
            )
