"""Fit the two networks of the score on episodes, by the cross-entropy of a lookup as attention.

The loss of a lookup is -log softmax of the right key among all keys and the null key, whose logit
is 0: the very probability that the score states. Adam (Kingma and Ba, 2015), seeded, NumPy only.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from fuzzydict.model.embedders import WordEmbedder
from fuzzydict.ranking.ranker import DocumentFrequencies
from fuzzydict.ranking.scorer import (
    MLP,
    ScoringRequest,
    WithoutVectors,
    every_pair,
    phrase_features,
    word_features,
)
from fuzzydict.text.tokens import words as split_words
from fuzzydict.training.episodes import Episode

__all__ = [
    "Lookups",
    "choose_cutoff",
    "fit_mean",
    "fit_network",
    "loss",
    "phrase_lookups",
    "word_lookups",
]

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Lookups:
    """Features of all (query, key) pairs, lookup after lookup, and where each lookup begins."""

    features: Floats  # (pairs, F)
    starts: NDArray[np.intp]  # (lookups,)
    right: NDArray[np.intp]  # (lookups,) the row of the right key, or -1

    @classmethod
    def of(cls, parts: Iterable[tuple[Floats, int | None]]) -> "Lookups":
        """Join lookups, each its features [keys, F] and the position of its right key."""
        blocks, starts, right, total = [], [], [], 0
        for features, position in parts:
            blocks.append(features)
            starts.append(total)
            right.append(-1 if position is None else total + position)
            total += len(features)
        return cls(np.concatenate(blocks), np.array(starts), np.array(right))

    @property
    def sizes(self) -> NDArray[np.intp]:
        """How many keys each lookup has: [lookups]."""
        return np.diff(np.append(self.starts, len(self.features)))


def word_lookups(episodes: Iterable[Episode], embedder: WordEmbedder) -> Lookups:
    """Return the features of the lookups of single words, and of phrases that count as one."""

    def is_one(text: str) -> bool:
        return " " not in text or text in embedder

    def parts() -> Iterator[tuple[Floats, int | None]]:
        for episode in episodes:
            keys = [" ".join(split_words(key)) for key in episode.keys]
            kept = [place for place, key in enumerate(keys) if key and is_one(key)]
            asked = [(" ".join(split_words(query)), right) for query, right in episode.lookups]
            asked = [
                (query, None if right is None else kept.index(right))
                for query, right in asked
                if query and is_one(query) and (right is None or right in kept)
            ]
            if asked and kept:
                queries = [query for query, _ in asked]
                pairs = every_pair(len(asked), len(kept))
                held = [keys[place] for place in kept]
                features, _, _ = word_features(queries, held, pairs, embedder)
                rows = features.reshape(len(asked), len(kept), -1)
                yield from zip(rows, [right for _, right in asked], strict=True)

    return Lookups.of(parts())


def fit_network(
    lookups: Lookups,
    hidden: int,
    *,
    epochs: int = 20,
    rate: float = 0.01,
    decay: float = 1e-5,
    batch: int = 256,
    seed: int = 0,
    describe: str = "fitting",
) -> MLP:
    """Return the network of ``hidden`` units that makes the right keys most probable."""
    rng = np.random.default_rng(seed)
    n, inputs = len(lookups.starts), lookups.features.shape[1]
    parameters = [
        rng.normal(0, 1 / np.sqrt(inputs), (inputs, hidden)).astype(np.float32),
        np.zeros(hidden, np.float32),
        rng.normal(0, 1 / np.sqrt(hidden), hidden).astype(np.float32),
        np.full(1, -2, np.float32),
    ]
    first = [np.zeros_like(p) for p in parameters]
    second = [np.zeros_like(p) for p in parameters]
    every = lookups.sizes
    steps, step = epochs * -(-n // batch), 0
    for _ in tqdm(range(epochs), desc=describe, unit="epoch"):
        order = rng.permutation(n)
        for start in range(0, n, batch):
            chosen = order[start : start + batch]
            sizes = every[chosen]
            begins = np.cumsum(sizes) - sizes
            rows = np.arange(sizes.sum()) + np.repeat(lookups.starts[chosen] - begins, sizes)
            right = np.where(
                lookups.right[chosen] < 0,
                -1,
                lookups.right[chosen] - lookups.starts[chosen] + begins,
            )
            gradients = _gradients(parameters, lookups.features[rows], begins, sizes, right)
            step += 1
            speed = rate * 0.5 * (1 + np.cos(np.pi * step / steps))
            for p, g, m, v in zip(parameters, gradients, first, second, strict=True):
                g += decay * p
                m += 0.1 * (g - m)
                v += 0.001 * (g * g - v)
                p -= speed * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)
    w1, b1, w2, b2 = parameters
    return MLP(w1, b1, w2, float(b2[0]))


def fit_mean(lookups: Lookups, hidden: int, *, members: int = 3, **options: Any) -> MLP:
    """Return the mean of networks fitted from several seeds, as one network of their hidden units.

    What one of them makes of chance alone the others do not (Hansen and Salamon, 1990).
    """
    fitted = [fit_network(lookups, hidden, seed=seed, **options) for seed in range(members)]
    return MLP(
        np.hstack([member.w1 for member in fitted]),
        np.concatenate([member.b1 for member in fitted]),
        (np.concatenate([member.w2 for member in fitted]) / len(fitted)).astype(np.float32),
        float(np.mean([member.b2 for member in fitted])),
    )


def _gradients(
    parameters: list[Floats],
    features: Floats,
    begins: NDArray[np.intp],
    sizes: NDArray[np.intp],
    right: NDArray[np.intp],
) -> list[Floats]:
    w1, b1, w2, b2 = parameters
    hidden = np.tanh(features @ w1 + b1)
    logits = hidden @ w2 + b2[0]
    error = _probabilities(logits, begins, sizes)
    error[right[right >= 0]] -= 1
    error /= len(begins)
    back = (error[:, None] * w2) * (1 - hidden * hidden)
    return [features.T @ back, back.sum(axis=0), hidden.T @ error, error.sum(keepdims=True)]


def _probabilities(logits: Floats, begins: NDArray[np.intp], sizes: NDArray[np.intp]) -> Floats:
    """Return the softmax of each lookup's logits with the null key's, which is 0."""
    top = np.maximum(np.maximum.reduceat(logits, begins), 0)
    powers = np.exp(logits - np.repeat(top, sizes))
    totals = np.add.reduceat(powers, begins) + np.exp(-top)
    result: Floats = powers / np.repeat(totals, sizes)
    return result


def _shares(network: MLP, lookups: Lookups) -> Floats:
    return _probabilities(network(lookups.features), lookups.starts, lookups.sizes)


def loss(network: MLP, lookups: Lookups) -> float:
    """Return the mean cross-entropy of the lookups, in nats."""
    shares = _shares(network, lookups)
    silent = 1 - np.add.reduceat(shares, lookups.starts)
    right = np.where(lookups.right < 0, silent, shares[np.maximum(lookups.right, 0)])
    return float(-np.log(np.maximum(right, 1e-9)).mean())


def phrase_lookups(episodes: Iterable[Episode], words: MLP, embedder: WordEmbedder) -> Lookups:
    """Return the features of all lookups.

    In one dictionary of eight the meaning is known of whole phrases only, as it is with an embedder
    of sentences.
    """

    def parts() -> Iterator[tuple[Floats, int | None]]:
        for number, episode in enumerate(episodes):
            meaning = WithoutVectors(embedder) if number % 8 == 7 else embedder
            keys = [split_words(key) for key in episode.keys]
            asked = [split_words(query) for query, _ in episode.lookups]
            usage = DocumentFrequencies(keys)
            cosines = embedder.encode_words(asked) @ embedder.encode_words(keys).T
            for query, row, (_, right) in zip(asked, cosines, episode.lookups, strict=True):
                if query:
                    trusted = row * np.float32(embedder.trust(query))
                    question = ScoringRequest(query, keys, trusted)
                    yield phrase_features([question], words, meaning, usage), right

    return Lookups.of(parts())


def choose_cutoff(network: MLP, lookups: Lookups, wrong: float) -> float:
    """Return the least probability from which on at most a share ``wrong`` of all lookups is
    answered wrongly, to two digits."""
    shares = _shares(network, lookups)
    best = np.maximum.reduceat(shares, lookups.starts)
    right = (lookups.right >= 0) & (shares[np.maximum(lookups.right, 0)] == best)
    order = np.argsort(-best, kind="stable")
    mistakes = np.cumsum(~right[order]) / len(order)
    answered = int(np.searchsorted(mistakes, wrong, side="right"))
    return math.ceil(100 * float(best[order][min(answered, len(order) - 1)])) / 100
