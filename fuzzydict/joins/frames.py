"""Tables of any library: columns as units, rows by their places, and tables side by side.

pandas and Modin keep their index rules, and may have duplicate and non-string names; they are used
as they are. All others (polars, PyArrow, DuckDB) are read and built through narwhals.
"""

import itertools
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from importlib import import_module
from numbers import Number
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fuzzydict.joins.candidates import Ints

__all__ = ["Frame", "is_dask", "kinds", "open_table", "result_names"]

_INSTALL = "pip install 'fuzzydict-attention[frames]'"


def is_dask(table: Any) -> bool:
    """Return True for a Dask table."""
    return hasattr(table, "map_partitions")


def open_table(table: Any, side: str) -> "Frame":
    """Return a table as a `Frame`.

    Raises:
        TypeError: It is not a table.
        ImportError: narwhals is not installed, and the table needs it.
    """
    library = type(table).__module__.partition(".")[0]
    if library in ("pandas", "modin") and hasattr(table, "columns"):
        return _PandasFrame(table)
    if library in ("polars", "pyarrow", "duckdb", "_duckdb"):
        try:
            import narwhals
        except ImportError as error:
            raise ImportError(f"tables of {library} need narwhals: {_INSTALL}") from error
        found = narwhals.from_native(table, pass_through=True)
        if isinstance(found, (narwhals.DataFrame, narwhals.LazyFrame)):
            return _NarwhalsFrame(found)
    name = f"{type(table).__module__}.{type(table).__qualname__}"
    hint = "; convert it with .compute()" if is_dask(table) and hasattr(table, "compute") else ""
    raise TypeError(
        f"the {side} table must be a table of pandas, polars, PyArrow, Modin or DuckDB, got {name}"
        f"{hint}"
    )


class Frame:
    """What all tables share. ``columns`` are the names, ``library`` the module of the class."""

    library: str
    columns: list[Any]

    def __len__(self) -> int:
        raise NotImplementedError

    def codes(self, column: Any) -> tuple[Ints, NDArray[Any]]:
        """Return the number of each value, -1 if it is missing, and the distinct values."""
        raise NotImplementedError

    def dtype(self, column: Any) -> Any:
        """Return the dtype of a column."""
        raise NotImplementedError

    def beside(
        self,
        other: "Frame | None",
        one: Ints,
        two: Ints,
        extra: Sequence[Any],
        names: list[Any],
    ) -> Any:
        """Return these rows of both tables, missing ones for -1, and further columns."""
        raise NotImplementedError

    def like(self, columns: Mapping[str, Sequence[Any]]) -> "Frame":
        """Return a new table of the same library."""
        raise NotImplementedError

    def check(self, column: Any, side: str) -> None:
        """Raise ValueError unless there is exactly one such column."""
        if column not in self.columns:
            raise ValueError(f"the {side} table has no column {column!r}; it has {self.columns}")
        if self.columns.count(column) > 1:
            raise ValueError(f"the {side} table has two columns {column!r}: rename one")

    def units(self, columns: Sequence[Any]) -> tuple[Ints, list[tuple[Any, ...]]]:
        """Return the number of the distinct unit of each row, -1 if a value of it is missing."""
        rows: Ints = np.zeros(len(self), np.int64)
        found = [self.codes(column) for column in columns]
        for numbers, values in found:
            missing = (rows < 0) | (numbers < 0)
            rows = np.where(missing, -1, rows * (len(values) + 1) + numbers)
            distinct, rows = np.unique(rows, return_inverse=True)
            rows = rows - int(len(distinct) > 0 and distinct[0] < 0)
        first = np.full(int(rows.max(initial=-1)) + 1, len(rows), np.int64)
        np.minimum.at(first, rows[rows >= 0], np.flatnonzero(rows >= 0))
        units = [tuple(values[numbers[row]] for numbers, values in found) for row in first]
        return rows, units


class _PandasFrame(Frame):
    def __init__(self, table: Any) -> None:
        self.table, self.columns = table, list(table.columns)
        self.library = type(table).__module__.partition(".")[0]

    def __len__(self) -> int:
        return len(self.table)

    def codes(self, column: Any) -> tuple[Ints, NDArray[Any]]:
        import pandas

        numbers, values = pandas.factorize(pandas.Series(self.table[column]).array)
        return np.asarray(numbers, np.int64), np.asarray(values, dtype=object)

    def dtype(self, column: Any) -> Any:
        return self.table[column].dtype

    def beside(
        self, other: Frame | None, one: Ints, two: Ints, extra: Sequence[Any], names: list[Any]
    ) -> Any:
        library: Any = import_module("modin.pandas" if self.library == "modin" else "pandas")
        parts = [_pandas_rows(self.table, one)]
        if isinstance(other, _PandasFrame):
            parts.append(_pandas_rows(other.table, two))
        parts += [library.Series(values) for values in extra]
        return library.concat(parts, axis=1).set_axis(list(names), axis=1)

    def like(self, columns: Mapping[str, Sequence[Any]]) -> Frame:
        return _PandasFrame(type(self.table)(dict(columns)))


def _pandas_rows(table: Any, places: Ints) -> Any:
    """Return the rows at these places, with a new index; missing values for -1."""
    table = table.reset_index(drop=True)
    if len(places) and places.min() < 0:
        return table.reindex(places).reset_index(drop=True)
    return table.take(places).reset_index(drop=True)


class _NarwhalsFrame(Frame):
    def __init__(self, table: Any) -> None:
        import narwhals

        self._lazy = isinstance(table, narwhals.LazyFrame)
        self.library = type(table.to_native()).__module__.partition(".")[0].lstrip("_")
        self.table = table.collect() if self._lazy else table
        self.columns = list(table.collect_schema().names())

    def __len__(self) -> int:
        return len(self.table)

    def codes(self, column: Any) -> tuple[Ints, NDArray[Any]]:
        numbers: dict[Any, int] = {}
        values = self.table[column].to_list()
        found = np.array(
            [
                -1 if value is None or value != value else numbers.setdefault(value, len(numbers))
                for value in values
            ],
            np.int64,
        )
        distinct = np.empty(len(numbers), object)
        distinct[:] = list(numbers)
        return found, distinct

    def dtype(self, column: Any) -> Any:
        return self.table[column].dtype

    def beside(
        self, other: Frame | None, one: Ints, two: Ints, extra: Sequence[Any], names: list[Any]
    ) -> Any:
        import narwhals

        series = [_narwhals_rows(self.table, name, one) for name in self.columns]
        if isinstance(other, _NarwhalsFrame):
            series += [_narwhals_rows(other.table, name, two) for name in other.columns]
        for values in extra:
            kept = [None if value is None or value != value else value for value in values]
            dtype = narwhals.Float64() if isinstance(values, np.ndarray) else None
            series.append(narwhals.new_series("", kept, dtype, backend=self.table.implementation))
        named = {str(name): each for name, each in zip(names, series, strict=True)}
        table = narwhals.from_dict({name: each.alias(name) for name, each in named.items()})
        return self._as_given(table.to_native())

    def _as_given(self, native: Any) -> Any:
        if self.library == "duckdb":
            import duckdb

            return duckdb.from_arrow(native)
        return native.lazy() if self._lazy else native

    def like(self, columns: Mapping[str, Sequence[Any]]) -> Frame:
        import narwhals

        return _NarwhalsFrame(narwhals.from_dict(dict(columns), backend=self.table.implementation))


def _narwhals_rows(table: Any, column: str, places: Ints) -> Any:
    """Return the values of a column at these places, missing values for -1."""
    import narwhals

    series = table[column]

    def new(values: list[Any], dtype: Any) -> Any:
        return narwhals.new_series(column, values, dtype, backend=table.implementation)

    missing = [None] * len(places)
    if not len(table):
        return new(missing, series.dtype)
    found = series[np.maximum(places, 0).tolist()]
    if len(places) and places.min() < 0:
        found = found.zip_with(new((places >= 0).tolist(), None), new(missing, series.dtype))
    return found


def kinds(units: Sequence[tuple[Any, ...]]) -> set[str]:
    """Return the kinds of the values; values of different kinds never match."""
    found = set()
    for kind in {type(unit[0]) for unit in units}:
        is_number = issubclass(kind, (Number, np.bool_))
        found.add("text" if issubclass(kind, str) else "number" if is_number else "other")
    return found


def result_names(
    left: Sequence[Hashable],
    right: Sequence[Hashable],
    suffixes: tuple[str | None, str | None],
    score: Hashable | None,
) -> list[Any]:
    """Return the names of the columns of a join, that of the score last."""
    shared, taken = set(left) & set(right), set(left) | set(right)
    names: list[Any] = []
    for columns, suffix in zip((left, right), suffixes, strict=True):
        for name in columns:
            if suffix and name in shared:
                name = f"{name}{suffix}"
                while name in taken:
                    name = f"{name}{suffix}"
                taken.add(name)
            names.append(name)
    if score is None:
        score = unused("score", names)
    name, times = Counter([*names, score]).most_common(1)[0]
    if times > 1:
        raise ValueError(
            f"the result would have two columns {name!r}: pass other suffixes, or another score"
        )
    return [*names, score]


def unused(name: str, names: Sequence[Any]) -> str:
    """Return a name, with a number if it is taken."""
    numbered = (f"{name}_{number}" for number in itertools.count(2))
    return next(each for each in itertools.chain([name], numbered) if each not in names)
