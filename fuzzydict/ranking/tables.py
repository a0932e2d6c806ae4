"""Which implementation of a key table an embedder gets."""

from fuzzydict import implementation
from fuzzydict.model.embedders import Embedder, WordEmbedder, load
from fuzzydict.ranking.reference import ReferenceTable
from fuzzydict.ranking.table import KeyTable

__all__ = ["new_table"]


def new_table(embedder: Embedder, dimension: int | None = None) -> KeyTable:
    """Return an empty table for an embedder; ``dimension`` is that of its vectors.

    Only a `WordEmbedder` has vectors of words. For any other embedder the default model supplies
    the weights of words and the networks of the scorer.
    """
    other = None if isinstance(embedder, WordEmbedder) else dimension or 1
    words = embedder if isinstance(embedder, WordEmbedder) else load("default")
    model = words.native_model
    if implementation.native is not None and model is not None:
        table: KeyTable = implementation.native.KeyTable(model, other)
        return table
    return ReferenceTable(words, other)
