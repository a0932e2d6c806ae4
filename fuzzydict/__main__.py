"""The command ``fuzzydict``."""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

__all__ = ["main"]


_EXAMPLES = """\
examples:
  fuzzydict look settings.toml "max conections"
  fuzzydict explain settings.toml "max conections"
  fuzzydict join orders.csv rates.csv --left-on country --right-on name
  fuzzydict train wordnet

fuzzydict COMMAND --help tells the rest.
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Tell what is wrong in one line."""
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with its arguments, those of the process by default; return the status."""
    try:
        if (output := sys.stdout).errors == "strict":  # what its encoding has not is escaped
            output.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        status = _run(arguments)
        output.flush()  # here, where a reader that is gone can be told from an error
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), output.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
    return status


def _run(arguments: Sequence[str] | None) -> int:
    from fuzzydict import command
    from fuzzydict.files import FileError
    from fuzzydict.training.command import add_arguments, run

    parser = _Parser(
        prog="fuzzydict",
        description="A dict that knows what you meant: look up, join, train.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    command.add_look(commands.add_parser("look", help="look queries up in a file"))
    command.add_explain(commands.add_parser("explain", help="tell why a query finds what it does"))
    command.add_join(commands.add_parser("join", help="join two CSV files by keys that are alike"))
    add_arguments(commands.add_parser("train", help="train a model file"))
    asked = parser.parse_args(arguments)
    runs = {"look": command.look, "explain": command.explain, "join": command.join, "train": run}
    try:
        return runs[asked.command](asked)
    except (command.CommandError, FileError, ImportError) as error:
        print(f"fuzzydict {asked.command}: {' '.join(str(error).split())}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
