"""The logger ``fuzzydict``: what inexact reads found, at the level DEBUG.

`logging` is never imported here: where nobody has imported it, nobody has turned the logger on.
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

    def write(self, query: object, found: tuple[Any, float] | None) -> None:
        """Write what an inexact query found, where the log is on."""
        if found is None:
            self._logger.debug("%r finds no key", query)
        else:
            self._logger.debug("%r finds %r, score %.3f", query, *found)


LOG = _Log()
