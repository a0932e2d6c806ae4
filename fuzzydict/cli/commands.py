"""The commands ``fuzzydict lookup``, ``explain``, ``join`` and ``models``."""

import argparse
import json
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fuzzydict.cli.files import read, reason
from fuzzydict.mapping import FuzzyDict
from fuzzydict.matches import Match
from fuzzydict.model.files import SHIPPED, model_file, model_info
from fuzzydict.storage.archive import ModelChangedWarning
from fuzzydict.storage.arrays import FileFormatError

__all__ = [
    "CommandError",
    "add_explain",
    "add_join",
    "add_lookup",
    "add_models",
    "explain",
    "join",
    "lookup",
    "models",
]

_BOLD, _FAINT, _PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[0m"

_LOOKUP = """\
examples:
  fuzzydict lookup settings.toml "max conections" timeout
  fuzzydict lookup countries.csv --key name --value capital -n 3 "Czech Republic"
  cut -f1 queries.tsv | fuzzydict lookup --json tools.json

The exit status is 0 if every query has a match, 1 if one has none, and 2 for errors.
"""
_EXPLAIN = """\
examples:
  fuzzydict explain settings.toml "max conections"
  fuzzydict explain countries.csv --key name "Czech Republic"

The exit status is 0 if the query has a match, 1 if it has none, and 2 for errors.
"""
_MODELS = """\
examples:
  fuzzydict models
  fuzzydict models default brown

--model NAME, the environment variable FUZZYDICT_MODEL, or fuzzydict.use_model in a program choose
one.
"""
_JOIN = """\
examples:
  fuzzydict join orders.csv countries.csv --on country
  fuzzydict join a.csv b.csv --left-on city --right-on town --how left -o joined.csv

Empty cells match nothing. The last column is the score of each pair: "score", or "score_2" if a
file has a column "score".
"""


class CommandError(Exception):
    """A command failed; the message is one line."""


def add_lookup(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``fuzzydict lookup``."""
    _add_file(parser, _LOOKUP)
    parser.add_argument(
        "queries",
        nargs="*",
        default=(),
        metavar="QUERY",
        help="what to look up (default: each line of the input)",
    )
    parser.add_argument(
        "-n", type=_count, default=1, help="how many matches to show at most (default: 1)"
    )
    parser.add_argument(
        "--cutoff", type=_cutoff, metavar="P", help="the lowest score of a match, from 0 to 1"
    )
    parser.add_argument("--json", action="store_true", help="print a JSON object per query")


def add_explain(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``fuzzydict explain``."""
    _add_file(parser, _EXPLAIN)
    parser.add_argument("query", metavar="QUERY", help="what to look up")
    parser.add_argument(
        "-n", type=_count, default=5, help="how many keys to show at most (default: 5)"
    )


def add_join(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``fuzzydict join``."""
    parser.epilog, parser.formatter_class = _JOIN, argparse.RawDescriptionHelpFormatter
    parser.add_argument("left", type=Path, metavar="LEFT.csv")
    parser.add_argument("right", type=Path, metavar="RIGHT.csv")
    parser.add_argument("--on", metavar="NAME", help="the column of both files to join on")
    parser.add_argument("--left-on", metavar="NAME", help="the column of the left file")
    parser.add_argument("--right-on", metavar="NAME", help="the column of the right file")
    parser.add_argument(
        "--how",
        choices=("left", "inner", "right", "outer"),
        default="outer",
        help="which rows without a match to keep (default: outer, those of both)",
    )
    parser.add_argument(
        "--cutoff", type=_cutoff, metavar="P", help="the lowest score of a pair, from 0 to 1"
    )
    parser.add_argument(
        "--output", "-o", type=Path, metavar="OUT.csv", help="the file to write (default: print)"
    )
    _add_model(parser)


def add_models(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``fuzzydict models``."""
    parser.epilog, parser.formatter_class = _MODELS, argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "names",
        nargs="*",
        default=SHIPPED,
        metavar="MODEL",
        help="a name or a file (default: all shipped models)",
    )


def _add_file(parser: argparse.ArgumentParser, examples: str) -> None:
    parser.epilog, parser.formatter_class = examples, argparse.RawDescriptionHelpFormatter
    parser.add_argument("file", metavar="FILE", help="JSON, CSV, TOML, YAML, or a saved dictionary")
    parser.add_argument(
        "--key", metavar="NAME", help="the column of keys in CSV (default: the first)"
    )
    parser.add_argument(
        "--value", metavar="NAME", help="the column of values in CSV (default: all others)"
    )
    _add_model(parser)


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model",
        type=_model,
        metavar="NAME",
        help='the model: a name, such as "open", or a file (see fuzzydict models)',
    )


def lookup(arguments: argparse.Namespace) -> int:
    """Print the matches of each query; return 1 if a query has none, else 0."""
    d = _read(arguments)
    status = 0
    for query in arguments.queries or _lines():
        matches = d.matches(query, arguments.n, cutoff=arguments.cutoff)
        status |= not matches
        if arguments.json:
            found = [match._asdict() | {"score": round(match.score, 4)} for match in matches]
            print(_as_json({"query": query, "matches": found}))
            continue
        for match in matches:
            print(_line(query, match))
        if not matches:
            closest = [_text(match.key) for match in d.matches(query, 3, cutoff=0.0)]
            hint = f" (closest: {', '.join(closest)})" if closest else ""
            print(f"{_text(query)}: no match{hint}", file=sys.stderr)
    return status


def explain(arguments: argparse.Namespace) -> int:
    """Print why a query matches a key, or none; return 1 without a match, else 0."""
    d = _read(arguments)
    found = d.explain(arguments.query, arguments.n)
    print(found)
    return int(found.answer is None)


def models(arguments: argparse.Namespace) -> int:
    """Print what models say about themselves; return 0."""
    for name in arguments.names:
        try:
            found = model_info(name)
        except (FileFormatError, OSError) as error:
            raise CommandError(reason(error)) from error
        print(f"{_text(found.name)}: {found.words} words, {found.size / 1e6:.1f} MB")
        print(f"  licence: {_text(found.licence)}")
        print(f"  sources: {_text(found.sources)}")
    return 0


def _read(arguments: argparse.Namespace) -> FuzzyDict[Any, Any]:
    """Return the dictionary of a command's file, and print if its model is another one."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ModelChangedWarning)
        d = read(arguments.file, arguments.key, arguments.value, arguments.model)
    for warning in caught:
        print(f"fuzzydict {arguments.command}: {warning.message}", file=sys.stderr)
    return d


def join(arguments: argparse.Namespace) -> int:
    """Write the joined table as CSV; return 0."""
    try:
        import pandas
    except ImportError:
        raise CommandError("needs pandas: pip install 'fuzzydict-attention[pandas]'") from None
    from fuzzydict.integrations.joins import join as join_tables

    def table(path: Path) -> Any:
        found = pandas.read_csv(path, dtype=str, keep_default_na=False, na_values=[""])
        if not isinstance(found.index, pandas.RangeIndex):  # made of surplus cells
            raise CommandError(f"{path}: rows have more cells than the header")
        return found

    left_on, right_on = _columns(arguments)
    left, right = _of_file(arguments.left, table), _of_file(arguments.right, table)
    for path, of, column in (
        (arguments.left, left, left_on),
        (arguments.right, right, right_on),
    ):
        if column not in of.columns:
            names = ", ".join(map(repr, of.columns))
            raise CommandError(f"{path}: no column {column!r}, expected one of {names}")
    joined = join_tables(
        left,
        right,
        left_on=left_on,
        right_on=right_on,
        how=arguments.how,
        cutoff=arguments.cutoff,
        embedder=arguments.model,
    )
    score = joined.columns[-1]
    joined[score] = joined[score].round(4)
    if arguments.output is None:
        joined.to_csv(sys.stdout, index=False, lineterminator="\n")
    else:
        _of_file(arguments.output, lambda path: joined.to_csv(path, index=False))
    return 0


def _columns(arguments: argparse.Namespace) -> tuple[str, str]:
    on, left_on, right_on = arguments.on, arguments.left_on, arguments.right_on
    if on is not None and left_on is None and right_on is None:
        return on, on
    if on is None and left_on is not None and right_on is not None:
        return left_on, right_on
    raise CommandError("pass --on NAME, or both --left-on NAME and --right-on NAME")


def _of_file(path: Path, use: Callable[[Path], Any]) -> Any:
    try:
        return use(path)
    except (ValueError, OSError) as error:
        raise CommandError(f"{path}: {reason(error)}") from error


def _lines() -> Iterator[str]:
    if sys.stdin.isatty():
        print("reading queries, one per line, until the end of the input", file=sys.stderr)
    try:
        for line in sys.stdin:
            yield line.rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise CommandError(f"the input {reason(error)}") from error


def _line(query: str, match: Match) -> str:
    bold, faint, plain = (_BOLD, _FAINT, _PLAIN) if _is_coloured() else ("", "", "")
    value = match.value if isinstance(match.value, str) else _as_json(match.value)
    shown = "" if match.value is None else f" = {_text(value)}"
    return (
        f"{faint}{_text(query)}:{plain} {bold}{_text(match.key)}{plain}{shown}"
        f" {faint}({match.score:.2f}){plain}"
    )


def _is_coloured() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def _text(value: object) -> str:
    """Return a text in one line, without control characters."""
    text = str(value)
    return text if text.isprintable() else json.dumps(text)


def _as_json(value: Any) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False, default=_plain)
        return text if text.isprintable() else json.dumps(value, default=_plain)
    except (TypeError, ValueError):  # keys that JSON does not support, or a cycle
        return json.dumps(str(value))


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else str(value)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, got {text!r}")
    return int(text)


def _model(name: str) -> str:
    try:
        model_file(name)
    except FileNotFoundError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return name


def _cutoff(text: str) -> float:
    try:
        if 0 <= (number := float(text)) <= 1:
            return number
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"expected a number from 0 to 1, got {text!r}")
