"""Tables joined by keys that are written otherwise, or mean the same: pandas', and Dask's.

The values of the left column that differ are looked up once, together; what they found is a table
of row numbers, by which pandas joins.
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
_IN_PARTS = ("left", "inner")  # how parts of the left table can be joined on their own
_NONE = -1  # the number of what has no partner


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
    embedder: Any = "default",
    guards: Iterable[Guard] = DEFAULT,
    index: IndexKind = "auto",
    progress: bool | None = None,
) -> Any:
    """Join two tables by a column each, whose values need not be equal.

    Each row of ``left`` is joined to the rows of ``right`` whose value is the one that it most
    probably means, as `FuzzyDict` finds it: so at most one value of the right table, which may be
    that of several rows. What is left without a partner stays as ``how`` says: "left", "inner",
    "right" or "outer", as in ``pandas.merge``. Missing values have no partner.

    Both columns are in the result. The last column, named ``score``, is the probability that the
    value was meant, missing where there is none; by default its name is "score", or "score_2",
    "score_3" and so on if a table has a column of that name. Of columns of one name, that of the
    right table ends in the second of ``suffixes``, repeated if that name is taken. The rows come as
    in the left table, and then those of the right one that nothing means; of "right", as in the
    right table. They are numbered anew. ``cutoff``, ``embedder``, ``guards`` and ``index`` are
    those of `FuzzyDict`, and ``progress`` is that of its `get_many`.

    ``right`` is a pandas DataFrame, and so is ``left``, or one of Dask ("left" and "inner" alone):
    then the result is one of Dask, whose workers share the lookups. As its types are told before
    its rows are known, those of the right columns of a "left" join have room for missing values.

    ``ValueError`` for another ``how``, for columns that are not there or would be there twice, and
    for columns of which one has numbers and the other text, as 1 never matches "1";
    ``TypeError`` for what is no table; ``ImportError`` without pandas, the extra ``[pandas]``,
    which ``[dask]`` has too. One lookup a value that differs.

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
        raise ImportError(
            "a join needs pandas: pip install 'fuzzydict-attention[pandas]'"
        ) from error
    if how not in _HOW:
        raise ValueError(f"how must be one of {', '.join(_HOW)}, got {how!r}")
    in_parts = hasattr(left, "map_partitions")
    _check_table("left", left, left._meta if in_parts else left)
    _check_table("right", right, right)
    if in_parts and how not in _IN_PARTS:
        raise ValueError(f"a Dask table is joined by {' or '.join(_IN_PARTS)}, not {how!r}")
    if not isinstance(suffixes, (tuple, list)) or len(suffixes) != 2:
        raise TypeError(f"suffixes must be a pair of strings or None, got {suffixes!r}")
    left_on, right_on = _columns(left, right, on, left_on, right_on)
    names = _names(left, right, suffixes, score)

    numbers, values = _distinct(right[right_on])
    meta = left._meta if in_parts else left
    kinds = _kinds_of_type(meta[left_on].dtype) if in_parts else _kinds(left[left_on])
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
    if in_parts:
        return _joined_in_parts(left, left_on, right, numbers, d, how, names)
    found = _found(d, _distinct(left[left_on])[1], progress)
    return _joined(left, left_on, (right, numbers), found, how, names)


join.__module__ = "fuzzydict"  # the name that users import
__test__ = {"join": join}  # doctest skips what is of another module


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
    """Return of which kinds the values are; values of different kinds are never equal."""
    kinds = set()
    for kind in set(map(type, _distinct(column)[1])):
        is_number = issubclass(kind, (Number, np.bool_))
        kinds.add("text" if issubclass(kind, str) else "number" if is_number else "other")
    return kinds


def _kinds_of_type(dtype: Any) -> set[str]:
    """Return the kind of all values of this type, nothing if they may be of several."""
    import pandas

    if isinstance(dtype, pandas.StringDtype):
        return {"text"}
    if pandas.api.types.is_numeric_dtype(dtype):
        return {"number"}
    return {"other"} if pandas.api.types.is_datetime64_any_dtype(dtype) else set()


def _columns(left: Any, right: Any, on: Any, left_on: Any, right_on: Any) -> tuple[Any, Any]:
    if (on is None) == (left_on is None and right_on is None):
        raise ValueError("pass on=, or both left_on= and right_on=")
    if on is None and (left_on is None or right_on is None):
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
    """Return the number of each value, -1 for a missing one, and the values that differ."""
    import pandas

    numbers, values = pandas.factorize(column.array)
    return numbers, np.asarray(values, dtype=object)


def _found(d: FuzzyDict[Any, int], values: NDArray[Any], progress: bool | None = None) -> Any:
    """Return a table of what each value found, by value: its number, and the score."""
    import pandas

    matches = d.match_many(values.tolist(), progress=progress)
    return pandas.DataFrame(
        {
            "number": np.array([match.value if match else _NONE for match in matches], np.int64),
            "score": np.array([match.score if match else np.nan for match in matches], float),
        },
        index=pandas.Index(values, dtype=object, tupleize_cols=False),
    )


def _joined(
    left: Any,
    left_on: Any,
    right_and_numbers: tuple[Any, NDArray[np.intp]],
    found: Any,
    how: Any,
    names: list[Any],
) -> Any:
    import pandas

    right, numbers = right_and_numbers
    rows, values = _distinct(left[left_on])
    places = found.index.get_indexer(pandas.Index(values, dtype=object, tupleize_cols=False))
    # What is missing has the place -1, which is that of the last.
    asked = np.append(np.append(found["number"], _NONE)[places], _NONE)[rows]
    scores = np.append(np.append(found["score"], np.nan)[places], np.nan)[rows]
    other = np.where(numbers < 0, _NONE - 1, numbers)  # no partner of a left one that has none
    pairs = pandas.DataFrame({"number": asked, "left": np.arange(len(left))}).merge(
        pandas.DataFrame({"number": other, "right": np.arange(len(right))}), on="number", how=how
    )
    if how == "outer":
        pairs = pairs.sort_values(["left", "right"])
    one, two = (pairs[side].fillna(-1).to_numpy(np.int64) for side in ("left", "right"))
    partners = pandas.Series(np.where(two < 0, np.nan, np.append(scores, np.nan)[one]))
    joined = pandas.concat([_rows(left, one), _rows(right, two), partners], axis=1)
    return joined.set_axis(names, axis=1)


def _rows(table: Any, places: NDArray[np.int64]) -> Any:
    """Return the rows at these places, numbered anew; missing values for -1."""
    return table.reset_index(drop=True).reindex(places).reset_index(drop=True)


def _joined_in_parts(
    left: Any,
    left_on: Any,
    right: Any,
    numbers: NDArray[np.intp],
    d: FuzzyDict[Any, int],
    how: str,
    names: list[Any],
) -> Any:
    """Return the join of a Dask table: values that differ first, looked up by all workers.

    The dictionary, the right table and what was found are nodes of the graph, so that a worker has
    each of them once, and not once a part.
    """
    import pandas
    from dask.delayed import delayed

    once = delayed(d, traverse=False)
    values = delayed(_union)([delayed(_values)(part) for part in left[left_on].to_delayed()])
    found = delayed(pandas.concat)(
        [delayed(_found_of)(once, values, i, left.npartitions) for i in range(left.npartitions)]
    )
    shape = left._meta_nonempty if how == "left" else left._meta
    nothing = _found(d, np.empty(0, object))
    meta = _joined(shape, left_on, (right.iloc[:0], numbers[:0]), nothing, how, names).iloc[:0]
    return left.map_partitions(
        _joined_part,
        left_on,
        delayed((right, numbers), traverse=False),
        found,
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


def _found_of(d: FuzzyDict[Any, int], values: NDArray[Any], first: int, step: int) -> Any:
    return _found(d, values[first::step])


def _joined_part(
    left: Any, left_on: Any, right: Any, found: Any, how: str, names: list[Any], types: Any
) -> Any:
    return _joined(left, left_on, right, found, how, names).astype(types)
