"""The embedder of texts by their words: weighted means of word vectors."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fuzzydict.model.checks import (
    checked_counts,
    checked_numbers,
    checked_table,
    checked_words,
    unit,
)
from fuzzydict.model.networks import ScorerNetworks, default_networks
from fuzzydict.model.unknown_words import UnknownWords
from fuzzydict.model.vocabulary import WordArrays, WordFeatures
from fuzzydict.model.word_table import Words, WordTable, texts_of, word_count
from fuzzydict.text.tokens import plain
from fuzzydict.text.tokens import words as split_words

if TYPE_CHECKING:
    from fuzzydict._native import Model

__all__ = ["WordEmbedder"]

Vectors = NDArray[np.float32]

_MAX_WORDS = 64  # words of a text that are embedded; about ten sentences
_MAX_PHRASE = 4  # words of the longest phrase: "date of birth"
_BATCH = 4096  # texts that are embedded in one call
_SIF = 1e-3  # a in a / (a + p): a word of this frequency has the weight 1/2


class WordEmbedder:
    """Embed texts by their words: a table of word vectors, weighted by how rare each word is.

    A text is the mean of its words' vectors with the weights a / (a + p) for words of relative
    frequency p (smooth inverse frequency, SIF; Arora et al., 2017). A phrase of the vocabulary
    ("top speed") counts as one word. `fuzzydict.model.unknown_words` places other words.

    Args:
        words: The vocabulary as `fuzzydict.text.tokens.words` spells it, phrases with spaces; or,
            as in model files, its UTF-8 bytes separated by newlines, as an array.
        vectors: A float array [n, d], or int8 with a ``scale``.
        counts: How often each word occurs in a corpus, [n]. Without them all words weigh 1.
        scale: What the vectors are multiplied by, [n].
        density: The mean cosine of each word to its nearest words, [n] or one number for all.
        name: What errors call the embedder.
        unknown: Returns the vector of a word that is not in the vocabulary.
        networks: The scorer that was fitted for this vocabulary; by default the default model's.

    Raises:
        EmbedderError: Shapes do not fit together, numbers are not finite, words are not unique.

    >>> embedder = WordEmbedder(["red", "colour"], [[1.0, 0.0], [0.6, 0.8]])
    >>> bool(np.allclose(embedder.encode(["Red", "colours"]), embedder.encode(["red", "colour"])))
    True
    """

    def __init__(
        self,
        words: Words,
        vectors: ArrayLike,
        counts: ArrayLike | None = None,
        *,
        scale: ArrayLike | None = None,
        density: ArrayLike | None = None,
        name: str = "words",
        unknown: Callable[[str], ArrayLike] | None = None,
        networks: ScorerNetworks | None = None,
    ) -> None:
        if not (isinstance(words, np.ndarray) and words.dtype == np.uint8):
            words = checked_words(name, list(words))
        n = word_count(words)
        density = np.asarray(0.5 if density is None else density)
        density = np.full(n, density) if density.ndim == 0 else density
        self.name = name
        self.networks = networks
        self.table = WordTable(
            words,
            checked_table(name, vectors, n, scaled=scale is not None),
            None if scale is None else checked_numbers(name, "scale", scale, n),
            _sif_weights(None if counts is None else checked_counts(name, counts, n), n),
            checked_numbers(name, "density", density, n),
        )
        self.reload: Callable[[str], WordEmbedder] | None = None  # of a shipped model
        self._unknown_words = UnknownWords(self.table, unknown, name)

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, NDArray[Any]], name: str, *, verified: bool = False
    ) -> "WordEmbedder":
        """Return the model of the arrays of a model file, with its networks if it has any.

        The words of a ``verified`` file are not decoded to check that they are unique.

        Raises:
            KeyError: An array is missing.
            ValueError: Arrays do not fit together, or are not finite.
        """
        words = arrays["words"]
        if not verified:
            checked_words(name, texts_of(words))
        if (arrays["scale"] < 0).any():
            raise ValueError("scale must not be negative")
        return cls(
            words,
            arrays["vectors"],
            arrays["counts"],
            scale=arrays["scale"],
            density=arrays["density"].astype(np.float32) / 255 if "density" in arrays else None,
            name=name,
            networks=ScorerNetworks.from_arrays(arrays) if "score.cutoff" in arrays else None,
        )

    def __repr__(self) -> str:
        return f"<WordEmbedder {self.name!r}: {len(self.table)} words, {self.dimension} dimensions>"

    @property
    def dimension(self) -> int:
        """The dimension of the vectors."""
        return self.table.dimension

    @property
    def shipped(self) -> bool:
        """Is the model part of the package? Copies and pickles then hold only its name."""
        return self.reload is not None

    def __reduce_ex__(self, protocol: Any) -> Any:
        return super().__reduce_ex__(protocol) if not self.shipped else (self.reload, (self.name,))

    def fingerprint(self) -> tuple[str, int]:
        """Return what identifies the model: a digest of its words and of some of its vectors, and
        its dimension. O(n)."""
        return self.table.fingerprint(), self.dimension

    def __contains__(self, word: str) -> bool:
        """Is the word, or the phrase with spaces, in the vocabulary?"""
        return word in self.table.rows

    @property
    def model(self) -> "Model | None":
        """The embedder in the native implementation, with its networks or the default ones.

        None if the reference implementation is in use, or the embedder needs it.
        """
        if (model := self._native()) is None:
            return None
        networks = self.networks or default_networks()
        return model.with_networks(networks.pairs, networks.texts)

    def _native(self) -> "Model | None":
        """Return the native model, whose networks are not those of the scorer."""
        return self.table.model() if self._unknown_words.vector_of is None else None

    # Texts

    def encode(self, texts: Sequence[str], /) -> Vectors:
        """Return the vectors of texts: float32 [len(texts), d], of unit length or zero."""
        if (model := self._native()) is not None:
            return _embed(model, texts, guess=True)
        return self.encode_words([split_words(text) for text in texts])

    def encode_words(self, texts: Sequence[tuple[str, ...]], *, guess: bool = True) -> Vectors:
        """Return the vectors of texts that are split into words, as `encode` does.

        Without ``guess`` no word is considered mistyped: unknown words then have no meaning.
        """
        if (model := self._native()) is not None:
            return _embed(model, [tuple(text) for text in texts], guess=guess)
        result = np.zeros((len(texts), self.dimension), np.float32)
        for vector, text in zip(result, texts, strict=True):
            for term in self.terms(tuple(text[:_MAX_WORDS])):
                word = self.look_up(term, guess=guess)
                vector += np.float32(word.weight * word.confidence) * word.vector
        return unit(result)

    def extremes(self, texts: Sequence[tuple[str, ...]]) -> Vectors:
        """Return the largest and the smallest value of the words of each text in each dimension.

        float32 [len(texts), 2 d], of unit length or zero. They preserve what the mean of many words
        loses (Shen et al., 2018).
        """
        result = np.zeros((len(texts), 2 * self.dimension), np.float32)
        for row, text in zip(result, texts, strict=True):
            if text:
                vectors = [self.look_up(word).vector for word in text[:_MAX_WORDS]]
                row[: self.dimension] = np.max(vectors, axis=0)
                row[self.dimension :] = np.min(vectors, axis=0)
        return unit(result)

    def confidence(self, words: Sequence[str]) -> float:
        """Return how reliable the vector of a text of these words is, 0 to 1."""
        found = [self.look_up(word) for word in words]
        total = sum(word.weight for word in found)
        return sum(word.weight * word.confidence for word in found) / max(total, 1e-6)

    # Words

    @overload
    def look_up(  # type: ignore[overload-overlap]
        self, word: str, /, *, guess: bool = True
    ) -> WordFeatures: ...
    @overload
    def look_up(self, word: Sequence[str], /, *, guess: bool = True) -> WordArrays: ...
    def look_up(
        self, word: str | Sequence[str], /, *, guess: bool = True
    ) -> WordFeatures | WordArrays:
        """Return what is known about a word or phrase; guess if a word may be mistyped."""
        if not isinstance(word, str):
            return WordArrays.of([self.look_up(each, guess=guess) for each in word], self.dimension)
        word = plain(word)
        row = self.table.rows.get(word)
        if row is not None:
            return self.table.features(row, word)
        return self._unknown_words.features(word, guess=guess)

    def phrases(self, words: Sequence[str], /) -> list[tuple[int, int]]:
        """Return where phrases of the vocabulary start and end among the words.

        >>> WordEmbedder(["top speed"], [[1.0]]).phrases(("the", "top", "speed"))
        [(1, 3)]
        """
        return [
            (start, end)
            for start in range(len(words) - 1)
            if words[start] in self.table.openers
            for end in range(start + 2, min(start + _MAX_PHRASE, len(words)) + 1)
            if " ".join(words[start:end]) in self.table.rows
        ]

    def terms(self, words: tuple[str, ...]) -> list[str]:
        """Join words that are a phrase of the vocabulary, the longest phrase first.

        >>> WordEmbedder(["top speed"], [[1.0]]).terms(("the", "top", "speed"))
        ['the', 'top speed']
        """
        longest = dict(self.phrases(words))  # start → end
        terms, start = [], 0
        while start < len(words):
            end = longest.get(start, start + 1)
            terms.append(" ".join(words[start:end]))
            start = end
        return terms

    def vector(self, word: str) -> tuple[Vectors, float]:
        """Return the vector of a word or phrase, [d], and its weight times the confidence in it."""
        found = self.look_up(word)
        return found.vector, found.weight * found.confidence

    # Names until other packages use those above, and `table`.

    trust = confidence
    score = property(lambda self: self.networks)
    _words = property(lambda self: self.table.texts)
    _rows = property(lambda self: self.table.rows)
    _table = property(lambda self: self.table.vectors)
    _scale = property(lambda self: self.table.scale)
    _weights = property(lambda self: self.table.weights)
    _density = property(lambda self: self.table.density)


def _embed(
    model: "Model", texts: Sequence[str] | Sequence[tuple[str, ...]], *, guess: bool
) -> Vectors:
    """Return the vectors of texts by the native implementation."""
    result = np.empty((len(texts), model.dimension), np.float32)
    for start in range(0, len(texts), _BATCH):
        batch = slice(start, start + _BATCH)
        result[batch] = model.embed(texts[batch], guess=guess)[0][:, : model.dimension]
    return result


def _sif_weights(counts: NDArray[np.float64] | None, n: int) -> Vectors:
    """Return the SIF weights of words that occur so often."""
    if counts is None:
        return np.ones(n, np.float32)
    weights: Vectors = (_SIF / (_SIF + counts / max(counts.sum(), 1.0))).astype(np.float32)
    return weights
