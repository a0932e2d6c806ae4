"""Learning from labelled lookups."""
