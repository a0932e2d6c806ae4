"""What a score is worth: cosines on the scale of the default model, logits by labelled pairs.

The score was fitted on the default model's cosines. Those of another embedder lie elsewhere: most
sentence transformers give 0.2 to two texts that have nothing in common. The keys of a dictionary
are mostly unrelated, so the mean and the spread of the cosines between them show where its zero is.
Where a user has labelled pairs, they tell the rest.
"""

import math
import zlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fuzzydict.forking import matrix_product
from fuzzydict.text.tokens import plain

__all__ = [
    "TRAINED_PRIOR",
    "Background",
    "Calibration",
    "Scale",
    "beside_null",
    "fit",
    "prior_shift",
]

Floats = NDArray[np.float32]

_SAMPLE = 128
_MEAN, _SPREAD = 0.03, 0.13  # of the default model's cosines between keys of one dictionary
_PRIOR = (0.25, 0.13, 10.0)  # of sentence transformers; worth so many keys


TRAINED_PRIOR = 0.6  # share of the lookups the scorer was fitted on that have a matching key


def prior_shift(prior: float | None) -> float:
    """Return what a prior adds to the logits of all keys, by Bayes' rule.

    ``prior`` is the share of queries that have a matching key, None for that of the lookups that
    the scorer was fitted on.

    >>> prior_shift(0.6), prior_shift(0.1) < 0
    (0.0, True)
    """
    if prior is None:
        return 0.0
    odds = (prior / (1 - prior)) / (TRAINED_PRIOR / (1 - TRAINED_PRIOR))
    return round(math.log(odds), 12)


class Scale(NamedTuple):
    """A cosine c counts as ``slope * c + offset`` of the default model's, at most 1."""

    slope: float = 1.0
    offset: float = 0.0

    def __call__(self, cosines: Floats) -> Floats:
        """Return what the cosines count as."""
        scaled: Floats = np.clip(self.slope * cosines + np.float32(self.offset), -1.0, 1.0)
        return scaled


class Calibration(NamedTuple):
    """What labelled pairs teach: a logit z counts as ``slope * z + shift`` (Platt, 1999), and
    cosines count as ``scale`` says after all else."""

    slope: float = 1.0
    shift: float = 0.0
    scale: Scale = Scale()

    def __call__(self, logits: Floats) -> Floats:
        """Return what the logits count as."""
        return (self.slope * logits + self.shift).astype(np.float32)


def fit(
    lookups: Sequence[tuple[Floats, int | None]], prior: float = 4.0
) -> tuple[Calibration, float]:
    """Return the slope and shift of the logits that make labelled lookups most probable.

    A lookup is the logits of its candidates, [C], and the place of the right one, or None where the
    null key, of logit 0, is right. The likelihood is concave in both; Newton's method with a
    penalty of ``prior`` nats for a change of 1 from the slope 1 and the shift 0, so that few pairs
    move little. Returned with the cross-entropy that is left, in nats, the penalty included.
    """
    theta = np.array([1.0, 0.0])
    for _ in range(20):
        gradient = -prior * (theta - (1.0, 0.0))
        curvature = prior * np.eye(2)
        for logits, right in lookups:
            finite = logits[np.isfinite(logits)].astype(np.float64)
            shares = beside_null(theta[0] * finite + theta[1])
            inputs = np.stack([finite, np.ones_like(finite)])  # (2, C)
            mean = matrix_product(inputs, shares)
            if right is not None and np.isfinite(logits[right]):
                gradient += (float(logits[right]), 1.0)
            gradient -= mean
            curvature += matrix_product(inputs * shares, inputs.T) - np.outer(mean, mean)
        step = np.linalg.solve(curvature, gradient)
        theta += step * min(1.0, 1.0 / float(np.abs(step).max() + 1e-12))
        theta[0] = max(theta[0], 0.05)
        if np.abs(step).max() < 1e-6:
            break
    left = prior / 2 * float(((theta - (1.0, 0.0)) ** 2).sum())
    for logits, right in lookups:
        shares = beside_null(theta[0] * logits.astype(np.float64) + theta[1])
        left -= float(np.log(max(shares[right] if right is not None else 1 - shares.sum(), 1e-9)))
    return Calibration(float(theta[0]), float(theta[1])), left


def beside_null(logits: NDArray[Any]) -> NDArray[Any]:
    """Return the attention [n] to keys of these logits beside the null key, whose logit is 0."""
    top = max(float(logits.max(initial=0.0)), 0.0)
    powers = np.exp(logits - top)
    shares: NDArray[Any] = powers / (powers.sum() + math.exp(-top))
    return shares


class Background:
    """A fixed sample of the keys, the same one in whatever order they came, and its cosines."""

    def __init__(self) -> None:
        self._sample: list[tuple[int, str]] = []  # sorted
        self._scale: Scale | None = None
        self._is_fixed = False

    @classmethod
    def of(cls, scale: Scale) -> "Background":
        """Return the background of keys whose scale is known."""
        self = cls()
        self._scale, self._is_fixed = scale, True
        return self

    def add(self, keys: Iterable[str]) -> None:
        """Let new keys into the sample. O(log 128) for a key that stays out of it."""
        if self._is_fixed:
            return
        numbered = ((_checksum(key), key) for key in keys)
        last = self._sample[-1] if len(self._sample) == _SAMPLE else None
        new = [item for item in numbered if last is None or item < last]
        if new:
            import heapq

            self._sample = heapq.nsmallest(_SAMPLE, self._sample + new)
            self._scale = None

    def discard(self, key: str, rest: Callable[[], Iterable[str]]) -> None:
        """Let a key go; ``rest`` gives the keys that are left, to fill its place."""
        item = (_checksum(key), key)
        if item in self._sample:
            self._sample, self._scale = [], None
            self.add(rest())

    def scale(self, rows: Callable[[Sequence[str]], Floats]) -> Scale:
        """Return the scale, from ``rows`` of keys, [n, d] of unit length."""
        if self._scale is None:
            vectors = rows([key for _, key in self._sample])
            cosines = matrix_product(vectors, vectors.T)[np.triu_indices(len(vectors), 1)]
            mean, spread, weight = _PRIOR
            n = len(vectors)
            if len(cosines):
                mean = (weight * mean + n * float(cosines.mean())) / (weight + n)
                spread = (weight * spread + n * float(cosines.std())) / (weight + n)
            slope = _SPREAD / max(spread, 0.02)
            self._scale = Scale(slope, _MEAN - slope * mean)
        return self._scale


def _checksum(key: str) -> int:
    return zlib.crc32(plain(key).encode("utf-8", "surrogatepass"))
