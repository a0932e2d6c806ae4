"""The commands ``fuzzydict lookup``, ``explain``, ``join`` and ``models``."""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from typing import Any

from fuzzydict.cli.files import read_with_aliases, reason
from fuzzydict.mapping import FuzzyDict
from fuzzydict.matches import Match
from fuzzydict.model.files import SHIPPED, model_file, model_info
from fuzzydict.storage.arrays import FileFormatError

__all__ = [
    "CommandError",
    "add_explain",
    "add_lookup",
    "add_model_option",
    "add_models",
    "explain",
    "lookup",
    "models",
    "probability",
]

_BOLD, _FAINT, _PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[0m"

_LOOKUP = """\
examples:
  fuzzydict lookup settings.toml "max conections" timeout
  fuzzydict lookup countries.csv --key name --value capital -n 3 "Czech Republic"
  fuzzydict lookup deployment.yaml "web image" spec.containers.0.image
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
        "--cutoff", type=probability, metavar="P", help="the lowest score of a match, from 0 to 1"
    )
    parser.add_argument("--json", action="store_true", help="print a JSON object per query")


def add_explain(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``fuzzydict explain``."""
    _add_file(parser, _EXPLAIN)
    parser.add_argument("query", metavar="QUERY", help="what to look up")
    parser.add_argument(
        "-n", type=_count, default=5, help="how many keys to show at most (default: 5)"
    )


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
    parser.add_argument(
        "file",
        metavar="FILE",
        help="JSON, JSON Lines, YAML, TOML, INI, .env, CSV, TSV, Parquet, or a saved dictionary",
    )
    parser.add_argument("--key", metavar="NAME", help="the column of keys (default: the first)")
    parser.add_argument(
        "--value", metavar="NAME", help="the column of values (default: all others)"
    )
    add_model_option(parser)


def add_model_option(parser: argparse.ArgumentParser) -> None:
    """Add the option ``--model``."""
    parser.add_argument(
        "--model",
        type=_model,
        metavar="NAME",
        help='the model: a name, such as "brown", or a file (see fuzzydict models)',
    )


def lookup(arguments: argparse.Namespace) -> int:
    """Print the matches of each query; return 1 if a query has none, else 0."""
    d, aliases = _read(arguments)
    status = 0
    for query in arguments.queries or _lines():
        wanted = aliases.get(query, query)
        matches = d.matches(wanted, arguments.n, cutoff=arguments.cutoff)
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
    d, aliases = _read(arguments)
    found = d.explain(aliases.get(arguments.query, arguments.query), arguments.n)
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


def _read(arguments: argparse.Namespace) -> tuple[FuzzyDict[Any, Any], dict[str, str]]:
    """Return the dictionary of a command's file with its aliases."""
    return read_with_aliases(arguments.file, arguments.key, arguments.value, arguments.model)


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
    text = json.dumps(value, ensure_ascii=False, default=_plain)
    return text if text.isprintable() else json.dumps(value, default=_plain)


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


def probability(text: str) -> float:
    """Return a number from 0 to 1."""
    try:
        if 0 <= (number := float(text)) <= 1:
            return number
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"expected a number from 0 to 1, got {text!r}")
