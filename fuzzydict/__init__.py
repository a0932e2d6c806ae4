"""FuzzyDict: a dict that knows what you meant."""

from typing import TYPE_CHECKING, Any

from fuzzydict.mapping import FuzzyDict, Match, NoMatchError

if TYPE_CHECKING:
    __version__: str
    from fuzzydict.joining import join
    from fuzzydict.tools import resolve

__all__ = ["FuzzyDict", "Match", "NoMatchError", "join", "resolve"]

# What is loaded when it is first asked for.
_ELSEWHERE = {"join": "fuzzydict.joining", "resolve": "fuzzydict.tools"}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("fuzzydict-attention")
    if name not in _ELSEWHERE:
        raise AttributeError(f"module 'fuzzydict' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_ELSEWHERE[name]), name)
