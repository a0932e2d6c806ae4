"""How reads went, counted on demand.

An exact ``d[key]`` is answered by the dict itself, in C. To count it, a dictionary changes its
class for one that counts, and back again when the counting stops.
"""

import threading
from typing import Any

from fuzzydict.mapping import FuzzyDict
from fuzzydict.reads import ABSENT, Match, Ranking

__all__ = ["Stats", "count"]


class Stats:
    """The reads of a dictionary since the counting began, by how they went; see `FuzzyDict.stats`.

    ``exact``, ``inexact`` and ``silent`` count until `stop`, or until the end of a ``with``.
    """

    def __init__(self, counted: FuzzyDict[Any, Any]) -> None:
        self.exact = self.inexact = self.silent = 0
        self._counted = counted
        self._lock = threading.Lock()

    def stop(self) -> None:
        """Count no more. The numbers stay; the next `FuzzyDict.stats` begins with zeros."""
        if getattr(self._counted, "_stats", None) is self:
            self._counted.__class__ = self._counted._plain()

    def __enter__(self) -> "Stats":
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"Stats(exact={self.exact}, inexact={self.inexact}, silent={self.silent})"

    def _add(self, reader: FuzzyDict[Any, Any], outcome: str) -> None:
        if reader is self._counted:  # and not another dictionary of its class
            with self._lock:
                setattr(self, outcome, getattr(self, outcome) + 1)


def count(counted: FuzzyDict[Any, Any]) -> Stats:
    """Return the counts of a dictionary; they begin here if it is not counted yet."""
    stats: Stats | None = getattr(counted, "_stats", None)
    if stats is None:
        stats = Stats(counted)
        counted.__class__ = _counting(type(counted), stats)
    return stats


def _counting(plain: type[FuzzyDict[Any, Any]], stats: Stats) -> type[FuzzyDict[Any, Any]]:
    """Return a class that is like the plain one, and counts."""

    class Counting(plain):  # type: ignore[misc, valid-type]
        __slots__ = ()
        __doc__ = plain.__doc__
        __module__ = plain.__module__
        _stats = stats

        def __getitem__(self, query: Any, /) -> Any:
            if dict.__contains__(self, query):
                stats._add(self, "exact")
            return super().__getitem__(query)

        def __contains__(self, query: object, /) -> bool:
            if dict.__contains__(self, query):
                stats._add(self, "exact")
            return bool(super().__contains__(query))

        def get(self, query: object, default: Any = None, /) -> Any:
            if dict.__contains__(self, query):
                stats._add(self, "exact")
            return super().get(query, default)

        def match(self, query: object, *, cutoff: float | None = None) -> Match | None:
            if dict.__contains__(self, query):
                stats._add(self, "exact")
            found: Match | None = super().match(query, cutoff=cutoff)
            return found

        def _find(
            self, query: object, cutoff: float | None = None
        ) -> tuple[tuple[str, float] | None, Ranking]:
            found: tuple[str, float] | None
            found, ranking = super()._find(query, cutoff)
            stats._add(self, "silent" if found is None else "inexact")
            return found, ranking

        def _find_many(self, queries: list[Any], cutoff: float | None = None) -> dict[Any, Match]:
            found: dict[Any, Match] = super()._find_many(queries, cutoff)
            for query in queries:
                exact, missed = dict.__contains__(self, query), found[query].value is ABSENT
                stats._add(self, "exact" if exact else "silent" if missed else "inexact")
            return found

        def _plain(self) -> type[FuzzyDict[Any, Any]]:
            return plain

    Counting.__name__, Counting.__qualname__ = plain.__name__, plain.__qualname__
    return Counting
