"""As old pickles import it."""

from fuzzydict.ranking.guards import numbers_differ, opposites

__all__ = ["numbers_differ", "opposites"]
