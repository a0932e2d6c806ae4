"""From a query to ranked keys: candidates by their vectors, scored, masked by the guards."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from fuzzydict import spelling
from fuzzydict.calibration import Background
from fuzzydict.embedders import Embedder, WordEmbedder, load
from fuzzydict.guards import DEFAULT, Guard, Words
from fuzzydict.index import ExactIndex
from fuzzydict.scoring import Score, WithoutVectors, WordMeaning
from fuzzydict.text import compact, words

__all__ = ["Matcher"]

Floats = NDArray[np.float32]

_CANDIDATES = 64


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

    def __init__(self, embedder: Embedder, guards: Iterable[Guard] | None = None) -> None:
        self._embedder = embedder
        self._guards = DEFAULT if guards is None else tuple(guards)
        self._score, self._meaning = _judge(embedder)
        self._index: ExactIndex[str] = ExactIndex()
        self._words: dict[str, Words] = {}
        self._usage = WordUsage()
        self._background = None if isinstance(embedder, WordEmbedder) else Background()

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

    def discard(self, key: object) -> None:
        """Remove a key if it is there."""
        if key in self._words:
            self._usage.remove(self._words.pop(key))  # type: ignore[arg-type]
            self._index.remove(key)  # type: ignore[arg-type]
            if self._background is not None:
                self._background.discard(key, lambda: self._words)  # type: ignore[arg-type]

    def rank(self, query: str, n: int) -> list[tuple[str, float]]:
        """Return the ``n`` keys that the query most probably means, with the probabilities.

        The probabilities of all keys and of none of them sum to one. Keys that a guard forbids
        have no place. One search of the index, and the scoring of 64 keys.
        """
        asked = words(query)
        if not asked or not self._words:
            return []
        row = self._rows([query], [asked])[0]
        row[: -spelling.DIMENSION] *= self._trust(asked)
        keys = self._index.search(row, _CANDIDATES)
        held = [self._words[key] for key in keys]
        cosines = self._meanings(keys) @ row[: -spelling.DIMENSION]
        if self._background is not None:
            cosines = self._background.scale(self._meanings)(cosines)
        logits = self._score.logits(asked, held, cosines, self._meaning, self._usage)
        for guard in self._guards:
            for i, key in enumerate(held):
                if guard(asked, key):
                    logits[i] = -np.inf
        shares = _probabilities(logits)
        order = sorted(range(len(keys)), key=lambda i: (-shares[i], keys[i]))[:n]
        return [(keys[i], float(shares[i])) for i in order if shares[i] > 0]

    def _trust(self, asked: Words) -> float:
        return self._embedder.trust(asked) if isinstance(self._embedder, WordEmbedder) else 1.0

    def _meanings(self, keys: Sequence[str]) -> Floats:
        return self._index.rows(keys)[:, : -spelling.DIMENSION]

    def _rows(self, keys: Sequence[str], split: Sequence[Words]) -> Floats:
        if isinstance(self._embedder, WordEmbedder):
            meaning = self._embedder.encode_words(split)
        else:
            meaning = self._embedder.encode(keys)
        return np.hstack([meaning, spelling.encode([compact(key) for key in split])])


def _probabilities(logits: Floats) -> Floats:
    """Return the attention over the keys beside the null key, whose logit is 0."""
    top = max(float(logits.max()), 0.0)
    powers = np.exp(logits - top)
    shares: Floats = powers / (powers.sum() + np.exp(-top))
    return shares


def _judge(embedder: Embedder) -> tuple[Score, WordMeaning]:
    if isinstance(embedder, WordEmbedder):
        return embedder.score or _default_score(), embedder
    return _default_score(), WithoutVectors(load("default"))


def _default_score() -> Score:
    score = load("default").score
    if score is None:
        raise LookupError("the default model was built without its score")
    return score
