"""Draw what many customers cost: ``bulk_plot.py bulk.json plot.svg``.

Runs in an environment of its own, with matplotlib.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from bulk_tables import TITLES, growth, requests_each, wall_seconds

OURS = "bulk"
COLOURS = {True: "#1b6e6a", False: "#a9b4bd"}


def main() -> None:
    """Draw three bar charts beside each other, and how memory grows."""
    source, target = map(Path, sys.argv[1:])
    result = json.loads(source.read_text(encoding="utf-8"))
    customers = result["customers"]["latency"]
    # Text stays text, and the same numbers give the same file.
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "bulk"})
    mpl.rcParams["font.sans-serif"] = ["DejaVu Sans"]
    figure, axes = plt.subplots(1, 4, figsize=(17, 4), layout="constrained")
    latency, processor = result["latency"], result["processor"]
    chart(
        axes[0],
        f"Seconds for {customers} customers",
        latency,
        lambda came: wall_seconds(came, customers),
        logarithmic=True,
    )
    chart(axes[1], "Requests per customer", latency, requests_each)
    chart(
        axes[2],
        "CPU per customer, ms",
        processor,
        lambda came: came["cpu_milliseconds"],
        logarithmic=True,
    )
    for each in axes[1:3]:
        each.set_yticklabels([])
    grown(axes[3], result)
    figure.savefig(target, metadata={"Date": None})


def grown(axes: Any, result: dict[str, Any]) -> None:  # noqa: ANN401 - the same
    """Draw the memory of a task over the rows that it is given."""
    runs = growth(result)
    numbers = [number for number, _, _ in runs]
    memory = [came["memory_megabytes"] for _, _, came in runs]
    axes.plot(numbers, memory, "o-", color=COLOURS[True])
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_title("Memory of the task, MB, by rows (logarithmic)", fontsize=10)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)


def chart(
    axes: Any,  # noqa: ANN401 - matplotlib is not in the type checker's environment
    title: str,
    came_of: dict[str, Any],
    value: Callable[[dict[str, Any]], float],
    *,
    logarithmic: bool = False,
) -> None:
    """Draw one bar for each client; one that was not measured has none."""
    names = list(reversed(TITLES))
    widths = [value(came_of[name]) if name in came_of else 0 for name in names]
    colours = [COLOURS[name == OURS] for name in names]
    axes.barh([TITLES[name].replace("`", "") for name in names], widths, color=colours)
    for at, width in enumerate(widths):
        if width:
            axes.annotate(f" {width:,.2f}", (width, at), va="center", fontsize=8)
    if logarithmic:
        axes.set_xscale("log")
        title += " (logarithmic)"
    axes.margins(x=0.25)
    axes.set_title(title, fontsize=10)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    main()
