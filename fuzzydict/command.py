"""The commands ``fuzzydict look``, ``explain`` and ``join``: files in, lines out."""

import argparse
import csv
import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, TextIO

from fuzzydict.mapping import FuzzyDict, Match

__all__ = ["CommandError", "add_explain", "add_join", "add_look", "explain", "join", "look"]

_BOLD, _FAINT, _PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[0m"

_LOOK = """\
examples:
  fuzzydict look settings.toml "max conections" timeout
  fuzzydict look countries.csv --key name --value capital -n 3 Czechoslovakia
  cut -f1 queries.tsv | fuzzydict look --json tools.json

The exit status is 0 where everything that was asked fits, 1 where something does not, and 2 for
errors.
"""
_EXPLAIN = """\
examples:
  fuzzydict explain settings.toml "max conections"
"""
_JOIN = """\
examples:
  fuzzydict join orders.csv countries.csv --on country
  fuzzydict join a.csv b.csv --left-on city --right-on town --how outer -o joined.csv
"""


class CommandError(Exception):
    """Bad use or a bad file, in one line."""


def add_look(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``fuzzydict look``."""
    _add_file(parser, _LOOK)
    parser.add_argument(
        "queries", nargs="*", metavar="QUERY", help="what to look up (default: lines of the input)"
    )
    parser.add_argument("-n", type=_count, default=1, help="matches a query (default: 1)")
    parser.add_argument("--cutoff", type=_cutoff, help="the least score of a match, 0 to 1")
    parser.add_argument("--json", action="store_true", help="an object a line")


def add_explain(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``fuzzydict explain``."""
    _add_file(parser, _EXPLAIN)
    parser.add_argument("query", metavar="QUERY", help="what to look up")
    parser.add_argument("-n", type=_count, default=5, help="keys that are shown (default: 5)")


def _add_file(parser: argparse.ArgumentParser, examples: str) -> None:
    parser.epilog, parser.formatter_class = examples, argparse.RawDescriptionHelpFormatter
    parser.add_argument("file", type=Path, metavar="FILE", help="JSON, CSV, TOML, YAML, or saved")
    parser.add_argument("--key", help="the column of the keys of a CSV file (default: the first)")
    parser.add_argument("--value", help="the column of the values (default: all the others)")


def add_join(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``fuzzydict join``."""
    parser.epilog, parser.formatter_class = _JOIN, argparse.RawDescriptionHelpFormatter
    parser.add_argument("left", type=Path, metavar="LEFT.csv")
    parser.add_argument("right", type=Path, metavar="RIGHT.csv")
    parser.add_argument("--on", help="the column of both by which they are joined")
    parser.add_argument("--left-on", help="the column of the left table")
    parser.add_argument("--right-on", help="the column of the right table")
    parser.add_argument(
        "--how", choices=("left", "inner", "right", "outer"), default="outer",
        help="which rows without a partner stay (default: outer, all)",
    )  # fmt: skip
    parser.add_argument("--cutoff", type=_cutoff, help="the least score of a match, 0 to 1")
    parser.add_argument("--output", "-o", type=Path, help="a file in place of the output")


def look(arguments: argparse.Namespace) -> int:
    """Print what fits each query; return 1 where something fits nothing, else 0."""
    d = read(arguments.file, arguments.key, arguments.value)
    queries = arguments.queries or (line.rstrip("\r\n") for line in sys.stdin)
    colored = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    status = 0
    for query in queries:
        matches = d.matches(query, arguments.n, cutoff=arguments.cutoff)
        status |= not matches
        if arguments.json:
            print(_as_json(query, matches))
        elif matches:
            for match in matches:
                print(_line(query, match, colored))
        else:
            closest = ", ".join(f"{each.key}" for each in d.matches(query, 3, cutoff=0.0))
            hint = f" (closest: {closest})" if closest else ""
            print(f"{query}: nothing fits{hint}", file=sys.stderr)
    return status


def explain(arguments: argparse.Namespace) -> int:
    """Print why the query is answered as it is; return 1 where nothing fits, else 0."""
    found = read(arguments.file, arguments.key, arguments.value).explain(
        arguments.query, arguments.n
    )
    print(found)
    return int(found.answer is None)


def join(arguments: argparse.Namespace) -> int:
    """Write the joined table as CSV; return 0."""
    from fuzzydict.joining import join as join_tables

    try:
        import pandas
    except ImportError:
        raise CommandError("needs pandas: pip install 'fuzzydict-attention[pandas]'") from None
    tables = []
    for path in (arguments.left, arguments.right):
        try:
            tables.append(pandas.read_csv(path, dtype=str, keep_default_na=False))
        except (ValueError, OSError) as error:
            raise CommandError(f"{path}: {_reason(error)}") from None
    options = {} if arguments.cutoff is None else {"cutoff": arguments.cutoff}
    columns = {name: getattr(arguments, name) for name in ("on", "left_on", "right_on", "how")}
    try:
        joined: Any = join_tables(tables[0], tables[1], **columns, **options)
    except ValueError as error:
        raise CommandError(str(error)) from None
    joined["score"] = joined["score"].round(4)
    joined.to_csv(arguments.output or sys.stdout, index=False)
    return 0


def read(path: Path, key: str | None = None, value: str | None = None) -> FuzzyDict[str, Any]:
    """Return the dictionary of a file, by the end of its name; `CommandError` where it has none.

    Tables within tables have dotted keys.
    """
    kind = path.suffix.lower()
    if kind != ".csv" and (key or value):
        raise CommandError(f"{path}: only a CSV file has columns for --key and --value")
    try:
        if kind == ".csv":
            with path.open(newline="", encoding="utf-8-sig") as file:
                return FuzzyDict(_rows(path, file, key, value))
        if kind == ".json":
            found = json.loads(path.read_text("utf-8-sig"), object_pairs_hook=_once)
        elif kind == ".toml":
            found = _toml(path.read_bytes())
        elif kind in (".yaml", ".yml"):
            found = _yaml(path.read_bytes())
        else:
            return FuzzyDict.load(path)
    except (OSError, ValueError, RecursionError) as error:
        raise CommandError(f"{path}: {_reason(error)}") from None
    if not isinstance(found, dict):
        raise CommandError(f"{path}: holds no table of keys but a {type(found).__name__}")
    return FuzzyDict(_flat(found))


def _rows(
    path: Path, file: TextIO, key: str | None, value: str | None
) -> Iterator[tuple[str, Any]]:
    rows = csv.DictReader(file)
    columns = list(rows.fieldnames or ())
    for name in (key, value):
        if name is not None and name not in columns:
            raise CommandError(f"{path}: no column {name!r} among {', '.join(columns)}")
    if not columns:
        raise CommandError(f"{path}: is empty")
    key = columns[0] if key is None else key
    seen = set()
    for row in rows:
        if row[key] in seen:
            raise CommandError(f"{path}: line {rows.line_num} has the key {row[key]!r} again")
        seen.add(row[key])
        others = {name: row[name] for name in columns if name != key}
        only = others.popitem()[1] if len(others) == 1 else others
        yield row[key], row[value] if value is not None else only


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} comes twice")
    return found


def _toml(data: bytes) -> Any:
    for name in ("tomllib", "tomli"):  # that of Python 3.11, and the same for 3.10
        with suppress(ImportError):
            return import_module(name).loads(data.decode("utf-8-sig"))
    raise ValueError("TOML needs Python 3.11, or tomli: pip install tomli")


def _yaml(data: bytes) -> Any:
    try:
        import yaml
    except ImportError:
        raise ValueError("YAML needs PyYAML: pip install pyyaml") from None
    try:
        return yaml.safe_load(data)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from None


def _flat(table: dict[Any, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def _as_json(query: str, matches: Iterable[Match]) -> str:
    found = [
        {"key": each.key, "value": each.value, "score": round(each.score, 4)} for each in matches
    ]
    return json.dumps({"query": query, "matches": found}, ensure_ascii=False, default=str)


def _line(query: str, match: Match, colored: bool) -> str:
    value = match.value if isinstance(match.value, str) else json.dumps(match.value, default=str)
    if colored:
        return (
            f"{_FAINT}{query}:{_PLAIN} {_BOLD}{match.key}{_PLAIN} = {value} "
            f"{_FAINT}({match.score:.2f}){_PLAIN}"
        )
    return f"{query}: {match.key} = {value} ({match.score:.2f})"


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split()) or type(error).__name__


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("counts from 1")
    return number


def _cutoff(text: str) -> float:
    number = float(text)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError("a cutoff is from 0 to 1")
    return number
