"""The page of a report: one file of HTML, with nothing from elsewhere."""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import Any

from airflow_provider_codat.api.bulk.report import Outcome
from airflow_provider_codat.api.errors import SettingsInvalid
from airflow_provider_codat.api.models import Json
from airflow_provider_codat.report.figures import Figures

_MOST_BARS = 60
# Minutes that a bar may stand for; of a longer time, as many as it takes.
_DAY = 1440
_WIDTHS = (1, 2, 5, 10, 15, 30, 60, 120, 360, 720, _DAY)
_MOST_LABELS = 8
_LONGEST_REMARK = 300
_OF_THE_WEB = ("https://", "http://")


@dataclass(frozen=True, slots=True)
class About:
    """What a report says beside the results.

    :param title: of the page.
    :param lines: which company, which run, when.
    :param numbers: more figures: what they count, and how many.
    :param requests_per_minute: the limit that is drawn; None for none.
    :param link: where a push operation is to be seen: a URL, in which
        ``{push_operation_key}`` stands for its key; empty for none.
    """

    title: str = "What became of the rows"
    lines: Sequence[str] = ()
    numbers: Sequence[tuple[str, int]] = ()
    requests_per_minute: int | None = None
    link: str = ""


def check_installed() -> None:
    """See whether what draws a report is there.

    :raises SettingsInvalid: when it is not.
    """
    if not all(map(find_spec, ("jinja2", "pygal"))):
        raise SettingsInvalid(
            "a report needs what draws it: pip install 'airflow-provider-codat[report]'"
        )


def page_of(figures: Figures, about: About) -> Iterator[str]:
    """Yield the lines of the page.

    :raises SettingsInvalid: when what draws it is not installed.
    """
    check_installed()
    from jinja2 import Environment, PackageLoader  # noqa: PLC0415 - an extra
    from markupsafe import Markup  # noqa: PLC0415 - the same

    folder = PackageLoader("airflow_provider_codat", "report")
    template = Environment(loader=folder, autoescape=True).get_template("report.html")
    rows, statuses = figures.rows, list(figures.tally.counts)
    there = figures.tally.rows - figures.tally.missing
    share = there / figures.tally.rows if figures.tally.rows else 1.0
    chart, caption = _chart(figures, about)
    page = template.render(
        title=about.title,
        about=about.lines,
        numbers=about.numbers,
        figures=figures,
        share=f"{share:.1%}",
        width=round(100 * share, 2),
        chart=Markup(chart),  # noqa: S704 - the library has escaped all that is in it
        caption=caption,
        shown=len(rows),
        left_out=figures.tally.rows > len(rows),
        statuses=statuses,
        link=about.link if about.link.startswith(_OF_THE_WEB) else "",
        rows=[_cells(row, statuses) for row in rows],
    )
    yield from page.splitlines()


def _cells(row: Outcome, statuses: Sequence[str]) -> list[Json]:
    """Return what the table shows of a row, in the order of its columns."""
    return [
        row["row"],
        row["item_key"],
        statuses.index(row["status"]),
        "; ".join(row["problems"] or row["warnings"])[:_LONGEST_REMARK],
        row["record_id"],
        row["push_operation_key"],
        row["sent_at"],
    ]


def _chart(figures: Figures, about: About) -> tuple[str, str]:
    """Return the drawing of rows over time, and what it shows; empty for none."""
    if not figures.minutes:
        return "", ""
    bars, width = _bars(figures.minutes)
    chart = _blank_chart()
    chart.add("rows a minute", [rate for _, rate in bars])
    form = "%H:%M" if width * len(bars) <= _DAY else "%d %b %H:%M"
    labels = [f"{at:{form}}" for at, _ in bars]
    every = max(1, len(labels) // _MOST_LABELS)
    chart.x_labels, chart.x_labels_major = labels, labels[::every]
    limit = about.requests_per_minute
    if limit is not None:
        chart.y_labels = [0, limit // 2, {"label": f"limit {limit:,}", "value": limit}]
        chart.range = (0, max(limit, *(rate for _, rate in bars)))
    words = f"Rows sent a minute, from {bars[0][0]:%Y-%m-%d %H:%M %Z}"
    if width > 1:
        words += f"; a bar is the mean of {width:,} minutes"
    if limit is not None:
        words += f"; the limit is {limit:,} requests a minute, polls included"
    return chart.render(is_unicode=True), words


def _blank_chart() -> Any:  # noqa: ANN401 - pygal has no types
    """Return bars in the page's own colours."""
    import pygal  # noqa: PLC0415 - an extra
    from pygal.style import Style  # noqa: PLC0415 - the same

    # Its finder is one of Python 2's, of which each import that fails then warns. Those
    # of others stay: the one that importlib_metadata brings stands in for Python's own.
    sys.meta_path[:] = [
        finder for finder in sys.meta_path if type(finder).__module__ != pygal.__name__
    ]
    style = Style(
        background="transparent",
        plot_background="transparent",
        foreground="currentColor",
        foreground_strong="currentColor",
        foreground_subtle="currentColor",
        guide_stroke_color="currentColor",
        major_guide_stroke_color="var(--bad)",
        font_family="inherit",
        colors=("var(--bar)",),
        label_font_size=13,
        major_label_font_size=13,
    )
    return pygal.Bar(
        style=style,
        js=[],
        width=1000,
        height=280,
        show_legend=False,
        disable_xml_declaration=True,
        include_x_axis=True,
        show_minor_x_labels=False,
    )


def _bars(minutes: Mapping[int, int]) -> tuple[list[tuple[datetime, float]], int]:
    """Return from when on how many rows were sent a minute, and a bar's minutes.

    :param minutes: rows by the minute, one at least.
    """
    first, last = min(minutes), max(minutes)
    span = last - first + 1
    whole = -(-span // _MOST_BARS)
    width = next((each for each in _WIDTHS if each >= whole), whole)
    sums: Counter[int] = Counter()
    for minute, rows in minutes.items():
        sums[(minute - first) // width] += rows
    return [
        (datetime.fromtimestamp((first + n * width) * 60, UTC), sums[n] / width)
        for n in range(-(-span // width))
    ], width
