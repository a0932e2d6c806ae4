"""Which implementation of ranking is used: native or reference."""

import os
from types import ModuleType

__all__ = ["native"]


def _native() -> ModuleType | None:
    if os.environ.get("FUZZYDICT_IMPLEMENTATION") == "reference":
        return None
    try:
        from fuzzydict import _native
    except ImportError:
        return None
    return _native


native = _native()
