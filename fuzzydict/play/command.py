"""The command ``fuzzydict play``: an interactive page of a dictionary."""

import argparse
import webbrowser

from fuzzydict.cli.commands import CommandError
from fuzzydict.cli.files import read, reason
from fuzzydict.play.playground import Playground
from fuzzydict.play.server import Server

__all__ = ["add_arguments", "run"]

_PORT = 8765
_EXAMPLES = """\
examples:
  fuzzydict play
  fuzzydict play settings.toml
  fuzzydict play countries.csv --key name --value people --port 9000

The page can be opened on this machine only. Ctrl+C ends the command.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``fuzzydict play``."""
    parser.epilog, parser.formatter_class = _EXAMPLES, argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "file", nargs="?", metavar="FILE", help="a file as of lookup (default: an example)"
    )
    parser.add_argument("--key", metavar="NAME", help="the column of keys (default: the first)")
    parser.add_argument(
        "--value", metavar="NAME", help="the column of values (default: all others)"
    )
    parser.add_argument(
        "--port",
        type=_port,
        metavar="N",
        help=f"the port of the page, 0 for any free one (default: {_PORT}, or a free one)",
    )
    parser.add_argument("--no-browser", action="store_true", help="open no browser")


def run(arguments: argparse.Namespace) -> int:
    """Serve the page until Ctrl+C; return 0."""
    if arguments.file is None:
        playground = Playground()
    else:
        playground = Playground(read(arguments.file, arguments.key, arguments.value))
    with _server(playground, arguments.port) as server:
        try:
            print(f"The page is at {server.url} (Ctrl+C ends it)", flush=True)
            if not arguments.no_browser:
                webbrowser.open(server.url)
            server.serve_forever()
        except KeyboardInterrupt:
            print()
    return 0


def _server(playground: Playground, port: int | None) -> Server:
    try:
        return Server(playground, _PORT if port is None else port)
    except OSError as error:
        if port is None:
            return Server(playground)
        raise CommandError(f"port {port}: {reason(error)}") from None


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"expected a port from 0 to 65535, got {text!r}")
    return int(text)
