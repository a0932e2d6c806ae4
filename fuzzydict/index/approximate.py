"""An index for many keys: binary codes propose entries, whose vectors then decide."""

from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from fuzzydict.progress import Progress

if TYPE_CHECKING:
    from fuzzydict.index.binary_codes import BinaryCodes

__all__ = ["ApproximateIndex", "IndexKind", "check_kind"]

Vectors = NDArray[np.float32]
Places = NDArray[np.intp]
IndexKind = Literal["auto", "exact", "approximate"]

_MANY = 200_000  # entries from which on "auto" is approximate
_FEW = 16_384  # entries that are compared exactly in the same time
_PROPOSED = 16  # entries proposed for each candidate: of the 64 best 9 in 10 are then among them
_MIN_PROPOSED = 512
_SAMPLED = 1 << 14  # vectors that determine the directions of the codes
_GROWN = 4  # times as many vectors need other directions
_BATCH = 1 << 14  # vectors in memory at once


def check_kind(kind: object) -> None:
    """Raise ``ValueError`` for what is no kind of index."""
    if kind not in ("auto", "exact", "approximate"):
        raise ValueError(f'index must be "auto", "exact" or "approximate", got {kind!r}')


class _Entries(Protocol):
    """A growing table of vectors, such as a `fuzzydict.ranking.table.KeyTable`."""

    def __len__(self) -> int: ...
    def vectors(self, places: range, /) -> Vectors:
        """Return vectors: float32 [n, width]."""
        ...


class ApproximateIndex:
    """Proposes the entries of a table whose dot products with a query are probably largest.

    It is used for ``kind`` "approximate", and for "auto" from 200,000 entries on.
    """

    def __init__(self, entries: _Entries, kind: IndexKind) -> None:
        check_kind(kind)
        self._entries, self._kind = entries, kind
        self._codes: BinaryCodes | None = None  # of all vectors, once they are needed
        self._size = 0  # entries that have a code
        self._sampled = 0  # entries when the directions were chosen

    @property
    def is_used(self) -> bool:
        """Do binary codes propose the candidates?"""
        many = self._kind == "auto" and len(self._entries) >= _MANY
        return self._kind == "approximate" or many

    def remove(self, place: int) -> None:
        """Follow the table, whose last entry took the place of one that was removed. O(1)."""
        last = len(self._entries)
        if self._codes is not None and place < self._size:
            if last < self._size:
                self._codes.move(last, place)
                self._size -= 1
            else:  # the last entry has no code yet
                self._codes.put(place, self._entries.vectors(range(place, place + 1)))

    def propose(self, query: Vectors, n: int) -> Places | None:
        """Return places of entries for ``n`` candidates of a query, [width]; None for all.

        O(len(entries)), a tenth of the time of all dot products. The first call encodes all
        vectors in O(len(entries) · width).
        """
        proposed = max(_PROPOSED * n, _MIN_PROPOSED)
        few = len(self._entries) <= max(_FEW, _PROPOSED * proposed)
        if not self.is_used or few or not np.isfinite(query).all():
            return None
        return self._up_to_date().nearest(query, proposed, len(self._entries))

    def _up_to_date(self) -> "BinaryCodes":
        """Return the codes of all entries, with directions that a quarter of them or more chose."""
        from fuzzydict.index.binary_codes import BinaryCodes

        count, codes = len(self._entries), self._codes
        if codes is None or count > _GROWN * self._sampled:
            sample = range(0, count, -(-count // _SAMPLED))
            codes, self._size, self._sampled = BinaryCodes(self._entries.vectors(sample)), 0, count
            self._codes = None
        with Progress("index", count - self._size) as step:
            for start in range(self._size, count, _BATCH):
                part = range(start, min(start + _BATCH, count))
                codes.put(start, self._entries.vectors(part))
                step(len(part))
        self._codes, self._size = codes, count
        return codes
