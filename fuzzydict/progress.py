"""Progress bars of long work, shown in terminals and notebooks after two seconds.

Set the environment variable ``FUZZYDICT_PROGRESS`` to 0 to turn all bars off, or to 1 to show them
elsewhere too, such as in log files. The argument ``progress`` of a call takes precedence.
"""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import Any

from fuzzydict import forking

__all__ = ["Progress", "progress_bars"]

_DELAY = 2.0  # seconds
_MIN_STEPS = 100  # fewer need no bar

_chosen: ContextVar[bool | None] = ContextVar("progress", default=None)


@contextmanager
def progress_bars(shown: bool | None) -> Iterator[None]:
    """Show the bars of this block always (True), never (False), or by the environment variable."""
    token = _chosen.set(_chosen.get() if shown is None else bool(shown))
    try:
        yield
    finally:
        _chosen.reset(token)


class Progress:
    """A bar of tqdm on standard error, as a context manager whose value reports finished steps.

    ``total`` is the number of steps, None if it is unknown.
    """

    def __init__(self, label: str, total: int | None) -> None:
        self._bar: Any = None
        shown = _chosen.get()
        if shown is None:
            shown = {"0": False, "1": True}.get(os.environ.get("FUZZYDICT_PROGRESS", ""))
        if shown is not False and (total is None or total > _MIN_STEPS):
            self._bar = _bar(label, total, shown)

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


def _bar(label: str, total: int | None, shown: bool | None) -> Any:
    """Return a bar of tqdm: a widget in a notebook if ipywidgets is installed, else a line of text.

    `tqdm.auto` would warn if ipywidgets is missing, and show nothing.
    """
    kind = _BARS.kind()
    if _is_notebook():
        from tqdm import notebook

        shown = True  # its standard error is not a terminal
        kind = kind if notebook.IProgress is None else notebook.tqdm
    disable = False if shown else None  # None: only in a terminal
    return kind(desc=label, total=total, delay=_DELAY, disable=disable, leave=False)


def _is_notebook() -> bool:
    """Return True in a Jupyter kernel."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return shell is not None and "IPKernelApp" in shell.config


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
