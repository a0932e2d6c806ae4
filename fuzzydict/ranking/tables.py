"""The choice of a key table: native where it is compiled, else the reference implementation."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fuzzydict import implementation
from fuzzydict.model.embedders import Embedder, WordEmbedder, load, networks_for
from fuzzydict.model.networks import MLP
from fuzzydict.ranking.reference import ReferenceTable
from fuzzydict.ranking.table import KeyTable

__all__ = ["new_table", "scoring_model"]

Floats = NDArray[np.float32]


def new_table(embedder: Embedder, dimension: int | None = None) -> KeyTable:
    """Return an empty table for an embedder; ``dimension`` is that of its vectors.

    Only a `WordEmbedder` has vectors of words. For any other embedder the default model supplies
    the weights of words and the networks of the scorer.
    """
    other = None if isinstance(embedder, WordEmbedder) else dimension or 1
    words = embedder if isinstance(embedder, WordEmbedder) else load("default")
    model = scoring_model(words)
    if implementation.native is not None and model is not None:
        table: KeyTable = implementation.native.KeyTable(model, other)
        return table
    implementation.warn_if_missing()
    return ReferenceTable(words, other)


def scoring_model(words: WordEmbedder) -> Any:
    """Return the native model of an embedder with the networks of its scorer, None if there is
    none."""
    if words.native_model is None:
        return None
    networks = networks_for(words)
    return words.native_model.with_networks(*map(_parameters, (networks.pairs, networks.texts)))


def _parameters(network: MLP) -> tuple[Floats, Floats, Floats, float]:
    return network.w1, network.b1, network.w2, network.b2
