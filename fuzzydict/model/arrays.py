"""Arrays of words: what they must look like, their weights, and digests of them."""

import math
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fuzzydict.text.tokens import plain

__all__ = [
    "EmbedderError",
    "Vectors",
    "checked_column",
    "checked_counts",
    "checked_table",
    "checked_words",
    "digest",
    "is_finite",
    "sif_weights",
    "unit_length",
]

Vectors = NDArray[np.float32]

_BATCH = 4096  # vectors that are checked at once
_SAMPLED = 64  # one in so many rows of a table is part of a digest
_SIF = 1e-3  # a of Arora et al. (2017): a word of this frequency has weight 0.5


class EmbedderError(ValueError):
    """An embedder failed, or returned something other than one finite vector for each text."""


def checked_words(name: str, words: Iterable[str]) -> list[str]:
    """Return the words of a vocabulary as exact strs, if they are unique strings."""
    try:
        checked = list(map(plain, words))
    except TypeError as error:
        raise EmbedderError(f"{name}: words must be strs: {error}") from error
    if len(set(checked)) != len(checked):
        word = next(word for word, times in Counter(checked).items() if times > 1)
        raise EmbedderError(f"{name}: words must be unique, {word!r} is there more than once")
    return checked


def checked_table(name: str, vectors: ArrayLike, n: int) -> NDArray[Any]:
    """Return vectors in C order, if they are finite numbers of shape [n, d]."""
    table = np.asarray(vectors, order="C")
    if table.ndim != 2 or len(table) != n:
        raise EmbedderError(f"{name}: {n} words, vectors of shape {table.shape}")
    if table.dtype.kind not in "fiu":
        raise EmbedderError(f"{name}: vectors must be real numbers, got dtype {table.dtype}")
    if table.dtype.kind == "f":
        for start in range(0, n, _BATCH):
            finite = np.isfinite(table[start : start + _BATCH]).all(axis=1)
            if not finite.all():
                row = start + int(finite.argmin())
                raise EmbedderError(f"{name}: the vector in row {row} has NaN or infinity")
    return table


def checked_column(name: str, what: str, values: ArrayLike, n: int) -> NDArray[np.float32]:
    """Return one number for each of n words, if they are finite and of shape [n]."""
    given = np.asarray(values)
    if given.shape != (n,):
        raise EmbedderError(f"{name}: {n} words, {what} of shape {given.shape}")
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite
        checked = given.astype(np.float32)
    if not np.isfinite(checked).all():
        raise EmbedderError(f"{name}: {what} has NaN or infinity")
    return checked


def checked_counts(name: str, counts: ArrayLike, n: int) -> NDArray[np.float64]:
    """Return how often each of n words was seen, if these are counts."""
    if (checked_column(name, "counts", counts, n) < 0).any():
        raise EmbedderError(f"{name}: counts must not be negative")
    return np.asarray(counts, np.float64)


def sif_weights(counts: NDArray[np.float64] | None, n: int) -> NDArray[np.float32]:
    if counts is None:
        return np.ones(n, np.float32)
    weights = _SIF / (_SIF + counts / max(counts.sum(), 1.0))
    return np.asarray(weights, np.float32)


def unit_length(rows: Vectors) -> Vectors:
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))[:, None]
    unit: Vectors = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > math.ulp(0))
    return unit


def is_finite(array: NDArray[Any]) -> bool:
    return array.dtype.kind in "iu" or (array.dtype.kind == "f" and bool(np.isfinite(array).all()))


def digest(words: bytes, table: NDArray[Any]) -> str:
    import hashlib  # loads OpenSSL, which lookups do without

    found = hashlib.blake2b(words, digest_size=16)
    found.update(table[::_SAMPLED].tobytes())
    return found.hexdigest()
