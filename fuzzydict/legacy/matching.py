"""As old pickles import it."""

from fuzzydict.ranking.learned import LearnedState as Learned

__all__ = ["Learned"]
