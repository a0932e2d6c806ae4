"""The command ``fuzzydict``."""

import argparse
import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with its arguments, those of the process by default; return the status."""
    parser = argparse.ArgumentParser(
        prog="fuzzydict", description="A dict that knows what you meant: its models."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    from fuzzydict.training.command import add_arguments, run

    add_arguments(commands.add_parser("train", help="train a model file"))
    return run(parser.parse_args(arguments))


if __name__ == "__main__":
    sys.exit(main())
