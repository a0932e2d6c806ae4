"""Progress of long work, in a terminal only, and only where it takes over two seconds."""

from collections.abc import Callable
from types import TracebackType

__all__ = ["Progress"]

_DELAY = 2.0  # seconds


class Progress:
    """A bar on standard error while a block runs; its value is to be called after each step.

    ``total`` is the number of steps, None where it is not known. By tqdm, which is loaded here.
    """

    def __init__(self, what: str, total: int | None) -> None:
        from tqdm import tqdm

        self._bar = tqdm(desc=what, total=total, delay=_DELAY, disable=None, leave=False)

    def __enter__(self) -> Callable[[], object]:
        update: Callable[[], object] = self._bar.update
        return update

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.close()
