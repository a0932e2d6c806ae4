"""FuzzyDict: a dict that knows what you meant."""

from fuzzydict.mapping import FuzzyDict, Match, NoMatchError

__all__ = ["FuzzyDict", "Match", "NoMatchError"]
