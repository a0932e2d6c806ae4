"""The plot of the speed benchmark: the time of a new query against the number of keys."""

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import speed_workers as workers
from speed_processes import NotMeasuredError, worker
from speed_rows import Options

SIZES = (10, 100, 1000, 10_000, 100_000, 1_000_000)
COUNT = 50  # queries of a turn
LOOKS = {
    "FuzzyDict": ("#0072B2", "o"),
    "RapidFuzz WRatio": ("#D55E00", "^"),
    "difflib": ("#666666", "D"),
}
MOST = {"difflib": 10_000}  # keys


@dataclass(frozen=True)
class Cost:
    """The median time of a new query to a system, in seconds."""

    system: str
    keys: int
    query: float


def costs(options: Options, notes: list[str]) -> list[Cost]:
    """Measure each system at each number of keys, each in a process of its own on one core."""
    most = max(options.keys, options.million)
    sizes = sorted({most, *(n for n in SIZES if n < most)})
    result = []
    for system in LOOKS:
        for n in sizes:
            if n > MOST.get(system, most):
                break
            arguments = system, options.texts, options.seed, n, COUNT
            try:
                with worker(workers.query_cost, *arguments, cores=options.cores[:1]) as turn:
                    query = turn()
            except NotMeasuredError as error:
                notes.append(f"plot without {system}: {error}")
                break
            result.append(Cost(system, n, query))
            if query > workers.GIVE_UP:
                notes.append(f"plot: {system} takes more than {workers.GIVE_UP:g} s at {n:,} keys")
                break
        print(f"cost of {system} done", file=sys.stderr)
    return result


def plot(measured: Sequence[Cost], path: Path) -> None:
    """Draw the time of a query against the number of keys.

    The background is opaque and light, so that the text is readable on dark pages, too.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter

    drawing = Figure(figsize=(7.5, 4.5), layout="constrained", facecolor="white")
    axes = drawing.subplots()
    ends = []
    for system, (color, marker) in LOOKS.items():
        here = [each for each in measured if each.system == system]
        if here:
            x, y = [each.keys for each in here], [each.query for each in here]
            axes.plot(x, y, color=color, marker=marker, markersize=6, linewidth=2)
            ends.append((y[-1], x[-1], system, color))
    axes.set(xscale="log", yscale="log", facecolor="white")
    axes.set_title("Time of a new query on one core", fontsize=13, loc="left", pad=12)
    axes.set_xlabel("keys", fontsize=11)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda n, _: f"{n:,.0f}"))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda seconds, _: _time(seconds)))
    axes.tick_params(which="both", colors="#333333", labelsize=10)
    axes.tick_params(which="minor", length=0)
    axes.grid(which="major", color="#dddddd", linewidth=0.7)
    axes.spines[["top", "right"]].set_visible(False)
    _label(axes, ends)
    drawing.savefig(path, dpi=150)


def _time(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= 0.999 * size:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds * 1e6:.3g} µs"


def _label(axes: Any, ends: list[tuple[float, int, str, str]]) -> None:
    """Write the name of each system at the end of its line, without overlaps."""
    low, high = map(math.log, axes.get_ylim())
    last: dict[int, float] = {}  # by the place of the line's end
    for y, x, name, color in sorted(ends):
        height = max((math.log(y) - low) / (high - low), last.get(x, -1.0) + 0.07)
        last[x] = height
        axes.annotate(
            name,
            (x, math.exp(low + height * (high - low))),
            (9, 0),
            textcoords="offset points",
            annotation_clip=False,
            color=color,
            va="center",
            fontsize=11,
        )
