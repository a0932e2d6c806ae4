"""Vectors of texts for stores that search by themselves: meaning, spelling and what was learned.

The dot product of a query's vector and a key's is what chooses candidates.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fuzzydict.index.quantized import QuantizedVectors
from fuzzydict.model.embedders import Embedder, WordEmbedder
from fuzzydict.ranking.projected import PROJECTION_WEIGHT, meaning_features
from fuzzydict.ranking.projection import Projection, Texts
from fuzzydict.text import spelling
from fuzzydict.text.tokens import compact, words

__all__ = ["TextVectors", "with_spelling"]

Floats = NDArray[np.float32]

_BATCH = 4096  # keys that are embedded at once
_LEARNED = np.float32(PROJECTION_WEIGHT**0.5)  # on both sides of the product


def with_spelling(meanings: Floats, texts: Sequence[tuple[str, ...]]) -> Floats:
    """Return the meanings of texts beside the vectors of their letters: float32 [n, width]."""
    return np.hstack([meanings, spelling.encode([compact(text) for text in texts])])


class TextVectors:
    """Makes vectors with an embedder and, if the dictionary was fitted, its projection."""

    def __init__(self, embedder: Embedder, projection: Projection | None = None) -> None:
        self._embedder, self._projection = embedder, projection

    @property
    def tail(self) -> int:
        """The width of the learned part, which has a scale of its own."""
        return 0 if self._projection is None else self._projection.width

    def queries(self, queries: Sequence[str]) -> Floats:
        """Return vectors of queries: float32 [Q, width + tail]."""
        split = [words(query) for query in queries]
        if isinstance(self._embedder, WordEmbedder):
            meanings = self._embedder.encode_words(split)
            known = [self._embedder.confidence(text) for text in split]
            confidence = np.array(known, np.float32)[:, None]
        else:
            meanings, confidence = self._embedder.encode(queries), np.ones((1, 1), np.float32)
        vectors = with_spelling(meanings * confidence, split)
        if self._projection is None:
            return vectors
        features = meaning_features(self._embedder, meanings, split)
        return np.hstack([vectors, _LEARNED * self._projection.queries(Texts(split, features))])

    def keys(self, keys: Sequence[str]) -> QuantizedVectors:
        """Return vectors of keys, without the learned part."""
        blocks = []
        for start in range(0, len(keys), _BATCH):
            part = keys[start : start + _BATCH]
            split = [words(key) for key in part]
            if isinstance(self._embedder, WordEmbedder):
                meanings = self._embedder.encode_words(split, guess=False)
            else:
                meanings = self._embedder.encode(part)
            blocks.append(QuantizedVectors.of(with_spelling(meanings, split)))
        return QuantizedVectors.together(blocks)

    def with_projection(self, keys: Sequence[str], vectors: QuantizedVectors) -> QuantizedVectors:
        """Return vectors of keys with the learned part in place of that which they have."""
        plain = vectors.plain()
        if self._projection is None:
            return plain
        meanings = plain.vectors()[:, : -spelling.DIMENSION]
        features = meaning_features(self._embedder, meanings, [words(key) for key in keys])
        learned = _LEARNED * self._projection.keys(keys, features)
        return QuantizedVectors.of(np.hstack([plain.vectors(), learned]), self.tail)
