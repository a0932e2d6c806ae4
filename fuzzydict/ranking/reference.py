"""The reference implementation of a key table: the place to understand how keys are ranked.

Written for reading, one query and one key at a time. It is the oracle of the native implementation
and its stand-in where nothing is compiled. `ReferenceTable.rank` calls the stages in their order.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fuzzydict.forking import matrix_product
from fuzzydict.index.quantized import QuantizedVectors
from fuzzydict.model.embedders import WordEmbedder, networks_for
from fuzzydict.model.vocabulary import WithoutVectors
from fuzzydict.ranking.features import TextFeatures, are_forms, coverage, text_features
from fuzzydict.ranking.guards import flags_of
from fuzzydict.ranking.table import ALIAS, ALL_GUARDS, EXACT_LOGIT, SAME_WORDS, Ranking
from fuzzydict.ranking.vectors import TextVectors, with_spelling
from fuzzydict.text import spelling
from fuzzydict.text.aliases import renamed
from fuzzydict.text.tokens import MAX_LENGTH, plain, words

__all__ = ["ReferenceTable", "Settings"]

Floats = NDArray[np.float32]
Words = tuple[str, ...]

_NOT_PREFERRED = 4.0  # logits that keys lose to another one with the same words
_CLEAR = 6.0  # the logit from which on no further name of a query is tried
_FORMS = 3.5  # the least logit of a key whose words are forms of the query's
_SPECIFIC = 0.67  # how far a word of a key adds to those of the query from which it is another key
_RENAMED = 1.0  # logits that a key loses to which another name of the query leads


class Settings(NamedTuple):
    """How entries are found and scored; see `KeyTable.settings`."""

    n_candidates: int = 64
    n_scored: int = 16
    guards: int = ALL_GUARDS
    vectors: bool = True
    cosines: bool = True
    calibration: tuple[float, float] = (1.0, 0.0)
    scale: tuple[float, float] = (1.0, 0.0)


class _Entry(NamedTuple):
    """A key or an alias with everything that ranking needs to know about it."""

    text: str
    words: Words
    features: TextFeatures
    spelled: TextFeatures  # without vectors
    is_alias: bool


class _Scored(NamedTuple):
    place: int
    entry: _Entry
    logit: float
    plain: float
    flags: int


class ReferenceTable:
    """A `fuzzydict.ranking.table.KeyTable` in plain Python and NumPy."""

    def __init__(self, embedder: WordEmbedder, dimension: int | None = None) -> None:
        self.own = dimension is None
        self._embedder = embedder
        self._texts = TextVectors(embedder)
        self._networks = networks_for(embedder)
        self._spelling = WithoutVectors(embedder)
        self._dimension = embedder.dimension if dimension is None else dimension
        self.width = self._dimension + spelling.DIMENSION
        self._entries: list[_Entry] = []
        self._vectors = QuantizedVectors.empty(0, self.width)
        self._keys: dict[str, int] = {}  # key → place
        self._aliases: dict[str, int] = {}
        self._frequencies: Counter[str] = Counter()  # word → keys that have it
        self._collection: tuple[Mapping[str, int], int] | None = None  # frequencies elsewhere

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def key_count(self) -> int:
        """The number of keys, without aliases."""
        return len(self._keys)

    def keys(self) -> list[str]:
        """Return the keys, in any order."""
        return list(self._keys)

    def aliases(self) -> list[str]:
        """Return the aliases, in any order."""
        return list(self._aliases)

    def find(self, key: str, /) -> int | None:
        """Return the place of a key, or None."""
        return self._keys.get(key)

    def find_alias(self, text: str, /) -> int | None:
        """Return the place of an alias, or None."""
        return self._aliases.get(text)

    def text(self, place: int, /) -> str:
        """Return the key or alias at a place."""
        return self._entries[place].text

    def words(self, place: int, /) -> Words:
        """Return the words of the key or alias at a place."""
        return self._entries[place].words

    # Entries.

    def add(
        self,
        keys: Iterable[str],
        *,
        meanings: Floats | None = None,
        numbers: NDArray[np.int8] | None = None,
        scales: Floats | None = None,
        aliases: bool = False,
    ) -> None:
        """Add entries at the next places."""
        added = [plain(key) for key in keys]
        places = self._aliases if aliases else self._keys
        if len(set(added)) < len(added) or not places.keys().isdisjoint(added):
            raise ValueError("keys must be new and different from each other")
        split = [words(key) for key in added]
        if numbers is not None and scales is not None:
            vectors = QuantizedVectors(numbers, scales.reshape(-1, 1))
        elif meanings is not None:
            vectors = QuantizedVectors.of(with_spelling(meanings, split))
        else:
            vectors = self._texts.keys(added)
        self._vectors = QuantizedVectors.together([self._vectors, vectors])
        for key, text in zip(added, split, strict=True):
            places[key] = len(self._entries)
            spelled = TextFeatures.of(text, self._spelling, is_query=False)
            features = (
                TextFeatures.of(text, self._embedder, is_query=False) if self.own else spelled
            )
            self._entries.append(_Entry(key, text, features, spelled, aliases))
            if not aliases:
                self._frequencies.update(set(text))

    def remove_at(self, place: int, /) -> None:
        """Remove an entry; the last one takes its place."""
        entry, last = self._entries[place], self._entries.pop()
        self._vectors.put(place, self._vectors.take(slice(len(self._entries), None)))
        self._vectors = self._vectors.take(slice(len(self._entries)))
        del (self._aliases if entry.is_alias else self._keys)[entry.text]
        if place < len(self._entries):
            self._entries[place] = last
            (self._aliases if last.is_alias else self._keys)[last.text] = place
        if not entry.is_alias:
            self._frequencies -= Counter(set(entry.words))

    def rows(self, places: Iterable[int] | None = None) -> tuple[NDArray[np.int8], Floats]:
        """Return quantised vectors, int8 [n, width], and their scales, [n]."""
        every = range(len(self)) if places is None else places
        taken = self._vectors.take(np.array(list(every), np.intp))
        return taken.numbers, taken.scales[:, 0]

    def vectors(self, places: Iterable[int] | None = None) -> Floats:
        """Return vectors: float32 [n, width]."""
        numbers, scales = self.rows(places)
        return numbers * scales[:, None]

    def set_frequencies(self, counts: Mapping[str, int], keys: int) -> None:
        """Use the document frequencies of a larger collection of so many keys."""
        self._collection = counts, keys

    def idf(self, word: str) -> float:
        """Return how well a word tells keys apart: 1 for a word of one key at most, to 0."""
        counts, keys = self._collection or (self._frequencies, len(self._keys))
        count = counts.get(word, 0)
        return 1 - math.log(count) / math.log(keys + 1) if count > 1 else 1.0

    def _is_used(self, word: str) -> bool:
        """Does any key have the word?"""
        counts, _ = self._collection or (self._frequencies, 0)
        return counts.get(word, 0) > 0

    # Ranking.

    def settings(self, **options: Any) -> Settings:
        """Return settings for `rank`."""
        return Settings(**options)

    def rank(
        self,
        queries: Sequence[str],
        settings: Settings | None = None,
        *,
        threads: int = 1,
        meanings: Floats | None = None,
        exact: Sequence[int] | None = None,
        among: Iterable[int] | None = None,
        bonus: Floats | None = None,
        rows: bool = False,
    ) -> Ranking:
        """Find and score the candidates of each query."""
        settings = settings or Settings()
        allowed = sorted(range(len(self)) if among is None else set(among))
        vectors, stored = self.query_vectors(queries, meanings), self.vectors()
        found = []
        for i, query in enumerate(queries):
            place = self._keys.get(query, -1) if exact is None else exact[i]
            more = None if bonus is None else bonus[i]
            scored = self._rank(query, vectors[i], stored, settings, allowed, place, more)
            for text in renamed(words(query), self._has_word) if place < 0 else ():
                other = " ".join(text)
                meaning = None if meanings is None else meanings[i : i + 1]
                (vector,) = self.query_vectors([other], meaning)
                others = self._rank(other, vector, stored, settings, allowed, -1, more)
                _keep_best(scored, others)
                if max((each.logit for each in others), default=-math.inf) > _CLEAR:
                    break
            found.append(scored)
        return _ranking(found, vectors if rows else None)

    def _has_word(self, word: str) -> bool:
        return any(word in entry.words for entry in self._entries)

    def _rank(
        self,
        query: str,
        vector: Floats,
        stored: Floats,
        settings: Settings,
        allowed: Sequence[int],
        exact: int,
        bonus: Floats | None,
    ) -> list[_Scored]:
        """Find and score the candidates of a query, of the keys ``allowed`` by their places.

        ``stored`` are the vectors of all keys.
        """
        products = matrix_product(stored, vector)
        if bonus is not None:
            products = products + bonus
        candidates = self._candidates(query, products, settings, exact, allowed)
        return self._score(query, vector, candidates, settings)

    def query_vectors(self, queries: Sequence[str], meanings: Floats | None = None, /) -> Floats:
        """Return the vectors of queries, [Q, width], whose dot products choose candidates.

        The meaning of a query counts as much as its words are known.
        """
        if meanings is None:
            return self._texts.queries(queries)
        vectors = with_spelling(meanings, [words(query) for query in queries])
        return vectors.astype(np.float32)

    def _candidates(
        self,
        query: str,
        products: Floats,
        settings: Settings,
        exact: int,
        allowed: Sequence[int],
    ) -> list[int]:
        """Return the places of the entries to score: the nearest, and of these the most similar
        in letters. The exact entry, if it is allowed, is always one of them."""
        text = words(query)
        if exact not in allowed:
            exact = -1
        nearest = sorted(allowed, key=lambda place: -products[place]) if text else []
        nearest = nearest[: settings.n_candidates]
        if exact >= 0 and exact not in nearest:
            nearest = [*nearest[: settings.n_candidates - 1], exact]
        n = settings.n_scored
        if not n or len(nearest) <= n:
            return nearest
        keys = [self._entries[place].text[:MAX_LENGTH].casefold() for place in nearest]
        letters = spelling.ratios(" ".join(text), keys)
        similarity = products[nearest] + letters
        best = [nearest[i] for i in np.argsort(-similarity, kind="stable").tolist()]
        chosen = best[:n]
        if exact in nearest and exact not in chosen:
            chosen[-1] = exact
        return chosen

    def _score(
        self, query: str, vector: Floats, candidates: Sequence[int], settings: Settings
    ) -> list[_Scored]:
        """Return the logit of each candidate, and the guards that veto it."""
        text, result = words(query), []
        meaning = settings.vectors and self.own
        vocabulary = self._embedder if meaning else self._spelling
        features = TextFeatures.of(text, vocabulary, is_query=True)
        slope, shift = settings.calibration
        for place in candidates:
            entry = self._entries[place]
            if not text:  # nothing but marks: it means no other key than itself
                flags = ALIAS * entry.is_alias
                result.append(_Scored(place, entry, EXACT_LOGIT, EXACT_LOGIT, flags))
                continue
            key = entry.features if meaning else entry.spelled
            cosine = self._cosine(vector, place, settings)
            logit = slope * self._logit(features, key, cosine) + shift
            flags = flags_of(text, entry.words, settings.guards)
            guarded = -math.inf if flags else logit
            result.append(_Scored(place, entry, guarded, logit, flags | ALIAS * entry.is_alias))
        if not text or any(each.flags & ALIAS for each in result):
            return result
        result = _prefer_best_form(_prefer_closest_spelling(query, result))
        return _share_among_specific(text, result)

    def _cosine(self, vector: Floats, place: int, settings: Settings) -> float:
        """Return the cosine of two meanings, on the scale of the default model's."""
        if not settings.cosines:
            return 0.0
        key = self._vectors.take(slice(place, place + 1)).vectors()[0]
        cosine = float(key[: self._dimension] @ vector[: self._dimension])
        slope, offset = settings.scale
        return cosine if self.own else min(max(slope * cosine + offset, -1.0), 1.0)

    def _logit(self, query: TextFeatures, key: TextFeatures, cosine: float) -> float:
        covered = coverage(query, key, self._pair_probability)
        features = text_features(query, key, covered, cosine, self.idf, self._is_used)
        logit = float(self._networks.texts(features))
        return max(logit, _FORMS) if are_forms(query.words, key.words) else logit

    def _pair_probability(self, features: Floats) -> float:
        return 1 / (1 + math.exp(-float(self._networks.pairs(features))))

    def best(
        self,
        queries: Sequence[str],
        n: int = 1,
        settings: Settings | None = None,
        *,
        threads: int = 1,
        meanings: Floats | None = None,
    ) -> list[list[tuple[str, float]]]:
        """Return for each query the ``n`` best keys with their probabilities, best first."""
        ranking = self.rank(queries, settings, meanings=meanings)
        result = []
        for i, query in enumerate(queries):
            logits = ranking.logits[i, : ranking.counts[i]].tolist()
            keys = [self.text(place) for place in ranking.places[i, : ranking.counts[i]].tolist()]
            if query in keys:
                logits[keys.index(query)] = max(max(logits) + 1.0, EXACT_LOGIT)
            top = max([0.0, *logits])
            total = sum((math.exp(logit - top) for logit in logits), math.exp(-top))
            order = sorted(zip([-logit for logit in logits], keys, strict=True))[:n]
            result.append(
                [(key, math.exp(-minus - top) / total) for minus, key in order if minus < math.inf]
            )
        return result


def _prefer_closest_spelling(query: str, scored: list[_Scored]) -> list[_Scored]:
    """Of keys with the same words prefer the one whose spelling is closest to the query.

    Otherwise they would share its probability, and none of them might reach the cutoff.
    """
    preferred: dict[Words, str] = {}
    for each in scored:
        entry = each.entry
        best = preferred.setdefault(entry.words, entry.text)
        ratio, other = spelling.ratios(query, [entry.text, best]).tolist()
        if (-ratio, entry.text) < (-other, best):
            preferred[entry.words] = entry.text
    return [
        each if preferred[each.entry.words] == each.entry.text else _behind(each) for each in scored
    ]


def _prefer_best_form(scored: list[_Scored]) -> list[_Scored]:
    """Of keys whose words are forms of each other ("color", "colors") prefer the best one."""
    rivals = [each for each in scored if each.logit > 0 and not each.flags & SAME_WORDS]
    return [
        _behind(each)
        if not each.flags & SAME_WORDS
        and any(
            other.logit > each.logit and are_forms(other.entry.words, each.entry.words)
            for other in rivals
        )
        else each
        for each in scored
    ]


def _share_among_specific(query: Words, scored: list[_Scored]) -> list[_Scored]:
    """Let keys that each say more than the query share their probability.

    "Soup" is neither "tomato soup" nor "chicken soup", however usual one of them is.
    """
    specific = [
        each
        for each in scored
        if each.logit > -math.inf
        and not each.flags & SAME_WORDS
        and set(query) < set(each.entry.words)
        and _is_more_specific(query, each.entry)
    ]
    if len(specific) < 2:
        return scored
    total = math.fsum(math.exp(each.logit) for each in specific)
    shared = math.log(total / len(specific))
    places = {each.place for each in specific}
    return [each._replace(logit=shared) if each.place in places else each for each in scored]


def _is_more_specific(query: Words, entry: _Entry) -> bool:
    """Has a key a word that the query has not, and which is not as empty as "the" or "Inc."?"""
    terms = zip(entry.words, entry.spelled.terms, strict=False)
    return any(1 - term.redundancy > _SPECIFIC for word, term in terms if word not in query)


def _behind(scored: _Scored) -> _Scored:
    """Return an entry behind another one that is preferred."""
    return scored._replace(logit=scored.logit - _NOT_PREFERRED, flags=scored.flags | SAME_WORDS)


def _keep_best(scored: list[_Scored], others: Sequence[_Scored]) -> None:
    """Let each key have the better of its score and the one by another name of the query."""
    at = {each.place: i for i, each in enumerate(scored)}
    for other in others:
        other = other._replace(logit=other.logit - _RENAMED, plain=other.plain - _RENAMED)
        if other.place not in at:
            scored.append(other)
        elif other.logit > scored[at[other.place]].logit:
            scored[at[other.place]] = other


def _ranking(found: Sequence[Sequence[_Scored]], vectors: Floats | None) -> Ranking:
    """Return the entries of all queries as arrays."""
    shape = len(found), max(map(len, found), default=0)
    ranking = Ranking(
        np.array([len(each) for each in found], np.int32),
        np.zeros(shape, np.int32),
        np.full(shape, -np.inf, np.float32),
        np.full(shape, -np.inf, np.float32),
        np.zeros(shape, np.uint16),
        vectors,
    )
    for i, each in enumerate(found):
        for k, scored in enumerate(each):
            ranking.places[i, k], ranking.flags[i, k] = scored.place, scored.flags
            ranking.logits[i, k], ranking.plain[i, k] = scored.logit, scored.plain
    return ranking
