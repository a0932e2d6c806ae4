"""Read dictionaries from files of many formats, and saved ones."""

import csv
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fuzzydict.cli.formats import NESTED, TABLES, FileError, format_of, without_duplicates
from fuzzydict.cli.paths import paths
from fuzzydict.mapping import FuzzyDict
from fuzzydict.storage.arrays import FileFormatError

__all__ = ["FileError", "parse", "read", "read_with_aliases", "reason"]

_NAMES = ".json, .jsonl, .yaml, .toml, .ini, .env, .csv, .tsv or .parquet"


def read(
    path: str | os.PathLike[str],
    key: str | None = None,
    value: str | None = None,
    model: str | None = None,
) -> FuzzyDict[Any, Any]:
    """Return a dictionary of a file, by its name, or a saved dictionary.

    Nested tables and lists (.json, .jsonl, .yaml, .yml, .toml, .ini, .cfg, .env) are flattened to
    dotted keys; see `fuzzydict.cli.paths.paths`. Rows (.csv, .tsv, .parquet) have a column of keys.

    Args:
        path: The file; any other name is one that `FuzzyDict.save` wrote.
        key: The column of the keys in a table of rows, by default the first.
        value: The column of the values in a table of rows, by default a dict of all others.
        model: The model, by default that of the program, or of a saved dictionary its own.

    Raises:
        FileError: The file cannot be read, contains no table, or has a duplicate key.

    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "server.json")
    >>> with open(path, "w") as file:
    ...     _ = file.write('{"limits": {"max connections": 100}}')
    >>> read(path)["maxConnections"]
    100
    """
    return read_with_aliases(path, key, value, model)[0]


def read_with_aliases(
    path: str | os.PathLike[str],
    key: str | None = None,
    value: str | None = None,
    model: str | None = None,
) -> tuple[FuzzyDict[Any, Any], dict[str, str]]:
    """Return what `read` does, and paths with indices → keys, for elements that have names."""
    path = Path(path)
    try:
        if _is_parsed(path.name):
            items, aliases = _parsed(path.name, path.read_bytes(), key, value)
            return FuzzyDict(items, embedder=model), aliases
        if key is not None or value is not None:
            raise FileError(_NO_COLUMNS)
        return _saved(path, model), {}
    except (OSError, ValueError) as error:
        message = reason(error)
        prefix = "" if message.startswith(str(path)) else f"{path}: "
        raise FileError(f"{prefix}{message}") from error


def parse(
    name: str, data: bytes, key: str | None = None, value: str | None = None
) -> dict[str, Any]:
    """Return the items of a file with this name and content; as `read`, but for saved ones.

    >>> parse("server.json", b'{"limits": {"max connections": 100}}')
    {'limits.max connections': 100}
    """
    if not _is_parsed(name):
        raise FileError(f"unknown format; expected a file named {_NAMES}")
    return _parsed(name, data, key, value)[0]


def reason(error: BaseException) -> str:
    """Return why a file could not be read or written, in one line."""
    if isinstance(error, UnicodeDecodeError):
        return f"is not UTF-8: byte 0x{error.object[error.start]:02x} at {error.start}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split()) or type(error).__name__


_NO_COLUMNS = "--key and --value need columns: a CSV, TSV or Parquet file"


def _is_parsed(name: str) -> bool:
    return format_of(name) in (*NESTED, *TABLES)


def _parsed(
    name: str, data: bytes, key: str | None, value: str | None
) -> tuple[dict[Any, Any], dict[str, str]]:
    kind = format_of(name)
    try:
        if kind in TABLES:
            return without_duplicates(_columns(*TABLES[kind](data), key, value)), {}
        if key is not None or value is not None:
            raise FileError(_NO_COLUMNS)
        found = NESTED[kind](data)
        if not isinstance(found, (dict, list)):
            raise FileError(f"expected a table of keys, got a {type(found).__name__}")
        items, aliases = paths(found)
        unique = without_duplicates(items)
        return unique, {alias: key for alias, key in aliases.items() if alias not in unique}
    except (ValueError, RecursionError, csv.Error) as error:
        raise FileError(reason(error)) from error


def _columns(
    names: list[str], rows: Iterator[dict[str, Any]], key: str | None, value: str | None
) -> Iterator[tuple[str, Any]]:
    """Yield the key and the value of each row."""
    key = names[0] if key is None else key
    for name in (key, names[0] if value is None else value):
        if name not in names:
            raise FileError(f"has no column {name!r}; it has {', '.join(names)}")
    for cells in rows:
        others = {name: cell for name, cell in cells.items() if name != key}
        rest = next(iter(others.values()), None) if len(others) < 2 else others
        yield str(cells[key]), rest if value is None else cells[value]


def _saved(path: Path, model: str | None) -> FuzzyDict[Any, Any]:
    try:
        return FuzzyDict.load(path, embedder=model)
    except FileFormatError as error:
        raise FileError(f"{error}; other formats need a name: {_NAMES}") from None
