"""The choice of a key table: native where it is compiled, else the reference implementation."""

import numpy as np
from numpy.typing import NDArray

from fuzzydict import implementation
from fuzzydict.model.embedders import Embedder, WordEmbedder, load, networks_for
from fuzzydict.model.networks import MLP
from fuzzydict.ranking.reference import ReferenceTable
from fuzzydict.ranking.table import KeyTable

__all__ = ["new_table"]

Floats = NDArray[np.float32]


def new_table(embedder: Embedder, dimension: int | None = None) -> KeyTable:
    """Return an empty table for an embedder; ``dimension`` is that of its vectors.

    Only a `WordEmbedder` has vectors of words. For any other embedder the default model supplies
    the weights of words and the networks of the scorer.
    """
    other = None if isinstance(embedder, WordEmbedder) else dimension or 1
    words = embedder if isinstance(embedder, WordEmbedder) else load("default")
    model = words.native_model
    if implementation.native is not None and model is not None:
        networks = networks_for(words)
        scoring = model.with_networks(_parameters(networks.pairs), _parameters(networks.texts))
        table: KeyTable = implementation.native.KeyTable(scoring, other)
        return table
    implementation.warn_if_missing()
    return ReferenceTable(words, other)


def _parameters(network: MLP) -> tuple[Floats, Floats, Floats, float]:
    return network.w1, network.b1, network.w2, network.b2
