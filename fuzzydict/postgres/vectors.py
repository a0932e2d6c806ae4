"""The vectors that the server stores and searches, from texts and back."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fuzzydict.index.quantized import QuantizedVectors
from fuzzydict.model.embedders import Embedder
from fuzzydict.postgres.database import from_bytes
from fuzzydict.postgres.pool import Vector, vectors
from fuzzydict.ranking.learned import LearnedState
from fuzzydict.ranking.projection import Projection
from fuzzydict.ranking.vectors import TextVectors
from fuzzydict.text.tokens import plain

__all__ = ["VectorEncoder", "decode", "encode", "projection_width"]

Floats = NDArray[np.float32]


class VectorEncoder:
    """Embeds queries and keys: meaning, spelling, and what a projection makes of the meaning."""

    def __init__(self, embedder: Embedder, projection: Projection | None) -> None:
        self.embedder, self.projection = embedder, projection
        self._texts = TextVectors(embedder, projection)
        self.tail = self._texts.tail

    def queries(self, queries: Sequence[str]) -> Floats:
        """Return the vectors of queries: float32 [Q, d]."""
        return self._texts.queries(queries)

    def keys(self, keys: Sequence[str]) -> QuantizedVectors:
        """Return the vectors of keys to be stored."""
        if not keys:
            return QuantizedVectors.empty(0, 0, self.tail)
        return self.project(keys, self._texts.keys([plain(key) for key in keys]))

    def corrections(self, queries: Sequence[str]) -> QuantizedVectors:
        """Return the vectors of corrected queries; a projection learns nothing of these."""
        return self._texts.keys(queries) if queries else QuantizedVectors.empty(0, 0)

    def project(self, keys: Sequence[str], stored: QuantizedVectors) -> QuantizedVectors:
        """Return stored vectors with this projection instead of another; nothing is embedded."""
        return self._texts.with_projection(keys, stored)


def projection_width(learned: LearnedState) -> int:
    """Return how many numbers the learned projection adds to a vector."""
    return 0 if learned.projection is None else learned.projection.width


def encode(stored: QuantizedVectors) -> Iterator[tuple[Vector, float, float | None]]:
    """Yield a vector and its scales for each row, as columns of the table."""
    scales = stored.scales.tolist()
    for vector, scale in zip(stored.vectors(), scales, strict=True):
        yield Vector(vector), scale[0], scale[1] if stored.tail else None


def decode(
    rows: Sequence[tuple[Any, ...]], width: int, tail: int
) -> tuple[list[str], QuantizedVectors]:
    """Return keys and vectors from the columns key, near, scale and tail of the table."""
    if not rows:
        return [], QuantizedVectors.empty(0, width + tail, tail)
    keys, received, scale, last = zip(*rows, strict=True)
    scales = np.array([scale, last] if tail else [scale], np.float32).T  # (n, 1 or 2)
    each = np.repeat(scales, [width, tail][: scales.shape[1]], axis=1)
    # Half precision preserves a number of one byte.
    numbers = np.rint(vectors(received, width + tail) / each).astype(np.int8)
    stored = QuantizedVectors(numbers, np.ascontiguousarray(scales), tail)
    return list(map(from_bytes, keys)), stored
