"""Joins, deduplication and column matching of tables."""
