"""An index for millions of keys: signs of the rows propose candidates, and the rows rank them."""

from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from fuzzydict.index.binary_codes import BinaryCodes
from fuzzydict.index.exact import ExactIndex
from fuzzydict.progress import Progress

__all__ = ["ApproximateIndex"]

Vectors = NDArray[np.float32]
K = TypeVar("K", bound=Hashable)

_FEW_KEYS = 10_000  # of so few every row is looked at in the same time
_PROPOSED = 16  # rows for each that is sought: of the 64 best 9 in 10 are then among them
_LEAST = 512  # rows that are proposed: of a thousand best rows 4 are not among them
_SAMPLED = 1 << 14  # rows that tell the directions of all
_GROWN = 4  # times as many rows as told them have others
_AT_ONCE = 1 << 14  # rows that are in memory a second time


class ApproximateIndex(ExactIndex[K]):
    """An index of which a search looks at `BinaryCodes` of the rows, and then at few of the rows.

    Signs only propose keys: the rows rank them. They alone are asked where there are at most 10,000
    keys, or not many more than are sought, and for the best of given keys. ``exact`` may hold keys
    already; its rows are then this index's own.

    >>> index = ApproximateIndex()
    >>> index.add(["x", "y"], np.eye(2, dtype=np.float32))
    >>> index.search(np.array([[0.1, 0.9]], np.float32), 1)
    [['y']]
    """

    def __init__(self, exact: ExactIndex[K] | None = None) -> None:
        super().__init__()
        if exact is not None:
            vars(self).update(vars(exact))
        self._signs: BinaryCodes | None = None  # of all rows, or not made yet
        self._sampled = 0  # rows that there were when the directions were told

    def add(self, keys: Sequence[K], vectors: Vectors) -> None:
        """Add keys that are not there yet, with their rows: float32 [len(keys), d].

        ``ValueError`` where the square of a row is not finite: then none is added.
        """
        squares = np.einsum("ij,ij->i", vectors, vectors)
        if not np.isfinite(squares).all():
            key = keys[int(np.argmin(np.isfinite(squares)))]
            raise ValueError(f"the row of {key!r} has NaN, infinity, or numbers near to it")
        if self._signs is not None:
            self._signs.put(len(self), vectors)
        super().add(keys, vectors)

    def remove(self, key: K) -> None:
        """Remove a key that is there."""
        place = self._places[key]
        super().remove(key)
        if self._signs is not None:
            self._signs.move(len(self), place)

    def search(self, queries: Vectors, n: int, among: Iterable[K] | None = None) -> list[list[K]]:
        """Return for each query [Q, d] ``n`` keys of the largest dot products, best first; of
        those ``among`` if given, which must be there.

        Some of the largest may be missed, but not among given keys. O(Q · len(self)) in time, of
        which a row takes a tenth of what its product would; the first search of many keys makes
        the signs of all in O(len(self) · d).
        """
        proposed = max(_PROPOSED * n, _LEAST)
        few = len(self) <= max(_FEW_KEYS, _PROPOSED * proposed)
        if few or among is not None or not np.isfinite(queries).all():
            return super().search(queries, n, among)
        signs, result = self._synced_ranker(), []
        for query in queries:
            places = signs.nearest(query, proposed, len(self))
            best = self._matrix.take(places).nearest(query[None], n)[0]
            result.append([self._keys[place] for place in places[best].tolist()])
        return result

    def _synced_ranker(self) -> BinaryCodes:
        """Return the signs of all rows, in directions that a quarter of them or more told."""
        if self._signs is None or len(self) > _GROWN * self._sampled:
            self._signs, count = None, len(self)
            signs = BinaryCodes(self._matrix.take(slice(0, count, -(-count // _SAMPLED))).vectors())
            with Progress("index", count) as step:
                for start in range(0, count, _AT_ONCE):
                    rows = self._matrix.take(slice(start, min(start + _AT_ONCE, count)))
                    signs.put(start, rows.vectors())
                    step(len(rows))
            self._signs, self._sampled = signs, count
        return self._signs
