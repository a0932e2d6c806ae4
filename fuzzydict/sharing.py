"""The vectors of the last dictionary that this process unpickled.

A pool or a cluster sends a dictionary with every task, and a pickle contains no vectors. The first
copy in a process embeds the keys; the next copies of the same dictionary reuse its vectors. Only
the vectors of one dictionary are retained, so that memory stays bounded.
"""

import numpy as np

from fuzzydict.ranking.ranker import IndexSnapshot, Ranker

__all__ = ["retain", "retained"]

_last: tuple[str, IndexSnapshot] | None = None  # replaced as a whole, so that threads need no lock


def retain(pickle_id: str, ranker: Ranker) -> None:
    """Retain a snapshot of the ranker for other copies of its dictionary."""
    global _last
    if _last is None or _last[0] != pickle_id:
        _last = pickle_id, ranker.known(frozenset(ranker.keys()))


def retained(pickle_id: str | None) -> IndexSnapshot | None:
    """Return what is retained for this dictionary, with vectors of its own, or None."""
    last = _last
    if last is None or last[0] != pickle_id:
        return None
    vectors = last[1].rows
    return last[1]._replace(rows=vectors.take(np.arange(len(vectors))))
