"""Locks, half-finished work and matrix products when a process forks.

A forked child has only the thread that forked. A lock that another thread of the parent held stays
locked in the child, and whatever that thread was changing stays half changed. So every object that
owns a lock registers here, and replaces the lock in the child.

The parent does not wait for its threads: an embedder may take minutes, and waiting for a lock while
other threads wait for the forking one is a deadlock. The exception are matrix products, which are
short and wait for nothing: OpenBLAS ends the threads that share a large product when any thread
forks, and then the product never ends, in the parent (OpenBLAS issue 2270).
"""

import importlib
import os
import sys
import threading
from collections import Counter
from typing import Any, Protocol
from weakref import WeakValueDictionary

__all__ = ["forks_wait", "matrix_product", "register"]

_PACKAGE = __name__.partition(".")[0]
_IMPORTED_LATE = (  # by functions of the package, beside its own modules
    "decimal",
    "hashlib",
    "heapq",
    "json",
    "mmap",
    "rapidfuzz.distance",
    "rapidfuzz.process",
    "tqdm",
    "unicodedata",
    "uuid",
)


class _Forkable(Protocol):
    def _after_fork(self) -> None: ...


_living: WeakValueDictionary[int, _Forkable] = WeakValueDictionary()


def register(owner: _Forkable) -> None:
    """Call ``owner._after_fork()`` in every forked child, as long as the owner lives."""
    _living[id(owner)] = owner


class _ForksWait:
    """A context in which other threads wait before they fork."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all threads, as in a child, which has none of them."""
        self._changed = threading.Condition()
        self._inside: Counter[int] = Counter()  # thread → contexts, one within the other
        self._forks = 0

    def __enter__(self) -> None:
        thread = threading.get_ident()
        with self._changed:
            # One that is inside already goes on: the fork waits for it.
            self._changed.wait_for(lambda: not self._forks or thread in self._inside)
            self._inside[thread] += 1

    def __exit__(self, *_: object) -> None:
        thread = threading.get_ident()
        with self._changed:
            self._inside[thread] -= 1
            if self._inside[thread] <= 0:  # below, in a child that was forked inside
                del self._inside[thread]
            if self._forks:
                self._changed.notify_all()

    def before_fork(self) -> None:
        """Wait until no other thread is inside, and let none enter."""
        thread = threading.get_ident()
        with self._changed:
            self._forks += 1
            self._changed.wait_for(lambda: not self._inside.keys() - {thread})

    def after_fork(self) -> None:
        """Let the threads of the parent go on."""
        with self._changed:
            self._forks -= 1
            self._changed.notify_all()


forks_wait = _ForksWait()


def matrix_product(a: Any, b: Any) -> Any:
    """Return ``a @ b``. Another thread that forks waits until it is computed."""
    with forks_wait:
        return a @ b


def _before() -> None:
    # The lock of a module that another thread is importing would stay locked in the child as well.
    # Importing it here waits until it is complete.
    for name in list(sys.modules):
        if name in _IMPORTED_LATE or name.partition(".")[0] == _PACKAGE:
            importlib.import_module(name)
    forks_wait.before_fork()


def _in_parent() -> None:
    forks_wait.after_fork()


def _in_child() -> None:
    forks_wait.reset()
    for owner in list(_living.values()):
        owner._after_fork()


if hasattr(os, "register_at_fork"):  # pragma: no branch
    os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
