"""One-to-one matches of the names of columns."""

from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np

from fuzzydict.joins.solving import assign
from fuzzydict.mapping import FuzzyDict
from fuzzydict.options import check_probability

__all__ = ["ColumnMatches", "match_columns"]


class ColumnMatches(dict[Any, Any]):
    """A dict from left to right names, for ``rename``, and what else there is to know.

    Attributes:
        scores: The score of each matched left name, from 0 to 1.
        conflicts: Left name, right name and score of pairs that are good enough, too, but whose
            left or right name is matched otherwise.
        unmatched_left: Left names without a match.
        unmatched_right: Right names without a match.
    """

    scores: dict[Any, float]
    conflicts: list[tuple[Any, Any, float]]
    unmatched_left: list[Any]
    unmatched_right: list[Any]


def match_columns(left: Any, right: Any, *, cutoff: float | None = None) -> ColumnMatches:
    """Match the columns of two tables one to one, by their names.

    The sum of the scores is the highest possible one, up to 0.0001 for each pair. Equal names match
    before all others. Takes a lookup for each left name.

    Args:
        left: A table, or an iterable of names.
        right: The same.
        cutoff: The lowest score of a match, as in `FuzzyDict`.

    Returns:
        A dict from left to right names, with attributes: `fuzzydict.joins.columns.ColumnMatches`.

    Raises:
        TypeError: An argument is a single string.

    >>> found = match_columns(["CustName", "cost", "Price"], ["price", "customer name", "phone"])
    >>> found
    {'CustName': 'customer name', 'Price': 'price'}
    >>> [(one, other) for one, other, _ in found.conflicts], found.unmatched_right
    ([('cost', 'price')], ['phone'])
    """
    ours, theirs = _names(left, "left"), _names(right, "right")
    d: FuzzyDict[Any, None] = FuzzyDict(dict.fromkeys(theirs))
    least = d.cutoff if cutoff is None else check_probability(cutoff, "cutoff")
    places = {name: place for place, name in enumerate(theirs)}
    pairs = []
    for i, name in enumerate(ours):
        if name in places:
            pairs.append((i, places[name], 1.0))
        elif isinstance(name, str) and least < 1:
            found = d.matches(name, max(1, len(theirs)), cutoff=least)
            pairs += [(i, places[match.key], match.score) for match in found]
    equal = {(i, j) for i, j, _ in pairs if ours[i] == theirs[j]}
    free = [p for p in pairs if p[:2] in equal or not _is_taken(p, equal)]
    one, other, scores = (np.array(column) for column in zip(*free, strict=True)) if free else (
        np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0),
    )  # fmt: skip
    chosen = {free[place] for place in assign(one, other, scores)}
    result = ColumnMatches({ours[i]: theirs[j] for i, j, _ in sorted(chosen)})
    result.scores = {ours[i]: score for i, _, score in sorted(chosen)}
    result.conflicts = [
        (ours[i], theirs[j], score) for i, j, score in pairs if (i, j, score) not in chosen
    ]
    result.unmatched_left = [name for name in ours if name not in result]
    matched = set(result.values())
    result.unmatched_right = [name for name in theirs if name not in matched]
    return result


match_columns.__module__ = "fuzzydict"  # users import it from there
__test__ = {"match_columns": match_columns}  # otherwise doctest skips it


def _is_taken(pair: tuple[int, int, float], equal: set[tuple[int, int]]) -> bool:
    return any(pair[0] == i or pair[1] == j for i, j in equal)


def _names(table: Any, side: str) -> list[Hashable]:
    """Return the distinct names of the columns of a table, or those of an iterable."""
    if hasattr(table, "collect_schema"):  # polars
        table = table.collect_schema().names()
    columns = getattr(table, "column_names", None)  # PyArrow; its columns are arrays
    if columns is None:
        columns = getattr(table, "columns", table)
    if isinstance(columns, str) or not isinstance(columns, Iterable):
        raise TypeError(f"the {side} argument must be a table or names of columns, got {table!r}")
    return list(dict.fromkeys(columns))
