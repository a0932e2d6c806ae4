"""Models of words and embedders: text to vectors."""
