"""Two small regressions: softmax over many features by L-BFGS, and over few by Newton's method."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from fuzzydict.forking import matrix_product

__all__ = ["conditional_logit", "softmax_regression"]

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Places = NDArray[np.intp]

_MEMORY = 8  # steps that L-BFGS remembers
_HALVINGS = 12  # of a step that does not go down
_TOLERANCE = 1e-5  # of the loss, relative
_NEWTON_STEPS = 30


def softmax_regression(
    features: Floats,
    right: Places,
    classes: int,
    decay: float,
    *,
    start: Floats | None = None,
    steps: int = 50,
    step: Callable[[int], object] = lambda steps: None,
) -> Floats:
    """Return the weights [m, classes] that make the right class of each row most probable.

    Minimises the cross-entropy, summed over the rows, and ``decay`` / 2 times the sum of squared
    weights, by L-BFGS (Liu and Nocedal, 1989).

    Args:
        features: [n, m].
        right: The class of each row, [n].
        classes: The number of classes.
        decay: The strength of the penalty.
        start: Weights to start from, by default zero.
        steps: The most steps; each is O(n · m · classes).
        step: Called after each step.
    """
    each = np.arange(len(features))

    def loss(weights: Floats) -> tuple[float, Floats]:
        """Return the loss and its gradient."""
        logits: Floats = matrix_product(features, weights)
        logits -= logits.max(axis=1, keepdims=True)
        chosen = logits[each, right]
        shares = np.exp(logits, out=logits)
        total = shares.sum(axis=1, keepdims=True)
        value = float((np.log(total[:, 0]) - chosen).sum())
        shares /= total
        shares[each, right] -= 1
        value += decay / 2 * float(np.vdot(weights, weights))
        return value, matrix_product(features.T, shares) + np.float32(decay) * weights

    weights = np.zeros((features.shape[1], classes), np.float32) if start is None else start
    value, gradient = loss(weights)
    history: list[tuple[Floats, Floats, float]] = []  # changes of weights and gradient
    for _ in range(steps):
        direction = _direction(gradient, history)
        slope, size = float(np.vdot(gradient, direction)), 1.0
        for _ in range(_HALVINGS):
            moved = weights + np.float32(size) * direction
            new_value, new_gradient = loss(moved)
            if new_value <= value + 1e-4 * size * slope:
                break
            size /= 2
        else:
            break
        step(1)
        change, turn = moved - weights, new_gradient - gradient
        product = float(np.vdot(change, turn))
        if product > 0:
            history = [*history[1 - _MEMORY :], (change, turn, product)]
        gain = value - new_value
        weights, value, gradient = moved, new_value, new_gradient
        if gain < _TOLERANCE * value:
            break
    return weights


def _direction(gradient: Floats, history: list[tuple[Floats, Floats, float]]) -> Floats:
    """Return the direction of a step: the gradient, by the curvature that the last steps showed."""
    direction = -gradient
    if not history:
        return direction / np.float32(max(float(np.sqrt(np.vdot(gradient, gradient))), 1e-9))
    parts = []
    for change, turn, product in reversed(history):
        parts.append(float(np.vdot(change, direction)) / product)
        direction -= np.float32(parts[-1]) * turn
    _, turn, product = history[-1]
    direction *= np.float32(product / float(np.vdot(turn, turn)))
    for (change, turn, product), part in zip(history, reversed(parts), strict=True):
        direction += np.float32(part - float(np.vdot(turn, direction)) / product) * change
    return direction


def conditional_logit(
    inputs: Doubles,
    offsets: Doubles,
    right: Places,
    weights: Doubles,
    start: Doubles,
    precision: Doubles,
) -> Doubles:
    """Return the coefficients [p] that make the right alternative of each row most probable.

    An alternative has the logit ``offsets + inputs · coefficients`` (McFadden, 1974); the last one
    of each row is no match, of logit 0. The penalty ``precision`` / 2 · (coefficients - start)²
    lets few rows change little. Newton's method; the likelihood is concave. O(n · c · p²) a step.

    Args:
        inputs: [n, c, p].
        offsets: [n, c], -inf for an alternative that is impossible.
        right: The right alternative of each row, [n]; c is no match.
        weights: How much each row counts, [n].
        start: The coefficients without any rows, [p].
        precision: [p].
    """
    n = len(inputs)
    inputs = np.concatenate([inputs, np.zeros((n, 1, len(start)))], axis=1)
    offsets = np.concatenate([offsets, np.zeros((n, 1))], axis=1)
    observed = inputs[np.arange(n), right]

    def loss(coefficients: Doubles) -> tuple[float, Doubles]:
        """Return the loss, and the probabilities of the alternatives."""
        logits = offsets + inputs @ coefficients
        logits -= logits.max(axis=1, keepdims=True)
        shares = np.exp(logits)
        total = shares.sum(axis=1)
        missed = np.log(total) - logits[np.arange(n), right]
        penalty = float(precision @ (coefficients - start) ** 2) / 2
        return float(weights @ missed) + penalty, shares / total[:, None]

    result = start.copy()
    value, shares = loss(result)
    for _ in range(_NEWTON_STEPS):
        mean = np.einsum("nc,ncp->np", shares, inputs)
        gradient = weights @ (observed - mean) - precision * (result - start)
        spread = (shares * weights[:, None])[..., None] * inputs
        curvature = np.tensordot(spread, inputs, ((0, 1), (0, 1)))
        curvature -= (mean * weights[:, None]).T @ mean
        change = np.linalg.solve(curvature + np.diag(precision), gradient)
        for _ in range(_HALVINGS):
            new_value, new_shares = loss(result + change)
            if new_value <= value:
                break
            change /= 2
        else:
            break
        gain = value - new_value
        result, value, shares = result + change, new_value, new_shares
        if gain < _TOLERANCE * value:
            break
    return result
