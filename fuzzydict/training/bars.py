"""Progress bars of training: on terminals, unless ``FUZZYDICT_PROGRESS`` is 0; elsewhere if 1."""

import os
from typing import Any

from tqdm import tqdm

__all__ = ["bar"]


def bar(*arguments: Any, **options: Any) -> Any:
    """Return a bar of tqdm, with the same arguments."""
    disabled = {"0": True, "1": False}.get(os.environ.get("FUZZYDICT_PROGRESS", ""))
    return tqdm(*arguments, disable=disabled, **options)  # None: except on terminals
