"""Words on the two sides of a connector, such as "to" or "owes", which must not be exchanged."""

from collections.abc import Sequence

__all__ = ["sides_exchanged"]

_CONNECTORS = {
    word: group
    for group in (
        "to into 2", "from", "in", "by", "of", "before", "after", "then", "than", "versus vs v",
        "over", "per", "minus", "owe owes owed", "beat beats beaten", "manage manages managed",
        "follow follows followed", "own owns owned", "contain contains", "cause causes caused",
    )
    for word in group.split()
}  # fmt: skip


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
