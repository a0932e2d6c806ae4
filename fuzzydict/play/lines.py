"""Items as editable text, one per line: ``key = value``, or the key alone."""

import json
from collections.abc import Iterable
from typing import Any

__all__ = ["as_lines", "parse_lines"]

_JSON = json.JSONDecoder()


def as_lines(items: Iterable[tuple[Any, Any]]) -> str:
    """Return items as text that `parse_lines` reads. Keys that are not strings are left out.

    >>> print(as_lines([("top speed", 250), ("color", "red"), ("a=b", "250"), ("doors", None)]))
    top speed = 250
    color = red
    "a=b" = "250"
    doors
    """
    return "\n".join(_line(key, value) for key, value in items if isinstance(key, str))


def parse_lines(text: str) -> dict[str, Any]:
    """Return the items of a text. A value is JSON, or else the text as it is.

    A key in double quotes is a JSON string, so it may contain "=" and line breaks. Empty lines are
    ignored.

    Raises:
        ValueError: A line has no key, a damaged quoted key, or a key that an earlier line has; the
            message names the line.

    >>> parse_lines('top speed = 250\\ncolor = red\\n\\ndoors')
    {'top speed': 250, 'color': 'red', 'doors': None}
    """
    items: dict[str, Any] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                key, value = _parsed(line.strip())
            except ValueError as error:
                raise ValueError(f"line {number}: {error}") from None
            if key in items:
                raise ValueError(f"line {number}: duplicate key {key!r}")
            items[key] = value
    return items


def _line(key: str, value: Any) -> str:
    is_plain = key == key.strip() and key.isprintable() and key and "=" not in key
    shown = key if is_plain and not key.startswith('"') else json.dumps(key)
    if value is None:
        return shown
    if isinstance(value, str) and value.isprintable() and _value(value.strip()) == value:
        return f"{shown} = {value}"
    return f"{shown} = {json.dumps(value, ensure_ascii=False, default=_plain)}"


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else str(value)


def _parsed(line: str) -> tuple[str, Any]:
    if line.startswith('"'):
        try:
            key, end = _JSON.raw_decode(line)
        except ValueError:
            raise ValueError("the key in quotes is damaged") from None
        name, sign, value = key, *line[end:].strip().partition("=")[1:]
        if line[end:].strip() and not line[end:].strip().startswith("="):
            raise ValueError("expected = after the key in quotes")
    else:
        name, sign, value = line.partition("=")
        name = name.strip()
        if not name:
            raise ValueError("there is no key before =")
    return name, _value(value.strip()) if sign else None


def _value(text: str) -> Any:
    """Return the value of a JSON text, or the text itself if it is none."""
    try:
        return json.loads(text, parse_constant=lambda name: text)
    except (ValueError, RecursionError):
        return text
