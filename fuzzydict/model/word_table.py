"""The words of a vocabulary with their vectors, weights and densities."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from fuzzydict import implementation
from fuzzydict.model.arrays import digest
from fuzzydict.model.networks import PAIR_FEATURES, TEXT_FEATURES
from fuzzydict.resources import data_file
from fuzzydict.text.spelling import projection

if TYPE_CHECKING:
    from fuzzydict._native import Model

__all__ = ["EncodedWords", "WordTable", "count_words", "decoded", "is_encoded"]

Floats = NDArray[np.float32]
EncodedWords = NDArray[np.uint8]  # words in UTF-8, separated by newlines, as in model files

_MAX_PHRASE = 4  # words of the longest phrase: "date of birth"
_CACHE_SIZE = 8192  # texts whose phrases are cached


class WordTable:
    """Words and phrases, each with a vector, a SIF weight and a density.

    ``words`` is a list of unique words or `EncodedWords`, which are decoded when Python code first
    looks a word up: the native implementation reads the bytes. ``vectors`` is a float array [n, d],
    or int8 with a float32 ``scale`` [n]; ``weights``, ``density``,
    ``names`` and ``redundancy`` are float32 [n].
    """

    def __init__(
        self,
        words: Sequence[str] | EncodedWords,
        vectors: NDArray[Any],
        scale: Floats | None,
        weights: Floats,
        density: Floats,
        names: Floats,
        redundancy: Floats,
    ) -> None:
        self.words = words
        self.vectors = vectors
        self.scale = scale
        self.weights = weights
        self.density = density
        self.names = names
        self.redundancy = redundancy
        self._begin()

    def _begin(self) -> None:
        """Start without anything that is computed on first use.

        Threads share it. Each part is complete before it is assigned.
        """
        self._texts: list[str] | None = None
        self._rows: dict[str, int] | None = None
        self._openers: frozenset[str] | None = None
        self._native: Model | None = None
        self._phrases: dict[tuple[str, ...], list[tuple[int, int]]] = {}  # of recent texts

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _STORED}

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
        """The words as strings, row by row."""
        if self._texts is None:
            self._texts = decoded(self.words) if is_encoded(self.words) else list(self.words)
        return self._texts

    @property
    def rows(self) -> dict[str, int]:
        """The row of each word."""
        if self._rows is None:
            self._rows = dict(zip(self.texts, range(len(self)), strict=True))
        return self._rows

    @property
    def openers(self) -> frozenset[str]:
        """The first words of the phrases."""
        if self._openers is None:
            self._openers = frozenset(word.split(" ", 1)[0] for word in self.texts if " " in word)
        return self._openers

    def vectors_at(self, rows: Sequence[int] | NDArray[np.intp]) -> Floats:
        """Return the vectors of some rows: float32 [len(rows), d]."""
        vectors: Floats = self.vectors.take(rows, axis=0).astype(np.float32)
        return vectors if self.scale is None else vectors * self.scale.take(rows)[:, None]

    def phrases(self, words: Sequence[str]) -> list[tuple[int, int]]:
        """Return where phrases of the table start and end among the words."""
        if len(words) < 2 or self.openers.isdisjoint(words[:-1]):
            return []
        found = self._phrases.get(text := tuple(words))
        if found is None:
            found = [
                (start, end)
                for start in range(len(words) - 1)
                if words[start] in self.openers
                for end in range(start + 2, min(start + _MAX_PHRASE, len(words)) + 1)
                if " ".join(words[start:end]) in self.rows
            ]
            if len(self._phrases) >= _CACHE_SIZE:
                self._phrases = {}
            self._phrases[text] = found
        return found

    def fingerprint(self) -> str:
        """Return a digest of the words and of some of the vectors. O(n)."""
        if is_encoded(self.words):
            encoded = self.words.tobytes()
        else:
            encoded = "\n".join(self.words).encode("utf-8", "surrogatepass")
        return digest(encoded, self.vectors)

    def native_model(self) -> "Model | None":
        """Return the native model of these words, whose networks are blank; None if there is none.

        O(n) the first time.
        """
        if self._native is None and implementation.native is not None and self.dimension:
            self._native = self._new_native_model(implementation.native)
        return self._native

    def _new_native_model(self, native: Any) -> "Model":
        blank = [
            (np.zeros((len(names), 1)), np.zeros(1), np.zeros(1), 0.0)
            for names in (PAIR_FEATURES, TEXT_FEATURES)
        ]
        model: Model = native.Model(
            self.words,
            self.vectors,
            self.weights,
            self.density,
            *blank,
            names=self.names,
            redundancy=self.redundancy,
            scale=self.scale,
            irregular=data_file("irregular.tsv").read_bytes(),
            opposites=data_file("opposites.tsv").read_bytes(),
            units=data_file("units.tsv").read_bytes(),
            connectors=data_file("connectors.tsv").read_bytes(),
            aliases=data_file("aliases.tsv").read_bytes(),
            same_names=data_file("names.tsv").read_bytes(),
            projection=projection(),
        )
        return model


# What copies and pickles contain.
_STORED = ("words", "vectors", "scale", "weights", "density", "names", "redundancy")


def is_encoded(words: Sequence[str] | EncodedWords) -> TypeGuard[EncodedWords]:
    """Return True if words are the bytes of a model file."""
    return isinstance(words, np.ndarray) and words.dtype == np.uint8


def count_words(words: Sequence[str] | EncodedWords) -> int:
    """Return the number of words, without decoding them."""
    return int(np.count_nonzero(words == ord("\n"))) + 1 if is_encoded(words) else len(words)


def decoded(words: EncodedWords) -> list[str]:
    """Return the words as strings. ``UnicodeDecodeError`` if they are not UTF-8."""
    return words.tobytes().decode().split("\n")
