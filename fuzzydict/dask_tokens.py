"""What tells dictionaries apart in Dask.

Dask names a task by what it is given, and takes tasks of one name for the same. Dictionaries of the
same items would be that to it, whatever their embedders, their cutoffs and what they were taught.
"""

import functools
from typing import Any

__all__ = ["register"]


@functools.cache
def register(kind: type) -> None:
    """Tell Dask of a class of dictionaries. Imports Dask."""
    from dask.base import normalize_token

    def told_apart_by(d: Any) -> Any:
        made, (kind, options, learned, *_), state, *_ = d.__reduce__()
        return normalize_token([made, kind, options, list(learned), state, dict(d)])

    normalize_token.register(kind, told_apart_by)
