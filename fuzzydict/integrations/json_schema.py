"""The part of JSON Schema that tool definitions use, expanded into alternatives.

Supported are types, properties, items, enumerations, ``$ref`` within the schema, ``allOf``,
``anyOf`` and ``oneOf``. Constraints (``minimum``, ``maxLength``, ``pattern``, ``format``), ``not``,
``if`` and ``dependent…`` are ignored. A validator such as `jsonschema` does not suffice: correcting
the names within a value requires its alternative schemas.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any
from urllib.parse import unquote

__all__ = ["SchemaError", "Schemas", "check", "is_same", "type_name", "types"]

_TYPES: dict[str, Any] = {
    "null": type(None), "boolean": bool, "integer": int, "number": (int, float), "string": str,
    "array": list, "object": Mapping,
}  # fmt: skip
_TABLES = ("properties", "patternProperties", "$defs", "definitions")  # name → schema
_LISTS = ("prefixItems", "allOf", "anyOf", "oneOf")
_SINGLE = ("items", "additionalItems", "additionalProperties")
_COMBINING = {"$ref", "allOf", "anyOf", "oneOf"}
_MAX_ALTERNATIVES = 10_000  # alternatives of one value


class SchemaError(ValueError):
    """A schema is malformed."""


class Schemas:
    """A JSON Schema and the schemas within it."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._cache: dict[int, tuple[Any, list[dict[str, Any]]]] = {}
        self._steps = 0

    def alternatives(self, schema: Any) -> list[dict[str, Any]]:
        """Return alternative schemas: a value must satisfy one of them.

        They contain no ``$ref``, ``allOf``, ``anyOf``, ``oneOf`` or ``const``. The list is empty if
        no value is allowed.
        """
        if id(schema) not in self._cache:
            self._steps = 0
            self._cache[id(schema)] = (schema, self._expanded(schema, ()))
        return self._cache[id(schema)][1]

    def target(self, ref: str) -> Any:
        """Return the schema that a JSON pointer refers to."""
        if not re.match("#(/|$)", ref):
            raise SchemaError(f"{ref!r} is not in the schema: only '#/...' is supported")
        target: Any = self._root
        for step in unquote(ref).removeprefix("#").split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            if isinstance(target, Mapping) and name in target:
                target = target[name]
            elif isinstance(target, list) and name.isdecimal() and int(name) < len(target):
                target = target[int(name)]
            else:
                raise SchemaError(f"{ref!r} is not in the schema")
        return target

    def _expanded(self, schema: Any, refs: tuple[str, ...]) -> list[dict[str, Any]]:
        if not isinstance(schema, Mapping):
            return [{}] if schema else []  # True or False
        found = [_own(schema)]
        for parts in self._parts(schema, refs):
            both = (_both(one, other) for one in found for other in parts)
            found = [merged for merged in both if merged is not None]
            self._steps += 1 + len(found)
            if self._steps > _MAX_ALTERNATIVES:
                raise SchemaError(f"a value has more than {_MAX_ALTERNATIVES} alternatives")
        return found

    def _parts(
        self, schema: Mapping[str, Any], refs: tuple[str, ...]
    ) -> Iterator[list[dict[str, Any]]]:
        """Yield lists of schemas; a value must satisfy one schema of each list."""
        if (ref := schema.get("$ref")) is not None:
            # A reference to itself adds no alternative.
            yield [] if ref in refs else self._expanded(self.target(ref), (*refs, ref))
        for part in schema.get("allOf", ()):
            yield self._expanded(part, refs)
        for name in ("anyOf", "oneOf"):
            if name in schema:
                yield [each for branch in schema[name] for each in self._expanded(branch, refs)]


def check(root: Mapping[str, Any]) -> None:
    """Raise `SchemaError` if the schema, or one within it, is malformed or allows no value.

    O(schemas · alternatives).
    """
    schemas = Schemas(root)
    found: dict[int, tuple[str, Any]] = {}

    def visit(schema: Any, path: str) -> None:
        if id(schema) in found or isinstance(schema, bool):
            return
        found[id(schema)] = path, schema
        try:
            inner = list(_within(schema))
            if "$ref" in schema:
                inner.append(("$ref", schemas.target(schema["$ref"])))
        except SchemaError as error:
            raise SchemaError(f"{path}: {error}") from None
        for name, each in inner:
            visit(each, f"{path}/{name}")

    visit(root, "#")
    for path, schema in found.values():
        try:
            fits = schemas.alternatives(schema)
        except SchemaError as error:
            raise SchemaError(f"{path}: {error}") from None
        if not fits:
            raise SchemaError(f"{path}: no value fits: it contradicts or refers to itself")


def _within(schema: Any) -> Iterator[tuple[str, Any]]:
    """Yield the paths and schemas within a schema, and check its keywords."""
    if not isinstance(schema, Mapping):
        raise SchemaError(f"a schema must be a mapping or a boolean, got {schema!r}")
    for name in types(schema):
        if name not in list(_TYPES):  # the name may be unhashable
            raise SchemaError(f"unknown type {name!r}, expected one of {', '.join(_TYPES)}")
    for keyword, kind, of in (
        *((name, Mapping, "a mapping") for name in _TABLES),
        *((name, list, "a list") for name in (*_LISTS, "required", "enum")),
        ("$ref", str, "a string"),
    ):
        if keyword in schema and not isinstance(schema[keyword], kind):
            raise SchemaError(f"{keyword!r} must be {of}, got {schema[keyword]!r}")
    if not schema.get("enum", [None]):
        raise SchemaError("'enum' must contain a value")
    for name in schema.get("required", ()):
        if not isinstance(name, str):
            raise SchemaError(f"'required' must contain names, got {name!r}")
    for pattern in schema.get("patternProperties", ()):
        try:
            re.compile(pattern)
        except re.error as error:
            raise SchemaError(f"the pattern {pattern!r} is not supported: {error}") from None
    for keyword in _TABLES:
        for name, inner in schema.get(keyword, {}).items():
            yield f"{keyword}/{name}", inner
    for keyword in (*_LISTS, *_SINGLE):
        inner = schema.get(keyword, [])
        if isinstance(inner, list):
            for i, each in enumerate(inner):
                yield f"{keyword}/{i}", each
        else:
            yield keyword, inner


def types(schema: Mapping[str, Any]) -> list[str]:
    """Return the types that a schema names; an empty list allows all."""
    kinds = schema.get("type", [])
    return list(kinds) if isinstance(kinds, list) else [kinds]


def type_name(value: object, among: Sequence[str] = tuple(_TYPES)) -> str | None:
    """Return the first of these JSON types that a value has, or None.

    >>> type_name(3.0), type_name(3.5), type_name(True, ["integer"])
    ('integer', 'number', None)
    """
    for name in among:
        if isinstance(value, bool) and name != "boolean":
            continue
        whole = name == "integer" and isinstance(value, float) and value.is_integer()
        if whole or isinstance(value, _TYPES[name]):
            return name
    return None


def is_same(one: object, other: object) -> bool:
    """Return True if two JSON values are equal; a number never equals a boolean."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _own(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keywords of the schema itself, normalised."""
    own = {name: value for name, value in schema.items() if name not in _COMBINING}
    if "const" in own:
        own["enum"] = [own.pop("const")]
    if isinstance(own.get("items"), list):  # until draft 2019-09
        own["prefixItems"] = own.pop("items")
        own["items"] = own.pop("additionalItems", True)
    if "type" not in own:
        if not own.keys().isdisjoint(("properties", "patternProperties", "required")):
            own["type"] = "object"
        elif not own.keys().isdisjoint(("items", "prefixItems")):
            own["type"] = "array"
    return own


def _both(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the schema of the values that satisfy both, or None if there are none."""
    merged = {**other, **one}
    if "type" in one and "type" in other:
        merged["type"] = _common_types(types(one), types(other))
        if not merged["type"]:
            return None
    if "enum" in one and "enum" in other:
        merged["enum"] = [a for a in one["enum"] if any(is_same(a, b) for b in other["enum"])]
        if not merged["enum"]:
            return None
    for name in ("properties", "patternProperties"):
        if name in one and name in other:
            merged[name] = {**other[name], **one[name]}
            for shared in one[name].keys() & other[name].keys():
                merged[name][shared] = _all_of(one[name][shared], other[name][shared])
    for name in ("items", "additionalProperties"):
        if name in one and name in other:
            merged[name] = _all_of(one[name], other[name])
    if "required" in one and "required" in other:
        merged["required"] = [*one["required"], *other["required"]]
    if "prefixItems" in one and "prefixItems" in other:
        pairs = zip_longest(one["prefixItems"], other["prefixItems"], fillvalue=True)
        merged["prefixItems"] = [_all_of(*pair) for pair in pairs]
    return merged


def _common_types(one: Sequence[str], other: Sequence[str]) -> list[str]:
    common = [name for name in one if name in other]
    if "integer" not in common:
        for a, b in ((one, other), (other, one)):
            if "integer" in a and "number" in b:
                common.append("integer")
    return common


def _all_of(one: Any, other: Any) -> Any:
    if one is True or one == other:
        return other
    if other is True:
        return one
    return False if one is False or other is False else {"allOf": [one, other]}
