"""The interactive page of ``fuzzydict play``."""
