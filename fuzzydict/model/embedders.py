"""The ``Embedder`` protocol, and everything that can be used as an embedder."""

import functools
import os
from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fuzzydict.model.checks import EmbedderError, unit

# Some of these until other packages import them from where they are.
from fuzzydict.model.loading import MODEL_FORMAT, fingerprint, load, model_file
from fuzzydict.model.word_embedder import WordEmbedder
from fuzzydict.text.tokens import words as split_words

__all__ = [
    "MODEL_FORMAT",
    "Embedder",
    "EmbedderError",
    "WordEmbedder",
    "as_embedder",
    "fingerprint",
    "load",
    "model_file",
]

Vectors = NDArray[np.float32]


@runtime_checkable
class Embedder(Protocol):
    """Turns texts into vectors whose dot products are their similarities."""

    @property
    def name(self) -> str:
        """What errors call it."""
        ...

    def encode(self, texts: Sequence[str], /) -> Vectors:
        """Return the vectors of texts: float32 [len(texts), d], of unit length or zero."""
        ...


class _Adapter:
    """Makes an `Embedder` of any function from texts to vectors, and checks what it returns."""

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
            reason = f"{type(error).__name__}: {error}"
            raise EmbedderError(f"embedder {self.name} failed: {reason}") from error
        try:
            with np.errstate(over="ignore"):  # too large for float32: infinite, refused below
                result = np.asarray(rows, np.float32)
        except (TypeError, ValueError) as error:
            raise EmbedderError(
                f"embedder {self.name} returned no array of numbers: {error}"
            ) from error
        expected = (len(texts), self._dimension or "d")
        is_table = result.ndim == 2 and len(result) == len(texts) and result.shape[1] > 0
        if not is_table or self._dimension not in (None, result.shape[1]):
            raise EmbedderError(
                f"embedder {self.name} returned the shape {result.shape}, not {expected}"
            )
        if not np.isfinite(result).all():
            raise EmbedderError(f"embedder {self.name} returned NaN or infinity")
        self._dimension = result.shape[1]
        return unit(result)


def as_embedder(source: Any) -> Embedder:
    """Return ``source`` as an `Embedder`.

    Args:
        source: A name ("default", "brown") or the path of a model file; gensim's ``KeyedVectors``,
            or a model that has them as ``.wv``; anything with ``.encode``, or any callable from a
            list of texts to an array [n, d], whose results are checked.

    Raises:
        TypeError: ``source`` is none of these.

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
    # Without the common mean, unrelated words have a cosine near zero (Mu and Viswanath, 2018).
    table = unit(np.array(vectors.vectors[rows], np.float32))
    mean = table.mean(axis=0)
    subwords = hasattr(vectors, "vectors_ngrams")  # FastText has vectors for unknown words
    return WordEmbedder(
        [words[row] for row in rows],
        unit(table - mean),
        counts,
        name=type(vectors).__name__,
        unknown=functools.partial(_unknown, vectors, mean) if subwords else None,
    )


def _unknown(vectors: Any, mean: Vectors, word: str) -> Vectors:
    vector: Vectors = unit(np.array(vectors.get_vector(word), np.float32)[None])[0] - mean
    return vector
