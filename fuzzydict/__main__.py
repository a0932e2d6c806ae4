"""The command ``fuzzydict``."""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

__all__ = ["main", "parse"]


_EXAMPLES = """\
examples:
  fuzzydict lookup settings.toml "max conections"
  fuzzydict explain settings.toml "max conections"
  fuzzydict join orders.csv rates.csv --left-on country --right-on name
  fuzzydict dedupe companies.csv --on name
  fuzzydict play settings.toml
  fuzzydict models
  fuzzydict train open

fuzzydict COMMAND --help shows the options of a command.
"""
_COMMANDS = {
    "lookup": "look up queries in a file",
    "explain": "explain why a query matches a key, or none",
    "join": "join two tables on columns with different spellings",
    "dedupe": "group the rows of a table that mean the same",
    "play": "show attention on an interactive page",
    "models": "list the shipped models with their licences and sources",
    "train": "train a model file",
}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Exit with the message in one line."""
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")

    def parse(self, arguments: Sequence[str]) -> argparse.Namespace:
        """Return the parsed arguments; options and positional arguments may be mixed."""
        found, extra = self.parse_known_intermixed_args(arguments)
        if extra:
            self.unknown(extra[0])
        return found

    def unknown(self, argument: str) -> NoReturn:
        """Exit with the most similar option."""
        name = argument.partition("=")[0]
        if not argument.startswith("-"):
            self.error(f"unexpected argument {argument!r}")
        options = {name: "" for action in self._actions for name in action.option_strings}
        self.error(f"unknown option {name!r}{_suggestion(name, options)}")


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        """Print the version and exit."""
        from fuzzydict import __version__

        print(f"fuzzydict {__version__}")
        parser.exit()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status; arguments default to those of the process."""
    try:
        if (output := sys.stdout).errors == "strict":  # escape characters outside the encoding
            output.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        status = _run(sys.argv[1:] if arguments is None else arguments)
        output.flush()  # a closed pipe raises here
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), output.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
    return status


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the parsed arguments, with the ``command`` and the function to ``run``.

    Errors, ``--help`` and ``--version`` raise `SystemExit`.
    """
    from fuzzydict.cli import commands as command
    from fuzzydict.cli import tables
    from fuzzydict.play import command as play
    from fuzzydict.training import command as training

    parser = _Parser(
        prog="fuzzydict",
        description="A dict whose lookups tolerate typos, naming styles and synonyms.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    subparsers = parser.add_subparsers(metavar="COMMAND")
    commands = {name: subparsers.add_parser(name, help=_COMMANDS[name]) for name in _COMMANDS}
    for name, add, run in (
        ("lookup", command.add_lookup, command.lookup),
        ("explain", command.add_explain, command.explain),
        ("join", tables.add_join, tables.join),
        ("dedupe", tables.add_dedupe, tables.dedupe),
        ("play", play.add_arguments, play.run),
        ("models", command.add_models, command.models),
        ("train", training.add_arguments, training.run),
    ):
        add(commands[name])
        commands[name].set_defaults(command=name, run=run)
    if not arguments:
        parser.print_help(sys.stderr)
        parser.exit(2)
    name, *rest = arguments
    if name in commands:
        return commands[name].parse(rest)
    if name.startswith("-") and name.strip("-"):
        parser.parse_known_args([name])  # --help and --version end here
        parser.unknown(name)
    parser.error(f"unknown command {name!r}{_suggestion(name, _COMMANDS)}")


def _suggestion(name: str, known: Mapping[str, str]) -> str:
    """Return the most similar known name with its purpose, or all known names."""
    from fuzzydict import FuzzyDict

    match = FuzzyDict(known).match(name, cutoff=0.2)  # a person decides
    if match is None:
        return f", expected {', '.join(known)}"
    purpose = f" ({match.value})" if match.value else ""
    return f", did you mean {match.key!r}{purpose}?"


def _run(arguments: Sequence[str]) -> int:
    from fuzzydict.cli.commands import CommandError
    from fuzzydict.cli.files import FileError

    found = parse(arguments)
    try:
        status: int = found.run(found)
    except (CommandError, FileError, ImportError) as error:
        print(f"fuzzydict {found.command}: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    return status


if __name__ == "__main__":
    sys.exit(main())
