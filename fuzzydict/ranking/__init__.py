"""Ranking: from a query to scored keys."""
