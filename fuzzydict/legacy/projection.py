"""As old pickles import it."""

from fuzzydict.ranking.projection import Projection

__all__ = ["Projection"]
