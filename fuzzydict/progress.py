"""Progress of long work, in a terminal only, and only where it takes over two seconds."""

from collections.abc import Callable
from types import TracebackType
from typing import Any

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
            from tqdm import tqdm

            self._bar = tqdm(desc=what, total=total, delay=_DELAY, disable=None, leave=False)

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
