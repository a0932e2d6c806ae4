"""Fits the weights of joins to the 34 tables of Auto-FuzzyJoin, and cross-validates them.

    python tests/benchmarks/join_weights.py

The first regression is fitted to the tables with all partners and with a quarter of them, and each
table counts as the square root of its number of queries. The second one is also fitted to tables
with one partner in twelve, and half of the weight of a table is that of its right pairs, whatever
their share, because a join estimates this share. Prints hit@1 on tables that were not fitted to
(five folds of tables), and the constants for ``fuzzydict/joins/matching.py``. Takes a minute and
needs scikit-learn.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from join_data import Task, autofj
from joins import hit_and_recall
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from fuzzydict import FuzzyDict
from fuzzydict.joins.matching import CERTAIN, Matcher, Pairs, context

Floats = NDArray[np.float64]
Weights = tuple[Floats, float]
FOLDS = 5
SHARES = (1.0, 0.25, 0.08)  # of the keys with a partner that are kept
FEW = 0.1  # tables with a smaller share are left out of the first regression


class Table(NamedTuple):
    """The candidates of the queries of a task, with their features."""

    task: Task
    matcher: Matcher
    pairs: Pairs
    features: Floats
    right: NDArray[np.bool_]
    share: float


def table_of(task: Task, share: float) -> Table:
    """Return the candidates of a task."""
    blocks = [np.zeros(len(texts), np.int64) for texts in (task.keys, task.queries)]
    matcher = Matcher(task.keys, task.queries, FuzzyDict(dict.fromkeys(task.keys)), blocks[0])
    pairs, features = matcher.features(task.queries, blocks[1])
    places = zip(pairs.queries.tolist(), pairs.keys.tolist(), strict=True)
    right = np.array([pair in task.pairs for pair in places])
    return Table(task, matcher, pairs, features, right, share)


def fit(parts: Sequence[tuple[Floats, NDArray[np.bool_], Floats]], c: float = 0.1) -> Weights:
    """Return the weights and the bias of a logistic regression on features, labels and weights."""
    features = np.vstack([part[0] for part in parts])
    labels = np.concatenate([part[1] for part in parts])
    weights = np.concatenate([part[2] for part in parts])
    mean, scale = features.mean(axis=0), features.std(axis=0) + 1e-9
    model = LogisticRegression(C=c, max_iter=1000)
    model.fit((features - mean) / scale, labels, sample_weight=weights)
    found = model.coef_[0] / scale
    return found, float(model.intercept_[0] - found @ mean)


def judged(table: Table, weights: Weights) -> tuple[Pairs, NDArray[np.bool_]]:
    """Return the pairs with their logits, best first for each query."""
    logits = table.matcher.judge(table.features, weights[0].tolist(), weights[1])
    pairs = table.pairs
    order = np.lexsort((pairs.keys, -logits, pairs.queries))
    return Pairs(pairs.queries[order], pairs.keys[order], logits[order]), table.right[order]


def fit_both(tables: Sequence[Table]) -> tuple[Weights, Weights]:
    """Return the weights of pairs on their own, and of the best pairs among their rivals."""
    first = fit([alone(table) for table in tables if table.share > FEW])
    return first, fit([part for table in tables if (part := among_rivals(table, first))], 10.0)


def alone(table: Table) -> tuple[Floats, NDArray[np.bool_], Floats]:
    """Return the features, labels and weights of the pairs that are not equal texts."""
    rows = ~np.isnan(table.features[:, 0])
    labels = table.right[rows]
    return table.features[rows], labels, np.full(len(labels), len(table.task.queries) ** -0.5)


def among_rivals(table: Table, first: Weights) -> tuple[Floats, NDArray[np.bool_], Floats] | None:
    """Return the same of the best pairs among their rivals; None if all are right or wrong."""
    pairs, right = judged(table, first)
    best = np.append(True, np.diff(pairs.queries) != 0) & (pairs.logits < CERTAIN)
    features = context(pairs, len(table.task.queries), len(table.task.keys))[best]
    labels = right[best]
    if labels.all() or not labels.any():
        return None
    share = np.where(labels, labels.mean(), 1 - labels.mean())
    return features, labels, 0.5 / share / len(labels) ** 0.5


def quality(table: Table, both: tuple[Weights, Weights]) -> list[float]:
    """Return hit@1, the recall at precision .9 and the best F1."""
    pairs, _ = judged(table, both[0])
    n_queries, n_keys = len(table.task.queries), len(table.task.keys)
    logits = context(pairs, n_queries, n_keys) @ both[1][0] + both[1][1]
    best, scores = np.full(n_queries, -1), np.full(n_queries, -np.inf)
    for i, key, logit in zip(pairs.queries, pairs.keys, logits, strict=True):
        if logit > scores[i]:
            best[i], scores[i] = key, logit
    return hit_and_recall(table.task, best, scores)


def main() -> None:
    """Fit and cross-validate."""
    tables = [table_of(task, share) for share in SHARES for task in autofj(share)]
    names = sorted({table.task.name for table in tables})
    fold_of = dict(
        zip(names, np.random.default_rng(0).permutation(len(names)) % FOLDS, strict=True)
    )
    rows = []
    for fold in range(FOLDS):
        both = fit_both([table for table in tables if fold_of[table.task.name] != fold])
        rows += [
            quality(table, both)
            for table in tables[: len(names)]
            if fold_of[table.task.name] == fold
        ]
    print(
        "other tables: hit@1 {:.3f}, recall at precision .9 {:.3f}".format(*np.mean(rows, axis=0))
    )
    for name, (weights, bias) in zip(("", "CONTEXT"), fit_both(tables), strict=True):
        print(name, np.round(weights, 3).tolist(), round(bias, 3))


if __name__ == "__main__":
    main()
