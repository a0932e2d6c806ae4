"""Fuzzy joins of pandas and Dask tables.

The distinct values of the left column are looked up once, in one batch. Each match is the number of
a value of the right column, and pandas merges on these numbers.
"""

import itertools
from collections import Counter
from collections.abc import Hashable, Iterable
from numbers import Number
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fuzzydict.index.approximate import IndexKind
from fuzzydict.mapping import FuzzyDict
from fuzzydict.ranking.guards import DEFAULT, Guard

__all__ = ["join"]

_HOW = ("left", "inner", "right", "outer")
_PARTITIONED_HOW = ("left", "inner")  # computable from one partition of the left table
_NO_MATCH = -1  # the number of a value without a match


def join(
    left: Any,
    right: Any,
    on: Hashable | None = None,
    *,
    left_on: Hashable | None = None,
    right_on: Hashable | None = None,
    how: Literal["left", "inner", "right", "outer"] = "left",
    suffixes: tuple[str | None, str | None] = ("", "_right"),
    score: Hashable | None = None,
    cutoff: float | None = None,
    embedder: Any = None,
    guards: Iterable[Guard] = DEFAULT,
    index: IndexKind = "auto",
    progress: bool | None = None,
) -> Any:
    """Merge two tables on columns with different spellings.

    Each row of ``left`` is joined to the rows of ``right`` with the one value that matches its own,
    as in a `FuzzyDict` of the right values. Missing values match nothing.

    The result has the columns of both tables and the score of each pair. Rows come in the order of
    ``left``, then the unmatched rows of ``right``; for "right", in the order of ``right``. The
    index is new. One lookup for each distinct left value.

    Args:
        left: A pandas or Dask DataFrame. A Dask table gives a Dask table, whose workers share the
            lookups; then the right columns of a "left" join have dtypes with missing values.
        right: A pandas DataFrame.
        on: The name of the column in both tables.
        left_on: The name of the left column, together with ``right_on``.
        right_on: The name of the right column.
        how: Which unmatched rows to keep, as in ``pandas.merge``; Dask: "left" or "inner".
        suffixes: Appended to names that both tables have, repeatedly while the name is taken.
        score: The name of the column of scores; "score" by default, or "score_2" and so on if a
            table has a column "score".
        cutoff: As in `FuzzyDict`.
        embedder: As in `FuzzyDict`.
        guards: As in `FuzzyDict`.
        index: As in `FuzzyDict`.
        progress: As in `FuzzyDict.get_many`.

    Raises:
        ValueError: ``how`` is unknown, a column does not exist or would exist twice, or one column
            has numbers and the other text (1 never matches "1").
        TypeError: An argument is not a table.
        ImportError: pandas is not installed.

    >>> import pandas
    >>> orders = pandas.DataFrame({"country": ["Czech Republic", "Germny", None], "n": [3, 5, 1]})
    >>> rates = pandas.DataFrame({"name": ["Germany", "Czechia"], "tax": [19, 21]})
    >>> join(orders, rates, left_on="country", right_on="name")[["n", "name", "tax"]]
       n     name   tax
    0  3  Czechia  21.0
    1  5  Germany  19.0
    2  1      NaN   NaN
    """
    try:
        import pandas  # noqa: F401
    except ImportError as error:
        raise ImportError("join needs pandas: pip install 'fuzzydict-attention[pandas]'") from error
    if how not in _HOW:
        raise ValueError(f"how must be one of {', '.join(_HOW)}, got {how!r}")
    is_dask = hasattr(left, "map_partitions")
    _check_table("left", left, left._meta if is_dask else left)
    _check_table("right", right, right)
    if is_dask and how not in _PARTITIONED_HOW:
        raise ValueError(
            f"how must be {' or '.join(_PARTITIONED_HOW)} for a Dask table, got {how!r}"
        )
    if not isinstance(suffixes, (tuple, list)) or len(suffixes) != 2:
        raise TypeError(f"suffixes must be a pair of strings or None, got {suffixes!r}")
    left_on, right_on = _columns(left, right, on, left_on, right_on)
    names = _names(left, right, suffixes, score)

    numbers, values = _distinct(right[right_on])
    meta = left._meta if is_dask else left
    kinds = _kinds_of_type(meta[left_on].dtype) if is_dask else _kinds(left[left_on])
    if kinds and (others := _kinds(right[right_on])) and kinds.isdisjoint(others):
        raise ValueError(
            f"the left column {left_on!r} has dtype {meta[left_on].dtype} and the right column "
            f"{right_on!r} has dtype {right[right_on].dtype}, so no values are equal; convert one "
            f"of them, for example with .astype('string')"
        )
    d = FuzzyDict(
        zip(values, range(len(values)), strict=True),
        embedder=embedder,
        cutoff=cutoff,
        guards=guards,
        index=index,
    )
    if is_dask:
        return _joined_dask(left, left_on, right, numbers, d, how, names)
    matches = _matched(d, _distinct(left[left_on])[1], progress)
    return _joined(left, left_on, (right, numbers), matches, how, names)


join.__module__ = "fuzzydict"  # users import it from there
__test__ = {"join": join}  # otherwise doctest skips it


def _check_table(side: str, table: Any, frame: Any) -> None:
    import pandas

    if isinstance(frame, pandas.DataFrame):
        return
    kind = f"{type(table).__module__}.{type(table).__qualname__}"
    expected = "pandas or Dask" if side == "left" else "pandas"
    methods = [name for name in ("to_pandas", "compute") if hasattr(table, name)]
    convert = f"; convert it with .{methods[0]}()" if methods else ""
    raise TypeError(f"the {side} table must be a {expected} DataFrame, got {kind}{convert}")


def _kinds(column: Any) -> set[str]:
    """Return the kinds of the values; values of different kinds never match."""
    kinds = set()
    for kind in set(map(type, _distinct(column)[1])):
        is_number = issubclass(kind, (Number, np.bool_))
        kinds.add("text" if issubclass(kind, str) else "number" if is_number else "other")
    return kinds


def _kinds_of_type(dtype: Any) -> set[str]:
    """Return the kind of all values of a dtype; empty if they may have several."""
    import pandas

    if isinstance(dtype, pandas.StringDtype):
        return {"text"}
    if pandas.api.types.is_numeric_dtype(dtype):
        return {"number"}
    return {"other"} if pandas.api.types.is_datetime64_any_dtype(dtype) else set()


def _columns(left: Any, right: Any, on: Any, left_on: Any, right_on: Any) -> tuple[Any, Any]:
    given = [name is not None for name in (on, left_on, right_on)]
    if given not in ([True, False, False], [False, True, True]):
        raise ValueError("pass on=, or both left_on= and right_on=")
    both = (on, on) if on is not None else (left_on, right_on)
    for side, table, column in zip(("left", "right"), (left, right), both, strict=True):
        columns = list(table.columns)
        if column not in columns:
            raise ValueError(f"the {side} table has no column {column!r}; it has {columns}")
        if columns.count(column) > 1:
            raise ValueError(f"the {side} table has two columns {column!r}: rename one")
    return both


def _names(left: Any, right: Any, suffixes: Any, score: Any) -> list[Any]:
    """Return the names of the columns of the result."""
    shared = set(left.columns) & set(right.columns)
    taken = set(left.columns) | set(right.columns)
    names: list[Any] = []
    for table, suffix in zip((left, right), suffixes, strict=True):
        for name in table.columns:
            if suffix and name in shared:
                name = f"{name}{suffix}"
                while name in taken:
                    name += suffix
                taken.add(name)
            names.append(name)
    if score is None:
        numbered = (f"score_{number}" for number in itertools.count(2))
        score = next(name for name in itertools.chain(["score"], numbered) if name not in names)
    name, times = Counter([*names, score]).most_common(1)[0]
    if times > 1:
        raise ValueError(
            f"the result would have two columns {name!r}: pass other suffixes, or another score"
        )
    return [*names, score]


def _distinct(column: Any) -> tuple[NDArray[np.intp], NDArray[Any]]:
    """Return the number of each value, -1 if it is missing, and the distinct values."""
    import pandas

    numbers, values = pandas.factorize(column.array)
    return numbers, np.asarray(values, dtype=object)


def _matched(d: FuzzyDict[Any, int], values: NDArray[Any], progress: bool | None = None) -> Any:
    """Return a table of matches by value: the number of the right value, and the score."""
    import pandas

    found = d.match_many(values.tolist(), progress=progress)
    return pandas.DataFrame(
        {
            "number": np.array([match.value if match else _NO_MATCH for match in found], np.int64),
            "score": np.array([match.score if match else np.nan for match in found], float),
        },
        index=pandas.Index(values, dtype=object, tupleize_cols=False),
    )


def _joined(
    left: Any,
    left_on: Any,
    right_and_numbers: tuple[Any, NDArray[np.intp]],
    matches: Any,
    how: Any,
    names: list[Any],
) -> Any:
    import pandas

    right, numbers = right_and_numbers
    rows, values = _distinct(left[left_on])
    places = matches.index.get_indexer(pandas.Index(values, dtype=object, tupleize_cols=False))
    # Missing values have the row -1: the last one, appended here.
    matched = np.append(np.append(matches["number"], _NO_MATCH)[places], _NO_MATCH)[rows]
    scores = np.append(np.append(matches["score"], np.nan)[places], np.nan)[rows]
    # A missing right value must differ from an unmatched left one.
    candidates = np.where(numbers < 0, _NO_MATCH - 1, numbers)
    pairs = pandas.DataFrame({"number": matched, "left": np.arange(len(left))}).merge(
        pandas.DataFrame({"number": candidates, "right": np.arange(len(right))}),
        on="number",
        how=how,
    )
    if how == "outer":
        pairs = pairs.sort_values(["left", "right"])
    one, two = (pairs[side].fillna(-1).to_numpy(np.int64) for side in ("left", "right"))
    score = pandas.Series(np.where(two < 0, np.nan, np.append(scores, np.nan)[one]))
    joined = pandas.concat([_rows(left, one), _rows(right, two), score], axis=1)
    return joined.set_axis(names, axis=1)


def _rows(table: Any, places: NDArray[np.int64]) -> Any:
    """Return the rows at these positions, with a new index; missing values for -1."""
    return table.reset_index(drop=True).reindex(places).reset_index(drop=True)


def _joined_dask(
    left: Any,
    left_on: Any,
    right: Any,
    numbers: NDArray[np.intp],
    d: FuzzyDict[Any, int],
    how: str,
    names: list[Any],
) -> Any:
    """Return the join of a Dask table, whose workers first look up the distinct values.

    The dictionary, the right table and the matches are nodes of the graph, so that each worker
    receives them once instead of once per partition.
    """
    import pandas
    from dask.delayed import delayed

    once = delayed(d, traverse=False)
    values = delayed(_union)([delayed(_values)(part) for part in left[left_on].to_delayed()])
    matches = delayed(pandas.concat)(
        [
            delayed(_matched_slice)(once, values, i, left.npartitions)
            for i in range(left.npartitions)
        ]
    )
    shape = left._meta_nonempty if how == "left" else left._meta
    no_matches = _matched(d, np.empty(0, object))
    meta = _joined(shape, left_on, (right.iloc[:0], numbers[:0]), no_matches, how, names).iloc[:0]
    return left.map_partitions(
        _joined_partition,
        left_on,
        delayed((right, numbers), traverse=False),
        matches,
        how,
        names,
        dict(meta.dtypes.iloc[len(left.columns) :]),
        meta=meta,
        clear_divisions=True,
        align_dataframes=False,
    )


def _values(column: Any) -> NDArray[Any]:
    return _distinct(column)[1]


def _union(parts: list[NDArray[Any]]) -> NDArray[Any]:
    import pandas

    return np.asarray(pandas.unique(np.concatenate(parts)), dtype=object)


def _matched_slice(d: FuzzyDict[Any, int], values: NDArray[Any], first: int, step: int) -> Any:
    return _matched(d, values[first::step])


def _joined_partition(
    left: Any, left_on: Any, right: Any, matches: Any, how: str, names: list[Any], types: Any
) -> Any:
    return _joined(left, left_on, right, matches, how, names).astype(types)
