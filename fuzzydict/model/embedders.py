"""Text to vectors: the `Embedder` protocol, and adapters for whatever can embed texts."""

import functools
import os
from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike

from fuzzydict.model.arrays import EmbedderError, Vectors, unit_length
from fuzzydict.model.files import model_file
from fuzzydict.model.loading import default_networks, fingerprint, load
from fuzzydict.model.networks import ScorerNetworks
from fuzzydict.model.word_embedder import WordEmbedder
from fuzzydict.text.tokens import words as split_words

__all__ = [
    "Embedder",
    "EmbedderError",
    "WordEmbedder",
    "as_embedder",
    "fingerprint",
    "load",
    "model_file",
    "networks_for",
    "unseen_vector",
]


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
        return unit_length(result)


def as_embedder(source: Any) -> Embedder:
    """Return ``source`` as an `Embedder`, by what it can do.

    A name ("default", "brown") or the path of a model file is loaded; gensim's
    ``KeyedVectors``, and models that carry them as ``.wv``, become a `WordEmbedder`; anything with
    ``.encode``, and any callable from a list of texts to an array [n, d], is called as it is, and
    its answers are checked. ``TypeError`` for anything else.

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
    table = unit_length(np.array(vectors.vectors[rows], np.float32))
    mean = table.mean(axis=0)
    subwords = hasattr(vectors, "vectors_ngrams")  # FastText knows words that it never saw
    return WordEmbedder(
        [words[row] for row in rows],
        unit_length(table - mean),
        counts,
        name=type(vectors).__name__,
        unknown=functools.partial(unseen_vector, vectors, mean) if subwords else None,
    )


def unseen_vector(vectors: Any, mean: Vectors, word: str) -> Vectors:
    """Return FastText's vector of a word that it never saw, without the mean of all: [d]."""
    unseen: Vectors = unit_length(np.array(vectors.get_vector(word), np.float32)[None])[0] - mean
    return unseen


def networks_for(embedder: Embedder) -> ScorerNetworks:
    """Return the networks that score keys of an embedder: its own, or the program's model's."""
    own = embedder.score if isinstance(embedder, WordEmbedder) else None
    return own or default_networks()
