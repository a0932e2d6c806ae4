"""What a process worked out of the keys of dictionaries that came to it by pickle.

A pool or a cluster sends a dictionary with every task, and a pickle holds no vectors: so the first
of its copies in a process embeds the keys, and those that come after it take them from here.
"""

import threading

import numpy as np

from fuzzydict.matching import Known, Matcher

__all__ = ["keep", "kept"]

_MOST = 4  # dictionaries
_known: dict[str, Known] = {}
_lock = threading.Lock()


def keep(origin: str, matcher: Matcher) -> None:
    """Keep what the matcher of a dictionary of this origin knows of its keys, for the copies."""
    if origin in _known:
        return
    known = matcher.known(frozenset(matcher.keys()))
    with _lock:
        _known[origin] = known
        while len(_known) > _MOST:
            del _known[next(iter(_known))]


def kept(origin: str) -> Known | None:
    """Return what is kept for this origin, in rows of its own, or None."""
    known = _known.get(origin)
    if known is None:
        return None
    return known._replace(rows=known.rows.take(np.arange(len(known.rows))))
