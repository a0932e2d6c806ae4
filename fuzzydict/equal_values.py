"""Keys with equal values share their probability: it does not matter which of them is meant."""

from collections.abc import Callable, Iterable
from typing import Any

from fuzzydict.matches import Ranking
from fuzzydict.primitives import MISSING

__all__ = ["LEAST_SHARE", "all_equal", "combined", "probable"]

LEAST_SHARE = 0.01  # keys that are less probable do not count
_COMPARED = (str, bytes, int, float, complex, tuple)  # whose equality is cheap and certain
_SAY_NOTHING = (type(None), bool)  # many keys have such values by chance


def combined(
    ranking: Ranking, values_of: Callable[[list[str]], list[Any]], are_equal: Callable[[], bool]
) -> Ranking:
    """Return a ranking in which the best key of equal values has the probability of all of them.

    Values are equal if they are the same object, or equal texts, numbers or tuples, but not None,
    True or False. Nothing changes where ``are_equal`` says that all values of the mapping are.

    >>> ranking = [("a", 0.4), ("b", 0.3), ("c", 0.25)]
    >>> combined(ranking, lambda keys: [1, 2, 2], lambda: False)
    [('b', 0.55), ('a', 0.4), ('c', 0.25)]
    """
    probable = [(key, score) for key, score in ranking if score >= LEAST_SHARE]
    if len(probable) < 2:
        return ranking
    totals: dict[Any, float] = {}
    identities = list(map(_identity, values_of([key for key, _ in probable])))
    for (_, score), identity in zip(probable, identities, strict=True):
        totals[identity] = totals.get(identity, 0.0) + score
    if len(totals) == len(probable) or (len(totals) == 1 and are_equal()):
        return ranking
    best: list[tuple[str, float]] = []
    for (key, score), identity in zip(probable, identities, strict=True):
        best.append((key, min(totals.pop(identity, score), 1.0)))
    best.sort(key=lambda each: -each[1])
    return [*best, *ranking[len(probable) :]]


def _identity(value: Any) -> object:
    """Return what is equal for equal values."""
    if value is MISSING or isinstance(value, _SAY_NOTHING):
        return object()
    if type(value) in _COMPARED:
        try:
            hash(value)
        except TypeError:  # a tuple of lists
            return id(value)
        return type(value), value
    return id(value)


def probable(ranking: Ranking, n: int) -> Ranking:
    """Return the ``n`` closest keys, and further ones that are probable enough to count."""
    return tuple(each for i, each in enumerate(ranking) if i < n or each[1] >= LEAST_SHARE)


def all_equal(values: Iterable[Any]) -> bool:
    """Return True if all values are equal: then they say nothing about the keys."""
    iterator = iter(values)
    first = next(iterator, None)
    return all(value is first or _identity(value) == _identity(first) for value in iterator)
