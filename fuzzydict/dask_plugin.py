"""What Dask is told of dictionaries: which of them are the same.

Dask names a task by what it is given, and takes tasks of one name for the same. Dictionaries of the
same items would be that to it, whatever their embedders, their cutoffs and what they were taught.
"""

from typing import Any

from fuzzydict.mapping import FuzzyDict

__all__ = ["register"]


def register(sizeof: object) -> None:
    """Tell Dask. It calls this as it is imported: an entry point of the group ``dask.sizeof``.

    That is the one group that it has; its ``sizeof`` knows dicts already.
    """
    from dask.base import normalize_token

    normalize_token.register(FuzzyDict, _told_apart_by)


def _told_apart_by(d: FuzzyDict[Any, Any]) -> Any:
    from dask.base import normalize_token

    made, (kind, options, learned, *_), state, *_ = d.__reduce__()
    return normalize_token([made, kind, options, list(learned), state, dict(d)])
