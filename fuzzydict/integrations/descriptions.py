"""Descriptions of JSON values and schemas for error messages."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fuzzydict.integrations.json_schema import type_name, types

__all__ = ["expectation", "listed", "typed_value"]

_MAX_VALUES = 20  # that a message lists
_MAX_LENGTH = 60  # of a value in a message


def expectation(schemas: Sequence[Mapping[str, Any]]) -> str:
    """Return what satisfies one of the schemas.

    >>> expectation([{"type": "string"}, {"enum": [1, 2]}])
    'string or 1 or 2'
    """
    return " or ".join(dict.fromkeys(map(_expected, schemas))) or "nothing"


def _expected(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return listed(schema["enum"])
    names = types(schema)
    if names == ["object"] and schema.get("required"):
        return f"object with {listed(schema['required'], ', ')}"
    return " or ".join(names) or "any value"


def listed(values: Iterable[object], separator: str = " or ") -> str:
    """Return the different values, with ``separator`` before the last.

    >>> listed(["a", "b", "c"])
    "'a', 'b' or 'c'"
    """
    shown = list(dict.fromkeys(map(_json, values)))
    rest = [f"{len(shown) - _MAX_VALUES} others"] if len(shown) > _MAX_VALUES else []
    *most, last = shown[:_MAX_VALUES] + rest
    return separator.join([*([", ".join(most)] if most else []), last])


def typed_value(value: object) -> str:
    """Return a value with its type, shortened.

    >>> typed_value("Oslo"), typed_value(None)
    ("string 'Oslo'", 'null')
    """
    kind = type_name(value) or type(value).__name__
    return kind if value is None else f"{kind} {_json(value)}"


def _json(value: object) -> str:
    """Return a value as JSON, shortened, but strings as Python quotes them."""
    try:
        text = repr(value) if isinstance(value, str) else json.dumps(value, default=repr)
    except (TypeError, ValueError, RecursionError):  # not serialisable
        text = repr(value)
    return text if len(text) <= _MAX_LENGTH else f"{text[: _MAX_LENGTH - 3]}..."
