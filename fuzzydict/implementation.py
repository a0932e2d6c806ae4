"""Which implementation of ranking is used: native (C++) or reference (Python).

The native one, if the extension was compiled. ``FUZZYDICT_IMPLEMENTATION`` chooses: "reference"
turns the extension off, "native" raises `ImportError` where it is missing.
"""

import os
import sys
import warnings
from types import ModuleType

__all__ = ["PerformanceWarning", "native", "warn_if_missing"]

_CHOICES = ("native", "reference", "")


class PerformanceWarning(RuntimeWarning):
    """Lookups are slower than they could be."""


def _select(choice: str) -> ModuleType | None:
    """Return the native implementation if it is to be used."""
    if choice not in _CHOICES:
        raise ValueError(f"FUZZYDICT_IMPLEMENTATION must be native or reference, got {choice!r}")
    if choice == "reference":
        return None
    try:
        from fuzzydict import _native
    except ImportError:
        if choice:
            raise
        return None
    return _native


_choice = os.environ.get("FUZZYDICT_IMPLEMENTATION", "")
native = _select(_choice)
_may_warn = native is None and not _choice


def warn_if_missing() -> None:
    """Warn once per process if the extension is missing, but not if it was turned off."""
    global _may_warn
    if not _may_warn:
        return
    _may_warn = False
    level, frame = 2, sys._getframe(1)
    package = __name__.partition(".")[0]
    # The warning names the line that called the package.
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] == package:
        level, frame = level + 1, frame.f_back
    warnings.warn(
        "FuzzyDict runs without its compiled extension: lookups take about a hundred times as "
        "long. Install a C++ compiler, then run: python -m pip install --force-reinstall --no-deps "
        "--no-cache-dir --no-binary fuzzydict-attention fuzzydict-attention. Set "
        "FUZZYDICT_IMPLEMENTATION=reference to turn this warning off.",
        PerformanceWarning,
        stacklevel=level,
    )
