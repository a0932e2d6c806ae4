"""File formats: arrays, values, dictionaries."""
