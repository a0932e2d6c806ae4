"""Search for the nearest vectors, exact and approximate."""
