"""Base forms of words, British and American spellings."""

import pytest

from fuzzydict.text.inflection import bases, regular_bases, spelling_variant


@pytest.mark.parametrize(
    ("word", "base"),
    [
        ("colors", "color"),
        ("batteries", "battery"),
        ("boxes", "box"),
        ("knives", "knif"),
        ("stopped", "stop"),
        ("making", "make"),
        ("faster", "fast"),
        ("happiest", "happy"),
        ("quickly", "quick"),
    ],
)
def test_regular_endings_lead_to_the_base(word, base):
    assert base in list(regular_bases(word))
    assert base in bases(word)


@pytest.mark.parametrize(
    ("word", "base"), [("feet", "foot"), ("went", "go"), ("children", "child")]
)
def test_irregular_forms_lead_to_the_base(word, base):
    assert bases(word)[0] == base


def test_a_base_is_never_the_word_nor_a_single_letter():
    for word in ("s", "es", "ed", "ing", "as", "color", ""):
        assert all(len(base) > 1 and base != word for base in regular_bases(word))


@pytest.mark.parametrize(
    ("british", "american"),
    [
        *(
            ("colour", "color"),
            ("organise", "organize"),
            ("centre", "center"),
            ("defence", "defense"),
        ),
        *(("catalogue", "catalog"), ("travelling", "traveling"), ("programme", "program")),
        *(
            ("analyse", "analyze"),
            ("organisation", "organization"),
            ("encyclopaedia", "encyclopedia"),
        ),
    ],
)
def test_british_and_american_spellings_have_one_variant(british, american):
    assert spelling_variant(british) == spelling_variant(american)
