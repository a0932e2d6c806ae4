"""Rows of vectors, a byte a number, and their dot products with queries."""

import math
import os
import threading
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Rows"]

Vectors = NDArray[np.float32]

_ONE_THREAD = 1 << 18  # numbers of a matrix for which BLAS wakes no other thread
_CACHED = 1 << 20  # numbers that are floats together
_BLOCK = 1 << 12  # rows whose lengths are found together
_A_THREAD = 1 << 15  # rows that are worth a thread
_THREADS = min(4, os.cpu_count() or 1)
_LEAST = 1e-30  # the largest number of a vector of zeros counts as this
_ROUNDING = 1e-6  # of a product in float32, as a share of the two lengths


class Rows(NamedTuple):
    """A vector is its row's numbers times its scale; its last part may have a scale of its own.

    A number is off by up to 1/254 of the largest of its part. What one part holds does not change
    what is kept of the other, and what was kept once is kept as it is.

    >>> rows = Rows.of(np.array([[1, 0.5, -1]], np.float32))
    >>> rows.numbers.tolist(), rows.vectors().round(2).tolist()
    ([[127, 64, -127]], [[1.0, 0.5, -1.0]])
    """

    numbers: NDArray[np.int8]  # (n, d)
    scales: Vectors  # (n, 1), or (n, 2) with a last part
    tail: int = 0  # the width of the last part

    @classmethod
    def empty(cls, n: int, d: int, tail: int = 0) -> "Rows":
        """Return n rows of vectors of d numbers, of any content."""
        scales = np.empty((n, 2 if tail else 1), np.float32)
        return cls(np.empty((n, d), np.int8), scales, tail)

    @classmethod
    def of(cls, vectors: Vectors, tail: int = 0) -> "Rows":
        """Return the rows of vectors, float32 [n, d], whose last part is of this width."""
        rows = cls.empty(len(vectors), vectors.shape[1], tail)
        for i, part in enumerate(rows._parts()):
            largest = np.abs(vectors[:, part]).max(axis=1, initial=_LEAST)
            rows.scales[:, i] = _short(largest / np.float32(127))
            rows.numbers[:, part] = np.rint(vectors[:, part] / rows.scales[:, i, None])
        return rows

    def __len__(self) -> int:
        return len(self.numbers)

    def take(self, places: slice | NDArray[np.intp]) -> "Rows":
        """Return the rows at these places; those of a slice share the memory."""
        return Rows(self.numbers[places], self.scales[places], self.tail)

    def put(self, places: slice | int, rows: "Rows") -> None:
        """Replace the rows at these places."""
        self.numbers[places], self.scales[places] = rows.numbers, rows.scales

    def vectors(self) -> Vectors:
        """Return the vectors: float32 [n, d]."""
        vectors = self.numbers.astype(np.float32)
        for i, part in enumerate(self._parts()):
            vectors[:, part] *= self.scales[:, i, None]
        return vectors

    def plain(self) -> "Rows":
        """Return the rows without the last part."""
        first = self._parts()[0]
        return Rows(self.numbers[:, first], self.scales[:, :1])

    @classmethod
    def together(cls, parts: Sequence["Rows"]) -> "Rows":
        """Return the rows of all parts, one of which at least has some if the width counts."""
        some = [part for part in parts if len(part)] or [*parts[:1]]
        numbers, scales = (
            np.concatenate(each) for each in zip(*(p[:2] for p in some), strict=True)
        )
        return cls(numbers, scales, some[0].tail)

    def longest(self) -> float:
        """Return the length of the longest vector, 0 where there is none. O(n · d)."""
        longest = 0.0
        for start in range(0, len(self), _BLOCK):
            vectors = self.take(slice(start, start + _BLOCK)).vectors()
            longest = max(longest, float(np.einsum("ij,ij->i", vectors, vectors).max()))
        return math.sqrt(longest)

    def about(self, query: Vectors) -> tuple[Vectors, float]:
        """Return about the dot product of a query, [d], with each vector, [n], and an error.

        A product is off by the error times the length of its vector at most. The query is made of
        bytes too, and SimSIMD multiplies bytes exactly, four times as fast as floats are read.
        """
        asked = Rows.of(query[None], self.tail)
        result = np.zeros(len(self), np.float32)
        for i, part in enumerate(self._parts()):
            found = self._products_of_bytes(asked.numbers[0, part], part)
            result += found * self.scales[:, i] * asked.scales[0, i]
        off = float(np.linalg.norm(query - asked.vectors()[0]))
        return result, off + _ROUNDING * float(np.linalg.norm(query))

    def _products_of_bytes(self, query: NDArray[np.int8], part: slice) -> Vectors:
        from simsimd import cdist

        products = np.zeros(len(self), np.float32)

        def multiply(rows: slice) -> None:
            # Its own out= would lose a reference to None at each call, and None in the end.
            found = cdist(query[None], self.numbers[rows, part], "dot", out_dtype="float32")
            products[rows] = np.asarray(found)[0]

        if query.size and len(self):
            _side_by_side(multiply, len(self))
        return products

    def products(self, queries: Vectors) -> Vectors:
        """Return the dot product of each query, [Q, d], with each vector: [Q, n].

        The rows become floats a block at a time, in the cache, where that takes no longer than to
        read floats from memory. BLAS multiplies a piece of it by one query on one thread: to wake
        others can take longer than 10,000 products.
        """
        products = [self._products(queries[:, part], part) for part in self._parts()]
        for scales, found in zip(self.scales.T, products, strict=True):
            found *= scales
        return products[0] + products[1] if self.tail else products[0]

    def _products(self, queries: Vectors, part: slice) -> Vectors:
        n, d = len(self), max(queries.shape[1], 1)
        products = np.empty((len(queries), n), np.float32)
        floats = np.empty((min(_CACHED // d, n), queries.shape[1]), np.float32)
        for start in range(0, n, _CACHED // d):
            numbers = self.numbers[start : start + len(floats), part]
            np.copyto(floats[: len(numbers)], numbers)
            for piece in range(0, len(numbers), _ONE_THREAD // d):
                end = min(piece + _ONE_THREAD // d, len(numbers))
                out = products[:, start + piece : start + end]
                np.matmul(queries, floats[piece:end].T, out=out)
        return products

    def _parts(self) -> list[slice]:
        first = self.numbers.shape[1] - self.tail
        return [slice(first), slice(first, None)] if self.tail else [slice(None)]


def _short(scales: Vectors) -> Vectors:
    """Return the scales in 16 bits of precision, so that their products by a byte are exact."""
    shortened: Vectors = ((scales.view(np.uint32) + 0x80) & 0xFFFFFF00).view(np.float32)
    return shortened


def _side_by_side(work: Callable[[slice], None], n: int) -> None:
    """Do the work on n rows, where they are many in parts, each on a thread of its own.

    Threads of a pool would not be there after a fork.
    """
    count = min(n // _A_THREAD, _THREADS)
    if count < 2:
        work(slice(n))
        return
    parts = [slice(*ends) for ends in pairwise(n * part // count for part in range(count + 1))]
    threads = []
    for part in parts[1:]:
        thread = threading.Thread(target=work, args=(part,))
        try:
            thread.start()
            threads.append(thread)
        except RuntimeError:  # there are too many, or the interpreter is about to end
            work(part)
    work(parts[0])
    for thread in threads:
        thread.join()
