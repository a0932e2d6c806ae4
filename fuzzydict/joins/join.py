"""Fuzzy joins of tables.

The distinct values of both columns are matched (`Problem`); rows are merged by these matches.
"""

import os
from collections.abc import Hashable, Iterable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from fuzzydict.index.approximate import IndexKind
from fuzzydict.joins import dask
from fuzzydict.joins.candidates import Ints, within_groups
from fuzzydict.joins.frames import Frame, is_dask, kinds, open_table, result_names
from fuzzydict.joins.precision import Report
from fuzzydict.joins.solving import Options, Problem, Solution
from fuzzydict.mapping import FuzzyDict
from fuzzydict.options import check_count, check_probability
from fuzzydict.progress import progress_bars
from fuzzydict.ranking.guards import DEFAULT, Guard

__all__ = ["Joined", "join"]

_HOW = ("left", "inner", "right", "outer")
_PARTITIONED_HOW = ("left", "inner")  # computable from one partition of the left table


class Joined(NamedTuple):
    """A joined table, and what is expected of it."""

    table: Any
    report: Report


def join(
    left: Any,
    right: Any,
    on: Hashable | None = None,
    *,
    left_on: Hashable | None = None,
    right_on: Hashable | None = None,
    exact: Sequence[Hashable] = (),
    how: Literal["left", "inner", "right", "outer"] = "left",
    precision: float = 0.95,
    cutoff: float | None = None,
    n: int = 1,
    one_to_one: bool = False,
    pairs: Iterable[tuple[Hashable, Hashable]] = (),
    suffixes: tuple[str | None, str | None] = ("", "_right"),
    score: Hashable | None = None,
    report: bool = False,
    embedder: Any = None,
    guards: Iterable[Guard] = DEFAULT,
    index: IndexKind = "auto",
    progress: bool | None = None,
) -> Any:
    """Merge two tables on columns with different spellings.

    Each row of ``left`` is joined to the rows of ``right`` whose value means the same, if there is
    one. A pair is judged by its rarest tokens and letters (how rare, both tables tell), and by a
    `FuzzyDict` of the right values, which knows synonyms. Missing values match nothing; values that
    are not text match equal ones.

    The result has the type of ``left``, the columns of both tables and the score of each pair, from
    0 to 1. Rows come in the order of ``left``, then the unmatched rows of ``right``; for "right",
    in the order of ``right``. The index is new. Each distinct value is looked up once.

    Args:
        left: A table of pandas, polars, PyArrow, Modin, DuckDB or Dask. Lazy tables of polars and
            relations of DuckDB are collected. A Dask table gives a Dask table, whose workers share
            the lookups; then the right columns of a "left" join have dtypes with missing values.
        right: A table of the same library (of pandas for a Dask table), or a `FuzzyDict` or the
            path of a saved one: its keys are a column named ``right_on``, and its values one or,
            if they are dicts, several further columns.
        on: The name of the column in both tables.
        left_on: The name of the left column, together with ``right_on``.
        right_on: The name of the right column.
        exact: Names of columns of both tables that must be equal and not missing.
        how: Which unmatched rows to keep, as in ``pandas.merge``; Dask: "left" or "inner".
        precision: The share of the returned pairs that should be right, from 0 to 1. The cutoff is
            chosen accordingly, without labels, and is at least half of it: see
            `fuzzydict.joins.precision`.
        cutoff: The lowest score of a pair, instead of ``precision``.
        n: The highest number of right values for each left one.
        one_to_one: Match each right value at most once, with the highest sum of scores. Rows with
            equal values are paired in their order. Not for Dask.
        pairs: Known pairs: left value, right value or None. They are matched accordingly, and
            improve the choice of the cutoff.
        suffixes: Appended to names that both tables have, repeatedly while the name is taken.
        score: The name of the column of scores; "score" by default, or "score_2" and so on if a
            table has a column "score".
        report: Return a `Joined`: the table, and a report with the estimated match rate, precision
            and recall, and the cutoff. Not for Dask.
        embedder: As in `FuzzyDict`.
        guards: As in `FuzzyDict`.
        index: As in `FuzzyDict`.
        progress: As in `FuzzyDict.get_many`.

    Raises:
        ValueError: ``how`` is unknown, a column does not exist or would exist twice, or one column
            has numbers and the other text (1 never matches "1").
        TypeError: An argument is not a table.
        ImportError: A library is not installed.

    >>> import pandas
    >>> orders = pandas.DataFrame({"country": ["Czech Republic", "Germny", None], "n": [3, 5, 1]})
    >>> rates = pandas.DataFrame({"name": ["Germany", "Czechia"], "tax": [19, 21]})
    >>> join(orders, rates, left_on="country", right_on="name")[["n", "name", "tax"]]
       n     name   tax
    0  3  Czechia  21.0
    1  5  Germany  19.0
    2  1      NaN   NaN
    """
    if how not in _HOW:
        raise ValueError(f"how must be one of {', '.join(_HOW)}, got {how!r}")
    if not isinstance(suffixes, (tuple, list)) or len(suffixes) != 2:
        raise TypeError(f"suffixes must be a pair of strings or None, got {suffixes!r}")
    options = Options(
        check_probability(precision, "precision"),
        None if cutoff is None else check_probability(cutoff, "cutoff"),
        check_count(n, "n"),
        one_to_one,
        tuple(pairs),
    )
    if one_to_one and n > 1:
        raise ValueError(f"one_to_one matches one value, but n is {n}")
    ours = open_table(left._meta if is_dask(left) else left, "left")
    left_on, right_on = _columns(on, left_on, right_on)
    d, table = None, right
    if isinstance(right, (str, os.PathLike)):
        right = FuzzyDict.load(right, embedder=embedder)
    if isinstance(right, FuzzyDict):
        d, theirs = right, _table_of(right, str(right_on), ours)
    else:
        theirs = open_table(table, "right")
    if theirs.library != ours.library:
        to = "; convert it with .to_pandas()" if hasattr(table, "to_pandas") else ""
        raise TypeError(
            f"both tables must be of one library, got {ours.library} and {theirs.library}{to}"
        )
    for frame, side, column in ((ours, "left", left_on), (theirs, "right", right_on)):
        for each in (column, *exact):
            frame.check(each, side)
    names = result_names(ours.columns, theirs.columns, suffixes, score)
    right_rows, right_units = theirs.units([right_on, *exact])
    if d is None:
        texts = (unit[0] for unit in right_units if isinstance(unit[0], str))
        d = FuzzyDict(dict.fromkeys(texts), embedder=embedder, guards=guards, index=index)
    if is_dask(left):
        if how not in _PARTITIONED_HOW:
            raise ValueError(
                f"how must be {' or '.join(_PARTITIONED_HOW)} for a Dask table, got {how!r}"
            )
        if report or one_to_one:
            raise ValueError(
                "report and one_to_one need a table that is in memory, not one of Dask"
            )
        dask_kinds = dask.kinds(ours.dtype(left_on))
        _check_kinds(ours, theirs, left_on, right_on, dask_kinds, kinds(right_units))
        task = dask.Task((left_on, *exact), theirs, right_rows, right_units, d, options, how, names)
        return dask.joined(left, task, merged)
    left_rows, left_units = ours.units([left_on, *exact])
    _check_kinds(ours, theirs, left_on, right_on, kinds(left_units), kinds(right_units))
    with progress_bars(progress):
        problem = Problem(left_units, right_units, d, options)
        solution = problem.solve([problem.pairs()])
    result = merged(ours, theirs, left_rows, right_rows, solution, how, names, one_to_one)
    return Joined(result, solution.report) if report else result


join.__module__ = "fuzzydict"  # users import it from there
__test__ = {"join": join}  # otherwise doctest skips it


def _columns(on: Any, left_on: Any, right_on: Any) -> tuple[Any, Any]:
    given = [name is not None for name in (on, left_on, right_on)]
    if given not in ([True, False, False], [False, True, True]):
        raise ValueError("pass on=, or both left_on= and right_on=")
    return (on, on) if on is not None else (left_on, right_on)


def _check_kinds(
    left: Frame, right: Frame, left_on: Any, right_on: Any, ours: set[str], theirs: set[str]
) -> None:
    if ours and theirs and ours.isdisjoint(theirs):
        raise ValueError(
            f"the left column {left_on!r} has dtype {left.dtype(left_on)} and the right column "
            f"{right_on!r} has dtype {right.dtype(right_on)}, so no values are equal; convert one "
            f"of them, for example with .astype('string')"
        )


def _table_of(d: FuzzyDict[Any, Any], name: str, like: Frame) -> Frame:
    """Return the items of a dictionary as a table of the library of another one."""
    keys, values = list(d), list(d.values())
    columns: dict[str, list[Any]] = {name: keys}
    if values and all(isinstance(value, dict) for value in values):
        fields = dict.fromkeys(str(field) for value in values for field in value)
        for field in fields:
            columns[field] = [value.get(field) for value in values]
    elif any(value is not None for value in values):
        columns["value"] = values
    return like.like(columns)


def merged(
    left: Frame,
    right: Frame,
    left_rows: Ints,
    right_rows: Ints,
    solution: Solution,
    how: str,
    names: list[Any],
    one_to_one: bool,
) -> Any:
    """Return the joined table.

    Args:
        left_rows: The unit of each row of ``left``, -1 if it has none.
        right_rows: The same of ``right``.
        solution: Pairs of units.
        how: Which unmatched rows to keep.
        names: The names of the columns.
        one_to_one: Pair rows with equal values in their order.
    """
    one, places = _expand(left_rows, solution.left)
    order = np.argsort(right_rows, kind="stable")
    of_place, two = _expand(solution.right[places], right_rows[order])
    one, places, two = one[of_place], places[of_place], order[two]
    if one_to_one:
        paired = _number(left_rows)[one] == _number(right_rows)[two]
        one, places, two = one[paired], places[paired], two[paired]
    scores = solution.scores[places]
    if how in ("left", "outer"):
        alone = np.setdiff1d(np.arange(len(left)), one)
        one, two, scores = _append(one, two, scores, alone, np.full(len(alone), -1))
        by_left = np.argsort(one, kind="stable")
        one, two, scores = one[by_left], two[by_left], scores[by_left]
    if how in ("right", "outer"):
        alone = np.setdiff1d(np.arange(len(right)), two)
        one, two, scores = _append(one, two, scores, np.full(len(alone), -1), alone)
    if how == "right":
        by_right = np.lexsort((one, two))
        one, two, scores = one[by_right], two[by_right], scores[by_right]
    return left.beside(right, one, two, [scores], names)


def _expand(wanted: Ints, groups: Ints) -> tuple[Ints, Ints]:
    """Return places i and j with ``wanted[i] == groups[j]``, by i; ``groups`` is sorted."""
    starts = np.searchsorted(groups, wanted, "left")
    counts = np.where(wanted < 0, 0, np.searchsorted(groups, wanted, "right") - starts)
    one = np.repeat(np.arange(len(wanted)), counts)
    return one, starts[one] + within_groups(counts)


def _number(rows: Ints) -> Ints:
    """Return how many rows before each one are of the same unit."""
    order = np.argsort(rows, kind="stable")
    ordered = rows[order]
    number = np.empty(len(rows), np.int64)
    number[order] = np.arange(len(rows)) - np.searchsorted(ordered, ordered)
    return number


def _append(one: Ints, two: Ints, scores: Any, more: Ints, other: Ints) -> tuple[Ints, Ints, Any]:
    missing = np.full(len(more), np.nan)
    return (
        np.concatenate([one, more]),
        np.concatenate([two, other]),
        np.concatenate([scores, missing]),
    )
