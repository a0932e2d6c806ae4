"""Synchronisation of a ranker with the keys of a dict.

New keys are at the end of a dict, because it lists keys in insertion order. Removals have to be
recorded. So an update costs as much as the number of changes.
"""

import itertools
from typing import Any

from fuzzydict.matches import Ranking
from fuzzydict.ranking.ranker import Ranker

__all__ = ["CACHE_SIZE", "KeySync"]

CACHE_SIZE = 1024  # queries
_UNKNOWN = -1  # as the number of keys: the next update compares all keys


class KeySync:
    """A ranker of the text keys of a dict, and which changes of the keys it does not have yet.

    The dict is passed to each method, so that there is no reference cycle.
    """

    __slots__ = ("cache", "ranker", "removed", "size")

    def __init__(self, ranker: Ranker) -> None:
        self.ranker = ranker
        self.size = _UNKNOWN if len(ranker) else 0  # of the dict when the ranker was updated
        self.removed: list[Any] = []  # keys removed since then
        self.cache: dict[str, Ranking] = {}  # of recent queries; independent of the cutoff

    def is_current(self, size: int) -> bool:
        """Return True if the ranker has every insertion and removal of a dict of this size.

        Reads in this order, so that it is right without a lock, while other threads write.
        """
        return size == self.size and not self.removed

    def compare_all(self) -> None:
        """Let the next update compare all keys of the dict with those of the ranker."""
        self.size, self.removed = _UNKNOWN, []

    def record_removal(self, key: Any, size: int) -> None:
        """Record that a key is about to be removed from a dict of this size."""
        if self.size >= 0:
            self.removed.append(key)
            if len(self.removed) > size + CACHE_SIZE:
                self.compare_all()

    def update(self, items: dict[Any, Any]) -> None:
        """Add new keys to the ranker and remove those that do not exist any more.

        O(changes), or O(len(items)) if some removals were not recorded.
        """
        ranker, recorded = self.ranker, list(self.removed)
        size, new = self._new_keys(items, len(recorded))
        added = [key for key in new if isinstance(key, str) and key not in ranker]
        ranker.entries.add(added)
        candidates = recorded if self.size >= 0 else ranker.entries.keys()
        removed = [key for key in candidates if key in ranker and not dict.__contains__(items, key)]
        for key in removed:
            ranker.entries.remove(key)
        if added or removed:
            self.cache = {}
        del self.removed[: len(recorded)]  # an embedder may have removed others meanwhile
        self.size = size

    def _new_keys(self, items: dict[Any, Any], removals: int) -> tuple[int, list[Any]]:
        """Return the number of keys, and the keys inserted since the last update."""
        while True:
            size = len(items)
            inserted = size - self.size + removals
            if inserted < 0 or self.size < 0:  # a removal was not recorded, or too many were
                self.size, inserted = _UNKNOWN, size
            try:
                new = list(itertools.islice(reversed(items), inserted))
            except RuntimeError:  # another thread writes
                continue
            if size == len(items):
                return size, new[::-1]

    def check(self, items: dict[Any, Any]) -> None:
        """Assert that ranker and cache agree with the keys; for tests. O(len(items))."""
        assert len(self.removed) <= len(items) + CACHE_SIZE, self.removed
        assert len(self.cache) <= CACHE_SIZE
        if self.is_current(len(items)):
            texts = {key for key in items if isinstance(key, str)}
            keys = set(self.ranker.entries.keys())
            assert keys == texts, keys ^ texts
            assert all(key in texts for ranking in self.cache.values() for key, _ in ranking)
            self.ranker.entries.check()
