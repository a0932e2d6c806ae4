"""`CountedDict`: a dict with a ranker of its keys that counts its inexact lookups."""

from typing import Any, TypeVar

from fuzzydict.counting import Stats
from fuzzydict.matches import Match
from fuzzydict.primitives import MISSING
from fuzzydict.ranked_dict import RankedDict

__all__ = ["CountedDict"]

K = TypeVar("K")
V = TypeVar("V")


class CountedDict(RankedDict[K, V]):
    """The part of `fuzzydict.FuzzyDict` that counts."""

    __slots__ = ()

    def stats(self) -> Stats:
        """Return counters of inexact lookups that found a key, and that missed, from now on.

        Each ``d[q]``, ``q in d``, `get` and `match` counts once, and so does each query of
        `get_many` and `match_many`. Exact hits are not counted: an exact ``d[key]`` runs no Python
        code. `Stats.stop` ends counting. Copies have counters of their own.

        >>> from fuzzydict import FuzzyDict
        >>> d = FuzzyDict({"color": "red"})
        >>> stats = d.stats()
        >>> d["color"], d["colour"], d.get("parliament")
        ('red', 'red', None)
        >>> stats
        Stats(inexact=1, missed=1)
        """
        with self._lock:
            if self._stats is None or not self._stats._running:
                self._stats = Stats()
            return self._stats

    def _count(self, found: bool) -> None:
        if self._stats is not None:
            self._stats._add(found)

    def _find_many(
        self, queries: list[Any], cutoff: float | None = None, prior: float | None = None
    ) -> dict[Any, Match]:
        matches = super()._find_many(queries, cutoff, prior)
        if self._stats is not None:
            for query in queries:
                if matches[query].value is MISSING:
                    self._stats._add(False)
                elif matches[query].key != query:
                    self._stats._add(True)
        return matches
