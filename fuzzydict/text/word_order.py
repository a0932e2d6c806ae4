"""The order of words: the head of a phrase, and the two sides of a connector such as "to"."""

import functools
from collections.abc import Sequence

from fuzzydict.resources import read_table
from fuzzydict.text.numbers import unit

__all__ = ["head_place", "order_differs"]

_PREPOSITIONS = frozenset(["of", "for", "from", "in", "to", "by", "with", "at", "on", "per"])

_SENTENCE = 4  # words of a text in which two that are not neighbours cannot change places


def head_place(words: Sequence[str]) -> int:
    """Return the place of the word that says what a phrase names: what the others describe.

    It is the word before the first preposition, or else the last one.

    >>> head_place(("phone", "case")), head_place(("date", "of", "birth"))
    (1, 0)
    """
    places = (i for i, word in enumerate(words) if i and word in _PREPOSITIONS)
    return next(places, len(words)) - 1


def order_differs(one: Sequence[str], other: Sequence[str]) -> bool:
    """Do two texts say something else because words changed places?

    So it is where they have the same connector, such as "to" or "owes", and words have changed
    sides in both directions; where two words of a text of four or more, which are not neighbours,
    changed places; and in a pair of units.

    >>> order_differs(("json", "to", "csv"), ("csv", "to", "json"))
    True
    >>> order_differs(("date", "of", "birth"), ("birth", "date"))
    False
    >>> order_differs(("buy", "2", "get", "1"), ("buy", "1", "get", "2"))
    True
    """
    return _sides_exchanged(one, other) or _two_exchanged(one, other)


def _sides_exchanged(one: Sequence[str], other: Sequence[str]) -> bool:
    connectors = _connectors()
    places = {connectors[word]: i for i, word in enumerate(other) if word in connectors}
    for i, word in enumerate(one):
        place = places.get(connectors.get(word, ("",)))
        if place is None:
            continue
        left, right = set(one[:i]), set(one[i + 1 :])
        other_left, other_right = set(other[:place]), set(other[place + 1 :])
        if (left & other_right) - other_left and (right & other_left) - other_right:
            return True
    return False


def _two_exchanged(one: Sequence[str], other: Sequence[str]) -> bool:
    if len(one) != len(other):
        return False
    places = [
        i for i, (word, another) in enumerate(zip(one, other, strict=True)) if word != another
    ]
    if len(places) != 2:
        return False
    first, second = places
    if (one[first], one[second]) != (other[second], other[first]):
        return False
    if len(one) == 2:  # USD/EUR
        return unit(one[0]) is not None and unit(one[1]) is not None
    return len(one) >= _SENTENCE and second - first > 1


@functools.lru_cache(maxsize=1)
def _connectors() -> dict[str, tuple[str, ...]]:
    return read_table("connectors.tsv")
