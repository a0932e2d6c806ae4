"""What the cosine of an embedder is worth: its scale brought to that of the default model.

The score was fitted on the default model's cosines. Those of another embedder lie elsewhere: most
sentence transformers give 0.2 to two texts that have nothing in common. The keys of a dictionary
are mostly unrelated, so the mean and the spread of the cosines between them show where its zero is.
"""

import heapq
import zlib
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Background", "Scale"]

Floats = NDArray[np.float32]

_SAMPLE = 128
_MEAN, _SPREAD = 0.03, 0.13  # of the default model's cosines between keys of one dictionary
_PRIOR = (0.25, 0.13, 10.0)  # of sentence transformers; worth so many keys


class Scale(NamedTuple):
    """A cosine c counts as ``slope * c + offset`` of the default model's, at most 1."""

    slope: float = 1.0
    offset: float = 0.0

    def __call__(self, cosines: Floats) -> Floats:
        """Return what the cosines count as."""
        return np.clip(self.slope * cosines + np.float32(self.offset), -1.0, 1.0)


class Background:
    """A fixed sample of the keys, the same one in whatever order they came, and its cosines."""

    def __init__(self) -> None:
        self._sample: list[tuple[int, str]] = []  # sorted
        self._scale: Scale | None = None

    def add(self, keys: Iterable[str]) -> None:
        """Let new keys into the sample. O(log 128) for a key that stays out of it."""
        numbered = ((zlib.crc32(key.encode("utf-8", "surrogatepass")), key) for key in keys)
        last = self._sample[-1] if len(self._sample) == _SAMPLE else None
        new = [item for item in numbered if last is None or item < last]
        if new:
            self._sample = heapq.nsmallest(_SAMPLE, self._sample + new)
            self._scale = None

    def discard(self, key: str, rest: Callable[[], Iterable[str]]) -> None:
        """Let a key go; ``rest`` gives the keys that are left, to fill its place."""
        item = (zlib.crc32(key.encode("utf-8", "surrogatepass")), key)
        if item in self._sample:
            self._sample, self._scale = [], None
            self.add(rest())

    def scale(self, rows: Callable[[Sequence[str]], Floats]) -> Scale:
        """Return the scale, from ``rows`` of keys, [n, d] of unit length."""
        if self._scale is None:
            vectors = rows([key for _, key in self._sample])
            cosines = (vectors @ vectors.T)[np.triu_indices(len(vectors), 1)]
            mean, spread, weight = _PRIOR
            n = len(vectors)
            if len(cosines):
                mean = (weight * mean + n * float(cosines.mean())) / (weight + n)
                spread = (weight * spread + n * float(cosines.std())) / (weight + n)
            slope = _SPREAD / max(spread, 0.02)
            self._scale = Scale(slope, _MEAN - slope * mean)
        return self._scale
