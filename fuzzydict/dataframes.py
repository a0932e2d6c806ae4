"""Results in the type of the column that was looked up, without importing its library."""

from importlib import import_module
from typing import Any

__all__ = ["as_column"]


def as_column(values: list[Any], like: Any) -> Any:
    """Return values as a column like the given one, or the list if that is no column.

    >>> as_column([1, 2], ["a", "b"])
    [1, 2]
    """
    kind = type(like)
    library = kind.__module__.partition(".")[0]
    if kind.__name__ == "Series" and library in ("pandas", "modin"):
        return kind(values, index=like.index, name=like.name)
    if kind.__name__ == "Series" and library == "polars":
        return kind(like.name, values, strict=False)
    if library == "pyarrow" and hasattr(like, "to_pylist"):
        return import_module("pyarrow").array(values)
    return values
