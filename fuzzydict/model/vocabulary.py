"""What a vocabulary knows about a word."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol, overload

import numpy as np
from numpy.typing import NDArray

__all__ = ["Vocabulary", "WithoutVectors", "WordArrays", "WordFeatures"]

Floats = NDArray[np.float32]


class WordFeatures(NamedTuple):
    """What a vocabulary knows about a word or phrase."""

    text: str
    vector: Floats  # (d,) of unit length, or zeros
    weight: float  # SIF: near 0 for the most frequent words to 1 for rare ones
    confidence: float  # 1 for known words, less for words placed by their spelling
    density: float  # mean cosine to the nearest words


class WordArrays(NamedTuple):
    """The `WordFeatures` of n words as arrays."""

    vectors: Floats  # (n, d)
    weight: Floats  # (n,)
    confidence: Floats  # (n,)
    density: Floats  # (n,)

    @classmethod
    def of(cls, words: Sequence[WordFeatures], dimension: int) -> "WordArrays":
        """Stack the features of words."""
        vectors = np.zeros((len(words), dimension), np.float32)
        for vector, word in zip(vectors, words, strict=True):
            vector[:] = word.vector
        numbers = [(word.weight, word.confidence, word.density) for word in words]
        return cls(vectors, *np.array(numbers, np.float32).reshape(-1, 3).T)

    # Names until other packages use those above.

    @property
    def rarity(self) -> Floats:
        """`weight`."""
        return self.weight

    @property
    def trust(self) -> Floats:
        """`confidence`."""
        return self.confidence


class Vocabulary(Protocol):
    """What the scorer needs to know about words."""

    @overload
    def look_up(  # type: ignore[overload-overlap]
        self, word: str, /, *, guess: bool = True
    ) -> WordFeatures: ...
    @overload
    def look_up(self, word: Sequence[str], /, *, guess: bool = True) -> WordArrays: ...
    def look_up(
        self, word: str | Sequence[str], /, *, guess: bool = True
    ) -> WordFeatures | WordArrays:
        """Return what is known about a word or phrase.

        Args:
            guess: Place an unknown word by words with a similar spelling: it may be mistyped.
        """
        ...

    def phrases(self, words: Sequence[str], /) -> list[tuple[int, int]]:
        """Return where phrases of the vocabulary start and end among the words."""
        ...


class WithoutVectors:
    """The weights of a vocabulary's words without their vectors, for embedders of whole texts."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary

    @overload
    def look_up(  # type: ignore[overload-overlap]
        self, word: str, /, *, guess: bool = True
    ) -> WordFeatures: ...
    @overload
    def look_up(self, word: Sequence[str], /, *, guess: bool = True) -> WordArrays: ...
    def look_up(
        self, word: str | Sequence[str], /, *, guess: bool = True
    ) -> WordFeatures | WordArrays:
        """Return what is known about a word, with a vector of zeros and no confidence."""
        if not isinstance(word, str):
            many = self._vocabulary.look_up(word, guess=guess)
            vectors, confidence = np.zeros_like(many.vectors), np.zeros_like(many.confidence)
            return many._replace(vectors=vectors, confidence=confidence)
        found = self._vocabulary.look_up(word, guess=guess)
        return found._replace(vector=np.zeros_like(found.vector), confidence=0.0)

    def phrases(self, words: Sequence[str], /) -> list[tuple[int, int]]:
        """Return no phrases: they are known by their vectors only."""
        return []
