"""Features of words outside of the vocabulary, from words that they are related to.

A word is placed by its base form ("colours"), by the two words that it consists of ("topspeed"),
or else, where it may be mistyped, by the words with the most similar spelling ("colourr").
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fuzzydict.model.checks import EmbedderError, unit
from fuzzydict.model.vocabulary import WordFeatures
from fuzzydict.model.word_table import ONCE, WordTable
from fuzzydict.text.inflection import bases
from fuzzydict.text.spelling import similarities

__all__ = ["NgramIndex", "UnknownWords"]

Floats = NDArray[np.float32]

_DENSITY = 0.5  # of a word without a place
_BASE, _SPLIT = 0.9, 0.7  # confidence in a base form, and in two words written as one
_CANDIDATES, _SIMILAR = 32, 3  # words whose spelling is compared, and those that place a word
_MIN_SIMILARITY = 0.6
_CACHE_SIZE = 8192  # words whose features are cached


class UnknownWords:
    """Places words that a table lacks.

    ``vector_of`` returns the vector of a word, [d], where the embedder can compute it by itself.
    Threads share an instance.
    """

    def __init__(
        self, table: WordTable, vector_of: Callable[[str], ArrayLike] | None, name: str
    ) -> None:
        self._table = table
        self.vector_of = vector_of
        self._name = name
        self._index: NgramIndex | None = None  # made when it is first used
        self._placed: dict[tuple[str, bool], WordFeatures] = {}

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_index": None, "_placed": {}}

    def features(self, word: str, *, guess: bool) -> WordFeatures:
        """Return the features of a word that is not in the table; guess if it may be mistyped."""
        found = self._placed.get((word, guess))
        if found is None:
            place = self._place if self.vector_of is None else self._call
            found = place(word, guess)
            if len(self._placed) >= _CACHE_SIZE:
                self._placed = {}
            self._placed[word, guess] = found
        return found

    def _call(self, word: str, guess: bool) -> WordFeatures:
        assert self.vector_of is not None
        vector = np.asarray(self.vector_of(word), np.float32)
        if vector.shape != (self._table.dimension,) or not np.isfinite(vector).all():
            raise EmbedderError(
                f"{self._name}: unknown({word!r}) must return {self._table.dimension} finite "
                f"numbers, got {np.array2string(vector, threshold=6)} of shape {vector.shape}"
            )
        return WordFeatures(word, unit(vector[None])[0], 1.0, 1.0, _DENSITY)

    def _place(self, word: str, guess: bool) -> WordFeatures:
        if word.isdigit():  # a number with a similar spelling is a different number
            return self._without_place(word)
        rows = self._table.rows
        for base in bases(word):
            if base in rows:
                return self._table.features(rows[base], word, _BASE)
        if parts := self.split(word):
            two = [rows[part] for part in parts]
            return self._mean(word, two, [float(self._table.weights[row]) for row in two], _SPLIT)
        similar = self.similar(word) if guess else {}
        if not similar:
            return self._without_place(word)
        shares = [similarity**8 for similarity in similar.values()]
        confidence = 0.5 * max(similar.values()) ** 2
        return self._mean(word, [rows[each] for each in similar], shares, confidence)

    def _without_place(self, word: str) -> WordFeatures:
        """Return the features of a word about which nothing is known."""
        zeros = np.zeros(self._table.dimension, np.float32)
        return WordFeatures(word, zeros, 1.0, 0.0, _DENSITY)

    def _mean(
        self, word: str, rows: Sequence[int], shares: Sequence[float], confidence: float
    ) -> WordFeatures:
        """Return features whose vector is the weighted mean of rows."""
        vector = np.zeros(self._table.dimension, np.float32)
        for row, share in zip(rows, shares, strict=True):
            vector += np.float32(share) * self._table.vector(row)
        vector /= np.float32(math.sqrt(vector @ vector) or 1.0)
        density = sum(float(self._table.density[row]) for row in rows) / len(rows)
        return WordFeatures(word, vector, 1.0, confidence, density)

    def split(self, word: str) -> tuple[str, str] | None:
        """Return the two words that ``word`` consists of, the most frequent ones, or None."""
        rows, weights = self._table.rows, self._table.weights
        cuts = [(word[:cut], word[cut:]) for cut in range(3, len(word) - 2)]
        pairs = [(one, other) for one, other in cuts if one in rows and other in rows]
        return min(
            pairs,
            key=lambda pair: float(weights[rows[pair[0]]] * weights[rows[pair[1]]]),
            default=None,
        )

    def similar(self, word: str) -> dict[str, float]:
        """Return the words with the most similar spelling, and the mean of the three similarities
        of each, the most similar first."""
        candidates = self._ngrams().search(word, _CANDIDATES)
        means = np.add.reduce(similarities(word, candidates)) / 3
        best = (-means).argsort(kind="stable")[:_SIMILAR].tolist()
        found = {candidates[i]: float(means[i]) for i in best}
        return {word: mean for word, mean in found.items() if mean > _MIN_SIMILARITY}

    def _ngrams(self) -> "NgramIndex":
        if self._index is None:
            with ONCE.lock:
                words = [word for word in self._table.texts if " " not in word]
                self._index = self._index or NgramIndex(words)
        return self._index


class NgramIndex:
    """Finds the words that share the most character trigrams with a word (Dice's coefficient)."""

    _BUCKETS = 1 << 16

    def __init__(self, words: Sequence[str]) -> None:
        self._words = words
        text = "".join(f"^{word}$" for word in words)
        owners = np.repeat(np.arange(len(words), dtype=np.int32), [len(word) + 2 for word in words])
        grams = _trigrams(text)
        inside = owners[:-2] == owners[2:]  # trigrams of one word
        grams, owners = grams[inside], owners[:-2][inside]
        order = np.argsort(grams, kind="stable")
        self._owners = owners[order]
        self._starts = np.searchsorted(grams[order], np.arange(self._BUCKETS + 1))
        self._sizes = np.bincount(owners, minlength=len(words))

    def search(self, word: str, n: int) -> list[str]:
        """Return the ``n`` words with the highest coefficients, the highest first.

        Only words that share at least half as many trigrams as the one that shares the most.
        """
        grams = set(_trigrams(f"^{word}$").tolist())
        common = np.zeros(len(self._words), np.intp)
        for gram in grams:
            owners = self._owners[self._starts[gram] : self._starts[gram + 1]]
            common += np.bincount(owners, minlength=len(common))
        found = np.flatnonzero(common >= max(1, int(common.max(initial=0)) // 2))
        shares = common[found] / (len(grams) + self._sizes[found])
        return [self._words[i] for i in found[np.argsort(-shares, kind="stable")[:n]].tolist()]


def _trigrams(text: str) -> NDArray[np.uint16]:
    """Return the hashes of the character trigrams of a text, in their order."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    first, second, third = codes[:-2], codes[1:-1], codes[2:]
    hashes = (first * np.uint32(961) + second * np.uint32(31) + third) * np.uint32(2654435761)
    return (hashes >> np.uint32(16)).astype(np.uint16)
