"""Near-miss tool calls: which forbidden ones would be executed, and which mistakes are corrected.

``near_miss_calls.jsonl`` has one call a line: the names of the tools, the name that is called, the
tool that it means, or null if executing any of them would be wrong, and the kind of mistake.
"""

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

CALLS = Path(__file__).resolve().parent / "near_miss_calls.jsonl"


class Outcome(NamedTuple):
    """What became of a call."""

    kind: str
    call: str
    tool: str | None  # that would be executed
    want: str | None

    @property
    def name(self) -> str:
        """One of "refused", "executed", "corrected", "missed" and "confused"."""
        if self.want is None:
            return "refused" if self.tool is None else "executed"
        return "missed" if self.tool is None else ("corrected", "confused")[self.tool != self.want]


def outcomes(path: Path = CALLS, embedder: str = "default") -> list[Outcome]:
    """Resolve all calls of a file."""
    from fuzzydict.integrations.tool_calls import CallError, Tools

    found = []
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        tools = Tools({name: {} for name in row["tools"]}, embedder=embedder)
        try:
            tool = tools.resolve(row["call"], {}).name
        except CallError:
            tool = None
        found.append(Outcome(row["kind"], row["call"], tool, row["want"]))
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--embedder", default="default", help="a shipped model or a model file")
    options = parser.parse_args(arguments)
    found = outcomes(embedder=options.embedder)
    print(", ".join(f"{name}: {n}" for name, n in sorted(Counter(o.name for o in found).items())))
    for each in found:
        if each.name not in ("refused", "corrected"):
            print(f"{each.name:9} {each.kind}: {each.call} → {each.tool}, not {each.want}")


if __name__ == "__main__":
    main()
