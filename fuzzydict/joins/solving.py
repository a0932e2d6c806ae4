"""Which of the scored pairs a join returns: a cutoff, labelled pairs, one-to-one assignment."""

from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np

from fuzzydict.joins.candidates import Ints
from fuzzydict.joins.matching import CERTAIN, Floats, Matcher, Pairs, context, final_logits, sigmoid
from fuzzydict.joins.precision import (
    Report,
    choose_cutoff,
    labelled_correction,
    prior_correction,
)
from fuzzydict.text.tokens import words

__all__ = ["Options", "Problem", "Solution", "assign"]

Unit = tuple[Hashable, ...]  # a value, and those of the exact columns of its row

_N_NEGATIVES = 250  # keys that are looked up among the other keys
_N_SAMPLE = 100_000  # left values whose tokens are counted
_STEP = 1e-4  # by which a bid exceeds the second best offer


class Options(NamedTuple):
    """What the user demands of a join."""

    precision: float = 0.95
    cutoff: float | None = None
    n: int = 1
    one_to_one: bool = False
    labels: Sequence[tuple[Hashable, Hashable]] = ()


class Solution(NamedTuple):
    """The pairs of a join, sorted by left unit, best first."""

    left: Ints  # (M,)
    right: Ints  # (M,)
    scores: Floats  # (M,) probabilities
    report: Report


class Problem:
    """Distinct left values that are to be matched with distinct right ones.

    Args:
        left: Units whose values are not missing, all different.
        right: The same.
        d: A `FuzzyDict` that has the right texts.
        options: What to return.
    """

    def __init__(
        self, left: Sequence[Unit], right: Sequence[Unit], d: Any, options: Options
    ) -> None:
        self.options, self._n_left, self._n_right = options, len(left), len(right)
        place_of = {unit: place for place, unit in enumerate(right)}
        self._equal = [
            (i, place_of[unit])
            for i, unit in enumerate(left)
            if not isinstance(unit[0], str) and unit in place_of
        ]
        self._left = np.array([i for i, u in enumerate(left) if isinstance(u[0], str)], np.int64)
        self._right = np.array([i for i, u in enumerate(right) if isinstance(u[0], str)], np.int64)
        self._queries: list[str] = [left[i][0] for i in self._left]
        keys: list[str] = [right[i][0] for i in self._right]
        blocks: dict[Unit, int] = {}
        self._key_blocks, self._blocks = (
            np.array([blocks.setdefault(units[i][1:], len(blocks)) for i in places], np.int64)
            for units, places in ((right, self._right), (left, self._left))
        )
        sample = self._queries[:: max(1, len(self._queries) // _N_SAMPLE)]
        self._matcher = Matcher(keys, sample, d, self._key_blocks)
        self._guards = d._synced_ranker().guards.custom
        self._labels: dict[int, int | None] = {}
        if options.labels:
            self._set_labels(keys)

    def _set_labels(self, keys: Sequence[str]) -> None:
        wanted: dict[str, Any] = {
            value: key for value, key in self.options.labels if isinstance(value, str)
        }
        place_of = {pair: i for i, pair in enumerate(zip(keys, self._key_blocks, strict=True))}
        for i, query in enumerate(self._queries):
            if query in wanted:
                self._labels[i] = place_of.get((wanted[query], self._blocks[i]))

    def pairs(self, first: int = 0, step: int = 1) -> Pairs:
        """Return the candidates of every ``step``-th left text with their logits."""
        part = slice(first, None, step)
        found = self._matcher.pairs(self._queries[part], self._blocks[part])
        return found._replace(queries=found.queries * step + first)

    def solve(self, parts: Sequence[Pairs]) -> Solution:
        """Return the pairs of the join, by the candidates of all left texts."""
        pairs = Pairs(*map(np.concatenate, zip(*parts, strict=True)))
        n_queries, n_keys = len(self._queries), len(self._right)
        logits = final_logits(pairs, context(pairs, n_queries, n_keys))
        order = np.lexsort((pairs.keys, -logits, pairs.queries))
        pairs = Pairs(pairs.queries[order], pairs.keys[order], logits[order])
        best = _first(pairs.queries)
        shift = prior_correction(pairs.logits[best], n_queries)
        if self._labels:
            known = best[np.isin(pairs.queries[best], list(self._labels))]
            right = [self._labels[pairs.queries[p]] == pairs.keys[p] for p in known]
            shift = labelled_correction(pairs.logits[known], right, shift)
        negatives = np.empty(0)
        if self.options.cutoff is None:
            negatives = self._negatives(pairs, shift)
        pairs = self._with_labels(self._allowed(pairs))
        scores = _scores(pairs.logits, shift)
        if self.options.one_to_one:
            assigned = assign(pairs.queries, pairs.keys, scores)
            pairs, scores = pairs.at(assigned), scores[assigned]
        best = _first(pairs.queries)
        report = choose_cutoff(
            scores[best], negatives, n_queries, self.options.precision, self.options.cutoff
        )
        return self._chosen(pairs, scores, report)

    def _chosen(self, pairs: Pairs, scores: Floats, report: Report) -> Solution:
        rank = np.arange(len(scores)) - np.searchsorted(pairs.queries, pairs.queries)
        chosen = np.flatnonzero((scores >= report.cutoff) & (rank < self.options.n))
        equal = np.array(self._equal, np.int64).reshape(-1, 2).T
        left = np.concatenate([self._left[pairs.queries[chosen]], equal[0]])
        right = np.concatenate([self._right[pairs.keys[chosen]], equal[1]])
        score = np.concatenate([scores[chosen], np.ones(len(self._equal))])
        order = np.lexsort((right, -score, left))
        return Solution(left[order], right[order], score[order], report)

    def _negatives(self, pairs: Pairs, shift: float) -> Floats:
        """Return the score of the best other key for each key of a sample."""
        keys = self._matcher.keys
        sample = np.arange(0, len(keys), max(1, len(keys) // _N_NEGATIVES))[:_N_NEGATIVES]
        texts = [keys[i] for i in sample]
        found = self._matcher.pairs(texts, self._key_blocks[sample], but_itself=True)
        best = np.zeros(len(sample))
        logits = final_logits(found, context(found, len(sample), len(keys), rivals=pairs))
        np.maximum.at(best, found.queries, _scores(logits, shift))
        return best

    def _allowed(self, pairs: Pairs) -> Pairs:
        """Return the pairs that no guard of the user vetoes."""
        if not self._guards:
            return pairs
        kept = [
            not any(
                guard(words(self._queries[query]), words(self._matcher.keys[key]))
                for guard in self._guards
            )
            for query, key in zip(pairs.queries.tolist(), pairs.keys.tolist(), strict=True)
        ]
        return pairs.at(np.array(kept, bool))

    def _with_labels(self, pairs: Pairs) -> Pairs:
        """Return the pairs with those of labelled values replaced by their labels."""
        if not self._labels:
            return pairs
        kept = ~np.isin(pairs.queries, list(self._labels))
        found = [(i, key) for i, key in self._labels.items() if key is not None]
        one, other = np.array(found, np.int64).reshape(-1, 2).T
        queries = np.concatenate([pairs.queries[kept], one])
        keys = np.concatenate([pairs.keys[kept], other])
        logits = np.concatenate([pairs.logits[kept], np.full(len(found), CERTAIN)])
        order = np.argsort(queries, kind="stable")
        return Pairs(queries[order], keys[order], logits[order])


def assign(left: Ints, right: Ints, scores: Floats) -> Ints:
    """Return the places of the pairs of an assignment: each left and each right one once.

    The sum of its scores is the highest possible one, up to 0.0001 for each pair: an auction
    (Bertsekas, 1979), in which left ones bid for right ones.

    >>> assign(np.array([0, 0, 1]), np.array([0, 1, 0]), np.array([0.9, 0.8, 0.7])).tolist()
    [1, 2]
    """
    offers: dict[int, list[int]] = {}
    for place, bidder in enumerate(left.tolist()):
        offers.setdefault(bidder, []).append(place)
    rights, values = right.tolist(), scores.tolist()
    prices: dict[int, float] = {}
    owners: dict[int, int] = {}  # right one → place of the pair
    waiting = list(offers)
    while waiting:
        bidder = waiting.pop()
        gains = sorted(
            ((values[p] - prices.get(rights[p], 0.0), p) for p in offers[bidder]), reverse=True
        )
        gain, place = gains[0]
        if gain < 0:
            continue  # it remains alone
        second = max(gains[1][0], 0.0) if len(gains) > 1 else 0.0
        wanted = rights[place]
        prices[wanted] = prices.get(wanted, 0.0) + gain - second + _STEP
        if wanted in owners:
            waiting.append(int(left[owners[wanted]]))
        owners[wanted] = place
    return np.sort(np.fromiter(owners.values(), np.int64, len(owners)))


def _scores(logits: Floats, shift: float) -> Floats:
    return np.where(logits >= CERTAIN, 1.0, sigmoid(logits + shift))


def _first(groups: Ints) -> Ints:
    """Return the first place of each group of a sorted array."""
    return np.flatnonzero(np.append(True, groups[1:] != groups[:-1])[: len(groups)])
