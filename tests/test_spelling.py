"""Spelling vectors and similarities."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzzydict.text.spelling import DIMENSION, encode, projection, ratios, similarities

WORDS = st.text("abcdefgh é1", max_size=12)
FIRST_SIGNS = [[-1, 1, -1, -1, -1, 1, -1, 1], [1, 1, 1, -1, -1, -1, -1, -1]]


@given(st.lists(WORDS, max_size=6))
def test_a_vector_is_of_unit_length_or_zero(texts):
    rows = encode(texts)
    assert rows.shape == (len(texts), DIMENSION)
    assert rows.dtype == np.float32
    lengths = np.linalg.norm(rows, axis=1)
    assert all(length == 0 or length == pytest.approx(1, abs=1e-5) for length in lengths)


@given(st.text(st.characters(exclude_characters="\2\3"), max_size=80))
def test_the_vector_of_a_text_does_not_depend_on_other_texts(text):
    np.testing.assert_array_equal(encode([text])[0], encode([text, "", text])[2])


@pytest.mark.parametrize(
    ("word", "near", "far"),
    [
        ("receive", "recieve", "table"),
        ("color", "colour", "price"),
        ("connection", "conection", "revenue"),
        ("battery", "batterys", "speed"),
    ],
)
def test_similar_spellings_have_similar_vectors(word, near, far):
    a, b, c = encode([word, near, far])
    assert a @ b > 0.4
    assert a @ b > a @ c + 0.2


def test_the_ends_of_a_word_and_its_order_count():
    word, reversed_, itself = encode(["abcdef", "fedcba", "abcdef"])
    assert word @ reversed_ < 0.9
    assert word @ itself == pytest.approx(1)


def test_the_projection_is_the_same_on_every_machine():
    signs = projection()
    assert signs.shape == (1024, DIMENSION)
    assert signs.dtype == np.int8
    assert signs[:2, :8].tolist() == FIRST_SIGNS


def test_any_characters_are_encoded():
    rows = encode(["\ud800", "😀", "颜色", "x" * 5000])
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_similarities_are_three_for_each_key():
    result = similarities("color", ["colour", "color", "zzz"])
    assert result.shape == (3, 3)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result[:, 1], 1)
    np.testing.assert_array_equal(result[:, 2], 0)
    assert ((result >= 0) & (result <= 1)).all()
    assert (result[:, 0] > similarities("price", ["colour"])[:, 0]).all()


def test_ratios_are_the_first_similarity():
    keys = ["colour", "", "k" * 100, "zzz"]
    np.testing.assert_array_equal(ratios("color", keys), similarities("color", keys)[0])


def test_a_transposition_is_one_edit():
    _, edits, _ = similarities("recieve", ["receive"])
    assert edits[0] == pytest.approx(1 - 1 / 7)


def test_no_keys_have_no_similarities():
    assert similarities("a", []).shape == (3, 0)
    assert ratios("a", []).shape == (0,)
