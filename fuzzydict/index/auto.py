"""The choice of an index: exact for few keys, approximate for many."""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Generic, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from fuzzydict.index.approximate import ApproximateIndex
from fuzzydict.index.exact import ExactIndex, Index
from fuzzydict.index.quantized import QuantizedVectors

__all__ = ["AutoIndex", "IndexKind", "make_index"]

Vectors = NDArray[np.float32]
K = TypeVar("K", bound=Hashable)
IndexKind = Literal["auto", "exact", "approximate"]

_MANY_KEYS = 200_000


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
            from fuzzydict.index.approximate import ApproximateIndex

            self._index = ApproximateIndex(self._index)

    def remove(self, key: K) -> None:
        """Remove a key that is there."""
        self._index.remove(key)

    def rows(self, keys: Sequence[K]) -> Vectors:
        """Return the rows of keys that are there: float32 [len(keys), d]."""
        return self._index.rows(keys)

    def kept(self, keys: Sequence[K]) -> QuantizedVectors:
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
        return ApproximateIndex(exact)
    if kind not in ("auto", "exact"):
        raise ValueError(f'index must be "auto", "exact" or "approximate", got {kind!r}')
    return exact if kind == "exact" else AutoIndex(exact)
