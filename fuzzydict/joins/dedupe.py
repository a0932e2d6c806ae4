"""Groups of rows that mean the same.

Pairs of values are scored as in a join. Values that are connected by pairs are clustered by average
linkage (Sokal and Michener, 1958): two clusters merge only if the mean score of all pairs between
them is high enough, so a chain of pairs does not merge values that differ.
"""

import heapq
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import numpy as np

from fuzzydict.joins.candidates import Ints
from fuzzydict.joins.frames import open_table, unused
from fuzzydict.joins.matching import Matcher, context, final_logits, sigmoid
from fuzzydict.joins.precision import choose_cutoff
from fuzzydict.mapping import FuzzyDict
from fuzzydict.options import check_probability
from fuzzydict.progress import progress_bars
from fuzzydict.ranking.guards import DEFAULT, Guard

__all__ = ["dedupe"]

_LINK = 0.5  # the lowest mean score of the pairs between two clusters
_RIVALS = 1.0  # by which the logit of a pair counts less without a look at its rivals
_LARGE = 300  # values of a component whose pairs are all scored


def dedupe(
    table: Any,
    on: Hashable,
    *,
    exact: Sequence[Hashable] = (),
    precision: float = 0.95,
    cutoff: float | None = None,
    embedder: Any = None,
    guards: Iterable[Guard] = DEFAULT,
    progress: bool | None = None,
) -> Any:
    """Group the rows of a table whose values mean the same.

    The result is the table with three more columns: ``group``, a number from 0 on in the order of
    the rows; ``representative``, the most frequent value of the group, or else the one that is the
    most similar to the others; and ``score``, from 0 to 1, of the pair of the row's value and the
    representative. If a name is taken, it gets a number. A row without a value is a group of its
    own. Keep the first row of each group with ``drop_duplicates("group")``.

    Each distinct value is looked up once; clustering takes the square of the size of a group.

    Args:
        table: A table of pandas, polars, PyArrow, Modin or DuckDB.
        on: The name of the column.
        exact: Names of columns that must be equal within a group.
        precision: The share of the pairs that should be right, as in `fuzzydict.join`.
        cutoff: The lowest score of a pair, instead of ``precision``.
        embedder: As in `FuzzyDict`.
        guards: As in `FuzzyDict`.
        progress: As in `FuzzyDict.get_many`.

    Raises:
        ValueError: A column does not exist or exists twice.
        TypeError: The first argument is not a table.

    >>> import pandas
    >>> names = ["Acme Corporation", "Globex Inc.", "ACME Corp.", None, "Globex, Inc."]
    >>> dedupe(pandas.DataFrame({"name": names}), "name")["group"].tolist()
    [0, 1, 0, 2, 1]
    """
    check_probability(precision, "precision")
    cutoff = None if cutoff is None else check_probability(cutoff, "cutoff")
    frame = open_table(table, "given")
    for column in (on, *exact):
        frame.check(column, "given")
    rows, units = frame.units([on, *exact])
    places = np.array([i for i, unit in enumerate(units) if isinstance(unit[0], str)], np.int64)
    texts = [units[i][0] for i in places]
    blocks: dict[Any, int] = {}
    block_of = np.array([blocks.setdefault(units[i][1:], len(blocks)) for i in places], np.int64)
    d: FuzzyDict[str, None] = FuzzyDict(dict.fromkeys(texts), embedder=embedder, guards=guards)
    matcher = Matcher(texts, [], d, block_of)
    with progress_bars(progress):
        scores, least = _scored(matcher, block_of, precision, cutoff)
    clusters = [
        cluster
        for component in _components(len(texts), [pair for pair in scores if scores[pair] >= least])
        for cluster in _clusters(component, _all_scores(matcher, component, scores))
    ]
    group = np.arange(len(units))
    representative, score = np.arange(len(units)), np.ones(len(units))
    counts = np.bincount(rows[rows >= 0], minlength=len(units))
    for cluster in clusters:
        table_of = _all_scores(matcher, cluster, scores)
        best = max(cluster, key=lambda i: (counts[places[i]], _mean(i, cluster, table_of), -i))
        for i in cluster:
            group[places[i]] = places[cluster[0]]
            representative[places[i]] = places[best]
            score[places[i]] = 1.0 if i == best else table_of[min(i, best), max(i, best)]
    own = np.where(rows >= 0, group[rows] if len(units) else 0, len(units) + np.arange(len(rows)))
    _, first, numbers = np.unique(own, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))
    values = [units[representative[row]][0] if row >= 0 else None for row in rows]
    extra = [rank[numbers].tolist(), values, np.append(score, np.nan)[rows]]
    names: list[Any] = list(frame.columns)
    for name in ("group", "representative", "score"):
        names.append(unused(name, names))
    return frame.beside(None, np.arange(len(rows)), rows, extra, names)


dedupe.__module__ = "fuzzydict"  # users import it from there
__test__ = {"dedupe": dedupe}  # otherwise doctest skips it


def _scored(
    matcher: Matcher, blocks: Ints, precision: float, cutoff: float | None
) -> tuple[dict[tuple[int, int], float], float]:
    """Return the score of each candidate pair (i, j), i < j, and the cutoff."""
    pairs, n = matcher.pairs(matcher.keys, blocks, but_itself=True), len(matcher.keys)
    logits = np.maximum(final_logits(pairs, context(pairs, n, n)), pairs.logits - _RIVALS)
    found: dict[tuple[int, int], list[float]] = defaultdict(list)
    for i, j, logit in zip(
        pairs.queries.tolist(), pairs.keys.tolist(), logits.tolist(), strict=True
    ):
        found[min(i, j), max(i, j)].append(logit)
    probabilities = sigmoid(np.array([sum(each) / len(each) for each in found.values()]))
    report = choose_cutoff(probabilities, np.empty(0), n, precision, cutoff)
    return dict(zip(found, probabilities.tolist(), strict=True)), report.cutoff


def _components(n: int, pairs: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Return the connected components of a graph that have more than one node."""
    parent = list(range(n))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = i = parent[parent[i]]
        return i

    for i, j in pairs:
        parent[max(root(i), root(j))] = min(root(i), root(j))
    members: dict[int, list[int]] = defaultdict(list)
    for i in range(n):
        members[root(i)].append(i)
    return [component for component in members.values() if len(component) > 1]


def _all_scores(
    matcher: Matcher, values: Sequence[int], scores: dict[tuple[int, int], float]
) -> dict[tuple[int, int], float]:
    """Return the scores of all pairs of some values; those of large components may be 0."""
    pairs = [(i, j) for place, i in enumerate(values) for j in values[place + 1 :]]
    missing = [pair for pair in pairs if pair not in scores]
    if missing and len(values) <= _LARGE:
        one, other = np.array(missing, np.int64).T
        logits = matcher.logits_of_keys(one, other)
        scores.update(zip(missing, sigmoid(logits).tolist(), strict=True))
    return {pair: scores.get(pair, 0.0) for pair in pairs}


def _clusters(values: Sequence[int], scores: dict[tuple[int, int], float]) -> list[list[int]]:
    """Return clusters of more than one value by average linkage.

    >>> _clusters([0, 1, 2], {(0, 1): 0.9, (1, 2): 0.8, (0, 2): 0.1})  # a chain
    [[0, 1]]
    """
    members = {i: [i] for i in values}
    sums = dict(scores)
    heap = [(-score, i, j) for (i, j), score in scores.items()]
    heapq.heapify(heap)
    while heap:
        negative, i, j = heapq.heappop(heap)
        if i not in members or j not in members or -negative < _LINK:
            continue
        size = len(members[i]) * len(members[j])
        if abs(sums[i, j] / size + negative) > 1e-9:
            continue  # computed before one of them grew
        members[i] = sorted(members[i] + members.pop(j))
        for k in members:
            if k == i:
                continue
            pair, gone = (min(i, k), max(i, k)), (min(j, k), max(j, k))
            sums[pair] += sums.pop(gone)
            heapq.heappush(heap, (-sums[pair] / len(members[i]) / len(members[k]), *pair))
    return [cluster for cluster in members.values() if len(cluster) > 1]


def _mean(i: int, cluster: Sequence[int], scores: dict[tuple[int, int], float]) -> float:
    return sum(scores[min(i, j), max(i, j)] for j in cluster if j != i) / len(cluster)
