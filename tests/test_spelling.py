"""How words are written: vectors, similarities and short forms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzzydict.text import spelling
from fuzzydict.text.abbreviation import abbreviation, contraction
from fuzzydict.text.spelling import DIMENSION, encode, ratios, similarities

WORDS = st.text("abcdefgh é1", max_size=12)


@given(st.lists(WORDS, max_size=6))
def test_a_vector_is_of_unit_length_or_zero(texts):
    rows = encode(texts)
    assert rows.shape == (len(texts), DIMENSION)
    assert rows.dtype == np.float32
    lengths = np.linalg.norm(rows, axis=1)
    assert all(length == 0 or length == pytest.approx(1, abs=1e-5) for length in lengths)


@given(st.lists(WORDS, min_size=1, max_size=6))
def test_the_vector_of_a_text_does_not_depend_on_its_company(texts):
    together = encode(texts)
    alone = np.vstack([encode([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-6)


@given(st.text(st.characters(exclude_characters="\2\3"), max_size=80))
def test_a_text_alone_has_the_very_vector_that_it_has_among_others(text):
    np.testing.assert_array_equal(encode([text])[0], encode([text, "", text])[2])


def test_many_texts_are_encoded_in_chunks(monkeypatch):
    texts = ["color", "", "price", "size", "weight"]
    whole = encode(texts)
    monkeypatch.setattr(spelling, "_CHUNK", 2)
    np.testing.assert_array_equal(encode(texts), whole)


@pytest.mark.parametrize(
    ("word", "near", "far"),
    [
        ("receive", "recieve", "table"),
        ("color", "colour", "price"),
        ("connection", "conection", "revenue"),
        ("battery", "batterys", "speed"),
    ],
)
def test_what_is_written_alike_is_near(word, near, far):
    a, b, c = encode([word, near, far])
    assert a @ b > 0.4
    assert a @ b > a @ c + 0.2


def test_the_ends_of_a_word_and_its_order_count():
    word, reversed_, itself = encode(["abcdef", "fedcba", "abcdef"])
    assert word @ reversed_ < 0.9
    assert word @ itself == pytest.approx(1)


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


def test_the_first_similarity_is_to_be_had_alone():
    keys = ["colour", "", "k" * 100, "zzz"]
    np.testing.assert_array_equal(ratios("color", keys), similarities("color", keys)[0])


def test_a_swap_of_neighbours_is_one_edit():
    _, edits, _ = similarities("recieve", ["receive"])
    assert edits[0] == pytest.approx(1 - 1 / 7)


def test_no_keys_have_no_similarities():
    assert similarities("a", []).shape == (3, 0)
    assert ratios("a", []).shape == (0,)


@pytest.mark.parametrize(
    ("short", "long"),
    [
        *(("addr", "address"), ("qty", "quantity"), ("num", "number"), ("msg", "message")),
        *(("temp", "temperature"), ("cfg", "config"), ("amt", "amount"), ("dept", "department")),
        *(("infrmtn", "information"), ("mgr", "manager")),
    ],
)
def test_short_forms_look_like_it(short, long):
    assert abbreviation(short, long) > 0.3
    assert abbreviation(long, short) == 0


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("cat", "dog"),
        ("a", "address"),
        ("", "x"),
        ("color", "color"),
        ("xyz", "quantity"),
        ("qy", ""),
    ],
)
def test_other_words_are_no_short_forms(short, long):
    assert abbreviation(short, long) == 0


@given(WORDS, WORDS)
def test_how_much_a_word_looks_like_a_short_form_is_a_share(short, long):
    assert 0 <= abbreviation(short, long) <= 1


@pytest.mark.parametrize(
    ("short", "long"),
    [
        *(
            ("dob", "date of birth"),
            ("eta", "estimated time of arrival"),
            ("ssn", "social security number"),
        ),
        *(("prmtst", "permit status"), ("id", "identity document"), ("fname", "first name")),
    ],
)
def test_first_letters_contract_words(short, long):
    assert contraction(short, long.split()) >= 0.5


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("dob", "date of death"),
        ("dob", "birth date of"),
        ("xy", "first name"),
        ("d", "date of"),
        ("", "a b"),
    ],
)
def test_other_letters_contract_nothing(short, long):
    assert contraction(short, long.split()) == 0


def test_little_words_may_be_left_out_of_a_contraction():
    assert contraction("db", ["date", "of", "birth"]) == 1
    assert contraction("dob", ["date", "of", "birth"]) == 1


@given(WORDS, st.lists(st.text("abc", min_size=1, max_size=4), max_size=4))
def test_how_well_letters_contract_words_is_a_share(short, long):
    assert contraction(short, long) == 0 or 0.5 <= contraction(short, long) <= 1
