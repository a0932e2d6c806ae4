"""From a query to ranked keys: candidates by their vectors, scored, masked by the guards."""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fuzzydict import calibration, spelling
from fuzzydict.calibration import Background, Calibration, Scale
from fuzzydict.embedders import Embedder, WordEmbedder, load
from fuzzydict.guards import DEFAULT, Guard, Words
from fuzzydict.index import ExactIndex
from fuzzydict.scoring import Score, WithoutVectors, WordMeaning
from fuzzydict.text import compact, words

__all__ = ["CANDIDATES", "Candidates", "Matcher", "WordUsage"]

Floats = NDArray[np.float32]

CANDIDATES = 64
_AT_ONCE = 1024  # keys whose features are in memory together
_CERTAIN = 8.0  # the least logit of an exact key
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
        return sorted(range(len(self.keys)), key=lambda i: (-self.logits[i], self.keys[i]))


class _Asked(NamedTuple):
    """A query on its way: its words, its row, and the keys that it may mean."""

    query: str
    words: Words
    row: Floats
    keys: list[str]


class WordUsage:
    """How many keys have a word: a word that many share tells them apart less."""

    def __init__(self, keys: Iterable[Words] = ()) -> None:
        self._keys = 0
        self._counts: dict[str, int] = {}
        self.add(keys)

    def add(self, keys: Iterable[Words]) -> None:
        """Count the words of new keys."""
        for key in keys:
            self._keys += 1
            for word in set(key):
                self._counts[word] = self._counts.get(word, 0) + 1

    def remove(self, key: Words) -> None:
        """Count the words of a key no more."""
        self._keys -= 1
        for word in set(key):
            self._counts[word] -= 1
            if not self._counts[word]:
                del self._counts[word]

    def __call__(self, words: Sequence[str], /) -> Floats:
        """Return how much each word tells the keys apart: 1 for a word of one key at most, to 0."""
        counts = [max(self._counts.get(word, 0), 1) for word in words]
        apart: Floats = 1 - np.log(np.array(counts, np.float32)) / np.log(self._keys + 1.0)
        return apart.astype(np.float32)


class Matcher:
    """The keys of a dictionary that are text, ready to be asked.

    A key's row is its meaning beside its spelling; the candidates of a query are the keys of the
    largest dot products with the query's row, and they alone are scored.
    """

    def __init__(
        self,
        embedder: Embedder,
        guards: Iterable[Guard] = DEFAULT,
        calibrated: Calibration | None = None,
    ) -> None:
        self.embedder = embedder
        self.calibration = calibrated or Calibration()
        self._guards = tuple(guards)
        self._score, self._meaning = _judge(embedder)
        self._index: ExactIndex[str] = ExactIndex()
        self._words: dict[str, Words] = {}
        self._usage = WordUsage()
        own = isinstance(embedder, WordEmbedder) and embedder.score is not None
        self._background = None if own else Background()

    @property
    def cutoff(self) -> float:
        """The least probability at which the score was calibrated to answer."""
        return self._score.cutoff

    def __len__(self) -> int:
        return len(self._words)

    def __contains__(self, key: object) -> bool:
        return key in self._words

    def add(self, keys: Sequence[str]) -> None:
        """Add keys that are not there yet. Nothing is changed where the embedder fails."""
        if keys:
            split = [words(key) for key in keys]
            self._index.add(keys, self._rows(keys, split))
            self._words.update(zip(keys, split, strict=True))
            self._usage.add(split)
            if self._background is not None:
                self._background.add(keys)

    def discard(self, key: str) -> None:
        """Remove a key if it is there."""
        if key in self._words:
            self._usage.remove(self._words.pop(key))
            self._index.remove(key)
            if self._background is not None:
                self._background.discard(key, lambda: self._words)

    def rank(self, query: str, n: int) -> list[tuple[str, float]]:
        """Return the ``n`` keys that the query most probably means, with the probabilities.

        The probabilities of all keys and of none of them sum to one. Keys that a guard forbids
        have no place. One search of the index, and the scoring of 64 keys, or of n if that is more.
        """
        (candidates,) = self.candidates([query], max(n, CANDIDATES))
        shares = candidates.probabilities()
        return [
            (candidates.keys[i], float(shares[i])) for i in candidates.order()[:n] if shares[i] > 0
        ]

    def candidates(
        self, queries: Sequence[str], n: int = CANDIDATES, among: Collection[str] | None = None
    ) -> list[Candidates]:
        """Return for each query the ``n`` nearest keys, of those ``among`` if given, scored.

        One matrix product for the vectors of all queries and keys, and n scores a query.
        """
        return [
            Candidates(asked.keys, self._logits(asked, self.calibration))
            for asked in self._nearest(queries, n, among)
        ]

    def _nearest(
        self, queries: Sequence[str], n: int, among: Collection[str] | None = None
    ) -> list["_Asked"]:
        if not self._words:
            return [_Asked(query, (), np.empty(0, np.float32), []) for query in queries]
        split = [words(query) for query in queries]
        rows = self._rows(queries, split)
        for row, text in zip(rows, split, strict=True):
            row[: -spelling.DIMENSION] *= self._trust(text)
        found = self._index.search(rows, n, among)
        result = []
        for query, text, row, keys in zip(queries, split, rows, found, strict=True):
            if not text:  # nothing but marks: it means no key, though it may be one
                keys = []
            if query in self._words and query not in keys and (among is None or query in among):
                keys = [*keys[: n - 1], query]
            result.append(_Asked(query, text, row, keys))
        return result

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
            (each, None if right is None else each.keys.index(right))
            for each, (query, right) in zip(
                self._nearest([query for query, _ in pairs], CANDIDATES), pairs, strict=True
            )
            if query not in self._words and (right is None or right in each.keys)
        ]
        best = Calibration(), np.inf
        for scale in scales:
            unfitted = Calibration(scale=scale)
            fitted, left = calibration.fit(
                [(self._logits(each, unfitted), right) for each, right in asked]
            )
            # Few pairs must not move the scale far: 1 nat for 0.7 or 1.4, and for 0.15.
            left += 9 * np.log(scale.slope) ** 2 + 44 * scale.offset**2
            if left < best[1]:
                best = fitted._replace(scale=scale), left
        return best[0]

    def _logits(self, asked: "_Asked", calibrated: Calibration) -> Floats:
        query, text, _, keys = asked
        if not text:  # then the only key there may be is the query itself
            return np.full(len(keys), _CERTAIN, np.float32)
        if not keys:
            return np.empty(0, np.float32)
        held = [self._words[key] for key in keys]
        blocks = [slice(start, start + _AT_ONCE) for start in range(0, len(keys), _AT_ONCE)]
        logits = np.concatenate(
            [self._judged(asked, calibrated, keys[block], held[block]) for block in blocks]
        )
        for guard in self._guards:
            for i, key in enumerate(held):
                if guard(text, key):
                    logits[i] = -np.inf
        if len(set(held)) < len(held):
            _stand_for_all(query, keys, held, logits)
        if query in keys:
            logits[keys.index(query)] = max(float(logits.max()) + 1.0, _CERTAIN)
        return logits

    def _judged(
        self, asked: "_Asked", calibrated: Calibration, keys: list[str], held: list[Words]
    ) -> Floats:
        cosines = self._meanings(keys) @ asked.row[: -spelling.DIMENSION]
        if self._background is not None:
            cosines = calibrated.scale(self._background.scale(self._meanings)(cosines))
        logits = self._score.logits(asked.words, held, cosines, self._meaning, self._usage)
        return calibrated(logits)

    def _trust(self, asked: Words) -> float:
        return self.embedder.trust(asked) if isinstance(self.embedder, WordEmbedder) else 1.0

    def _meanings(self, keys: Sequence[str]) -> Floats:
        return self._index.rows(keys)[:, : -spelling.DIMENSION]

    def _rows(self, keys: Sequence[str], split: Sequence[Words]) -> Floats:
        if isinstance(self.embedder, WordEmbedder):
            meaning = self.embedder.encode_words(split)
        else:
            meaning = self.embedder.encode(keys)
        return np.hstack([meaning, spelling.encode([compact(key) for key in split])])


def _stand_for_all(query: str, keys: Sequence[str], held: Sequence[Words], logits: Floats) -> None:
    """Of keys of the same words let the one stand out that is written most like the query.

    Else they would share its probability, and none of them might reach the cutoff.
    """
    alike: dict[Words, list[int]] = {}
    for i, key in enumerate(held):
        alike.setdefault(key, []).append(i)
    for places in alike.values():
        if len(places) > 1:
            letters = spelling.similarities([query], [keys[i] for i in places])[0, 0]
            first = min(zip(-letters, [keys[i] for i in places], places, strict=True))[2]
            logits[[i for i in places if i != first]] -= _ALIKE


def _judge(embedder: Embedder) -> tuple[Score, WordMeaning]:
    if isinstance(embedder, WordEmbedder):
        return embedder.score or _default_score(), embedder
    return _default_score(), WithoutVectors(load("default"))


def _default_score() -> Score:
    score = load("default").score
    if score is None:
        raise LookupError("the default model was built without its score")
    return score
