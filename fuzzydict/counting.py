"""Counters of inexact lookups."""

import threading

from fuzzydict import forking

__all__ = ["Stats"]


class Stats:
    """Numbers of inexact lookups that found a key, and that missed; see `FuzzyDict.stats`.

    ``inexact`` and ``missed`` count until `stop` is called, or until the end of a ``with`` block.
    """

    def __init__(self) -> None:
        self.inexact = self.missed = 0
        self.is_running = True
        self._lock = threading.Lock()
        forking.register(self)

    def add(self, found: bool) -> None:
        """Count one inexact lookup, if the counters are running."""
        with self._lock:
            if found:
                self.inexact += self.is_running
            else:
                self.missed += self.is_running

    def stop(self) -> None:
        """Stop counting. The numbers stay; the next `FuzzyDict.stats` starts at zero."""
        self.is_running = False

    def __enter__(self) -> "Stats":
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"Stats(inexact={self.inexact}, missed={self.missed})"

    def _after_fork(self) -> None:
        self._lock = threading.Lock()
