"""Gradient descent for the learned projections: forward and backward passes, and Adam, in NumPy."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fuzzydict.attention import softmax
from fuzzydict.learning.lookups import Lookups
from fuzzydict.ranking.projection import Projection, append_column, ngram_hashes

__all__ = ["BATCH_SIZE", "CHECKS", "descend"]

Floats = NDArray[np.float32]
Places = NDArray[np.intp]
Words = tuple[str, ...]
RowIndex = Places | slice

BATCH_SIZE = 128
CHECKS = 15  # of the held-out part, on the way

_EVERY = slice(None)
_RANK = 128
_GRAMS = 1 << 15  # words and pairs of words that have a row of their own, the most frequent ones
_RATE = 3e-3  # learning rate of Adam
_SLOPE_RATE = 5.0  # times that for the slope, which is a single number
_DECAY = 0.5  # weight decay, over the number of pairs: few of them stay near the identity
_DROPPED = 0.3  # of the projected query
_UNSCORED = (0.5, 250)  # share of queries without the zero-shot score: of many, and half at 250
_UNKEYED = 0.1  # of the keys do without their residuals in a step, as a new key has to


class _Adam:
    """A parameter and its way down (Kingma and Ba, 2015)."""

    def __init__(self, value: NDArray[Any]) -> None:
        self.value: Floats = value.astype(np.float32)
        self._mean = np.zeros_like(self.value)
        self._square = np.zeros_like(self.value)

    def step(self, gradient: Floats, rate: float, done: int, rows: RowIndex = _EVERY) -> None:
        """Move the rows, all by default, in the ``done``-th step; ``gradient`` is overwritten.

        Most of a fit is spent here: all is done in place, in two buffers beside the parameter's.
        """
        mean, square = self._mean[rows], self._square[rows]
        change = gradient - mean
        change *= 0.1
        mean += change
        gradient *= gradient
        gradient -= square
        gradient *= 0.001
        square += gradient
        rate *= float(np.sqrt(1 - 0.999**done) / (1 - 0.9**done))
        np.multiply(mean, rate, out=change)
        np.sqrt(square, out=gradient)
        gradient += 1e-8
        change /= gradient
        self.value[rows] -= change
        if not isinstance(rows, slice):  # then these are copies
            self._mean[rows], self._square[rows] = mean, square


class _Bags:
    """The words and pairs of words of queries, as rows of a sparse matrix."""

    def __init__(self, texts: Sequence[Words]) -> None:
        hashed = [ngram_hashes(words) for words in texts]
        counts = Counter(itertools.chain.from_iterable(hashed))
        usual = sorted(counts, key=lambda gram: (-counts[gram], gram))[:_GRAMS]
        self.grams = np.array(sorted(usual), np.uint32)
        often = np.array([counts[gram] for gram in self.grams.tolist()], np.float32)
        self.weights = np.log(1 + len(texts) / often).astype(np.float32)
        place = {gram: i for i, gram in enumerate(self.grams.tolist())}
        self._rows = [
            np.array([place[gram] for gram in text if gram in place], np.intp) for text in hashed
        ]
        few = 0 < len(texts) <= BATCH_SIZE  # so that they are one batch, in another order each time
        self._whole = self._dense(np.arange(len(texts)))[1] if few else None

    def __getitem__(self, batch: Places) -> tuple[RowIndex, Floats]:
        """Return the columns that a batch uses, and its dense rows: [b, columns]."""
        return self._dense(batch) if self._whole is None else (_EVERY, self._whole[batch])

    def _dense(self, batch: Places) -> tuple[Places, Floats]:
        rows = [self._rows[i] for i in batch]
        columns, inside = np.unique(np.concatenate(rows), return_inverse=True)
        bag = np.zeros((len(batch), len(columns)), np.float32)
        bag[np.repeat(np.arange(len(batch)), [len(row) for row in rows]), inside] = 1
        bag *= self.weights[columns]
        bag /= np.maximum(np.sqrt((bag * bag).sum(axis=1, keepdims=True)), 1e-6)
        return columns, bag


def descend(
    lookups: Lookups, null: float, steps: int, seed: int, step: Callable[[int], object]
) -> Iterator[Projection]:
    """Yield the projection at each of the checks on the way down."""
    rng = np.random.default_rng(seed)
    n, last = lookups.candidates.shape
    d, rank = lookups.meanings.shape[1], _RANK
    bags = _Bags(lookups.queries.words)
    spread = rank**-0.5
    words = _Adam(rng.normal(0, spread, (len(bags.grams), rank)))
    meanings = _Adam(rng.normal(0, spread, (d, rank)))
    key = _Adam(np.zeros((d, rank)))
    residuals = _Adam(np.zeros((len(lookups.keys), rank + 1)))
    no_match = _Adam(np.zeros(rank + 1))
    slope = _Adam(np.zeros(1))  # its logarithm
    decay, unscored = _DECAY / n, _UNSCORED[0] * n / (n + _UNSCORED[1])
    masks = np.isneginf(lookups.logits)
    zero_shot = np.where(masks, 0, lookups.logits)
    order = np.empty(0, np.intp)
    checks = {round((check + 1) * steps / CHECKS) for check in range(CHECKS)}
    for done in range(1, steps + 1):
        if not len(order):
            order = rng.permutation(n)
        batch, order = order[:BATCH_SIZE], order[BATCH_SIZE:]
        columns, bag = bags[batch]
        meaning, candidates = lookups.queries.meanings[batch], lookups.candidates[batch]
        each, right = np.arange(len(batch)), lookups.right[batch]

        # Forward. Half of the queries do without the zero-shot score, so that what is learned does
        # not lean on it, and some keys without their residuals, so that A and B learn to do.
        given = zero_shot[batch] * _dropout(rng, (len(batch), 1), unscored)
        dropout = _dropout(rng, (len(batch), rank), _DROPPED) / np.float32(1 - _DROPPED)
        with_residual = _dropout(rng, (len(lookups.keys), 1), _UNKEYED)
        hidden = append_column((bag @ words.value[columns] + meaning @ meanings.value) * dropout, 1)
        codes = with_residual * residuals.value
        codes[:, :rank] += lookups.meanings @ key.value
        scale = np.exp(slope.value)
        logits = (hidden @ codes.T)[each[:, None], candidates]
        logits += scale * given
        logits -= (hidden @ no_match.value)[:, None]
        logits[masks[batch]] = -np.inf

        # Backward, from the gradient of the logits and of the null key's.
        error = softmax(append_column(logits, null))
        error[each, right] -= 1
        error /= len(batch)
        of_logits, of_null = error[:, :last], error[:, last]
        of_products = np.zeros((len(batch), len(lookups.keys)), np.float32)
        np.add.at(of_products, (each[:, None], candidates), of_logits)
        of_codes = of_products.T @ hidden
        of_hidden = of_products @ codes + of_null[:, None] * no_match.value
        of_projected = of_hidden[:, :rank] * dropout
        rate = _RATE * (1 - (done - 1) / steps)
        slope.step(scale * (of_logits * given).sum(), _SLOPE_RATE * rate, done)
        no_match.step(of_null @ hidden + decay * no_match.value, rate, done)
        residuals.step(with_residual * of_codes + decay * residuals.value, rate, done)
        key.step(lookups.meanings.T @ of_codes[:, :rank] + decay * key.value, rate, done)
        meanings.step(meaning.T @ of_projected, rate, done)
        words.step(bag.T @ of_projected, rate, done, columns)
        step(1)
        if done in checks:
            yield Projection(
                bags.grams,
                bags.weights,
                np.vstack([meanings.value, words.value]),
                key.value.copy(),
                dict(zip(lookups.keys, residuals.value.copy(), strict=True)),
                no_match.value.copy(),
                float(np.exp(slope.value[0])),
            )


def _dropout(rng: "np.random.Generator", shape: tuple[int, int], dropped: float) -> Floats:
    return (rng.random(shape, np.float32) >= dropped).astype(np.float32)
