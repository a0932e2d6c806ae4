"""`PostgresFuzzyDict`: a mapping whose keys, vectors and values are on a PostgreSQL server."""

from fuzzydict.postgres.mapping import LostConnectionError, PostgresFuzzyDict

__all__ = ["LostConnectionError", "PostgresFuzzyDict"]
