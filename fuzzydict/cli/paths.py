"""Paths of nested tables and lists: each value gets a dotted key."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

__all__ = ["Paths", "paths"]


class Paths(NamedTuple):
    """Values by their paths, and other paths that lead to the same values."""

    items: list[tuple[str, Any]]  # a path may repeat
    aliases: dict[str, str]  # a path with indices → the path with names


def paths(data: Any) -> Paths:
    """Return the values of nested tables and lists by dotted paths.

    An element of a list is named by its ``name`` or ``id``, or by ``kind`` and ``metadata.name``,
    if no other element has that name, and else by its index from 0. Its path with the index is an
    alias. Numbers are no names if one of them could be an index. Lists of plain values, and empty
    tables, are values.

    >>> data = {"containers": [{"name": "web", "image": "nginx"}], "tags": ["a", "b"]}
    >>> dict(paths(data).items)
    {'containers.web.name': 'web', 'containers.web.image': 'nginx', 'tags': ['a', 'b']}
    >>> paths(data).aliases["containers.0.image"]
    'containers.web.image'
    """
    items: list[tuple[str, Any]] = []
    aliases: dict[str, str] = {}
    if not data:
        return Paths(items, aliases)
    if isinstance(data, list) and not _is_nested(data):
        data = dict(enumerate(data))
    for path, by_index, value in _walk(data, "", ""):
        items.append((path, value))
        if by_index != path:
            aliases[by_index] = path
    return Paths(items, aliases)


def _walk(data: Any, path: str, by_index: str) -> Iterator[tuple[str, str, Any]]:
    """Yield each value with its path, and its path by indices."""
    children: Iterable[tuple[Any, Any, Any]] = ()
    if isinstance(data, dict):
        children = ((key, key, value) for key, value in data.items())
    elif isinstance(data, list) and _is_nested(data):
        children = zip(_names(data), range(len(data)), data, strict=True)
    empty = True
    for name, index, value in children:
        empty = False
        dot = "." if by_index else ""
        yield from _walk(value, f"{path}{dot}{name}", f"{by_index}{dot}{index}")
    if empty:
        yield path, by_index, data


def _is_nested(elements: list[Any]) -> bool:
    return any(isinstance(element, (dict, list)) and element for element in elements)


def _names(elements: list[Any]) -> list[str]:
    """Return a distinct name for each element: its own, or else its index."""
    indices = list(map(str, range(len(elements))))
    names = [_name(element) for element in elements]
    if not set(indices).isdisjoint(names):
        names = [None if name is None or name.isdecimal() else name for name in names]
    count = Counter(names)
    return [
        index if name is None or count[name] > 1 else name
        for name, index in zip(names, indices, strict=True)
    ]


def _name(element: Any) -> str | None:
    """Return what names an element of a list, if anything does."""
    if not isinstance(element, dict):
        return None
    for field in ("name", "id"):
        if isinstance(element.get(field), (str, int)) and element[field] != "":
            return str(element[field])
    about = element.get("metadata")
    if isinstance(about, dict) and isinstance(about.get("name"), str):
        return f"{element.get('kind', '')}.{about['name']}".lstrip(".")
    return None
