"""Tables joined by keys that are written otherwise, or mean the same: pandas', and Dask's."""

from collections.abc import Hashable, Iterable, Mapping
from typing import Any, cast

import numpy as np

from fuzzydict.mapping import FuzzyDict, Match

__all__ = ["join"]

_HOW = ("left", "inner", "right", "outer")
_BOTH = ("left", "inner")  # what parts of the left table can be joined by on their own


def join(
    left: Any,
    right: Any,
    on: Hashable | None = None,
    *,
    left_on: Hashable | None = None,
    right_on: Hashable | None = None,
    how: str = "left",
    suffixes: tuple[str, str] = ("", "_right"),
    score: str = "score",
    **options: Any,
) -> Any:
    """Join two tables by a column each, whose values need not be equal.

    Each row of ``left`` is joined to the rows of ``right`` whose value is the one that it most
    probably means, as ``FuzzyDict`` finds it: so at most one value of the right table, which may be
    that of several rows. What is left without a partner stays as ``how`` says: "left", "inner",
    "right" or "outer", as in ``pandas.merge``. Missing values have no partner.

    Both columns are in the result, and a column ``score``, the probability that the value was
    meant, missing where there is none. Of columns of one name, that of the right table ends in
    the second of ``suffixes``. Other options are those of `FuzzyDict`: ``cutoff``, ``embedder``.

    ``left`` is a pandas DataFrame, or one of Dask, whose parts are then joined on their own ("left"
    and "inner" alone) when the result is computed; ``right`` is of pandas. ``ValueError`` for
    another ``how`` and for columns that are not there. O(values that differ) lookups. Needs
    pandas, the extra
    ``[pandas]``, or Dask, ``[dask]``.

    >>> import pandas
    >>> orders = pandas.DataFrame({"country": ["Czech Republic", "Germny", None], "n": [3, 5, 1]})
    >>> rates = pandas.DataFrame({"name": ["Germany", "Czechia"], "tax": [19, 21]})
    >>> join(orders, rates, left_on="country", right_on="name")[["n", "name", "tax"]]
       n     name   tax
    0  3  Czechia  21.0
    1  5  Germany  19.0
    2  1      NaN   NaN
    """
    left_on, right_on = (on if each is None else each for each in (left_on, right_on))
    if how not in _HOW:
        raise ValueError(f"a join is one of {', '.join(_HOW)}, not {how!r}")
    for side, table, column in (("left", left, left_on), ("right", right, right_on)):
        if column is None or column not in table.columns:
            raise ValueError(f"the {side} table has no column {column!r}: {list(table.columns)}")
        if score in table.columns:
            raise ValueError(f"the {side} table has a column {score!r} already: name another")
    values = right[right_on].dropna()
    d: FuzzyDict[Any, None] = FuzzyDict(dict.fromkeys(values), **options)
    columns: dict[str, Any] = {
        "left_on": left_on,
        "right_on": right_on,
        "suffixes": suffixes,
        "score": score,
    }
    asked = left[left_on].dropna().unique()
    if not hasattr(left, "map_partitions"):
        return _joined(left, right, _found(asked, d), how=how, **columns)
    if how not in _BOTH:
        raise ValueError(f"a Dask table is joined by {' or '.join(_BOTH)}, not {how!r}")
    from dask.delayed import delayed

    # What differs is looked up once, in as many parts as the table has, and each worker gets the
    # dictionary once.
    meta = _joined(left._meta, right.iloc[:0], {}, how=how, **columns)
    shared = delayed(d, pure=True)
    parts = asked.repartition(npartitions=left.npartitions).to_delayed()
    found = delayed(_together)([delayed(_found)(part, shared) for part in parts])
    return left.map_partitions(
        _joined, delayed(right, pure=True), found, how=how, **columns, meta=meta
    )


def _found(asked: Iterable[Any], d: FuzzyDict[Any, None]) -> dict[Any, Match | None]:
    """Return for each value the key that it means."""
    values = list(asked)
    return dict(zip(values, d.match_many(values), strict=True))


def _together(parts: Iterable[Mapping[Any, Match | None]]) -> dict[Any, Match | None]:
    return {value: match for part in parts for value, match in part.items()}


def _joined(
    left: Any,
    right: Any,
    found: Mapping[Any, Match | None],
    *,
    left_on: Any,
    right_on: Any,
    how: Any,
    suffixes: tuple[str, str],
    score: str,
) -> Any:
    import pandas

    numbers = {key: number for number, key in enumerate(dict.fromkeys(right[right_on].dropna()))}
    matches = [found.get(value) for value in _plain(left[left_on])]
    # Rows of both sides that belong together have one number; those without a partner, another.
    one = [-1 if match is None else numbers[match.key] for match in matches]
    other = [numbers.get(value, -2) for value in _plain(right[right_on])]
    places = pandas.DataFrame({"number": one, "left": range(len(left))}, dtype=np.int64).merge(
        pandas.DataFrame({"number": other, "right": range(len(right))}, dtype=np.int64),
        on="number",
        how=how,
    )
    scores = pandas.Series(
        [np.nan if match is None else match.score for match in matches], dtype=float
    )
    shared = set(left.columns) & set(right.columns)
    parts = [
        table.reset_index(drop=True)
        .reindex(places[side].fillna(-1).astype(np.int64))
        .reset_index(drop=True)
        .rename(columns={name: f"{name}{suffix}" for name in shared})
        for table, side, suffix in ((left, "left", suffixes[0]), (right, "right", suffixes[1]))
    ]
    partners = scores.reindex(places["left"].fillna(-1).astype(np.int64)).reset_index(drop=True)
    return pandas.concat([*parts, partners.rename(score)], axis=1)


def _plain(column: Any) -> list[Any]:
    """Return the values of a column, None in place of any that is missing."""
    return cast("list[Any]", column.astype(object).where(column.notna(), None).tolist())
