"""Print a diagram of which folders of the package import which, for CONTRIBUTING.md, in Mermaid.

An arrow that follows from others is left out, and so is the little that goes up: `storage.archive`
saves what `ranking` has learned, and plots are methods of a dictionary.
"""

import ast
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "fuzzydict"
FOLDERS = (
    "text", "storage", "model", "index", "ranking", "learning", "mapping", "integrations", "joins",
    "postgres", "cli", "play", "training",
)  # fmt: skip


def imports() -> dict[str, set[str]]:
    """Return which folders below it each folder imports; "mapping" is the top folder."""
    found: dict[str, set[str]] = {name: set() for name in FOLDERS}
    for path in sorted(PACKAGE.rglob("*.py")):
        folder = path.relative_to(PACKAGE).parts[0] if path.parent != PACKAGE else "mapping"
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ImportFrom) and folder in FOLDERS:
                name = (node.module or "").removeprefix("fuzzydict.").split(".")[0]
                if name in FOLDERS[: FOLDERS.index(folder)]:
                    found[folder].add(name)
    return found


def diagram() -> str:
    """Return the diagram, as Mermaid."""
    graph = imports()
    below: dict[str, set[str]] = {}
    arrows = []
    for one in FOLDERS:
        below[one] = graph[one].union(*(below[other] for other in graph[one]))
        arrows += [
            f"    {one} --> {other}"
            for other in sorted(graph[one])
            if not any(other in below[between] for between in graph[one])
        ]
    return "\n".join(["```mermaid", "graph TD", *arrows, "```"])


if __name__ == "__main__":
    print(diagram())
