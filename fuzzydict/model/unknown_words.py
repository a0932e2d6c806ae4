"""Vectors of words outside of the vocabulary: by base form, by parts, or by spelling."""

import math
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fuzzydict import forking
from fuzzydict.forking import matrix_product
from fuzzydict.model.arrays import EmbedderError, Vectors, unit_length
from fuzzydict.model.word_table import WordTable
from fuzzydict.text.inflection import bases
from fuzzydict.text.spelling import similarities
from fuzzydict.text.tokens import is_number

__all__ = ["NgramIndex", "UnknownWords"]

_UNKNOWN_NAME = 0.5  # how probably a word that is not in the table is a name
_CACHE_SIZE = 8192  # words whose places are cached


class Placed(NamedTuple):
    """What is known about a word that a table lacks; see `WordArrays`."""

    vector: Vectors  # (d,)
    weight: float = 1.0
    confidence: float = 0.0
    density: float = 0.5
    name: float = _UNKNOWN_NAME
    redundancy: float = 0.0


class UnknownWords:
    """Places words that a table lacks.

    ``vector_of`` returns the vector of such a word; without it, words are placed by their spelling.
    ``name`` is what errors call the embedder.
    """

    def __init__(
        self, table: WordTable, vector_of: Callable[[str], ArrayLike] | None, name: str
    ) -> None:
        self._table = table
        self._vector_of = vector_of
        self._name = name
        self._spelling: NgramIndex | None = None  # of the words that are no phrases
        self._placed: dict[tuple[str, bool], Placed] = {}

    def place(self, word: str, guess: bool) -> Placed:
        """Return what is known about a word that is not in the table.

        ``guess`` if the word may be mistyped.
        """
        found = self._placed.get((word, guess))
        if found is None:
            found = self._place(word, guess)
            if len(self._placed) >= _CACHE_SIZE:
                self._placed = {}
            self._placed[word, guess] = found
        return found

    def _place(self, word: str, guess: bool) -> Placed:
        table = self._table
        if self._vector_of is not None:
            return Placed(self._given(self._vector_of(word), word), confidence=1.0)
        if is_number(word):  # a number that is written like another is another
            return Placed(np.zeros(table.dimension, np.float32))
        for base in bases(word):
            row = table.rows.get(base)
            if row is not None:
                return Placed(
                    table.vectors_at([row])[0],
                    float(table.weights[row]),
                    0.9,
                    float(table.density[row]),
                    float(table.names[row]),
                    float(table.redundancy[row]),
                )
        if parts := self.split(word):
            rows = [table.rows[part] for part in parts]
            confidence, weights = 0.7, table.weights.take(rows)
        elif not guess:
            rows = []
        else:
            rows, shares = self._alike(word)
            confidence = 0.5 * max(shares, default=0.0) ** 2
            weights = np.array([share**8 for share in shares], np.float32)
        if not rows:
            return Placed(np.zeros(table.dimension, np.float32))
        vector = matrix_product(weights, table.vectors_at(rows))
        length = math.sqrt(vector @ vector)
        density, name = (
            sum(values.take(rows).tolist()) / len(rows) for values in (table.density, table.names)
        )
        return Placed(vector / np.float32(length or 1.0), 1.0, confidence, density, name)

    def _given(self, given: ArrayLike, word: str) -> Vectors:
        """Return what ``vector_of`` gave for a word as a vector of unit length."""
        vector, dimension = np.asarray(given, np.float32), self._table.dimension
        if vector.shape != (dimension,) or not np.isfinite(vector).all():
            raise EmbedderError(
                f"{self._name}: unknown({word!r}) must return {dimension} finite numbers, got "
                f"{np.array2string(vector, threshold=6)} of shape {vector.shape}"
            )
        unit: Vectors = unit_length(vector[None])[0]
        return unit

    def split(self, word: str) -> tuple[str, str] | None:
        """Return the two words that ``word`` is written of, the most frequent ones, or None."""
        rows, weights = self._table.rows, self._table.weights
        best: tuple[float, int] | None = None
        for cut in range(3, len(word) - 2):
            if (first := rows.get(word[:cut])) is None:
                continue
            if (second := rows.get(word[cut:])) is not None:
                rank = float(weights[first] * weights[second])
                if best is None or rank < best[0]:
                    best = rank, cut
        return (word[: best[1]], word[best[1] :]) if best else None

    def _alike(self, word: str) -> tuple[list[int], list[float]]:
        """Return the rows of the three words that are written most alike, and how much so."""
        spelling = self._spelling or self._index()
        words = [spelling.words[i] for i in spelling.search(word, n=32)]
        if not words:
            return [], []
        likeness = np.add.reduce(similarities(word, words)) / 3
        best = (-likeness).argsort(kind="stable")[:3].tolist()
        alike = {words[i]: share for i in best if (share := float(likeness[i])) > 0.6}
        return [self._table.rows[word] for word in alike], [*alike.values()]

    def _index(self) -> "NgramIndex":
        """Return the index of the words that are no phrases, which one thread makes."""
        with _LOCK.lock:
            if self._spelling is None:
                self._spelling = NgramIndex([word for word in self._table.texts if " " not in word])
            return self._spelling


class _Lock:
    """Lets one thread build an index that several need."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        forking.register(self)

    def _after_fork(self) -> None:
        self.lock = threading.Lock()


_LOCK = _Lock()


class NgramIndex:
    """Finds the words that share most character n-grams with a word (Dice's coefficient)."""

    _BUCKETS = 1 << 16

    def __init__(self, words: Sequence[str]) -> None:
        self.words = words
        grams, owners = self._grams_of_all(words)
        order = np.argsort(grams, kind="stable")
        self._owners = owners[order]
        self._starts = np.searchsorted(grams[order], np.arange(self._BUCKETS + 1))
        self._sizes = np.bincount(owners, minlength=len(words)).astype(np.float32)

    def _grams_of_all(self, words: Sequence[str]) -> tuple[NDArray[np.uint16], NDArray[np.int32]]:
        text = "".join(f"^{word}$" for word in words)
        owners = np.repeat(np.arange(len(words), dtype=np.int32), [len(word) + 2 for word in words])
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        first, second, third = codes[:-2], codes[1:-1], codes[2:]
        hashes = (first * np.uint32(961) + second * np.uint32(31) + third) * np.uint32(2654435761)
        inside = owners[:-2] == owners[2:]
        return (hashes[inside] >> np.uint32(16)).astype(np.uint16), owners[:-2][inside]

    def _grams(self, word: str) -> set[int]:
        """Return what `_grams_of_all` finds in one word."""
        codes = [ord(letter) for letter in f"^{word}$"]
        triples = zip(codes, codes[1:], codes[2:], strict=False)
        return {((a * 961 + b * 31 + c) * 2654435761 & 0xFFFFFFFF) >> 16 for a, b, c in triples}

    def search(self, word: str, n: int) -> list[int]:
        """Return the rows of the ``n`` words with the largest shares of n-grams in common.

        Only those count that share at least half as many as any other word.
        """
        grams = self._grams(word)
        if not grams:
            return []
        hits = [self._owners[self._starts[gram] : self._starts[gram + 1]] for gram in grams]
        common = np.bincount(np.concatenate(hits), minlength=len(self._sizes))
        owners = np.flatnonzero(common >= max(1, int(common.max(initial=0)) // 2))
        shares = common[owners] / (len(grams) + self._sizes[owners])
        return owners[np.argsort(-shares, kind="stable")[:n]].tolist()  # type: ignore[no-any-return]
