"""The cutoff for a target precision, chosen without labels.

The probabilities of pairs are corrected to the share of queries that have a partner, which is
estimated from the scores themselves by expectation maximisation (Saerens, Latinne and Decaestecker,
2002), as in the record linkage of Fellegi and Sunter (1969). Keys are free negatives (as in
Auto-FuzzyJoin, Li et al., 2021): no key means the same as another one, so the scores of keys among
the other keys show how often a query without a partner would find one. Both give an estimate of the
precision above each cutoff; of many keys the second one counts more, because it knows this table,
whereas the probabilities come from other ones.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Report", "choose_cutoff", "labelled_correction", "prior_correction"]

Floats = NDArray[np.float64]

_PRIOR = 0.5  # the match rate for which the weights were fitted
_FEW = 4.0  # queries that the prior counts as
_TRUST = 0.8  # the weight of the estimate by many negatives
_SHARE = 0.5  # of the precision that each pair must have: sure pairs do not make up for others
_FEW_NEGATIVES = 20  # with fewer of them, the negatives count less
_STEPS = 50
_STRENGTH = 0.1  # of the regularisation of labelled pairs


class Report(NamedTuple):
    """What a join expects of its result; all numbers are from 0 to 1.

    The precision is the share of the returned pairs that are right, the recall the share of the
    partners that were found. Both are estimates, and so is the match rate: the share of the left
    values that have a partner.
    """

    match_rate: float
    precision: float
    recall: float
    cutoff: float


def prior_correction(logits: Floats, n_queries: int) -> float:
    """Return what to add to the logits of pairs, by the estimated share of queries with a partner.

    Args:
        logits: Of the best pair of each query that has one.
        n_queries: The number of queries.
    """
    odds = np.exp(np.clip(logits, -30, 30))
    rate = _PRIOR
    for _ in range(_STEPS):
        ratio = rate / (1 - rate) * (1 - _PRIOR) / _PRIOR
        found = float((odds * ratio / (1 + odds * ratio)).sum())
        rate = (found + _FEW * _PRIOR) / (n_queries + _FEW)
    return float(np.log(rate / (1 - rate) * (1 - _PRIOR) / _PRIOR))


def labelled_correction(logits: Floats, is_right: Sequence[bool], start: float) -> float:
    """Return the shift of logits that fits labelled pairs, close to ``start`` if they are few."""
    labels, shift = np.array(is_right, float), start
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-(logits + shift)))
        slope = float((labels - p).sum()) - _STRENGTH * (shift - start)
        shift += slope / (float((p * (1 - p)).sum()) + _STRENGTH)
    return shift


def choose_cutoff(
    scores: Floats,
    negatives: Floats,
    n_queries: int,
    precision: float,
    cutoff: float | None = None,
) -> Report:
    """Return the lowest cutoff with the precision, and the estimates for it.

    Args:
        scores: The probability of the best pair of each query that has one.
        negatives: The scores of keys among other keys.
        n_queries: The number of queries.
        precision: The share of the accepted pairs that must be right.
        cutoff: The cutoff, if it is given.
    """
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    estimates = _precisions(ranked, negatives, n_queries)
    if cutoff is None:
        good = np.flatnonzero((estimates >= precision) & (ranked >= _SHARE * precision))
        cutoff = float(ranked[good[-1]]) if len(good) else 1.0
    accepted = int((ranked >= cutoff).sum())
    right = float(ranked.sum())
    return Report(
        match_rate=right / n_queries if n_queries else 0.0,
        precision=float(estimates[accepted - 1]) if accepted else 1.0,
        recall=float(ranked[:accepted].sum()) / right if right else 1.0,
        cutoff=cutoff,
    )


def _precisions(ranked: Floats, negatives: Floats, n_queries: int) -> Floats:
    """Return the estimated precision of the best pair, the best two, and so on."""
    counts = np.arange(1, len(ranked) + 1)
    by_scores = np.cumsum(ranked) / counts
    if not len(negatives) or not len(ranked):
        return by_scores
    low = np.median(negatives)
    n_low = n_queries - int((ranked >= low).sum())
    # Low scores of queries that do have a partner count as unmatched, so this is an upper bound.
    unmatched = n_low / max(float((negatives < low).mean()), 1 / n_queries)
    unmatched = min(unmatched, n_queries - float(ranked.sum()))
    ordered = np.sort(negatives)
    above = 1 - np.searchsorted(ordered, ranked, side="left") / len(ordered)
    by_negatives = np.clip(1 - unmatched * above / counts, 0, 1)
    weight = _TRUST * len(negatives) / (len(negatives) + _FEW_NEGATIVES)
    return (1 - weight) * by_scores + weight * by_negatives
