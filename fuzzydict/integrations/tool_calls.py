"""Tool calls of language models: names that a model got slightly wrong, corrected by the schemas.

Names of tools, names of arguments and values of enumerations are looked up as in a `FuzzyDict`. A
call that does not fit its schema is an error, never a guess.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from fuzzydict.integrations.json_schema import (
    SchemaError,
    Schemas,
    check,
    is_same,
    type_name,
    types,
)
from fuzzydict.mapping import FuzzyDict
from fuzzydict.options import check_guards
from fuzzydict.ranking.guards import DEFAULT, Guard
from fuzzydict.results import Match, NoMatchError

__all__ = ["Call", "CallError", "Problem", "Tools", "resolve"]

CUTOFF = 0.8  # a call has effects, so it needs more certainty than a lookup
_DEPTH = 32  # of objects within objects
_CLOSEST = 3
_SHOWN = 20  # names that a message lists
_LENGTH = 60  # of a value in a message
_SCHEMA_PLACES = ("inputSchema", "input_schema", "parameters")
_ARGUMENT_PLACES = ("arguments", "input", "args")
# What a definition, or a call, without a schema, or arguments, may contain.
_OF_DEFINITION = {"name", "description", "strict", "type"}
_OF_CALL = {"name", "type", "id", "call_id", "_meta"}
_OF_OBJECTS = {
    "properties", "patternProperties", "additionalProperties", "required",
    "$ref", "allOf", "anyOf", "oneOf",
}  # fmt: skip

Definitions = Iterable[Mapping[str, Any]] | Mapping[str, Mapping[str, Any]]


class Call(NamedTuple):
    """A tool call that fits its schema."""

    name: str
    arguments: dict[str, Any]
    changes: tuple[str, ...]  # corrections such as "town → city", to be logged


class Problem(NamedTuple):
    """One reason why a call does not fit: where, and what was expected there."""

    path: str  # such as "send_email.attachments[0].name"; empty for the call itself
    message: str
    query: object = None  # the name or value that fits nothing
    matches: tuple[Match, ...] = ()  # the closest names, best first

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class CallError(NoMatchError):
    """A call that fits no tool, or whose meaning is in doubt.

    ``problems`` lists everything that is wrong with it. ``query`` and ``matches`` are those of the
    first problem.
    """

    def __init__(self, *problems: Problem) -> None:
        super().__init__(problems[0].query, problems[0].matches)
        self.problems = problems

    def __str__(self) -> str:
        return "; ".join(map(str, self.problems))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self.problems


class Tools:
    """Tools that a language model may call, ready to resolve its calls.

    ``tools`` are definitions with a JSON Schema of the arguments:

    - MCP: ``{"name", "inputSchema"}``;
    - OpenAI: ``{"type": "function", "function": {"name", "parameters"}}``, or without "function";
    - Anthropic: ``{"name", "input_schema"}``;
    - JSON Schemas that contain their ``"name"`` or ``"title"``;
    - or a mapping from names to JSON Schemas, where ``{}`` means no arguments.

    Args:
        tools: The definitions.
        cutoff: The least probability with which a name is corrected; 1.0 corrects none.
        embedder: As in `FuzzyDict`.
        guards: As in `FuzzyDict`.

    Raises:
        ValueError: A definition has another form, a malformed schema, or a name that is taken.

    >>> tools = Tools([{"name": "get_weather", "inputSchema": {
    ...     "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}])
    >>> tools.resolve({"name": "getWeather", "arguments": '{"town": "Oslo"}'})
    Call(name='get_weather', arguments={'city': 'Oslo'}, changes=('getWeather → get_weather', 'town → city'))
    >>> tools.resolve("get_weather", {"town": 5, "zebra": 1})
    Traceback (most recent call last):
        ...
    fuzzydict.integrations.tool_calls.CallError: get_weather.zebra: unknown argument, expected 'city'; get_weather.city: expected string, got integer 5
    """  # noqa: E501

    def __init__(
        self,
        tools: Definitions,
        *,
        cutoff: float = CUTOFF,
        embedder: Any = "default",
        guards: Iterable[Guard] = DEFAULT,
    ) -> None:
        self._schemas = _schemas(tools)
        self._options = {"cutoff": cutoff, "embedder": embedder, "guards": check_guards(guards)}
        self._dictionaries: dict[tuple[str, ...], FuzzyDict[str, None]] = {}
        self._dictionary(tuple(self._schemas))  # a wrong option fails here

    def __repr__(self) -> str:
        return f"Tools({', '.join(self._schemas)})"

    def resolve(
        self, call: str | Mapping[str, Any], arguments: Mapping[str, Any] | str | None = None
    ) -> Call:
        """Return the call that was meant: an existing tool, with arguments that fit its schema.

        Exact names always win. Values are returned as given, except strings of an enumeration.
        Arguments that the schema does not define are errors, unless it has
        ``additionalProperties`` or defines no properties. Types, enumerations, required arguments
        and alternatives are checked; limits such as ``minimum`` and ``pattern`` are not. Nothing
        that was given is changed. O(arguments) lookups.

        Args:
            call: The name of a tool; or a call as a model returns it: a mapping with "name" and
                "arguments" (MCP, OpenAI) or "input" (Anthropic), or with "function" that has these.
            arguments: The arguments for a name, as a mapping or as JSON text.

        Raises:
            CallError: It lists everything that is wrong.
        """
        if isinstance(call, Mapping):
            if arguments is not None:
                raise CallError(Problem("", "the arguments of a call are part of it, got others"))
            call, arguments = _parts(call)
        if not isinstance(call, str):
            problem = f"a call must be a name or a mapping, got {_shown(call)}"
            raise CallError(Problem("", problem, call))
        given = _as_object(arguments, call)
        name = self._meant(call, tuple(self._schemas))
        if name.key is None:
            closest = ", ".join(f"{match.key!r} {match.score:.2f}" for match in name.closest)
            problem = "unknown tool" + (f" (closest: {closest})" if closest else "")
            raise CallError(Problem(call, problem, call, name.closest))
        schema = self._schemas[name.key]
        found = _Resolver(self, schema).value(given, schema, name.key)
        if found.problems:
            raise CallError(*found.problems)
        return Call(name.key, found.value, name.changes + found.changes)

    def _meant(self, query: str, names: tuple[str, ...]) -> "_Meant":
        d = self._dictionary(names)
        best = d.match(query)
        if best is None:
            closest = d.matches(query, _CLOSEST, cutoff=0.0) if d.cutoff < 1 else ()
            return _Meant(None, (), tuple(closest))
        return _Meant(best.key, () if best.key == query else (f"{query} → {best.key}",), ())

    def _dictionary(self, names: tuple[str, ...]) -> FuzzyDict[str, None]:
        if names not in self._dictionaries:
            self._dictionaries[names] = FuzzyDict(dict.fromkeys(names), **self._options)
        return self._dictionaries[names]


def resolve(
    call: str | Mapping[str, Any],
    arguments: Mapping[str, Any] | str | None,
    tools: Definitions,
    *,
    cutoff: float = CUTOFF,
    embedder: Any = "default",
    guards: Iterable[Guard] = DEFAULT,
) -> Call:
    """Return the call that a language model meant. For many calls use `Tools`, which explains it.

    >>> resolve("get_wheather", {}, {"get_weather": {}, "send_mail": {}}).name
    'get_weather'
    >>> call = {"type": "tool_use", "id": "1", "name": "get_wheather", "input": {}}
    >>> resolve(call, None, {"get_weather": {}}).name
    'get_weather'
    """
    definitions = Tools(tools, cutoff=cutoff, embedder=embedder, guards=guards)
    return definitions.resolve(call, arguments)


resolve.__module__ = "fuzzydict"  # the name that users import
__test__ = {"resolve": resolve}  # doctest skips what is of another module


def _schemas(tools: Definitions) -> dict[str, Mapping[str, Any]]:
    schemas: dict[str, Mapping[str, Any]] = {}
    for name, schema in tools.items() if isinstance(tools, Mapping) else map(_definition, tools):
        if name in schemas:
            raise ValueError(f"two tools have the name {name!r}")
        schemas[name] = _of_arguments(name, schema)
    return schemas


def _definition(tool: Any) -> tuple[str, Any]:
    """Return the name and the schema of a definition."""
    if not isinstance(tool, Mapping):
        raise ValueError(
            f"a tool definition must be a mapping, got {_shown(tool)}; "
            "an object of pydantic becomes one by its model_dump()"
        )
    tool = tool.get("function", tool)
    name = tool.get("name", tool.get("title")) if isinstance(tool, Mapping) else None
    if not isinstance(name, str):
        raise ValueError(f"a tool definition must have a 'name', got {_shown(tool)}")
    places = [place for place in _SCHEMA_PLACES if place in tool]
    if len(places) > 1:
        raise ValueError(f"the tool {name!r} has several schemas: {', '.join(places)}")
    if places:
        schema = tool[places[0]]
        return name, {} if schema is None else schema
    if _is_of_object(tool):
        return name, tool
    if tool.keys() <= _OF_DEFINITION and tool.get("type", "function") == "function":
        return name, {}
    raise ValueError(
        f"the tool {name!r} must have a schema under {', '.join(_SCHEMA_PLACES)}; "
        f"it has {', '.join(map(str, tool))}"
    )


def _of_arguments(name: object, schema: Any) -> Mapping[str, Any]:
    """Return the schema of the arguments, which describes an object."""
    if not isinstance(name, str) or not isinstance(schema, Mapping):
        raise ValueError(f"a tool must have a name and a JSON Schema, got {name!r}: {schema!r}")
    if not schema:
        return {"type": "object", "properties": {}}
    if not _is_of_object(schema) or not schema.keys().isdisjoint(("function", *_SCHEMA_PLACES)):
        raise ValueError(
            f"the arguments of the tool {name!r} must have a JSON Schema of an object, such as "
            f'{{"type": "object", "properties": {{...}}}}, got {_shown(schema)}'
        )
    try:
        check(schema)
    except SchemaError as error:
        raise ValueError(f"the schema of the tool {name!r} is malformed: {error}") from None
    return schema


def _is_of_object(schema: Mapping[str, Any]) -> bool:
    return "object" in types(schema) or not _OF_OBJECTS.isdisjoint(schema)


def _parts(call: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return the name and the arguments of a call."""
    call = call.get("function", call)
    if not isinstance(call, Mapping) or "name" not in call:
        raise CallError(Problem("", f"a call must have a 'name', got {_shown(call)}", call))
    places = [place for place in _ARGUMENT_PLACES if place in call]
    if len(places) > 1 or (not places and not call.keys() <= _OF_CALL):
        problem = f"a call must have one of {_listed(_ARGUMENT_PLACES)}, got {_shown(call)}"
        raise CallError(Problem("", problem, call))
    return call["name"], call[places[0]] if places else None


def _as_object(arguments: object, name: str) -> Mapping[Any, Any]:
    """Return the arguments, which may be JSON text, as a mapping."""
    if isinstance(arguments, str) and arguments:
        try:
            arguments = json.loads(
                arguments, object_pairs_hook=_without_duplicates, parse_constant=_no_constant
            )
        except (ValueError, RecursionError) as error:
            problem = f"the arguments are malformed JSON: {error}"
            raise CallError(Problem(name, problem, arguments)) from None
    elif arguments is None or arguments == "":
        return {}
    if not isinstance(arguments, Mapping):
        problem = f"the arguments must be an object, got {_shown(arguments)}"
        raise CallError(Problem(name, problem, arguments))
    return arguments


def _without_duplicates(items: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in items:
        if name in found:
            raise ValueError(f"duplicate name {name!r}")
        found[name] = value
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON value")


class _Meant(NamedTuple):
    """The name that a query means, if any."""

    key: str | None
    changes: tuple[str, ...]
    closest: tuple[Match, ...]


class _Found(NamedTuple):
    """A value by its schema: corrected, or with what is wrong."""

    value: Any
    changes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


def _failed(path: str, message: str, given: object, matches: tuple[Match, ...] = ()) -> _Found:
    return _Found(given, (), (Problem(path, message, given, matches),))


class _Resolver:
    """Corrects the arguments of one call."""

    def __init__(self, tools: Tools, root: Mapping[str, Any]) -> None:
        self._tools, self._schemas = tools, Schemas(root)
        self._found: dict[tuple[int, int, str], _Found] = {}  # a value by a schema at a place
        self._depth = 0

    def value(self, given: Any, schema: Any, path: str) -> _Found:
        """Return the value corrected by the schema."""
        # Each object is looked at once by each schema: alternatives within alternatives would
        # take exponential time. Its id is that of the same value, as the call keeps it alive.
        key = id(given), id(schema), path
        if key not in self._found:
            if self._depth > _DEPTH:
                return _failed(path, f"nested deeper than {_DEPTH} levels", given)
            self._depth += 1
            self._found[key] = self._by_alternatives(given, schema, path)
            self._depth -= 1
        return self._found[key]

    def _by_alternatives(self, given: Any, schema: Any, path: str) -> _Found:
        """Return the value by the alternative that it fits: as it is, or else corrected."""
        every = self._schemas.alternatives(schema)
        of_type = [each for each in every if _is_of_type(given, types(each))]
        if not of_type:
            return _failed(path, f"expected {self._expected(every)}, got {_shown(given)}", given)
        if all("enum" in each for each in of_type):
            # Enumerations are one, so that their values compete.
            of_type = [
                {**of_type[0], "enum": [value for each in of_type for value in each["enum"]]}
            ]
        tried = [self._alternative(given, each, path) for each in of_type]
        fitting = [each for each in tried if not each.problems]
        if fitting:
            for each in fitting:
                if not each.changes:
                    return each
            if all(each.value == fitting[0].value for each in fitting):
                return fitting[0]
            meanings = " or ".join(_shown(each.value) for each in fitting)
            return _failed(path, f"ambiguous, {_shown(given)} may mean {meanings}", given)
        fewest = min(len(each.problems) for each in tried)
        closest = [each for each in tried if len(each.problems) == fewest]
        if len(closest) == 1:
            return closest[0]
        return _failed(path, f"expected {self._expected(of_type)}, got {_shown(given)}", given)

    def _alternative(self, given: Any, schema: Mapping[str, Any], path: str) -> _Found:
        found = _Found(given)
        if isinstance(given, Mapping):
            found = self._object(given, schema, path)
        elif isinstance(given, list):
            found = self._array(given, schema, path)
        values = schema.get("enum")
        if values is None or any(is_same(found.value, value) for value in values):
            return found
        expected = f"expected {_listed(values)}, got {_shown(given)}"
        names = tuple(value for value in values if isinstance(value, str))
        if not isinstance(given, str) or not names:
            return _failed(path, expected, given)
        name = self._tools._meant(given, names)
        if name.key is None:
            return _failed(path, expected, given, name.closest)
        return _Found(name.key, name.changes)

    def _array(self, given: list[Any], schema: Mapping[str, Any], path: str) -> _Found:
        first, rest = schema.get("prefixItems", []), schema.get("items", True)
        found = [
            self.value(each, first[i] if i < len(first) else rest, f"{path}[{i}]")
            for i, each in enumerate(given)
        ]
        return _Found(
            [each.value for each in found],
            tuple(change for each in found for change in each.changes),
            tuple(problem for each in found for problem in each.problems),
        )

    def _object(self, given: Mapping[Any, Any], schema: Mapping[str, Any], path: str) -> _Found:
        properties, required = schema.get("properties", {}), schema.get("required", ())
        names = tuple(dict.fromkeys([*properties, *required]))
        sources, changes, problems = self._names(given, names, schema, path)
        result: dict[Any, Any] = {}
        for key, used in sources.items():
            place = f"{path}.{key}"
            if len(used) > 1:
                problem = f"given more than once, as {_listed(used, ' and ')}"
                problems.append(Problem(place, problem, used[-1]))
                continue
            found = self.value(given[used[0]], _property(key, schema), place)
            result[key] = found.value
            changes += found.changes
            problems += found.problems
        for key in names:
            if key in required and key not in sources:
                expected = self._expected(self._schemas.alternatives(properties.get(key, True)))
                problems.append(Problem(f"{path}.{key}", f"missing, expected {expected}", key))
        return _Found(result, tuple(changes), tuple(problems))

    def _names(
        self, given: Iterable[Any], names: tuple[str, ...], schema: Mapping[str, Any], path: str
    ) -> tuple[dict[str, list[str]], list[str], list[Problem]]:
        """Return by which names each property is given, the corrections and what is wrong."""
        sources: dict[str, list[str]] = {}
        changes: list[str] = []
        problems: list[Problem] = []
        for name in given:
            if not isinstance(name, str):
                problem = f"names of arguments must be strings, got {name!r}"
                problems.append(Problem(path, problem, name))
                continue
            meant = _Meant(name, (), ())
            if not any(re.search(pattern, name) for pattern in schema.get("patternProperties", ())):
                meant = self._tools._meant(name, names)
            if meant.key is None and _property(name, schema) is False:
                problem = "unknown argument"
                if names:
                    problem += f", expected {_listed(names)}"
                problems.append(Problem(f"{path}.{name}", problem, name, meant.closest))
                continue
            changes += meant.changes
            sources.setdefault(name if meant.key is None else meant.key, []).append(name)
        return sources, changes, problems

    def _expected(self, alternatives: Sequence[Mapping[str, Any]]) -> str:
        """Return in words what fits one of the schemas."""
        return " or ".join(dict.fromkeys(map(_kind, alternatives))) or "nothing"


def _is_of_type(given: object, names: Sequence[str]) -> bool:
    return not names or type_name(given, names) is not None


def _property(name: str, schema: Mapping[str, Any]) -> Any:
    """Return the schema of a property, False if there is none of that name."""
    properties, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    parts = [properties[name]] if name in properties else []
    parts += [each for pattern, each in patterns.items() if re.search(pattern, name)]
    if len(parts) > 1:
        return {"allOf": parts}
    if parts:
        return parts[0]
    if name in schema.get("required", ()):
        return True
    # JSON Schema allows other properties by default; a tool would ignore them.
    return schema.get("additionalProperties", "properties" not in schema and not patterns)


def _kind(schema: Mapping[str, Any]) -> str:
    """Return in words what a schema expects."""
    if "enum" in schema:
        return _listed(schema["enum"])
    names = types(schema)
    if names == ["object"] and schema.get("required"):
        return f"object with {_listed(schema['required'], ', ')}"
    return " or ".join(names) or "any value"


def _listed(values: Iterable[object], between: str = " or ") -> str:
    shown = list(dict.fromkeys(map(_json, values)))
    rest = [f"{len(shown) - _SHOWN} others"] if len(shown) > _SHOWN else []
    *most, last = shown[:_SHOWN] + rest
    return between.join([*([", ".join(most)] if most else []), last])


def _shown(value: object) -> str:
    """Return a value, shortened, with its type."""
    kind = type_name(value) or type(value).__name__
    return kind if value is None else f"{kind} {_json(value)}"


def _json(value: object) -> str:
    """Return a value as in JSON, shortened, but strings as Python quotes them."""
    try:
        text = repr(value) if isinstance(value, str) else json.dumps(value, default=repr)
    except (TypeError, ValueError, RecursionError):  # no JSON
        text = repr(value)
    return text if len(text) <= _LENGTH else f"{text[: _LENGTH - 3]}..."
