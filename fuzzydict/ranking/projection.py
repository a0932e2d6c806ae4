"""Learned projections: `W_Q` and `W_K`, applied to queries and keys.

The zero-shot score compares a query x and a key y as they are, as if W_Q = W_K = I. A fitted
dictionary compares W_Q x and W_K y, where W_Q = [I; A] and W_K = [I; B]: to what the identity gives
comes A x · (B y + r), a term of low rank, in which r is what was learned about that key alone. It
starts from zero, so that what was not taught stays as it was; and a new key, which has no r, is
compared by the same A and B. `fuzzydict.learning.fit` learns A, B and r.
"""

import itertools
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fuzzydict.forking import matrix_product

__all__ = ["Projection", "Texts", "append_column", "ngram_hashes"]

Floats = NDArray[np.float32]
Places = NDArray[np.intp]
Words = tuple[str, ...]


class Texts(NamedTuple):
    """What a projection sees of n texts."""

    words: Sequence[Words]
    meanings: Floats  # (n, d)


@dataclass(frozen=True)
class Projection:
    """The low-rank blocks A and B of W_Q and W_K, what each key learned, and the null key.

    The features of a query are its meaning [d], and the words and pairs of words that ``grams``
    names by their hashes [G], weighted by how rare they were in the pairs.
    """

    grams: NDArray[np.uint32]  # (G,) sorted
    weights: Floats  # (G,)
    query: Floats  # (d + G, R) A, transposed
    key: Floats  # (d, R) B, transposed: keys are too few to learn words from
    residuals: Mapping[str, Floats]  # (R + 1,) each; the last is the key's bias
    null: Floats  # (R + 1,)
    slope: float  # of the zero-shot logits

    @property
    def width(self) -> int:
        """The length of what `queries` and `keys` return, R + 1."""
        return len(self.null)

    def queries(self, texts: Texts) -> Floats:
        """Return A x of each text, and 1: float32 [n, R + 1]."""
        d = len(self.key)
        projected: Floats = matrix_product(texts.meanings, self.query[:d])
        for row, words in zip(projected, texts.words, strict=True):
            places, weights = self._known(words)
            row += matrix_product(weights, self.query[d + places])
        return append_column(projected, 1)

    def keys(self, names: Sequence[str], meanings: Floats) -> Floats:
        """Return B y + r of each key: float32 [n, R + 1]."""
        result = append_column(matrix_product(meanings, self.key), 0)
        for row, name in zip(result, names, strict=True):
            if name in self.residuals:
                row += self.residuals[name]
        return result

    def logits(self, zero_shot: Floats, learned: Floats, query: Floats) -> Floats:
        """Return the logits of keys beside the null key's 0.

        ``zero_shot`` [..., C] and ``learned`` [..., C], the product of ``query`` [..., R + 1] and
        the keys.
        """
        null: Floats = matrix_product(query, self.null)[..., None]
        result: Floats = np.float32(self.slope) * zero_shot + learned - null
        return result

    def _known(self, words: Words) -> tuple[Places, Floats]:
        hashes = np.array(ngram_hashes(words), np.uint32)
        places = np.searchsorted(self.grams, hashes)
        places = places[self.grams[np.minimum(places, len(self.grams) - 1)] == hashes]
        weights = self.weights[places]
        length = float(np.sqrt(weights @ weights))
        return places, weights / np.float32(max(length, 1e-6))


def append_column(rows: Floats, last: float) -> Floats:
    return np.hstack([rows, np.full((len(rows), 1), last, np.float32)])


def ngram_hashes(words: Words) -> list[int]:
    """Return hashes of the words, of the pairs of neighbours, and of those one word apart."""
    framed = ("", *words, "")
    grams = {*words, *map(" ".join, itertools.pairwise(framed))}
    grams.update(map(" * ".join, zip(words, words[2:], strict=False)))
    return sorted({zlib.crc32(gram.encode("utf-8", "surrogatepass")) for gram in grams})
