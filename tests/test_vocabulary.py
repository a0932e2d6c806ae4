"""What a vocabulary knows about words."""

import numpy as np

from fuzzydict.model.vocabulary import WithoutVectors, WordArrays
from fuzzydict.model.word_embedder import WordEmbedder

VOCABULARY = WordEmbedder(["fast", "top speed", "the"], np.eye(3), counts=[5, 5, 500])


def test_without_vectors_only_weights_are_left():
    plain = WithoutVectors(VOCABULARY)
    for word in ("fast", "the", "qqqq"):
        found, expected = plain.look_up(word), VOCABULARY.look_up(word)
        assert not found.vector.any()
        assert found.confidence == 0
        assert (found.weight, found.density) == (expected.weight, expected.density)
    many = plain.look_up(["fast", "the"])
    assert not many.vectors.any()
    assert not many.confidence.any()
    assert many.weight.tolist() == VOCABULARY.look_up(["fast", "the"]).weight.tolist()


def test_without_vectors_there_are_no_phrases():
    assert VOCABULARY.phrases(("top", "speed")) == [(0, 2)]
    assert WithoutVectors(VOCABULARY).phrases(("top", "speed")) == []


def test_arrays_of_no_words_have_the_dimension():
    found = WordArrays.of([], 3)
    assert found.vectors.shape == (0, 3)
    assert found.weight.shape == found.confidence.shape == found.density.shape == (0,)
