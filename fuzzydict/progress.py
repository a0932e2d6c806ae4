"""Progress of long work, in a terminal only, and only where it takes over two seconds."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

from fuzzydict import forking

__all__ = ["Progress"]

_DELAY = 2.0  # seconds
_FEW = 100  # steps


class Progress:
    """A bar on standard error while a block runs; its value is called with the steps just done.

    ``total`` is the number of steps, None where it is not known; few steps need no bar. By tqdm,
    which is loaded here.
    """

    def __init__(self, what: str, total: int | None) -> None:
        self._bar: Any = None
        if total is None or total > _FEW:
            self._bar = _BARS.kind()(
                desc=what, total=total, delay=_DELAY, disable=None, leave=False
            )

    def __enter__(self) -> Callable[[int], object]:
        return self._step

    def _step(self, steps: int) -> None:
        if self._bar is not None:
            self._bar.update(steps)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()


class _Bars:
    """The class of the bars: tqdm's, with a lock of its own that is replaced in a forked child."""

    def __init__(self) -> None:
        self._kind: Any = None
        forking.register(self)

    def kind(self) -> Any:
        if self._kind is None:
            from tqdm import tqdm

            kind: Any = type("tqdm", (tqdm,), {})
            kind.set_lock(threading.RLock())
            self._kind = kind
        return self._kind

    def _after_fork(self) -> None:
        self._kind = None


_BARS = _Bars()
