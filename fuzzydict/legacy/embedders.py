"""As old pickles import it."""

from collections.abc import Callable
from typing import Any

__all__ = ["_Adapter"]


class _Adapter:
    """An embedder of the user's own, as it was pickled: `FuzzyDict` uses its function."""

    _function: Callable[[list[str]], Any]
