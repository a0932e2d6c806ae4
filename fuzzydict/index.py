"""Candidates: the keys with the largest dot products, without scoring them all.

`Index` is the protocol; `ExactIndex` looks at every row and is the truth for any other.
`fuzzydict.approximate` has one for millions of keys, and `AutoIndex` goes over to it.
"""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["AutoIndex", "ExactIndex", "Index", "make_index"]

Vectors = NDArray[np.float32]
K = TypeVar("K", bound=Hashable)

_MANY_KEYS = 200_000
_PRODUCTS_AT_ONCE = 1 << 18
_IN_CACHE = 1 << 22  # numbers of a matrix
_ONE_THREAD = 1 << 18  # numbers of a matrix for which BLAS wakes no other thread
_QUERIES_AT_ONCE = 16


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

    def __len__(self) -> int: ...
    def __contains__(self, key: object) -> bool: ...
    def __iter__(self) -> Iterator[K]: ...


class ExactIndex(Generic[K]):
    """A growing matrix of rows; a search is one matrix product.

    Adding a key is amortised O(d), and removing one O(d): the last row takes its place.

    >>> index = ExactIndex()
    >>> index.add(["x", "y"], np.eye(2, dtype=np.float32))
    >>> index.search(np.array([[0.1, 0.9]], np.float32), 1)
    [['y']]
    """

    def __init__(self) -> None:
        self._keys: list[K] = []
        self._rows: dict[K, int] = {}
        self._matrix: Vectors = np.empty((0, 0), np.float32)

    def __repr__(self) -> str:
        return f"<ExactIndex: {len(self)} keys>"

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

    def search(self, queries: Vectors, n: int, among: Iterable[K] | None = None) -> list[list[K]]:
        """Return for each query [Q, d] the ``n`` keys of the largest dot products, best first;
        of those ``among`` if given, which must be there.

        The product is made in blocks: O(Q · len(self) · d) in time, about 20 MB of memory beside
        8 bytes for each key among those given.
        """
        rows = None
        if among is not None:
            rows = np.unique(np.fromiter((self._rows[key] for key in among), np.intp))
        found = _nearest(queries, self._matrix[: len(self._keys)], n, rows)
        return [[self._keys[row] for row in best] for best in found.tolist()]


class AutoIndex(Generic[K]):
    """An `ExactIndex` that becomes an `ApproximateIndex` where its searches would take long.

    From 200,000 keys on, where a graph answers about ten times as fast; its repr says which it is.
    Without voyager, the extra ``[ann]``, it stays exact.
    """

    def __init__(self) -> None:
        self._index: Index[K] = ExactIndex()

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
        if len(self) >= _MANY_KEYS and isinstance(self._index, ExactIndex):
            with suppress(ImportError):
                from fuzzydict.approximate import ApproximateIndex

                self._index = ApproximateIndex(self._index)

    def remove(self, key: K) -> None:
        """Remove a key that is there."""
        self._index.remove(key)

    def rows(self, keys: Sequence[K]) -> Vectors:
        """Return the rows of keys that are there: float32 [len(keys), d]."""
        return self._index.rows(keys)

    def search(self, queries: Vectors, n: int, among: Iterable[K] | None = None) -> list[list[K]]:
        """Return for each query [Q, d] the ``n`` keys of the largest dot products, best first."""
        return self._index.search(queries, n, among)


def make_index(kind: str) -> Index[Any]:
    """Return an empty index: "exact", "approximate", or "auto", first the one and then the other.

    ``ValueError`` for another name, ``ImportError`` where an approximate one lacks its library.
    """
    if kind == "approximate":
        from fuzzydict.approximate import ApproximateIndex

        return ApproximateIndex()
    kinds: dict[str, type[Index[Any]]] = {"auto": AutoIndex, "exact": ExactIndex}
    if kind not in kinds:
        raise ValueError(f'an index is "auto", "exact" or "approximate", not {kind!r}')
    return kinds[kind]()


def _nearest(
    queries: Vectors, matrix: Vectors, n: int, among: NDArray[np.intp] | None
) -> NDArray[np.intp]:
    """Return the rows of the largest dot products with each query, the earlier of equal ones
    first: [Q, n]."""
    count = len(matrix) if among is None else len(among)
    n = min(n, count)
    result = np.empty((len(queries), n), np.intp)
    if not n:
        return result
    for begin in range(0, len(queries), _QUERIES_AT_ONCE):
        asked = queries[begin : begin + _QUERIES_AT_ONCE]
        step = max(_PRODUCTS_AT_ONCE // len(asked), 1)
        best, rows = _best(asked, matrix, n, among, slice(0, min(count, step)))
        for start in range(step, count, step):
            more = _best(asked, matrix, n, among, slice(start, min(start + step, count)))
            best, rows = np.hstack([best, more[0]]), np.hstack([rows, more[1]])
            best, rows = _sorted(best, rows, n)
        result[begin : begin + len(asked)] = rows
    return result


def _best(
    queries: Vectors, matrix: Vectors, n: int, among: NDArray[np.intp] | None, block: slice
) -> tuple[Vectors, NDArray[np.intp]]:
    """Return the ``n`` largest products of a block of rows, or all if fewer, and their rows."""
    products = _products(queries, matrix[block] if among is None else matrix[among[block]])
    size = products.shape[1]
    top = np.arange(size)[None].repeat(len(queries), 0) if n >= size else _largest(products, n)
    best = np.take_along_axis(products, top, 1)
    return _sorted(best, block.start + top if among is None else among[block][top], n)


def _products(queries: Vectors, rows: Vectors) -> Vectors:
    """Return queries @ rows.T, for one query without waking BLAS's pool of threads.

    That can take longer than the product of 10,000 rows. BLAS does small products on one thread;
    large ones are bound by memory, where NumPy's own loop is as fast.
    """
    if len(queries) > 1:
        return queries @ rows.T
    product = np.empty((1, len(rows)), np.float32)
    if rows.size > _IN_CACHE:
        np.einsum("ij,j->i", rows, queries[0], out=product[0])
        return product
    step = max(_ONE_THREAD // rows.shape[1], 1)
    for start in range(0, len(rows), step):
        product[0, start : start + step] = rows[start : start + step] @ queries[0]
    return product


def _sorted(best: Vectors, rows: NDArray[np.intp], n: int) -> tuple[Vectors, NDArray[np.intp]]:
    order = np.lexsort((rows, -best))[:, :n]
    return np.take_along_axis(best, order, 1), np.take_along_axis(rows, order, 1)


def _largest(products: Vectors, n: int) -> NDArray[np.intp]:
    """Return the columns of the ``n`` largest of each row, the earlier of equal ones: [Q, n]."""
    top = np.argpartition(products, -n, axis=1)[:, -n:]
    least = np.take_along_axis(products, top, 1).min(axis=1, keepdims=True)
    for i in np.flatnonzero((products >= least).sum(axis=1) > n):  # equal ones at the border
        above, equal = products[i] > least[i], products[i] == least[i]
        top[i] = np.append(np.flatnonzero(above), np.flatnonzero(equal))[:n]
    return top
