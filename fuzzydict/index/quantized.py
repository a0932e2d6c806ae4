"""Vectors with one byte per number, and their dot products with queries."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fuzzydict.forking import matrix_product

__all__ = ["QuantizedVectors"]

Vectors = NDArray[np.float32]

_MIN_SCALE = 1e-30  # of a vector of zeros


class QuantizedVectors(NamedTuple):
    """A vector is its row's numbers times its scale; its last part may have a scale of its own.

    A number is off by up to 1/254 of the largest of its part. What one part holds does not change
    what is kept of the other, and what was kept once is kept as it is.

    >>> rows = QuantizedVectors.of(np.array([[1, 0.5, -1]], np.float32))
    >>> rows.numbers.tolist(), rows.vectors().round(2).tolist()
    ([[127, 64, -127]], [[1.0, 0.5, -1.0]])
    """

    numbers: NDArray[np.int8]  # (n, d)
    scales: Vectors  # (n, 1), or (n, 2) with a last part
    tail: int = 0  # the width of the last part

    @classmethod
    def empty(cls, n: int, d: int, tail: int = 0) -> "QuantizedVectors":
        """Return n rows of vectors of d numbers, of any content."""
        scales = np.empty((n, 2 if tail else 1), np.float32)
        return cls(np.empty((n, d), np.int8), scales, tail)

    @classmethod
    def of(cls, vectors: Vectors, tail: int = 0) -> "QuantizedVectors":
        """Return the rows of vectors, float32 [n, d], whose last part is of this width."""
        rows = cls.empty(len(vectors), vectors.shape[1], tail)
        for i, part in enumerate(rows._parts()):
            largest = np.abs(vectors[:, part]).max(axis=1, initial=_MIN_SCALE)
            rows.scales[:, i] = _short(largest / np.float32(127))
            rows.numbers[:, part] = np.rint(vectors[:, part] / rows.scales[:, i, None])
        return rows

    def __len__(self) -> int:
        return len(self.numbers)

    def take(self, places: slice | NDArray[np.intp]) -> "QuantizedVectors":
        """Return the rows at these places; those of a slice share the memory."""
        if isinstance(places, slice):
            return QuantizedVectors(self.numbers[places], self.scales[places], self.tail)
        return QuantizedVectors(
            self.numbers.take(places, axis=0), self.scales.take(places, axis=0), self.tail
        )

    def put(self, places: slice | int, rows: "QuantizedVectors") -> None:
        """Replace the rows at these places."""
        self.numbers[places], self.scales[places] = rows.numbers, rows.scales

    def vectors(self) -> Vectors:
        """Return the vectors: float32 [n, d]."""
        vectors = self.numbers.astype(np.float32)
        for i, part in enumerate(self._parts()):
            vectors[:, part] *= self.scales[:, i, None]
        return vectors

    def plain(self) -> "QuantizedVectors":
        """Return the rows without the last part."""
        first = self._parts()[0]
        return QuantizedVectors(self.numbers[:, first], self.scales[:, :1])

    @classmethod
    def together(cls, parts: Sequence["QuantizedVectors"]) -> "QuantizedVectors":
        """Return the rows of all parts, one of which at least has some if the width counts."""
        some = [part for part in parts if len(part)] or [*parts[:1]]
        numbers, scales = (
            np.concatenate(each) for each in zip(*(p[:2] for p in some), strict=True)
        )
        return cls(numbers, scales, some[0].tail)

    def products(self, queries: Vectors) -> Vectors:
        """Return the dot product of each query, [Q, d], with each vector: float32 [Q, n]."""
        products: Vectors = matrix_product(queries, self.vectors().T)
        return products

    def _parts(self) -> list[slice]:
        first = self.numbers.shape[1] - self.tail
        return [slice(first), slice(first, None)] if self.tail else [slice(None)]


def _short(scales: Vectors) -> Vectors:
    """Return the scales in 16 bits of precision, so that their products by a byte are exact."""
    shortened: Vectors = ((scales.view(np.uint32) + 0x80) & 0xFFFFFF00).view(np.float32)
    return shortened
