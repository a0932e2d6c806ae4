"""The commands on tables: ``fuzzydict join`` and ``fuzzydict dedupe``."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fuzzydict.cli.commands import CommandError, add_model_option, probability
from fuzzydict.cli.files import reason

__all__ = ["add_dedupe", "add_join", "dedupe", "join"]

_JOIN = """\
examples:
  fuzzydict join orders.csv countries.csv --on country
  fuzzydict join a.csv b.parquet --left-on city --right-on town --exact year -o joined.csv
  fuzzydict join orders.csv countries.fuzzydict --on country --precision 0.99

Files are CSV, TSV, JSON Lines (.jsonl) or Parquet (with PyArrow), by their suffix; the right one
may also be a saved dictionary. Empty cells match nothing. The last column is the score of each
pair: "score", or "score_2" if a file has a column "score".
"""
_DEDUPE = """\
examples:
  fuzzydict dedupe companies.csv --on name
  fuzzydict dedupe people.tsv --on name --exact birthday --precision 0.99 -o groups.tsv

Files are CSV, TSV, JSON Lines (.jsonl) or Parquet (with PyArrow), by their suffix. Three columns
are added: the number of the group, its representative, and the score of the row's value.
"""


def add_join(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``fuzzydict join``."""
    parser.epilog, parser.formatter_class = _JOIN, argparse.RawDescriptionHelpFormatter
    parser.add_argument("left", type=Path, metavar="LEFT")
    parser.add_argument("right", type=Path, metavar="RIGHT")
    parser.add_argument("--on", metavar="NAME", help="the column of both files to join on")
    parser.add_argument("--left-on", metavar="NAME", help="the column of the left file")
    parser.add_argument("--right-on", metavar="NAME", help="the column of the right file")
    parser.add_argument(
        "--how",
        choices=("left", "inner", "right", "outer"),
        default="left",
        help="which rows without a match to keep (default: left)",
    )
    parser.add_argument(
        "--one-to-one", action="store_true", help="match each right value at most once"
    )
    parser.add_argument(
        "--report",
        action="store_true",
        help="print the estimated precision and recall to standard error",
    )
    _add_options(parser)


def add_dedupe(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``fuzzydict dedupe``."""
    parser.epilog, parser.formatter_class = _DEDUPE, argparse.RawDescriptionHelpFormatter
    parser.add_argument("table", type=Path, metavar="FILE")
    parser.add_argument("--on", metavar="NAME", required=True, help="the column")
    _add_options(parser)


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--exact",
        metavar="NAME",
        action="append",
        default=[],
        help="a column that must be equal; may be repeated",
    )
    parser.add_argument(
        "--precision",
        type=probability,
        default=0.95,
        metavar="P",
        help="the share of the pairs that should be right (default: 0.95)",
    )
    parser.add_argument(
        "--cutoff", type=probability, metavar="P", help="the lowest score of a pair, from 0 to 1"
    )
    parser.add_argument(
        "--output", "-o", type=Path, metavar="OUT", help="the file to write (default: print CSV)"
    )
    add_model_option(parser)


def join(arguments: argparse.Namespace) -> int:
    """Write the joined table; return 0."""
    from fuzzydict.joins.join import join as join_tables

    left_on, right_on = _columns(arguments)
    left = _read(arguments.left)
    is_saved = arguments.right.suffix.lower() not in _READERS
    right = _saved(arguments.right, arguments.model) if is_saved else _read(arguments.right)
    _check(arguments.left, left, [left_on, *arguments.exact])
    if is_saved:
        if arguments.exact:
            raise CommandError("--exact needs a table, not a saved dictionary")
    else:
        _check(arguments.right, right, [right_on, *arguments.exact])
        if _is_text(left[left_on]) != _is_text(right[right_on]):
            left[left_on], right[right_on] = (
                column.astype("string") for column in (left[left_on], right[right_on])
            )
    joined, report = join_tables(
        left,
        right,
        left_on=left_on,
        right_on=right_on,
        exact=arguments.exact,
        how=arguments.how,
        precision=arguments.precision,
        cutoff=arguments.cutoff,
        one_to_one=arguments.one_to_one,
        embedder=arguments.model,
        report=True,
    )
    if arguments.report:
        print(
            f"estimated match rate {report.match_rate:.2f}, precision {report.precision:.2f}, "
            f"recall {report.recall:.2f}; cutoff {report.cutoff:.2f}",
            file=sys.stderr,
        )
    return _write(joined, arguments.output)


def dedupe(arguments: argparse.Namespace) -> int:
    """Write the table with the groups of its rows; return 0."""
    from fuzzydict.joins.dedupe import dedupe as dedupe_table

    table = _read(arguments.table)
    _check(arguments.table, table, [arguments.on, *arguments.exact])
    groups = dedupe_table(
        table,
        arguments.on,
        exact=arguments.exact,
        precision=arguments.precision,
        cutoff=arguments.cutoff,
        embedder=arguments.model,
    )
    return _write(groups, arguments.output)


def _columns(arguments: argparse.Namespace) -> tuple[str, str]:
    on, left_on, right_on = arguments.on, arguments.left_on, arguments.right_on
    if on is not None and left_on is None and right_on is None:
        return on, on
    if on is None and left_on is not None and right_on is not None:
        return left_on, right_on
    raise CommandError("pass --on NAME, or both --left-on NAME and --right-on NAME")


def _check(path: Path, table: Any, columns: list[str]) -> None:
    for column in columns:
        if column not in table.columns:
            names = ", ".join(map(repr, table.columns))
            raise CommandError(f"{path}: no column {column!r}, expected one of {names}")


def _is_text(column: Any) -> bool:
    return all(isinstance(value, str) for value in column.dropna())


def _pandas() -> Any:
    try:
        import pandas
    except ImportError:
        raise CommandError("needs pandas: pip install 'fuzzydict-attention[pandas]'") from None
    return pandas


def _read(path: Path) -> Any:
    if path.suffix.lower() not in _READERS:
        raise CommandError(f"{path}: expected a file named {', '.join(_READERS)}")
    return _of_file(path, _table)


def _table(path: Path) -> Any:
    return _READERS[path.suffix.lower()](path)


def _saved(path: Path, model: str | None) -> Any:
    from fuzzydict.mapping import FuzzyDict

    return _of_file(path, lambda path: FuzzyDict.load(path, embedder=model))


def _cells(path: Path, separator: str) -> Any:
    """Return a table of texts; empty cells are missing."""
    pandas = _pandas()
    found = pandas.read_csv(path, sep=separator, dtype=str, keep_default_na=False, na_values=[""])
    if not isinstance(found.index, pandas.RangeIndex):  # made of surplus cells
        raise CommandError(f"{path}: rows have more cells than the header")
    return found


_READERS: dict[str, Callable[[Path], Any]] = {
    ".csv": lambda path: _cells(path, ","),
    ".tsv": lambda path: _cells(path, "\t"),
    ".jsonl": lambda path: _pandas().read_json(path, lines=True, dtype=False, convert_dates=False),
    ".parquet": lambda path: _pandas().read_parquet(path),
}


def _write(table: Any, path: Path | None) -> int:
    """Write a table by the suffix of the file, else as CSV; round its scores, the last column."""
    score = table.columns[-1]
    table[score] = table[score].round(4)
    kind = "" if path is None else path.suffix.lower()
    if path is None:
        table.to_csv(sys.stdout, index=False, lineterminator="\n")
    elif kind == ".parquet":
        _of_file(path, lambda path: table.to_parquet(path, index=False))
    elif kind == ".jsonl":
        _of_file(
            path, lambda path: table.to_json(path, orient="records", lines=True, force_ascii=False)
        )
    else:
        separator = "\t" if kind == ".tsv" else ","
        _of_file(path, lambda path: table.to_csv(path, sep=separator, index=False))
    return 0


def _of_file(path: Path, use: Callable[[Path], Any]) -> Any:
    try:
        return use(path)
    except (ValueError, OSError) as error:
        raise CommandError(f"{path}: {reason(error)}") from error
