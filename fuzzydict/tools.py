"""Tool calls of language models: names that a model got slightly wrong, brought to the schema.

Names of tools, names of arguments and values of enumerations are found as a `FuzzyDict` finds them,
and never more than the schema has: what is in doubt is an error, not a guess.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from fuzzydict.guards import DEFAULT, Guard
from fuzzydict.index import IndexKind
from fuzzydict.mapping import FuzzyDict
from fuzzydict.options import check_guards
from fuzzydict.reads import Match, NoMatchError

__all__ = ["Call", "CallError", "Tools", "resolve"]

CUTOFF = 0.8  # a call does something, so it needs to be surer than a lookup
_DEEP = 32  # objects within objects


class Call(NamedTuple):
    """A tool call that fits its schema."""

    name: str
    arguments: dict[str, Any]
    changes: tuple[str, ...]  # what was written otherwise, "town → city", to be logged


class CallError(NoMatchError):
    """A call that fits no tool, or leaves in doubt what was meant. ``matches`` has the closest
    names, best first; ``query`` is what was in doubt."""

    def __init__(self, reason: str, query: object = None, matches: tuple[Match, ...] = ()) -> None:
        super().__init__(query, matches)
        self.reason = reason

    def __str__(self) -> str:
        closest = ", ".join(f"{match.key!r} {match.score:.2f}" for match in self.matches)
        return self.reason + (f" (closest: {closest})" if closest else "")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.reason, self.query, self.matches)


class Tools:
    """Tools that a language model may call, ready to resolve its calls.

    ``tools`` are definitions with a JSON Schema of the arguments, as the usual interfaces have
    them: ``{"name", "input_schema"}``, ``{"name", "parameters"}``, or one of these under
    ``"function"``; or a mapping from names to schemas. ``cutoff`` is the least probability with
    which a name is taken for another, 0.8 by default; 1.0 takes none. Other options are those of
    `FuzzyDict`. ``ValueError`` for what is no definition, and for a name that comes twice.

    >>> tools = Tools({"get_weather": {"properties": {"city": {"type": "string"}}}})
    >>> tools.resolve("getWeather", {"town": "Oslo"})
    Call(name='get_weather', arguments={'city': 'Oslo'}, changes=('getWeather → get_weather', 'town → city'))
    """  # noqa: E501

    def __init__(
        self,
        tools: Iterable[Mapping[str, Any]] | Mapping[str, Mapping[str, Any]],
        *,
        cutoff: float = CUTOFF,
        embedder: Any = "default",
        guards: Iterable[Guard] = DEFAULT,
        index: IndexKind = "auto",
    ) -> None:
        self._schemas = _schemas(tools)
        self._options: dict[str, Any] = {
            "cutoff": cutoff,
            "embedder": embedder,
            "guards": check_guards(guards),
            "index": index,
        }
        FuzzyDict(**self._options)  # a wrong option fails here
        self._known: dict[tuple[str, ...], FuzzyDict[str, None]] = {}

    def __repr__(self) -> str:
        return f"Tools({', '.join(self._schemas)})"

    def resolve(self, name: str, arguments: Mapping[str, Any] | None = None) -> Call:
        """Return the call that was meant: of a tool that there is, with arguments that it has.

        Exact names always win, and values are as they were, but for strings of an enumeration.
        Objects, arrays, ``$ref`` within the schema, ``allOf``, ``anyOf`` and ``oneOf`` are
        followed. An argument that the schema does not have is kept where it says
        ``additionalProperties``, and an error else; so are a required one that is missing, and two
        that mean the same. Nothing else of the schema is checked. `CallError` says what was in
        doubt; nothing that was given is changed. O(arguments) lookups.
        """
        if not isinstance(name, str) or not isinstance(arguments or {}, Mapping):
            raise CallError(f"a call is a name and a mapping of arguments, not {name!r}", name)
        changes: list[str] = []
        found = self._meant(name, tuple(self._schemas), "tool", changes)
        schema = self._schemas[found]
        resolver = _Resolver(self, schema, changes)
        return Call(found, resolver.object(dict(arguments or {}), schema, found), tuple(changes))

    def _meant(self, name: str, names: tuple[str, ...], what: str, changes: list[str]) -> str:
        """Return which of the names is meant, and note where it is another."""
        if name in names:
            return name
        d = self._known.get(names)
        if d is None:
            d = self._known[names] = FuzzyDict(dict.fromkeys(names), **self._options)
        best = d.match(name)
        if best is None:
            closest = tuple(d.matches(name, 3, cutoff=0.0)) if d.cutoff < 1 else ()
            raise CallError(f"no {what} is {name!r}", name, closest)
        changes.append(f"{name} → {best.key}")
        key: str = best.key
        return key


def resolve(
    name: str,
    arguments: Mapping[str, Any] | None,
    tools: Iterable[Mapping[str, Any]] | Mapping[str, Mapping[str, Any]],
    **options: Any,
) -> Call:
    """Return the call that a language model meant, as `Tools` resolves it; that is for many calls.

    >>> resolve("get_wheather", {}, {"get_weather": {}, "send_mail": {}}).name
    'get_weather'
    """
    return Tools(tools, **options).resolve(name, arguments)


resolve.__module__ = "fuzzydict"  # the name that users import
__test__ = {"resolve": resolve}  # doctest skips what is of another module


def _schemas(
    tools: Iterable[Mapping[str, Any]] | Mapping[str, Mapping[str, Any]],
) -> dict[str, Mapping[str, Any]]:
    schemas: dict[str, Mapping[str, Any]] = {}
    for name, schema in tools.items() if isinstance(tools, Mapping) else map(_definition, tools):
        if not isinstance(name, str) or not isinstance(schema, Mapping):
            raise ValueError(f"a tool is a name and a JSON Schema, not {name!r}: {schema!r}")
        if name in schemas:
            raise ValueError(f"two tools have the name {name!r}")
        schemas[name] = schema
    return schemas


def _definition(tool: Any) -> tuple[Any, Any]:
    if isinstance(tool, Mapping):
        tool = tool.get("function", tool)
    if not isinstance(tool, Mapping) or "name" not in tool:
        raise ValueError(f"a tool has a name, but {tool!r} has none")
    return tool["name"], tool.get("input_schema", tool.get("parameters")) or {}


class _Resolver:
    """One call on its way through one schema."""

    def __init__(self, tools: Tools, root: Mapping[str, Any], changes: list[str]) -> None:
        self._tools, self._root, self._changes = tools, root, changes
        self._depth = 0

    def object(
        self, given: Mapping[Any, Any], schema: Mapping[str, Any], where: str
    ) -> dict[str, Any]:
        """Return the object with the names of its schema."""
        schema = self._plain(schema, where)
        properties = schema.get("properties") or {}
        open_ended = schema.get("additionalProperties", not properties and schema.get("type"))
        names = tuple(properties)
        meant: dict[Any, str] = {}
        for name in sorted(given, key=lambda name: name not in properties):  # exact ones first
            if not isinstance(name, str):
                raise CallError(f"an argument of {where} has no name but {name!r}", name)
            try:
                key = self._tools._meant(name, names, f"argument of {where}", self._changes)
            except CallError:
                if not open_ended:
                    raise
                key = name
            for other, taken in meant.items():
                if taken == key:
                    both = f"{other!r} and {name!r}"
                    raise CallError(f"{both} both mean the argument {key!r} of {where}", name)
            meant[name] = key
        for key in schema.get("required") or ():
            if key not in meant.values():
                raise CallError(f"{where} needs the argument {key!r}", key)
        return {
            meant[name]: self.value(value, properties.get(meant[name]), f"{where}.{meant[name]}")
            for name, value in given.items()
        }

    def value(self, given: Any, schema: Any, where: str) -> Any:
        """Return the value as its schema writes it."""
        if not isinstance(schema, Mapping):
            return given
        schema = self._plain(schema, where)
        self._depth += 1
        if self._depth > _DEEP:
            raise CallError(f"the arguments of {where.split('.')[0]} nest too deep", None)
        try:
            if branches := schema.get("anyOf") or schema.get("oneOf"):
                return self._any(given, branches, where)
            if isinstance(given, Mapping) and (schema.get("properties") or schema.get("required")):
                return self.object(given, schema, where)
            if isinstance(given, list):
                return [self.value(each, schema.get("items"), where) for each in given]
            values = [schema["const"]] if "const" in schema else schema.get("enum")
            if values and given not in values:
                return self._one_of(given, values, where)
            return given
        finally:
            self._depth -= 1

    def _one_of(self, given: Any, values: Sequence[Any], where: str) -> Any:
        texts = tuple(value for value in values if isinstance(value, str))
        if not isinstance(given, str) or not texts:
            raise CallError(f"{where} is one of {list(values)!r}, not {given!r}", given)
        return self._tools._meant(given, texts, f"value of {where}", self._changes)

    def _any(self, given: Any, branches: Iterable[Any], where: str) -> Any:
        """Return the value by the first branch that it fits as it is, or the only one otherwise."""
        found: list[tuple[Any, list[str]]] = []
        failure: CallError | None = None
        before = list(self._changes)
        for branch in branches:
            if isinstance(branch, Mapping):
                branch = self._plain(branch, where)
            if not _may_be(given, branch):
                continue
            self._changes[:] = before
            try:
                found.append((self.value(given, branch, where), list(self._changes)))
            except CallError as error:
                failure = error
        self._changes[:] = before
        exact = [each for each in found if len(each[1]) == len(before)]
        if not found:
            raise failure or CallError(f"{where} is nothing that its schema allows", given)
        if not exact and any(each[0] != found[0][0] for each in found):
            raise CallError(f"{where} may be meant in several ways", given)
        value, self._changes[:] = (exact or found)[0]
        return value

    def _plain(self, schema: Mapping[str, Any], where: str) -> Mapping[str, Any]:
        """Return the schema with what it refers to, and all that it must be, in one."""
        seen: list[str] = []
        while "$ref" in schema:
            ref = str(schema["$ref"])
            if ref in seen:
                raise CallError(f"the schema of {where} refers to itself: {ref!r}")
            seen.append(ref)
            target: Any = self._root
            for step in ref.removeprefix("#").strip("/").split("/") if ref != "#" else ():
                name = step.replace("~1", "/").replace("~0", "~")
                target = target.get(name) if isinstance(target, Mapping) else None
            if not ref.startswith("#") or not isinstance(target, Mapping):
                raise CallError(f"the schema of {where} refers to {ref!r}, which is not in it")
            schema = {**target, **{key: schema[key] for key in schema if key != "$ref"}}
        parts = schema.get("allOf")
        if not parts or len(seen) > _DEEP:
            return schema
        merged = {key: value for key, value in schema.items() if key != "allOf"}
        for part in parts:
            part = self._plain(part, where)
            merged["properties"] = {**part.get("properties", {}), **merged.get("properties", {})}
            merged["required"] = [*part.get("required", ()), *merged.get("required", ())]
            merged = {**part, **merged}
        return merged


_TYPES: dict[str, Any] = {
    "object": Mapping, "array": list, "string": str, "boolean": bool, "null": type(None),
    "number": (int, float), "integer": int,
}  # fmt: skip


def _may_be(given: Any, schema: Any) -> bool:
    """May the value be of the type of the schema?"""
    kinds = schema.get("type") if isinstance(schema, Mapping) else None
    names = [kinds] if isinstance(kinds, str) else list(kinds or ())
    types = tuple(_TYPES[name] for name in names if name in _TYPES)
    return not types or any(
        isinstance(given, kind) and (kind is bool or not isinstance(given, bool)) for kind in types
    )
