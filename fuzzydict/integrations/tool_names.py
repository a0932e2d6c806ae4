"""Names in tool calls: what clients write before them, and what must not change in them."""

import functools
import re
from collections.abc import Container, Iterable
from difflib import SequenceMatcher
from itertools import takewhile

from fuzzydict.resources import read_table
from fuzzydict.text.inflection import bases
from fuzzydict.text.tokens import compact, words

__all__ = ["aliased", "effects_differ", "has_other_words", "shared_prefix", "without_namespace"]

_NAMESPACE = re.compile(r"\A(?:(?:functions|tools?|default_api)[.:/]|mcp__(?:(?!__).)+__)")
_SEPARATORS = re.compile(r"[.:/]|__")
_NO_NAMESPACES = frozenset([
    "prod", "production", "live", "stage", "staging", "dev", "development", "test", "testing",
    "sandbox", "local", "remote", "dry", "no", "not", "dont", "never", "un",
])  # fmt: skip
_SCOPES = frozenset([
    "all", "every", "any", "each", "force", "dry", "recursive", "permanently", "bulk", "batch",
])  # fmt: skip
_NEUTRAL = frozenset([
    "a", "an", "the", "my", "our", "to", "tool", "function", "call", "api", "data", "info",
    "please",
])  # fmt: skip
_SUFFIXES = ("id", "name")
_ALIKE = 0.7  # similarity from which a word may be a misspelling of another one


def without_namespace(name: str, names: Container[str]) -> str:
    """Return a name without what clients write before it: "functions.", "mcp__server__".

    >>> without_namespace("functions.getWeather", ["get_weather"])
    'getWeather'
    """
    if name in names:
        return name
    name = _NAMESPACE.sub("", name)
    *spaces, rest = _SEPARATORS.split(name)
    return rest if rest in names and _NO_NAMESPACES.isdisjoint(spaces) else name


def shared_prefix(names: Iterable[str]) -> tuple[str, ...]:
    """Return the words with which all names begin, if there are several.

    >>> shared_prefix(["slack_get_users", "slack_post_message"])
    ('slack',)
    """
    split = [words(name) for name in names]
    if len(split) < 2:
        return ()
    columns = zip(*split, strict=False)
    return tuple(column[0] for column in takewhile(lambda column: len({*column}) == 1, columns))


def effects_differ(query: tuple[str, ...], key: tuple[str, ...]) -> bool:
    """Has one name all words of the other, and further ones, or a word such as "all" or "force"?

    They change what a call does.

    >>> effects_differ(("delete", "all", "files"), ("delete", "file"))
    True
    >>> effects_differ(("get", "the", "weather"), ("get", "weather"))
    False
    >>> effects_differ(("getweather",), ("get", "weather"))
    False
    """
    if compact(query) == compact(key):
        return False
    only_query, only_key = _without(query, key), _without(key, query)
    if not _SCOPES.isdisjoint(only_query | only_key):
        return True
    return bool(only_query) != bool(only_key)


def has_other_words(query: str, key: str) -> bool:
    """Return True if a word of one name is neither in the other nor spelled like a word of it.

    >>> has_other_words("list_rows", "list_tables"), has_other_words("list_tabels", "list_tables")
    (True, False)
    >>> has_other_words("listtables", "list_tables")
    False
    """
    one, other = words(query), words(key)
    if compact(one) == compact(other):
        return False
    only_one, only_other = _without(one, other), _without(other, one)
    return any(
        all(SequenceMatcher(None, word, each).ratio() < _ALIKE for each in others)
        for word, others in (
            *((word, only_other) for word in only_one),
            *((word, only_one) for word in only_other),
        )
    )


def aliased(name: str, properties: Iterable[str]) -> str | None:
    """Return the only property of which a name is a common alias, or None.

    ``data/argument_aliases.tsv`` has the aliases; "channel" also stands for "channel_id".

    >>> aliased("q", ["query", "page"]), aliased("channel", ["channel_id", "text"])
    ('query', 'channel_id')
    """
    given = "_".join(words(name))
    others = {*_aliases().get(given, ()), *(f"{given}_{suffix}" for suffix in _SUFFIXES)}
    found = [each for each in properties if "_".join(words(each)) in others]
    return found[0] if len(found) == 1 else None


@functools.lru_cache(maxsize=1)
def _aliases() -> dict[str, tuple[str, ...]]:
    return read_table("argument_aliases.tsv")


def _without(one: tuple[str, ...], other: tuple[str, ...]) -> set[str]:
    """Return the words of one name that the other does not have in any inflection."""
    forms = {form for word in other for form in (word, *bases(word))}
    return {word for word in one if forms.isdisjoint((word, *bases(word)))} - _NEUTRAL
