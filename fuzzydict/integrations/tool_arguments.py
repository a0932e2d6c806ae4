"""The arguments of a tool call, corrected by their JSON Schema."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from fuzzydict.integrations.descriptions import expectation, listed, typed_value
from fuzzydict.integrations.json_schema import Schemas, is_same, type_name, types
from fuzzydict.integrations.tool_names import aliased
from fuzzydict.mapping import FuzzyDict
from fuzzydict.matches import Match

__all__ = ["ArgumentResolver", "Corrected", "NameLookup", "NameMatch", "Problem"]

_MAX_DEPTH = 32  # of nested values
_CLOSEST = 3  # names that a problem lists


class Problem(NamedTuple):
    """One reason why a call does not fit: where, and what was expected."""

    path: str  # such as "send_email.attachments[0].name"; empty for the call itself
    message: str
    query: object = None  # the name or value without a match
    matches: tuple[Match, ...] = ()  # the closest names, best first

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class Corrected(NamedTuple):
    """A value after correction, the changes, and the problems that remain."""

    value: Any
    changes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


class NameMatch(NamedTuple):
    """The name that matches a query, or None and the closest names."""

    key: str | None
    changes: tuple[str, ...]
    closest: tuple[Match, ...]
    score: float = 1.0  # of the key


class NameLookup:
    """Fuzzy lookups among several sets of names, with one dictionary for each set.

    Args:
        options: Those of `FuzzyDict`.
    """

    def __init__(self, **options: Any) -> None:
        self._options = options
        self._dictionaries: dict[tuple[str, ...], FuzzyDict[str, None]] = {}

    def dictionary(self, names: tuple[str, ...]) -> FuzzyDict[str, None]:
        """Return the dictionary of these names."""
        if names not in self._dictionaries:
            self._dictionaries[names] = FuzzyDict(dict.fromkeys(names), **self._options)
        return self._dictionaries[names]

    def find(self, query: str, names: tuple[str, ...]) -> NameMatch:
        """Return which of the names matches a query."""
        d = self.dictionary(names)
        best = d.match(query)
        if best is None:
            closest = d.matches(query, _CLOSEST, cutoff=0.0) if d.cutoff < 1 else ()
            return NameMatch(None, (), tuple(closest))
        changes = () if best.key == query else (f"{query} → {best.key}",)
        return NameMatch(best.key, changes, (), best.score)

    def find_property(self, query: str, names: tuple[str, ...]) -> NameMatch:
        """Return which of the names matches a query, or has it as a common alias."""
        match = self.find(query, names)
        corrects = self.dictionary(names).cutoff < 1
        if match.key is None and corrects and (key := aliased(query, names)) is not None:
            return NameMatch(key, (f"{query} → {key}",), ())
        return match


class ArgumentResolver:
    """Corrects the arguments of one call by their schema.

    Args:
        names: Finds the names of arguments and the values of enumerations.
        root: The schema of the arguments.
        coerce: Whether values of a wrong type may be converted without loss.
    """

    def __init__(self, names: NameLookup, root: Mapping[str, Any], *, coerce: bool = False) -> None:
        self._coerce = coerce
        self._lookup, self._schemas = names, Schemas(root)
        self._cache: dict[tuple[int, int, str], Corrected] = {}  # by value, schema and path
        self._depth = 0

    def correct(self, given: Any, schema: Any, path: str) -> Corrected:
        """Return a value corrected by the schema, or with the reasons why it does not fit."""
        # Nested alternatives would take exponential time without the cache. The call keeps the
        # values alive, so that their ids stay valid.
        key = id(given), id(schema), path
        if key not in self._cache:
            if self._depth > _MAX_DEPTH:
                return _failed(path, f"nested deeper than {_MAX_DEPTH} levels", given)
            self._depth += 1
            self._cache[key] = self._by_alternatives(given, schema, path)
            self._depth -= 1
        return self._cache[key]

    def _by_alternatives(self, given: Any, schema: Any, path: str) -> Corrected:
        """Return the value by the alternative that it satisfies: unchanged, or else corrected."""
        allowed = self._schemas.alternatives(schema)
        candidates = [each for each in allowed if _is_of_type(given, types(each))]
        if not candidates:
            kinds = [kind for each in allowed for kind in types(each)] if self._coerce else []
            values = [_converted(given, kind) for kind in kinds]
            for value in (value for value in values if value is not None):
                found = self._by_alternatives(value, schema, path)
                change = f"{path}: {typed_value(given)} → {typed_value(value)}"
                return found._replace(changes=(change, *found.changes))
            return _failed(
                path, f"expected {expectation(allowed)}, got {typed_value(given)}", given
            )
        if all("enum" in each for each in candidates):
            # One enumeration, so that all values compete.
            candidates = [
                {**candidates[0], "enum": [value for each in candidates for value in each["enum"]]}
            ]
        tried = [self._alternative(given, each, path) for each in candidates]
        fitting = [each for each in tried if not each.problems]
        if fitting:
            for each in fitting:
                if not each.changes:
                    return each
            if all(each.value == fitting[0].value for each in fitting):
                return fitting[0]
            meanings = " or ".join(typed_value(each.value) for each in fitting)
            return _failed(path, f"ambiguous, {typed_value(given)} may mean {meanings}", given)
        fewest = min(len(each.problems) for each in tried)
        closest = [each for each in tried if len(each.problems) == fewest]
        if len(closest) == 1:
            return closest[0]
        return _failed(path, f"expected {expectation(candidates)}, got {typed_value(given)}", given)

    def _alternative(self, given: Any, schema: Mapping[str, Any], path: str) -> Corrected:
        found = Corrected(given)
        if isinstance(given, Mapping):
            found = self._object(given, schema, path)
        elif isinstance(given, list):
            found = self._array(given, schema, path)
        values = schema.get("enum")
        if values is None or any(is_same(found.value, value) for value in values):
            return found
        expected = f"expected {listed(values)}, got {typed_value(given)}"
        names = tuple(value for value in values if isinstance(value, str))
        if not isinstance(given, str) or not names:
            return _failed(path, expected, given)
        match = self._lookup.find(given, names)
        if match.key is None:
            return _failed(path, expected, given, match.closest)
        return Corrected(match.key, match.changes)

    def _array(self, given: list[Any], schema: Mapping[str, Any], path: str) -> Corrected:
        first, rest = schema.get("prefixItems", []), schema.get("items", True)
        found = [
            self.correct(each, first[i] if i < len(first) else rest, f"{path}[{i}]")
            for i, each in enumerate(given)
        ]
        return Corrected(
            [each.value for each in found],
            tuple(change for each in found for change in each.changes),
            tuple(problem for each in found for problem in each.problems),
        )

    def _object(self, given: Mapping[Any, Any], schema: Mapping[str, Any], path: str) -> Corrected:
        properties, required = schema.get("properties", {}), schema.get("required", ())
        names = tuple(dict.fromkeys([*properties, *required]))
        sources, changes, problems = self._names(given, names, schema, path)
        result: dict[Any, Any] = {}
        for key, used in sources.items():
            place = f"{path}.{key}"
            if len(used) > 1:
                problem = f"given more than once, as {listed(used, ' and ')}"
                problems.append(Problem(place, problem, used[-1]))
                continue
            found = self.correct(given[used[0]], _property(key, schema), place)
            result[key] = found.value
            changes += found.changes
            problems += found.problems
        for key in names:
            if key in required and key not in sources:
                expected = expectation(self._schemas.alternatives(properties.get(key, True)))
                problems.append(Problem(f"{path}.{key}", f"missing, expected {expected}", key))
        return Corrected(result, tuple(changes), tuple(problems))

    def _names(
        self, given: Iterable[Any], names: tuple[str, ...], schema: Mapping[str, Any], path: str
    ) -> tuple[dict[str, list[str]], list[str], list[Problem]]:
        """Return the given names of each property, the corrections and the problems."""
        sources: dict[str, list[str]] = {}
        changes: list[str] = []
        problems: list[Problem] = []
        for name in given:
            if not isinstance(name, str):
                problem = f"names of arguments must be strings, got {name!r}"
                problems.append(Problem(path, problem, name))
                continue
            match = NameMatch(name, (), ())
            if not any(re.search(pattern, name) for pattern in schema.get("patternProperties", ())):
                match = self._lookup.find_property(name, names)
            if match.key is None and _property(name, schema) is False:
                problem = "unknown argument"
                if names:
                    problem += f", expected {listed(names)}"
                problems.append(Problem(f"{path}.{name}", problem, name, match.closest))
                continue
            changes += match.changes
            sources.setdefault(name if match.key is None else match.key, []).append(name)
        return sources, changes, problems


def _is_of_type(given: object, names: Sequence[str]) -> bool:
    return not names or type_name(given, names) is not None


def _converted(given: object, kind: str) -> Any:
    """Return a value as another JSON type if that loses nothing, or None.

    >>> _converted("3", "integer"), _converted("3.5", "integer"), _converted(3, "string")
    (3, None, '3')
    """
    if kind == "string" and isinstance(given, int | float):
        return json.dumps(given)
    if isinstance(given, str) and kind in ("boolean", "integer", "number"):
        try:
            value = json.loads(given.lower(), parse_constant=lambda _: None)
        except ValueError:
            return None
        return value if type_name(value, [kind]) else None
    return None


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


def _failed(path: str, message: str, given: object, matches: tuple[Match, ...] = ()) -> Corrected:
    return Corrected(given, (), (Problem(path, message, given, matches),))
