"""Tool definitions of MCP, OpenAI and Anthropic: the JSON Schema of the arguments of each tool."""

from collections.abc import Iterable, Mapping
from typing import Any

from fuzzydict.integrations.descriptions import typed_value
from fuzzydict.integrations.json_schema import SchemaError, check, types

__all__ = ["Definitions", "argument_schemas"]

Definitions = Iterable[Mapping[str, Any]] | Mapping[str, Mapping[str, Any]]

_SCHEMA_FIELDS = ("inputSchema", "input_schema", "parameters")
_OTHER_FIELDS = {"name", "description", "strict", "type"}  # of a definition without a schema
_OBJECT_KEYWORDS = {
    "properties", "patternProperties", "additionalProperties", "required",
    "$ref", "allOf", "anyOf", "oneOf",
}  # fmt: skip


def argument_schemas(tools: Definitions) -> dict[str, Mapping[str, Any]]:
    """Return the JSON Schema of the arguments of each tool, by its name.

    Raises:
        ValueError: A definition has an unknown form, a malformed schema, or a duplicate name.
    """
    schemas: dict[str, Mapping[str, Any]] = {}
    for name, schema in tools.items() if isinstance(tools, Mapping) else map(_definition, tools):
        if name in schemas:
            raise ValueError(f"two tools have the name {name!r}")
        schemas[name] = _checked_schema(name, schema)
    return schemas


def _definition(tool: Any) -> tuple[str, Any]:
    """Return the name and the schema of a definition."""
    if not isinstance(tool, Mapping):
        raise ValueError(
            f"a tool definition must be a mapping, got {typed_value(tool)}; "
            "convert a pydantic model with .model_dump()"
        )
    tool = tool.get("function", tool)
    name = tool.get("name", tool.get("title")) if isinstance(tool, Mapping) else None
    if not isinstance(name, str):
        raise ValueError(f"a tool definition must have a 'name', got {typed_value(tool)}")
    fields = [field for field in _SCHEMA_FIELDS if field in tool]
    if len(fields) > 1:
        raise ValueError(f"the tool {name!r} has several schemas: {', '.join(fields)}")
    if fields:
        schema = tool[fields[0]]
        return name, {} if schema is None else schema
    if _describes_object(tool):
        return name, tool
    if tool.keys() <= _OTHER_FIELDS and tool.get("type", "function") == "function":
        return name, {}
    raise ValueError(
        f"the tool {name!r} must have a schema under {', '.join(_SCHEMA_FIELDS)}; "
        f"it has {', '.join(map(str, tool))}"
    )


def _checked_schema(name: object, schema: Any) -> Mapping[str, Any]:
    """Return the schema of the arguments, which must describe an object."""
    if not isinstance(name, str) or not isinstance(schema, Mapping):
        raise ValueError(f"a tool must have a name and a JSON Schema, got {name!r}: {schema!r}")
    if not schema:
        return {"type": "object", "properties": {}}
    if not _describes_object(schema) or not schema.keys().isdisjoint(("function", *_SCHEMA_FIELDS)):
        raise ValueError(
            f"the arguments of the tool {name!r} must have a JSON Schema of an object, such as "
            f'{{"type": "object", "properties": {{...}}}}, got {typed_value(schema)}'
        )
    try:
        check(schema)
    except SchemaError as error:
        raise ValueError(f"the schema of the tool {name!r} is malformed: {error}") from None
    return schema


def _describes_object(schema: Mapping[str, Any]) -> bool:
    return "object" in types(schema) or not _OBJECT_KEYWORDS.isdisjoint(schema)
