"""Read dictionaries from JSON, CSV, TOML and YAML files, and saved ones."""

import csv
import json
import os
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, TextIO

from fuzzydict.mapping import FuzzyDict
from fuzzydict.storage.arrays import FileFormatError

__all__ = ["FileError", "read", "reason"]


class FileError(ValueError):
    """A file cannot be read; the message is one line."""


def read(
    path: str | os.PathLike[str],
    key: str | None = None,
    value: str | None = None,
    model: str | None = None,
) -> FuzzyDict[Any, Any]:
    """Return a dictionary of a file named .json, .csv, .toml, .yaml or .yml, or a saved one.

    Nested tables are flattened to dotted keys.

    Args:
        path: The file; any other name is one that `FuzzyDict.save` wrote.
        key: The column of the keys in a CSV file, by default the first.
        value: The column of the values in a CSV file, by default a dict of all others.
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
    path = Path(path)
    kind = path.suffix.lower()
    try:
        if kind == ".csv":
            with path.open(newline="", encoding="utf-8-sig") as file:
                rows = _without_duplicates(_rows(file, key, value))
                return FuzzyDict(rows, embedder=model)
        if key is not None or value is not None:
            raise FileError("--key and --value need a CSV file")
        if kind not in _READERS:
            return _saved(path, model)
        found = _READERS[kind](path.read_bytes())
        if not isinstance(found, dict):
            raise FileError(f"expected a table of keys, got a {type(found).__name__}")
        return FuzzyDict(_without_duplicates(_flat(found)), embedder=model)
    except (OSError, ValueError, RecursionError, csv.Error) as error:
        message = reason(error)
        prefix = "" if message.startswith(str(path)) else f"{path}: "
        raise FileError(f"{prefix}{message}") from error


def reason(error: BaseException) -> str:
    """Return why a file could not be read or written, in one line."""
    if isinstance(error, UnicodeDecodeError):
        return f"is not UTF-8: byte 0x{error.object[error.start]:02x} at {error.start}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split()) or type(error).__name__


def _saved(path: Path, model: str | None) -> FuzzyDict[Any, Any]:
    try:
        return FuzzyDict.load(path, embedder=model)
    except FileFormatError as error:
        suffixes = ", ".join(_READERS)
        raise FileError(f"{error}; other formats need a suffix: {suffixes} or .csv") from None


def _without_duplicates(items: Iterable[tuple[Hashable, Any]]) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for key, value in items:
        if key in found:
            raise FileError(f"duplicate key {key!r}")
        found[key] = value
    return found


def _flat(table: dict[Any, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def _rows(file: TextIO, key: str | None, value: str | None) -> Iterator[tuple[str, Any]]:
    rows = csv.reader(file)
    names = next(rows, None)
    if not names:
        raise FileError("has no columns")
    for name in (names[0] if key is None else key, names[0] if value is None else value):
        if name not in names:
            raise FileError(f"has no column {name!r}; it has {', '.join(names)}")
    name, times = Counter(names).most_common(1)[0]
    if times > 1:
        raise FileError(f"has {times} columns {name!r}")
    key = names[0] if key is None else key
    for row in rows:
        if not row:  # an empty line
            continue
        if len(row) != len(names):
            raise FileError(
                f"line {rows.line_num} has {len(row)} cells, but there are {len(names)} columns"
            )
        cells = dict(zip(names, row, strict=True))
        others = {name: cell for name, cell in cells.items() if name != key}
        rest = next(iter(others.values()), None) if len(others) < 2 else others
        yield cells[key], rest if value is None else cells[value]


def _json(data: bytes) -> Any:
    return json.loads(data.decode("utf-8-sig"), object_pairs_hook=_without_duplicates)


def _toml(data: bytes) -> Any:
    for name in ("tomllib", "tomli"):  # the standard library has it from Python 3.11 on
        with suppress(ImportError):
            return import_module(name).loads(data.decode("utf-8-sig"))
    raise FileError("TOML needs Python 3.11, or tomli: pip install tomli")


def _yaml(data: bytes) -> Any:
    try:
        import yaml
    except ImportError:
        raise FileError("YAML needs PyYAML: pip install pyyaml") from None

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        """A safe loader that rejects duplicate keys."""

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            names = [name for name, _ in node.value if isinstance(name, yaml.ScalarNode)]
            own = [name for name in names if name.tag != "tag:yaml.org,2002:merge"]
            _without_duplicates((self.construct_object(name), None) for name in own)
            return super().construct_mapping(node, deep)

    try:
        return yaml.load(data, Loader)
    except yaml.YAMLError as error:
        raise FileError(str(error)) from None


_READERS = {".json": _json, ".toml": _toml, ".yaml": _yaml, ".yml": _yaml}
