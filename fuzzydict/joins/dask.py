"""Joins of Dask tables: workers look up shares of the distinct left values."""

from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np

from fuzzydict.joins.candidates import Ints
from fuzzydict.joins.frames import Frame, open_table
from fuzzydict.joins.precision import Report
from fuzzydict.joins.solving import Options, Problem, Solution, Unit

__all__ = ["Task", "joined", "kinds"]


class Task(NamedTuple):
    """A join of a Dask table with a right table."""

    columns: Sequence[Hashable]
    right: Frame
    right_rows: Ints
    right_units: list[Unit]
    d: Any
    options: Options
    how: str
    names: list[Any]


def kinds(dtype: Any) -> set[str]:
    """Return the kind of all values of a dtype; empty if they may have several."""
    import pandas

    if isinstance(dtype, pandas.StringDtype):
        return {"text"}
    if pandas.api.types.is_numeric_dtype(dtype):
        return {"number"}
    return {"other"} if pandas.api.types.is_datetime64_any_dtype(dtype) else set()


def joined(left: Any, task: Task, merge: Callable[..., Any]) -> Any:
    """Return the join of a Dask table; ``merge`` builds the table of a partition.

    The problem and its solution are nodes of the graph, so that each worker receives them once
    instead of once per partition.
    """
    from dask.delayed import delayed

    once = delayed(task, traverse=False)
    units = delayed(_union)(
        [delayed(_units)(part, task.columns) for part in left[list(task.columns)].to_delayed()]
    )
    problem = delayed(_problem)(once, units)
    parts = [problem.pairs(i, left.npartitions) for i in range(left.npartitions)]
    solution = problem.solve(parts)
    empty = np.empty(0, np.int64)
    nothing = Solution(empty, empty, np.empty(0), Report(0, 1, 1, 1))
    shape = left._meta_nonempty if task.how == "left" else left._meta
    meta = _partition(shape, task, [], nothing, {}, merge).iloc[:0]
    types = dict(meta.dtypes.iloc[len(left.columns) :])
    return left.map_partitions(
        _partition,
        once,
        units,
        solution,
        types,
        merge,
        meta=meta,
        clear_divisions=True,
        align_dataframes=False,
    )


def _units(part: Any, columns: Sequence[Hashable]) -> list[Unit]:
    return open_table(part, "left").units(columns)[1]


def _union(parts: list[list[Unit]]) -> list[Unit]:
    return list(dict.fromkeys(unit for part in parts for unit in part))


def _problem(task: Task, units: list[Unit]) -> Problem:
    return Problem(units, task.right_units, task.d, task.options)


def _partition(
    left: Any,
    task: Task,
    units: list[Unit],
    solution: Solution,
    types: dict[Any, Any],
    merge: Callable[..., Any],
) -> Any:
    frame = open_table(left, "left")
    rows, own = frame.units(task.columns)
    place_of = {unit: place for place, unit in enumerate(units)}
    places = np.array([*(place_of.get(unit, -1) for unit in own), -1], np.int64)[rows]
    table = merge(frame, task.right, places, task.right_rows, solution, task.how, task.names, False)
    return table.astype(types)
