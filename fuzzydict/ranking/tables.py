"""The choice of a key table: native where it is compiled, else the reference implementation."""

from typing import Any

from fuzzydict import implementation
from fuzzydict.model.choice import program_model
from fuzzydict.model.embedders import Embedder, WordEmbedder, load, networks_for
from fuzzydict.ranking.table import KeyTable

__all__ = ["new_table", "scoring_model"]


def new_table(embedder: Embedder, dimension: int | None = None) -> KeyTable:
    """Return an empty table for an embedder; ``dimension`` is that of its vectors.

    Only a `WordEmbedder` has vectors of words. For any other embedder the program's model
    supplies the weights of words and the networks of the scorer.
    """
    other = None if isinstance(embedder, WordEmbedder) else dimension or 1
    words = embedder if isinstance(embedder, WordEmbedder) else load(program_model())
    model = scoring_model(words)
    if implementation.native is not None and model is not None:
        table: KeyTable = implementation.native.KeyTable(model, other)
        return table
    implementation.warn_if_missing()
    from fuzzydict.ranking.reference import ReferenceTable

    return ReferenceTable(words, other)


def scoring_model(words: WordEmbedder) -> Any:
    """Return the native model of an embedder with the networks of its scorer, None if there is
    none."""
    if (model := words.native_model) is None:
        return None
    networks = networks_for(words)
    return model.with_networks(networks.pairs, networks.texts)
