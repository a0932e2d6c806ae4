"""Tool calls of language models: names with small mistakes are corrected by the schemas.

Names of tools, names of arguments and values of enumerations are looked up in a `FuzzyDict`. A call
that does not fit its schema raises an error.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from fuzzydict.integrations.descriptions import listed, typed_value
from fuzzydict.integrations.tool_arguments import (
    ArgumentResolver,
    NameLookup,
    NameMatch,
    Problem,
)
from fuzzydict.integrations.tool_definitions import Definitions, argument_schemas
from fuzzydict.integrations.tool_names import (
    effects_differ,
    has_other_words,
    shared_prefix,
    without_namespace,
)
from fuzzydict.matches import Match, NoMatchError
from fuzzydict.options import check_guards
from fuzzydict.ranking.guards import DEFAULT, Guard
from fuzzydict.text.tokens import compact, words

__all__ = ["Call", "CallError", "Problem", "Tools", "effects_differ", "resolve"]

CUTOFF = 0.8  # higher than for a lookup, because a call has effects
_OTHER_WORDS = 0.97  # for the name of a tool that has other words than a call
_ARGUMENT_FIELDS = ("arguments", "input", "args")
_OTHER_FIELDS = {"name", "type", "id", "call_id", "_meta"}  # of a call without arguments


class Call(NamedTuple):
    """A tool call that fits its schema."""

    name: str
    arguments: dict[str, Any]
    changes: tuple[str, ...]  # corrections such as "town → city", to be logged


class CallError(NoMatchError):
    """A call matches no tool, does not fit its schema, or is ambiguous.

    ``problems`` lists all reasons. ``query`` and ``matches`` are those of the first problem.
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
    - JSON Schemas with a ``"name"`` or ``"title"``;
    - or a mapping from names to JSON Schemas, where ``{}`` means no arguments.

    Args:
        tools: The definitions.
        cutoff: The lowest score with which a name is corrected; 1.0 corrects none.
        embedder: As in `FuzzyDict`.
        guards: As in `FuzzyDict`. For the names of tools `effects_differ` is one of them.
        coerce: Whether a value of a wrong type may be converted without loss: "3" to 3, "true" to
            True, 3 to "3". Each conversion is among the changes.

    Raises:
        ValueError: A definition has an unknown form, a malformed schema, or a duplicate name.

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
        embedder: Any = None,
        guards: Iterable[Guard] = DEFAULT,
        coerce: bool = False,
    ) -> None:
        self._schemas = argument_schemas(tools)
        self._coerce = coerce
        guards = check_guards(guards)
        self._arguments = NameLookup(cutoff=cutoff, embedder=embedder, guards=guards)
        guards = (*guards, effects_differ) if guards else guards
        self._names = NameLookup(cutoff=cutoff, embedder=embedder, guards=guards)
        self._names.dictionary(tuple(self._schemas))  # an invalid option raises here
        n = len(shared_prefix(self._schemas))
        self._without_prefix = {compact(words(name)[n:]): name for name in self._schemas if n}

    def __repr__(self) -> str:
        return f"Tools({', '.join(self._schemas)})"

    def resolve(
        self, call: str | Mapping[str, Any], arguments: Mapping[str, Any] | str | None = None
    ) -> Call:
        """Return the call with the name of a tool and arguments that fit its schema.

        An exact name always wins. What clients write before a name ("functions.", "mcp__server__")
        does not count, nor does a word with which all tools begin. Only names and strings of
        enumerations are corrected, in a copy; a common alias of one argument ("q", "query") is one.
        Arguments that the schema does not define are errors, unless it has
        ``additionalProperties`` or defines no properties. Types, enumerations, required arguments
        and alternatives are checked; limits such as ``minimum`` and ``pattern`` are not.
        O(arguments) lookups.

        Args:
            call: The name of a tool; or a call as a model returns it: a mapping with "name" and
                "arguments" (MCP, OpenAI) or "input" (Anthropic), or one under "function".
            arguments: The arguments for a name, as a mapping or as JSON text.

        Raises:
            CallError: It lists all problems.
        """
        if isinstance(call, Mapping):
            if arguments is not None:
                raise CallError(Problem("", "a call contains its arguments: pass no others"))
            call, arguments = _parts(call)
        if not isinstance(call, str):
            problem = f"a call must be a name or a mapping, got {typed_value(call)}"
            raise CallError(Problem("", problem, call))
        given = _as_object(arguments, call)
        name = self._tool(without_namespace(call, self._schemas))
        if name.key is None:
            closest = ", ".join(f"{match.key!r} {match.score:.2f}" for match in name.closest)
            problem = "unknown tool" + (f" (closest: {closest})" if closest else "")
            raise CallError(Problem(call, problem, call, name.closest))
        schema = self._schemas[name.key]
        found = ArgumentResolver(self._arguments, schema, coerce=self._coerce).correct(
            given, schema, name.key
        )
        if found.problems:
            raise CallError(*found.problems)
        renamed = () if name.key == call else (f"{call} → {name.key}",)
        return Call(name.key, found.value, renamed + found.changes)

    def _tool(self, name: str) -> NameMatch:
        """Return the tool that a name means."""
        found = self._without_prefix.get(compact(words(name)), name)
        match = self._names.find(found, tuple(self._schemas))
        if match.key is None or match.score >= _OTHER_WORDS or not has_other_words(name, match.key):
            return match
        return NameMatch(None, (), (Match(match.key, None, match.score),))


def resolve(
    call: str | Mapping[str, Any],
    arguments: Mapping[str, Any] | str | None,
    tools: Definitions,
    *,
    cutoff: float = CUTOFF,
    embedder: Any = None,
    guards: Iterable[Guard] = DEFAULT,
    coerce: bool = False,
) -> Call:
    """Return the call of a language model, corrected by the schemas of the tools; see `Tools`.

    `Tools` is faster for many calls.

    >>> resolve("get_wheather", {}, {"get_weather": {}, "send_mail": {}}).name
    'get_weather'
    >>> call = {"type": "tool_use", "id": "1", "name": "get_wheather", "input": {}}
    >>> resolve(call, None, {"get_weather": {}}).name
    'get_weather'
    """
    definitions = Tools(tools, cutoff=cutoff, embedder=embedder, guards=guards, coerce=coerce)
    return definitions.resolve(call, arguments)


resolve.__module__ = "fuzzydict"  # users import it from there
__test__ = {"resolve": resolve}  # otherwise doctest skips it


def _parts(call: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return the name and the arguments of a call."""
    call = call.get("function", call)
    if not isinstance(call, Mapping) or "name" not in call:
        raise CallError(Problem("", f"a call must have a 'name', got {typed_value(call)}", call))
    fields = [field for field in _ARGUMENT_FIELDS if field in call]
    if len(fields) > 1 or (not fields and not call.keys() <= _OTHER_FIELDS):
        problem = f"a call must have one of {listed(_ARGUMENT_FIELDS)}, got {typed_value(call)}"
        raise CallError(Problem("", problem, call))
    return call["name"], call[fields[0]] if fields else None


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
        problem = f"the arguments must be an object, got {typed_value(arguments)}"
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
