"""Counters of inexact reads and misses."""

import threading

from fuzzydict import forking

__all__ = ["Stats"]


class Stats:
    """How many reads found an inexact key, and how many found none; see `FuzzyDict.stats`.

    ``inexact`` and ``missed`` count until `stop` is called, or until the end of a ``with`` block.
    """

    def __init__(self) -> None:
        self.inexact = self.missed = 0
        self._running = True
        self._lock = threading.Lock()
        forking.register(self)

    def stop(self) -> None:
        """Stop counting. The numbers stay; the next `FuzzyDict.stats` starts at zero."""
        self._running = False

    def __enter__(self) -> "Stats":
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"Stats(inexact={self.inexact}, missed={self.missed})"

    def _add(self, found: bool) -> None:
        with self._lock:
            if found:
                self.inexact += self._running
            else:
                self.missed += self._running

    def _after_fork(self) -> None:
        self._lock = threading.Lock()
