"""Other names of the same thing, names of different things, and slips of the finger."""

import numpy as np
import pytest

from fuzzydict import FuzzyDict
from fuzzydict.ranking.guards import DEFAULT, names_differ
from fuzzydict.text.aliases import renamed
from fuzzydict.text.names import are_different_names
from fuzzydict.text.slips import edits, slip
from fuzzydict.text.tokens import words
from fuzzydict.text.word_order import head_place


@pytest.mark.parametrize(
    ("query", "key"),
    [
        ("Swaziland", "Eswatini"),
        ("South Korea", "Korea, Republic of"),
        ("Bob Miller", "Robert Miller"),
        ("D.C.", "District of Columbia"),
        ("kW", "kilowatt"),
        ("µg", "microgram"),
        ("MIT License", "MIT"),
        ("acetaminophen", "paracetamol"),
        ("water", "H2O"),
        ("golang", "Go"),
        ("C#", "csharp"),
        ("second quarter", "Q2"),
        ("π", "pi"),
    ],
)
def test_another_name_finds_the_key(query, key):
    others = ["opening hours", "Denmark", "Anna Lopez", "millimetre", "Rust", "caffeine"]
    d = FuzzyDict({key: 1, **dict.fromkeys(others, 0)})
    assert d[query] == 1


@pytest.mark.parametrize(
    ("query", "key"),
    [
        ("cello concerto", "violin concerto"),
        ("quarterly revenue", "annual revenue"),
        ("night shift", "evening shift"),
        ("basketball shoes", "football shoes"),
        ("sister's name", "daughter's name"),
        ("java developer", "javascript developer"),
        ("postgres password", "mysql password"),
        ("rifle", "shotgun"),
        ("barometer reading", "thermometer reading"),
        ("ruby ring", "sapphire rings"),
    ],
)
def test_things_of_a_kind_are_no_names_of_each_other(query, key):
    d = FuzzyDict({key: 1, "opening hours": 2, "zip code": 3})
    assert query not in d
    assert "names_differ" in str(d.explain(query))


def test_a_kind_of_a_thing_is_no_other_thing():
    assert not are_different_names(("bass", "guitar"), ("guitar",))
    assert not are_different_names(("dollar",), ("us", "dollar"))
    assert are_different_names(("bass", "guitar"), ("violin",))


@pytest.mark.parametrize(
    ("query", "key", "other"),
    [("404", "Not Found", "Forbidden"), ("M", "medium", "large"), ("M", "male", "female")],
)
def test_a_code_that_is_a_whole_text_finds_what_it_stands_for(query, key, other):
    assert FuzzyDict({key: 1, other: 2})[query] == 1


def test_a_name_is_replaced_only_by_names_whose_words_are_used():
    used = {"robert", "smith", "korea", "republic", "of"}
    assert renamed(words("Bob Smith"), used.__contains__) == [("robert", "smith")]
    assert ("korea", "republic", "of") in renamed(words("South Korea"), used.__contains__)
    assert renamed(words("Bob Smith"), {"smith"}.__contains__) == []
    assert renamed((), used.__contains__) == []


def test_common_words_are_names_only_as_whole_texts():
    assert ("canada",) in renamed(("can",), {"canada"}.__contains__)
    assert renamed(("can", "opener"), {"canada", "opener"}.__contains__) == []


def test_not_too_many_texts_are_tried():
    assert len(renamed(words("USA UK UAE DRC"), lambda word: True)) == 8


def test_an_exact_key_is_not_renamed():
    d = FuzzyDict({"Bob": 1, "Robert": 2})
    assert (d["Bob"], d["Robert"], d["bob"]) == (1, 2, 1)


@pytest.mark.parametrize("name", ["names_differ"])
def test_the_guard_of_names_is_on_by_default_and_explained(name):
    assert names_differ in DEFAULT
    d = FuzzyDict({"Latvia": 1, "Finland": 2}, cutoff=0.0)
    assert "Latvia" not in [match.key for match in d.matches("Estonia")]
    assert name in str(d.explain("Estonia"))


def test_names_of_one_thing_do_not_differ():
    assert not are_different_names(("burma",), ("myanmar",))
    assert not are_different_names(("maldives",), ("maldive",))
    assert not are_different_names((), ("latvia",))


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("recieve", "receive", 1.0),
        ("adress", "address", 1.0),
        ("hpuse", "house", 1.0),
        ("seperate", "separate", 1.0),
        ("kat", "cat", 1.0),
        ("dta", "data", 0.5),
        ("tests", "test", 0.5),
        ("methanol", "ethanol", 0.0),
        ("KPS", "HPS", 0.0),
    ],
)
def test_some_edits_are_more_likely_errors_than_others(one, other, expected):
    assert edits(one, other) == 1
    assert slip(one, other) == slip(other, one) == expected


@pytest.mark.parametrize(
    ("text", "head"),
    [("phone case", "case"), ("date of birth", "date"), ("price", "price"), ("to do", "do")],
)
def test_the_head_is_what_a_phrase_names(text, head):
    split = words(text)
    assert split[head_place(split)] == head


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("C++", ("c", "plus", "plus")),
        ("C#", ("c", "sharp")),
        ("UTC+8", ("utc", "plus", "8")),
        ("ctrl+c", ("ctrl", "c")),
        ("+44 20", ("44", "20")),
        ("U.S. dollar", ("us", "dollar")),
        ("a.b.example", ("a", "b", "example")),
        ("gain −3", ("gain", "-3")),
        ("é.á. x", ("ea", "x")),
    ],
)
def test_marks_that_mean_something_are_words(text, expected):
    assert words(text) == expected


def test_forms_of_a_word_do_not_share_its_probability():
    d = FuzzyDict({"analyze": 1, "analyzes": 2, "analyzed": 3, "summary": 4})
    best = d.match("analyse")
    assert best.key == "analyze"
    assert best.score > 0.9


def test_the_word_of_another_key_makes_a_difference():
    keys = ["user_created", "user_deleted", "order_created", "order_shipped", "user_updated"]
    d = FuzzyDict({key: i for i, key in enumerate(keys)})
    assert d.match("order_deleted") is None
    assert d["userDeleted"] == 1


def test_the_prior_shifts_scores_by_the_rule_of_bayes():
    keys = {"color": 1, "price": 2}
    usual, rare = FuzzyDict(keys), FuzzyDict(keys, prior=0.1)
    for query in ("colr", "cost"):
        score = usual.match(query, cutoff=0.0).score
        lower = rare.match(query, cutoff=0.0).score
        assert lower < score
        assert usual.match(query, cutoff=0.0, prior=0.1).score == pytest.approx(lower, abs=1e-6)
        assert usual.matches(query, cutoff=0.0, prior=0.1)[0].score == pytest.approx(
            lower, abs=1e-6
        )
        (batch,) = usual.match_many([query], cutoff=0.0, prior=0.1)
        assert batch.score == pytest.approx(lower, abs=1e-5)
        assert usual.match(query, cutoff=0.0, prior=0.6).score == pytest.approx(score, abs=1e-6)
    assert np.isclose(FuzzyDict(keys, prior=0.1).match("color").score, 1.0)


@pytest.mark.parametrize("prior", [0, 1, -0.1, 1.5, float("nan")])
def test_a_prior_is_a_probability_that_is_not_certain(prior):
    with pytest.raises(ValueError, match="prior must be a number between 0 and 1"):
        FuzzyDict(prior=prior)
    with pytest.raises(ValueError, match="prior must be"):
        FuzzyDict(color=1).match("colr", prior=prior)


def test_a_prior_of_another_type_is_refused():
    with pytest.raises(TypeError, match="prior must be a number"):
        FuzzyDict(prior="high")


def test_the_prior_survives_copies_and_files(tmp_path):
    d = FuzzyDict({"color": 1, "price": 2}, prior=0.1)
    expected = d.match("cost", cutoff=0.0).score
    d.save(tmp_path / "d.fuzzydict")
    for other in (d.copy(), FuzzyDict.load(tmp_path / "d.fuzzydict")):
        assert other.match("cost", cutoff=0.0).score == pytest.approx(expected)
