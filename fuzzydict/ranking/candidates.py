"""The keys that were scored for a query, and their probabilities."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Candidates", "ScoredEntries"]

Floats = NDArray[np.float32]


class ScoredEntries(NamedTuple):
    """The entries that were scored for a query, in no order."""

    query: str
    places: list[int]  # in the table
    flags: list[int]
    logits: Floats  # -inf where a built-in guard vetoes the entry
    unguarded: Floats
    vector: Floats  # of the query: meaning and spelling


class Candidates(NamedTuple):
    """Keys that a query may mean with their logits. The logit of the null key (no match) is 0."""

    keys: list[str]
    logits: Floats  # (len(keys),) -inf for keys that a guard vetoes
    cosines: Floats | None = None  # (len(keys),) of the meanings, if wanted

    def probabilities(self) -> list[float]:
        """Return softmax of the logits and the null key's 0, without the share of the null key."""
        logits = self.logits.tolist()
        top = max([0.0, *logits])
        powers = [math.exp(logit - top) for logit in logits]
        total = sum(powers, math.exp(-top))
        return [power / total for power in powers]

    def order(self) -> list[int]:
        """Return the places of the keys, best first; equal ones in alphabetical order."""
        ranked = sorted(zip((-self.logits).tolist(), self.keys, range(len(self.keys)), strict=True))
        return [place for _, _, place in ranked]

    def best(self, n: int) -> list[tuple[str, float]]:
        """Return the ``n`` best keys with their probabilities, without those that are vetoed."""
        shares = self.probabilities()
        return [
            (self.keys[place], shares[place]) for place in self.order()[:n] if shares[place] > 0
        ]
