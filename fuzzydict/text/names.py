"""Names of places, persons, substances, products and so on: which of them are the same."""

import functools
from collections.abc import Sequence

from fuzzydict.resources import read_table
from fuzzydict.text.inflection import bases

__all__ = ["are_different_names"]


def are_different_names(one: Sequence[str], other: Sequence[str]) -> bool:
    """Are two texts, or what only one of them has, known names of different things of a kind?

    >>> are_different_names(("estonia",), ("latvia",))
    True
    >>> are_different_names(("burma",), ("myanmar",))
    False
    """
    if _differ(one, other):
        return True
    only_one = [word for word in one if not _has_form(other, word)]
    only_other = [word for word in other if not _has_form(one, word)]
    return len(only_one) < len(one) and _differ(only_one, only_other)


def _has_form(text: Sequence[str], word: str) -> bool:
    """Has a text a word, or one that either is inflected from the other?"""
    return word in text or any(_are_forms(word, each) for each in text)


def _are_forms(one: str, other: str) -> bool:
    """Is one of two words inflected from the other?"""
    return one in bases(other) or other in bases(one)


def _differ(one: Sequence[str], other: Sequence[str]) -> bool:
    if len(one) == len(other) == 1 and _are_forms(one[0], other[0]):
        return False
    meant, held = _things().get(" ".join(one)), _things().get(" ".join(other))
    if meant is None or held is None or not set(meant).isdisjoint(held):
        return False
    return any(thing[0] == other_thing[0] for thing in meant for other_thing in held)


@functools.lru_cache(maxsize=1)
def _things() -> dict[str, tuple[str, ...]]:
    """Return the things that each name stands for: a letter for the kind, and a number."""
    return read_table("names.tsv")
