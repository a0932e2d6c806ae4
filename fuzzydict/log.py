"""The logger ``fuzzydict``, which logs inexact lookups at the level DEBUG.

`logging` is not imported here: if nobody has imported it, nobody has enabled the logger.
"""

import functools
import sys
from collections.abc import Callable
from typing import Any

__all__ = ["LOG"]


class _Log:
    def __init__(self) -> None:
        self.is_on: Callable[[], bool] = self._begin

    def _begin(self) -> bool:
        logging = sys.modules.get("logging")
        if logging is None or not hasattr(logging, "getLogger"):  # not imported completely
            return False
        self._logger = logging.getLogger("fuzzydict")
        self.is_on = functools.partial(self._logger.isEnabledFor, logging.DEBUG)
        return bool(self.is_on())

    def write(self, query: object, best: tuple[Any, float] | None) -> None:
        """Log the key and score that an inexact query found, or that it found none."""
        if best is None:
            self._logger.debug("%r finds no key", query)
        else:
            self._logger.debug("%r finds %r, score %.3f", query, *best)


LOG = _Log()
