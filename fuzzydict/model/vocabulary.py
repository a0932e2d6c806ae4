"""What a scorer asks of a vocabulary: vectors, weights and phrases of words."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Vocabulary", "WithoutVectors", "WordArrays"]

Floats = NDArray[np.float32]


class WordArrays(NamedTuple):
    """What a vocabulary knows about n words."""

    vectors: Floats  # (n, d) of unit length, or zeros
    weights: Floats  # (n,) SIF weights: 0 for the most frequent words, 1 for rare ones
    confidence: Floats  # (n,) 1 for known words, less for those placed by their spelling
    density: Floats  # (n,) mean cosine to the nearest words
    names: Floats  # (n,) 1 for names of persons, places, species and the like, else less
    redundancy: Floats  # (n,) 1 for words that add nothing to others, as in "phone number"


class Vocabulary(Protocol):
    """Words and phrases with their vectors."""

    def look_up(self, words: Sequence[str], /, *, guess: bool = True) -> WordArrays:
        """Return what is known about words; unknown ones may be placed by their spelling."""
        ...

    def phrases(self, words: Sequence[str], /) -> list[tuple[int, int]]:
        """Return where phrases of the vocabulary start and end among the words."""
        ...


class WithoutVectors:
    """The weights of a vocabulary alone, for embedders of whole texts."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary

    def look_up(self, words: Sequence[str], /, *, guess: bool = True) -> WordArrays:
        """Return what is known about words, with vectors and confidence of zero."""
        found = self._vocabulary.look_up(words, guess=guess)
        zeros = np.zeros_like(found.vectors), np.zeros_like(found.confidence)
        return found._replace(vectors=zeros[0], confidence=zeros[1])

    def phrases(self, words: Sequence[str], /) -> list[tuple[int, int]]:
        """Return no phrases: they are known by their vectors alone."""
        return []
