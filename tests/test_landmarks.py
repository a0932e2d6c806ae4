"""Features of texts: their similarities to landmarks."""

import numpy as np

from fuzzydict.learning.landmarks import Landmarks
from fuzzydict.ranking.projection import Texts

WORDS = [("late", "parcel"), ("late", "box"), ("money", "back"), ("refund", "my", "money")]


def texts(words=WORDS, width=6):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(len(words), width)).astype(np.float32)
    return Texts(words, rows / np.linalg.norm(rows, axis=1, keepdims=True))


def test_dot_products_of_coordinates_are_similarities():
    some = texts()
    found = Landmarks(some, np.arange(4), 0.5).coordinates(some)
    products = found @ found.T
    np.testing.assert_allclose(np.diag(products), 1.5, atol=0.01)
    cosines = some.meanings @ some.meanings.T
    assert (products - cosines)[0, 1] > 0.05  # a word in common
    np.testing.assert_allclose((products - cosines)[0, 2], 0, atol=0.01)


def test_a_part_of_the_texts_describes_all():
    some = texts()
    found = Landmarks(some, np.array([0, 2]), 0.5).coordinates(some)
    assert found.shape == (4, 2)
    np.testing.assert_allclose(
        (found @ found.T)[0, 2], some.meanings[0] @ some.meanings[2], atol=0.01
    )


def test_a_projection_gives_what_weights_of_coordinates_do():
    some, steps = texts(), []
    landmarks = Landmarks(some, np.arange(3), 0.5)
    weights = np.random.default_rng(1).normal(size=(3, 2)).astype(np.float32)
    expected = landmarks.coordinates(some, steps.append) @ weights
    projection = landmarks.projection(weights)
    assert projection.shape == (6 + len(landmarks.grams), 2)
    found = some.meanings @ projection[:6]
    for row, words in zip(found, some.words, strict=True):
        places, weight = landmarks.known(words)
        row += weight @ projection[6 + places]
    np.testing.assert_allclose(found, expected, atol=1e-3)
    assert sum(steps) == 4
