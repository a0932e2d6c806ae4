"""Abbreviations of a word and contractions of several words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzzydict.text.abbreviation import abbreviation, contraction

WORDS = st.text("abcdefgh é1", max_size=12)


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


@pytest.mark.parametrize(
    ("short", "long", "expected"),
    [
        ("addr", "address", 1.0),  # a prefix
        ("infrmtn", "information", 1.0),  # all consonants
        ("mssg", "messaging", 0.9),  # a prefix of the consonants
        ("mngr", "management", 0.0),
        ("cmptr", "computer", 1.0),
        ("envirn", "environment", 0.0),  # too long for a prefix
        ("qty", "quantity", 0.8),  # consonants in order, with the last letter
        ("tme", "temperature", 0.6),  # letters in order, with the last letter
        ("mne", "maintenance", 0.6),
        ("dpa", "department", 0.4),  # letters in order
    ],
)
def test_the_more_regular_a_short_form_the_higher_its_value(short, long, expected):
    assert abbreviation(short, long) == expected


@given(WORDS, WORDS)
def test_abbreviation_is_between_0_and_1(short, long):
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


def test_small_words_may_be_left_out_of_a_contraction():
    assert contraction("db", ["date", "of", "birth"]) == 1
    assert contraction("dob", ["date", "of", "birth"]) == 1


@given(WORDS, st.lists(st.text("abc", min_size=1, max_size=4), max_size=4))
def test_contraction_is_0_or_at_least_a_half(short, long):
    assert contraction(short, long) == 0 or 0.5 <= contraction(short, long) <= 1
