"""Text to words: tokens, inflection, spelling."""
