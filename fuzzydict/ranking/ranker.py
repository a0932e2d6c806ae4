"""From a query to ranked keys: candidates are scored, guards veto some, lessons have the last word.

A `Ranker` is composed of a key table, which finds and scores candidates (in the native or the
reference implementation), guards, and what the dictionary learned. `Ranker.candidates` calls the
stages of a query in their order.
"""

import itertools
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fuzzydict.index.approximate import ApproximateIndex, IndexKind
from fuzzydict.index.quantized import QuantizedVectors
from fuzzydict.model.embedders import Embedder
from fuzzydict.ranking.calibration import Background, Calibration, Scale
from fuzzydict.ranking.candidates import Candidates
from fuzzydict.ranking.guards import DEFAULT, Guard, GuardSet, Words
from fuzzydict.ranking.learned import LearnedState
from fuzzydict.ranking.projected import ProjectedVectors
from fuzzydict.ranking.table import ALIAS, KeyTable, Ranking
from fuzzydict.ranking.tables import new_table
from fuzzydict.text.spelling import DIMENSION as SPELLING_WIDTH
from fuzzydict.text.tokens import plain, words
from fuzzydict.threads import thread_limit

__all__ = ["CANDIDATES", "SHORTLIST", "IndexSnapshot", "Ranker", "ScoredEntries"]

Floats = NDArray[np.float32]

CANDIDATES = 64  # entries with the largest dot products
SHORTLIST = 16  # of them that are scored

_BATCH = 1024  # queries that one call ranks
_VETOED = 3  # flags of the built-in guards
_EXACT_LOGIT = 8.0  # the lowest logit of an exact key
_CORRECTED_LOGIT = 20.0  # of the key that a correction of this very query names
_NONE: Floats = np.empty(0, np.float32)
_ALIAS_PENALTY = 1.0  # by which the logit of a corrected query counts less than that of a key


class IndexSnapshot(NamedTuple):
    """The entries of a ranker with their vectors, for files and for copies."""

    keys: list[str]
    corrections: list[str]  # corrected queries whose key is there
    vectors: QuantizedVectors  # of the keys, then of the corrected queries


class ScoredEntries(NamedTuple):
    """The entries that were scored for a query, in no order."""

    query: str
    places: list[int]  # in the table
    flags: list[int]
    logits: Floats  # -inf where a built-in guard vetoes the entry
    unguarded: Floats
    vector: Floats  # of the query: meaning and spelling


class Ranker:
    """The text keys of a dictionary, ready for queries.

    A corrected query is an entry beside the keys, an alias: what is similar to it means the key
    that the correction names, as long as that key is there.
    """

    def __init__(
        self,
        embedder: Embedder,
        guards: Iterable[Guard] = DEFAULT,
        learned: LearnedState | None = None,
        index: IndexKind = "auto",
    ) -> None:
        self.embedder = embedder
        self.learned = learned or LearnedState()
        self.guards = GuardSet(guards)
        self._kind: IndexKind = index
        self._frequencies: tuple[Mapping[str, int], int] | None = None
        self._use(new_table(embedder))
        self._background = None if self.table.own else Background()

    def _use(self, table: KeyTable) -> None:
        """Start with an empty table."""
        self.table = table
        if self._frequencies is not None:
            table.set_frequencies(*self._frequencies)
        self._approximate = ApproximateIndex(table, self._kind)
        self._projected = ProjectedVectors(self.embedder, table, self.learned.projection)

    @property
    def index(self) -> str:
        """How candidates are found: "exact" or "approximate"."""
        return "approximate" if self._approximate.is_used else "exact"

    # Keys and corrections.

    def __len__(self) -> int:
        return self.table.key_count

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self.table.find(key) is not None

    def keys(self) -> list[str]:
        """Return the keys, in any order."""
        return self.table.keys()

    def add(self, keys: Sequence[str]) -> None:
        """Add keys that are not there yet. Nothing changes if the embedder fails. O(d) per key."""
        if keys:
            targets = {None, *keys}
            aliases = [
                query
                for query, key in self.learned.corrections.items()
                if key in targets and self.table.find_alias(query) is None
            ]
            self._add(keys, aliases, self._meanings([*keys, *aliases]))

    def remove(self, key: str) -> None:
        """Remove a key if it is there. Its corrections are inactive until it is added again."""
        if key not in self:
            return
        self._remove_entry(self.table.find(key))
        for query, target in self.learned.corrections.items():
            if target == key:
                self._remove_entry(self.table.find_alias(query))
        if self._background is not None:
            self._background.discard(key, self.keys)

    def set_learned(self, learned: LearnedState) -> None:
        """Replace what was learned; no key is embedded again.

        O(corrections), and O(len(self) · d) for another projection. Nothing changes if the embedder
        fails.
        """
        before, active = self.learned, set(self.table.aliases())
        unchanged = before.corrections.items() & learned.corrections.items()
        stale = [query for query in active if (query, before.corrections[query]) not in unchanged]
        new = [
            query
            for query, key in learned.corrections.items()
            if (query not in active or query in stale) and (key is None or key in self)
        ]
        meanings = self._meanings(new)
        self.learned = learned
        for query in stale:
            self._remove_entry(self.table.find_alias(query))
        if learned.projection is not before.projection:
            self._projected = ProjectedVectors(self.embedder, self.table, learned.projection)
        if len(self):
            self._add([], new, meanings)

    def snapshot(self, among: Collection[object] | None = None) -> IndexSnapshot:
        """Return the entries with their vectors; of the keys those ``among`` these if given."""
        keys = [key for key in self.keys() if among is None or key in among]
        corrections = self.table.aliases()
        found = [*map(self.table.find, keys), *map(self.table.find_alias, corrections)]
        numbers, scales = self.table.rows([place for place in found if place is not None])
        return IndexSnapshot(keys, corrections, QuantizedVectors(numbers, scales[:, None]))

    def restore(self, snapshot: IndexSnapshot) -> None:
        """Add the entries of a snapshot that a ranker of the same embedder made."""
        self._add(snapshot.keys, snapshot.corrections, None, snapshot.vectors)

    def set_frequencies(self, counts: Mapping[str, int], keys: int) -> None:
        """Use the document frequencies of a larger collection, of so many keys."""
        self._frequencies = counts, keys
        self.table.set_frequencies(counts, keys)

    def set_scale(self, scale: Scale | None) -> None:
        """Use this scale of the embedder's cosines, and not that of the keys."""
        self._background = None if scale is None else Background.of(scale)

    def check(self) -> None:
        """Assert that the entries agree with the keys and the corrections; for tests."""
        assert len(self.keys()) == len(set(self.keys())) == len(self)
        corrections = self.learned.corrections.items()
        expected = {query for query, key in corrections if key is None or key in self}
        if len(self):
            assert set(self.table.aliases()) == expected, (self.table.aliases(), expected)
            assert len(self.table) == len(self) + len(expected)

    def _add(
        self,
        keys: Sequence[str],
        corrections: Sequence[str],
        meanings: Floats | None,
        vectors: QuantizedVectors | None = None,
    ) -> None:
        """Add entries with their meanings, or with their vectors; a table embeds them itself."""
        if not self.table.own and len(self.table) == 0:
            self._use(new_table(self.embedder, _dimension(meanings, vectors)))
        end = len(keys)
        parts = (keys, slice(end), False), (corrections, slice(end, None), True)
        for texts, part, aliases in parts:
            if not texts:
                continue
            if vectors is not None:
                numbers, scales = vectors.numbers[part], vectors.scales[part, 0]
                self.table.add(texts, numbers=numbers, scales=scales, aliases=aliases)
            elif meanings is not None:
                self.table.add(texts, meanings=meanings[part], aliases=aliases)
            else:
                self.table.add(texts, aliases=aliases)
        self._projected.add()
        if self._background is not None:
            self._background.add(keys)

    def _remove_entry(self, place: int | None) -> None:
        assert place is not None
        self.table.remove_at(place)
        self._approximate.remove(place)
        self._projected.remove(place)

    def _meanings(self, texts: Sequence[str]) -> Floats | None:
        """Return the vectors of texts, or None if the table embeds them itself."""
        if self.table.own or not texts:
            return None
        return self.embedder.encode([plain(text) for text in texts])

    # Queries.

    def rank(self, query: str, n: int) -> list[tuple[str, float]]:
        """Return up to ``n`` keys that the query may mean with their probabilities, best first.

        A smaller ``n`` returns the beginning of the same ranking. It starts with the keys of the
        shortlist, 16 at most; their probabilities and that of no match sum to one. Further keys
        have the probability that they would have beside the shortlist, but no more than the key
        before them. Vetoed keys are left out. One search, and the scoring of 16 keys; for further
        keys, of 64 or of up to 4n.
        """
        (found,) = self.candidates([query])
        ranked = found.best(n)
        if 0 < len(ranked) < n:
            logit = float(found.logits[found.order()[len(ranked) - 1]])
            score = ranked[-1][1]
            for key, own in itertools.islice(self._further(query, found.keys), n - len(ranked)):
                capped = min(own, logit)
                score *= math.exp(capped - logit)
                logit = capped
                ranked.append((key, score))
        return ranked

    def _further(self, query: str, shortlist: Iterable[str]) -> Iterator[tuple[str, float]]:
        """Yield keys that follow the shortlist, with their logits.

        They come in blocks, each of them sorted: the 64 nearest keys, the 128 nearest, and so on,
        until a block adds no key, so that guards that veto nearly all keys cost little.
        """
        seen, width, added = set(shortlist), SHORTLIST, True
        while added and width < len(self.table):
            width = max(2 * width, CANDIDATES)
            (found,) = self.candidates([query], width)
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
        for start in range(0, len(queries), _BATCH):
            part = queries[start : start + _BATCH]
            if not len(self):
                result += [[] for _ in part]
            elif self._is_plain:
                result += self._best(list(map(plain, part)), n)
            else:
                result += [found.best(n) for found in self.candidates(part)]
            step(len(part))
        return result

    @property
    def _is_plain(self) -> bool:
        """Does one call of the table answer a query: nothing learned, an exact search?"""
        learned = self.learned.projection is not None or self._approximate.is_used
        return self._table_decides and not learned

    @property
    def _table_decides(self) -> bool:
        """Are the guards those of the table, without exemptions or corrections?"""
        learned = self.learned
        return not (self.guards.custom or learned.guard_exemptions or learned.corrections)

    def _best(self, queries: Sequence[str], n: int) -> list[list[tuple[str, float]]]:
        """Return what `rank_many` does by one call of the table."""
        settings = self._settings(None, self.learned.calibration)
        meanings = self._meanings(queries)
        return self.table.best(queries, n, settings, threads=thread_limit(), meanings=meanings)

    def candidates(
        self,
        queries: Sequence[str],
        n: int | None = None,
        among: Collection[str] | None = None,
        *,
        guards: bool = True,
    ) -> list[Candidates]:
        """Return for each query the ``n`` nearest keys, of those ``among`` if given, scored.

        Without ``n``, those 16 of the 64 nearest whose letters are the most similar too. Without
        ``guards`` nothing is vetoed.
        """
        projected = self._project(queries)
        bonus = self._projected.bonus(projected)
        scored = self.score(queries, n, among, bonus=bonus, guards=guards)
        return [
            self._apply_lessons(
                each,
                self.apply_guards(each, enabled=guards),
                None if projected is None else projected[i],
            )
            for i, each in enumerate(scored)
        ]

    def _project(self, queries: Sequence[str]) -> Floats | None:
        """Return W_Q of each query, [Q, width], or None without a projection."""
        if self.learned.projection is None or not queries:
            return None
        meanings = self.embedder.encode([plain(query) for query in queries])
        return self._projected.queries([words(query) for query in queries], meanings)

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
        """
        if not len(self) or not queries:
            return [ScoredEntries(query, [], [], _NONE, _NONE, _NONE) for query in queries]
        queries = [plain(query) for query in queries]
        settings = self._settings(n, calibration or self.learned.calibration, guards, meaning)
        if required is None:
            required = [self._exact_key(query) for query in queries]
        exact = [self._place(key) for key in required]
        meanings = self._meanings(queries)
        allowed = None if among is None else self._allowed(among)
        if self._approximate.is_used and allowed is None and bonus is None:
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
            proposed = self._approximate.propose(vector, n)
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
        return self.table.settings(
            n_candidates=n or CANDIDATES,
            n_scored=0 if n else SHORTLIST,
            guards=self.guards.builtin if guards else 0,
            vectors=meaning,
            cosines=meaning,
            calibration=calibration[:2],
            scale=self.cosine_scale(calibration),
        )

    def cosine_scale(self, calibration: Calibration) -> tuple[float, float]:
        """Return slope and offset that map cosines of another embedder to the default model's."""
        if self._background is None:
            return 1.0, 0.0
        keys = self._background.scale(self.meanings)
        slope, offset = calibration.scale
        return slope * keys.slope, slope * keys.offset + offset

    def meanings(self, keys: Sequence[str]) -> Floats:
        """Return the stored vectors of keys, without their spelling: float32 [n, d]."""
        return self.table.vectors(map(self._place, keys))[:, :-SPELLING_WIDTH]

    def _exact_key(self, query: str) -> str | None:
        """Return the key that the query certainly means: itself, or that of its correction."""
        key = query if query in self else self.learned.corrections.get(query)
        return key if key in self else None

    def _place(self, key: str | None) -> int:
        """Return the place of a key in the table, -1 for none."""
        place = None if key is None else self.table.find(key)
        return -1 if place is None else place

    def _allowed(self, keys: Collection[str]) -> list[int]:
        """Return the places of keys, and of the corrections that lead to them or to no match."""
        targets, corrections = {None, *keys}, self.learned.corrections
        aliases = [query for query in self.table.aliases() if corrections[query] in targets]
        places = [*map(self.table.find, keys), *map(self.table.find_alias, aliases)]
        return [place for place in places if place is not None]

    # Guards and lessons.

    def apply_guards(self, scored: ScoredEntries, *, enabled: bool = True) -> Candidates:
        """Veto entries, and let the best entry stand for others that lead to the same key."""
        entries = self.guarded_entries(scored, enabled=enabled)
        if not any(is_alias for _, _, is_alias in entries):
            texts = [text for _, text, _ in entries]
            return Candidates(texts, np.array([logit for logit, _, _ in entries], np.float32))
        best: dict[str | None, float] = {}
        for logit, text, is_alias in entries:
            key = self.learned.corrections[text] if is_alias else text
            best[key] = max(best.get(key, -np.inf), logit)
        null = max(best.pop(None, 0.0), 0.0)
        keys = [key for key in best if key is not None]
        return Candidates(keys, np.array(list(best.values()), np.float32) - np.float32(null))

    def guarded_entries(
        self, scored: ScoredEntries, *, enabled: bool = True
    ) -> list[tuple[float, str, bool]]:
        """Return for each entry its logit, -inf if it is vetoed, its text, and is it an alias?"""
        query = None if self._table_decides or not enabled else words(scored.query)
        result = []
        for place, flags, logit, unguarded in zip(
            scored.places,
            scored.flags,
            scored.logits.tolist(),
            scored.unguarded.tolist(),
            strict=True,
        ):
            if query is not None:
                if self._is_vetoed(query, place, flags):
                    logit = -np.inf
                elif flags & _VETOED:
                    logit = unguarded
            is_alias = bool(flags & ALIAS)
            penalty = _ALIAS_PENALTY if is_alias else 0.0
            result.append((logit - penalty, self.table.text(place), is_alias))
        return result

    def vetoing_guards(self, query: str, key: str) -> tuple[str, ...]:
        """Return the names of the guards that forbid a key."""
        return self.guards.names(self._not_exempt(words(query), key), words(key))

    def _is_vetoed(self, query: Words, place: int, flags: int) -> bool:
        """Do guards forbid the entry, without the words that its key is exempt from?

        A corrected query stands for its key too, unless guards forbid the correction itself: then
        the user overruled them.
        """
        text, entry = self.table.text(place), self.table.words(place)
        vetoed = flags & _VETOED or any(guard(query, entry) for guard in self.guards.custom)
        if not flags & ALIAS:
            return bool(vetoed) and self._is_key_vetoed(query, text, entry)
        key = self.learned.corrections[text]
        if vetoed or key is None:
            return bool(vetoed)
        key_words = words(key)
        overruled = self.guards.veto(entry, key_words)
        return not overruled and self._is_key_vetoed(query, key, key_words)

    def _is_key_vetoed(self, query: Words, key: str, key_words: Words) -> bool:
        return self.guards.veto(self._not_exempt(query, key), key_words)

    def _not_exempt(self, query: Words, key: str) -> Words:
        """Return the words of a query without those that the key is exempt from."""
        exempt = self.learned.guard_exemptions.get(key, frozenset())
        return tuple(word for word in query if word not in exempt)

    def _apply_lessons(
        self, scored: ScoredEntries, candidates: Candidates, projected: Floats | None
    ) -> Candidates:
        """Add what projections learned; exact keys, and corrections of the query, are certain."""
        keys, logits = candidates
        query, corrections = scored.query, self.learned.corrections
        if not keys:
            return candidates
        if projected is not None:
            logits = self._projected.logits(logits, projected, [self._place(key) for key in keys])
        if query in keys:
            logits = logits.copy()
            logits[keys.index(query)] = max(float(logits.max()) + 1.0, _EXACT_LOGIT)
        elif query in corrections:
            key = corrections[query]
            if key is None or key in keys:
                logits = logits - np.float32(max(float(logits.max()), 0.0) + _CORRECTED_LOGIT)
            if key in keys:
                logits[keys.index(key)] = _CORRECTED_LOGIT
        return Candidates(keys, logits)


def _dimension(meanings: Floats | None, vectors: QuantizedVectors | None) -> int | None:
    if vectors is not None:
        return int(vectors.numbers.shape[1]) - SPELLING_WIDTH
    return None if meanings is None else int(meanings.shape[1])


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
