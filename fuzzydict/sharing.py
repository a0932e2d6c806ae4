"""The vectors of the last dictionary that this process unpickled.

A pool or a cluster sends a dictionary with every task, and a pickle contains no vectors: the first
copy in a process embeds the keys, and the next copies of the same dictionary reuse the vectors.
Those of one dictionary are retained, so that memory stays bounded.
"""

from fuzzydict.ranking.entries import IndexSnapshot
from fuzzydict.ranking.ranker import Ranker

__all__ = ["retain", "retained"]

_last: tuple[str, IndexSnapshot] | None = None  # replaced as a whole, so that threads need no lock


def retain(origin: str, ranker: Ranker) -> None:
    """Retain what the ranker computed from the keys of a dictionary, for copies of it."""
    global _last
    if _last is None or _last[0] != origin:
        _last = origin, ranker.entries.snapshot()


def retained(origin: str) -> IndexSnapshot | None:
    """Return what is retained for this origin, or None."""
    last = _last
    return None if last is None or last[0] != origin else last[1]
