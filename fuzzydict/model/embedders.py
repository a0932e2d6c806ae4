"""Text to vectors: the ``Embedder`` protocol, the default embedder of words, adapters."""

import functools
import hashlib
import math
import os
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fuzzydict import compiled, forking, implementation
from fuzzydict.ranking.scorer import Scorer, Vocabulary, WithoutVectors, WordFeatures
from fuzzydict.resources import data_file
from fuzzydict.storage.arrays import FileFormatError, read_arrays
from fuzzydict.text.spelling import _projection as spelling_projection
from fuzzydict.text.spelling import similarities
from fuzzydict.text.tokens import bases, plain
from fuzzydict.text.tokens import words as split_words

__all__ = ["Embedder", "EmbedderError", "WordEmbedder", "as_embedder", "fingerprint", "load"]

Vectors = NDArray[np.float32]

_MAX_WORDS = 64  # words of a text that are embedded; ten sentences' worth
_TOGETHER = 4096  # texts that are embedded at once
_MAX_PHRASE = 4  # words of the longest phrase that is looked up as one: "date of birth"
_CACHE_SIZE = 8192  # words outside of the vocabulary whose places are kept
_SAMPLED = 64  # one in so many rows of a table is in a fingerprint
MODEL_FORMAT = "1"  # of model files
_RARITY = 1e-3  # Arora's a: a word of this frequency weighs half


class EmbedderError(ValueError):
    """An embedder failed, or gave back something that is not one finite vector a text."""


@runtime_checkable
class Embedder(Protocol):
    """Anything that turns texts into vectors whose dot products say how near they are."""

    @property
    def name(self) -> str:
        """What errors call it."""
        ...

    def encode(self, texts: Sequence[str], /) -> Vectors:
        """Return one row of unit length, or of zeros, for each text: float32 [len(texts), d]."""
        ...


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
        score: Scorer | None = None,
    ) -> None:
        words = _checked_words(name, words)
        table = _checked_table(name, vectors, len(words))
        self.name = name
        self.score = score
        self.shipped = False  # with the package: copies and pickles are then but its name
        self.dimension = table.shape[1]
        self._words = words
        self._rows = dict(zip(words, range(len(words)), strict=True))
        self._table = table
        n = len(words)
        self._scale = None if scale is None else _checked(name, "scale", scale, n)
        self._weights = _rarity(None if counts is None else _checked_counts(name, counts, n), n)
        density = np.asarray(0.5 if density is None else density)
        if density.ndim == 0:
            density = np.full(n, density)
        self._density = _checked(name, "density", density, n)
        self._unknown = unknown
        self._begin()

    def _begin(self) -> None:
        """Begin with nothing that is worked out of the words when it is needed.

        Threads share all of it. Each part is complete before it is assigned.
        """
        self._spelling: _NgramIndex | None = None  # of the words that are no phrases
        self._openers: set[str] | None = None
        self._native: Any = None
        self._spans: dict[tuple[str, ...], list[tuple[int, int]]] = {}  # of texts seen of late
        self._last: tuple[tuple[str, ...], WordFeatures] | None = None
        self._placed: dict[tuple[str, bool], tuple[Vectors, float, float, float]] = {}

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> "WordEmbedder":
        """Open a model file that ``fuzzydict train`` wrote.

        Files of more than 64 MB, and the models that are shipped, are mapped into memory: they may
        be replaced or removed meanwhile, but must not be changed in place.

        ``FileFormatError`` where it is no such file, or is damaged; ``OSError`` where it cannot be
        read.
        """
        arrays, name = _read_model(path)
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
        if len(set(words)) < n:
            raise ValueError("words repeat")
        if vectors.ndim != 2 or len(vectors) != n or not _is_finite(vectors):
            raise ValueError(f"{n} words, vectors of shape {vectors.shape}, or not finite")
        for each in {"counts", "scale", "density"} & arrays.keys():
            found = arrays[each]
            if found.shape != (n,) or not _is_finite(found) or not (found >= 0).all():
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
            score=Scorer.from_arrays(arrays) if "score.cutoff" in arrays else None,
        )

    def __repr__(self) -> str:
        return (
            f"<WordEmbedder {self.name!r}: {len(self._words)} words, {self.dimension} dimensions>"
        )

    def __reduce_ex__(self, protocol: Any) -> Any:
        return (load, (self.name,)) if self.shipped else super().__reduce_ex__(protocol)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in _WORKED_OUT}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._begin()

    def fingerprint(self) -> tuple[str, int]:
        """Return what tells the model from others: a digest of its words and of some of its rows,
        and its dimension. O(n)."""
        words = "\n".join(self._words).encode("utf-8", "surrogatepass")
        return _digest(words, self._table), self.dimension

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
        result = np.zeros((len(texts), self.dimension), np.float32)
        loops, scale = compiled.loops, self._scale
        if loops is not None and scale is not None and self._table.dtype == np.int8:
            known = self._rows, self._opening, self._table, scale, self._weights
            loops.embed(texts, *known, self._elsewhere, guess, _MAX_WORDS, _MAX_PHRASE, result)
            return result
        texts = [tuple(map(plain, text)) for text in texts]
        for start in range(0, len(texts), _TOGETHER):
            block = slice(start, start + _TOGETHER)
            self._add_words(texts[block], result[block], guess)
        return _unit(result)

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
            weighted = info.vectors * (info.rarity * info.trust)[:, None]
            out[owners] = np.add.reduceat(weighted[terms], starts, axis=0)

    @property
    def native_model(self) -> Any:
        """The native model of these words, None if there is none."""
        if self._native is None:
            self._native = _native_model(self)
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
        return _unit(result)

    def look_up(self, words: Sequence[str], /, *, guess: bool = True) -> WordFeatures:
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

    def _looked_up(self, words: Sequence[str], guess: bool) -> WordFeatures:
        """Return what `look_up` does, without a memory."""
        loops, scale = compiled.loops, self._scale
        if loops is not None and scale is not None and self._table.dtype == np.int8:
            known = self._rows, self._table, scale, self._weights, self._density
            return WordFeatures(*loops.look_up(words, *known, self._elsewhere, guess))
        rows = np.array([self._rows.get(word, -1) for word in words], np.intp)
        vectors = np.zeros((len(words), self.dimension), np.float32)
        rarity, trust, density = np.ones((3, len(words)), np.float32)
        if self._rows:  # what is unknown has the place -1, whose row is replaced below
            vectors[:] = self._table[rows]
            if self._scale is not None:
                vectors *= self._scale[rows, None]
            rarity[:], density[:] = self._weights[rows], self._density[rows]
        for i in np.flatnonzero(rows < 0).tolist():
            vectors[i], rarity[i], trust[i], density[i] = self._elsewhere(words[i], guess)
        return WordFeatures(vectors, rarity, trust, density)

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

    def trust(self, words: Sequence[str]) -> float:
        """Return how far the vector of a text of these words is to be trusted, 0 to 1."""
        info = self.look_up(words)
        return float(info.rarity @ info.trust / max(float(info.rarity.sum()), 1e-6))

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

    def vector(self, word: str) -> tuple[Vectors, float]:
        """Return the vector of a word or phrase, [d], unit or zero, and its weight, 0 to 1.

        The weight is the word's rarity, less where the word is placed by its spelling alone.
        """
        info = self.look_up([word])
        return info.vectors[0], float(info.rarity[0] * info.trust[0])

    def _elsewhere(self, word: str, guess: bool) -> tuple[Vectors, float, float, float]:
        """Return vector, rarity, trust and density of a word that is not in the vocabulary."""
        found = self._placed.get((word, guess))
        if found is None:
            found = self._place(word, guess)
            if len(self._placed) >= _CACHE_SIZE:
                self._placed = {}
            self._placed[word, guess] = found
        return found

    def _place(self, word: str, guess: bool) -> tuple[Vectors, float, float, float]:
        if self._unknown is not None:
            vector = np.asarray(self._unknown(word), np.float32)
            if vector.shape != (self.dimension,) or not np.isfinite(vector).all():
                raise EmbedderError(
                    f"{self.name}: unknown({word!r}) must return {self.dimension} finite numbers, "
                    f"got {np.array2string(vector, threshold=6)} of shape {vector.shape}"
                )
            return _unit(vector[None])[0], 1.0, 1.0, 0.5
        if word.isdigit():  # a number that is written like another is another
            return np.zeros(self.dimension, np.float32), 1.0, 0.0, 0.5
        for base in bases(word):
            row = self._rows.get(base)
            if row is not None:
                weight, density = float(self._weights[row]), float(self._density[row])
                return self._at([row])[0], weight, 0.9, density
        if parts := self.split(word):
            rows = [self._rows[part] for part in parts]
            trust, weights = 0.7, self._weights.take(rows)
        elif not guess:
            rows = []
        else:
            rows, shares = self._alike(word)
            trust = 0.5 * max(shares, default=0.0) ** 2
            weights = np.array([share**8 for share in shares], np.float32)
        if not rows:
            return np.zeros(self.dimension, np.float32), 1.0, 0.0, 0.5
        vector = weights @ self._at(rows)
        length = math.sqrt(vector @ vector)
        density = sum(self._density.take(rows).tolist()) / len(rows)
        return vector / np.float32(length or 1.0), 1.0, trust, density

    def split(self, word: str) -> tuple[str, str] | None:
        """Return the two words that ``word`` is written of, the most usual ones, or None.

        >>> WordEmbedder(["top", "speed"], [[1.0], [1.0]]).split("topspeed")
        ('top', 'speed')
        """
        best: tuple[float, int] | None = None
        for cut in range(3, len(word) - 2):
            if (first := self._rows.get(word[:cut])) is None:
                continue
            if (second := self._rows.get(word[cut:])) is not None:
                rank = float(self._weights[first] * self._weights[second])
                if best is None or rank < best[0]:
                    best = rank, cut
        return (word[: best[1]], word[best[1] :]) if best else None

    def _at(self, rows: list[int]) -> Vectors:
        """Return the vectors of these rows: [len(rows), d]."""
        vectors: Vectors = self._table.take(rows, axis=0).astype(np.float32)
        return vectors if self._scale is None else vectors * self._scale.take(rows)[:, None]

    def _alike(self, word: str) -> tuple[list[int], list[float]]:
        """Return the rows of the three words that are written most alike, and how much so."""
        spelling = self._spelling or self._index()
        words = [spelling.words[i] for i in spelling.search(word, n=32)]
        if not words:
            return [], []
        likeness = np.add.reduce(similarities(word, words)) / 3
        best = (-likeness).argsort(kind="stable")[:3].tolist()
        alike = {words[i]: share for i in best if (share := float(likeness[i])) > 0.6}
        return [self._rows[word] for word in alike], [*alike.values()]

    def _index(self) -> "_NgramIndex":
        """Return the index of the words that are no phrases, which one thread makes."""
        with _MODELS.lock:
            if self._spelling is None:
                self._spelling = _NgramIndex([word for word in self._words if " " not in word])
            return self._spelling


_WORKED_OUT = (
    "_native",
    "_spelling",
    "_openers",
    "_spans",
    "_last",
    "_placed",
)  # when they are needed


class _NgramIndex:
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
        """Return the rows of the ``n`` words that have the largest shares in common."""
        grams = self._grams(word)
        if compiled.loops is not None:
            return compiled.loops.sharing(
                np.array(list(grams), np.uint32), self._owners, self._starts, self._sizes, n
            )
        return self._sharing(grams, n)

    def _sharing(self, grams: set[int], n: int) -> list[int]:
        """Return those of at least half as many shared n-grams as any word has, best first."""
        if not grams:
            return []
        hits = [self._owners[self._starts[gram] : self._starts[gram + 1]] for gram in grams]
        common = np.bincount(np.concatenate(hits), minlength=len(self._sizes))
        owners = np.flatnonzero(common >= max(1, int(common.max(initial=0)) // 2))
        shares = common[owners] / (len(grams) + self._sizes[owners])
        return owners[np.argsort(-shares, kind="stable")[:n]].tolist()  # type: ignore[no-any-return]


class _Adapter:
    """Give any function from texts to vectors the face of an `Embedder`, and check its answers."""

    def __init__(self, function: Callable[[list[str]], ArrayLike], name: str, source: Any) -> None:
        self.name = name
        self._function = function
        self._source = source
        self._dimension: int | None = None

    def __repr__(self) -> str:
        return f"<embedder {self.name}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return as_embedder, (self._source,)

    def encode(self, texts: Sequence[str], /) -> Vectors:
        try:
            rows = self._function(list(texts))
        except Exception as error:
            told = f"{type(error).__name__}: {error}"
            raise EmbedderError(f"embedder {self.name} failed: {told}") from error
        try:
            with np.errstate(over="ignore"):  # what is too large becomes infinite, told below
                result = np.asarray(rows, np.float32)
        except (TypeError, ValueError) as error:
            raise EmbedderError(
                f"embedder {self.name} gave no array of numbers: {error}"
            ) from error
        wanted = (len(texts), self._dimension or "d")
        if result.ndim != 2 or len(result) != len(texts) or result.shape[1] == 0:
            raise EmbedderError(f"embedder {self.name} gave the shape {result.shape}, not {wanted}")
        if self._dimension not in (None, result.shape[1]):
            raise EmbedderError(f"embedder {self.name} gave the shape {result.shape}, not {wanted}")
        if not np.isfinite(result).all():
            raise EmbedderError(f"embedder {self.name} gave NaN or infinity")
        self._dimension = result.shape[1]
        return _unit(result)


def as_embedder(source: Any) -> Embedder:
    """Return ``source`` as an `Embedder`, by what it can do.

    A name ("default", "brown") or the path of a model file is loaded; gensim's ``KeyedVectors``,
    and models that carry them as ``.wv``, become a `WordEmbedder`; anything with ``.encode``, and
    any callable from a list of texts to an array [n, d], is called as it is, and its answers are
    checked. ``TypeError`` for anything else.

    >>> as_embedder(lambda texts: [[len(text), 1.0] for text in texts]).encode(["ab"]).shape
    (1, 2)
    """
    if isinstance(source, (WordEmbedder, _Adapter)):
        return source
    if isinstance(source, (str, os.PathLike)):
        return load(source)
    source = getattr(source, "wv", source)
    if hasattr(source, "key_to_index") and hasattr(source, "vectors"):
        return _from_keyed_vectors(source)
    name = getattr(source, "name", None) or getattr(source, "__qualname__", type(source).__name__)
    if isinstance(source, type):
        raise TypeError(f"embedder must be an instance, got the class {name}")
    if callable(getattr(source, "encode", None)):
        return _Adapter(source.encode, str(name), source)
    if callable(source):
        return _Adapter(source, str(name), source)
    raise TypeError(
        "embedder must be the name of a model, a callable from a list of texts to an array, an "
        f"object with .encode, or gensim's KeyedVectors, got {source!r}"
    )


def _from_keyed_vectors(vectors: Any) -> WordEmbedder:
    words = [" ".join(split_words(word)) or word for word in vectors.index_to_key]
    first = dict(zip(reversed(words), reversed(range(len(words))), strict=True))
    rows = np.fromiter(sorted(first.values()), np.intp, len(first))
    counts = vectors.expandos["count"][rows] if "count" in vectors.expandos else None
    # Without their mean, which all words share, unrelated ones have a cosine near zero (Mu and
    # Viswanath, 2018).
    table = _unit(np.array(vectors.vectors[rows], np.float32))
    mean = table.mean(axis=0)
    subwords = hasattr(vectors, "vectors_ngrams")  # FastText knows words that it never saw
    return WordEmbedder(
        [words[row] for row in rows],
        _unit(table - mean),
        counts,
        name=type(vectors).__name__,
        unknown=functools.partial(_unseen, vectors, mean) if subwords else None,
    )


def _unseen(vectors: Any, mean: Vectors, word: str) -> Vectors:
    unseen: Vectors = _unit(np.array(vectors.get_vector(word), np.float32)[None])[0] - mean
    return unseen


def load(name: str | os.PathLike[str]) -> WordEmbedder:
    """Return the model ``name`` that is shipped ("default", "brown"), or that is in a file.

    A shipped model is loaded once. ``FileNotFoundError`` where there is no such model.
    """
    path = model_file(name)
    shipped = data_file(f"{os.fspath(name)}.safetensors")
    return _MODELS.load(os.fspath(name)) if path == shipped else WordEmbedder.from_file(path)


def fingerprint(name: str | os.PathLike[str]) -> tuple[str, int]:
    """Return the fingerprint of a model that is shipped or in a file, without loading it."""
    arrays, _ = _read_model(path := model_file(name))
    if not {"words", "vectors"} <= arrays.keys() or arrays["vectors"].ndim != 2:
        raise FileFormatError(f"{path}: not a model of words")
    return _digest(arrays["words"].tobytes(), arrays["vectors"]), arrays["vectors"].shape[1]


def _read_model(path: str | os.PathLike[str]) -> tuple[dict[str, NDArray[Any]], str]:
    """Return the arrays and the name of a model file; its format must be the current one."""
    shipped = Path(path) == data_file(Path(path).name)  # which is replaced, never changed in place
    arrays, metadata = read_arrays(path, mapped=shipped)
    found = metadata.get("format", MODEL_FORMAT)  # of other programs' files there is none
    if found != MODEL_FORMAT:
        raise FileFormatError(
            f"{os.fspath(path)}: not a model of words of the format {MODEL_FORMAT!r}, but {found!r}"
            ": train it again, or use the version of FuzzyDict that wrote it"
        )
    return arrays, metadata.get("name", os.fspath(path))


def _is_finite(array: NDArray[Any]) -> bool:
    return array.dtype.kind in "iu" or (array.dtype.kind == "f" and bool(np.isfinite(array).all()))


def _digest(words: bytes, table: NDArray[Any]) -> str:
    found = hashlib.blake2b(words, digest_size=16)
    found.update(table[::_SAMPLED].tobytes())
    return found.hexdigest()


def model_file(name: str | os.PathLike[str]) -> Path:
    """Return the file of a model that is shipped, or of one that is in a file.

    ``FileNotFoundError`` where there is no such model.
    """
    for path in (data_file(f"{os.fspath(name)}.safetensors"), Path(name)):
        if path.is_file():
            return path
    raise FileNotFoundError(
        f'no model {os.fspath(name)!r}: neither shipped, as "default" and "brown" are, nor a file'
    )


class _Models:
    """The shipped models that are loaded; each is loaded once, whatever the number of threads."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.loaded: dict[str, WordEmbedder] = {}
        forking.register(self)

    def load(self, name: str) -> WordEmbedder:
        found = self.loaded.get(name)
        if found is not None:
            return found
        with self.lock:
            return self.loaded.get(name) or self._read(name)

    def _read(self, name: str) -> WordEmbedder:
        embedder = WordEmbedder.from_file(data_file(f"{name}.safetensors"))
        embedder.name, embedder.shipped = name, True
        self.loaded[name] = embedder  # when it is complete
        return embedder

    def _after_fork(self) -> None:
        self.lock = threading.RLock()


_MODELS = _Models()


def _checked_words(name: str, words: Sequence[str]) -> list[str]:
    """Return the words of a vocabulary as exact strs, if they are unique strings."""
    try:
        checked = list(map(plain, words))
    except TypeError as error:
        raise EmbedderError(f"{name}: words must be strs: {error}") from error
    if len(set(checked)) != len(checked):
        word = next(word for word, times in Counter(checked).items() if times > 1)
        raise EmbedderError(f"{name}: words must be unique, {word!r} is there more than once")
    return checked


def _checked_table(name: str, vectors: ArrayLike, n: int) -> NDArray[Any]:
    """Return vectors in C order, if they are finite numbers of shape [n, d]."""
    table = np.asarray(vectors, order="C")
    if table.ndim != 2 or len(table) != n:
        raise EmbedderError(f"{name}: {n} words, vectors of shape {table.shape}")
    if table.dtype.kind not in "fiu":
        raise EmbedderError(f"{name}: vectors must be real numbers, got dtype {table.dtype}")
    if table.dtype.kind == "f":
        for start in range(0, n, _TOGETHER):
            finite = np.isfinite(table[start : start + _TOGETHER]).all(axis=1)
            if not finite.all():
                row = start + int(finite.argmin())
                raise EmbedderError(f"{name}: the vector in row {row} has NaN or infinity")
    return table


def _checked(name: str, what: str, values: ArrayLike, n: int) -> NDArray[np.float32]:
    """Return one number for each of n words, if they are finite and of shape [n]."""
    given = np.asarray(values)
    if given.shape != (n,):
        raise EmbedderError(f"{name}: {n} words, {what} of shape {given.shape}")
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite
        checked = given.astype(np.float32)
    if not np.isfinite(checked).all():
        raise EmbedderError(f"{name}: {what} has NaN or infinity")
    return checked


def _checked_counts(name: str, counts: ArrayLike, n: int) -> NDArray[np.float64]:
    """Return how often each of n words was seen, if these are counts."""
    if (_checked(name, "counts", counts, n) < 0).any():
        raise EmbedderError(f"{name}: counts must not be negative")
    return np.asarray(counts, np.float64)


def _rarity(counts: NDArray[np.float64] | None, n: int) -> NDArray[np.float32]:
    if counts is None:
        return np.ones(n, np.float32)
    rarity = _RARITY / (_RARITY + counts / max(counts.sum(), 1.0))
    return np.asarray(rarity, np.float32)


def _unit(rows: Vectors) -> Vectors:
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))[:, None]
    unit: Vectors = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > math.ulp(0))
    return unit


def scorer_for(embedder: Embedder) -> tuple[Scorer, Vocabulary]:
    """Return the scorer of an embedder, and the vocabulary that it uses."""
    if isinstance(embedder, WordEmbedder):
        return embedder.score or default_scorer(), embedder
    return default_scorer(), WithoutVectors(load("default"))


def default_scorer() -> Scorer:
    """Return the scorer of the default model."""
    score = load("default").score
    if score is None:
        raise LookupError("the default model was built without its score")
    return score


def _native_model(embedder: WordEmbedder) -> Any:
    native = implementation.native
    if native is None or embedder._unknown is not None or not embedder.dimension:
        return None
    score = embedder.score or default_scorer()
    pairs, texts = score.words, score.phrases
    return native.Model(
        embedder._words,
        embedder._table,
        embedder._weights,
        embedder._density,
        (pairs.w1, pairs.b1, pairs.w2, pairs.b2),
        (texts.w1, texts.b1, texts.w2, texts.b2),
        scale=embedder._scale,
        irregular=data_file("irregular.tsv").read_bytes(),
        opposites=data_file("opposites.tsv").read_bytes(),
        projection=spelling_projection(),
    )
