"""Candidates: the keys with the largest dot products, without scoring them all.

`Index` is the protocol; `ExactIndex` looks at every row and is the truth for any other.
`fuzzydict.approximate` has one for millions of keys, and `AutoIndex` goes over to it.
"""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Generic, Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from fuzzydict.rows import Rows

__all__ = ["AutoIndex", "ExactIndex", "Index", "IndexKind", "make_index"]

Vectors = NDArray[np.float32]
K = TypeVar("K", bound=Hashable)
IndexKind = Literal["auto", "exact", "approximate"]

_MANY_KEYS = 200_000


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

    def kept(self, keys: Sequence[K]) -> Rows:
        """Return the rows of keys that are there as they are kept, to save them."""
        ...

    def __len__(self) -> int: ...
    def __contains__(self, key: object) -> bool: ...
    def __iter__(self) -> Iterator[K]: ...


class ExactIndex(Generic[K]):
    """A growing matrix of rows; a search is one matrix product.

    A row is kept as one of `Rows`, of which the last ``tail`` numbers are a part: `rows` returns
    what is kept, and a search is exact for that. Adding a key is amortised O(d), and removing one
    O(d): the last row takes its place.

    >>> index = ExactIndex()
    >>> index.add(["x", "y"], np.eye(2, dtype=np.float32))
    >>> index.search(np.array([[0.1, 0.9]], np.float32), 1)
    [['y']]
    """

    def __init__(self, tail: int = 0) -> None:
        self._keys: list[K] = []
        self._places: dict[K, int] = {}
        self._matrix = Rows.empty(0, 0, tail)

    @classmethod
    def of(cls, keys: Sequence[K], kept: Rows) -> "ExactIndex[K]":
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
            grown = Rows.empty(max(new, 2 * old), vectors.shape[1], self._matrix.tail)
            if old:
                grown.put(slice(old), self._matrix.take(slice(old)))
            self._matrix = grown
        self._matrix.put(slice(old, new), Rows.of(vectors, self._matrix.tail))
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

    def kept(self, keys: Sequence[K]) -> Rows:
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


class AutoIndex(Generic[K]):
    """An `ExactIndex` that becomes an `ApproximateIndex` where its searches would take long.

    From 200,000 keys on, which cost an exact search several times as much as all else of a lookup;
    its repr says which it is. The choice depends on the number of keys alone, so that a dictionary
    gives the same answers with and without the compiled extension.
    """

    def __init__(self, exact: ExactIndex[K] | None = None) -> None:
        self._index = ExactIndex[K]() if exact is None else exact
        self._grow_up()

    def __repr__(self) -> str:
        return f"<AutoIndex: {self._index!r}>"

    def __len__(self) -> int:
        return len(self._index)

    def __contains__(self, key: object) -> bool:
        return key in self._index

    def __iter__(self) -> Iterator[K]:
        return iter(self._index)

    def add(self, keys: Sequence[K], vectors: Vectors) -> None:
        """Add keys that are not there yet, with their rows: float32 [len(keys), d]."""
        self._index.add(keys, vectors)
        self._grow_up()

    def _grow_up(self) -> None:
        if len(self) >= _MANY_KEYS and type(self._index) is ExactIndex:
            from fuzzydict.approximate import ApproximateIndex

            self._index = ApproximateIndex(self._index)

    def remove(self, key: K) -> None:
        """Remove a key that is there."""
        self._index.remove(key)

    def rows(self, keys: Sequence[K]) -> Vectors:
        """Return the rows of keys that are there: float32 [len(keys), d]."""
        return self._index.rows(keys)

    def kept(self, keys: Sequence[K]) -> Rows:
        """Return the rows of keys that are there as they are kept, to save them."""
        return self._index.kept(keys)

    def search(self, queries: Vectors, n: int, among: Iterable[K] | None = None) -> list[list[K]]:
        """Return for each query [Q, d] the ``n`` keys of the largest dot products, best first."""
        return self._index.search(queries, n, among)


def make_index(kind: str, exact: ExactIndex[K] | None = None) -> Index[K]:
    """Return an index: "exact", "approximate", or "auto", first the one and then the other.

    It begins with what is in ``exact``, which is then its own. ``ValueError`` for another name.
    """
    if exact is None:
        exact = ExactIndex()
    if kind == "approximate":
        from fuzzydict.approximate import ApproximateIndex

        return ApproximateIndex(exact)
    if kind not in ("auto", "exact"):
        raise ValueError(f'index must be "auto", "exact" or "approximate", got {kind!r}')
    return exact if kind == "exact" else AutoIndex(exact)
