"""Near-miss calls of public tools: repaired, refused and executed wrongly, next to peers.

``tools/schemas.json`` has the names of the tools and arguments of public servers, and their
sources. ``tools/calls.txt`` has calls with mistakes: those to be repaired name what they mean, the
others must be refused. The peers use the same code, with other lookups of names.
"""

import argparse
import difflib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).resolve().parent / "tools"
SAMPLES: dict[str, Any] = {"string": "a", "number": 1, "integer": 1, "boolean": True, "array": [],
                           "object": {}}  # fmt: skip
Find = Callable[[str, Sequence[str]], str | None]


class NearMiss(NamedTuple):
    """A call with a mistake; ``name`` is None if it must be refused."""

    strict: bool  # whether required arguments are checked: not if the tool is unknown

    server: str
    kind: str
    called: str
    given: dict[str, Any]
    name: str | None
    meant: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.server} {self.kind}: {self.called} {self.given or ''}".rstrip()


def schema(compact: Any) -> Any:
    """Return the JSON Schema of a compact one: a type, values, or names and their schemas.

    >>> schema({"path!": "string", "sort": ["name", "size"]})["required"]
    ['path']
    """
    if isinstance(compact, str):
        return {"type": compact}
    if isinstance(compact, list):
        of_objects = isinstance(compact[0], dict)
        return {"type": "array", "items": schema(compact[0])} if of_objects else {"enum": compact}
    properties = {name.rstrip("!"): schema(each) for name, each in compact.items()}
    required = [name.rstrip("!") for name in compact if name.endswith("!")]
    return {"type": "object", "properties": properties, "required": required}


def servers(*, required: bool = True) -> dict[str, dict[str, Any]]:
    """Return the schemas of the tools of each server, by name."""
    found = json.loads((FOLDER / "schemas.json").read_text("utf-8"))
    tools = {
        server: {name: schema(each) for name, each in entry["tools"].items()}
        for server, entry in found.items()
    }
    for each in () if required else (each for server in tools.values() for each in server.values()):
        each["required"] = []
    return tools


def near_misses() -> Iterator[NearMiss]:
    """Yield the calls, with all required arguments."""
    tools = servers()
    server = kind = ""
    for line in (FOLDER / "calls.txt").read_text("utf-8").splitlines():
        if line.startswith("=="):
            _, server, kind = line.split(" ", 2)
        elif line and not line.startswith("#"):
            called, arrow, target = line.partition(" → ")
            called, given = _parts(called)
            name, meant = _parts(target) if arrow else (None, {})
            name = (name or called) if arrow else None
            rest = _required(tools[server].get(name or called), {*given, *meant})
            strict = (name or called) in tools[server]
            yield NearMiss(strict, server, kind, called, {**given, **rest}, name, {**meant, **rest})


def _parts(text: str) -> tuple[str, dict[str, Any]]:
    name, brace, rest = text.partition("{")
    return name.strip(), json.loads(brace + rest) if brace else {}


def _required(tool: Any, named: set[str]) -> dict[str, Any]:
    """Return values of the required arguments that a call does not name."""
    if tool is None:
        return {}
    return {
        name: _sample(tool["properties"][name]) for name in tool["required"] if name not in named
    }


def _sample(tool: Any) -> Any:
    return tool["enum"][0] if "enum" in tool else SAMPLES[tool["type"]]


def outcome(call: NearMiss, found: tuple[str, dict[str, Any]] | None) -> str:
    """Return "repaired", "refused", "missed" or "wrong"."""
    if found is None:
        return "missed" if call.name else "refused"
    return "repaired" if found == (call.name, call.meant) else "wrong"


def by_fuzzydict(embedder: str = "default") -> Callable[[NearMiss], Any]:
    """Return a function that resolves calls with this library."""
    from fuzzydict.integrations.tool_calls import CallError, Tools

    tools = {
        (name, strict): Tools(each, embedder=embedder)
        for strict in (True, False)
        for name, each in servers(required=strict).items()
    }

    def resolved(call: NearMiss) -> tuple[str, dict[str, Any]] | None:
        try:
            name, arguments, _ = tools[call.server, call.strict].resolve(call.called, call.given)
        except CallError:
            return None
        return name, arguments

    return resolved


def by_names(find: Find) -> Callable[[NearMiss], Any]:
    """Return a function that resolves calls with another lookup of names."""
    from fuzzydict.integrations.tool_arguments import ArgumentResolver, NameLookup, NameMatch
    from fuzzydict.integrations.tool_names import without_namespace

    class Names(NameLookup):
        def find_property(self, query: str, names: tuple[str, ...]) -> NameMatch:
            return self.find(query, names)

        def find(self, query: str, names: tuple[str, ...]) -> NameMatch:
            key = query if query in names else find(query, names)
            return NameMatch(key, (), ())

    tools = {True: servers(), False: servers(required=False)}

    def resolved(call: NearMiss) -> tuple[str, dict[str, Any]] | None:
        names = tuple(tools[call.strict][call.server])
        name = Names().find(without_namespace(call.called, names), names).key
        if name is None:
            return None
        root = tools[call.strict][call.server][name]
        found = ArgumentResolver(Names(), root).correct(call.given, root, name)
        return None if found.problems else (name, found.value)

    return resolved


def by_difflib(cutoff: float) -> Find:
    """Return ``difflib.get_close_matches`` on lower-case names."""

    def find(query: str, names: Sequence[str]) -> str | None:
        lower = {name.lower(): name for name in names}
        best = difflib.get_close_matches(query.lower(), lower, 1, cutoff)
        return lower[best[0]] if best else None

    return find


def by_rapidfuzz(scorer: str, cutoff: float) -> Find:
    """Return ``rapidfuzz.process.extractOne`` on names as its processor writes them."""
    from rapidfuzz import fuzz, process, utils

    def find(query: str, names: Sequence[str]) -> str | None:
        best = process.extractOne(
            query, names, scorer=getattr(fuzz, scorer), processor=utils.default_process,
            score_cutoff=cutoff,
        )  # fmt: skip
        return best[0] if best else None

    return find


def outcomes(resolved: Callable[[NearMiss], Any]) -> list[tuple[NearMiss, str]]:
    """Return what becomes of each call."""
    return [(call, outcome(call, resolved(call))) for call in near_misses()]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--embedder", default="default", help="a shipped model or a model file")
    parser.add_argument("--detail", action="store_true", help="list what FuzzyDict gets wrong")
    options = parser.parse_args(arguments)
    own = outcomes(by_fuzzydict(options.embedder))
    rows = {"FuzzyDict": own}
    for cutoff in (0.6, 0.8, 0.9):
        rows[f"difflib, cutoff {cutoff}"] = outcomes(by_names(by_difflib(cutoff)))
    try:
        for scorer, cutoff in (("WRatio", 80), ("WRatio", 90), ("ratio", 80), ("ratio", 90)):
            peer = by_rapidfuzz(scorer, cutoff)
            rows[f"RapidFuzz {scorer}, cutoff {cutoff}"] = outcomes(by_names(peer))
    except ImportError:
        print("RapidFuzz is not installed: pip install rapidfuzz")
    fixable = sum(call.name is not None for call, _ in own)
    print(f"{'':32} repaired of {fixable}   refused of {len(own) - fixable}   wrong of {len(own)}")
    for name, found in rows.items():
        n = Counter(result for _, result in found)
        print(f"{name:32} {n['repaired']:15} {n['refused']:16} {n['wrong']:14}")
    for call, result in own if options.detail else ():
        if result in ("missed", "wrong"):
            print(f"{result:7} {call} → {call.name or 'refused'}")


if __name__ == "__main__":
    main()
