"""Matching keys that are held elsewhere: a store proposes candidates, a `Ranker` judges them.

The store is asked for the keys that are near to a query; a matcher of those alone, which is made
for the one lookup, then scores them as it would in memory.
"""

import copy
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from fuzzydict.index.exact import ExactIndex
from fuzzydict.index.quantized import QuantizedVectors
from fuzzydict.learning.projection import Lookups
from fuzzydict.model.embedders import Embedder
from fuzzydict.ranking.calibration import Background, Calibration, Scale
from fuzzydict.ranking.guards import Guard
from fuzzydict.ranking.ranker import (
    CANDIDATES,
    Candidates,
    Correction,
    DocumentFrequencies,
    IndexEntry,
    IndexSnapshot,
    LearnedState,
    Ranker,
    ScoreBreakdown,
)
from fuzzydict.text.tokens import words

__all__ = ["PostgresRanker", "Store", "TaughtState"]

Floats = NDArray[np.float32]

_TOGETHER = 32  # queries of one question to the store
_ALL = 256  # keys, up to which a fit looks at all of them, as `Ranker.lookups` does


class TaughtState(NamedTuple):
    """What the dictionary was taught, as of a version of it."""

    version: int
    learned: LearnedState


class Store(Protocol):
    """Where the keys are."""

    def near(
        self, rows: Floats, n: int, named: Collection[str], among: Collection[str] | None
    ) -> tuple[int, list[str], QuantizedVectors]:
        """Return the version of what was taught, and keys with their rows: of each query [Q, d] at
        least the ``n`` of the largest dot products, of those ``among`` if given, and those that
        are ``named``."""
        ...

    def taught(self, version: int | None = None) -> TaughtState:
        """Return what was taught, of another version than the one given."""
        ...

    def counts(self, words: Collection[str]) -> dict[str, int]:
        """Return how many keys have each word that any has; the empty word is in all."""
        ...

    def sample(self, rows: Callable[[list[str], QuantizedVectors], Scale]) -> Scale:
        """Return what ``rows`` makes of the keys of the smallest checksums, and of their rows."""
        ...


class PostgresRanker(Ranker):
    """A `Ranker` of the keys of a store. To be copied for each use: a copy is one thread's."""

    def __init__(self, embedder: Embedder, guards: Iterable[Guard], store: Store) -> None:
        super().__init__(embedder, guards, index="exact")
        self._store = store
        self._version: int | None = None  # of what was taught; None while it is another than that
        self._corrections: ExactIndex[IndexEntry] = ExactIndex()

    def up_to_date(self, taught: TaughtState) -> "PostgresRanker":
        """Return a copy that goes by what was taught."""
        self._take(taught)
        return copy.copy(self)

    def _take(self, taught: TaughtState) -> None:
        if taught.version != self._version:
            self.set_learned(taught.learned)
            self._version = taught.version

    def set_learned(self, learned: LearnedState) -> None:
        """Go by what was learned from now on, whatever the store was taught. O(corrections).

        Nothing is changed where the embedder fails.
        """
        before, self.learned = self.learned, learned
        same = learned.projection is before.projection
        if not same or learned.corrections != before.corrections:
            told: list[IndexEntry] = [Correction(*each) for each in learned.corrections.items()]
            try:
                self._corrections = ExactIndex.of(told, self.kept(told))
            except Exception:
                self.learned = before
                raise
        self._version = self._ready = None  # rows of queries depend on what was learned

    def kept(self, entries: Sequence[IndexEntry]) -> QuantizedVectors:
        """Return the rows of keys, or of corrections, as they are to be kept."""
        if not entries:
            return QuantizedVectors.empty(0, 0, self._tail)
        texts = list(map(_text, entries))
        split = list(map(words, texts))
        return QuantizedVectors.of(
            self._with_learned(entries, self._embedded(texts, split), split), self._tail
        )

    def kept_anew(self, keys: Sequence[str], rows: QuantizedVectors) -> QuantizedVectors:
        """Return the rows of keys with what is now learned of them in place of what was."""
        plain = rows.plain().vectors()
        return QuantizedVectors.of(
            self._with_learned(keys, plain, list(map(words, keys))), self._tail
        )

    @property
    def _tail(self) -> int:
        return self.learned.projection.width if self.learned.projection else 0

    def __len__(self) -> int:
        return self._store.counts([""]).get("", 0)

    def __contains__(self, key: object) -> bool:
        """May it be a key? The mapping has looked."""
        return isinstance(key, str)

    def rank_many(
        self, queries: Sequence[str], n: int, step: Callable[[int], object] = lambda steps: None
    ) -> list[list[tuple[str, float]]]:
        """Return `rank` of each query for an ``n`` up to 16; 32 in one question to the store."""
        return [
            ranked
            for part in _parts(queries)
            for ranked in self._asked_for(part, CANDIDATES).rank_many(part, n, step)
        ]

    def candidates(
        self,
        queries: Sequence[str],
        n: int | None = None,
        among: Collection[str] | None = None,
    ) -> list[Candidates]:
        """Return for each query the ``n`` nearest keys, of those ``among`` if given, scored."""
        return [
            found
            for part in _parts(queries)
            for found in self._asked_for(part, n or CANDIDATES, among).candidates(part, n)
        ]

    def evidence(self, query: str) -> tuple[list[ScoreBreakdown], str | None]:
        """Return what the scores of the candidates are made of; see `Ranker.evidence`."""
        return self._asked_for([query], CANDIDATES).evidence(query)

    def calibrate(self, pairs: Sequence[tuple[str, str | None]]) -> Calibration:
        """Return the calibration that makes labelled pairs of a query and its key most probable."""
        return self._of_pairs(pairs, CANDIDATES).calibrate(pairs)

    def lookups(
        self,
        pairs: Sequence[tuple[str, str | None]],
        step: Callable[[int], object] = lambda steps: None,
    ) -> Lookups:
        """Return labelled pairs of a query and its key with the zero-shot scores of their
        candidates, to learn from. A few hundred keys are all candidates of each."""
        n = _ALL if len(self) <= _ALL else CANDIDATES
        return self._of_pairs(pairs, n).lookups(pairs, step)

    def _of_pairs(self, pairs: Sequence[tuple[str, str | None]], n: int) -> Ranker:
        named = {key for _, key in pairs if key is not None}
        return self._asked_for([query for query, _ in pairs], n, named=named)

    def _asked_for(
        self,
        queries: Sequence[str],
        n: int,
        among: Collection[str] | None = None,
        named: Collection[str] = (),
    ) -> Ranker:
        """Return a matcher of the keys that the queries may mean."""
        known = None
        while known is None:
            known = self._known_of(queries, n, among, named)
        usage = _Usage(self._store.counts)
        if len(queries) > 1:
            usage.prepare(
                {word for text in (*queries, *map(_text, known.entries)) for word in words(text)}
            )
        return self.view(known, usage, self._scale() if self._background is not None else None)

    def _known_of(
        self,
        queries: Sequence[str],
        n: int,
        among: Collection[str] | None,
        named: Collection[str],
    ) -> IndexSnapshot | None:
        """Return the keys that the queries may mean; None where what was taught was not the newest,
        which is now adopted."""
        keys: dict[str, None] = {}
        rows: list[QuantizedVectors] = []
        told: dict[Correction, None] = {}
        for part in _parts(queries):
            self._ready = part, self._asking(part)
            asked = self._ready[1][1]
            told |= dict.fromkeys(self._near_corrections(asked, n))
            meant = {*part, *named, *map(self.learned.corrections.get, part)}
            meant |= {each.key for each in told}
            there = {key for key in meant if key is not None and (among is None or key in among)}
            version, near, kept = self._store.near(asked, n, there, among)
            if self._version not in (version, None):
                self._take(self._store.taught(self._version))
                return None
            fresh = {key: i for i, key in enumerate(near) if key not in keys}
            keys |= dict.fromkeys(fresh)
            rows.append(kept.take(np.array(list(fresh.values()), np.intp)))
        awake = [each for each in told if keys and (each.key is None or each.key in keys)]
        rows.append(self._corrections.kept(awake))
        return IndexSnapshot([*keys, *awake], QuantizedVectors.together(rows), {})

    def _near_corrections(self, rows: Floats, n: int) -> list[Correction]:
        if not len(self._corrections):
            return []
        found = self._corrections.search(rows, n)
        return [each for near in found for each in near if isinstance(each, Correction)]

    def _scale(self) -> Scale:
        def of(keys: list[str], rows: QuantizedVectors) -> Scale:
            sample = self.view(IndexSnapshot(list(keys), rows, {}), DocumentFrequencies(), None)
            background = Background()
            background.add(keys)
            return background.scale(sample._meanings)

        return self._store.sample(of)


class _Usage(DocumentFrequencies):
    """How many keys of a store have a word, asked for when it is needed."""

    def __init__(self, ask: Callable[[Collection[str]], dict[str, int]]) -> None:
        super().__init__()
        self._ask = ask
        self._asked: set[str] = set()

    def prepare(self, words: Collection[str]) -> None:
        """Ask for words that will be needed."""
        # Phrases are words of no key: those have spaces, and words have none.
        fresh = {word for word in words if word not in self._asked and " " not in word}
        if fresh:
            self.counts |= self._ask({"", *fresh})
            self._asked |= fresh
            self._keys = self.counts.get("", 0)

    def __call__(self, words: Sequence[str], /) -> Floats:
        """Return how much each word tells the keys apart: 1 for a word of one key at most, to 0."""
        self.prepare(words)
        return super().__call__(words)


def _parts(queries: Sequence[str]) -> list[Sequence[str]]:
    if len(queries) <= _TOGETHER:
        return [queries]
    return [queries[start : start + _TOGETHER] for start in range(0, len(queries), _TOGETHER)]


def _text(entry: IndexEntry) -> str:
    return entry if isinstance(entry, str) else entry.query
