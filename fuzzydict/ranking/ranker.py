"""From a query to ranked keys: candidates are scored, guards veto some, lessons have the last word.

A `Ranker` is composed of entries, whose table finds and scores candidates (in the native or the
reference implementation), guards, and what the dictionary learned. `Ranker.candidates` calls the
stages of a query in their order.
"""

import copy
import itertools
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from fuzzydict.index.approximate import IndexKind
from fuzzydict.model.embedders import Embedder
from fuzzydict.ranking.calibration import Calibration, prior_shift
from fuzzydict.ranking.candidates import Candidates, ScoredEntries
from fuzzydict.ranking.entries import Entries
from fuzzydict.ranking.final_scores import FinalScores
from fuzzydict.ranking.guards import DEFAULT, Guard, GuardSet
from fuzzydict.ranking.learned import LearnedState
from fuzzydict.ranking.table import KeyTable, Ranking
from fuzzydict.ranking.vetoes import is_by_table_alone
from fuzzydict.text.tokens import plain, words
from fuzzydict.threads import thread_limit

__all__ = ["CANDIDATES", "SHORTLIST", "Ranker"]

Floats = NDArray[np.float32]

CANDIDATES = 64  # entries with the largest dot products
SHORTLIST = 16  # of them that are scored

_BATCH = 1024  # queries that one call ranks
_CORRECTED_LOGIT = 20.0  # of the key that a correction of this very query names
_ALIAS_PENALTY = 1.0  # by which the logit of a corrected query counts less than that of a key
_NONE: Floats = np.empty(0, np.float32)


class Ranker:
    """The text keys of a dictionary, ready for queries."""

    def __init__(
        self,
        embedder: Embedder,
        guards: Iterable[Guard] = DEFAULT,
        learned: LearnedState | None = None,
        index: IndexKind = "auto",
        prior: float | None = None,
    ) -> None:
        self.embedder = embedder
        self.prior = prior
        self.guards = GuardSet(guards)
        self.entries = Entries(embedder, learned or LearnedState(), index)
        self.final = FinalScores(self.guards, self.entries)
        self._cached_settings: tuple[LearnedState | None, object | None] = None, None

    @property
    def learned(self) -> LearnedState:
        """What the dictionary learned."""
        return self.entries.learned

    @property
    def table(self) -> KeyTable:
        """The table of the entries."""
        return self.entries.table

    @property
    def index(self) -> str:
        """How candidates are found: "exact" or "approximate"."""
        return "approximate" if self.entries.approximate.is_used else "exact"

    def __len__(self) -> int:
        return len(self.entries)

    def __contains__(self, key: object) -> bool:
        return key in self.entries

    def with_prior(self, prior: float | None) -> "Ranker":
        """Return a ranker of the same entries with another prior."""
        other = copy.copy(self)
        other.prior, other._cached_settings = prior, (None, None)
        return other

    # Queries.

    def rank(self, query: str, n: int) -> list[tuple[str, float]]:
        """Return up to ``n`` keys that the query may mean with their probabilities, best first.

        A smaller ``n`` returns the beginning of the same ranking. It starts with the keys of the
        shortlist, 16 at most; their probabilities and that of no match sum to one. Further keys
        have the probability that they would have beside the shortlist, but no more than the key
        before them. Vetoed keys are left out. One search, and the scoring of 16 keys; for further
        keys, of 64 or of up to 4n.
        """
        meanings = self.entries.encode([query])
        (found,) = self.candidates([query], meanings=meanings)
        ranked = found.best(n)
        if 0 < len(ranked) < n:
            logit = float(found.logits[found.order()[len(ranked) - 1]])
            score = ranked[-1][1]
            further = self._further(query, found.keys, meanings)
            for key, own in itertools.islice(further, n - len(ranked)):
                capped = min(own, logit)
                score *= math.exp(capped - logit)
                logit = capped
                ranked.append((key, score))
        return ranked

    def _further(
        self, query: str, shortlist: Iterable[str], meanings: Floats | None
    ) -> Iterator[tuple[str, float]]:
        """Yield keys that follow the shortlist, with their logits.

        They come in blocks, each of them sorted: the 64 nearest keys, the 128 nearest, and so on,
        until a block adds no key, so that guards that veto nearly all keys cost little.
        """
        seen, width, added = set(shortlist), SHORTLIST, True
        while added and width < len(self.table):
            width = max(2 * width, CANDIDATES)
            (found,) = self.candidates([query], width, meanings=meanings)
            block = [
                (found.keys[place], float(found.logits[place]))
                for place in found.order()
                if found.logits[place] > -np.inf and found.keys[place] not in seen
            ]
            yield from block
            seen.update(found.keys)
            added = bool(block)

    def rank_many(
        self, queries: Sequence[str], n: int, step: Callable[[int], object] = lambda steps: None
    ) -> list[list[tuple[str, float]]]:
        """Return the ``n`` best keys of each query's shortlist with their probabilities."""
        result: list[list[tuple[str, float]]] = []
        if not len(self):
            step(len(queries))
            return [[] for _ in queries]
        for start in range(0, len(queries), _BATCH):
            part = queries[start : start + _BATCH]
            settings = self._table_settings()
            if settings is None:
                result += [found.best(n) for found in self.candidates(part)]
            else:
                result += self._best([plain(query) for query in part], n, settings)
            step(len(part))
        return result

    def _table_settings(self) -> object | None:
        """Return the settings with which one call of the table answers queries.

        None if it does not: for an approximate search, or if more than a calibration was learned.
        Those of a table that embeds texts itself are made once for each learned state.
        """
        entries = self.entries
        learned, (known, settings) = entries.learned, self._cached_settings
        if known is not learned:
            by_table = is_by_table_alone(self.guards, learned) and learned.projection is None
            settings = self._settings(None, learned.calibration) if by_table else None
            if entries.table.own:
                self._cached_settings = learned, settings
        return None if entries.approximate.is_used else settings

    def _best(
        self, queries: Sequence[str], n: int, settings: object
    ) -> list[list[tuple[str, float]]]:
        """Return what `rank_many` does by one call of the table."""
        meanings = self.entries.encode(queries)
        threads = thread_limit() if len(queries) > 1 else 1
        return self.table.best(queries, n, settings, threads=threads, meanings=meanings)

    def candidates(
        self,
        queries: Sequence[str],
        n: int | None = None,
        among: Collection[str] | None = None,
        *,
        guards: bool = True,
        meanings: Floats | None = None,
        cosines: bool = False,
    ) -> list[Candidates]:
        """Return for each query the ``n`` nearest keys, of those ``among`` if given, scored.

        Without ``n``, those 16 of the 64 nearest whose letters are the most similar too. Without
        ``guards`` nothing is vetoed. ``meanings`` are as for `score`. With ``cosines`` they are
        computed, too.
        """
        if meanings is None and self.learned.projection is not None:
            meanings = self.entries.encode(queries)
        projected = self._project(queries, meanings)
        bonus = self.entries.projected.bonus(projected)
        scored = self.score(queries, n, among, bonus=bonus, guards=guards, meanings=meanings)
        found = [
            self.final.candidates(each, None if projected is None else projected[i], guards=guards)
            for i, each in enumerate(scored)
        ]
        if cosines:
            found = [
                candidates._replace(
                    cosines=self.entries.cosines(
                        each.vector, candidates.keys, self.learned.calibration
                    )
                )
                for each, candidates in zip(scored, found, strict=True)
            ]
        return found

    def _project(self, queries: Sequence[str], meanings: Floats | None) -> Floats | None:
        """Return W_Q of each query, [Q, width], or None without a projection."""
        if self.learned.projection is None or not queries:
            return None
        if meanings is None:
            meanings = self.embedder.encode([plain(query) for query in queries])
        return self.entries.projected.queries([words(query) for query in queries], meanings)

    def score(
        self,
        queries: Sequence[str],
        n: int | None = None,
        among: Collection[str] | None = None,
        *,
        calibration: Calibration | None = None,
        required: Sequence[str | None] | None = None,
        bonus: Floats | None = None,
        guards: bool = True,
        meaning: bool = True,
        meanings: Floats | None = None,
    ) -> list[ScoredEntries]:
        """Return for each query its candidates with the logits of the scorer.

        Args:
            n: The number of candidates, all of which are scored; by default 16 of 64 are.
            among: The keys that may be candidates.
            calibration: Another calibration than that of the dictionary.
            required: For each query a key that is scored in any case; by default the exact key.
            bonus: What projections add to the dot products that choose candidates, [Q, entries].
            guards: Apply the built-in guards.
            meaning: False: the spelling alone counts.
            meanings: What `Entries.encode` returned for the queries, if that is known.
        """
        if not len(self) or not queries:
            return [ScoredEntries(query, [], [], _NONE, _NONE, _NONE) for query in queries]
        queries = [plain(query) for query in queries]
        settings = self._settings(n, calibration or self.learned.calibration, guards, meaning)
        if required is None:
            required = [self._exact_key(query) for query in queries]
        exact = [self.entries.place(key) for key in required]
        meanings = self.entries.encode(queries) if meanings is None else meanings
        allowed = None if among is None else self.entries.places_of(among)
        if self.entries.approximate.is_used and allowed is None and bonus is None:
            return self._score_proposed(queries, n or CANDIDATES, settings, exact, meanings)
        ranking = self.table.rank(
            queries,
            settings,
            threads=thread_limit(),
            meanings=meanings,
            exact=exact,
            among=allowed,
            bonus=bonus,
            rows=True,
        )
        return _unpack(queries, ranking)

    def _score_proposed(
        self,
        queries: Sequence[str],
        n: int,
        settings: object,
        exact: Sequence[int],
        meanings: Floats | None,
    ) -> list[ScoredEntries]:
        """Score each query among the entries that the approximate index proposes."""
        result = []
        for i, vector in enumerate(self.table.query_vectors(queries, meanings)):
            proposed = self.entries.approximate.propose(vector, n)
            if proposed is not None and exact[i] >= 0:
                proposed = np.append(proposed, exact[i])
            own = None if meanings is None else meanings[i : i + 1]
            query = queries[i : i + 1]
            ranking = self.table.rank(
                query, settings, meanings=own, exact=exact[i : i + 1], among=proposed, rows=True
            )
            result += _unpack(query, ranking)
        return result

    def _settings(
        self,
        n: int | None,
        calibration: Calibration,
        guards: bool = True,
        meaning: bool = True,
    ) -> object:
        aliases = len(self.table) - len(self)  # which must not take the places of keys
        return self.table.settings(
            n_candidates=n or CANDIDATES + min(aliases, CANDIDATES),
            n_scored=0 if n else SHORTLIST + min(aliases, SHORTLIST),
            guards=self.guards.builtin if guards else 0,
            vectors=meaning,
            cosines=meaning,
            calibration=(calibration.slope, calibration.shift + prior_shift(self.prior)),
            scale=self.entries.cosine_scale(calibration),
        )

    def _exact_key(self, query: str) -> str | None:
        """Return the key that the query certainly means: itself, or that of its correction."""
        key = query if query in self else self.learned.corrections.get(query)
        return key if key in self else None


def _unpack(queries: Sequence[str], ranking: Ranking) -> list[ScoredEntries]:
    assert ranking.rows is not None
    result = []
    for i, (query, count) in enumerate(zip(queries, ranking.counts.tolist(), strict=True)):
        result.append(
            ScoredEntries(
                query,
                ranking.places[i, :count].tolist(),
                ranking.flags[i, :count].tolist(),
                ranking.logits[i, :count],
                ranking.plain[i, :count],
                ranking.rows[i],
            )
        )
    return result
