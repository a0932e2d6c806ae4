"""Fit the two networks of the scorer on lookups, with the cross-entropy loss of attention.

The loss of a lookup is -log softmax of the correct key among all keys and the null key, whose logit
is 0: the probability that is the score. Adam (Kingma and Ba, 2015) in NumPy, seeded.
"""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from fuzzydict.model.networks import MLP
from fuzzydict.threads import thread_limit
from fuzzydict.training.bars import bar
from fuzzydict.training.features import Floats, Lookups

__all__ = ["answered", "choose_cutoff", "fit_ensemble", "fit_network", "loss"]


def fit_network(
    lookups: Lookups,
    hidden: int,
    *,
    epochs: int = 20,
    rate: float = 0.01,
    decay: float = 1e-5,
    batch: int = 256,
    seed: int = 0,
    epoch_done: Callable[[], object] = lambda: None,
) -> MLP:
    """Return the network of ``hidden`` units that makes the correct keys most probable.

    The learning rate falls from ``rate`` to 0 with the cosine of the step. ``epoch_done`` is called
    after each epoch. O(epochs · pairs · F · hidden).
    """
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
    all_sizes = lookups.sizes
    steps, step = epochs * -(-n // batch), 0
    for _ in range(epochs):
        order = rng.permutation(n)
        for start in range(0, n, batch):
            chosen = order[start : start + batch]
            sizes = all_sizes[chosen]
            starts = np.cumsum(sizes) - sizes
            moved = starts - lookups.starts[chosen]
            rows = np.arange(sizes.sum()) - np.repeat(moved, sizes)
            correct = lookups.correct[chosen]
            correct = np.where(correct < 0, -1, correct + moved)
            gradients = _gradients(parameters, lookups.features[rows], starts, sizes, correct)
            step += 1
            speed = rate * 0.5 * (1 + np.cos(np.pi * step / steps))
            for p, g, m, v in zip(parameters, gradients, first, second, strict=True):
                g += decay * p
                m += 0.1 * (g - m)
                v += 0.001 * (g * g - v)
                p -= speed * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)
        epoch_done()
    w1, b1, w2, b2 = parameters
    return MLP(w1, b1, w2, float(b2[0]))


def fit_ensemble(
    lookups: Lookups, hidden: int, *, epochs: int, title: str, members: int = 3, **options: Any
) -> MLP:
    """Return the mean of networks fitted from several seeds, as one network of all hidden units.

    The mean of an ensemble varies less than its members (Hansen and Salamon, 1990). The members are
    fitted in parallel, each on one thread of BLAS: more only slow down matrices of this size.
    """
    with (
        bar(total=members * epochs, desc=title, unit="epoch") as progress,
        threadpool_limits(1, "blas"),
        ThreadPoolExecutor(min(thread_limit(), members)) as pool,
    ):

        def fit(seed: int) -> MLP:
            return fit_network(
                lookups, hidden, epochs=epochs, seed=seed, epoch_done=progress.update, **options
            )

        fitted = list(pool.map(fit, range(members)))
    return MLP(
        np.hstack([member.w1 for member in fitted]),
        np.concatenate([member.b1 for member in fitted]),
        (np.concatenate([member.w2 for member in fitted]) / members).astype(np.float32),
        float(np.mean([member.b2 for member in fitted])),
    )


def _gradients(
    parameters: list[Floats],
    features: Floats,
    starts: NDArray[np.intp],
    sizes: NDArray[np.intp],
    correct: NDArray[np.intp],
) -> list[Floats]:
    w1, b1, w2, b2 = parameters
    hidden = np.tanh(features @ w1 + b1)
    logits = hidden @ w2 + b2[0]
    error = _probabilities(logits, starts, sizes)
    error[correct[correct >= 0]] -= 1
    error /= len(starts)
    back = (error[:, None] * w2) * (1 - hidden * hidden)
    return [features.T @ back, back.sum(axis=0), hidden.T @ error, error.sum(keepdims=True)]


def _probabilities(logits: Floats, starts: NDArray[np.intp], sizes: NDArray[np.intp]) -> Floats:
    """Return the softmax of each lookup's logits with the null key's, which is 0: [pairs]."""
    top = np.maximum(np.maximum.reduceat(logits, starts), 0)
    powers = np.exp(logits - np.repeat(top, sizes))
    totals = np.add.reduceat(powers, starts) + np.exp(-top)
    result: Floats = powers / np.repeat(totals, sizes)
    return result


def _key_probabilities(network: MLP, lookups: Lookups) -> Floats:
    return _probabilities(network(lookups.features), lookups.starts, lookups.sizes)


def loss(network: MLP, lookups: Lookups) -> float:
    """Return the mean cross-entropy of the lookups, in nats."""
    probabilities = _key_probabilities(network, lookups)
    null = 1 - np.add.reduceat(probabilities, lookups.starts)
    correct = np.where(lookups.correct < 0, null, probabilities[np.maximum(lookups.correct, 0)])
    return float(-np.log(np.maximum(correct, 1e-9)).mean())


def answered(network: MLP, lookups: Lookups, cutoff: float) -> tuple[float, float]:
    """Return the shares of lookups that a cutoff answers correctly, or misses rightly, and wrongly.

    The rest misses a key that is there.
    """
    probabilities = _key_probabilities(network, lookups)
    best = np.maximum.reduceat(probabilities, lookups.starts)
    hit = (lookups.correct >= 0) & (probabilities[np.maximum(lookups.correct, 0)] == best)
    found = best >= cutoff
    correct = np.where(found, hit, lookups.correct < 0)
    return float(correct.mean()), float((found & ~hit).mean())


def choose_cutoff(network: MLP, lookups: Lookups, wrong: float) -> float:
    """Return the lowest cutoff at which at most a share ``wrong`` of all lookups returns a wrong
    key, rounded up to two digits."""
    probabilities = _key_probabilities(network, lookups)
    best = np.maximum.reduceat(probabilities, lookups.starts)
    hit = (lookups.correct >= 0) & (probabilities[np.maximum(lookups.correct, 0)] == best)
    order = np.argsort(-best, kind="stable")
    mistakes = np.cumsum(~hit[order]) / len(order)
    answered = int(np.searchsorted(mistakes, wrong, side="right"))
    return math.ceil(100 * float(best[order][min(answered, len(order) - 1)])) / 100
