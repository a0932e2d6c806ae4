"""Candidates: the keys with the largest dot products, without scoring them all.

`Index` is the protocol; `ExactIndex` looks at every row and is the truth for any other.
"""

from collections.abc import Hashable, Iterator, Sequence
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

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

    def search(self, query: Vectors, n: int) -> list[K]:
        """Return the ``n`` keys of the largest dot products with the vector [d], best first."""
        ...

    def rows(self, keys: Sequence[K]) -> Vectors:
        """Return the rows of keys that are there: float32 [len(keys), d]."""
        ...

    def __len__(self) -> int: ...
    def __contains__(self, key: object) -> bool: ...
    def __iter__(self) -> Iterator[K]: ...


class ExactIndex(Generic[K]):
    """A growing matrix of rows; a search is one matrix-vector product.

    Adding a key is amortised O(d), and removing one O(d): the last row takes its place.

    >>> index = ExactIndex()
    >>> index.add(["x", "y"], np.eye(2, dtype=np.float32))
    >>> index.search(np.array([0.1, 0.9], np.float32), 1)
    ['y']
    """

    def __init__(self) -> None:
        self._keys: list[K] = []
        self._rows: dict[K, int] = {}
        self._matrix: Vectors = np.empty((0, 0), np.float32)

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, key: object) -> bool:
        return key in self._rows

    def __iter__(self) -> Iterator[K]:
        return iter(self._keys)

    def add(self, keys: Sequence[K], vectors: Vectors) -> None:
        """Add keys that are not there yet, with their rows: float32 [len(keys), d]."""
        old, new = len(self._keys), len(self._keys) + len(keys)
        if new > len(self._matrix):
            grown = np.empty((max(new, 2 * old), vectors.shape[1]), np.float32)
            if old:
                grown[:old] = self._matrix[:old]
            self._matrix = grown
        self._matrix[old:new] = vectors
        self._keys.extend(keys)
        self._rows.update(zip(keys, range(old, new), strict=True))

    def remove(self, key: K) -> None:
        """Remove a key that is there."""
        row, last = self._rows.pop(key), self._keys.pop()
        if row < len(self._keys):
            self._matrix[row] = self._matrix[len(self._keys)]
            self._keys[row] = last
            self._rows[last] = row

    def rows(self, keys: Sequence[K]) -> Vectors:
        """Return the rows of keys that are there: float32 [len(keys), d]."""
        return self._matrix[[self._rows[key] for key in keys]]

    def search(self, query: Vectors, n: int) -> list[K]:
        """Return the ``n`` keys of the largest dot products with the vector [d], best first."""
        if n >= len(self._keys):
            return list(self._keys)
        products = self._matrix[: len(self._keys)] @ query
        nearest = np.argpartition(products, -n)[-n:]
        nearest = nearest[np.argsort(-products[nearest], kind="stable")]
        return [self._keys[row] for row in nearest.tolist()]
