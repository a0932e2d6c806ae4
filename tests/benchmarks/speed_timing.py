"""Measurements of the speed benchmark: turns of two sides, and the rows made of them."""

import math
import statistics
import sys
import time
import timeit
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

Seconds = Callable[[], float]
Query = Callable[[str], object]

UNROLLED = 50  # statements in the body of a timed loop, so that the loop itself costs little
LOOP = 0.002  # seconds of such a loop, at least
LOOPS = 5  # of a turn; their median counts, because other processes interrupt some


@dataclass(frozen=True)
class Turns:
    """What FuzzyDict and the peer took in each turn, in the same unit."""

    ours: list[float]
    peer: list[float]

    @property
    def ratios(self) -> list[float]:
        """FuzzyDict relative to the peer, for each turn."""
        return [ours / peer for ours, peer in zip(self.ours, self.peer, strict=True)]


@dataclass(frozen=True)
class Figure:
    """A row of the table; NaN and no verdict where it could not be measured."""

    row: str
    operation: str
    peer: str
    at_most: float = math.nan
    ours: float = math.nan
    theirs: float = math.nan
    ratio: float = math.nan
    least: float = math.nan
    most: float = math.nan
    unit: str = "s"
    turns: int = 0
    met: bool | None = None
    note: str = ""


def figure(
    operation: str,
    peer: str,
    at_most: float,
    turns: Turns,
    *,
    unit: str = "s",
    note: str = "",
) -> Figure:
    """Return the row of a measurement. A limit of NaN makes it informative only."""
    ratios = turns.ratios
    ratio = statistics.median(ratios)
    return Figure(
        row="",
        operation=operation,
        peer=peer,
        at_most=at_most,
        ours=statistics.median(turns.ours),
        theirs=statistics.median(turns.peer),
        ratio=ratio,
        least=min(ratios),
        most=max(ratios),
        unit=unit,
        turns=len(ratios),
        met=None if math.isnan(at_most) else ratio <= at_most,
        note=note,
    )


def in_turn(ours: Seconds, peer: Seconds, turns: int) -> Turns:
    """Measure one after the other, after a turn that warms both up."""
    pairs = [(ours(), peer()) for _ in range(turns + 1)][1:]
    return Turns([pair[0] for pair in pairs], [pair[1] for pair in pairs])


def allowed(values: Sequence[float], limit: float) -> Turns:
    """Compare with a limit, where there is no peer."""
    return Turns(list(values), [limit] * len(values))


def seconds_per_query(read: Query, queries: Sequence[str]) -> float:
    """Return the mean time of a read."""
    start = time.perf_counter()
    for query in queries:
        read(query)
    return (time.perf_counter() - start) / len(queries)


def median_per_query(read: Query, queries: Iterable[str]) -> float:
    """Return the median time of a read."""
    return statistics.median([seconds_per_query(read, [query]) for query in queries])


def fresh(read: Query, queries: Iterator[str], count: int) -> Seconds:
    """Return what measures ``count`` new queries."""
    return lambda: seconds_per_query(read, list(islice(queries, count)))


def same_queries(
    ours: Query, peer: Query, queries: Iterator[str], count: int
) -> tuple[Seconds, Seconds]:
    """Return what measures both sides with the same new queries; ours comes first."""
    current: list[str] = []

    def first() -> float:
        current[:] = islice(queries, count)
        return seconds_per_query(ours, current)

    return first, lambda: seconds_per_query(peer, current)


def statement(code: str, d: Any, keys: Sequence[str]) -> Seconds:
    """Return what measures a statement of ``d`` and ``{k}``, repeated with some keys."""
    names = [f"k{i}" for i in range(len(keys))]
    body = "\n".join(code.format(k=names[i % len(names)]) for i in range(UNROLLED))
    setup = f"d = D; v = 1; {', '.join(names)}, = K"
    timer = timeit.Timer(body, setup, globals={"D": d, "K": keys})
    timer.timeit(1)
    number = max(1, min(5000, math.ceil(LOOP / timer.timeit(1))))
    return lambda: statistics.median(timer.repeat(LOOPS, number)) / number / UNROLLED


def python_frames(run: Callable[[], object]) -> int:
    """Count the Python functions that are entered while ``run`` runs, without itself."""
    frames = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal frames
        frames += event == "call"

    sys.setprofile(count)
    try:
        run()
    finally:
        sys.setprofile(None)
    return frames - 1


def amount(value: float, unit: str = "s") -> str:
    """Return a value with a readable unit: ``12.3 µs``."""
    if not math.isfinite(value):
        return "-"
    if unit != "s":
        return f"{value:,.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}".strip()
    for name, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if abs(value) >= size:
            return f"{value / size:.3g} {name}"
    return f"{value * 1e9:.3g} ns"


def table(figures: Sequence[Figure]) -> str:
    """Return the rows as a Markdown table."""
    head = "operation,FuzzyDict,relative to,which takes,ratio,least to most,at most,met,note"
    rows = [head.split(",")]
    for each in figures:
        rows.append(
            [
                each.operation,
                amount(each.ours, each.unit),
                each.peer,
                amount(each.theirs, each.unit),
                _ratio(each.ratio),
                f"{_ratio(each.least)} to {_ratio(each.most)}" if each.turns > 1 else "",
                _ratio(each.at_most),
                {True: "yes", False: "no", None: "-"}[each.met],
                each.note,
            ]
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rows = [rows[0], ["-" * width for width in widths], *rows[1:]]
    return "\n".join(f"| {' | '.join(map(str.ljust, row, widths))} |" for row in rows)


def _ratio(value: float) -> str:
    return f"{value:.3g}" if math.isfinite(value) else "-"
