"""Locks and half-finished changes after a fork.

A forked child has only the thread that forked. A lock owned by another thread of the parent stays
locked in the child, and whatever that thread was changing stays half changed. So every object that
owns a lock registers here, and replaces the lock in the child.

The parent does not wait for its other threads: an embedder may take minutes, and waiting for a lock
while other threads wait for the forking one would be a deadlock.
"""

import importlib
import os
import sys
from typing import Protocol
from weakref import WeakValueDictionary

__all__ = ["register"]

_IMPORTED_LATE = (  # by lookups, and by saving and loading
    "hashlib",
    "json",
    "rapidfuzz.distance",
    "rapidfuzz.process",
    "tqdm",
    "fuzzydict.index.approximate",
    "fuzzydict.storage.archive",
    "fuzzydict.ranking.explanation",
)


class _Forkable(Protocol):
    def _after_fork(self) -> None: ...


_living: WeakValueDictionary[int, _Forkable] = WeakValueDictionary()


def register(owner: _Forkable) -> None:
    """Call ``owner._after_fork()`` in every forked child, as long as the owner lives."""
    _living[id(owner)] = owner


def _before() -> None:
    # The lock of a module that another thread is importing would stay locked in the child, too.
    # Importing it here waits until that is complete.
    for name in _IMPORTED_LATE:
        if name in sys.modules:
            importlib.import_module(name)


def _in_child() -> None:
    for owner in list(_living.values()):
        owner._after_fork()


if hasattr(os, "register_at_fork"):  # pragma: no branch
    os.register_at_fork(before=_before, after_in_child=_in_child)
