"""The command ``fuzzydict``."""

import argparse
import os
import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with its arguments, those of the process by default; return the status."""
    from fuzzydict import command
    from fuzzydict.training.command import add_arguments, run

    parser = argparse.ArgumentParser(
        prog="fuzzydict", description="A dict that knows what you meant: look up, join, train."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    command.add_look(commands.add_parser("look", help="look queries up in a file"))
    command.add_explain(commands.add_parser("explain", help="tell why a query finds what it does"))
    command.add_join(commands.add_parser("join", help="join two CSV files by key"))
    add_arguments(commands.add_parser("train", help="train a model file"))
    asked = parser.parse_args(arguments)
    run_command = {
        "look": command.look,
        "explain": command.explain,
        "join": command.join,
        "train": run,
    }[asked.command]
    try:
        status = run_command(asked)
        sys.stdout.flush()  # here, where a reader that is gone can be told from an error
    except command.CommandError as error:
        print(f"fuzzydict {asked.command}: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
    return status


if __name__ == "__main__":
    sys.exit(main())
