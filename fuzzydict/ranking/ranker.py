"""From a query to ranked keys: candidates by their vectors, scored, masked by the guards."""

import copy
import functools
import itertools
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fuzzydict import compiled
from fuzzydict.index.auto import make_index
from fuzzydict.index.exact import ExactIndex, Index
from fuzzydict.index.quantized import QuantizedVectors
from fuzzydict.learning.projection import Lookups, Projection, Texts
from fuzzydict.model.embedders import Embedder, WordEmbedder
from fuzzydict.model.loading import networks_for, vocabulary_for
from fuzzydict.progress import Progress
from fuzzydict.ranking import calibration
from fuzzydict.ranking.calibration import Background, Calibration, Scale
from fuzzydict.ranking.guards import DEFAULT, Guard, Words
from fuzzydict.ranking.scorer import (
    Scorer,
    ScoringRequest,
    SpellingScorer,
    Vocabulary,
    WordAlignment,
)
from fuzzydict.text import spelling
from fuzzydict.text.tokens import MAX_LENGTH, compact, plain, words

__all__ = [
    "CANDIDATES",
    "SHORTLIST",
    "Candidates",
    "Correction",
    "DocumentFrequencies",
    "IndexEntry",
    "IndexSnapshot",
    "LearnedState",
    "Ranker",
    "ScoreBreakdown",
    "default_cutoff",
]

Floats = NDArray[np.float32]

CANDIDATES = 64
SHORTLIST = 16
_AT_ONCE = 4096  # keys that are embedded together
_CERTAIN = 8.0  # the least logit of an exact key
_CORRECTED = 20.0  # the logit of the key that a correction names, for that very query
_SECOND_HAND = 1.0  # what a correction's likeness is worth less than a key's own
_LEARNED = np.float32(0.1**0.5)  # its square is what a learned logit counts among candidates
_ALL = 256  # keys, up to which a fit looks at all of them for each pair
_SHOWN = 2  # pairs that lift a guard for a word
_ALIKE = 4.0  # by which keys of the same words stand behind one of them


class Candidates(NamedTuple):
    """The keys that a query may mean, and the logit of each; that of the null key is 0."""

    keys: list[str]
    logits: Floats  # (len(keys),) -inf for those that a guard forbids

    def probabilities(self) -> Floats:
        """Return the attention over the keys beside the null key: [len(keys)]."""
        return calibration.beside_null(self.logits)

    def order(self) -> list[int]:
        """Return the places of the keys, the likeliest first, equal ones as in the alphabet."""
        places = range(len(self.keys))
        ranked = sorted(zip((-self.logits).tolist(), map(plain, self.keys), places, strict=True))
        return [place for _, _, place in ranked]

    def best(self, n: int) -> list[tuple[str, float]]:
        """Return the ``n`` likeliest keys with their probabilities; none that a guard forbids."""
        shares = self.probabilities().tolist()
        return [(self.keys[i], shares[i]) for i in self.order()[:n] if shares[i] > 0]


class Correction(NamedTuple):
    """A query and the key that a user said it means, None for no key at all."""

    query: str
    key: str | None


IndexEntry = str | Correction
_NOTHING: Mapping[str, Any] = {}


class LearnedState(NamedTuple):
    """All that a dictionary was taught. Nothing of it is changed in place."""

    calibration: Calibration = Calibration()
    projection: Projection | None = None
    guard_exemptions: Mapping[str, frozenset[str]] = (
        _NOTHING  # words for which no guard keeps from a key
    )
    corrections: Mapping[str, str | None] = _NOTHING  # query → key


class IndexSnapshot(NamedTuple):
    """What a matcher worked out of its keys."""

    entries: list[IndexEntry]
    rows: QuantizedVectors
    usage: dict[str, int]  # how many keys have a word


class ScoreBreakdown(NamedTuple):
    """What the score of one key is made of; the probabilities are those among all candidates."""

    key: str
    score: float  # the probability in the end: 0 where a guard forbids the key
    letters: float  # how alike query and key are written, 0 to 1: 1 less the share of edits
    cosine: float  # of their meanings as the score takes it, -1 to 1: less where words are unknown
    by_spelling: float  # the probability by spelling alone
    by_meaning: float  # the probability by spelling and meaning
    by_learning: float  # the probability by these and what was learned, before the guards
    guards: tuple[str, ...]  # those that forbid the key
    words: tuple[WordAlignment, ...]  # what words of the query stand for in the key
    correction: str | None  # the corrected query through which the key was reached, if any


class _Near(NamedTuple):
    """A query on its way: its words, its row, and the entries that are near to it."""

    query: str
    words: Words
    row: Floats
    entries: list[IndexEntry]


class _Asked(NamedTuple):
    """A query with the entries that are scored, and with theirs."""

    query: str
    words: Words
    row: Floats
    entries: list[IndexEntry]
    held: list[Words]  # of the entries
    rows: Floats  # of the entries: (n, len(row))


class DocumentFrequencies:
    """How many keys have a word: a word that many share tells them apart less."""

    def __init__(self, keys: Iterable[Words] = ()) -> None:
        self._keys = 0
        self.counts: dict[str, int] = {}
        self.add(keys)

    @classmethod
    def of(cls, counts: Mapping[str, int], keys: int) -> "DocumentFrequencies":
        """Return the usage in so many keys, from how many of them have each word."""
        self = cls()
        self._keys, self.counts = keys, dict(counts)
        return self

    def add(self, keys: Iterable[Words]) -> None:
        """Count the words of new keys."""
        for key in keys:
            self._keys += 1
            for word in set(key):
                self.counts[word] = self.counts.get(word, 0) + 1

    def remove(self, key: Words) -> None:
        """Count the words of a key no more."""
        self._keys -= 1
        for word in set(key):
            self.counts[word] -= 1
            if not self.counts[word]:
                del self.counts[word]

    def __call__(self, words: Sequence[str], /) -> Floats:
        """Return how much each word tells the keys apart: 1 for a word of one key at most, to 0."""
        scale = 1 / math.log(max(self._keys, 1) + 1.0)
        counts = map(self.counts.get, words)  # None for no key, and a server may tell of 0
        return np.array(
            [1 - scale * math.log(count) if count and count > 1 else 1.0 for count in counts],
            np.float32,
        )


class Ranker:
    """The keys of a dictionary that are text, ready to be asked.

    A key's row is its meaning, its spelling and what was learned of it, side by side; the
    candidates of a query are the keys of the largest dot products with the query's row, and they
    alone are scored. A correction is an entry beside the keys: what means the corrected query
    means the key that the correction names, as long as that key is there.
    """

    _ready: tuple[Sequence[str], tuple[list[Words], Floats]] | None = None  # what is asked next

    def __init__(
        self,
        embedder: Embedder,
        guards: Iterable[Guard] = DEFAULT,
        learned: LearnedState | None = None,
        index: str = "auto",
    ) -> None:
        compiled.warn_if_missing()
        self.embedder = embedder
        self._kind = index
        self.learned = learned or LearnedState()
        self._guards = tuple(guards)
        self._score, self._meaning = _scorer_for(embedder)
        self._index = self._new_index()
        self._active_corrections: dict[
            Correction, Words
        ] = {}  # those in the index, whose keys are there
        self._corrected = _by_key(self.learned.corrections)
        self._usage = DocumentFrequencies()
        own = isinstance(embedder, WordEmbedder) and embedder.networks is not None
        self._background = None if own else Background()

    @property
    def cutoff(self) -> float:
        """The least probability at which the score was calibrated to answer."""
        return self._score.cutoff

    @property
    def index(self) -> Index[IndexEntry]:
        """Where the keys are searched; its repr says of which kind it is."""
        return self._index

    def __len__(self) -> int:
        return len(self._index) - len(self._active_corrections)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and key in self._index

    def keys(self) -> list[str]:
        """Return the keys, in any order."""
        return [entry for entry in self._index if isinstance(entry, str)]

    def add(self, keys: Sequence[str]) -> None:
        """Add keys that are not there yet. Nothing is changed where the embedder fails."""
        if not keys:
            return
        corrections = self._inactive_corrections([None, *keys]) if self._corrected else []
        split = [words(key) for key in keys]
        told = [words(correction.query) for correction in corrections]
        texts = [*map(plain, keys), *(correction.query for correction in corrections)]
        entries: list[IndexEntry] = [*keys, *corrections]
        rows = self._with_learned(entries, self._embedded(texts, [*split, *told]), [*split, *told])
        self._index.add(entries, rows)
        self._active_corrections.update(zip(corrections, told, strict=True))
        self._usage.add(split)
        if self._background is not None:
            self._background.add(keys)

    def discard(self, key: str) -> None:
        """Remove a key if it is there. Its corrections sleep until it comes back."""
        if key in self:
            self._usage.remove(words(key))
            self._index.remove(key)
            for query in self._corrected.get(key, ()):
                self._deactivate(Correction(query, key))
            if self._background is not None:
                self._background.discard(key, self.keys)

    def set_learned(self, learned: LearnedState) -> None:
        """Go by what was learned from now on; no key is embedded again.

        O(corrections), and O(len(self)) where the projection is another one. Nothing is changed
        where the embedder fails.
        """
        before, self.learned = self.learned, learned
        corrected, self._corrected = self._corrected, _by_key(learned.corrections)
        new = self._inactive_corrections(
            [key for key in self._corrected if key is None or key in self]
        )
        told = [words(correction.query) for correction in new]
        try:
            queries = [correction.query for correction in new]
            rows = self._embedded(queries, told) if new else None
        except Exception:
            self.learned, self._corrected = before, corrected
            raise
        for correction in list(self._active_corrections):
            if learned.corrections.get(correction.query, _NO_KEY) != correction.key:
                self._deactivate(correction)
        if learned.projection is not before.projection and len(self._index):
            entries = list(self._index)
            held = self._key_words(entries)
            plain = self._index.rows(entries)
            if before.projection is not None:
                plain = plain[:, : -before.projection.width]
            self._index = self._new_index()
            self._index.add(entries, self._with_learned(entries, plain, held))
        if rows is not None and len(self):
            self._index.add(new, self._with_learned(new, rows, told))
            self._active_corrections.update(zip(new, told, strict=True))

    def check(self) -> None:
        """Assert that what is worked out of the keys is what their words say; for tests."""
        keys = self.keys()
        assert len(keys) == len(set(keys)) == len(self)
        assert self._usage.counts == DocumentFrequencies(map(words, keys)).counts
        told = {Correction(*pair) for pair in self.learned.corrections.items()}
        awake = {each for each in told if each.key is None or each.key in self}
        asleep = awake.difference(self._active_corrections)
        assert awake.issuperset(self._active_corrections), (self._active_corrections, awake)
        assert not (keys and asleep), asleep
        assert all(each in self._index for each in self._active_corrections)

    def known(self, among: Collection[object]) -> IndexSnapshot:
        """Return what was worked out of the keys that are among these, for `restore`."""
        entries: list[IndexEntry] = [key for key in self.keys() if key in among]
        entries += self._active_corrections
        return IndexSnapshot(entries, self._index.kept(entries), dict(self._usage.counts))

    def restore(self, known: IndexSnapshot) -> None:
        """Take over, in place of adding keys, what a matcher of the same embedder knew of them."""
        self._active_corrections = {
            entry: words(entry.query) for entry in known.entries if isinstance(entry, Correction)
        }
        self._index = make_index(self._kind, ExactIndex.of(known.entries, known.rows))
        self._usage = DocumentFrequencies.of(known.usage, len(self))
        if self._background is not None:
            self._background.add(self.keys())

    def view(
        self, known: IndexSnapshot, usage: DocumentFrequencies, scale: Scale | None
    ) -> "Ranker":
        """Return a matcher of these keys alone, that judges them as if they were among others.

        ``usage`` is that of words in all keys, ``scale`` that of an embedder's cosines.
        """
        view = object.__new__(Ranker)
        vars(view).update(vars(self), _background=None)
        view.restore(known)
        view._usage = usage
        view._background = None if scale is None else Background.of(scale)
        return view

    def _new_index(self) -> Index[IndexEntry]:
        projection = self.learned.projection
        return make_index(self._kind, ExactIndex(projection.width if projection else 0))

    def _inactive_corrections(self, keys: Iterable[str | None]) -> list[Correction]:
        """Return the corrections of these keys that are not in the index."""
        corrections = (
            Correction(query, key) for key in keys for query in self._corrected.get(key, ())
        )
        return [
            correction for correction in corrections if correction not in self._active_corrections
        ]

    def _deactivate(self, correction: Correction) -> None:
        del self._active_corrections[correction]
        self._index.remove(correction)

    def rank(self, query: str, n: int) -> list[tuple[str, float]]:
        """Return up to ``n`` keys that the query may mean with their probabilities, best first.

        A smaller ``n`` returns the beginning of the same ranking. It starts with the keys of the
        shortlist, 16 at most; their probabilities and that of no match sum to one. Further keys
        have the probability that they would have beside the shortlist, but no more than the key
        before them. Keys that a guard forbids are left out. One search and the scoring of 16 keys;
        for further keys, of 64 or of four times as many as it takes to find n that are allowed.
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
        until a block adds no key, so that guards that forbid nearly all keys cost little.
        """
        seen, width, added = set(shortlist), SHORTLIST, True
        while added and width < len(self) + len(self.learned.corrections):
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
        """Return the ``n`` best keys of each query's shortlist; one search of the index for all."""
        result = []
        for found in self.candidates(queries):
            result.append(found.best(n))
            step(1)
        return result

    def candidates(
        self,
        queries: Sequence[str],
        n: int | None = None,
        among: Collection[str] | None = None,
    ) -> list[Candidates]:
        """Return for each query the ``n`` nearest keys, of those ``among`` if given, scored.

        Without ``n``, those 16 of the 64 nearest whose letters are the most alike too. One matrix
        product for the vectors of all queries and keys, and n scores a query.
        """
        nearest = self._nearest(queries, n or CANDIDATES, among)
        return self._scored_with_lessons(
            list(map(self._shortlisted if n is None else self._asked, nearest))
        )

    def _nearest(
        self, queries: Sequence[str], n: int, among: Collection[str] | None = None
    ) -> list[_Near]:
        if not len(self):
            return [_Near(query, (), np.empty(0, np.float32), []) for query in queries]
        if any(type(query) is not str for query in queries):
            queries = [plain(query) for query in queries]
        split, rows = self._asking(queries)
        allowed: Collection[IndexEntry] | None = among
        if among is not None and self._active_corrections:
            keys = {None, *among}
            allowed = [*among, *(told for told in self._active_corrections if told.key in keys)]
        found = self._index.search(rows, n, allowed)
        result = []
        for query, text, row, entries in zip(queries, split, rows, found, strict=True):
            if not text:  # nothing but marks: it means no key, though it may be one
                entries = []
            sure = self._exact_key(query)
            if sure is not None and sure not in entries and (among is None or sure in among):
                entries = [*entries[: n - 1], sure]
            result.append(_Near(query, text, row, entries))
        return result

    def _asking(self, queries: Sequence[str]) -> tuple[list[Words], Floats]:
        """Return the words of queries, and the rows whose products with those of keys count."""
        if self._ready is not None and self._ready[0] is queries:
            return self._ready[1]
        split = [words(query) for query in queries]
        rows = self._rows(queries, split)
        learned = None
        if (projection := self.learned.projection) is not None:
            learned = projection.queries(
                Texts(split, self._features(rows[:, : -spelling.DIMENSION], split))
            )
        for row, text in zip(rows, split, strict=True):
            row[: -spelling.DIMENSION] *= self._trust(text)
        if learned is not None:
            rows = np.hstack([rows, _LEARNED * learned])
        return split, rows

    def _asked(self, near: _Near) -> _Asked:
        return _Asked(*near, self._key_words(near.entries), self._index.rows(near.entries))

    def _exact_key(self, query: str) -> str | None:
        """Return the key that the query means whatever the scores: itself or a correction's."""
        sure = query if query in self else self.learned.corrections.get(query)
        return sure if sure in self else None

    def _shortlisted(self, near: _Near) -> _Asked:
        """Return the query with those entries alone that are nearest and most alike in letters."""
        query, text, row, entries = near
        if len(entries) <= SHORTLIST:
            return self._asked(near)
        rows = self._index.rows(entries)
        texts = [plain(entry) if isinstance(entry, str) else entry.query for entry in entries]
        letters = spelling.ratios(" ".join(text), [each[:MAX_LENGTH].casefold() for each in texts])
        best = (-(rows @ row + letters)).argsort(kind="stable")[:SHORTLIST]
        sure = self._exact_key(query)
        if sure in entries and (place := entries.index(sure)) not in best:
            best[-1] = place
        entries = [entries[i] for i in best.tolist()]
        return _Asked(query, text, row, entries, self._key_words(entries), rows[best])

    def evidence(self, query: str) -> tuple[list[ScoreBreakdown], str | None]:
        """Return what the scores of the candidates are made of, the likeliest first.

        With them the corrected query, if any, for whose sake no key may be meant. Keys that a guard
        forbids are among them, where they would stand without it.

        Each step leaves out a part of the score. The work of four `rank`.
        """
        asked = self._shortlisted(self._nearest([query], CANDIDATES)[0])
        (found,) = self._scored_with_lessons([asked])
        if not found.keys:
            return [], self._through(asked).get(None)
        keys = found.keys
        split = [_words_of(key) for key in keys]
        own = asked._replace(entries=[*keys], held=split, rows=self._index.rows(keys))
        unguarded = copy.copy(self)
        unguarded._guards = ()
        spelled = copy.copy(unguarded)
        score = self._score
        spelled._score = SpellingScorer(score.words, score.phrases, score.cutoff)
        untaught = Calibration()
        (learned,) = unguarded._scored_with_lessons([asked])
        steps = [*spelled._base_scores([own], untaught), *unguarded._base_scores([own], untaught)]
        shares = [step.probabilities().tolist() for step in (*steps, learned, found)]
        others = [compact(key) for key in split]
        letters = spelling.similarities(compact(asked.words), others)[1].tolist()
        cosines = self._cosines(own, self.learned.calibration).tolist()
        forbidden, through = np.isneginf(found.logits), self._through(asked)
        return [
            ScoreBreakdown(
                key=keys[i],
                score=shares[3][i],
                letters=letters[i],
                cosine=cosines[i],
                by_spelling=shares[0][i],
                by_meaning=shares[1][i],
                by_learning=shares[2][i],
                guards=self._vetoing_guards(asked.words, keys[i]) if forbidden[i] else (),
                words=tuple(self._score.pairs(asked.words, split[i], self._meaning)),
                correction=through.get(keys[i]),
            )
            for i in learned.order()
        ], through.get(None)

    def _vetoing_guards(self, text: Words, key: str) -> tuple[str, ...]:
        """Return the names of the guards that forbid a key."""
        guard_exemptions = self.learned.guard_exemptions.get(key, ())
        text, held = tuple(word for word in text if word not in guard_exemptions), _words_of(key)
        return tuple(
            getattr(guard, "__name__", type(guard).__name__)
            for guard in self._guards
            if guard(text, held)
        )

    def _through(self, asked: _Asked) -> dict[str | None, str]:
        """Return for keys, or None, the correction that is nearer to the query than they are."""
        meant = self.learned.corrections.get(asked.query, _NO_KEY)
        if asked.query not in self and (meant is None or meant in self):
            return {meant: asked.query}
        if not asked.words or not asked.entries:
            return {}
        best: dict[str | None, tuple[float, str]] = {None: (0.0, "")}
        logits = self._scored([asked], self.learned.calibration)[0].tolist()
        for entry, held, logit in zip(asked.entries, asked.held, logits, strict=True):
            if not self._is_vetoed(asked.words, entry, held):
                key, told = (entry, "") if isinstance(entry, str) else (entry.key, entry.query)
                logit -= _SECOND_HAND if told else 0.0
                best[key] = max(best.get(key, (-np.inf, "")), (logit, told))
        return {key: told for key, (_, told) in best.items() if told}

    def calibrate(self, pairs: Sequence[tuple[str, str | None]]) -> Calibration:
        """Return the calibration that makes labelled pairs of a query and its key most probable.

        For an embedder other than of words the scale of its cosines is searched too.
        """
        scales = [Scale()]
        if self._background is not None:
            scales = [
                Scale(slope, shift) for slope in (1.0, 0.7, 1.4) for shift in (0, -0.15, 0.15)
            ]
        # An exact key is right whatever the scores, and one that is not found cannot be scored.
        asked = [
            (self._asked(near), right)
            for near, (query, right) in zip(
                self._nearest([query for query, _ in pairs], CANDIDATES), pairs, strict=True
            )
            if query not in self and (right is None or right in near.entries)
        ]
        best = Calibration(), np.inf
        for scale in scales:
            unfitted = Calibration(scale=scale)
            scored = self._base_scores([each for each, _ in asked], unfitted)
            fitted, left = calibration.fit(
                [
                    (found.logits, None if right is None else found.keys.index(right))
                    for found, (_, right) in zip(scored, asked, strict=True)
                ]
            )
            # Few pairs must not move the scale far: 1 nat for 0.7 or 1.4, and for 0.15.
            left += 9 * np.log(scale.slope) ** 2 + 44 * scale.offset**2
            if left < best[1]:
                best = fitted._replace(scale=scale), left
        return best[0]

    def lookups(
        self,
        pairs: Sequence[tuple[str, str | None]],
        step: Callable[[int], object] = lambda steps: None,
    ) -> Lookups:
        """Return labelled pairs of a query and its key with the zero-shot scores of their
        candidates, to learn from. A few hundred keys are all candidates of each."""
        n = len(self._index) if len(self) <= _ALL else CANDIDATES
        found: list[Candidates] = []
        split: list[Words] = []
        features: list[Floats] = []
        for start in range(0, len(pairs), _AT_ONCE):
            part = pairs[start : start + _AT_ONCE]
            queries = [query for query, _ in part]
            texts = [words(query) for query in queries]
            split += texts
            features.append(self._features(self._meaning_of(queries, texts), texts))
            for near, (_, right) in zip(self._nearest(queries, n), part, strict=True):
                if right is not None and right not in near.entries:
                    near.entries.append(right)
                found += self._base_scores([self._asked(near)], self.learned.calibration)
                step(1)
        keys = list(dict.fromkeys(key for candidates in found for key in candidates.keys))
        meanings = self._features(self._meanings(keys), [_words_of(key) for key in keys])
        return Lookups.of(
            Texts(split, np.vstack(features)), keys, meanings, found, [key for _, key in pairs]
        )

    def find_guard_exemptions(
        self, pairs: Sequence[tuple[str, str | None]]
    ) -> dict[str, frozenset[str]]:
        """Return for each key the words of queries that mean it although a guard forbids it.

        A word counts where two pairs show it; one alone may be a slip.
        """
        seen: dict[str, Counter[str]] = {}
        for query, key in pairs:
            text = words(query)
            if key is not None and self._vetoes(text, held := _words_of(key)):
                alone = {word for word in text if self._vetoes((word,), held)}
                seen.setdefault(key, Counter()).update(alone or set(text))
        guard_exemptions = {
            key: frozenset(word for word, times in counts.items() if times >= _SHOWN)
            for key, counts in seen.items()
        }
        return {key: found for key, found in guard_exemptions.items() if found}

    def _scored_with_lessons(self, asked: Sequence[_Asked]) -> list[Candidates]:
        """Return the keys that queries may mean and their logits, with all that was learned."""
        scored = self._base_scores(asked, self.learned.calibration)
        return [self._apply_lessons(*each) for each in zip(asked, scored, strict=True)]

    def _apply_lessons(self, asked: _Asked, found: Candidates) -> Candidates:
        """Add what was learned of the keys, and corrections of this very query."""
        keys, logits = found
        if not keys:
            return found
        projection = self.learned.projection
        if projection is not None:
            query = asked.row[-projection.width :] / _LEARNED
            rows = asked.rows if keys == asked.entries else self._index.rows(keys)
            codes = rows[:, -projection.width :] / _LEARNED
            logits = projection.logits(logits, codes @ query, query)
        if asked.query in keys:
            place = keys.index(asked.query)
            logits[place] = max(float(logits.max()) + 1.0, _CERTAIN)
        elif asked.query in self.learned.corrections:
            meant = self.learned.corrections[asked.query]
            if meant is None or meant in keys:
                logits -= np.float32(max(float(logits.max()), 0.0) + _CORRECTED)
            if meant in keys:
                logits[keys.index(meant)] = _CORRECTED
        return Candidates(keys, logits)

    def _base_scores(self, asked: Sequence[_Asked], calibrated: Calibration) -> list[Candidates]:
        """Return the keys that queries may mean and their logits, corrections included."""
        scored = self._scored(asked, calibrated)
        return [self._apply_guards(*each) for each in zip(asked, scored, strict=True)]

    def _apply_guards(self, asked: _Asked, logits: Floats) -> Candidates:
        """Leave out what a guard forbids, and let one entry stand for others of the same words or
        of the same key."""
        text, entries, held = asked.words, asked.entries, asked.held
        keys = [entry for entry in entries if isinstance(entry, str)]
        if not text:  # then the only key there may be is the query itself, or its correction's
            return Candidates(keys, np.full(len(keys), _CERTAIN, np.float32))
        for i in self._flagged(asked):
            if self._is_vetoed(text, entries[i], held[i]):
                logits[i] = -np.inf
        if len(keys) == len(entries):
            if len(set(held)) < len(held):
                _prefer_closest_spelling(asked.query, keys, held, logits)
            return Candidates(keys, logits)
        best: dict[str | None, float] = {}
        for entry, logit in zip(entries, logits.tolist(), strict=True):
            key = entry if isinstance(entry, str) else entry.key
            logit -= 0.0 if isinstance(entry, str) else _SECOND_HAND
            best[key] = max(best.get(key, -np.inf), logit)
        null = max(best.pop(None, 0.0), 0.0)
        return Candidates(
            [key for key in best if key is not None],
            np.array(list(best.values()), np.float32) - np.float32(null),
        )

    def _cosines(self, asked: _Asked, calibrated: Calibration) -> Floats:
        d = self._meaning_width(asked.row)
        cosines: Floats = asked.rows[:, :d] @ asked.row[:d]
        if self._background is not None:
            cosines = calibrated.scale(self._background.scale(self._meanings)(cosines))
        return cosines

    def _scored(self, asked: Sequence[_Asked], calibrated: Calibration) -> list[Floats]:
        """Return the calibrated logits of the entries of each query."""
        questions = [
            ScoringRequest(each.words, each.held, self._cosines(each, calibrated))
            if each.words and each.entries
            else _NO_QUESTION
            for each in asked
        ]
        return [
            calibrated(each) for each in self._score.logits(questions, self._meaning, self._usage)
        ]

    def _flagged(self, asked: _Asked) -> set[int]:
        """Return the places of the entries that a guard may forbid: few of them, most often."""
        suspects = {
            i
            for guard in self._guards
            for i, other in enumerate(asked.held)
            if guard(asked.words, other)
        }
        if self._active_corrections:
            suspects.update(
                i for i, entry in enumerate(asked.entries) if not isinstance(entry, str)
            )
        return suspects

    def _is_vetoed(self, text: Words, entry: IndexEntry, held: Words) -> bool:
        """Does a guard forbid the entry? Words that it was taught not to mind do not count.

        A correction stands for its key too, but where a guard forbids that of the correction
        itself it was overruled.
        """
        if isinstance(entry, str):
            guard_exemptions = self.learned.guard_exemptions.get(entry)
            if not self._vetoes(text, held):
                return False
            return guard_exemptions is None or self._vetoes(
                tuple(word for word in text if word not in guard_exemptions), held
            )
        if self._vetoes(text, held):
            return True
        if entry.key is None:
            return False
        key = _words_of(entry.key)
        return self._is_vetoed(text, entry.key, key) and not self._vetoes(held, key)

    def _vetoes(self, query: Words, key: Words) -> bool:
        return any(guard(query, key) for guard in self._guards)

    def _key_words(self, entries: Sequence[IndexEntry]) -> list[Words]:
        """Return the words of entries."""
        told = self._active_corrections
        return [_words_of(each) if isinstance(each, str) else told[each] for each in entries]

    def _trust(self, asked: Words) -> float:
        return self.embedder.trust(asked) if isinstance(self.embedder, WordEmbedder) else 1.0

    def _meaning_width(self, row: Floats) -> int:
        projection = self.learned.projection
        return len(row) - spelling.DIMENSION - (projection.width if projection else 0)

    def _meanings(self, entries: Sequence[IndexEntry]) -> Floats:
        rows = self._index.rows(entries)
        return rows[:, : self._meaning_width(rows[0]) if len(rows) else 0]

    def _features(self, meanings: Floats, split: Sequence[Words]) -> Floats:
        """Return what a projection sees of texts of these meanings: [n, F]."""
        if isinstance(self.embedder, WordEmbedder):
            return np.hstack([meanings, self.embedder.extremes(split)])
        return meanings

    def _with_learned(
        self, entries: Sequence[IndexEntry], rows: Floats, split: Sequence[Words]
    ) -> Floats:
        """Return rows with what is learned of keys beside them; of a correction it is its key's."""
        projection = self.learned.projection
        if projection is None:
            return rows
        learned = np.zeros((len(rows), projection.width), np.float32)
        rows = QuantizedVectors.of(rows).vectors()  # what is learned is learned of what is kept
        keys = [entry for entry in entries if isinstance(entry, str)]
        places = [i for i, entry in enumerate(entries) if isinstance(entry, str)]
        if keys:
            meanings = rows[places, : -spelling.DIMENSION]
            features = self._features(meanings, [split[i] for i in places])
            learned[places] = projection.keys(keys, features)
        return np.hstack([rows, _LEARNED * learned])

    def _embedded(self, texts: Sequence[str], split: Sequence[Words]) -> Floats:
        """Return the rows of keys; long work shows its progress."""
        blocks = []
        with Progress("keys", len(texts)) as step:
            for start in range(0, len(texts), _AT_ONCE):
                block = slice(start, start + _AT_ONCE)
                blocks.append(self._rows(texts[block], split[block], guess=False))
                step(len(blocks[-1]))
        return np.vstack(blocks)

    def _rows(self, texts: Sequence[str], split: Sequence[Words], guess: bool = True) -> Floats:
        letters = [compact(text) for text in split]
        return np.hstack([self._meaning_of(texts, split, guess), spelling.encode(letters)])

    def _meaning_of(
        self, texts: Sequence[str], split: Sequence[Words], guess: bool = True
    ) -> Floats:
        if isinstance(self.embedder, WordEmbedder):
            return self.embedder.encode_words(split, guess=guess)
        return self.embedder.encode(texts)


def _prefer_closest_spelling(
    query: str, keys: Sequence[str], held: Sequence[Words], logits: Floats
) -> None:
    """Of keys of the same words let the one stand out that is written most like the query.

    Else they would share its probability, and none of them might reach the cutoff.
    """
    alike: dict[Words, list[int]] = {}
    for i, key in enumerate(held):
        alike.setdefault(key, []).append(i)
    for places in alike.values():
        if len(places) > 1:
            letters = spelling.ratios(query, [keys[i] for i in places])
            texts = [plain(keys[i]) for i in places]
            first = min(zip(-letters, texts, places, strict=True))[2]
            logits[[i for i in places if i != first]] -= _ALIKE


def _words_of(key: str) -> Words:
    """Return the words of a key, of which those of many keys would need more memory than they."""
    return _cached_words(key if type(key) is str else plain(key))


_cached_words = functools.lru_cache(maxsize=1 << 14)(words)


_NO_KEY: Any = object()  # what no correction names
_NO_QUESTION = ScoringRequest((), (), np.empty(0, np.float32))


def _by_key(corrections: Mapping[str, str | None]) -> dict[str | None, list[str]]:
    result: dict[str | None, list[str]] = {}
    for query, key in corrections.items():
        result.setdefault(key, []).append(query)
    return result


def _scorer_for(embedder: Embedder) -> tuple[Scorer, Vocabulary]:
    return Scorer.of(networks_for(embedder)), vocabulary_for(embedder)


def default_cutoff(embedder: Embedder) -> float:
    """Return the cutoff that the score for this embedder was calibrated with."""
    return networks_for(embedder).cutoff
