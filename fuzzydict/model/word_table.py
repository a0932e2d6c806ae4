"""The words of a vocabulary with their vectors, weights and densities, as a model file has them."""

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fuzzydict import forking, implementation
from fuzzydict.model.networks import MLP, PAIR_INPUTS, TEXT_INPUTS
from fuzzydict.model.vocabulary import WordFeatures
from fuzzydict.resources import data_file
from fuzzydict.text import spelling

if TYPE_CHECKING:
    from fuzzydict._native import Model

__all__ = ["ONCE", "WordTable", "Words", "digest", "texts_of", "word_count"]

Floats = NDArray[np.float32]
Words = Sequence[str] | NDArray[np.uint8]

_SAMPLED = 64  # one in so many vectors is part of the fingerprint


class _Once:
    """A lock for what one thread computes and all share."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        forking.register(self)

    def _after_fork(self) -> None:
        self.lock = threading.RLock()


ONCE = _Once()


class WordTable:
    """Words or phrases with their vectors, SIF weights and densities.

    ``words`` is a list, or their UTF-8 bytes separated by newlines, which are decoded only when
    Python code looks words up. ``vectors`` is int8 [n, d] with a ``scale`` [n], or float32 [n, d].
    """

    def __init__(
        self,
        words: Words,
        vectors: NDArray[Any],
        scale: Floats | None,
        weights: Floats,
        density: Floats,
    ) -> None:
        self.words = words
        self.vectors = vectors
        self.scale = scale
        self.weights = weights
        self.density = density
        self._begin()

    def _begin(self) -> None:
        """Start without anything that is computed when it is first used.

        Threads share it. Each part is complete before it is assigned.
        """
        self._texts: list[str] | None = None
        self._rows: dict[str, int] | None = None
        self._openers: frozenset[str] | None = None
        self._model: Model | None = None

    def __getstate__(self) -> dict[str, Any]:
        parts = "words", "vectors", "scale", "weights", "density"
        return {name: getattr(self, name) for name in parts}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._begin()

    def __len__(self) -> int:
        return len(self.vectors)

    @property
    def dimension(self) -> int:
        """The dimension of the vectors."""
        return int(self.vectors.shape[1])

    @property
    def texts(self) -> list[str]:
        """The words, row by row."""
        if self._texts is None:
            self._texts = texts_of(self.words)
        return self._texts

    @property
    def rows(self) -> dict[str, int]:
        """The row of each word."""
        if self._rows is None:
            self._rows = {word: row for row, word in enumerate(self.texts)}
        return self._rows

    @property
    def openers(self) -> frozenset[str]:
        """The first words of the phrases."""
        if self._openers is None:
            self._openers = frozenset(word.split(" ", 1)[0] for word in self.texts if " " in word)
        return self._openers

    def vector(self, row: int) -> Floats:
        """Return the vector of a row: float32 [d]."""
        vector: Floats = self.vectors[row].astype(np.float32)
        return vector if self.scale is None else vector * self.scale[row]

    def features(self, row: int, word: str, confidence: float = 1.0) -> WordFeatures:
        """Return the features of a row for a word that it stands for."""
        weight, density = float(self.weights[row]), float(self.density[row])
        return WordFeatures(word, self.vector(row), weight, confidence, density)

    def fingerprint(self) -> str:
        """Return a digest of the words and of some of the vectors. O(n)."""
        return digest(self.words, self.vectors)

    def model(self) -> "Model | None":
        """Return these words as a model of the native implementation, with networks of zeros.

        None if the reference implementation is in use, or if the native one does not support the
        vectors. O(n) the first time.
        """
        if implementation.native is None or not self._is_supported():
            return None
        if self._model is None:
            with ONCE.lock:
                self._model = self._model or self._new_model()
        return self._model

    def _is_supported(self) -> bool:
        dtype = np.float32 if self.scale is None else np.int8
        return self.vectors.dtype == dtype and 0 < self.dimension < 1 << 16

    def _new_model(self) -> "Model":
        from fuzzydict import _native

        return _native.Model(
            self.words,
            self.vectors,
            self.weights,
            self.density,
            MLP.zeros(PAIR_INPUTS),
            MLP.zeros(TEXT_INPUTS),
            scale=self.scale,
            irregular=data_file("irregular.tsv").read_bytes(),
            opposites=data_file("opposites.tsv").read_bytes(),
            projection=spelling.projection(),
        )


def texts_of(words: Words) -> list[str]:
    """Return words as a list of strs."""
    if isinstance(words, np.ndarray):
        return words.tobytes().decode().split("\n") if len(words) else []
    return list(words)


def word_count(words: Words) -> int:
    """Return the number of words, without decoding them."""
    if isinstance(words, np.ndarray):
        return int(np.count_nonzero(words == ord("\n"))) + (len(words) > 0)
    return len(words)


def digest(words: Words, vectors: NDArray[Any]) -> str:
    """Return a digest of the words and of some of the vectors."""
    if isinstance(words, np.ndarray):
        encoded = words.tobytes()
    else:
        encoded = "\n".join(words).encode("utf-8", "surrogatepass")
    import hashlib

    found = hashlib.blake2b(encoded, digest_size=16)
    found.update(vectors[::_SAMPLED].tobytes())
    return found.hexdigest()
