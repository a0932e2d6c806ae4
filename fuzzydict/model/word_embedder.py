"""`WordEmbedder`: texts as weighted means of the vectors of their words."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fuzzydict import implementation
from fuzzydict.model.arrays import (
    Vectors,
    checked_column,
    checked_counts,
    checked_table,
    checked_words,
    digest,
    is_finite,
    sif_weights,
    unit_length,
)
from fuzzydict.model.files import read_model
from fuzzydict.model.networks import PAIR_FEATURES, TEXT_FEATURES, ScorerNetworks
from fuzzydict.model.unknown_words import UnknownWords
from fuzzydict.model.vocabulary import WordArrays
from fuzzydict.resources import data_file
from fuzzydict.storage.arrays import FileFormatError
from fuzzydict.text.spelling import projection
from fuzzydict.text.tokens import plain
from fuzzydict.text.tokens import words as split_words

__all__ = ["WordEmbedder"]

_MAX_WORDS = 64  # words of a text that are embedded; ten sentences' worth
_TOGETHER = 4096  # texts that are embedded at once
_MAX_PHRASE = 4  # words of the longest phrase that is looked up as one: "date of birth"
_CACHE_SIZE = 8192  # words outside of the vocabulary whose vectors are cached


class WordEmbedder:
    """Embed texts by their words: a table of word vectors, weighted by the rarity of each word.

    A text is the mean of its words' vectors, where a word of relative frequency p weighs
    a / (a + p) (Arora et al., 2017). A phrase of the vocabulary ("top speed") counts as one word.
    A word that the table lacks is placed by its base form, by the two words it is written of, or
    else, where it may be mistyped, among the words that share its character n-grams.

    ``words`` is the vocabulary as `fuzzydict.text.tokens.words` spells it, with spaces in phrases;
    ``vectors`` a float array [n, d], or int8 with a float ``scale`` [n]; ``counts`` how often
    each word was seen [n]; ``density`` the mean cosine of a word to its nearest ones, [n] or one
    number for all. `EmbedderError` for shapes that do not fit together, numbers that are not
    finite, and words that are not unique.

    >>> embedder = WordEmbedder(["red", "colour"], [[1.0, 0.0], [0.6, 0.8]])
    >>> bool(np.allclose(embedder.encode(["Red", "colours"]), embedder.encode(["red", "colour"])))
    True
    """

    def __init__(
        self,
        words: Sequence[str],
        vectors: ArrayLike,
        counts: ArrayLike | None = None,
        *,
        scale: NDArray[Any] | None = None,
        density: ArrayLike | None = None,
        name: str = "words",
        unknown: Callable[[str], ArrayLike] | None = None,
        score: ScorerNetworks | None = None,
    ) -> None:
        words = checked_words(name, words)
        table = checked_table(name, vectors, len(words))
        self.name = name
        self.score = score
        self.shipped = False  # with the package: copies and pickles are then but its name
        self.dimension = table.shape[1]
        self._words = words
        self._rows = dict(zip(words, range(len(words)), strict=True))
        self._table = table
        n = len(words)
        self._scale = None if scale is None else checked_column(name, "scale", scale, n)
        self._weights = sif_weights(None if counts is None else checked_counts(name, counts, n), n)
        density = np.asarray(0.5 if density is None else density)
        if density.ndim == 0:
            density = np.full(n, density)
        self._density = checked_column(name, "density", density, n)
        self._unknown = unknown
        self._begin()

    def _begin(self) -> None:
        """Begin with nothing that is worked out of the words when it is needed.

        Threads share all of it. Each part is complete before it is assigned.
        """
        self._unknown_words = UnknownWords(self)
        self._openers: set[str] | None = None
        self._native: Any = None
        self._spans: dict[tuple[str, ...], list[tuple[int, int]]] = {}  # of texts seen of late
        self._last: tuple[tuple[str, ...], WordArrays] | None = None
        self._placed: dict[tuple[str, bool], tuple[Vectors, float, float, float]] = {}

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> "WordEmbedder":
        """Open a model file that ``fuzzydict train`` wrote.

        Files of more than 64 MB, and the models that are shipped, are mapped into memory: they may
        be replaced or removed meanwhile, but must not be changed in place.

        ``FileFormatError`` where it is no such file, or is damaged; ``OSError`` where it cannot be
        read.
        """
        arrays, name = read_model(path)
        try:
            return cls.from_arrays(arrays, name)
        except (KeyError, ValueError) as error:
            raise FileFormatError(f"{os.fspath(path)}: not a model of words: {error}") from error

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], name: str) -> "WordEmbedder":
        """Return the model of the arrays of a model file, with its score if that is among them.

        ``KeyError`` where an array is missing, ``ValueError`` where they do not fit together or are
        not finite.
        """
        words, vectors = arrays["words"].tobytes().decode().split("\n"), arrays["vectors"]
        n = len(words)
        if vectors.ndim != 2 or len(vectors) != n or not is_finite(vectors):
            raise ValueError(f"{n} words, vectors of shape {vectors.shape}, or not finite")
        for each in {"counts", "scale", "density"} & arrays.keys():
            found = arrays[each]
            if found.shape != (n,) or not is_finite(found) or not (found >= 0).all():
                raise ValueError(
                    f"{n} words, {each} of shape {found.shape}, negative or not finite"
                )
        return cls(
            words,
            vectors,
            arrays["counts"],
            scale=arrays["scale"],
            density=arrays["density"].astype(np.float32) / 255 if "density" in arrays else None,
            name=name,
            score=ScorerNetworks.from_arrays(arrays) if "score.cutoff" in arrays else None,
        )

    def __repr__(self) -> str:
        return (
            f"<WordEmbedder {self.name!r}: {len(self._words)} words, {self.dimension} dimensions>"
        )

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in _WORKED_OUT}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._begin()

    def fingerprint(self) -> tuple[str, int]:
        """Return what tells the model from others: a digest of its words and of some of its rows,
        and its dimension. O(n)."""
        words = "\n".join(self._words).encode("utf-8", "surrogatepass")
        return digest(words, self._table), self.dimension

    def __contains__(self, word: str) -> bool:
        """Is the word, or the phrase with spaces, in the vocabulary?"""
        return word in self._rows

    def encode(self, texts: Sequence[str], /) -> Vectors:
        """Return the vectors of texts: float32 [len(texts), d], of unit length or zero."""
        return self.encode_words([split_words(text) for text in texts])

    def encode_words(self, texts: Sequence[tuple[str, ...]], *, guess: bool = True) -> Vectors:
        """Return the vectors of texts that are split into words already, as `encode` does.

        Without ``guess`` no word is taken to be mistyped: one that is unknown says nothing.
        """
        if self.native_model is not None:
            found: Vectors = self.native_model.embed(texts, guess=guess)[0][:, : self.dimension]
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
        if self._native is None:
            self._native = self._new_native_model()
        return self._native

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

    def look_up(self, words: Sequence[str], /, *, guess: bool = True) -> WordArrays:
        """Return vectors, rarity, trust and density of words; `encode_words` says what of those
        that are unknown."""
        words = list(map(plain, words))
        asked = tuple(words) if guess and len(words) <= _MAX_WORDS else None
        last = self._last  # a query's words are looked up several times on its way
        if last is not None and last[0] == asked:
            return last[1]
        info = self._looked_up(words, guess)
        if asked is not None:
            self._last = asked, info
        return info

    def _looked_up(self, words: Sequence[str], guess: bool) -> WordArrays:
        """Return what `look_up` does, without a memory."""
        rows = np.array([self._rows.get(word, -1) for word in words], np.intp)
        vectors = np.zeros((len(words), self.dimension), np.float32)
        weights, confidence, density = np.ones((3, len(words)), np.float32)
        if self._rows:  # what is unknown has the place -1, whose row is replaced below
            vectors[:] = self._table[rows]
            if self._scale is not None:
                vectors *= self._scale[rows, None]
            weights[:], density[:] = self._weights[rows], self._density[rows]
        for i in np.flatnonzero(rows < 0).tolist():
            vectors[i], weights[i], confidence[i], density[i] = self._elsewhere(words[i], guess)
        return WordArrays(vectors, weights, confidence, density)

    def phrases(self, words: Sequence[str], /) -> list[tuple[int, int]]:
        """Return where phrases of the vocabulary begin and end among the words.

        >>> WordEmbedder(["top speed"], [[1.0]]).phrases(("the", "top", "speed"))
        [(1, 3)]
        """
        if len(words) < 2 or self._opening.isdisjoint(words[:-1]):
            return []
        found = self._spans.get(text := tuple(words))
        if found is None:
            found = [
                (start, end)
                for start in range(len(words) - 1)
                if words[start] in self._opening
                for end in range(start + 2, min(start + _MAX_PHRASE, len(words)) + 1)
                if " ".join(words[start:end]) in self._rows
            ]
            if len(self._spans) >= _CACHE_SIZE:
                self._spans = {}
            self._spans[text] = found
        return found

    @property
    def _opening(self) -> set[str]:
        """The words with which a phrase of the vocabulary begins."""
        if self._openers is None:
            self._openers = {word.split(" ", 1)[0] for word in self._words if " " in word}
        return self._openers

    def confidence(self, words: Sequence[str]) -> float:
        """Return how far the vector of a text of these words is to be trusted, 0 to 1."""
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

        The weight is the word's rarity, less where the word is placed by its spelling alone.
        """
        info = self.look_up([word])
        return info.vectors[0], float(info.weights[0] * info.confidence[0])

    def _elsewhere(self, word: str, guess: bool) -> tuple[Vectors, float, float, float]:
        """Return vector, rarity, trust and density of a word that is not in the vocabulary."""
        found = self._placed.get((word, guess))
        if found is None:
            found = self._unknown_words.place(word, guess)
            if len(self._placed) >= _CACHE_SIZE:
                self._placed = {}
            self._placed[word, guess] = found
        return found

    def _new_native_model(self) -> Any:
        """Return a native model with these words, without a scorer; None if there is none."""
        native = implementation.native
        if native is None or self._unknown is not None or not self.dimension:
            return None
        blank = [
            (np.zeros((len(names), 1)), np.zeros(1), np.zeros(1), 0.0)
            for names in (PAIR_FEATURES, TEXT_FEATURES)
        ]
        return native.Model(
            self._words,
            self._table,
            self._weights,
            self._density,
            *blank,
            scale=self._scale,
            irregular=data_file("irregular.tsv").read_bytes(),
            opposites=data_file("opposites.tsv").read_bytes(),
            units=data_file("units.tsv").read_bytes(),
            projection=projection(),
        )


# What is built when it is needed, and not copied.
_WORKED_OUT = ("_native", "_unknown_words", "_openers", "_spans", "_last", "_placed")
