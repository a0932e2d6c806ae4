"""The order of words: the head of a phrase, and the two sides of a connector such as "to"."""

from collections.abc import Sequence

__all__ = ["head_place", "sides_exchanged"]

_PREPOSITIONS = frozenset(["of", "for", "from", "in", "to", "by", "with", "at", "on", "per"])

_CONNECTORS = {
    word: group
    for group in (
        "to into 2", "from", "in", "by", "of", "before", "after", "then", "than", "versus vs v",
        "over", "per", "minus", "owe owes owed", "beat beats beaten", "manage manages managed",
        "follow follows followed", "own owns owned", "contain contains", "cause causes caused",
    )
    for word in group.split()
}  # fmt: skip


def head_place(words: Sequence[str]) -> int:
    """Return the place of the word that says what a phrase names: what the others describe.

    It is the word before the first preposition, or else the last one.

    >>> head_place(("phone", "case")), head_place(("date", "of", "birth"))
    (1, 0)
    """
    places = (i for i, word in enumerate(words) if i and word in _PREPOSITIONS)
    return next(places, len(words)) - 1


def sides_exchanged(one: Sequence[str], other: Sequence[str]) -> bool:
    """Do two texts have the same connector, and have words changed sides in both directions?

    >>> sides_exchanged(("json", "to", "csv"), ("csv", "to", "json"))
    True
    >>> sides_exchanged(("date", "of", "birth"), ("birth", "date"))
    False
    """
    places = {_CONNECTORS[word]: i for i, word in enumerate(other) if word in _CONNECTORS}
    for i, word in enumerate(one):
        place = places.get(_CONNECTORS.get(word, ""))
        if place is None:
            continue
        left, right = set(one[:i]), set(one[i + 1 :])
        other_left, other_right = set(other[:place]), set(other[place + 1 :])
        if (left & other_right) - other_left and (right & other_left) - other_right:
            return True
    return False
