"""Features of lookups, by the native ranking: scorers are fitted on what lookups compute."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fuzzydict.model.embedders import WordEmbedder
from fuzzydict.model.networks import MLP, TEXT_FEATURES
from fuzzydict.text.tokens import words as split_words
from fuzzydict.training.episodes import Episode

try:
    from fuzzydict._native import KeyTable
except ImportError as error:
    raise ImportError(
        "training needs the compiled extension: reinstall FuzzyDict where a C++ compiler is found"
    ) from error

if TYPE_CHECKING:
    from fuzzydict._native import Network

__all__ = ["Lookups", "phrase_lookups", "word_lookups"]

Floats = NDArray[np.float32]
_Lookup = tuple[Floats, int]  # the features of all keys [keys, F], and the correct key or -1

_WITHOUT_VECTORS = 8  # one episode in so many


@dataclass(frozen=True)
class Lookups:
    """Features of (query, key) pairs, lookup after lookup."""

    features: Floats  # (pairs, F)
    starts: NDArray[np.intp]  # (lookups,) the first row of each lookup
    correct: NDArray[np.intp]  # (lookups,) the row of the correct key, or -1

    @classmethod
    def of(cls, lookups: Iterable[_Lookup]) -> "Lookups":
        """Join lookups, each its features [keys, F] and the position of its correct key, or -1."""
        blocks, positions = zip(*lookups, strict=True)
        sizes = np.array([len(block) for block in blocks])
        starts = np.cumsum(sizes) - sizes
        correct = np.array(positions)
        return cls(np.concatenate(blocks), starts, np.where(correct < 0, -1, starts + correct))

    @property
    def sizes(self) -> NDArray[np.intp]:
        """The number of keys of each lookup: [lookups]."""
        return np.diff(np.append(self.starts, len(self.features)))


def _blank_network(inputs: int) -> "Network":
    return np.zeros((inputs, 1)), np.zeros(1), np.zeros(1), 0.0


def word_lookups(episodes: Iterable[Episode], embedder: WordEmbedder) -> Lookups:
    """Return the features of all lookups between single terms: words, or phrases of the embedder.

    O(queries · keys) for each episode.
    """
    model = embedder.native_model

    def term(text: str) -> str:
        joined = " ".join(split_words(text))
        return joined if " " not in joined or joined in embedder else ""

    def features(episode: Episode) -> list[_Lookup]:
        keys = {place: key for place, text in enumerate(episode.keys) if (key := term(text))}
        positions: dict[int | None, int] = {None: -1}
        positions.update(zip(keys, range(len(keys)), strict=True))
        lookups = [
            (query, positions[correct])
            for text, correct in episode.lookups
            if correct in positions and (query := term(text))
        ]
        queries = [query for query, _ in lookups for _ in keys]
        rows = model.word_features(queries, [*keys.values()] * len(lookups))
        blocks = rows.reshape(len(lookups), len(keys), rows.shape[1])
        return list(zip(blocks, [position for _, position in lookups], strict=True)) if keys else []

    return Lookups.of(itertools.chain.from_iterable(map(features, episodes)))


def phrase_lookups(episodes: Iterable[Episode], words: MLP, embedder: WordEmbedder) -> Lookups:
    """Return the features of all lookups, whose words are aligned by the network ``words``.

    In one episode of eight only whole phrases have vectors, as with a sentence embedder.
    O(queries · keys) for each episode.
    """
    network = words.w1, words.b1, words.w2, words.b2
    model = embedder.native_model.with_networks(network, _blank_network(len(TEXT_FEATURES)))

    def features(numbered: tuple[int, Episode]) -> list[_Lookup]:
        number, episode = numbered
        vectors = number % _WITHOUT_VECTORS < _WITHOUT_VECTORS - 1
        table = KeyTable(model)
        table.add(episode.keys)
        places = range(len(episode.keys))
        return [
            (
                table.phrase_features(query, places, vectors=vectors),
                -1 if correct is None else correct,
            )
            for query, correct in episode.lookups
            if split_words(query)
        ]

    return Lookups.of(itertools.chain.from_iterable(map(features, enumerate(episodes))))
