"""The implementation of ranking in use: native (C++) or reference (Python and NumPy).

The native one is used where it is compiled. ``FUZZYDICT_IMPLEMENTATION=reference`` in the
environment selects the reference implementation, which documents the algorithm and is slower;
``FUZZYDICT_IMPLEMENTATION=native`` requires the native one.
"""

import os
import sys
import warnings
from types import ModuleType

__all__ = ["PerformanceWarning", "native", "warn_if_slow"]

_VARIABLE = "FUZZYDICT_IMPLEMENTATION"
_REINSTALL = (
    "Install a C++ compiler, then run: python -m pip install --force-reinstall --no-deps "
    "--no-cache-dir --no-binary fuzzydict-attention fuzzydict-attention"
)


class PerformanceWarning(RuntimeWarning):
    """Lookups are slower than they could be."""


def _select(choice: str | None) -> ModuleType | None:
    """Return the module of the native implementation, or None for the reference implementation.

    Raises:
        ImportError: ``choice`` is "native", which is not compiled, or is an unknown name.
    """
    if choice not in (None, "", "native", "reference"):
        raise ImportError(f"{_VARIABLE} must be 'native' or 'reference', got {choice!r}")
    if choice == "reference":
        return None
    try:
        from fuzzydict import _native
    except ImportError as error:
        if choice == "native":
            raise ImportError(
                f"{_VARIABLE}=native, but the native implementation is not compiled. {_REINSTALL}."
            ) from error
        return None
    module: ModuleType = _native
    return module


native = _select(os.environ.get(_VARIABLE))
"""The module `fuzzydict._native`, or None if the reference implementation is in use."""

_may_warn = native is None and not os.environ.get(_VARIABLE)


def warn_if_slow() -> None:
    """Warn if the reference implementation is in use and nobody selected it, once per process."""
    global _may_warn
    if not _may_warn:
        return
    _may_warn = False
    level, frame = 2, sys._getframe(1)
    # The warning names the line that called the package.
    while frame.f_back is not None and _is_ours(frame.f_globals.get("__name__", "")):
        level, frame = level + 1, frame.f_back
    warnings.warn(
        "FuzzyDict runs without its native implementation, so lookups are much slower. "
        f"{_REINSTALL}. Set {_VARIABLE}=reference to silence this warning.",
        PerformanceWarning,
        stacklevel=level,
    )


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] == __name__.partition(".")[0]
