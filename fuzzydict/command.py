"""The commands ``fuzzydict look``, ``explain`` and ``join``: files in, lines out."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fuzzydict.files import read, reason
from fuzzydict.mapping import Match

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
  fuzzydict explain countries.csv --key name Czechoslovakia

The exit status is 0 where the query fits, 1 where it does not, and 2 for errors.
"""
_JOIN = """\
examples:
  fuzzydict join orders.csv countries.csv --on country
  fuzzydict join a.csv b.csv --left-on city --right-on town --how left -o joined.csv

Empty cells have no partner. The last column is the score of each pair.
"""


class CommandError(Exception):
    """What was asked cannot be done, and why, in one line."""


def add_look(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``fuzzydict look``."""
    _add_file(parser, _LOOK)
    parser.add_argument(
        "queries", nargs="*", metavar="QUERY", help="what to look up (default: lines of the input)"
    )
    parser.add_argument(
        "-n", type=_count, default=1, help="the most matches of a query (default: 1)"
    )
    parser.add_argument(
        "--cutoff", type=_cutoff, metavar="P", help="the least score of a match, 0 to 1"
    )
    parser.add_argument("--json", action="store_true", help="an object a line")


def add_explain(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``fuzzydict explain``."""
    _add_file(parser, _EXPLAIN)
    parser.add_argument("query", metavar="QUERY", help="what to look up")
    parser.add_argument("-n", type=_count, default=5, help="the keys that are shown (default: 5)")


def add_join(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``fuzzydict join``."""
    parser.epilog, parser.formatter_class = _JOIN, argparse.RawDescriptionHelpFormatter
    parser.add_argument("left", type=Path, metavar="LEFT.csv")
    parser.add_argument("right", type=Path, metavar="RIGHT.csv")
    parser.add_argument("--on", metavar="NAME", help="the column of both by which they are joined")
    parser.add_argument("--left-on", metavar="NAME", help="the column of the left table")
    parser.add_argument("--right-on", metavar="NAME", help="the column of the right table")
    parser.add_argument(
        "--how",
        choices=("left", "inner", "right", "outer"),
        default="outer",
        help="which rows without a partner stay (default: outer, those of both)",
    )
    parser.add_argument(
        "--cutoff", type=_cutoff, metavar="P", help="the least score of a pair, 0 to 1"
    )
    parser.add_argument(
        "--output", "-o", type=Path, metavar="OUT.csv", help="where to write (default: the output)"
    )


def _add_file(parser: argparse.ArgumentParser, examples: str) -> None:
    parser.epilog, parser.formatter_class = examples, argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "file", metavar="FILE", help="JSON, CSV, TOML, YAML, or a dictionary that was saved"
    )
    parser.add_argument("--key", metavar="NAME", help="the column of keys in CSV (default: first)")
    parser.add_argument("--value", metavar="NAME", help="that of values (default: all the others)")


def look(arguments: argparse.Namespace) -> int:
    """Print what fits each query; return 1 where something fits nothing, else 0."""
    d = read(arguments.file, arguments.key, arguments.value)
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
            print(f"{_text(query)}: nothing fits{hint}", file=sys.stderr)
    return status


def explain(arguments: argparse.Namespace) -> int:
    """Print why a query finds what it does; return 1 where it finds nothing, else 0."""
    d = read(arguments.file, arguments.key, arguments.value)
    found = d.explain(arguments.query, arguments.n)
    print(found)
    return int(found.answer is None)


def join(arguments: argparse.Namespace) -> int:
    """Write the joined table as CSV; return 0."""
    try:
        import pandas
    except ImportError:
        raise CommandError("needs pandas: pip install 'fuzzydict-attention[pandas]'") from None
    from fuzzydict.joining import join as join_tables

    def table(path: Path) -> Any:
        return pandas.read_csv(path, dtype=str, keep_default_na=False, na_values=[""])

    left = _of_file(arguments.left, table)
    right = _of_file(arguments.right, table)
    names = ("on", "left_on", "right_on", "how", "cutoff")
    try:
        joined = join_tables(left, right, **{name: getattr(arguments, name) for name in names})
    except ValueError as error:
        raise CommandError(str(error)) from None
    joined["score"] = joined["score"].round(4)
    if arguments.output is None:
        joined.to_csv(sys.stdout, index=False, lineterminator="\n")
    else:
        _of_file(arguments.output, lambda path: joined.to_csv(path, index=False))
    return 0


def _of_file(path: Path, use: Callable[[Path], Any]) -> Any:
    try:
        return use(path)
    except (ValueError, OSError) as error:
        raise CommandError(f"{path}: {reason(error)}") from error


def _lines() -> Iterator[str]:
    try:
        for line in sys.stdin:
            yield line.rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise CommandError(f"the input {reason(error)}") from error


def _line(query: str, match: Match) -> str:
    bold, faint, plain = (_BOLD, _FAINT, _PLAIN) if _is_coloured() else ("", "", "")
    value = match.value if isinstance(match.value, str) else _as_json(match.value)
    told = "" if match.value is None else f" = {_text(value)}"
    return (
        f"{faint}{_text(query)}:{plain} {bold}{_text(match.key)}{plain}{told}"
        f" {faint}({match.score:.2f}){plain}"
    )


def _is_coloured() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def _text(value: object) -> str:
    """Return a text in one line, which moves no cursor."""
    text = str(value)
    return text if text.isprintable() else json.dumps(text)


def _as_json(value: Any) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False, default=_plain)
        return text if text.isprintable() else json.dumps(value, default=_plain)
    except (TypeError, ValueError):  # keys that JSON has not, or a table within itself
        return json.dumps(str(value))


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else str(value)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"a number from 1 on, not {text!r}")
    return int(text)


def _cutoff(text: str) -> float:
    try:
        if 0 <= (number := float(text)) <= 1:
            return number
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"a score from 0 to 1, not {text!r}")
