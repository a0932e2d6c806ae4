"""Rankers of the candidates that a server proposes.

A `Ranker` in memory, which is created for a few queries and discarded, scores their candidates as
if it had all keys of the server: it has the vectors, document frequencies and corrections of them.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fuzzydict.index.quantized import QuantizedVectors
from fuzzydict.model.embedders import WordEmbedder
from fuzzydict.postgres.candidates import CandidateSearch, Neighbours
from fuzzydict.postgres.frequencies import WordCounts
from fuzzydict.postgres.lessons import Lessons, ServerState
from fuzzydict.postgres.vectors import VectorEncoder
from fuzzydict.ranking.entries import IndexSnapshot
from fuzzydict.ranking.guards import Guard
from fuzzydict.ranking.learned import Correction, LearnedState
from fuzzydict.ranking.ranker import CANDIDATES, Ranker
from fuzzydict.text import spelling
from fuzzydict.text.tokens import plain, words

__all__ = ["TemporaryRankers"]

Floats = NDArray[np.float32]

_BATCH = 32  # queries of one search


class _Prepared(NamedTuple):
    """What depends on the learned state alone."""

    learned: LearnedState
    encoder: VectorEncoder
    corrections: list[Correction]
    vectors: QuantizedVectors  # of the corrections


class _Found(NamedTuple):
    """A query with its candidates: keys, and places of corrections."""

    query: str
    vector: Floats
    neighbours: Neighbours
    corrections: list[int]


class TemporaryRankers:
    """Creates rankers for queries. Any thread may call any method."""

    def __init__(
        self,
        guards: Iterable[Guard],
        lessons: Lessons,
        search: CandidateSearch,
        word_counts: WordCounts,
    ) -> None:
        self._guards = tuple(guards)
        self._lessons, self._search, self._word_counts = lessons, search, word_counts
        self._prepared: _Prepared | None = None

    def ranker_for(
        self,
        queries: Sequence[str],
        n: int = CANDIDATES,
        among: Collection[str] | None = None,
        required: Collection[str] = (),
        learned: LearnedState | None = None,
    ) -> Ranker:
        """Return a ranker that has the candidates of all these queries.

        Args:
            queries: What will be looked up.
            n: Candidates of each query.
            among: The only keys that may be candidates.
            required: Keys that are candidates in any case.
            learned: Another learned state than that of the server.
        """
        prepared, found = self._find(queries, n, among, required, learned)
        return next(self._rankers(prepared, [found]))

    def rankers_for(
        self,
        queries: Sequence[str],
        n: int = CANDIDATES,
        among: Collection[str] | None = None,
    ) -> Iterator[Ranker]:
        """Yield for each query a ranker that has the candidates of this query alone.

        A batch of queries takes as many requests to the server as one query does.
        """
        for start in range(0, len(queries), _BATCH):
            prepared, found = self._find(queries[start : start + _BATCH], n, among)
            yield from self._rankers(prepared, [[each] for each in found])

    def _find(
        self,
        queries: Sequence[str],
        n: int,
        among: Collection[str] | None = None,
        required: Collection[str] = (),
        learned: LearnedState | None = None,
    ) -> tuple[_Prepared, list[_Found]]:
        """Return the candidates of each query, as of the newest learned state."""
        queries = [plain(query) for query in queries]

        def find(state: ServerState) -> tuple[bool, _Prepared, list[_Found]]:
            prepared = self._prepare(learned or state.learned)
            is_current, found = True, []
            for start in range(0, len(queries), _BATCH):
                part = queries[start : start + _BATCH]
                version, batch = self._find_batch(
                    state, prepared, part, n, among, () if start else required
                )
                is_current &= version == state.version or learned is not None
                found += batch
            return is_current, prepared, found

        while True:
            is_current, prepared, found = self._lessons.with_state(find)
            if is_current:
                return prepared, found
            self._lessons.refresh()

    def _find_batch(
        self,
        state: ServerState,
        prepared: _Prepared,
        queries: Sequence[str],
        n: int,
        among: Collection[str] | None,
        required: Collection[str],
    ) -> tuple[int, list[_Found]]:
        vectors = prepared.encoder.queries(queries)
        corrections = _nearest_corrections(prepared, vectors, n)
        named = [
            [query, prepared.learned.corrections.get(query)]
            + [prepared.corrections[i].key for i in near]
            for query, near in zip(queries, corrections, strict=True)
        ]
        named[0] += required
        keys = [
            {key for key in each if key is not None and (among is None or key in among)}
            for each in named
        ]
        version, neighbours = self._search.search(state, vectors, n, keys, among)
        return version, list(map(_Found, queries, vectors, neighbours, corrections))

    def _prepare(self, learned: LearnedState) -> _Prepared:
        prepared = self._prepared
        if prepared is None or prepared.learned is not learned:
            encoder = self._lessons.encoder(learned)
            corrections = [Correction(*each) for each in learned.corrections.items()]
            vectors = encoder.corrections([correction.query for correction in corrections])
            self._prepared = prepared = _Prepared(learned, encoder, corrections, vectors)
        return prepared

    def _rankers(self, prepared: _Prepared, groups: Sequence[Sequence[_Found]]) -> Iterator[Ranker]:
        """Yield a ranker for each group of queries."""
        snapshots = [_snapshot(prepared, group) for group in groups]
        texts = [each.query for group in groups for each in group]
        for snapshot in snapshots:
            texts += [*snapshot.keys, *snapshot.corrections]
        found = {word for text in dict.fromkeys(texts) for word in words(text)}
        counts = self._word_counts.counts({"", *found})
        embedder = prepared.encoder.embedder
        own = isinstance(embedder, WordEmbedder)
        scale = None if own else self._search.cosine_scale()
        for group, snapshot in zip(groups, snapshots, strict=True):
            known = embedder if own else _QueryEmbedder(prepared.encoder, group)
            ranker = Ranker(known, self._guards, prepared.learned, index="exact")
            ranker.entries.restore(snapshot)
            ranker.entries.set_frequencies(counts, counts.get("", 0))
            ranker.entries.set_scale(scale)
            yield ranker


def _nearest_corrections(prepared: _Prepared, queries: Floats, n: int) -> list[list[int]]:
    """Return for each query the places of the ``n`` corrections that are nearest to it."""
    if not prepared.corrections:
        return [[] for _ in queries]
    order = np.argsort(
        -prepared.vectors.products(queries[:, : prepared.vectors.numbers.shape[1]]),
        axis=1,
        kind="stable",
    )
    nearest: list[list[int]] = order[:, :n].tolist()
    return nearest


def _snapshot(prepared: _Prepared, group: Sequence[_Found]) -> IndexSnapshot:
    """Return the candidates of a group of queries as the entries of a ranker."""
    keys: dict[str, None] = {}
    parts: list[QuantizedVectors] = []
    for each in group:
        found, stored = each.neighbours
        stored = stored.plain()
        parts.append(stored.take(np.array([i for i, k in enumerate(found) if k not in keys], int)))
        keys |= dict.fromkeys(found)
    near = dict.fromkeys(i for each in group for i in each.corrections)
    targets = {None, *keys} if keys else set()
    active = [i for i in near if prepared.corrections[i].key in targets]
    parts.append(prepared.vectors.take(np.array(active, int)))
    queries = [prepared.corrections[i].query for i in active]
    return IndexSnapshot(list(keys), queries, QuantizedVectors.together(parts))


class _QueryEmbedder:
    """An embedder that has embedded some queries already."""

    def __init__(self, encoder: VectorEncoder, group: Sequence[_Found]) -> None:
        self._embedder = encoder.embedder
        self.name = encoder.embedder.name
        end = -spelling.DIMENSION - encoder.tail
        self._meanings = {each.query: each.vector[:end] for each in group}

    def encode(self, texts: Sequence[str], /) -> Floats:
        """Return the vectors of texts: float32 [n, d]."""
        known = [self._meanings[text] for text in texts if text in self._meanings]
        return np.stack(known) if len(known) == len(texts) else self._embedder.encode(texts)
