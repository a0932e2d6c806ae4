"""Texts by their similarity to examples: the features that a fit learns from.

Two texts are similar by their meaning, their pairs of words and their parts of words. Of many
examples, some are landmarks, by which all texts are described (Williams and Seeger, 2001); of few,
all are, and then nothing is lost.
"""

import itertools
from collections import Counter
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from fuzzydict.forking import forks_wait, matrix_product
from fuzzydict.ranking.projection import Texts, known_grams, ngram_hashes

__all__ = ["Landmarks"]

Floats = NDArray[np.float32]
Places = NDArray[np.intp]

_GRAMS = 1 << 14  # that count, the most frequent ones
_BATCH = 256  # texts whose grams are multiplied at once
_JITTER = 1e-3  # added to the similarity of a landmark to itself, which is about 1.5


class Landmarks:
    """Landmarks among texts, and coordinates of texts whose dot products are similarities."""

    def __init__(self, texts: Texts, places: Places, gram_weight: float) -> None:
        """Describe texts by those at the places; ``gram_weight`` is that of grams' similarity."""
        counts = Counter(itertools.chain.from_iterable(map(ngram_hashes, texts.words)))
        usual = sorted(counts, key=lambda gram: (-counts[gram], gram))[:_GRAMS]
        self.grams = np.array(sorted(usual), np.uint32)
        often = np.array([counts[gram] for gram in self.grams.tolist()], np.float32)
        self.weights = np.log(1 + len(texts.words) / often).astype(np.float32)
        self._scale = np.float32(gram_weight**0.5)
        self._meanings = texts.meanings[places]
        self._rows = np.zeros((len(self.grams), len(places)), np.float32)  # (G, m)
        for column, place in enumerate(places.tolist()):
            found, weights = self.known(texts.words[place])
            self._rows[found, column] = self._scale * weights
        similar = matrix_product(self._meanings, self._meanings.T)
        similar += matrix_product(self._rows.T, self._rows)
        similar = similar.astype(np.float64) + _JITTER * np.eye(len(places))
        with forks_wait:
            self._whiten: Floats = np.linalg.inv(np.linalg.cholesky(similar)).T.astype(np.float32)

    def known(self, words: tuple[str, ...]) -> tuple[Places, Floats]:
        """Return the places and weights of the grams of a text that count."""
        return known_grams(self.grams, self.weights, words)

    def coordinates(
        self, texts: Texts, step: Callable[[int], object] = lambda steps: None
    ) -> Floats:
        """Return the coordinates of texts: float32 [n, m]. O(m · (d + grams + m)) per text."""
        similar: Floats = matrix_product(texts.meanings, self._meanings.T)
        for start in range(0, len(similar), _BATCH):
            batch = slice(start, start + _BATCH)
            known = list(map(self.known, texts.words[batch]))
            columns, inside = np.unique(
                np.concatenate([places for places, _ in known]), return_inverse=True
            )
            bag = np.zeros((len(known), len(columns)), np.float32)
            row = np.repeat(np.arange(len(known)), [len(places) for places, _ in known])
            bag[row, inside] = self._scale * np.concatenate([weights for _, weights in known])
            similar[batch] += matrix_product(bag, self._rows[columns])
            step(len(known))
        coordinates: Floats = matrix_product(similar, self._whiten)
        return coordinates

    def projection(self, weights: Floats) -> Floats:
        """Return weights [m, R] on coordinates as weights on meanings and grams: [d + G, R]."""
        dual = matrix_product(self._whiten, weights)
        return np.vstack(
            [matrix_product(self._meanings.T, dual), self._scale * matrix_product(self._rows, dual)]
        )
