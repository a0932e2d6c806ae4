"""The regressions of a fit, against minima that are known."""

import numpy as np
import pytest
from scipy.optimize import minimize

from fuzzydict.attention import softmax
from fuzzydict.learning.regression import conditional_logit, softmax_regression

DECAY = 0.5


def rows(n=40, width=5, classes=4, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, width)).astype(np.float32), rng.integers(classes, size=n)


def loss(weights, features, right):
    shares = softmax(features @ weights)
    fit = -np.log(shares[np.arange(len(right)), right]).sum()
    return fit + DECAY / 2 * (weights**2).sum()


def test_a_regression_finds_the_minimum():
    features, right = rows()
    found = softmax_regression(features, right, 4, DECAY)
    expected = minimize(lambda w: loss(w.reshape(5, 4), features, right), np.zeros(20))
    assert loss(found, features, right) == pytest.approx(expected.fun, rel=1e-3)


def test_a_regression_goes_on_from_where_another_one_ended():
    features, right = rows()
    first, again = [], []
    found = softmax_regression(features, right, 4, DECAY, step=first.append)
    same = softmax_regression(features, right, 4, DECAY, start=found, step=again.append)
    assert len(again) < len(first) / 2
    np.testing.assert_allclose(same, found, atol=0.05)


def test_a_minimum_is_not_left():
    features = np.zeros((4, 2), np.float32)
    found = softmax_regression(features, np.array([0, 1, 0, 1]), 2, DECAY)
    np.testing.assert_array_equal(found, 0)


@pytest.mark.parametrize("far", [0.0, -8.0])
def test_coefficients_are_those_of_the_least_penalised_loss(far):
    rng = np.random.default_rng(1)
    inputs = rng.normal(far, 1, size=(30, 3, 2))
    offsets = rng.normal(size=(30, 3))
    offsets[:, 2] = -np.inf
    right = rng.choice([0, 1, 3], size=30)
    weights, start, precision = rng.random(30), np.array([1.0, 0.0]), np.array([4.0, 1.0])

    def penalised(coefficients):
        logits = np.hstack([offsets + inputs @ coefficients, np.zeros((30, 1))])
        chosen = softmax(logits.astype(np.float64))[np.arange(30), right]
        change = coefficients - start
        return float(-weights @ np.log(chosen) + precision @ change**2 / 2)

    found = conditional_logit(inputs, offsets, right, weights, start, precision)
    assert penalised(found) == pytest.approx(minimize(penalised, start).fun, rel=1e-3)


def test_without_rows_nothing_changes():
    start = np.array([1.0, 0.0])
    empty = np.zeros((0, 3, 2)), np.zeros((0, 3)), np.zeros(0, np.intp), np.zeros(0)
    np.testing.assert_array_equal(conditional_logit(*empty, start, np.ones(2)), start)
