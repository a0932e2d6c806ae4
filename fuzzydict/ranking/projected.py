"""What a projection makes of the keys of a table: one vector for each entry, beside its own."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fuzzydict.forking import matrix_product
from fuzzydict.model.embedders import Embedder, WordEmbedder
from fuzzydict.ranking.table import KeyTable
from fuzzydict.text.spelling import DIMENSION as SPELLING_WIDTH
from fuzzydict.text.tokens import words

if TYPE_CHECKING:
    from fuzzydict.ranking.projection import Projection

__all__ = ["PROJECTION_WEIGHT", "ProjectedVectors", "gram_weight", "meaning_features"]

Floats = NDArray[np.float32]
Words = tuple[str, ...]

PROJECTION_WEIGHT = 0.1  # of a learned product among those that choose candidates
_EXTREMES = np.float32(0.3**0.5)  # their length; that of a meaning is 1
_GRAM_WEIGHTS = 0.6, 0.2  # of similar words, for vectors of words and for those of whole texts
_BATCH = 4096  # entries that are projected at once


def meaning_features(embedder: Embedder, meanings: Floats, texts: Sequence[Words]) -> Floats:
    """Return the features that a projection maps: meanings, and extremes of their words, [n, F]."""
    if isinstance(embedder, WordEmbedder):
        return np.hstack([meanings, _EXTREMES * embedder.extremes(texts)])
    return meanings


def gram_weight(embedder: Embedder) -> float:
    """Return how much similar words count in a fit, beside similar meanings."""
    of_words, of_texts = _GRAM_WEIGHTS
    return of_words if isinstance(embedder, WordEmbedder) else of_texts


class ProjectedVectors:
    """B y + r of every entry of a table, by place; aliases have zeros.

    Without a projection it does nothing.
    """

    def __init__(
        self, embedder: Embedder, table: KeyTable, projection: "Projection | None"
    ) -> None:
        self._embedder, self._table, self._projection = embedder, table, projection
        self._vectors: Floats = np.zeros((0, projection.width if projection else 0), np.float32)
        self._size = 0
        self.add()

    def add(self) -> None:
        """Project the entries that were added to the table. Amortised O(width) per entry."""
        start, self._size = self._size, len(self._table)
        if self._projection is None:
            return
        if self._size > len(self._vectors):
            grown = np.zeros((max(self._size, 2 * start), self._projection.width), np.float32)
            grown[:start] = self._vectors[:start]
            self._vectors = grown
        for first in range(start, self._size, _BATCH):
            self._project(range(first, min(first + _BATCH, self._size)))

    def _project(self, places: range) -> None:
        assert self._projection is not None
        texts = [self._table.text(place) for place in places]
        is_key = [
            self._table.find(text) == place for text, place in zip(texts, places, strict=True)
        ]
        meanings = self._table.vectors(places)[:, :-SPELLING_WIDTH]
        features = meaning_features(self._embedder, meanings, list(map(words, texts)))
        projected = self._projection.keys(texts, features)
        projected[~np.array(is_key)] = 0
        self._vectors[places.start : places.stop] = projected

    def remove(self, place: int) -> None:
        """Follow the table, whose last entry took the place of one that was removed."""
        self._size -= 1
        if self._projection is not None and place < self._size:
            self._vectors[place] = self._vectors[self._size]

    def queries(self, words: Sequence[Words], meanings: Floats) -> Floats:
        """Return A x of queries, and 1, from their words and meanings: [Q, width]."""
        from fuzzydict.ranking.projection import Texts

        assert self._projection is not None
        features = meaning_features(self._embedder, meanings, words)
        return self._projection.queries(Texts(words, features))

    def bonus(self, queries: Floats | None) -> Floats | None:
        """Return what is added to the dot products that choose candidates: [Q, entries]."""
        if queries is None:
            return None
        products: Floats = matrix_product(queries, self._vectors[: self._size].T)
        return np.float32(PROJECTION_WEIGHT) * products

    def logits(self, base: Floats, query: Floats, places: Sequence[int]) -> Floats:
        """Return the logits of keys with what was learned, from those without it."""
        assert self._projection is not None
        names = [self._table.text(place) for place in places]
        return self._projection.logits(
            names, base, matrix_product(self._vectors[list(places)], query), query
        )
