"""Checks of the arrays that make up a vocabulary."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fuzzydict.text.tokens import plain

__all__ = [
    "EmbedderError",
    "checked_counts",
    "checked_numbers",
    "checked_table",
    "checked_words",
    "unit",
]

Floats = NDArray[np.float32]

_BATCH = 4096  # rows that are checked at once


class EmbedderError(ValueError):
    """An embedder failed, or did not return one finite vector per text."""


def checked_words(name: str, words: Sequence[str]) -> list[str]:
    """Return the words as exact strs if they are unique strs."""
    try:
        checked = list(map(plain, words))
    except TypeError as error:
        raise EmbedderError(f"{name}: words must be strs: {error}") from error
    if len(set(checked)) != len(checked):
        word = next(word for word, count in Counter(checked).items() if count > 1)
        raise EmbedderError(f"{name}: words must be unique, but {word!r} occurs more than once")
    return checked


def checked_table(name: str, vectors: ArrayLike, n: int, *, scaled: bool) -> NDArray[Any]:
    """Return vectors in C order if they are finite numbers of shape [n, d]; float32 unless
    ``scaled``."""
    table = np.asarray(vectors, order="C")
    if table.ndim != 2 or len(table) != n:
        raise EmbedderError(f"{name}: {n} words, vectors of shape {table.shape}")
    if table.dtype.kind not in "fiu":
        raise EmbedderError(f"{name}: vectors must be real numbers, got dtype {table.dtype}")
    if not scaled:
        with np.errstate(over="ignore"):  # too large for float32: infinite, refused below
            table = table.astype(np.float32, copy=False)
    if table.dtype.kind == "f":
        for start in range(0, n, _BATCH):
            finite = np.isfinite(table[start : start + _BATCH]).all(axis=1)
            if not finite.all():
                row = start + int(finite.argmin())
                raise EmbedderError(f"{name}: the vector in row {row} has NaN or infinity")
    return table


def checked_numbers(name: str, what: str, values: ArrayLike, n: int) -> Floats:
    """Return one number for each of n words if they are finite and of shape [n]."""
    given = np.asarray(values)
    if given.shape != (n,):
        raise EmbedderError(f"{name}: {n} words, {what} of shape {given.shape}")
    with np.errstate(over="ignore"):  # too large for float32: infinite, refused below
        checked = given.astype(np.float32)
    if not np.isfinite(checked).all():
        raise EmbedderError(f"{name}: {what} has NaN or infinity")
    return checked


def checked_counts(name: str, counts: ArrayLike, n: int) -> NDArray[np.float64]:
    """Return how often each of n words occurs, if these are counts."""
    if (checked_numbers(name, "counts", counts, n) < 0).any():
        raise EmbedderError(f"{name}: counts must not be negative")
    return np.asarray(counts, np.float64)


def unit(rows: Floats) -> Floats:
    """Return the rows divided by their lengths; rows of zeros stay so."""
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))[:, None]
    scaled: Floats = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > math.ulp(0))
    return scaled
