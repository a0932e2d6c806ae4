"""Which examples of a fit make a query find a key.

The weights that a fit gives to a key are a sum over its examples, so the learned logit of a query
is a sum of similarities to these: attention over examples.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fuzzydict.forking import matrix_product
from fuzzydict.model.embedders import Embedder
from fuzzydict.ranking.projected import gram_weight, meaning_features
from fuzzydict.ranking.projection import Projection, known_grams
from fuzzydict.text.tokens import plain, words

__all__ = ["contributions"]

Floats = NDArray[np.float32]

_EMBEDDED = 16  # examples of a key: those with the most similar words
_SHOWN = 3  # of these
_LEAST = 0.1  # of a logit


def contributions(
    projection: Projection, embedder: Embedder, query: str, key: str
) -> tuple[tuple[str, float], ...]:
    """Return the examples of a key that add most to its logit for a query, and what they add.

    At most 3, of at least 0.1, the largest first; of many examples, the 16 whose words are the most
    similar are compared by meaning. Fits to many pairs describe texts by landmarks: then these
    numbers are an approximation.
    """
    weights = projection.examples.get(key, {})
    if not weights:
        return ()
    by_words = _word_similarities(projection, query, list(weights))
    nearest = sorted(zip(weights, by_words, strict=True), key=lambda pair: -pair[1])[:_EMBEDDED]
    chosen = [text for text, _ in nearest]
    rows = _features(embedder, [query, *chosen])
    similar = matrix_product(rows[1:], rows[0])
    similar += np.float32(gram_weight(embedder)) * np.array([each for _, each in nearest])
    added = [
        (text, weights[text] * float(each)) for text, each in zip(chosen, similar, strict=True)
    ]
    added.sort(key=lambda pair: -pair[1])
    return tuple(pair for pair in added[:_SHOWN] if pair[1] >= _LEAST)


def _word_similarities(projection: Projection, query: str, texts: Sequence[str]) -> list[float]:
    """Return the cosines of the grams of a query and of texts."""

    def row(text: str) -> Floats:
        result = np.zeros(len(projection.grams), np.float32)
        places, weights = known_grams(projection.grams, projection.weights, words(text))
        result[places] = weights
        return result

    of_query = row(query)
    return [float(row(text) @ of_query) for text in texts]


def _features(embedder: Embedder, texts: Sequence[str]) -> Floats:
    texts = [plain(text) for text in texts]
    return meaning_features(embedder, embedder.encode(texts), list(map(words, texts)))
