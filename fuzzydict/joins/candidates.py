"""Candidates of a join: the keys that share the rarest tokens and character trigrams with a query.

An inverted index of vectors of TF-IDF (Salton and Buckley, 1988). Tokens and trigrams are hashed
into one space, so that NumPy extracts those of a whole table at once.
"""

from collections.abc import Sequence
from itertools import chain
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from fuzzydict.joins.names import Name

__all__ = ["CandidateIndex", "Ints", "Vectors", "within_groups"]

_BITS = 18
_SIZE = 1 << _BITS  # of the space into which tokens and trigrams are hashed
_COMMON = 0.1  # a feature of more than this share of the names, and of 100 of them, is ignored
_TOKEN_WEIGHT = 1.5  # relative to a trigram
_LEAST_SHARE = 0.25  # of the highest cosine; keys below it are no candidates

Ints = NDArray[np.int64]
Vectors = tuple[Ints, Ints, NDArray[np.float64]]  # rows, features, weights; sorted by row


class CandidateIndex:
    """Finds the keys with the highest cosines."""

    def __init__(self, keys: Sequence[Name], queries: Sequence[Name]) -> None:
        """Index keys; ``queries`` are names of the other table, for the document frequencies."""
        found = [_counts(keys), _counts(queries)]
        names = len(keys) + len(queries)
        frequencies = sum(np.bincount(features, minlength=_SIZE) for _, features, _ in found)
        common = frequencies > max(100, _COMMON * names)
        self._rarity = np.log((names + 1) / np.maximum(frequencies, 1)) * ~common
        self.keys = self._weighted(found[0])
        rows, features, weights = self.keys
        order = np.argsort(features, kind="stable")
        self._starts = np.searchsorted(features[order], np.arange(_SIZE + 1))
        self._rows = rows[order].astype(np.int32)
        self._weights = weights[order].astype(np.float32)
        self._n_keys = len(keys)

    def vectors(self, names: Sequence[Name]) -> Vectors:
        """Return the vectors of names; those of the keys are in ``keys``."""
        return self._weighted(_counts(names))

    def search(self, queries: Vectors, n: int, allowed: Sequence[Ints | None]) -> tuple[Ints, Ints]:
        """Return pairs of queries and keys, up to ``n`` for each query, best first.

        ``allowed`` has the keys that each query may find, None for all. Time: the postings of the
        features of the queries, and a pass over the keys for each.
        """
        rows, features, weights = queries
        ends = np.searchsorted(rows, np.arange(len(allowed) + 1)).tolist()
        one: list[Ints] = []
        other: list[Ints] = []
        for i, own in enumerate(allowed):
            part = slice(ends[i], ends[i + 1])
            cosines = self._cosines(features[part], weights[part])
            if own is not None:
                inside = np.zeros_like(cosines)
                inside[own] = cosines[own]
                cosines = inside
            top = cosines.max(initial=0.0)
            places = np.flatnonzero(cosines > _LEAST_SHARE * top)
            if len(places) > n:
                places = places[np.argpartition(-cosines[places], n - 1)[:n]]
            other.append(places[np.argsort(-cosines[places], kind="stable")])
            one.append(np.full(len(places), i))
        return np.concatenate([[], *one]).astype(np.int64), np.concatenate([[], *other]).astype(
            np.int64
        )

    def _cosines(self, features: Ints, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the cosine of one query with each key."""
        starts, ends = self._starts[features], self._starts[features + 1]
        slices = [slice(a, b) for a, b in zip(starts.tolist(), ends.tolist(), strict=True)]
        if not slices:
            return np.zeros(self._n_keys)
        rows = np.concatenate([self._rows[part] for part in slices])
        products = np.concatenate([self._weights[part] for part in slices])
        products = products * np.repeat(weights, ends - starts)
        return np.bincount(rows, products, self._n_keys).astype(float)

    def cosines(self, queries: Vectors, one: Ints, other: Ints) -> NDArray[np.float64]:
        """Return the cosine of each pair of the query ``one[i]`` and the key ``other[i]``."""
        rows, features, weights = queries
        key_rows, key_features, key_weights = self.keys
        # Each pair looks up the features of its query among those of its key.
        codes = key_rows * _SIZE + key_features
        starts = np.searchsorted(rows, np.arange(int(one.max(initial=0)) + 2))
        lengths = np.diff(starts)[one]
        pairs = np.repeat(np.arange(len(one)), lengths)
        places = starts[one][pairs] + within_groups(lengths)
        wanted = other[pairs] * _SIZE + features[places]
        found = np.minimum(np.searchsorted(codes, wanted), max(len(codes) - 1, 0))
        if not len(codes):
            return np.zeros(len(one))
        products = weights[places] * key_weights[found] * (codes[found] == wanted)
        return np.bincount(pairs, products, len(one)).astype(float)

    def _weighted(self, counts: Vectors) -> Vectors:
        """Return vectors of length 1, without features that are too common."""
        rows, features, counted = counts
        weights = counted * self._rarity[features]
        rows, features, weights = (part[weights > 0] for part in (rows, features, weights))
        lengths = np.sqrt(np.bincount(rows, weights**2)) if len(rows) else np.ones(1)
        return rows, features, weights / lengths[rows]


def within_groups(sizes: Ints) -> Ints:
    """Return the place of each member within its group, for groups of these sizes.

    >>> within_groups(np.array([2, 0, 3])).tolist()
    [0, 1, 0, 1, 2]
    """
    starts = np.cumsum(sizes) - sizes
    result: Ints = np.arange(int(sizes.sum())) - np.repeat(starts, sizes)
    return result


def _counts(names: Sequence[Name]) -> Vectors:
    """Return how often each feature occurs in each name."""
    texts = [" ".join(name.tokens) for name in names]
    codes = np.frombuffer("".join(f"\n {text} " for text in texts).encode("utf-32-le"), np.uint32)
    codes = codes.astype(np.uint64)
    starts = codes == ord("\n")
    rows = np.cumsum(starts)[:-2] - 1
    grams = (codes[:-2] << np.uint64(42)) | (codes[1:-1] << np.uint64(21)) | codes[2:]
    inside = ~(starts[:-2] | starts[1:-1] | starts[2:])
    hashed = (grams[inside] * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(64 - _BITS)
    rows = rows[inside]
    own = [len(name.tokens) for name in names]
    tokens = [crc32(t.encode()) % _SIZE for t in chain.from_iterable(n.tokens for n in names)]
    both = np.concatenate(
        [rows * _SIZE + hashed.astype(np.int64), np.repeat(np.arange(len(names)), own) * _SIZE]
    ).astype(np.int64)
    both[len(rows) :] += np.array(tokens, np.int64)
    weights = np.ones(len(both))
    weights[len(rows) :] = _TOKEN_WEIGHT
    unique, inverse = np.unique(both, return_inverse=True)
    return unique // _SIZE, unique % _SIZE, np.bincount(inverse, weights, len(unique)).astype(float)
