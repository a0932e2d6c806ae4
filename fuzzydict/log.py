"""The logger ``fuzzydict``: what inexact reads found, at the level DEBUG.

`logging` is loaded by the first inexact read, and not by ``import fuzzydict``.
"""

import functools
from collections.abc import Callable
from typing import Any

__all__ = ["LOG"]


class _Log:
    def __init__(self) -> None:
        self.is_on: Callable[[], bool] = self._begin

    def _begin(self) -> bool:
        import logging

        self._logger = logging.getLogger("fuzzydict")
        self.is_on = functools.partial(self._logger.isEnabledFor, logging.DEBUG)
        return self.is_on()

    def tell(self, query: object, found: tuple[Any, float] | None) -> None:
        """Write what an inexact query found, where the log is on."""
        if found is None:
            self._logger.debug("%r finds no key", query)
        else:
            self._logger.debug("%r finds %r, score %.3f", query, *found)


LOG = _Log()
