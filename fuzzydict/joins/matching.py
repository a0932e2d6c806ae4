"""Scores of pairs: from evidence to the probability that two names mean the same.

Two logistic regressions with fixed weights, fitted to 34 tables of entity names by
``tests/benchmarks/join_weights.py``. The first one judges each pair on its own: TF-IDF cosine,
token evidence, and the logit of the dictionary. The second one compares a pair with its rivals:
other keys for the query, and other queries for the key.

The dictionary knows synonyms, which share no letters. Its logit alone can make a pair, but the more
keys there are, the more of them are similar by coincidence.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fuzzydict.joins.candidates import CandidateIndex, Ints
from fuzzydict.joins.names import TOKEN_FEATURES, Name, Rarity, parse, token_evidence
from fuzzydict.progress import Progress

__all__ = ["CERTAIN", "Matcher", "Pairs", "context", "final_logits", "sigmoid"]

Floats = NDArray[np.float64]

N_CANDIDATES = 5  # keys for each query from the index
_N_FROM_DICT = 2  # best keys for each query from the dictionary
_BATCH = 4096  # queries
CERTAIN = 20.0  # the logit of equal texts
_LOWEST, _HIGHEST = -6.0, 8.0  # logits are clipped to this range

FEATURES = ("cosine", *TOKEN_FEATURES, "dict_logit", "not_in_dict")
_WEIGHTS = (
    2.815, 3.702, 2.669, -0.012, -0.002, 0.068, 0.092, -1.808, 0.209, -0.333, 0.895, 0.321, 1.002,
)  # fmt: skip
_BIAS = -7.997
CONTEXT_FEATURES = ("logit", "lead_over_keys", "lead_over_queries")
_CONTEXT_WEIGHTS = (0.475, 0.488, 0.121)
_CONTEXT_BIAS = -1.195
_FEW_KEYS = 30  # for which the scores of a dictionary are calibrated
_CHANCE = 1.5  # the power of the number of keys with which coincidences grow


class Pairs(NamedTuple):
    """Scored pairs of queries and keys, sorted by query, best first."""

    queries: Ints  # (P,)
    keys: Ints  # (P,)
    logits: Floats  # (P,)

    def at(self, places: NDArray[Any]) -> "Pairs":
        """Return the pairs at these places."""
        return Pairs(self.queries[places], self.keys[places], self.logits[places])


class Matcher:
    """Scores queries against the distinct keys of a table.

    Args:
        keys: Texts; equal ones must be in different blocks.
        queries: All queries or a sample, for document frequencies.
        d: A `FuzzyDict` that has the keys.
        blocks: The block of each key: a query finds only keys of its own block.
    """

    def __init__(self, keys: Sequence[str], queries: Sequence[str], d: Any, blocks: Ints) -> None:
        self.keys, self._d = list(keys), d
        self._names = [parse(key) for key in keys]
        others = [parse(query) for query in queries]
        self._index = CandidateIndex(self._names, others)
        self._rarity = Rarity([*self._names, *others])
        self._places = {pair: i for i, pair in enumerate(zip(keys, blocks.tolist(), strict=True))}
        order = np.argsort(blocks, kind="stable")
        found, starts = np.unique(blocks[order], return_index=True)
        groups = np.split(order, starts)[1:]
        self._of_block: dict[int, Ints | None] = dict(zip(found.tolist(), groups, strict=True))
        if len(groups) == 1:  # all keys
            self._of_block = dict.fromkeys(self._of_block)

    def pairs(self, queries: Sequence[str], blocks: Ints, but_itself: bool = False) -> Pairs:
        """Return the candidates of each query with their logits, each pair on its own.

        Args:
            queries: Texts, all different within a block.
            blocks: The block of each query.
            but_itself: Leave out the key that equals the query.
        """
        parts = [Pairs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))]
        with Progress("lookups", len(queries)) as step:
            for start in range(0, len(queries), _BATCH):
                batch = slice(start, start + _BATCH)
                found, features = self.features(queries[batch], blocks[batch], but_itself)
                logits = self.judge(features)
                order = np.lexsort((found.keys, -logits, found.queries))
                parts.append(Pairs(found.queries[order] + start, found.keys[order], logits[order]))
                step(len(queries[batch]))
        return Pairs(*map(np.concatenate, zip(*parts, strict=True)))

    def features(
        self, queries: Sequence[str], blocks: Ints, but_itself: bool = False
    ) -> tuple[Pairs, Floats]:
        """Return pairs without logits, and their `FEATURES`, (P, 13); NaN for equal texts."""
        own = list(zip(queries, blocks.tolist(), strict=True))
        exact = [-1 if but_itself else self._places.get(pair, -1) for pair in own]
        inexact = np.array([i for i, place in enumerate(exact) if place < 0], np.int64)
        own = [own[i] for i in inexact]
        names = [parse(text) for text, _ in own]
        vectors = self._index.vectors(names)
        none = np.empty(0, np.int64)
        allowed = [self._of_block.get(block, none) for _, block in own]
        by_index = self._index.search(vectors, N_CANDIDATES + but_itself, allowed)
        pairs = set(zip(by_index[0].tolist(), by_index[1].tolist(), strict=True))
        logits = self._dict_logits(own)
        for i, found in enumerate(logits):
            best = sorted(found, key=lambda key: (-found[key], key))[: _N_FROM_DICT + but_itself]
            pairs.update((i, key) for key in best if found[key] > -np.inf)
        if but_itself:
            pairs = {(i, key) for i, key in pairs if self.keys[key] != own[i][0]}
        ordered = sorted(pairs)
        one, other = np.array(ordered, np.int64).reshape(-1, 2).T
        features = np.column_stack(
            [
                self._index.cosines(vectors, one, other),
                self._evidence(names, ordered),
                [min(max(logits[i].get(key, _LOWEST), _LOWEST), _HIGHEST) for i, key in ordered],
                [key not in logits[i] for i, key in ordered],
            ]
        )
        sure = [(i, place) for i, place in enumerate(exact) if place >= 0]
        places = np.array(sure, np.int64).reshape(-1, 2).T
        found_pairs = Pairs(
            np.concatenate([inexact[one], places[0]]),
            np.concatenate([other, places[1]]),
            np.empty(0),
        )
        return found_pairs, np.vstack([features, np.full((len(sure), len(FEATURES)), np.nan)])

    def logits_of_keys(self, one: Ints, other: Ints) -> Floats:
        """Return the logits of pairs of keys, without what the dictionary knows of them."""
        pairs = list(zip(one.tolist(), other.tolist(), strict=True))
        features = np.column_stack(
            [
                self._index.cosines(self._index.keys, one, other),
                self._evidence(self._names, pairs),
                np.full((len(pairs), 2), [_LOWEST, 1.0]),
            ]
        )
        return self.judge(features)

    def judge(
        self, features: Floats, weights: Sequence[float] = _WEIGHTS, bias: float = _BIAS
    ) -> Floats:
        """Return the logits of pairs by their features."""
        by_evidence = features @ np.array(weights) + bias
        chance = _CHANCE * np.log(max(len(self.keys), _FEW_KEYS) / _FEW_KEYS)
        by_dict = np.where(features[:, -1] > 0, _LOWEST, features[:, -2] - chance)
        return np.where(np.isnan(by_evidence), CERTAIN, np.maximum(by_evidence, by_dict))

    def _evidence(self, names: Sequence[Name], pairs: Sequence[tuple[int, int]]) -> Floats:
        found = [token_evidence(names[i], self._names[key], self._rarity) for i, key in pairs]
        return np.array(found, float).reshape(len(pairs), len(TOKEN_FEATURES))

    def _dict_logits(self, queries: Sequence[tuple[str, int]]) -> list[dict[int, float]]:
        """Return for each query key → logit of the dictionary, -inf where a guard vetoes the key.

        ``queries`` have a text and a block.
        """
        texts = [text for text, _ in queries]
        ranked = self._d._synced_ranker().candidates(texts) if texts else []
        return [
            {
                self._places[key, block]: logit
                for key, logit in zip(found.keys, found.logits.tolist(), strict=True)
                if (key, block) in self._places
            }
            for found, (_, block) in zip(ranked, queries, strict=True)
        ]


def sigmoid(logits: Floats) -> Floats:
    """Return the probabilities of logits."""
    return np.asarray(np.exp(-np.logaddexp(0.0, -logits)))


def final_logits(pairs: Pairs, features: Floats) -> Floats:
    """Return the logits of pairs among their rivals; equal texts remain certain."""
    logits = features @ np.array(_CONTEXT_WEIGHTS) + _CONTEXT_BIAS
    return np.where(pairs.logits >= CERTAIN, CERTAIN, logits)


def context(pairs: Pairs, n_queries: int, n_keys: int, rivals: Pairs | None = None) -> Floats:
    """Return the `CONTEXT_FEATURES` of pairs, (P, 3).

    ``rivals`` are the pairs of the queries that compete for the keys, by default these pairs.
    """
    logits = np.clip(pairs.logits, _LOWEST, _HIGHEST)
    by_key = pairs if rivals is None else rivals
    key_rivals = _best_other(pairs.queries, logits, pairs.queries, logits, n_queries, True)
    query_rivals = _best_other(
        pairs.keys, logits, by_key.keys, np.clip(by_key.logits, _LOWEST, _HIGHEST), n_keys,
        rivals is None,
    )  # fmt: skip
    return np.column_stack([logits, logits - key_rivals, logits - query_rivals])


def _best_other(
    groups: Ints, logits: Floats, others: Ints, other_logits: Floats, n: int, is_inside: bool
) -> Floats:
    """Return for each pair the highest logit of another pair of its group.

    ``is_inside``: the pairs are themselves among the others.
    """
    order = np.lexsort((-other_logits, others))
    group, sorted_logits = others[order], other_logits[order]
    first = np.searchsorted(group, np.arange(n))
    padded = np.append(sorted_logits, [_LOWEST, _LOWEST])
    size = np.bincount(others, minlength=n)
    best = np.where(size > 0, padded[first], _LOWEST)[groups]
    if not is_inside:
        return best
    second = np.where(size > 1, padded[np.minimum(first + 1, len(padded) - 1)], _LOWEST)[groups]
    return np.where(logits >= best, second, best)
