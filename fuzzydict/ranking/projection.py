"""Learned projections: `W_Q` and `W_K`, applied to queries and keys.

The zero-shot score compares a query x and a key y as they are, as if W_Q = W_K = I. A fitted
dictionary compares W_Q x and W_K y, where W_Q = [I; A] and W_K = [I; B]: to what the identity gives
comes A x · (B y + r), a term of low rank, in which r is what was learned about that key alone. A
new key, which has no r, is compared by the same A and B. `fuzzydict.learning.fit` learns A, B
and r.
"""

import itertools
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fuzzydict.forking import matrix_product

__all__ = ["Projection", "Texts", "append_column", "known_grams", "ngram_hashes", "zero_shot_parts"]

Floats = NDArray[np.float32]
Places = NDArray[np.intp]
Bools = NDArray[np.bool_]
Words = tuple[str, ...]

_MAX_LOGIT = 8.0  # of the zero-shot score, either way, beside what was learned
_LETTERS = (3, 4, 5)  # of the parts of words


class Texts(NamedTuple):
    """What a projection sees of n texts."""

    words: Sequence[Words]
    meanings: Floats  # (n, d)


@dataclass(frozen=True)
class Projection:
    """The low-rank blocks A and B of W_Q and W_K, what each key learned, and the null key.

    The features of a query are its meaning [d], and the pairs of words and parts of words that
    ``grams`` names by their hashes [G], weighted by how rare they were in the pairs.
    """

    grams: NDArray[np.uint32]  # (G,) sorted
    weights: Floats  # (G,)
    query: Floats  # (d + G, R) A, transposed
    key: Floats  # (d, R) B, transposed: keys are too few to learn words from
    residuals: Mapping[str, Floats]  # (R + 1,) each; the last is the key's bias
    null: Floats  # (R + 1,)
    # Of negative and positive zero-shot logits of keys with a residual; those of others stay.
    slopes: tuple[float, float]
    # Of each key, its examples and how much each counts: they explain a score, they do not make it.
    examples: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @property
    def width(self) -> int:
        """The length of what `queries` and `keys` return, R + 1."""
        return len(self.null)

    def queries(self, texts: Texts) -> Floats:
        """Return A x of each text, and 1: float32 [n, R + 1]."""
        d = len(self.key)
        projected: Floats = matrix_product(texts.meanings, self.query[:d])
        for row, words in zip(projected, texts.words, strict=True):
            places, weights = known_grams(self.grams, self.weights, words)
            row += matrix_product(weights, self.query[d + places])
        return append_column(projected, 1)

    def keys(self, names: Sequence[str], meanings: Floats) -> Floats:
        """Return B y + r of each key: float32 [n, R + 1]."""
        result = append_column(matrix_product(meanings, self.key), 0)
        for row, name in zip(result, names, strict=True):
            if name in self.residuals:
                row += self.residuals[name]
        return result

    def logits(
        self, names: Sequence[str], zero_shot: Floats, learned: Floats, query: Floats
    ) -> Floats:
        """Return the logits of keys beside the null key's 0.

        ``zero_shot`` [C] and ``learned`` [C], the product of ``query`` [R + 1] and the keys.
        """
        own = np.array([name in self.residuals for name in names], np.bool_)
        low, high = (np.array(self.slopes, np.float32) * zero_shot_parts(zero_shot)).T
        low[np.isneginf(zero_shot)] = -np.inf
        base = np.where(own, low + high, zero_shot)
        result: Floats = base + learned - matrix_product(query, self.null)
        return result


def zero_shot_parts(logits: Floats) -> Floats:
    """Return the negative and the positive part of logits, one of them 0: [..., 2]."""
    low, high = np.clip(logits, -_MAX_LOGIT, 0), np.clip(logits, 0, _MAX_LOGIT)
    return np.stack([low, high], axis=-1)


def append_column(rows: Floats, last: float) -> Floats:
    return np.hstack([rows, np.full((len(rows), 1), last, np.float32)])


def known_grams(grams: NDArray[np.uint32], weights: Floats, words: Words) -> tuple[Places, Floats]:
    """Return the places in ``grams`` of what is known of a text, and its weights, of length one."""
    hashes = np.array(ngram_hashes(words), np.uint32)
    places = np.searchsorted(grams, hashes)
    places = places[grams[np.minimum(places, len(grams) - 1)] == hashes]
    own = weights[places]
    return places, own / np.float32(max(float(np.sqrt(own @ own)), 1e-6))


def ngram_hashes(words: Words) -> list[int]:
    """Return hashes of the pairs of neighbouring words, and of parts of 3 to 5 letters of words.

    A word is framed, so that one of up to three letters is itself a part.
    """
    grams = set(map(" ".join, itertools.pairwise(("", *words, ""))))
    for word in set(words):
        framed = f"<{word}>"
        grams.update(
            framed[start : start + size]
            for size in _LETTERS
            for start in range(len(framed) - size + 1)
        )
    return sorted({zlib.crc32(gram.encode("utf-8", "surrogatepass")) for gram in grams})
