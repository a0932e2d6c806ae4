"""Candidates: the keys with the largest dot products, without scoring them all.

`Index` is the protocol; `ExactIndex` compares every row and is the oracle of any other.
"""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from fuzzydict.index.quantized import QuantizedVectors

__all__ = ["ExactIndex", "Index"]

Vectors = NDArray[np.float32]
K = TypeVar("K", bound=Hashable)


class Index(Protocol[K]):
    """Keys and their vectors, and a way to the keys of the largest dot products."""

    def add(self, keys: Sequence[K], vectors: Vectors) -> None:
        """Add keys that are not there yet, with their rows: float32 [len(keys), d]."""
        ...

    def remove(self, key: K) -> None:
        """Remove a key that is there."""
        ...

    def search(self, queries: Vectors, n: int, among: Iterable[K] | None = None) -> list[list[K]]:
        """Return for each query [Q, d] the ``n`` keys of the largest dot products, best first;
        of those ``among`` if given, which must be there."""
        ...

    def rows(self, keys: Sequence[K]) -> Vectors:
        """Return the rows of keys that are there: float32 [len(keys), d]."""
        ...

    def kept(self, keys: Sequence[K]) -> QuantizedVectors:
        """Return the rows of keys that are there as they are kept, to save them."""
        ...

    def __len__(self) -> int: ...
    def __contains__(self, key: object) -> bool: ...
    def __iter__(self) -> Iterator[K]: ...


class ExactIndex(Generic[K]):
    """A growing matrix of rows; a search is one matrix product.

    Rows are stored as `QuantizedVectors`, whose last ``tail`` numbers are a part of their own:
    `rows` returns what is stored, and a search is exact for that. Adding a key is amortised O(d),
    and removing one O(d): the last row takes its place.

    >>> index = ExactIndex()
    >>> index.add(["x", "y"], np.eye(2, dtype=np.float32))
    >>> index.search(np.array([[0.1, 0.9]], np.float32), 1)
    [['y']]
    """

    def __init__(self, tail: int = 0) -> None:
        self._keys: list[K] = []
        self._places: dict[K, int] = {}
        self._matrix = QuantizedVectors.empty(0, 0, tail)

    @classmethod
    def of(cls, keys: Sequence[K], kept: QuantizedVectors) -> "ExactIndex[K]":
        """Return an index of keys with these rows, which are then its own."""
        self = cls()
        self._keys, self._matrix = list(keys), kept
        self._places = dict(zip(self._keys, range(len(kept)), strict=True))
        return self

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self)} keys>"

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, key: object) -> bool:
        return key in self._places

    def __iter__(self) -> Iterator[K]:
        return iter(self._keys)

    def add(self, keys: Sequence[K], vectors: Vectors) -> None:
        """Add keys that are not there yet, with their rows: float32 [len(keys), d]."""
        if len(keys) != len(vectors):
            raise ValueError(f"{len(keys)} keys, vectors of shape {vectors.shape}")
        old, new = len(self._keys), len(self._keys) + len(keys)
        if new > len(self._matrix):
            grown = QuantizedVectors.empty(max(new, 2 * old), vectors.shape[1], self._matrix.tail)
            if old:
                grown.put(slice(old), self._matrix.take(slice(old)))
            self._matrix = grown
        self._matrix.put(slice(old, new), QuantizedVectors.of(vectors, self._matrix.tail))
        self._keys.extend(keys)
        self._places.update(zip(keys, range(old, new), strict=True))

    def remove(self, key: K) -> None:
        """Remove a key that is there."""
        place, last = self._places.pop(key), self._keys.pop()
        end = len(self._keys)
        if place < end:
            self._matrix.put(slice(place, place + 1), self._matrix.take(slice(end, end + 1)))
            self._keys[place] = last
            self._places[last] = place

    def rows(self, keys: Sequence[K]) -> Vectors:
        """Return the rows of keys that are there: float32 [len(keys), d]."""
        return self.kept(keys).vectors()

    def kept(self, keys: Sequence[K]) -> QuantizedVectors:
        """Return the rows of keys that are there as they are kept, to save them."""
        places = np.array([self._places[key] for key in keys], np.intp)
        return self._matrix.take(places)

    def search(self, queries: Vectors, n: int, among: Iterable[K] | None = None) -> list[list[K]]:
        """Return for each query [Q, d] the ``n`` keys of the largest dot products, best first;
        of those ``among`` if given, which must be there.

        O(Q · len(self) · d) in time. The rows of keys that are given are copied.
        """
        keys, rows = self._keys, self._matrix.take(slice(len(self._keys)))
        if among is not None:
            places = np.unique(np.fromiter((self._places[key] for key in among), np.intp))
            keys, rows = [keys[place] for place in places.tolist()], rows.take(places)
        return [[keys[place] for place in best] for best in rows.nearest(queries, n).tolist()]
