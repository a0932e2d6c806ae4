"""`WordEmbedder`: texts as weighted means of the vectors of their words."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fuzzydict.model.arrays import (
    Vectors,
    checked_column,
    checked_counts,
    checked_table,
    checked_words,
    is_finite,
    sif_weights,
    unit_length,
)
from fuzzydict.model.files import is_shipped, read_model
from fuzzydict.model.networks import ScorerNetworks
from fuzzydict.model.unknown_words import UnknownWords
from fuzzydict.model.word_table import EncodedWords, WordTable, count_words, decoded, is_encoded
from fuzzydict.storage.arrays import FileFormatError
from fuzzydict.text.tokens import plain
from fuzzydict.text.tokens import words as split_words

if TYPE_CHECKING:
    from fuzzydict.model.vocabulary import WordArrays

__all__ = ["WordEmbedder"]

_MAX_WORDS = 64  # words of a text that are embedded; ten sentences' worth
_TOGETHER = 4096  # texts that are embedded at once


class WordEmbedder:
    """Embed texts by their words: a table of word vectors, weighted by how rare each word is.

    A text is the mean of its words' vectors, where a word of relative frequency p weighs
    a / (a + p) (Arora et al., 2017). A phrase of the vocabulary ("top speed") counts as one word.
    A word that the table lacks is placed by its base form, by the two words it is written of, or
    else, where it may be mistyped, among the words that share its character n-grams.

    ``words`` is the vocabulary as `fuzzydict.text.tokens.words` spells it, with spaces in phrases,
    or as `fuzzydict.model.word_table.EncodedWords`, which are not checked; ``vectors`` a float
    array [n, d], or int8 with a float ``scale`` [n]; ``counts`` how often each word was seen [n];
    ``density`` the mean cosine of a word to its nearest ones, [n] or one number for all; ``names``
    how probably a word is a name of a person, place or species, and ``redundancy`` how probably it
    adds nothing to other words, [n], 0 to 1.
    `EmbedderError` for shapes that do not fit together, numbers that are not finite, and words that
    are not unique.

    >>> embedder = WordEmbedder(["red", "colour"], [[1.0, 0.0], [0.6, 0.8]])
    >>> bool(np.allclose(embedder.encode(["Red", "colours"]), embedder.encode(["red", "colour"])))
    True
    """

    def __init__(
        self,
        words: Sequence[str] | EncodedWords,
        vectors: ArrayLike,
        counts: ArrayLike | None = None,
        *,
        scale: NDArray[Any] | None = None,
        density: ArrayLike | None = None,
        names: ArrayLike | None = None,
        redundancy: ArrayLike | None = None,
        name: str = "words",
        unknown: Callable[[str], ArrayLike] | None = None,
        score: ScorerNetworks | None = None,
    ) -> None:
        if not is_encoded(words):
            words = checked_words(name, words)
        n = count_words(words)
        table = checked_table(name, vectors, n)
        density = np.asarray(0.5 if density is None else density)
        if density.ndim == 0:
            density = np.full(n, density)
        none = np.zeros(n, np.float32)
        self.name = name
        self.score = score
        self.shipped = False  # with the package: copies and pickles are then but its name
        self.table = WordTable(
            words,
            table,
            None if scale is None else checked_column(name, "scale", scale, n),
            sif_weights(None if counts is None else checked_counts(name, counts, n), n),
            checked_column(name, "density", density, n),
            checked_column(name, "names", none if names is None else names, n),
            checked_column(name, "redundancy", none if redundancy is None else redundancy, n),
        )
        self._unknown = unknown
        self._begin()

    def _begin(self) -> None:
        """Start with empty caches."""
        self._unknown_words = UnknownWords(self.table, self._unknown, self.name)
        self._last: tuple[tuple[str, ...], WordArrays] | None = None

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> "WordEmbedder":
        """Open a model file that ``fuzzydict train`` wrote.

        Files of more than 64 MB, and the models that are shipped, are mapped into memory: they may
        be replaced or removed meanwhile, but must not be changed in place. Vectors of 4 bits a
        number are unpacked into memory.

        ``FileFormatError`` where it is no such file, or is damaged; ``OSError`` where it cannot be
        read.
        """
        arrays, name = read_model(path)
        try:
            return cls.from_arrays(arrays, name, verified=is_shipped(path))
        except (KeyError, ValueError) as error:
            raise FileFormatError(f"{os.fspath(path)}: not a model of words: {error}") from error

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, NDArray[Any]], name: str, *, verified: bool = False
    ) -> "WordEmbedder":
        """Return the model of the arrays of a model file, with its score if that is among them.

        The words of a ``verified`` file are not decoded to check that they are unique.
        ``KeyError`` where an array is missing, ``ValueError`` where they do not fit together or are
        not finite.
        """
        words = arrays["words"] if verified else decoded(arrays["words"])
        _check_arrays(arrays, count_words(words))
        return cls(
            words,
            arrays["vectors"],
            arrays["counts"],
            scale=arrays["scale"],
            density=_shares(arrays, "density"),
            names=_shares(arrays, "names"),
            redundancy=_shares(arrays, "redundancy"),
            name=name,
            score=ScorerNetworks.from_arrays(arrays) if "score.cutoff" in arrays else None,
        )

    def __repr__(self) -> str:
        return f"<WordEmbedder {self.name!r}: {len(self.table)} words, {self.dimension} dimensions>"

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _STORED}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._begin()

    @property
    def dimension(self) -> int:
        """The dimension of the vectors."""
        return self.table.dimension

    def fingerprint(self) -> tuple[str, int]:
        """Return what tells the model from others: a digest of its words and of some of its rows,
        and its dimension. O(n)."""
        return self.table.fingerprint(), self.dimension

    def __contains__(self, word: str) -> bool:
        """Is the word, or the phrase with spaces, in the vocabulary?"""
        return word in self.table.rows

    def encode(self, texts: Sequence[str], /) -> Vectors:
        """Return the vectors of texts: float32 [len(texts), d], of unit length or zero."""
        return self.encode_words([split_words(text) for text in texts])

    def encode_words(self, texts: Sequence[tuple[str, ...]], *, guess: bool = True) -> Vectors:
        """Return the vectors of texts that are split into words already, as `encode` does.

        Without ``guess`` no word is taken to be mistyped: one that is unknown says nothing.
        """
        if (model := self.native_model) is not None:
            found: Vectors = model.embed(texts, guess=guess)[0][:, : self.dimension]
            return found
        result = np.zeros((len(texts), self.dimension), np.float32)
        texts = [tuple(map(plain, text)) for text in texts]
        for start in range(0, len(texts), _TOGETHER):
            block = slice(start, start + _TOGETHER)
            self._add_words(texts[block], result[block], guess)
        return unit_length(result)

    def _add_words(self, texts: Sequence[tuple[str, ...]], out: Vectors, guess: bool) -> None:
        """Add to each row of ``out`` the weighted vectors of the terms of its text."""
        places: dict[str, int] = {}
        terms: list[int] = []
        owners: list[int] = []  # of the texts that have words
        starts: list[int] = []  # of their terms
        for owner, text in enumerate(texts):
            if text:
                owners.append(owner)
                starts.append(len(terms))
                for term in self.terms(text[:_MAX_WORDS]):
                    terms.append(places.setdefault(term, len(places)))
        if terms:
            info = self.look_up(list(places), guess=guess)
            weighted = info.vectors * (info.weights * info.confidence)[:, None]
            out[owners] = np.add.reduceat(weighted[terms], starts, axis=0)

    @property
    def native_model(self) -> Any:
        """The native model of these words, None if there is none."""
        return self.table.native_model() if self._unknown is None else None

    def extremes(self, texts: Sequence[tuple[str, ...]]) -> Vectors:
        """Return the largest and the least that a word of each text has in each dimension.

        float32 [len(texts), 2 d], of unit length or zero. What a mean of many words loses, these
        keep (Shen et al., 2018).
        """
        result = np.zeros((len(texts), 2 * self.dimension), np.float32)
        for row, text in zip(result, texts, strict=True):
            if text:
                vectors = self.look_up(text[:_MAX_WORDS]).vectors
                row[: self.dimension] = vectors.max(axis=0)
                row[self.dimension :] = vectors.min(axis=0)
        return unit_length(result)

    def look_up(self, words: Sequence[str], /, *, guess: bool = True) -> "WordArrays":
        """Return vectors, SIF weights, confidence and density of words.

        Unknown ones are placed by their spelling; with ``guess`` they may be mistyped.
        """
        words = list(map(plain, words))
        asked = tuple(words) if guess and len(words) <= _MAX_WORDS else None
        last = self._last  # a query's words are looked up several times on its way
        if last is not None and last[0] == asked:
            return last[1]
        info = self._looked_up(words, guess)
        if asked is not None:
            self._last = asked, info
        return info

    def _looked_up(self, words: Sequence[str], guess: bool) -> "WordArrays":
        """Return what `look_up` does, without its cache."""
        from fuzzydict.model.vocabulary import WordArrays

        table = self.table
        rows = np.array([table.rows.get(word, -1) for word in words], np.intp)
        vectors = np.zeros((len(words), table.dimension), np.float32)
        found = WordArrays(vectors, *np.ones((5, len(words)), np.float32))
        if len(table):  # unknown words have the row -1, whose values are replaced below
            vectors[:] = table.vectors_at(rows)
            found.weights[:], found.density[:] = table.weights[rows], table.density[rows]
            found.names[:], found.redundancy[:] = table.names[rows], table.redundancy[rows]
        for i in np.flatnonzero(rows < 0).tolist():
            placed = self._unknown_words.place(words[i], guess)
            found.vectors[i], found.weights[i] = placed.vector, placed.weight
            found.confidence[i], found.density[i] = placed.confidence, placed.density
            found.names[i], found.redundancy[i] = placed.name, placed.redundancy
        return found

    def phrases(self, words: Sequence[str], /) -> list[tuple[int, int]]:
        """Return where phrases of the vocabulary begin and end among the words.

        >>> WordEmbedder(["top speed"], [[1.0]]).phrases(("the", "top", "speed"))
        [(1, 3)]
        """
        return self.table.phrases(words)

    def confidence(self, words: Sequence[str]) -> float:
        """Return how reliable the vector of a text of these words is, 0 to 1."""
        info = self.look_up(words)
        return float(info.weights @ info.confidence / max(float(info.weights.sum()), 1e-6))

    def terms(self, words: tuple[str, ...]) -> list[str]:
        """Join the words that are a phrase of the vocabulary; the longest phrase first.

        >>> WordEmbedder(["top speed"], [[1.0]]).terms(("the", "top", "speed"))
        ['the', 'top speed']
        """
        terms: list[str] = []
        start = 0
        phrases = dict(self.phrases(words))  # the longest that begins at each place
        if not phrases:
            return list(words)
        while start < len(words):
            end = phrases.get(start, start + 1)
            terms.append(" ".join(words[start:end]) if end > start + 1 else words[start])
            start = end
        return terms

    def split(self, word: str) -> tuple[str, str] | None:
        """Return the two words that ``word`` is written of, the most frequent ones, or None.

        >>> WordEmbedder(["top", "speed"], [[1.0], [1.0]]).split("topspeed")
        ('top', 'speed')
        """
        return self._unknown_words.split(word)

    def vector(self, word: str) -> tuple[Vectors, float]:
        """Return the vector of a word or phrase, [d], unit or zero, and its weight, 0 to 1.

        The weight is its SIF weight times the confidence in the vector, which is less than 1 for
        words outside of the vocabulary.
        """
        info = self.look_up([word])
        return info.vectors[0], float(info.weights[0] * info.confidence[0])


def _shares(arrays: Mapping[str, NDArray[Any]], name: str) -> Vectors | None:
    """Return an array of shares of 255 as numbers from 0 to 1: [n]."""
    return np.asarray(arrays[name] / 255, np.float32) if name in arrays else None


def _check_arrays(arrays: Mapping[str, NDArray[Any]], n: int) -> None:
    """Raise ``ValueError`` if the arrays of a model file do not fit n words."""
    vectors = arrays["vectors"]
    if vectors.ndim != 2 or len(vectors) != n or not is_finite(vectors):
        raise ValueError(f"{n} words, vectors of shape {vectors.shape}, or not finite")
    for each in {"counts", "scale", "density", "names", "redundancy"} & arrays.keys():
        found = arrays[each]
        if found.shape != (n,) or not is_finite(found) or not (found >= 0).all():
            raise ValueError(f"{n} words, {each} of shape {found.shape}, negative or not finite")


# What copies and pickles contain; caches are not copied.
_STORED = ("name", "score", "shipped", "table", "_unknown")
